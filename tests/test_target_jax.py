"""Modules for JAX: beside the oracle and beside JAX's derivatives of the same forward pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

jax = pytest.importorskip("jax", reason="JAX is not installed (extra `jax`)")

import jax.numpy as jnp  # noqa: E402

from derive.codegen import module, program  # noqa: E402
from derive.notation import read_graph  # noqa: E402
from derive.problems import catalogue, load_problem  # noqa: E402
from tests.generated import Case, Generated, case, function_in, generated  # noqa: E402

FEW = ["cross_entropy_batch", "layer_norm", "elementwise", "cubic_root"]
every = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue) for n in catalogue()],
)


@every
def test_a_module_computes_what_is_derived(name: str) -> None:
    module = generated(name, "jax")
    data = case(module.program)
    with jax.enable_x64(True):
        _agrees(module, data, jnp.float64, 1e-8)
    _agrees(module, data, jnp.float32, 2e-3)


@every
def test_gradients_are_those_of_jax(name: str) -> None:
    module = generated(name, "jax")
    data = case(module.program)
    with jax.enable_x64(True):
        inputs, upstream = _arrays(data.inputs, jnp.float64), _arrays(data.upstream, jnp.float64)
        places = tuple(module.program.inputs.index(n) for n in module.program.wrt)
        for function in (lambda *a: module.forward(*a)[0], module.function):
            loss = _loss(function, inputs, upstream, places)
            found = jax.jit(jax.grad(loss, argnums=tuple(range(len(places)))))(
                *(inputs[k] for k in places)
            )
            expected = data.expected[len(upstream) :]
            for array, true in zip(found, expected, strict=True):
                np.testing.assert_allclose(array, true, rtol=1e-6, atol=1e-8)


@every
def test_first_and_second_derivatives_are_those_of_differences(name: str) -> None:
    generated(name, "jax").self_test()


@every
def test_a_leading_axis_is_mapped_over(name: str) -> None:
    module = generated(name, "jax")
    data = case(module.program)
    with jax.enable_x64(True):
        inputs, upstream = _arrays(data.inputs, jnp.float64), _arrays(data.upstream, jnp.float64)
        places = tuple(module.program.inputs.index(n) for n in module.program.wrt)
        loss = _loss(module.function, inputs, upstream, places)
        gradients = jax.jit(jax.grad(loss, argnums=tuple(range(len(places)))))
        twice = [jnp.stack([inputs[k], inputs[k] * 1.01]) for k in places]
        mapped = jax.vmap(gradients)(*twice)
        for row in range(2):
            alone = gradients(*(array[row] for array in twice))
            for found, expected in zip(mapped, alone, strict=True):
                np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-12)


def test_a_gradient_that_was_not_derived_is_refused() -> None:
    """It would be zero otherwise. The others are there, whatever transforms the function."""
    graph = load_problem("layer_norm").graph
    text = module(program(graph, ["x", "γ"], name="layer_norm"), "jax")
    namespace: dict[str, Any] = {"__name__": "layer_norm"}
    exec(compile(text, "layer_norm.py", "exec"), namespace)
    rng = np.random.default_rng(0)
    x, gamma = jnp.asarray(rng.normal(size=(3, 4))), jnp.asarray(rng.normal(size=4))

    def loss(x: Any, epsilon: Any, gamma: Any) -> Any:
        return (namespace["layer_norm"](x, epsilon, gamma, gamma) ** 2).sum()

    def plain(x: Any, epsilon: Any, gamma: Any) -> Any:
        return (namespace["forward"](x, epsilon, gamma, gamma)[0] ** 2).sum()

    with pytest.raises(ValueError, match="no gradient by beta was derived"):
        jax.grad(loss, 2)(x, 1e-3, gamma)
    found = jax.jit(jax.grad(loss))(x, 1e-3, gamma)
    np.testing.assert_allclose(found, jax.grad(plain)(x, 1e-3, gamma), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="no gradient by epsilon was derived"):
        jax.jit(jax.grad(loss, 1))(x, 1e-3, gamma)


def test_of_several_outputs_some_may_be_unused() -> None:
    """JAX says so by zeros without entries where it says what it follows."""
    text = module(program(read_graph("y_i = a x_i; z_i = x_i^2"), ["x"], name="two"), "jax")
    namespace: dict[str, Any] = {"__name__": "two"}
    exec(compile(text, "two.py", "exec"), namespace)
    x = jnp.arange(3.0)
    found = jax.grad(lambda x: namespace["two"](2.0, x)[1].sum())(x)
    np.testing.assert_allclose(found, 2 * x)


def _loss(
    function: Callable[..., Any], inputs: list[Any], upstream: list[Any], places: tuple[int, ...]
) -> Callable[..., Any]:
    """The outputs times the upstream factors, as a function of some of the inputs."""

    def loss(*changed: Any) -> Any:
        full = [changed[places.index(k)] if k in places else v for k, v in enumerate(inputs)]
        outputs = function(*full)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return sum((d * y).sum() for d, y in zip(upstream, outputs, strict=True))

    return loss


def _agrees(module: Generated, data: Case, dtype: Any, precise: float) -> None:
    """Compare the values with those of the oracle."""
    found = module.values(_arrays(data.inputs, dtype), _arrays(data.upstream, dtype))
    for array, expected in zip(found, data.expected, strict=True):
        assert array.dtype == dtype
        assert array.shape == expected.shape
        np.testing.assert_allclose(array, expected, rtol=max(precise, 1e-6), atol=precise)


def _arrays(values: list[Any], dtype: Any) -> list[Any]:
    return [_array(value, dtype) for value in values]


def _array(value: Any, dtype: Any) -> Any:
    if isinstance(value, partial):
        return function_in(jnp, value)
    if not isinstance(value, np.ndarray | np.generic):
        return value
    array = jnp.asarray(value)
    return array.astype(dtype) if jnp.issubdtype(array.dtype, jnp.floating) else array


# Beside JAX's own functions


def _entropy(x: Any, t: Any) -> Any:
    return -jax.nn.log_softmax(x)[jnp.arange(len(t)), t]


def _norm(x: Any, e: Any, g: Any, b: Any) -> Any:
    return jax.nn.standardize(x, axis=-1, epsilon=e) * g + b


OWN: dict[str, tuple[str, Callable[..., Any]]] = {
    "cross_entropy_batch": ("bn b", _entropy),
    "layer_norm": ("bn . n n", _norm),
}


@pytest.mark.parametrize("name", OWN)
@settings(max_examples=6, deadline=None)
@given(b=st.integers(0, 4), n=st.integers(1, 4), seed=st.integers(0, 99))
def test_agrees_with_the_own_function(name: str, b: int, n: int, seed: int) -> None:
    axes, own = OWN[name]
    rng = np.random.default_rng(seed)
    with jax.enable_x64(True):
        shapes = [[{"b": b, "n": n}[a] for a in each if a != "."] for each in axes.split()]
        inputs = [jnp.asarray(rng.normal(size=shape)) for shape in shapes]
        if name == "cross_entropy_batch":
            inputs[1] = jnp.asarray(rng.integers(0, n, b))
        else:
            inputs[1] = 1e-3
        wanted = [k for k, v in enumerate(inputs) if jnp.result_type(v) == jnp.float64]
        wanted = [k for k in wanted if jnp.ndim(inputs[k])]
        (found, pull), (true, back) = (
            jax.vjp(lambda *a, f=f: f(*_put(inputs, wanted, a)), *(inputs[k] for k in wanted))
            for f in (generated(name, "jax").function, own)
        )
        np.testing.assert_allclose(found, true, atol=1e-12)
        upstream = jnp.asarray(rng.normal(size=true.shape))
        for one, other in zip(pull(upstream), back(upstream), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)


def _put(inputs: list[Any], places: list[int], values: Any) -> list[Any]:
    full = list(inputs)
    for place, value in zip(places, values, strict=True):
        full[place] = value
    return full


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", ["cross_entropy_batch", "log_softmax", "softplus", "silu"])
def test_large_inputs_neither_overflow_nor_lose_digits(name: str, dtype: str) -> None:
    function = generated(name, "jax").function
    x = jnp.asarray([1e4, -1e4, 3.0, 0.0, -20.0, 9.9e3]).astype(dtype)
    batched = name == "cross_entropy_batch"
    rest = [jnp.asarray([1])] if batched else []
    x = x[None] if batched else x
    with jax.enable_x64(True):
        found, expected = (
            (function(v, *rest), jax.grad(lambda v: function(v, *rest).sum())(v))
            for v in (x, x.astype(jnp.float64))
        )
    for array, true in zip(found, expected, strict=True):
        assert array.dtype == dtype
        close = 4 * float(jnp.finfo(dtype).eps)
        np.testing.assert_allclose(np.asarray(array, float), true, rtol=close, atol=close)


def test_forward_over_reverse_gives_hessian_times_vector() -> None:
    function = generated("cross_entropy_batch", "jax").function
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        x, v = jnp.asarray(rng.normal(size=(2, 3, 4)))
        t = jnp.asarray([0, 3, 1])
        _, found = jax.jvp(jax.grad(lambda x: function(x, t).sum()), (x,), (v,))
        s = jax.nn.softmax(x)
        np.testing.assert_allclose(found, s * v - s * (s * v).sum(-1, keepdims=True), atol=1e-12)


def test_arguments_that_do_not_fit_are_named() -> None:
    function = generated("layer_norm", "jax").function
    x, one = jnp.ones((2, 4)), jnp.ones(4)
    with pytest.raises(ValueError, match="gamma has 5 entries along axis 0, x has 4 along axis 1"):
        jax.jit(function)(x, 1e-5, jnp.ones(5), one)
    entropy = generated("cross_entropy_batch", "jax").forward
    with pytest.raises(ValueError, match="T has an entry 4, not one below 4"):
        entropy(x, jnp.asarray([0, 4]))


# Several devices

SHARDED = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

def run(text, name, inputs, specs, wrt):
    namespace = {"__name__": name}
    exec(text, namespace)
    function = namespace[name]
    # One axis for the batch and one for the tensors, where both are asked for.
    both = any("m" in s for s in specs)
    devices = np.array(jax.devices()).reshape((2, 2) if both else (4,))
    mesh = Mesh(devices, ("d", "m") if both else ("d",))
    def loss(*a):
        return (function(*a) ** 2).sum()
    gradients = jax.grad(loss, argnums=wrt)
    asked = jax.jit(gradients if wrt else lambda *a: (function(*a),))
    alone = asked(*inputs)
    spread = [jax.device_put(x, NamedSharding(mesh, P(*s))) for x, s in zip(inputs, specs)]
    compiled = asked.lower(*spread).compile()
    error = max(float(np.abs(np.asarray(a) - np.asarray(b)).max())
                for a, b in zip(alone, compiled(*spread)))
    kinds = ("all-reduce", "all-gather", "all-to-all", "reduce-scatter", "collective-permute")
    return {"error": error, "found": [k for k in kinds if k in compiled.as_text()],
            "devices": len(jax.devices())}

rng = np.random.default_rng(0)
def normal(*shape):
    return jnp.asarray(rng.normal(size=shape).astype(np.float32))
results = {}
for case in json.load(sys.stdin):
    inputs = [normal(*s) if k == "n" else jnp.asarray(rng.integers(0, 8, s)) if k == "i" else 1e-3
              for k, s in case["inputs"]]
    results[case["title"]] = run(
        case["text"], case["name"], inputs, case["specs"], tuple(case["wrt"]))
print(json.dumps(results))
"""

