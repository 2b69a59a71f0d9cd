"""Where a form is defined: by what it divides."""

from __future__ import annotations

from math import inf

from sympy import Expr, Mul, Pow, exp

from derive.calculus.index_algebra import without_ones
from derive.expressions import Graph, Partial, indices_of, name_of, nodes_in, tensors_in

__all__ = ["divisors", "written_out"]

# In a deep graph a name written out to the inputs grows without bound; beyond this size the names
# that are left stand for themselves, so that two forms are at worst not seen to divide alike.
MOST_OPERATIONS = 200


def divisors(expr: Expr, graph: Graph) -> set[Expr]:
    """The factors that must not vanish for the form to be defined, in terms of the inputs.

    Exponentials and numbers are left out, which never vanish. What stands inside a partial
    derivative does not count.
    """
    opaque = {partial: partial.variable for partial in nodes_in(expr, Partial)}
    powers = expr.xreplace(opaque).atoms(Pow)
    below = [power.base for power in powers if power.exp.could_extract_minus_sign()]
    return {
        factor
        for base in below
        for factor in _factors(without_ones(written_out(base, graph, MOST_OPERATIONS)))
    }


def _factors(expr: Expr) -> list[Expr]:
    bases = (factor.as_base_exp()[0] for factor in Mul.make_args(expr) if factor.func is not exp)
    return [base for base in bases if not base.is_number]


def written_out(expr: Expr, graph: Graph, most: float = inf) -> Expr:
    """The expression with their definitions for the defined names, in at most so many operations.

    Beyond that the names that are left stand for themselves, as those under a sum always do.
    """
    for name in reversed(graph.order):
        if graph[name].is_relation:
            continue
        if expr.count_ops(visual=False) > most:
            break
        named = [node for node in tensors_in(expr) if name_of(node) == name]
        expr = expr.xreplace({node: graph[name].at(indices_of(node)) for node in named})
    return expr
