"""Data that a reader can work through: small sizes, and whole or simple rational numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from math import prod
from typing import Literal

import numpy as np
from sympy import Expr

from derive.expressions import Graph, indices_of, name_of
from derive.verify.domain import USUAL, Domain
from derive.verify.evaluate import Array, Values
from derive.verify.sample import (
    Sample,
    given_tensors,
    index_factors,
    label_letters,
    least_sizes,
)

__all__ = ["Block", "Data", "simple_numbers", "small_sizes"]


def _numbers(text: str) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, text.split()))


_OPTIONS: Mapping[str, tuple[Fraction, ...]] = {
    "both signs": _numbers("0 1 2 -1 3 1/2 -2 -1/2"),
    "positive": _numbers("1 0 2 3 4 1/2 1/4"),
    "unit interval": _numbers("1/2 1/4 3/4 1/3 1/5"),
    "within one": _numbers("0 1/2 -1/2 1/4 3/4 -1/4"),
    "above one": _numbers("2 3 4 3/2 5"),
    "negative": _numbers("-1 -2 -3 -1/2 -4"),
    "wide": _numbers("0 1 2 -1 4 -4 8 -8 1/2"),
    "small": _numbers("1/10 -1/10 1/20 -1/20"),
    "small positive": _numbers("1/10 1/20 1/8 1/40"),
    "large": _numbers("8 10 7 12 16 20"),
    "large negative": _numbers("-8 -10 -7 -12 -16 -20"),
}
_BESIDE = {
    "above": _numbers("1 2 3 1/2 4"),
    "below": _numbers("-1 -2 -3 -1/2 -4"),
    "around": _numbers("0 1/2 -1/2 1/4 -1/4"),
}


def simple_numbers(distribution: str) -> tuple[Fraction, ...]:
    """The numbers that stand for a distribution of the samples, the simplest first."""
    if distribution in _OPTIONS:
        return _OPTIONS[distribution]
    side, _, text = distribution.partition(" ")
    at = Fraction(text).limit_denominator(64)
    if side == "across":
        return (Fraction(0), *(n for part in (at, at / 2, 3 * at / 2) for n in (part, -part)))
    return tuple(at + step * max(1, abs(at) // 4) for step in _BESIDE[side])


Kind = Literal["tensor", "labels", "label", "upstream"]
# Two sizes are told apart by small numbers: no size is this much above its least number.
MOST_ABOVE = 3


@dataclass(frozen=True)
class Block:
    """A tensor, a tensor of labels, a label or an upstream gradient: its entries are chosen."""

    kind: Kind
    name: str
    shape: tuple[int, ...]
    options: tuple[Fraction, ...]

    @property
    def count(self) -> int:
        return prod(self.shape)


def small_sizes(graph: Graph, exprs: Sequence[Expr]) -> Iterator[dict[Expr, int]]:
    """Numbers for all sizes that are symbols, those with the least sum first."""
    every = [e for eq in graph.equations for e in (eq.lhs, *eq.sides)] + list(exprs)
    found, _ = least_sizes(graph, every)
    # Two values are the least of a sample; one is less.
    least = {size: 1 if low == 2 else low for size, low in found.items()}
    names = sorted(least, key=str)
    for extra in range(MOST_ABOVE * len(names) + 1):
        for parts in _parts(extra, len(names)):
            if max(parts, default=0) <= MOST_ABOVE:
                yield {size: least[size] + n for size, n in zip(names, parts, strict=True)}
        if not names:
            return


def _parts(total: int, count: int) -> Iterator[tuple[int, ...]]:
    """The ways to write a number as a sum of so many, the evenest ones not first."""
    if not count:
        yield ()
        return
    for bars in combinations(range(total + count - 1), count - 1):
        edges = (-1, *bars, total + count - 1)
        yield tuple(b - a - 1 for a, b in pairwise(edges))


class Data:
    """All the numbers that a graph and expressions about it need, for one choice of sizes.

    Upstream gradients are needed where there is a `loss` downstream.
    """

    def __init__(
        self,
        graph: Graph,
        exprs: Sequence[Expr],
        domain: Domain,
        sizes: Mapping[Expr, int],
        *,
        loss: bool,
    ) -> None:
        self.sizes = sizes
        self._loss = loss
        self._values = Values({}, {}, sizes)
        self._graph = graph
        self.blocks = list(self._blocks(exprs, domain))
        self.options = [block.options for block in self.blocks for _ in range(block.count)]

    def _shape(self, name: str) -> tuple[int, ...]:
        graph = self._graph
        return tuple(
            self._values.size(graph.axis_size(name, axis)) for axis in range(graph.arity[name])
        )

    def _blocks(self, exprs: Sequence[Expr], domain: Domain) -> Iterator[Block]:
        graph, usual = self._graph, simple_numbers(USUAL)
        for name in graph.inputs:
            yield Block("tensor", name, self._shape(name), simple_numbers(domain.get(name, USUAL)))
        for node in given_tensors(graph, exprs):
            shape = tuple(self._values.size(index.size) for index in indices_of(node))
            yield Block("tensor", name_of(node), shape, usual)
        for name in sorted(graph.labels):
            places = range(self._values.size(graph.label_range(name)))
            yield Block("labels", name, self._shape(name), tuple(map(Fraction, places)))
        every = [e for eq in graph.equations for e in (eq.lhs, *eq.sides)] + list(exprs)
        factors = index_factors(every)
        for name, size in sorted(label_letters(graph, every).items()):
            places = range(name in factors, max(self._values.size(size), 1 + (name in factors)))
            yield Block("label", name, (), tuple(map(Fraction, places)))
        for name in graph.outputs if self._loss else ():
            yield Block("upstream", name, self._shape(name), usual)

    def numbers(self, choice: Sequence[int]) -> list[tuple[Block, list[Fraction]]]:
        """The entries of each block; `choice` has the number of an option for every entry."""
        found, start = [], 0
        for block in self.blocks:
            chosen = choice[start : start + block.count]
            found.append((block, [block.options[n] for n in chosen]))
            start += block.count
        return found

    def sample(self, choice: Sequence[int]) -> Sample:
        """The numbers as a sample, on which an oracle works."""
        tensors: dict[str, Array] = {}
        labels: dict[str, int] = {}
        upstream: dict[str, Array] = {}
        for block, numbers in self.numbers(choice):
            if block.kind == "label":
                labels[block.name] = int(numbers[0])
                continue
            into = upstream if block.kind == "upstream" else tensors
            kind = int if block.kind == "labels" else float
            into[block.name] = np.array([kind(n) for n in numbers], kind).reshape(block.shape)
        return Sample(tensors, labels, self.sizes, 0, upstream)
