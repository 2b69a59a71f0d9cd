"""A program as two functions on whole arrays: the forward and the backward pass."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sympy import Expr

from derive.codegen.assignment import Assignment
from derive.codegen.dialect import Dialect, name, number
from derive.codegen.identifiers import Identifiers
from derive.codegen.inplace import OVERWRITE, in_place
from derive.codegen.lower import Lowering
from derive.codegen.program import Program, adjoint
from derive.codegen.schedule import Schedule
from derive.codegen.steps import Function, Step
from derive.expressions import Graph, Size

__all__ = ["Function", "Maker", "Passes", "Step", "axes_of", "one_by_one", "passes"]


@dataclass(frozen=True)
class Passes:
    """The functions of a program, with the identifiers they use."""

    program: Program
    forward: Function
    backward: Function
    names: Identifiers

    @property
    def overwrites(self) -> bool:
        """Whether the backward pass may write to what was saved."""
        walk = (node for s in self.backward.statements for node in ast.walk(s))
        return any(isinstance(node, ast.Name) and node.id == OVERWRITE for node in walk)


class Maker(Protocol):
    """Makes assignments, of which the wanted ones are read later; `title` is of the function."""

    def __call__(
        self,
        lowering: Lowering,
        assignments: Sequence[Assignment],
        wanted: Collection[str],
        title: str,
    ) -> tuple[Step, ...]:
        """The steps, in order."""


def one_by_one(
    lowering: Lowering, assignments: Sequence[Assignment], wanted: Collection[str], title: str
) -> tuple[Step, ...]:
    """A step for each assignment."""
    return tuple(Step(a, tuple(lowering.statements(a))) for a in assignments)


def passes(program: Program, dialect: Dialect, make: Maker = one_by_one) -> Passes:
    """The passes of a program in one dialect."""
    schedule = Schedule((*program.forward, *program.backward), eager=dialect.eager)
    for assignment in program.forward:
        schedule.add(assignment)
    split = len(schedule.assignments)
    for assignment in program.backward:
        schedule.add(assignment)
    gradients = tuple(map(adjoint, program.wrt))
    behind = _live(schedule.assignments[split:], gradients)
    names = Identifiers(program, schedule.assignments)
    upstream = tuple(map(adjoint, program.outputs))
    lowering = Lowering(dialect.beside(names[_typical(program, upstream)]), names)
    backward = make(lowering, behind, gradients, "backward")
    saved = _saved(program, names, schedule.assignments[:split], backward)
    before = _live(schedule.assignments[:split], (*program.outputs, *saved))
    inputs = [n for n in program.inputs if n not in program.graph.labels]
    lowering = Lowering(dialect.beside(names[_typical(program, inputs)]), names)
    forward = make(lowering, before, (*program.outputs, *saved), "forward")
    given = (*program.inputs, *program.labels, *program.functions)
    given += tuple(_sizes_missing(program, _used(names, forward) | set(saved), given))
    if dialect.in_place:
        shapes = {names[a.name]: tuple(i.size for i in a.indices) for a in (*before, *behind)}
        computed = [names[a.name] for a in before if a.name in saved]
        results = [names[n] for n in program.outputs]
        lent = [name for name in computed if name not in results]
        forward = tuple(in_place(dialect, forward, shapes, {*results, *computed}))
        kept = [names[n] for n in gradients]
        backward = tuple(in_place(dialect, backward, shapes, kept, lent))
    sought = {*_used(names, forward), *(str(size) for size in program.sizes if str(size) in saved)}
    return Passes(
        program,
        Function(
            given,
            program.outputs,
            tuple(saved),
            tuple(_lengths(program.graph, given, names, sought)),
            forward,
        ),
        Function(
            upstream,
            gradients,
            tuple(saved),
            tuple(_lengths(program.graph, (*saved, *upstream), names, _used(names, backward))),
            backward,
        ),
        names,
    )


def _typical(program: Program, arrays: Sequence[str]) -> str:
    """An array whose type results have: one with axes, since a number may be one of Python's."""
    return next((n for n in arrays if axes_of(program.graph, n)), arrays[0])


def _saved(
    program: Program, names: Identifiers, before: Sequence[Assignment], backward: Iterable[Step]
) -> list[str]:
    """What the backward pass reads that the forward pass has."""
    read = _used(names, backward)
    there = (*program.inputs, *program.labels, *(a.name for a in before), *program.functions)
    saved = [n for n in there if n in read]
    upstream = map(adjoint, program.outputs)
    return saved + _sizes_missing(program, read, (*saved, *upstream))


def _live(assignments: Sequence[Assignment], wanted: Iterable[str]) -> list[Assignment]:
    """The assignments that something wanted is made of."""
    needed, live = set(wanted), []
    for assignment in reversed(assignments):
        if assignment.name in needed:
            live.append(assignment)
            needed |= assignment.reads
    return live[::-1]


def _used(names: Identifiers, steps: Iterable[Step]) -> set[str]:
    """The tensors, labels and sizes that statements mention."""
    statements = (statement for step in steps for statement in step.statements)
    identifiers = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
    return {key for key in names if names[key] in identifiers}


def _sizes_missing(program: Program, used: set[str], given: Sequence[str]) -> list[str]:
    """The sizes in use that no given tensor tells."""
    told = {str(size) for n in given for size in axes_of(program.graph, n)}
    return sorted((used & set(map(str, program.sizes))) - told - set(given))


def axes_of(graph: Graph, tensor_name: str) -> list[Expr]:
    """The sizes of the axes of a tensor, or of its adjoint."""
    base = tensor_name.removeprefix("∂")
    return [graph.axis_size(base, k) for k in range(graph.arity.get(base, 0))]


def _lengths(
    graph: Graph, given: Sequence[str], names: Identifiers, used: set[str]
) -> Iterator[ast.stmt]:
    """Statements that find the sizes in use from the shapes of given tensors."""
    found: set[str] = set(given)
    for tensor_name in given:
        for axis, size in enumerate(axes_of(graph, tensor_name)):
            if isinstance(size, Size) and str(size) in used - found:
                found.add(str(size))
                shape = ast.Subscript(name(f"{names[tensor_name]}.shape"), number(axis))
                yield ast.Assign([ast.Name(names[str(size)])], shape)
