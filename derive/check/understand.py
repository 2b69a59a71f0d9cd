"""Reading the sides of a document in order: what its names mean, block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.check.reading import Reading, read_side, with_definition
from derive.check.web.names import Names
from derive.check.web.survey import block_names, survey

__all__ = ["Understanding"]


class Understanding:
    """What is known of the names of a document, at the block that is being read.

    Parameters
    ----------
    formulas : all formulas of the document, displayed or in the line.
    prose : the text around them.
    explicit : whether a letter is summed only where a sign says so; None leaves it to the text.
    """

    def __init__(
        self, formulas: Iterable[str], prose: str = "", explicit: bool | None = None
    ) -> None:
        names = survey(formulas, prose)
        self.names: Names = names if explicit is None else replace(names, explicit=explicit)
        self.here = self.names

    def enter(self, tex: str) -> None:
        """Go on to a block."""
        self.here = block_names(self.names, tex)

    def hear(self, left: str, right: str) -> None:
        """Take up `left = right`, which defines a function perhaps: before its sides are read."""
        self.here = with_definition(self.here, left, right)
        self.names = replace(self.names, functions=self.here.functions)

    def read(self, tex: str, free: frozenset[str] | None = None) -> list[Reading]:
        """The meanings of a side of the block, the likeliest first.

        Raises
        ------
        NotUnderstood : it has none.
        """
        return read_side(tex, self.here, free)
