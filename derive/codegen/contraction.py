"""The factors of a sum of products: which belong together, and which two are joined first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opt_einsum import contract_path
from sympy import Expr, Mul

from derive.expressions import Index, One, ranging

__all__ = ["contraction_path", "grouped", "is_matrix_product", "merged", "without_ones"]


# The number that each size stands for where the order of a long product is chosen.
_TYPICAL_SIZE = 64


def is_matrix_product(first: Expr, second: Expr, over: Sequence[Index]) -> bool:
    """Whether both carry all that is summed over, and each an index of its own."""
    one, other = ranging(first), ranging(second)
    return set(over) <= one & other and not (one <= other or other <= one)


def without_ones(factors: list[Expr], indices: list[Index]) -> tuple[list[Expr], list[Index], Expr]:
    """The factors without one-tensors, and how often they repeat along the indices left out."""
    rest = [factor for factor in factors if not isinstance(factor, One)]
    carried = set().union(*map(ranging, rest)) if rest else set()
    alone = [index for index in indices if index not in carried]
    ones = [f for f in factors if isinstance(f, One) and f.index not in (*carried, *alone)]
    left = [index for index in indices if index in carried]
    return rest + ones, left, Mul(*(index.size for index in alone))


def merged(factors: Sequence[Expr]) -> list[Expr]:
    """Factors with the same indices as one."""
    return [Mul(*group) for group in grouped(factors)]


def grouped(factors: Sequence[Expr]) -> list[list[Expr]]:
    """Factors with the same indices together."""
    groups: dict[frozenset[Index], list[Expr]] = {}
    for factor in factors:
        groups.setdefault(frozenset(ranging(factor)), []).append(factor)
    return list(groups.values())


def contraction_path(factors: Sequence[Expr], out: Iterable[Index]) -> list[tuple[int, int]]:
    """Which two factors to join, one pair after the other, as their places in the list left."""
    if len(factors) < 2:
        return []
    letters = {
        i: chr(192 + n) for n, i in enumerate(sorted(set().union(*map(ranging, factors)), key=str))
    }
    terms = ["".join(letters[i] for i in sorted(ranging(f), key=str)) for f in factors]
    formula = ",".join(terms) + "->" + "".join(letters[i] for i in sorted(out, key=str))
    shapes = [(_TYPICAL_SIZE,) * len(term) for term in terms]
    path, _ = contract_path(formula, *shapes, shapes=True)
    return [(step[0], step[1]) for step in path]
