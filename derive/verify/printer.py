"""The printer that writes an expression as NumPy code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Indexed, Mul, Symbol
from sympy.printing.printer import Printer

from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
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
    Quotient,
    Remainder,
    Size,
    elementary,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
    nodes_in,
    ranging,
    tensor,
)
from derive.verify.functions import FUNCTIONS

__all__ = ["MOVE", "Argument", "NumPyPrinter", "Request", "UnknownNodeError"]

# Stands for the inner expression that a chain rule differentiates by; no author can write it.
INNER = "#"
MOVE = Index("##", Size("##"))
"""The index over the many places at which a tensor that moves is given at once."""


class UnknownNodeError(Exception):
    """The expression holds a node that has no NumPy form."""


@dataclass(frozen=True)
class Request:
    """All entries of a partial derivative: axes of the function's indices, then the variable's.

    The indices are canonical, so that `∂s_i/∂x_n` and `∂s_j/∂x_p` are one request. Where the
    variable is a tensor, `inner` is None and the axes are those of the tensor; else `inner` is
    the expression that the name `variable` stands for in the function.
    """

    function: Expr
    indices: tuple[Index, ...]
    variable: str
    held: tuple[str, ...] = ()
    inner: Expr | None = None
    inner_indices: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Argument:
    """An argument of the generated function: its name there, and what it stands for."""

    code: str
    kind: str
    what: Any


class NumPyPrinter(Printer):
    """Writes an expression as NumPy code; a node it has no method for is an error.

    Attributes
    ----------
    axes : the axis of each index.
    moving : the tensors that have `MOVE` as a further first index.
    arguments : what the code needs. All names in the code are made here, none by the user.
    reads : each array that is indexed, with its indices.
    """

    def __init__(self, free: Sequence[Index], moving: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.moving = moving
        self.axes: dict[Index, int] = {index: axis for axis, index in enumerate(free)}
        self.arguments: dict[tuple[str, Any], Argument] = {}
        self.reads: list[tuple[str, tuple[Expr, ...]]] = []
        self._scope: set[Index] = set(free)
        self._compares = False

    def doprint(self, expr: Expr) -> str:
        return str(self._print(expr))

    def emptyPrinter(self, expr: Any) -> str:
        raise UnknownNodeError(f"{type(expr).__name__} cannot be evaluated: {str(expr)[:80]}")

    def _name(self, kind: str, what: Any) -> str:
        """The name that stands for a tensor, a label, a size, an index or a derivative."""
        key = (kind, what)
        if key not in self.arguments:
            self.arguments[key] = Argument(f"{kind}{len(self.arguments)}", kind, what)
        return self.arguments[key].code

    def _slot(self, slot: Expr) -> str:
        """What stands between the brackets for one index."""
        if isinstance(slot, Index):
            if slot.is_label:
                return self._name("label", slot.name)
            if slot not in self._scope:
                raise UnknownNodeError(f"the index {slot} is neither free nor bound")
            return self._name("index", slot)
        if slot.is_Integer and slot >= 0:
            return str(int(slot))
        if isinstance(slot, Place):
            return str(self._print(slot))
        if is_tensor(slot) and slot.is_integer and not isinstance(slot, Size):
            return str(self._print(slot))
        if is_computed(slot):
            return self._computed(slot)
        raise UnknownNodeError(f"{slot} cannot be an index")

    def _computed(self, slot: Expr) -> str:
        """Index arithmetic, in whole numbers."""
        if isinstance(slot, Quotient | Remainder):
            sign = "//" if isinstance(slot, Quotient) else "%"
            return f"({self._whole(slot.dividend)} {sign} {self._whole(slot.divisor)})"
        sign = " + " if slot.is_Add else " * "
        return f"({sign.join(map(self._whole, slot.args))})"

    def _whole(self, part: Expr) -> str:
        if part.is_Integer:
            return str(int(part))
        if part.is_Pow:
            return f"{self._whole(part.base)} ** {int(part.exp)}"
        return self._name("size", part) if isinstance(part, Size) else self._slot(part)

    def _read(self, code: str, slots: Sequence[Expr]) -> str:
        self.reads.append((code, tuple(slots)))
        if any(map(is_computed, slots)):
            return f"entries({code}, {', '.join(map(self._slot, slots))})"
        return f"{code}[{', '.join(map(self._slot, slots)) or '()'}]"

    # Leaves

    def _print_Indexed(self, expr: Expr) -> str:
        name = name_of(expr)
        slots = (MOVE, *indices_of(expr)) if name in self.moving else indices_of(expr)
        return self._read(self._name("tensor", name), slots)

    def _print_Symbol(self, expr: Expr) -> str:
        return self._print_Indexed(expr)

    def _print_Size(self, expr: Size) -> str:
        # A number of the type of the data: a root of an integer would be one of float64.
        return f"{self._name('dtype', None)}.type({self._name('size', expr)})"

    def _print_Index(self, expr: Index) -> str:
        if not self._compares:
            raise UnknownNodeError(f"the index {expr} stands where a number should")
        return self._slot(expr)

    def _print_One(self, expr: Expr) -> str:
        # SymPy's number one has a class of the same name.
        if not isinstance(expr, One):
            return self._print_Rational(expr)
        return f"ones({self._slot(expr.index)}, {self._name('dtype', None)})"

    def _print_KroneckerDelta(self, expr: Expr) -> str:
        left, right = map(self._slot, expr.args)
        return f"delta({left}, {right}, {self._name('dtype', None)})"

    def _print_Rational(self, expr: Expr) -> str:
        return f"({float(expr)!r})"

    def _print_Float(self, expr: Expr) -> str:
        return self._print_Rational(expr)

    def _print_NumberSymbol(self, expr: Expr) -> str:
        return self._print_Rational(expr)

    def _print_Iverson(self, expr: Iverson) -> str:
        outer, self._compares = self._compares, True
        left, right = self._print(expr.left), self._print(expr.right)
        self._compares = outer
        return f"iverson({left}, {expr.relation!r}, {right}, {self._name('dtype', None)})"

    def _print_Quotient(self, expr: Expr) -> str:
        return self._computed(expr)

    def _print_Remainder(self, expr: Expr) -> str:
        return self._computed(expr)

    # Arithmetic

    def _print_Add(self, expr: Expr) -> str:
        return "(" + " + ".join(map(self._print, expr.args)) + ")"

    def _print_Mul(self, expr: Expr) -> str:
        return "(" + " * ".join(map(self._print, expr.args)) + ")"

    def _print_Pow(self, expr: Expr) -> str:
        if not nodes_in(expr, Symbol, Indexed):
            # A plain number does not widen the type of the data, as one of NumPy's would.
            return f"({float(expr)!r})"
        base, exponent = self._print(expr.base), expr.exp
        if exponent.is_Integer:
            return f"power({base}, {int(exponent)})"
        if exponent.is_integer and all(isinstance(s, Size) for s in exponent.free_symbols):
            return f"power({base}, int({self._print(exponent)}))"
        if exponent.is_Rational and exponent.q == 2:
            return f"power(np.sqrt({base}), {int(exponent.p)})"
        return f"np.exp({self._print(exponent)} * np.log({base}))"

    def _print_Function(self, expr: Expr) -> str:
        row = elementary(expr)
        if row is None:
            return self.emptyPrinter(expr)
        if isinstance(expr, Opaque):
            return f"opaque({expr.symbol!r}, {expr.order}, {self._print(expr.args[0])})"
        code = f"own_{row.name}" if row.name in FUNCTIONS else f"np.{row.numpy}"
        return f"{code}({', '.join(map(self._print, expr.args))})"

    # Sums and derivatives

    @contextmanager
    def _inside(self, bound: Sequence[Index]) -> Iterator[None]:
        """Bound indices have numbers that differ along every path of the tree, so that each may
        have an axis as it stands; contractions side by side share theirs."""
        for index in bound:
            self.axes.setdefault(index, len(self.axes))
        outer, self._scope = self._scope, self._scope | set(bound)
        yield
        self._scope = outer

    def _print_Contraction(self, expr: Contraction) -> str:
        with self._inside(expr.bound):
            factors = [self._print(factor) for factor in Mul.make_args(expr.body)]
        return f"total([{', '.join(factors)}], {', '.join(self._axes_of(expr))})"

    def _print_Extremum(self, expr: Extremum) -> str:
        return self._reduced("extremum", expr, _sign(expr))

    def _print_ProductOver(self, expr: ProductOver) -> str:
        return self._reduced("over", expr)

    def _print_Determinant(self, expr: Determinant) -> str:
        return self._reduced("determinant", expr)

    def _print_LogDeterminant(self, expr: LogDeterminant) -> str:
        return self._reduced("log_determinant", expr)

    def _print_Place(self, expr: Place) -> str:
        return self._reduced("place", expr, _sign(expr))

    def _reduced(self, function: str, expr: Binder, *more: str) -> str:
        """A reduction of the body over the axes of the bound indices."""
        with self._inside(expr.bound):
            body = self._print(expr.body)
        return f"{function}({', '.join((body, *more, *self._axes_of(expr)))})"

    def _axes_of(self, expr: Binder) -> list[str]:
        """The axis of each bound index with its length."""
        return [f"({self.axes[i]}, {self._length(i)})" for i in expr.bound]

    def _length(self, index: Index) -> str:
        if index.size is None:
            raise UnknownNodeError(f"the index {index} has no size")
        return str(index.size) if index.size.is_Integer else self._name("size", index.size)

    def _print_Partial(self, expr: Partial) -> str:
        function, variable = expr.function, expr.variable
        if is_tensor(variable):
            slots, name, inner = indices_of(variable), name_of(variable), None
        else:
            slots, name, inner = _sorted(ranging(variable)), INNER, variable
            function = function.xreplace({variable: tensor(INNER, *slots)})
        free = _sorted(ranging(function))
        letters = _canonical(free, "f")
        request = Request(
            function.xreplace(dict(zip(free, letters, strict=True))), letters, name, expr.held
        )
        if inner is not None:
            own = _canonical(slots, "x")
            inner = inner.xreplace(dict(zip(slots, own, strict=True)))
            request = Request(request.function, letters, name, expr.held, inner, own)
        return self._read(self._name("partial", request), (*free, *slots))


def _sign(expr: Binder) -> str:
    """What the body is multiplied by so that what is looked for is the greatest."""
    return "-1" if isinstance(expr, Minimum | Minimum.place) else "1"


def _sorted(indices: Iterable[Index]) -> tuple[Index, ...]:
    return tuple(sorted(indices, key=lambda index: (index.name, str(index.size))))


def _canonical(indices: Sequence[Index], letter: str) -> tuple[Index, ...]:
    return tuple(Index(f"_{letter}{n}", index.size) for n, index in enumerate(indices))
