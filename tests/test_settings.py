"""Verification with given data: what is set, how many samples, how close."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from derive.api import gradient, load
from derive.cli import main
from derive.errors import DeriveError
from derive.verify import Settings, Trial, best_trial, verify
from derive.verify.evaluate import free_axes
from derive.verify.trial import Claim


def trial_of(name: str, settings: Settings) -> Trial:
    derivation = load(name)
    claims = [Claim(s.goal, (s.result,), free_axes(s.goal)) for s in derivation.stages]
    return best_trial(derivation.graph, claims, settings)


def test_given_data_stand_in_every_sample() -> None:
    settings = Settings(seeds=4, fixed={"γ": 1.0, "∂l/∂y": 2.5}, sizes={"h": 7})
    trial = trial_of("layer_norm", settings)
    assert len(trial.oracles) == len(set(trial.seeds)) == 4
    for oracle in trial.oracles:
        sample = oracle.sample
        assert np.all(sample.tensors["γ"] == 1)
        assert sample.tensors["γ"].shape == (7,)
        assert np.all(sample.upstream["y"] == 2.5)
        assert len(set(sample.sizes.values())) == len(sample.sizes)
    drawn = trial_of("layer_norm", Settings(seeds=4))
    pairs = zip(trial.oracles, drawn.oracles, strict=True)
    assert all(a.sample.tensors["x"].shape[1] == 7 != b.sample.seed for a, b in pairs)


def test_a_size_may_be_given_by_its_name_too() -> None:
    report = verify(load("layer_norm"), Settings(sizes={"H": 2}))
    assert all(sizes["H"] == 2 for line in report.lines for sizes in line.sizes)


def test_a_direction_may_be_given() -> None:
    derivation = load("hessian_vector_product")
    stages = [stage.goal for stage in derivation.stages]
    claims = [Claim(goal, (), free_axes(goal)) for goal in stages]
    trial = best_trial(derivation.graph, claims, Settings(fixed={"v": 3.0}))
    assert all(np.all(oracle.sample.tensors["v"] == 3) for oracle in trial.oracles)


def test_a_weak_tolerance_lets_a_mistake_pass() -> None:
    weak = Settings(tolerance=0.5, fixed={"γ": 1, "∂l/∂y": 1})
    report = verify(load("layer_norm"), weak)
    assert report.ok
    assert any(stage.survivors for stage in report.stages)
    assert not any(stage.survivors for stage in verify(load("layer_norm")).stages)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fixed": {"gam": 1}}, "there is nothing called gam"),
        ({"fixed": {"σ": 1}}, "σ follows from other data"),
        ({"fixed": {"∂l/∂x": 1}}, "there is nothing called ∂l/∂x"),
        ({"fixed": {"x": float("nan")}}, "x cannot be nan"),
        ({"sizes": {"k": 3}}, "no index or size is called k"),
        ({"sizes": {"h": 0}}, "h cannot have 0 values"),
        ({"seeds": 0}, "0 samples check nothing"),
        ({"tolerance": 0.0}, "0.0 is no tolerance"),
    ],
)
def test_settings_that_say_nothing(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DeriveError, match=message):
        verify(load("layer_norm"), Settings(**settings))


def test_a_size_holds_the_constants_that_stand_in_slots() -> None:
    with pytest.raises(DeriveError, match="an index is 3"):
        verify(gradient("y = x_3^2", "x"), Settings(sizes={"x.0": 2}))
    assert verify(gradient("y = x_3^2", "x"), Settings(sizes={"x.0": 4})).ok


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--set", "gamma=1", "--set", "dl/dy=1", "--seeds", "2", "--sample-size", "h=4"]
    assert main(["verify", "layer_norm", *options, "--tolerance", "0.5", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)["stages"][0]["lines"][0]["evidence"]
    assert line["seeds"] == 2
    assert [sizes["H"] for sizes in line["sizes"]] == [4, 4]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["verify", "layer_norm", "--set", "gama=1"], "there is nothing called gama"),
        (["verify", "layer_norm", "--set", "x"], "`x` sets nothing"),
        (["verify", "layer_norm", "--set", "x=1", "--set", "x=2"], "x is set twice"),
        (["verify", "layer_norm", "--seeds", "many"], "`many` is no whole number"),
        (["verify", "layer_norm", "--tolerance", "close"], "`close` is no number"),
        (["show", "layer_norm", "--tolerance", "1e-9"], "--tolerance is about a verification"),
    ],
)
def test_options_that_say_nothing(
    command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err


def test_strict_fails_where_a_line_is_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    equation = ["grad", "y_i = log(-x_i^2)", "--wrt", "x", "--verify"]
    assert main(equation) == 0
    assert main([*equation, "--strict"]) == 1
    out = capsys.readouterr().out
    assert "unknown: no data were found" in " ".join(out.split())
    assert "0 exact, 0 sampled, 2 unknown, 0 wrong" in " ".join(out.split())
    assert main(["verify", "log_softmax", "--strict"]) == 0


def test_the_report_says_how_the_check_was_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "layer_norm", "--set", "γ=2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    check = found["check"]
    assert check["ok"]
    assert check["decided"]
    assert check["seeds"] == [0, 1, 2]
    assert len(check["sizes"]) == 3
    assert check["method"] == "complex step"
    assert check["domain"]["ε"] == "positive"
    assert check["fixed"] == {"γ": 2}
    assert check["error"] < check["tolerance"] == 1e-12
    assert sum(check["grades"].values()) >= sum(len(s["lines"]) for s in found["stages"])
    assert found["stages"][0]["lines"][0]["evidence"]["tolerance"] == 1e-12


@pytest.mark.parametrize("options", [["--format", "latex"], ["--format", "latex", "--standalone"]])
def test_latex_has_the_grades_as_comments(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "log_softmax", *options]) == 0
    verified = capsys.readouterr().out.splitlines()
    assert main(["show", "log_softmax", *options]) == 0
    plain = capsys.readouterr().out.splitlines()
    kept = [line for line in verified if not line.startswith("%")]
    assert [line for line in kept if line] == [line for line in plain if line and line[0] != "%"]
    assert any(line.startswith("% exact") for line in verified)
    assert any("seeds 0, 1, 2" in line for line in verified)


def test_a_warning_about_several_stages_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "linear_layer", "--set", "∂l/∂y=0", "--detail", "brief"]) == 0
    out = capsys.readouterr().out
    assert out.count("zero on every") == 1
    assert "Stages " in out


def test_a_gradient_that_vanishes_is_said_to_show_little(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["verify", "softmax_stable"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the derivative is zero on every sample" in out
