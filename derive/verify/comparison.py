"""Given values of a goal beside those of expressions, on all samples of a trial."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
from sympy import Expr

from derive.calculus.derivation import Stage
from derive.expressions import Graph
from derive.notation.write import write_text
from derive.verify.evaluate import Array, EvaluationError, free_axes
from derive.verify.exact import Verdict, decide
from derive.verify.known import Results, with_results
from derive.verify.parts import Parts
from derive.verify.trial import FLOOR, Trial, largest, relative_error

__all__ = ["Comparison"]


class Comparison:
    """Values that are said to be those of a goal.

    Attributes
    ----------
    target : the values, for each sample; they have the shape of the goal and are finite.
    expr : the formula whose values they are, where there is one.
    known : the results of the derivation.
    """

    def __init__(
        self,
        trial: Trial,
        stage: Stage,
        target: list[Array],
        known: Results,
        expr: Expr | None = None,
    ) -> None:
        self.trial, self.stage, self.target, self.expr = trial, stage, target, expr
        self.known = {key: value for key, value in known.items() if value[0] != stage.goal}
        self.free = free_axes(stage.goal)
        self.parts = [Parts(trial, seed, self.free) for seed in range(len(target))]
        self.tolerance = trial.tolerance(stage.goal, *([expr] if expr is not None else []))

    @property
    def graph(self) -> Graph:
        return self.trial.graph

    def write(self, expr: Expr) -> str:
        """An expression as text, with letters that go with the goal."""
        return write_text(expr, self.graph, (self.stage.goal,))

    def value(self, expr: Expr, seed: int) -> Array | None:
        """The value of an expression on a sample, if it has one."""
        try:
            found = self.parts[seed](expr)
        except EvaluationError:
            return None
        return found if np.all(np.isfinite(found)) else None

    def are(self, values: Iterable[Array | None]) -> bool:
        """Whether these are the given values, on one sample after the other."""
        return all(
            value is not None and self.close(value, seed) for seed, value in enumerate(values)
        )

    def close(self, value: Array, seed: int) -> bool:
        """Whether this is the given value on one sample."""
        target = self.target[seed]
        scale = max(largest(value), largest(target), FLOOR)
        return largest(value - target) <= self.tolerance * scale

    def are_close(self, arrays: Sequence[Array], goal: Sequence[Array]) -> bool:
        """Whether arrays are the values of the goal, their shapes included."""
        pairs = list(zip(arrays, goal, strict=True))
        if any(array.shape != value.shape for array, value in pairs):
            return False
        scales = [max(largest(value), FLOOR) for value in goal]
        errors = [largest(array - value) for array, value in pairs]
        return all(e <= self.tolerance * s for e, s in zip(errors, scales, strict=True))

    def error(self, goal: Sequence[Array]) -> float:
        """The worst relative error over all samples and entries."""
        return max(
            relative_error(value, reference, self.tolerance, partial(self._largest_term, seed))
            for seed, (value, reference) in enumerate(zip(self.target, goal, strict=True))
        )

    def _largest_term(self, seed: int) -> float:
        return 0.0 if self.expr is None else self.parts[seed].largest_term(self.expr)

    def is_given(self, expr: Expr) -> bool:
        """Whether the given values are those of an expression."""
        return self.are(self.value(expr, seed) for seed in range(len(self.target)))

    def proves(self, expr: Expr) -> bool:
        """Whether the given formula is proven equal to an expression."""
        if self.expr is None:
            return False
        return any(verdict.equal is True for verdict in self._verdicts(self.expr, expr))

    def refutes(self, expr: Expr) -> bool:
        """Whether the given formula is proven different from an expression."""
        if self.expr is None:
            return False
        return any(verdict.equal is False for verdict in self._verdicts(self.expr, expr))

    def _verdicts(self, own: Expr, expr: Expr) -> Iterator[Verdict]:
        for pair in ((own, expr), (self.whole(own), self.whole(expr))):
            yield decide(*pair, self.graph, self.trial.algebra)

    def whole(self, expr: Expr) -> Expr:
        """The expression with known results in place of gradients."""
        return with_results(expr, self.known)
