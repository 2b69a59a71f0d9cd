"""Sums of terms, products of factors, and what a sum sign reaches over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.check.web.state import Reader
from derive.check.web.tree import Bind, Name, Node, Product, Sum, free_letters

__all__ = ["sum_of_terms", "term"]

_TIMES = ("cdot", "times", "odot", "*", "bullet")
_SLASH = ("/", "div")


def sum_of_terms(reader: Reader) -> Node:
    """Terms with their signs."""
    start = reader.offset()
    terms: list[Node] = []
    minus: list[bool] = []
    while True:
        negative = False
        signed = False
        while (sign := reader.takes("+", "-")) is not None:
            negative ^= sign.text == "-"
            signed = True
        if reader.ends:
            if terms and not signed:
                break
            raise reader.unexpected()
        terms.append(term(reader))
        minus.append(negative)
        if not reader.sees("+", "-"):
            break
    terms, minus = _reached(reader, terms, minus)
    if len(terms) == 1 and not minus[0]:
        return terms[0]
    return Sum((start, terms[-1].span[1]), tuple(terms), tuple(minus))


def term(reader: Reader) -> Node:
    """A product, up to the next sign."""
    reader.found.depth += 1
    if reader.found.depth > 60:
        raise reader.refused("nested too deeply")
    factors: list[Node] = []
    divides: list[bool] = []
    below = False
    while not reader.ends:
        if reader.takes(*_TIMES):
            below = False
            signed = reader.takes("-")
            if reader.ends:
                raise reader.unexpected()
            found = reader.factor()
            factors.append(_negative(found) if signed else found)
            divides.append(False)
        elif reader.sees(*_SLASH) and factors:
            sign = reader.next()
            factors.append(_divisor(reader, sign.span[0]))
            divides.append(True)
        else:
            factors.append(reader.factor())
            divides.append(below)
    reader.found.depth -= 1
    if not factors:
        raise reader.unexpected()
    if len(factors) == 1:
        return factors[0]
    span = (factors[0].span[0], factors[-1].span[1])
    found = Product(span, tuple(factors), tuple(divides))
    _note_mean(reader, found)
    return found


def _note_mean(reader: Reader, node: Product) -> None:
    r"""Keep the number of terms of a mean, as in `\frac{1}{N} \sum_i`: the range is left open."""
    last = node.factors[-1]
    if not isinstance(last, Bind) or last.kind != "sum" or last.letters[0] in reader.found.sizes:
        return
    numbers = {n.name for n in _divisors(replace(node, factors=node.factors[:-1]))}
    if len(numbers) != 1:
        return
    (number,) = numbers
    if reader.names.orders.get(number) or not number.isascii():
        return
    options = (f"{number} is the number of terms", f"{number} is any number")
    if reader.found.choose(f"the number {number}", *options) == 0:
        reader.found.sizes[last.letters[0]] = number


def _divisors(node: Product) -> Iterator[Name]:
    """The numbers without an index that a product is divided by."""
    for factor, divides in zip(node.factors, node.divides, strict=False):
        inner = factor.factors if divides and isinstance(factor, Product) else (factor,)
        if divides:
            names = (n for n in inner if isinstance(n, Name) and not n.slots)
            yield from (name for name in names if name.name.isalpha())
        elif isinstance(factor, Product):
            yield from _divisors(factor)


def _negative(node: Node) -> Node:
    return Sum(node.span, (node,), (True,))


def _divisor(reader: Reader, offset: int) -> Node:
    """What stands behind a slash: the next factor, or all that follows it directly."""
    first = reader.factor()
    token = reader.peek()
    simple = token is not None and token.kind in ("letter", "word") and not reader.ends
    if not simple:
        return first
    options = ("the slash divides by the next factor", "the slash divides by all that follows it")
    if reader.found.choose(f"slash at {offset}", *options) == 0:
        return first
    factors = [first]
    while (token := reader.peek()) is not None and token.kind in ("letter", "word"):
        factors.append(reader.factor())
    span = (first.span[0], factors[-1].span[1])
    return Product(span, tuple(factors), (False,) * len(factors))


def _reached(reader: Reader, terms: list[Node], minus: list[bool]) -> tuple[list[Node], list[bool]]:
    """The terms, where a sum sign may reach over terms behind its own that have its letter."""
    for number, node in enumerate(terms):
        letters = _open_letters(node) - (reader.found.free or frozenset())
        if not letters:
            continue
        last = max(
            (n for n in range(number + 1, len(terms)) if letters & free_letters(terms[n])),
            default=0,
        )
        if not last:
            continue
        topic = f"reach of the sum at {node.span[0]}"
        options = ("the sum reaches over the terms behind it", "the sum ends at the next sign")
        if reader.found.choose(topic, *options):
            continue
        reader.remark("the sum is read as one over the terms behind it too", node.span[0])
        inner = slice(number + 1, last + 1)
        joined = _extended(node, terms[inner], minus[inner])
        return [*terms[:number], joined, *terms[last + 1 :]], [
            *minus[: number + 1],
            *minus[last + 1 :],
        ]
    return terms, minus


def _open_letters(node: Node) -> frozenset[str]:
    """The letters of a sum whose reach is open at the end of a term."""
    if isinstance(node, Product):
        return _open_letters(node.factors[-1]) if not node.divides[-1] else frozenset()
    if isinstance(node, Bind) and node.kind == "sum":
        return frozenset(node.letters) | _open_letters(node.body)
    return frozenset()


def _extended(node: Node, terms: list[Node], minus: list[bool]) -> Node:
    """The node with terms added to the body of the sum at its end."""
    if isinstance(node, Product):
        return replace(
            node, factors=(*node.factors[:-1], _extended(node.factors[-1], terms, minus))
        )
    if isinstance(node, Bind):
        return replace(node, body=_extended(node.body, terms, minus))
    span = (node.span[0], terms[-1].span[1])
    return Sum(span, (node, *terms), (False, *minus))
