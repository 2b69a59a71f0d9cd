"""The elementary functions of real variables: one row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Mul, S, exp, pi, sign, sqrt

from derive.expressions.indices import broadcast, ranging
from derive.expressions.iverson import Iverson
from derive.expressions.kinked import (
    clip,
    expm1,
    leaky_relu,
    log1p,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
)
from derive.expressions.opaque import Opaque, opaque

__all__ = ["ELEMENTARY", "Elementary", "elementary"]

Formula = Callable[..., Expr]
"""An expression in the arguments of a function."""


@dataclass(frozen=True)
class Elementary:
    """A function, its derivatives, and how it is written.

    Attributes
    ----------
    name : how it is written in plain text.
    function : the SymPy function; `function(u)` is the node in an expression.
    derivatives : for each argument the derivative by it, as an expression in all of them.
    latex : the LaTeX command; `fences` stand around the arguments.
    domain : an open interval on which it and its derivative are defined and well conditioned.
    numpy, torch, jax : its spelling as an attribute of `numpy`, `torch`, `jax`, looked up step
        by step at the dots; empty where there is none.
    pieces : a function with kinks written with comparisons, which are where the kinks are.
    same_sign : whether it is positive exactly where its argument is.
    convention : a sentence on what is taken for the derivative where there is none.
    """

    name: str
    function: Any
    derivatives: tuple[Formula, ...]
    latex: str
    domain: tuple[float, float]
    numpy: str
    torch: str
    jax: str
    pieces: Formula | None = None
    convention: str = ""
    fences: tuple[str, str] = ("(", ")")
    same_sign: bool = False

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.derivatives)


def _row(
    name: str,
    *derivatives: Formula,
    latex: str | None = None,
    domain: tuple[float, float] = (-3.0, 3.0),
    numpy: str | None = None,
    torch: str | None = None,
    jax: str | None = None,
    function: Any = None,
    pieces: Formula | None = None,
    convention: str = "",
    fences: tuple[str, str] = ("(", ")"),
    same_sign: bool = False,
) -> Elementary:
    spelling = name if numpy is None else numpy
    return Elementary(
        name=name,
        function=function or getattr(sympy, name),
        derivatives=derivatives,
        latex=rf"\{name}" if latex is None else latex,
        domain=domain,
        numpy=spelling,
        torch=torch or name,
        jax=jax or f"numpy.{spelling}",
        pieces=pieces,
        convention=convention,
        fences=fences,
        same_sign=same_sign,
    )


def _order(a: Expr, b: Expr) -> Expr:
    """1 where a > b, −1 where a < b, and 0 where they are equal."""
    letters = ranging(a) | ranging(b)
    if ranging(a) and ranging(b):
        a, b = broadcast(a, letters), broadcast(b, letters)
    return sign(a - b)


def _half(a: Expr, b: Expr) -> Expr:
    """1 where a > b, else 0, and a half where they are equal."""
    return Mul(S.Half, 1 + _order(a, b), evaluate=False)


_TIE = "Where the two arguments of {} are equal, each gets half of the derivative."

_SMOOTH = (
    _row("exp", exp),
    _row("log", lambda u: 1 / u, domain=(0.1, 4.0)),
    _row("expm1", exp, latex=r"\operatorname{expm1}", function=expm1),
    _row(
        "log1p",
        lambda u: 1 / (1 + u),
        latex=r"\operatorname{log1p}",
        domain=(-0.7, 4.0),
        function=log1p,
    ),
    _row("sin", sympy.cos),
    _row("cos", lambda u: -sympy.sin(u)),
    _row("tan", lambda u: 1 + sympy.tan(u) ** 2, domain=(-1.2, 1.2)),
    _row("sinh", sympy.cosh),
    _row("cosh", sympy.sinh),
    _row("tanh", lambda u: 1 - sympy.tanh(u) ** 2),
    _row(
        "asin",
        lambda u: (1 - u**2) ** -S.Half,
        latex=r"\arcsin",
        numpy="arcsin",
        domain=(-0.9, 0.9),
    ),
    _row(
        "acos",
        lambda u: -((1 - u**2) ** -S.Half),
        latex=r"\arccos",
        numpy="arccos",
        domain=(-0.9, 0.9),
    ),
    _row("atan", lambda u: 1 / (1 + u**2), latex=r"\arctan", numpy="arctan"),
    _row(
        "erf",
        lambda u: 2 / sqrt(pi) * exp(-(u**2)),
        latex=r"\operatorname{erf}",
        numpy="",
        jax="scipy.special.erf",
    ),
    _row(
        "sigmoid",
        lambda u: sigmoid(u) * (1 - sigmoid(u)),
        latex=r"\operatorname{sigmoid}",
        numpy="",
        jax="nn.sigmoid",
        function=sigmoid,
    ),
    _row(
        "softplus",
        sigmoid,
        latex=r"\operatorname{softplus}",
        numpy="",
        torch="nn.functional.softplus",
        jax="nn.softplus",
        function=softplus,
    ),
)

_KINKED = (
    _row(
        "abs",
        sign,
        latex="",
        fences=(r"\lvert ", r" \rvert"),
        function=sympy.Abs,
        pieces=lambda u: u * Iverson(u, ">", 0) - u * Iverson(u, "<", 0),
        convention="The derivative of abs at 0 is taken as 0.",
    ),
    _row(
        "sign",
        lambda _: S.Zero,
        latex=r"\operatorname{sign}",
        pieces=lambda u: Iverson(u, ">", 0) - Iverson(u, "<", 0),
        convention="The derivative of sign is taken as 0, also at 0, where sign is 0.",
    ),
    _row(
        "relu",
        lambda u: Iverson(u, ">", 0),
        latex=r"\operatorname{relu}",
        numpy="",
        jax="nn.relu",
        function=relu,
        pieces=lambda u: u * Iverson(u, ">", 0),
        same_sign=True,
        convention="The derivative of relu at 0 is taken as 0.",
    ),
    _row(
        "leaky_relu",
        lambda u, slope: Iverson(u, ">", 0) + slope * Iverson(u, "<=", 0),
        lambda u, _: u * Iverson(u, "<=", 0),
        latex=r"\operatorname{leaky\_relu}",
        numpy="",
        torch="nn.functional.leaky_relu",
        jax="nn.leaky_relu",
        function=leaky_relu,
        pieces=lambda u, slope: u * Iverson(u, ">", 0) + slope * u * Iverson(u, "<=", 0),
        convention="The derivative of leaky_relu at 0 is taken as that on the negative side.",
    ),
    _row(
        "max",
        _half,
        lambda a, b: _half(b, a),
        numpy="maximum",
        torch="maximum",
        function=maximum,
        pieces=lambda a, b: a * Iverson(a, ">", b) + b * Iverson(a, "<=", b),
        convention=_TIE.format("max"),
    ),
    _row(
        "min",
        lambda a, b: _half(b, a),
        _half,
        numpy="minimum",
        torch="minimum",
        function=minimum,
        pieces=lambda a, b: a * Iverson(a, "<", b) + b * Iverson(a, ">=", b),
        convention=_TIE.format("min"),
    ),
    _row(
        "clip",
        lambda u, low, high: Iverson(u, ">=", low) * Iverson(u, "<=", high),
        lambda u, low, high: Iverson(u, "<", low) * Iverson(low, "<=", high),
        lambda u, low, high: (
            Iverson(u, ">", high) * Iverson(low, "<=", high) + Iverson(low, ">", high)
        ),
        latex=r"\operatorname{clip}",
        function=clip,
        pieces=lambda u, low, high: (
            u * Iverson(u, ">=", low) * Iverson(u, "<=", high)
            + low * Iverson(u, "<", low) * Iverson(low, "<=", high)
            + high * Iverson(u, ">", high) * Iverson(low, "<=", high)
            + high * Iverson(low, ">", high)
        ),
        convention="At both ends of its interval clip passes the derivative on.",
    ),
)

_ROWS = _SMOOTH + _KINKED

ELEMENTARY = {row.name: row for row in _ROWS}
"""The table, by plain-text name. The square root is a power and needs no row."""

_BY_FUNCTION = {row.function: row for row in _ROWS}


def elementary(expr: Expr) -> Elementary | None:
    """The row of the function that the expression applies, or None if it applies none."""
    if isinstance(expr, Opaque):
        return _opaque_row(expr.func)
    return _BY_FUNCTION.get(expr.func)


@lru_cache(maxsize=256)
def _opaque_row(function: Any) -> Elementary:
    """The row of a function that has only a name: its derivative has a prime more."""
    name = function.__name__
    return Elementary(
        name=name,
        function=function,
        derivatives=(opaque(f"{name}'"),),
        latex="",
        domain=(-3.0, 3.0),
        numpy="",
        torch="",
        jax="",
    )
