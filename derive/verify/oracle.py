"""The oracle: differentiates the definitions numerically, without any rule of calculus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from sympy import Expr, log

from derive.expressions import (
    Equation,
    Graph,
    Index,
    Iverson,
    Partial,
    indices_of,
    name_of,
    nodes_in,
    tensors_in,
)
from derive.verify.digits import STEP as DIGITS_STEP
from derive.verify.evaluate import Array, Compiler, EvaluationError, Values, free_axes
from derive.verify.kinks import comparisons
from derive.verify.printer import INNER, MOVE, Request
from derive.verify.sample import Sample, finite
from derive.verify.solve import Solver

__all__ = ["Method", "Oracle"]

Method = Literal["complex step", "central differences", "many digits"]
Function = Callable[[Array], Array]
"""The values of a function at many places at once, which have an axis before all others."""

# The imaginary step squared is below any rounding, and no difference is taken, so that the
# derivative is as exact as the function.
STEP = 1e-30
# First steps of the central differences; smaller ones where a function is undefined nearby.
STEPS = (0.05, 5e-3, 5e-4)
LEVELS = 6
# The most entries of a Jacobian, and of a variable, which are moved one by one.
LARGEST = 4_000_000
MOST_MOVES = 5_000
LARGEST_IN_DIGITS = 40_000
# The most entries that the places at which a function is evaluated at once have together.
MOST_AT_ONCE = 100_000


class Oracle:
    """Values of a graph on one sample, and of partial derivatives in it.

    Parameters
    ----------
    graph : the definitions.
    sample : numbers for inputs, labels and sizes.
    compiler : keeps compiled expressions; share it between oracles of one graph.
    method : how to differentiate. Derivatives of derivatives are differentiated by central
        differences in any case. With many digits the sample has them, and so has the compiler.
    near : an oracle for the same data, beside whose solutions of relations those here lie.

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
        near: Oracle | None = None,
    ) -> None:
        self.graph = graph
        self.sample = sample
        self.method = method
        self.differences_used = False
        self.first_by_differences = False
        self._compile = compiler or Compiler()
        self._solve: Solver = Solver(self._compile, near._solve if near else None)
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
        finite(np.where(array == -np.inf, 0.0, array) if masked else array, what)
        return array

    def _after(
        self, values: Values, names: Sequence[str], moving: frozenset[str] = frozenset()
    ) -> Values:
        """The values with the given definitions recomputed, in order.

        Those of `moving` are given at many places at once, and so are all that they move.
        """
        tensors = dict(values.tensors)
        after = Values(tensors, values.labels, values.sizes)
        for name in names:
            tensors[name] = self._value(self.graph[name], after, moving & self.graph.mentions(name))
        return after

    def _value(self, equation: Equation, values: Values, moved: frozenset[str]) -> Array:
        """What an equation defines; `moved` are given at many places at once."""
        if not equation.is_relation:
            free = (MOVE, *equation.indices) if moved else equation.indices
            return self._compile(equation.rhs, free, moved)(values)
        if not moved:
            return self._solve(equation, values)
        found = []
        for place in range(values.size(MOVE.size)):
            here = {name: np.asarray(values.tensors[name][place]) for name in moved}
            at = Values({**values.tensors, **here}, values.labels, values.sizes)
            found.append(self._solve(equation, at))
        return np.stack(found)

    def _jacobian(self, request: Request, values: Values) -> Array:
        function, at = self._function(request, values)
        here = self._defined(np.asarray(function(at[None])[0]), request.function)
        largest = LARGEST if self.method != "many digits" else LARGEST_IN_DIGITS
        if here.size * at.size > largest or at.size > MOST_MOVES:
            raise EvaluationError("the derivative has too many entries to be checked")
        if self.method == "many digits":
            found = _tiny_differences(function, at)
        elif self.method == "complex step" and not request.function.has(Partial):
            found = _complex_step(function, at)
        else:
            self.differences_used = True
            self.first_by_differences |= not request.function.has(Partial)
            found = _central_differences(function, at)
        # Entries of the variable came first, and stand last in a Jacobian.
        found = np.moveaxis(found.reshape(at.size, here.size), 0, 1).reshape(here.shape + at.shape)
        return finite(found, f"the derivative of {request.function}")

    def _function(self, request: Request, values: Values) -> tuple[Function, Array]:
        """The function of the variable alone, and where to differentiate it."""
        name = request.variable
        if request.inner is not None:
            at = self._inner(request, values)
        elif name in values.tensors and values.tensors[name].dtype.kind in "fO":
            at = values.tensors[name]
        else:
            raise EvaluationError(f"{name} is not known, so nothing can be differentiated by it")
        nested = request.function.has(Partial)
        if nested:
            self._check_order(request)
        function = (self._one_by_one if nested else self._at_once)(request, values)
        if self.method != "many digits" and (nested or self.method == "central differences"):
            function = self._beside_kinks(function, request, values)
        return function, at

    def _at(self, x: Array, request: Request, values: Values) -> Values:
        """All values for many values of the variable, losses among them."""
        moving, losses, order = self._parts(request)
        sizes = {**values.sizes, MOVE.size: len(x)}
        after = Values({**values.tensors, request.variable: x}, values.labels, sizes)
        after = self._after(after, order, moving)
        loss = {n: self._loss(after, moving) for n in losses}
        return Values({**after.tensors, **loss}, values.labels, sizes)

    def _beside_kinks(self, function: Function, request: Request, values: Values) -> Function:
        """The function where no comparison comes out other than at the first place asked about.

        A difference across a kink is no derivative; a smaller step may do.
        """
        moving, _, order = self._parts(request)
        sides = [
            self._compile(node, (MOVE, *free_axes(node)), moved)
            for node in comparisons(
                [request.function, *(side for n in order for side in self.graph[n].sides)]
            )
            if (moved := moving & {name_of(tensor) for tensor in tensors_in(node)})
        ]
        first: list[Array] = []

        def checked(x: Array) -> Array:
            found = function(x)
            after = self._at(x, request, values) if sides else values
            here = [np.asarray(side(after)).reshape(len(x), -1) for side in sides]
            first.extend(side[:1] for side in here[len(first) :])
            crossed = [(a != b).any(axis=1) for a, b in zip(here, first, strict=True)]
            lost = np.logical_or.reduce(crossed) if crossed else np.zeros(len(x), bool)
            return np.where(lost.reshape(-1, *[1] * (found.ndim - 1)), np.nan, found)

        return checked

    def _at_once(self, request: Request, values: Values) -> Function:
        """The function for many values of the variable in one evaluation."""
        moving, *_ = self._parts(request)
        moved = moving & {name_of(node) for node in tensors_in(request.function)}
        free = (MOVE, *request.indices) if moved else request.indices
        compiled = self._compile(request.function, free, moved)

        def function(x: Array) -> Array:
            found = compiled(self._at(x, request, values))
            return found if moved else np.broadcast_to(found, (len(x), *found.shape))

        return function

    def _one_by_one(self, request: Request, values: Values) -> Function:
        """The function with derivatives in it, which are taken anew for each value."""
        _, losses, order = self._parts(request)
        compiled = self._compile(request.function, request.indices)

        def one(x: Array) -> Array:
            after = Values({**values.tensors, request.variable: x}, values.labels, values.sizes)
            after = self._after(after, order)
            loss = {n: self._loss(after) for n in losses}
            after = Values({**after.tensors, **loss}, values.labels, values.sizes)
            return compiled(after, lambda inner: self._jacobian(inner, after))

        # An entry of an array of numbers with many digits is a number and no array.
        return lambda places: np.stack([one(np.asarray(x)) for x in places])

    def _check_order(self, request: Request) -> None:
        """Refuse a derivative by a definition of one by something that the definition is made of.

        The inner one moves the definition, so that the outer one cannot hold it anywhere.
        """
        for partial in nodes_in(request.function, Partial):
            if any(
                name_of(node) in self.graph.ancestors(request.variable)
                for node in tensors_in(partial.variable)
            ):
                raise EvaluationError(
                    f"{request.variable} is not independent of what is differentiated by first"
                )

    def _parts(self, request: Request) -> tuple[frozenset[str], list[str], list[str]]:
        """What moves with the variable, the losses in the function, and what is to recompute."""
        mentioned, losses = self._mentioned(request)
        moving = {request.variable}
        order = []
        for name in self.graph.order:
            fixed = name in moving or name in request.held or name not in mentioned
            if not fixed and self.graph.mentions(name) & moving:
                moving.add(name)
                order.append(name)
        if moving & set(self.sample.upstream):
            moving |= set(losses)
        return frozenset(moving), losses, order

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

    def _loss(self, values: Values, moving: frozenset[str] = frozenset()) -> Array:
        """A loss downstream of the outputs whose gradients by them are the upstream ones."""
        found: Array = np.zeros(())
        for name, gradient in self.sample.upstream.items():
            entries = gradient * values.tensors[name]
            first = 1 if name in moving else 0
            found = found + entries.sum(axis=tuple(range(first, entries.ndim)))
        return found

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


