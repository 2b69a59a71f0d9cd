"""A side in the notation, every part in brackets, with the place that each piece stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.check.web.tree import (
    Bind,
    Call,
    Compare,
    Delta,
    Derivative,
    Letter,
    Name,
    Node,
    Number,
    Ones,
    Power,
    Product,
    Slot,
    Sum,
    renamed,
)
from derive.notation.source import Span

__all__ = ["Written"]

Fragments = list[tuple[str, Span]]


class Written:
    """The text of a node.

    Parameters
    ----------
    node : what is written.
    taken : letters that mean something outside; a sign that binds one gets another.

    Attributes
    ----------
    fragments : the pieces of text with their places.
    renamed : for each letter that was bound under another, the letter of the author.
    """

    def __init__(self, node: Node, taken: frozenset[str]) -> None:
        self.renamed: dict[str, str] = {}
        self.fragments = self._bare(node, taken)

    def _write(self, node: Node, scope: frozenset[str]) -> Fragments:
        """The node as a factor."""
        found = self._bare(node, scope)
        if isinstance(node, Number | Name | Delta | Ones | Call | Compare):
            return found
        return [("(", node.span), *found, (")", node.span)]

    def _bare(self, node: Node, scope: frozenset[str]) -> Fragments:
        return _WRITERS[type(node)](self, node, scope)

    def _leaf(self, node: Any, _scope: frozenset[str]) -> Fragments:
        name = {Delta: "δ", Ones: "1"}.get(type(node)) or node.name
        subscript = ",".join(map(_slot, node.slots))
        return [(f"{name}_{{{subscript}}}" if node.slots else name, node.span)]

    def _number(self, node: Number, _scope: frozenset[str]) -> Fragments:
        return [(node.text, node.span)]

    def _sum(self, node: Sum, scope: frozenset[str]) -> Fragments:
        found: Fragments = []
        for number, (part, minus) in enumerate(zip(node.terms, node.minus, strict=True)):
            sign = "-" if minus else "+" * bool(number)
            inner = self._bare if isinstance(part, Product) else self._write
            found += [(sign, part.span), *inner(part, scope)]
        return found

    def _product(self, node: Product, scope: frozenset[str]) -> Fragments:
        found: Fragments = []
        if node.divides[0]:
            found.append(("1", node.span))
        for number, (part, divides) in enumerate(zip(node.factors, node.divides, strict=True)):
            sign = "/" if divides else "*" * bool(number)
            found += [(sign, part.span), *self._write(part, scope)]
        return found

    def _power(self, node: Power, scope: frozenset[str]) -> Fragments:
        base = self._write(node.base, scope)
        exponent = self._bare(node.exponent, scope)
        return [*base, ("^(", node.span), *exponent, (")", node.span)]

    def _call(self, node: Call, scope: frozenset[str]) -> Fragments:
        found: Fragments = [(f"{node.function}{chr(39) * node.primes}(", node.span)]
        for number, argument in enumerate(node.arguments):
            found += [(", " * bool(number), argument.span), *self._bare(argument, scope)]
        return [*found, (")", node.span)]

    def _bind(self, node: Bind, scope: frozenset[str]) -> Fragments:
        letters, body = node.letters, node.body
        new: dict[str, str] = {}
        for letter in letters:
            other = letter
            while other in scope or (other != letter and other in letters):
                other = _next_letter(other)
            if other != letter:
                new[letter] = other
                self.renamed[other] = letter
        body = renamed(body, new)
        letters = tuple(new.get(letter, letter) for letter in letters)
        sign = "Σ" if node.kind == "sum" else node.kind
        inner = self._bare(body, scope.union(letters))
        head = f"{sign}_{{{','.join(letters)}}}("
        return [(head, node.span), *inner, (")", node.span)]

    def _compare(self, node: Compare, scope: frozenset[str]) -> Fragments:
        found: Fragments = [("[", node.span)]
        for number, side in enumerate(node.sides):
            sign = f" {node.relations[number - 1]} " if number else ""
            found.append((sign, node.span))
            found += (
                [(_slot(side), node.span)] if isinstance(side, Slot) else (self._bare(side, scope))
            )
        return [*found, ("]", node.span)]

    def _derivative(self, node: Derivative, scope: frozenset[str]) -> Fragments:
        above = self._write(node.function, scope)
        below = self._write(node.variable, scope)
        held = f"|_{{{','.join(node.held)}}}" if node.held else ""
        return [
            ("∂", node.span),
            *_held_together(above),
            ("/∂", node.span),
            *below,
            (held, node.span),
        ]


def _held_together(above: Fragments) -> Fragments:
    """The numerator of a derivative, in brackets if it is no name."""
    first, place = above[0]
    if first == "(" or (len(above) == 1 and not first[0].isdigit()):
        return above
    return [("(", place), *above, (")", place)]


def _next_letter(letter: str) -> str:
    """The next letter to try: primes, and then another one."""
    if letter.count("'") < 2:
        return letter + "'"
    base = letter.rstrip("'")
    return chr(ord("a") + (ord(base[0]) - ord("a") + 1) % 26)


def _slot(slot: Slot) -> str:
    return "".join(part.name if isinstance(part, Letter) else part for part in slot.parts)


_WRITERS: dict[type[Node], Callable[[Written, Any, frozenset[str]], Fragments]] = {
    Number: Written._number,
    Name: Written._leaf,
    Delta: Written._leaf,
    Ones: Written._leaf,
    Sum: Written._sum,
    Product: Written._product,
    Power: Written._power,
    Call: Written._call,
    Bind: Written._bind,
    Compare: Written._compare,
    Derivative: Written._derivative,
}
