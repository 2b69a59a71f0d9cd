"""Expressions and equations as plain text and as LaTeX.

What `write_text` prints parses back to an equal expression. Both surfaces print one layout, so
that orders, signs and letters are the same in each.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from derive.expressions import Equation, Graph
from derive.notation.arrange import Sums, arrange
from derive.notation.latex import latex
from derive.notation.names import ascii_name, latex_name
from derive.notation.text import ASCII, UNICODE

__all__ = [
    "latex_purpose",
    "write_equation_latex",
    "write_equation_text",
    "write_latex",
    "write_text",
]


def write_text(
    expr: Expr,
    graph: Graph,
    reserved: Sequence[Expr] = (),
    *,
    ascii: bool = False,  # noqa: A002
    sums: Sums = "einstein",
) -> str:
    """The expression as plain text.

    Parameters
    ----------
    expr : what to write.
    graph : the equations, for the author's letters and names.
    reserved : expressions on the same line, such as the goal: dummies avoid their letters.
    ascii : `d c/d x_n` and `sigma` in place of `∂c/∂x_n` and `σ`.
    sums : `einstein` sums over indices that occur twice, and writes one-tensors where they do
        not; `sigma` writes a sum sign with its indices.
    """
    return (ASCII if ascii else UNICODE)(arrange(expr, graph, reserved, sums))


def write_latex(
    expr: Expr, graph: Graph, reserved: Sequence[Expr] = (), *, sums: Sums = "einstein"
) -> str:
    """The expression as LaTeX for maths mode; the parameters are those of `write_text`."""
    return latex(arrange(expr, graph, reserved, sums))


def write_equation_text(
    equation: Equation,
    graph: Graph,
    *,
    ascii: bool = False,  # noqa: A002
    sums: Sums = "einstein",
) -> str:
    """An equation as plain text, with `:=` for an abbreviation, `for y` behind a relation."""
    left, right = (
        write_text(side, graph, equation.sides, ascii=ascii, sums=sums) for side in equation.sides
    )
    sign = ":=" if equation.kind == "abbreviation" else "="
    name = ascii_name(equation.name) if ascii else equation.name
    return f"{left} {sign} {right}" + (f" for {name}" if equation.is_relation else "")


def write_equation_latex(equation: Equation, graph: Graph, *, sums: Sums = "einstein") -> str:
    """An equation as LaTeX, with `:=` for an abbreviation."""
    left, right = (write_latex(side, graph, equation.sides, sums=sums) for side in equation.sides)
    sign = ":=" if equation.kind == "abbreviation" else "="
    return f"{left} {sign} {right}{latex_purpose(equation)}"


def latex_purpose(equation: Equation) -> str:
    """What stands behind a relation: the name for which it is to be solved."""
    return rf" \quad \text{{for }} {latex_name(equation.name)}" if equation.is_relation else ""
