"""Lines that an author claims about equations, as a derivation to be verified."""

from __future__ import annotations

from derive.calculus.derivation import Derivation, Line, Stage, Step
from derive.calculus.rule import Rule
from derive.expressions import Graph
from derive.notation import read_expression, read_goal, read_graph
from derive.verify.evaluate import free_axes

__all__ = ["claimed"]

RULE = Rule("some rule", "x_i = x_i", "", lambda node, context: None)


def claimed(equations: str | Graph, goal: str, *texts: str) -> Derivation:
    """The derivation whose only stage has these lines, right or wrong."""
    graph = read_graph(equations) if isinstance(equations, str) else equations
    above = wanted = read_goal(goal, graph)
    lines = []
    for text in texts:
        expr = read_expression(text, graph, free_axes(wanted))
        lines.append(Line(expr, (Step(RULE, above, expr, above, expr),)))
        above = expr
    return Derivation(graph, (wanted,), (Stage(wanted, tuple(lines)),))
