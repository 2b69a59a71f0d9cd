"""The lengths of the axes of tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Expr

from derive.codegen.assignment import Assignment
from derive.codegen.positions import Sizes
from derive.codegen.solution import RootWork
from derive.expressions import Graph

__all__ = ["axes_of", "axis_sizes"]


def axes_of(graph: Graph, tensor_name: str) -> list[Expr]:
    """The sizes of the axes of a tensor, or of its adjoint."""
    base = tensor_name.lstrip("∂")
    return [graph.axis_size(base, k) for k in range(graph.arity.get(base, 0))]


def axis_sizes(graph: Graph, assignments: Iterable[Assignment]) -> Sizes:
    """The lengths of the axes of each tensor, of a graph or made by assignments."""
    every = [i for a in assignments for i in (*(a.inner if isinstance(a, RootWork) else ()), a)]
    made = {each.name: [index.size for index in each.indices] for each in every}

    def sizes(tensor_name: str) -> Sequence[Expr | None]:
        given = tensor_name.lstrip("∂") in graph.arity or tensor_name not in made
        return axes_of(graph, tensor_name) if given else made[tensor_name]

    return sizes
