"""Diagnosis: right formulas and functions are found right, wrong ones are told by their mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from derive import Derivation, derivation, load
from derive.cli import main
from derive.errors import DeriveError
from derive.verify import Settings
from derive.verify.diagnosis import diagnose, diagnose_function

CROSS_ENTROPY = load("cross_entropy")
LAYER_NORM = load("layer_norm")
LINEAR = load("linear_layer")
Array = np.ndarray


@pytest.mark.parametrize(
    ("source", "formula"),
    [
        (CROSS_ENTROPY, "∂l/∂c (s_n - δ_nT)"),
        (CROSS_ENTROPY, "∂s_i/∂x_n = s_n (δ_in - s_i)"),
        (CROSS_ENTROPY, "∂s_j/∂x_m = δ_jm s_m - s_j s_m"),
        (LINEAR, "∂l/∂x_pq = ∂l/∂y_pj a_jq"),
    ],
)
def test_a_right_formula(source: Derivation, formula: str) -> None:
    found = diagnose(source, formula)
    assert found.ok
    assert found.grade == "exact"
    assert not found.explanations


@pytest.mark.parametrize(
    ("source", "formula", "words"),
    [
        (CROSS_ENTROPY, "∂l/∂c (s_n + δ_Tn)", "the sign of the term −δ_Tn flipped"),
        (CROSS_ENTROPY, "-∂l/∂c (s_n - δ_Tn)", "the sign flipped"),
        (CROSS_ENTROPY, "∂l/∂c s_n", "the term −δ_Tn dropped"),
        (CROSS_ENTROPY, "∂l/∂c (x_n - δ_Tn)", "x_n in place of s_n"),
        (LINEAR, "∂l/∂x_pq = ∂l/∂y_pj a_qj", "indices j and q of a_jq swapped"),
        (LINEAR, "∂l/∂b_q = ∂l/∂y_pq x_pq", ""),
        (
            LAYER_NORM,
            "(1/σ_p) (∂l/∂y_pq γ_q − (1/(H σ_p²)) ∂l/∂y_ph μ_ph μ_pq γ_q − (1/H) ∂l/∂y_ph 1_h γ_q)",
            "γ_q outside the sum over h, in the terms −(1/H) 1_q ∂l/∂y_ph γ_h and "
            "−(1/(H σ_p²)) ∂l/∂y_ph μ_ph μ_pq γ_h",
        ),
        (
            LAYER_NORM,
            "∂l/∂γ_q = ∂l/∂y_bq x_bq",
            "the factor 1/σ_b dropped and with x_bq in place of μ_bq",
        ),
    ],
)
def test_a_wrong_formula_is_told_by_its_mistake(
    source: Derivation, formula: str, words: str
) -> None:
    found = diagnose(source, formula)
    assert found.grade == "wrong"
    if words:
        assert found.explanations[0].words.removeprefix("the correct gradient with ") == words
        assert found.explanations[0].proven


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("2 ∂l/∂c (s_n - δ_Tn)", "2 times the correct gradient"),
        ("s_n - δ_Tn", "the correct gradient divided by ∂l/∂c"),
        ("x_n ∂l/∂c (s_n - δ_Tn)", "the correct gradient times x_n"),
    ],
)
def test_a_multiple_is_told(formula: str, words: str) -> None:
    assert diagnose(CROSS_ENTROPY, formula).explanations[0].words == words


def test_a_size_too_many_is_told() -> None:
    found = diagnose(LAYER_NORM, "∂l/∂γ_q = (1/H) ∂l/∂y_bq μ_bq/σ_b")
    assert found.explanations[0].words == "1/H times the correct gradient"


def test_a_transposed_formula_is_told() -> None:
    found = diagnose(LINEAR, "∂l/∂a_pq = x_ip ∂l/∂y_iq")
    assert "axis of another size" in found.reason
    assert found.explanations[0].words == "the correct gradient transposed"


def test_a_formula_is_looked_at_beyond_the_numbers_in_it() -> None:
    source = derivation("y_i = a_ij x_j", "∂l/∂a_pq")
    assert not diagnose(source, "∂l/∂y_p x_q [p < 40]", seconds=1).ok


def test_what_nothing_explains_is_not_explained() -> None:
    found = diagnose(CROSS_ENTROPY, "sin(x_n) + 7", seconds=1.0)
    assert found.grade == "wrong"
    assert not found.explanations


@pytest.mark.parametrize(
    "formula", ["∂l/∂c (s_n - z_n)", "∂l/∂q_n = s_n", "s_n +", "∂l/∂x_n = = s_n"]
)
def test_bad_formulas_are_refused(formula: str) -> None:
    with pytest.raises(DeriveError):
        diagnose(CROSS_ENTROPY, formula)


# Functions


def layer_norm_backward(
    grad_y: Array, x: Array, gamma: Array, eps: float
) -> tuple[Array, Array, Array]:
    m, v = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    s = np.sqrt(v + eps)
    n, g = (x - m) / s, grad_y * gamma
    dx = (g - g.mean(1, keepdims=True) - n * (g * n).mean(1, keepdims=True)) / s
    return (grad_y * n).sum(0), grad_y.sum(0), dx


def test_a_right_function() -> None:
    found = diagnose_function(LAYER_NORM, layer_norm_backward)
    assert [each.grade for each in found] == ["sampled"] * 3


def test_a_function_of_some_goals_by_name() -> None:
    (found,) = diagnose_function(LAYER_NORM, lambda dy, **_: {"dbeta": dy.sum(0)})
    assert found.ok
    assert str(found.goal) == "Partial(l, β[q])"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda dy, x: x.T @ dy, "the correct gradient transposed"),
        (lambda dy, x: dy.T @ x / len(x), ""),
        (lambda dy, x: np.einsum("ij,ik->ijk", dy, x), "with the sum over axis 0 left out"),
        (lambda dy, x: (dy.T @ x)[None], "with axis 0 too many, of length 1"),
        (lambda dy, x: -(dy.T @ x), "with the sign flipped"),
        (lambda grad_output, x: dy_outer(grad_output, x), "x_iq summed by itself"),
    ],
)
def test_a_wrong_function(function: Callable[..., Array], words: str) -> None:
    (found,) = diagnose_function(LINEAR, function, goal="∂l/∂a_pq")
    assert found.grade == "wrong"
    assert words in found.explanations[0].words


def dy_outer(dy: Array, x: Array) -> Array:
    return np.outer(dy.sum(0), x.sum(0))


def test_a_function_may_change_its_arguments() -> None:
    def careless(dy: Array, x: Array) -> Array:
        found = dy.T @ x
        dy[...] = x[...] = np.nan
        return found

    (found,) = diagnose_function(LINEAR, careless, goal="∂l/∂a_pq", settings=Settings())
    assert found.ok


def raises(dy: Array) -> Array:
    raise ValueError("of no use")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda dy, weights: dy, "a parameter weights that means nothing here"),
        (raises, r"raised ValueError: of no use \(.*test_diagnose.py:\d+\)"),
        (lambda dy: (dy, dy), "returns 2 arrays for 3 goals"),
        (lambda dy: {"dz": dy}, "returns dz, which is no goal"),
        (lambda dy: "text", "is no array of numbers"),
        (lambda dy: None, "returns None, which is no array of numbers"),
        (max, "have no names"),
    ],
)
def test_functions_that_cannot_be_used(function: Callable[..., object], message: str) -> None:
    with pytest.raises(DeriveError, match=message):
        diagnose_function(LINEAR, function)


def test_what_is_not_finite_is_wrong() -> None:
    (found,) = diagnose_function(LINEAR, lambda dy: dy.sum(0) * np.nan)
    assert found.grade == "wrong"
    assert "not finite" in found.reason


def test_equations_without_a_file() -> None:
    source = derivation("y = x_i a_ij x_j", "∂y/∂x_n")
    found = diagnose(source, "2 a_nj x_j")
    assert found.grade == "wrong"
    assert found.explanations


# The command


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["diagnose", "cross-entropy", "∂l/∂c (s_n - δ_Tn)"]) == 0
    assert "correct, exact" in capsys.readouterr().out
    assert main(["diagnose", "cross-entropy", "∂l/∂c (s_n + δ_Tn)", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is False
    assert data["goals"][0]["explanations"][0]["proven"]
    file = tmp_path / "own.py"
    file.write_text("def backward(dy, a):\n    return dy @ a\n")
    command = ["diagnose", "linear-layer", f"{file}:backward", "--goal", "∂l/∂x_pq"]
    assert main(command) == 0
    assert "by backward" in capsys.readouterr().out
    assert main(["diagnose", "--of", "y_i = x_i^3", "∂l/∂x_n = 3 x_n ∂l/∂y_n"]) == 1
    assert "the correct gradient divided by x_n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["cross-entropy"],
        ["cross-entropy", "s_n", "s_n"],
        ["cross-entropy", "q_n"],
        ["cross-entropy", "nowhere.at.all:f"],
        ["cross-entropy", "/nowhere.py:f"],
        ["cross-entropy", "math:nothing"],
        ["cross-entropy", "path/to/file.py"],
        ["cross-entropy", "s_n", "--seconds", "soon"],
        ["--of", "y_i = x_i^2", "2 x_n"],
    ],
)
def test_bad_input_gets_one_message(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("derive: ")
    assert not captured.out


def test_what_is_proven_different_is_wrong() -> None:
    """A factor that no tolerance sees."""
    found = diagnose(derivation("y_i = a_ij x_j", "∂l/∂a_pq"), "(1 + 1e-13) ∂l/∂y_p x_q")
    assert found.grade == "wrong"
