"""Whether two expressions agree on the samples of a trial, and how surely.

Entries are compared one by one, each relative to itself, so that a small one counts as much as a
large one. Where floating point cannot tell rounding from a mistake, both sides are evaluated with
many digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr

from derive.expressions import Index
from derive.verify.digits import DIGITS
from derive.verify.evaluate import Array, EvaluationError, free_axes
from derive.verify.trial import FLOOR, Trial

__all__ = ["CERTAIN", "PLAIN", "ROUNDING", "Agreement", "agreement", "entry_error"]

ROUNDING: Mapping[str, float] = {"complex step": 1e-12, "central differences": 1e-9}
"""An error that rounding explains: no line of this size is looked at with many digits."""
CERTAIN = 1e-20
"""The worst relative error of a line that holds, with many digits: some thirty are left."""
# With many digits, what is this small beside the largest entry, and beside 1, is nothing.
NOTHING = 1e-40
# A difference this large is no rounding, where the digits cannot be had.
PLAIN = 1e-3


@dataclass(frozen=True)
class Agreement:
    """What a comparison found.

    `holds` is None where it could not be decided, for the `reason` given. `tolerance` is what
    the error is measured by, and `digits` the number of digits reckoned with, None for those of
    floating point.
    """

    error: float
    tolerance: float
    holds: bool | None
    digits: int | None = None
    reason: str = ""


def agreement(
    trial: Trial,
    expr: Expr,
    found: list[Array],
    other: Expr,
    expected: list[Array],
    proven: Callable[[], bool] = lambda: False,
) -> Agreement:
    """Whether an expression agrees with another; both have values on all samples.

    Where they are `proven` equal, an error that rounding may explain is not looked into.
    """
    pairs = list(zip(found, expected, strict=True))
    rough = max(trial.error(expr, *pair, seed) for seed, pair in enumerate(pairs))
    tolerance = trial.tolerance(expr, other)
    if trial.settings.tolerance is not None:
        return Agreement(rough, tolerance, rough <= tolerance)
    errors = [entry_error(*pair) for pair in pairs]
    rounding = ROUNDING["complex step" if tolerance < 1e-8 else "central differences"]
    wide = any(trial.is_wide(seed) for seed in range(len(pairs)))
    unsure = [s for s, error in enumerate(errors) if error > rounding or trial.is_wide(s)]
    if not unsure:
        return Agreement(max(errors), rounding, True)
    if rough <= tolerance and proven():
        return Agreement(rough, tolerance, True)
    # Generic data settle it on one sample; but the fault may lie in a sample, if it is no rounding.
    chosen = [min(unsure, key=trial.entries)] if rough <= rounding else unsure
    try:
        error = max(_error_in_digits(trial, expr, other, seed) for seed in chosen)
    except EvaluationError as failure:
        plain = max(_plain_error(*pair) for pair in pairs)
        return _without_digits(max(rough, plain), tolerance, failure.message, wide)
    return Agreement(error, CERTAIN, error <= CERTAIN, DIGITS)


def _without_digits(error: float, tolerance: float, reason: str, wide: bool) -> Agreement:
    """What floating point alone says of an error beside the largest entry."""
    if error > PLAIN and not wide:
        return Agreement(error, tolerance, False)
    if error <= tolerance and not wide:
        return Agreement(error, tolerance, True)
    why = f"floating point cannot tell rounding from a mistake, and with many digits: {reason}"
    return Agreement(error, tolerance, None, reason=why)


def _plain_error(value: Array, reference: Array) -> float:
    """The error beside the largest entry, which for data of the order 1 is hardly less than 1."""
    distance, *sides = (
        float(np.max(np.abs(a), initial=0.0)) for a in (value - reference, value, reference)
    )
    return distance / max(*sides, FLOOR)


def entry_error(value: Array, reference: Array, nothing: float = 0.0) -> float:
    """The worst error of an entry relative to itself; up to `nothing` is zero."""
    distance = np.abs(value - reference)
    scale = np.maximum(np.abs(value), np.abs(reference))
    ratios = (
        d / s for d, s in zip(np.ravel(distance), np.ravel(scale), strict=True) if d > nothing
    )
    return float(max(ratios, default=0.0))


def _error_in_digits(trial: Trial, expr: Expr, other: Expr, seed: int) -> float:
    free: tuple[Index, ...] = free_axes(other, expr)
    value, reference = (trial.in_digits(side, free, seed) for side in (expr, other))
    largest: Any = max(1, _largest(np.ravel(value)), _largest(np.ravel(reference)))
    return entry_error(value, reference, NOTHING * largest)


def _largest(entries: Iterable[Any]) -> Any:
    return max(map(abs, entries), default=0)
