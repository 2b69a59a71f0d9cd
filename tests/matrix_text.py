"""A reader of matrix notation, by which the tests see that brackets stand where they must.

`parsed` reads the ASCII text, `structure` says what the text of a form should be read as.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sympy import S

from derive.expressions import Graph
from derive.matrix import Form, write_form
from derive.matrix.build import inverted, is_inverse
from derive.matrix.forms import Leaf, Number
from derive.matrix.operations import (
    Apply,
    Diagonal,
    DiagonalOf,
    Hadamard,
    Power,
    Product,
    Scaled,
    Sum,
    Trace,
    Transpose,
)
from derive.matrix.surface import ASCII

__all__ = ["parsed", "structure"]

Tree = Any
_TOKEN = re.compile(
    r"(?:exp|log|sin|cos|diag|tr|sqrt)\(|\.\*|\./|\^\.|\^-1|\^|[A-Za-z]\w*(?:\{[^}]*\})?|\d+|\S"
)
_ONES = ("*", ("1", ("T", "1")))


def parsed(text: str) -> Tree:
    """The text as a tree of operators and names."""
    reader = _Reader(_TOKEN.findall(text))
    found = reader.sum()
    assert not reader.tokens, (text, reader.tokens)
    return found


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def next_is(self, *choices: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in choices

    def take(self) -> str:
        return self.tokens.pop(0)

    def sum(self) -> Tree:
        terms = [(self.next_is("-") and bool(self.take()), self.entrywise())]
        while self.next_is("+", "-"):
            terms.append((self.take() == "-", self.entrywise()))
        return terms[0][1] if terms == [(False, terms[0][1])] else ("+", tuple(terms))

    def entrywise(self) -> Tree:
        above, below = [self.product()], []
        while self.next_is(".*", "./"):
            (above if self.take() == ".*" else below).append(self.product())
        return above[0] if len(above + below) == 1 else (".*", tuple(above), tuple(below))

    def product(self) -> Tree:
        items = [self.item()]
        while self.tokens and not self.next_is("+", "-", ".*", "./", ")", "/"):
            if self.next_is("*"):
                self.take()
            items.append(self.item())
        if self.next_is("/"):
            self.take()
            return ("/", tuple(items), _spread(self.item()))
        return items[0] if len(items) == 1 else ("*", tuple(items))

    def item(self) -> Tree:
        token = self.take()
        if token == "(":
            found = self.closed()
        elif token.endswith("("):
            found = (token[:-1], self.closed())
        else:
            assert token[0].isalnum(), (token, self.tokens)
            found = token
        while self.next_is("^", "^.", "^-1"):
            sign = self.take()
            power = "-1" if sign == "^-1" else self.item_alone()
            found = ("T", found) if power == "T" else (sign[:2].strip("-1"), found, power)
        return found

    def item_alone(self) -> Tree:
        """An exponent: one name or number, or a bracket."""
        token = self.take()
        return self.closed() if token == "(" else token

    def closed(self) -> Tree:
        found = self.sum()
        assert self.take() == ")"
        return found


def _spread(tree: Tree) -> tuple[Tree, ...]:
    return tree[1] if isinstance(tree, tuple) and tree[0] == "*" else (tree,)


def structure(form: Form, graph: Graph) -> Tree:
    """How the text of a form is to be read."""

    def of(part: Form) -> Tree:
        return structure(part, graph)

    if isinstance(form, Sum):
        return ("+", tuple(map(_term, map(of, form.terms))))
    if isinstance(form, Scaled) and form.coefficient < 0:
        positive = Scaled(-form.coefficient, form.above, form.below, form.inner)
        return ("+", ((True, of(positive)),))
    if isinstance(form, Number):
        return of(Scaled(form.value, (), (), None))
    if isinstance(form, Scaled):
        return _scaled(form, graph)
    if isinstance(form, Product):
        return ("*", tuple(map(of, form.factors)))
    if isinstance(form, Transpose):
        return ("T", of(form.inner))
    if isinstance(form, Hadamard | Diagonal | DiagonalOf | Trace | Apply | Power):
        return _entrywise(form, of)
    return write_form(form, graph, ASCII)


def _entrywise(form: Form, of: Callable[[Form], Tree]) -> Tree:
    if isinstance(form, Hadamard):
        above = tuple(of(f) for f in form.factors if not is_inverse(f))
        below = tuple(of(inverted(f)) for f in form.factors if is_inverse(f))
        return (".*", above or (_ones(form),), below)
    if isinstance(form, Diagonal) and is_inverse(form.inner):
        return ("^", ("diag", of(inverted(form.inner))), "-1")
    if isinstance(form, Diagonal | DiagonalOf | Trace):
        return ("tr" if isinstance(form, Trace) else "diag", of(form.inner))
    if isinstance(form, Apply):
        return (form.function.name, of(form.arguments[0]))
    if isinstance(form, Power) and is_inverse(form):
        if form.is_scalar:
            return of(Scaled(S.One, (), (inverted(form),), None))
        return (".*", (_ones(form),), (of(inverted(form)),))
    assert isinstance(form, Power)
    return ("^" if form.is_scalar else "^.", of(form.inner), of(form.exponent))


def _term(tree: Tree) -> tuple[bool, Tree]:
    lone = isinstance(tree, tuple) and tree[0] == "+" and len(tree[1]) == 1
    return tree[1][0] if lone else (False, tree)


def _scaled(form: Scaled, graph: Graph) -> Tree:
    above, others = [
        [structure(f, graph) for f in form.above if isinstance(f, Leaf) is leaf]
        for leaf in (True, False)
    ]
    number = form.coefficient
    above = [str(number.p)] * (number.p != 1) + above
    below = [str(number.q)] * (number.q != 1) + [structure(f, graph) for f in form.below]
    items = [("/", tuple(above or ["1"]), _below(below)), *others] if below else above + others
    if form.inner is not None:
        inner = structure(form.inner, graph)
        items += inner[1] if isinstance(form.inner, Product) else [inner]
    elif items and isinstance(items[-1], tuple) and items[-1][0] == "*":
        items += items.pop()[1]
    return items[0] if len(items) == 1 else ("*", tuple(items)) if items else "1"


def _below(items: list[Tree]) -> tuple[Tree, ...]:
    return _spread(items[0]) if len(items) == 1 else tuple(items)


def _ones(form: Form) -> Tree:
    rows, columns = form.shape
    return "1" if columns is None else ("T", "1") if rows is None else _ONES
