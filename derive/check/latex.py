"""The mathematics of a LaTeX file.

Comments and verbatim text are blanked first, then the author's macros are written out over the
whole body, so that `\\be ... \\ee` delimits as well as what it stands for; then one scan finds the
mathematics. A library such as pylatexenc builds a tree by recursion and keeps no places through
macros; all that is needed here is where mathematics begins and ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.check.blocks import Source
from derive.check.collect import Collector, Found
from derive.check.macros import Macros
from derive.check.markup import MATH_ENVIRONMENTS
from derive.check.mathspan import BLANK_LINE, environment_ends, is_swallowed
from derive.check.tidy import blanked

__all__ = ["scan_latex"]

VERBATIM = ("verbatim", "Verbatim", "lstlisting", "minted", "comment", "filecontents", "alltt")
ASIDE = re.compile(
    rf"""\\begin\{{(?P<environment>(?:{"|".join(VERBATIM)})\*?)\}}
    |\\(?:verb\*?|lstinline|mintinline\{{\w+\}})(?P<quote>[^\sA-Za-z*{{])
    |(?P<comment>%[^\n]*)
    |\\.""",
    re.X | re.S,
)
BODY = re.compile(r"\\begin\s*\{document\}")
END = re.compile(r"\\end\s*\{document\}")
SECTIONS = {"part": 0, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4}
SECTIONS |= {"paragraph": 5, "subparagraph": 6}
OPENER = re.compile(
    rf"""\\(?P<section>{"|".join(SECTIONS)})\*?\s*(?:\[[^\]\n]*\]\s*)?\{{
    |\\(?P<input>input|include|subfile|import)\s*\{{(?P<file>[^}}\n]*)\}}
    |\\begin\s*\{{(?P<env>[A-Za-z]+)\*?\}}
    |(?P<bracket>\\[\[(])
    |(?P<escape>\\(?:[A-Za-z]+|.))
    |(?P<dollars>\$\$)
    |(?P<dollar>\$)""",
    re.X | re.S,
)
CLOSERS = {
    "\\[": re.compile(r"\\\]|\\[^\]]", re.S),
    "\\(": re.compile(r"\\\)|\\[^)]", re.S),
    "$$": re.compile(r"\$\$|\\.", re.S),
    "$": re.compile(r"\$|\\.", re.S),
}
CLOSED_BY = {"\\[": "\\]", "\\(": "\\)", "$$": "$$", "$": "$"}
LABEL = re.compile(r"\\label\s*\{([^{}\n]*)\}")


def scan_latex(collector: Collector, macros: Macros) -> None:
    """Adds the blocks of the collector's text."""
    source = collector.source
    text = blank_asides(collector)
    text, where = macros.expand(text, collector.where)
    if macros.exhausted:
        collector.note("the macros of this file write too much; some are left as they are", 0)
    collector.turn_to(source, text, where)
    Latex(collector, text, where).scan()


def blank_asides(collector: Collector) -> str:
    """The text without comments and verbatim parts; comments meant for us become hints."""
    text = collector.text
    parts: list[str] = []
    position = 0
    while match := ASIDE.search(text, position):
        end = match.end()
        if match["environment"]:
            close = text.find(f"\\end{{{match['environment']}}}", end)
            end = len(text) if close < 0 else close + len(match["environment"]) + 6
        elif match["quote"]:
            close = text.find(match["quote"], end)
            line = text.find("\n", end)
            end = close + 1 if close >= 0 and (line < 0 or close < line) else end
        aside = match["environment"] or match["quote"] or match["comment"]
        hold = text[match.start() : end]
        parts += [text[position : match.start()], blanked(hold) if aside else hold]
        position = end
    return "".join([*parts, text[position:]])


class Latex:
    """One pass over the body of a file, macros written out."""

    def __init__(self, collector: Collector, text: str, where: Sequence[int]) -> None:
        self.collector = collector
        self.where = where
        end = END.search(text)
        # What stands behind the document is kept out of the searches for closing delimiters.
        self.text = text[: end.start()] if end else text
        self.comments = comment_hints(collector.source)
        self._ends: dict[str, dict[int, int]] = {}
        self._absent: dict[str, int] = {}

    def scan(self) -> None:
        """Goes through the body; a file without `\\begin{document}` is all body."""
        body = BODY.search(self.text)
        position = body.end() if body else 0
        while match := OPENER.search(self.text, position):
            self._hints(match.start())
            self.collector.pass_prose(position, match.start())
            position = self._construct(match)
        self._hints(len(self.text))
        self.collector.pass_prose(position, len(self.text))

    def _hints(self, limit: int) -> None:
        """Passes on the comments for us that stand before a place."""
        place = self.where[min(limit, len(self.where) - 1)]
        while self.comments and self.comments[-1][0] < place:
            offset, words = self.comments.pop()
            self.collector.hint(words, offset)

    def _construct(self, match: re.Match[str]) -> int:
        """Reads what begins here; where it ends."""
        if match["section"]:
            return self._section(match)
        if match["input"]:
            words = f"\\{match['input']}{{{match['file']}}} is not followed"
            self.collector.note(words, self.where[match.start()])
            return match.end()
        if match["env"]:
            return self._environment(match)
        if match["escape"]:
            self.collector.pass_prose(match.start(), match.end())
            return match.end()
        return self._delimited(match)

    def _section(self, match: re.Match[str]) -> int:
        depth, end = 1, match.end()
        for brace in re.compile(r"\\.|[{}\n]", re.S).finditer(self.text, match.end()):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            end = brace.start()
            if depth == 0 or brace[0] == "\n":
                break
        self.collector.start_section(SECTIONS[match["section"]], self.text[match.end() : end], end)
        return min(end + 1, len(self.text))

    def _environment(self, match: re.Match[str]) -> int:
        name = match[0][match[0].index("{") + 1 : -1]
        if match["env"] not in MATH_ENVIRONMENTS or match["env"] == "array":
            return match.end()
        if name not in self._ends:
            self._ends[name] = environment_ends(self.text, name)
        end = self._ends[name].get(match.start())
        if end is None:
            return self._unclosed(match, f"\\begin{{{name}}}", name)
        inline = name == "math"
        self._add(Found("inline" if inline else "display", match.start(), end, name))
        return end

    def _delimited(self, match: re.Match[str]) -> int:
        opening, start = match[0], match.end()
        end = self._close(opening, start)
        closing = CLOSED_BY[opening]
        inline = opening in ("$", "\\(")
        limit = BLANK_LINE.search(self.text, start, end) if inline and end >= 0 else None
        if end < 0 or limit or is_swallowed(self.text[start:end]):
            return self._unclosed(match, opening, opening)
        self._add(Found("inline" if inline else "display", start, end, opening))
        if inline:
            self.collector.pass_prose(match.start(), end + len(closing))
        return end + len(closing)

    def _close(self, opening: str, start: int) -> int:
        if start >= self._absent.get(opening, len(self.text) + 1):
            return -1
        for match in CLOSERS[opening].finditer(self.text, start):
            if match[0] == CLOSED_BY[opening]:
                return match.start()
        self._absent[opening] = start
        return -1

    def _unclosed(self, match: re.Match[str], what: str, form: str) -> int:
        """A display that is never closed is one all the same; inline, it is a remark."""
        error = f"{what} is never closed"
        if form in ("$", "\\("):
            self.collector.note(error, self.where[match.start()])
            return match.end()
        blank = BLANK_LINE.search(self.text, match.end())
        end = blank.start() if blank else len(self.text)
        start = match.start() if match["env"] else match.end()
        self._add(Found("display", start, end, form, error=error))
        return end

    def _add(self, found: Found) -> None:
        tex = self.text[found.start : found.end]
        label = LABEL.search(tex)
        found = Found(
            found.kind, found.start, found.end, found.form, label[1] if label else "", found.error
        )
        self.collector.add(found, tex, self.where[found.start : found.end + 1])


def comment_hints(source: Source) -> list[tuple[int, str]]:
    """The comments meant for this program, the last first."""
    pattern = re.compile(r"(?<![\\%])%+[ \t]*derive:([^\n]*)")
    found = [(match.start(), match[1]) for match in pattern.finditer(source.text)]
    return found[::-1]
