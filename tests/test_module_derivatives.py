"""`derive verify --module`: functions for Hessians, Jacobians and products with them."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from derive.cli import main
from derive.codegen import module, program
from derive.codegen.further import asked, is_further
from derive.notation import read_goal, read_graph
from derive.problems import load_problem
from derive.verify.generated import ModuleReport, check_module
from tests.test_further_code import NAMES, WRITTEN, made

PRODUCT = "hessian_vector_product"
TARGETS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            find_spec(name) is None, reason=f"the extra `{name}` is not installed"
        ),
    )
    for name in ("numpy", "torch", "jax", "numba")
]
# Arrays that can be changed; those of Numba are NumPy's.
ARRAYS = TARGETS[:2]
every = pytest.mark.parametrize("target", TARGETS)


def checked(name: str, path: Path) -> ModuleReport:
    """The report on a module of a derivation of the catalogue."""
    problem = load_problem(name)
    derivatives = asked(problem.goals, problem.graph)
    return check_module(problem.graph, str(path), derivatives=derivatives)


def written(folder: Path, target: str, more: str = "") -> Path:
    """The module of the product of a Hessian with a vector, with more text at its end."""
    problem = load_problem(PRODUCT)
    text = module(program(problem.graph, goals=problem.goals, name=PRODUCT), target)
    path = folder / f"{target}_module.py"
    path.write_text(text + more, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_functions_are_asked_what_they_return(tmp_path, name):
    found = made(name)
    if name in WRITTEN:
        equations, texts = WRITTEN[name]
        graph = read_graph(equations)
        goals = [read_goal(text, graph) for text in texts]
    else:
        graph, goals = load_problem(name).graph, load_problem(name).goals
    path = tmp_path / "module.py"
    path.write_text(module(found), encoding="utf-8")
    report = check_module(graph, str(path), found.wrt, derivatives=asked(goals, graph))
    assert report.ok, [(str(r.what), r.errors, r.trouble) for r in report.results]
    functions = [result.function for result in report.results if result.function]
    assert functions == [each.name for each in found.further]
    assert not report.unchecked


@every
@pytest.mark.parametrize("name", [PRODUCT, "solve"])
def test_modules_of_all_targets_are_right(tmp_path, name, target):
    path = tmp_path / "module.py"
    problem = load_problem(name)
    path.write_text(module(program(problem.graph, goals=problem.goals, name=name), target))
    report = checked(name, path)
    assert report.ok, [(str(r.what), r.errors, r.trouble) for r in report.results]


@every
@pytest.mark.parametrize(
    ("change", "values"),
    [
        pytest.param(r"\1", "∂²c/∂x_j∂x_n at n = 0 is 1, not 0", id="dropped term"),
        pytest.param(r"(\1 + \2)", "∂²c/∂x_j∂x_n at n = 0 is 2, not 0", id="sign"),
    ],
)
def test_a_planted_error_is_shown_on_the_smallest_data(tmp_path, capsys, target, change, values):
    path = written(tmp_path, target)
    text = path.read_text(encoding="utf-8")
    # s_n (v_n − Σ_j s_j v_j), first in the product and then in the quadratic form.
    spoilt, count = re.subn(r"\((v(?:\[i\])?) - (t\d+)\)", change, text, count=1)
    assert count == 1
    path.write_text(spoilt, encoding="utf-8")
    assert main(["verify", PRODUCT, "--module", str(path)]) == 1
    out = capsys.readouterr().out
    wrong = [line for line in out.splitlines() if "WRONG" in line]
    assert [line.split(":")[0].strip() for line in wrong] == [PRODUCT]
    assert values in out
    assert "v = (1,)" in out


@pytest.mark.parametrize("target", ARRAYS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("v *= 2", ["changes v"]),
        ("saved[-1][...] = 0", ["what was saved returns something else", "`backward` returns"]),
    ],
)
def test_what_is_changed_is_told(tmp_path, target, change, words):
    body = f"    found = right(saved, v)\n    {change}\n    return found\n"
    more = f"\n\nright = {PRODUCT}\n\n\ndef {PRODUCT}(saved, v):\n{body}"
    report = checked(PRODUCT, written(tmp_path, target, more))
    assert len(report.troubles) == len(words)
    assert all(word in trouble for word, trouble in zip(words, report.troubles, strict=True))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ValueError('no')", "raised ValueError: no"),
        ("return None", "is None, no array of numbers"),
        ("return right(saved, v)[:1]", "has the shape"),
        ("return right(saved, v), v", "2 arrays are returned in place of 1"),
    ],
)
def test_what_is_no_product_says_why_and_spares_the_rest(tmp_path, body, words):
    more = f"\n\nright = {PRODUCT}\n\n\ndef {PRODUCT}(saved, v):\n    {body}\n"
    report = checked(PRODUCT, written(tmp_path, "numpy", more))
    (wrong,) = [result for result in report.results if not result.ok]
    assert wrong.function == PRODUCT
    assert words in wrong.trouble


def test_a_missing_function_is_named(tmp_path):
    path = written(tmp_path, "numpy", f"\n\ndel {PRODUCT}\n")
    (wrong,) = [result for result in checked(PRODUCT, path).results if not result.ok]
    assert wrong.function == PRODUCT
    assert "the module has no such function" in wrong.trouble


def test_goals_are_those_that_the_code_was_written_for(tmp_path, capsys):
    path = str(tmp_path / "module.py")
    goal = ["--goal", "v_m d2 c / d x_m d x_n"]
    assert main(["code", "cross_entropy_hessian", *goal, "-o", path]) == 0
    assert main(["verify", "cross_entropy_hessian", "--module", path, *goal, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["function"] for each in found["results"]][-1] == PRODUCT
    assert found["unchecked"] == []
    assert main(["verify", "cross_entropy_hessian", "--module", path]) == 1
    out = capsys.readouterr().out
    assert re.search("hessian: ∂²c/∂x_m∂x_n +WRONG", out)
    assert "the module has no such function" in out
    assert f"`{PRODUCT}` is not checked" in out
    assert main(["verify", "cross_entropy_hessian", *goal]) == 2
    assert "add --module" in capsys.readouterr().err


def test_a_function_that_no_goal_asks_about_is_told(tmp_path, capsys):
    path = str(tmp_path / "module.py")
    goal = ["--goal", "v_m d2 c / d x_m d x_n"]
    assert not any(is_further(g, load_problem("cross_entropy").graph) for g in _goals())
    assert main(["code", "cross_entropy", *goal, "-o", path]) == 0
    assert main(["verify", "cross_entropy", "--module", path]) == 0
    assert f"`{PRODUCT}` is not checked: `--goal` says" in capsys.readouterr().out


def _goals():
    return load_problem("cross_entropy").goals
