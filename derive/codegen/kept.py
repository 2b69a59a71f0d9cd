"""A mark on what is computed by itself, before what stands around it."""

from __future__ import annotations

from sympy import UnevaluatedExpr

__all__ = ["Kept"]


class Kept(UnevaluatedExpr):
    """An expression that SymPy must not merge with its neighbours."""

    is_commutative = True
    is_real = True

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0].is_nonnegative else None
