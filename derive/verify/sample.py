"""Random data that can tell errors apart.

Different sizes are different numbers, none below 2, so that a transposed tensor does not fit;
numbers stay away from 0 and 1, so that a lost factor shows; upstream gradients have a mean other
than zero, so that a lost term shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from sympy import Expr, Mul, S

from derive.errors import DeriveError
from derive.expressions import (
    Graph,
    Index,
    Partial,
    Quotient,
    Remainder,
    Size,
    indices_of,
    name_of,
    nodes_in,
    tensors_in,
)
from derive.verify.domain import DISTRIBUTIONS, USUAL, Domain, distribution, domains
from derive.verify.evaluate import Array, EvaluationError, Values
from derive.verify.kinks import comparisons
from derive.verify.reach import Reach

__all__ = [
    "DISTRIBUTIONS",
    "Domain",
    "Given",
    "NotFiniteError",
    "Sample",
    "domains",
    "draw",
    "finite",
    "given_tensors",
    "index_factors",
    "is_finite",
    "label_letters",
    "least_sizes",
]

# Fewer values would hide a sum.
LEAST = 2
# A tensor with more entries, which a declared size can ask for, is not worth the time.
MOST_ENTRIES = 100_000


@dataclass(frozen=True)
class Sample(Values):
    """Values for the inputs and labels of a graph, and upstream gradients of its outputs."""

    seed: int = 0
    upstream: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """Data that are not drawn.

    `tensors` and `upstream`, by the output, have one value for all entries; `sizes` by their names.
    """

    tensors: Mapping[str, float] = field(default_factory=dict)
    upstream: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    def in_place_of(
        self, drawn: Mapping[str, Array], fixed: Mapping[str, float]
    ) -> dict[str, Array]:
        """Drawn tensors with the given ones in their place."""
        return {n: np.full(a.shape, float(fixed[n])) if n in fixed else a for n, a in drawn.items()}


def draw(
    graph: Graph,
    domain: Domain,
    seed: int,
    exprs: Iterable[Expr] = (),
    given: Given | None = None,
) -> Sample:
    """Data for a graph and for further expressions about it; what is `given` is not drawn."""
    given = given or Given()
    exprs = list(exprs)
    everything = [e for eq in graph.equations for e in (eq.lhs, *eq.sides)] + exprs
    sizes = _sizes(graph, everything, seed, given.sizes)
    values = Values({}, {}, sizes)

    def shape(name: str) -> tuple[int, ...]:
        found = tuple(values.size(graph.axis_size(name, k)) for k in range(graph.arity[name]))
        if prod(found) > MOST_ENTRIES:
            raise EvaluationError(
                f"{name} has too many entries to be checked",
                mend="give a size a name instead of a number",
            )
        return found

    tensors = {
        name: np.asarray(distribution(domain[name])(_generator(seed, 0, position), shape(name)))
        for position, name in enumerate(graph.inputs)
    }
    for position, name in enumerate(sorted(graph.labels)):
        high = values.size(graph.label_range(name))
        tensors[name] = np.asarray(_generator(seed, 1, position).integers(0, high, shape(name)))
    for position, node in enumerate(given_tensors(graph, exprs)):
        lengths = [values.size(index.size) for index in indices_of(node)]
        tensors[name_of(node)] = DISTRIBUTIONS[USUAL](_generator(seed, 5, position), tuple(lengths))
    factors = index_factors(everything)
    labels = {
        name: int(_generator(seed, 2, position).integers(name in factors, values.size(size)))
        for position, (name, size) in enumerate(sorted(label_letters(graph, everything).items()))
    }
    upstream = {
        name: np.asarray(0.4 + _generator(seed, 3, position).normal(size=shape(name)))
        for position, name in enumerate(graph.outputs)
    }
    upstream = given.in_place_of(upstream, given.upstream)
    return Sample(given.in_place_of(tensors, given.tensors), labels, sizes, seed, upstream)


def given_tensors(graph: Graph, exprs: Iterable[Expr]) -> list[Expr]:
    """The tensors that stand beside derivatives and are in no equation, one for each name."""
    found: dict[str, Expr] = {}
    for expr in exprs:
        if all(name_of(node) in graph.names for node in tensors_in(expr)):
            continue
        for node in tensors_in(expr.xreplace(dict.fromkeys(nodes_in(expr, Partial), S.One))):
            if name_of(node) not in graph.names:
                found.setdefault(name_of(node), node)
    return [found[name] for name in sorted(found)]


def _generator(seed: int, kind: int, position: int) -> np.random.Generator:
    """A generator for one tensor, so that the others do not depend on how it is drawn."""
    return np.random.default_rng([seed, kind, position])


def label_letters(graph: Graph, exprs: Iterable[Expr]) -> dict[str, Expr]:
    """The labels that are letters, each with its number of values."""
    return {
        index.name: index.size if index.size is not None else graph.label_range(index.name)
        for expr in exprs
        for index in nodes_in(expr, Index)
        if index.is_label
    }


def index_factors(exprs: Iterable[Expr]) -> set[str]:
    """The labels that multiply or divide an index, such as a stride: they are not zero."""
    return {
        label.name
        for expr in exprs
        for node in nodes_in(expr, Mul, Quotient, Remainder)
        for label in node.args
        if isinstance(label, Index) and label.is_label and node.is_integer
    }


def _sizes(graph: Graph, exprs: list[Expr], seed: int, given: Mapping[str, int]) -> dict[Expr, int]:
    """A number for each size, all different, above the constants used as indices."""
    every, declared = least_sizes(graph, exprs)
    found = {
        size: _large_enough(size, given[str(size)], every[size])
        for size in every
        if str(size) in given
    }
    least = {size: low for size, low in every.items() if size not in found}
    if len(least) < 3:
        # Arrays of more axes would be too large; what they do not show is left to a proof.
        telling = Reach(graph)(exprs)
        least = {size: max(low, telling.get(size, low)) for size, low in least.items()}
    declared |= set(found.values())
    low = 3 if len(least) < 5 else 2
    if len(least) < 3 and comparisons(exprs):
        # There are sides of kinks, and their combinations, to fall on.
        low = 7
    rng = np.random.default_rng([seed, 4])
    numbers = [n for n in range(low, low + len(least) + len(declared) + 2) if n not in declared]
    pool = [int(n) for n in rng.permutation(numbers)]
    for size in sorted(least, key=lambda size: (-least[size], str(size))):
        fitting = [n for n in pool if n >= least[size]]
        number = fitting[0] if fitting else _unused(least[size], {*found.values(), *declared})
        found[size] = number
        pool = [n for n in pool if n != number]
    return found


def _large_enough(size: Expr, number: int, least: int) -> int:
    """A size that is given, if it holds the constants that stand in slots."""
    if number < least and least > LEAST:
        raise DeriveError(
            f"the size {size} is {number}, and an index is {least - 1}",
            mend=f"indices count from 0: take at least {least}",
        )
    return number


def _unused(low: int, used: set[int]) -> int:
    return next(n for n in range(low, low + len(used) + 1) if n not in used)


def least_sizes(graph: Graph, exprs: list[Expr]) -> tuple[dict[Expr, int], set[int]]:
    """The sizes that are symbols with the least number each can be, and those declared."""
    axes = {
        (name, axis): graph.axis_size(name, axis)
        for name in graph.names
        for axis in range(graph.arity[name])
    }
    every = {*axes.values(), *(graph.label_range(name) for name in graph.labels)}
    for expr in exprs:
        every |= nodes_in(expr, Size)
        every |= {index.size for index in nodes_in(expr, Index) if index.size is not None}
    every |= set(label_letters(graph, exprs).values())
    least = {size: LEAST for size in every if not size.is_Integer}
    for expr in exprs:
        for node in tensors_in(expr):
            for axis, slot in enumerate(indices_of(node)):
                size = axes.get((name_of(node), axis))
                if slot.is_Integer and size in least:
                    least[size] = max(least[size], int(slot) + 1)
    return least, {int(size) for size in every if size.is_Integer}


class NotFiniteError(EvaluationError):
    """A value outside the domain of a function; other data may do.

    `what` has no value: a definition, if it is one.
    """

    def __init__(self, message: str, what: str = "") -> None:
        super().__init__(message)
        self.what = what


def is_finite(array: Array) -> bool:
    """Whether every entry is a finite number, of whatever type."""
    if array.dtype != object:
        return bool(np.all(np.isfinite(array)))
    return all(entry - entry == 0 for entry in array.flat)


def finite(array: Array, what: object) -> Array:
    """The array, if every entry is a finite number."""
    if not is_finite(array):
        raise NotFiniteError(f"{what} is not finite on the sample", str(what))
    return array
