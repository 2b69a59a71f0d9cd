"""What definitions and their gradients are, with as many digits as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derive.codegen import Program
from derive.codegen.axes import axes_of
from derive.expressions import Size
from derive.verify.digits import MANY, NUMBERS
from derive.verify.evaluate import Compiled, Values

# So many entries of an input are moved; the derivatives by the others are left open.
MOST_MOVED = 6

_number = np.frompyfunc(NUMBERS.convert, 1, 1)


@dataclass(frozen=True)
class Point:
    """Where a program is evaluated.

    Attributes
    ----------
    inputs : the numbers and labels by name; `sizes` those that no shape tells.
    upstream : a gradient of each output.
    """

    inputs: Mapping[str, Any]
    upstream: Sequence[Any]
    sizes: Mapping[Any, int] = field(default_factory=dict)

    def moved(self, relative: float, seed: int) -> Point:
        """A place near by, as far as rounding of the inputs might move it."""
        rng = np.random.default_rng(seed)

        def move(array: Any) -> Any:
            array = np.asarray(array)
            if array.dtype.kind != "f":
                return array
            signs = rng.choice([-1.0, 1.0], array.shape)
            return _number(array) * (1 + NUMBERS.mpf(relative) * _number(signs))

        return Point(
            {n: move(a) for n, a in self.inputs.items()}, list(map(move, self.upstream)), self.sizes
        )


class Reference:
    """The definitions of a program, evaluated with many digits."""

    def __init__(self, program: Program, digits: int = 80) -> None:
        self.program, self.digits = program, digits
        graph = program.graph
        self._compiled = {
            name: Compiled(graph[name].rhs, graph[name].indices, arithmetic=MANY)
            for name in graph.order
        }

    def __call__(self, point: Point) -> list[Any]:
        """The outputs, and the gradients by central differences."""
        with NUMBERS.workdps(self.digits):
            given = {n: self._exact(a) for n, a in point.inputs.items()}
            outputs = self._outputs(given, point.sizes)
            upstream = [_number(np.asarray(u)) for u in point.upstream]
            return [*outputs, *self._gradients(given, upstream, point.sizes)]

    def _exact(self, array: Any) -> Any:
        array = np.asarray(array)
        return array if array.dtype.kind in "iu" else np.asarray(_number(array))

    def _outputs(self, given: Mapping[str, Any], sizes: Mapping[Any, int]) -> list[Any]:
        graph = self.program.graph
        # Labels may be numbers, and tensors of them.
        labels = {n: array for n, array in given.items() if array.dtype.kind in "iu"}
        values = Values(dict(given), labels, {**dict(self._sizes(given)), **sizes})
        for name in graph.order:
            values.tensors[name] = np.asarray(self._compiled[name](values))  # type: ignore[index]
        return [values.tensors[name] for name in self.program.outputs]

    def _sizes(self, given: Mapping[str, Any]) -> Iterator[tuple[Any, int]]:
        for name, array in given.items():
            for size, length in zip(axes_of(self.program.graph, name), array.shape, strict=True):
                if isinstance(size, Size):
                    yield size, length

    def _gradients(
        self, given: Mapping[str, Any], upstream: Sequence[Any], sizes: Mapping[Any, int]
    ) -> Iterator[Any]:
        small = NUMBERS.mpf(10) ** -(self.digits // 3)

        def loss(name: str, array: Any) -> Any:
            outputs = self._outputs({**given, name: array}, sizes)
            return sum(np.sum(u * y) for u, y in zip(upstream, outputs, strict=True))

        for name in self.program.wrt:
            at = given[name]
            step = small * (max((abs(entry) for entry in at.flat), default=1) or 1)
            found = np.full(at.shape, NUMBERS.nan, object)
            places = list(np.ndindex(at.shape))
            for place in places[:: -(-len(places) // MOST_MOVED)]:
                values = []
                for sign in (1, -1):
                    moved = at.copy()
                    moved[place] += sign * step
                    values.append(loss(name, moved))
                found[place] = (values[0] - values[1]) / (2 * step)
            yield found
