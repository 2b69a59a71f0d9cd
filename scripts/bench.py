"""Measure what the project promises about speed, in one run and as ratios.

python scripts/bench.py [--repeat N]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import sympy
from sympy import Idx, IndexedBase, Sum, exp, log, symbols

import derive

SOFTMAX = "s_i = exp(x_i) / σ; σ := 1_j exp(x_j); c = -log(s_T)"


def seconds(run: Callable[[], object], repeat: int) -> list[float]:
    """The times of `repeat` runs after one to warm up."""
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times


def row(what: str, times: list[float], reference: float | None = None, goal: str = "") -> float:
    """Print the median, its spread and the ratio to a reference; returns the median."""
    median = statistics.median(times)
    spread = f"{min(times) * 1e3:.1f} to {max(times) * 1e3:.1f}"
    ratio = "" if reference is None else f"{median / reference:8.2f}x"
    print(f"{what:<52}{median * 1e3:10.2f} ms  ({spread}){ratio}  {goal}")
    return median


def command(*arguments: str) -> Callable[[], object]:
    """A run of this interpreter in a process of its own."""
    return lambda: subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
    )


def by_components(classes: int) -> object:
    """SymPy's way with one symbol an entry."""
    x = symbols(f"x:{classes}")
    loss = -log(exp(x[0]) / sum(exp(entry) for entry in x))
    return [sympy.simplify(loss.diff(entry)) for entry in x]


def by_sum() -> object:
    """SymPy's way with an indexed sum."""
    x, size = IndexedBase("x"), symbols("N", integer=True, positive=True)
    j, n, target = Idx("j", size), Idx("n", size), Idx("T", size)
    loss = -log(exp(x[target]) / Sum(exp(x[j]), (j, 0, size - 1)))
    derivative = loss.diff(x[n])
    try:
        return sympy.simplify(derivative)
    except Exception as error:  # what SymPy 1.14 does with this sum is part of the comparison
        return f"{derivative}, which simplify ends with {error!r}"


def derivations(repeat: int) -> float:
    """In process: the derivation, and that it does not depend on the sizes."""
    print("In process, after warm-up")
    text = row(
        "cross-entropy, from text",
        seconds(lambda: derive.gradient(SOFTMAX, "x"), repeat),
        goal="goal: under 20 ms",
    )
    for size in (4, 64, 4096, 10**9):
        times = seconds(lambda n=size: derive.gradient(SOFTMAX, "x", sizes={"i": n}), repeat)
        row(f"cross-entropy with {size} classes", times, text, "goal: 1x")
    return text


def starts(repeat: int) -> None:
    """Cold: a command against the bare import of SymPy."""
    print("A process of its own")
    bare = row("python -c 'import sympy'", seconds(command("-c", "import sympy"), repeat))
    for arguments in (("--version",), ("show", "cross-entropy"), ("list",)):
        times = seconds(command("-m", "derive", *arguments), repeat)
        row("derive " + " ".join(arguments), times, bare, "goal: at most 1.6x")
    times = seconds(command("-m", "derive", "verify", "cross-entropy"), repeat)
    row("derive verify cross-entropy", times, bare)


def sympy_ways(reference: float) -> None:
    """SymPy's own way to the same gradient, as far as it gets."""
    print("SymPy's own way (ratios to ours)")
    for classes in (4, 16, 64):
        start = time.perf_counter()
        by_components(classes)
        row(f"diff and simplify, {classes} components", [time.perf_counter() - start], reference)
    start = time.perf_counter()
    found = by_sum()
    row("diff of Indexed and Sum, and simplify", [time.perf_counter() - start], reference)
    print(f"    which gives {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    reference = derivations(repeat)
    starts(repeat)
    sympy_ways(reference)


if __name__ == "__main__":
    main()
