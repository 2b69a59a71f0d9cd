"""Functions of generated modules for Jacobians, Hessians and products with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from derive.cli import main
from derive.codegen import Program, module, program
from derive.codegen.further import is_further
from derive.codegen.selftest import example
from derive.errors import DeriveError
from derive.expressions import indices_of
from derive.notation import read_goal, read_graph
from derive.problems import catalogue, load_problem
from derive.verify.oracle import Oracle
from tests.generated import Case, case, function_in

SOFTMAX = "s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)"
BATCH = "s_bi = exp(x_bi)/(1_j exp(x_bj)); c = -1_b log(s_{b,T_b})"
LOGISTIC = (
    "z_i = X_id w_d + 1_i b; p_i = sigmoid(z_i); c = -1_i (t_i log(p_i) + (1 - t_i) log(1 - p_i))"
)
WRITTEN = {
    "softmax": (SOFTMAX, ["v_m ∂²c/∂x_m∂x_n", "∂²s_i/∂x_m∂x_n", "u_i v_m ∂²s_i/∂x_m∂x_n"]),
    "several": (SOFTMAX, ["A_mn ∂²c/∂x_m∂x_n", "x_n ∂c/∂x_n", "u_i ∂s_i/∂x_n", "v_n ∂s_i/∂x_n"]),
    "batch": (BATCH, ["V_am ∂²c/∂x_am∂x_bn", "∂²c/∂x_am∂x_bn"]),
    "logistic": (LOGISTIC, ["v_m ∂²c/∂w_m∂w_n", "v_m ∂²c/∂w_m∂b", "∂²c/∂X_km∂w_n"]),
    "matrices": ("y_j = b_i A_ij; f = y_j y_j", ["∂²f/∂A_mp∂b_n", "U_mp ∂²f/∂A_mp∂A_nq"]),
    "constant": ("f = a_i x_i; g = x_i x_i", ["∂²f/∂x_m∂x_n", "∂²g/∂x_m∂x_n", "∂²f/∂a_m∂x_n"]),
    "layers": (
        "h_i = tanh(U_ij x_j); k_i = tanh(V_ij h_j); s_i = exp(k_i)/(1_j exp(k_j)); c = -log(s_T)",
        ["∂²c/∂x_m∂x_n", "v_m ∂²c/∂x_m∂x_n", "∂²c/∂V_mp∂x_n"],
    ),
    "inverse": ("A_ij x_j = b_i for x; f = x_i x_i", ["v_m ∂²f/∂b_m∂b_n", "v_p ∂x_n/∂b_p"]),
}


def _asking() -> Iterator[str]:
    """The derivations of the catalogue with goals that are no gradients."""
    for name in catalogue():
        problem = load_problem(name)
        if any(is_further(goal, problem.graph) for goal in problem.goals):
            yield name


FEW = ("hessian_vector_product", "logistic_regression_hessian")
NAMES = [
    *(pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue) for n in _asking()),
    *WRITTEN,
]
every = pytest.mark.parametrize("name", NAMES)


@cache
def made(name: str) -> Program:
    """The program of a derivation of the catalogue, or of one of those above."""
    if name not in WRITTEN:
        problem = load_problem(name)
        return program(problem.graph, goals=problem.goals, name=name)
    equations, goals = WRITTEN[name]
    graph = read_graph(equations)
    return program(graph, goals=[read_goal(goal, graph) for goal in goals])


@cache
def data(name: str) -> tuple[Case, list[tuple[list[Any], Any]]]:
    """Arguments of the passes, then for each further function what it is given and returns."""
    found = made(name)
    oracle = Oracle(found.derivation.graph, example(found.graph).sample)
    tensors = oracle.values.tensors
    return case(found), [
        ([tensors[n] for n in each.given], oracle(each.goal, indices_of(each.result)))
        for each in found.further
    ]


def agrees(
    name: str, namespace: Any, change: Callable[[Any], Any], kind: Any, precise: float
) -> None:
    """Compare all functions of a module with the values of the oracle."""
    given, others = data(name)
    _, saved = namespace["forward"](*map(change, given.inputs))
    gradients = namespace["backward"](saved, *map(change, given.upstream))
    found = made(name)
    results = list(gradients) if len(found.wrt) > 1 else [gradients]
    expected = given.expected[len(found.outputs) :]
    for each, (vectors, value) in zip(found.further, others, strict=True):
        for _ in range(2):
            results.append(namespace[each.name](saved, *map(change, vectors)))
            expected.append(value)
    for array, true in zip(results, expected, strict=True):
        assert array.dtype == kind
        assert tuple(array.shape) == np.shape(true)
        np.testing.assert_allclose(array, true, rtol=max(precise, 1e-6), atol=precise)


def run(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "derived"}
    exec(compile(text, "derived.py", "exec"), namespace)
    return namespace


def _single(array: Any) -> Any:
    return array.astype(np.float32) if np.asarray(array).dtype.kind == "f" else array


@every
def test_functions_of_numpy_return_what_was_asked_for(name: str) -> None:
    namespace = run(module(made(name)))
    agrees(name, namespace, lambda array: array, np.float64, 1e-7)
    agrees(name, namespace, _single, np.float32, 5e-3)
    assert namespace["self_test"]() < 1e-6


@every
def test_loops_return_what_was_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numba: Any = ModuleType("numba")
    numba.prange, numba.get_num_threads = range, lambda: 3
    numba.njit = lambda **_: lambda function: function
    monkeypatch.setitem(sys.modules, "numba", numba)
    agrees(name, run(module(made(name), "numba")), lambda array: array, np.float64, 1e-7)


@every
def test_functions_of_torch_return_what_was_asked_for(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

    def tensors(array: Any) -> Any:
        if callable(array):
            return function_in(torch, array)
        return torch.as_tensor(array) if isinstance(array, np.ndarray) else array

    namespace = run(module(made(name), "torch"))
    agrees(name, namespace, tensors, torch.float64, 1e-7)
    namespace["self_test"]()


@every
def test_functions_of_jax_return_what_was_asked_for(name: str) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed (extra `jax`)")

    def arrays(array: Any) -> Any:
        if callable(array):
            return function_in(jax.numpy, array)
        return jax.numpy.asarray(array) if isinstance(array, np.ndarray) else array

    namespace = run(module(made(name), "jax"))
    with jax.enable_x64(True):
        agrees(name, namespace, arrays, np.float64, 1e-7)
    namespace["self_test"]()


def source_of(text: str, name: str) -> str:
    """The text of a function."""
    return text.split(f"\ndef {name}(")[1].split("\n\n\n")[0]


def test_a_product_with_the_hessian_of_the_cross_entropy_takes_no_matrix() -> None:
    product = source_of(module(made("softmax")), "hessian_vector_product_of_c")
    assert "arange" not in product
    assert "[:, None]" not in product


def test_names_say_what_the_functions_return() -> None:
    names = [each.name for each in made("several").further]
    assert names == [
        "hessian_contraction",
        "directional_derivative",
        "vector_jacobian_product",
        "jacobian_vector_product",
    ]
    names = [each.name for each in made("logistic").further]
    assert names == ["hessian_vector_product_w_w", "hessian_vector_product_w_b", "hessian"]


def test_multi_indices_stand_for_axes() -> None:
    graph = read_graph("y_B = tanh(x_B); c = y_B y_B", multi=["B"])
    goals = [read_goal("v_B' ∂²c/∂x_B'∂x_B''", graph), read_goal("∂y_B/∂x_B'", graph)]
    found = program(graph, goals=goals, ranks={"B": 2})
    namespace = run(module(found))
    assert namespace["self_test"]() < 1e-6
    x, v = np.random.default_rng(0).normal(size=(2, 3, 4))
    y = np.tanh(x)
    product = namespace["hessian_vector_product"](namespace["forward"](x)[1], v)
    np.testing.assert_allclose(product, 2 * (1 - y**2) * (1 - 3 * y**2) * v)


def test_one_index_in_two_places_is_refused() -> None:
    graph = read_graph(SOFTMAX)
    with pytest.raises(DeriveError):
        program(graph, goals=[read_goal("∂s_i/∂x_i", graph)])


def test_goals_are_those_of_the_file_or_of_the_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["code", "cross_entropy_hessian"]) == 0
    assert "def hessian(saved):" in capsys.readouterr().out
    goal = ["--goal", "v_m d2 c / d x_m d x_n"]
    assert main(["code", "cross_entropy_hessian", *goal]) == 0
    text = capsys.readouterr().out
    assert "def hessian_vector_product(saved, v):" in text
    assert "def hessian(" not in text
    assert main(["code", "cross_entropy_hessian", "--goal", "d l / d x_n"]) == 2
    assert "which the backward pass returns" in capsys.readouterr().err


def test_the_sheet_counts_a_product_with_a_hessian(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "hessian_vector_product", "--size", "i=1000", "--json"]) == 0
    product, form = json.loads(capsys.readouterr().out)["further"]
    assert product["name"] == "hessian_vector_product"
    assert product["flops"]["text"] == "4 I"
    assert product["bytes_least"]["value"] == 12_000
    assert form["name"] == "hessian_quadratic_form"


def test_what_nothing_else_reads_is_written_to() -> None:
    graph = read_graph("r_b = X_bi w_i - y_b; c = 1_b r_b^2 + a w_i w_i")
    text = module(program(graph, goals=[read_goal("∂²c/∂w_m∂w_n", graph)]))
    assert "+= 2 * a" in text
    assert ".copy()" not in text.partition("def hessian(")[2].partition("\n\n\n")[0]


@pytest.mark.parametrize("target", ["numpy", "jax", "numba"])
def test_lines_of_self_tests_are_short(target: str) -> None:
    text = module(made("softmax"), target)
    assert max(map(len, text.splitlines())) <= 88
