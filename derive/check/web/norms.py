"""Bars: absolute values, and norms of vectors."""

from __future__ import annotations

from dataclasses import replace

from derive.check.web.state import Reader
from derive.check.web.tree import (
    Bind,
    Call,
    Letter,
    Name,
    Node,
    Number,
    Power,
    Product,
    Slot,
    rebuilt,
    walk,
)

__all__ = ["bars", "norm"]


def bars(reader: Reader) -> Node:
    """`|x|`; around a vector it is a norm."""
    token = reader.next()
    inner = _inside(reader, "right|" if token.text.startswith("left") else "|")
    return Call((token.span[0], reader.tokens[reader.position - 1].span[1]), "abs", (inner,))


def _inside(reader: Reader, closing: str) -> Node:
    reader.found.bars += 1
    inner = reader.sum()
    reader.found.bars -= 1
    if reader.takes(closing) is None:
        raise reader.unexpected()
    return inner


def norm(reader: Reader) -> Node:
    """`\\|x\\|`, `\\|x\\|^2` and `\\|x\\|_1` of a vector or a matrix, entry by entry."""
    token = reader.next()
    reader.found.vectors += 1
    inner = _inside(reader, "right‖" if token.text.startswith("left") else "‖")
    reader.found.vectors -= 1
    kind, power = _marks(reader)
    entries, letters = _entries(reader, inner)
    span = (token.span[0], reader.tokens[reader.position - 1].span[1])
    if kind == "1" and power is None:
        return Bind(span, "sum", letters, Call(span, "abs", (entries,)))
    if kind == "1" or power not in (None, "2"):
        raise reader.refused("this power of a norm", token)
    squares = Bind(span, "sum", letters, Power(span, entries, Number(span, "2")))
    return Call(span, "sqrt", (squares,)) if power is None else squares


def _marks(reader: Reader) -> tuple[str, str | None]:
    """Which norm, and to which power."""
    kind, power = "2", None
    while (mark := reader.takes("_", "^")) is not None:
        start, end = reader.argument()
        text = "".join(token.text for token in reader.tokens[start:end])
        if mark.text == "^":
            power = text
        elif text in ("1", "2", "F"):
            kind = text
        else:
            raise reader.refused("this norm", mark)
    return kind, power


def _entries(reader: Reader, inner: Node) -> tuple[Node, tuple[str, ...]]:
    """An entry of what a norm is of, and its index letters."""
    orders = reader.names.orders
    bare = [p for p in walk(inner) if isinstance(p, Name) and not p.slots and orders.get(p.name)]
    counts = {orders[name.name] for name in bare}
    products = [p for p in walk(inner) if isinstance(p, Product)]
    mixed = any(sum(f in bare for f in product.factors) > 1 for product in products)
    if len(counts) != 1 or mixed:
        raise reader.refused("a norm of what is no vector with indices", None, "not index notation")
    letters: list[str] = []
    for _ in range(counts.pop()):
        letters.append(reader.names.fresh(frozenset(letters)))
    slots = tuple(Slot((Letter(letter),)) for letter in letters)

    def change(part: Node | Slot | Letter) -> Node | Slot | Letter:
        if isinstance(part, Name) and part in bare:
            return replace(part, slots=slots)
        found: Node | Slot | Letter = rebuilt(part, change)
        return found

    entries = change(inner)
    assert isinstance(entries, Node)
    return entries, tuple(letters)
