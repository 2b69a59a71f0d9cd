"""The grade of a line: it is compared with the line above it, or with the goal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr

from derive.expressions import Partial
from derive.verify.agreement import agreement
from derive.verify.evaluate import EvaluationError, ShapeError
from derive.verify.exact import decide
from derive.verify.report import LineReport
from derive.verify.trial import Claim, Found, Trial
from derive.verify.witness import Witness, witness

__all__ = ["Above", "graded", "graded_lines"]


@dataclass
class Above:
    """What the next line is compared with."""

    expr: Expr
    found: Found
    is_goal: bool = True


def graded_lines(trial: Trial, claim: Claim) -> list[LineReport]:
    """A grade for each line of a claim.

    The first line is compared with the goal, each further one with the last line above it that
    holds, so that one wrong line fails alone.
    """
    above = Above(claim.goal, trial.values(claim.goal, claim.free))
    grades: list[LineReport] = []
    for expr in claim.lines:
        found = trial.values(expr, claim.free)
        report = graded(trial, expr, found, above)
        if report.grade == "wrong":
            report = replace(report, witness=_witness(trial, claim, expr, above))
        grades.append(report)
        undecided = isinstance(above.found, EvaluationError)
        if grades[-1].holds or (undecided and not isinstance(found, EvaluationError)):
            above = Above(expr, found, is_goal=False)
    return grades


def _witness(trial: Trial, claim: Claim, expr: Expr, above: Above) -> Witness | None:
    """Where a wrong line differs from what it is compared with."""
    goal = "the derivative" if isinstance(above.expr, Partial) else "the left-hand side"
    sides = (goal if above.is_goal else "the line above", "this line")
    return witness(trial.graph, above.expr, expr, claim.free, sides)


def graded(trial: Trial, expr: Expr, found: Found, above: Above) -> LineReport:
    """The grade of an expression with these values."""
    if isinstance(found, ShapeError):
        return LineReport("wrong", reason=found.message)
    if isinstance(found, EvaluationError):
        return LineReport("unknown", reason=found.message)
    if isinstance(above.found, EvaluationError):
        what = "the derivative" if above.is_goal else "the line above"
        return LineReport("unknown", reason=f"{what} has no value: {above.found.message}")
    verdict = decide(expr, above.expr, trial.graph, trial.algebra)

    def proven() -> bool:
        return verdict.equal is True

    compared = agreement(trial, expr, found, above.expr, above.found, proven)
    seen = (len(found), trial.sizes, trial.ranks, compared.digits, compared.tolerance)
    error = compared.error
    other = "the definitions" if above.is_goal else "the line above"
    if verdict.equal is False:
        differs = "differs" if compared.holds is False else "proven different"
        reason = f"{differs} from {other}"
        return LineReport("wrong", error, reason, *seen)
    if compared.holds is not False and verdict.equal:
        return LineReport("exact", error, "", *seen, proof=verdict.method, chance=verdict.error)
    if compared.holds:
        return LineReport("sampled", error, "", *seen)
    if compared.holds is None:
        return LineReport("unknown", error, compared.reason, *seen)
    reason = f"differs from {other}"
    if verdict.equal:
        reason = f"proven equal to {other}, but differs on the samples: a fault of derive"
    return LineReport("wrong", error, reason, *seen)
