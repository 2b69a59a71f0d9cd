"""What a spec sheet holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sympy import Add, Expr, S, cancel, expand

from derive.codegen.assignment import Assignment
from derive.codegen.costs import Cost, Reduction
from derive.codegen.further import Further
from derive.codegen.operations import ARITHMETIC, tallied
from derive.codegen.program import Program
from derive.codegen.sizes import SizeNames

__all__ = ["DTYPES", "Alternative", "Kept", "Pass", "Row", "Sheet"]


DTYPES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
"""The bytes of a number of each type."""


@dataclass(frozen=True)
class Row:
    """An assignment with what it costs.

    Attributes
    ----------
    formula : the assignment in the notation.
    read, written : bytes, where every array that it touches is read or written once.
    """

    assignment: Assignment
    formula: str
    reductions: tuple[Reduction, ...]
    cost: Cost
    read: Expr
    written: Expr


@dataclass(frozen=True)
class Pass:
    """The forward or the backward pass.

    Attributes
    ----------
    least_read, least_written : the bytes that must move, however the pass is computed: what
        it is given is read once, what it returns is written once.
    """

    rows: tuple[Row, ...]
    least_read: Expr
    least_written: Expr

    @property
    def operations(self) -> Counter[str]:
        """How often each kind of operation is done."""
        return tallied(done for row in self.rows for done in row.cost.operations.items())

    @property
    def flops(self) -> Expr:
        """The number of operations of all kinds."""
        return expand(Add(*(row.cost.flops for row in self.rows)))

    def kinds(self) -> list[tuple[str, Expr]]:
        """The kinds of operations with their numbers: arithmetic, then functions by name."""
        order = {kind: place for place, kind in enumerate(ARITHMETIC)}
        return sorted(
            self.operations.items(), key=lambda item: (order.get(item[0], len(order)), item[0])
        )

    @property
    def moved(self) -> Expr:
        """The bytes read and written where each assignment reads arrays and writes one."""
        return expand(Add(*(row.read + row.written for row in self.rows)))

    @property
    def least(self) -> Expr:
        """The bytes that must move."""
        return expand(self.least_read + self.least_written)

    @property
    def intensity(self) -> Expr:
        """Operations for each byte that must move: the most that fusing can reach."""
        return _ratio(self.flops, self.least)

    @property
    def intensity_by_array(self) -> Expr:
        """Operations for each byte where each assignment reads arrays and writes one."""
        return _ratio(self.flops, self.moved)


def _ratio(above: Expr, below: Expr) -> Expr:
    return cancel(above / below) if below != 0 else S.Zero


@dataclass(frozen=True)
class Alternative:
    """What would be saved in place of something, and the operations that would be done again."""

    saved: tuple[str, ...]
    bytes: Expr
    flops: Expr


@dataclass(frozen=True)
class Kept:
    """A tensor that the forward pass saves for the backward pass.

    Attributes
    ----------
    given : whether it is an input, of which the caller has a copy anyway.
    instead : what it takes to compute it again; it starts from inputs, from what is saved
        anyway, and from tensors with fewer axes, such as the sums of rows.
    """

    name: str
    bytes: Expr
    given: bool
    instead: Alternative | None = None


@dataclass(frozen=True)
class Sheet:
    """What a program costs; all formulas are in the symbols of `sizes`.

    Attributes
    ----------
    again : what the backward pass computes again, with the bytes that are not saved for it.
    inputs_alone : what it takes to save nothing that is computed.
    further : for each other derivative its function, and what that costs.
    """

    program: Program
    dtype: str
    sizes: SizeNames
    forward: Pass
    backward: Pass
    saved: tuple[Kept, ...]
    again: tuple[tuple[str, Expr], ...]
    inputs_alone: Alternative
    further: tuple[tuple[Further, Pass], ...] = ()

    @property
    def saved_bytes(self) -> Expr:
        """The bytes of all that is saved."""
        return expand(Add(*(kept.bytes for kept in self.saved)))

    @property
    def computed_bytes(self) -> Expr:
        """The bytes of what is saved and was not given."""
        return expand(Add(*(kept.bytes for kept in self.saved if not kept.given)))
