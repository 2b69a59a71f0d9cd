"""Mutants: expressions that differ from a result by one mistake an author could make.

A check that lets one of them pass would let the mistake pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, zip_longest

from sympy import Expr, Indexed, KroneckerDelta, S, sign

from derive.errors import NotationError
from derive.expressions import (
    Binder,
    Contraction,
    Graph,
    Index,
    Iverson,
    One,
    Partial,
    Size,
    is_tensor,
    levelled,
    ranging,
)
from derive.notation.write import write_text
from derive.verify.algebra_mistakes import (
    in_factors,
    in_function,
    in_power,
    in_terms,
    in_whole,
)
from derive.verify.drafts import Draft, Said, Where, wrapped
from derive.verify.index_mistakes import in_comparison, in_delta, in_partial, in_side, in_tensor
from derive.verify.sum_mistakes import in_reduction, in_sum, into_sum

__all__ = ["Mutant", "each_mutant", "mutants"]

UNDEFINED = (S.ComplexInfinity, S.NaN, S.Infinity, S.NegativeInfinity)


@dataclass(frozen=True)
class Mutant:
    """A wrong expression, the kind of mistake that makes it, and what it was done with."""

    mistake: str
    expr: Expr
    said: Said = ()
    term: Expr | None = None

    def words(
        self,
        graph: Graph,
        reserved: Sequence[Expr] = (),
        *,
        ascii: bool = False,  # noqa: A002
    ) -> str:
        """The mistake in words, with the letters of the line: `the term −s_n dropped`.

        Of several terms it says in which one something was done.
        """
        apart = self.term is not None and self.term not in self.said
        said = (*self.said, ", in the term ", self.term) if apart else self.said
        parts = (p if isinstance(p, str) else _written(p, graph, reserved, ascii) for p in said)
        return "".join(parts)


def _written(expr: Expr, graph: Graph, reserved: Sequence[Expr], plain: bool) -> str:
    try:
        text = write_text(levelled(expr), graph, reserved, ascii=plain)
        return f"({text})" if expr.is_Add and ranging(expr) else text
    except NotationError:
        # A size without a name, say, is nothing that the notation can write.
        return str(expr)


def mutants(expr: Expr, free: Sequence[Index], graph: Graph, most: int = 20) -> list[Mutant]:
    """The first mutants of an expression."""
    return list(islice(each_mutant(expr, free, graph), most))


def each_mutant(expr: Expr, free: Sequence[Index], graph: Graph) -> Iterator[Mutant]:
    """All mutants of an expression, each kind of mistake in turn, no two equal."""
    kinds: dict[str, list[Draft]] = {}
    for draft in _drafts(expr, Where.of(expr, free, graph)):
        kinds.setdefault(draft.mistake, []).append(draft)
    seen = {expr}
    for draft in chain.from_iterable(zip_longest(*kinds.values())):
        # To drop p from 1/(1 − p) leaves no expression.
        if draft and (wrong := draft.build()) not in seen and not wrong.has(*UNDEFINED):
            seen.add(wrong)
            yield Mutant(draft.mistake, wrong, draft.said, draft.term)


def _drafts(expr: Expr, where: Where) -> Iterator[Draft]:
    if expr != 0:
        yield from in_whole(expr, where)
    yield from _inside(expr, where)


def _inside(expr: Expr, where: Where) -> Iterator[Draft]:
    """Every mistake in a part of a line."""
    if isinstance(expr, Partial):
        yield from in_partial(expr, where)
    elif isinstance(expr, KroneckerDelta):
        yield from in_delta(expr, where)
    elif isinstance(expr, Iverson):
        yield from in_comparison(expr, where)
    elif isinstance(expr, sign):
        yield from wrapped(in_side(expr.args[0], where), sign)
    elif isinstance(expr, Binder):
        yield from _bound(expr, where)
    elif isinstance(expr, Indexed) or (is_tensor(expr) and not isinstance(expr, Size)):
        yield from in_tensor(expr, where)
    elif not isinstance(expr, One | Index | Size):
        yield from _node(expr, where)


def _bound(expr: Binder, where: Where) -> Iterator[Draft]:
    inside, indices, body = where.opened(expr)
    if isinstance(expr, Contraction):
        yield from in_sum(indices, body, where)
    else:
        yield from in_reduction(expr, indices, body)
    yield from wrapped(_inside(body, inside), lambda new: expr.func(new, *indices))


def _node(expr: Expr, where: Where) -> Iterator[Draft]:
    if expr.is_Add:
        yield from in_terms(expr)
    elif expr.is_Mul:
        yield from in_factors(expr)
        yield from into_sum(expr, where)
    elif expr.is_Pow and not expr.base.is_number:
        yield from in_power(expr)
    else:
        yield from in_function(expr)
    for position, arg in enumerate(expr.args):
        if arg.is_number:
            continue
        for draft in wrapped(_inside(arg, where), partial(_with_arg, expr, position)):
            yield draft._replace(term=arg) if expr.is_Add else draft


def _with_arg(expr: Expr, position: int, arg: Expr) -> Expr:
    return expr.func(*expr.args[:position], arg, *expr.args[position + 1 :])
