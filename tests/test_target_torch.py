"""Modules for PyTorch: beside the oracle, beside autograd of the same forward pass and beside
PyTorch's own functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

from derive.problems import catalogue  # noqa: E402
from tests.generated import Case, Generated, case, function_in, generated  # noqa: E402

FEW = ["cross_entropy_batch", "layer_norm", "embedding", "elementwise", "cubic_root"]
every = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue) for n in catalogue()],
)
functional = torch.nn.functional


@every
def test_a_module_computes_what_is_derived(name: str) -> None:
    module = generated(name, "torch")
    data = case(module.program)
    _agrees(module, data, torch.float64, 1e-8)
    _agrees(module, data, torch.float64, 1e-8, change=_strided)
    _agrees(module, data, torch.float32, 2e-3)


@every
def test_gradients_are_those_of_autograd(name: str) -> None:
    module = generated(name, "torch")
    data = case(module.program)
    upstream = _tensors(data.upstream, torch.float64)
    for function in (lambda *a: module.forward(*a)[0], module.function):
        inputs = _tensors(data.inputs, torch.float64)
        wanted = [inputs[module.program.inputs.index(n)].requires_grad_() for n in _wrt(module)]
        outputs = function(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        found = torch.autograd.grad(outputs, wanted, upstream)
        for array, expected in zip(found, data.expected[len(outputs) :], strict=True):
            np.testing.assert_allclose(array, expected, rtol=1e-6, atol=1e-8)


@every
def test_first_and_second_derivatives_are_those_of_differences(name: str) -> None:
    generated(name, "torch").self_test()


# Newton's iterations stop where the numbers say so, which are not there under `vmap`.
_ROOTS = ("cubic_root", "equilibrium_layer", "lambert_w")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue)
        for n in catalogue()
        if n not in _ROOTS
    ],
)
def test_a_leading_axis_is_mapped_over(name: str) -> None:
    module = generated(name, "torch")
    data = case(module.program)
    inputs = _tensors(data.inputs, torch.float64)
    upstream = _tensors(data.upstream, torch.float64)
    places = tuple(module.program.inputs.index(n) for n in _wrt(module))

    def loss(*changed: Any) -> Any:
        full = [changed[places.index(k)] if k in places else v for k, v in enumerate(inputs)]
        outputs = module.function(*full)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return sum((d * y).sum() for d, y in zip(upstream, outputs, strict=True))

    twice = [torch.stack([inputs[k], inputs[k] * 1.01]) for k in places]
    gradients = torch.func.grad(loss, argnums=tuple(range(len(places))))
    mapped = torch.func.vmap(gradients)(*twice)
    for row in range(2):
        alone = gradients(*(array[row] for array in twice))
        for found, expected in zip(mapped, alone, strict=True):
            torch.testing.assert_close(found[row], expected)


def test_labels_are_mapped_over_beside_a_number_that_is_not() -> None:
    function = generated("cross_entropy_smoothed", "torch").function
    x, alpha = torch.randn(5, 2, 3), torch.tensor(0.1)
    labels = torch.tensor([[0, 2], [1, 1], [2, 0], [0, 0], [1, 2]])
    found = torch.func.vmap(function, (0, None, 0))(x, alpha, labels)
    alone = [function(row, alpha, of) for row, of in zip(x, labels, strict=True)]
    torch.testing.assert_close(found, torch.stack(alone))


def _wrt(module: Generated) -> tuple[str, ...]:
    return module.program.wrt


def _agrees(
    module: Generated,
    data: Case,
    dtype: Any,
    precise: float,
    change: Callable[[Any], Any] = lambda array: array,
) -> None:
    """Compare the values with those of the oracle."""
    inputs, upstream = (
        [change(value) for value in _tensors(values, dtype)]
        for values in (data.inputs, data.upstream)
    )
    found = module.values(inputs, upstream)
    for array, expected in zip(found, data.expected, strict=True):
        assert array.dtype == dtype
        assert tuple(array.shape) == expected.shape
        np.testing.assert_allclose(array, expected, rtol=max(precise, 1e-6), atol=precise)


def _tensors(values: list[Any], dtype: Any) -> list[Any]:
    return [_tensor(value, dtype) for value in values]


def _tensor(value: Any, dtype: Any) -> Any:
    if isinstance(value, partial):
        return function_in(torch, value)
    if not isinstance(value, np.ndarray | np.generic):
        return value
    array = torch.as_tensor(np.array(value))
    return array.to(dtype) if array.is_floating_point() else array


def _strided(value: Any) -> Any:
    """The same entries, which do not lie side by side."""
    if not isinstance(value, torch.Tensor) or not value.ndim:
        return value
    return value.repeat_interleave(2, dim=-1)[..., ::2]


# Beside PyTorch's own functions

OWN: dict[str, tuple[str, Callable[..., Any]]] = {
    "cross_entropy_batch": (
        "bn b",
        lambda x, t: functional.cross_entropy(x, t, reduction="none"),
    ),
    "layer_norm": (
        "bn . n n",
        lambda x, e, g, b: functional.layer_norm(x, x.shape[-1:], g, b, float(e)),
    ),
    "attention": ("bn mn mn", functional.scaled_dot_product_attention),
    "matrix_multiplication": ("bn nm", torch.matmul),
    "log_softmax": ("n", lambda x: functional.log_softmax(x, dim=-1)),
}


@pytest.mark.parametrize("name", OWN)
@settings(max_examples=12, deadline=None)
@given(b=st.integers(0, 5), n=st.integers(1, 5), m=st.integers(1, 5), seed=st.integers(0, 99))
def test_agrees_with_the_own_function(name: str, b: int, n: int, m: int, seed: int) -> None:
    axes, own = OWN[name]
    module = generated(name, "torch")
    torch.manual_seed(seed)
    sizes = {"b": b, "n": n, "m": m}
    inputs = [_drawn(each, sizes) for each in axes.split()]
    if name == "cross_entropy_batch":
        inputs[1] = torch.randint(0, n, (b,))
    wanted = [v for v in inputs if v.is_floating_point() and v.ndim]
    outputs, expected = module.function(*inputs), own(*inputs)
    torch.testing.assert_close(outputs, expected)
    upstream = torch.randn_like(expected)
    found = torch.autograd.grad(outputs, wanted, upstream)
    torch.testing.assert_close(found, torch.autograd.grad(expected, wanted, upstream))


def _drawn(axes: str, sizes: dict[str, int]) -> Any:
    if axes == ".":
        return torch.tensor(1e-3, dtype=torch.float64)
    return torch.randn([sizes[a] for a in axes], dtype=torch.float64, requires_grad=True)


# What the wrapped function takes care of


def _layer_norm() -> list[Any]:
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    return [x, 1e-5, *torch.randn(2, 5, dtype=torch.float64, requires_grad=True)]


def test_gradients_that_nothing_needs_are_not_computed() -> None:
    module = generated("layer_norm", "torch")
    x, e, g, b = _layer_norm()
    _, saved = module.forward(x, torch.tensor(e), g, b)
    found = module.backward(saved, torch.ones_like(x), needs=(False, False, True, False))
    assert [each is None for each in found] == [True, True, False, True]
    seen = []
    module.namespace["backward"], real = (
        lambda saved, d_y, needs, **rest: seen.append(needs) or real(saved, d_y, needs, **rest),
        module.backward,
    )
    try:
        module.function(x.detach(), e, g, b).sum().backward()
    finally:
        module.namespace["backward"] = real
    assert seen == [(False, False, True, True)]


def test_second_derivatives_are_never_left_out() -> None:
    module = generated("layer_norm", "torch")
    arguments = _layer_norm()
    value = module.function(*arguments)
    (gradient,) = torch.autograd.grad((value**2).sum(), arguments[:1], create_graph=True)
    with pytest.raises(RuntimeError, match="second derivatives need recompute=True"):
        torch.autograd.grad(gradient.sum(), arguments[:1])
    assert torch.autograd.gradgradcheck(
        lambda x: module.function(x, *arguments[1:], recompute=True), arguments[:1]
    )


def test_what_is_not_derived_is_refused() -> None:
    from derive.codegen import module, program
    from derive.problems import load_problem

    text = module(program(load_problem("matrix_multiplication").graph, ["x"]), "torch")
    namespace: dict[str, Any] = {"__name__": "one"}
    exec(text, namespace)
    x, w = torch.randn(2, 3, requires_grad=True), torch.randn(3, 4, requires_grad=True)
    value = namespace["derived"](x, w)
    with pytest.raises(RuntimeError, match="no gradient by a was derived"):
        value.sum().backward()
    namespace["derived"](x, w.detach()).sum().backward()
    torch.testing.assert_close(x.grad, w.detach().sum(dim=1).expand(2, 3))


def test_arguments_that_do_not_fit_are_named() -> None:
    function = generated("layer_norm", "torch").function
    x, one = torch.ones(2, 4), torch.ones(4)
    with pytest.raises(ValueError, match="gamma has 5 entries along axis 0, x has 4 along axis 1"):
        function(x, 1e-5, torch.ones(5), one)
    with pytest.raises(TypeError, match=r"beta is torch\.float64, x is torch\.float32"):
        function(x, 1e-5, one, one.double())
    entropy = generated("cross_entropy_batch", "torch").function
    with pytest.raises(ValueError, match="T has an entry 4, not one below 4"):
        entropy(x, torch.tensor([0, 4]))


# Each with the gradient in float64 as what is true.
STABLE = ["cross_entropy_batch", "log_softmax", "logsumexp", "softplus", "log_sigmoid", "silu"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", STABLE)
def test_large_inputs_neither_overflow_nor_lose_digits(name: str, dtype: str) -> None:
    module = generated(name, "torch")
    kind = getattr(torch, dtype)
    x = torch.tensor([1e4, -1e4, 3.0, 0.0, -20.0, 9.9e3]).to(kind)
    batched = name == "cross_entropy_batch"
    rest = [torch.tensor([1])] if batched else []
    x = x[None] if batched else x
    found, expected = (_with_gradient(module, v, rest) for v in (x, x.double()))
    for array, true in zip(found, expected, strict=True):
        assert array.dtype == kind
        close = 4 * torch.finfo(kind).eps
        torch.testing.assert_close(array.double(), true, rtol=close, atol=close)


def _with_gradient(module: Generated, x: Any, rest: list[Any]) -> tuple[Any, Any]:
    x = x.clone().requires_grad_()
    value = module.function(x, *rest)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


@pytest.mark.catalogue
def test_a_function_can_be_compiled() -> None:
    module = generated("layer_norm", "torch")
    arguments = _layer_norm()
    expected = torch.autograd.grad(module.function(*arguments).sum(), arguments[2:])
    compiled = torch.compile(module.function, backend="aot_eager")
    found = torch.autograd.grad(compiled(*arguments).sum(), arguments[2:])
    torch.testing.assert_close(found, expected)