def _moves(at: Array) -> Iterator[Array]:
    """Unit moves of every entry, so many at once as fit."""
    several = max(1, MOST_AT_ONCE // max(at.size, 1))
    for start in range(0, at.size, several):
        count = min(several, at.size - start)
        yield np.eye(count, at.size, start).reshape((count, *at.shape))


def _complex_step(function: Function, at: Array) -> Array:
    return np.concatenate([np.imag(function(at + 1j * STEP * move)) / STEP for move in _moves(at)])


def _tiny_differences(function: Function, at: Array) -> Array:
    """Differences with many digits, at a step that is itself below what counts."""
    here = function(at[None])
    moved = (function(at + move.astype(object) * DIGITS_STEP) for move in _moves(at))
    return np.concatenate([(there - here) / DIGITS_STEP for there in moved])


def _central_differences(function: Function, at: Array) -> Array:
    """Differences at halved steps, extrapolated to the step zero (Richardson, Romberg)."""
    columns = []
    for move in _moves(at):
        found = _extrapolated(function, at, move * STEPS[0])
        for step in STEPS[1:]:
            lost = ~np.isfinite(found).reshape(len(move), -1).all(axis=1)
            if lost.any():
                found[lost] = _extrapolated(function, at, move[lost] * step)
        columns.append(found)
    return np.concatenate(columns)


def _extrapolated(function: Function, at: Array, move: Array) -> Array:
    """The derivatives along moves, each by its length."""
    size = np.abs(move).reshape(len(move), -1).max(axis=1)

    def difference(h: float) -> Array:
        change = function(at + h * move) - function(at - h * move)
        return change / (2 * h * size.reshape(-1, *[1] * (change.ndim - 1)))

    row = [difference(0.5**level) for level in range(LEVELS)]
    for order in range(1, LEVELS):
        row = [(4**order * fine - coarse) / (4**order - 1) for coarse, fine in pairwise(row)]
    return row[0]
