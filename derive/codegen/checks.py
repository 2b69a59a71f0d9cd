"""What a generated function asks of its arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from sympy import Expr

from derive.codegen.axes import axes_of
from derive.codegen.leading import behind_lead
from derive.codegen.passes import Passes
from derive.codegen.syntax import call, name, number
from derive.expressions import Size

__all__ = ["checked", "numbers"]


def checked(
    found: Passes, arrays: Iterable[str], labels: bool = True, leading: bool = False
) -> Iterator[ast.stmt]:
    """Statements that check tensors, and labels where asked for.

    With `leading` the tensors have all their leading axes still.
    """
    program, names = found.program, found.names
    graph = program.graph
    numbers = [n for n in arrays if n not in graph.labels]
    rows = []
    for each in numbers:
        batched = leading and each.lstrip("∂") in program.batched
        sizes: list[ast.expr] = [
            ast.Constant(names[str(size)]) if isinstance(size, Size) else number(int(size))
            for size in axes_of(graph, each)[batched:]
        ]
        shape = behind_lead(sizes) if batched else ast.Tuple(sizes)
        rows.append(ast.Tuple([ast.Constant(names[each]), name(names[each]), shape]))
    if rows:
        yield ast.Expr(call("_check", *rows))
    for each in (*sorted(graph.labels), *program.labels) if labels else ():
        yield from _label(found, each, numbers)


def numbers(found: Passes, given: Iterable[str], arrays: Iterable[str]) -> Iterator[ast.stmt]:
    """Statements that make numbers of Python's, among what is given, numbers like the arrays."""
    program, names = found.program, found.names
    like = [name(names[n]) for n in arrays if n not in program.graph.labels]
    for each in given:
        if each not in program.graph.labels and not axes_of(program.graph, each):
            variable = ast.Name(names[each])
            yield ast.Assign([variable], call("_number", variable, *like[:1]))


def _label(found: Passes, label: str, numbers: list[str]) -> Iterator[ast.stmt]:
    """The check of one tensor of labels, where the arrays tell its sizes."""
    graph, names = found.program.graph, found.names
    batched = label in found.program.batched
    lengths = [_length(found, size, numbers) for size in axes_of(graph, label)[batched:]]
    high = _length(found, found.program.range_of(label), numbers)
    if high is None or None in lengths:
        return
    known = [length for length in lengths if length is not None]
    shape = behind_lead(known) if batched else ast.Tuple(known)
    yield ast.Expr(
        call("_check_labels", ast.Constant(names[label]), name(names[label]), shape, high)
    )


def _length(found: Passes, size: Expr | None, arrays: Iterable[str]) -> ast.expr | None:
    """A size as the length of an axis of an array."""
    if size is not None and size.is_Integer:
        return number(int(size))
    for each in arrays:
        axes = axes_of(found.program.graph, each)
        batched = each in found.program.batched
        for axis, other in enumerate(axes):
            if size == other and not (batched and not axis):
                # There may be any number of axes before these.
                axis -= len(axes) * batched
                return ast.Subscript(name(f"{found.names[each]}.shape"), number(axis))
    return None
