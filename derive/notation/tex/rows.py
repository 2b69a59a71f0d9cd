"""The equations in LaTeX: rows of a display, told from the parts of a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from derive.notation.source import Span
from derive.notation.tex.commands import BRACKETS, CONNECTIVES, OPERATORS, WORDS
from derive.notation.tex.tokens import Token, Tokens, closing, scan

__all__ = ["equations"]

_OPENING = ("(", "[")
_CLOSING = (")", "]")
_SHOWN = ("\\", "$")
_RELATIONS = ("=", ":=")
_OPERATORS = ("+", "-", "−", "*", "/")


@dataclass
class _Row:
    """Tokens between two separators; `lead` is the separator before them."""

    lead: str
    tokens: list[Token] = field(default_factory=list)

    def ends(self) -> tuple[str, str]:
        """The first and the last sign in it."""
        return _sign(self.tokens[0]), _sign(self.tokens[-1])


def equations(text: str) -> list[Span]:
    """Where each equation stands in the text.

    A row that has no equals sign, or begins with one, goes on with the equation before it.

    Raises
    ------
    Mistake : braces do not match, or an environment is not one of formulas.
    """
    spans: list[Span] = []
    last: _Row | None = None
    for row in _rows(scan(text)):
        span = (row.tokens[0].start, row.tokens[-1].end)
        if last is not None and _continues(row, last):
            spans[-1] = (spans[-1][0], span[1])
        else:
            spans.append(span)
        last = row
    return spans


def _rows(tokens: Tokens) -> Iterator[_Row]:
    """The rows that are not empty, without alignment and punctuation at their ends."""
    row, depth, position = _Row("\\"), 0, 0
    while position < len(tokens):
        token = tokens[position]
        end = _group_end(tokens, position)
        separator = _separator(tokens, position) if depth <= 0 else ""
        if separator:
            yield from _stripped(row)
            row = _Row(separator)
        else:
            row.tokens += tokens[position : end + 1]
        depth = max(0, depth + _depth(token))
        position = end + 1
    yield from _stripped(row)


def _group_end(tokens: Tokens, position: int) -> int:
    """The position of the last token that belongs to the one here: braces, words between."""
    if tokens[position].text == "{" and tokens[position].kind == "other":
        return closing(tokens, position)
    if _prose(tokens, position):
        return closing(tokens, position + 1)
    return position


def _separator(tokens: Tokens, position: int) -> str:
    """What separates equations here: a line, a row, or a mark; an empty text if nothing does."""
    token = tokens[position]
    if token.kind == "newline":
        return "line"
    if token.opens(*_SHOWN) or (token.kind == "other" and token.text == "$"):
        return "\\"
    if _is_column(tokens, position) or _prose(tokens, position):
        return "mark"
    return "mark" if token.kind == "other" and token.text in ",;" else ""


def _is_column(tokens: Tokens, position: int) -> bool:
    """Whether it is the second of two ampersands, behind which another equation stands."""
    return position > 0 and tokens[position].text == tokens[position - 1].text == "&"


def _prose(tokens: Tokens, position: int) -> bool:
    """Whether words such as `\\text{where}` stand here."""
    if not tokens[position].opens(*WORDS) or position + 1 >= len(tokens):
        return False
    if tokens[position + 1].text != "{":
        return False
    inside = tokens[position + 2 : closing(tokens, position + 1)]
    words = "".join(" " if token.is_blank else token.text for token in inside).split()
    return len(words) > 1 or (len(words) == 1 and words[0].lower().strip(",:") in CONNECTIVES)


def _stripped(row: _Row) -> Iterator[_Row]:
    tokens = row.tokens
    while empty := _says_nothing(tokens[:2]):
        tokens = tokens[empty:]
    while empty := _says_nothing_at_end(tokens):
        tokens = tokens[:-empty]
    if tokens:
        yield _Row(row.lead, tokens)


def _says_nothing_at_end(tokens: Tokens) -> int:
    """The same for the last tokens, and a full stop; braces behind a command are its argument."""
    if tokens and tokens[-1].kind == "other" and tokens[-1].text == ".":
        return 1
    empty = _says_nothing(tokens[-2:][::-1])
    lone = len(tokens) < 3 or tokens[-3].is_blank or _sign(tokens[-3]) in _OPERATORS
    return empty if empty < 2 or lone else 0


def _says_nothing(tokens: Tokens) -> int:
    """How many of the tokens at an end say nothing: white space, `&`, or `{}`."""
    if tokens and (tokens[0].is_blank or (tokens[0].kind == "other" and tokens[0].text == "&")):
        return 1
    return 2 if {token.text for token in tokens if token.kind == "other"} == {"{", "}"} else 0


def _continues(row: _Row, last: _Row) -> bool:
    """Whether a row is the rest of the equation in the row before."""
    if row.lead == "mark":
        return False
    first, before = row.ends()[0], last.ends()[1]
    if first in (*_RELATIONS, ":"):
        return True
    if _has_relation(row):
        return False
    begins = first in (*_OPERATORS, *_CLOSING)
    return row.lead == "line" or begins or before in (*_OPERATORS, *_RELATIONS)


def _has_relation(row: _Row) -> bool:
    depth, braces = 0, 0
    for token in row.tokens:
        depth += _depth(token)
        if token.kind == "other":
            braces += (token.text == "{") - (token.text == "}")
        if depth <= 0 and braces == 0 and _sign(token) in _RELATIONS:
            return True
    return False


def _depth(token: Token) -> int:
    """1 where a bracket opens, -1 where one closes."""
    sign = BRACKETS.get(token.text, "") if token.kind == "command" else token.text
    return (sign in _OPENING) - (sign in _CLOSING)


def _sign(token: Token) -> str:
    """The token as text has it."""
    return OPERATORS.get(token.text, "") if token.kind == "command" else token.text
