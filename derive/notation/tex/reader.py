"""What the parts of the LaTeX reader share: where they are, and how to read what is inside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from derive.notation.source import Span
from derive.notation.tex.cursor import Cursor, Fragments
from derive.notation.tex.tokens import Tokens

__all__ = ["Range", "Reader"]


@dataclass(frozen=True)
class Range:
    """An index letter with the size that the limits of a sum give it."""

    letter: str
    size: str | int
    span: Span


class Reader(ABC):
    """Rewrites tokens; what is in braces goes to another one."""

    def __init__(self, tokens: Tokens, ranges: list[Range]) -> None:
        self.cursor = Cursor(tokens)
        self.ranges = ranges
        self.items: list[Fragments] = []
        # Where a name without indices ends: a bracket there would be its argument.
        self.name_end = -1
        # Whether `for` stands before, so that a name follows and no formula.
        self.named = False

    @abstractmethod
    def item(self) -> Fragments:
        """The next name, number, sign, or command with its arguments."""

    def everything(self) -> Fragments:
        """All items up to the end."""
        while self.cursor.peek() is not None:
            self.items.append(self.item())
        return [fragment for item in self.items for fragment in item]

    def inside(self, tokens: Tokens) -> Fragments:
        """What the tokens of a group become."""
        return type(self)(tokens, self.ranges).everything()

    def among(self, cursor: Cursor) -> Reader:
        """A reader at the place of a cursor."""
        reader = type(self)(cursor.tokens, self.ranges)
        reader.cursor.position = cursor.position
        return reader
