"""The letters of multi-indices."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from derive.expressions.graph import Graph
from derive.expressions.indices import Shape

__all__ = ["MOST_PRIMES", "is_declared", "multi_letters"]

MOST_PRIMES = 3
"""An index letter has at most this many primes."""


def is_declared(letter: str, multi: Collection[str]) -> bool:
    """Whether a letter is a multi-index: one of those declared, or one of them with primes."""
    return letter.rstrip("'") in multi


def multi_letters(shape: Shape, graph: Graph) -> Iterator[str]:
    """Letters for a multi-index: those of axes as long, those of no axis, the same with primes."""
    taken = {letter for letters in graph.letters.values() for letter in letters}
    axes = [axis for axis in graph.letters if graph.axis_size(*axis) == shape]
    used = [letter for axis in axes for letter in graph.letters[axis]]
    yield from used
    bases = [letter.rstrip("'") for letter in used]
    bases += [letter for letter in graph.multi if letter not in taken]
    for primes in range(MOST_PRIMES + 1):
        yield from (letter + "'" * primes for letter in dict.fromkeys(bases or graph.multi))
