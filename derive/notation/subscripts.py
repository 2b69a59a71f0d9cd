"""Names and subscripts of the plain-text surface."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lark import Token

from derive.expressions.multi import MOST_PRIMES
from derive.notation.names import GREEK, INVERSE
from derive.notation.source import Mistake, Span, normalise
from derive.notation.syntax import Choice, Computed, Constant, Entry, Letter, Slot

__all__ = [
    "Item",
    "Subscript",
    "ends",
    "factors",
    "listed",
    "name_in_text",
    "place",
    "run",
    "slots_of",
    "span_of",
    "spelled",
]

Item = list[Any] | Slot
"""What stands between commas: the tokens of slots side by side, or a slot that is computed."""

SPELLED = {name: normalise(letter) for letter, name in GREEK.items()}
SPELLED |= {"varepsilon": "ε", "varphi": "φ"}

MOST_INDICES = 12

_RUN = re.compile(r"[0-9]+|[^\W0-9_][\u0300-\u036f]*'*")
_MULTIPLE = re.compile(r"(?<!\d)([2-9]|[1-9]\d+)([^\W\d_])")
_INVERTED = re.compile(rf"inv\(\s*(?P<name>[^\s()]+)\s*\)|(?P<stem>.+){INVERSE}")
# From this length on, letters that spell a Greek one are hardly ever meant one by one.
_LONG_GREEK = 4


def span_of(children: Sequence[Any]) -> Span:
    """From the start of the first child to the end of the last."""
    return ends(children[0])[0], ends(children[-1])[1]


def ends(child: Any) -> Span:
    """Where a token or a node starts and ends."""
    if isinstance(child, Token):
        return child.start_pos or 0, child.end_pos or 0
    span: Span = child.span
    return span


def name_in_text(word: str, span: Span) -> str:
    """The name that a word spells: `sigma` is σ, and `inv(A)` is A⁻¹."""
    inverse = _INVERTED.fullmatch(word)
    if inverse:
        return name_in_text(inverse["name"] or inverse["stem"], span) + INVERSE
    stem = word.rstrip("0123456789")
    base = [c for c in stem if not unicodedata.combining(c)]
    if any(c.isdigit() for c in stem):
        raise Mistake(
            f"in the name {word} a letter follows a digit",
            span,
            mend="digits end a name; write a space between two factors",
        )
    if len(base) > 1 and any(c in GREEK for c in base):
        raise Mistake(
            f"the name {word} mixes a Greek letter with others",
            span,
            mend=f"write a space between the factors: `{' '.join(base)}`",
        )
    return spelled(word)


def spelled(word: str) -> str:
    """The word, or the Greek letter whose name it is."""
    stem = word.rstrip("0123456789")
    return SPELLED.get(stem, stem) + word[len(stem) :]


@dataclass(frozen=True)
class Subscript:
    """The slots behind a name, and where they stand."""

    slots: tuple[Slot, ...]
    span: Span


def slots_of(rest: list[Any]) -> tuple[Slot, ...]:
    """The slots behind a name: none, a subscript, or a list in brackets."""
    if not rest:
        return ()
    slots = rest[0].slots if isinstance(rest[0], Subscript) else listed(rest[1])
    if len(slots) > MOST_INDICES:
        raise Mistake(
            f"{len(slots)} indices are too many",
            (slots[0].span[0], slots[-1].span[1]),
            mend=f"a tensor has at most {MOST_INDICES}",
        )
    return tuple(slots)


def listed(items: list[Item]) -> tuple[Slot, ...]:
    """The slots of a list between brackets or braces."""
    return tuple(slot for item in items for slot in _item(item, alone=len(items) == 1))


def place(children: list[Any]) -> list[Item]:
    """The slots between two commas; with an operator among them they are one, computed."""
    signs = [child for child in children if isinstance(child, Token)]
    terms = [child for child in children if isinstance(child, list)]
    if not signs and all(isinstance(child, list) for child in terms[0]):
        _refuse_multiple(terms[0])
        return list(terms[0])
    first, *others = map(_term, terms)
    if len(signs) == len(terms):
        first = _signed(signs.pop(0), first)
    for sign, term in zip(signs, others, strict=True):
        operator = "+" if sign == "+" else "-"
        first = Computed(operator, (first, term), (first.span[0], term.span[1]))
    return [first]


def _refuse_multiple(items: Sequence[Any]) -> None:
    """Refuse what may be an index times a number as well as two indices."""
    words = [item[0] for item in items if isinstance(item[0], Token)]
    multiple = _MULTIPLE.search("".join(map(str, words)))
    if multiple:
        number, letter = multiple.groups()
        raise Mistake(
            f"it is not clear whether `{number}{letter}` is {number} times {letter} or two indices",
            (ends(words[0])[0], ends(words[-1])[1]),
            mend=f"write `{number}·{letter}` or `{number},{letter}`",
        )


def _signed(sign: Token, term: Slot) -> Slot:
    return term if sign == "+" else Computed("-", (term,), (ends(sign)[0], term.span[1]))


def _term(children: list[Any]) -> Slot:
    """Factors, quotients and remainders from left to right."""
    total: Slot | None = None
    operator = "*"
    for child in children:
        if isinstance(child, Token):
            operator = {"INTDIV": "//", "PERCENT": "%"}.get(child.type, "*")
            continue
        factor = factors([child])
        if total is None:
            total = factor
        else:
            total = Computed(operator, (total, factor), (total.span[0], factor.span[1]))
        operator = "*"
    assert total is not None
    return total


def factors(items: list[Item]) -> Slot:
    """The product of what stands side by side: `2i` is 2 times i in index arithmetic."""
    slots = [slot for item in items for slot in _item(item, alone=False)]
    first, *others = slots
    for slot in others:
        first = Computed("*", (first, slot), (first.span[0], slot.span[1]))
    return first


def _item(item: Item, *, alone: bool) -> tuple[Slot, ...]:
    if not isinstance(item, list):
        return (item,)
    if isinstance(item[0], Choice):
        return (item[0],)
    word, start = str(item[0]), ends(item[0])[0]
    span = (start, ends(item[0])[1])
    if len(item) > 1:
        return (_entry(word, span, item),)
    if word not in SPELLED or len(word) == 1:
        return run(word, start)
    if alone:
        raise Mistake(
            f"it is not clear whether `{word}` is {SPELLED[word]} or {len(word)} indices",
            span,
            mend=f"write `{SPELLED[word]}` or `{','.join(word)}`",
        )
    return (Letter(SPELLED[word], span),)


def _entry(word: str, span: Span, item: list[Any]) -> Entry:
    """An entry of a tensor of labels: `T_b`, or `target[b]`."""
    name = name_in_text(word, span) if "'" not in word else word
    several = len(_RUN.findall(word)) > 1 and word not in SPELLED
    if len(item) == 2 and (several or "'" in word):
        raise Mistake(
            "it is not clear to which letter this subscript belongs",
            (span[0], item[1].span[1]),
            mend="separate the indices by commas, as in `s_{b,T_b}`",
        )
    slots = slots_of(item[1:])
    end = item[1].span[1] if len(item) == 2 else ends(item[-1])[1]
    return Entry(name, slots, (span[0], end))


def run(word: str, start: int) -> tuple[Slot, ...]:
    """The slots that a run of letters and digits names one by one."""
    if word in SPELLED and len(word) >= _LONG_GREEK:
        raise Mistake(
            f"it is not clear whether `{word}` is {SPELLED[word]} or {len(word)} indices",
            (start, start + len(word)),
            mend=f"write `{SPELLED[word]}` or `{{{','.join(word)}}}`",
        )
    slots: list[Slot] = []
    for match in _RUN.finditer(word):
        text, span = match.group(), (start + match.start(), start + match.end())
        if text.count("'") > MOST_PRIMES or (text.isdigit() and len(text) > MOST_PRIMES * 3):
            raise Mistake("this index is too long", span, mend="write a letter for it")
        slots.append(Constant(int(text), span) if text.isdigit() else Letter(text, span))
    return tuple(slots)
