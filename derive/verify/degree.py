"""How often two different expressions can agree at a random point, at most.

Polynomials over a field that differ agree on no more than their degree over the size of the field
(Schwartz and Zippel), and so do rational functions, brought to one divisor. A comparison is a
random bit: a polynomial in bits that is not zero is zero for no more than 1 − 2^−d of them, d
being how many are multiplied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log2, prod

from sympy import Basic, Expr, Integer, KroneckerDelta, Mul, Tuple, exp, log

from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Equation,
    Extremum,
    Index,
    Iverson,
    LogDeterminant,
    Minimum,
    One,
    Opaque,
    Partial,
    Place,
    ProductOver,
    Size,
    elementary,
    indices_of,
    is_tensor,
    name_of,
)
from derive.verify.exponents import REWRITTEN
from derive.verify.field import Field
from derive.verify.labelled import UndecidedError
from derive.verify.tangent import Tangents

__all__ = ["Degree", "Degrees"]


Source = tuple[Basic, float]
"""What is random with few outcomes, such as the side of a comparison, and how many bits it has."""
Sources = frozenset[Source]


@dataclass(frozen=True)
class Degree:
    """The degrees of a numerator and a divisor.

    Attributes
    ----------
    sources : what it takes from few possible values, such as sides of comparisons and labels.
    restricted : whether it has a value at some points only.
    doubt : why two values that differ do not prove two functions different; empty if they do.
    labels : whether labels that are letters stand in it.
    depth : how deep exponentials are nested in it.
    """

    above: float = 0.0
    below: float = 0.0
    sources: Sources = frozenset()
    restricted: bool = False
    doubt: str = ""
    labels: bool = False
    depth: int = 0

    @property
    def total(self) -> float:
        return self.above + self.below

    @property
    def bits(self) -> float:
        return sum(bits for _, bits in self.sources)

    def __mul__(self, other: Degree) -> Degree:
        return self._with(other, self.above + other.above, self.below + other.below)

    def __add__(self, other: Degree) -> Degree:
        above = max(self.above + other.below, other.above + self.below)
        return self._with(other, above, self.below + other.below)

    def _with(self, other: Degree, above: float, below: float) -> Degree:
        return Degree(
            above,
            below,
            self.sources | other.sources,
            self.restricted or other.restricted,
            self.doubt or other.doubt,
            self.labels or other.labels,
            max(self.depth, other.depth),
        )

    def times(self, count: float) -> Degree:
        """The degree of a power."""
        return replace(self, above=count * self.above, below=count * self.below)

    def multiplied(self, count: int) -> Degree:
        """The degree of a product of so many factors, each with sources of its own."""
        sources = frozenset(
            (Tuple(n, key), bits) for key, bits in self.sources for n in range(count)
        )
        return replace(self.times(count), sources=sources)

    def repeated(self, count: int) -> Degree:
        """The degree of a sum of so many terms."""
        above = self.above + (count - 1) * self.below
        return replace(self, above=above, below=count * self.below)

    def inverted(self) -> Degree:
        return replace(self, above=self.below, below=self.above)

    def value(self, doubt: str, *sources: Source, restricted: bool = False) -> Degree:
        """The degree of a value that is fixed by this one, and random otherwise."""
        return Degree(
            1 + self.total,
            0.0,
            self.sources | {*sources},
            self.restricted or restricted,
            self.doubt or doubt,
            self.labels,
            self.depth,
        )

    def within(self, node: Expr) -> Degree:
        """The same inside of a node: what varies with an index there is the node's own."""
        return replace(self, sources=frozenset((Tuple(node, k), n) for k, n in self.sources))

    def at(self, indices: Sequence[Expr], slots: Sequence[Expr]) -> Degree:
        """The same at other slots in place of indices."""
        names = dict(zip(indices, slots, strict=True))
        return replace(self, sources=frozenset((k.xreplace(names), n) for k, n in self.sources))


