"""Bugs that real projects have shipped, rebuilt as formulas.

Each passed a test that was too weak. Here the check rejects it, the power of a check with the weak
data or tolerance shows that it would pass there, and the diagnosis says in words what was done.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from derive import Derivation, derivation, load
from derive.notation import read_expression, read_goal
from derive.verify import Claim, Settings, best_trial, grading, power
from derive.verify.diagnosis import diagnose
from derive.verify.evaluate import free_axes
from derive.verify.exact import Verdict
from derive.verify.grading import graded_lines


@dataclass(frozen=True)
class Bug:
    """A wrong formula for a goal, the test that let it pass, and the mistake in words."""

    derivation: Derivation
    goal: str
    formula: str
    weak: Settings
    words: str

    def grade(self, settings: Settings) -> str:
        """The grade of the formula as a line, compared with the definitions."""
        graph = self.derivation.graph
        goal = read_goal(self.goal, graph)
        expr = read_expression(self.formula, graph, free_axes(goal))
        claim = Claim(goal, (expr,), free_axes(goal))
        trial = best_trial(graph, [claim], settings)
        return graded_lines(trial, claim)[0].grade


REGRESSION = derivation(
    "z_bi = W_ij x_bj; c_b = z_bi t_bi", ["∂l/∂W_pq"], sizes={"b": "B"}, title="Linear scores"
)

BUGS = {
    "layer norm: mean subtracted twice, compared with a tolerance of 0.5": Bug(
        load("layer_norm"),
        "∂l/∂x_pq",
        "(1/σ_p) (∂l/∂y_pq γ_q − (1/(H σ_p²)) ∂l/∂y_ph μ_ph μ_pq γ_h − (2/H) 1_q ∂l/∂y_ph γ_h)",
        Settings(tolerance=0.5, sizes={"h": 64}),
        "the mean (1/H) 1_q ∂l/∂y_ph γ_h subtracted twice",
    ),
    "weight of a sample outside the sum, compared with an upstream gradient of ones": Bug(
        REGRESSION,
        "∂l/∂W_pq",
        "((1/B) 1_i ∂l/∂c_i) t_bp x_bq",
        Settings(fixed={"∂l/∂c": 1.0}),
        "∂l/∂c_b averaged by itself, outside the sum over b",
    ),
    "log-softmax without its delta, compared where there is one class": Bug(
        load("log_softmax"),
        "∂p_i/∂x_n",
        "1_i 1_n − 1_i exp(p_n)",
        Settings(sizes={"i": 1}),
        "the delta δ_in dropped",
    ),
    "batch norm: mean term lost, compared with a tolerance of 0.5": Bug(
        load("batch_norm"),
        "∂l/∂x_pqr",
        "(γ_q/σ_q) (∂l/∂y_pqr − (1/(B H σ_q²)) ∂l/∂y_iqj μ_iqj μ_pqr)",
        Settings(tolerance=0.5, sizes={"b": 8, "h": 16}),
        "the term −(1/(B H)) 1_b 1_h 1_p 1_r ∂l/∂μ_bqh dropped",
    ),
    "layer norm: a term lost, compared with γ = 1 and an upstream gradient of ones": Bug(
        load("layer_norm"),
        "∂l/∂x_pq",
        "(1/σ_p) (∂l/∂y_pq γ_q − (1/H) 1_q ∂l/∂y_ph γ_h)",
        Settings(fixed={"γ": 1.0, "∂l/∂y": 1.0}),
        "the term −(1/(H σ_p²)) ∂l/∂y_ph μ_ph μ_pq γ_h dropped",
    ),
}
EVERY = pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)


@EVERY
def test_the_check_rejects_it(bug: Bug) -> None:
    assert bug.grade(Settings()) == "wrong"


@EVERY
def test_the_weak_test_did_not(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test has no proofs, which tell the formulas apart whatever the data are."""
    monkeypatch.setattr(grading, "decide", lambda *_: Verdict(None))
    assert bug.grade(bug.weak) == "sampled"


@EVERY
def test_power_shows_that_the_weak_test_would_not(bug: Bug) -> None:
    graph = bug.derivation.graph
    goal = read_goal(bug.goal, graph)
    weak, generic = (power(bug.derivation, settings) for settings in (bug.weak, Settings()))
    (stage,) = (stage for stage in weak.stages if stage.goal == goal)
    assert not weak.ok
    assert bug.words in [mutant.words(graph, (goal,)) for mutant in stage.survivors]
    assert generic.ok
    assert not any(stage.survivors or stage.undecided for stage in generic.stages)


@EVERY
def test_the_diagnosis_names_it(bug: Bug) -> None:
    found = diagnose(bug.derivation, f"{bug.goal} = {bug.formula}")
    assert found.grade == "wrong"
    first = found.explanations[0]
    assert first.words == f"the correct gradient with {bug.words}"
    assert first.mistakes == 1
    assert first.proven


def test_a_gradient_that_vanishes_on_the_data_is_said() -> None:
    weak = Settings(fixed={"γ": 1.0, "∂l/∂y": 1.0})
    assert "zero on every sample" in power(load("layer_norm"), weak).stages[-1].warnings[0]
