"""Through which definitions the loss of a text goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr

from derive.expressions import Equation, Partial, is_tensor, name_of, tensors_in

__all__ = ["with_outputs"]


def with_outputs(equations: Sequence[Equation], exprs: Sequence[Expr]) -> list[Equation]:
    """The equations, with those for outputs through which the loss of the sides goes.

    Where a text says `∂l/∂c ∂c/∂x_n`, the loss l is downstream of c alone.
    """
    defined = {equation.name for equation in equations}
    partials = {node for expr in exprs for node in expr.atoms(Partial)}
    lost = [p for p in partials if is_tensor(p.function) and name_of(p.function) not in defined]
    through = {name_of(p.variable) for p in lost if is_tensor(p.variable)} & defined
    if not through:
        return list(equations)
    above = _above(equations)
    last = {name for name in through if not any(name in above[other] for other in through)}
    return [replace(eq, auxiliary=eq.name not in last) for eq in equations]


def _above(equations: Sequence[Equation]) -> dict[str, set[str]]:
    """For each defined name all that it is made of."""
    direct = {eq.name: {name_of(node) for node in tensors_in(eq.rhs)} for eq in equations}
    found: dict[str, set[str]] = {}
    for name in direct:
        todo, seen = [name], set()
        while todo:
            for part in direct.get(todo.pop(), ()):
                if part not in seen:
                    seen.add(part)
                    todo.append(part)
        found[name] = seen
    return found
