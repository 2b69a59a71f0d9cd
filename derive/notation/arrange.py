"""The layout of an expression: dummies get letters, signs, fractions and orders are chosen.

The only traversal of expressions for printing. It never repairs: a one-tensor is printed where the
tree has one, and a node that it does not know is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sympy import Add, Expr, Indexed, Integer, KroneckerDelta, Mul, Pow, Rational, S, exp

from derive.errors import NotationError
from derive.expressions import (
    Binder,
    Bound,
    Contraction,
    Graph,
    Index,
    Iverson,
    One,
    Opaque,
    Partial,
    Place,
    Quotient,
    Remainder,
    Size,
    elementary,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
    ranging,
)
from derive.notation.layout import (
    Apply,
    Comparison,
    Delta,
    Derivative,
    Division,
    Exponential,
    Group,
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
    Term,
    letters_in,
    named_letters,
)
from derive.notation.letters import Scope, name_dummies, outermost
from derive.notation.names import latex_name
from derive.notation.order import Order
from derive.notation.reductions import NAMES, RESERVED

__all__ = ["SUMS", "Sums", "arrange"]


Sums = Literal["einstein", "sigma"]
"""How a sum is shown: by an index that occurs twice or a one-tensor, or by a sum sign."""

SUMS: tuple[Sums, ...] = ("einstein", "sigma")


def arrange(
    expr: Expr, graph: Graph, reserved: Sequence[Expr] = (), sums: Sums = "einstein"
) -> Node:
    """The layout of an expression; `reserved` stands on the same line."""
    return _Arranger(graph, sums).node(expr, outermost(expr, reserved))


@dataclass(frozen=True)
class _Part:
    """A factor of a product, in the scope of the sum that it came from."""

    expr: Expr
    scope: Scope


class _Arranger:
    """Makes layouts; an index is a number in a comparison alone."""

    def __init__(self, graph: Graph, sums: Sums, *, compares: bool = False) -> None:
        self.graph = graph
        self.sums = sums
        self.compares = compares
        self.order = Order(graph)

    def node(self, expr: Expr, scope: Scope) -> Node:
        """The layout of any expression, its sign included."""
        negative, node = self.signed(expr, scope)
        return Sum((Term(True, node),)) if negative else node

    def signed(self, expr: Expr, scope: Scope) -> tuple[bool, Node]:
        """Whether the expression has a minus sign in front, and the layout without it."""
        if isinstance(expr, Contraction) and self.sums == "sigma":
            return False, Summation(*self._bound(expr, scope))
        if isinstance(expr, Mul | Contraction | Rational) or _is_inverse(expr):
            return self._product(expr, scope)
        for kind, method in self._methods:
            if isinstance(expr, kind):
                return False, method(self, expr, scope)
        return False, self._leaf(expr, scope)

    def _leaf(self, expr: Expr, scope: Scope) -> Node:
        if self.compares and isinstance(expr, Index | Quotient | Remainder):
            return self._slot(expr, scope)
        if is_tensor(expr):
            return self._tensor(expr, scope)
        if expr is S.Pi and "π" not in self.graph.names:
            return Symbol("π")
        row = elementary(expr)
        if row is None:
            raise NotationError(f"the notation has no way to write {type(expr).__name__}: {expr}")
        arguments = self._arguments(expr.args, scope)
        if isinstance(expr, Opaque):
            return Apply(row.name, latex_name(row.name), arguments, operator=False)
        return Apply(row.name, row.latex, arguments, row.fences, bool(row.latex))

    def _arguments(self, exprs: Sequence[Expr], scope: Scope) -> tuple[Node, ...]:
        """The layouts of parts side by side, no letter of a dummy in two of them."""
        nodes: list[Node] = []
        for expr in exprs:
            nodes.append(self.node(expr, scope))
            scope = scope.without(letters_in(nodes[-1]))
        return tuple(nodes)

    def _sum(self, expr: Expr, scope: Scope) -> Node:
        terms = [Term(*self.signed(term, scope)) for term in expr.args]
        return Sum(tuple(sorted(terms, key=self.order.of_term)))

    def _power(self, expr: Expr, scope: Scope) -> Node:
        base = self.node(expr.base, scope)
        if expr.exp == S.Half:
            return Root(base)
        exponent = self.node(expr.exp, scope.without(letters_in(base)))
        return Power(_closed(expr.base, base), exponent)

    def _exponential(self, expr: Expr, scope: Scope) -> Node:
        return Exponential(self.node(S.One if expr is S.Exp1 else expr.args[0], scope))

    def _partial(self, expr: Partial, scope: Scope) -> Node:
        function = self.node(expr.function, scope)
        variable = self.node(expr.variable, scope.without(letters_in(function)))
        return Derivative(function, variable, expr.held)

    def _delta(self, expr: Expr, scope: Scope) -> Node:
        first, second = sorted((self._slot(s, scope) for s in expr.args), key=self.order.of_slot)
        return Delta((first, second))

    def _iverson(self, expr: Iverson, scope: Scope) -> Node:
        inner = _Arranger(self.graph, self.sums, compares=True)
        left = inner.node(expr.left, scope)
        right = inner.node(expr.right, scope.without(letters_in(left)))
        relation, mirrored = _RELATIONS[expr.relation]
        if self.order.of_side(right) < self.order.of_side(left):
            return Comparison((right, left), (mirrored,))
        return Comparison((left, right), (relation,))

    def _bound(self, expr: Binder, scope: Scope) -> tuple[tuple[Node, ...], Node]:
        """The letters and the body of what binds its indices by a sign that names them."""
        inner = name_dummies(expr.body, expr.bound, self.graph, scope).naming(expr.bound)
        letters = sorted((self._slot(i, inner) for i in expr.bound), key=self.order.of_slot)
        return tuple(letters), self.node(expr.body, inner)

    def _reduction(self, expr: Binder, scope: Scope) -> Node:
        return Reduction(NAMES[type(expr)], expr.sign, *self._bound(expr, scope))

    def _one(self, expr: One, scope: Scope) -> Node:
        return Number(1) if expr.index in scope.signed else OneTensor(self._slot(expr.index, scope))

    def _tensor(self, expr: Expr, scope: Scope) -> Node:
        if name_of(expr) in RESERVED and indices_of(expr):
            sign = RESERVED[name_of(expr)]
            raise NotationError(f"{expr} would be read as {sign}", mend="rename the tensor")
        if isinstance(expr, Size) and not expr.is_named:
            name, _, axis = expr.name.rpartition(".")
            raise NotationError(
                f"axis {int(axis) + 1} of {name} has a size without a name",
                mend="declare a size for one of the index letters, such as i = N",
            )
        return Symbol(name_of(expr), tuple(self._slot(slot, scope) for slot in indices_of(expr)))

    def _slot(self, slot: Expr, scope: Scope) -> Node:
        """What stands at an index position."""
        if isinstance(slot, Bound) and slot in scope.letters:
            return Letter(scope.letters[slot])
        if isinstance(slot, Index) and not isinstance(slot, Bound) and slot.name[0] != "_":
            return Letter(slot.name)
        if isinstance(slot, Place):
            return self._reduction(slot, scope)
        if isinstance(slot, Integer) and slot >= 0:
            return Number(int(slot))
        if not isinstance(slot, Index) and is_tensor(slot) and slot.is_integer:
            return self._tensor(slot, scope)
        if isinstance(slot, Quotient | Remainder):
            sign = "//" if isinstance(slot, Quotient) else "%"
            return Division(sign, *(self._slot(arg, scope) for arg in slot.args))
        if is_computed(slot) or (slot.is_Pow and not ranging(slot)):
            return self._computed(slot, scope)
        raise NotationError(f"the notation has no way to write the index {slot}")

    def _computed(self, slot: Expr, scope: Scope) -> Node:
        """Index arithmetic: terms with indices first, the number last."""
        terms = [self._slot_term(term, scope) for term in Add.make_args(slot)]
        if len(terms) == 1 and not terms[0].negative:
            return terms[0].node
        return Sum(tuple(sorted(terms, key=self.order.of_slot_term)))

    def _slot_term(self, term: Expr, scope: Scope) -> Term:
        number, rest = term.as_coeff_Mul()
        if rest is S.One:
            return Term(bool(number < 0), Number(abs(int(number))))
        parts = [
            self._slot(factor.as_base_exp()[0], scope)
            for factor in Mul.make_args(rest)
            for _ in range(int(factor.as_base_exp()[1]))
        ]
        factors = sorted(parts, key=self.order.of_slot_factor)
        factors = factors if abs(number) == 1 else [Number(abs(int(number))), *factors]
        return Term(bool(number < 0), factors[0] if len(factors) == 1 else Product(tuple(factors)))

    def _product(self, expr: Expr, scope: Scope) -> tuple[bool, Node]:
        coefficient, parts, inner = self._factors(expr, scope)
        above: list[Node] = []
        below: list[Node] = []
        for part in parts:
            inverse = _is_inverse(part.expr)
            bare = _inverse(part.expr) if inverse else part.expr
            node = self.node(bare, replace(part.scope, taken=inner.taken))
            # A sum that is a factor of its own is half of a square; the others were opened.
            apart = isinstance(bare, Contraction) and not inverse and self.sums == "einstein"
            node = Group(node) if apart else _closed(bare, node)
            (below if inverse else above).append(node)
            # A letter is not to be had twice in one product, not even in sums inside two factors.
            inner = inner.without(letters_in(node))
        named = {letter for node in (*above, *below) for letter in named_letters(node)}
        bound = inner.taken - scope.taken - named if self.sums == "einstein" else frozenset()
        return bool(coefficient < 0), self.order.product(abs(coefficient), above, below, bound)

    def _factors(self, expr: Expr, scope: Scope) -> tuple[Rational, list[_Part], Scope]:
        """The number in a product and its factors, the contractions among them opened."""
        coefficient: Rational = S.One
        parts: list[_Part] = []
        for factor in Mul.make_args(expr):
            if isinstance(factor, Contraction) and self.sums == "einstein":
                inner = name_dummies(factor.body, factor.bound, self.graph, scope)
                parts += [_Part(part, inner) for part in _held_twice(factor)]
                scope = scope.without(inner.taken)
            elif isinstance(factor, Rational):
                coefficient *= factor
            elif not (isinstance(factor, One) and factor.index in scope.signed):
                parts.append(_Part(factor, scope))
        coefficient, parts = _with_roots(coefficient, parts)
        return coefficient, parts, scope

    _methods: tuple[tuple[Any, Callable[..., Node]], ...] = (
        (Add, _sum),
        (exp, _exponential),
        (type(S.Exp1), _exponential),
        (Pow, _power),
        (Partial, _partial),
        (KroneckerDelta, _delta),
        (Iverson, _iverson),
        (One, _one),
        (Binder, _reduction),
        (Indexed, _tensor),
    )


# Each relation and the one between the sides exchanged.
_RELATIONS = {"<": ("<", ">"), "<=": ("≤", "≥"), "=": ("=", "="), "!=": ("≠", "≠")}


def _with_roots(coefficient: Rational, parts: list[_Part]) -> tuple[Rational, list[_Part]]:
    """The factors with the roots of numbers below: SymPy writes 1/√(2 π) as √2/(2 √π)."""
    below = []
    for part in list(parts):
        base, exponent = part.expr.as_base_exp()
        if not (base.is_number and base.is_positive) or abs(exponent) != S.Half:
            continue
        if exponent == S.Half and base.is_Integer and coefficient.q % base == 0:
            coefficient *= base
        elif exponent == S.Half:
            continue
        parts = [other for other in parts if other is not part]
        below.append(base)
    if below:
        parts = [*parts, _Part(Pow(Mul(*below), -S.Half, evaluate=False), Scope())]
    return coefficient, parts


def _inverse(expr: Expr) -> Expr:
    """One over a power, as it stands."""
    return expr.base if expr.exp == -1 else Pow(expr.base, -expr.exp, evaluate=False)


def _is_inverse(expr: Expr) -> bool:
    """Whether an expression is printed below a fraction line."""
    return bool(expr.is_Pow and expr.exp.is_Rational and expr.exp < 0)


def _closed(expr: Expr, node: Node) -> Node:
    """A trace such as `x_ii` in parentheses, where another factor may follow or a power stand."""
    return Group(node) if isinstance(expr, Contraction) and isinstance(node, Symbol) else node


def _held_twice(expr: Contraction) -> list[Expr]:
    """The factors of a sum such that two of them hold each bound index: `x_i x_i` for a square.

    A tensor with the index in two slots is two occurrences already.
    """
    parts = list(Mul.make_args(expr.body))
    for index in expr.bound:
        holders = [part for part in parts if index in part.free_symbols]
        if len(holders) != 1 or isinstance(holders[0], Indexed):
            continue
        (part,) = holders
        if isinstance(part, One):
            parts = [*parts, part]
        elif part.is_Pow and part.exp.is_Integer and part.exp > 1:
            parts = [p for p in parts if p is not part] + [part.base, part.base ** (part.exp - 1)]
        else:
            raise NotationError(f"a sum over one factor needs a one-tensor: {part}")
    return parts
