"""Gathers what a scanner of a document finds, and gives each block its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from derive.check.blocks import Block, Hint, Note, Source

__all__ = ["Collector", "Found"]

# Of the text before an inline block so much is kept: all of it would be quadratic.
WINDOW = 300


@dataclass(frozen=True)
class Found:
    """A stretch `start:end` of the scanned text that is mathematics."""

    kind: Literal["display", "inline"]
    start: int
    end: int
    form: str
    label: str = ""
    error: str = ""


class Collector:
    """Blocks, hints and notes of a document, in the order in which they are found.

    `text` is what is being scanned, and `where` gives for each of its characters, and for its
    end, the offset in the source; a notebook has one of each for a cell.
    """

    def __init__(self, source: Source, text: str, where: Sequence[int]) -> None:
        self.turn_to(source, text, where)
        self.blocks: list[Block] = []
        self.hints: list[Hint] = []
        self.notes: list[Note] = []
        self._section: list[tuple[int, str]] = []
        self._prose: list[str] = []
        self._last: int | None = None

    def turn_to(self, source: Source, text: str, where: Sequence[int]) -> None:
        """Goes on with another text of the same document."""
        self.source = source
        self.text = text
        self.where = where
        self._boundary = 0

    def start_section(self, level: int, title: str, end: int) -> None:
        """A heading, whose text ends at `end`."""
        self._flush()
        self._last = None
        self._boundary = end
        while self._section and self._section[-1][0] >= level:
            self._section.pop()
        self._section.append((level, title.strip()))

    def pass_prose(self, start: int, end: int) -> None:
        """A stretch of prose, inline mathematics included."""
        if end > start:
            self._prose.append(self.text[start:end])

    def add(self, found: Found, tex: str, where: Sequence[int]) -> None:
        """A block; `tex` and `where` are its text and places, made ready."""
        display = found.kind == "display"
        window = self.text[max(self._boundary, found.start - WINDOW) : found.start]
        before = self._flush() if display else window
        section = tuple(title for _, title in self._section)
        block = Block(
            found.kind, tex, self.source, where, found.form, section, before, "",
            found.label, found.error,
        )  # fmt: skip
        self.blocks.append(block)
        if display:
            self._last = len(self.blocks) - 1
            self._boundary = found.end

    def hint(self, text: str, offset: int) -> None:
        """A comment meant for this program, at an offset of the source."""
        self.hints.append(Hint(text.strip(), self.source.place(offset), len(self.blocks)))

    def note(self, text: str, offset: int) -> None:
        """A remark about the file, at an offset of the source."""
        self.notes.append(Note(text, self.source.place(offset)))

    def finish(self) -> None:
        """The end of the text."""
        self._flush()

    def _flush(self) -> str:
        """The prose since the last display or heading, which also stands after that display."""
        prose = "".join(self._prose)
        self._prose = []
        if self._last is not None:
            self.blocks[self._last] = replace(self.blocks[self._last], after=prose)
        return prose
