"""A program as the source text of a module: a forward and a backward function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from derive.codegen.dialect import Dialect, name, number, text
from derive.codegen.identifiers import Identifiers
from derive.codegen.lower import Lowering
from derive.codegen.program import Assignment, Program, adjoint
from derive.codegen.schedule import Schedule
from derive.expressions import Graph, Size

__all__ = ["Module", "module"]


@dataclass(frozen=True)
class Function:
    """A function of a module.

    Attributes
    ----------
    parameters : tensors, labels and sizes that it takes, by name.
    results : the tensors that it returns.
    saved : what it takes or returns beside them, for the backward pass.
    body : the statements, those that find sizes and the `return` left out.
    """

    title: str
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    saved: tuple[str, ...]
    body: tuple[ast.stmt, ...]


@dataclass(frozen=True)
class Module:
    """The functions of a program, with the identifiers they use."""

    program: Program
    forward: Function
    backward: Function
    names: Identifiers

    def source(self) -> str:
        """The text of the module."""
        return "\n\n\n".join([_IMPORTS, self._forward(), self._backward()]) + "\n"

    def _forward(self) -> str:
        given, names = self.forward.parameters, self.names
        saved = ast.Tuple([ast.Name(names[n]) for n in self.forward.saved])
        results = ast.Return(ast.Tuple([self._result(self.forward), saved]))
        lengths = _lengths(self.program.graph, given, names, (*self.forward.body, results))
        return _function(
            "forward", [names[n] for n in given], [*lengths, *self.forward.body, results]
        )

    def _backward(self) -> str:
        upstream, names = self.backward.parameters, self.names
        body: list[ast.stmt] = []
        if self.backward.saved:
            saved = [ast.Name(names[n]) for n in self.backward.saved]
            body.append(ast.Assign([ast.Tuple(saved)], ast.Name("saved")))
        body += self.backward.body
        start = len(body) - len(self.backward.body)
        body.append(ast.Return(self._result(self.backward)))
        given = (*self.backward.saved, *upstream)
        lengths = _lengths(self.program.graph, given, names, self.backward.body)
        return _function(
            "backward",
            ["saved", *(names[n] for n in upstream)],
            body[:start] + lengths + body[start:],
        )

    def _result(self, function: Function) -> ast.expr:
        results = [ast.Name(self.names[n]) for n in function.results]
        return results[0] if len(results) == 1 else ast.Tuple(list(results))


_IMPORTS = "import math\n\nimport numpy as np"


def module(program: Program, dialect: Dialect) -> Module:
    """The module of a program in one dialect."""
    schedule = Schedule()
    for assignment in program.forward:
        schedule.add(assignment)
    split = len(schedule.assignments)
    for assignment in program.backward:
        schedule.add(assignment)
    names = Identifiers(program, schedule.assignments)
    upstream = tuple(map(adjoint, program.outputs))
    gradients = tuple(map(adjoint, program.wrt))
    before = schedule.assignments[:split]
    behind = _live(schedule.assignments[split:], gradients)
    lowering = Lowering(
        dialect, names, names[next(n for n in program.inputs if n not in program.graph.labels)]
    )
    backward = [s for a in behind for s in lowering.statements(a)]
    there = (*program.inputs, *program.labels, *(a.name for a in before))
    read = _used(names, backward)
    saved = [n for n in there if n in read]
    saved += _sizes_missing(program, read, (*saved, *upstream))
    before = _live(before, (*program.outputs, *saved))
    forward = [s for a in before for s in lowering.statements(a)]
    given = (*program.inputs, *program.labels)
    needed = _used(names, forward) | set(saved)
    given += tuple(_sizes_missing(program, needed, given))
    return Module(
        program,
        Function("forward", given, program.outputs, tuple(saved), tuple(forward)),
        Function("backward", upstream, gradients, tuple(saved), tuple(backward)),
        names,
    )


def _live(assignments: Sequence[Assignment], wanted: Iterable[str]) -> list[Assignment]:
    """The assignments that something wanted is made of."""
    needed, live = set(wanted), []
    for assignment in reversed(assignments):
        if assignment.name in needed:
            live.append(assignment)
            needed |= assignment.reads
    return live[::-1]


def _used(names: Identifiers, statements: Iterable[ast.stmt]) -> set[str]:
    """The tensors, labels and sizes that statements mention."""
    identifiers = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
    return {key for key in names if names[key] in identifiers}


def _sizes_missing(program: Program, used: set[str], given: Sequence[str]) -> list[str]:
    """The sizes in use that no given tensor tells."""
    told = {str(size) for n in given for size in _axes(program.graph, n)}
    return sorted((used & set(map(str, program.sizes))) - told - set(given))


def _axes(graph: Graph, tensor_name: str) -> list[object]:
    base = tensor_name.removeprefix("∂")
    return [graph.axis_size(base, k) for k in range(graph.arity.get(base, 0))]


def _lengths(
    graph: Graph, given: Sequence[str], names: Identifiers, body: Iterable[ast.stmt]
) -> list[ast.stmt]:
    """Statements that find the sizes in use from the shapes of given tensors."""
    used = _used(names, body)
    found: dict[str, ast.stmt] = {}
    for tensor_name in given:
        for axis, size in enumerate(_axes(graph, tensor_name)):
            if isinstance(size, Size) and str(size) in used and str(size) not in given:
                shape = ast.Subscript(name(f"{names[tensor_name]}.shape"), number(axis))
                statement = ast.Assign([ast.Name(names[str(size)])], shape)
                found.setdefault(str(size), statement)
    return list(found.values())


def _function(title: str, parameters: Sequence[str], body: Sequence[ast.stmt]) -> str:
    lines = [f"def {title}({', '.join(parameters)}):"]
    return "\n".join(lines + [f"    {line}" for s in body for line in text(s).splitlines()])
