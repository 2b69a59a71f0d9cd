"""How many operations of each kind an expression takes, by counting index notation; see `costs`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sympy import Expr, Indexed, KroneckerDelta, Mul, Rational, S, UnevaluatedExpr, expand, log

from derive.codegen.assignment import CodeError
from derive.expressions import (
    Binder,
    Index,
    Iverson,
    OfMatrix,
    One,
    elementary,
    is_tensor,
    ranging,
    tensors_in,
)

__all__ = ["ARITHMETIC", "REDUCING", "Operation", "operations", "size_of", "tallied", "volume"]


ARITHMETIC = ("add", "multiply", "divide", "compare")


Operation = tuple[str, Expr]
"""A kind of operation, and how often it is done."""


REDUCING = {
    "Contraction": ("sum", "add"),
    "ProductOver": ("product", "multiply"),
    "Maximum": ("maximum", "compare"),
    "Minimum": ("minimum", "compare"),
    "ArgMaximum": ("place of the maximum", "compare"),
    "ArgMinimum": ("place of the minimum", "compare"),
}


_COMPARING = frozenset({"max", "min", "abs", "sign", "relu"})


def tallied(done: Iterable[Operation]) -> Counter[str]:
    """How often each kind of operation is done."""
    found: Counter[str] = Counter()
    for kind, times in done:
        found[kind] = expand(found.get(kind, S.Zero) + times)
    return found


def volume(indices: Iterable[Index]) -> Expr:
    """The number of values of indices together."""
    return Mul(*(size_of(index) for index in set(indices)))


def size_of(index: Index) -> Expr:
    """The number of values of an index."""
    if index.size is None:
        raise CodeError(f"the index {index} has no size")
    return index.size


def operations(expr: Expr) -> Iterator[Operation]:
    """The operations that compute an expression once, for all values of its free indices."""
    if _is_free_of_charge(expr):
        return
    if isinstance(expr, OfMatrix):
        yield from _determinant(expr)
    elif isinstance(expr, Binder):
        indices, body = expr.open()
        yield from operations(body)
        yield REDUCING[type(expr).__name__][1], volume({*indices, *ranging(body)})
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
    yield "determinant", Rational(2, 3) * volume(every) * size_of(indices[0])


def _function(expr: Expr) -> Iterator[Operation]:
    row = elementary(expr)
    if row is None:
        raise CodeError(f"what {expr} costs is not known")
    for argument in expr.args:
        if isinstance(argument, Expr):
            yield from operations(argument)
    yield "compare" if row.name in _COMPARING else row.name, volume(ranging(expr))
