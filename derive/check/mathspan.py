"""Where a piece of mathematics or code ends, in Markdown. Each search is linear over a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.check.collect import Found
from derive.check.markup import MATH_ENVIRONMENTS, PREFIX, PROSE_DIRECTIVES

__all__ = ["Fenced", "MathSpans", "environment_ends"]

BLANK_LINE = re.compile(r"\n[ \t>]*(?=\n)")
# What may follow a display in its line: punctuation, attributes of Quarto and kramdown, a label
# of MyST or a number.
TRAILER = re.compile(
    r"[ \t]*[.,;:]?[ \t]*(?:\{[#:.](?P<id>[^{}\n]*)\}|\((?P<label>[\w:.-]+)\)|\\\\|<br ?/?>)?"
    r"[ \t]*(?=\n|\Z)"
)
OPTION = re.compile(r"[ \t>]*:(?P<name>[\w-]+):[ \t]*(?P<value>[^\n]*)(?:\n|\Z)")
MATH_INFO = re.compile(r"(?:\{?\.?math\}?|\{eq\})(?:[ \t]+|(?=\{)|$)")
DOLLARS = re.compile(r"\\.|(?P<close>\$\$)", re.S)
DOLLAR = re.compile(r"\\.|(?P<close>\$)", re.S)
TEXT = re.compile(r"\\[A-Za-z]+(?:[ ]?\{[^{}\n]*\})?")
PROSE = re.compile(r"(?:\b[A-Za-z]{2,}[,.;:]? ){4}[A-Za-z]{2,}")
WORDS = re.compile(r"(?<![A-Za-z])[A-Za-z]{3,}[,.]?\s+[A-Za-z]{2,}")
MARKED = re.compile(r"[=_^\\]|^\s*[A-Za-z]\s*$")
EQUALS = re.compile(r"\\.|[{}=]", re.S)
# Longer runs of backticks delimit no inline code that anyone writes; each length costs a search.
LONGEST_TICKS = 16


@dataclass(frozen=True)
class Fenced:
    """What a fence holds: where it ends, and its mathematics, or whether its content is prose."""

    end: int
    found: Found | None = None
    prose: bool = False
    unclosed: bool = False


def environment_ends(text: str, name: str) -> dict[int, int]:
    """For each `\\begin` of the environment that is closed, where its `\\end` stands and ends."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    pattern = re.compile(r"\\(begin|end)[ ]?\{" + re.escape(name) + r"\}")
    for match in pattern.finditer(text):
        if match[1] == "begin":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.end()
    return ends


