"""Matching: an expression recognised as an instance of another, or as part of a larger sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import prod

from sympy import Add, Expr, KroneckerDelta, Mul

from derive.expressions import Binder, Contraction, Index, One, free_indices, is_computed

__all__ = ["PartOfSum", "match", "part_of_sum"]

# Commutative nodes with more arguments than this are compared in their canonical order only.
MOST_PERMUTED = 5
# In a product of more factors than this, or with more ways to choose a part, none is looked for.
MOST_FACTORS = 12
MOST_CHOICES = 500

Binding = Mapping[Expr, Expr]


def match(pattern: Expr, node: Expr, variables: tuple[Index, ...]) -> Binding | None:
    """The first of the ways in which the pattern becomes the node, None if there is none."""
    return next(_matches(pattern, node, variables, {}), None)


def _matches(
    pattern: Expr, node: Expr, variables: tuple[Index, ...], binding: Binding
) -> Iterator[Binding]:
    """The ways in which the pattern becomes the node by putting indices for its variables."""
    if pattern in variables:
        if binding.get(pattern, node) == node and _fits(pattern, node):
            yield {**binding, pattern: node}
    elif not free_indices(pattern).intersection(variables):
        if pattern == node:
            yield binding
    elif isinstance(pattern, Binder) and type(pattern) is type(node):
        yield from _match_binders(pattern, node, variables, binding)
    elif pattern.func == node.func and len(pattern.args) == len(node.args):
        for args in _arrangements(node):
            yield from _match_all(pattern.args, args, variables, binding)


def _fits(variable: Expr, index: Expr) -> bool:
    """Whether an index may stand for a variable: it runs over the same axis, and in range."""
    if isinstance(variable, Index) and isinstance(index, Index):
        return variable.size == index.size
    # An entry at a computed index may be out of range, where the definition says nothing.
    return bool(index.is_integer) and not is_computed(index)


def _arrangements(node: Expr) -> Iterator[tuple[Expr, ...]]:
    commutes = isinstance(node, Add | Mul | KroneckerDelta) and len(node.args) <= MOST_PERMUTED
    return permutations(node.args) if commutes else iter([node.args])


def _match_all(
    patterns: tuple[Expr, ...],
    nodes: tuple[Expr, ...],
    variables: tuple[Index, ...],
    binding: Binding,
) -> Iterator[Binding]:
    if not patterns:
        yield binding
        return
    for first in _matches(patterns[0], nodes[0], variables, binding):
        yield from _match_all(patterns[1:], nodes[1:], variables, first)


def _match_binders(
    pattern: Binder,
    node: Binder,
    variables: tuple[Index, ...],
    binding: Binding,
) -> Iterator[Binding]:
    if len(pattern.bound) != len(node.bound):
        return
    inner, body = pattern.open(node, *variables)
    taken, node_body = node.open(pattern, body, *variables, *inner)
    body, node_body = _unmarked(body, inner), _unmarked(node_body, taken)
    for found in _matches(body, node_body, (*variables, *inner), binding):
        images = [found[index] for index in inner]
        left = {key: image for key, image in found.items() if key not in inner}
        captures = any(free_indices(image) & set(taken) for image in left.values())
        if sorted(images, key=str) == sorted(taken, key=str) and not captures:
            yield left


def _unmarked(body: Expr, indices: Sequence[Index]) -> Expr:
    """The body of a sum without the one-tensors that only mark it: some lines have dropped them."""
    marks = [f for f in Mul.make_args(body) if isinstance(f, One) and f.index in indices]
    rest = Mul(*(factor for factor in Mul.make_args(body) if factor not in marks))
    return rest if free_indices(rest) >= set(indices) else body


@dataclass(frozen=True)
class PartOfSum:
    """A sum that holds an instance of a smaller one: `a_i (x_ik y_k)` in `a_i x_ik y_k`.

    `binding` says what stands for the variables of the smaller sum, `factors` are those of the
    larger one beside it, `indices` those over which it sums besides.
    """

    binding: Binding
    factors: tuple[Expr, ...]
    indices: tuple[Index, ...]

    def with_value(self, value: Expr) -> Expr:
        """The larger sum with a value in place of the smaller one."""
        return Contraction(Mul(*self.factors, value.xreplace(dict(self.binding))), *self.indices)


def part_of_sum(
    pattern: Contraction, node: Contraction, variables: tuple[Index, ...]
) -> PartOfSum | None:
    """The pattern as a sum by itself inside a larger one, None if it is not in there.

    Some factors of the larger sum are those of the pattern, and the indices over which the
    pattern sums occur in no other. One-tensors over these only mark the sum.
    """
    inner, pattern_body = pattern.open(node, *variables)
    taken, body = node.open(pattern, pattern_body, *variables, *inner)
    parts = [part for part in _factors(pattern_body) if not isinstance(part, One)]
    factors = _factors(body)
    if not parts or len(factors) > MOST_FACTORS or len(inner) > len(taken):
        return None
    if _ways(parts, factors, (*variables, *inner)) > MOST_CHOICES:
        return None
    for binding, rest in _choices(parts, factors, (*variables, *inner), {}):
        summed = [binding[index] for index in inner]
        others = {key: image for key, image in binding.items() if key not in inner}
        left = [f for f in rest if not (isinstance(f, One) and f.index in summed)]
        elsewhere = set().union(*map(free_indices, (*left, *others.values())))
        if len(set(summed)) == len(summed) and set(summed) <= set(taken) - elsewhere:
            indices = tuple(index for index in taken if index not in summed)
            return PartOfSum(others, tuple(left), indices)
    return None


def _factors(product: Expr) -> list[Expr]:
    """The factors of a product, a whole power as many times as it says."""
    return [
        base
        for base, exponent in (
            (f.base, int(f.exp)) if f.is_Pow and f.exp.is_Integer and f.exp > 1 else (f, 1)
            for f in Mul.make_args(product)
        )
        for _ in range(min(exponent, MOST_FACTORS + 1))
    ]


def _ways(parts: Sequence[Expr], factors: Sequence[Expr], variables: tuple[Index, ...]) -> int:
    """At most so many ways lead from the parts to factors; 0 if a part is none of these."""
    return prod(
        sum(match(part, factor, variables) is not None for factor in set(factors)) for part in parts
    )


def _choices(
    parts: Sequence[Expr], factors: Sequence[Expr], variables: tuple[Index, ...], binding: Binding
) -> Iterator[tuple[Binding, list[Expr]]]:
    """The ways to find the parts among the factors, with the factors that are left over."""
    if not parts:
        yield binding, list(factors)
        return
    for position, factor in enumerate(factors):
        if factor not in factors[:position]:
            rest = [*factors[:position], *factors[position + 1 :]]
            for found in _matches(parts[0], factor, variables, binding):
                yield from _choices(parts[1:], rest, variables, found)
