"""Reading the sides of a document in order: what its names mean, block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.check.reading import Reading, read_side, with_definition
from derive.check.web.names import Function, Names
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
        self._section: tuple[str, ...] = ()
        self._early: dict[tuple[str, ...], dict[str, Function]] = {}
        self._heard: dict[tuple[str, ...], dict[str, Function]] = {}

    def expect(self, tex: str, section: tuple[str, ...], left: str, right: str) -> None:
        """Hear a function before its turn: a text may say what it is behind its first use."""
        early = self._early.setdefault(section, {})
        names = replace(block_names(self.names, tex), functions=early)
        self._early[section] = dict(with_definition(names, left, right).functions)

    def enter(self, tex: str, section: tuple[str, ...] = ()) -> None:
        """Go on to a block; functions are those of its section, or else the last ones before."""
        self._section = section
        elsewhere = (self._early, self._heard)
        known = {name: f for each in elsewhere for own in each.values() for name, f in own.items()}
        known |= self._early.get(section, {}) | self._heard.get(section, {})
        self.here = replace(block_names(self.names, tex), functions=known)

    def hear(self, left: str, right: str) -> bool:
        """Take up `left = right` before its sides are read; whether it defines a function."""
        heard = self._heard.setdefault(self._section, {})
        new = with_definition(replace(self.here, functions=heard), left, right).functions
        is_new = len(new) > len(heard)
        self._heard[self._section] = dict(new)
        self.here = replace(self.here, functions={**self.here.functions, **new})
        return is_new

    def read(self, tex: str, free: frozenset[str] | None = None) -> list[Reading]:
        """The meanings of a side of the block, the likeliest first.

        Raises
        ------
        NotUnderstood : it has none.
        """
        return read_side(tex, self.here, free)
