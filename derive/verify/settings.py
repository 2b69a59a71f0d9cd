"""How to check: how many samples, how close, and what of the data is given and not drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType

from sympy import Expr

from derive.errors import DeriveError
from derive.expressions import Graph, Partial, Shape, name_of, nodes_in, tensors_in
from derive.notation.source import did_you_mean
from derive.verify.sample import Given, given_tensors

__all__ = ["Settings", "given_data"]

_NOTHING: Mapping[str, int] = MappingProxyType({})
_DERIVATIVE = re.compile(r"(?:∂|d)\s*\w+\s*/\s*(?:∂|d)\s*(\S+)")


@dataclass(frozen=True)
class Settings:
    """How to check.

    Attributes
    ----------
    seeds : the number of samples.
    tolerance : the worst relative error of a line that holds, for all lines; None leaves it to
        how the derivatives are taken.
    fixed : for tensors that are given, the value of all their entries; the gradient by an output
        `y` that goes back through the graph is written `∂l/∂y`.
    sizes : for an index letter, or a size by its name, the number that it stands for.

    Raises
    ------
    DeriveError : a number that can be none of these.
    """

    seeds: int = 3
    tolerance: float | None = None
    fixed: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    sizes: Mapping[str, int] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise DeriveError(f"{self.seeds} samples check nothing", mend="take at least 1")
        if self.tolerance is not None and not (isfinite(self.tolerance) and self.tolerance > 0):
            raise DeriveError(
                f"{self.tolerance} is no tolerance", mend="it is a positive number, such as 1e-9"
            )
        for name, number in self.sizes.items():
            if number < 1:
                raise DeriveError(f"{name} cannot have {number} values", mend="take at least 1")
        for name, value in self.fixed.items():
            if not isfinite(value):
                raise DeriveError(f"{name} cannot be {value}", mend="take a finite number")


def given_data(settings: Settings, graph: Graph, exprs: Iterable[Expr]) -> Given:
    """What the settings fix in a graph and in expressions about it.

    Raises
    ------
    DeriveError : a name that the graph lacks, or whose values follow from others.
    """
    exprs = list(exprs)
    partials = {partial for expr in exprs for partial in nodes_in(expr, Partial)}
    losses = {name_of(node) for p in partials for node in tensors_in(p.function)}
    beside = [name_of(n) for n in given_tensors(graph, exprs) if name_of(n) not in losses]
    tensors: dict[str, float] = {}
    upstream: dict[str, float] = {}
    for name, value in settings.fixed.items():
        found = _DERIVATIVE.fullmatch(name.strip())
        if found and name not in graph.inputs:
            upstream[_known(name, found[1], graph.outputs)] = value
        else:
            tensors[_known(name, name, (*graph.inputs, *beside), graph)] = value
    return Given(tensors, upstream, {_size(n, graph): k for n, k in settings.sizes.items()})


def _known(text: str, name: str, names: Iterable[str], graph: Graph | None = None) -> str:
    """The name, if it is one of those whose data can be given."""
    names = list(names)
    if name in names:
        return name
    kind = "gradient of a loss is given for" if graph is None else "data are given for"
    mend = did_you_mean(name, names) or f"the {kind} {', '.join(names) or 'nothing'}"
    if graph is not None and name in graph:
        raise DeriveError(f"{text} follows from other data and cannot be set", mend=mend)
    if graph is not None and name in graph.labels:
        raise DeriveError(f"{text} is a label and cannot be set to a number", mend=mend)
    raise DeriveError(f"there is nothing called {text} to set", mend=mend)


def _size(name: str, graph: Graph) -> str:
    """The name of the size of an index letter, or of a size."""
    axes = [(tensor, axis) for tensor in graph.names for axis in range(graph.arity[tensor])]
    named = {str(graph.axis_size(*axis)): graph.axis_size(*axis) for axis in axes}
    letters = {
        letter: graph.axis_size(*axis)
        for axis in axes
        for letter in (*graph.letters.get(axis, ()), *_own_letter(graph, axis))
    }
    size = letters.get(name, named.get(name))
    if size is None:
        known = [*letters, *named]
        mend = did_you_mean(name, known) or f"the indices are {', '.join(letters) or 'none'}"
        raise DeriveError(f"no index or size is called {name}", mend=mend)
    if isinstance(size, Shape):
        raise DeriveError(
            f"{name} stands for several axes, whose sizes are drawn", mend="leave its size out"
        )
    if size.is_Integer:
        raise DeriveError(f"the size of {name} is declared as {size}", mend="leave its size out")
    return str(size)


def _own_letter(graph: Graph, axis: tuple[str, int]) -> tuple[str, ...]:
    name, position = axis
    return (graph[name].indices[position].name,) if name in graph else ()
