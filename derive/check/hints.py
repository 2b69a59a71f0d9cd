"""Hints that settle what a text leaves open: comments in the file, or `--assume`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from derive.check.facts import Fact, fact_in, positive
from derive.check.formula import Formula, formula
from derive.check.formulas import condition_formulas, formulas, in_notation
from derive.check.refusal import NotUnderstood
from derive.check.understand import Understanding
from derive.errors import DeriveError

__all__ = ["Hints", "read_hints"]

_LOSS = re.compile(r"(?P<name>\S+)\s+(?:is\s+)?(?:upstream|a loss|downstream)")
_NAME = re.compile(r"\\(?:mathcal|mathrm|mathbf|text)\s*\{?\s*(\w+)\s*\}?")


@dataclass
class Hints:
    """What hints say.

    Attributes
    ----------
    einstein : whether a repeated index is summed.
    facts : what is given of inputs.
    losses : names that stand for a loss downstream, whatever the text defines.
    conditions : comparisons of indices, for the next block.
    ignore : leave the next block out.
    """

    einstein: bool | None = None
    facts: list[Fact] = field(default_factory=list)
    losses: set[str] = field(default_factory=set)
    conditions: list[Formula] = field(default_factory=list)
    ignore: bool = False


def read_hints(texts: Iterable[str]) -> Hints:
    """The hints in texts, which commas or semicolons separate.

    Raises
    ------
    DeriveError : one of them is no hint.
    """
    found = Hints()
    for text in texts:
        for part in re.split(r";|,(?![^{(\[]*[})\]])", text):
            if part.strip():
                _read(part.strip().strip("$").strip(), found)
    return found


def _read(text: str, found: Hints) -> None:
    word = text.casefold()
    loss = _LOSS.fullmatch(text)
    if word in ("einstein", "explicit"):
        found.einstein = word == "einstein"
    elif word == "ignore":
        found.ignore = True
    elif loss is not None:
        found.losses.add(_NAME.sub(r"\1", loss["name"]))
    elif conditions := condition_formulas(text):
        found.conditions += conditions
    elif facts := _facts(text):
        found.facts += facts
    else:
        raise DeriveError(
            f"`{text}` is no assumption that can be made",
            mend="write `einstein`, `explicit`, `ignore`, `L upstream`, `i != j`, `x_i > 0` or "
            "`Σ_k t_k = 1`",
        )


def _facts(text: str) -> Sequence[Fact]:
    try:
        for sign, reader in ((">", positive), ("=", fact_in)):
            left, found, right = text.partition(sign)
            fact = reader(_side(left), _side(right)) if found else None
            if fact is not None:
                return [fact]
    except (DeriveError, NotUnderstood):
        return []
    return []


def _side(text: str) -> Formula:
    """One side of a hint, in LaTeX or in the notation."""
    if "\\" in text:
        return formulas(Understanding([text]).read(text), ())[0]
    return formula(in_notation(text.strip()), ())
