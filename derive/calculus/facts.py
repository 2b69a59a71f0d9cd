"""Facts that follow from the definitions: contractions of a defined tensor that collapse.

`1_i s_i = 1` for a softmax, `1_h μ_bh = 0` for what has its mean taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sympy import Expr, Indexed, Mul

from derive.calculus.context import Context
from derive.calculus.cost import cost
from derive.calculus.derivation import Stage
from derive.calculus.engine import Log
from derive.calculus.fold import fold_rules
from derive.calculus.match import PartOfSum, part_of_sum
from derive.calculus.rule import Rule, rule
from derive.calculus.tidy import tidy
from derive.expressions import (
    Contraction,
    Graph,
    Index,
    One,
    free_indices,
    indices_of,
    is_tensor,
    name_of,
    nodes_in,
)

__all__ = ["FACT", "Facts", "write_out"]

FACT = "known fact"

Key = tuple[str, tuple[int, ...]]
"""A defined tensor and the axes over which it is summed."""


@rule(
    "write out the definition",
    "s_n = exp(x_n)/σ",
    free="n",
    where="σ := 1_j exp(x_j); s_i = exp(x_i)/σ",
    refuses=("x_n",),
)
def write_out(node: Expr, context: Context) -> Expr | None:
    """A name stands for its definition."""
    if not is_tensor(node) or name_of(node) not in context.graph:
        return None
    equation = context.graph[name_of(node)]
    return None if equation.is_relation else equation.at(indices_of(node))


@rule(
    FACT,
    "1_i s_i = 1",
    where="σ := 1_j exp(x_j); s_i = exp(x_i)/σ",
    refuses=("1_i x_i",),
)
def known_fact(node: Expr, context: Context) -> Expr | None:
    """It follows from the definition and has been derived."""
    folds = {equation.name: fold_rules(equation) for equation in context.graph.equations}
    return Facts(context.graph, folds).rule(node, context)


class Facts:
    """The facts about a graph, found when they are asked for.

    Parameters
    ----------
    graph : the definitions.
    folds : for each name the rules that fold its definition.
    """

    def __init__(self, graph: Graph, folds: Mapping[str, Sequence[Rule]]) -> None:
        self.graph = graph
        self.folds = folds
        self._stages: dict[Key, Stage | None] = {}
        self.rule = replace(known_fact, rewrite=self._rewrite)

    def used_in(self, expr: Expr) -> list[Stage]:
        """The stages that prove the facts about contractions in an expression."""
        keys = [key for node in nodes_in(expr, Contraction) if (key := self._key(node))]
        return [stage for key in sorted(set(keys)) if (stage := self._stage(key))]

    def _rewrite(self, node: Expr, _context: Context) -> Expr | None:
        """The expression with every contraction replaced that a fact is about."""
        values = {
            contraction: value
            for contraction in nodes_in(node, Contraction)
            if (value := self._value(contraction)) is not None
        }
        after = node.xreplace(values) if values else node
        return None if after == node else after

    def _value(self, contraction: Contraction) -> Expr | None:
        """The contraction with a fact used about a sum in it."""
        key = self._key(contraction)
        stage = self._stage(key) if key else None
        if key is None or stage is None:
            return None
        part = self._part(key, contraction)
        return None if part is None else part.with_value(stage.result)

    def _part(self, key: Key, contraction: Contraction) -> PartOfSum | None:
        """Where the sum that a key stands for is inside a contraction."""
        equation = self.graph[key[0]]
        summed = Contraction(equation.lhs, *(equation.indices[axis] for axis in key[1]))
        free = tuple(i for axis, i in enumerate(equation.indices) if axis not in key[1])
        return part_of_sum(summed, contraction, free)

    def _key(self, contraction: Contraction) -> Key | None:
        """What the contraction sums by itself: one defined tensor over axes of it."""
        factors = [f for f in Mul.make_args(contraction.body) if not isinstance(f, One)]
        for factor in factors:
            if isinstance(factor, Indexed) and name_of(factor) in self.graph:
                slots = indices_of(factor)
                others = set().union(*(free_indices(f) for f in factors if f is not factor))
                others |= {slot for slot in slots if slots.count(slot) > 1}
                others |= {i for s in slots if not isinstance(s, Index) for i in free_indices(s)}
                alone = set(contraction.bound) - others
                axes = tuple(axis for axis, slot in enumerate(slots) if slot in alone)
                if axes and self._stage((name_of(factor), axes)):
                    return name_of(factor), axes
        return None

    def _stage(self, key: Key) -> Stage | None:
        if key not in self._stages:
            # A definition is made of earlier ones, so a fact about it can rest on theirs alone.
            self._stages[key] = None
            self._stages[key] = self._derived(key)
        return self._stages[key]

    def _derived(self, key: Key) -> Stage | None:
        """The derivation of a fact, or None where the sum does not become simpler."""
        name, axes = key
        equation = self.graph[name]
        goal = Contraction(equation.lhs, *(equation.indices[axis] for axis in axes))
        context = Context(self.graph, goal)
        log = Log(goal, context)
        if not log.once((write_out,)):
            return None
        if log.expr.has(Contraction):
            log.line()
        names = [n for n in reversed(self.graph.order) if n in self.graph.ancestors(name)]
        folds = [self.rule, *(rule for n in names for rule in self.folds[n])]
        log.record(tidy(log.expr, context, folds))
        log.line()
        result = log.expr
        if result.has(Contraction) or cost(result) >= cost(goal):
            return None
        return Stage(goal, tuple(log.lines), f"The sum of {name}")
