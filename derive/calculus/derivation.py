"""The record of a derivation: steps, the lines they make, the stages they build."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sympy import Expr, Indexed, KroneckerDelta, Symbol

from derive.calculus.rule import Rule
from derive.errors import DerivationError
from derive.expressions import Graph, Partial, bound_apart, indices_of, name_of, nodes_in, ranging

__all__ = [
    "DETAILS",
    "Derivation",
    "Detail",
    "Line",
    "Stage",
    "Step",
    "exchanged",
    "exchanges",
    "terms_agree",
]

Detail = Literal["brief", "article", "full"]
DETAILS: tuple[Detail, ...] = ("brief", "article", "full")


@dataclass(frozen=True)
class Step:
    """One application of one rule: the whole line before and after, and the place.

    `part` is the subexpression that the rule rewrote, `new` what it became.
    """

    rule: Rule
    before: Expr
    after: Expr
    part: Expr
    new: Expr


@dataclass(frozen=True)
class Line:
    """What a reader sees: an expression equal to the one above it, by one or more steps."""

    expr: Expr
    steps: tuple[Step, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules, each once, in the order of their first use."""
        return tuple(dict.fromkeys(step.rule.name for step in self.steps))


@dataclass(frozen=True)
class Stage:
    """One goal, a derivative or a contraction, and the chain of lines from it to its result.

    Raises
    ------
    DerivationError : a line does not start where the one above ends, an index is captured or
        lost, an additive term lacks an index.
    """

    goal: Expr
    lines: tuple[Line, ...]
    title: str = ""

    def __post_init__(self) -> None:
        expr: Expr = self.goal
        for line in self.lines:
            for step in line.steps:
                if step.before != expr:
                    raise DerivationError(f"the rule {step.rule.name!r} does not follow on")
                check_line(step.after, self.goal)
                expr = step.after
            if line.expr != expr:
                raise DerivationError("a line is not what its last step made")

    @property
    def result(self) -> Expr:
        return self.lines[-1].expr

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for line in self.lines for step in line.steps)

    def at(self, detail: Detail) -> tuple[Line, ...]:
        """The lines at a level of detail: the result alone, the author's, or one a step."""
        if detail == "brief":
            return (Line(self.result, self.steps),)
        if detail == "article":
            return self.lines
        return tuple(Line(step.after, (step,)) for step in self.steps)


@dataclass(frozen=True)
class Derivation:
    """The stages that lead from the equations of a graph to the goals.

    `conventions` are sentences on what is taken for a derivative where there is none.
    """

    graph: Graph
    goals: tuple[Expr, ...]
    stages: tuple[Stage, ...]
    name: str = ""
    title: str = ""
    references: tuple[str, ...] = field(default=())
    conventions: tuple[str, ...] = field(default=())

    @property
    def result(self) -> Expr:
        """The right-hand side of the last stage."""
        return self.stages[-1].result


def exchanges(stage: Stage) -> tuple[tuple[Expr, Expr], ...]:
    """The pairs of indices that the result of a stage is symmetric in; none for most stages.

    The second derivative by one tensor is the same in either order.
    """
    goal = stage.goal
    if not isinstance(goal, Partial) or len(goal.variables) != 2:
        return ()
    one, other = goal.variables
    if name_of(one) != name_of(other):
        return ()
    return tuple(zip(indices_of(one), indices_of(other), strict=True))


def exchanged(stage: Stage) -> Expr | None:
    """The result with the indices exchanged that it is symmetric in."""
    pairs = exchanges(stage)
    swap = dict((*pairs, *((other, one) for one, other in pairs)))
    return stage.result.xreplace(swap) if pairs else None


def check_line(expr: Expr, goal: Expr) -> None:
    """Refuse a line in which an index was captured or lost."""
    if not bound_apart(expr):
        raise DerivationError(f"a bound index escaped from its sum in {expr}")
    if ranging(expr) != ranging(goal) and expr != 0:
        raise DerivationError(f"{expr} does not range over the indices of {goal}")
    if not terms_agree(expr):
        raise DerivationError(f"the terms of a sum in {expr} have different free indices")


def terms_agree(expr: Expr) -> bool:
    """Whether every additive term carries the same free indices as its neighbours, or none."""
    if expr.is_Add and not _is_position(expr):
        kinds = {frozenset(ranging(term)) for term in expr.args} - {frozenset()}
        if len(kinds) > 1:
            return False
    # What is added in a slot are numbers.
    leaf = isinstance(expr, Indexed | KroneckerDelta)
    return leaf or all(terms_agree(arg) for arg in expr.args)


def _is_position(expr: Expr) -> bool:
    """Whether the expression computes with indices, as in `[k <= q + 1]`."""
    return all(leaf.is_integer for leaf in nodes_in(expr, Symbol, Indexed))
