"""The steps between two lines of a chain that are equal, found by the rules of the engine.

Both lines are rewritten towards a common form, and every form on the way is kept. Where a form of
the one is a form of the other, the steps down from the first and up to the second are a bridge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sympy import Expr

from derive.calculus.algebra import ALGEBRA, cancel, multiply_out
from derive.calculus.context import Context, Key, key_of
from derive.calculus.derivation import Stage
from derive.calculus.derivative import EVALUATE
from derive.calculus.engine import rewrite
from derive.calculus.facts import write_out
from derive.calculus.index_algebra import INDICES, SUMS
from derive.calculus.plan import derive
from derive.calculus.rule import Rule
from derive.errors import DeriveError, NotationError
from derive.expressions import Graph, Index, Partial
from derive.notation.write import write_text

__all__ = ["bridge"]

MOST_STEPS = 120
# What each line is rewritten by, one table after the other, each as long as a rule of it applies.
TABLES: tuple[Sequence[Rule], ...] = (
    EVALUATE,
    INDICES,
    (multiply_out,),
    (cancel, *INDICES),
    (write_out, *INDICES),
    (multiply_out, *SUMS),
    (cancel, *INDICES),
    ALGEBRA,
)


@dataclass(frozen=True)
class _Move:
    """One rewriting: the form it leads to, and the rule."""

    expr: Expr
    rule: str


def bridge(graph: Graph, left: Expr, right: Expr, free: Sequence[Index]) -> list[str] | None:
    """Lines that lead from one expression to an equal one, each with its rules.

    None if the rules find no way; an empty list where one rule leads there.
    """
    stages = _stages(graph, (left, right))
    down, up = (_forms(graph, expr, stages) for expr in (left, right))
    places = {move.expr: place for place, move in reversed(list(enumerate(up)))}
    meeting = [(n + places[m.expr], n) for n, m in enumerate(down) if m.expr in places]
    if not meeting:
        return None
    _, last = min(meeting)
    back = places[down[last].expr]
    # Upwards each form is reached by the rule that leads down from it.
    rising = [_Move(up[k - 1].expr, f"{up[k].rule}, backwards") for k in range(back, 0, -1)]
    moves = [*down[1 : last + 1], *rising]
    return [] if len(moves) < 2 else list(_written(moves, graph, free))


def _stages(graph: Graph, exprs: Sequence[Expr]) -> dict[Key, Stage]:
    """The derivations of the derivatives of a name by a name that stand in expressions."""
    partials = {p for expr in exprs for p in expr.atoms(Partial) if p.is_named}
    found: dict[Key, Stage] = {}
    for partial in sorted(partials, key=str):
        by_letter = {
            i: Index(f"b{n}", i.size) for n, i in enumerate(dict.fromkeys(partial.indices))
        }
        try:
            derivation = derive(graph, [partial.xreplace(by_letter)])
        except (DeriveError, ValueError, KeyError):
            continue
        for stage in derivation.stages:
            if isinstance(stage.goal, Partial) and stage.goal.is_named:
                found.setdefault(key_of(stage.goal), stage)
    return found


def _forms(graph: Graph, expr: Expr, stages: dict[Key, Stage]) -> list[_Move]:
    """The expression and what the rules make of it, one after the other."""
    found = [_Move(expr, "")]
    if isinstance(expr, Partial) and expr.is_named and key_of(expr) in stages:
        stage = stages[key_of(expr)]
        letters = dict(zip(stage.goal.indices, expr.indices, strict=True))
        found += [_Move(s.after.xreplace(letters), s.rule.name) for s in stage.steps]
    known = {key: (stage.goal, stage.result) for key, stage in stages.items()}
    context = Context(graph, expr, known)
    for table in TABLES:
        found += _applied(found[-1].expr, table, context)
    return found


def _applied(expr: Expr, table: Sequence[Rule], context: Context) -> Iterator[_Move]:
    seen = {expr}
    for _ in range(MOST_STEPS):
        try:
            applied = rewrite(expr, table, context)
        except DeriveError:
            return
        if applied is None or applied[0] in seen:
            return
        expr, step = applied
        seen.add(expr)
        yield _Move(expr, step.rule.name)


def _written(moves: Sequence[_Move], graph: Graph, free: Sequence[Index]) -> Iterator[str]:
    """The moves as lines; what one rule does several times is one line."""
    for rule, group in groupby(moves, key=lambda move: move.rule):
        *_, last = group
        try:
            text = write_text(last.expr, graph, tuple(free))
        except NotationError:
            text = str(last.expr)
        yield f"= {text}   {rule}"
