"""The self-test of a generated module: gradients against derivatives that use no rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from derive.codegen.assignment import CodeError
from derive.codegen.axes import axes_of
from derive.codegen.passes import Passes
from derive.codegen.program import Program
from derive.codegen.selftest_further import differences, further_test
from derive.codegen.source import INDENT
from derive.expressions import Graph
from derive.verify.domain import USUAL, Domain, domains
from derive.verify.evaluate import EvaluationError
from derive.verify.oracle import Oracle
from derive.verify.sample import Given, Sample, draw, least_sizes
from derive.verify.solve import IllConditionedError

__all__ = ["DRAW", "Data", "braced", "drawn", "example", "inputs", "self_test"]

# So many samples have to be finite for the numbers of other seeds to be.
SEEDS = 4


@dataclass(frozen=True)
class Data:
    """Where the definitions have a value: the distribution of each input, and samples of them."""

    domain: Domain
    samples: tuple[Sample, ...]

    @property
    def sample(self) -> Sample:
        """The sample whose sizes the test has."""
        return self.samples[0]

    def drawn(self, name: str, shape: str) -> str:
        """The text that draws an input anew, from where the samples have it."""
        numbers = np.concatenate([np.ravel(s.tensors[name]) for s in self.samples])
        low, high = float(numbers.min()), float(numbers.max())
        if self.domain[name] == USUAL:
            return f"_drawn(rng, 0.3, 1.8, {shape}, signs=True)"
        return f"_drawn(rng, {low:.2g}, {high:.2g}, {shape})"


def example(graph: Graph) -> Data:
    """Data on which all definitions are finite."""
    for domain in domains(graph):
        samples = [_drawn(graph, domain, seed) for seed in range(SEEDS)]
        if all(_is_finite(graph, sample) for sample in samples):
            return Data(domain, tuple(samples))
    raise CodeError("no data were found on which the definitions have a value")


def _drawn(graph: Graph, domain: Domain, seed: int) -> Sample:
    """Random data; where tensors have many axes several sizes are the same, and small."""
    try:
        return draw(graph, domain, seed)
    except EvaluationError:
        sides = [side for equation in graph.equations for side in (equation.lhs, *equation.sides)]
        least, _ = least_sizes(graph, sides)
        places = enumerate(sorted(least, key=str))
        sizes = {str(size): max(least[size], 2 + place % 2) for place, size in places}
        return draw(graph, domain, seed, given=Given(sizes=sizes))


def _is_finite(graph: Graph, sample: Sample) -> bool:
    try:
        Oracle(graph, sample)
    except IllConditionedError:
        return True
    except EvaluationError:
        return False
    return True


# What is no analytic function of complex numbers in NumPy.
_NOT_ANALYTIC = re.compile(
    r"\bnp\.(abs|sign|logaddexp|linalg\.slogdet|hypot)\b|@_serial|@_parallel"
)

DRAW = """
def _drawn(rng, low, high, shape, signs=False):
    numbers = rng.uniform(low, high, shape)
    return np.asarray(numbers * rng.choice([-1.0, 1.0], shape) if signs else numbers)
"""
_COMPLEX = """
def _derivative(function, array, place):
    moved = array.astype(complex)
    moved[place] += 1e-30j
    return function(moved).imag / 1e-30
"""
_TEST = '''
def self_test(seed=0):
    """Return the worst error of the gradients beside {how} on random data."""
    rng = np.random.default_rng(seed)
{inputs}
{upstream}

    def loss(inputs):
{convert}        outputs = forward(**inputs)[0]
        return sum((d * y).sum() for d, y in zip(upstream, {outputs}))

    gradients = backward(forward(**inputs)[1], *upstream)
    worst = 0.0
    for name, found in zip({wrt}, {gradients}):
        expected = np.empty(inputs[name].shape)
        for place in np.ndindex(expected.shape):
            expected[place] = _derivative(
                lambda moved, name=name: loss({{**inputs, name: moved}}),
                inputs[name],
                place,
            )
        scale = max(np.abs(expected).max(initial=0.0), 1.0)
        worst = max(worst, np.abs(found - expected).max(initial=0.0) / scale)
{further}    return worst
'''
_FURTHER = """
    for found, expected in _further(inputs, rng):
        scale = max(np.abs(expected).max(initial=0.0), 1.0)
        worst = max(worst, np.abs(found - expected).max(initial=0.0) / scale)
"""
_MAIN = """
if __name__ == "__main__":
    error = self_test()
    print(f"worst error of the gradients: {{error:.1e}}")
    raise SystemExit(not error < {tolerance})
"""
_CONVERT = """
        inputs = {
            name: value + 0j if np.asarray(value).dtype.kind == "f" else value
            for name, value in inputs.items()
        }
"""


def self_test(found: Passes, text: str) -> Iterator[str]:
    """The functions that test a module, whose other functions are the text."""
    program, names = found.program, found.names
    data = example(program.graph)
    exact = not _NOT_ANALYTIC.search(text)
    yield DRAW
    yield _COMPLEX if exact else differences("_derivative", "1e-5")
    yield from further_test(found, partial(drawn, program, data), exact=exact)
    one, single = len(program.outputs) == 1, len(program.wrt) == 1
    upstream = [_upstream(program, n, data) for n in program.outputs]
    yield _TEST.format(
        how="complex steps" if exact else "differences",
        inputs=braced("inputs = {", list(inputs(found, data)), "}"),
        upstream=braced("upstream = [", upstream, "]"),
        convert=_CONVERT.lstrip("\n") if exact else "",
        outputs="[outputs]" if one else "outputs",
        wrt="[" + ", ".join(f'"{names[n]}"' for n in program.wrt) + "]",
        gradients="[gradients]" if single else "gradients",
        further=_FURTHER.lstrip("\n") if program.further else "",
    )
    # Second derivatives take differences.
    yield _MAIN.format(tolerance="1e-9" if exact and not program.further else "1e-6")


def drawn(program: Program, data: Data, name: str) -> str:
    """The text that draws a tensor of the graph."""
    return data.drawn(name, _shape(program, name, data))


def braced(head: str, items: list[str], tail: str) -> str:
    """The text of a display in brackets, an item a line."""
    return "\n".join([INDENT + head, *(f"{INDENT * 2}{item}," for item in items), INDENT + tail])


def inputs(found: Passes, data: Data, library: str = "np") -> Iterator[str]:
    """An entry of the table of inputs for each parameter."""
    program, names, sample = found.program, found.names, data.sample
    for name in found.forward.parameters:
        if name in program.functions:
            value = _function(name, library)
        elif name in program.labels:
            value = str(sample.labels[name])
        elif name in program.graph.labels:
            high = sample.size(program.graph.label_range(name))
            value = f"rng.integers(0, {high}, {_shape(program, name, data)})"
        elif name in sample.tensors:
            value = drawn(program, data, name)
        else:
            value = str(next(n for size, n in sample.sizes.items() if str(size) == name))
        yield f'"{names[name]}": {value}'


def _function(name: str, library: str) -> str:
    """A function that stands for any: a sine, moved by a quarter for each derivative."""
    symbol = name.rstrip("'")
    order = len(name) - len(symbol)
    moved = ord(symbol[0]) % 10 / 10 + order * 1.5707963267948966
    return f"lambda u: {library}.sin(u + {moved})"


def _upstream(program: Program, name: str, data: Data) -> str:
    return f"0.4 + rng.normal(size={_shape(program, name, data)})"


def _shape(program: Program, name: str, data: Data) -> str:
    sizes = [data.sample.size(size) for size in axes_of(program.graph, name)]
    return "(" + ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "") + ")"
