"""What a document shows of a derivation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from derive.calculus.derivation import DETAILS, Detail
from derive.errors import DeriveError
from derive.notation.arrange import SUMS, Sums
from derive.notation.source import did_you_mean

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

    def __post_init__(self) -> None:
        _one_of("detail", self.detail, DETAILS)
        _one_of("sums", self.sums, SUMS)
        _one_of("matrix", self.matrix, get_args(Matrix))


def _one_of(option: str, value: object, known: tuple[str, ...]) -> None:
    if value in known:
        return
    near = did_you_mean(value, known) if isinstance(value, str) else ""
    raise DeriveError(f"{option} cannot be {value!r}", mend=near or f"it can be {', '.join(known)}")


DEFAULT = Options()
