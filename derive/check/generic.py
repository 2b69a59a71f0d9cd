"""Functions that a text differentiates and never defines: smooth ones of everything they may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sympy import Expr, sin

from derive.expressions import (
    Contraction,
    Equation,
    Index,
    Partial,
    given_in,
    indices_of,
    is_tensor,
    name_of,
    tensor,
    tensors_in,
)

__all__ = ["generic_functions", "is_loss"]


def generic_functions(
    exprs: Sequence[Expr], defined: Iterable[str], *, direct: bool = False
) -> list[Equation]:
    """An equation for each function that is differentiated and has none.

    A function of y and of x, where y is a function of x too, is one of x by way of y alone, as in
    `∂c/∂x = ∂c/∂y ∂y/∂x`; or also a `direct` one.

    What holds for them holds for every smooth function, as far as samples can tell: they are
    `sin` of a generic linear function, so that no derivative vanishes. A scalar that is only
    differentiated is a loss downstream and needs no equation, if something else defines what it
    is downstream of.
    """
    known = set(defined)
    variables: dict[str, set[str]] = {}
    for partial in {p for expr in exprs for p in expr.atoms(Partial)}:
        name = name_of(partial.root) if is_tensor(partial.root) else ""
        for variable in filter(is_tensor, partial.variables):
            if name and name not in known and name != name_of(variable):
                variables.setdefault(name, set()).add(name_of(variable))
    orders = {name_of(n): len(indices_of(n)) for expr in exprs for n in tensors_in(expr)}
    losses = {name for name in variables if is_loss(name, exprs)}
    inner = {name: made_of for name, made_of in variables.items() if name not in losses}
    if not inner and not known:
        inner = variables
    if not direct:
        inner = {name: _nearest(name, inner) for name in inner}
    return [_equation(name, inner[name], orders) for name in sorted(inner)]


def _nearest(name: str, variables: Mapping[str, set[str]]) -> set[str]:
    """The variables of a function that are not reached by way of another of them."""
    own = variables[name]
    return {v for v in own if not any(v in variables.get(other, ()) for other in own - {v})}


def is_loss(name: str, exprs: Iterable[Expr]) -> bool:
    """Whether a name stands only as a scalar that is differentiated."""
    return not any(name_of(node) == name for expr in exprs for node in given_in(expr))


def _equation(name: str, variables: Iterable[str], orders: Mapping[str, int]) -> Equation:
    own = [Index(f"f{axis}") for axis in range(orders[name])]
    terms: Expr = tensor(f"⟨{name}⟩", *own)
    for variable in sorted(variables):
        slots = [Index(f"v{axis}") for axis in range(orders[variable])]
        weight = tensor(f"⟨{name}, {variable}⟩", *own, *slots)
        term = weight * tensor(variable, *slots)
        terms += Contraction(term, *slots) if slots else term
    return Equation(tensor(name, *own), 2 + sin(terms))