class Degrees:
    """The degrees of expressions, as a field evaluates them."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._known: dict[object, Degree] = {}
        self._solved: dict[str, Degree] = {}

    def __call__(self, expr: Expr) -> Degree:
        if expr not in self._known:
            self._known[expr] = self._degree(expr)
        return self._known[expr]

    def _degree(self, expr: Expr) -> Degree:  # noqa: C901
        if isinstance(expr, Index | One | Size) or expr.is_Rational:
            return Degree()
        if isinstance(expr, KroneckerDelta):
            return self._slots(expr.args)
        if is_tensor(expr):
            return self._tensor(expr)
        if isinstance(expr, Partial):
            return self._partial(expr)
        if isinstance(expr, Iverson):
            return self._comparison(expr)
        if expr.is_Add:
            return self._sum(expr)
        if expr.is_Mul:
            return prod(map(self, expr.args), start=Degree())
        if isinstance(expr, Binder):
            return self._binder(expr)
        if isinstance(expr, exp):
            return self._exponential(expr.args[0])
        if expr.is_Pow:
            return self._power(expr)
        return self._function(expr)

    def _sum(self, expr: Expr) -> Degree:
        first, *others = map(self, expr.args)
        return sum(others, start=first)

    def _slots(self, slots: tuple[Expr, ...]) -> Degree:
        return prod(map(self._slot, slots), start=Degree())

    def _slot(self, slot: Expr) -> Degree:
        """The bits of a slot: as many as tell its places from one another."""
        if isinstance(slot, Place):
            return self(slot)
        if isinstance(slot, Size):
            return Degree()
        if (isinstance(slot, Index) and slot.is_label) or is_tensor(slot):
            if isinstance(slot, Index):
                return Degree(labels=True)
            high = self.field.size(self.field.graph.label_range(name_of(slot)))
            return Degree(sources=frozenset({(slot, ceil(log2(max(high, 2))))}))
        return prod((self._slot(a) for a in slot.args if isinstance(a, Expr)), start=Degree())

    def _tensor(self, expr: Expr) -> Degree:
        name, slots = name_of(expr), self._slots(indices_of(expr))
        if expr.is_integer:
            return self._slot(expr) * slots
        equation = self.field.exponents.shown(name)
        if equation is not None:
            return self(equation.rhs).at(equation.indices, indices_of(expr)) * slots
        if name in self.field.graph and self.field.tangents is not None:
            if name not in self._solved:
                # In its own relation it is a number like any other.
                self._solved[name] = Degree(1.0)
                found = self._relation(self.field.graph[name], self.field.tangents)
                self._solved[name] = found
            return self._solved[name] * slots
        return Degree(1.0) * slots

    def _relation(self, equation: Equation, tangents: Tangents, *moved: Expr) -> Degree:
        """The degree of a quotient of determinants, as Cramer's rule gives it."""
        count = prod(map(self.field.length, equation.indices))
        linear = tangents.is_linear(equation)
        _, slope = tangents.jacobian(equation)
        entries = self(slope) + sum(map(self, moved or (tangents.residual(equation),)), Degree())
        found = entries.times(count).repeated(count) * entries.times(count).inverted()
        doubt = "" if linear else f"what {equation.name} is was not solved for"
        return replace(found, doubt=found.doubt or doubt)

    def _partial(self, expr: Partial) -> Degree:
        if self.field.tangents is None:
            return Degree(1.0)
        relation = self.field.relation_of(expr)
        if relation is not None:
            tangents = self.field.tangents
            moved = tangents.moved(relation, expr.variable, expr.held)
            inner = self._relation(relation, tangents, moved)
        elif is_tensor(expr.variable):
            canonical, axes, slots = self.field.canonical(expr)
            inner = self(self.field.tangents(canonical)).at(axes, slots)
        else:
            inner = self(self.field.tangents(expr))
        return inner * self._slots(indices_of(expr.variable))

    def _comparison(self, expr: Iverson) -> Degree:
        if expr.left.is_integer and expr.right.is_integer:
            return self._slots((expr.left, expr.right))
        difference = expr.left - expr.right
        side = -difference if difference.could_extract_minus_sign() else difference
        return self(difference).value("a comparison takes a side at random", (side, 1))

    def _exponential(self, exponent: Expr) -> Degree:
        base, rest = self.field.exponents.parted(exponent)
        inner = self(rest)
        coefficients = [abs(term.as_coeff_Mul()[0]) for term in rest.as_ordered_terms()]
        factor = max((c.p * c.q for c in coefficients if c.is_Rational), default=1)
        whole = float(factor) + inner.total
        return self(base) * replace(inner, above=whole, below=whole, depth=inner.depth + 1)

    def _power(self, expr: Expr) -> Degree:
        base, exponent = self(expr.base), expr.exp
        if exponent.is_Integer:
            return base.times(int(exponent)) if exponent > 0 else base.inverted().times(-exponent)
        if exponent.is_integer and not exponent.has(Index):
            found = self.field.place(exponent).entries
            if found.size == 1:
                whole = int(found.item())
                return base.times(whole) if whole > 0 else base.inverted().times(-whole)
        both = Degree()
        if not exponent.is_Rational:
            both = self(exponent).value("")
            both = replace(both, depth=both.depth + 1)
        times = exponent.q * abs(exponent.p) if exponent.is_Rational else 1
        total = float(times) * base.total
        doubt = base.doubt or "a root has one of two signs"
        return both * replace(base, above=total, below=total, restricted=True, doubt=doubt)

    def _binder(self, expr: Binder) -> Degree:
        count = prod(self.field.length(index) for index in expr.bound)
        if isinstance(expr, LogDeterminant):
            indices, body = expr.open()
            return self(Determinant(body, *indices)).value("a logarithm is a value at random")
        if isinstance(expr, Contraction):
            body = prod(map(self, Mul.make_args(expr.body)), start=Degree())
            return body.within(expr).repeated(count)
        body = self(expr.body).within(expr)
        if isinstance(expr, ProductOver):
            return body.multiplied(count)
        if isinstance(expr, Determinant):
            return body.multiplied(self.field.length(expr.bound[0])).repeated(count)
        if isinstance(expr, Extremum | Place):
            # A place is that of the extremum of the same entries.
            least = Integer(isinstance(expr, Minimum | Minimum.place))
            source = Tuple(expr.body, least, *expr.bound), ceil(log2(max(count, 2)))
            return body.value("an extremum is at a random place", source)
        raise UndecidedError(f"{type(expr).__name__} cannot be evaluated exactly")

    def _function(self, expr: Expr) -> Degree:
        if not expr.args:
            return Degree(2.0)
        if expr.func in REWRITTEN:
            return self(REWRITTEN[expr.func](*expr.args))
        row = elementary(expr)
        if row is None:
            raise UndecidedError(f"{expr.func.__name__} cannot be evaluated exactly")
        if row.pieces is not None:
            return self(row.pieces(*expr.args))
        # Of a function that has only a name nothing else can be known.
        doubt = "" if isinstance(expr, Opaque) else f"not all is known of {row.name}"
        inner = self(expr.args[0])
        return (inner * inner).value(doubt, restricted=isinstance(expr, log))
