"""Verify every derivation of the catalogue; with `--against torch` compare with PyTorch too, with
`--power` try all mutants of every result.

Exit code 0: all lines hold. 1: a line is wrong or undecided, a mutant passes for a result, or a
result differs from PyTorch's. 2: bad input, or PyTorch is not installed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from derive.api import load
from derive.calculus.derivation import Derivation
from derive.errors import DeriveError
from derive.notation.write import write_text
from derive.problems import catalogue
from derive.verify import Report, Settings, power, verify

GRADES = ("exact", "sampled", "unknown", "wrong")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="entries of the catalogue (default: all)")
    parser.add_argument("--against", choices=["torch"], help="a framework to compare with")
    parser.add_argument("--power", action="store_true", help="try all mutants of every result")
    parser.add_argument("--seeds", type=int, default=3, help="samples per derivation (default 3)")
    options = parser.parse_args(arguments)
    names = options.names or list(catalogue())
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        ok = verified(names, options.seeds, console)
        if options.power:
            ok = powerful(names, options.seeds, console) and ok
        if options.against == "torch":
            ok = agree_with_torch(names, console) and ok
    except DeriveError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print("PyTorch is not installed: pip install 'derive[torch]'", file=sys.stderr)
        return 2
    return 0 if ok else 1


def verified(names: list[str], seeds: int, console: Console) -> bool:
    """Print the table of grades; whether all lines hold."""
    table = columns("derivation", "stages", "lines", *GRADES, "error", "mutants", "seconds")
    complaints = []
    for name in names:
        derivation = load(name)
        start = time.perf_counter()
        report = verify(derivation, Settings(seeds=seeds))
        table.add_row(name, *row(report), f"{time.perf_counter() - start:.2f}")
        complaints += [f"{name}, {complaint}" for complaint in wrong(derivation, report)]
    console.print(table)
    if complaints:
        console.print(*complaints, sep="\n", markup=False, highlight=False)
    return not complaints


def powerful(names: list[str], seeds: int, console: Console) -> bool:
    """Print what became of all mutants of every result; whether none passes for its result."""
    table = columns("derivation", "mutants", "rejected", "equal", "survivors", "undecided", "cut")
    survivors, sums = [], [0] * 6
    for name in names:
        derivation = load(name)
        report = power(derivation, Settings(seeds=seeds))
        total, cut = report.total, sum(stage.cut for stage in report.stages)
        kinds = (total.survivors, total.undecided)
        counts = [total.generated, total.rejected, total.equal, *map(len, kinds), cut]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        table.add_row(name, *map(str, counts))
        for stage in report.stages:
            goal = write_text(stage.goal, derivation.graph)
            survivors += [f"{name}, {goal}: {stage.reason}"] if stage.reason else []
            for mutant in stage.survivors:
                words = mutant.words(derivation.graph, (stage.goal,))
                survivors.append(f"{name}, {goal} passes with {words}")
    table.add_section()
    table.add_row("all", *map(str, sums))
    console.print(table)
    if survivors:
        console.print(*survivors, sep="\n", markup=False, highlight=False)
    return not survivors


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
