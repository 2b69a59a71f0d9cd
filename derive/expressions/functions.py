"""The elementary functions of one real variable: one row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr

__all__ = ["ELEMENTARY", "Elementary", "elementary"]


@dataclass(frozen=True)
class Elementary:
    """A function, its derivative, and how it is written.

    Attributes
    ----------
    name : how it is written in plain text.
    function : the SymPy function; `function(u)` is the node in an expression.
    derivative : the derivative at u, as an expression in u.
    latex : the LaTeX command.
    domain : an open interval on which it and its derivative are defined and well conditioned.
    numpy, torch, jax : its spelling as an attribute of `numpy`, `torch`, `jax.numpy`; a name
        with a dot, such as `special.erf`, is looked up step by step.
    """

    name: str
    function: Any
    derivative: Callable[[Expr], Expr]
    latex: str
    domain: tuple[float, float]
    numpy: str
    torch: str
    jax: str


def _row(
    name: str,
    derivative: Callable[[Expr], Expr],
    latex: str,
    domain: tuple[float, float] = (-3.0, 3.0),
    *,
    numpy: str = "",
    torch: str = "",
    function: Any = None,
) -> Elementary:
    spelling = numpy or name
    return Elementary(
        name=name,
        function=function or getattr(sympy, name),
        derivative=derivative,
        latex=latex,
        domain=domain,
        numpy=spelling,
        torch=torch or name,
        jax=spelling,
    )


_ROWS = (
    _row("exp", sympy.exp, r"\exp"),
    _row("log", lambda u: 1 / u, r"\log", (0.1, 4.0)),
    _row("sin", sympy.cos, r"\sin"),
    _row("cos", lambda u: -sympy.sin(u), r"\cos"),
    _row("tan", lambda u: 1 + sympy.tan(u) ** 2, r"\tan", (-1.2, 1.2)),
    _row("sinh", sympy.cosh, r"\sinh"),
    _row("cosh", sympy.sinh, r"\cosh"),
    _row("tanh", lambda u: 1 - sympy.tanh(u) ** 2, r"\tanh"),
    _row("asin", lambda u: (1 - u**2) ** (-sympy.S.Half), r"\arcsin", (-0.9, 0.9), numpy="arcsin"),
    _row(
        "acos", lambda u: -((1 - u**2) ** (-sympy.S.Half)), r"\arccos", (-0.9, 0.9), numpy="arccos"
    ),
    _row("atan", lambda u: 1 / (1 + u**2), r"\arctan", numpy="arctan"),
)

ELEMENTARY = {row.name: row for row in _ROWS}
"""The table, by plain-text name. The square root is a power and needs no row."""

_BY_FUNCTION = {row.function: row for row in _ROWS}


def elementary(expr: Expr) -> Elementary | None:
    """The row of the function that the expression applies, or None if it applies none."""
    return _BY_FUNCTION.get(expr.func)
