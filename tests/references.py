"""What a framework has a function for: much of the catalogue, and the functions of torch.nn.

Each entry is a graph with PyTorch's spelling of its outputs, and sizes that can be drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest

from derive.codegen.spread import spread
from derive.expressions import Extremum, Graph, Index, ProductOver, Size
from derive.notation import read_graph
from derive.problems import catalogue, load_problem

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

from derive.verify.torch_reference import REFERENCES, Reference  # noqa: E402
from tests.torch_nn import CASES, Case  # noqa: E402

__all__ = ["NAMES", "Drawn", "Entry", "entry"]

Shape = tuple[int, ...]
Sizes = Mapping[str, int]
Range = tuple[float, float, bool]
Arrays = dict[str, Any]

NAMES = [
    *(name for name in catalogue() if name.replace("-", "_") in REFERENCES),
    *(f"torch.nn {name}" for name in CASES),
]
"""The entries: those of the catalogue, then those of torch.nn."""

# The sizes that the definitions or PyTorch's function have as a number,
KEPT: Mapping[str, str] = {
    "torch.nn glu": "x.1",
    "torch.nn group_norm": "x.1 y.1 C G",
    "torch.nn local_response_norm": "K",
    "torch.nn conv1d (groups)": "x.1 w.0 w.2",
    "torch.nn unfold": "K L",
    "avg_pool": "K",
    "torch.nn avg_pool1d": "K",
    "torch.nn avg_pool2d": "K L",
    "torch.nn avg_pool3d": "K L M",
    "torch.nn adaptive_avg_pool1d (divisible)": "K",
    "torch.nn adaptive_max_pool1d (divisible)": "K",
    "torch.nn lp_pool1d": "K",
    "torch.nn lp_pool2d": "K L",
    "max_pool": "K",
    "torch.nn max_pool1d": "K",
    "torch.nn max_pool2d": "K L",
    "torch.nn max_pool3d": "K L M",
    "torch.nn channel_shuffle": "x.1",
    "torch.nn pad (circular)": "x.1",
    "torch.nn pad (reflect)": "x.1",
    "torch.nn pad (replicate)": "x.1",
    "sliding_mean": "K",
    "split_heads": "D",
}
# ... as a divisor,
MULTIPLES: Mapping[str, Sizes] = {
    "torch.nn adaptive_avg_pool1d (divisible)": {"x.2": 2},
    "torch.nn adaptive_max_pool1d (divisible)": {"x.2": 2},
    "pixel_shuffle": {"x.1": 4},
    "torch.nn pixel_shuffle": {"x.1": 4},
    "torch.nn pixel_unshuffle": {"x.2": 2, "x.3": 2},
    "split_heads": {"x.2": 4},
}
# ... and as a number that depends on another.
TIED: Mapping[str, Callable[[Sizes], Sizes]] = {
    "torch.nn max_unpool1d": lambda sizes: {"y.1": 2 * sizes["t.1"]},
    "torch.nn LSTMCell": lambda sizes: {"g0.1": sizes["a.0"]},
}
# Targets and weights that PyTorch has no derivative by.
GIVEN: Mapping[str, str] = {"logistic_loss": "t", "nll_weighted": "w"}
# Matrices that are inverted, or whose determinant is wanted: they are kept from singular ones.
INVERTED: Mapping[str, str] = {
    "determinant": "x",
    "gaussian_log_likelihood": "S",
    "log_determinant": "x",
    "mahalanobis": "S",
    "matrix_inverse": "x",
    "matrix_inverse_batch": "x",
    "solve": "A",
}


@dataclass(frozen=True)
class Drawn:
    """Arguments by their names, and the gradients that come back, all in double precision.

    `sizes` are those of the graph; labels of a single number are among the `arguments`.
    """

    arguments: Arrays
    upstream: list[np.ndarray]
    outputs: list[np.ndarray]
    gradients: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Entry:
    """Definitions beside functions of PyTorch.

    Attributes
    ----------
    shapes, labels : those of the table; labels have a shape and a number of values.
    functions : what computes each output.
    ranges : for each input the interval it is drawn from, and whether with both signs.
    fixed : the number that all entries of an input are.
    given : inputs that PyTorch has no derivative by.
    """

    name: str
    graph: Graph
    shapes: Mapping[str, Shape]
    labels: Mapping[str, tuple[Shape, int]]
    functions: Sequence[Callable[[Arrays], Any]]
    sizes: Sizes
    ranges: Mapping[str, Range]
    fixed: Mapping[str, float] = field(default_factory=dict)
    given: Sequence[str] = ()

    def axes(self, name: str) -> list[str]:
        """The sizes of the axes of a tensor, by their names."""
        return [str(self.graph.axis_size(name, k)) for k in range(self.graph.arity[name])]

    @property
    def base(self) -> dict[str, int]:
        """The number of each size in the table."""
        found = dict(self.sizes)
        for name, shape in self.shapes.items():
            found |= zip(self.axes(name), shape, strict=True)
        for name, (shape, high) in self.labels.items():
            if shape:
                found |= zip(self.axes(name), shape, strict=True)
            found[str(self.range_of(name))] = high
        return found

    def range_of(self, label: str) -> Any:
        """The number of values of a label or of a tensor of labels."""
        return self.graph.label_range(label)

    @property
    def free(self) -> list[str]:
        """The sizes that may be drawn anew."""
        kept = KEPT.get(self.name, "").split()
        return [size for size in self.base if size not in kept and not size.isdigit()]

    @property
    def may_be_empty(self) -> list[str]:
        """The sizes of axes of all outputs that nothing sums over, divides by or chooses from."""
        batch = set.intersection(*(set(self.axes(name)) for name in self.graph.outputs))
        batch &= {size for name in self.shapes for size in self.axes(name)}
        sides = [side for equation in self.graph.equations for side in equation.sides]
        numbers = {str(size) for side in sides for size in side.atoms(Size)}
        bound = {
            str(index.size)
            for equation in self.graph.equations
            for side in equation.sides
            for index in side.atoms(Index) - set(equation.indices)
        }
        ranges = {str(self.range_of(name)) for name in self.labels}
        return sorted(batch & set(self.free) - numbers - bound - ranges)

    @property
    def has_ties(self) -> bool:
        """Whether equal entries would leave the derivative open, or have none."""
        sides = [side for equation in self.graph.equations for side in equation.sides]
        chosen = any(side.atoms(Extremum, ProductOver) for side in sides)
        return chosen or self.name in INVERTED or "standard" in self.name

    def numbers(self, sizes: Sizes) -> dict[str, int]:
        """All sizes, some of them drawn."""
        found = self.base | dict(sizes)
        for size, factor in MULTIPLES.get(self.name, {}).items():
            if size in sizes:
                found[size] = factor * sizes[size]
        return found | dict(TIED.get(self.name, lambda _: {})(found))

    def draw(self, sizes: Sizes, seed: int, repeated: Mapping[str, int], kind: str) -> Drawn | None:
        """Data with sizes, and what PyTorch makes of them; None where it takes no such sizes.

        Entries of an input are `repeated` along one of its axes; all have the digits of a `kind`.
        """
        for numbers in (self.numbers(sizes), self.numbers(self._as_windows_ask(sizes))):
            arguments = self._arguments(numbers, np.random.default_rng(seed), repeated, kind)
            found = self._by_autograd(arguments, seed, kind)
            if found is not None:
                return found
        return None

    def empty(self, size: str, seed: int, kind: str) -> Drawn:
        """Data with an empty axis that all outputs have: what does not depend on them is 0."""
        sizes = {each: 2 + k % 3 for k, each in enumerate(self.free)}
        drawn = self.draw(sizes, seed, {}, kind)
        assert drawn is not None
        numbers = self.sizes_of(drawn) | {size: 0}
        arguments = {
            name: np.take(array, range(numbers[size]), self.axes(name).index(size))
            if np.ndim(array) and size in self.axes(name)
            else array
            for name, array in drawn.arguments.items()
        }
        outputs = [
            np.zeros([numbers[each] for each in self.axes(name)]) for name in self.graph.outputs
        ]
        gradients = {name: np.zeros_like(arguments[name]) for name in drawn.gradients}
        return Drawn(arguments, outputs, outputs, gradients)

    def _as_windows_ask(self, sizes: Sizes) -> Sizes:
        """The sizes that outputs have too: others are those of windows and of what they are on."""
        outputs = {size for name in self.graph.outputs for size in self.axes(name)}
        return {size: number for size, number in sizes.items() if size in outputs}

    def _arguments(
        self, numbers: Sizes, rng: np.random.Generator, repeated: Mapping[str, int], kind: str
    ) -> Arrays:
        found: Arrays = {}
        for name in self.shapes:
            shape = [numbers[size] for size in self.axes(name)]
            wide = list(shape)
            if name in repeated and shape and not self.has_ties:
                shape[repeated[name] % len(shape)] = min(1, shape[repeated[name] % len(shape)])
            array = np.broadcast_to(self._drawn(name, tuple(shape), rng), wide)
            found[name] = np.array(array.astype(kind), float)
        for name, (shape, _) in self.labels.items():
            wide = [numbers[size] for size in self.axes(name)] if shape else []
            high = numbers[str(self.range_of(name))]
            order = np.argsort(rng.random((*wide[:-1], max(high, *wide, 1))))
            entries = order[..., : wide[-1]] % max(high, 1) if shape else rng.integers(0, high)
            found[name] = np.array(entries)
        return found

    def _drawn(self, name: str, shape: Shape, rng: np.random.Generator) -> Any:
        if name in self.fixed:
            return np.full(shape, self.fixed[name])
        low, high, signs = self.ranges[name]
        array = np.asarray(rng.uniform(low, high, shape))
        if signs:
            array = array * rng.choice([-1.0, 1.0], shape)
        if name == INVERTED.get(self.name):
            array = array + 2 * shape[-1] * np.eye(shape[-1])
        return array

    def _by_autograd(self, arguments: Arrays, seed: int, kind: str) -> Drawn | None:
        tensors = {name: torch.from_numpy(np.array(a)) for name, a in arguments.items()}
        wanted = [name for name in self.shapes if name not in {*self.given, *self.fixed}]
        for name in wanted:
            tensors[name].requires_grad_()
        rng = np.random.default_rng([seed, 1])
        try:
            outputs = [function(tensors) for function in self.functions]
            upstream = [torch.from_numpy(_upstream(y.shape, rng, kind)) for y in outputs]
            inputs = [tensors[name] for name in wanted]
            gradients = torch.autograd.grad(outputs, inputs, upstream, allow_unused=True)
        except (ArithmeticError, IndexError, RuntimeError, ValueError):
            return None
        found = {
            name: gradient.numpy() if gradient is not None else self._slope(name, tensors, upstream)
            for name, gradient in zip(wanted, gradients, strict=True)
        }
        values = [y.detach().numpy() for y in outputs]
        if not all(np.isfinite(value).all() for value in (*values, *found.values())):
            return None
        return Drawn(arguments, [array.numpy() for array in upstream], values, found)

    def _slope(self, name: str, tensors: Arrays, upstream: list[Any]) -> np.ndarray:
        """The derivative by a number that PyTorch takes as one of Python's, by differences."""
        step = 1e-4

        def loss(moved: float) -> Any:
            changed = {**tensors, name: tensors[name] + moved}
            outputs = [function(changed) for function in self.functions]
            return sum((d * y).sum() for d, y in zip(upstream, outputs, strict=True)).item()

        assert self.shapes[name] == ()
        far, near = loss(2 * step) - loss(-2 * step), loss(step) - loss(-step)
        return np.asarray((8 * near - far) / (12 * step))

    def sizes_of(self, drawn: Drawn) -> dict[str, int]:
        """The number of each size, the axes of the outputs among them."""
        found = dict(self.sizes)
        shapes = {name: np.shape(drawn.arguments[name]) for name in self.shapes}
        shapes |= zip(self.graph.outputs, map(np.shape, drawn.outputs), strict=True)
        for name, (shape, _) in self.labels.items():
            shapes |= {name: np.shape(drawn.arguments[name])} if shape else {}
        for name, shape in shapes.items():
            found |= zip(self.axes(name), shape, strict=True)
        return found


