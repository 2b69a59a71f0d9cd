"""Derivation files: the catalogue, paths, and everything that a file can get wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from derive.errors import DeriveError, GoalError, NotationError, ProblemFileError
from derive.expressions import Size
from derive.notation import read_goal
from derive.problems import Problem, catalogue, load_problem

GOOD = """\
title = "Softmax"
equations = [
    "s_i = exp(x_i) / (1_j exp(x_j))",
    "c = -log(s_T)",
]
goals = ["∂c/∂x_n"]
"""


def saved(folder: Path, text: str | bytes) -> Path:
    path = folder / "some.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def caught(folder: Path, text: str | bytes) -> DeriveError:
    with pytest.raises(DeriveError) as info:
        load_problem(saved(folder, text))
    return info.value


def test_every_derivation_of_the_catalogue_is_read() -> None:
    names = catalogue()
    assert "cross_entropy" in names
    assert names == sorted(names)
    for name in names:
        problem = load_problem(name)
        assert problem.name == name
        assert problem.title
        assert problem.goals
        assert problem.equations


def test_cross_entropy_under_both_its_names() -> None:
    one, other = load_problem("cross-entropy"), load_problem("cross_entropy")
    assert one.equations == other.equations
    assert one.name == other.name == "cross_entropy"
    assert one.graph["σ"].kind == "abbreviation"
    assert one.goals == (read_goal("∂l/∂x_n", one.graph),)
    assert any("pytorch.org" in reference for reference in one.references)


def test_a_file_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    for name in (path, str(path), "./some.toml", "some.toml"):
        problem = load_problem(name)
        assert isinstance(problem, Problem)
        assert problem.name == "some"
        assert problem.equations == ("s_i = exp(x_i) / (1_j exp(x_j))", "c = -log(s_T)")


def test_all_keys(tmp_path: Path) -> None:
    text = '''
title = "Mean"
equations = """
m_b = (1/H) 1_h x_bh   # the mean
c = 1_b m_b
"""
goals = ["∂m_b/∂x_pq", "∂l/∂x_pq"]
references = ["A book", { title = "A page", url = "https://example.org" }]
sizes = { h = "H", b = 4 }
'''
    problem = load_problem(saved(tmp_path, text))
    assert problem.equations == ("m_b = (1/H) 1_h x_bh", "c = 1_b m_b")
    assert problem.references == ("A book", "A page, https://example.org")
    assert problem.graph.axis_size("x", 1) == Size("H")
    assert len(problem.goals) == 2


@pytest.mark.parametrize(
    ("name", "message", "mend"),
    [
        ("cros-entropy", "no derivation called 'cros-entropy'", "did you mean `cross_entropy`?"),
        ("zzzzzz", "no derivation called 'zzzzzz'", "`derive list`"),
        ("", "no derivation called ''", "`derive list`"),
        ("..", "no derivation called '..'", "`derive list`"),
        ("no/such/file.toml", "no/such/file.toml: there is no such file", "path"),
        ("nothing.toml", "nothing.toml: there is no such file", "path"),
        ("/", "this is a folder", "a file in it"),
        ("a\0b.toml", "cannot be read", "path"),
        ("/" + "a" * 5000, "cannot be read", "path"),
    ],
)
def test_no_such_file(name: str, message: str, mend: str) -> None:
    with pytest.raises(ProblemFileError) as info:
        load_problem(name)
    assert message in info.value.message
    assert mend in info.value.mend


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)
    with pytest.raises(ProblemFileError, match="not a regular file"):
        load_problem(path)


@pytest.mark.parametrize(
    ("old", "new", "message", "mend"),
    [
        ('title = "Softmax"', "", "the key `title` is missing", 'title = "'),
        ('title = "Softmax"', "title = 3", "`title` is not a text", 'title = "'),
        ('title = "Softmax"', 'title = " "', "`title` is not a text", ""),
        ("title =", "titel =", "the key `titel` is unknown", "did you mean `title`?"),
        ("title =", "zzz = 1\ntitle =", "the key `zzz` is unknown", "the keys are title"),
        ('["∂c/∂x_n"]', "[]", "`goals` is empty", "goals ="),
        ('["∂c/∂x_n"]', '"∂c/∂x_n"', "`goals` is not a list of texts", "goals ="),
        ('["∂c/∂x_n"]', "[1]", "`goals` is not a list of texts", "goals ="),
        ('goals = ["∂c/∂x_n"]', "", "the key `goals` is missing", "goals ="),
        ("equations =", "sizes = 3\nequations =", "`sizes` is not a table", "sizes ="),
        ("equations =", "references = 3\nequations =", "not a list of references", "title"),
        ("equations =", "references = [3]\nequations =", "not a list of references", "title"),
        ("equations =", "references = [{u = 1}]\nequations =", "not a list of ref", "title"),
        ("equations =", "references = [{url = 1}]\nequations =", "not a list of ref", "url"),
    ],
)
def test_a_bad_key(tmp_path: Path, old: str, new: str, message: str, mend: str) -> None:
    error = caught(tmp_path, GOOD.replace(old, new))
    assert isinstance(error, ProblemFileError)
    assert message in error.message
    assert "some.toml" in error.message
    assert mend in error.mend


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"\xff\xfe\x00", "line 1 is not UTF-8 text"),
        (b'title = "a"\n\x80', "line 2 is not UTF-8 text"),
        (b"\x00\x01\x02", "line 1 is not TOML"),
        (b"title = \n", "line 1 is not TOML"),
        (b'title = "a"\ngoals = [1,\n', "not TOML"),
        (b'title = "a"\ntitle = "b"\n', "line 2 is not TOML"),
        (b"a = " + b"[" * 20_000, "TOML"),
        (b"a = " + b"1" * 20_000, "TOML"),
        (b"#" * 300_000, "the file is too long"),
        (b"[title]\na = 1\n", "`title` is not a text"),
        (b"1979-05-27 = 3", "is unknown"),
    ],
)
def test_a_file_that_is_not_one(tmp_path: Path, content: bytes, message: str) -> None:
    error = caught(tmp_path, content)
    assert isinstance(error, ProblemFileError)
    assert message in error.message
    assert "some.toml" in error.message


def test_a_toml_error_is_shown_in_its_line(tmp_path: Path) -> None:
    error = caught(tmp_path, GOOD.replace('    "c = -log(s_T)",', '    "c" = -log(s_T),'))
    assert "line 4" in error.message
    place = error.places[0]
    assert place.text == '    "c" = -log(s_T),'
    assert place.text[place.start] == "="


def test_a_notation_error_names_the_equation_and_its_line(tmp_path: Path) -> None:
    error = caught(tmp_path, GOOD.replace("-log(s_T)", "-log(s_k)"))
    assert isinstance(error, NotationError)
    place = error.places[0]
    assert place.name.startswith("equation 2 of ")
    assert place.name.endswith("some.toml, line 4")
    assert place.text[place.start : place.end] == "k"


def test_lines_of_a_long_text(tmp_path: Path) -> None:
    text = 'title = "a"\ngoals = ["∂c/∂x_n"]\nequations = """\nc = x_i x_i\nd = x_j\n"""\n'
    assert caught(tmp_path, text).places[0].name.endswith("some.toml, line 5")


def test_a_goal_error_names_the_goal_and_its_line(tmp_path: Path) -> None:
    error = caught(tmp_path, GOOD.replace("∂c/∂x_n", "∂c/∂y_n"))
    assert isinstance(error, GoalError)
    assert error.places[0].name.startswith("goal 1 of ")
    assert error.places[0].name.endswith("some.toml, line 6")


@pytest.mark.parametrize("sizes", ["{ i = 0 }", "{ i = 1.5 }", "{ i = [1] }", "{ q = 2 }"])
def test_bad_sizes_name_the_file(tmp_path: Path, sizes: str) -> None:
    assert "some.toml" in caught(tmp_path, f"sizes = {sizes}\n{GOOD}").message


def test_no_equations_name_the_file(tmp_path: Path) -> None:
    error = caught(tmp_path, 'title = "a"\nequations = "#"\ngoals = ["∂c/∂x_n"]\n')
    assert "some.toml" in error.message
