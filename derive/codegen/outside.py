"""Quotients by entries outside their axis, which are multiplied by a gradient that is zero there.

In `∂l/∂y_{n-1} x_n/y_{n-1}` both are zero where there is no entry n − 1, and their quotient is to
be zero, not 0/0.
"""

from __future__ import annotations

from sympy import Expr, Mul, Pow, S

from derive.codegen.assignment import Assignment
from derive.codegen.mapped import mapped
from derive.codegen.sums import summed
from derive.expressions import Graph, Tensor, in_range, indices_of, is_tensor, name_of, tensors_in

__all__ = ["finite_outside"]


def finite_outside(assignment: Assignment, graph: Graph) -> Assignment:
    """A backward assignment that divides by 1 where a gradient in the product has no entry."""
    if type(assignment) is not Assignment:
        return assignment
    return Assignment(assignment.target, mapped(assignment.expr, lambda e: _product(e, graph)))


def _product(expr: Expr, graph: Graph) -> Expr | None:
    if not isinstance(expr, Mul):
        return None
    gradients = [f for f in expr.args if is_tensor(f) and name_of(f).startswith("∂")]
    zero = {bracket for each in gradients for bracket in Mul.make_args(_inside(each, graph))}
    rule = {
        power: Pow(changed, power.exp)
        for power in expr.atoms(Pow)
        if zero - {S.One} and power.exp.could_extract_minus_sign()
        if (changed := _beside(power.base, zero, graph)) != power.base
    }
    return expr.xreplace(rule) if rule else None


def _beside(base: Expr, zero: set[Expr], graph: Graph) -> Expr:
    """A divisor with 1 in place of entries outside, if it is zero for them."""
    for leaf in tensors_in(base):
        inside = _inside(leaf, graph)
        if inside != 1 and {*Mul.make_args(inside)} <= zero and base.xreplace({leaf: S.Zero}) == 0:
            return base.xreplace({leaf: summed([leaf, S.One, -inside])})
    return base


def _inside(leaf: Tensor, graph: Graph) -> Expr:
    """1 where the slots of a tensor lie on their axes."""
    name = name_of(leaf).lstrip("∂")
    slots = indices_of(leaf)
    if graph.arity.get(name) != len(slots):
        return S.One
    return Mul(*(in_range(slot, graph.axis_size(name, k)) for k, slot in enumerate(slots)))
