"""Exact verdicts: whether two expressions about a graph are equal as algebra.

Both are evaluated modulo a prime at random points, for several choices of all sizes. If they
differ at one point, they are different; if they agree at all points, they are equal but for an
error whose probability is known (Schwartz and Zippel). First the names of definitions stand for
themselves: what is equal whatever they are needs no definition. Then definitions are seen
through down to the inputs, and partial derivatives are those of the definitions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from sympy import Add, Expr, KroneckerDelta, Mul, S

from derive.errors import DeriveError
from derive.expressions import (
    Graph,
    Index,
    Partial,
    free_indices,
    nodes_in,
    tensors_in,
)
from derive.verify.assignment import MOST_ASSIGNMENTS, Assignment
from derive.verify.degree import Degree, Degrees
from derive.verify.evaluate import free_axes
from derive.verify.field import Field
from derive.verify.labelled import UndecidedError, together
from derive.verify.modular import CHAINS, Array
from derive.verify.squares import radicands, settle
from derive.verify.tangent import Tangents

__all__ = ["MOST_ERROR", "Algebra", "Verdict", "decide", "lettered", "provably_equal"]

MOST_ERROR = 1e-12
"""The probability of an error that a proof may have at most."""

# For each depth of exponents the least prime in use.
LEAST_PRIMES = tuple(map(min, zip(*CHAINS, strict=True)))

# So many points are tried, one number after the other, until enough of them have a value.
POINTS = (4, 64, 512, 4096)

Definitions = Literal["names", "definitions"]


@dataclass(frozen=True)
class Verdict:
    """Whether two expressions are equal.

    Attributes
    ----------
    equal : True if it is proven that they are, wherever both have a value and no two sides of a
        comparison are equal; False if it is proven that they are not; None if neither is, for the
        `reason` given.
    method : `canonical form`, the same expression; or `prime field`, evaluated at random points.
    error : a bound on the probability that a proof of equality is wrong.
    points : at how many points, for each choice of sizes, both had a value.
    sizes : the choices of sizes.
    by_definitions : whether the definitions were needed, and not only their names.
    """

    equal: bool | None
    method: str = ""
    error: float = 0.0
    points: int = 0
    sizes: tuple[Mapping[str, int], ...] = ()
    reason: str = ""
    by_definitions: bool = False


class Algebra:
    """Decides about expressions over one graph, and keeps their values from one to the next."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._tangents = Tangents(graph)
        self._small: list[_Scene] = []
        self._large: list[_Scene] = []

    def decide(self, left: Expr, right: Expr) -> Verdict:
        """Whether two expressions are equal for all values of the inputs."""
        if left == right or _use_free_deltas(left) == _use_free_deltas(right):
            return Verdict(True, "canonical form")
        by_names = self._decide(left, right, "names")
        # With names alone derivatives are opaque, so that a difference there says nothing.
        differentiated = left.has(Partial) or right.has(Partial)
        if by_names.equal or not (self.graph.equations or differentiated):
            return by_names
        found = self._decide(left, right, "definitions")
        return replace(found, by_definitions=True)

    def _decide(self, left: Expr, right: Expr, level: Definitions) -> Verdict:
        try:
            scenes = self._scenes(left, right)
            found = [scene.compare(left, right, level) for scene in scenes]
        except UndecidedError as error:
            return Verdict(None, "prime field", reason=str(error))
        except DeriveError as error:
            return Verdict(None, "prime field", reason=error.message)
        except (ArithmeticError, IndexError, ValueError):
            return Verdict(None, "prime field", reason="the axes do not fit together")
        except (RecursionError, MemoryError):
            return Verdict(None, "prime field", reason="the expressions are too large")
        return _joined(found, [scene.named_sizes for scene in scenes])

    def _scenes(self, left: Expr, right: Expr) -> list[_Scene]:
        """A scene for each choice of sizes; those of the last show all that the two do."""
        *small, last = range(MOST_ASSIGNMENTS)
        if not self._small:
            self._small = [_Scene(number, self._tangents) for number in small]
        large = (each for each in self._large if each.assignment.tells((left, right)))
        scene = next(large, None) or _Scene(last, self._tangents, (left, right))
        self._large = [scene, *(each for each in self._large if each is not scene)]
        return [*self._small, scene]


@dataclass(frozen=True)
class _Comparison:
    """What the comparison for one choice of sizes found."""

    equal: bool | None
    error: float = 1.0
    points: int = 0
    reason: str = ""


def _joined(found: Sequence[_Comparison], sizes: Sequence[Mapping[str, int]]) -> Verdict:
    """One verdict from those for all sizes: a difference at one of them is enough."""
    first = next((each for each in found if each.equal is False), None)
    first = first or next((each for each in found if each.equal is None), None)
    points = min(each.points for each in found)
    known = tuple(sizes)
    if first is not None:
        return Verdict(first.equal, "prime field", 0.0, points, known, first.reason)
    error = max(each.error for each in found)
    return Verdict(True, "prime field", error, points, known)


