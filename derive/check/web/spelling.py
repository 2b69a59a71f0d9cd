"""Names of the notation for names that scripts distinguish."""

from __future__ import annotations

import unicodedata

from derive.notation.build import FUNCTIONS
from derive.notation.names import GREEK
from derive.notation.reductions import RESERVED
from derive.notation.subscripts import SPELLED

__all__ = ["in_ascii", "spell"]

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TAKEN = {*FUNCTIONS, *RESERVED, *SPELLED, "d", "for", "and", "or", "not", "inv"}


def spell(*parts: str) -> str:
    """A name of the notation, made of a letter and what distinguishes it."""
    word = parts[0] if len(parts) == 1 else "".join(in_ascii(part) for part in parts if part)
    stem = word.rstrip("0123456789")
    if any(c.isdigit() for c in stem):
        word = "".join(_DIGITS[int(c)] if c.isdigit() else c for c in stem) + word[len(stem) :]
    base = [c for c in stem if not unicodedata.combining(c)]
    if len(base) > 1 and any(c in GREEK for c in base):
        word = in_ascii(word)
    return f"{word}o" if len(parts) > 1 and word in _TAKEN else word


def in_ascii(part: str) -> str:
    """The letters and digits of a part of a name, Greek letters by their names."""
    letters = (GREEK.get(c, c) for c in part)
    return "".join(c for c in letters if c.isalnum() or unicodedata.combining(c))
