"""What the README shows is what the program does."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

from derive.problems import load_problem

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_python_session_runs_as_shown():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried > 10
    assert failed == 0


def test_what_commands_print_and_the_rendered_catalogue_are_up_to_date():
    script = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "render.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert script.returncode == 0, script.stdout + script.stderr


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
