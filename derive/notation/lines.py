"""LaTeX in several lines: long formulas broken at plus and minus, or between factors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Expr

from derive.expressions import Graph
from derive.notation.arrange import Sums, arrange
from derive.notation.latex import latex, latex_factors, latex_terms
from derive.notation.layout import (
    Apply,
    Derivative,
    Exponential,
    Fraction,
    Node,
    Number,
    Product,
    Sum,
    Summation,
    has,
)
from derive.notation.measure import OPERATOR, width

__all__ = ["latex_lines", "write_latex_lines"]


@dataclass(frozen=True)
class _Piece:
    """A part of a line; `lead` goes before it where it starts a new one."""

    text: str
    width: float
    lead: str = ""


def write_latex_lines(
    expr: Expr,
    graph: Graph,
    reserved: Sequence[Expr] = (),
    *,
    room: float,
    sums: Sums = "einstein",
) -> list[str]:
    """The expression as LaTeX in lines of about `room` em each.

    The lines after the first begin with an operator that is spaced as one between two terms.
    """
    return latex_lines(arrange(expr, graph, reserved, sums), room)


def latex_lines(node: Node, room: float) -> list[str]:
    """A layout as LaTeX in lines of about `room` em each."""
    if width(node) <= room:
        return [latex(node)]
    lines: list[str] = []
    left = 0.0
    for piece in _pieces(node, room):
        if lines and piece.width <= left:
            lines[-1] += f" {piece.text}"
        else:
            lines.append(f"{piece.lead if lines else ''}{piece.text}")
            left = room
        left -= piece.width
    return lines


def _pieces(node: Node, room: float) -> Iterator[_Piece]:
    """The parts between which a line may be broken."""
    if isinstance(node, Sum):
        for term, text in zip(node.terms, latex_terms(node), strict=True):
            sign = text[: len(text) - len(text.lstrip("+- "))]
            if width(term.node) + OPERATOR <= room or not isinstance(term.node, Product):
                yield _Piece(text, width(term.node) + OPERATOR, "{} ")
            else:
                first, *others = _pieces(term.node, room)
                yield _Piece(sign + first.text, first.width + OPERATOR, "{} ")
                yield from others
    elif isinstance(node, Product):
        for factor, text in zip(node.factors, latex_factors(node), strict=True):
            if width(factor) > room:
                yield from _opened(factor, room)
            else:
                yield _Piece(text, width(factor), r"{} \cdot ")
    else:
        yield from _opened(node, room)


def _argument(node: Node) -> Node:
    """What stands in the parentheses of a function, if it is one thing; else the node itself."""
    if isinstance(node, Apply) and len(node.arguments) == 1 and node.command:
        return node.arguments[0]
    return node.exponent if isinstance(node, Exponential) else node


def _reached(node: Summation, room: float) -> Iterator[_Piece]:
    """A sum sign with the first part of what it reaches over, then the others."""
    sign = latex(replace(node, body=Number(1))).removesuffix("1")
    body = node.body
    first, *others = _opened(body, room) if isinstance(body, Sum) else _pieces(body, room)
    yield _Piece(sign + first.text, first.width + width(node) - width(body), first.lead)
    yield from others


def _opened(node: Node, room: float) -> Iterator[_Piece]:
    """A long sum in brackets, or as the argument of a function, term by term; else the whole."""
    if isinstance(node, Summation) and width(node) > room:
        yield from _reached(node, room)
        return
    argument = _argument(node)
    if not isinstance(argument, Sum) or width(node) <= room:
        yield _Piece(latex(node), width(node), r"{} \cdot ")
        return
    command = node.command if isinstance(node, Apply) else ""
    command = r"\exp" if isinstance(node, Exponential) else command
    big = "bigg" if has(argument, Fraction, Derivative) else "big"
    first, *others = _pieces(argument, room)
    if not others:
        yield _Piece(latex(node), width(node), r"{} \cdot ")
        return
    yield _Piece(rf"{command}\{big}l({first.text}", first.width, r"{} \cdot ")
    yield from others[:-1]
    for last in others[-1:]:
        yield _Piece(rf"{last.text}\{big}r)", last.width, last.lead)
