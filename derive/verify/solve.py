"""The values of what equations define; relations are solved by Newton iterations.

Nothing is known here of how a relation is solved on paper: its residual is evaluated, and so is the
Jacobian of the residual, entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from derive.expressions import Equation
from derive.verify.evaluate import Array, Compiler, Values
from derive.verify.sample import NotFiniteError

__all__ = ["IllConditionedError", "Solver"]


class IllConditionedError(NotFiniteError):
    """A relation has no solution on the sample that could be told from others; redraw."""


Residual = Callable[[Array], Array]

# Of the differences that a Jacobian is made of.
STEP = 1e-6
# Where Newton's iteration begins, one after the other, until it ends in a good place.
MOST_STARTS = 40
MOST_ITERATIONS = 60
# From the root of the unmoved data an iteration needs few steps: the Jacobian stays as it is.
MOST_CORRECTIONS = 12
# Beyond this condition number rounding would hide mistakes.
WORST_CONDITION = 1e5
SINGULAR = 1e9
CONVERGED = 1e-12
# With many digits.
MOST_REFINEMENTS = 60
REFINED = 1e-140


class Solver:
    """Evaluates the equations of a graph; follows one branch where a relation has several roots.

    The first solution of a relation is where later ones, for moved data, begin.
    """

    def __init__(self, compiler: Compiler, near: Solver | None = None) -> None:
        self._compile = compiler
        # Beside the roots of another solver a few digits are all that is missing.
        self._roots: dict[str, tuple[Array, Array]] = dict(near._roots) if near else {}

    def __call__(self, equation: Equation, values: Values) -> Array:
        """The value of what the equation defines, where the values of all else are given."""
        if not equation.is_relation:
            return self._compile(equation.rhs, equation.indices)(values)
        residual, shape = self._residual(equation, values)
        if equation.name not in self._roots:
            self._roots[equation.name] = _root(residual, shape, equation.name)
            return self._roots[equation.name][0]
        start, inverse = self._roots[equation.name]
        if any(tensor.dtype == object for tensor in values.tensors.values()):
            return _refined(residual, start, inverse)
        if any(tensor.dtype.kind == "c" for tensor in values.tensors.values()):
            return _corrected(residual, start, inverse)
        found = _newton(residual, start.ravel())
        return np.full(shape, np.nan) if found is None else found[0].reshape(shape)

    def _residual(self, equation: Equation, values: Values) -> tuple[Residual, tuple[int, ...]]:
        """The difference of the sides as a function of what is sought, in its shape."""
        left, right = equation.sides
        compiled = self._compile(left - right, equation.paired)
        shape = tuple(values.size(index.size) for index in equation.indices)

        def residual(unknown: Array) -> Array:
            tensors = {**values.tensors, equation.name: unknown.reshape(shape)}
            return compiled(Values(tensors, values.labels, values.sizes)).ravel()

        return residual, shape


def _root(residual: Residual, shape: tuple[int, ...], name: str) -> tuple[Array, Array]:
    """A root of the residual, and the inverse of the Jacobian there."""
    rng = np.random.default_rng(0)
    before: Array | None = None
    for _ in range(MOST_STARTS):
        start = rng.normal(size=prod(shape))
        found = _newton(residual, start)
        if found is None:
            if np.linalg.cond(_jacobian(residual, start)) > SINGULAR:
                break
            continue
        at, jacobian = found
        if np.linalg.cond(jacobian) < WORST_CONDITION:
            return at.reshape(shape), np.linalg.inv(jacobian)
        if before is not None and np.allclose(before, jacobian, rtol=1e-3):
            break  # The same place again, as for a linear relation.
        before = jacobian
    raise IllConditionedError(
        f"no well-conditioned solution for {name} was found on the sample", name
    )


def _newton(residual: Residual, start: Array) -> tuple[Array, Array] | None:
    """Where the iteration ends, with the Jacobian there; None if it does not converge."""
    at = start
    for _ in range(MOST_ITERATIONS):
        jacobian = _jacobian(residual, at)
        if not np.all(np.isfinite(jacobian)):
            return None
        try:
            step = np.linalg.solve(jacobian, residual(at))
        except np.linalg.LinAlgError:
            return None
        at = at - step
        if not np.all(np.isfinite(at)):
            return None
        if _largest(step) <= CONVERGED * max(1.0, _largest(at)):
            return at, jacobian
    return None


def _jacobian(residual: Residual, at: Array) -> Array:
    """The derivatives of the residual by differences: to converge they need not be exact."""
    moves = np.eye(at.size) * STEP
    with np.errstate(all="ignore"):
        columns = [(residual(at + m) - residual(at - m)) / (2 * STEP) for m in moves]
    return np.stack(columns, axis=1)


def _corrected(residual: Residual, start: Array, inverse: Array) -> Array:
    """The root beside `start` for data moved by an imaginary step, so that the Jacobian may stay.

    Real and imaginary parts differ by many orders of magnitude, and each has to converge.
    """
    at = start.ravel().astype(complex)
    for _ in range(MOST_CORRECTIONS):
        moved = residual(at)
        # Part by part: the inverse is real, and small complex products are shared out to threads
        # that wait for each other a thousand times as long as they compute.
        step = inverse @ moved.real + 1j * (inverse @ moved.imag)
        at = at - step
        still = _largest(step.imag) <= CONVERGED * _largest(at.imag)
        if still and _largest(step.real) <= CONVERGED * max(1.0, _largest(at.real)):
            break
    return at.reshape(start.shape)


def _refined(residual: Residual, start: Array, inverse: Array) -> Array:
    """The root beside `start` with many digits; every step adds as many as the inverse has."""
    at = start.ravel().astype(object)
    for _ in range(MOST_REFINEMENTS):
        step = np.dot(inverse, residual(at))
        at = at - step
        if max(map(abs, step), default=0) <= REFINED * max(1, *map(abs, at)):
            return at.reshape(start.shape)
    raise IllConditionedError("the solution of a relation was not found with many digits")


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))
