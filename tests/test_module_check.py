"""`derive verify --module`: code beside the definitions, right and spoilt."""

from __future__ import annotations

import json

import pytest

from derive.cli import main
from derive.codegen import module, program
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
