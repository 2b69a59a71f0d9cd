"""The sides of a chain, and the conditions beside them, as formulas."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from derive.check.formula import Formula, formula
from derive.check.reading import Reading
from derive.check.refusal import NotUnderstood
from derive.errors import DeriveError
from derive.notation.source import Transcript

__all__ = ["condition_formulas", "formulas", "in_notation", "opposite"]

_SIGNS = (
    (re.compile(r"\\(?:neq|ne|not\s*=)(?![A-Za-z])|≠"), "!="),
    (re.compile(r"\\(?:leq|le|leqslant)(?![A-Za-z])|≤"), "<="),
    (re.compile(r"\\(?:geq|ge|geqslant)(?![A-Za-z])|≥"), ">="),
    (re.compile(r"\\(?:lt)(?![A-Za-z])"), "<"),
    (re.compile(r"\\(?:gt)(?![A-Za-z])"), ">"),
)
_TEXT = re.compile(r"\\(?:text|mathrm|textrm|mbox|textit|textbf)\s*\{([^{}]*)\}")
_SPACE = re.compile(r"\\(?:quad|qquad|[,;:! ])|~|&")
_WORDS = re.compile(r"\b(?:if|for|when|where|case|case of|and)\b", re.IGNORECASE)
_COMPARISON = re.compile(r"\s*([A-Za-z]|\d+)\s*(=|!=|<=|>=|<|>)\s*([A-Za-z]|\d+)\s*")
# What says of an index only that it has a range: `k = 1, …, n`, `∀ i`, `i ∈ {1, …, n}`.
_RANGE = re.compile(r"\\(?:[lc]?dots|forall|in|all)(?![A-Za-z])|…|∀|∈|\.\.|\b(?:all|every|each)\b")
_OPPOSITES = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def formulas(readings: Sequence[Reading], known: Collection[str]) -> tuple[Formula, ...]:
    """The readings of a side that obey the notation.

    Raises
    ------
    NotUnderstood : none of them does.
    """
    found: list[Formula] = []
    refused: NotUnderstood | None = None
    for reading in readings:
        try:
            found.append(formula(reading, known))
        except DeriveError as error:
            offset = error.places[0].start if error.places else 0
            refused = refused or NotUnderstood(error.message, offset)
    if not found:
        raise refused or NotUnderstood("there is nothing here")
    return tuple(found)


def condition_formulas(condition: str) -> tuple[Formula, ...] | None:
    """The comparisons of indices in a condition such as `i \\neq j`; None if it is another one.

    A range of an index is none: the index is in it anyway.
    """
    found = _comparisons(condition)
    return None if found is None else tuple(map(_comparison, found))


def opposite(condition: str) -> tuple[Formula, ...] | None:
    """The comparison that holds where a single one does not, as *otherwise* means it."""
    found = _comparisons(condition)
    if found is None or len(found) != 1:
        return None
    left, sign, right = found[0]
    return (_comparison((left, _OPPOSITES[sign], right)),)


_Comparison = tuple[str, str, str]


def _comparisons(condition: str) -> list[_Comparison] | None:
    for pattern, sign in _SIGNS:
        condition = pattern.sub(f" {sign} ", condition)
    if _RANGE.search(condition):
        return []
    condition = _SPACE.sub(" ", _TEXT.sub(r" \1 ", condition))
    parts = re.split(r",|\\land|\\wedge", _WORDS.sub(",", condition))
    matches = [_COMPARISON.fullmatch(part) for part in parts if part.strip(" .:")]
    found = [(match[1], match[2], match[3]) for match in matches if match is not None]
    return found if len(found) == len(matches) else None


def _comparison(parts: _Comparison) -> Formula:
    return formula(in_notation(f"[{' '.join(parts)}]"), ())


def in_notation(text: str) -> Reading:
    """A reading of a text that is in the notation."""
    transcript = Transcript(text, [(text, (0, len(text)))])
    empty: frozenset[str] = frozenset()
    return Reading(text, empty, empty, {}, None, (), (), transcript)
