"""The power of a check: whether the data and the tolerance in use tell a result from its mutants.

Every mutant of a result is compared with the derivative of the definitions as the result is. One
that differs on a sample is rejected. One that passes is either proven equal to the result, and
then no mistake, or a survivor: that mistake in the result would not have been noticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from sympy import Expr

from derive.calculus.derivation import Derivation, Stage, exchanged
from derive.expressions import Graph, Partial, nodes_in
from derive.verify.evaluate import Array, EvaluationError, ShapeError, free_axes
from derive.verify.exact import provably_equal
from derive.verify.known import Results, key_of, results_of, with_results
from derive.verify.mutants import Mutant, each_mutant
from derive.verify.parts import Parts
from derive.verify.trial import (
    Claim,
    Settings,
    Trial,
    best_trial,
    is_zero,
    relative_error,
)

__all__ = ["MOST_MUTANTS", "PowerReport", "StagePower", "power", "stage_power", "warnings_for"]

MOST_MUTANTS = 400
"""So many mutants of one result are tried; of a longer one the first ones, which are diverse."""


@dataclass(frozen=True)
class StagePower:
    """What became of the mutants of one result.

    Attributes
    ----------
    generated : how many there were.
    rejected : how many differ from the derivative on a sample, or have no value where it has one.
    equal : how many of the others are proven equal to the result, so that they are no mistakes.
    survivors : those that pass and are not proven equal.
    undecided : those that could not be evaluated.
    cut : whether the result has more mutants than were tried.
    reason : why none were tried, where none were.
    """

    goal: Expr
    generated: int = 0
    rejected: int = 0
    equal: int = 0
    survivors: tuple[Mutant, ...] = ()
    undecided: tuple[Mutant, ...] = ()
    warnings: tuple[str, ...] = ()
    cut: bool = False
    reason: str = ""

    def as_json(self, graph: Graph) -> dict[str, Any]:
        """The counts, and the mutants that were not rejected in words."""

        def words(mutants: Iterable[Mutant]) -> list[str]:
            return [mutant.words(graph, (self.goal,)) for mutant in mutants]

        return {
            "generated": self.generated,
            "rejected": self.rejected,
            "equal": self.equal,
            "survivors": words(self.survivors),
            "undecided": words(self.undecided),
            "warnings": list(self.warnings),
            **({"cut": True} if self.cut else {}),
            **({"reason": self.reason} if self.reason else {}),
        }


@dataclass(frozen=True)
class PowerReport:
    """What became of the mutants of a derivation, and the data and tolerance they met.

    `tolerance` is the largest that a stage was compared with.
    """

    stages: tuple[StagePower, ...]
    seeds: int = 0
    tolerance: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether no mutant survives, and every stage could be tried."""
        return not any(stage.survivors or stage.reason for stage in self.stages)

    @property
    def total(self) -> StagePower:
        """The counts of all stages together; the goal is that of the last one."""
        return StagePower(
            self.stages[-1].goal,
            sum(stage.generated for stage in self.stages),
            sum(stage.rejected for stage in self.stages),
            sum(stage.equal for stage in self.stages),
            tuple(mutant for stage in self.stages for mutant in stage.survivors),
            tuple(mutant for stage in self.stages for mutant in stage.undecided),
        )

    def as_json(self, graph: Graph) -> dict[str, Any]:
        """The counts of every stage as plain data."""
        return {
            "ok": self.ok,
            "seeds": self.seeds,
            "tolerance": self.tolerance,
            "stages": [stage.as_json(graph) for stage in self.stages],
        }


def power(
    derivation: Derivation, settings: Settings | None = None, *, most: int = MOST_MUTANTS
) -> PowerReport:
    """Try all mutants of every result on the data and with the tolerance that settings ask for."""
    stages = derivation.stages
    claims = [Claim(s.goal, (s.result,), free_axes(s.goal)) for s in stages]
    try:
        trial = best_trial(derivation.graph, claims, settings or Settings())
    except EvaluationError as error:
        return PowerReport(tuple(StagePower(s.goal, reason=error.message) for s in stages))
    tolerance = max(trial.tolerance(s.goal, s.result) for s in stages)
    known = results_of(stages)
    found = tuple(stage_power(trial, stage, known, most) for stage in stages)
    return PowerReport(found, len(trial.oracles), tolerance)


