"""Implicit relations: equations that hold a tensor on whichever side, and so define it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sympy import Expr, Indexed, Mul, S, preorder_traversal

from derive.expressions.contraction import Contraction
from derive.expressions.indices import Index, indices_of, name_of, ranging

__all__ = ["Multiple", "NotLinearError", "linear_terms", "paired_indices"]


def paired_indices(name: str, order: int, sides: Sequence[Expr]) -> tuple[Index, ...]:
    """For each axis of a tensor the free index of the relation that it goes with.

    A relation has one equation for each entry of what it defines. An axis that carries one free
    index wherever the tensor stands goes with that index, the others go with the rest in order.
    The caller sees to it that there are as many free indices as axes.
    """
    slots = [indices_of(n) for s in sides for n in s.atoms(Indexed) if name_of(n) == name]
    free = sorted(set().union(*map(ranging, sides)), key=lambda index: index.name)
    found: dict[int, Index] = {}
    for axis in range(order):
        here = {place[axis] for place in slots}
        first = next(iter(here))
        if len(here) == 1 and first in free and first not in found.values():
            found[axis] = first
    left = iter([index for index in free if index not in found.values()])
    return tuple(found[axis] if axis in found else next(left) for axis in range(order))


class NotLinearError(Exception):
    """A node stands in something other than a product, a sum or a contraction."""


@dataclass(frozen=True)
class Multiple:
    """A term: the coefficient of a node, summed over the indices in `bound`, which are open.

    Where the term does not hold the node, `node` is None.
    """

    coefficient: Expr
    node: Expr | None = None
    bound: tuple[Index, ...] = ()


def linear_terms(expr: Expr, is_node: Callable[[Expr], bool], *avoid: Expr) -> Iterator[Multiple]:
    """The expression as a sum of multiples of the nodes, and of terms without them.

    The open indices are free in none of the expressions to `avoid`.

    Raises
    ------
    NotLinearError : it is no such sum.
    """
    if is_node(expr):
        yield Multiple(S.One, expr)
    elif not any(map(is_node, preorder_traversal(expr))):
        yield Multiple(expr)
    elif expr.is_Add:
        for term in expr.args:
            yield from linear_terms(term, is_node, *avoid)
    elif expr.is_Mul:
        yield from _in_product(expr, is_node, avoid)
    elif isinstance(expr, Contraction):
        indices, body = expr.open(*avoid)
        for term in linear_terms(body, is_node, *avoid, *indices):
            if term.node is None:
                yield Multiple(Contraction(term.coefficient, *indices))
            else:
                yield Multiple(term.coefficient, term.node, (*indices, *term.bound))
    else:
        raise NotLinearError


def _in_product(
    expr: Expr, is_node: Callable[[Expr], bool], avoid: tuple[Expr, ...]
) -> Iterator[Multiple]:
    holders = [f for f in expr.args if any(map(is_node, preorder_traversal(f)))]
    if len(holders) > 1:
        raise NotLinearError
    rest = [factor for factor in expr.args if factor is not holders[0]]
    for term in linear_terms(holders[0], is_node, *rest, *avoid):
        # One product, since SymPy multiplies a number and a sum alone out.
        coefficient = Mul(*rest, *Mul.make_args(term.coefficient))
        yield Multiple(coefficient, term.node, term.bound)
