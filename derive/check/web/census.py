"""A census of formulas: what stands for an index, what is applied, what is differentiated by."""

from __future__ import annotations

from collections.abc import Sequence

from derive.check.refusal import NotUnderstood
from derive.check.web.equations import Census, argument, letters_below, note_equations
from derive.check.web.lexer import Token
from derive.check.web.names import Names
from derive.check.web.scripts import (
    Scripts,
    collect,
    ends_in_number,
    is_label,
    is_word,
)
from derive.check.web.state import RELATIONS

__all__ = ["Census", "argument", "count"]

_SIGNS = ("sum", "prod", "max", "min")
_CUSTOMARY = set("fghFGHσφψ")


def count(tokens: Sequence[Token], census: Census) -> None:
    """Count a row: its equations, and everything in it."""
    note_equations(tokens, census)
    _Walk(tokens, census).run()


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
        self.census.lower |= letters_below(inside)
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
            if letters_below(self.tokens[position : scripts.end]):
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
