"""Generated modules: run over the whole catalogue, beside the oracle and beside PyTorch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from derive.codegen import TARGETS, CodeError, module, program
from derive.notation import read_graph
from derive.problems import catalogue, load_problem
from tests.generated import Case, Generated, case, generated, run, written

FEW = ["cross_entropy_batch", "layer_norm", "attention", "embedding", "conv1d"]
every = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue) for n in catalogue()],
)


@every
def test_a_module_computes_what_is_derived(name: str) -> None:
    module = generated(name)
    given = case(module.program)
    before = [np.copy(array) for array in (*given.inputs, *given.upstream)]
    _agrees(module, given, lambda array: array, np.float64, 1e-8)
    for array, copy in zip((*given.inputs, *given.upstream), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    _agrees(module, given, _strided, np.float64, 1e-8)
    _agrees(module, given, _single, np.float32, 2e-3)
    assert module.self_test() < 1e-6


def _agrees(
    module: Generated, given: Case, change: Callable[[Any], Any], kind: type, precise: float
) -> None:
    """Compare the values on changed arguments with those of the oracle."""
    found = module.values([*map(change, given.inputs)], [*map(change, given.upstream)])
    for array, expected in zip(found, given.expected, strict=True):
        assert array.dtype == kind
        assert np.shape(array) == expected.shape
        np.testing.assert_allclose(array, expected, rtol=max(precise, 1e-6), atol=precise)


def _strided(array: Any) -> Any:
    """The same entries, which do not lie side by side."""
    return np.repeat(array, 2, axis=-1)[..., ::2] if np.ndim(array) else array


def _single(array: Any) -> Any:
    return array.astype(np.float32) if np.asarray(array).dtype.kind == "f" else array


@pytest.mark.parametrize("name", FEW)
def test_text_is_the_same_every_time(name: str) -> None:
    problem = load_problem(name)
    again = module(program(problem.graph, title=problem.title, references=problem.references))
    assert again == generated(name).text


@pytest.mark.parametrize("names", [FEW, pytest.param(catalogue(), marks=pytest.mark.catalogue)])
def test_text_is_laid_out_as_ruff_does(names: list[str], tmp_path: object) -> None:
    pytest.importorskip("ruff")
    for name in names:
        (tmp_path / f"{name}.py").write_text(generated(name).text)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        ["format", "--diff", "--isolated"],
        ["check", "--isolated", "--select", "E,F,I,W,B,UP", "--ignore", "B905"],
    ):
        done = subprocess.run([*ruff, *command, tmp_path], capture_output=True, text=True)
        assert not done.returncode, done.stdout


def test_arguments_that_do_not_fit_are_named() -> None:
    forward = generated("layer_norm").forward
    x, gamma, beta = np.ones((2, 4)), np.ones(5), np.ones(4)
    with pytest.raises(ValueError, match="gamma has 5 entries along axis 0, x has 4 along axis 1"):
        forward(x, 1e-5, gamma, beta)
    with pytest.raises(ValueError, match="x has 1 axis, not 2"):
        forward(x[0], 1e-5, beta, beta)
    with pytest.raises(TypeError, match="beta is float32, x is float64"):
        forward(x, 1e-5, beta, beta.astype(np.float32))
    with pytest.raises(TypeError, match="x is int64, not floating-point numbers"):
        forward(x.astype(int), 1e-5, beta, beta)
    with pytest.raises(TypeError, match="x is a list, not an array"):
        forward(x.tolist(), 1e-5, beta, beta)


def test_without_numbers_there_is_no_gradient() -> None:
    with pytest.raises(CodeError, match="made of no tensor of numbers"):
        program(read_graph("y_i = δ_iT"))


def test_labels_that_do_not_fit_are_named() -> None:
    forward = generated("cross_entropy_batch").forward
    x = np.ones((3, 4))
    with pytest.raises(ValueError, match="T has an entry 4, not one below 4"):
        forward(x, np.array([0, 4, 1]))
    with pytest.raises(ValueError, match="T has an entry -1"):
        forward(x, np.array([0, -1, 1]))
    with pytest.raises(TypeError, match="T is float64, not whole numbers"):
        forward(x, np.array([0.0, 1.0, 1.0]))


def test_gradients_have_the_shapes_of_saved_arrays() -> None:
    found = generated("layer_norm")
    _, saved = found.forward(np.ones((2, 4)) * np.arange(4), 1e-5, np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match="d_y has 3 entries along axis 0"):
        found.backward(saved, np.ones((3, 4)))


@pytest.mark.parametrize(
    "equations",
    [
        # The place of one greatest entry depends on that of another.
        "y_ij = max_{kl}(x_{2i+k,3j+l} w_kl)",
        # What no delta depends on is summed over before entries are added to.
        "y_boi = x_{b,c,2i+3k-1} w_ock",
        # A sum over all indices beside the same without a sum.
        "d_ab = sqrt(1_i (1_b x_ai - 1_a x_bi)^2 + 1)",
        # An exponential beside one sum, which is all that is left of the product.
        "y_i = x_i exp(min(x_i, 0)) [x_i < 3] + max(x_i, 0)",
        "y_i = max(x_i, 0) + exp(min(x_i, 0)) - 1",
        # More axes than different sizes have room for.
        "y_{bcmn} = 1_k 1_l x_{b,c,k,l,m-k,n-l}",
    ],
)
def test_gradients_are_those_of_complex_steps(equations: str) -> None:
    assert written(equations).self_test() < 1e-6


def test_a_number_of_many_digits_is_no_quotient_of_long_ones() -> None:
    text = written("y_i = 1.0507009873554804934193349852946 x_i^2").text
    assert "1.0507009873554805 * x" in text


def test_a_number_times_a_condition_keeps_single_precision() -> None:
    module = written("y_i = leaky_relu(x_i, 0.01)")
    x = np.array([1.0, -2.0], np.float32)
    y, saved = module.forward(x)
    assert y.dtype == module.backward(saved, x).dtype == np.float32


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_module_may_have_many_inputs(target: str) -> None:
    """Deep graphs have calls that fit on no line, and many names for one statement."""
    inputs = ["x", *(f"h{n}" for n in range(1, 17))]
    chain = [f"{h}_i = tanh(W{h[1:]}_ij {x}_j)" for x, h in pairwise(inputs)]
    ast.parse(module(program(read_graph([*chain, "c = h16_i h16_i"])), target))


@pytest.mark.parametrize("what", ["log(1 + x_j^2 1_i)", "max(x_j 1_i, 1)", "exp(x_j 1_i)"])
@pytest.mark.parametrize("sum_of", ["1_i {}", "1_j {}", "1_i 1_j {}"])
def test_what_is_the_same_along_an_axis_is_summed_over_the_whole_of_it(
    what: str, sum_of: str
) -> None:
    left = "c" + "".join(f"_{k}" for k in "ij" if f"1_{k} " not in sum_of)
    graph = read_graph(f"{left} = {sum_of.format(what)}", sizes={"i": "N"})
    found = run(program(graph), "numpy")
    given = case(found.program)
    values = found.values(given.inputs, given.upstream)
    for value, expected in zip(values, given.expected, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "equations", ["y_k = sqrt(1 + x_{k+1}^2)", "y_kj = sqrt(1 + x_{j,2·k-1}^2)"]
)
def test_no_gradient_is_divided_by_an_entry_outside(equations: str) -> None:
    found = run(program(read_graph(equations, sizes={"k": "K"})), "numpy")
    given = case(found.program)
    values = found.values(given.inputs, given.upstream)
    for value, expected in zip(values, given.expected, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-9)
