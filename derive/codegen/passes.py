"""A program as two functions on whole arrays: the forward and the backward pass."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sympy import Expr

from derive.codegen.adjoints import adjoint
from derive.codegen.assignment import Assignment
from derive.codegen.axes import axes_of, axis_sizes
from derive.codegen.dialect import Dialect
from derive.codegen.identifiers import Identifiers
from derive.codegen.inplace import OVERWRITE, in_place, views
from derive.codegen.lengths import length_statements
from derive.codegen.liveness import (
    at_a_point,
    mentioned,
    needed_for,
    numbers_read,
    read_by,
    used_in,
)
from derive.codegen.lower import Lowering
from derive.codegen.program import Program
from derive.codegen.rearrange import rearranged
from derive.codegen.saving import computed_again, placed, small_first
from derive.codegen.schedule import Schedule
from derive.codegen.steps import Function, Step
from derive.expressions import name_of

__all__ = ["DOUBLE", "Function", "Maker", "Passes", "Step", "one_by_one", "passes"]


DOUBLE = "double_backward"
"""What the backward pass of the backward pass is called."""


@dataclass(frozen=True)
class Passes:
    """The functions of a program, with the identifiers they use.

    Attributes
    ----------
    again : what is not saved but computed again by the functions that need it.
    """

    program: Program
    forward: Function
    backward: Function
    names: Identifiers
    further: tuple[Function, ...] = ()
    double: Function | None = None
    again: tuple[str, ...] = ()

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
    return _Passes(program, dialect, make).passes()


class _Passes:
    """Makes the functions of a program, which share one schedule.

    Attributes
    ----------
    before, later : the assignments that the forward pass can make, and those that the others do.
    """

    def __init__(self, program: Program, dialect: Dialect, make: Maker) -> None:
        if not dialect.by_entry:
            program = _rearranged(program)
        self.program, self.dialect, self.make = program, dialect, make
        schedule = Schedule(program.work, eager=dialect.eager)
        for assignment in program.forward:
            schedule.add(assignment)
        split = len(schedule.assignments)
        for assignment in program.work[len(program.forward) :]:
            schedule.add(assignment)
        self.names = Identifiers(program, schedule.assignments)
        self.sizes = axis_sizes(program.graph, schedule.assignments)
        self.later = schedule.assignments[split:]
        early = self._early()
        self.before = [*schedule.assignments[:split], *early]
        self.later = [a for a in self.later if a not in early]
        self.upstream = tuple(map(adjoint, program.outputs))
        there = (*program.inputs, *program.outputs)
        self.again = computed_again(self.before, needed_for(self.later, self._results()), there)

    def _results(self) -> list[str]:
        """What all functions beside the forward pass return."""
        program = self.program
        double = _present(program.double.results) if program.double is not None else []
        further = [name_of(each.result) for each in program.further]
        return [*map(adjoint, program.wrt), *further, *double]

    def _early(self) -> list[Assignment]:
        """What products with vectors share and takes long: made once, by the forward pass."""
        found: set[str] = set()
        for each in self.program.further:
            if each.given:
                found |= at_a_point(needed_for(self.later, [name_of(each.result)]), each.given)
        return [a for a in self.later if a.name in found]

    def passes(self) -> Passes:
        """All functions."""
        program, names = self.program, self.names
        gradients = tuple(map(adjoint, program.wrt))
        backward = self._steps("backward", gradients, self.upstream)
        further = [
            self._steps(each.name, [name_of(each.result)], each.given) for each in program.further
        ]
        given = [self.upstream, *(each.given for each in program.further)]
        double: tuple[Step, ...] = ()
        if program.double is not None:
            double = self._steps(DOUBLE, _present(program.double.results), program.double.given)
            given.append(program.double.given)
        functions = [backward, *further, *([double] if program.double is not None else [])]
        saved = self._saved(functions, given)
        before = needed_for(self.before, (*program.outputs, *saved))
        inputs = [n for n in program.inputs if n not in program.graph.labels]
        results = (*program.outputs, *saved)
        forward = self.make(self._lowering(inputs), before, results, "forward")
        shared = views(forward)
        made = [a.name for a in before if names[a.name] not in shared]
        return Passes(
            program,
            self._forward(forward, before, saved),
            self._backward(backward, gradients, saved, made),
            names,
            tuple(
                self._function(each.name, each.given, [name_of(each.result)], steps, saved)
                for each, steps in zip(program.further, further, strict=True)
            ),
            self._double(double, saved),
            tuple(a.name for a in self.again if a.name not in saved),
        )

    def _double(self, steps: Sequence[Step], saved: Sequence[str]) -> Function | None:
        """The backward pass of the backward pass."""
        double = self.program.double
        if double is None:
            return None
        return self._function(DOUBLE, double.given, _present(double.results), steps, saved)

    def _lowering(self, arrays: Sequence[str]) -> Lowering:
        like = self.names[_typical(self.program, arrays)]
        return Lowering(self.dialect.beside(like), self.names, self.sizes)

    def _steps(self, title: str, wanted: Sequence[str], given: Sequence[str]) -> tuple[Step, ...]:
        """The work of a function that starts from what is saved."""
        live = list(placed(self.again, needed_for(self.later, wanted)))
        if self.dialect.in_place:
            live = list(small_first(live))
        arrays = given
        if title not in ("backward", DOUBLE) and not any(
            axes_of(self.program.graph, n) for n in given
        ):
            arrays = numbers_read(self.program, live) or given or self.program.inputs
        return self.make(self._lowering(arrays), live, wanted, title)

    def _saved(
        self, functions: Sequence[Sequence[Step]], given: Sequence[Sequence[str]]
    ) -> list[str]:
        """What the forward pass has and other functions read, each given some tensors."""
        program = self.program
        reads = [read_by(self.names, steps) for steps in functions]
        made = [a.name for a in self.before]
        there = (*program.inputs, *program.labels, *made, *program.functions)
        # Through these the gradients of the backward pass flow.
        reads.append(set(program.wrt if program.double is not None else ()))
        given = [*given, ()]
        saved = [n for n in there if any(n in read for read in reads)]
        sizes = [
            _sizes_missing(program, read, (*saved, *own))
            for read, own in zip(reads, given, strict=True)
        ]
        return saved + sorted(set().union(*sizes))

    def _forward(
        self, steps: Sequence[Step], before: Sequence[Assignment], saved: Sequence[str]
    ) -> Function:
        program, names = self.program, self.names
        given = (*program.inputs, *program.labels, *program.functions)
        used = used_in(names, steps)
        given += tuple(_sizes_missing(program, used | set(saved), given))
        if self.dialect.in_place:
            computed = {names[a.name] for a in before if a.name in saved}
            kept = {*computed, *(names[n] for n in program.outputs)}
            steps = in_place(self.dialect, steps, self._shapes(), kept)
        sought = {*used, *(str(size) for size in program.sizes if str(size) in saved)}
        lengths = tuple(length_statements(program.graph, given, names, sought))
        return Function(
            given, program.outputs, tuple(saved), lengths, tuple(steps), "forward", frozenset(saved)
        )

    def _backward(
        self,
        steps: Sequence[Step],
        gradients: Sequence[str],
        saved: Sequence[str],
        made: Sequence[str],
    ) -> Function:
        results = self.program.outputs
        lent = [self.names[n] for n in made if n in saved and n not in results]
        return self._function("backward", self.upstream, gradients, steps, saved, lent)

    def _function(
        self,
        title: str,
        given: Sequence[str],
        results: Sequence[str],
        steps: Sequence[Step],
        saved: Sequence[str],
        lent: Sequence[str] = (),
    ) -> Function:
        """A function that starts from what is saved."""
        graph, names = self.program.graph, self.names
        read = read_by(names, steps)
        own = [n for n in saved if n in read]
        lengths = tuple(
            length_statements(graph, (*own, *given, *saved), names, used_in(names, steps))
        )
        if self.dialect.in_place:
            steps = in_place(self.dialect, steps, self._shapes(), [names[n] for n in results], lent)
        found = Function(tuple(given), tuple(results), tuple(saved), lengths, tuple(steps), title)
        return replace(found, used=frozenset(saved) & mentioned(names, found.statements))

    def _shapes(self) -> dict[str, tuple[Expr | None, ...]]:
        """The sizes of the axes of what is given and of what assignments make."""
        graph, names = self.program.graph, self.names
        shapes: dict[str, tuple[Expr | None, ...]] = {
            names[n]: tuple(axes_of(graph, n)) for n in (*self.program.inputs, *self.upstream)
        }
        every = (*self.before, *self.later)
        return shapes | {names[a.name]: tuple(i.size for i in a.indices) for a in every}


def _present(names: Sequence[str | None]) -> list[str]:
    return [name for name in names if name is not None]


def _rearranged(program: Program) -> Program:
    """The program with index arithmetic where it costs whole arrays least."""
    sizes = axis_sizes(program.graph, program.work)

    def moved(work: Sequence[Assignment]) -> tuple[Assignment, ...]:
        return tuple(rearranged(each, sizes) for each in work)

    further = tuple(replace(each, work=moved(each.work)) for each in program.further)
    forward, backward = moved(program.forward), moved(program.backward)
    return replace(program, forward=forward, backward=backward, further=further)


def _typical(program: Program, arrays: Sequence[str]) -> str:
    """An array whose type results have: one with axes, since a number may be one of Python's."""
    return next((n for n in arrays if axes_of(program.graph, n)), arrays[0])


def _sizes_missing(program: Program, used: set[str], given: Sequence[str]) -> list[str]:
    """The sizes in use that no given tensor tells."""
    told = {str(size) for n in given for size in axes_of(program.graph, n)}
    return sorted((used & set(map(str, program.sizes))) - told - set(given))
