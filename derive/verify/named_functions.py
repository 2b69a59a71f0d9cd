"""Functions that are only letters, with polynomials put in for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from sympy import Expr

from derive.expressions import Binder, Graph, Opaque, nodes_in, opaque
from derive.verify.functions import POLYNOMIALS

__all__ = ["letters_of_functions", "polynomials_for", "with_functions", "with_functions_in"]

Chosen = Mapping[str, str]
"""For the letter of a function the name of the polynomial that it stands for."""


def letters_of_functions(exprs: Sequence[Expr]) -> list[str]:
    """The letters that stand for functions of which nothing else is known."""
    return sorted({node.func.symbol for expr in exprs for node in nodes_in(expr, Opaque)})


def polynomials_for(letters: Sequence[str]) -> Iterator[Chosen]:
    """Polynomials for the letters, different ones for different letters first."""
    every = [tuple(names) for names in product(POLYNOMIALS, repeat=len(letters))]
    every.sort(key=lambda names: len(names) - len(set(names)))
    for names in every:
        yield dict(zip(letters, names, strict=True))


def with_functions(expr: Expr, chosen: Chosen) -> Expr:
    """The expression with named functions in place of those that are only letters."""
    if not expr.has(Opaque):
        return expr
    if isinstance(expr, Binder):
        indices, body = expr.open()
        return expr.func(with_functions(body, chosen), *indices)
    args = [with_functions(arg, chosen) for arg in expr.args]
    if isinstance(expr, Opaque):
        return opaque(chosen[expr.symbol] + "'" * expr.order)(*args)
    return expr.func(*args)


def with_functions_in(graph: Graph, chosen: Chosen) -> Graph:
    """The graph with named functions in its equations."""
    equations = [
        replace(eq.mapped(lambda side: with_functions(side, chosen))) for eq in graph.equations
    ]
    return Graph(equations, letters=graph.letters, sizes=graph.declared, multi=graph.multi)
