"""A census of formulas: what stands for an index, what is applied, what is differentiated by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from derive.check.refusal import NotUnderstood
from derive.check.web.lexer import Token
from derive.check.web.names import Names
from derive.check.web.scripts import (
    Scripts,
    arguments_end,
    collect,
    ends_in_number,
    is_label,
    is_word,
)
from derive.check.web.state import RELATIONS

__all__ = ["Census", "argument", "count"]

_SIGNS = ("sum", "prod", "max", "min")
_CUSTOMARY = set("fghFGHσφψ")


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


def count(tokens: Sequence[Token], census: Census) -> None:
    """Count a row: its left-hand side, and everything in it."""
    first = next((n for n, t in enumerate(tokens) if t.opens(*RELATIONS, "coloneqq")), None)
    if first:
        left = tokens[:first]
        census.left |= _letters_below(left)
        if left[0].kind in ("letter", "word"):
            census.defined.add(left[0].text)
            _note_total(tokens, first, census)
    if first:
        _note_recursion(tokens[:first], tokens[first:], census)
    for left, right in _equations(tokens):
        _note_square(left, census)
        _note_plain(left, right, census)
    _Walk(tokens, census).run()


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


def _letters_below(tokens: Sequence[Token]) -> set[str]:
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
    inside = _letters_below(right) | {t.text for t in right if t.kind == "letter"}
    if len(scripts.below) == len(letters) == 1 and inside and letters[0] not in inside:
        if any(t.opens("_") for t in right):
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


class _Walk:
    """Goes over a row once, names with their scripts at a time."""

    def __init__(self, tokens: Sequence[Token], census: Census) -> None:
        self.tokens = tokens
        self.census = census

    def run(self) -> None:
        position = 0
        while position < len(self.tokens):
            position = self._step(position)

    def _step(self, position: int) -> int:
        token, census = self.tokens[position], self.census
        if token.opens(*_SIGNS):
            return self._sign(position)
        if token.kind in ("letter", "word"):
            return self._name(position)
        if token.kind == "one" or (token.kind == "number" and token.text == "1"):
            return self._one(position)
        if token.opens("frac"):
            self._fraction(position)
        elif token.opens("partial") and self._at(position + 1).opens("_"):
            start, end, _ = argument(self.tokens, position + 2)
            self._varied(start, end)
        elif token.opens("partial") and self._at(position - 1).opens("/"):
            end = next(
                (
                    n
                    for n in range(position + 1, len(self.tokens))
                    if self._at(n).opens("+", "=", "-")
                ),
                len(self.tokens),
            )
            self._varied(position + 1, min(end, position + 6))
        elif token.opens("[", "\\{"):
            self._bracket(position)
        elif token.opens("nabla") and self._at(position + 1).opens("_"):
            start, end, after = argument(self.tokens, position + 2)
            self._varied(start, end)
            return after
        elif token.opens("begin", "end"):
            return argument(self.tokens, position + 1)[2]
        census.signs |= token.opens("sum")
        return position + 1

    def _at(self, position: int) -> Token:
        inside = 0 <= position < len(self.tokens)
        return self.tokens[position] if inside else Token("end", "", (0, 0))

    def _sign(self, position: int) -> int:
        """The letters that a sign binds."""
        census, token = self.census, self.tokens[position]
        census.signs |= token.opens("sum")
        after = position + 1
        while self._at(after).opens("_", "^"):
            start, end, behind = argument(self.tokens, after + 1)
            inside = self.tokens[start:end]
            if self._at(after).opens("_"):
                cut = next((n for n, t in enumerate(inside) if t.opens(*RELATIONS, "in")), None)
                census.bound |= {t.text for t in inside[:cut] if t.kind == "letter"}
            after = behind
        return after

    def _one(self, position: int) -> int:
        """A one-tensor, or what an indicator compares."""
        following = self._at(position + 1)
        if not following.opens("_"):
            return position + 1
        start, end, after = argument(self.tokens, position + 2)
        if any(t.opens(*RELATIONS) for t in self.tokens[start:end]):
            self._compared(start, end)
        else:
            self.census.ones = True
            self._below("1", self.tokens[start:end])
        return after

    def _bracket(self, position: int) -> None:
        end = next(
            (n for n in range(position, len(self.tokens)) if self._at(n).opens("]", "\\}")),
            position,
        )
        if any(t.opens(*RELATIONS) for t in self.tokens[position:end]):
            self._compared(position, end)

    def _compared(self, start: int, end: int) -> None:
        inside = self.tokens[start:end]
        self.census.compared |= {t.text for t in inside if t.kind == "letter"}

    def _fraction(self, position: int) -> None:
        """What derivatives are taken by: its letters range over an index."""
        first, _, after = argument(self.tokens, position + 1)
        start, end, _ = argument(self.tokens, after)
        census = self.census
        again = self._at(first + 1).opens("^")
        if start < end and (self._at(start).opens("partial") or self._at(start).text == "d"):
            self._varied(start + 1, end, again=again)
            if self._at(start).text == "d":
                census.ordinary |= {t.text for t in self.tokens[start + 1 : end]}

    def _varied(self, start: int, end: int, *, again: bool = False) -> None:
        inside = self.tokens[start:end]
        self.census.lower |= _letters_below(inside)
        squared = [t.text for t in inside if not t.opens("{", "}")][-2:] == ["^", "2"]
        if squared and not again and sum(t.opens("partial") or t.text == "d" for t in inside) == 0:
            self.census.squares.add(inside[0].text)

    def _name(self, position: int) -> int:
        """A name with its scripts."""
        census, token = self.census, self.tokens[position]
        try:
            scripts = collect(self.tokens, position + 1, Names())
        except NotUnderstood:
            return position + 1
        census.bases.add(token.text)
        whole = "".join(t.text for t in scripts.below)
        census.scripted.setdefault(token.text, set()).add(whole)
        if scripts.below and token.text == "δ":
            two = [t for t in scripts.below if t.kind == "letter"]
            if len(two) == 2 and not scripts.above:
                census.deltas = True
                self._below("", two)
        elif scripts.below:
            self._below(token.text, scripts.below)
        if scripts.above and not is_label(scripts.above, Names()):
            _Walk(scripts.above, census).run()
        elif scripts.above:
            census.above |= {t.text for t in scripts.above if t.kind == "letter"}
        following = self._at(scripts.end)
        if following.opens("("):
            self._application(token, scripts)
        else:
            census.bare.add(token.text)
            if _letters_below(self.tokens[position : scripts.end]):
                census.factors.add((token.text, True))
        return scripts.end

    def _below(self, base: str, tokens: Sequence[Token]) -> None:
        """Index letters below a name; words and the like are none."""
        if any(t.kind in ("word", "text") for t in tokens) or is_word(tokens):
            return
        for token in tokens:
            if token.kind == "letter" and not ends_in_number(tokens):
                self.census.below.setdefault(token.text, set()).add(base)
            self.census.zero |= token.kind == "number" and token.text == "0"

    def _application(self, token: Token, scripts: Scripts) -> None:
        """Whether what stands in the bracket behind a name looks like its argument."""
        depth, end = 0, scripts.end
        while end < len(self.tokens):
            depth += self._at(end).opens("(") - self._at(end).opens(")")
            if depth == 0:
                break
            end += 1
        inside = self.tokens[scripts.end + 1 : end]
        below = {t.text for t in scripts.below if t.kind == "letter"}
        if not _isargument(inside):
            if (token.text in _CUSTOMARY and not _holds(inside, token)) or token.kind == "word":
                self.census.possibly.setdefault(token.text, set()).add(bool(below))
        else:
            self.census.applied.add(token.text)
            self.census.parameters |= below
            if self._at(end + 1).opens("_"):
                first, stop, _ = argument(self.tokens, end + 2)
                self._below(token.text, self.tokens[first:stop])
            elif len(inside) == 1:
                self.census.ordinary.add(inside[0].text)


def _holds(inside: Sequence[Token], token: Token) -> bool:
    return any(t.text == token.text and t.kind == token.kind for t in inside)


def _isargument(inside: Sequence[Token]) -> bool:
    """Whether it is a list of names, each with scripts."""
    position, names = 0, 0
    while position < len(inside):
        token = inside[position]
        if token.kind not in ("letter", "word"):
            return False
        names += 1
        try:
            position = collect(inside, position + 1, Names()).end
        except NotUnderstood:
            return False
        if position < len(inside):
            if not inside[position].opens(",", ";", "|"):
                return False
            position += 1
    return names > 0
