"""The smallest data on which code is wrong: few entries, simple numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product

import numpy as np
from sympy import Expr

from derive.errors import DeriveError
from derive.expressions import Graph
from derive.verify.domain import Domain
from derive.verify.evaluate import Array, EvaluationError
from derive.verify.oracle import Oracle
from derive.verify.sample import Given, Sample, draw

__all__ = ["Smallest", "smallest"]

GREATEST_SIZE = 3
MOST_SIZES = 60
MOST_TRIED = 20_000
SEEDS = 2

Difference = Callable[[Oracle], tuple[Array, Array] | None]
"""What code returns on a sample and what is right, or None where both agree."""


@dataclass(frozen=True)
class Smallest:
    """Data on which code is wrong.

    Attributes
    ----------
    sizes : the number that each size stands for.
    inputs : the numbers of the inputs and labels, and of the gradients that come back.
    entry : the place, counted from 0.
    found, expected : what the code returns there, and what is right.
    """

    sizes: Mapping[str, int]
    inputs: Mapping[str, Array]
    entry: tuple[int, ...]
    found: float
    expected: float


def smallest(
    graph: Graph, domain: Domain, exprs: Sequence[Expr], difference: Difference
) -> Smallest | None:
    """The smallest sizes and simple numbers on which there is a difference; None if none is found.

    Parameters
    ----------
    graph, domain : the definitions, and where their inputs lie.
    exprs : further expressions about the graph, whose values are compared.
    difference : what differs on a sample.
    """
    for sample in _samples(graph, domain, exprs):
        if _differs(graph, sample, difference) is not None:
            return _said(graph, _simpler(graph, sample, difference), difference)
    return None


def _samples(graph: Graph, domain: Domain, exprs: Sequence[Expr]) -> Iterator[Sample]:
    """Samples from the smallest sizes up."""
    names = sorted(map(str, draw(graph, domain, 0, exprs).sizes))
    every = islice(product(range(1, GREATEST_SIZE + 1), repeat=len(names)), MOST_TRIED)
    near = sorted(every, key=lambda numbers: (sum(numbers), max(numbers, default=0)))
    for numbers in near[:MOST_SIZES]:
        given = Given(sizes=dict(zip(names, numbers, strict=True)))
        for seed in range(SEEDS):
            try:
                yield draw(graph, domain, seed, exprs, given)
            except (DeriveError, ValueError):
                break


def _differs(graph: Graph, sample: Sample, difference: Difference) -> tuple[Array, Array] | None:
    try:
        return difference(Oracle(graph, sample))
    except (EvaluationError, IndexError, ValueError):
        return None


def _simpler(graph: Graph, sample: Sample, difference: Difference) -> Sample:
    """The sample with simpler numbers, one tensor after the other, as long as it differs."""
    changes = [
        *(partial(_with_tensor, name=name) for name in sample.tensors),
        *(partial(_with_upstream, name=name) for name in sample.upstream),
    ]
    # Where one tensor is simple, another may be that could not be before.
    for change in changes * 2:
        kept = (s for s in change(sample) if _differs(graph, s, difference) is not None)
        sample = next(kept, sample)
    return sample


def _with_tensor(sample: Sample, name: str) -> Iterator[Sample]:
    for numbers in _simple(sample.tensors[name]):
        yield replace(sample, tensors={**sample.tensors, name: numbers})


def _with_upstream(sample: Sample, name: str) -> Iterator[Sample]:
    for numbers in _simple(sample.upstream[name]):
        yield replace(sample, upstream={**sample.upstream, name: numbers})


def _simple(array: Array) -> Iterator[Array]:
    """Simpler numbers in place of those of an array, the simplest ones first."""
    if array.dtype.kind != "f":
        yield np.zeros_like(array)
        return
    yield np.ones_like(array)
    yield np.asarray(np.arange(1.0, array.size + 1).reshape(array.shape))
    yield np.where(np.round(array) == 0, np.where(array < 0, -1.0, 1.0), np.round(array))
    yield np.round(array, 1)


def _said(graph: Graph, sample: Sample, difference: Difference) -> Smallest | None:
    differing = _differs(graph, sample, difference)
    if differing is None:
        return None
    found, expected = differing
    distance = np.abs(found - expected)
    entry = tuple(int(n) for n in np.unravel_index(int(distance.argmax()), distance.shape))
    inputs = {**sample.labels, **sample.tensors}
    upstream = {f"∂l/∂{name}": array for name, array in sample.upstream.items()}
    return Smallest(
        {str(size): number for size, number in sample.sizes.items()},
        {name: np.asarray(value) for name, value in (inputs | upstream).items()},
        entry,
        float(found[entry]),
        float(expected[entry]),
    )
