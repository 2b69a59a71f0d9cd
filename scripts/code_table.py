"""What `bench_code.py` prints: a table of times and memory, and which goals are met."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from code_workers import COPY

# What is to be no slower may be so much slower in the noise.
EVEN = 1.05
_PRIMITIVES = "PyTorch primitives, autograd"
_REVERSE = "forward over reverse"
# Who, in which pass, at most how many times whom, in which pass, and how the cases start. The
# backward pass of a product with a Hessian is the product, from what the forward pass saved.
GOALS = (
    ("NumPy generated", "backward", 1.3, "NumPy by hand", "backward", ""),
    ("PyTorch generated", "backward", 0.7, _PRIMITIVES, "backward", ""),
    (
        "PyTorch generated",
        "backward",
        1 / 3,
        "PyTorch fused, autograd",
        "backward",
        "cross-entropy 4096",
    ),
    (
        "PyTorch generated, compiled",
        "both",
        EVEN,
        "PyTorch primitives, autograd compiled",
        "both",
        "",
    ),
    ("JAX generated, jit, both as one", "both", EVEN, "JAX grad, jit, both as one", "both", ""),
    ("Numba generated", "backward", 1.5, COPY, "backward", "cross-entropy"),
    ("Numba generated", "backward", 1.5, "PyTorch fused, autograd", "backward", "layer norm"),
    ("PyTorch generated", "both", 1 / 3, f"PyTorch primitives, {_REVERSE}", "both", "Hessian"),
    ("JAX generated, jit", "backward", 1 / 3, f"JAX {_REVERSE}, jit", "both", "Hessian"),
    ("JAX generated, jit, both as one", "both", 1 / 3, f"JAX {_REVERSE}, jit", "both", "Hessian"),
)
MEMORY_GOALS = (
    ("PyTorch generated", _PRIMITIVES),
    ("PyTorch generated", "PyTorch fused, autograd"),
    ("JAX generated, jit, both as one", "JAX grad, jit, both as one"),
)
# Smaller peaks, in bytes, are lost among what libraries keep for themselves.
SMALL = 4e6


@dataclass
class Times:
    """Seconds of each round, of the backward pass alone and of both; peak memory in bytes."""

    backward: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    peak: int | None = None

    def of(self, phase: str) -> list[float]:
        """The seconds of `backward`, or of `both`."""
        return self.backward if phase == "backward" else self.both


def spread(values: Sequence[float], scale: float = 1e3, form: str = ".3g") -> str:
    """The median, with the least and the greatest."""
    if not values:
        return "–"
    middle, low, high = (f(values) * scale for f in (statistics.median, min, max))
    return f"{middle:{form}} ({low:{form}}..{high:{form}})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """The ratio in each round that both have."""
    return [a / b for a, b in zip(ours, theirs, strict=False)] if ours and theirs else []


def table(times: Mapping[str, Times]) -> Iterator[str]:
    """The lines of the table; beside the code by hand, or beside the first one."""
    base = next(iter(times))
    rows = [("", "backward ms", "both ms", f"× {base.removeprefix('NumPy ')}", "peak MB")]
    for name, found in times.items():
        phase = "backward" if found.backward and times[base].backward else "both"
        beside = spread(ratios(found.of(phase), times[base].of(phase)), 1, ".2f")
        both = "–" if name == COPY else spread(found.both)
        peak = "–" if found.peak is None or name == COPY else f"{found.peak / 1e6:.1f}"
        rows.append((name, spread(found.backward), both, beside, peak))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *row, peak in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths[:-1], strict=True)]
        yield "  " + "   ".join([*cells, peak.rjust(widths[-1])])


def goals(case: str, times: Mapping[str, Times]) -> Iterator[dict[str, Any]]:
    """For each goal of the case the ratio, and whether it is met."""
    for who, phase, factor, whom, other, only in GOALS:
        if case.startswith(only) and {who, whom} <= times.keys():
            found = ratios(times[who].of(phase), times[whom].of(other))
            if found:
                yield _goal(f"{who}, {phase}: at most {factor:.2f} × {whom}", found, factor)
    for who, whom in MEMORY_GOALS:
        if {who, whom} <= times.keys():
            ours, theirs = times[who].peak, times[whom].peak
            if ours is not None and theirs is not None and max(ours, theirs) > SMALL:
                ratio = ours / max(theirs, 1)
                yield _goal(f"{who}: no more memory than {whom}", [ratio], EVEN)


def _goal(text: str, found: Sequence[float], factor: float) -> dict[str, Any]:
    middle = statistics.median(found)
    ends = {"least": min(found), "greatest": max(found)}
    return {"goal": text, "ratio": middle, **ends, "met": middle <= factor}


def goal_line(goal: Mapping[str, Any]) -> str:
    """A goal in one line."""
    word = "met   " if goal["met"] else "MISSED"
    range_ = f"{goal['least']:.2f}..{goal['greatest']:.2f}"
    return f"  {word} {goal['goal']}: {goal['ratio']:.2f} ({range_})"
