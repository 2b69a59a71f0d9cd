"""Forms put together so that they read well: scalars in front, few transposes, no identities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sympy import Rational, S

from derive.expressions import Index
from derive.matrix.forms import Form, Identity, Number, Ones, Zero
from derive.matrix.operations import (
    Apply,
    Bracket,
    Diagonal,
    DiagonalOf,
    Hadamard,
    Power,
    Product,
    Scaled,
    Sum,
    Total,
    Trace,
    Transpose,
)

__all__ = [
    "add",
    "diagonal",
    "hadamard",
    "inner_product",
    "inverted",
    "is_inverse",
    "multiply",
    "scale",
    "total",
    "trace",
    "transpose",
    "transposes",
]


def transposes(form: Form) -> int:
    """How many transposes are written in a form."""
    return isinstance(form, Transpose) + sum(map(transposes, form.parts))


def transpose(form: Form) -> Form:
    """The transposed form, with as few transposes as can be."""
    if form.is_scalar or isinstance(form, Diagonal | Identity):
        return form
    if isinstance(form, Transpose):
        return form.inner
    if isinstance(form, Zero):
        rows, columns = form.size
        return Zero((columns, rows))
    if isinstance(form, Scaled):
        return replace(form, inner=transpose(form.inner) if form.inner else None)
    if isinstance(form, Product):
        return multiply([transpose(factor) for factor in reversed(form.factors)])
    whole, inside = Transpose(form), _inside(form)
    # As many transposes either way: those of a function's value read better.
    tie = isinstance(form, Apply | Power | Bracket)
    if inside is None or transposes(inside) + tie > transposes(whole):
        return whole
    return inside


def _inside(form: Form) -> Form | None:
    """The transposed form with the transposes in its parts; None if it has no such parts."""
    if isinstance(form, Hadamard):
        return Hadamard(tuple(map(transpose, form.factors)))
    if isinstance(form, Sum):
        return Sum(tuple(map(transpose, form.terms)))
    if isinstance(form, Bracket):
        return replace(form, left=transpose(form.left), right=transpose(form.right))
    if isinstance(form, Apply):
        return Apply(form.function, tuple(map(transpose, form.arguments)))
    if isinstance(form, Power | Total):
        return replace(form, inner=transpose(form.inner))
    return None


def scale(scalars: Iterable[Form], inner: Form | None = None) -> Form:
    """The form with scalars in front; their numbers are one, what they divide by is below."""
    in_front, bare = _apart([] if inner is None else [inner])
    everything = [*scalars, *in_front, *(form for form in bare if form.is_scalar)]
    inner = next((form for form in bare if not form.is_scalar), None)
    number: Rational = S.One
    above: list[Form] = []
    below: list[Form] = []
    for scalar in everything:
        if isinstance(scalar, Number):
            number *= scalar.value
        elif isinstance(scalar, Scaled):
            number *= scalar.coefficient
            above += scalar.above
            below += scalar.below
        elif is_inverse(scalar):
            below.append(inverted(scalar))
        else:
            above.append(scalar)
    if number == 1 and not below and len(above) == (inner is None):
        return inner or above[0]
    if inner is None and not above and not below:
        return Number(number)
    return Scaled(number, tuple(above), tuple(below), inner)


def is_inverse(form: Form) -> bool:
    """Whether it is a power that divides."""
    return isinstance(form, Power) and _negative(form.exponent)


def _negative(exponent: Form) -> bool:
    if isinstance(exponent, Scaled):
        return exponent.coefficient < 0
    return isinstance(exponent, Number) and exponent.value < 0


def inverted(form: Form) -> Form:
    """What a power divides by."""
    assert isinstance(form, Power)
    exponent = scale([Number(S.NegativeOne), form.exponent])
    return form.inner if exponent == Number(S.One) else Power(form.inner, exponent)


def _apart(forms: Sequence[Form]) -> tuple[list[Form], list[Form]]:
    """The scalars in front of forms, and the forms without them."""
    scalars = [replace(form, inner=None) for form in forms if isinstance(form, Scaled)]
    bare = [form.inner if isinstance(form, Scaled) else form for form in forms]
    return list(scalars), [form for form in bare if form is not None]


def multiply(forms: Sequence[Form]) -> Form:
    """The product of matrices, flat and without identities."""
    scalars, bare = _apart(forms)
    flat = [f for form in bare for f in (form.factors if isinstance(form, Product) else (form,))]
    kept = [form for form in flat if not isinstance(form, Identity)] or flat[:1]
    return scale(scalars, kept[0] if len(kept) == 1 else _least(Product(tuple(kept))))


def _least(form: Product) -> Form:
    """A product that is a scalar equals its transposed one: the one with fewer transposes."""
    if not form.is_scalar:
        return form
    other = Product(tuple(transpose(factor) for factor in reversed(form.factors)))
    return other if transposes(other) < transposes(form) else form


def hadamard(forms: Sequence[Form]) -> Form:
    """The product entry by entry, flat."""
    scalars, bare = _apart(forms)
    flat = [f for form in bare for f in (form.factors if isinstance(form, Hadamard) else (form,))]
    kept = [form for form in flat if not isinstance(form, Ones)] or flat[:1]
    return scale(scalars, kept[0] if len(kept) == 1 else Hadamard(tuple(kept)))


def diagonal(vector: Form) -> Form:
    """The diagonal matrix of a column."""
    scalars, (bare,) = _apart([vector])
    return scale(scalars, Identity(bare.size) if isinstance(bare, Ones) else Diagonal(bare))


def inner_product(vectors: Sequence[Form]) -> Form:
    """The sum of the entries of columns multiplied entry by entry."""
    plain = [vector for vector in vectors if not is_inverse(vector)]
    if len(vectors) == 1 and isinstance(vectors[0], DiagonalOf):
        return trace(vectors[0].inner)
    if not plain or len(vectors) == 1 or len(plain) == 1:
        # Nothing is divided by inside a transposed factor: 1ᵀ(a ⊘ b) and not aᵀ(1 ⊘ b).
        size = vectors[0].shape[0]
        assert size is not None
        return multiply([transpose(Ones(size)), hadamard(vectors)])
    others = list(vectors)
    others.remove(plain[0])
    return multiply([transpose(plain[0]), hadamard(others)])


def trace(matrix: Form) -> Form:
    """The trace, of the cyclic order with the fewest transposes."""
    scalars, (bare,) = _apart([matrix])
    if not isinstance(bare, Product):
        straight = bare.inner if isinstance(bare, Transpose) else bare
        return scale(scalars, Trace(straight))
    flipped = transpose(bare)
    turns = [turn for form in (bare, flipped) for turn in _turns(form)]
    return scale(scalars, Trace(min(turns, key=transposes)))


def _turns(form: Form) -> list[Form]:
    """A product in all its cyclic orders."""
    factors = form.factors if isinstance(form, Product) else (form,)
    return [multiply([*factors[n:], *factors[:n]]) for n in range(len(factors))]


def total(over: tuple[Index, ...], form: Form) -> Form:
    """The sum over fixed indices, scalars in front if they are numbers."""
    scalars, (bare,) = _apart([form])
    numbers = [s for s in scalars if isinstance(s, Scaled) and not (s.above or s.below)]
    return scale(numbers, Total(bare, over)) if numbers == scalars else Total(form, over)


def add(terms: Sequence[Form]) -> Form:
    """The sum of forms of one shape."""
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))
