"""Syntax trees of Python, by short names."""

from __future__ import annotations

import ast
from collections.abc import Sequence

__all__ = ["COMPARISONS", "call", "name", "number", "tuple_of", "tupled"]

COMPARISONS = {"<": ast.Lt, "<=": ast.LtE, "=": ast.Eq, "!=": ast.NotEq}
"""The operator of each relation of the notation."""


def name(identifier: str) -> ast.expr:
    """A name, or an attribute written with dots."""
    first, *others = identifier.split(".")
    node: ast.expr = ast.Name(first)
    for attribute in others:
        node = ast.Attribute(node, attribute)
    return node


def number(value: float) -> ast.expr:
    """A number; a negative one is the negative of a positive one, as in source text."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def call(function: str | ast.expr, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    """A call."""
    node = name(function) if isinstance(function, str) else function
    return ast.Call(node, list(arguments), [ast.keyword(k, v) for k, v in keywords.items()])


def tuple_of(nodes: Sequence[ast.expr]) -> ast.expr:
    """A tuple."""
    return ast.Tuple(list(nodes))


def tupled(nodes: Sequence[ast.expr]) -> ast.expr:
    """One node, or a tuple of several."""
    return nodes[0] if len(nodes) == 1 else tuple_of(nodes)
