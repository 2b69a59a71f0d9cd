"""The engine: applies rules to a line and keeps the log that is the derivation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Expr, Indexed, KroneckerDelta

from derive.calculus.context import Context
from derive.calculus.derivation import Line, Step
from derive.calculus.rule import Rule
from derive.errors import DerivationError
from derive.expressions import Partial, broadcast, ranging

__all__ = ["Log", "rewrite"]

# A derivation that needs more steps than this for one stage is taken for a loop.
MOST_STEPS = 5000


def rewrite(expr: Expr, rules: Sequence[Rule], context: Context) -> tuple[Expr, Step] | None:
    """The expression after the first rule that applies, outermost and leftmost node first."""
    found = _rewrite(expr, rules, context)
    if found is None:
        return None
    after, rule, part, new = found
    return after, Step(rule, expr, after, part, new)


def _rewrite(
    expr: Expr, rules: Sequence[Rule], context: Context
) -> tuple[Expr, Rule, Expr, Expr] | None:
    for rule in rules:
        new = rule(expr, context)
        if new is not None and new != expr:
            new = broadcast(new, ranging(expr))
            return new, rule, expr, new
    # What stands inside a partial derivative is opaque until a rule takes it out.
    if isinstance(expr, Partial | Indexed | KroneckerDelta):
        return None
    for position, arg in enumerate(expr.args):
        if not isinstance(arg, Expr):
            continue
        found = _rewrite(arg, rules, context)
        if found is not None:
            args = (*expr.args[:position], found[0], *expr.args[position + 1 :])
            return broadcast(expr.func(*args), ranging(expr)), *found[1:]
    return None


class Log:
    """The lines of one stage as they grow.

    Steps collect until `line` closes them into a line; steps that leave the line as it was
    before the first of them make no line.
    """

    def __init__(self, goal: Expr, context: Context) -> None:
        self.context = context
        self.expr = goal
        self.lines: list[Line] = []
        self._pending: list[Step] = []

    def exhaust(self, rules: Sequence[Rule]) -> bool:
        """Apply rules until none applies; whether one did."""
        before = len(self._pending)
        for after, step in self._applications(rules):
            self._pending.append(step)
            self.expr = after
        return len(self._pending) > before

    def once(self, rules: Sequence[Rule]) -> bool:
        """Apply the first rule that applies, once; whether one did."""
        found = rewrite(self.expr, rules, self.context)
        if found is not None:
            self.expr, step = found
            self._pending.append(step)
        return found is not None

    def record(self, steps: Sequence[Step]) -> None:
        """Take over steps that were found elsewhere and follow on from the line."""
        for step in steps:
            self._pending.append(step)
            self.expr = step.after

    def line(self) -> None:
        """Close the steps since the last line into a line."""
        if self._pending:
            self.lines.append(Line(self.expr, tuple(self._pending)))
            self._pending = []

    def _applications(self, rules: Sequence[Rule]) -> Iterator[tuple[Expr, Step]]:
        expr = self.expr
        for _ in range(MOST_STEPS):
            found = rewrite(expr, rules, self.context)
            if found is None:
                return
            expr = found[0]
            yield found
        raise DerivationError(
            f"no end after {MOST_STEPS} steps", mend="split the formula into several definitions"
        )
