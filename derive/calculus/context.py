"""What a rule may know besides the node it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Dummy, Expr, Mul, S
from sympy.core.sorting import default_sort_key

from derive.calculus.cost import cost
from derive.expressions import (
    Graph,
    Iverson,
    Partial,
    in_range,
    is_tensor,
    name_of,
    nodes_in,
    tensor,
    values_in,
)

__all__ = ["Context", "Key", "key_of"]

# A gradient of a downstream loss that costs more stands by its name in the stages after its own.
# The more definitions a graph has, the less each gradient may: it would be repeated in all those
# behind it.
LONGEST_ADJOINTS, LEAST_ADJOINT = 75.0, 4.0
# One of what the equations define keeps its name only where it would fill several lines.
LONGEST_GRADIENT = 40.0

Key = tuple[Any, ...]
"""What tells one derivative from another: the function, the variable, the names held fixed.

A second derivative has the variable and the names held of the first before its own.
"""


def key_of(partial: Partial) -> Key:
    """The key of a derivative of a tensor by tensors."""
    function = partial.function
    first = key_of(function) if isinstance(function, Partial) else (name_of(function),)
    return (*first, name_of(partial.variable), partial.held)


@dataclass(frozen=True)
class Context:
    """The equations, the results of earlier stages, and the goal of this one.

    `output` is the one through which a downstream loss is differentiated at once, in a graph so
    short that its own derivative by the variable is worth a stage.
    """

    graph: Graph
    goal: Expr
    known: Mapping[Key, tuple[Partial, Expr]] = field(default_factory=dict)
    output: str | None = None

    def varies(self, expr: Expr, partial: Partial) -> bool:
        """Whether an expression can change with the variable of a partial derivative."""
        if not is_tensor(partial.variable):
            # What the chain rule differentiates by may hold comparisons itself.
            whole = Dummy()
            return whole in _without_comparisons(expr.xreplace({partial.variable: whole})).atoms()
        expr, variable = _without_comparisons(expr), name_of(partial.variable)
        return any(
            self._is_moved(name_of(node), variable, partial.held) for node in values_in(expr)
        )

    def _is_moved(self, name: str, variable: str, held: tuple[str, ...]) -> bool:
        if held:
            return name in self._moved(variable, held)
        known = name == variable or variable in self.graph.ancestors(name)
        return known or name in self._unknown

    def _moved(self, variable: str, held: tuple[str, ...]) -> set[str]:
        """The names that change with a variable while others are held; undefined losses too."""
        moved = self._moves.get((variable, held))
        if moved is None:
            moved = {variable} | self._unknown
            for name in self.graph.order:
                if name not in held and self.graph.mentions(name) & moved:
                    moved.add(name)
            self._moves[variable, held] = moved
        return moved

    @cached_property
    def _moves(self) -> dict[tuple[str, tuple[str, ...]], set[str]]:
        return {}

    @cached_property
    def _longest(self) -> float:
        return max(LONGEST_ADJOINTS / len(self.graph.equations), LEAST_ADJOINT)

    @cached_property
    def _unknown(self) -> set[str]:
        """The loss downstream of the graph, if the goal is about one."""
        if not isinstance(self.goal, Partial):
            return set()
        name = name_of(self.goal.root)
        return set() if name in self.graph.arity else {name}

    def has_stage(self, partial: Partial) -> bool:
        """Whether an earlier stage has derived it; where it is not put in, its name stays."""
        return partial.is_named and key_of(partial) in self.known

    def result(self, partial: Partial) -> Expr | None:
        """The derivative as an earlier stage found it, unless its name is to stand for it.

        A long gradient of what the goal differentiates keeps its name, so that in a deep graph
        no line is longer than its own stage makes it.
        """
        if not self.has_stage(partial) or self._keeps_name(partial):
            return None
        return self.recorded(partial)

    def recorded(self, partial: Partial) -> Expr | None:
        """The derivative as an earlier stage found it, in the indices asked for."""
        if not self.has_stage(partial):
            return None
        goal, result = self.known[key_of(partial)]
        slots = list(zip(goal.indices, partial.indices, strict=True))
        inside = (in_range(slot, index.size) for index, slot in slots)
        return Mul(*inside, _renamed(result, dict(slots)))

    def _keeps_name(self, partial: Partial) -> bool:
        """Whether a gradient is too long to stand in the lines of another."""
        _, result = self.known[key_of(partial)]
        if name_of(partial.root) not in self.graph:
            return cost(result) > self._longest
        if not isinstance(self.goal, Partial) or partial.root != self.goal.root:
            return False
        return cost(result) > LONGEST_GRADIENT and key_of(partial) != key_of(self.goal)


def _without_comparisons(expr: Expr) -> Expr:
    """A comparison is constant but for jumps, so that nothing inside it counts."""
    # Each is a number of its own: one for all would let [x > a] − [x < b] vanish.
    brackets = enumerate(sorted(nodes_in(expr, Iverson), key=default_sort_key))
    return expr.xreplace({node: tensor(f"#{number}") for number, node in brackets})


def _renamed(expr: Expr, letters: Mapping[Expr, Expr]) -> Expr:
    """The expression in other letters; a number before a sum stays there."""
    renamed = expr.xreplace(dict(letters))
    number, total = expr.as_coeff_Mul()
    if expr.is_Mul and total.is_Add and number is not S.One:
        return Mul(number, total.xreplace(dict(letters)), evaluate=False)
    return renamed
