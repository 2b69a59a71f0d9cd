"""A row of a block, cut at everything that may separate two statements."""

from __future__ import annotations

import re
from dataclasses import dataclass

from derive.check.tokens import Item
from derive.check.vocabulary import CONDITION_WORDS, JOINING_WORDS, WORD

__all__ = [
    "LAYOUT",
    "Piece",
    "condition_first",
    "has_relation",
    "pieces",
    "plain_words",
    "text_of",
    "trimmed",
]

WORDY = ("implies", "join", "condition", "note", "colon")
SPACING = ("quad", "column", "comma", "colon")
LAYOUT = ("align", "space")
PUNCTUATION = ("comma", "stop", "space")


@dataclass(frozen=True)
class Piece:
    """What stands between two separators; `boundary` is the one before it, `words` what it says."""

    boundary: str
    words: str
    offset: int
    items: list[Item]
    column: int


def trimmed(items: list[Item]) -> list[Item]:
    """Without punctuation at either end."""
    start, end = 0, len(items)
    while start < end and items[start].kind in PUNCTUATION:
        start += 1
    while end > start and items[end - 1].kind in PUNCTUATION:
        end -= 1
    return items[start:end]


def text_of(items: list[Item], text: str) -> str:
    """The text that items cover."""
    return text[items[0].start : items[-1].end] if items else ""


def pieces(row: list[Item]) -> list[Piece]:
    """A row cut at everything that may separate two statements."""
    result: list[Piece] = []
    boundary, words, offset, column = "start", "", row[0].start if row else 0, 0
    held: list[Item] = []
    for position, item in enumerate(row):
        kind, said = separator(row, position)
        if not kind:
            held.append(item)
            continue
        if boundary in WORDY and kind in SPACING and all(i.kind in LAYOUT for i in held):
            # `\\therefore\\quad x = y`: the space belongs to the word.
            column += kind == "column"
            continue
        result.append(Piece(boundary, words, offset, held, column))
        column += kind == "column"
        boundary, words, offset, held = kind, said, item.start, []
    result.append(Piece(boundary, words, offset, held, column))
    return result


def separator(row: list[Item], position: int) -> tuple[str, str]:
    """Which kind of separator an item is, if one, and what it says in words."""
    item = row[position]
    if item.kind == "text" and item.note != "inner":
        return text_separator(row, position)
    if item.kind in ("quad", "column", "implies"):
        return item.kind, item.value
    if item.kind == "comma":
        return "comma", ""
    if item.kind == "forall":
        return "condition", ""
    if item.kind == "stop" and item.value == ":":
        return "colon", ""
    return "", ""


def text_separator(row: list[Item], position: int) -> tuple[str, str]:
    """Text is a name, or a word that joins, or a remark."""
    words = row[position].value.strip()
    found = WORD.findall(words.lower())
    first = found[0].strip(".") if found else ""
    if condition_first(words):
        return "condition", words
    if first in JOINING_WORDS:
        return "join", words
    return ("", "") if is_name(row, position, words, found) else ("note", words)


def condition_first(words: str) -> bool:
    """Whether words begin as a condition does."""
    found = WORD.match(words.strip(" ("))
    return bool(found and found[0].lower().strip(".") in CONDITION_WORDS | {"otherwise", "else"})


def is_name(row: list[Item], position: int, words: str, found: list[str]) -> bool:
    """Whether text is the name of a quantity or function: `\\text{ReLU}(x)`, `\\text{loss} =`."""
    after = neighbour(row, position, 1)
    before = neighbour(row, position, -1)
    if row[position].note or not (words[:1].isalpha() and words[-1].isalnum()):
        return False
    attached = after is not None and (
        after.kind in ("open", "relation") or after.value in ("_", "^")
    )
    if len(found) > 1 and " " in words:
        return before is None and after is not None and after.kind == "relation"
    alone = after is None and (before is None or before.kind in ("quad", "column"))
    return attached or not alone


def plain_words(words: str) -> str:
    """Words as they are read: without `\\text{}` and without the brackets around all of them."""
    words = re.sub(r"\\(?:text[a-z]*|mbox)\s*\{([^{}]*)\}", r"\1", words).strip()
    for opening, closing in ("()", "[]", "{}"):
        if words.startswith(opening) and words.find(closing) == len(words) - 1:
            words = words[1:-1].strip()
    return words


def neighbour(row: list[Item], position: int, step: int) -> Item | None:
    """The next item to one side that is more than layout."""
    position += step
    while 0 <= position < len(row) and row[position].kind in LAYOUT:
        position += step
    return row[position] if 0 <= position < len(row) else None


def has_relation(items: list[Item]) -> bool:
    """Whether a relation stands among items."""
    return any(item.kind == "relation" for item in items)
