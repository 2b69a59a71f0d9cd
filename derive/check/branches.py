"""The branches of `cases`: each a value and the condition under which it is one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.check.tokens import Token, tokenize
from derive.check.vocabulary import CONDITION_WORDS, QUADS, TEXTS, WORD

__all__ = ["Case", "branches", "condition_of_text"]


@dataclass(frozen=True)
class Case:
    """A value, its offset in the block, and its condition: TeX such as `i = j`, or `otherwise`."""

    tex: str
    offset: int
    condition: str
    condition_offset: int


def branches(tex: str, offset: int) -> tuple[Case, ...]:
    """The branches of an environment that is a text, at an offset of its block."""
    tokens = [token for token in tokenize(tex).tokens if token.kind != "space"]
    rows: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[1:-1]:
        depth += (token.kind == "begin" or token.text == "{") - (
            token.kind == "end" or token.text == "}"
        )
        if token.kind == "row" and depth == 0:
            rows.append([])
        else:
            rows[-1].append(token)
    if tokens[0].name == "array" and rows[0] and rows[0][0].text == "{":
        closing = next(k for k, token in enumerate(rows[0]) if token.text == "}")
        rows[0] = rows[0][closing + 1 :]
    return tuple(branch(tex, offset, row) for row in rows if row)


def branch(tex: str, offset: int, row: list[Token]) -> Case:
    """One row: the condition stands behind an `&`, a text, a wide space or a last comma."""
    cut = condition_start(row)
    value, rest = row[:cut], row[cut:]
    while value and value[-1].text in (",", ";", ".", ":", "&", "\\quad", "\\qquad"):
        value.pop()
    start, end = (value[0].start, value[-1].end) if value else (0, 0)
    condition, at = condition_text(tex, rest)
    return Case(tex[start:end], offset + start, condition, offset + at)


def condition_start(row: list[Token]) -> int:
    """The first token of a row that belongs to its condition."""
    depth = 0
    comma = len(row)
    for position, token in enumerate(row):
        if depth == 0 and (token.text == "&" or token.text in QUADS):
            return position
        if depth == 0 and token.text in TEXTS:
            return position
        if depth == 0 and token.text == "," and comma == len(row):
            comma = position
        depth += (token.text in "{(" or token.kind == "begin") - (
            token.text in "})" or token.kind == "end"
        )
    return comma


def condition_text(tex: str, rest: list[Token]) -> tuple[str, int]:
    """A condition without the words and signs around it, and its offset."""
    while rest and (rest[0].text in ("&", ",", ";", ":") or rest[0].text in QUADS):
        rest = rest[1:]
    while rest and rest[-1].text in (".", ",", ";", "&"):
        rest = rest[:-1]
    if not rest:
        return "", 0
    start, end = rest[0].start, rest[-1].end
    pattern = re.compile(r"\\[A-Za-z]+\s*\{([^{}]*)\}")
    first = pattern.match(tex, start, end) if rest[0].text in TEXTS else None
    if first is None:
        return tex[start:end], start
    within = condition_of_text(first[1])
    after = tex[first.end() : end].strip()
    if after:
        at = first.end() + len(tex[first.end() : end]) - len(tex[first.end() : end].lstrip())
        return after, at
    return within, first.start(1) + max(first[1].find(within), 0)


def condition_of_text(words: str) -> str:
    """What a text says as a condition: `if $i = j$` says `i = j`; `otherwise` says itself."""
    words = words.strip().strip(".,;:")
    first = WORD.match(words)
    while first and first[0].lower() in CONDITION_WORDS | {"all", "every", "each", "any"}:
        words = words[first.end() :].strip()
        first = WORD.match(words)
    if words.lower() in ("otherwise", "else", "elsewhere", "in all other cases", "other cases"):
        return "otherwise"
    return words.replace("$", "").strip()
