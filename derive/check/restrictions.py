"""The conditions under which the sides of a chain are said to be equal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from derive.check.chains import Chain
from derive.check.formula import Formula
from derive.check.formulas import condition_formulas, opposite
from derive.check.refusal import NotUnderstood

__all__ = ["condition_before", "conditions_of"]

# `If $i = j$:` right before a display.
_BEFORE = re.compile(
    r"\b(?:if|when|for|case|cases|where|assum\w*|suppose)\b[^.$\n]{0,40}"
    r"(?:\$|\\\()(?P<tex>[^$]{1,60}?)(?:\$|\\\))[^.$\n]{0,40}\s*$",
    re.IGNORECASE,
)

_OTHERWISE = re.compile(r"otherwise|else", re.IGNORECASE)


def condition_before(prose: str) -> tuple[Formula, ...]:
    """The condition that prose states right before a display, if it compares indices."""
    found = _BEFORE.search(prose)
    return condition_formulas(found["tex"]) or () if found is not None else ()


def conditions_of(chain: Chain, always: Sequence[Formula]) -> tuple[tuple[Formula, ...], ...]:
    """For each side the comparisons that restrict it, those of the whole chain among them.

    Raises
    ------
    NotUnderstood : a condition compares other things than indices.
    """
    whole = (*always, *_read(chain.condition, "", chain.links[0].offset))
    found = [whole]
    before = chain.condition
    for link in chain.links:
        own = getattr(link, "condition", "")
        found.append((*whole, *_read(own, before, link.offset)))
        before = own or before
    return tuple(found)


def _read(condition: str, before: str, offset: int) -> tuple[Formula, ...]:
    if not condition.strip():
        return ()
    read = _OTHERWISE.search(condition)
    found = opposite(before) if read else condition_formulas(condition)
    if found is None:
        raise NotUnderstood(f"the condition `{condition.strip()}` is not understood", offset)
    return found
