"""What every part of an evaluation modulo a prime uses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from hashlib import blake2b
from typing import Any

from sympy import Expr, Mul

from derive.expressions import Index, Partial, is_tensor, name_of
from derive.verify.assignment import Assignment
from derive.verify.exponents import Exponents
from derive.verify.labelled import Labelled, UndecidedError
from derive.verify.modular import CHAINS
from derive.verify.tangent import Tangents

__all__ = ["Evaluation", "key_of"]


def key_of(text: str) -> int:
    """A number for a name."""
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")


class Evaluation(ABC):
    """Values of expressions about one graph, each kept.

    Parameters
    ----------
    tangents : the graph with its derivatives, or None to take names and derivatives of
        definitions as they stand, as tensors of their own.
    assignment : numbers for sizes and labels.
    points : how many points.
    top : the evaluation of the numbers themselves; this one is that of exponents in it, or of
        exponents in those.
    """

    def __init__(
        self,
        assignment: Assignment,
        tangents: Tangents | None,
        points: int,
        top: Evaluation | None = None,
        level: int = 0,
    ) -> None:
        self.assignment, self.tangents, self.points = assignment, tangents, points
        self.graph = assignment.graph
        self.top: Evaluation = top or self
        self.level = level
        primes = self.primes
        if level == len(primes):
            raise UndecidedError("exponentials are nested too deep")
        self.prime = primes[level]
        self.exponents = Exponents(self.graph, tangents is not None)
        self._known: dict[Expr, Labelled] = {}
        self._places: dict[Expr, Labelled] = {}
        self._arrays: dict[Any, Labelled] = {}
        self._logs: dict[Expr, Labelled] = {}
        self._drawn_names: set[str] = set()

    @property
    def primes(self) -> tuple[int, ...]:
        """The prime of the numbers themselves, of exponents, of exponents in those."""
        return CHAINS[self.assignment.number % len(CHAINS)]

    @property
    @abstractmethod
    def below(self) -> Evaluation:
        """The evaluation that exponents live in."""

    @abstractmethod
    def __call__(self, expr: Expr) -> Labelled:
        """The value of an expression."""

    @abstractmethod
    def place(self, slot: Expr) -> Labelled:
        """The value of what stands between the brackets, or on a side of a comparison."""

    def factors(self, expr: Expr) -> list[Labelled]:
        """The values of the factors of a product, a derivative by itself as several deltas."""
        return [self(part) for factor in Mul.make_args(expr) for part in self._parts(factor)]

    def _parts(self, factor: Expr) -> tuple[Expr, ...]:
        if self.tangents is None or not isinstance(factor, Partial):
            return (factor,)
        both = factor.function, factor.variable
        if not all(map(is_tensor, both)) or name_of(both[0]) != name_of(both[1]):
            return (factor,)
        return Mul.make_args(self.tangents(factor))

    def length(self, index: Index) -> int:
        """The number of values of an index."""
        return self.size(index.size)

    def size(self, size: Expr | None) -> int:
        """The number that a size stands for."""
        return self.assignment.size(size)
