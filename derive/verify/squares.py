"""Numbers chosen so that what stands below roots and in logarithms is a square, and has one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sympy import Expr, Pow, log

from derive.expressions import name_of, nodes_in, tensors_in
from derive.verify.field import Field
from derive.verify.labelled import Labelled, UndecidedError
from derive.verify.modular import Array, drawn, signs

__all__ = ["radicands", "settle"]

# Each time about half of what is left becomes a square.
MOST_ROUNDS = 20


def radicands(expr: Expr) -> Iterator[Expr]:
    """The arguments of logarithms, and the bases of powers that are no whole ones."""
    yield from (node.base for node in nodes_in(expr, Pow) if not node.exp.is_integer)
    yield from (node.args[0] for node in expr.atoms(log))


def settle(field: Field) -> None:
    """Draw numbers again until what the definitions take roots and logarithms of are squares.

    Only entries on which a bad one depends are drawn again, as far as axes of equal size tell.
    Where that does not do, some points are left without a value.
    """
    for number in range(MOST_ROUNDS):
        redrawn = [_redrawn(field, name, number) for name in field.graph.order]
        if True not in redrawn:
            return
        field.forget()


def _redrawn(field: Field, name: str, number: int) -> bool:
    """Whether numbers were drawn again for the roots and logarithms in one definition."""
    equation = field.exponents.shown(name)
    found = False
    for radicand in radicands(equation.rhs) if equation else ():
        try:
            value = field(radicand)
        except UndecidedError:
            continue
        bad = signs(value.entries, field.prime) != 1
        if bad.any():
            found |= _redraw(field, radicand, Labelled(bad, value.axes), number)
    return found


def _redraw(field: Field, radicand: Expr, bad: Labelled, number: int) -> bool:
    names = {name_of(node) for node in tensors_in(radicand)}
    names = names.union(*(field.graph.ancestors(name) for name in names))
    for name in field.drawn_names:
        if name not in names:
            continue
        array = field.array(name)
        here = _along(field, array, bad)
        if here is None:
            continue
        key = (number, sum(map(ord, name)), field.assignment.number)
        fresh = drawn(key, array.entries.shape, field.prime)
        field.give(name, Labelled(np.where(here, fresh, array.entries), array.axes))
        return True
    return False


def _along(field: Field, array: Labelled, bad: Labelled) -> Array | None:
    """The entries that go with bad ones; None where the tensor lacks one of their axes."""
    lengths = list(array.entries.shape[1:])
    places = []
    for axis in bad.axes:
        fitting = [k for k, n in enumerate(lengths) if n == field.length(axis) and k not in places]
        if not fitting:
            return None
        places.append(fitting[0])
    rest = [k for k in range(len(lengths)) if k not in places]
    order = np.argsort([*places, *rest])
    wide = bad.entries.reshape(*bad.entries.shape, *[1] * len(rest))
    return wide.transpose(0, *(1 + int(k) for k in order))
