"""Assignments: equations in index notation that say how a tensor is computed."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from derive.errors import DeriveError
from derive.expressions import Index, Tensor, indices_of, name_of, tensors_in

__all__ = ["Assignment", "CodeError"]


class CodeError(DeriveError):
    """What is derived has no form as code."""


@dataclass(frozen=True)
class Assignment:
    """`target = expr` for all values of the target's indices, which are distinct letters."""

    target: Tensor
    expr: Expr

    @property
    def name(self) -> str:
        return name_of(self.target)

    @property
    def indices(self) -> tuple[Index, ...]:
        return indices_of(self.target)

    @property
    def reads(self) -> frozenset[str]:
        """The names of the tensors that the right-hand side is made of."""
        return frozenset(name_of(node) for node in tensors_in(self.expr))
