"""Expressions for tests: those of the cross-entropy article, and random ones."""

from __future__ import annotations

from random import Random

from sympy import Abs, Add, Expr, KroneckerDelta, Mul, Rational, S, exp, log, sign, sin

from derive.expressions import (
    ArgMaximum,
    ArgMinimum,
    Binder,
    Contraction,
    Equation,
    Graph,
    Index,
    Iverson,
    Maximum,
    Minimum,
    One,
    Partial,
    ProductOver,
    free_indices,
    opaque,
    tensor,
)
from derive.expressions.kinked import leaky_relu, maximum, minimum, relu, sigmoid

__all__ = ["FREE", "GOAL", "article_graph", "is_regular", "random_expression", "summed", "unmarked"]

FREE = (Index("n"), Index("m"))
GOAL = Partial(tensor("c"), tensor("x", Index("n")))
"""The goal of most lines, whose letter the dummies avoid."""

_DUMMIES = "ijk"
_INDICES = [Index(letter) for letter in "ijkijknmT"]


def article_graph() -> Graph:
    """Softmax and the negative log-likelihood of a label."""
    i, j, T = Index("i"), Index("j"), Index("T")
    σ = tensor("σ")
    equations = [
        Equation(σ, Contraction(exp(tensor("x", j)), j), "abbreviation"),
        Equation(tensor("s", i), exp(tensor("x", i)) / σ),
        Equation(tensor("c"), -log(tensor("s", T))),
    ]
    return Graph(equations, letters={("x", 0): ("j", "i"), ("s", 0): ("i",)})


def summed(expr: Expr) -> Expr:
    """The expression with every index summed that is not free."""
    found = free_indices(expr)
    return Contraction(expr, *(i for i in map(Index, _DUMMIES) if i in found))


def unmarked(expr: Expr) -> Expr:
    """The expression without sizes, and without one-tensors of summed indices but where needed."""
    if isinstance(expr, Index):
        return expr.sized(None)
    if isinstance(expr, Binder):
        indices, body = expr.open()
        indices = [index.sized(None) for index in indices]
        plain = unmarked(body).xreplace({One(index): S.One for index in indices})
        return expr.func(plain, *indices)
    if isinstance(expr, Partial):
        return Partial(unmarked(expr.function), unmarked(expr.variable), *expr.held)
    return expr.func(*map(unmarked, expr.args)) if expr.args else expr


def is_regular(expr: Expr) -> bool:
    """Whether the notation has it: real, finite, terms of sums that agree in their indices."""
    odd = (S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity, S.ImaginaryUnit)
    return not expr.has(*odd) and all(map(_terms_agree, [expr, *expr.atoms(Add)]))


def _terms_agree(expr: Expr) -> bool:
    if not expr.is_Add:
        return True
    kinds = {frozenset(a for a in free_indices(t) if not a.is_label) for t in expr.args}
    return len(kinds - {frozenset()}) <= 1


def random_expression(source: Random, depth: int = 3) -> Expr:
    """A random expression that the notation has, with products in products and many sums."""
    while True:
        expr = summed(_grown(source, depth))
        if is_regular(expr) and len(str(expr)) < 200:
            return expr


def _grown(source: Random, depth: int) -> Expr:
    kind = source.random() if depth else 1
    if kind < 0.45:
        parts = [_grown(source, depth - 1) for _ in range(source.randint(2, 4))]
        return _partly_summed(source, Mul(*parts))
    if kind < 0.6:
        return Add(_grown(source, depth - 1), _grown(source, depth - 1))
    if kind < 0.9:
        part = _grown(source, depth - 1)
        return part if part.is_number else _around(source, part)
    return _leaf(source)


def _around(source: Random, part: Expr) -> Expr:
    """A power, a function or a derivative of something that is no number."""
    kind = source.random()
    plain = part.replace(lambda e: isinstance(e, One), lambda e: S.One)
    letters = sorted(a.name for a in free_indices(plain) if a.name in _DUMMIES)
    if kind < 0.2 and letters:
        reduced = source.sample(letters, source.randint(1, len(letters)))
        return source.choice([Maximum, Minimum, ProductOver])(part, *map(Index, reduced))
    if kind < 0.5:
        return part ** source.choice([2, -1, -2, 3, S.Half, -S.Half])
    if kind < 0.6:
        return source.choice([exp, log, sin])(part)
    if kind < 0.7:
        return source.choice([Abs, sign, relu, sigmoid, opaque("f"), opaque("φ''")])(part)
    if kind < 0.75:
        other = source.choice([tensor("σ"), Rational(1, 2), part])
        return source.choice([maximum, minimum, leaky_relu])(part, other)
    return Partial(part, tensor(source.choice("xs"), source.choice(_INDICES)))


def _leaf(source: Random) -> Expr:
    a, b = source.choice(_INDICES), source.choice(_INDICES)
    scalar = tensor(source.choice("σlτ"))
    place = source.choice([ArgMaximum, ArgMinimum])(tensor("A", a, b), b)
    if source.random() < 0.1:
        return tensor("x", place) if isinstance(b, Index) and not b.is_label else tensor("x", a)
    number = Rational(source.randint(-4, 4), source.randint(1, 3))
    kinds = [tensor("x", a), tensor("s", a), tensor("A", a, b), KroneckerDelta(a, b), One(a)]
    relation = source.choice(["<", "<=", "=", "!="])
    sides = source.choice([(a, b), (a, b + 1), (tensor("x", a), number), (tensor("s", a), scalar)])
    kinds.append(Iverson(sides[0], relation, sides[1]))
    return source.choices([*kinds, scalar, number], weights=[6, 4, 4, 2, 1, 2, 1, 2])[0]


def _partly_summed(source: Random, expr: Expr) -> Expr:
    letters = sorted(a.name for a in free_indices(expr) if a.name in _DUMMIES)
    chosen = source.sample(letters, source.randint(0, len(letters)))
    return Contraction(expr, *map(Index, chosen))
