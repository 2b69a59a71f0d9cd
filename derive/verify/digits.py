"""Expressions evaluated with many digits, for where floating point cannot tell.

The same code as for floating point, on arrays of numbers of mpmath.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, Indexed, Rational, Symbol

from derive.expressions import nodes_in
from derive.verify.arrays import NAMESPACE, Array, matrices_along
from derive.verify.evaluate import Arithmetic
from derive.verify.functions import waves
from derive.verify.printer import NumPyPrinter
from derive.verify.sample import Sample

__all__ = ["DIGITS", "MANY", "NUMBERS", "STEP", "in_digits"]

# How many digits of a value can be relied on. A difference at this step is off by the step, and
# loses as many digits to rounding; the difference of a difference loses twice as many.
DIGITS = 50
NUMBERS = mpmath.MPContext()
NUMBERS.dps = 3 * DIGITS
STEP = NUMBERS.mpf(10) ** -DIGITS


def _elementwise(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of numbers for arrays; what has no real value there is no number."""

    def real(argument: Any) -> Any:
        try:
            found = function(NUMBERS.convert(argument))
        except (ValueError, ZeroDivisionError):
            return NUMBERS.nan
        return NUMBERS.nan if isinstance(found, NUMBERS.mpc) else found

    return np.frompyfunc(real, 1, 1)


_number = np.frompyfunc(NUMBERS.convert, 1, 1)


class _Functions:
    """What NumPy calls its functions."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return _elementwise(getattr(NUMBERS, name.replace("arc", "a")))


def _as_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """What makes ones or zeros, with numbers of many digits as entries."""
    return lambda *arguments: _number(function(*arguments[:-1], float))


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + NUMBERS.exp(-u))


def _softplus(u: Any) -> Any:
    return max(u, 0) + NUMBERS.log1p(NUMBERS.exp(-abs(u)))


def _opaque(name: str, order: int, u: Any) -> Any:
    turn = order * NUMBERS.pi / 2

    def value(at: Any) -> Any:
        total = NUMBERS.mpf(2 if order == 0 else 0)
        for size, rate, phase in waves(name):
            total += size * NUMBERS.mpf(rate) ** order * NUMBERS.sin(rate * at + phase + turn)
        return total

    return _elementwise(value)(u)


def _determinant(body: Any, *axes: tuple[int, int]) -> Any:
    """The determinant of the matrices that lie along two axes."""
    places, matrices = matrices_along(body, *axes)
    found = np.empty(matrices.shape[:-2], object)
    for place in np.ndindex(found.shape):
        found[place] = NUMBERS.det(NUMBERS.matrix(matrices[place].tolist()))
    return np.expand_dims(found, places)


def _log_determinant(body: Any, *axes: tuple[int, int]) -> Any:
    return _elementwise(lambda u: NUMBERS.log(abs(u)))(_determinant(body, *axes))


_NAMESPACE = {
    **NAMESPACE,
    "np": _Functions(),
    "ones": _as_numbers(NAMESPACE["ones"]),
    "delta": _as_numbers(NAMESPACE["delta"]),
    "iverson": _as_numbers(NAMESPACE["iverson"]),
    "determinant": _determinant,
    "log_determinant": _log_determinant,
    "opaque": _opaque,
    "own_erf": _elementwise(NUMBERS.erf),
    "own_sigmoid": _elementwise(_sigmoid),
    "own_sign": _elementwise(NUMBERS.sign),
    "own_softplus": _elementwise(_softplus),
    "number": NUMBERS.mpf,
}


class _Printer(NumPyPrinter):
    """Writes no number as a float."""

    def _print_Rational(self, expr: Expr) -> str:
        exact = Rational(expr)
        return f"(number({int(exact.p)}) / {int(exact.q)})"

    def _print_NumberSymbol(self, expr: Expr) -> str:
        return f"number({str(expr.evalf(NUMBERS.dps + 10))!r})"

    def _print_Size(self, expr: Expr) -> str:
        return f"number({self._name('size', expr)})"

    def _print_Pow(self, expr: Expr) -> str:
        if not nodes_in(expr, Symbol, Indexed):
            return self._print_NumberSymbol(expr)
        return super()._print_Pow(expr)


MANY = Arithmetic(_Printer, _NAMESPACE)


def in_digits(sample: Sample) -> Sample:
    """A sample with the same numbers, whose values have many digits."""

    def converted(tensors: Any) -> dict[str, Array]:
        return {n: np.asarray(_number(a)) if a.dtype.kind == "f" else a for n, a in tensors.items()}

    return Sample(
        converted(sample.tensors),
        sample.labels,
        sample.sizes,
        sample.seed,
        converted(sample.upstream),
    )
