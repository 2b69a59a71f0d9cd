"""Verify every derivation of the catalogue; with `--against torch` compare with PyTorch too, with
`--power` try all mutants of every result.

Exit code 0: all lines hold. 1: a line is wrong or undecided, a mutant passes for a result, or a
result differs from PyTorch's. 2: bad input, or PyTorch is not installed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from derive.api import load
from derive.cache import Cache
from derive.calculus.derivation import Derivation
from derive.errors import DeriveError
from derive.notation.write import write_text
from derive.problems import catalogue, statement_of
from derive.verify import Report, Settings, kept_report, power, verify
from derive.verify import verified as kept_or_found

Found = TypeVar("Found")

GRADES = ("exact", "sampled", "unknown", "wrong")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="entries of the catalogue (default: all)")
    parser.add_argument("--against", choices=["torch"], help="a framework to compare with")
    parser.add_argument("--power", action="store_true", help="try all mutants of every result")
    parser.add_argument("--seeds", type=int, default=3, help="samples per derivation (default 3)")
    parser.add_argument("--jobs", type=int, default=None, help="processes (default: all cores)")
    parser.add_argument("--no-cache", action="store_true", help="verify anew what was before")
    options = parser.parse_args(arguments)
    names = options.names or list(catalogue())
    console = Console(width=None if sys.stdout.isatty() else 120)
    cache = None if options.no_cache else Cache()
    try:
        ok = verified(names, options.seeds, cache, options.jobs, console)
        if options.power:
            ok = powerful(names, options.seeds, options.jobs, console) and ok
        if options.against == "torch":
            ok = agree_with_torch(names, console) and ok
    except DeriveError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print("PyTorch is not installed: pip install 'derive[torch]'", file=sys.stderr)
        return 2
    return 0 if ok else 1


@dataclass(frozen=True)
class Outcome:
    """What the table says of one derivation, and what keeps it from being clean."""

    cells: list[str]
    complaints: list[str]


def verified(
    names: list[str], seeds: int, cache: Cache | None, jobs: int | None, console: Console
) -> bool:
    """Print the table of grades; whether all lines hold."""
    settings = Settings(seeds=seeds)
    problems = {name: statement_of(name) for name in names}
    kept = {name: kept_report(problem, settings, cache) for name, problem in problems.items()}
    outcomes = {
        name: Outcome([*row(report), "cached"], []) for name, report in kept.items() if report
    }
    missing = [name for name in names if name not in outcomes]
    outcomes |= by_processes(missing, partial(outcome, seeds=seeds, cache=cache), jobs)
    table = columns("derivation", "stages", "lines", *GRADES, "error", "mutants", "seconds")
    for name in names:
        table.add_row(name, *outcomes[name].cells)
    console.print(table)
    complaints = [f"{name}, {text}" for name in names for text in outcomes[name].complaints]
    if complaints:
        console.print(*complaints, sep="\n", markup=False, highlight=False)
    return not complaints


def powerful(names: list[str], seeds: int, jobs: int | None, console: Console) -> bool:
    """Print what became of all mutants of every result; whether none passes for its result."""
    table = columns("derivation", "mutants", "rejected", "equal", "survivors", "undecided", "cut")
    found = by_processes(names, partial(power_of, seeds=seeds), jobs)
    for name, (counts, _) in found.items():
        table.add_row(name, *map(str, counts))
    table.add_section()
    table.add_row("all", *map(str, map(sum, zip(*(c for c, _ in found.values()), strict=True))))
    console.print(table)
    survivors = [text for _, complaints in found.values() for text in complaints]
    if survivors:
        console.print(*survivors, sep="\n", markup=False, highlight=False)
    return not survivors


def power_of(name: str, seeds: int) -> tuple[list[int], list[str]]:
    """The numbers of the mutants of one derivation by what became of them, and who survived."""
    derivation = load(name)
    report = power(derivation, Settings(seeds=seeds))
    total, cut = report.total, sum(stage.cut for stage in report.stages)
    counts = [
        total.generated, total.rejected, total.equal,
        len(total.survivors), len(total.undecided), cut,
    ]  # fmt: skip
    survivors = []
    for stage in report.stages:
        goal = write_text(stage.goal, derivation.graph)
        survivors += [f"{name}, {goal}: {stage.reason}"] if stage.reason else []
        for mutant in stage.survivors:
            words = mutant.words(derivation.graph, (stage.goal,))
            survivors.append(f"{name}, {goal} passes with {words}")
    return counts, survivors


def by_processes(
    names: list[str], run: Callable[[str], Found], jobs: int | None
) -> dict[str, Found]:
    """Something found for each derivation, in several processes where there are several."""
    jobs = min(jobs or os.cpu_count() or 1, len(names))
    if jobs < 2:
        return {name: run(name) for name in names}
    executor = ProcessPoolExecutor(jobs, initializer=leave_interrupts)
    try:
        return dict(zip(names, executor.map(run, names), strict=True))
    finally:
        # After an interrupt what has not begun is dropped.
        executor.shutdown(cancel_futures=True)


def leave_interrupts() -> None:
    """Ctrl-C goes to all processes; the first one says what is to be done."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def outcome(name: str, seeds: int, cache: Cache | None) -> Outcome:
    """Derive and verify one derivation."""
    derivation, settings = load(name), Settings(seeds=seeds)
    start = time.perf_counter()
    report = kept_or_found(
        statement_of(name), settings, lambda: verify(derivation, settings), cache
    )
    cells = [*row(report), f"{time.perf_counter() - start:.2f}"]
    return Outcome(cells, wrong(derivation, report))


