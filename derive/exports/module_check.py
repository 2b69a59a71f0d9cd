"""What became of a module of code beside the definitions, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.expressions import Graph
from derive.notation.write import write_text

if TYPE_CHECKING:
    from derive.verify.generated import ModuleReport, ResultReport
    from derive.verify.smallest import Smallest

__all__ = ["module_check_json", "module_check_lines"]


def module_check_lines(report: ModuleReport) -> Iterator[str]:
    """A line for each result, and for each wrong one the smallest data on which it is wrong."""
    names = [_title(result, report.graph) for result in report.results]
    width = max(map(len, names))
    number = len(report.samples)
    yield f"{Path(report.path).name}, on {number} sample{'s' if number > 1 else ''}"
    for name, result in zip(names, report.results, strict=True):
        errors = ", ".join(f"{error:.1e} in {dtype}" for dtype, error in result.errors.items())
        yield f"  {name:<{width}}  {'right' if result.ok else 'WRONG'}  {errors}"
        if result.trouble:
            yield f"    {result.trouble}"
        if result.smallest is not None:
            yield f"    {_sentence(result, report.graph)}"
    yield from (f"  WRONG  {trouble}" for trouble in report.troubles)
    for name in report.unchecked:
        yield f"  `{name}` is not checked: `--goal` says what it is to return"


def _title(result: ResultReport, graph: Graph) -> str:
    """The result, behind the function that returns it where this is no pass."""
    what = write_text(result.what, graph)
    return f"{result.function}: {what}" if result.function else what


def module_check_json(report: ModuleReport) -> dict[str, Any]:
    """All of the report."""
    results = [
        {
            "result": write_text(result.what, report.graph),
            "function": result.function,
            "ok": result.ok,
            "errors": {k: e if e < float("inf") else None for k, e in result.errors.items()},
            "tolerances": dict(result.tolerances),
            "trouble": result.trouble,
            "smallest": result.smallest and _smallest_json(result, report.graph, result.smallest),
        }
        for result in report.results
    ]
    samples = [dict(sizes) for sizes in report.samples]
    return {
        "module": report.path,
        "ok": report.ok,
        "results": results,
        "samples": samples,
        "troubles": list(report.troubles),
        "unchecked": list(report.unchecked),
    }


def _sentence(result: ResultReport, graph: Graph) -> str:
    """`at 1 value of b, x = (1, 2): ∂l/∂x_h at h = 0 is 3, not 4`."""
    least = result.smallest
    assert least is not None
    sizes = [_counted(name, number, graph) for name, number in least.sizes.items()]
    given = [f"{name} = {_number(value.tolist())}" for name, value in least.inputs.items()]
    places = zip(result.axes, least.entry, strict=True)
    where = ", ".join(f"{index.name} = {at}" for index, at in places)
    what = write_text(result.what, graph) + (f" at {where}" if where else "")
    values = f"{_number(least.found)}, not {_number(least.expected)}"
    return f"at {', '.join([*sizes, *given])}: {what} is {values}"


def _counted(size: str, number: int, graph: Graph) -> str:
    """A size that has a name by it, else by the letters of its indices."""
    if "." not in size:
        return f"{size} = {number}"
    letters = [
        letter
        for (name, axis), used in graph.letters.items()
        if str(graph.axis_size(name, axis)) == size
        for letter in used
    ]
    said = f"of {letters[0]}" if letters else f"on axis {size}"
    return f"{number} value{'s' if number > 1 else ''} {said}"


def _number(value: Any) -> str:
    if isinstance(value, list):
        inner = ", ".join(map(_number, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return f"{value:.6g}".replace("-", "−")


def _smallest_json(result: ResultReport, graph: Graph, least: Smallest) -> dict[str, Any]:
    return {
        "sizes": dict(least.sizes),
        "inputs": {name: value.tolist() for name, value in least.inputs.items()},
        "entry": list(least.entry),
        "found": least.found,
        "expected": least.expected,
        "text": _sentence(result, graph),
    }
