"""The bounds of a loop that sees to conditions linear in its index."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr

from derive.codegen.loops import Loop

__all__ = ["bounds"]


def bounds(loop: Loop, size: str, text: Callable[[Expr], str]) -> list[str]:
    """The arguments of `range`."""
    lows, highs = [], [size]
    for condition in sorted(loop.conditions, key=str):
        slope = condition.coeff(loop.index)
        rest = (condition - slope * loop.index).expand()
        if slope > 0:
            lows.append(_least(int(slope), rest, text))
        else:
            highs.append(_end(int(-slope), rest, text))
    stop = highs[0] if len(highs) == 1 else f"min({', '.join(highs)})"
    return [f"max(0, {', '.join(lows)})", stop] if lows else [stop]


def _least(slope: int, rest: Expr, text: Callable[[Expr], str]) -> str:
    """The least i for which `slope · i + rest` is not negative."""
    return text(-rest) if slope == 1 else f"-(({text(rest)}) // {slope})"


def _end(slope: int, rest: Expr, text: Callable[[Expr], str]) -> str:
    """The first i for which `rest - slope · i` is negative."""
    return text(rest + 1) if slope == 1 else f"({text(rest)}) // {slope} + 1"
