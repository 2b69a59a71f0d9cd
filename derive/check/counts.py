"""Names that may count the terms of a sum: `1/N` beside a sum whose range nothing tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Expr

from derive.check.formula import Formula
from derive.expressions import Graph, Partial, name_of, tensors_in
from derive.notation.syntax import Binder, Group, Named, Node, Power, Product, walk

__all__ = ["counts"]


def counts(
    formulas: Sequence[Formula], graph: Graph, exprs: Sequence[Expr]
) -> Iterator[tuple[str, str]]:
    """The pairs of a letter and of a name that may be the number of its values.

    An article that writes `1/N Σ_i x_i` seldom says that i runs to N. The name is a number that
    nothing defines, and by which nothing is differentiated.
    """
    moved = {name_of(t) for e in exprs for p in e.atoms(Partial) for t in tensors_in(p.variable)}
    told = {letter for formula in formulas for letter in formula.reading.sizes}
    pairs = (pair for formula in formulas for pair in _beside(formula.tree))
    for letter, name in dict.fromkeys(pairs):
        is_number = name in graph.inputs and not graph.arity[name] and name not in moved
        if is_number and letter not in told:
            yield letter, name


def _beside(tree: Node) -> Iterator[tuple[str, str]]:
    """The letters of the sums in a formula, each with what the formula divides by."""
    parts = list(walk(tree))
    letters = [
        slot.name for p in parts if isinstance(p, Binder) and p.kind == "sum" for slot in p.slots
    ]
    products = [part for part in parts if isinstance(part, Product)]
    divisors = [
        name
        for product in products
        for factor, divides in zip(product.factors, product.divides, strict=True)
        if divides
        for name in _numbers(factor)
    ]
    yield from ((letter, name) for letter in letters for name in divisors)


def _numbers(node: Node) -> Iterator[str]:
    """The names of numbers that stand as factors in what is divided by."""
    if isinstance(node, Group):
        yield from _numbers(node.inner)
    elif isinstance(node, Power):
        yield from _numbers(node.base)
    elif isinstance(node, Product):
        for factor in node.factors:
            yield from _numbers(factor)
    elif isinstance(node, Named) and not node.slots:
        yield node.name
