"""Which equations only say for which indices another one holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.check.pieces import text_of
from derive.check.tokens import Item

__all__ = ["Condition", "bracketed", "is_condition"]

# An index or a list of them, at the left of a range; and what a range or case has at the right.
INDEX = re.compile(
    r"\s*(?:\\forall|∀)?\s*(?:[a-zT]'?|\\[a-z]+|\d+)(?:\s*[,<]\s*(?:[a-z]'?|\\[a-z]+))*\s*\Z"
)
INDICES = re.compile(r"\s*[hi-npqrt]'?(?:\s*,\s*[hi-npqrt]'?)*\s*\Z")
RANGE = re.compile(
    r"[\sa-zA-Z\d,;'{}()|\[\]+-]*(?:(?:\\[lc]?dots|\\\{|\\\}|\.\.)[\sa-zA-Z\d,;{}+-]*)*\Z"
)


@dataclass(frozen=True)
class Condition:
    """When something is said to hold, as TeX or as the author's words, and its offset."""

    tex: str
    offset: int


def bracketed(items: list[Item]) -> list[Item]:
    """What stands in the brackets that are all there is, or nothing."""
    if len(items) > 2 and items[0].kind == "open" and items[-1].kind == "close":
        inner = items[1:-1]
        return inner if not any(item.kind in ("open", "close") for item in inner) else []
    return []


def is_condition(items: list[Item], text: str) -> bool:
    """Whether an equation only says for which indices another one holds."""
    relations = [k for k, item in enumerate(items) if item.kind == "relation"]
    if not relations:
        return bracket_condition(items, text)
    first = relations[0]
    left, right = items[:first], items[first + 1 :]
    if not left or not right or not INDEX.match(text_of(left, text)):
        return False
    if items[first].value in ("in", "not in", "!=", "<", "<=", ">", ">="):
        return True
    return items[first].value == "=" and is_range(text_of(left, text), text_of(right, text))


def bracket_condition(items: list[Item], text: str) -> bool:
    """The same of what stands in brackets, whose relations are no longer seen."""
    written = text_of(items, text)
    match = re.match(r"(.*?)(?:=|\\ne(?:q)?(?![a-z])|\\in(?![a-z]))(.*)\Z", written, re.S)
    return bool(match and INDEX.match(match[1]) and is_range(match[1], match[2]))


def is_range(left: str, right: str) -> bool:
    """Whether `left = right` says which values an index has; `c = d` says something else."""
    if not RANGE.match(right):
        return False
    return any(dots in right for dots in ("dots", "..")) or bool(INDICES.match(left))
