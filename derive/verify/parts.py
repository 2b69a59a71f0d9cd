"""Values of expressions that have most of their parts in common."""

from __future__ import annotations

from functools import reduce
from operator import add, mul

import numpy as np
from sympy import Add, Expr

from derive.expressions import Index
from derive.verify.evaluate import Array
from derive.verify.trial import Trial, largest

__all__ = ["Parts"]


class Parts:
    """The values of expressions on one sample, made of the values of their terms and factors.

    Those are kept. A mutant shares all but one with the others, so that little is left to do.
    """

    def __init__(self, trial: Trial, seed: int, free: tuple[Index, ...]) -> None:
        self._trial, self._seed, self._free = trial, seed, free
        self._known: dict[Expr, Array] = {}

    def __call__(self, expr: Expr) -> Array:
        if expr not in self._known:
            self._known[expr] = self._value(expr)
        return self._known[expr]

    def _value(self, expr: Expr) -> Array:
        if expr.is_Add or expr.is_Mul:
            with np.errstate(all="ignore"):
                found: Array = reduce(add if expr.is_Add else mul, map(self, expr.args))
            return found
        return self._trial.value(expr, self._free, self._seed)

    def largest_term(self, expr: Expr) -> float:
        """The largest entry of a term, which cancels perhaps against another."""
        return max(largest(self(term)) for term in Add.make_args(expr))
