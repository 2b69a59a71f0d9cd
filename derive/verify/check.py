"""Verification: every line against the line above it, the first against the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from derive.calculus.derivation import Derivation, Detail, Stage, exchanged
from derive.expressions import Index
from derive.verify.account import account_of
from derive.verify.evaluate import EvaluationError, free_axes
from derive.verify.grading import Above, graded, graded_lines
from derive.verify.known import Results, results_of
from derive.verify.matrix_check import matrix_report
from derive.verify.mutation import StagePower, stage_power, warnings_for
from derive.verify.report import LineReport, Report, StageReport
from derive.verify.trial import Claim, Settings, Trial, best_trial

__all__ = ["Progress", "verify"]

Progress = Callable[[int, int], None]
"""Told how many parts of a work are done, and how many there are."""

# A plain check tries the first mutants of each result alone; `power` tries all.
MOST_MUTANTS = 20


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
    known = results_of(derivation.stages) if mutation else None
    stages: list[StageReport] = []
    for stage, claim in zip(derivation.stages, claims, strict=True):
        if progress:
            progress(len(stages), len(claims))
        stages.append(_stage_report(trial, stage, claim, known))
    return Report(tuple(stages), trial.method, trial.domain, account_of(trial))


def _claim(stage: Stage, detail: Detail) -> Claim:
    lines = tuple(line.expr for line in stage.at(detail))
    return Claim(stage.goal, lines, free_axes(stage.goal))


def _stage_report(trial: Trial, stage: Stage, claim: Claim, known: Results | None) -> StageReport:
    """The evidence for a stage; the check itself is tried where `known` results are given."""
    free, goal = claim.free, trial.values(claim.goal, claim.free)
    grades = graded_lines(trial, claim)
    matrix = matrix_report(trial, stage)
    if isinstance(goal, EvaluationError):
        return StageReport(tuple(grades), matrix=matrix)
    found = StagePower(stage.goal)
    if known is not None and grades[-1].holds:
        found = stage_power(trial, stage, known, MOST_MUTANTS)
    return StageReport(
        tuple(grades),
        found.rejected + len(found.survivors),
        found.rejected,
        found.survivors,
        warnings_for(trial, stage.goal, goal),
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