_LINEAR = [["n", [8, 12]], ["n", [12, 16]]]
_NORM = [["n", [8, 12]], ["s", []], ["n", [12]], ["n", [12]]]
_ENTROPY = [["n", [8, 16]], ["i", [8]]]
_ATTENTION = [["n", [8, 12]], ["n", [16, 12]], ["n", [16, 12]]]
_HEADS = [["n", [4, 8, 12]], ["n", [4, 16, 12]], ["n", [4, 16, 12]]]
CASES = [
    # Rows on devices: each has a part of the sum that the gradient by the weights is.
    ("linear, batch", "matrix_multiplication", _LINEAR, [["d"], []], [1], ["all-reduce"]),
    # Columns of the weights on devices: their gradient needs nothing from elsewhere.
    ("linear, columns", "matrix_multiplication", _LINEAR, [[], [None, "d"]], [1], []),
    # ... and the gradient by the input is a sum over the columns.
    ("linear, tensor", "matrix_multiplication", _LINEAR, [[], [None, "d"]], [0], ["all-reduce"]),
    ("norm, batch", "layer_norm", _NORM, [["d"], [], [], []], [2, 3], ["all-reduce"]),
    ("norm, input", "layer_norm", _NORM, [["d"], [], [], []], [0], []),
    ("entropy, batch", "cross_entropy_batch", _ENTROPY, [["d"], ["d"]], [0], []),
    # The vocabulary on devices: the greatest logit and the sum of exponentials are reductions.
    ("entropy, tensor", "cross_entropy_batch", _ENTROPY, [[None, "d"], []], [0], ["all-reduce"]),
    # Values alone: rows ask for nothing, a contraction over devices for a sum.
    ("linear, value", "matrix_multiplication", _LINEAR, [["d"], []], [], []),
    (
        "linear, value by parts of the sum",
        "matrix_multiplication",
        _LINEAR,
        [[None, "d"], ["d"]],
        [],
        ["all-reduce"],
    ),
    # Both at once, on two by two devices.
    (
        "linear, batch and columns",
        "matrix_multiplication",
        _LINEAR,
        [["d"], [None, "m"]],
        [0, 1],
        ["all-reduce"],
    ),
    ("norm, features", "layer_norm", _NORM, [[None, "d"], [], ["d"], ["d"]], [0], ["all-reduce"]),
    # Queries on devices: keys and values get a sum over them.
    ("attention, queries", "attention", _ATTENTION, [["d"], [], []], [0], []),
    (
        "attention, queries, all",
        "attention",
        _ATTENTION,
        [["d"], [], []],
        [0, 1, 2],
        ["all-reduce"],
    ),
    # Keys on devices: the softmax is over them.
    ("attention, keys", "attention", _ATTENTION, [[], ["d"], ["d"]], [0, 1, 2], ["all-reduce"]),
    # Heads on devices are apart from each other.
    ("heads", "attention_heads", _HEADS, [["d"], ["d"], ["d"]], [0, 1, 2], []),
]


@pytest.fixture(scope="module")
def sharded() -> dict[str, Any]:
    cases = [
        {
            "title": title,
            "name": name,
            "text": generated(name, "jax").text,
            "inputs": inputs,
            "specs": specs,
            "wrt": wrt,
        }
        for title, name, inputs, specs, wrt, _ in CASES
    ]
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        input=json.dumps(cases),
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(("title", "collectives"), [(c[0], c[-1]) for c in CASES])
def test_several_devices_give_the_same(
    sharded: dict[str, Any], title: str, collectives: list[str]
) -> None:
    result = sharded[title]
    assert result["devices"] == 4
    assert result["error"] < 1e-4
    assert result["found"] == collectives
