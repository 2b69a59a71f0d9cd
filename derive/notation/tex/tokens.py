"""The tokens of LaTeX, without what only lays them out."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from derive.notation.source import Mistake, Span
from derive.notation.tex.commands import (
    ARGUED,
    BARS,
    IGNORED,
    LAYOUTS,
    MATRICES,
    SIZED,
    SPACES,
    SYNONYMS,
    WORDS,
)

__all__ = ["MOST_BRACES", "Token", "Tokens", "closing", "raw", "scan", "without_layout"]

MOST_BRACES = 40

_TOKEN = re.compile(
    r"""
    (?P<comment> [%\#][^\n]*)
  | \\ (?P<command> [A-Za-z]+\*? | . | $)
  | (?P<newline> [ \t\r\f]*\n\s*)
  | (?P<space> [\s~]+)
  | (?P<digit> [0-9])
  | (?P<letter> [^\W\d_][\u0300-\u036f]*)
  | (?P<other> .)
    """,
    re.X | re.S,
)
_REMARK = {*WORDS, "begin"}


@dataclass(frozen=True)
class Token:
    """A command by its name, a letter, a digit, white space, or another character."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        return self.start, self.end

    @property
    def is_blank(self) -> bool:
        return self.kind in ("space", "newline")

    def opens(self, *names: str) -> bool:
        """Whether it is one of the commands."""
        return self.kind == "command" and self.text in names


Tokens = Sequence[Token]


def raw(text: str) -> list[Token]:
    """All tokens of a text but for comments."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        if kind != "comment":
            text = SYNONYMS.get(match[kind], match[kind]) if kind == "command" else match[kind]
            found.append(Token(kind, text, *match.span()))
    return found


def scan(text: str) -> list[Token]:
    """The tokens of a formula; what lays it out is white space or nothing.

    Raises
    ------
    Mistake : braces do not match, or stand too deep.
    """
    tokens = raw(text)
    _check_braces(tokens)
    return list(without_layout(tokens))


def _check_braces(tokens: Tokens) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.kind != "other" or token.text not in "{}":
            continue
        if token.text == "{":
            opened.append(token)
        elif not opened:
            raise Mistake("the brace `}` was never opened", token.span, mend="remove `}`")
        else:
            opened.pop()
        if len(opened) > MOST_BRACES:
            raise Mistake(
                f"braces stand more than {MOST_BRACES} deep",
                token.span,
                mend="give the inner parts names of their own",
            )
    if opened:
        mend = "add `}` where the brace ends"
        raise Mistake("the brace `{` is never closed", opened[-1].span, mend=mend)


def closing(tokens: Tokens, start: int) -> int:
    """The position of the brace that closes the one at `start`."""
    depth = 0
    for position in range(start, len(tokens)):
        token = tokens[position]
        if token.kind == "other":
            depth += (token.text == "{") - (token.text == "}")
        if depth == 0:
            return position
    return len(tokens) - 1


def without_layout(tokens: Tokens) -> Iterator[Token]:
    """The tokens with layout made white space, or left out."""
    position = 0
    while position < len(tokens):
        token, after = tokens[position], position + 1
        if token.kind != "command":
            after = _behind_remark(tokens, position)
            if after == position + 1:
                yield token
        elif token.text in SPACES:
            yield Token("space", " ", *token.span)
        elif token.text in ("begin", "end"):
            after = yield from _environment(tokens, position)
        elif token.text in ARGUED:
            after = _behind_argument(tokens, after)
        elif token.text == "\\":
            yield token
            after = _behind_option(tokens, after)
        elif token.text in SIZED:
            following, after = _delimiter(tokens, position)
            yield following
        elif token.text not in IGNORED:
            yield token
        position = after


def _delimiter(tokens: Tokens, position: int) -> tuple[Token, int]:
    """The bracket behind `\\left` or `\\bigl`, as wide as both; a dot or a bar stays apart."""
    command = tokens[position]
    after = _skip_blank(tokens, position + 1)
    if after >= len(tokens) or tokens[after].kind not in ("other", "command"):
        mend = f"as in `\\{command.text}(`"
        raise Mistake(f"`\\{command.text}` stands before no bracket", command.span, mend=mend)
    sign = tokens[after]
    if command.text in ("left", "right") and sign.text in (".", *BARS):
        return command, position + 1
    return Token(sign.kind, sign.text, command.start, sign.end), after + 1


def _behind_remark(tokens: Tokens, position: int) -> int:
    """The position behind a column of words: `&& \\text{…}` up to the end of the row."""
    if not _is_ampersand(tokens, position) or not _is_ampersand(tokens, position + 1):
        return position + 1
    following = _skip_blank(tokens, position + 2)
    if following < len(tokens) and not tokens[following].opens(*_REMARK):
        return position + 1
    depth, end = 0, following
    while end < len(tokens) and (depth or not tokens[end].opens("\\", "end")):
        depth += tokens[end].opens("begin") - tokens[end].opens("end")
        end += 1
    return end


def _is_ampersand(tokens: Tokens, position: int) -> bool:
    return position < len(tokens) and tokens[position].text == "&"


def _skip_blank(tokens: Tokens, position: int) -> int:
    while position < len(tokens) and tokens[position].is_blank:
        position += 1
    return position


def _behind_argument(tokens: Tokens, position: int) -> int:
    position = _skip_blank(tokens, position)
    if position < len(tokens) and tokens[position].text == "{":
        return closing(tokens, position) + 1
    return position


def _behind_option(tokens: Tokens, position: int) -> int:
    """The position behind `[2pt]`, if that stands there directly."""
    rest = tokens[position : position + 12]
    texts = [token.text for token in rest]
    if texts[:1] == ["["] and "]" in texts and all(_is_length(t) for t in _before(rest, "]")):
        return position + texts.index("]") + 1
    return position


def _before(tokens: Tokens, text: str) -> Iterable[Token]:
    for token in tokens[1:]:
        if token.text == text:
            return
        yield token


def _is_length(token: Token) -> bool:
    return token.kind in ("digit", "letter") or token.text in (".", "-")


def _environment(tokens: Tokens, position: int) -> Generator[Token, None, int]:
    """Where an equation begins or ends, for `\\begin` and `\\end` of a layout."""
    command = tokens[position]
    start = _skip_blank(tokens, position + 1)
    if start >= len(tokens) or tokens[start].text != "{":
        mend = "as in `\\begin{aligned}`"
        raise Mistake(f"`\\{command.text}` has no environment", command.span, mend=mend)
    end = closing(tokens, start)
    span = (command.start, tokens[end].end)
    _check_environment("".join(token.text for token in tokens[start + 1 : end]).strip(), span)
    yield Token("command", "\\", *span)
    return _behind_arguments(tokens, end + 1) if command.text == "begin" else end + 1


def _behind_arguments(tokens: Tokens, position: int) -> int:
    """The position behind `[t]` and `{2}`, the arguments of an environment."""
    position = _behind_option(tokens, position)
    inner = tokens[position + 1 : position + 3]
    begins = position < len(tokens) and tokens[position].text == "{"
    if begins and len(inner) == 2 and inner[0].kind == "digit" and inner[1].text == "}":
        return position + 3
    return position


def _check_environment(name: str, span: Span) -> None:
    if name.rstrip("*") in LAYOUTS:
        return
    if name.rstrip("*") in MATRICES:
        mend = "write the entries with indices: `y_{i} = a_{i j} x_{j}`"
        raise Mistake("a matrix is not index notation", span, mend=mend)
    mend = "environments that lay out equations, such as `aligned`, may stand here"
    if name == "cases":
        mend = "write a factor for each case: `[x_{i} > 0] x_{i}`"
    raise Mistake(f"the environment `{name}` is not part of the notation", span, mend=mend)
