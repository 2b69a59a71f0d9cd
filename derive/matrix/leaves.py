"""The factors of a product that have a matrix form of their own: tensors, deltas, ones, numbers."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Indexed, KroneckerDelta, Rational

from derive.expressions import (
    Graph,
    Index,
    One,
    Partial,
    indices_of,
    is_tensor,
    name_of,
    tensors_in,
)
from derive.matrix.forms import Form, Identity, Leaf, NoMatrixFormError, Number, OneHot, Ones, Unit
from derive.matrix.network import Factor
from derive.matrix.operations import DiagonalOf

__all__ = ["Factors", "leading", "slots_of"]

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def leading(*exprs: Expr) -> set[Index]:
    """The indices before the last two of tensors with three or more, as those of a batch."""
    found = [indices_of(node) for expr in exprs for node in tensors_in(expr)]
    slots = [slot for indices in found for slot in indices[:-2]]
    return {slot for slot in slots if isinstance(slot, Index) and not slot.is_label}


class Factors:
    """The factors of a product as vectors and matrices, with the indices to sum over.

    `fixed` are the indices that stand for one value at a time. What selects from an axis, such
    as a label, becomes a unit vector that the tensor is multiplied by.
    """

    def __init__(self, graph: Graph, fixed: frozenset[Index], bound: Sequence[Index]) -> None:
        self.graph = graph
        self.fixed = fixed
        self.bound = list(bound)
        self.found: list[Factor] = []

    def add(self, axes: tuple[Index, ...], form: Form) -> None:
        """Take a factor that is a form over axes."""
        self.found.append(Factor(axes, form))

    def place(self, expr: Expr) -> bool:
        """Take a factor that is a leaf of the expression; whether it is one."""
        if isinstance(expr, One):
            # What is summed over, or lacks an axis of the result, is completed in the end.
            return True
        if isinstance(expr, Rational):
            self.add((), Number(expr))
        elif isinstance(expr, KroneckerDelta):
            self._delta(expr)
        elif _has_slots(expr):
            self._entries(expr)
        elif is_tensor(expr) or expr.is_NumberSymbol:
            self.add((), Leaf(expr))
        else:
            return False
        return True

    def complete(self) -> None:
        """Add a column of ones for each index that is summed over and stands nowhere."""
        held = {index for factor in self.found for index in factor.indices}
        for index in self.bound:
            if index not in held:
                self.add((index,), Ones(index.size))

    def _delta(self, expr: KroneckerDelta) -> None:
        """The identity, a unit vector, or a matrix of unit vectors."""
        running = [slot for slot in expr.args if self._runs(slot)]
        if len(running) == 2:
            self.add((running[0], running[1]), Identity(running[0].size))
        elif running:
            (index,) = running
            self._select(expr.args[expr.args[0] == index], index, expr)
        else:
            raise NoMatrixFormError("a Kronecker delta compares two fixed indices")

    def _select(self, position: Expr, index: Index, whole: Expr) -> None:
        """Take what selects the entry at a position: a unit vector, or one for each label.

        `whole` is the factor that the position is a slot of.
        """
        slots = indices_of(position) if is_tensor(position) else ()
        if self._is_fixed(position):
            self.add((index,), Unit(position, index.size))
        elif len(slots) == 1 and self._runs(slots[0]):
            self.add((slots[0], index), OneHot(position, slots[0], index.size))
        else:
            raise NoMatrixFormError(f"an index of {_named(whole)} is computed")

    def _runs(self, slot: Expr) -> bool:
        return isinstance(slot, Index) and not slot.is_label and slot not in self.fixed

    def _is_fixed(self, slot: Expr) -> bool:
        """Whether a slot holds a number, a label or a fixed index."""
        if isinstance(slot, Index) or slot.is_Integer:
            return not self._runs(slot)
        return is_tensor(slot) and all(map(self._is_fixed, indices_of(slot)))

    def _entries(self, expr: Expr) -> None:
        """Take a tensor, or a derivative, with what selects from its axes."""
        slots = slots_of(expr)
        kept = self._kept(slots)
        if len(slots) - kept > 2:
            raise NoMatrixFormError(f"{_named(expr)} has {len(slots)} indices")
        axes: list[Index] = []
        for place in range(kept, len(slots)):
            slot = slots[place]
            runs = self._runs(slot) and slot not in axes
            axes.append(
                slot if runs else Index(f"_{len(self.bound)}_{place}", self._size(expr, place))
            )
        leaf = Leaf(_with_slots(expr, (*slots[:kept], *axes)), tuple(axes))
        if len(axes) == 2 and slots[kept] == slots[kept + 1] and self._runs(slots[kept]):
            self.add((axes[0],), DiagonalOf(leaf))
            return
        self.add(tuple(axes), leaf)
        for axis, slot in zip(axes, slots[kept:], strict=True):
            if axis != slot:
                self.bound.append(axis)
                self._select(slot, axis, expr)

    def _kept(self, slots: tuple[Expr, ...]) -> int:
        """How many slots at the front stay with the tensor, as those of a batch.

        All of them stay where all are fixed: an entry is a scalar.
        """
        if all(map(self._is_fixed, slots)):
            return len(slots)
        kept = 0
        for slot in slots:
            batch = slot in self.fixed or len(slots) - kept > 2
            if not (batch and self._is_fixed(slot)):
                break
            kept += 1
        return kept

    def _size(self, expr: Expr, place: int) -> Expr:
        """The size of an axis of a tensor or derivative."""
        slot = slots_of(expr)[place]
        if isinstance(slot, Index) and slot.size is not None:
            return slot.size
        for part in tensors_of(expr):
            if place < len(indices_of(part)):
                return self.graph.axis_size(name_of(part), place)
            place -= len(indices_of(part))
        raise NoMatrixFormError(f"{_named(expr)} has an axis of unknown size")


def tensors_of(expr: Expr) -> tuple[Expr, ...]:
    """A tensor; of a derivative the tensor differentiated and those it is taken by, as written."""
    if not isinstance(expr, Partial):
        return (expr,)
    function, *inner = tensors_of(expr.function)
    return (function, expr.variable, *inner)


def slots_of(expr: Expr) -> tuple[Expr, ...]:
    """The indices of a tensor, or of a derivative of a tensor by tensors, as written."""
    return tuple(slot for part in tensors_of(expr) for slot in indices_of(part))


def _named(expr: Expr) -> str:
    """What a tensor, a derivative of a tensor by tensors, or a delta is called."""
    if isinstance(expr, KroneckerDelta):
        return "a Kronecker delta"
    function, *variables = map(name_of, tensors_of(expr))
    if not variables:
        return function
    order = str(len(variables)).translate(_SUPERSCRIPTS) if variables[1:] else ""
    return f"∂{order}{function}/" + "".join(f"∂{variable}" for variable in variables)


def _has_slots(expr: Expr) -> bool:
    """Whether it is a tensor with indices, or a derivative of a tensor by tensors."""
    return isinstance(expr, Indexed | Partial) and all(map(is_tensor, tensors_of(expr)))


def _with_slots(expr: Expr, slots: tuple[Expr, ...]) -> Expr:
    """The same with other indices."""
    if isinstance(expr, Partial):
        first = len(indices_of(tensors_of(expr)[0]))
        last = first + len(indices_of(expr.variable))
        function = _with_slots(expr.function, (*slots[:first], *slots[last:]))
        return Partial(function, _with_slots(expr.variable, slots[first:last]), *expr.held)
    return expr.func(expr.base, *slots) if slots else expr
