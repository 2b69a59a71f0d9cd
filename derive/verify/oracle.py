"""The oracle: differentiates the definitions numerically, without any rule of calculus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from sympy import Expr, log

from derive.expressions import Graph, Index, Iverson, Partial, indices_of, name_of, tensors_in
from derive.verify.evaluate import Array, Compiler, EvaluationError, Values, free_axes
from derive.verify.kinks import comparisons
from derive.verify.printer import INNER, Request
from derive.verify.sample import Sample, finite
from derive.verify.solve import Solver

__all__ = ["Method", "Oracle"]

Method = Literal["complex step", "central differences"]
Function = Callable[[Array], Array]

# The imaginary step squared is below any rounding, and no difference is taken, so that the
# derivative is as exact as the function.
STEP = 1e-30
# First steps of the central differences; smaller ones where a function is undefined nearby.
STEPS = (0.05, 5e-3, 5e-4)
LEVELS = 6
# The most entries of a Jacobian, and of a variable, which are moved one by one.
LARGEST = 4_000_000
MOST_MOVES = 5_000


class Oracle:
    """Values of a graph on one sample, and of partial derivatives in it.

    Parameters
    ----------
    graph : the definitions.
    sample : numbers for inputs, labels and sizes.
    compiler : keeps compiled expressions; share it between oracles of one graph.
    method : how to differentiate. Derivatives of derivatives are differentiated by central
        differences in any case.

    Raises
    ------
    EvaluationError : a definition cannot be evaluated, or is not finite on the sample.
    """

    def __init__(
        self,
        graph: Graph,
        sample: Sample,
        compiler: Compiler | None = None,
        method: Method = "complex step",
    ) -> None:
        self.graph = graph
        self.sample = sample
        self.method = method
        self.differences_used = False
        self._compile = compiler or Compiler()
        self._solve = Solver(self._compile)
        self._jacobians: dict[Request, Array] = {}
        self.values: Values = sample
        self.values = self._after(sample, graph.order)
        for name in graph.order:
            self._defined(self.values.tensors[name], name)

    def __call__(self, expr: Expr, free: Sequence[Index]) -> Array:
        """The value of an expression, with an axis for each of the given free indices."""
        return self._compile(expr, free)(self.values, self.jacobian)

    def jacobian(self, request: Request) -> Array:
        """All entries of a partial derivative."""
        if request not in self._jacobians:
            self._jacobians[request] = self._jacobian(request, self.values)
        return self._jacobians[request]

    def partial(self, partial: Partial, free: Sequence[Index]) -> Array:
        """The value of a partial derivative."""
        return self(partial, free)

    def _defined(self, array: Array, what: object) -> Array:
        """The array, if it is finite but for the −∞ that a mask `log [k <= q]` may put in."""
        rights = [side for equation in self.graph.equations for side in equation.sides]
        masked = any(e.has(log) for e in rights) and any(e.has(Iverson) for e in rights)
        finite(np.where(np.isneginf(array), 0.0, array) if masked else array, what)
        return array

    def _after(self, values: Values, names: Sequence[str]) -> Values:
        """The values with the given definitions recomputed, in order."""
        tensors = dict(values.tensors)
        after = Values(tensors, values.labels, values.sizes)
        for name in names:
            tensors[name] = self._solve(self.graph[name], after)
        return after

    def _jacobian(self, request: Request, values: Values) -> Array:
        function, at = self._function(request, values)
        here = self._defined(function(at), request.function)
        if here.size * at.size > LARGEST or at.size > MOST_MOVES:
            raise EvaluationError("the derivative has too many entries to be checked")
        if self.method == "complex step" and not request.function.has(Partial):
            found = _complex_step(function, at, here.shape)
        else:
            self.differences_used = True
            found = _central_differences(function, at, here.shape)
        return finite(found, f"the derivative of {request.function}")

    def _function(self, request: Request, values: Values) -> tuple[Function, Array]:
        """The function of the variable alone, and where to differentiate it."""
        graph, name = self.graph, request.variable
        if request.inner is not None:
            at = self._inner(request, values)
        elif name in values.tensors and values.tensors[name].dtype.kind == "f":
            at = values.tensors[name]
        else:
            raise EvaluationError(f"{name} is not known, so nothing can be differentiated by it")
        mentioned, losses = self._mentioned(request)
        moving = [n for n in graph.order if n in mentioned and self._moves(n, request)]
        compiled = self._compile(request.function, request.indices)
        nested = request.function.has(Partial)
        compared = comparisons(
            [request.function, *(side for n in moving for side in graph[n].sides)]
        )
        sides = [self._compile(node, free_axes(node)) for node in compared]
        here: list[list[bytes]] = []
        if nested and name in graph:
            raise EvaluationError("a second derivative by a defined tensor cannot be checked")

        def function(x: Array) -> Array:
            after = Values({**values.tensors, name: x}, values.labels, values.sizes)
            after = self._after(after, moving)
            loss = {n: self._loss(after) for n in losses}
            after = Values({**after.tensors, **loss}, values.labels, values.sizes)
            found = compiled(after, lambda inner: self._jacobian(inner, after))
            if nested or self.method == "central differences":
                # A difference across a kink is no derivative; a smaller step may do.
                here.append([side(after).tobytes() for side in sides])
                return found if here[0] == here[-1] else np.full(found.shape, np.nan)
            return found

        return function, at

    def _moves(self, name: str, request: Request) -> bool:
        held = name in request.held or name == request.variable
        return not held and request.variable in self.graph.ancestors(name)

    def _mentioned(self, request: Request) -> tuple[set[str], list[str]]:
        """The names a function is made of, and those among them that stand for a loss."""
        tensors = {name_of(node): node for node in tensors_in(request.function)}
        names = set(tensors) - {INNER}
        losses = sorted(names - set(self.graph.names))
        for name in losses:
            if indices_of(tensors[name]) or not self.sample.upstream:
                raise EvaluationError(f"{name} is not defined")
        names |= set(self.sample.upstream) if losses else set()
        return names.union(*(self.graph.ancestors(n) for n in names)), losses

    def _loss(self, values: Values) -> Array:
        """A loss downstream of the outputs whose gradients by them are the upstream ones."""
        upstream = self.sample.upstream
        return np.asarray(sum(np.sum(upstream[n] * values.tensors[n]) for n in upstream))

    def _inner(self, request: Request, values: Values) -> Array:
        """The value of the inner expression of a chain rule, which has to be all that varies."""
        outer = {name_of(node) for node in tensors_in(request.function)}
        if INNER not in outer:
            raise EvaluationError(f"{request.function} is no function of {request.inner}")
        inner = {name_of(node) for node in tensors_in(request.inner)}
        reached = outer.union(*(self.graph.ancestors(name) for name in outer))
        if inner & reached:
            raise EvaluationError(f"{request.function} varies other than by {request.inner}")
        return self._compile(request.inner, request.inner_indices)(values)


def _complex_step(function: Function, at: Array, shape: tuple[int, ...]) -> Array:
    found = np.zeros((*shape, *at.shape))
    for entry in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[entry] += 1j * STEP
        found[(..., *entry)] = np.imag(function(moved)) / STEP
    return found


def _central_differences(function: Function, at: Array, shape: tuple[int, ...]) -> Array:
    """Differences at halved steps, extrapolated to the step zero (Richardson, Romberg)."""
    found = np.full((*shape, *at.shape), np.nan)
    for entry in np.ndindex(at.shape):
        for step in STEPS:
            column = _extrapolated(function, at, entry, step)
            if np.all(np.isfinite(column)):
                break
        found[(..., *entry)] = column
    return found


def _extrapolated(function: Function, at: Array, entry: tuple[int, ...], step: float) -> Array:
    def difference(h: float) -> Array:
        up, down = at.astype(float), at.astype(float)
        up[entry] += h
        down[entry] -= h
        return (function(up) - function(down)) / (2 * h)

    row = [difference(step / 2**level) for level in range(LEVELS)]
    for order in range(1, LEVELS):
        row = [(4**order * fine - coarse) / (4**order - 1) for coarse, fine in pairwise(row)]
    return row[0]
