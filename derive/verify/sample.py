"""Random data that can tell errors apart.

Different sizes are different numbers, none below 2, so that a transposed tensor does not fit;
numbers stay away from 0 and 1, so that a lost factor shows; upstream gradients have a mean other
than zero, so that a lost term shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice, product
from math import prod

import numpy as np
from sympy import Expr, Mul, S

from derive.expressions import (
    Graph,
    Index,
    Partial,
    Quotient,
    Remainder,
    Size,
    indices_of,
    name_of,
    tensors_in,
)
from derive.verify.evaluate import Array, EvaluationError, Values

__all__ = [
    "DISTRIBUTIONS",
    "Domain",
    "NotFiniteError",
    "Sample",
    "domains",
    "draw",
    "finite",
    "given_tensors",
    "index_factors",
    "label_letters",
    "least_sizes",
]

Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


def _both_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.uniform(0.3, 1.8, shape) * rng.choice([-1.0, 1.0], shape)


DISTRIBUTIONS: Mapping[str, Draw] = {
    "both signs": _both_signs,
    "positive": lambda rng, shape: rng.uniform(0.3, 2.0, shape),
    "unit interval": lambda rng, shape: rng.uniform(0.1, 0.9, shape),
    "within one": lambda rng, shape: rng.uniform(-0.9, 0.9, shape),
    "above one": lambda rng, shape: rng.uniform(1.2, 3.0, shape),
    "negative": lambda rng, shape: -rng.uniform(0.3, 2.0, shape),
    "wide": lambda rng, shape: rng.uniform(0.3, 8.0, shape) * rng.choice([-1.0, 1.0], shape),
}
"""Where inputs are drawn from: the first one unless a function's domain asks for another; the last
one, which no domain asks for, reaches kinks that are far out."""
_USUAL = [name for name in DISTRIBUTIONS if name != "wide"]

Domain = Mapping[str, str]
"""For each input the distribution it is drawn from."""

# Inputs with a domain of their own are few; beyond this many tries there is no answer.
MOST_DOMAINS = 1000
# A tensor with more entries, which a declared size can ask for, is not worth the time.
MOST_ENTRIES = 100_000


@dataclass(frozen=True)
class Sample(Values):
    """Values for the inputs and labels of a graph, and upstream gradients of its outputs."""

    seed: int = 0
    upstream: Mapping[str, Array] = field(default_factory=dict)


def domains(graph: Graph) -> Iterator[Domain]:
    """Assignments of distributions to the inputs, the least restrictive first."""
    return islice(_domains(graph), MOST_DOMAINS)


def _domains(graph: Graph) -> Iterator[Domain]:
    """One distribution for all inputs but at most a few, and others for those few."""
    first, *others = [dict.fromkeys(graph.inputs, name) for name in _USUAL]
    yield first
    yield from _but(1, first)
    yield from others
    for number in range(1, len(graph.inputs) + 1):
        for everywhere in (first, *others):
            yield from _but(number, everywhere)


def _but(number: int, everywhere: Domain) -> Iterator[Domain]:
    """A domain with that many inputs drawn from other distributions."""
    for chosen in combinations(everywhere, number):
        for kinds in product(_USUAL, repeat=number):
            if all(kind != everywhere[name] for name, kind in zip(chosen, kinds, strict=True)):
                yield {**everywhere, **dict(zip(chosen, kinds, strict=True))}


def draw(graph: Graph, domain: Domain, seed: int, exprs: Iterable[Expr] = ()) -> Sample:
    """Data for a graph and for further expressions about it."""
    exprs = list(exprs)
    everything = [e for eq in graph.equations for e in (eq.lhs, *eq.sides)] + exprs
    sizes = _sizes(graph, everything, seed)
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
        name: np.asarray(DISTRIBUTIONS[domain[name]](_generator(seed, 0, position), shape(name)))
        for position, name in enumerate(graph.inputs)
    }
    for position, name in enumerate(sorted(graph.labels)):
        high = values.size(graph.label_range(name))
        tensors[name] = np.asarray(_generator(seed, 1, position).integers(0, high, shape(name)))
    for position, node in enumerate(given_tensors(graph, exprs)):
        lengths = [values.size(index.size) for index in indices_of(node)]
        tensors[name_of(node)] = _both_signs(_generator(seed, 5, position), tuple(lengths))
    factors = index_factors(everything)
    labels = {
        name: int(_generator(seed, 2, position).integers(name in factors, values.size(size)))
        for position, (name, size) in enumerate(sorted(label_letters(graph, everything).items()))
    }
    upstream = {
        name: np.asarray(0.4 + _generator(seed, 3, position).normal(size=shape(name)))
        for position, name in enumerate(graph.outputs)
    }
    return Sample(tensors, labels, sizes, seed, upstream)


def given_tensors(graph: Graph, exprs: Iterable[Expr]) -> list[Expr]:
    """The tensors that stand beside derivatives and are in no equation, one for each name."""
    found: dict[str, Expr] = {}
    for expr in exprs:
        if all(name_of(node) in graph.names for node in tensors_in(expr)):
            continue
        for node in tensors_in(expr.xreplace(dict.fromkeys(expr.atoms(Partial), S.One))):
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
        for index in expr.atoms(Index)
        if index.is_label
    }


def index_factors(exprs: Iterable[Expr]) -> set[str]:
    """The labels that multiply or divide an index, such as a stride: they are not zero."""
    return {
        label.name
        for expr in exprs
        for node in expr.atoms(Mul, Quotient, Remainder)
        for label in node.args
        if isinstance(label, Index) and label.is_label and node.is_integer
    }


def _sizes(graph: Graph, exprs: list[Expr], seed: int) -> dict[Expr, int]:
    """A number for each size, all different, above the constants used as indices."""
    least, declared = least_sizes(graph, exprs)
    low = 3 if len(least) < 5 else 2
    rng = np.random.default_rng([seed, 4])
    numbers = [n for n in range(low, low + len(least) + len(declared) + 2) if n not in declared]
    pool = [int(n) for n in rng.permutation(numbers)]
    found: dict[Expr, int] = {}
    for size in sorted(least, key=lambda size: (-least[size], str(size))):
        fitting = [n for n in pool if n >= least[size]]
        number = fitting[0] if fitting else _unused(least[size], {*found.values(), *declared})
        found[size] = number
        pool = [n for n in pool if n != number]
    return found


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
        every |= expr.atoms(Size)
        every |= {index.size for index in expr.atoms(Index) if index.size is not None}
    every |= set(label_letters(graph, exprs).values())
    least = {size: 2 for size in every if not size.is_Integer}
    for expr in exprs:
        for node in tensors_in(expr):
            for axis, slot in enumerate(indices_of(node)):
                size = axes.get((name_of(node), axis))
                if slot.is_Integer and size in least:
                    least[size] = max(least[size], int(slot) + 1)
    return least, {int(size) for size in every if size.is_Integer}


class NotFiniteError(EvaluationError):
    """A value outside the domain of a function; other data may do."""


def finite(array: Array, what: object) -> Array:
    """The array, if every entry is a finite number."""
    if not np.all(np.isfinite(array)):
        raise NotFiniteError(f"{what} is not finite on the sample")
    return array
