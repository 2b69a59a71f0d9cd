"""Statements that find sizes from the shapes of given tensors."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from derive.codegen.axes import axes_of
from derive.codegen.identifiers import Identifiers
from derive.codegen.syntax import name, number
from derive.expressions import Graph, Size

__all__ = ["length_statements"]


def length_statements(
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
