"""Generated modules on data on which a naive form overflows or loses its digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amount import some_of
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generated import generated, written

FAR = np.array([[1e4, -1e4, 0.0, 3.0], [-1e4, 1e4, 1e4, 2.0], [0.5, -0.5, 1.0, 2.0]])
KINDS = [np.float64, np.float32, np.float16]
kinds = pytest.mark.parametrize("kind", KINDS)


def _softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@kinds
def test_softmax_cross_entropy_far_out(kind: type) -> None:
    module = generated("cross_entropy_batch")
    x, labels = FAR.astype(kind), np.array([1, 1, 2])
    loss, saved = module.forward(x, labels)
    peak = FAR.max(-1)
    log_sum = np.log(np.exp(FAR - peak[:, None]).sum(-1))
    expected = log_sum - (FAR[np.arange(3), labels] - peak)
    precise = {"rtol": 8 * np.finfo(kind).eps, "atol": 8 * np.finfo(kind).eps}
    np.testing.assert_allclose(loss, expected, **precise)
    gradient = module.backward(saved, np.ones(3, kind))
    assert gradient.dtype == kind
    np.testing.assert_allclose(gradient, _softmax(FAR) - np.eye(4)[labels], **precise)


@pytest.mark.parametrize(
    "equations",
    [
        "s_i = exp(x_i)/(1_j exp(x_j))",
        "e_i := exp(x_i); z := 1_j e_j; s_i = e_i/z",
        "s_i = exp(x_i + a)/(1_j exp(x_j + a))",
        "s_i = 1/(1 + exp(-x_i))",
        "s_i = exp(x_i)/(1 + exp(x_i))",
        "s_i = x_i - log(1_j exp(x_j))",
        "s_i = log(1 + exp(x_i))",
        "p_i = 1/(1 + exp(-x_i)); s_i = -t_i log(p_i) - (1 - t_i) log(1 - p_i)",
        "z_i := x_i + b; p_i = exp(z_i)/(1_j exp(z_j)); s_i = -t_i log(p_i)",
    ],
)
@kinds
def test_exponentials_do_not_overflow(equations: str, kind: type) -> None:
    module = written(equations)
    numbers = {"x": FAR[0], "t": np.array([0.2, 0.7, 1.0, 0.0]), "a": 1.0, "b": 2.0}
    inputs = [numbers[n] for n in module.program.inputs]
    cast = [kind(n) if np.ndim(n) == 0 else n.astype(kind) for n in inputs]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = module.values(cast, [np.ones(4, kind)])
    for array in found:
        assert array.dtype == kind
        assert np.all(np.isfinite(array))


def test_what_a_mask_leaves_out_does_not_overflow() -> None:
    module = written("a_qk = exp(z_qk) [k <= q]/(1_m exp(z_qm) [m <= q])")
    z = np.array([[0.0, 1e4, 1e4], [-1e4, 1.0, 1e4], [1e4, 0.0, 1e4]])
    with np.errstate(over="raise", invalid="raise"):
        found, _ = module.forward(z)
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 1, 0], [0.5, 0, 0.5]])


def test_saved_arrays_are_written_to_only_if_lent() -> None:
    module = generated("cross_entropy_batch")
    x = np.random.default_rng(0).normal(size=(5, 7))
    _, saved = module.forward(x, np.arange(5))
    first = module.backward(saved, np.ones(5))
    again = module.backward(saved, np.ones(5))
    np.testing.assert_array_equal(first, again)
    lent = module.backward(saved, np.ones(5), overwrite_saved=True)
    np.testing.assert_array_equal(first, lent)
    assert any(lent is array for array in saved)


@settings(max_examples=some_of(60), deadline=None)
@given(
    name=st.sampled_from(["cross_entropy_batch", "layer_norm", "outer_product", "attention"]),
    lengths=st.lists(st.integers(0, 6), min_size=4, max_size=4),
    seed=st.integers(0, 100),
)
def test_any_shapes(name: str, lengths: list[int], seed: int) -> None:
    rows, middle, columns, depth = lengths[0], *(max(n, 1) for n in lengths[1:])
    rng = np.random.default_rng(seed)
    shapes = {
        "cross_entropy_batch": {"x": (rows, columns), "c": (rows,)},
        "layer_norm": {
            "x": (rows, columns),
            "ε": (),
            "γ": (columns,),
            "β": (columns,),
            "y": (rows, columns),
        },
        "outer_product": {"u": (rows,), "v": (columns,), "y": (rows, columns)},
        "attention": {
            "Q": (rows, depth),
            "K": (middle, depth),
            "V": (middle, depth),
            "O": (rows, depth),
        },
    }[name]
    module = generated(name)
    arrays = {n: np.abs(rng.normal(size=shape)) for n, shape in shapes.items()}
    arrays["T"] = rng.integers(0, columns, rows)
    try:
        inputs = [arrays[n] for n in module.program.inputs]
    except KeyError as error:
        raise AssertionError(f"{name} has an input {error}") from None
    with np.errstate(all="ignore"):
        found = module.values(inputs, [arrays[n] for n in module.program.outputs])
    for array, tensor in zip(found, (*module.program.outputs, *module.program.wrt), strict=True):
        assert np.shape(array) == np.shape(arrays[tensor])
