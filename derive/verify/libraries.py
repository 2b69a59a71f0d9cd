"""The libraries that modules of code are written with, and NumPy's arrays as theirs."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from derive.verify.evaluate import Array

__all__ = ["Library", "library_of"]


class Library:
    """NumPy, and Numba, which has its arrays."""

    def native(self, array: Array) -> Any:
        """A copy of an array as one of the library's."""
        return np.array(array)

    def numbers(self, value: Any) -> Array:
        """What was returned as an array of NumPy's, with its type.

        Raises
        ------
        TypeError : it is no array of numbers.
        """
        array = np.array(value)
        if array.dtype.kind not in "biuf":
            kind = "None" if value is None else type(value).__name__
            raise TypeError(f"is {kind}, no array of numbers")
        return array

    def precisely(self) -> AbstractContextManager[Any]:
        """Where double precision is kept."""
        return nullcontext()

    def gradients(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        places: Sequence[int],
        upstream: Sequence[Any],
    ) -> Sequence[Any] | None:
        """What the library's own differentiation makes of a function; None where it has none."""
        return None


class Torch(Library):
    """PyTorch."""

    def native(self, array: Array) -> Any:
        return sys.modules["torch"].from_numpy(np.array(array))

    def numbers(self, value: Any) -> Array:
        return super().numbers(value.detach().cpu().numpy() if hasattr(value, "detach") else value)

    def gradients(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        places: Sequence[int],
        upstream: Sequence[Any],
    ) -> Sequence[Any]:
        full = list(arguments)
        for place in places:
            full[place] = full[place].clone().requires_grad_()
        outputs = function(*full)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        wanted = [full[place] for place in places]
        found: Sequence[Any] = sys.modules["torch"].autograd.grad(outputs, wanted, list(upstream))
        return found


class Jax(Library):
    """JAX."""

    def native(self, array: Array) -> Any:
        return sys.modules["jax"].numpy.asarray(array)

    def precisely(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = sys.modules["jax"].enable_x64(True)
        return context

    def gradients(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        places: Sequence[int],
        upstream: Sequence[Any],
    ) -> Sequence[Any]:
        def of(*changed: Any) -> Any:
            full = list(arguments)
            for place, value in zip(places, changed, strict=True):
                full[place] = value
            return function(*full)

        _, pull = sys.modules["jax"].vjp(of, *(arguments[place] for place in places))
        found: Sequence[Any] = pull(tuple(upstream) if len(upstream) > 1 else upstream[0])
        return found


def library_of(module: Any) -> Library:
    """The library whose arrays a module takes, by what it has imported."""
    values = [value for value in vars(module).values() if inspect.ismodule(value)]
    names = {value.__name__.partition(".")[0] for value in values}
    if "torch" in names:
        return Torch()
    return Jax() if "jax" in names else Library()
