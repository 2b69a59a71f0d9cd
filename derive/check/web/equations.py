"""What a census of formulas finds, and what it finds in whole equations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from derive.check.refusal import NotUnderstood
from derive.check.web.lexer import Token
from derive.check.web.names import Names
from derive.check.web.scripts import arguments_end, collect
from derive.check.web.state import RELATIONS

__all__ = ["Census", "argument", "letters_below", "note_equations"]


@dataclass
class Census:
    """What is seen of letters and names."""

    bound: set[str] = field(default_factory=set)
    below: dict[str, set[str]] = field(default_factory=dict)
    compared: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    lower: set[str] = field(default_factory=set)
    ordinary: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)
    bare: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)
    squares: set[str] = field(default_factory=set)
    above: set[str] = field(default_factory=set)
    totals: set[str] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    scripted: dict[str, set[str]] = field(default_factory=dict)
    unscripted: dict[str, set[str]] = field(default_factory=dict)
    possibly: dict[str, set[bool]] = field(default_factory=dict)
    factors: set[tuple[str, bool]] = field(default_factory=set)
    headed: dict[str, set[str]] = field(default_factory=dict)
    recursive: set[tuple[str, str, str]] = field(default_factory=set)
    signs: bool = False
    ones: bool = False
    deltas: bool = False
    zero: bool = False

    def guessed(self) -> set[str]:
        """Names before brackets that may be functions, unless they are factors elsewhere."""
        return {
            name
            for name, ways in self.possibly.items()
            if any((name, lettered) not in self.factors for lettered in ways)
        }

    def families(self) -> set[tuple[str, str]]:
        """Names whose letter tells the layer, as in `\\delta_j = h'(a_j) \\sum_k w_{kj} \\delta_k`.

        Both are defined, and the one is a sum of the others.
        """
        return {
            (name, letter)
            for name, head, other in self.recursive
            if {head, other} <= self.headed.get(name, set())
            for letter in (head, other)
        }

    def tagged(self) -> set[tuple[str, str]]:
        """Names whose one letter is part of them, as in `E_n = \\sum_k (y_k - t_k)^2`.

        The definition has the letter on the left alone, and the name has no other.
        """
        return {
            (name, letter)
            for name, letters in self.unscripted.items()
            for letter in letters
            if self.scripted.get(name) == {letter}
        }


def note_equations(tokens: Sequence[Token], census: Census) -> None:
    """Keep what the equations of a row say about the names that they are about."""
    first = next((n for n, t in enumerate(tokens) if t.opens(*RELATIONS, "coloneqq")), None)
    if first:
        left = tokens[:first]
        census.left |= letters_below(left)
        if left[0].kind in ("letter", "word"):
            census.defined.add(left[0].text)
            _note_total(tokens, first, census)
        _note_recursion(left, tokens[first:], census)
    for left, right in _equations(tokens):
        _note_square(left, census)
        _note_plain(left, right, census)


def _equations(tokens: Sequence[Token]) -> Iterator[tuple[Sequence[Token], Sequence[Token]]]:
    """The first two sides of each of the equations that commas part."""
    start, depth = 0, 0
    cuts: list[int] = []
    for position, token in enumerate([*tokens, Token("sign", ",", (0, 0))]):
        depth += token.opens("{", "(", "[") - token.opens("}", ")", "]")
        if depth == 0 and token.opens(*RELATIONS, "coloneqq"):
            cuts.append(position)
        elif depth == 0 and token.opens(",", ";"):
            if cuts and cuts[0] > start:
                end = cuts[1] if cuts[1:] else position
                yield tokens[start : cuts[0]], tokens[cuts[0] + 1 : end]
            start, cuts = position + 1, []


def letters_below(tokens: Sequence[Token]) -> set[str]:
    """The letters in the scripts of a stretch."""
    found: set[str] = set()
    for position, token in enumerate(tokens):
        if token.opens("_") or (token.opens("^") and tokens[position + 1 : position + 3]):
            start, end, _ = argument(tokens, position + 1)
            found |= {t.text for t in tokens[start:end] if t.kind == "letter"}
    return found


def argument(tokens: Sequence[Token], position: int) -> tuple[int, int, int]:
    """Where an argument begins and ends, and what is behind it; all at the end if it lacks."""
    try:
        start, end, after = arguments_end(tokens, position)
    except NotUnderstood:
        return len(tokens), len(tokens), len(tokens)
    return start, min(end, len(tokens)), min(after, len(tokens))


def _note_total(tokens: Sequence[Token], first: int, census: Census) -> None:
    """Keep a name that is a sum of its own entries, as in `L = \\sum_t L_t`."""
    name, right = tokens[0], tokens[first:]
    entries = (
        n for n, t in enumerate(right[:-1]) if t.text == name.text and right[n + 1].opens("_", "^")
    )
    if first == 1 and not name.bold and any(t.opens("sum") for t in right) and any(entries):
        census.totals.add(name.text)


def _note_square(tokens: Sequence[Token], census: Census) -> None:
    """Keep a name whose square is a variable, spelled without regard to what is an index."""
    try:
        scripts = collect(tokens, 1, Names())
    except NotUnderstood:
        return
    whole = scripts.end == len(tokens)
    if whole and [t.text for t in scripts.above] == ["2"] and not tokens[0].opens("("):
        census.squares.add(tokens[0].text)


def _note_plain(left: Sequence[Token], right: Sequence[Token], census: Census) -> None:
    """Keep a name that is defined as a product or a sum of names, so that it is no function."""
    if left[0].kind not in ("letter", "word"):
        return
    try:
        scripts = collect(left, 1, Names())
    except NotUnderstood:
        return
    if scripts.end < len(left) or scripts.above:
        return
    letters = [t.text for t in scripts.below if t.kind == "letter"]
    census.factors.add((left[0].text, bool(letters)))
    if len(scripts.below) == len(letters) == 1:
        census.headed.setdefault(left[0].text, set()).update(letters)
    inside = letters_below(right) | {t.text for t in right if t.kind == "letter"}
    alone = len(scripts.below) == len(letters) == 1 and letters[0] not in inside
    if alone and inside and any(t.opens("_") for t in right):
        census.unscripted.setdefault(left[0].text, set()).update(letters)


def _note_recursion(left: Sequence[Token], right: Sequence[Token], census: Census) -> None:
    """Keep a name with a letter that is made of the same name with a letter that is summed over."""
    plain = len(left) == 3 and left[1].opens("_") and left[2].kind == "letter"
    if not plain or left[0].kind != "letter":
        return
    for n, token in enumerate(right[:-2]):
        if token.opens("sum") and right[n + 1].opens("_"):
            start, end, _ = argument(right, n + 2)
            other = right[start]
            inside = [t.text for t in right[end:]]
            below = zip(inside, inside[1:], inside[2:], strict=False)
            if other.text != left[2].text and (left[0].text, "_", other.text) in below:
                census.recursive.add((left[0].text, left[2].text, other.text))