def _upstream(shape: Sequence[int], rng: np.random.Generator, kind: str) -> np.ndarray:
    """A gradient that comes back."""
    return np.asarray(0.4 + rng.normal(size=tuple(shape)), kind).astype(float)


@cache
def entry(name: str) -> Entry:
    """An entry by its name."""
    if name.startswith("torch.nn "):
        return _of_torch(name)
    return _of_the_catalogue(name.replace("-", "_"))


def _of_the_catalogue(name: str) -> Entry:
    reference: Reference = REFERENCES[name]
    graph = spread(load_problem(name).graph, dict(reference.ranks))
    ranges: dict[str, Range] = dict.fromkeys(reference.shapes, (0.05, 0.95, False))
    ranges |= {each: (0.05, far, True) for each, far in reference.spread.items()}
    return Entry(
        name,
        graph,
        reference.shapes,
        reference.labels,
        [reference.functions[each] for each in graph.outputs],
        reference.sizes,
        ranges,
        given=GIVEN.get(name, "").split(),
    )


def _of_torch(name: str) -> Entry:
    case: Case = CASES[name.removeprefix("torch.nn ")]
    ranges: dict[str, Range] = dict.fromkeys(case.shapes, (0.1, 1.8, True))
    ranges |= dict.fromkeys(case.positive, (0.3, 2.0, False))
    ranges |= dict.fromkeys(case.probable, (0.05, 0.95, False))
    return Entry(
        name,
        read_graph(case.equations, sizes=case.names),
        case.shapes,
        case.labels,
        [case.function],
        case.sizes,
        ranges,
        case.fixed,
        tuple(case.given),
    )
