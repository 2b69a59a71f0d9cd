"""What relations define, modulo a prime: linear ones are solved, all are differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from sympy import Expr

from derive.expressions import Equation, Index, Partial
from derive.verify.evaluation import Evaluation
from derive.verify.labelled import Labelled, UndecidedError
from derive.verify.modular import Array, eliminated

__all__ = ["Solving"]

# A system of more equations is too large.
MOST_EQUATIONS = 100


class Solving(Evaluation):
    """The values of what relations define, and their derivatives."""

    def full(self, expr: Expr, axes: Sequence[Index]) -> Labelled:
        """The value of an expression with an axis of full length for each of some indices."""
        value = self(expr).along(tuple(axes))
        shape = (value.entries.shape[0], *map(self.length, axes))
        return Labelled(np.broadcast_to(value.entries, shape), value.axes, value.defined)

    def root(self, equation: Equation, start: Labelled) -> Labelled:
        """What a linear relation defines, from any values; those of another stay as they are.

        Of a linear relation the root is one step of Newton's away from wherever it starts.
        """
        if self.tangents is None or not self.tangents.is_linear(equation):
            return start
        trial = self.trial({equation.name: start})
        residual = trial.full(self.tangents.residual(equation), equation.paired)
        step = trial.divided(equation, residual, ())
        shape = (step.entries.shape[0], *start.entries.shape[1:])
        moved = (start.entries - step.entries.reshape(shape)) % self.prime
        return Labelled(moved, start.axes, _shaped(step.defined, len(start.axes)))

    def implicit(self, partial: Partial, equation: Equation, there: Sequence[Index]) -> Labelled:
        """The derivative of all that a relation defines, from that of its residual."""
        if self.tangents is None:
            raise UndecidedError("a relation is not differentiated where names stand as they are")
        axes = (*equation.indices, *there)
        moved = self.tangents.moved(equation, partial.variable, partial.held)
        columns = self.full(moved, (*equation.paired, *there))
        step = self.divided(equation, columns, there)
        shape = (step.entries.shape[0], *map(self.length, axes))
        entries = (-step.entries % self.prime).reshape(shape)
        return Labelled(entries, axes, _shaped(step.defined, len(axes)))

    def divided(self, equation: Equation, columns: Labelled, there: Sequence[Index]) -> Labelled:
        """The inverse Jacobian of a relation times columns, flattened."""
        if self.tangents is None:
            raise UndecidedError("a relation has no Jacobian here")
        count = prod(map(self.length, equation.indices))
        if count > MOST_EQUATIONS:
            raise UndecidedError("a relation has too many entries")
        slots, expr = self.tangents.jacobian(equation)
        jacobian = self.full(expr, (*equation.paired, *slots))
        points = max(len(jacobian.entries), len(columns.entries))
        left = np.broadcast_to(jacobian.entries, (points, *jacobian.entries.shape[1:]))
        right = np.broadcast_to(columns.entries, (points, *columns.entries.shape[1:]))
        wide = right.reshape(points, count, -1)
        found, solution = eliminated(left.reshape(points, count, count), wide, self.prime)
        defined = found != 0
        for part in (jacobian, columns):
            if part.defined is not None:
                defined = defined & part.defined.reshape(len(part.defined), -1).all(axis=1)
        return Labelled(solution, (), None if defined.all() else defined)

    def trial(self, arrays: dict[str, Labelled]) -> Solving:
        """Another evaluation, in which some tensors are given."""
        raise NotImplementedError


def _shaped(defined: Array | None, rank: int) -> Array | None:
    return None if defined is None else defined.reshape(-1, *[1] * rank)
