"""The greatest exponent of a sum with weights, and that of the same sum without them."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Mul, exp, log

from derive.codegen.kept import Kept
from derive.codegen.sums import levelled, opened
from derive.expressions import Contraction, Iverson, Maximum, name_of, tensors_in

__all__ = ["one_greatest", "weights_in"]


def one_greatest(factor: Expr, exponent: Expr) -> tuple[Expr, Expr]:
    """A term c·e^m with one greatest value in place of two, where they meet in m.

    With M the greatest exponent of a sum, and N ≤ M the greatest one with a weight that is not 0,
    (Σ c e^{z−N}) e^{N−M} is Σ c e^{z−M}. Its exponentials are those of the sum without weights,
    and have no more axes than the exponents, though the weights may have more.
    """
    terms = opened(exponent)
    for lesser in (m for m in terms if isinstance(m, Maximum) and any(weights_in(m))):
        bare = _without_weights(lesser)
        if -bare not in terms:
            continue
        found = Mul(*(_below(bare, lesser, f) for f in Mul.make_args(factor)))
        if found != factor and not found.has(lesser):
            terms = [term for term in terms if term not in (lesser, -bare)]
            return one_greatest(found, levelled(Add(*terms)))
    return factor, exponent


def weights_in(expr: Expr) -> Iterator[Expr]:
    """The tensors whose entries 0 are left out of a greatest value."""
    for comparison in expr.atoms(Iverson):
        if comparison.relation == "!=" and 0 in (comparison.left, comparison.right):
            yield from tensors_in(comparison)


def _without_weights(greatest: Expr) -> Expr:
    """The greatest value of all exponents."""
    indices, body = greatest.open()
    return Maximum(levelled(Add(*(t for t in opened(body) if not _is_mask(t)))), *indices)


def _below(greater: Expr, lesser: Expr, factor: Expr) -> Expr:
    """A sum of exponentials with another greatest value taken off their exponents."""
    if not isinstance(factor, Contraction) or not factor.has(lesser):
        return factor
    indices, body = factor.open()
    moved = {e: _moved(e, lesser, greater) for e in body.atoms(exp) if e.has(lesser)}
    return Contraction(body.xreplace(moved), *indices)


def _moved(exponential: Expr, lesser: Expr, greater: Expr) -> Expr:
    """An exponential with a greater number taken off; beside a weight 0 it is no longer 0."""
    names = {name_of(leaf) for leaf in weights_in(lesser)}
    terms = opened(exponential.args[0].xreplace({lesser: greater}))
    masks = [t for t in terms if _is_mask(t) and {name_of(w) for w in weights_in(t)} <= names]
    return exp(levelled(Add(*(term for term in terms if term not in masks))))


def _is_mask(term: Expr) -> bool:
    """Whether a term of an exponent leaves out where a weight is 0."""
    inner = term.args[0] if isinstance(term, Kept) else term
    return isinstance(inner, log) and isinstance(inner.args[0], Iverson) and any(weights_in(term))
