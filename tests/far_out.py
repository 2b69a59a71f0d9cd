"""Generated modules beside many digits, as far as rounding of their arguments allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from many_digits import Point, Reference

from derive.codegen import Program
from derive.codegen.dialect import Dialect
from derive.codegen.passes import passes
from derive.verify.digits import NUMBERS
from tests.generated import Generated

# So many roundings of the arguments, and of numbers as large as the value, may add up.
ROUNDINGS = 64


def mistakes(
    module: Generated,
    inputs: Mapping[str, Any],
    kind: type,
    scale: float = 1.0,
    digits: int = 80,
    sizes: Mapping[Any, int] | None = None,
) -> list[str]:
    """Where values and gradients differ from what is true, given what the type can tell.

    Parameters
    ----------
    inputs : the arguments by name, numbers and labels.
    kind : the type of the numbers.
    scale : how large numbers are that are subtracted from each other on the way.
    sizes : those that no shape tells.
    """
    program = module.program
    parameters = passes(program, Dialect()).forward.parameters
    numbers = {str(size): number for size, number in (sizes or {}).items()}
    cast = {n: numbers[n] if n in numbers else _cast(inputs[n], kind) for n in parameters}
    outputs, _ = module.forward(*cast.values())
    outputs = outputs if len(program.outputs) > 1 else (outputs,)
    rng = np.random.default_rng(0)
    upstream = [_cast(rng.uniform(0.5, 1.5, np.shape(y)), kind) for y in outputs]
    found = module.values(list(cast.values()), upstream)
    reference, point = Reference(program, digits), Point(cast, upstream, sizes or {})
    true = reference(point)
    near = [reference(point.moved(float(np.finfo(kind).eps), seed)) for seed in (1, 2)]
    names = (*program.outputs, *(f"d_{name}" for name in program.wrt))
    lines: list[str] = []
    for name, array, exact, *moved in zip(names, found, true, *near, strict=True):
        if np.asarray(array).dtype != kind:
            lines.append(f"{name} is {np.asarray(array).dtype}")
        lines += [f"{name}{each}" for each in _wrong(array, exact, moved, kind, scale)]
    return lines


def _cast(value: Any, kind: type) -> Any:
    array = np.asarray(value)
    return array.astype(kind)[()] if array.dtype.kind == "f" else array


def _wrong(array: Any, exact: Any, moved: list[Any], kind: type, scale: float) -> Iterator[str]:
    """The entries that are not finite, or off by more than rounding explains."""
    limits = np.finfo(kind)
    for place in np.ndindex(exact.shape):
        true, entry = exact[place], np.asarray(array)[place]
        if not NUMBERS.isfinite(true) or abs(true) > 0.9 * float(limits.max):
            continue
        spread = max(abs(other[place] - true) for other in moved)
        rounding = float(limits.eps) * max(abs(true), scale)
        allowed = ROUNDINGS * (rounding + spread) + 8 * float(limits.tiny)
        error = abs(NUMBERS.mpf(float(entry)) - true) if np.isfinite(entry) else NUMBERS.inf
        if not error <= allowed:
            yield f"{list(place)} is {entry}, not {NUMBERS.nstr(true, 6)}"


def has_reference(program: Program) -> bool:
    """Whether definitions are formulas, not relations to be solved or functions unknown."""
    graph = program.graph
    return not program.functions and not any(e.is_relation for e in graph.equations)
