"""Expressions evaluated modulo a prime, at many random points at once.

What an author writes as a number is a random number here; whatever holds between numbers for
reasons of algebra holds here as well. A function of which no such reason is known takes random
values, the same for the same argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce
from hashlib import blake2b
from math import prod
from typing import Any

import numpy as np
from sympy import (
    Add,
    Expr,
    Function,
    KroneckerDelta,
    Mul,
    NumberSymbol,
    Pow,
    Rational,
    S,
    cos,
    exp,
    factorrat,
    log,
    sin,
)

from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Extremum,
    Graph,
    Index,
    Iverson,
    LogDeterminant,
    Minimum,
    One,
    Opaque,
    Partial,
    Place,
    ProductOver,
    Quotient,
    Remainder,
    Size,
    elementary,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
    ranging,
    tensor,
)
from derive.verify.exponents import REWRITTEN, Exponents
from derive.verify.labelled import (
    MOST_ENTRIES,
    Labelled,
    UndecidedError,
    combined,
    gathered,
    number,
    reduced,
    summed_product,
    together,
)
from derive.verify.modular import (
    PRIMES,
    Array,
    drawn,
    eliminated,
    exponential,
    inverse,
    power,
    powers,
    scrambled,
    signs,
)
from derive.verify.tangent import Tangents

__all__ = ["Field", "key_of"]


def key_of(text: str) -> int:
    """A number for a name."""
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")


class Field:
    """Values of expressions about one graph, each kept.

    Parameters
    ----------
    tangents : the graph with its derivatives, or None to take names and derivatives of
        definitions as they stand, as tensors of their own.
    sizes : a number for each size.
    points : how many points.
    top : the field of the numbers themselves; this one is that of exponents in it, or of
        exponents in those.
    """

    def __init__(
        self,
        graph: Graph,
        tangents: Tangents | None,
        sizes: Mapping[Expr, int],
        points: int,
        top: Field | None = None,
        level: int = 0,
    ) -> None:
        self.graph, self.tangents, self.sizes, self.points = graph, tangents, sizes, points
        self.top, self.level = top or self, level
        if level == len(PRIMES):
            raise UndecidedError("exponentials are nested too deep")
        self.prime = PRIMES[level]
        self.exponents = Exponents(graph, tangents is not None)
        self._known: dict[Expr, Labelled] = {}
        self._places: dict[Expr, Labelled] = {}
        self._arrays: dict[Any, Labelled] = {}
        self._logs: dict[Expr, Labelled] = {}

    @cached_property
    def below(self) -> Field:
        """The field that exponents live in."""
        return Field(self.graph, self.tangents, self.sizes, self.points, self.top, self.level + 1)

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

    def length(self, index: Index) -> int:
        """The number of values of an index."""
        return self.size(index.size)

    def size(self, size: Expr | None) -> int:
        """The number that a size stands for."""
        if size is not None and size.is_Integer:
            return int(size)
        if size not in self.sizes:
            raise UndecidedError(f"the size {size} is not known")
        return self.sizes[size]

    # Numbers and tensors

    def _rational(self, expr: Rational) -> Labelled:
        return number(expr.p * pow(int(expr.q), -1, self.prime) % self.prime)

    def _size(self, expr: Size) -> Labelled:
        return number(self.size(expr))

    def _one(self, _: Expr) -> Labelled:
        return number(1)

    def _index(self, expr: Expr) -> Labelled:
        return self.place(expr).map(lambda entries: entries % self.prime)

    def _constant(self, expr: Expr) -> Labelled:
        """π and the like, which are algebraic to nothing; positive, and so a square."""
        if not (expr.is_NumberSymbol and expr.is_positive):
            raise UndecidedError(f"{expr} has no place among numbers")
        return Labelled(self._drawn(f"#{expr}", ()) ** 2 % self.prime)

    def _drawn(self, name: str, lengths: tuple[int, ...]) -> Array:
        if prod(lengths) * self.points > MOST_ENTRIES:
            raise UndecidedError("there are too many entries")
        key = (key_of(name), self.level, *self.sizes.values())
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
                self._arrays[name] = self._full(equation.rhs, equation.indices)
            else:
                lengths = tuple(self._lengths(node))
                self._arrays[name] = Labelled(self._drawn(name, lengths), _axes(lengths))
        return self._arrays[name]

    def _lengths(self, node: Expr) -> list[int]:
        name, slots = name_of(node), indices_of(node)
        if name in self.graph.names:
            return [self.size(self.graph.axis_size(name, axis)) for axis in range(len(slots))]
        if not all(isinstance(slot, Index) for slot in slots):
            raise UndecidedError(f"the sizes of {name} are not known")
        return [self.length(slot) for slot in slots]

    def _full(self, expr: Expr, axes: Sequence[Index]) -> Labelled:
        """The value of an expression with an axis of full length for each of some indices."""
        value = self(expr).along(tuple(axes))
        shape = (value.entries.shape[0], *map(self.length, axes))
        return Labelled(np.broadcast_to(value.entries, shape), value.axes, value.defined)

    def _read(self, array: Labelled, slots: Sequence[Expr]) -> Labelled:
        """The entries of an array at slots."""
        lengths = array.entries.shape[1:]
        for slot, length in zip(slots, lengths, strict=True):
            runs = isinstance(slot, Index) and not slot.is_label
            if (runs and self.length(slot) != length) or (slot.is_Integer and slot >= length):
                raise UndecidedError(f"the index {slot} runs over an axis of another size")
        if len(set(slots)) == len(slots) and all(
            isinstance(slot, Index) and not slot.is_label for slot in slots
        ):
            return Labelled(array.entries, tuple(slots), array.defined)
        return gathered(array, [self.place(slot) for slot in slots], any(map(is_computed, slots)))

    # Places on an axis, which are whole numbers and not taken modulo the prime

    def place(self, slot: Expr) -> Labelled:
        """The value of what stands between the brackets, or on a side of a comparison."""
        if self.top is not self:
            return self.top.place(slot)
        if slot not in self._places:
            self._places[slot] = self._place(slot)
        return self._places[slot]

    def _place(self, slot: Expr) -> Labelled:
        if isinstance(slot, Index) and not slot.is_label:
            return Labelled(np.arange(self.length(slot))[None], (slot,))
        if slot.is_Integer:
            return number(int(slot))
        if isinstance(slot, Size):
            return self._size(slot)
        if isinstance(slot, Place):
            return self._extremal(slot)[1]
        if isinstance(slot, Index) or is_tensor(slot):
            return self._label(slot)
        if isinstance(slot, Quotient | Remainder):
            divide = np.floor_divide if isinstance(slot, Quotient) else np.remainder
            parts = (self.place(slot.dividend), self.place(slot.divisor))
            if (parts[1].entries == 0).any():
                raise UndecidedError("a division of indices by zero")
            return combined(divide, *parts)
        if slot.is_Pow and slot.exp.is_Integer and slot.exp > 0:
            return self.place(slot.base).map(lambda entries: entries ** int(slot.exp))
        if slot.is_Add or slot.is_Mul:
            sign = np.add if slot.is_Add else np.multiply
            return reduce(lambda a, b: combined(sign, a, b), map(self.place, slot.args))
        raise UndecidedError(f"{slot} is no index")

    def _label(self, label: Expr) -> Labelled:
        """A label, or a tensor of labels: other ones at each point."""
        if isinstance(label, Index):
            size = label.size if label.size is not None else self.graph.label_range(label.name)
            low = int(label.name in self.exponents.factors)
            key = (key_of(label.name), *self.sizes.values())
            chance = np.random.default_rng(key)
            return Labelled(chance.integers(low, max(self.size(size), low + 1), self.points))
        name = name_of(label)
        if name not in self._arrays:
            lengths = tuple(self._lengths(label))
            chance = np.random.default_rng((key_of(name), *self.sizes.values()))
            high = self.size(self.graph.label_range(name))
            entries = chance.integers(0, high, (self.points, *lengths))
            self._arrays[name] = Labelled(entries, _axes(lengths))
        return self._read(self._arrays[name], indices_of(label))

    def _delta(self, expr: Expr) -> Labelled:
        return combined(_equal, *map(self.place, expr.args))

    def _comparison(self, expr: Iverson) -> Labelled:
        holds = _COMPARED[expr.relation]
        if expr.left.is_integer and expr.right.is_integer:
            return combined(
                lambda a, b: holds(np.sign(a - b)).astype(np.int64),
                self.place(expr.left),
                self.place(expr.right),
            )
        top = self.top
        difference = top(expr.left - expr.right)
        return difference.map(lambda e: holds(signs(e, top.prime)).astype(np.int64))

    # Arithmetic

    def _sum(self, expr: Expr) -> Labelled:
        return self._total(list(map(self, expr.args)))

    def _total(self, terms: Sequence[Labelled]) -> Labelled:
        axes, parts, defined = together(terms)
        total = reduce(np.add, (part.entries for part in parts))
        return Labelled(total % self.prime, axes, defined)

    def _product(self, expr: Expr) -> Labelled:
        return summed_product(list(map(self, expr.args)), {}, self.prime)

    def _power(self, expr: Expr) -> Labelled:
        base, exponent = self(expr.base), expr.exp
        if exponent.is_Integer:
            return self._whole_power(base, int(exponent))
        if exponent.is_integer:
            found = self.place(exponent)
            if found.entries.size == 1:
                return self._whole_power(base, int(found.entries.item()))
            base = base.where(base.entries != 0)
            return combined(self._powers, base, found.map(lambda e: e % (self.prime - 1)))
        base = base.where(signs(base.entries, self.prime) == 1)
        order = (self.prime - 1) // 2
        if exponent.is_Rational:
            whole = int(exponent.p) * pow(int(exponent.q), -1, order) % order
            return base.map(lambda entries: power(entries, whole, self.prime))
        return combined(self._powers, base, self.below(exponent))

    def _powers(self, base: Array, exponent: Array) -> Array:
        return powers(base, exponent, self.prime)

    def _whole_power(self, base: Labelled, exponent: int) -> Labelled:
        if exponent < 0:
            inverted = base.map(lambda entries: inverse(entries, self.prime))
            base, exponent = inverted.where(base.entries != 0), -exponent
        return base.map(lambda entries: power(entries, exponent, self.prime))

    # Functions

    def _function(self, expr: Expr) -> Labelled:
        if expr.func in REWRITTEN:
            return self(REWRITTEN[expr.func](*expr.args))
        row = elementary(expr)
        if row is None:
            raise UndecidedError(f"{type(expr).__name__} is not known")
        if row.pieces is not None:
            return self(row.pieces(*expr.args))
        name = f"{expr.symbol} {expr.order}" if isinstance(expr, Opaque) else row.name
        return self._some_value(name, self.top(expr.args[0]), odd=row.name in ODD)

    def _some_value(self, name: str, argument: Labelled, odd: bool = False) -> Labelled:
        """A value that looks random, the same for the same argument in the top field."""
        key = key_of(f"{name} {self.level}")
        if not odd:
            return argument.map(lambda entries: scrambled(entries, key, self.prime))
        half = self.top.prime // 2
        sign = np.where(argument.entries > half, self.prime - 1, 1)
        size = np.where(
            argument.entries > half, self.top.prime - argument.entries, argument.entries
        )
        found = scrambled(size, key, self.prime) * sign % self.prime
        return argument.map(lambda _: np.where(size == 0, 0, found))

    def _exp(self, expr: Expr) -> Labelled:
        exponent = expr.exp if expr.is_Pow else expr.args[0] if expr.args else S.One
        base, rest = self.exponents.parted(exponent)
        order, key = (self.prime - 1) // 2, (key_of("#e"), self.level, *self.sizes.values())
        # At each point another number stands for e.
        unit = drawn(key, (self.points,), order)
        factors = [self(base)]
        if rest != 0:
            e = Labelled(unit)
            factors.append(
                combined(lambda u, v: exponential(u * v % order, self.prime), self.below(rest), e)
            )
        return summed_product(factors, {}, self.prime)

    def _log(self, expr: Expr) -> Labelled:
        inner = expr.args[0]
        value = self.top(inner)
        found = self._log_size(inner)
        axes, (value, found), _ = together([value, found])
        return Labelled(
            np.broadcast_to(
                found.entries, np.broadcast_shapes(found.entries.shape, value.entries.shape)
            ),
            axes,
            found.defined,
        ).where(signs(value.entries, self.top.prime) == 1)

    def _log_size(self, expr: Expr) -> Labelled:
        """The logarithm of an absolute value, as a sum over factors."""
        if expr not in self._logs:
            self._logs[expr] = self._log_parts(expr)
        return self._logs[expr]

    def _log_parts(self, expr: Expr) -> Labelled:
        if isinstance(expr, exp):
            return self(expr.args[0])
        if expr.is_Mul:
            return self._total([self._log_size(factor) for factor in expr.args])
        if expr.is_Pow:
            return summed_product([self(expr.exp), self._log_size(expr.base)], {}, self.prime)
        if expr.is_Rational and abs(expr) != 1:
            return self._log_number(abs(expr))
        if isinstance(expr, ProductOver):
            lengths = {index: self.length(index) for index in expr.bound}
            return summed_product([self._log_size(expr.body)], lengths, self.prime)
        if expr.func in REWRITTEN:
            return self._log_size(REWRITTEN[expr.func](*expr.args))
        shown = self.exponents.outright(expr)
        if shown is not None and not shown.is_Add:
            return self._log_size(shown)
        return self._log_atom(self.top(expr))

    def _log_number(self, expr: Rational) -> Labelled:
        """The logarithm of a positive rational number, from those of prime numbers."""
        total = 0
        for prime, times in factorrat(expr).items():
            some = scrambled(np.array([prime]), key_of(f"log {self.level}"), self.prime)
            total += times * int(some[0])
        return number(total % self.prime)

    def _log_atom(self, value: Labelled) -> Labelled:
        prime = self.top.prime
        even = value.map(lambda e: np.where(signs(e, prime) == 1, e, (prime - e) % prime))
        found = self._some_value("log", even.where(value.entries != 0))
        return found.map(lambda e: np.where(even.entries == 1, 0, e))

    def _circular(self, expr: Expr) -> Labelled:
        """Sine and cosine, rational in the tangent of half the angle."""
        tangent = self._some_value("half", self.top(expr.args[0]), odd=True)
        square = tangent.map(lambda t: t * t % self.prime)
        below = square.map(lambda t: inverse(1 + t, self.prime))
        above = (
            tangent.map(lambda t: 2 * t) if isinstance(expr, sin) else square.map(lambda t: 1 - t)
        )
        return combined(lambda a, b: a % self.prime * b % self.prime, above, below)

    # Reductions

    def _contraction(self, expr: Contraction) -> Labelled:
        lengths = {index: self.length(index) for index in expr.bound}
        factors = [self(factor) for factor in Mul.make_args(expr.body)]
        return summed_product(factors, lengths, self.prime)

    def _over(self, expr: ProductOver) -> Labelled:
        body = self(expr.body)
        present = [index for index in expr.bound if index in body.axes]
        absent = prod(self.length(i) for i in expr.bound if i not in body.axes)
        found = reduced(body, present, self._multiplied) if present else body
        return found.map(lambda entries: power(entries, absent, self.prime))

    def _multiplied(self, entries: Array, axes: tuple[int, ...]) -> Array:
        for axis in sorted(axes, reverse=True):
            parts = np.moveaxis(entries, axis, 0)
            entries = reduce(lambda a, b: a * b % self.prime, parts)
        return entries

    def _extremum(self, expr: Extremum) -> Labelled:
        return self._extremal(expr)[0]

    def _extremal(self, expr: Binder) -> tuple[Labelled, Labelled]:
        """The greatest or least entry, and its place: a random one, the same for the same entries.

        What is added to all entries, or multiplies all by a square, leaves the place.
        """
        sign = -1 if isinstance(expr, Minimum | Minimum.place) else 1
        ranked, axes = self._last(self.top(expr.body), expr.bound)
        here, _ = self._last(self(expr.body), expr.bound)
        chosen = _chosen(sign * ranked.entries % self.top.prime, self.top.prime)
        found = np.take_along_axis(here.entries, chosen[..., None], -1)[..., 0]
        defined = [np.all(v.defined, axis=-1) for v in (ranked, here) if v.defined is not None]
        both = np.logical_and.reduce(np.broadcast_arrays(*defined)) if defined else None
        return Labelled(found, axes, both), Labelled(chosen, axes, both)

    def _last(self, value: Labelled, bound: Sequence[Index]) -> tuple[Labelled, tuple[Index, ...]]:
        """The value with the bound indices as one last axis, and the other axes."""
        others = tuple(axis for axis in value.axes if axis not in bound)
        value = value.along((*others, *bound))
        shape = value.entries.shape[: 1 + len(others)]
        full = (*shape, *map(self.length, bound))
        entries = np.broadcast_to(value.entries, full).reshape(*shape, -1)
        if value.defined is None:
            return Labelled(entries, value.axes), others
        head = value.defined.shape[: 1 + len(others)]
        defined = np.broadcast_to(value.defined, (*head, *full[len(head) :]))
        return Labelled(entries, value.axes, defined.reshape(*head, -1)), others

    def _determinant(self, expr: Determinant) -> Labelled:
        value, axes = self._last(self(expr.body), expr.bound)
        size = self.length(expr.bound[0])
        matrices = value.entries.reshape(-1, size, size)
        none = np.zeros((len(matrices), size, 0), np.int64)
        found, _ = eliminated(matrices, none, self.prime)
        defined = None if value.defined is None else np.all(value.defined, axis=-1)
        return Labelled(found.reshape(value.entries.shape[:-1]), axes, defined)

    def _log_determinant(self, expr: LogDeterminant) -> Labelled:
        indices, body = expr.open()
        return self._log_size(Determinant(body, *indices))

    # Derivatives

    def _partial(self, expr: Partial) -> Labelled:
        function, variable = expr.function, expr.variable
        if not is_tensor(variable):
            return self._plain(expr) if self.tangents is None else self(self.tangents(expr))
        free = _sorted(ranging(function))
        letters = [Index(f"_f{n}", index.size) for n, index in enumerate(free)]
        slots = indices_of(variable)
        there = [Index(f"_v{n}", size) for n, size in enumerate(self._sizes(variable))]
        canonical = Partial(
            function.xreplace(dict(zip(free, letters, strict=True))),
            tensor(name_of(variable), *there),
            *expr.held,
        )
        if canonical not in self._arrays:
            self._arrays[canonical] = self._whole_partial(canonical, (*letters, *there))
        return self._read(self._arrays[canonical], (*free, *slots))

    def _sizes(self, node: Expr) -> list[Expr | None]:
        name, slots = name_of(node), indices_of(node)
        if name in self.graph.names:
            return [self.graph.axis_size(name, axis) for axis in range(len(slots))]
        return [slot.size if isinstance(slot, Index) else None for slot in slots]

    def _whole_partial(self, partial: Partial, axes: Sequence[Index]) -> Labelled:
        if self.tangents is not None:
            return self._full(self.tangents(partial), axes)
        lengths = tuple(map(self.length, axes))
        return Labelled(self._drawn(str(partial), lengths), _axes(lengths))

    def _plain(self, partial: Partial) -> Labelled:
        """A derivative by an expression as a tensor of its own."""
        free = _sorted(ranging(partial))
        letters = [Index(f"_f{n}", index.size) for n, index in enumerate(free)]
        canonical = partial.xreplace(dict(zip(free, letters, strict=True)))
        return Labelled(self._drawn(str(canonical), tuple(map(self.length, free))), tuple(free))

    def _other(self, expr: Expr) -> Labelled:
        raise UndecidedError(f"{type(expr).__name__} cannot be evaluated exactly")


# Functions of which −f(u) = f(−u) is known.
ODD = ("erf", "asin", "atan")

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


def _equal(left: Array, right: Array) -> Array:
    return np.equal(left, right).astype(np.int64)


_COMPARED: Mapping[str, Callable[[Array], Array]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    "=": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
}


def _axes(lengths: Sequence[int]) -> tuple[Index, ...]:
    return tuple(Index(f"_a{axis}", length) for axis, length in enumerate(lengths))


def _sorted(indices: set[Index]) -> list[Index]:
    return sorted(indices, key=lambda index: (index.name, str(index.size)))


def _chosen(entries: Array, prime: int) -> Array:
    """A place along the last axis, from the entries alone.

    What is added to all of them, or multiplies them all by a square, does not change it.
    """
    if entries.shape[-1] == 1:
        return np.zeros(entries.shape[:-1], np.int64)
    apart = (entries - entries[..., :1]) % prime
    first = apart[..., 1:2]
    scale = inverse(first, prime) * signs(first, prime) % prime
    scaled = np.where(first == 0, apart, apart * scale % prime)
    mixed = np.zeros(entries.shape[:-1], np.int64)
    for place in range(entries.shape[-1]):
        mixed = scrambled(mixed ^ scaled[..., place], place, 2**31 - 1)
    return mixed % entries.shape[-1]
