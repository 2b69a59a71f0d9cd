"""Modules of loop nests: as plain Python over the whole catalogue, and compiled by Numba."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from derive.codegen import Program, module, program
from derive.notation import read_graph
from derive.problems import catalogue, load_problem
from tests.generated import Case, case

FEW = ["cross_entropy_batch", "layer_norm", "embedding", "conv1d", "silu"]
every = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue) for n in catalogue()],
)


@lru_cache(maxsize=4)
def written(name: str) -> tuple[Program, str, Case]:
    """The program of a derivation of the catalogue, its text, and data."""
    problem = load_problem(name)
    found = program(problem.graph, title=problem.title, references=problem.references)
    return found, module(found, "numba"), case(found)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Runs the text of a module as plain Python, the outer loops in three parts."""
    numba: Any = ModuleType("numba")
    numba.prange, numba.get_num_threads = range, lambda: 3
    numba.njit = lambda **_: lambda function: function
    monkeypatch.setitem(sys.modules, "numba", numba)

    def run(text: str) -> ModuleType:
        found = ModuleType("plain")
        exec(compile(text, "plain.py", "exec"), found.__dict__)
        found.__dict__["_GRAIN"] = 1
        return found

    return run


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Runs the text of a module as Numba compiles it."""
    pytest.importorskip("numba", reason="the extra `numba` is not installed")

    def run(text: str) -> ModuleType:
        path = tmp_path / "derived_loops.py"
        path.write_text(text)
        specification = importlib.util.spec_from_file_location(path.stem, path)
        assert specification is not None
        assert specification.loader is not None
        found = importlib.util.module_from_spec(specification)
        monkeypatch.setitem(sys.modules, path.stem, found)
        specification.loader.exec_module(found)
        return found

    return run


def values(found: ModuleType, of: Program, inputs: list[Any], upstream: list[Any]) -> list[Any]:
    """The outputs and the gradients."""
    outputs, saved = found.forward(*inputs)
    gradients = found.backward(saved, *upstream)
    outputs = outputs if len(of.outputs) > 1 else (outputs,)
    return [*outputs, *(gradients if len(of.wrt) > 1 else (gradients,))]


def agrees(
    found: ModuleType, name: str, change: Callable[[Any], Any], kind: type, precise: float
) -> None:
    """Compare the values on changed arguments with those of the oracle."""
    of, _, given = written(name)
    inputs, upstream = [*map(change, given.inputs)], [*map(change, given.upstream)]
    for array, expected in zip(values(found, of, inputs, upstream), given.expected, strict=True):
        assert array.dtype == kind
        assert np.shape(array) == expected.shape
        np.testing.assert_allclose(array, expected, rtol=max(precise, 1e-6), atol=precise)


def strided(array: Any) -> Any:
    if not isinstance(array, np.ndarray) or not array.ndim:
        return array
    return np.repeat(array, 2, axis=-1)[..., ::2]


def single(array: Any) -> Any:
    return array.astype(np.float32) if getattr(array, "dtype", None) == np.float64 else array


@every
def test_loops_compute_what_is_derived(name: str, plain: Callable[[str], ModuleType]) -> None:
    _, text, given = written(name)
    found = plain(text)
    before = [np.copy(array) for array in (*given.inputs, *given.upstream)]
    agrees(found, name, lambda array: array, np.float64, 1e-8)
    for array, copy in zip((*given.inputs, *given.upstream), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    agrees(found, name, strided, np.float64, 1e-8)
    agrees(found, name, single, np.float32, 2e-3)
    assert found.self_test() < 1e-6


@every
def test_compiled_loops_compute_it_too(name: str, compiled: Callable[[str], ModuleType]) -> None:
    if written(name)[0].functions:
        pytest.skip("functions of Python cannot be compiled")
    found = compiled(written(name)[1])
    agrees(found, name, lambda array: array, np.float64, 1e-8)
    agrees(found, name, strided, np.float64, 1e-8)
    found.__dict__["_GRAIN"] = 1
    agrees(found, name, single, np.float32, 2e-3)


@pytest.mark.parametrize("names", [FEW, pytest.param(catalogue(), marks=pytest.mark.catalogue)])
def test_text_is_laid_out_as_ruff_does(names: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    for name in names:
        (tmp_path / f"{name}.py").write_text(written(name)[1])
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        ["format", "--diff", "--isolated"],
        ["check", "--isolated", "--select", "E,F,I,W,B,UP", "--ignore", "B905"],
    ):
        done = subprocess.run([*ruff, *command, tmp_path], capture_output=True, text=True)
        assert not done.returncode, done.stdout


def text_of(*lines: str, wrt: tuple[str, ...] = ()) -> str:
    """The text of a module, from definitions."""
    return module(program(read_graph("\n".join(lines)), wrt), "numba")


def test_layer_norm_is_one_pass_over_the_rows_each_way() -> None:
    problem = load_problem("layer_norm")
    text = module(program(problem.graph, ("x", "γ", "β")), "numba")
    assert len(re.findall(r"in prange\(", text)) == 2
    assert "d_gamma_parts[part, h] +=" in text
    rows = text[text.index("def _forward_rows") : text.index("def forward")]
    assert set(re.findall(r"np\.empty\((.*?\)),", rows)) == {"(H,)"}


def test_a_delta_is_an_update_of_one_entry() -> None:
    text = written("cross_entropy_batch")[1]
    assert "d_x[b, T[b]] -= d_c[b]" in text
    assert "==" not in text[text.index("def _backward_rows(") : text.index("def _backward(")]


def test_conditions_are_bounds_of_loops() -> None:
    assert re.search(r"range\(min\(\w+, q \+ 1\)\)", written("causal_softmax")[1])
    text = written("conv1d")[1]
    assert not re.search(
        r"\bif\b", text[text.index("def _forward_rows") : text.index("def _forward(")]
    )


def test_gradients_can_take_the_place_of_what_was_saved(
    plain: Callable[[str], ModuleType],
) -> None:
    for name in ("cross_entropy_batch", "batch_norm"):
        of, text, given = written(name)
        found = plain(text)
        expected = values(found, of, given.inputs, given.upstream)[-len(of.wrt) :]
        _, saved = found.forward(*given.inputs)
        gradients = found.backward(saved, *given.upstream, overwrite_saved=True)
        gradients = gradients if len(of.wrt) > 1 else (gradients,)
        for gradient, other in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(gradient, other)
        assert any(gradient is array for gradient in gradients for array in saved)


def test_nothing_that_is_read_later_is_written_over(plain: Callable[[str], ModuleType]) -> None:
    # Each gradient reads s where the other is written: only the last one can take its place.
    of = program(read_graph("s_ij = exp(x_ij)\ny_i = s_ij u_j\nz_j = s_ij v_i\nw_ij = s_ij s_ji"))
    found = plain(module(of, "numba"))
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(3, 3)), "u": rng.normal(size=3), "v": rng.normal(size=3)}
    upstream = {"y": rng.normal(size=3), "z": rng.normal(size=3), "w": rng.normal(size=(3, 3))}
    given = [inputs[n] for n in of.inputs]
    adjoints = [upstream[n] for n in of.outputs]
    expected = found.backward(found.forward(*given)[1], *adjoints)
    options = {"overwrite_saved": True} if "overwrite_saved" in module(of, "numba") else {}
    again = found.backward(found.forward(*given)[1], *adjoints, **options)
    for array, other in zip(again, expected, strict=True):
        np.testing.assert_allclose(array, other)


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_few_rows_and_none(rows: int, plain: Callable[[str], ModuleType]) -> None:
    found = plain(module(program(load_problem("layer_norm").graph, ("x", "γ")), "numba"))
    rng = np.random.default_rng(0)
    x, d = rng.normal(size=(rows, 4)), rng.normal(size=(rows, 4))
    y, saved = found.forward(x, 1e-5, np.ones(4), np.zeros(4))
    _, d_gamma = found.backward(saved, d)
    np.testing.assert_allclose(d_gamma, (d * y).sum(axis=0), atol=1e-12)


def test_what_is_no_number_stays_visible(plain: Callable[[str], ModuleType]) -> None:
    found = plain(text_of("y_b = max_i(relu(x_bi))"))
    x = np.array([[1.0, np.nan, 2.0], [1.0, 3.0, 2.0]])
    y, _ = found.forward(x)
    assert np.isnan(y[0])
    assert y[1] == 3


def test_the_first_of_several_greatest_entries_counts(plain: Callable[[str], ModuleType]) -> None:
    found = plain(text_of("y_b = max_i(x_bi)"))
    _, saved = found.forward(np.array([[1.0, 3.0, 3.0]]))
    np.testing.assert_array_equal(found.backward(saved, np.ones(1)), [[0.0, 1.0, 0.0]])


def test_exponentials_are_precise(compiled: Callable[[str], ModuleType]) -> None:
    """To one unit in the last place, from zero to infinity, and NaN where NaN is given."""
    found = compiled(text_of("y_i = exp(x_i)"))
    x = np.concatenate([np.linspace(-750, 715, 40001), np.linspace(-1, 1, 10001)])
    for kind, units in ((np.float64, 1.0), (np.float32, 0.51)):
        given = x.astype(kind)
        with np.errstate(over="ignore", under="ignore"):
            true = np.exp(given.astype(np.longdouble))
            rounded = true.astype(kind)
        value = found.forward(given)[0]
        finite = np.isfinite(rounded)
        np.testing.assert_array_equal(value[~finite], rounded[~finite])
        off = np.abs(value.astype(np.longdouble) - true)[finite] / np.spacing(rounded[finite])
        assert off.max() <= units
    ends = np.array([-np.inf, np.inf, np.nan, 0.0, -0.0, 1e300, -1e300])
    np.testing.assert_array_equal(found.forward(ends)[0], [0, np.inf, np.nan, 1, 1, np.inf, 0])


def test_few_entries_do_not_start_threads(plain: Callable[[str], ModuleType]) -> None:
    found = plain(text_of("y_bi = exp(x_bi)"))
    assert found._parts(8, 64) == 3
    assert found._parts(2, 64) == 2
    found.__dict__["_GRAIN"] = 1 << 16
    assert found._parts(8, 64) == 1
    assert found._parts(0, 0) == 1


def test_places_are_no_numbers_of_the_loops(plain: Callable[[str], ModuleType]) -> None:
    graph = read_graph("y_i = (1/K) 1_k x_{2i+k-1}", sizes={"k": "K"})
    assert plain(module(program(graph), "numba")).self_test() < 1e-6


def test_an_entry_behind_a_loop_is_added_to_once(plain: Callable[[str], ModuleType]) -> None:
    text = written("cross_entropy")[1]
    assert text.count("d_x = ") == 1
    found = plain(text)
    x = np.array([1.0, 2.0, 4.0])
    expected = found.backward(found.forward(x, 1)[1], 3.0)
    again = found.backward(found.forward(x, 1)[1], 3.0, overwrite_saved=True)
    np.testing.assert_allclose(again, expected)


def test_numbers_alone_are_given_where_an_array_is_saved(
    plain: Callable[[str], ModuleType],
) -> None:
    graph = read_graph(
        "f_k = 1_k y; m = 1_k exp(f_k); h_jk = 1_j sin(f_k Σ_r f_r)", sizes={"j": "J", "k": "K"}
    )
    found = program(graph)
    passes, given = plain(module(found, "numba")), case(found)
    outputs, saved = passes.forward(*given.inputs)
    gradient = passes.backward(saved, *given.upstream)
    for value, expected in zip((*outputs, gradient), given.expected, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "equations",
    [
        # A sum of no terms is 0, and is asked for.
        "h_ik = 1_j x_{k-i,j} + d_i e_k",
        # Two terms are added to one entry.
        "m_i = (1_j z_j)^2 z_S x_i + z_S x_i",
        # What stands before a loop stands outside of the conditions inside.
        "f = 1_i x_i; m_i = exp(x_i)/(Σ_p exp(x_p)); h_ji = (Σ_k m_{i-1} 1_k) m_i 1_j",
    ],
)
def test_conditions_hold_where_they_are_seen_to(
    equations: str, plain: Callable[[str], ModuleType]
) -> None:
    sizes = {letter: letter.upper() for letter in "jk" if f"1_{letter}" in equations}
    found = program(read_graph(equations, sizes=sizes))
    passes, given = plain(module(found, "numba")), case(found)
    outputs, saved = passes.forward(*given.inputs)
    gradients = passes.backward(saved, *given.upstream)
    outputs = outputs if len(found.outputs) > 1 else (outputs,)
    gradients = gradients if len(found.wrt) > 1 else (gradients,)
    for value, expected in zip((*outputs, *gradients), given.expected, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-7, atol=1e-9)
