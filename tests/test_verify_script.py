"""The script that verifies the catalogue: its table and its exit codes."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derive.verify import agreement, trial

SCRIPT = Path(__file__).parents[1] / "scripts" / "verify.py"


@pytest.fixture
def main() -> Callable[[list[str]], int]:
    script: dict[str, Any] = runpy.run_path(str(SCRIPT))
    found: Callable[[list[str]], int] = script["main"]
    return found


def test_what_holds_is_a_table(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cross_entropy", "conv1d", "--jobs", "1"]) == 0
    assert "conv1d" in capsys.readouterr().out


def test_several_processes_print_one_table_in_order(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["l2_norm", "cross_entropy", "conv1d"]
    command = [sys.executable, str(SCRIPT), *names, "--jobs", "2"]
    printed = [subprocess.run(command, capture_output=True, text=True, check=True).stdout]
    for more in (["--no-cache", "--jobs", "1"], []):
        assert main([*names, *more]) == 0
        printed.append(capsys.readouterr().out)
    rows = [[line.split() for line in text.splitlines()[3:-1]] for text in printed]
    tables = [[row[:9] for row in found] for found in rows]
    assert [row[-1] == "cached" for found in rows for row in found] == [False] * 6 + [True] * 3
    assert [row[0] for row in tables[0]] == names
    assert tables[0] == tables[1] == tables[2]


def test_bad_input_in_another_process_is_told(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('title = "x"\nequations = ["y_i = x_j"]\ngoals = ["∂y_i/∂x_n"]\n', "utf-8")
    command = [sys.executable, str(SCRIPT), "l2_norm", str(file), "--jobs", "2"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, "Traceback" in ran.stderr) == (2, False)
    assert "bad.toml" in ran.stderr


def test_a_wrong_line_fails(
    main: Callable[[list[str]], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(agreement.ROUNDING, "complex step", -1.0)
    monkeypatch.setattr(agreement, "CERTAIN", -1.0)
    monkeypatch.setitem(trial.TOLERANCE, "complex step", -1.0)
    assert main(["l2_norm"]) == 1
    assert "l2_norm, stage 1, line 1: wrong" in capsys.readouterr().out


def test_an_unknown_name_is_bad_input(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["nonesuch"]) == 2
    assert "nonesuch" in capsys.readouterr().err


def test_without_pytorch_the_comparison_says_so(
    main: Callable[[list[str]], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "derive.verify.torch_reference", raising=False)
    assert main(["l2_norm", "--against", "torch"]) == 2
    assert "PyTorch is not installed" in capsys.readouterr().err
