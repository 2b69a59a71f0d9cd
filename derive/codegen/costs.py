"""What assignments cost: operations and bytes as formulas in the sizes, by counting index notation.

Conventions
-----------
An addition or subtraction, a multiplication, a division and a comparison count one each, and so
does each value of an elementary function (`exp`, `log`, `sqrt`, `tanh`, …), which is listed by
its name. A sum of n numbers counts n additions, so that a contraction over n counts 2·n; a maximum
counts n comparisons. A power with a whole exponent n counts n − 1 multiplications. A change of
sign, what is computed from sizes and constants alone, and arithmetic on positions count nothing.
A determinant of an n×n matrix counts 2·n³/3 and an inverse 2·n³, their leading terms; a linear
system counts 2·n³/3 and 2·n² for each right-hand side. A mask multiplies and skips nothing.

An operation is done once for each value of the indices of its operands: `γ_h/σ_b` is H·B
divisions, `2 σ_b` B multiplications wherever it stands. What deltas pick is not multiplied by
zeros: it is added to single entries.

An array that an assignment reads is read once, of one that it looks up only what is picked, and
what it assigns is written once. Whole numbers have 8 bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sympy import Add, Expr, Rational, S, expand

from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.operations import REDUCING, Operation, operations, size_of, tallied, volume
from derive.codegen.scatter import Scatter, split
from derive.codegen.solution import Inverse, RootWork, Solution
from derive.expressions import (
    Binder,
    Index,
    OfMatrix,
    Size,
    Tensor,
    indices_of,
    is_computed,
    name_of,
    ranging,
    tensors_in,
)

__all__ = ["LABEL_BYTES", "Cost", "Reduction", "cost", "reductions"]

LABEL_BYTES = 8


@dataclass(frozen=True)
class Reduction:
    """A reduction over axes, done once for each value of other indices; by the sizes of both."""

    kind: str
    over: tuple[Expr, ...]
    each: tuple[Expr, ...]


@dataclass(frozen=True)
class Cost:
    """What an assignment costs.

    Attributes
    ----------
    operations : how often each kind of operation is done.
    reads : the number of entries read of each tensor, by its name.
    written : the number of entries written.
    updated : the number of entries that are read again and changed in place.
    """

    operations: Counter[str] = field(default_factory=Counter)
    reads: dict[str, Expr] = field(default_factory=dict)
    written: Expr = S.Zero
    updated: Expr = S.Zero

    @property
    def flops(self) -> Expr:
        """The number of operations of all kinds."""
        return expand(Add(*self.operations.values()))


def cost(assignment: Assignment, entries: Callable[[str], Expr]) -> Cost:
    """The cost of an assignment; `entries` tells the number of entries of a tensor."""
    dense, scattered = split(assignment.expr, assignment.indices)
    done = [*operations(dense), *_solved(assignment)]
    values = [dense, *(s.value for s in scattered), *(x for s in scattered for x in s.slots)]
    if isinstance(assignment, Solution):
        values.append(assignment.matrix)
    updated = S.Zero
    for each in scattered:
        meeting = volume(_meeting(each))
        updated += meeting
        done += [*operations(each.value), ("add", meeting)]
    return Cost(
        tallied(done),
        _read(values, entries),
        volume(assignment.indices),
        expand(updated),
    )


def _solved(assignment: Assignment) -> Iterator[Operation]:
    """The operations that solve a relation, those of its right-hand side left out."""
    if isinstance(assignment, RootWork):
        raise CodeError(
            f"{assignment.name} is the root of an equation",
            mend="how many steps it takes to find it depends on the data",
        )
    if not isinstance(assignment, Solution):
        return
    yield from operations(assignment.matrix)
    length = size_of(assignment.row)
    batch = volume(ranging(assignment.matrix) - {assignment.row, assignment.column})
    if isinstance(assignment, Inverse):
        yield "inverse", 2 * batch * length**3
    else:
        yield "solution", Rational(2, 3) * batch * length**3
        yield "solution", 2 * length * volume(assignment.indices)


def _meeting(scatter: Scatter) -> set[Index]:
    """The indices for whose values something is added to an entry."""
    return set(scatter.over).union(*map(ranging, (*scatter.slots, scatter.value)))


# Operations ----------------------------------------------------------------------------------


# Reductions and bytes ------------------------------------------------------------------------


def reductions(assignment: Assignment) -> Iterator[Reduction]:
    """The reductions of an assignment; what is added to single entries is a sum as well."""
    dense, scattered = split(assignment.expr, assignment.indices)
    target = assignment.indices
    for binder in _binders(dense):
        indices, body = binder.open()
        each = _sizes(ranging(body) - set(indices), target)
        yield Reduction(REDUCING[type(binder).__name__][0], _sizes(indices, indices), each)
    for scatter in scattered:
        if scatter.over:
            kept = _meeting(scatter) - set(scatter.over)
            over = _sizes(scatter.over, scatter.over)
            yield Reduction("sum into entries", over, _sizes(kept, target))


def _binders(expr: Expr) -> Iterator[Binder]:
    """The reductions in an expression, the inner ones first."""
    if isinstance(expr, OfMatrix) or not expr.args:
        return
    for part in (expr.body,) if isinstance(expr, Binder) else expr.args:
        yield from _binders(part)
    if isinstance(expr, Binder):
        yield expr


def _sizes(indices: Iterable[Index], order: Sequence[Index]) -> tuple[Expr, ...]:
    """The sizes of indices, those in the order given first."""
    place = {index: number for number, index in enumerate(order)}
    ordered = sorted(indices, key=lambda index: (place.get(index, len(place)), str(index)))
    return tuple(map(size_of, ordered))


def _read(exprs: Iterable[Expr], entries: Callable[[str], Expr]) -> dict[str, Expr]:
    """The number of entries read of each tensor."""
    found: dict[str, set[Expr]] = {}
    for expr in exprs:
        for leaf in tensors_in(expr):
            if not isinstance(leaf, Size):
                found.setdefault(name_of(leaf), set()).add(_touched(leaf, entries))
    return {
        name: entries(name) if entries(name) in touched else Add(*touched)
        for name, touched in found.items()
    }


def _touched(leaf: Tensor, entries: Callable[[str], Expr]) -> Expr:
    """The number of entries read of a tensor: all where positions are computed."""
    if any(map(is_computed, indices_of(leaf))):
        return entries(name_of(leaf))
    return volume(ranging(leaf))
