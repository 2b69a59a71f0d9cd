"""Diagonals, constant indices, gathers, broadcasts, indices three times: derived and checked."""

import numpy as np
import pytest

import derive
from derive.notation.write import write_text
from derive.verify import verify
from derive.verify.evaluate import Compiled, Values

CASES = [
    # A diagonal, also of three axes, and beside other slots.
    ("y_i = x_ii", {"∂y_i/∂x_pq": "δ_ip δ_iq", "∂l/∂x_pq": "∂l/∂y_p δ_pq"}),
    ("d_bi = x_bii^2; c = d_bi w_bi", {"∂l/∂x_bpq": "2 ∂l/∂c x_bpp w_bp δ_pq"}),
    ("y = x_iii w_i", {"∂l/∂x_pqr": "∂l/∂y w_p δ_pq δ_pr"}),
    (
        "c = x_ii y_ij x_ji",
        {"∂c/∂x_pq": "x_jp y_pj δ_pq + x_qq y_qp", "∂c/∂y_pq": "x_pp x_qp"},
    ),
    # Constant indices.
    (
        "y_i = x_{i,0} w_1",
        {"∂l/∂x_pq": "∂l/∂y_p w_{1} δ_{0,q}", "∂l/∂w_n": "∂l/∂y_i x_{i,0} δ_{1,n}"},
    ),
    ("y_b = x_{b,0} - x_{b,1}; c = y_b y_b y_b", {"∂c/∂x_pn": "3 y_p² (δ_{0,n} − δ_{1,n})"}),
    # An index three or more times.
    ("c = x_i x_i x_i y_i", {"∂c/∂x_n": "3 x_n² y_n", "∂c/∂y_n": "x_n³"}),
    ("c = x_i y_i z_i w_i", {"∂c/∂z_n": "x_n y_n w_n"}),
    ("y_i = x_i z_i u_ij v_ij w_ij", {"∂l/∂v_nm": "∂l/∂y_n x_n z_n u_nm w_nm"}),
    # Broadcasts over any axes.
    (
        "y_bhqk = x_bhqk + 1_hqk u_b + 1_bqk v_h + 1_b w_hqk",
        {
            "∂l/∂u_b": "1_h 1_k 1_q ∂l/∂y_bhqk",
            "∂l/∂v_n": "1_b 1_k 1_q ∂l/∂y_bnqk",
            "∂l/∂w_npq": "1_b ∂l/∂y_bnpq",
        },
    ),
    (
        "y_bc = x_bc γ_c + 1_b β_c; z_bc = y_bc g_b",
        {"∂l/∂β_n": "∂l/∂z_bn g_b", "∂l/∂g_p": "∂l/∂z_pc y_pc"},
    ),
    # Gathers: labels of any order, several at once, labels of labels.
    (
        "y_bsd = E_{t_bs,d} + 1_b P_sd",
        {"∂l/∂E_vd": "∂l/∂y_bsd δ_{t_bs,v}", "∂l/∂P_nd": "1_b ∂l/∂y_bnd"},
    ),
    ("y_b = x_{a_b,c_b}", {"∂l/∂x_ij": "∂l/∂y_b δ_{a_b,i} δ_{c_b,j}"}),
    (
        "y_b = x_{a_b,c_b} x_{c_b,a_b}",
        {
            "∂l/∂x_ij": "∂l/∂y_b x_{a_b,c_b} δ_{a_b,j} δ_{c_b,i}"
            " + ∂l/∂y_b x_{c_b,a_b} δ_{a_b,i} δ_{c_b,j}"
        },
    ),
    (
        "y_bi = x_{b,a_bi} w_{a_bi}",
        {
            "∂l/∂x_pn": "∂l/∂y_pi w_{a_pi} δ_{a_pi,n}",
            "∂l/∂w_n": "∂l/∂y_bi x_{b,a_bi} δ_{a_bi,n}",
        },
    ),
    ("y_b = x_{t_{s_b}}", {"∂l/∂x_n": "∂l/∂y_b δ_{t_{s_b},n}"}),
    (
        "W := 1_b w_{T_b}; c = -(1/W) w_{T_b} p_{b,T_b}",
        {"∂c/∂w_n": "−(1/W) (p_{b,T_b} δ_{T_b,n} + 1_b δ_{T_b,n} c)"},
    ),
    # A look-up, a linear layer and a cross-entropy, whose classes are gathered as well.
    (
        "e_bd = E_{t_b,d}; z_bk = e_bd W_kd; p_bk = exp(z_bk)/(1_m exp(z_bm));"
        "c = -1_b log(p_{b,u_b})",
        {
            "∂c/∂E_vd": "(W_kd p_bk − W_{u_b,d}) δ_{t_b,v}",
            "∂c/∂W_kd": "e_bd p_bk − e_bd δ_{k,u_b}",
        },
    ),
]


@pytest.mark.parametrize(("equations", "expected"), CASES)
def test_the_result_is_short_and_the_oracle_confirms_it(equations, expected):
    found = derive.derivation(equations, list(expected))
    results = {
        write_text(stage.goal, found.graph): write_text(stage.result, found.graph, (stage.goal,))
        for stage in found.stages
    }
    assert {goal: results[goal] for goal in expected} == expected
    report = verify(found)
    assert report.ok
    assert not report.undecided
    assert all(not stage.survivors for stage in report.stages)


def test_the_gradient_of_a_look_up_is_a_scatter():
    found = derive.derivation("y_bsd = E_{t_bs,d}", ["∂l/∂E_vd"])
    graph, goal = found.graph, found.goals[0]
    rng = np.random.default_rng(0)
    labels, upstream = rng.integers(0, 5, (4, 3)), rng.normal(size=(4, 3, 2))
    lengths = {("E", 0): 5, ("E", 1): 2, ("t", 0): 4, ("t", 1): 3}
    sizes = {graph.axis_size(*axis): length for axis, length in lengths.items()}
    values = Values({"E": rng.normal(size=(5, 2)), "t": labels}, {}, sizes)
    result = Compiled(found.result, goal.variable.indices)(values, lambda _: upstream)
    expected = np.zeros((5, 2))
    np.add.at(expected, labels, upstream)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
