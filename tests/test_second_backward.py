"""Second derivatives through the functions of frameworks: the derived backward pass of the
backward pass beside what autograd finds for the forward pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from derive.cli import main
from derive.codegen import module, program
from derive.codegen.double import doubled
from derive.codegen.program import Program
from derive.notation import read_graph
from derive.problems import catalogue, load_problem
from tests.generated import case, function_in

FEW = ["cross_entropy_batch", "layer_norm", "matrix_inverse", "embedding"]
WRITTEN = {
    "alias": "y_i = a_i + b_i",
    "two outputs": "y_i = a_i b_i; z = a_i y_i; w_i = exp(a_i)",
    "read twice": "y_i = a_i + b_i; z_i = y_i a_i",
}
every = pytest.mark.parametrize(
    "name",
    [
        *WRITTEN,
        *(pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue) for n in catalogue()),
    ],
)


@lru_cache(maxsize=8)
def made(name: str) -> Program:
    graph = read_graph(WRITTEN[name]) if name in WRITTEN else load_problem(name).graph
    return program(graph, is_twice=True, name="derived")


def run(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "derived"}
    exec(compile(text, "derived.py", "exec"), namespace)
    return namespace


def tensors(torch: Any, values: list[Any]) -> list[Any]:
    def one(value: Any) -> Any:
        if callable(value):
            return function_in(torch, value)
        return torch.as_tensor(value) if isinstance(value, np.ndarray) else value

    return [one(value) for value in values]


def second(torch: Any, function: Callable[..., Any], name: str) -> list[Any]:
    """The gradients of a product of random tensors with the gradients, and with the outputs."""
    found = made(name)
    # Functions of which nothing is known come with one more derivative.
    data = case(doubled(found))
    inputs = tensors(torch, data.inputs)
    upstream = [each.requires_grad_() for each in tensors(torch, data.upstream)]
    wanted = [inputs[found.inputs.index(n)].requires_grad_() for n in found.wrt]
    outputs = function(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    first = torch.autograd.grad(outputs, wanted, upstream, create_graph=True)
    rng = np.random.default_rng(0)
    total = sum((each * torch.as_tensor(rng.normal(size=each.shape))).sum() for each in first)
    total = total + sum((y**2).sum() for y in outputs)
    return list(torch.autograd.grad(total, [*wanted, *upstream], allow_unused=True))


@every
def test_second_derivatives_are_those_of_autograd(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    text = module(made(name), "torch")
    assert "def double_backward" in text
    namespace = run(text)
    expected = second(torch, lambda *a: namespace["forward"](*a)[0], name)
    function = namespace["derived"]
    several = [{}, {"recompute": True}] if "recompute=False" in text else [{}]
    for options in several:
        found = second(torch, lambda *a, options=options: function(*a, **options), name)
        for array, true in zip(found, expected, strict=True):
            if array is None or true is None:
                assert all(each is None or not each.any() for each in (array, true))
            else:
                torch.testing.assert_close(array, true, rtol=1e-6, atol=1e-8)


def test_hessians_by_transformations_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    function = run(module(made("cross_entropy_batch"), "torch"))["derived"]
    x = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 1, 2, 2])

    def loss(x: Any) -> Any:
        return function(x, labels).sum()

    expected = torch.func.hessian(lambda x: torch.nn.functional.cross_entropy(x, labels) * 5)(x)
    twice = torch.func.jacrev(torch.func.jacrev(loss))
    torch.testing.assert_close(twice(x), expected)
    torch.testing.assert_close(torch.autograd.functional.hessian(loss, x), expected)
    mapped = torch.func.vmap(twice)(torch.stack([x, 2 * x]))
    torch.testing.assert_close(mapped[0], expected)
    torch.autograd.gradgradcheck(loss, [x.requires_grad_()])
    with pytest.raises(RuntimeError, match="third derivatives are not there"):
        torch.func.jacrev(twice)(x.detach())


def test_the_backward_pass_is_derived_where_second_derivatives_are_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for goal, expected in (("∂²c/∂x_m∂x_n", True), ("∂s_i/∂x_n", False)):
        assert main(["code", "cross_entropy", "--target", "torch", "--goal", goal]) == 0
        assert ("def double_backward" in capsys.readouterr().out) == expected


@pytest.mark.parametrize("name", ["cross_entropy_batch", "alias"])
def test_reverse_over_reverse_in_jax(name: str) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed (extra `jax`)")
    found = made(name)
    namespace = run(module(found, "jax"))
    data = case(found)
    with jax.enable_x64(True):
        inputs = [jax.numpy.asarray(v) if isinstance(v, np.ndarray) else v for v in data.inputs]
        places = tuple(found.inputs.index(n) for n in found.wrt)

        def of(function: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *a: (function(*a) ** 2).sum()

        hessian = jax.jacrev(jax.grad(of(namespace["derived"]), places), places)(*inputs)
        plain = of(lambda *a: namespace["forward"](*a)[0])
        expected = jax.hessian(plain, places)(*inputs)
        for row, true_row in zip(hessian, expected, strict=True):
            for array, true in zip(row, true_row, strict=True):
                np.testing.assert_allclose(array, true, rtol=1e-8, atol=1e-10)
