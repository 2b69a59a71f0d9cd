"""What a generated module says about itself: formulas in the notation, what is saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from sympy import Expr, UnevaluatedExpr

from derive.calculus.plan import SPARE_LETTERS
from derive.codegen.assignment import Assignment
from derive.codegen.axes import axis_sizes
from derive.codegen.costs import LABEL_BYTES
from derive.codegen.further import Further
from derive.codegen.identifiers import Identifiers
from derive.codegen.mapped import mapped
from derive.codegen.passes import Passes
from derive.codegen.program import Program
from derive.codegen.solution import RootWork, Solution
from derive.codegen.source import WIDTH
from derive.codegen.steps import Function
from derive.expressions import (
    Graph,
    Index,
    Partial,
    Size,
    free_indices,
    indices_of,
    is_tensor,
    name_of,
    tensor,
)
from derive.notation.write import write_equation_text, write_text

__all__ = ["about_further", "documentation", "formula", "further_text", "saved_lines"]

# Longer formulas say less than the statement below them.
MOST_FORMULA = 3 * WIDTH


def documentation(program: Program, purpose: str) -> list[str]:
    """The lines of a docstring: title, definitions, results, references."""
    derivation, graph = program.derivation, program.graph
    title = derivation.title or ", ".join(program.outputs)
    lines = [*wrap(f"{title.rstrip('.')}.", WIDTH - 3), "", purpose, ""]
    lines += [*_leading_axes(program), "Definitions:", ""]
    for equation in graph.equations:
        if not equation.auxiliary:
            lines += _wrapped("    " + write_equation_text(equation, graph))
    lines += ["", "Gradients of a loss downstream:", ""]
    for goal in derivation.goals:
        stage = next(s for s in derivation.stages if s.goal == goal)
        left = write_text(goal, graph)
        right = write_text(stage.result, derivation.graph, (goal,))
        lines += _wrapped(f"    {left} = {right}")
    if program.further:
        lines += ["", "Further derivatives:", ""]
        for each in program.further:
            lines += _wrapped(f"    {each.name}: {further_text(each, program)}")
    if derivation.references:
        lines += ["", "References:", ""]
        lines += [line for each in derivation.references for line in _wrapped("    " + each)]
    return lines


def further_text(each: Further, program: Program) -> str:
    """What is asked for, and what it is, in the notation."""
    graph = program.derivation.graph
    right = _named(each.work[-1].expr, program, {})
    return f"{write_text(each.goal, graph)} = {write_text(right, graph, (each.goal,))}"


def about_further(found: Passes, function: Function) -> list[str]:
    """The docstring of a function that returns another derivative, by its lines."""
    program = found.program
    each = next(f for f in program.further if f.name == function.title)
    axes = [index.name for index in indices_of(each.result)]
    goal = write_text(each.goal, program.derivation.graph)
    if len(axes) > 1:
        goal = f"{goal} by {', '.join(axes)}"
    given = "".join(f"{found.names[n]} and " for n in each.given[-1:])
    given = "".join(f"{found.names[n]}, " for n in each.given[:-1]) + given
    return wrap(f"Return {goal} from {given}what `forward` saved.", WIDTH - 8)


def _leading_axes(program: Program) -> list[str]:
    """What is said of arrays with leading axes."""
    if not program.batch:
        return []
    *others, last = program.batch.given
    every = f"{', '.join(others)} and {last} have" if others else f"{last} has"
    text = (
        f"{every} any number of leading axes, and so has what is computed from "
        f"{'them' if others else 'it'}. In the formulas they are one axis, of the index "
        f"{program.batch.index}."
    )
    return [*wrap(text, WIDTH), ""]


def _wrapped(text: str) -> list[str]:
    return wrap(text, WIDTH, subsequent_indent="        ", break_on_hyphens=False)


def formula(assignment: Assignment, program: Program, names: Identifiers) -> str:
    """An assignment in the notation; what the schedule adds bears its name in the code."""
    graph = program.derivation.graph
    if isinstance(assignment, Solution | RootWork):
        return write_equation_text(graph[assignment.name], graph)
    target, expr = _lettered(assignment, graph)
    left = _named(target, program, names)
    right = _named(expr, program, names)
    return f"{write_text(left, graph)} = {write_text(right, graph, (left,))}"


def _lettered(assignment: Assignment, graph: Graph) -> tuple[Expr, Expr]:
    """Both sides with letters for the indices that have none."""
    used = free_indices(assignment.expr) | set(assignment.indices)
    taken = {index.name for index in used}
    letters: dict[Index, Index] = {}
    for index in sorted(used, key=str):
        if index.name.startswith("_"):
            own = [
                letter
                for (name, axis), several in graph.letters.items()
                for letter in several
                if graph.axis_size(name, axis) == index.size and letter.islower()
            ]
            letter = next(c for c in (*own, *SPARE_LETTERS) if c not in taken)
            taken.add(letter)
            letters[index] = Index(letter, index.size)
    return assignment.target.xreplace(letters), assignment.expr.xreplace(letters)


def _named(expr: Expr, program: Program, names: Mapping[str, str] | Identifiers) -> Expr:
    """The expression with the names in the code, and derivatives as such."""
    meanings = program.meanings

    def change(node: Expr) -> Expr | None:
        if isinstance(node, UnevaluatedExpr):
            return mapped(node.args[0], change)
        if not is_tensor(node) or isinstance(node, Size):
            return None
        name, slots = name_of(node), [mapped(slot, change) for slot in indices_of(node)]
        if name in meanings:
            axes, meaning = meanings[name]
            return meaning.xreplace(dict(zip(axes, slots, strict=True)))
        if name.startswith("∂"):
            return _derivative(name, slots, program)
        own = names[name] if name.startswith("#") else name
        return tensor(own, *slots, integer=bool(node.is_integer))

    return mapped(expr, change)


def _derivative(name: str, slots: Sequence[Expr], program: Program) -> Expr:
    """What the name of an adjoint stands for; in that of a second one three signs are of one."""
    of = tensor(name.lstrip("∂"), *slots)
    first = Partial(tensor(program.loss), of)
    if not name.startswith("∂∂") or program.double is None:
        return first
    return Partial(tensor(program.double.loss), first if name.startswith("∂∂∂") else of)


def saved_lines(found: Passes) -> Iterator[str]:
    """What the forward pass saves and what the backward pass computes again, with bytes."""
    yield "Saved:" if found.forward.saved else "Nothing is saved."
    made = {step.assignment.name for step in found.forward.steps}
    for name in found.forward.saved:
        origin = "computed" if name in made else "given"
        yield f"    {found.names[name]}: {origin}, {_amount(found, name)}"
    if found.again:
        yield "Not saved, but computed again by `backward`:"
        yield from (f"    {found.names[name]}: {_amount(found, name)}" for name in found.again)


def _amount(found: Passes, name: str) -> str:
    """The bytes of what is saved."""
    program = found.program
    if name in program.functions:
        return "a function"
    if name in map(str, program.sizes):
        return "a size"
    axes = axis_sizes(program.graph, (s.assignment for s in found.forward.steps))(name)
    sizes = [found.names[str(s)] if isinstance(s, Size) else str(s) for s in axes]
    return "·".join([*sizes, _width(found, name)]) + " bytes"


def _width(found: Passes, name: str) -> str:
    """The bytes of an entry: positions and labels are whole numbers."""
    program = found.program
    made = [s.assignment for s in found.forward.steps if s.assignment.name == name]
    whole = name in program.graph.labels or name in program.labels
    whole = whole or any(a.target.is_integer for a in made)
    return str(LABEL_BYTES) if whole else "itemsize"
