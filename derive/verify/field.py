"""Expressions evaluated modulo a prime, at many random points at once.

What an author writes as a number is a random number here; whatever holds between numbers for
reasons of algebra holds here as well. A function of which no such reason is known takes random
values, the same for the same argument.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import prod
from typing import Any

from sympy import (
    Add,
    Expr,
    Function,
    KroneckerDelta,
    Mul,
    NumberSymbol,
    Pow,
    Rational,
    cos,
    exp,
    log,
    sin,
)

from derive.expressions import (
    Contraction,
    Determinant,
    Equation,
    Extremum,
    Index,
    Iverson,
    LogDeterminant,
    One,
    Partial,
    Place,
    ProductOver,
    Quotient,
    Remainder,
    Size,
    indices_of,
    is_tensor,
    name_of,
    ranging,
    tensor,
)
from derive.verify.elementwise import Elementwise
from derive.verify.evaluation import key_of
from derive.verify.implicit_values import Solving
from derive.verify.labelled import (
    MOST_ENTRIES,
    Labelled,
    UndecidedError,
    number,
)
from derive.verify.modular import (
    Array,
    drawn,
)
from derive.verify.places import Places, axes_of
from derive.verify.reducing import Reducing

__all__ = ["Field"]


class Field(Elementwise, Reducing, Solving, Places):
    """Evaluates every kind of node."""

    @cached_property
    def below(self) -> Field:
        """The field that exponents live in."""
        top: Any = self.top
        return Field(self.assignment, self.tangents, self.points, top, self.level + 1)

    def trial(self, arrays: dict[str, Labelled]) -> Field:
        """The same field with some tensors given."""
        found = Field(self.assignment, self.tangents, self.points)
        found.top = found if self.top is self else self.top
        found.level, found.prime = self.level, self.prime
        found._arrays.update(arrays)
        return found

    def __call__(self, expr: Expr) -> Labelled:
        """The value of an expression."""
        if expr not in self._known:
            self._known[expr] = self._method(expr)(expr)
        return self._known[expr]

    def _method(self, expr: Expr) -> Callable[[Any], Labelled]:
        if expr.is_Rational:
            return self._rational
        for kind, method in _METHODS:
            if isinstance(expr, kind):
                return getattr(self, method)
        if is_tensor(expr):
            return self._size if isinstance(expr, Size) else self._tensor
        return self._other

    # Numbers and tensors

    def _rational(self, expr: Rational) -> Labelled:
        if expr and not (expr.p % self.prime and expr.q % self.prime):
            raise UndecidedError(f"the prime that is reckoned with divides {expr}")
        return number(expr.p * pow(int(expr.q), -1, self.prime) % self.prime)

    def _size(self, expr: Size) -> Labelled:
        return number(self.size(expr))

    def _one(self, _: Expr) -> Labelled:
        return number(1)

    def _constant(self, expr: Expr) -> Labelled:
        """π and the like, which are algebraic to nothing; positive, and so a square."""
        if not (expr.is_NumberSymbol and expr.is_positive):
            raise UndecidedError(f"{expr} has no place among numbers")
        return Labelled(self._drawn(f"#{expr}", ()) ** 2 % self.prime)

    def _drawn(self, name: str, lengths: tuple[int, ...]) -> Array:
        if prod(lengths) * self.points > MOST_ENTRIES:
            raise UndecidedError("there are too many entries")
        key = (key_of(name), self.level, self.assignment.number)
        return drawn(key, (self.points, *lengths), self.prime)

    def _tensor(self, expr: Expr) -> Labelled:
        if expr.is_integer:
            return self._index(expr)
        return self._read(self._array(expr), indices_of(expr))

    def _array(self, node: Expr) -> Labelled:
        """All entries of a tensor."""
        name = name_of(node)
        if name not in self._arrays:
            equation = self.exponents.shown(name)
            if equation is not None:
                self._arrays[name] = self.full(equation.rhs, equation.indices)
            else:
                lengths = tuple(self._lengths(node))
                some = Labelled(self._drawn(name, lengths), axes_of(lengths))
                related = name in self.graph and self.graph[name].is_relation
                if not related:
                    self._drawn_names.add(name)
                self._arrays[name] = self.root(self.graph[name], some) if related else some
        return self._arrays[name]

    @property
    def drawn_names(self) -> list[str]:
        """The tensors whose numbers were drawn."""
        return sorted(self._drawn_names)

    def array(self, name: str) -> Labelled:
        """All entries of a tensor that was drawn."""
        return self._arrays[name]

    def give(self, name: str, array: Labelled) -> None:
        """Other numbers for a tensor that was drawn; `forget` has to follow."""
        self._arrays[name] = array

    def forget(self) -> None:
        """Drop all values but the numbers that were drawn, and labels."""
        kept = self._drawn_names | self.graph.labels
        self._arrays = {name: self._arrays[name] for name in kept if name in self._arrays}
        for known in (self._known, self._places, self._logs):
            known.clear()

    # Derivatives

    def _partial(self, expr: Partial) -> Labelled:
        if not is_tensor(expr.variable):
            return self._plain(expr) if self.tangents is None else self(self.tangents(expr))
        canonical, axes, slots = self.canonical(expr)
        if canonical not in self._arrays:
            self._arrays[canonical] = self._whole_partial(canonical, axes)
        return self._read(self._arrays[canonical], slots)

    def canonical(self, partial: Partial) -> tuple[Partial, tuple[Index, ...], tuple[Expr, ...]]:
        """A derivative in letters of its own, the letters, and what stands in their place."""
        function, variable = partial.function, partial.variable
        free = _sorted(ranging(function))
        letters = [Index(f"_f{n}", index.size) for n, index in enumerate(free)]
        there = [Index(f"_v{n}", size) for n, size in enumerate(self._sizes(variable))]
        moved = function.xreplace(dict(zip(free, letters, strict=True)))
        canonical = Partial(moved, tensor(name_of(variable), *there), *partial.held)
        return canonical, (*letters, *there), (*free, *indices_of(variable))

    def _sizes(self, node: Expr) -> list[Expr | None]:
        name, slots = name_of(node), indices_of(node)
        if name in self.graph.names:
            return [self.graph.axis_size(name, axis) for axis in range(len(slots))]
        return [slot.size if isinstance(slot, Index) else None for slot in slots]

    def _whole_partial(self, partial: Partial, axes: tuple[Index, ...]) -> Labelled:
        if self.tangents is not None:
            relation = self.relation_of(partial)
            if relation is not None:
                there = indices_of(partial.variable)
                array = self.implicit(partial, relation, there)
                return self._read(array, (*indices_of(partial.function), *there)).along(axes)
            return self.full(self.tangents(partial), axes)
        lengths = tuple(map(self.length, axes))
        return Labelled(self._drawn(str(partial), lengths), axes_of(lengths))

    def relation_of(self, partial: Partial) -> Equation | None:
        """The relation that defines what is differentiated, by something else."""
        function = partial.function
        if not is_tensor(function) or name_of(function) not in self.graph:
            return None
        equation = self.graph[name_of(function)]
        other = equation.name != name_of(partial.variable)
        return equation if equation.is_relation and other else None

    def _plain(self, partial: Partial) -> Labelled:
        """A derivative by an expression as a tensor of its own."""
        free = _sorted(ranging(partial))
        letters = [Index(f"_f{n}", index.size) for n, index in enumerate(free)]
        canonical = partial.xreplace(dict(zip(free, letters, strict=True)))
        return Labelled(self._drawn(str(canonical), tuple(map(self.length, free))), tuple(free))

    def _other(self, expr: Expr) -> Labelled:
        raise UndecidedError(f"{type(expr).__name__} cannot be evaluated exactly")


_METHODS: tuple[tuple[Any, str], ...] = (
    (Index, "_index"),
    (One, "_one"),
    (KroneckerDelta, "_delta"),
    (Iverson, "_comparison"),
    (Add, "_sum"),
    (Mul, "_product"),
    (exp, "_exp"),
    (Pow, "_power"),
    (log, "_log"),
    ((sin, cos), "_circular"),
    (Contraction, "_contraction"),
    (ProductOver, "_over"),
    (Extremum, "_extremum"),
    (Determinant, "_determinant"),
    (LogDeterminant, "_log_determinant"),
    (Place, "_index"),
    (Quotient, "_index"),
    (Remainder, "_index"),
    (Partial, "_partial"),
    (Function, "_function"),
    (NumberSymbol, "_constant"),
)


def _sorted(indices: set[Index]) -> list[Index]:
    return sorted(indices, key=lambda index: (index.name, str(index.size)))
