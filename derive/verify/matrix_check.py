"""Matrix lines graded: both sides compared with the lines in index notation that they say."""

from __future__ import annotations

import numpy as np
from sympy import Expr

from derive.calculus.derivation import Stage
from derive.matrix import Form, MatrixLine, matrix_line
from derive.verify.agreement import PLAIN
from derive.verify.evaluate import EvaluationError, ShapeError
from derive.verify.matrices import entries
from derive.verify.report import LineReport
from derive.verify.trial import Trial

__all__ = ["matrix_report"]


def matrix_report(trial: Trial, stage: Stage) -> LineReport | None:
    """The grade of the matrix line of a stage, or None where it has none.

    The line is `sampled` at best: equal to the result on the same samples, evaluated by
    operations on matrices.
    """
    line = matrix_line(stage, trial.graph)
    if not isinstance(line, MatrixLine):
        return None
    try:
        goal = _error(trial, line, line.goal, stage.goal)
        error = max(goal, _error(trial, line, line.form, stage.result))
    except ShapeError as unfit:
        return LineReport("wrong", reason=unfit.message)
    except EvaluationError as missing:
        return LineReport("unknown", reason=missing.message)
    seen = (len(trial.oracles), trial.sizes)
    if error <= trial.tolerance(stage.goal, stage.result):
        return LineReport("sampled", error, "", *seen)
    if error <= PLAIN and trial.settings.tolerance is None:
        return LineReport("unknown", error, "differs by little, perhaps by rounding", *seen)
    return LineReport("wrong", error, "differs from the index notation", *seen)


def _error(trial: Trial, line: MatrixLine, form: Form, expr: Expr) -> float:
    """How far one side is off from an expression in index notation, on the worst sample."""
    axes = (*line.each, *line.axes)
    reference = trial.values(expr, axes)
    if isinstance(reference, EvaluationError):
        raise EvaluationError(f"the index notation has no value: {reference.message}")
    errors = []
    for seed, (oracle, expected) in enumerate(zip(trial.oracles, reference, strict=True)):
        value = entries(line, form, oracle.values, oracle)
        if not np.all(np.isfinite(value)):
            raise EvaluationError("the line in matrix notation is not finite on the sample")
        errors.append(trial.error(expr, value, expected, seed))
    return max(errors)
