"""Functions of torch.nn in index notation: their values and gradients against PyTorch's own."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

import torch
from sympy import Expr
from torch_nn import CASES, Case

from derive.api import derivation
from derive.expressions import Graph, Partial, Size, tensor
from derive.notation import read_graph
from derive.verify.evaluate import Compiled, Values, free_axes

Arrays = dict[str, np.ndarray]


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_torch(name: str) -> None:
    case = CASES[name]
    graph = read_graph(case.equations, sizes=case.names)
    arrays = drawn(case)
    tensors = {name: torch.as_tensor(array) for name, array in arrays.items()}
    wanted = [name for name in case.shapes if name not in {*case.given, *case.fixed}]
    for one in wanted:
        tensors[one].requires_grad_()
    output = case.function(tensors)
    (out,) = graph.outputs
    values = forward(graph, Values(arrays, {}, sizes(case, graph, arrays, output.shape)))
    np.testing.assert_allclose(values.tensors[out], output.detach().numpy(), atol=1e-9)

    upstream = np.random.default_rng(9).normal(size=tuple(output.shape))
    output.backward(torch.as_tensor(upstream))
    goals = [Partial(tensor("l"), graph.tensor(one, letters(graph, one))) for one in wanted]
    derived = derivation(case.equations, goals, sizes=case.names)
    for one, goal in zip(wanted, goals, strict=True):
        (stage,) = (stage for stage in derived.stages if stage.goal == goal)
        found = evaluated(stage.result, goal, values, upstream, derived)
        np.testing.assert_allclose(found, tensors[one].grad.numpy(), atol=1e-9)


def drawn(case: Case) -> Arrays:
    """Numbers for the inputs, and labels that differ along their last axis."""
    found: Arrays = {}
    for seed, (name, shape) in enumerate(case.shapes.items()):
        rng = np.random.default_rng(seed)
        array = rng.normal(size=shape)
        if name in case.positive:
            array = rng.uniform(0.3, 2.0, shape)
        if name in case.probable:
            array = rng.uniform(0.05, 0.95, shape)
        found[name] = np.full(shape, case.fixed[name]) if name in case.fixed else np.array(array)
    for seed, (name, (shape, high)) in enumerate(case.labels.items()):
        order = np.argsort(np.random.default_rng(seed).random((*shape[:-1], high)))
        found[name] = order[..., : shape[-1]]
    return found


def sizes(case: Case, graph: Graph, arrays: Arrays, output: tuple[int, ...]) -> dict[Expr, int]:
    """The number for each size."""
    shapes = {name: array.shape for name, array in arrays.items()} | {graph.outputs[0]: output}
    found: dict[Any, int] = {Size(name): number for name, number in case.sizes.items()}
    for name, shape in shapes.items():
        found |= {graph.axis_size(name, axis): length for axis, length in enumerate(shape)}
    return found | {graph.label_range(name): high for name, (_, high) in case.labels.items()}


def letters(graph: Graph, name: str) -> list[str]:
    """Letters for the indices of a goal, which stand for nothing else."""
    used = {letter for found in graph.letters.values() for letter in found} | set(graph.names)
    return [letter for letter in ascii_lowercase if letter not in used][: graph.arity[name]]


def forward(graph: Graph, values: Values) -> Values:
    """The values with those of the definitions."""
    tensors = dict(values.tensors)
    after = Values(tensors, values.labels, values.sizes)
    for name in graph.order:
        tensors[name] = Compiled(graph[name].rhs, graph[name].indices)(after)
    return after


def evaluated(
    result: Expr, goal: Partial, values: Values, upstream: np.ndarray, derived: Any
) -> np.ndarray:
    """The gradient; adjoints that keep their name are evaluated by their own stages."""
    known = {str(stage.goal.variable.base): stage for stage in derived.stages if is_adjoint(stage)}

    def given(request: Any) -> np.ndarray:
        if request.variable == derived.graph.outputs[0]:
            return upstream
        stage = known[request.variable]
        return evaluated(stage.result, stage.goal, values, upstream, derived)

    return Compiled(result, free_axes(goal))(values, given)


def is_adjoint(stage: Any) -> bool:
    """Whether a stage is about the loss downstream and a tensor."""
    goal = stage.goal
    return isinstance(goal, Partial) and goal.function == tensor("l") and goal.variable.is_Indexed
