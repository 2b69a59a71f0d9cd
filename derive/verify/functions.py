"""The functions that NumPy lacks, or has for real numbers only, as NumPy code.

Each decides by the real part of its argument, so that a tiny imaginary part, by which the oracle
differentiates, takes the branch on which the number lies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["FUNCTIONS", "POLYNOMIALS", "opaque", "waves"]

POLYNOMIALS: Mapping[str, tuple[int, ...]] = {
    "u²": (0, 0, 1),
    "u³": (0, 0, 0, 1),
    "u² + 1": (1, 0, 1),
    "u³ + u + 3": (3, 1, 0, 1),
}
"""Functions that a reader can work out, with the coefficients of the powers of u."""

# Gauss and Legendre's points for the integral that is the error function.
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(80)


def _erf(u: Any) -> Any:
    """2/√π times the integral of u e^{−u² t²} over t from 0 to 1; analytic in u."""
    u, t = np.asarray(u), (_POINTS + 1) / 2
    terms = _WEIGHTS / np.sqrt(np.pi) * u[..., None] * np.exp(-(u[..., None] ** 2) * t**2)
    return np.sum(terms, axis=-1).astype(np.result_type(u.dtype, np.float32))


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + np.exp(-u))


def _softplus(u: Any) -> Any:
    # The larger of u and 0 apart, so that no exponential overflows.
    return _maximum(u, 0 * u) + np.log1p(np.exp(-_absolute(u)))


def _absolute(u: Any) -> Any:
    return np.where(np.real(u) < 0, -u, u)


def _relu(u: Any) -> Any:
    return np.where(np.real(u) > 0, u, 0)


def _leaky_relu(u: Any, slope: Any) -> Any:
    return np.where(np.real(u) > 0, u, slope * u)


def _maximum(a: Any, b: Any) -> Any:
    return np.where(np.real(a) >= np.real(b), a, b)


def _minimum(a: Any, b: Any) -> Any:
    return np.where(np.real(a) <= np.real(b), a, b)


def _clip(u: Any, low: Any, high: Any) -> Any:
    return _minimum(_maximum(u, low), high)


def waves(name: str) -> list[tuple[float, float, float]]:
    """The sines that a function with only a name is made of: size, rate and phase of each."""
    rng = np.random.default_rng([ord(character) for character in name])
    drawn = [rng.uniform([0.3, 0.5, 0.0], [0.6, 1.5, 2 * np.pi]) for _ in range(3)]
    return [(float(size), float(rate), float(phase)) for size, rate, phase in drawn]


def opaque(name: str, order: int, u: Any) -> Any:
    """A derivative of a smooth function that its name fixes.

    That of a polynomial's name is the polynomial; another one is positive, else random.
    """
    if name in POLYNOMIALS:
        found = np.polynomial.Polynomial(POLYNOMIALS[name])
        return found.deriv(order)(u) if order else found(u)
    total: Any = 2.0 if order == 0 else 0.0
    for size, rate, phase in waves(name):
        # The derivative of a sine is a sine a quarter turn ahead.
        total = total + size * rate**order * np.sin(rate * u + phase + order * np.pi / 2)
    return total


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": _absolute,
    "clip": _clip,
    "erf": _erf,
    "leaky_relu": _leaky_relu,
    "max": _maximum,
    "min": _minimum,
    "relu": _relu,
    "sigmoid": _sigmoid,
    "sign": lambda u: np.sign(np.real(u)),
    "softplus": _softplus,
}
"""By the name in the table of elementary functions; the others are NumPy's own."""
