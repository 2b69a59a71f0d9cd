"""The engine on formulas nobody planned for: whatever it derives, the oracle confirms."""

from itertools import pairwise

import pytest
from amount import some_of
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sympy import Indexed

import derive
from derive.errors import GoalError, NotationError
from derive.notation.write import write_text
from derive.verify import Settings, verify

VECTORS = ("x", "y")
FUNCTIONS = ("exp", "sin", "tanh", "cos")
KINDS = ("leaf", "function", "power", "quotient", "product", "sum", "scale", "contract")


@st.composite
def bodies(draw, names, index, depth=2):
    """An expression in which `index` is free, made of the vectors `names`."""
    leaf = st.sampled_from([f"{name}_{index}" for name in names])
    if depth == 0:
        return draw(leaf)
    inner = bodies(names, index, depth - 1)
    dummy = "jkm"[depth]
    summed = bodies(names, dummy, depth - 1)
    kind = draw(st.sampled_from(KINDS))
    if kind == "function":
        return f"{draw(st.sampled_from(FUNCTIONS))}({draw(inner)})"
    if kind == "power":
        return f"({draw(inner)})^{draw(st.integers(2, 3))}"
    if kind == "quotient":
        return f"(({draw(inner)})/(2 + ({draw(inner)})^2))"
    if kind == "product":
        return f"({draw(inner)}) ({draw(inner)})"
    if kind == "sum":
        return f"({draw(inner)} - {draw(inner)})"
    if kind == "scale":
        return f"({draw(inner)}) (1_{dummy} ({draw(summed)}))"
    if kind == "contract":
        return f"(w_{index}{dummy} ({draw(summed)}))"
    return draw(leaf)


@st.composite
def graphs(draw):
    first = draw(bodies(VECTORS, "i"))
    second = draw(bodies((*VECTORS, "u"), "i"))
    last = draw(bodies(("u", "v", "x"), "i", 1))
    kind = draw(st.sampled_from(["=", ":="]))
    return f"u_i = {first}; v_i {kind} {second} + u_i; c = 1_i ({last})"


def check(equations, goals):
    derivation = derive.derivation(equations, goals)
    report = verify(derivation, mutation=False)
    assert report.ok, (equations, goals, report.failures)
    assert not report.undecided, (equations, goals)


