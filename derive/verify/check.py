"""Verification: every line against the line above it, the first against the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sympy import Add, Expr

from derive.calculus.derivation import Derivation, Detail, Line, Stage, exchanged
from derive.expressions import Graph, Index, Iverson, Partial
from derive.verify.evaluate import Array, Compiler, EvaluationError, ShapeError, free_axes
from derive.verify.exact import Normals, provably_equal
from derive.verify.kinks import comparisons
from derive.verify.matrix_check import matrix_report
from derive.verify.mutants import Mutant, mutants
from derive.verify.oracle import Method, Oracle
from derive.verify.report import LineReport, Report, StageReport
from derive.verify.sample import Domain, NotFiniteError, domains, draw, finite
from derive.verify.solve import IllConditionedError
from derive.verify.spread import Spread, drawn_ranks, shapes_of

__all__ = ["TOLERANCE", "verify"]

TOLERANCE: dict[Method, float] = {"complex step": 1e-9, "central differences": 1e-6}
"""The worst relative error of a line that holds.

A complex step loses no digits, so that lines that are equal differ by rounding, some 1e-15 times
the number of operations; extrapolated differences lose five to six digits. A mistake in a term
changes an entry by a large part of itself. The tolerances lie between, far from both.
"""

# Entries are compared relative to the largest one, but no finer than this: the data are of the
# order 1, so that what is left of terms that cancel is rounding and may be far from equal.
FLOOR = 1e-3
# With this many domains tried in full, the one on which most lines have a value is taken.
MOST_TRIALS = 12
# So many samples may be drawn anew because a relation has no good solution on them.
MOST_REDRAWS = 8
# With kinks, data that fall on one side of one are drawn again.
MOST_DRAWS = 4

Found = list[Array] | EvaluationError
"""The values of an expression on all samples, or why it has none."""


def verify(
    derivation: Derivation, *, detail: Detail = "article", seeds: int = 3, mutation: bool = True
) -> Report:
    """Grade every line of a derivation, and the check itself by mutants of the results.

    The first line of a stage is compared with the oracle's value of the goal, each further one
    with the last line above it that holds, so that one wrong line fails alone.
    """
    stages = [(stage, stage.at(detail)) for stage in derivation.stages]
    try:
        trial = _best_trial(derivation, stages, seeds)
    except EvaluationError as error:
        lost = LineReport("unknown", reason=error.message)
        return Report(tuple(StageReport((lost,) * len(lines)) for _, lines in stages))
    return Report(
        tuple(_stage_report(trial, stage, lines, mutation) for stage, lines in stages),
        trial.method,
        trial.domain,
    )


class _Trial:
    """The oracles for one choice of data, one for each seed."""

    def __init__(
        self, derivation: Derivation, domain: Domain, seeds: range, compiler: Compiler
    ) -> None:
        graph = self.graph = derivation.graph
        exprs = [e for s in derivation.stages for e in (s.goal, *(line.expr for line in s.lines))]
        self.domain = domain
        self.normals = Normals(graph)
        # One after the other, so that a domain that will not do is left at the first sample.
        self.spreads: list[Spread] = []
        self.oracles: list[Oracle] = []
        for seed in seeds:
            spread = Spread(graph, drawn_ranks(graph, seed))
            self.spreads.append(spread)
            lines = [spread(expr) for expr in exprs]
            self.oracles.append(_oracle(spread.graph, domain, seed, lines, compiler))
        self._known: dict[tuple[Expr, tuple[Index, ...]], Found] = {}

    @property
    def method(self) -> Method:
        used = any(oracle.differences_used for oracle in self.oracles)
        return "central differences" if used else "complex step"

    @property
    def sizes(self) -> tuple[dict[str, int], ...]:
        samples = (oracle.sample for oracle in self.oracles)
        return tuple({str(s): n for s, n in sample.sizes.items()} for sample in samples)

    @property
    def ranks(self) -> tuple[dict[str, int], ...]:
        """For each sample the rank of each multi-index; nothing if there are none."""
        letters = shapes_of(self.graph)
        if not letters:
            return ()
        return tuple({letters[shape]: n for shape, n in s.ranks.items()} for s in self.spreads)

    def values(self, expr: Expr, free: tuple[Index, ...]) -> Found:
        """The value on each sample, or the first reason why there is none."""
        if (expr, free) not in self._known:
            try:
                found: Found = list(self.each(expr, free))
            except EvaluationError as error:
                found = error
            self._known[expr, free] = found
        return self._known[expr, free]

    def each(self, expr: Expr, free: tuple[Index, ...]) -> Iterator[Array]:
        for seed in range(len(self.oracles)):
            yield finite(self._value(expr, free, seed), "the line")

    def _value(self, expr: Expr, free: tuple[Index, ...], seed: int) -> Array:
        spread = self.spreads[seed]
        return self.oracles[seed](spread(expr), spread.axes(free))

    @cached_property
    def compared(self) -> list[Iverson]:
        """What the definitions compare."""
        return comparisons(side for equation in self.graph.equations for side in equation.sides)

    @cached_property
    def one_sided(self) -> int:
        """How many comparisons of the definitions come out alike on all samples."""
        found = [self.values(node, free_axes(node)) for node in self.compared]
        arrays = [each for each in found if not isinstance(each, EvaluationError)]
        return sum(len({x for array in each for x in array.flat}) < 2 for each in arrays)

    def tolerance(self, *exprs: Expr) -> float:
        """How far values may be apart that rest on the derivatives in expressions."""
        rough = any(oracle.first_by_differences for oracle in self.oracles)
        second = any(isinstance(p.function, Partial) for e in exprs for p in e.atoms(Partial))
        return TOLERANCE["central differences" if rough or second else "complex step"]

    def error(self, expr: Expr, value: Array, reference: Array, seed: int) -> float:
        """How far a value is off, relative to the scale on which it is known."""
        distance = float(np.max(np.abs(value - reference), initial=0.0))
        scale = max(float(np.max(np.abs(a), initial=0.0)) for a in (value, reference))
        if distance > self.tolerance(expr) * max(scale, FLOOR):
            scale = max(scale, FLOOR * self._terms(expr, seed))
        return distance / max(scale, FLOOR)

    def _terms(self, expr: Expr, seed: int) -> float:
        """The largest entry of a term, which cancels perhaps against another."""
        terms = (self._value(term, free_axes(term), seed) for term in Add.make_args(expr))
        return max(float(np.max(np.abs(value), initial=0.0)) for value in terms)


def _oracle(
    graph: Graph, domain: Domain, seed: int, exprs: Sequence[Expr], compiler: Compiler
) -> Oracle:
    """The oracle on the first sample on which the relations of the graph can be solved."""
    for again in range(MOST_REDRAWS):
        with suppress(IllConditionedError):
            return Oracle(graph, draw(graph, domain, seed + 1000 * again, exprs), compiler)
    return Oracle(graph, draw(graph, domain, seed, exprs), compiler)


def _best_trial(
    derivation: Derivation, stages: Sequence[tuple[Stage, Sequence[Line]]], seeds: int
) -> _Trial:
    """The first domain on which everything has a value, or the one on which most lines have."""
    compiler = Compiler()
    best: tuple[tuple[int, int, int], _Trial] | None = None
    reason: EvaluationError = EvaluationError("no sample was found")
    trials = 0
    for domain, first in _draws(derivation.graph):
        try:
            trial = _Trial(derivation, domain, range(first * seeds, (first + 1) * seeds), compiler)
        except NotFiniteError as error:
            reason = error
            continue
        missing = sum(
            isinstance(trial.values(expr, free_axes(stage.goal)), NotFiniteError)
            for stage, lines in stages
            for expr in (stage.goal, *(line.expr for line in lines))
        )
        rank = (
            missing,
            trial.one_sided,
            bool(trial.compared)
            * sum(_is_zero(trial.values(stage.goal, free_axes(stage.goal))) for stage, _ in stages),
        )
        if best is None or rank < best[0]:
            best = rank, trial
        trials += 1
        if rank == (0, 0, 0) or trials == MOST_TRIALS:
            break
    if best is None:
        raise reason
    return best[1]


def _draws(graph: Graph) -> Iterator[tuple[Domain, int]]:
    """Domains with the number of a draw; where a graph has kinks several draws are worth it."""
    every = domains(graph)
    usual = next(every)
    kinked = bool(comparisons(side for equation in graph.equations for side in equation.sides))
    for domain in (usual, dict.fromkeys(usual, "wide")) if kinked else (usual,):
        yield from ((domain, number) for number in range(MOST_DRAWS if kinked else 1))
    yield from ((domain, 0) for domain in every)


@dataclass
class _Above:
    """What the next line is compared with."""

    expr: Expr
    found: Found
    is_goal: bool = True


def _stage_report(
    trial: _Trial, stage: Stage, lines: Sequence[Line], mutation: bool
) -> StageReport:
    free = free_axes(stage.goal)
    goal = trial.values(stage.goal, free)
    above = _Above(stage.goal, goal)
    graded: list[LineReport] = []
    for line in lines:
        found = trial.values(line.expr, free)
        graded.append(_graded(trial, line.expr, found, above))
        undecided = isinstance(above.found, EvaluationError)
        if graded[-1].holds or (undecided and not isinstance(found, EvaluationError)):
            above = _Above(line.expr, found, is_goal=False)
    matrix = matrix_report(trial, stage)
    if isinstance(goal, EvaluationError):
        return StageReport(tuple(graded), matrix=matrix)
    report = _power(trial, stage, free, goal) if mutation and graded[-1].holds else (0, ())
    return StageReport(
        tuple(graded),
        report[0],
        report[0] - len(report[1]),
        report[1],
        _warnings(trial, goal),
        _symmetry(trial, stage, free),
        matrix,
    )


def _symmetry(trial: _Trial, stage: Stage, free: tuple[Index, ...]) -> LineReport | None:
    """The evidence that a second derivative by one tensor stays when its indices are exchanged."""
    turned = exchanged(stage)
    if turned is None:
        return None
    report = _graded(
        trial,
        turned,
        trial.values(turned, free),
        _Above(stage.result, trial.values(stage.result, free), is_goal=False),
    )
    if report.grade != "wrong":
        return report
    return replace(report, reason="changes when the indices are exchanged")


def _graded(trial: _Trial, expr: Expr, found: Found, above: _Above) -> LineReport:
    if isinstance(found, ShapeError):
        return LineReport("wrong", reason=found.message)
    if isinstance(found, EvaluationError):
        return LineReport("unknown", reason=found.message)
    if isinstance(above.found, EvaluationError):
        what = "the derivative" if above.is_goal else "the line above"
        return LineReport("unknown", reason=f"{what} has no value: {above.found.message}")
    pairs = enumerate(zip(found, above.found, strict=True))
    error = max(trial.error(expr, value, other, seed) for seed, (value, other) in pairs)
    proven = not above.is_goal and provably_equal(expr, above.expr, trial.graph, trial.normals)
    seen = (len(found), trial.sizes, trial.ranks)
    if error <= trial.tolerance(expr, above.expr):
        return LineReport("exact" if proven else "sampled", error, "", *seen)
    reason = "differs from the definitions" if above.is_goal else "differs from the line above"
    if proven:
        reason = "proven equal to the line above, but differs on the samples: a fault of derive"
    return LineReport("wrong", error, reason, *seen)


def _power(
    trial: _Trial, stage: Stage, free: tuple[Index, ...], goal: list[Array]
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
    trial: _Trial, expr: Expr, free: tuple[Index, ...], goal: list[Array], tolerance: float
) -> bool:
    """Whether a sample tells the expression from the goal."""
    for seed, (value, reference) in enumerate(zip(trial.each(expr, free), goal, strict=False)):
        if trial.error(expr, value, reference, seed) > tolerance:
            return True
    return False


def _is_zero(found: Found) -> bool:
    """Whether an expression vanishes on all samples."""
    if isinstance(found, EvaluationError):
        return False
    return all(np.max(np.abs(value), initial=0.0) < 1e-12 for value in found)


def _warnings(trial: _Trial, goal: list[Array]) -> tuple[str, ...]:
    found = []
    if _is_zero(goal):
        found.append("the derivative is zero on every sample, so that a lost factor cannot be seen")
    if trial.one_sided:
        found.append("all samples lie on one side of a kink, so that the other is not checked")
    return tuple(found)
