"""`derive verify --module`: code beside the definitions, right and spoilt."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from derive.cli import main
from derive.codegen import module, program
from derive.codegen.spread import spread
from derive.notation import read_graph
from derive.problems import load_problem
from derive.verify.generated import check_module


@pytest.fixture
def written(tmp_path):
    """Writes the module of a derivation, spoilt by a replacement; returns its path."""

    def write(name: str, old: str = "", new: str = "", wrt: tuple[str, ...] = ()) -> str:
        text = module(program(load_problem(name).graph, wrt))
        assert old in text
        path = tmp_path / f"{name}.py"
        path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
        return str(path)

    return write


def failures(name: str, path: str, wrt: tuple[str, ...] = ()) -> list[str]:
    report = check_module(load_problem(name).graph, path, wrt)
    return [str(result.what) for result in report.results if not result.ok]


@pytest.mark.parametrize(
    "name",
    ["attention", "cross_entropy_batch", "conv1d", "layer_norm", "mean", "nll_weighted", "solve"],
)
def test_what_is_generated_is_right(name, written):
    assert failures(name, written(name)) == []


def test_a_wrong_gradient_is_named(written, capsys):
    path = written("linear_layer", "d_b = d_y.sum(axis=-2)", "d_b = d_y.mean(axis=-2)")
    assert main(["verify", "linear_layer", "--module", path]) == 1
    out = capsys.readouterr().out
    wrong = [line for line in out.splitlines() if "WRONG" in line]
    assert [line.split()[0] for line in wrong] == ["∂l/∂b_j"]
    assert "∂l/∂y = ((1,), (1,)): ∂l/∂b_j at j = 0 is 1, not 2" in out


def test_gradients_in_the_wrong_order_are_wrong(written):
    path = written("glu", "return d_u, d_v", "return d_v, d_u")
    assert len(failures("glu", path)) == 2


def test_some_gradients_are_known_by_their_names(written):
    path = written("layer_norm", wrt=("γ",))
    report = check_module(load_problem("layer_norm").graph, path)
    assert [str(result.what) for result in report.results] == ["y[b, h]", "Partial(l, γ[h])"]
    assert report.ok


def test_a_mistake_in_single_precision_alone(written):
    path = written("mean", "return d_x", "return d_x * (1 + (d_x.dtype == 'float32'))")
    report = check_module(load_problem("mean").graph, path, ("x",))
    (wrong,) = [result for result in report.results if not result.ok]
    assert wrong.errors["float64"] < 1e-9 < wrong.errors["float32"]


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("return d_x.sum(axis=0)", "has the shape"),
        ("return d_x / 0", "is not finite"),
        ("raise ValueError('no')", "raised ValueError: no"),
        ("return d_x, d_x", "2 arrays are returned in place of 1"),
    ],
)
def test_what_is_no_gradient_is_wrong_and_says_why(written, capsys, new, words):
    path = written("log_softmax", "return d_x", new)
    assert main(["verify", "log_softmax", "--module", path, "--wrt", "x"]) == 1
    assert words in capsys.readouterr().out


def test_json(written, capsys):
    path = written("cross_entropy_batch", "d_x = ", "d_x = 2 * ")
    assert main(["verify", "cross_entropy_batch", "--module", path, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    value, gradient = found["results"]
    assert (found["ok"], value["ok"], gradient["ok"]) == (False, True, False)
    assert set(gradient["smallest"]) == {"sizes", "inputs", "entry", "found", "expected", "text"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = (", "cannot be loaded: SyntaxError"),
        ("def forward(x): ...", "has no function `backward`"),
        ("def forward(z): ...\ndef backward(saved, d): return d_x", "z that means nothing here"),
        ("def forward(x): ...\ndef backward(saved, d): return d", "is not known"),
    ],
)
def test_bad_input(tmp_path, capsys, text, words):
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    assert main(["verify", "layer_norm", "--module", str(path)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("derive: ") == 1
    assert words in complaint


def test_missing_file_and_options(capsys):
    assert main(["verify", "mean", "--module", "nowhere.py"]) == 2
    assert "there is no file nowhere.py" in capsys.readouterr().err
    assert main(["verify", "mean", "--wrt", "x"]) == 2
    assert "add --module" in capsys.readouterr().err


def test_multi_indices_with_the_ranks_of_the_module(tmp_path):
    path = str(tmp_path / "resize.py")
    assert main(["code", "resize", "--rank", "B=2", "-o", path]) == 0
    assert main(["verify", "resize", "--module", path, "--rank", "B=2"]) == 0
    assert main(["verify", "resize", "--module", path]) == 1


# Modules of every target, with planted errors


TARGETS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            find_spec(name) is None, reason=f"the extra `{name}` is not installed"
        ),
    )
    for name in ("numpy", "torch", "jax", "numba")
]
ARRAYS = ("numpy", "torch", "numba")


def spoilt(folder: Path, name: str, target: str, function: str, body: str) -> str:
    """The path of a module in which a function has another body."""
    text = module(program(load_problem(name).graph, name=name), target)
    path = folder / f"{name}_{target}.py"
    path.write_text(f"{text}\n\nright = {function}\n\n\ndef {function}{body}\n", encoding="utf-8")
    return str(path)


def complaints(name: str, path: str) -> list[str]:
    """All that a report has against a module."""
    report = check_module(load_problem(name).graph, path)
    wrong = [f"{r.what}: {r.trouble}" for r in report.results if not r.ok]
    return [*wrong, *report.troubles]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["embedding", "layer_norm"])
def test_modules_of_all_targets_are_right(tmp_path, name, target):
    path = tmp_path / "module.py"
    path.write_text(module(program(spread(load_problem(name).graph, {}), name=name), target))
    report = check_module(spread(load_problem(name).graph, {}), str(path))
    assert report.ok, [*map(str, report.results), *report.troubles]
    assert all(result.errors["float64"] < 1e-11 for result in report.results)


@pytest.mark.parametrize("target", TARGETS)
def test_a_dropped_term_is_wrong(tmp_path, capsys, target):
    path = spoilt(tmp_path, "log_softmax", target, "backward", "(saved, d_p):\n    return 1 * d_p")
    assert main(["verify", "log_softmax", "--module", path]) == 1
    assert "∂l/∂p = (1,): ∂l/∂x_j at j = 0 is 1, not 0" in capsys.readouterr().out


@pytest.mark.parametrize("target", TARGETS)
def test_a_swapped_axis_is_wrong(tmp_path, target):
    body = "(*given):\n    found = right(*given)\n    return (found[0], found[1].T)"
    path = spoilt(tmp_path, "matrix_multiplication", target, "backward", body)
    (found, *_) = complaints("matrix_multiplication", path)
    assert "has the shape" in found


@pytest.mark.parametrize("target", TARGETS)
def test_labels_that_repeat_are_tried(tmp_path, target):
    """A row that is put where a row is to be added is wrong only where labels repeat."""
    put = "found.at[places].set(rows)" if target == "jax" else "put(found, places, rows)"
    body = f"""(saved, d_c):
    found = 0 * right(saved, d_c)
    labels = saved[0]
    places, rows = labels, -d_c
    return {put}