@settings(max_examples=some_of(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_what_the_engine_derives_the_oracle_confirms(equations):
    try:
        check(equations, ["∂c/∂x_n", "∂l/∂x_n"])
    except (GoalError, NotationError):
        # The formula cancels to zero as it is read, or does not contain x at all.
        reject()


@pytest.mark.parametrize(
    ("equations", "goals"),
    [
        ("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)", ["∂s_i/∂x_j", "∂c/∂x_i", "∂l/∂x_j"]),
        ("c = (1_i x_i)^2", ["∂c/∂x_i", "∂c/∂x_n"]),
        ("c = (1_i x_i) (1_j x_j^2)", ["∂c/∂x_j"]),
        ("u_i = tanh(x_i); y_i = x_i + u_i", ["∂y_i/∂x_n", "∂l/∂x_n"]),
        ("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T) + a x_i x_i", ["∂c/∂x_n", "∂c/∂a"]),
        ("t = x_ii", ["∂t/∂x_pq", "∂l/∂x_pq"]),
        ("y_i = x_i z_i w_i; c = y_i y_i y_i", ["∂c/∂x_n", "∂c/∂w_n"]),
        ("c = x_i a_ij x_j", ["∂c/∂x_n", "∂c/∂a_pq"]),
        ("y_ij = x_ik a_kj; z_ij = tanh(y_ij) + 1_i b_j", ["∂l/∂x_pq", "∂l/∂a_pq", "∂l/∂b_q"]),
        ("a = x_i x_i; b = exp(a); c = a b", ["∂c/∂x_n", "∂l/∂x_n"]),
        ("u = 1_i x_i; v_i = x_i u; p_i = v_i/u; q = p_i x_i", ["∂q/∂x_n", "∂l/∂x_n"]),
        ("y_i = x_i; z_i = y_i", ["∂z_i/∂x_n", "∂l/∂x_n"]),
        ("y_i = 1_i a", ["∂y_i/∂a", "∂l/∂a"]),
        ("p = x_0 x_1", ["∂p/∂x_n"]),
        ("y_i = (x_i - 1_i m)/s; m := 1_j x_j w_j; s := sqrt(x_j x_j)", ["∂y_i/∂x_n"]),
        ("y_i = x_i^a; c = 2^(y_i) 1_i", ["∂c/∂x_n", "∂c/∂a"]),
        ("y = sin(x) exp(sin(x)); z = sin(x)", ["∂y/∂x", "∂l/∂x"]),
        ("y = x_j x_j exp(x_k x_k)", ["∂y/∂x_n"]),
        ("u_i = w_ij x_j; d = u_i u_i (w_jj x_j)^2", ["∂d/∂x_n"]),
        ("m_i = 1_j exp(w_ij); d = 1_i m_i log(1_j exp(w_jj))", ["∂d/∂w_np"]),
        ("z_i = (w_iT + w_ii)/w_i0", ["∂z_i/∂w_nr"]),
        ("c = (1_j x_j y_j)/(1_k x_k)", ["∂c/∂x_j"]),
        ("e_bd = w_{t_b,d}; c = 1_bd e_bd^2", ["∂l/∂w_vd", "∂c/∂w_vd"]),
    ],
)
def test_traps(equations, goals):
    check(equations, goals)


@pytest.mark.parametrize(
    ("equations", "wrt", "result"),
    [
        # Folding may not divide by what can vanish: y/x has no value at x = 0.
        ("y_i = x_i exp(-x_i)", "x", "exp(−x_i) (1 − x_i) δ_in"),
        ("y = a x_i x_i", "a", "x_i x_i"),
        ("r = sqrt(x_i x_i)", "x", "x_n/r"),
        ("y_i = tanh(x_i)", "x", "(1 − y_i²) δ_in"),
        ("y_i = 1/(1 + exp(-x_i))", "x", "y_i (1 − y_i) δ_in"),
        ("s_i = exp(x_i)/(1_j exp(x_j))", "x", "s_i δ_in − s_i s_n"),
        ("y_i = w_ik x_k + b_i", "b", "δ_in"),
        ("c = x_i A_ij y_j", "y", "x_i A_in"),
    ],
)
def test_results_are_as_short_as_a_person_writes_them(equations, wrt, result):
    derivation = derive.gradient(equations, wrt)
    stage = derivation.stages[-1]
    assert write_text(stage.result, derivation.graph, (stage.goal,)) == result


def results(name):
    derivation = derive.load(name)
    return {
        write_text(stage.goal, derivation.graph): write_text(
            stage.result, derivation.graph, (stage.goal,)
        )
        for stage in derivation.stages
    }


def test_layer_norm_goes_adjoint_by_adjoint_from_the_output_back():
    found = results("layer_norm")
    adjoints = [goal for goal in found if goal.startswith("∂l")]
    assert adjoints == [
        *("∂l/∂γ_q", "∂l/∂β_q", "∂l/∂σ_b", "∂l/∂v_b", "∂l/∂μ_bh", "∂l/∂m_b", "∂l/∂x_pq")
    ]
    local = [goal for goal in found if goal.startswith("∂") and goal not in adjoints]
    assert [goal.translate({ord("|"): None})[:2] + goal.split("/")[1][:2] for goal in local] == [
        *("∂y∂γ", "∂y∂β", "∂y∂σ", "∂σ∂v", "∂v∂μ", "∂y∂μ", "∂μ∂m", "∂m∂x", "∂μ∂x")
    ]
    assert found["∂l/∂γ_q"] == "∂l/∂y_bq μ_bq/σ_b"
    assert found["∂l/∂β_q"] == "1_b ∂l/∂y_bq"


def test_layer_norm_proves_that_deviations_from_the_mean_sum_to_zero():
    found = results("layer_norm")
    assert found["1_h μ_bh"] == "0"
    assert found["∂l/∂m_b"] == "−(1/σ_b) ∂l/∂y_bh γ_h"
    (rules,) = [
        line.rules
        for stage in derive.load("layer_norm").stages
        for line in stage.lines
        if "known fact" in line.rules
    ]
    assert rules[-1] == "known fact"


def test_layer_norm_in_terms_of_the_normalised_input_has_no_deviations_left():
    last = derive.load("layer_norm_normalised").stages[-1]
    names = {str(node.base) for node in last.result.atoms(Indexed)}
    assert "x̂" in names
    assert "μ" not in names


def test_a_softmax_sums_to_one():
    found = derive.derivation("s_i = exp(x_i)/(1_j exp(x_j)); z = 1_i s_i w", ["∂z/∂w"])
    assert verify(found).ok


@pytest.mark.parametrize("depth", [2, 12])
def test_a_deep_graph_has_as_many_stages_and_terms_as_it_is_deep(depth):
    equations, last = [], "x"
    for layer in range(1, depth + 1):
        equations += [f"a{layer}_i = w{layer}_ij {last}_j", f"h{layer}_i = tanh(a{layer}_i)"]
        last = f"h{layer}"
    found = derive.derivation([*equations, f"c = {last}_i {last}_i"], ["∂l/∂x_n"])
    assert len(found.stages) <= 4 * depth + 2
    assert max(stage.result.count_ops() for stage in found.stages) < 60
    assert max(len(stage.lines) for stage in found.stages) <= 5


def test_the_same_question_has_the_same_steps():
    equations = "s_k = exp(x_k)/(1_m exp(x_m)); c = -log(s_T)"
    derive.gradient("y_i = exp(x_i)/(1_j exp(x_j)); c = -log(y_T)", "x")
    first, second = (derive.gradient(equations, "x") for _ in range(2))
    assert first.stages == second.stages


@pytest.mark.parametrize("detail", ["brief", "article", "full"])
def test_details_are_one_log(detail):
    derivation = derive.load("cross-entropy")
    for stage in derivation.stages:
        lines = stage.at(detail)
        assert lines[-1].expr == stage.result
        assert sum((line.steps for line in lines), ()) == stage.steps


def layers(number, goal):
    """A chain of tanh layers that ends in the cross-entropy, built by a program."""
    names = ["x", *(f"h{layer}" for layer in range(1, number + 1))]
    equations = [f"{h}_i = tanh(W{h[1:]}_ij {x}_j)" for x, h in pairwise(names)]
    equations += [f"s_i = exp({names[-1]}_i)/(1_j exp({names[-1]}_j))", "c = -log(s_T)"]
    return derive.derivation(equations, goal)


@pytest.mark.parametrize("goal", ["∂l/∂x_n", "∂c/∂x_n", "∂l/∂W1_pq"])
def test_twelve_layers_are_verified_line_by_line(goal):
    report = verify(layers(12, goal), Settings(seeds=1))
    assert report.ok
    assert not report.undecided
    assert all(stage.rejected == stage.mutants for stage in report.stages)


def test_a_deep_graph_has_no_long_lines():
    lengths = [
        max(
            line.expr.count_ops()
            for stage in layers(number, "∂c/∂x_n").stages
            for line in stage.lines
        )
        for number in (12, 16)
    ]
    assert lengths[0] == lengths[1]


def test_a_sum_is_not_captured_by_the_one_it_is_put_into():
    """The result for u_i holds a sum, and is put into a sum over i."""
    check("u_i = x_i; v_i = exp(w_ik x_k) + u_i; c = 1_i (w_ik u_k)", ["∂l/∂x_n"])
