"""A chain to be judged, and what was found of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr, S

from derive.check.chains import Chain
from derive.check.context import Context
from derive.check.facts import Fact
from derive.check.formula import Formula
from derive.check.model import Model
from derive.check.results import Line
from derive.verify.trial import Trial

__all__ = ["Checked", "Question"]


@dataclass(frozen=True)
class Question:
    """A chain with the readings of its sides, and where in the text it stands.

    `defines` says that the first side is defined by the second one, `explicit` that only a sign
    sums, `twice` that the author's summation convention is the one where a dummy stands twice.
    """

    chain: Chain
    sides: tuple[tuple[Formula, ...], ...]
    conditions: tuple[tuple[Formula, ...], ...]
    context: Context
    number: int
    section: tuple[str, ...]
    defines: bool
    explicit: bool | None
    facts: tuple[Fact, ...] = ()
    losses: frozenset[str] = frozenset()
    twice: bool = False


@dataclass(frozen=True)
class Checked:
    """A verdict on a chain: a line for each link, and how the chain was read.

    `supposed` is a fact that the text does not state and without which lines fail. `is_read` says
    that this reading of the chain makes sense at all.
    """

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    generic: tuple[str, ...] = ()
    supposed: str = ""
    is_read: bool = True
    model: Model | None = field(default=None, repr=False, compare=False)
    sides: tuple[Formula, ...] = field(default=(), repr=False, compare=False)
    exprs: tuple[Expr | None, ...] = field(default=(), repr=False, compare=False)
    trial: Trial | None = field(default=None, repr=False, compare=False)

    def compared(self, line: Line) -> tuple[Expr, Expr, Expr]:
        """What is 1 at the entries that count, what a line was compared with, and the line."""
        mask = self.model.masks[line.position] if self.model is not None else S.One
        above, here = self.exprs[line.against], self.exprs[line.position]
        return mask, above or S.Zero, here or S.Zero

    @property
    def score(self) -> tuple[bool, int, int, int]:
        """How much speaks against it: no reading, lines that fail, that are unknown, remarks."""
        failed = sum(line.fails for line in self.lines)
        unknown = sum(line.grade == "unknown" and not line.set_aside for line in self.lines)
        return not self.is_read, failed, unknown, len(self.notes)

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return self.score[:3] == (False, 0, 0)
