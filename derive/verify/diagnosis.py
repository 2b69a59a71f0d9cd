"""A formula or a function that is said to be a gradient: whether it is, and what it is if not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr

from derive.calculus.derivation import Derivation, Stage
from derive.calculus.plan import derive
from derive.errors import GoalError
from derive.expressions import Graph, Shape, name_of, ranging, tensors_in
from derive.notation import read_expression, read_goal
from derive.notation.source import did_you_mean
from derive.verify.comparison import Comparison
from derive.verify.evaluate import Array, EvaluationError, ShapeError, free_axes
from derive.verify.explain import Explanation, Searched, explanations
from derive.verify.implementation import Implementation
from derive.verify.known import Results, results_of
from derive.verify.report import Grade
from derive.verify.settings import Settings
from derive.verify.shapes import of_other_shape, shape_in_words
from derive.verify.trial import Claim, Trial, best_trial

__all__ = ["SECONDS", "Diagnosis", "diagnose", "diagnose_function", "sides"]

SECONDS = 10.0
"""How long is searched for an explanation, unless said otherwise."""

# The length of all axes, where a formula has an index on axes of different lengths.
ONE_SIZE = 4


@dataclass(frozen=True)
class Diagnosis:
    """Whether something is the derivative that it is said to be.

    Attributes
    ----------
    goal : the derivative.
    correct : the result of the derivation.
    given : the formula, or the name of a function.
    grade : `exact` and `sampled` as of a line, `wrong`, or `unknown` for the `reason` given.
    error : the worst error over all samples and entries, relative to the largest entry.
    explanations : what it equals, shortest first; none where no mistake of the search explains it.
    complete : whether the search came to its end.
    """

    goal: Expr
    correct: Expr
    graph: Graph
    given: Expr | str
    grade: Grade
    error: float | None = None
    reason: str = ""
    explanations: tuple[Explanation, ...] = ()
    complete: bool = True

    @property
    def ok(self) -> bool:
        """Whether it is the derivative, as far as could be seen."""
        return self.grade in ("exact", "sampled")


def diagnose(
    derivation: Derivation,
    formula: str,
    settings: Settings | None = None,
    *,
    seconds: float = SECONDS,
) -> Diagnosis:
    """Whether a formula is the last goal, or with `goal = formula` the goal on the left.

    Raises
    ------
    DeriveError : the formula or the goal cannot be read, or has names that the equations lack.
    """
    left, right = sides(formula)
    if left:
        goal = read_goal(left, derivation.graph)
        if goal not in [stage.goal for stage in derivation.stages]:
            derivation = replace_goals(derivation, goal)
    else:
        goal = derivation.goals[-1]
    stage = next(stage for stage in derivation.stages if stage.goal == goal)
    expr = _formula(right, derivation.graph, goal)
    trial = _trial(derivation, stage, expr, settings or Settings())
    found = trial.values(expr, free_axes(goal))
    empty = Diagnosis(goal, stage.result, derivation.graph, expr, "unknown")
    known = results_of(derivation.stages)
    if isinstance(found, ShapeError):
        one_size = _of_one_size(derivation.graph, settings or Settings())
        square = _trial(derivation, stage, expr, one_size)
        fitting = _valued(empty, square, stage, expr, known, seconds)
        return replace(fitting, grade="wrong", error=None, reason=found.message)
    return _valued(empty, trial, stage, expr, known, seconds)


def _trial(derivation: Derivation, stage: Stage, formula: Expr, settings: Settings) -> Trial:
    """Data on which the derivative has values, and on which the formula shows all that it does."""
    claim = Claim(stage.goal, (stage.result, formula), free_axes(stage.goal))
    return best_trial(derivation.graph, [claim], settings)


def _of_one_size(graph: Graph, settings: Settings) -> Settings:
    """Settings with which all axes have one length, so that every index fits everywhere."""
    axes = ((name, axis) for name in graph.names for axis in range(graph.arity[name]))
    sizes = {graph.axis_size(*axis) for axis in axes}
    free = [size for size in sizes if not size.is_Integer and not isinstance(size, Shape)]
    return replace(settings, sizes={str(size): ONE_SIZE for size in free})


def _valued(
    empty: Diagnosis, trial: Trial, stage: Stage, expr: Expr, known: Results, seconds: float
) -> Diagnosis:
    """The diagnosis of a formula that has values on the samples."""
    found = trial.values(expr, free_axes(stage.goal))
    goal = trial.values(stage.goal, free_axes(stage.goal))
    if isinstance(found, EvaluationError):
        return replace(empty, reason=found.message)
    if isinstance(goal, EvaluationError):
        return replace(empty, reason=f"the derivative has no value: {goal.message}")
    compared = Comparison(trial, stage, found, known, expr)
    return _compared(empty, compared, goal, seconds)


def diagnose_function(
    derivation: Derivation,
    function: Callable[..., Any],
    settings: Settings | None = None,
    *,
    goal: str = "",
    seconds: float = SECONDS,
) -> tuple[Diagnosis, ...]:
    """Whether the arrays that a function returns are the goals of a derivation.

    A single array is the `goal`, by default the last one; a tuple has one for each goal.

    Raises
    ------
    DeriveError : the function cannot be called, or returns no arrays for the goals.
    """
    if goal:
        derivation = replace_goals(derivation, read_goal(goal, derivation.graph))
    stages = [stage for stage in derivation.stages if stage.goal in derivation.goals]
    claims = [Claim(s.goal, (s.result,), free_axes(s.goal)) for s in stages]
    trial = best_trial(derivation.graph, claims, settings or Settings())
    call = Implementation(function, derivation.graph, derivation.goals)
    answers = [call(oracle) for oracle in trial.oracles]
    known = results_of(derivation.stages)
    return tuple(
        _returned(
            trial, stage, [answer[stage.goal] for answer in answers], call.name, known, seconds
        )
        for stage in stages
        if stage.goal in answers[0]
    )


def replace_goals(derivation: Derivation, goal: Expr) -> Derivation:
    """The derivation of another goal from the same equations."""
    return derive(derivation.graph, [goal], name=derivation.name, title=derivation.title)


def sides(formula: str) -> tuple[str, str]:
    """The goal and the formula of `goal = formula`; an `=` in brackets is a comparison."""
    depth = 0
    for place, letter in enumerate(formula):
        depth += (letter in "([{") - (letter in ")]}")
        beside = formula[max(place - 1, 0) : place + 2]
        if letter == "=" and depth == 0 and not set(beside) & set("<>!:"):
            return formula[:place].strip(), formula[place + 1 :].strip()
    return "", formula


def _formula(text: str, graph: Graph, goal: Expr) -> Expr:
    expr = read_expression(text, graph, free_axes(goal), lone=True)
    known = {*graph.names, *(name_of(node) for node in tensors_in(goal))}
    for node in tensors_in(expr):
        name = name_of(node)
        if name not in known:
            mend = did_you_mean(name, known) or f"the names are {', '.join(graph.names)}"
            raise GoalError(f"{name} is not in the equations", mend=mend)
    foreign = sorted(index.name for index in ranging(expr) - ranging(goal))
    if foreign:
        raise GoalError(
            f"index {foreign[0]} is free in the formula and not in the goal",
            mend=f"write `1_{foreign[0]}` to sum over it",
        )
    return expr


def _compared(
    empty: Diagnosis, compared: Comparison, goal: list[Array], seconds: float
) -> Diagnosis:
    """The grade of values of the right shape, and what explains them where they are wrong."""
    error = compared.error(goal)
    if error <= compared.tolerance and not compared.refutes(compared.stage.result):
        proven = compared.proves(compared.stage.result)
        return replace(empty, grade="exact" if proven else "sampled", error=error)
    turned = tuple(of_other_shape(compared, goal))
    found = Searched(turned) if turned else explanations(compared, seconds)
    wrong = replace(empty, grade="wrong", error=error, complete=found.complete)
    return replace(wrong, explanations=found.found)


def _returned(
    trial: Trial,
    stage: Stage,
    arrays: Sequence[Array],
    name: str,
    known: Results,
    seconds: float,
) -> Diagnosis:
    empty = Diagnosis(stage.goal, stage.result, trial.graph, name, "wrong")
    goal = trial.values(stage.goal, free_axes(stage.goal))
    if isinstance(goal, EvaluationError):
        return replace(
            empty, grade="unknown", reason=f"the derivative has no value: {goal.message}"
        )
    if not all(np.all(np.isfinite(array)) for array in arrays):
        return replace(empty, reason="what is returned is not finite")
    compared = Comparison(trial, stage, list(arrays), known)
    reason = shape_in_words(arrays, goal)
    if reason:
        found = tuple(of_other_shape(compared, goal))
        return replace(empty, reason=reason, explanations=found)
    return _compared(empty, compared, goal, seconds)
