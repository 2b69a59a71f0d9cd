"""The mathematics of a Markdown text, in the dialects that articles are written in.

Kramdown (Jekyll), Pandoc and Quarto, MyST, GitHub and Hugo differ in how mathematics is delimited
and agree on the rest. A Markdown library would settle only that rest: it reads one dialect, knows
no columns of inline text, and takes a line of mathematics that begins with `=`, `+` or `>` for a
heading, a list or a quote. So this is a scanner of its own. It goes through the text once, line by
line while it is in prose, and jumps over each piece of mathematics or code as a whole.
"""

from __future__ import annotations

import re

from derive.check.collect import Collector, Found
from derive.check.macros import Macros
from derive.check.markup import CODE, FENCE, HEADING, INLINE, ITEM, PREFIX, UNDERLINE
from derive.check.mathspan import MathSpans
from derive.check.tidy import tidy_markdown

__all__ = ["scan_markdown"]


def scan_markdown(collector: Collector, macros: Macros, *, always_display: bool = False) -> None:
    """Adds the blocks of the collector's text; macros that it defines are added to `macros`.

    `always_display`: `$$` delimits a display also within a line of prose, as in notebooks.
    """
    Markdown(collector, macros, always_display).scan()


class Markdown:
    """One pass over a Markdown text."""

    def __init__(self, collector: Collector, macros: Macros, always_display: bool) -> None:
        self.collector = collector
        self.macros = macros
        self.text = collector.text
        self.spans = MathSpans(self.text, always_display)
        # What prose between the lines of a directive (```{note}) is closed by.
        self.directives: list[str] = []
        # Indented text is code after a blank line, but not within a list, note or footnote.
        self.nested = False
        self.blank = True

    def scan(self) -> None:
        """Goes through the whole text."""
        position = self._front_matter()
        while position < len(self.text):
            position = self._line(position)

    def _front_matter(self) -> int:
        if not self.text.startswith("---\n"):
            return 0
        end = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.M).search(self.text, 4)
        return end.end() if end else 0

    def _line(self, start: int) -> int:
        """Reads the line that begins at `start`; where the next unread line begins."""
        end = self.spans.line_end(start)
        line = self.text[start:end]
        if not line.strip():
            self.blank = True
            self.collector.pass_prose(start, end + 1)
            return end + 1
        for read in (self._fence, self._heading, self._code):
            after = read(start, end, line)
            if after is not None:
                return after
        self._enter_list(line)
        self.blank = False
        return self._prose(start)

    def _enter_list(self, line: str) -> None:
        if ITEM.match(line):
            self.nested = True
        elif self.blank and not line[0].isspace():
            self.nested = False

    def _code(self, start: int, end: int, line: str) -> int | None:
        """A line of indented code; another line of it may follow at once."""
        if not self.blank or self.nested or not CODE.match(line):
            return None
        return end + 1

    def _heading(self, start: int, end: int, line: str) -> int | None:
        match = HEADING.match(line)
        if match:
            self._start_section(len(match["level"]), plain_title(match["title"]), end)
            return end + 1
        under = UNDERLINE.match(self.text, end + 1)
        if not under or PREFIX.match(line).end() or "$" in line:  # type: ignore[union-attr]
            return None
        self._start_section(1 if under["line"].startswith("=") else 2, line, under.end())
        return under.end() + 1

    def _start_section(self, level: int, title: str, end: int) -> None:
        self.blank, self.nested = True, False
        self.collector.start_section(level, title, end)

    def _fence(self, start: int, end: int, line: str) -> int | None:
        match = FENCE.match(line)
        if not match:
            return None
        fence, info = match["fence"], match["info"].strip()
        if self.directives and not info and fence.startswith(self.directives[-1]):
            self.directives.pop()
            return end + 1
        content = self.spans.fenced(start, fence, info, start + match.start("info"))
        if content.prose:
            self.directives.append(fence)
            return end + 1
        if content.found:
            self._add(content.found, match["indent"])
        elif content.unclosed:
            self.collector.note("this code is never closed: nothing behind it is read", start)
        self.blank = True
        return content.end

    def _prose(self, start: int) -> int:
        """Reads from `start` to the end of a line, or of what begins in that line."""
        position, end = start, self.spans.line_end(start)
        while match := INLINE.search(self.text, position, end):
            self.collector.pass_prose(position, match.start())
            position = self._construct(match)
            if position > end:
                end = self.spans.line_end(position)
            if position > match.end() and self.text[position - 1 : position] == "\n":
                return position
        self.collector.pass_prose(position, end + 1)
        return end + 1

    def _construct(self, match: re.Match[str]) -> int:
        """Reads what begins with a match of INLINE; where it ends."""
        if match.lastgroup == "comment":
            return self._comment(match.start())
        if match.lastgroup in ("code", "html", "liquid", "escape"):
            end = self.spans.skipped(match)
            # Escapes are read as prose, and so is `a` in "the tensor `a`"; long code is none.
            if match.lastgroup in ("escape", "code"):
                self.collector.pass_prose(match.start(), end)
            return end
        found, end = self.spans.math(match)
        if found is None:
            self.collector.pass_prose(match.start(), end)
            return end
        line = self.text.rfind("\n", 0, match.start()) + 1
        prefix = PREFIX.match(self.text, line)
        self._add(found, prefix[0] if prefix else "")
        if found.kind == "inline":
            self.collector.pass_prose(match.start(), end)
        return end

    def _comment(self, start: int) -> int:
        end = self.spans.close("-->", start)
        if end < 0:
            self.collector.note("this comment is never closed: nothing behind it is read", start)
            return len(self.text)
        words = self.text[start + 4 : end].strip()
        if words.startswith("derive:"):
            self.collector.hint(words.removeprefix("derive:"), start)
        return end + 3

    def _add(self, found: Found, prefix: str) -> None:
        tex = tidy_markdown(self.text[found.start : found.end], prefix.count(">"))
        where = self.collector.where[found.start : found.end + 1]
        self.collector.add(found, *self.macros.expand(tex, where))


def plain_title(title: str) -> str:
    """A heading without the attributes and the number signs behind it."""
    if title.endswith("}") and "{" in title:
        title = title[: title.rindex("{")]
    return title.rstrip(" \t#")
