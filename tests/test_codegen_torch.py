"""Generated modules beside PyTorch's own functions and autograd, where PyTorch is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
# Where a function is not NumPy's it is SciPy's.
pytest.importorskip("scipy", reason="SciPy is not installed")

from derive.codegen import module, program
from derive.codegen.dialect import Dialect
from derive.codegen.passes import passes
from derive.notation import read_graph
from derive.problems import load_problem
from derive.verify.torch_reference import REFERENCES, Reference, torch
from tests.generated import run

FIXED = {"logistic_loss": {"t"}, "nll_weighted": {"w"}}
"""The inputs by which PyTorch refuses to differentiate."""


@pytest.mark.catalogue
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_agrees_with_autograd(name: str, kind: type) -> None:
    reference, problem = REFERENCES[name], load_problem(name)
    found = program(problem.graph, ranks=reference.ranks)
    if not set(found.outputs) <= set(reference.functions):
        pytest.skip("PyTorch has no function for it")
    namespace: dict[str, Any] = {"__name__": name}
    exec(module(found), namespace)
    given = _data(reference, kind)
    tensors = {n: torch.as_tensor(array) for n, array in given.items()}
    for wrt in set(found.wrt) - FIXED.get(name, set()):
        tensors[wrt].requires_grad_()
    outputs = [reference.functions[n](tensors) for n in found.outputs]
    rng = np.random.default_rng(7)
    upstream = [np.asarray(0.4 + rng.normal(size=tuple(y.shape)), kind) for y in outputs]
    sum((y * torch.as_tensor(d)).sum() for y, d in zip(outputs, upstream, strict=True)).backward()
    expected = [y.detach() for y in outputs] + [tensors[n].grad for n in found.wrt]
    arguments = _arguments(found, given, reference, outputs)
    values, saved = namespace["forward"](*arguments)
    gradients = namespace["backward"](saved, *upstream)
    values = [values] if len(outputs) == 1 else values
    gradients = [gradients] if len(found.wrt) == 1 else gradients
    precise = 2e-4 if kind is np.float32 else 1e-9
    # What PyTorch takes for a fixed number, such as a margin, has no gradient there.
    compared = [
        pair for pair in zip((*values, *gradients), expected, strict=True) if pair[1] is not None
    ]
    assert len(compared) > len(outputs)
    for array, other in compared:
        np.testing.assert_allclose(array, other.numpy(), rtol=precise, atol=precise)


def _data(reference: Reference, kind: type) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    data: dict[str, Any] = {}
    for name, shape in reference.shapes.items():
        spread = reference.spread.get(name, 0.0)
        low, high = (-spread, spread) if spread else (0.05, 0.95)
        data[name] = np.asarray(rng.uniform(low, high, shape), kind)
    for name, (shape, high) in reference.labels.items():
        data[name] = np.asarray(rng.integers(0, high, shape))
    return data


def _arguments(found: Any, given: Any, reference: Reference, outputs: list[Any]) -> list[Any]:
    """The arguments of the forward pass; sizes are those of the outputs."""
    graph = found.graph
    sizes = dict(reference.sizes)
    for name, output in zip(found.outputs, outputs, strict=True):
        for axis, length in enumerate(output.shape):
            sizes[str(graph.axis_size(name, axis))] = length
    known = {**sizes, **given}
    return [known[name] for name in passes(found, Dialect()).forward.parameters]


def test_rows_are_added_up_along_an_axis_behind_another() -> None:
    # With as many matrices as rows, axes in another order would have the same lengths.
    found = program(read_graph("y_ebd = E_{e,t_b,d}"))
    module = run(found, "torch")
    E = torch.arange(30, dtype=torch.float64).reshape(2, 5, 3).requires_grad_()
    t, d_y = torch.tensor([2, 2]), torch.arange(12, dtype=torch.float64).reshape(2, 2, 3)
    y, saved = module.forward(E.detach(), t)
    E[:, t].backward(d_y)
    torch.testing.assert_close(y, E.detach()[:, t])
    torch.testing.assert_close(module.backward(saved, d_y), E.grad)