def put(found, places, rows):
    found[places] = rows
    return found"""
    path = tmp_path / "module.py"
    graph = read_graph("c_b = -x_{T_b}")
    text = module(program(graph), target)
    path.write_text(f"{text}\n\nright = backward\n\n\ndef backward{body}\n", encoding="utf-8")
    (found,) = check_module(graph, str(path)).results[1:]
    assert not found.ok
    assert found.smallest is not None
    labels = found.smallest.inputs["T"]
    assert len(set(labels.tolist())) < labels.size


@pytest.mark.parametrize("target", [t for t in TARGETS if t.values[0] in ARRAYS])
@pytest.mark.parametrize(
    ("function", "body", "words"),
    [
        (
            "forward",
            "(x, T):\n    found = right(x, T)\n    x *= 2\n    return found",
            "`forward` changes x",
        ),
        (
            "backward",
            "(saved, d_c):\n    found = right(saved, d_c)\n    saved[1][...] = 0\n    return found",
            "a second call of `backward` with what was saved returns something else",
        ),
        (
            "backward",
            "(saved, d_c):\n    found = right(saved, d_c)\n    d_c *= 2\n    return found",
            "`backward` changes the gradient that comes back by c",
        ),
        (
            "backward",
            "(saved, d_c, overwrite_saved=False):\n    times = 1 + overwrite_saved\n"
            "    return times * right(saved, d_c)",
            "with `overwrite_saved` `backward` returns something else",
        ),
        (
            "backward",
            "(saved, d_c, calls=[0.0]):\n    calls[0] += 1e-3\n"
            "    return right(saved, d_c) * (1 + calls[0])",
            "the same arguments give something else the second time",
        ),
    ],
)
def test_what_is_done_beside_is_told(tmp_path, capsys, target, function, body, words):
    path = spoilt(tmp_path, "cross_entropy_batch", target, function, body)
    assert main(["verify", "cross_entropy_batch", "--module", path]) == 1
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("target", [t for t in TARGETS if t.values[0] in ("torch", "jax")])
def test_the_function_that_a_library_differentiates_is_checked(tmp_path, target):
    body = "(x, T):\n    return 2 * right(x, T)"
    path = spoilt(tmp_path, "cross_entropy_batch", target, "cross_entropy_batch", body)
    words = "`cross_entropy_batch` has other gradients than `backward` returns"
    assert words in complaints("cross_entropy_batch", path)


@pytest.mark.parametrize("target", TARGETS)
def test_another_precision_is_wrong(tmp_path, target):
    single = "double()" if target == "torch" else "astype('float64')"
    body = f"(saved, d_c):\n    return right(saved, d_c).{single}"
    path = spoilt(tmp_path, "cross_entropy_batch", target, "backward", body)
    (found, *_) = complaints("cross_entropy_batch", path)
    assert "is float64 where the inputs are float32" in found
