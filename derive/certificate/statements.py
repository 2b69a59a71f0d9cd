"""What a certificate states, read back from its text: a graph, and lines equal to goals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import Expr

from derive.certificate.document import Certificate
from derive.certificate.faults import Fault
from derive.errors import DeriveError
from derive.expressions import Graph, free_indices
from derive.notation import read_expression, read_goal, read_graph
from derive.verify.evaluate import free_axes
from derive.verify.grading import graded_lines
from derive.verify.report import LineReport
from derive.verify.trial import Claim, Settings, best_trial

__all__ = ["Statements", "grades", "statements"]

Place = tuple[int, int]
"""The stage and the position of a line, from 1."""


@dataclass(frozen=True)
class Statements:
    """The claims that could be read, each with the number of its stage, and what could not."""

    graph: Graph | None
    claims: dict[int, Claim]
    faults: tuple[Fault, ...]


def statements(certificate: Certificate) -> Statements:
    """Read everything that a certificate states."""
    faults: list[Fault] = []
    try:
        graph = _graph(certificate)
    except DeriveError as error:
        return Statements(None, {}, (Fault("reading", f"the definitions: {error.message}"),))
    claims: dict[int, Claim] = {}
    for number in range(1, len(certificate.stages) + 1):
        try:
            claims[number] = _claim(certificate, number, graph)
        except _UnreadError as error:
            faults.append(error.fault)
    faults += _goal_faults(certificate, graph, [claim.goal for claim in claims.values()])
    return Statements(graph, claims, tuple(faults))


def grades(found: Statements) -> dict[Place, LineReport]:
    """The grade of every line that was read, found anew."""
    if found.graph is None:
        return {}
    try:
        trial = best_trial(found.graph, list(found.claims.values()), Settings())
    except DeriveError as error:
        lost = LineReport("unknown", reason=error.message)
        return dict.fromkeys(_places(found), lost)
    reports = (report for claim in found.claims.values() for report in graded_lines(trial, claim))
    return dict(zip(_places(found), reports, strict=True))


def _places(found: Statements) -> Iterator[Place]:
    for number, claim in found.claims.items():
        yield from ((number, position) for position in range(1, len(claim.lines) + 1))


class _UnreadError(Exception):
    """A part of a certificate does not read."""

    def __init__(self, error: DeriveError, stage: int, line: int | None) -> None:
        super().__init__(error.message)
        self.fault = Fault("reading", f"does not read: {error.message}", stage, line)


def _graph(certificate: Certificate) -> Graph:
    """The equations, those marked that are no outputs."""
    graph = read_graph(certificate.definitions, sizes=certificate.sizes, multi=certificate.multi)
    unknown = set(certificate.auxiliary) - {equation.name for equation in graph.equations}
    if unknown:
        raise DeriveError(f"there is no equation for {', '.join(sorted(unknown))}")
    equations = [
        replace(equation, auxiliary=equation.name in certificate.auxiliary)
        for equation in graph.equations
    ]
    return Graph(equations, letters=graph.letters, sizes=graph.declared, multi=graph.multi)


def _claim(certificate: Certificate, number: int, graph: Graph) -> Claim:
    stage = certificate.stages[number - 1]
    try:
        goal = read_expression(stage.goal, graph, stage.free)
    except DeriveError as error:
        raise _UnreadError(error, number, None) from None
    free = free_indices(goal)
    lines: list[Expr] = []
    for line in certificate.by_stage.get(number, []):
        try:
            lines.append(read_expression(line.text, graph, free))
        except DeriveError as error:
            raise _UnreadError(error, number, line.position) from None
    return Claim(goal, tuple(lines), free_axes(goal))


def _goal_faults(certificate: Certificate, graph: Graph, reached: list[Expr]) -> Iterator[Fault]:
    """What is asked for and is the goal of no stage."""
    for text in certificate.goals:
        try:
            goal = read_goal(text, graph)
        except DeriveError as error:
            yield Fault("reading", f"the goal {text:.60}: {error.message}")
            continue
        if goal not in reached:
            yield Fault("structure", f"no stage has the goal {text:.60}")
