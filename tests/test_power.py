"""The power of a check: all mutants of every result, and what they are said to be."""

from __future__ import annotations

import json

import pytest

from derive import derivation, load
from derive.cli import main
from derive.verify import Settings, power
from derive.verify.evaluate import free_axes
from derive.verify.mutants import each_mutant


def words_for(equations: str, goal: str, **sizes: str) -> set[str]:
    found = derivation(equations, goal, sizes=sizes)
    stage = found.stages[-1]
    every = each_mutant(stage.result, free_axes(stage.goal), found.graph)
    return {mutant.words(found.graph, (stage.goal,)) for mutant in every}


def test_mistakes_are_said_with_the_letters_of_the_line() -> None:
    softmax = words_for("s_i = exp(x_i)/(1_j exp(x_j))", "∂s_i/∂x_n")
    assert softmax >= {
        "the sign flipped",
        "i and n exchanged",
        "a sum over n too many",
        "the term −s_i s_n dropped",
        "the term s_i s_n subtracted twice",
        "the delta δ_in dropped, in the term s_i δ_in",
        "x_i in place of s_i, in the term s_i δ_in",
    }
    weighted = words_for("m = (1/H) 1_h w_h x_h^2", "∂m/∂x_n", h="H")
    assert weighted >= {
        "all of it halved",
        "the factor 1/H dropped",
        "the factor 1/H taken twice",
        "x_n squared",
    }
    moved = words_for("y_bh = x_bh g_h; c_b = 1_h y_bh^2", "∂l/∂g_q")
    assert moved >= {
        "the mean over b in place of the sum",
        "the maximum over b in place of the sum",
        "∂l/∂c_b averaged by itself, outside the sum over b",
    }


def test_no_kind_is_hidden_among_the_first() -> None:
    found = load("layer_norm")
    stage = found.stages[-1]
    every = list(each_mutant(stage.result, free_axes(stage.goal), found.graph))
    kinds = {mutant.mistake for mutant in every}
    assert {mutant.mistake for mutant in every[: 2 * len(kinds)]} == kinds
    assert len({mutant.expr for mutant in every}) == len(every)


@pytest.mark.parametrize("name", ["cross_entropy", "attention_causal", "softshrink", "p_norm"])
def test_every_mistake_in_the_catalogue_is_rejected(name: str) -> None:
    report = power(load(name))
    total = report.total
    assert report.ok
    assert total.rejected + total.equal == total.generated > 0
    assert not total.undecided


def test_a_tolerance_that_hides_mistakes_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "cross-entropy", "--power"]) == 0
    assert "All" in capsys.readouterr().out
    assert main(["verify", "cross-entropy", "--power", "--tolerance", "0.7"]) == 1
    assert "∂l/∂x_n passes with" in capsys.readouterr().out
    assert main(["verify", "cross-entropy", "--power", "--json", "--tolerance", "0.7"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["tolerance"] == 0.7
    assert any(stage["survivors"] for stage in data["stages"])
    assert main(["verify", "cross-entropy", "--power", "--format", "markdown"]) == 0
    assert capsys.readouterr().out.count("| --- | ---: |") == 1
    assert main(["verify", "cross-entropy", "--power", "--format", "latex"]) == 2


def test_a_bound_on_the_mutants_is_said() -> None:
    report = power(load("layer_norm"), most=10)
    assert report.stages[-1].cut
    assert report.stages[-1].generated == 10


def test_a_result_that_does_not_hold_on_the_data_is_no_measure() -> None:
    weak = Settings(tolerance=1e-30)
    report = power(load("layer_norm"), weak)
    assert not report.ok
    assert "differs" in report.stages[-1].reason
