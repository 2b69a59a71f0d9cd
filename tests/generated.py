"""Generated modules in tests: run, and compared with the values of the oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

from derive.codegen import Program, module, program
from derive.codegen.dialect import Dialect
from derive.codegen.passes import passes
from derive.codegen.selftest import example
from derive.codegen.wrapping import Wrapping
from derive.notation import read_graph
from derive.problems import load_problem
from derive.verify.evaluate import Array
from derive.verify.functions import opaque, waves
from derive.verify.oracle import Oracle


@dataclass(frozen=True)
class Generated:
    """A module that has been run, with the program that it was made from."""

    program: Program
    text: str
    namespace: Mapping[str, Any]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self.namespace[name]

    @property
    def function(self) -> Callable[..., Any]:
        """The function that the framework differentiates by the derived pass."""
        return self.namespace[Wrapping(passes(self.program, Dialect())).function]

    def values(self, inputs: Sequence[Any], upstream: Sequence[Any]) -> list[Any]:
        """The outputs and the gradients."""
        outputs, saved = self.namespace["forward"](*inputs)
        gradients = self.namespace["backward"](saved, *upstream)
        outputs = outputs if len(self.program.outputs) > 1 else (outputs,)
        gradients = gradients if len(self.program.wrt) > 1 else (gradients,)
        return [*outputs, *gradients]


@lru_cache(maxsize=16)
def generated(name: str, target: str = "numpy") -> Generated:
    """The module of a derivation of the catalogue."""
    problem = load_problem(name)
    found = program(problem.graph, name=name, title=problem.title, references=problem.references)
    return run(found, target)


def run(found: Program, target: str) -> Generated:
    """The module of a program."""
    text = module(found, target)
    namespace: dict[str, Any] = {"__name__": found.name}
    exec(compile(text, f"{found.name}.py", "exec"), namespace)
    return Generated(found, text, namespace)


@dataclass(frozen=True)
class Case:
    """Arguments of a module, and what it is to return."""

    inputs: list[Any]
    upstream: list[Array]
    expected: list[Array]


def function_in(library: Any, given: partial[Any]) -> Callable[[Any], Any]:
    """A function that stands for any, on the arrays of another library."""
    name, order = given.args
    quarter = order * 1.5707963267948966

    def value(u: Any) -> Any:
        return (order == 0) * 2.0 + sum(
            size * rate**order * library.sin(rate * u + phase + quarter)
            for size, rate, phase in waves(name)
        )

    return value


def case(found: Program) -> Case:
    """Random data with what the oracle finds for them."""
    oracle = _oracle(found)
    inputs, upstream = arguments(found, oracle)
    outputs = [oracle.values.tensors[name] for name in found.outputs]
    gradients = [oracle(goal, goal.indices) for goal in found.derivation.goals]
    return Case(inputs, upstream, outputs + gradients)


def arguments(found: Program, oracle: Oracle | None = None) -> tuple[list[Any], list[Array]]:
    """Random arguments of the forward pass, and gradients by the outputs."""
    oracle = oracle or _oracle(found)
    sample = oracle.sample
    sizes = {str(size): number for size, number in sample.sizes.items()}
    values = {**sizes, **sample.labels, **oracle.values.tensors}
    for name in found.functions:
        symbol = name.rstrip("'")
        values[name] = partial(opaque, symbol, len(name) - len(symbol))
    inputs = [values[name] for name in passes(found, Dialect()).forward.parameters]
    return inputs, [sample.upstream[name] for name in found.outputs]


def _oracle(found: Program) -> Oracle:
    return Oracle(found.derivation.graph, example(found.graph).sample)


@cache
def written(equations: str) -> Generated:
    """The NumPy module of equations."""
    return run(program(read_graph(equations), name="written"), "numpy")
