"""How wide a typeset formula is, roughly, so that lines can be broken where they end."""

from __future__ import annotations

from functools import singledispatch

from derive.notation.layout import (
    Apply,
    Comparison,
    Delta,
    Derivative,
    Exponential,
    Fraction,
    Letter,
    Node,
    Number,
    OneTensor,
    Power,
    Product,
    Reduction,
    Root,
    Sum,
    Summation,
    Symbol,
)

__all__ = ["width"]

# In em of the text font, measured on Computer Modern.
LETTER = 0.55
SCRIPT = 0.7
SPACE = 0.17
OPERATOR = 1.2
SIGN = 1.45
BRACKETS = 0.9

_BRACKETED = (Sum, Product, Fraction)


@singledispatch
def width(node: Node) -> float:
    """The width in em, for nodes without a method of their own that of their parts."""
    return BRACKETS + sum(width(part) for part in node.parts)


@width.register
def _(node: Number | Letter) -> float:
    return LETTER * len(str(node.value if isinstance(node, Number) else node.name))


@width.register
def _(node: Symbol) -> float:
    return LETTER * len(node.name) + SCRIPT * sum(width(slot) for slot in node.slots)


@width.register
def _(node: OneTensor | Delta) -> float:
    return LETTER + SCRIPT * sum(width(part) for part in node.parts)


@width.register
def _(node: Derivative) -> float:
    held = SCRIPT * LETTER * sum(len(name) + 1 for name in node.held)
    function, variables = node.repeated
    widths = [_partial(function), sum(map(_partial, variables))]
    return max(widths) + 2 * SPACE + held


def _partial(part: Node) -> float:
    """The width of a part of a derivative with the sign before it."""
    return LETTER + _in_line(part) + BRACKETS * isinstance(part, _BRACKETED)


@width.register
def _(node: Apply) -> float:
    between = LETTER * (len(node.arguments) - 1)
    return LETTER * len(node.name) + BRACKETS + between + sum(map(width, node.arguments))


@width.register
def _(node: Comparison) -> float:
    return BRACKETS + OPERATOR * len(node.relations) + sum(map(width, node.sides))


@width.register
def _(node: Summation) -> float:
    brackets = BRACKETS if isinstance(node.body, Sum) else 0.0
    letters = SCRIPT * sum(map(width, node.letters))
    return max(SIGN, letters) + SPACE + brackets + width(node.body)


@width.register
def _(node: Reduction) -> float:
    letters = SCRIPT * sum(map(width, node.letters))
    return LETTER * len(node.name) + letters + BRACKETS + width(node.body)


@width.register
def _(node: Exponential) -> float:
    return LETTER + SCRIPT * _in_line(node.exponent)


@width.register
def _(node: Power) -> float:
    brackets = 0.0 if isinstance(node.base, Symbol | Number) else BRACKETS
    return width(node.base) + brackets + SCRIPT * width(node.exponent)


@width.register
def _(node: Root) -> float:
    return BRACKETS + width(node.radicand)


@width.register
def _(node: Fraction) -> float:
    return max(width(node.numerator), width(node.denominator)) + 2 * SPACE


@width.register
def _(node: Product) -> float:
    brackets = BRACKETS * sum(isinstance(factor, Sum) for factor in node.factors)
    return sum(width(factor) + SPACE for factor in node.factors) + brackets


@width.register
def _(node: Sum) -> float:
    return sum(width(term.node) + OPERATOR for term in node.terms)


def _in_line(node: Node) -> float:
    """The width where a fraction is written with a slash."""
    if isinstance(node, Fraction):
        return LETTER + sum(map(width, node.parts))
    return width(node)
