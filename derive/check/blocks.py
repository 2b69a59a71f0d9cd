"""What reading a document yields: blocks of mathematics, each character with its place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Block", "Document", "Hint", "Note", "Place", "Source"]


@dataclass(frozen=True, order=True)
class Place:
    """Line and column, both from 1; in a notebook they count within the cell, also from 1."""

    file: str
    line: int
    column: int
    cell: int | None = None

    def __str__(self) -> str:
        cell = "" if self.cell is None else f"cell {self.cell}:"
        return f"{self.file}:{cell}{self.line}:{self.column}"


class Source:
    """The text of a file, or of one cell of a notebook, with its lines."""

    def __init__(self, text: str, file: str, cell: int | None = None) -> None:
        self.text = text
        self.file = file
        self.cell = cell
        self._starts = [0]
        start = text.find("\n") + 1
        while start:
            self._starts.append(start)
            start = text.find("\n", start) + 1

    def place(self, offset: int) -> Place:
        """The place of an offset of the text."""
        line = bisect_right(self._starts, offset)
        return Place(self.file, line, offset - self._starts[line - 1] + 1, self.cell)

    def line(self, number: int) -> str:
        """A line, counted from 1, without its end."""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end]


@dataclass(frozen=True)
class Block:
    """One piece of mathematics of a document.

    tex : what stands between the delimiters; where an environment is the delimiter, with it.
        What is not mathematics (comments, the `>` of a quote) is blanked and the author's macros
        are written out.
    where : for each character of `tex`, and for its end, the offset in the source; what a macro
        stands for has the offset of the macro.
    form : what delimits it: `$$`, `\\[`, `align*`, `math` for a fence, ...
    section : the headings it stands under, outermost first.
    before : the prose before it, with its inline mathematics, back to the previous display or
        heading; of an inline block, at most the last 300 characters.
    after : of a display, the prose after it, up to the next display or heading.
    label : the name it can be referred to by, where the document gives one beside the block.
    error : why it cannot be read (never closed, ...), or an empty string.
    """

    kind: Literal["display", "inline"]
    tex: str
    source: Source = field(repr=False, compare=False)
    where: Sequence[int] = field(repr=False, compare=False)
    form: str = "$$"
    section: tuple[str, ...] = ()
    before: str = field(default="", repr=False)
    after: str = field(default="", repr=False)
    label: str = ""
    error: str = ""

    @property
    def place(self) -> Place:
        """The place of the first character of `tex` that is no space."""
        return self.place_of(len(self.tex) - len(self.tex.lstrip()))

    def place_of(self, offset: int) -> Place:
        """The place in the file of an offset of `tex`, whose end has one too."""
        return self.source.place(self.where[min(offset, len(self.where) - 1)])

    def line_of(self, offset: int) -> str:
        """The line of the file that holds an offset of `tex`, as the author wrote it."""
        return self.source.line(self.place_of(offset).line)

    @classmethod
    def of(cls, tex: str, file: str = "<text>") -> Block:
        """A display block that is a text of its own, as tests and `derive equal` have them."""
        return cls("display", tex, Source(tex, file), range(len(tex) + 1))


@dataclass(frozen=True)
class Hint:
    """What a comment tells this program: `<!-- derive: no sum over i -->`, `% derive: ...`.

    `blocks` counts the blocks of the document that stand before it.
    """

    text: str
    place: Place
    blocks: int


@dataclass(frozen=True)
class Note:
    """Something about the file that its reader should know, such as a part that was not read."""

    text: str
    place: Place


@dataclass(frozen=True)
class Document:
    """All mathematics of a file in order, the comments meant for us, and remarks about the file."""

    file: str
    blocks: tuple[Block, ...]
    hints: tuple[Hint, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def displays(self) -> tuple[Block, ...]:
        """The display blocks, each of which a report has one entry for."""
        return tuple(block for block in self.blocks if block.kind == "display")