class _Scene:
    """A choice of sizes, and of ranks, with the values of expressions for it."""

    def __init__(self, number: int, tangents: Tangents, exprs: Sequence[Expr] = ()) -> None:
        self.assignment = Assignment(tangents.graph, number, exprs)
        self.graph = self.assignment.graph
        # With multi-indices each choice has a graph of its own.
        self._tangents = tangents if self.graph is tangents.graph else Tangents(self.graph)
        self._fields: dict[tuple[Definitions, int], Field] = {}
        self._degrees: dict[Definitions, Degrees] = {}

    @property
    def named_sizes(self) -> dict[str, int]:
        return {str(size): number for size, number in self.assignment.sizes.items()}

    def compare(self, left: Expr, right: Expr, level: Definitions) -> _Comparison:
        """Whether two expressions agree at as many points as are needed."""
        left, right = map(self.assignment.spread, (left, right))
        self.assignment.extend((left, right))
        degree = self._degree(left, right, level)
        every = self.assignment.period if degree.labels else 1
        needed = every * _needed(degree)
        points = next((n for n in POINTS if n >= needed), None)
        if needed == 0 or points is None:
            points = POINTS[-1]
        for count in POINTS[POINTS.index(points) :]:
            found = self._compared(self._field(level, count), left, right, degree)
            if found.equal is not None or found.points >= needed:
                break
        return found

    def _field(self, level: Definitions, points: int) -> Field:
        if (level, points) not in self._fields:
            tangents = self._tangents if level == "definitions" else None
            field = Field(self.assignment, tangents, points)
            settle(field)
            self._fields[level, points] = field
        return self._fields[level, points]

    def _degree(self, left: Expr, right: Expr, level: Definitions) -> Degree:
        if level not in self._degrees:
            self._degrees[level] = Degrees(self._field(level, POINTS[0]))
        degrees = self._degrees[level]
        return degrees(left) + degrees(right)

    def _compared(self, field: Field, left: Expr, right: Expr, degree: Degree) -> _Comparison:
        _, (one, other), defined = together([field(left), field(right)])
        same = one.entries == other.entries
        if defined is not None:
            same = same | ~defined
        shape = np.broadcast_shapes(same.shape, (field.points, *[1] * (same.ndim - 1)))
        count = field.points
        if defined is not None:
            count = int(np.broadcast_to(defined, shape).sum(axis=0).min())
        if not same.all():
            equal = None if degree.doubt else False
            return _Comparison(equal, 0.0, max(count, 1), degree.doubt)
        every = self.assignment.period if degree.labels else 1
        error = _chance(degree, count // every)
        if not count:
            return _Comparison(None, reason="no point was found where both have a value")
        if error > MOST_ERROR:
            return _Comparison(None, error, count, "they agree, but at too few points for a proof")
        # A comparison decides about whole regions: a divisor that is zero on one side of a kink
        # is no accident that another point avoids.
        apart = degree.bits > 0 or self._conditions(left) != self._conditions(right)
        if apart and not _alike(one.defined, other.defined):
            reason = (
                "they agree where both have a value, but one has values where the other has none"
            )
            return _Comparison(None, error, count, reason)
        return _Comparison(True, error, count)

    def _conditions(self, expr: Expr) -> set[Expr]:
        """What has to be positive, and neither is nor has to be where the graph has a value."""
        plain = expr.xreplace(dict.fromkeys(nodes_in(expr, Partial), S.One))
        return {lettered(each) for each in radicands(plain) if not self._is_met(each)}

    def _is_met(self, condition: Expr) -> bool:
        exponents = self._field("definitions", POINTS[0]).exponents
        while True:
            if condition.is_nonnegative or lettered(condition) in self._given:
                return True
            if condition.is_Mul:
                return all(map(self._is_met, condition.args))
            names = {node: exponents.outright(node) for node in tensors_in(condition)}
            shown = {node: body for node, body in names.items() if body is not None}
            if not shown:
                return False
            condition = condition.xreplace(shown)

    @cached_property
    def _given(self) -> set[Expr]:
        """What is positive where the definitions have values."""
        sides = (side for equation in self.graph.equations for side in equation.sides)
        return {lettered(each) for side in sides for each in radicands(side)}


def lettered(expr: Expr) -> Expr:
    """The expression in letters that depend only on the order in which they stand."""
    letters = free_axes(expr)
    new = (Index(f"_c{place}", index.size) for place, index in enumerate(letters))
    return expr.xreplace(dict(zip(letters, new, strict=True)))


def _alike(one: Array | None, other: Array | None) -> bool:
    """Whether both have a value at the same points and entries."""
    if one is None:
        return other is None or bool(other.all())
    return bool((one == (True if other is None else other)).all())


def _chance(degree: Degree, points: int) -> float:
    """The probability that different expressions agree at so many points."""
    prime = LEAST_PRIMES[min(degree.depth, len(LEAST_PRIMES) - 1)]
    once = min(1.0, degree.total / prime + 1 - 2.0**-degree.bits)
    return float(once**points)


def _needed(degree: Degree) -> int:
    """The number of points for a proof; zero if none is enough."""
    once = _chance(degree, 1)
    if once >= 1.0:
        return 0
    return max(2, int(math.log(MOST_ERROR) / math.log(once)) + 1) if once > 0 else 2


def decide(left: Expr, right: Expr, graph: Graph, algebra: Algebra | None = None) -> Verdict:
    """Whether two expressions about a graph are equal as algebra."""
    return (algebra or Algebra(graph)).decide(left, right)


def provably_equal(left: Expr, right: Expr, graph: Graph, algebra: Algebra | None = None) -> bool:
    """Whether the two are proven equal for all values of the inputs."""
    return decide(left, right, graph, algebra).equal is True


def _use_free_deltas(expr: Expr) -> Expr:
    """In a product with δ_in, n may be written for i."""
    return Add(*map(_use_deltas, Add.make_args(expr)))


def _use_deltas(term: Expr) -> Expr:
    for delta in sorted(nodes_in(term, KroneckerDelta), key=str):
        if delta not in Mul.make_args(term):
            continue
        pairs = (delta.args, delta.args[::-1])
        plain = [
            one
            for one, other in pairs
            if isinstance(one, Index) and not one.is_label and one not in free_indices(other)
        ]
        if plain:
            old = max(plain, key=lambda index: (index.name, str(index.size)))
            new = next(slot for slot in delta.args if slot != old)
            term = delta * (term / delta).xreplace({old: new})
    return term