def stage_power(trial: Trial, stage: Stage, known: Results, most: int = MOST_MUTANTS) -> StagePower:
    """Try the first mutants of one result; `known` are the results of the whole derivation."""
    free = free_axes(stage.goal)
    goal = trial.values(stage.goal, free)
    if isinstance(goal, EvaluationError):
        return StagePower(stage.goal, reason=f"the derivative has no value: {goal.message}")
    parts = [Parts(trial, seed, free) for seed in range(len(goal))]
    if _rejected(parts, stage.result, goal, trial.tolerance(stage.goal, stage.result)):
        reason = "the result differs from the derivative on these data"
        return StagePower(stage.goal, warnings=warnings_for(trial, stage.goal, goal), reason=reason)
    every = each_mutant(stage.result, free, trial.graph)
    # What contains the goal is no formula for it.
    found = list(islice((m for m in every if not _holds(m.expr, stage.goal)), most + 1))
    cut, found = len(found) > most, found[:most]
    outcomes: dict[str, list[Mutant]] = {}
    for mutant in found:
        outcome = _outcome(trial, stage, parts, mutant.expr, goal, known)
        outcomes.setdefault(outcome, []).append(mutant)
    return StagePower(
        stage.goal,
        len(found),
        len(outcomes.get("rejected", ())),
        len(outcomes.get("equal", ())),
        tuple(outcomes.get("survives", ())),
        tuple(outcomes.get("undecided", ())),
        warnings_for(trial, stage.goal, goal),
        cut,
    )


def _holds(expr: Expr, goal: Expr) -> bool:
    """Whether an expression contains the derivative that is asked for."""
    partials = nodes_in(expr, Partial) if isinstance(goal, Partial) else ()
    return any(key_of(partial_) == key_of(goal) for partial_ in partials)


def _outcome(
    trial: Trial, stage: Stage, parts: list[Parts], expr: Expr, goal: list[Array], known: Results
) -> str:
    try:
        if _rejected(parts, expr, goal, trial.tolerance(stage.goal, expr)):
            return "rejected"
    except EvaluationError:
        return "undecided"
    return "equal" if _is_equal(trial, stage, expr, known) else "survives"


def _rejected(parts: list[Parts], expr: Expr, goal: list[Array], tolerance: float) -> bool:
    """Whether an expression differs from the goal on a sample, or has no value on it.

    Raises
    ------
    EvaluationError : the expression cannot be evaluated.
    """
    for part, reference in zip(parts, goal, strict=True):
        try:
            value = part(expr)
        except ShapeError:
            return True
        if not np.all(np.isfinite(value)):
            return True
        terms = partial(part.largest_term, expr)
        if relative_error(value, reference, tolerance, terms) > tolerance:
            return True
    return False


def _is_equal(trial: Trial, stage: Stage, expr: Expr, known: Results) -> bool:
    """Whether an expression is proven equal to a result, perhaps by what other stages found.

    A second derivative by one tensor twice is the same in either order.
    """
    pairs = (expr, stage.result), (with_results(expr, known), with_results(stage.result, known))
    if expr == exchanged(stage):
        return True
    return any(provably_equal(*pair, trial.graph, trial.algebra) for pair in dict.fromkeys(pairs))


def warnings_for(trial: Trial, expr: Expr, goal: list[Array]) -> tuple[str, ...]:
    """What the data cannot show of a goal."""
    found = []
    if expr.has(Partial) and is_zero(goal):
        found.append("the derivative is zero on every sample, so that a lost factor cannot be seen")
    if trial.one_sided:
        found.append("all samples lie on one side of a kink, so that the other is not checked")
    return tuple(found)
