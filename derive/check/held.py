"""What stands fixed in a partial derivative, where a text leaves it open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from sympy import Expr

from derive.check.walk import mapped
from derive.expressions import Graph, Partial, is_tensor, name_of

__all__ = ["Held", "holdings"]

MOST_HOLDINGS = 24

Pair = tuple[str, str]


@dataclass(frozen=True)
class Held:
    """For pairs of a function and a variable the names that a derivative holds fixed.

    On the left-hand side of a chain, that of `first`, elsewhere that of `others`.
    """

    first: Mapping[Pair, tuple[str, ...]]
    others: Mapping[Pair, tuple[str, ...]]

    def __call__(self, position: int, expr: Expr) -> Expr:
        """A side with what is held fixed written into its derivatives."""
        pairs = self.others if position else self.first
        if not pairs:
            return expr

        def change(node: Expr) -> Expr:
            if not _is_open(node) or _pair(node) not in pairs:
                return node
            return Partial(*node.args[:2], *pairs[_pair(node)])

        return mapped(expr, change)

    @property
    def words(self) -> str:
        """The choice as a reader is told it, or an empty string where nothing is held."""
        return "; ".join(
            f"∂{function}/∂{variable} read with {', '.join(names)} held fixed"
            for (function, variable), names in sorted({**self.first, **self.others}.items())
        )


def holdings(graph: Graph, sides: Sequence[Expr | None]) -> Iterator[Held]:
    """Choices for all derivatives of a chain: seen through everywhere first, then held."""
    first = _choices(graph, [side for side in sides[:1] if side is not None])
    others = _choices(graph, [side for side in sides[1:] if side is not None])
    keys = [("first", pair) for pair in first] + [("others", pair) for pair in others]
    # What is held on the left is held on the right too, but the other way it need not be.
    chosen = [((), others.get(pair) or first[pair]) for _, pair in keys]
    yield from islice(_distinct(keys, product(*chosen)), MOST_HOLDINGS)


def _distinct(
    keys: Sequence[tuple[str, Pair]], every: Iterator[tuple[tuple[str, ...], ...]]
) -> Iterator[Held]:
    for names in sorted(every, key=lambda names: sum(map(bool, names)) % max(len(names), 1)):
        found = [(where, pair, held) for (where, pair), held in zip(keys, names, strict=True)]
        yield Held(
            {pair: held for where, pair, held in found if held and where == "first"},
            {pair: held for where, pair, held in found if held and where == "others"},
        )


def _open(expr: Expr) -> list[Partial]:
    """The derivatives of a name by a name that say nothing of what they hold fixed."""
    return [partial for partial in expr.atoms(Partial) if _is_open(partial)]


def _is_open(node: Expr) -> bool:
    named = isinstance(node, Partial) and is_tensor(node.function) and is_tensor(node.variable)
    return named and not node.held


def _pair(partial: Partial) -> Pair:
    return name_of(partial.function), name_of(partial.variable)


def _choices(graph: Graph, sides: Sequence[Expr]) -> dict[Pair, tuple[str, ...]]:
    """For each pair that can be read in two ways the names between the two."""
    pairs = sorted({_pair(partial) for side in sides for partial in _open(side)})
    found = {pair: _between(graph, *pair) for pair in pairs if pair[0] in graph}
    return {pair: names for pair, names in found.items() if names}


def _between(graph: Graph, function: str, variable: str) -> tuple[str, ...]:
    """What the function is made of beside the variable, and depends on it."""
    made_of = graph.mentions(function)
    if variable not in made_of:
        return ()
    return tuple(sorted(name for name in made_of - {variable} if variable in graph.ancestors(name)))
