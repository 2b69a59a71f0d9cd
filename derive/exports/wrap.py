"""Text in columns: long formulas broken at their operators, words filled, cells padded."""

from __future__ import annotations

import re
import textwrap
from itertools import accumulate

from rich.cells import cell_len

__all__ = ["filled", "padded_left", "padded_right", "wrap"]

# A space behind the ASCII spelling of a derivative, `d x_n`, is no place to break.
_DERIVATIVE = re.compile(r"(?:^|[/( −-])d$")
_OPERATORS = ("+", "−", "-")


def wrap(formula: str, width: int) -> list[str]:
    """The formula in pieces, each of at most `width` cells where it has a space to break at.

    Breaks stand before a plus or minus outside brackets if there is one, else between factors,
    else inside brackets.
    """
    pieces = []
    while cell_len(formula) > width and (breaks := _breaks(formula, width)):
        position = max(breaks)[1]
        pieces.append(formula[:position])
        formula = formula[position + 1 :]
    return [*pieces, formula]


def _breaks(formula: str, width: int) -> list[tuple[tuple[int, bool], int]]:
    """Spaces at which the first piece fits, each with its merit: less nested, at an operator."""
    depths = accumulate((c in "([{") - (c in ")]}") for c in formula)
    found = []
    for position, (char, depth) in enumerate(zip(formula, depths, strict=True)):
        left, right = formula[:position], formula[position + 1 :]
        if char != " " or not position or _DERIVATIVE.search(left):
            continue
        if left.endswith(_OPERATORS) and left[-2:-1] == " ":
            continue
        if cell_len(left) <= width:
            operator = right.startswith(_OPERATORS) and right[1:2] == " "
            found.append(((-depth, operator), position))
    # A piece that leaves most of the line empty is worse than a break inside brackets.
    return [b for b in found if b[1] > width // 3] or found


def filled(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells; none where there is no room for any."""
    return textwrap.wrap(text, width, break_on_hyphens=False) if width > 0 else []


def padded_right(text: str, width: int) -> str:
    """The text with spaces behind it, to be `width` cells wide."""
    return text + " " * (width - cell_len(text))


def padded_left(text: str, width: int) -> str:
    """The text with spaces before it, to be `width` cells wide."""
    return " " * (width - cell_len(text)) + text
