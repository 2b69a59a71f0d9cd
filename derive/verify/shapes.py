"""Arrays whose shape is not that of the gradient: what makes them agree with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import numpy as np

from derive.verify.comparison import Comparison
from derive.verify.evaluate import Array
from derive.verify.explain import Explanation

__all__ = ["of_other_shape", "shape_in_words"]


def of_other_shape(compared: Comparison, goal: Sequence[Array]) -> Iterator[Explanation]:
    """What was probably done: axes exchanged, a sum not taken.

    `compared.target` are the arrays as they were given, `goal` the values of the gradient.
    """
    order, wanted = compared.target[0].ndim, goal[0].ndim
    if order == wanted:
        for axes in permutations(range(order)):
            if compared.are_close([np.transpose(a, axes) for a in compared.target], goal):
                words = "transposed" if order == 2 else f"with its axes in the order {axes}"
                yield Explanation(f"the correct gradient {words}")
    for axes in combinations(range(order), order - wanted) if order > wanted else ():
        where = "axis" if len(axes) == 1 else "axes"
        named = " and ".join(str(axis) for axis in axes)
        too_many = f"the correct gradient with {where} {named} too many, of length 1"
        for done, reduce in (("sum", np.sum), ("mean", np.mean)):
            if compared.are_close([reduce(a, axis=axes) for a in compared.target], goal):
                left_out = f"the correct gradient with the {done} over {where} {named} left out"
                yield Explanation(too_many if _are_single(compared.target, axes) else left_out)


def _are_single(arrays: Sequence[Array], axes: Sequence[int]) -> bool:
    return all(array.shape[axis] == 1 for array in arrays for axis in axes)


def shape_in_words(arrays: Sequence[Array], goal: Sequence[Array]) -> str:
    """How the shapes differ, on the first sample on which they do."""
    for array, value in zip(arrays, goal, strict=True):
        if array.shape != value.shape:
            return f"the array has the shape {array.shape}, and the derivative {value.shape}"
    return ""
