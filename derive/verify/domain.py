"""The search for data on which everything has a value.

Most functions have one everywhere; where a logarithm, a root or a quotient has none, other
distributions are tried for the inputs that lead to what has no value, and for no others. A choice
that lets one more definition have a value is where the search goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import combinations, count, islice, product
from typing import TypeVar

import numpy as np
from sympy import Expr, Number, preorder_traversal

from derive.expressions import Graph, Iverson
from derive.verify.arrays import Array

__all__ = [
    "DISTRIBUTIONS",
    "USUAL",
    "Domain",
    "Search",
    "across",
    "after",
    "boundaries",
    "distribution",
    "domains",
]

Found = TypeVar("Found")
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

Domain = Mapping[str, str]
"""For each input the distribution it is drawn from."""


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
    "small": lambda rng, shape: 0.1 * _both_signs(rng, shape),
    "small positive": lambda rng, shape: rng.uniform(0.02, 0.15, shape),
    "large": lambda rng, shape: rng.uniform(6.0, 20.0, shape),
    "large negative": lambda rng, shape: -rng.uniform(6.0, 20.0, shape),
}
"""Where inputs are drawn from: the first one unless a function's domain asks for another; the wide
one, which no domain asks for, reaches kinks that are far out."""
USUAL = "both signs"
_KINDS = [name for name in DISTRIBUTIONS if name != "wide"]

# The first distributions go before the others, which are further from what is usual.
FEW = 6
# Beyond this many tries there is no answer.
MOST_DOMAINS = 1000
# Of the numbers in the definitions at which a domain may end.
MOST_BOUNDARIES = 6


def distribution(kind: str) -> Draw:
    """The distribution of a name, such as `above 2`, `below 2`, `around 2` and `across 2`."""
    if kind in DISTRIBUTIONS:
        return DISTRIBUTIONS[kind]
    side, _, number = kind.partition(" ")
    at = float(number)
    width = max(1.0, abs(at))
    low, high = {
        "above": (at + 0.2 * width, at + 1.5 * width),
        "below": (at - 1.5 * width, at - 0.2 * width),
        "around": (at - 0.9, at + 0.9),
        "across": (-1.6 * width, 1.6 * width),
    }[side]
    return lambda rng, shape: rng.uniform(low, high, shape)


def boundaries(graph: Graph) -> list[float]:
    """The numbers in the definitions that values are added to or compared with, and their
    opposites: where a domain may end."""
    found: dict[float, None] = {}
    for equation in graph.equations:
        for side in equation.sides:
            found |= dict.fromkeys(n for node in preorder_traversal(side) for n in _beside(node))
    either = dict.fromkeys(n for number in found for n in (-number, number))
    return [n for n in either if abs(n) not in (0, 1)][: 2 * MOST_BOUNDARIES]


def _beside(node: Expr) -> Iterator[float]:
    if node.is_Add or node.is_Function or isinstance(node, Iverson):
        yield from (float(arg) for arg in node.args if isinstance(arg, Number))


def across(graph: Graph) -> list[str]:
    """Distributions that reach to either side of the numbers in the definitions."""
    numbers = boundaries(graph)
    if not numbers:
        return []
    return [f"across {max(map(abs, numbers)):g}", *(f"around {number:g}" for number in numbers)]


Search = Generator[Found, str | None, None]
"""Tries one thing after another; what is sent back is the definition that had no value."""


def after(search: Search[Found], lost: str | None) -> Found | None:
    """What a search tries next, told what had no value; None at its end."""
    try:
        return search.send(lost)
    except StopIteration:
        return None


def domains(graph: Graph) -> Search[Domain]:
    """Assignments of distributions to the inputs, the least restrictive first.

    What is sent back is the definition that had no value, or None where none is known. Choices
    on which more definitions have a value are followed first.
    """
    kinds = [*_KINDS, *_kinds(graph)]
    start = dict.fromkeys(graph.inputs, kinds[0])
    seen = {tuple(start.values())}
    serial = count()
    lost = yield start
    queue = [(-_reached(graph, lost), next(serial), _beyond(graph, start, lost, kinds))]
    while queue and len(seen) < MOST_DOMAINS:
        reached, _, others = queue[0]
        domain = next(others, None)
        if domain is None:
            heappop(queue)
        elif (key := tuple(domain.values())) not in seen:
            seen.add(key)
            lost = yield domain
            if -_reached(graph, lost) < reached:
                others = _beyond(graph, domain, lost, kinds)
                heappush(queue, (-_reached(graph, lost), next(serial), others))


def _kinds(graph: Graph) -> list[str]:
    sides = ("above", "below", "around")
    return [f"{side} {number:g}" for number in boundaries(graph) for side in sides]


def _reached(graph: Graph, lost: str | None) -> int:
    """How many definitions have a value, where `lost` is the first that has none."""
    return graph.order.index(lost) if lost in graph.order else 0


def _beyond(
    graph: Graph, domain: Domain, lost: str | None, kinds: Sequence[str]
) -> Iterator[Domain]:
    """Other choices for one input that leads to what has no value, for all, for several."""
    leads = graph.ancestors(lost) if lost in graph.order else frozenset(graph.inputs)
    inputs = [name for name in graph.inputs if name in leads]
    for some in (_KINDS[:FEW], kinds[FEW:]):
        yield from ({**domain, name: kind} for kind in some for name in inputs)
        yield from ({**domain, **dict.fromkeys(inputs, kind)} for kind in some)
    for number in range(2, len(inputs) + 1):
        yield from islice(_but(number, domain, inputs, kinds), MOST_DOMAINS)


def _but(
    number: int, domain: Domain, inputs: Sequence[str], kinds: Sequence[str]
) -> Iterator[Domain]:
    """The domain with that many inputs drawn from other distributions."""
    for chosen in combinations(inputs, number):
        for other in product(kinds, repeat=number):
            if all(kind != domain[name] for name, kind in zip(chosen, other, strict=True)):
                yield {**domain, **dict(zip(chosen, other, strict=True))}
