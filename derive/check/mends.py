"""What a wrong line was probably meant to be: the changes that make it equal to what it should be.

An author's slip is one of the mistakes by which the power of a check is tried; the mistake that
leads back from the wrong line is its mend.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sympy import Expr

from derive.check.formula import FIXED
from derive.check.model import Model
from derive.expressions import Index
from derive.verify.evaluate import EvaluationError
from derive.verify.mutants import Mutant, each_mutant
from derive.verify.trial import Found, Trial

__all__ = ["mend"]

MOST_TRIED = 400


def mend(trial: Trial, model: Model, mask: Expr, above: Expr, wrong: Expr) -> str:
    """How the wrong side becomes equal to the one above, in words; empty if nothing is found."""
    target = trial.values(mask * above, model.free)
    for mutant in islice(_changes(model, wrong), MOST_TRIED):
        if _agree(trial, mask * mutant.expr, model, target):
            return f"equal with {mutant.words(model.graph, model.free)}"
    return ""


def _changes(model: Model, wrong: Expr) -> Iterator[Mutant]:
    """Expressions that may be meant: with a free index for one that stands alone, then others."""
    known = {i for equation in model.graph.equations for i in equation.rhs.atoms(Index)}
    for label in sorted((i for i in wrong.atoms(Index) - known if i.is_label), key=str):
        letter = label.name.removesuffix(FIXED).lower()
        for index in model.free:
            said = (f"the index {index.name} for {letter}",)
            yield Mutant("index", wrong.xreplace({label: index}), said)
    yield from each_mutant(wrong, model.free, model.graph)


def _agree(trial: Trial, expr: Expr, model: Model, target: Found) -> bool:
    """Whether an expression has the values that it should have, on every sample."""
    if isinstance(target, EvaluationError):
        return False
    try:
        limit = trial.tolerance(expr)
        pairs = enumerate(zip(trial.each(expr, model.free), target, strict=True))
        return all(trial.error(expr, *pair, seed) <= limit for seed, pair in pairs)
    except EvaluationError:
        return False
