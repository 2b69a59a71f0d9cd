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

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Rational, S, UnevaluatedExpr, expand, log

from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.scatter import Scatter, split
from derive.codegen.solution import Inverse, RootWork, Solution
from derive.expressions import (
    Binder,
    Index,
    Iverson,
    OfMatrix,
    One,
    Size,
    Tensor,
    elementary,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
    ranging,
    tensors_in,
)

__all__ = [
    "ARITHMETIC",
    "LABEL_BYTES",
    "Cost",
    "Reduction",
    "cost",
    "operations",
    "reductions",
    "volume",
]

ARITHMETIC = ("add", "multiply", "divide", "compare")
LABEL_BYTES = 8

Operation = tuple[str, Expr]
"""A kind of operation, and how often it is done."""

_REDUCING = {
    "Contraction": ("sum", "add"),
    "ProductOver": ("product", "multiply"),
    "Maximum": ("maximum", "compare"),
    "Minimum": ("minimum", "compare"),
    "ArgMaximum": ("place of the maximum", "compare"),
    "ArgMinimum": ("place of the minimum", "compare"),
}
_COMPARING = frozenset({"max", "min", "abs", "sign", "relu"})


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
    length = _size(assignment.row)
    batch = volume(ranging(assignment.matrix) - {assignment.row, assignment.column})
    if isinstance(assignment, Inverse):
        yield "inverse", 2 * batch * length**3
    else:
        yield "solution", Rational(2, 3) * batch * length**3
        yield "solution", 2 * length * volume(assignment.indices)


def tallied(done: Iterable[Operation]) -> Counter[str]:
    """How often each kind of operation is done."""
    found: Counter[str] = Counter()
    for kind, times in done:
        found[kind] = expand(found.get(kind, S.Zero) + times)
    return found


def volume(indices: Iterable[Index]) -> Expr:
    """The number of values of indices together."""
    return Mul(*(_size(index) for index in set(indices)))


def _size(index: Index) -> Expr:
    if index.size is None:
        raise CodeError(f"the index {index} has no size")
    return index.size


def _meeting(scatter: Scatter) -> set[Index]:
    """The indices for whose values something is added to an entry."""
    return set(scatter.over).union(*map(ranging, (*scatter.slots, scatter.value)))


# Operations ----------------------------------------------------------------------------------


def operations(expr: Expr) -> Iterator[Operation]:
    """The operations that compute an expression once, for all values of its free indices."""
    if _is_free_of_charge(expr):
        return
    if isinstance(expr, OfMatrix):
        yield from _determinant(expr)
    elif isinstance(expr, Binder):
        indices, body = expr.open()
        yield from operations(body)
        yield _REDUCING[type(expr).__name__][1], volume({*indices, *ranging(body)})
    elif _is_passed_on(expr):
        yield from operations(expr.args[0])
    elif expr.is_Add:
        yield from _chain("add", sorted(expr.args, key=_axes))
    elif expr.is_Mul:
        yield from _product(expr)
    elif expr.is_Pow:
        yield from _power(expr)
    elif isinstance(expr, KroneckerDelta):
        yield "compare", volume(ranging(expr))
    elif isinstance(expr, Iverson):
        yield from _comparison(expr)
    else:
        yield from _function(expr)


def _comparison(expr: Iverson) -> Iterator[Operation]:
    for side in (expr.left, expr.right):
        yield from operations(side) if side.atoms(Indexed) else ()
    yield "compare", volume(ranging(expr))


def _is_free_of_charge(expr: Expr) -> bool:
    """Whether an expression is there already, or made of sizes and constants alone."""
    return is_tensor(expr) or isinstance(expr, One | Index) or _is_constant(expr)


def _is_passed_on(expr: Expr) -> bool:
    """Whether nothing is done to an argument: a mask chooses between 0 and −∞, and has no log."""
    mask = isinstance(expr, log) and isinstance(expr.args[0], Iverson)
    return mask or isinstance(expr, UnevaluatedExpr)


def _is_constant(expr: Expr) -> bool:
    return not ranging(expr) and not any(tensors_in(expr))


def _axes(expr: Expr) -> tuple[int, str]:
    return len(ranging(expr)), str(expr)


def _chain(kind: str, parts: Sequence[Expr]) -> Iterator[Operation]:
    """Parts that are joined one after the other, those with few axes first."""
    seen: set[Index] = set()
    for number, part in enumerate(parts):
        yield from operations(part)
        seen |= ranging(part)
        if number:
            yield kind, volume(seen)


def _product(expr: Expr) -> Iterator[Operation]:
    factors = [factor for factor in Mul.make_args(expr) if not isinstance(factor, One)]
    constant = Mul(*filter(_is_constant, factors))
    above = [f for f in factors if not _is_constant(f) and not _is_divisor(f)]
    below = [1 / f for f in factors if not _is_constant(f) and _is_divisor(f)]
    if constant not in (1, -1):
        # `1/(H σ_b)` divides once.
        divides = _is_divisor(constant)
        (below if divides else above).append(1 / constant if divides else constant)
    yield from _chain("multiply", sorted(above, key=_axes))
    yield from _chain("multiply", sorted(below, key=_axes))
    if below:
        yield "divide", volume(set().union(*map(ranging, (*above, *below))))


def _is_divisor(factor: Expr) -> bool:
    if factor.is_Rational:
        return abs(factor.p) == 1 and factor.q != 1
    if factor.is_Mul:
        return all(_is_divisor(f) or f == -1 for f in factor.args)
    return bool(factor.is_Pow and factor.exp.could_extract_minus_sign())


def _power(expr: Expr) -> Iterator[Operation]:
    base, exponent = expr.base, expr.exp
    once = volume(ranging(expr))
    if exponent.could_extract_minus_sign():
        yield from operations(base**-exponent)
        yield "divide", once
        return
    yield from operations(base)
    if exponent.is_Rational and exponent.q in (1, 2):
        if exponent.q == 2:
            yield "sqrt", once
        if exponent.p > 1:
            yield "multiply", (exponent.p - 1) * once
        return
    yield from operations(exponent)
    yield "power", once


def _determinant(expr: OfMatrix) -> Iterator[Operation]:
    indices, body = expr.open()
    yield from operations(body)
    every = ranging(body) | set(indices)
    yield "determinant", Rational(2, 3) * volume(every) * _size(indices[0])


def _function(expr: Expr) -> Iterator[Operation]:
    row = elementary(expr)
    if row is None:
        raise CodeError(f"what {expr} costs is not known")
    for argument in expr.args:
        if isinstance(argument, Expr):
            yield from operations(argument)
    yield "compare" if row.name in _COMPARING else row.name, volume(ranging(expr))


# Reductions and bytes ------------------------------------------------------------------------


def reductions(assignment: Assignment) -> Iterator[Reduction]:
    """The reductions of an assignment; what is added to single entries is a sum as well."""
    dense, scattered = split(assignment.expr, assignment.indices)
    target = assignment.indices
    for binder in _binders(dense):
        indices, body = binder.open()
        each = _sizes(ranging(body) - set(indices), target)
        yield Reduction(_REDUCING[type(binder).__name__][0], _sizes(indices, indices), each)
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
    return tuple(map(_size, ordered))


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
