"""Multi-indices as the axes that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from sympy import Expr

from derive.calculus.plan import SPARE_LETTERS
from derive.codegen.assignment import CodeError
from derive.codegen.mapped import mapped
from derive.expressions import (
    Bound,
    Equation,
    Graph,
    Index,
    indices_of,
    name_of,
    ranging,
    tensors_in,
)
from derive.verify.evaluate import EvaluationError
from derive.verify.spread import Spread, shapes_of

__all__ = ["spread", "spread_goals"]


def spread(graph: Graph, ranks: Mapping[str, int]) -> Graph:
    """The graph with each multi-index in place of which so many axes stand, one if not said.

    Raises
    ------
    CodeError : a rank is given for a letter that is no multi-index, or the graph has none then.
    """
    found = _spread(graph, ranks)
    return graph if found is None else _lettered(found.graph, graph)


def spread_goals(goals: Sequence[Expr], graph: Graph, ranks: Mapping[str, int]) -> tuple[Expr, ...]:
    """Goals about a graph as goals about what `spread` makes of it."""
    found = _spread(graph, ranks) if goals else None
    return tuple(goals) if found is None else tuple(_goal(goal, found, graph) for goal in goals)


def _spread(graph: Graph, ranks: Mapping[str, int]) -> Spread | None:
    """What spreads expressions about a graph, None where there is nothing to spread."""
    letters = shapes_of(graph)
    unknown = sorted(set(ranks) - set(graph.multi))
    if unknown:
        raise CodeError(
            f"{unknown[0]} is no multi-index",
            mend=f"the multi-indices are {', '.join(graph.multi)}"
            if graph.multi
            else "no index of the equations stands for several axes",
        )
    if not letters:
        return None
    try:
        return Spread(graph, {shape: ranks.get(n, 1) for shape, n in letters.items()})
    except EvaluationError as error:
        raise CodeError(str(error)) from None


def _goal(goal: Expr, found: Spread, graph: Graph) -> Expr:
    """A goal in letters of its own, whose sizes are those of the axes that it meets."""
    goal = found(goal)
    spare = _spare(graph, {index.name for index in ranging(goal)})
    letters: dict[str, str] = {}

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Index):
            return None
        name = str(node.name)
        if name.startswith("_") and name not in letters:
            own = name[1:].split(".")[0].rstrip("'").lower()
            letters[name] = spare(own if own.isalpha() else SPARE_LETTERS[0])
        return Index(letters.get(name, name))

    return mapped(goal, change)


def _lettered(found: Graph, graph: Graph) -> Graph:
    """A graph that was spread, with letters that can be written for the new indices."""
    spare = _spare(graph)
    letters: dict[str, str] = {}
    for equation in found.equations:
        for index in sorted(_indices(equation), key=str):
            if index.name.startswith("_"):
                own = index.name[1:].split(".")[0].rstrip("'").lower()
                letters.setdefault(index.name, spare(own))

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Index):
            return None
        name = str(node.name)
        return type(node)(letters.get(name, name), node.size)

    equations = [
        replace(e.mapped(lambda side: mapped(side, change)), lhs=mapped(e.lhs, change))
        for e in found.equations
    ]
    table = {
        (e.name, axis): (index.name,) for e in equations for axis, index in enumerate(e.indices)
    }
    for leaf in (leaf for e in equations for side in e.sides for leaf in tensors_in(side)):
        for axis, slot in enumerate(indices_of(leaf)):
            table.setdefault((name_of(leaf), axis), (_letter(slot, found, leaf, axis, graph),))
    sizes = {n: size for n, size in graph.declared.items() if n not in graph.multi}
    # The order of the letters is that in which the author names tensors.
    places = {name: place for place, name in enumerate(graph.names)}
    ordered = sorted(table, key=lambda axis: places.get(axis[0], len(places)))
    return Graph(equations, letters={axis: table[axis] for axis in ordered}, sizes=sizes)


def _letter(slot: Expr, found: Graph, leaf: Expr, axis: int, graph: Graph) -> str:
    """The letter of an axis: that of the index there, else one that the author used for it."""
    if isinstance(slot, Index) and not isinstance(slot, Bound) and not slot.is_label:
        return str(slot.name)
    size = found.axis_size(name_of(leaf), axis)
    every = ((a, own) for a, own in graph.letters.items() if graph.axis_size(*a) == size)
    return next((own[0] for _, own in every), "n")


def _indices(equation: Equation) -> set[Index]:
    """The indices of an equation that are bound by nothing."""
    return set().union(*(ranging(side) for side in (equation.lhs, *equation.sides)))


def _spare(graph: Graph, used: Iterable[str] = ()) -> Callable[[str], str]:
    """Gives out letters that the author does not use, one that is asked for if it is free."""
    taken = {letter for own in graph.letters.values() for letter in own} | set(graph.names)
    taken |= set(used)

    def spare(wanted: str) -> str:
        letter = next(c for c in (wanted, *SPARE_LETTERS) if c not in taken)
        taken.add(letter)
        return letter

    return spare