def columns(first: str, *others: str) -> Table:
    """An empty table; names and numbers stay on one line."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def row(report: Report) -> list[str]:
    """The cells that count what a report holds."""
    grades = Counter(line.grade for line in report.lines)
    error = "" if report.error is None else f"{report.error:.0e}"
    rejected = sum(stage.rejected for stage in report.stages)
    mutants = sum(stage.mutants for stage in report.stages)
    counts = [len(report.stages), len(report.lines), *(grades[grade] for grade in GRADES)]
    return [*map(str, counts), error, f"{rejected}/{mutants}"]


def wrong(derivation: Derivation, report: Report) -> list[str]:
    """What keeps a report from being clean."""
    found = []
    for number, stage in enumerate(report.stages, 1):
        goal = derivation.stages[number - 1].goal
        for position, line in enumerate(stage.graded, 1):
            if not line.holds:
                found.append(f"stage {number}, line {position}: {line.grade}: {line.reason}")
        if stage.symmetry is not None and not stage.symmetry.holds:
            found.append(f"stage {number}: {stage.symmetry.grade}: {stage.symmetry.reason}")
        for mutant in stage.survivors:
            text = write_text(mutant.expr, derivation.graph, (goal,))
            found.append(f"stage {number}: passes for the result ({mutant.mistake}): {text}")
    return found


def agree_with_torch(names: list[str], console: Console) -> bool:
    """Print the comparison with PyTorch's autograd; whether all results agree."""
    # Only this comparison needs PyTorch.
    from derive.verify.torch_reference import DTYPES, REFERENCES, compare

    table = columns("derivation", "goal", *DTYPES)
    complaints = []
    for name in names:
        reference = REFERENCES.get(name.replace("-", "_"))
        if reference is None:
            table.add_row(name, "no function of PyTorch", *("" for _ in DTYPES))
            continue
        derivation = load(name)
        compared = [compare(derivation, reference, dtype) for dtype in DTYPES]
        for found in zip(*compared, strict=True):
            goal = write_text(found[0].goal, derivation.graph)
            cells = [f"{'agrees' if each.ok else 'DIFFERS'} {each.error:.0e}" for each in found]
            table.add_row(name, goal, *cells)
            complaints += [f"{name}, {goal}: {each.complaint}" for each in found if not each.ok]
    console.print(table)
    if complaints:
        console.print(*complaints, sep="\n", markup=False, highlight=False)
    return not complaints


if __name__ == "__main__":
    sys.exit(main())
