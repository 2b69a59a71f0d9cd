"""What the README shows is what the program does."""

import doctest
import re
import runpy
from pathlib import Path

import pytest

import derive
from derive.problems import load_problem

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_session_runs_as_shown():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 10
    assert failed == 0


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "scripts" / "render.py"))


def stale(script, rendered):
    return [path.name for path, text in rendered.items() if not script["is_up_to_date"](path, text)]


def test_what_commands_print_is_up_to_date(script, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert stale(script, script["rendered_readme"]()) == []


# In parts, for several workers.
@pytest.mark.parametrize("part", range(4))
def test_the_rendered_catalogue_is_up_to_date(script, part):
    assert stale(script, script["rendered_catalogue"](list(derive.catalogue())[part::4])) == []


def test_the_derivation_file_shown_is_one(tmp_path):
    (shown,) = re.findall(r"```toml\n(.*?)```", README, re.S)
    path = tmp_path / "shown.toml"
    path.write_text(shown, "utf-8")
    assert load_problem(path).title == "L2 norm"


def test_two_commands_are_all_that_a_fresh_machine_needs():
    commands = re.findall(r"^    (python3 -m venv .*)$", README, re.M)
    assert len(commands) == 2
    assert "derive show cross-entropy" in commands[0]
    assert "'.[test]'" in commands[1]
