"""Assignments as calls of compiled loop nests, and of NumPy where that is faster or clearer."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from sympy import Expr, Mul

from derive.codegen.adjoints import adjoint
from derive.codegen.assignment import Assignment
from derive.codegen.axes import axes_of, axis_sizes
from derive.codegen.calls import Call, KernelStep
from derive.codegen.describe import formula
from derive.codegen.identifiers import Identifiers
from derive.codegen.kernel import Writer
from derive.codegen.loops import Loop, Nest, nests, updates_in
from derive.codegen.lower import Lowering
from derive.codegen.positions import Sizes
from derive.codegen.program import Program
from derive.codegen.reads import is_plain
from derive.codegen.reuse import replaceable
from derive.codegen.steps import Step
from derive.codegen.updates import REDUCTIONS, Update, updates, whole
from derive.expressions import (
    Binder,
    Contraction,
    Index,
    Opaque,
    indices_of,
    name_of,
    ranging,
    tensors_in,
)
from derive.notation.names import ascii_name

__all__ = ["Kernels"]

_LETTERS = "ijkmnpquvwabcdefgh"


class Kernels:
    """Makes the steps of a function.

    Parameters
    ----------
    program : the program that they are of.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.graph = program.graph

    def __call__(
        self,
        lowering: Lowering,
        assignments: Sequence[Assignment],
        wanted: Collection[str],
        title: str,
    ) -> tuple[Step, ...]:
        """The steps, in order."""
        sizes = axis_sizes(self.graph, assignments)
        found = [u for a in assignments for u in _updates(a, sizes)]
        plan = nests(found)
        like = self._like(assignments, title)
        steps: list[Step] = []
        known: set[str] = set()
        loops = [nest for nest in plan if isinstance(nest, Loop)]
        for nest in plan:
            if isinstance(nest, Update):
                steps.append(Step(nest.of, tuple(_statements(nest, lowering))))
                continue
            title_ = f"_{title}" if len(loops) == 1 else f"_{title}_{loops.index(nest)}"
            made = {update.name for update in updates_in(nest)}
            outside = frozenset(made & {*wanted, *known, *_needed(plan, nest)})
            writer = self._writer(nest, lowering.names, sizes, outside)
            steps += Call(title_, nest, writer, self.program, frozenset(known)).steps(like)
            known |= made
        return tuple(_with_places(step, plan, wanted) for step in steps)

    def _writer(
        self, nest: Loop, names: Identifiers, sizes: Sizes, outside: frozenset[str]
    ) -> Writer:
        """What writes the function of a nest."""
        assignments = dict.fromkeys(update.of for update in updates_in(nest))
        formulas = {a.name: formula(a, self.program, names) for a in assignments}
        return Writer(nest, names, sizes, outside, self._letters(nest, names), formulas)

    def _like(self, assignments: Sequence[Assignment], title: str) -> str:
        """A tensor of numbers that the function has, as large as can be: results have its type."""
        graph = self.graph
        if title == "forward":
            given = [n for n in self.program.inputs if n not in graph.labels]
        else:
            given = [adjoint(n) for n in self.program.outputs] if title == "backward" else []
            given += [n for each in self.program.further if each.name == title for n in each.given]
            made = {a.name for a in assignments}
            leaves = [leaf for a in assignments for leaf in tensors_in(a.expr)]
            given += [
                name_of(leaf)
                for leaf in leaves
                if name_of(leaf) not in made
                and name_of(leaf) not in graph.labels
                and indices_of(leaf)
            ]
        given = given or [n for n in self.program.inputs if n not in graph.labels]
        return next((n for n in given if axes_of(graph, n)), given[0])

    def _letters(self, nest: Loop, names: Identifiers) -> dict[Index, str]:
        """A variable for each loop: a letter that the author uses for the axis, if one is left."""
        taken = {names[key] for key in names}
        found: dict[Index, str] = {}
        for loop, around in _loops(nest):
            own = [
                ascii_name(letter)
                for axis, letters in self.graph.letters.items()
                for letter in letters
                if self.graph.axis_size(*axis) == loop.index.size and letter.islower()
            ]
            outer = {found[index] for index in around}
            # An l looks like a 1.
            outer |= {*taken, "l"}
            letters_ = (c for c in (*own, *_LETTERS) if c not in outer)
            found[loop.index] = next(letters_, f"i{len(around)}")
        return found


def _statements(update: Update, lowering: Lowering) -> list[ast.stmt]:
    """What is made without a loop: an assignment, or what is added to one entry after loops."""
    if update.kind == "add":
        return [lowering.added(update.of, indices_of(update.target))]
    return lowering.statements(update.of)


def _needed(plan: Sequence[Nest], nest: Nest) -> set[str]:
    """The tensors that the other nests of a plan read or make."""
    others = [update for each in plan if each is not nest for update in updates_in(each)]
    return {name for update in others for name in (*update.of.reads, update.name)}


def _with_places(step: Step, plan: Sequence[Nest], wanted: Collection[str]) -> Step:
    """A step with the tensors that its result may be written over."""
    name = step.assignment.name
    if not isinstance(step, KernelStep) or name not in wanted:
        return step
    return replace(step, replaces=tuple(replaceable(name, plan)))


def _loops(nest: Nest, around: tuple[Index, ...] = ()) -> Iterator[tuple[Loop, tuple[Index, ...]]]:
    """The loops of a nest, each with the indices of those around it."""
    if isinstance(nest, Loop):
        yield nest, around
        for part in nest.body:
            yield from _loops(part, (*around, nest.index))


def _updates(assignment: Assignment, sizes: Sizes) -> Iterator[Update]:
    if _is_loop(assignment):
        yield from updates(assignment, sizes)
    else:
        yield whole(assignment)


def _is_loop(assignment: Assignment) -> bool:
    """Whether an assignment is made by loops: it has some, and is no product of matrices."""
    expr = assignment.expr
    if type(assignment) is not Assignment or expr.atoms(Opaque):
        return False
    if not isinstance(expr, Binder):
        return bool(assignment.indices) and not expr.atoms(Binder)
    _, body = expr.open(*assignment.indices)
    if type(expr).__name__ not in REDUCTIONS or body.atoms(Binder):
        return False
    return not (isinstance(expr, Contraction) and _is_matrix_product(body, assignment.indices))


def _is_matrix_product(body: Expr, target: Sequence[Index]) -> bool:
    """Whether a sum is of products of two tensors, each with an index of its own."""
    factors = Mul.make_args(body)
    if len(factors) != 2 or not all(map(is_plain, factors)):
        return False
    one, other = map(ranging, factors)
    return not (one <= other or other <= one) and bool((one & other) - set(target))
