"""Indices, tensors and the one-tensor: the leaves of an expression."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import count
from typing import Any, Self, TypeAlias

from sympy import Add, Expr, Indexed, IndexedBase, Integer, KroneckerDelta, Mul, S, Symbol
from sympy.core.sorting import default_sort_key

__all__ = [
    "Bound",
    "Index",
    "One",
    "Shape",
    "Size",
    "Tensor",
    "broadcast",
    "free_indices",
    "fresh_indices",
    "indices_of",
    "is_tensor",
    "levelled",
    "name_of",
    "ranging",
    "tensor",
]

Tensor: TypeAlias = Symbol | Indexed
"""A tensor of order 0 is a `Symbol`, one of higher order an `Indexed` with all its indices."""


class Size(Symbol):
    """The number of values of an index, a positive integer: a name such as `H`, or an axis.

    A size that nobody named is called after an axis it belongs to, `x.1` for the second of x.
    """

    __slots__ = ()

    def __new__(cls, name: str, **_: Any) -> Self:
        kind: Any = cls
        return _size(kind, name)

    def __str__(self) -> str:
        # What SymPy's printer finds too, after a while.
        return str(self.name)

    @property
    def is_named(self) -> bool:
        return "." not in self.name


@lru_cache(maxsize=4096)
def _size(cls: type[Size], name: str) -> Any:
    return Symbol.__new__(cls, name, integer=True, positive=True)


class Shape(Size):
    """The sizes of the axes that a multi-index stands for; as a number, their product."""

    __slots__ = ()


class Index(Symbol):
    """An index: a letter that ranges over the whole of an axis, whose size is part of it.

    `size` is a `Size`, an `Integer`, or None until the equations tell. An upper-case letter is
    a *label*, a fixed constant such as a target class. With a `Shape` for its size the index is
    a *multi-index*, whatever its letter: it stands for any number of axes, also for none, and
    obeys the rules of a single one.
    """

    __slots__ = ("_size_text", "size")
    size: Expr | None

    def __new__(cls, name: str, size: Expr | int | None = None, **_: Any) -> Self:
        kind: Any = cls
        return _made(kind, name, Integer(size) if isinstance(size, int) else size)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.size), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self._size_text)

    def __str__(self) -> str:
        return str(self.name)

    def sort_key(self, order: str | None = None) -> Any:
        return self.class_key(), (2, (self.name, self._size_text)), S.One.sort_key(), S.One

    @property
    def is_label(self) -> bool:
        return self.name[:1].isupper() and not self.is_multi

    @property
    def is_multi(self) -> bool:
        return isinstance(self.size, Shape)

    def sized(self, size: Expr | int | None) -> Self:
        """The same index with another size."""
        return type(self)(self.name, size)


class Bound(Index):
    """An index bound by a contraction. It has a number and no letter; printers choose one."""

    __slots__ = ()

    def __new__(cls, number: int | str, size: Expr | int | None = None, **_: Any) -> Self:
        return super().__new__(cls, f"#{str(number).removeprefix('#')}", size)

    @property
    def number(self) -> int:
        return int(self.name[1:])


@lru_cache(maxsize=4096)
def _made(cls: type[Index], name: str, size: Expr | None) -> Any:
    """The index, the same object every time, so that what SymPy finds out about it stays."""
    index = Symbol.__xnew__(cls, name, integer=True)
    index.size = size
    # Text, because SymPy compares what identifies a symbol, and a size may be None.
    index._size_text = f"{size}*" if isinstance(size, Shape) else str(size)
    return index


def fresh_indices(like: Iterable[Index], *avoid: Expr) -> list[Index]:
    """Indices with the sizes of others that occur in none of the given expressions.

    They stand for the bound indices of a contraction while its body is worked on. They are the
    same ones every time, so that equal questions have equal answers.
    """
    taken = {symbol.name for expr in avoid for symbol in free_indices(expr)}
    names = (name for position in count() if (name := f"_{position}") not in taken)
    return [Index(name, index.size) for index, name in zip(like, names, strict=False)]


class One(Expr):
    """The one-tensor `1_j`: every entry is 1.

    It marks a sum over an index that would stand alone, and broadcasts over a free index.
    """

    is_commutative = True
    is_real = True
    is_positive = True

    def __new__(cls, index: Expr) -> Expr:
        if not isinstance(index, Index) or index.is_label:
            return S.One
        return Expr.__new__(cls, index)

    @property
    def index(self) -> Index:
        return self.args[0]

    def _eval_power(self, _exponent: Expr) -> Expr:
        return self

    def _latex(self, printer: Any) -> str:
        return rf"\mathbf{{1}}_{{{printer.doprint(self.index)}}}"


class TensorBase(IndexedBase):
    """What a tensor is without its indices: a name, real numbers or, for labels, integers.

    SymPy's own class is asked for its assumptions whenever two are compared; here the symbol,
    which is compared first, already has them.
    """

    def __new__(cls, label: Symbol) -> Self:
        kind: Any = cls
        return _base(kind, label)

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.args


class IndexedTensor(Indexed):
    """A tensor with all its indices, the same object every time it is asked for."""

    def __new__(cls, base: Expr, *indices: Expr) -> Self:
        kind: Any = cls
        return _indexed(kind, base, *indices)

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.args


@lru_cache(maxsize=4096)
def _symbol(name: str, integer: bool) -> Symbol:
    return Symbol(name, integer=True) if integer else Symbol(name, real=True)


@lru_cache(maxsize=4096)
def _base(cls: type[TensorBase], label: Symbol) -> Any:
    return IndexedBase.__new__(cls, label)


@lru_cache(maxsize=16384)
def _indexed(cls: type[IndexedTensor], base: Expr, *indices: Expr) -> Any:
    return Indexed.__new__(cls, base, *indices)


def tensor(name: str, *indices: Expr, integer: bool = False) -> Tensor:
    """The tensor `name` with the given indices; a real scalar when there are none.

    A tensor of labels, whose entries are used as indices, is made with `integer=True`.
    """
    symbol = _symbol(name, integer)
    return IndexedTensor(TensorBase(symbol), *indices) if indices else symbol


def is_tensor(expr: object) -> bool:
    """Whether the expression is a tensor with all its indices, and no index."""
    return isinstance(expr, Indexed) or (isinstance(expr, Symbol) and not isinstance(expr, Index))


def name_of(expr: Tensor) -> str:
    """The name of a tensor."""
    return str(expr.base.label.name) if isinstance(expr, Indexed) else str(expr.name)


def indices_of(expr: Tensor) -> tuple[Expr, ...]:
    """The indices of a tensor, one an axis; none for a scalar."""
    return tuple(expr.indices) if isinstance(expr, Indexed) else ()


def free_indices(expr: Expr) -> set[Index]:
    """The indices that occur in the expression and are not bound in it, labels included."""
    return set(_free_indices(expr))


@lru_cache(maxsize=8192)
def _free_indices(expr: Expr) -> frozenset[Index]:
    if isinstance(expr, Index):
        return frozenset((expr,))
    # A contraction gives its body first and then the indices that it binds.
    inside = expr.args[:1] if getattr(expr, "bound", ()) else expr.args
    found: frozenset[Index] = frozenset().union(*map(_free_indices, inside))
    return found.difference(getattr(expr, "bound", ()))


def ranging(expr: Expr) -> set[Index]:
    """The free indices that are not labels: those over which the expression ranges."""
    return {index for index in free_indices(expr) if not index.is_label}


def broadcast(expr: Expr, indices: Iterable[Index]) -> Expr:
    """The expression with a one-tensor for each index that it, or a term of it, lacks.

    A scalar term of a sum needs none: a scalar may be added to anything.
    """
    wanted = set(indices)
    if expr == 0 or ranging(expr) == wanted == set():
        return expr
    if expr.is_Add:
        inner = ranging(expr)
        expr = Add(*(_spread(term, inner if ranging(term) else set()) for term in expr.args))
        if ranging(expr) >= wanted:
            return expr
    return _spread(expr, wanted)


def levelled(expr: Expr) -> Expr:
    """The expression with one-tensors such that the terms of each sum in it carry the same indices.

    Where an index was replaced by one that is computed from others, some terms have those.
    """
    if not expr.args or isinstance(expr, Indexed | KroneckerDelta | One):
        return expr
    args = tuple(levelled(arg) if isinstance(arg, Expr) else arg for arg in expr.args)
    # To build it anew would multiply a number and a sum out.
    expr = expr if args == expr.args else expr.func(*args)
    # A sum of whole numbers is index arithmetic.
    return broadcast(expr, ranging(expr)) if expr.is_Add and not expr.is_integer else expr


def _spread(expr: Expr, indices: set[Index]) -> Expr:
    lacking = sorted(indices - ranging(expr), key=default_sort_key)
    return Mul(expr, *(One(index) for index in lacking))
