"""Brackets among the items of a block: what they enclose separates nothing."""

from __future__ import annotations

from dataclasses import replace

from derive.check.tokens import Item
from derive.check.vocabulary import CONDITION_WORDS, WORD

__all__ = ["BLANK", "closed_brackets"]

# What only lays out; and what is the same within brackets as outside.
BLANK = ("row", "align", "column", "quad", "space")
KEPT = ("open", "close", "atom", "matrix", "cases", "picture")


def closed_brackets(items: list[Item], tex: str) -> list[Item]:
    """The items with what brackets enclose made atoms, and remarks in brackets made text.

    A bracket that is not closed before a row begins with a relation encloses nothing.
    """
    partner = closing_brackets(items)
    result: list[Item] = []
    position, depth_ends = 0, [-1]
    while position < len(items):
        item, end = items[position], partner.get(position)
        if end is not None and is_remark(items, position):
            inner = tex[items[position + 1].start : items[end - 1].end]
            kind = "atom" if position < depth_ends[-1] else "text"
            result.append(Item(kind, item.start, items[end].end, inner, "remark"))
            position = end + 1
            continue
        while position >= depth_ends[-1] >= 0:
            depth_ends.pop()
        result.append(inner_item(item) if len(depth_ends) > 1 else item)
        if end is not None:
            depth_ends.append(end)
        position += 1
    return result


def is_remark(items: list[Item], position: int) -> bool:
    """Whether a bracket holds words: `(sum over i)`; an `if` in brackets is an indicator's."""
    first = items[position + 1]
    return first.kind == "text" and is_prose(first.value)


def inner_item(item: Item) -> Item:
    """An item as it is within brackets; text there does not separate anything."""
    if item.kind == "text":
        return replace(item, note="inner")
    if item.kind in KEPT:
        return item
    return replace(item, kind="space" if item.kind in BLANK else "atom")


def closing_brackets(items: list[Item]) -> dict[int, int]:
    """For each bracket that is closed, by position, where."""
    partner: dict[int, int] = {}
    opened: list[int] = []
    leading = True
    for position, item in enumerate(items):
        if item.kind == "row":
            leading = True
        elif item.kind == "relation" and leading:
            opened = []
        elif item.kind == "open":
            opened.append(position)
        elif item.kind == "close":
            other = pop_partner(items, opened, item)
            if other is not None:
                partner[other] = position
        leading = leading and item.kind in ("row", "align", "column", "quad")
    return partner


def pop_partner(items: list[Item], opened: list[int], closing: Item) -> int | None:
    """The bracket that another one closes: `\\right` closes a `\\left`, any other no such."""
    if closing.note == "right":
        while opened and items[opened[-1]].note != "left":
            opened.pop()
    if not opened or (closing.note == "right") != (items[opened[-1]].note == "left"):
        return None
    return opened.pop()


def is_prose(words: str) -> bool:
    """Whether a text is several words, or a word that leads to a formula, and no condition."""
    found = WORD.findall(words.lower())
    several = len(found) > 1 or (len(found) == 1 and words != words.rstrip())
    return several and found[0] not in CONDITION_WORDS
