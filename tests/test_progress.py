"""How far a long work is: shown at a terminal, after a while, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from derive.cli import main, progress


class Terminal(io.StringIO):
    """A standard error that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_a_long_verification_shows_its_stages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["verify", "layer_norm"]) == 0
    assert "verifying: stage " in shown.getvalue()
    assert " of 17" in shown.getvalue()
    assert "verifying" not in capsys.readouterr().out


def test_a_short_one_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    assert main(["verify", "l2_norm"]) == 0
    assert "stage" not in shown.getvalue()


def test_a_pipe_gets_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    assert main(["verify", "layer_norm"]) == 0
    assert capsys.readouterr().err == ""
