"""What a generated function asks of its arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from derive.codegen.dialect import call, name, number
from derive.codegen.passes import Passes, axes_of
from derive.codegen.program import adjoint
from derive.expressions import Size

__all__ = ["HELPER", "checked"]

HELPER = '''
def _check(*arrays):
    """Raise where arrays, given as (name, array, sizes, kind), do not fit together."""
    known, kinds = {}, {}
    for name, array, sizes, kind in arrays:
        shape, dtype = np.shape(array), np.asarray(array).dtype
        if len(shape) != len(sizes):
            raise ValueError(f"{name} has {len(shape)} axes, not {len(sizes)}")
        if (dtype.kind in "iu") != (kind == "label"):
            wanted = "whole" if kind == "label" else "floating-point"
            raise TypeError(f"{name} is {dtype}, not an array of {wanted} numbers")
        if kind != "label" and shape:
            other, first = kinds.setdefault("numbers", (name, dtype))
            if dtype != first:
                raise TypeError(f"{name} is {dtype}, {other} is {first}")
        for axis, (length, size) in enumerate(zip(shape, sizes)):
            here = f"{name} has {length} entries along axis {axis}"
            if isinstance(size, int) and length != size:
                raise ValueError(f"{here}, not {size}")
            other, there, first = known.setdefault(size, (name, axis, length))
            if length != first:
                raise ValueError(f"{here}, {other} has {first} along axis {there}")
'''


def checked(found: Passes, backward: bool = False) -> Iterator[ast.stmt]:
    """Statements that check what a function takes."""
    program, names = found.program, found.names
    graph = program.graph
    given = tuple(map(adjoint, program.outputs)) if backward else program.inputs
    rows: list[ast.expr] = []
    for each in given:
        sizes: list[ast.expr] = [
            ast.Constant(names[str(size)]) if isinstance(size, Size) else number(int(size))
            for size in axes_of(graph, each)
        ]
        kind = "label" if each in graph.labels else "number"
        cells = [ast.Constant(names[each]), name(names[each]), ast.Tuple(sizes), ast.Constant(kind)]
        rows.append(ast.Tuple(cells))
    yield ast.Expr(call("_check", *rows))
