"""Which assignments are needed for what is wanted, and what statements read."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence

from sympy import preorder_traversal

from derive.codegen.assignment import Assignment
from derive.codegen.axes import axes_of
from derive.codegen.identifiers import Identifiers
from derive.codegen.program import Program
from derive.codegen.schedule import is_costly
from derive.codegen.solution import RootWork, Solution
from derive.codegen.steps import Step
from derive.expressions import Binder

__all__ = ["at_a_point", "mentioned", "needed_for", "numbers_read", "read_by", "used_in"]


def at_a_point(live: Sequence[Assignment], given: Collection[str]) -> set[str]:
    """The assignments that take long and rest on no given tensor, with all that they rest on."""
    moving = set(given)
    for assignment in live:
        if assignment.reads & moving:
            moving.add(assignment.name)
    fixed = [a for a in live if a.name not in moving]
    return {a.name for a in needed_for(fixed, [a.name for a in fixed if _takes_long(a)])}


def _takes_long(assignment: Assignment) -> bool:
    """Whether to compute something takes much longer than to read it."""
    if isinstance(assignment, Solution | RootWork) or isinstance(assignment.expr, Binder):
        return True
    return any(map(is_costly, preorder_traversal(assignment.expr)))


def numbers_read(program: Program, live: Sequence[Assignment]) -> list[str]:
    """The tensors of numbers that assignments read and do not make."""
    made = {a.name for a in live}
    read = dict.fromkeys(n for a in live for n in sorted(a.reads - made))
    return [n for n in read if n not in program.graph.labels and axes_of(program.graph, n)]


def needed_for(assignments: Sequence[Assignment], wanted: Iterable[str]) -> list[Assignment]:
    """The assignments that something wanted is made of."""
    needed, live = set(wanted), []
    for assignment in reversed(assignments):
        if assignment.name in needed:
            live.append(assignment)
            needed |= assignment.reads
    return live[::-1]


def used_in(names: Identifiers, steps: Iterable[Step]) -> set[str]:
    """The tensors, labels and sizes that statements mention."""
    return mentioned(names, (statement for step in steps for statement in step.statements))


def read_by(names: Identifiers, steps: Sequence[Step]) -> set[str]:
    """What statements mention and do not make."""
    return used_in(names, steps) - {step.assignment.name for step in steps}


def mentioned(names: Identifiers, statements: Iterable[ast.stmt]) -> set[str]:
    """The tensors, labels and sizes whose identifiers stand in statements."""
    identifiers = {n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name)}
    return {key for key in names if names[key] in identifiers}
