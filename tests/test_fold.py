"""Folding parts of sums: what is written in the author's names has the same value."""

import numpy as np
import pytest

import derive
from derive.calculus.context import Context
from derive.calculus.facts import known_fact
from derive.calculus.fold import fold
from derive.expressions import Partial, ranging, tensor
from derive.notation import read_expression, read_graph
from derive.notation.write import write_text
from derive.verify.oracle import Oracle
from derive.verify.sample import domains, draw

SOFTMAX = "s_bi = exp(x_bi)/(1_j exp(x_bj))"


def rewritten(rule, equations, text, free, sizes=None):
    """What the rule makes of a text, or None; its value on samples is that of the text."""
    graph = read_graph(equations, sizes=sizes)
    before = read_expression(text, graph, free)
    after = rule(before, Context(graph, Partial(tensor("l"), tensor("x"))))
    if after is None:
        return None
    axes = sorted(ranging(before), key=str)
    assert set(axes) >= ranging(after)
    for seed in range(3):
        oracle = Oracle(graph, draw(graph, next(domains(graph)), seed, (before, after)))
        np.testing.assert_allclose(oracle(before, axes), oracle(after, axes), rtol=1e-10)
    return write_text(after, graph)


@pytest.mark.parametrize(
    ("equations", "text", "free", "expected"),
    [
        ("O_qd = a_qk V_kd; c = g_qd O_qd", "g_qd a_qk V_kd", "", "O_qd g_qd"),
        ("O_qd = a_qk V_kd; c = g_qd O_qd", "g_qd a_qk V_kd", "q", "O_qd g_qd"),
        ("O_qd = a_qk V_kd; c_q = a_qk p_k", "a_qk V_kd a_qm p_m 1_d", "q", "1_d O_qd a_qk p_k"),
        # Two tensors that are the same one: the product of two entries is a square.
        ("G_ij = x_ik x_jk; c = G_ij u_i u_j", "x_ik x_ik u_i", "", "G_ii u_i"),
        ("G_ij = x_ik x_jk; c = G_ij u_i u_j", "x_Tk x_jk u_j", "", "G_Tj u_j"),
        ("t_i = x_i y_ik y_ik w_k; c = u_i t_i", "x_i^2 y_ik^2 w_k", "", "t_i x_i"),
        ("r_b = x_bi y_bij z_bj; c = r_b u_b", "u_b x_bi y_bij z_bj", "", "r_b u_b"),
        (
            "y_ij = x_ik a_kj + 1_i b_j; c = u_ij y_ij",
            "u_ij x_ik a_kj",
            "",
            "u_ij (y_ij − 1_i b_j)",
        ),
        ("m_b = 2 (1_h x_bh); c = m_b u_b", "u_b x_bh 1_h", "", "(1/2) m_b u_b"),
        # The index that the definition sums over stands in another factor as well.
        ("O_qd = a_qk V_kd; c = g_qd O_qd", "V_kd a_qk V_kd 1_d", "q", None),
        ("O_qd = a_qk V_kd; c = g_qd O_qd u_k u_k", "u_k a_qk V_kd 1_q", "d", None),
        ("t_i = x_ij y_j; c = u_i t_i", "u_j x_ij y_i", "", None),
        # Axes of other lengths.
        ("t_i = x_ij y_j; c = u_i t_i; p = w_k q_k", "u_k x_kj w_j 1_k", "", None),
    ],
)
def test_a_definition_folds_inside_a_larger_sum(equations, text, free, expected):
    assert _spaced(rewritten(fold, equations, text, free)) == _spaced(expected)


def _spaced(text):
    """The factors of a formula in some order: which one is the writer's business."""
    return None if text is None else sorted(text.split())


def test_a_mean_folds_with_its_factor():
    found = rewritten(fold, "m_b = (1/H) 1_h x_bh; c = m_b u_b", "u_b x_bh 1_h", "", {"h": "H"})
    assert _spaced(found) == _spaced("H m_b u_b")


@pytest.mark.parametrize(
    ("text", "free", "expected"),
    [
        ("g_b s_bi 1_i", "", "1_b g_b"),
        ("g_b s_bi h_bk 1_ik", "b", "1_b 1_k g_b h_bk"),
        ("g_b s_bi w_i", "", None),
        ("g_i s_bi 1_b", "", None),
    ],
)
def test_a_fact_is_used_inside_a_larger_sum(text, free, expected):
    found = rewritten(known_fact, f"{SOFTMAX}; c = g_b s_bT w_i h_bk 1_ik", text, free)
    assert _spaced(found) == _spaced(expected)


def test_attention_ends_in_the_form_of_the_kernels():
    found = derive.load("attention")
    results = {
        write_text(stage.goal, found.graph): write_text(stage.result, found.graph, (stage.goal,))
        for stage in found.stages
    }
    assert results["∂l/∂z_qk"] == "a_qk (∂l/∂O_qd V_kd − 1_k ∂l/∂O_qd O_qd)"
    assert results["∂l/∂V_kd"] == "∂l/∂O_qd a_qk"


def test_attention_with_a_mask_of_minus_infinity_and_heads_has_the_same_form():
    mask = "w_bhqk = (1/sqrt(D)) Q_bhqd K_bhkd + 1_bh log[k <= q]"
    found = derive.derivation(
        f"{mask}; a_bhqk = exp(w_bhqk)/(1_m exp(w_bhqm)); O_bhqd = a_bhqk V_bhkd",
        ["∂l/∂Q_bhqd", "∂l/∂w_bhqk"],
        sizes={"d": "D"},
    )
    (result,) = [
        write_text(stage.result, found.graph, (stage.goal,))
        for stage in found.stages
        if stage.goal == found.goals[1]
    ]
    assert result == "a_bhqk (∂l/∂O_bhqd V_bhkd − 1_k ∂l/∂O_bhqd O_bhqd)"
