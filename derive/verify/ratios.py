"""Values that are a gradient, or have a term of it, times a constant or a power of a tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product

import numpy as np
from sympy import Add, Expr, Pow, Rational, S, expand_mul

from derive.expressions import Index, Partial, indices_of, name_of, tensor
from derive.verify.comparison import Comparison
from derive.verify.evaluate import Array

__all__ = ["Multiple", "constant", "multiples", "multiples_of_terms"]

POWERS = (S.One, S.NegativeOne, S(2), S(-2), S.Half, -S.Half)
LARGEST_DENOMINATOR = 48
# A constant is read off to more digits than a chance number agrees with.
CLOSE = 1e-7
# So many ways to set the indices of one tensor are tried.
MOST_PLACES = 24

Multiple = tuple[Expr, Expr, Expr]
"""The constant, the power of a tensor, and the gradient or its term that is multiplied."""


def multiples(compared: Comparison, gradient: Expr) -> Iterator[Multiple]:
    """The ways in which the given values are a multiple of a gradient."""
    yield from _multiples(compared, gradient, gradient)


def multiples_of_terms(compared: Comparison, gradient: Expr) -> Iterator[Multiple]:
    """The ways in which the given values are a gradient but for a multiple of one term."""
    terms = Add.make_args(expand_mul(gradient, deep=False))
    for term in terms if len(terms) > 1 else ():
        yield from _multiples(compared, gradient, term)


def _multiples(compared: Comparison, gradient: Expr, part: Expr) -> Iterator[Multiple]:
    rest = gradient - part
    targets = [_less(compared, rest, seed) for seed in range(len(compared.target))]
    for factor in _factors(compared):
        found = constant(compared, part * factor, targets)
        if found is not None:
            yield found, factor, part


def _less(compared: Comparison, rest: Expr, seed: int) -> Array | None:
    value = compared.value(rest, seed)
    return None if value is None else compared.target[seed] - value


def constant(compared: Comparison, expr: Expr, targets: Sequence[Array | None]) -> Expr | None:
    """The constant by which an expression is to be multiplied to give the targets."""
    found = []
    for seed, target in enumerate(targets):
        value = compared.value(expr, seed)
        if value is None or target is None or not np.any(value):
            return None
        number = float(np.sum(value * target) / np.sum(value * value))
        scale = np.max(np.abs(compared.target[seed]), initial=0.0)
        if np.max(np.abs(number * value - target), initial=0.0) > compared.tolerance * scale:
            return None
        found.append(number)
    return _named(compared, found)


def _named(compared: Comparison, numbers: list[float]) -> Expr | None:
    """A fraction, times a power of a size, that has these values on the samples; not 0 or 1."""
    for power in _sizes(compared):
        values = [float(power.xreplace(o.values.sizes)) for o in compared.trial.oracles]
        rest = [number / value for number, value in zip(numbers, values, strict=True)]
        fraction = Fraction(rest[0]).limit_denominator(LARGEST_DENOMINATOR)
        if fraction and all(abs(x - fraction) <= CLOSE * abs(x) for x in rest):
            return Rational(fraction.numerator, fraction.denominator) * power
    return None


def _sizes(compared: Comparison) -> Iterator[Expr]:
    """Powers of sizes, simple ones first."""
    samples = [oracle.values.sizes for oracle in compared.trial.oracles]
    sizes = [size for size in samples[0] if all(size in other for other in samples)]
    yield S.One
    for power in (-1, 1, -2, 2):
        yield from (Pow(size, power) for size in sizes)
    for one, other in product(sizes, sizes):
        if str(one) < str(other):
            yield from (1 / (one * other), one * other, one / other, other / one)


def _factors(compared: Comparison) -> Iterator[Expr]:
    """1, and powers of the tensors whose indices the goal has."""
    yield S.One
    for power in POWERS:
        yield from (Pow(leaf, power) for leaf in _leaves(compared))


def _leaves(compared: Comparison) -> Iterator[Expr]:
    graph, goal = compared.graph, compared.stage.goal
    upstream = {name_of(p.root): p for p in goal.atoms(Partial) if not indices_of(p.root)}
    for name in graph.names:
        if name in graph.labels:
            continue
        for slots in _places(
            [graph.axis_size(name, k) for k in range(graph.arity[name])], compared
        ):
            leaf = tensor(name, *slots)
            yield leaf
            if name in graph.outputs:
                yield from (Partial(p.root, leaf) for n, p in upstream.items() if n not in graph)


def _places(sizes: Sequence[Expr], compared: Comparison) -> list[tuple[Index, ...]]:
    """The ways to set free indices of the goal on axes of these sizes."""
    orders = permutations(compared.free, len(sizes))
    fitting = (o for o in orders if all(i.size == s for i, s in zip(o, sizes, strict=True)))
    return [order for order, _ in zip(fitting, range(MOST_PLACES), strict=False)]
