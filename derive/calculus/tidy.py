"""The end of a stage: from the equal forms of a result the cheapest to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Expr

from derive.calculus.algebra import cancel, combine, combine_powers, factor, multiply_out
from derive.calculus.context import Context
from derive.calculus.cost import cost
from derive.calculus.derivation import Step, terms_agree
from derive.calculus.domain import divisors
from derive.calculus.engine import rewrite
from derive.calculus.index_algebra import INDICES
from derive.calculus.rule import Rule
from derive.expressions import broadcast, ranging

__all__ = ["tidy"]

MOST_FORMS = 24
# A form this much dearer than the first is no way to a cheaper one.
DETOUR, ALLOWANCE = 2.5, 10.0
# Between forms that cost the same, one that was reached by expanding wins over a factored one.
FACTORED = 0.01

Path = tuple[Step, ...]


def tidy(expr: Expr, context: Context, folds: Sequence[Rule]) -> Path:
    """The steps to the cheapest form that expanding, folding and factoring reach.

    Breadth first; forms seen before are not visited again and their number is bounded, so the
    search ends. There is no step when the expression is the cheapest form itself. A form that
    divides by what the expression does not divide by is no candidate: it would be undefined
    where the result is not (`y/x` for `e^{-x}`, where y = x e^{-x}).
    """
    first = cost(expr)
    best: tuple[float, Path] = (first, ())
    allowed = divisors(expr, context.graph)
    seen = {expr}
    queue: list[tuple[Expr, Path]] = [(expr, ())]

    def _divides(steps: Path) -> set[Expr]:
        return divisors(steps[-1].after if steps else expr, context.graph)

    for form, path in queue:
        for price, steps in _endings(form, path, context):
            if (price, len(steps)) < (best[0], len(best[1])) and _divides(steps) <= allowed:
                best = (price, steps)
        for after, steps in _neighbours(form, path, folds, context):
            if (
                after not in seen
                and len(queue) < MOST_FORMS
                and cost(after) < DETOUR * first + ALLOWANCE
            ):
                seen.add(after)
                queue.append((after, steps))
    return best[1]


def _endings(form: Expr, path: Path, context: Context) -> Iterator[tuple[float, Path]]:
    """What a form costs as it is and factored, with the steps that lead there."""
    combined = _applied(combine, form, context)
    if combined is not None:
        form, path = combined, (*path, _step(combine, form, combined))
    yield cost(form), path
    after = _applied(factor, form, context)
    if after is not None:
        yield cost(after) + FACTORED, (*path, _step(factor, form, after))


def _neighbours(
    form: Expr, path: Path, folds: Sequence[Rule], context: Context
) -> Iterator[tuple[Expr, Path]]:
    for rule in (multiply_out, combine_powers, *folds):
        after = _applied(rule, form, context)
        if after is not None:
            yield _normal(after, (*path, _step(rule, form, after)), context)


def _normal(form: Expr, path: Path, context: Context) -> tuple[Expr, Path]:
    """The form with its deltas contracted and its fractions cancelled."""
    while (found := rewrite(form, INDICES, context)) is not None:
        form, step = found
        path = (*path, step)
    after = _applied(cancel, form, context)
    return (form, path) if after is None else (after, (*path, _step(cancel, form, after)))


def _applied(rule: Rule, form: Expr, context: Context) -> Expr | None:
    after = rule(form, context)
    if after is None:
        return None
    after = broadcast(after, ranging(form))
    return after if terms_agree(after) else None


def _step(rule: Rule, before: Expr, after: Expr) -> Step:
    return Step(rule, before, after, before, after)
