"""The rules for deltas, one-tensors and contractions."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, KroneckerDelta, Mul

from derive.calculus.context import Context
from derive.calculus.index_arithmetic import (
    DIGITS,
    has_factor,
    in_own_axes,
    replaced,
    solutions,
)
from derive.calculus.reductions import ENTRIES
from derive.calculus.rule import Rule, rule
from derive.expressions import (
    Bound,
    Contraction,
    One,
    Size,
    is_computed,
    nodes_in,
    occurrences,
    ranging,
)

__all__ = ["INDICES", "SUMS", "contract_delta", "distribute", "drop_one", "without_ones"]

_X_Y = "z_i = x_i + a y_i"


@rule(
    "contract the Kronecker delta",
    "x_i δ_in = x_n",
    free="n",
    where=_X_Y,
    refuses=("x_n δ_nT", "x_i y_i 1_n"),
)
def contract_delta(node: Expr, context: Context) -> Expr | None:
    """Of the sum over i only the term with i = n is left."""
    if not (isinstance(node, Contraction) and has_factor(node, KroneckerDelta)):
        return None
    indices, body = node.open()
    factors = Mul.make_args(body)
    for delta in factors:
        if isinstance(delta, KroneckerDelta):
            rest = [factor for factor in factors if factor is not delta]
            found = [
                after
                for solution in solutions(delta, indices)
                if (after := replaced(rest, *solution, context)) is not None
            ]
            if found:
                _, new, index = min(found, key=lambda one: one[0])
                return Contraction(new, *(other for other in indices if other != index))
            if (used := _used(delta, rest, context)) is not None:
                return Contraction(used, *indices)
    return None


def _used(delta: Expr, rest: Sequence[Expr], context: Context) -> Expr | None:
    """A product with the delta in which an index stands for what the delta says it equals."""
    for computed, index in (delta.args, delta.args[::-1]):
        if is_computed(computed) and not is_computed(index):
            after = Mul(*rest).xreplace({computed: index})
            changed = after != Mul(*rest) and in_own_axes([after], context.graph, rest)
            return delta * after if changed else None
    return None


@rule(
    "drop the one-tensor",
    "1_n x_n = x_n",
    free="n",
    where=_X_Y,
    refuses=("1_i x_i", "1_n a"),
)
def drop_one(node: Expr, context: Context) -> Expr | None:
    """It equals 1 wherever another factor carries its index already."""
    if isinstance(node, Contraction):
        return _dropped_one(node)
    if node.is_Add:
        return _drop_in_sum(node)
    if not node.is_Mul:
        return None
    for one in node.args:
        if isinstance(one, One) and not isinstance(one.index, Bound):
            rest = [factor for factor in node.args if factor != one]
            if occurrences(one.index, rest):
                return Mul(*rest)
    return None


def _drop_in_sum(node: Expr) -> Expr | None:
    """A number may be added to anything: beside `x_n` it needs no one-tensor."""
    numbers = {term: _number(term) for term in node.args if _number(term) is not None}
    others = [term for term in node.args if term not in numbers]
    carried = [ranging(term) for term in others]
    if not numbers or not carried or any(ranging(term) != carried[0] for term in numbers):
        return None
    return Add(*others, *numbers.values())


def _number(term: Expr) -> Expr | None:
    """The number before one-tensors, if the term is made of nothing else."""
    ones = [factor for factor in Mul.make_args(term) if isinstance(factor, One)]
    rest = Mul(*(factor for factor in Mul.make_args(term) if factor not in ones))
    return rest if ones and rest.is_number else None


def _dropped_one(node: Contraction) -> Expr | None:
    """The contraction without a one-tensor that it does not need; None if it needs all."""
    factors = Mul.make_args(node.body)
    for one in factors:
        if isinstance(one, One):
            rest = [factor for factor in factors if factor != one]
            least = 2 if one.index in node.bound else 1
            if occurrences(one.index, rest) >= least:
                return Contraction(Mul(*rest), *node.bound)
    return None


def without_ones(expr: Expr) -> Expr:
    """The expression as it looks after one-tensors are dropped that the author could leave out."""
    while True:
        dropped = {c: plain for c in nodes_in(expr, Contraction) if (plain := _dropped_one(c))}
        if not dropped:
            return expr
        expr = expr.xreplace(dropped)


@rule(
    "sum of ones",
    "1_h 1_h = H",
    where="m = (1/H) 1_h x_h",
    sizes={"h": "H"},
    refuses=("1_h x_h",),
)
def sum_of_ones(node: Expr, context: Context) -> Expr | None:
    """As many ones as the index has values."""
    if isinstance(node, Contraction) and isinstance(node.body, One):
        size = node.bound[0].size
        return None if isinstance(size, Size) and not size.is_named else size
    return None


@rule(
    "sum term by term",
    "1_i (x_i + a y_i) = 1_i x_i + 1_i a y_i",
    where=_X_Y,
    refuses=("1_i x_i y_i",),
)
def distribute(node: Expr, context: Context) -> Expr | None:
    """The sum of a sum is the sum of the sums."""
    if not (isinstance(node, Contraction) and has_factor(node, Add)):
        return None
    indices, body = node.open()
    factors = Mul.make_args(body)
    for position, factor in enumerate(factors):
        if factor.is_Add:
            rest = Mul(*factors[:position], *factors[position + 1 :])
            return Add(*(Contraction(rest * term, *indices) for term in factor.args))
    return None


@rule(
    "contract the Kronecker delta term by term",
    "y_i (x_i δ_in + a) = x_n y_n + a 1_i y_i",
    free="n",
    where=_X_Y,
    refuses=("y_i (x_i + a)", "y_i δ_in"),
)
def contract_in_sum(node: Expr, context: Context) -> Expr | None:
    """Where a delta stands in some terms of a sum, the sum is written out and it contracts."""
    if not (isinstance(node, Contraction) and _delta_in_term(node)):
        return None
    parts = distribute(node, context)
    return None if parts is None else Add(*(_contracted(p, context) for p in Add.make_args(parts)))


def _delta_in_term(node: Contraction) -> bool:
    return any(
        isinstance(delta, KroneckerDelta) and set(node.bound) & delta.free_symbols
        for factor in Mul.make_args(node.body)
        if factor.is_Add
        for term in factor.args
        for delta in Mul.make_args(term)
    )


def _contracted(term: Expr, context: Context) -> Expr:
    """The term with every delta contracted that can be."""
    factors = []
    for factor in Mul.make_args(term):
        after = contract_delta(factor, context) or contract_in_sum(factor, context)
        factors.append(factor if after is None else _contracted(after, context))
    return Mul(*factors)


INDICES: tuple[Rule, ...] = (
    *DIGITS,
    contract_delta,
    contract_in_sum,
    drop_one,
    sum_of_ones,
    *ENTRIES,
)
SUMS: tuple[Rule, ...] = (distribute,)
