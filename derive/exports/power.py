"""The power of a check as a table for the terminal, as Markdown, and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sympy import Expr

from derive.calculus.derivation import Derivation
from derive.exports.terminal import carries
from derive.notation.names import ascii_name
from derive.notation.write import write_latex, write_text

if TYPE_CHECKING:
    from derive.verify.mutation import PowerReport, StagePower

__all__ = ["power_markdown", "power_table"]

HEADINGS = ("mutants", "rejected", "equal", "survivors", "undecided")


def power_table(report: PowerReport, derivation: Derivation, console: Console) -> None:
    """Print what became of the mutants of every stage, and each survivor in words."""
    goals = [_formula(stage.goal, derivation, False) for stage in report.stages]
    text = "".join([*goals, *_lines(report, derivation, False)])
    plain = not carries(console.encoding, text)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("result of")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for stage in report.stages:
        table.add_row(_formula(stage.goal, derivation, plain), *_counts(stage))
    if len(report.stages) > 1:
        table.add_section()
        table.add_row("all", *_counts(report.total))
    console.print(table, markup=False, highlight=False)
    for line in _lines(report, derivation, plain):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def power_markdown(report: PowerReport, derivation: Derivation) -> str:
    """The table in Markdown, the survivors as a list."""
    rows = [("result of", *HEADINGS), ("---", *("---:" for _ in HEADINGS))]
    for stage in report.stages:
        rows.append((f"${write_latex(stage.goal, derivation.graph)}$", *_counts(stage)))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    lines = _lines(report, derivation, False)
    notes = "\n".join(
        line.replace("  ", "  - ", 1) if line[0] == " " else f"- {line}" for line in lines
    )
    return f"# {derivation.title or derivation.name or 'Power'}\n\n{table}\n\n{notes}\n"


def _counts(stage: StagePower) -> tuple[str, ...]:
    survivors, undecided = len(stage.survivors), len(stage.undecided)
    return tuple(map(str, (stage.generated, stage.rejected, stage.equal, survivors, undecided)))


def _formula(expr: Expr, derivation: Derivation, plain: bool) -> str:
    return write_text(expr, derivation.graph, ascii=plain)


def _lines(report: PowerReport, derivation: Derivation, plain: bool) -> list[str]:
    """What the numbers leave open: survivors, warnings, what could not be tried; the verdict."""
    found = []
    for stage in report.stages:
        goal = _formula(stage.goal, derivation, plain)
        found += [f"{goal}: {_spelled(note, plain)}" for note in _notes(stage)]
        for what, mutants in (("passes", stage.survivors), ("is undecided", stage.undecided)):
            words = [m.words(derivation.graph, (stage.goal,), ascii=plain) for m in mutants]
            found += [f"{goal} {what} with"] if words else []
            found += [f"  {_spelled(word, plain)}" for word in words]
    return [*found, _verdict(report)]


def _notes(stage: StagePower) -> list[str]:
    reason = [stage.reason] if stage.reason else []
    cut = f"only the first {stage.generated} mutants of the result were tried"
    return [*stage.warnings, *reason, *([cut] if stage.cut else [])]


def _spelled(words: str, plain: bool) -> str:
    return ascii_name(words).encode("ascii", "replace").decode() if plain else words


def _verdict(report: PowerReport) -> str:
    total = report.total
    seen = f"on {report.seeds} samples with the tolerance {report.tolerance:.0e}"
    mistakes = total.generated - total.equal
    if any(stage.reason for stage in report.stages):
        return f"Not every result could be tried {seen}."
    if total.rejected == mistakes:
        return f"All {mistakes} mutants that are not equal to their result are rejected {seen}."
    return f"{total.rejected} of {mistakes} mutants that are not equal are rejected {seen}."
