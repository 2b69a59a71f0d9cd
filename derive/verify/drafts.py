"""Drafts of mutants: a mistake, what it was done with, and how to make it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Self

from sympy import Expr, Pow

from derive.expressions import Binder, Graph, Index, Size
from derive.notation.letters import Scope, name_dummies, outermost

__all__ = ["Draft", "Said", "Where", "is_size", "wrapped"]

Said = tuple[str | Expr, ...]
"""A phrase: words, and expressions in the letters of the line, which are written when it is."""


class Draft(NamedTuple):
    """A kind of mistake, the words for this one, and how to make it: few drafts are ever built.

    `term` is the outermost term of a sum of terms in which it is made.
    """

    mistake: str
    said: Said
    build: Callable[[], Expr]
    term: Expr | None = None


@dataclass(frozen=True)
class Where:
    """Where a part of an expression stands.

    Attributes
    ----------
    graph : the definitions.
    indices : the indices known there, free ones of the line and those of the sums around.
    letters : the letters that a printed line has for them, so that the words for a mistake agree
        with the line.
    """

    graph: Graph
    indices: tuple[Index, ...]
    letters: Scope

    @classmethod
    def of(cls, expr: Expr, free: Iterable[Index], graph: Graph) -> Self:
        """The place of a whole line."""
        indices = tuple(free)
        return cls(graph, indices, outermost(expr, indices))

    def opened(self, binder: Binder) -> tuple[Where, tuple[Index, ...], Expr]:
        """The inside of a binder: the place, the letters of its indices and its body."""
        scope = name_dummies(binder.body, binder.bound, self.graph, self.letters)
        indices = tuple(Index(scope.letters[bound], bound.size) for bound in binder.bound)
        body = binder.body.xreplace(dict(zip(binder.bound, indices, strict=True)))
        return replace(self, indices=self.indices + indices, letters=scope), indices, body

    def alike(self, index: Index) -> Iterator[Index]:
        """The other indices known there that run over as many values."""
        return (other for other in self.indices if other != index and other.size == index.size)


def wrapped(drafts: Iterable[Draft], wrap: Callable[[Expr], Expr]) -> Iterator[Draft]:
    """The same mistakes made in a part of an expression."""
    for draft in drafts:
        yield draft._replace(build=partial(_composed, wrap, draft.build))


def _composed(wrap: Callable[[Expr], Expr], build: Callable[[], Expr]) -> Expr:
    return wrap(build())


def is_size(factor: Expr) -> bool:
    """Whether a factor is a number of entries or one over it, as in a mean."""
    base = factor.base if isinstance(factor, Pow) else factor
    return isinstance(base, Size)