class MathSpans:
    """Finds ends in one text, and remembers what is nowhere to be found."""

    def __init__(self, text: str, always_display: bool) -> None:
        self.text = text
        self.always_display = always_display
        self._absent: dict[str, int] = {}
        self._paragraph = (0, -1)
        self._ends: dict[str, dict[int, int]] = {}

    def line_end(self, start: int) -> int:
        """The end of the line that holds an offset."""
        end = self.text.find("\n", start)
        return len(self.text) if end < 0 else end

    def close(self, needle: str, start: int) -> int:
        """Where a text is next found, or -1."""
        if start >= self._absent.get(needle, len(self.text) + 1):
            return -1
        found = self.text.find(needle, start)
        if found < 0:
            self._absent[needle] = start
        return found

    def paragraph_end(self, start: int) -> int:
        """The next blank line."""
        first, end = self._paragraph
        if not first <= start < end:
            match = BLANK_LINE.search(self.text, start)
            self._paragraph = (start, match.start() if match else len(self.text))
        return self._paragraph[1]

    # Code and markup

    def skipped(self, match: re.Match[str]) -> int:
        """The end of code, of markup or of an escaped character."""
        if match.lastgroup == "code":
            return self._code_end(match.end(), match[0])
        if match.lastgroup == "html":
            tag = re.match(r"<(\w+)", match[0])
            return self._behind("</" + tag[1], match.end()) if tag else match.end()
        block = re.match(r"\{%-?\s*(highlight|comment)\b", match[0])
        return self._behind("{% end" + block[1], match.end()) if block else match.end()

    def _behind(self, needle: str, start: int) -> int:
        end = self.close(needle, start)
        return start if end < 0 else end + len(needle)

    def _code_end(self, start: int, ticks: str) -> int:
        end = self.paragraph_end(start)
        if len(ticks) > LONGEST_TICKS or start < self._absent.get(ticks, 0) == end:
            return start
        match = re.compile(rf"(?<!`){ticks}(?!`)").search(self.text, start, end)
        if not match:
            self._absent[ticks] = end
        return match.end() if match else start

    def fenced(self, start: int, fence: str, info: str, info_start: int) -> Fenced:
        """What the fence whose line begins at `start` holds."""
        line_end = self.line_end(start)
        directive = re.match(r"\{([\w:-]+)\}", info)
        prose = directive and directive[1].removeprefix("prf:") in PROSE_DIRECTIVES
        maths = MATH_INFO.match(info)
        if prose or (fence.startswith(":") and not maths):
            return Fenced(line_end + 1, prose=True)
        closing = rf"^[ \t>]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$"
        match = re.compile(closing, re.M).search(self.text, min(line_end + 1, len(self.text)))
        end = match.start() if match else len(self.text)
        after = self.line_end(match.start()) + 1 if match else len(self.text)
        if not maths:
            return Fenced(after, unclosed=match is None)
        error = "" if match else "this block is never closed"
        if info[maths.end() :].strip():
            return Fenced(after, self._display(info_start + maths.end(), end, "math", "", error))
        first, label = self._options(line_end + 1, end)
        return Fenced(after, self._display(first, end, "math", label, error))

    def _options(self, start: int, end: int) -> tuple[int, str]:
        label = ""
        while (match := OPTION.match(self.text, start, end)) and match.end() > start:
            label = match["value"].strip() if match["name"] in ("label", "name") else label
            start = match.end()
        return min(start, end), label

    # Mathematics

    def math(self, match: re.Match[str]) -> tuple[Found | None, int]:
        """The mathematics that begins with a match of INLINE, if it is any, and where to go on."""
        kind = match.lastgroup
        if match["ticks"]:
            return self._inline(match.end(), match["ticks"], "{math}")
        if kind == "gitlab":
            return self._inline(match.end(), "`$", "$`")
        if match["env"]:
            return self._environment(match)
        if kind == "bracket":
            return self._bracket(match)
        if kind == "dollars":
            return self._dollars(match.end())
        if kind == "dollar":
            return self._dollar(match.end())
        return self._tag(match)

    def _display(self, start: int, end: int, form: str, label: str = "", error: str = "") -> Found:
        return Found("display", start, end, form, label, error)

    def _inline(self, start: int, needle: str, form: str) -> tuple[Found | None, int]:
        end = self.close(needle, start)
        if end < 0 or end > self.paragraph_end(start):
            return None, start
        return Found("inline", start, end, form), end + len(needle)

    def _environment(self, match: re.Match[str]) -> tuple[Found | None, int]:
        name = match[0][match[0].index("{") + 1 : -1]
        if match["env"] not in MATH_ENVIRONMENTS:
            return None, match.end()
        start = match.start() + (match[0].startswith("\\\\"))
        if name not in self._ends:
            self._ends[name] = environment_ends(self.text, name)
        end = self._ends[name].get(start)
        if end is None:
            return self._unclosed(start, match.end(), name)
        return self._display(start, end, name), end

    def _bracket(self, match: re.Match[str]) -> tuple[Found | None, int]:
        opening, start = match[0], match.end()
        closing = opening.replace("[", "]").replace("(", ")")
        if opening.endswith("("):
            found, end = self._inline(start, closing, opening)
            return found, end
        end = self.close(closing, start)
        if end < 0:
            # In Markdown `\[` is also just a bracket.
            return (None, start) if opening == "\\[" else self._unclosed(start, start, opening)
        content = self.text[start:end]
        if (opening == "\\[" and not MARKED.search(content)) or is_swallowed(content):
            return None, start
        return self._display(start, end, opening), end + len(closing)

    def _tag(self, match: re.Match[str]) -> tuple[Found | None, int]:
        """A script of MathJax, or a shortcode of Hugo and Jekyll."""
        start, opening = match.end(), match[0]
        closing = "</script>"
        if match.lastgroup == "shortcode":
            closing = opening[:3] if opening.startswith("{{") else "{% end"
            start += self.text.startswith("}", start)
        end = self.close(closing, start)
        if end < 0:
            return None, start
        kind = "display" if "display" in opening or "{% math" in opening else "inline"
        form = "script" if closing.startswith("</") else "katex"
        if kind == "display":
            return self._display(start, end, form), self.line_end(end)
        return Found("inline", start, end, form), self.text.find(">", end) + 1 or end + 2

    def _dollars(self, start: int) -> tuple[Found | None, int]:
        end = self._dollars_end(start)
        if end < 0 or is_swallowed(self.text[start:end]):
            return self._unclosed(start, start, "$$")
        trailer = TRAILER.match(self.text, end + 2)
        if not self._stands_alone(start, end, trailer is not None):
            return Found("inline", start, end, "$$"), end + 2
        label = "" if not trailer else (trailer["id"] or trailer["label"] or "")
        after = trailer.end() if trailer else end + 2
        return self._display(start, end, "$$", label.lstrip("#: ").partition(" ")[0]), after

    def _dollars_end(self, start: int) -> int:
        if start >= self._absent.get("$$", len(self.text) + 1):
            return -1
        for match in DOLLARS.finditer(self.text, start):
            if match["close"]:
                return match.start()
        self._absent["$$"] = start
        return -1

    def _stands_alone(self, start: int, end: int, alone_behind: bool) -> bool:
        """Whether `$$` delimits a display: kramdown has it for inline mathematics too."""
        line = self.text.rfind("\n", 0, start) + 1
        prefix = PREFIX.match(self.text, line)
        before = self.text[prefix.end() if prefix else line : start - 2].rstrip()
        if self.always_display or (alone_behind and (not before or before.endswith(":"))):
            return True
        content = self.text[start:end]
        equals = count_equals(content)
        rows = "\\\\" in content or "\\begin" in content
        return rows or equals > 1 or (equals == 1 and "\n" in content)

    def _unclosed(self, start: int, body: int, form: str) -> tuple[Found, int]:
        end = max(self.paragraph_end(body), body)
        what = form if form.startswith(("$", "\\")) else f"\\begin{{{form}}}"
        return self._display(start, end, form, "", f"{what} is never closed"), end

    def _dollar(self, start: int) -> tuple[Found | None, int]:
        """Inline mathematics, by Pandoc's rules against prices, and with spaces at both ends."""
        limit = self.paragraph_end(start)
        matches = DOLLAR.finditer(self.text, start, limit)
        end = next((match.start() for match in matches if match["close"]), -1)
        if end <= start:
            return None, start
        content = self.text[start:end]
        spaced = content[0].isspace(), content[-1].isspace()
        if spaced[0] != spaced[1] or self.text[end + 1 : end + 2].isdigit():
            return None, start
        if (spaced[0] or content[0].isdigit()) and WORDS.search(TEXT.sub("", content)):
            return None, start
        return Found("inline", start, end, "$"), end + 1


def is_swallowed(content: str) -> bool:
    """Whether what stands between two delimiters is prose, because one delimiter is missing."""
    if not BLANK_LINE.search(content):
        return False
    return bool(
        PROSE.search(TEXT.sub("", content)) or re.search(r"^(?:#{1,6} |```)", content, re.M)
    )


def count_equals(content: str) -> int:
    """How many `=` stand outside of braces."""
    depth = count = 0
    for match in EQUALS.finditer(content):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        count += match[0] == "=" and depth == 0
    return count
