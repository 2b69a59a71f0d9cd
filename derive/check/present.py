"""The result of a check for a terminal, a document, a pull request, and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from derive.check.results import BlockResult, DocumentResult, Finding

__all__ = ["github", "markdown", "terminal", "to_json"]

_STYLES = {
    "wrong": "bold red",
    "malformed": "bold red",
    "warning": "yellow",
    "unknown": "yellow",
    "not understood": "yellow",
}
_GRADES = ("definition", "exact", "sampled", "unknown", "wrong", "malformed")
# How much of a long line stands on either side of a marked place.
_WINDOW = 46


def to_json(results: Sequence[DocumentResult]) -> dict[str, Any]:
    """The results as plain data."""
    return {"ok": all(r.ok for r in results), "files": [r.as_json() for r in results]}


# Terminal -----------------------------------------------------------------------------------


def terminal(results: Sequence[DocumentResult], console: Console) -> None:
    """Print a line for each block, what is wrong in it with its place, and the counts."""
    for result in results:
        for block in result.blocks:
            _print_block(block, result, console)
        for note in result.notes:
            console.print(Text(f"{result.file}: {note}", style="dim"), soft_wrap=True)
    for line in _summary(results):
        console.print(Text(line), soft_wrap=True)


def _print_block(block: BlockResult, result: DocumentResult, console: Console) -> None:
    style = "bold red" if block.fails else "yellow" if block.findings else "green"
    head = Text(f"{_where(block, result)}  ")
    head.append(block.status, style=style)
    said = block.reason if not block.findings else ""
    told = ", ".join(part for part in (_grades(block), said) if part)
    head.append(f"  {told}" if told else "", style="dim")
    console.print(head, soft_wrap=True)
    for note in block.notes:
        console.print(Text(f"    {note}", style="dim"), soft_wrap=True)
    for finding in block.findings:
        _print_finding(finding, console)
    for line in block.lines:
        if line.steps:
            console.print(Text(f"  steps to line {line.place.line}:", style="dim"))
        for step in line.steps:
            console.print(Text(f"    {step}"), soft_wrap=True)


def _where(block: BlockResult, result: DocumentResult) -> str:
    cell = "" if block.place.cell is None else f"cell {block.place.cell}:"
    return f"{result.file}:{cell}{block.place.line}"


def _grades(block: BlockResult) -> str:
    counts = block.grades()
    return ", ".join(f"{counts[grade]} {grade}" for grade in _GRADES if grade in counts)


def _print_finding(finding: Finding, console: Console) -> None:
    head = Text("  ")
    head.append(finding.kind, style=_STYLES[finding.kind])
    head.append(f": {finding.message}")
    console.print(head, soft_wrap=True)
    if finding.source.strip():
        gutter = f"  {finding.place.line} | "
        shown, caret = marked(finding)
        console.print(Text(gutter + shown), soft_wrap=True)
        console.print(Text(" " * (len(gutter) - 2) + "| " + caret, style="red"), soft_wrap=True)
    for detail in finding.details:
        console.print(Text(f"    {detail}"), soft_wrap=True)


def marked(finding: Finding) -> tuple[str, str]:
    """The line of the file around the place, and a line with carets under it."""
    start = finding.place.column - 1
    left = max(0, start - _WINDOW)
    right = min(len(finding.source), start + 2 * _WINDOW)
    before, after = "…" * (left > 0), "…" * (right < len(finding.source))
    shown = before + finding.source[left:right].expandtabs(1) + after
    width = max(1, min(finding.width, right - start))
    return shown, " " * (len(before) + start - left) + "^" * width


def _summary(results: Sequence[DocumentResult]) -> Iterator[str]:
    """How many blocks have each status, and how many lines each grade."""
    blocks = [block for result in results for block in result.blocks]
    statuses = [f"{n} {status}" for status, n in _statuses(results).items()]
    yield f"{_count(len(blocks), 'block')}: {', '.join(statuses)}"
    grades: dict[str, int] = {}
    for block in blocks:
        for grade, number in block.grades().items():
            grades[grade] = grades.get(grade, 0) + number
    lines = sum(number for grade, number in grades.items() if grade != "definition")
    told = [f"{grades.get(g, 0)} {g}" for g in _GRADES if g != "definition"]
    yield f"{_count(lines, 'line')}: {', '.join(told)}"
    warnings = sum(f.kind == "warning" for result in results for f in result.findings)
    if warnings:
        yield _count(warnings, "warning")


def _statuses(results: Sequence[DocumentResult]) -> dict[str, int]:
    found: dict[str, int] = {}
    for result in results:
        for status, number in result.statuses().items():
            found[status] = found.get(status, 0) + number
    return found


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# Markdown and annotations -------------------------------------------------------------------


def markdown(results: Sequence[DocumentResult]) -> str:
    """A report to read in a browser: a table of the blocks, then what is to be looked at."""
    pieces = [piece for result in results for piece in _document(result)]
    return "\n".join([*pieces, *(f"{line}  " for line in _summary(results))]) + "\n"


def _document(result: DocumentResult) -> Iterator[str]:
    yield f"## {result.file}\n"
    yield "| line | status | lines | |\n|---|---|---|---|"
    for block in result.blocks:
        said = block.reason.replace("|", "\\|")
        yield f"| {block.place.line} | {block.status} | {_grades(block)} | {said} |"
    yield ""
    for finding in result.findings:
        yield f"**{finding.kind}**, line {finding.place.line}: {finding.message}\n"
        if finding.source.strip():
            yield "```\n" + "\n".join(marked(finding)) + "\n```\n"
        yield from (f"{detail}\n" for detail in finding.details)


def github(results: Sequence[DocumentResult]) -> str:
    """Annotations of a pull request, as a workflow prints them."""
    lines = [_annotation(r, finding) for r in results for finding in r.findings]
    return "".join(f"{line}\n" for line in [*lines, *_summary(results)])


def _annotation(result: DocumentResult, finding: Finding) -> str:
    level = "error" if finding.fails else "warning"
    message = "\n".join([finding.message, *finding.details])
    place = f"file={_property(result.file)},line={finding.place.line},col={finding.place.column}"
    return f"::{level} {place},title={_property(f'derive: {finding.kind}')}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
