"""A spec sheet as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from sympy import Expr

from derive.codegen.costs import Reduction
from derive.codegen.describe import further_text
from derive.codegen.sheet import Alternative, Kept, Pass, Row, Sheet
from derive.notation.write import write_text

__all__ = ["human", "spec_json", "spec_lines"]

WIDTH = 100
_PREFIXES = ("", "k", "M", "G", "T", "P", "E")

Numbers = Mapping[str, int] | None
"""A number for each size, or None where some have none."""


def human(number: float) -> tuple[str, str]:
    """A number with three digits, and the prefix of its unit.

    >>> human(4194304)
    ('4.19', 'M')
    """
    size = abs(float(number))
    power = 0
    while size >= 999.5 and power < len(_PREFIXES) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.3g}", _PREFIXES[power]


@dataclass(frozen=True)
class _Writer:
    """Writes what is in a sheet; with numbers where all sizes have one."""

    sheet: Sheet
    numbers: Numbers

    def formula(self, formula: Expr) -> str:
        """A formula in the sizes."""
        return self.sheet.sizes.text(formula)

    def value(self, formula: Expr) -> int | float | None:
        """The number that a formula stands for."""
        if self.numbers is None:
            return None
        found = self.sheet.sizes.at(formula, self.numbers)
        return int(found) if found.is_Integer else float(found)

    def amount(self, formula: Expr, unit: str, exact: bool = False) -> str:
        """A formula with its unit, and its number behind it."""
        text, number = self.formula(formula), self.value(formula)
        if number is None or formula.is_number:
            # Bytes are written out, for B is what many call a size.
            return f"{text} {'bytes' if unit == 'B' else unit}".strip()
        digits, prefix = human(number)
        short = f"{digits} {prefix}{unit}".strip()
        # Below a thousand the short form is exact itself.
        return f"{text} = {short}" + (f" ({number:,})" if exact and prefix else "")

    # Text ----------------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        """The whole sheet."""
        sheet = self.sheet
        derivation = sheet.program.derivation
        yield f"{derivation.title or ', '.join(sheet.program.outputs)} · {sheet.dtype}"
        yield from self._sizes()
        yield from ("", "Gradients")
        for goal, result in self.gradients():
            yield from _wrapped(f"{goal} = {result}")
        if sheet.further:
            yield from ("", "Further derivatives")
        for each, _ in sheet.further:
            yield from _wrapped(further_text(each, sheet.program))
        yield from self._pass("Forward", sheet.forward)
        yield from self._pass("Backward", sheet.backward)
        for each, work in sheet.further:
            yield from self._pass(each.name, work)
        yield from self._saved()

    def _sizes(self) -> Iterator[str]:
        letters = self.sheet.sizes.letters
        if letters:
            yield from ("", "Sizes")
        for name, used in letters.items():
            number = f" = {self.numbers[name]:,}" if self.numbers is not None else ""
            tensor, axis = self.sheet.sizes.axes.get(name, ("", 0))
            where = f"index {', '.join(used)}" if used else f"axis {axis} of {tensor}"
            yield f"  {name}{number}" + (f"   {where}" if used or tensor else "")

    def gradients(self) -> Iterator[tuple[str, str]]:
        """Each goal with its result."""
        derivation = self.sheet.program.derivation
        graph = derivation.graph
        for goal in derivation.goals:
            stage = next(stage for stage in derivation.stages if stage.goal == goal)
            yield write_text(goal, graph), write_text(stage.result, graph, (goal,))

    def _pass(self, title: str, work: Pass) -> Iterator[str]:
        yield from ("", title)
        for row in work.rows:
            yield from _wrapped(row.formula)
            yield from _parted(self._row(row))
        amount = self.amount
        kinds = ", ".join(f"{self.formula(n)} {kind}" for kind, n in work.kinds())
        yield from _entry("operations", amount(work.flops, "FLOP", exact=True))
        yield from _entry("", kinds)
        yield from _entry("bytes, at least", amount(work.least, "B", exact=True))
        yield from _entry("  read", amount(work.least_read, "B"))
        yield from _entry("  written", amount(work.least_written, "B"))
        yield from _entry("bytes, by array", amount(work.moved, "B", exact=True))
        yield from _entry("FLOP per byte", amount(work.intensity, "") + " at most")
        yield from _entry("", amount(work.intensity_by_array, "") + " by array")

    def _row(self, row: Row) -> Iterator[str]:
        for reduction in row.reductions:
            yield self.reduction(reduction)
        if row.cost.flops != 0:
            yield self.amount(row.cost.flops, "FLOP")
        yield f"reads {self.amount(row.read, 'B')}"
        yield f"writes {self.amount(row.written, 'B')}"

    def reduction(self, reduction: Reduction) -> str:
        """Over which axes, and for which."""
        over = ", ".join(map(self.formula, reduction.over))
        each = ", ".join(map(self.formula, reduction.each))
        return f"{reduction.kind} over {over}" + (f" for each {each}" if each else "")

    def _saved(self) -> Iterator[str]:
        sheet = self.sheet
        yield from ("", "Saved for the backward pass")
        for kept in sheet.saved:
            yield from _wrapped(f"{kept.name}: {'; '.join(self._kept(kept))}")
        for name, number in sheet.again:
            yield f"  {name}: not saved, {self.amount(number, 'B')}, but computed again"
        if not sheet.saved:
            yield "  nothing"
            return
        total = self.amount(sheet.saved_bytes, "B", exact=True)
        yield from _entry("all", f"{total}, computed {self.amount(sheet.computed_bytes, 'B')}")
        if sheet.computed_bytes != 0:
            yield from _entry("inputs alone", "; ".join(self._again(sheet.inputs_alone)))

    def _kept(self, kept: Kept) -> Iterator[str]:
        yield f"{'given' if kept.given else 'computed'}, {self.amount(kept.bytes, 'B')}"
        if kept.instead is not None:
            yield "or again: " + ", ".join(self._again(kept.instead))

    def _again(self, other: Alternative) -> Iterator[str]:
        names = ", ".join(other.saved)
        yield f"{names} saved, {self.amount(other.bytes, 'B')}" if names else "nothing more saved"
        yield f"{self.amount(other.flops, 'FLOP')} done again"

    # JSON ----------------------------------------------------------------------------------

    def json(self) -> dict[str, Any]:
        """All of the sheet."""
        sheet = self.sheet
        derivation = sheet.program.derivation
        sizes = [
            {"name": name, "indices": list(used), "value": (self.numbers or {}).get(name)}
            for name, used in sheet.sizes.letters.items()
        ]
        return {
            "title": derivation.title,
            "dtype": sheet.dtype,
            "sizes": sizes,
            "gradients": [{"goal": g, "result": r} for g, r in self.gradients()],
            "forward": self._pass_json(sheet.forward),
            "backward": self._pass_json(sheet.backward),
            "further": [
                {"name": f.name, "formula": further_text(f, sheet.program), **self._pass_json(work)}
                for f, work in sheet.further
            ],
            "saved": [self._kept_json(kept) for kept in sheet.saved],
            "computed_again": [{"name": n, "bytes": self._number(b)} for n, b in sheet.again],
            "saved_bytes": self._number(sheet.saved_bytes),
            "computed_bytes": self._number(sheet.computed_bytes),
            "inputs_alone": self._again_json(sheet.inputs_alone),
        }

    def _number(self, formula: Expr) -> dict[str, Any]:
        return {
            "text": self.formula(formula),
            "python": str(formula),
            "value": self.value(formula),
        }

    def _pass_json(self, work: Pass) -> dict[str, Any]:
        rows = [
            {
                "formula": row.formula,
                "reductions": [self._reduction_json(each) for each in row.reductions],
                "flops": self._number(row.cost.flops),
                "read": self._number(row.read),
                "written": self._number(row.written),
            }
            for row in work.rows
        ]
        totals = {
            "flops": work.flops,
            "bytes_least": work.least,
            "bytes_least_read": work.least_read,
            "bytes_least_written": work.least_written,
            "bytes_by_array": work.moved,
            "intensity": work.intensity,
            "intensity_by_array": work.intensity_by_array,
        }
        kinds = {kind: self._number(n) for kind, n in work.kinds()}
        numbers = {key: self._number(formula) for key, formula in totals.items()}
        return {"assignments": rows, "operations": kinds, **numbers}

    def _reduction_json(self, reduction: Reduction) -> dict[str, Any]:
        over, each = (
            [self.formula(s) for s in sizes] for sizes in (reduction.over, reduction.each)
        )
        return {"kind": reduction.kind, "over": over, "each": each}

    def _kept_json(self, kept: Kept) -> dict[str, Any]:
        found = {"name": kept.name, "given": kept.given, "bytes": self._number(kept.bytes)}
        return found | {"instead": kept.instead and self._again_json(kept.instead)}

    def _again_json(self, other: Alternative) -> dict[str, Any]:
        return {
            "saved": list(other.saved),
            "bytes": self._number(other.bytes),
            "flops": self._number(other.flops),
        }


def _wrapped(text: str, indent: int = 2) -> list[str]:
    first, rest = " " * indent, " " * (indent + 4)
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _parted(parts: Iterable[str]) -> list[str]:
    """Parts on as few lines as they need, none of them broken."""
    whole = (part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    lines = _wrapped("; ".join(whole), 6)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _entry(label: str, text: str) -> Sequence[str]:
    """A line of totals, its text in a column of its own."""
    column = " " * 20
    lines = wrap(text, WIDTH - len(column), break_on_hyphens=False) or [""]
    return [f"  {label:<18}{lines[0]}", *(column + line for line in lines[1:])]


def spec_lines(sheet: Sheet, numbers: Numbers = None) -> list[str]:
    """The sheet as lines of text."""
    return list(_Writer(sheet, numbers).lines())


def spec_json(sheet: Sheet, numbers: Numbers = None) -> dict[str, Any]:
    """The sheet as what JSON can hold: each formula as text, in Python's spelling, as a number."""
    return _Writer(sheet, numbers).json()
