"""One side of an equation, cut out of its block."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.check.branches import Case, branches
from derive.check.pieces import trimmed
from derive.check.tokens import Item

__all__ = ["Side", "make_side"]

# A name that is set as a text: `\\text{MSE}`.
NAME = re.compile(r"\\\w+\{\s*[A-Za-z]\w*\s*\}")
ELLIPSES = ("\\ldots", "\\cdots", "\\dots", "\\dotsb", "\\dotsc", "\\vdots", "\\ddots", "…", "⋯")


@dataclass(frozen=True)
class Side:
    """One side of a relation.

    tex : the formula, with what only lays it out blanked; characters stand at `offset` and on of
        the block's TeX, so a place in it is a place in the file. Empty where a chain begins with
        a relation: it goes on from the display before.
    cases : the branches, where the whole side is `cases` (or a braced array).
    foreign : why this is no formula in index notation (`a matrix written out`, `a picture`, `an
        ellipsis`, `words`), or an empty string.
    """

    tex: str
    offset: int
    cases: tuple[Case, ...] = ()
    foreign: str = ""


def make_side(items: list[Item], text: str, offset: int) -> Side:
    """The side that items make; `offset` is where it stands if they are none."""
    items = trimmed(items)
    if not items:
        return Side("", offset)
    start = items[0].start
    return Side(cut(items, text), start, side_cases(items, text), foreign(items, text))


def cut(items: list[Item], text: str) -> str:
    """The text of the items, with spaces for what stands between them."""
    parts: list[str] = []
    position = items[0].start
    for item in items:
        parts += [" " * (item.start - position), text[item.start : item.end]]
        position = item.end
    return "".join(parts)


def side_cases(items: list[Item], text: str) -> tuple[Case, ...]:
    """The branches, if there is nothing beside them but a brace."""
    inner = [item for item in items if item.kind == "cases"]
    if len(inner) != 1 or any(item.kind not in ("cases", "open", "close") for item in items):
        return ()
    return branches(text[inner[0].start : inner[0].end], inner[0].start)


def foreign(items: list[Item], text: str) -> str:
    """Why a side is no formula in index notation, as far as it is seen without mathematics."""
    kinds = {item.kind for item in items}
    if "picture" in kinds:
        return "a picture"
    if "matrix" in kinds:
        return "a matrix written out"
    if all(text[item.start : item.end] in ELLIPSES for item in items):
        return "an ellipsis"
    said = "".join(text[item.start : item.end] for item in items)
    return "words" if kinds == {"text"} and not NAME.fullmatch(said) else ""
