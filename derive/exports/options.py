"""What a document shows of a derivation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from derive.calculus.derivation import Detail
from derive.notation.arrange import Sums

__all__ = ["DEFAULT", "Matrix", "Options"]

Matrix = Literal["goals", "all", "none"]
"""Which stages end in a line in matrix notation: those asked for, every one, none."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a document shows, the same for every format; each takes from it what it has a place for.

    Attributes
    ----------
    detail : the result alone, the lines that an author would print, or one line for each step.
    reasons : whether the rules' names stand beside the lines in LaTeX and Markdown.
    sums : how sums are shown: `1_j x_j` or `Σ_j x_j`.
    matrix : which stages end in a line in matrix notation.
    """

    detail: Detail = "article"
    reasons: bool = False
    sums: Sums = "einstein"
    matrix: Matrix = "none"


DEFAULT = Options()
