"""Verification: every line against the line above it, the first against the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sympy import Expr

from derive.calculus.derivation import Derivation, Detail, Stage, exchanged
from derive.expressions import Index
from derive.verify.account import account_of
from derive.verify.evaluate import Array, EvaluationError, ShapeError, free_axes
from derive.verify.exact import provably_equal
from derive.verify.grading import Above, graded, graded_lines
from derive.verify.matrix_check import matrix_report
from derive.verify.mutants import Mutant, mutants
from derive.verify.report import LineReport, Report, StageReport
from derive.verify.trial import Claim, Settings, Trial, best_trial, is_zero

__all__ = ["Progress", "verify"]

Progress = Callable[[int, int], None]
"""Told how many parts of a work are done, and how many there are."""


def verify(
    derivation: Derivation,
    settings: Settings | None = None,
    *,
    detail: Detail = "article",
    mutation: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Grade every line of a derivation, and the check itself by mutants of the results.

    The first line of a stage is compared with the oracle's value of the goal, each further one
    with the last line above it that holds, so that one wrong line fails alone. `progress` is told
    before each stage how many are done, and how many there are.
    """
    claims = [_claim(stage, detail) for stage in derivation.stages]
    try:
        trial = best_trial(derivation.graph, claims, settings or Settings())
    except EvaluationError as error:
        lost = LineReport("unknown", reason=error.message)
        return Report(tuple(StageReport((lost,) * len(claim.lines)) for claim in claims))
    stages: list[StageReport] = []
    for stage, claim in zip(derivation.stages, claims, strict=True):
        if progress:
            progress(len(stages), len(claims))
        stages.append(_stage_report(trial, stage, claim, mutation))
    return Report(tuple(stages), trial.method, trial.domain, account_of(trial))


def _claim(stage: Stage, detail: Detail) -> Claim:
    lines = tuple(line.expr for line in stage.at(detail))
    return Claim(stage.goal, lines, free_axes(stage.goal))


def _stage_report(trial: Trial, stage: Stage, claim: Claim, mutation: bool) -> StageReport:
    free, goal = claim.free, trial.values(claim.goal, claim.free)
    grades = graded_lines(trial, claim)
    matrix = matrix_report(trial, stage)
    if isinstance(goal, EvaluationError):
        return StageReport(tuple(grades), matrix=matrix)
    report = _power(trial, stage, free, goal) if mutation and grades[-1].holds else (0, ())
    return StageReport(
        tuple(grades),
        report[0],
        report[0] - len(report[1]),
        report[1],
        _warnings(trial, goal),
        _symmetry(trial, stage, free),
        matrix,
    )


def _symmetry(trial: Trial, stage: Stage, free: tuple[Index, ...]) -> LineReport | None:
    """The evidence that a second derivative by one tensor stays when its indices are exchanged."""
    turned = exchanged(stage)
    if turned is None:
        return None
    report = graded(
        trial,
        turned,
        trial.values(turned, free),
        Above(stage.result, trial.values(stage.result, free), is_goal=False),
    )
    if report.grade != "wrong":
        return report
    return replace(report, reason="changes when the indices are exchanged")


def _power(
    trial: Trial, stage: Stage, free: tuple[Index, ...], goal: list[Array]
) -> tuple[int, tuple[Mutant, ...]]:
    """The number of mutants that have a value, and those among them that pass for the result."""
    tried = 0
    survivors: list[Mutant] = []
    for mutant in mutants(stage.result, free):
        try:
            tolerance = trial.tolerance(stage.goal, mutant.expr)
            rejected = _is_rejected(trial, mutant.expr, free, goal, tolerance)
        except ShapeError:
            rejected = True
        except EvaluationError:
            continue
        if not rejected and provably_equal(mutant.expr, stage.result, trial.graph, trial.normals):
            continue
        tried += 1
        survivors += [] if rejected else [mutant]
    return tried, tuple(survivors)


def _is_rejected(
    trial: Trial, expr: Expr, free: tuple[Index, ...], goal: list[Array], tolerance: float
) -> bool:
    """Whether a sample tells the expression from the goal."""
    for seed, (value, reference) in enumerate(zip(trial.each(expr, free), goal, strict=False)):
        if trial.error(expr, value, reference, seed) > tolerance:
            return True
    return False


def _warnings(trial: Trial, goal: list[Array]) -> tuple[str, ...]:
    found = []
    if is_zero(goal):
        found.append("the derivative is zero on every sample, so that a lost factor cannot be seen")
    if trial.one_sided:
        found.append("all samples lie on one side of a kink, so that the other is not checked")
    return tuple(found)
