"""What an expression is made of."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Basic

__all__ = ["nodes_in"]


def nodes_in(expr: Basic, *kinds: type) -> frozenset[Any]:
    """The parts of an expression, itself included, that are of some of the kinds.

    As SymPy's `atoms`, which walks through the whole expression each time; here every part is
    asked once, however many expressions share it.
    """
    return _nodes_in(expr, kinds)


@lru_cache(maxsize=65536)
def _nodes_in(expr: Basic, kinds: tuple[type, ...]) -> frozenset[Any]:
    found = [inside for arg in expr.args if (inside := _nodes_in(arg, kinds))]
    if isinstance(expr, kinds):
        return frozenset((expr,)).union(*found)
    return found[0] if len(found) == 1 else frozenset().union(*found)
