"""Values and gradients far out and near zero, beside the author's formulas in many digits.

An author writes a softmax in many ways; none of them may overflow where what it is for does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from far_out import has_reference, mistakes

from derive.codegen.selftest import example
from derive.problems import catalogue
from tests.generated import generated, written

FAR = np.array([1.0, -1.0, 0.4, 1e-4, -0.3])
NEAR = np.array([0.9, -1.1, 0.7, 3e-4, 0.2])
TABLE = np.array([FAR, NEAR, NEAR[::-1]])
VARIABLES: dict[str, Any] = {
    "x": FAR,
    "y": NEAR,
    "b": NEAR,
    "X": TABLE,
    "a": np.array(0.8),
    "Q": TABLE[:, :2],
}
# What the variables above are not multiplied with.
FIXED: dict[str, Any] = {
    "t": np.array([0.2, 0.7, 1.0, 0.0, 0.5]),
    "w": np.array([0.3, 0.2, 0.1, 0.2, 0.2]),
    "τ": np.array(0.7),
    "β": np.array(2.5),
    "k": np.array(0.044),
    "K": np.full((4, 2), 0.4),
    "V": np.arange(8.0).reshape(4, 2),
    "T": np.array(1),
}
FEW = [
    "e_i = exp(x_i); z = 1_j e_j; s_i = e_i/z; c = -log(s_T)",
    "e_bi := exp(X_bi/τ); z_b = 1_j e_bj; s_bi = e_bi/z_b; c = -log(s_bT) 1_b",
    "z = 1_j exp(x_j); l = log(z); p_i = exp(x_i - l); c = -t_i log(p_i)",
    "e_i = w_i exp(x_i); z = 1_j e_j; s_i = e_i/z",
    "e_i = exp(-x_i); d_i = 1 + e_i; p_i = 1/d_i; c = -t_i log(p_i) - (1 - t_i) log(1 - p_i)",
    "u_i = exp(x_i); v_i = exp(-x_i); r_i = (u_i - v_i)/(u_i + v_i)",
    "s_i = exp(x_i)/(1_j exp(x_j)); c = -(1 - s_T)^2 log(s_T)",
    "e_i = exp(x_i); f_i = exp(y_i); p_i = e_i/(1_j e_j); q_i = f_i/(1_j f_j); "
    "c = p_i (log(p_i) - log(q_i))",
]
MORE = [
    "e_i := exp(x_i); z := 1_j e_j; s_i = e_i/z; c = -log(s_T)",
    "e_i = exp(x_i/τ); z = 1_j e_j; s_i = e_i/z; c = -log(s_T)",
    "u_i = x_i - max_j(x_j); e_i = exp(u_i); z = 1_j e_j; s_i = e_i/z; c = -log(s_T)",
    "n = max_j(x_j); e_i = exp(x_i - n); z = 1_j e_j; c = n + log(z)",
    "z = 1_j exp(x_j); c = log(z) - x_T",
    "z = 1_i exp(x_i) exp(y_i); c = log(z)",
    "c = log(1_i 1_j exp(x_i 1_j + 1_i b_j))",
    "c = -log(exp(a)/(exp(a) + 1_j exp(b_j)))",
    "r = exp(x_T)/(1_j exp(x_j)); c = -log(r)",
    "s_i = exp(x_i)/(1_j exp(x_j)); q_i = 0.9 delta_iT + 0.02 1_i; c = -q_i log(s_i)",
    "s_i = exp(x_i)/(1_j exp(x_j)); c = -s_i log(s_i)",
    "s_i = exp(x_i)/(1_j exp(x_j)); c = -log(1 - s_T)",
    "s_i = exp(x_i)/(1_j exp(x_j)); r_i = 1 - s_i; c = -log(r_T)",
    "g_k = w_k exp(-(a - x_k)^2/2); z = 1_k g_k; r_k = g_k/z; c = log(z)",
    "S_qk = Q_qd K_kd; E_qk = exp(S_qk); z_q = 1_k E_qk; A_qk = E_qk/z_q; O_qc = A_qk V_kc",
    "y_b = (exp(x_k)/(1_m exp(x_m))) X_bk",
    "A_qk = exp(X_qk) [k <= q]/(1_n exp(X_qn) [n <= q])",
    "e_i = exp(x_i); p_i = e_i/(1 + e_i); c = -t_i log(p_i) - (1 - t_i) log(1 - p_i)",
    "l_i = -w_i (1 - p_i)^2 log(p_i); p_i := 1/(1 + exp(-x_i))",
    "r_i = (exp(2 x_i) - 1)/(exp(2 x_i) + 1)",
    "r_i = 2/(1 + exp(-2 x_i)) - 1",
    "r_i = log(1 + exp(β x_i))/β",
    "r_i = x_i (1 + tanh(0.8 (x_i + k x_i^3)))/2",
    "w_i = exp(x_i); n_i = w_i^2 + 2 w_i; r_i = x_i n_i/(n_i + 2)",
    "r_i = x_i tanh(log(1 + exp(x_i)))",
    "r_i = x_i/(1 + exp(-x_i))",
    "r_i = exp(x_i)/(1 + exp(x_i))^2",
    "r_i = log(cosh(x_i))",
    "r_i = log((exp(x_i) + exp(-x_i))/2)",
    "c = 1_i log(1 + exp(-w_i x_i))",
    "r_i = x_i [x_i > 0] + a (exp(x_i) - 1) [x_i <= 0]",
    "r_i = 1/(exp(x_i) - 1)",
    "d_i = exp(x_i) - exp(y_i); r_i = d_i/(exp(x_i) + exp(y_i))",
    "r_i = log(exp(x_i)/(1 + exp(x_i)))",
]


def _check(equations: str, kind: type, factor: float) -> None:
    variables = {name: np.asarray(array * factor) for name, array in VARIABLES.items()}
    # Differences are taken of numbers as large as the arguments, or of what is at most 1.
    found = mistakes(written(equations), {**variables, **FIXED}, kind, max(1.0, factor))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("equations", FEW)
def test_no_way_to_write_it_overflows(equations: str, kind: type) -> None:
    _check(equations, kind, 1e4)


@pytest.mark.catalogue
@pytest.mark.parametrize(
    ("kind", "factor"),
    [(k, 1e4) for k in (np.float64, np.float32, np.float16)]
    + [(np.float64, 1e-4), (np.float32, 1.0)],
)
@pytest.mark.parametrize("equations", FEW + MORE)
def test_values_and_gradients_are_right(equations: str, kind: type, factor: float) -> None:
    _check(equations, kind, factor)


def test_what_a_weight_zero_leaves_out_does_not_overflow() -> None:
    module = written("z = 1_j m_j exp(x_j); s_i = m_i exp(x_i)/z; c = log(z)")
    x, m = np.array([1e4, 5.0, 5.0]), np.array([0.0, 1.0, 3.0])
    inputs = [{"x": x, "m": m}[name] for name in module.program.inputs]
    with np.errstate(over="ignore"):
        found = module.values(inputs, [np.zeros(3), np.float64(1)])
    share, log_sum, *gradients = found
    np.testing.assert_allclose(share, [0, 0.25, 0.75])
    np.testing.assert_allclose(log_sum, 5 + np.log(4))
    np.testing.assert_allclose(gradients[module.program.wrt.index("x")], [0, 0.25, 0.75])


def test_sums_with_weights_share_the_exponentials_of_the_sum_without() -> None:
    """The weights x_i, y_i of products have an axis that the exponentials z_ab do not have."""
    text = written("z_ab = x_ai y_bi; c = -1_a log(exp(z_aa)/(1_b exp(z_ab)))").text
    assert text.count("np.exp(") == 1
    assert "inf" not in text


NORMS = [
    "n = sqrt(x_i x_i); r_i = x_i/n",
    "r_i = x_i/sqrt(x_j x_j)",
    "c = x_i y_i/(sqrt(x_j x_j) sqrt(y_k y_k))",
    "n = sqrt(x_i x_i); m = sqrt(y_i y_i); c = x_i y_i/(n m)",
    "d = sqrt((x_i - y_i)(x_i - y_i))",
    "c = log(sqrt(x_i x_i))",
    "r_i = sqrt(x_i^2 + y_i^2)",
    "n_b = (X_bi X_bi)^(1/2); r_bi = X_bi/n_b; r'_bc = r_bi W_ic",
]


@pytest.mark.parametrize("factor", [1e30, 1e-30])
@pytest.mark.parametrize("equations", NORMS[:-1])
def test_squares_neither_overflow_nor_vanish(equations: str, factor: float) -> None:
    given = {name: np.asarray(array * factor) for name, array in VARIABLES.items()}
    found = mistakes(written(equations), given, np.float32, 1e-30 if factor < 1 else 1.0)
    assert not found, "\n".join(found)


def test_a_norm_at_zero_is_zero_and_has_no_direction() -> None:
    module = written("n = sqrt(x_i x_i)")
    with np.errstate(all="ignore"):
        (value, gradient) = module.values([np.zeros(3)], [np.float64(1)])
    assert value == 0
    assert np.all(np.isnan(gradient))


@pytest.mark.parametrize(
    ("equations", "at", "expected"),
    [
        ("c = -p_i log(p_i)", [0.0, 0.5, 1.0], 0.5 * np.log(2)),
        ("c = -p_i log(p_i) - (1 - p_i) log(1 - p_i)", [0.0, 1.0], 0.0),
        ("c = p_i log(2 p_i)", [0.0, 1.0], np.log(2)),
        ("c = 1_i (1 - exp(-p_i))", [1e-20], 1e-20),
        ("c = 1_i log(1 + p_i)", [1e-20], 1e-20),
    ],
)
def test_digits_near_zero(equations: str, at: list[float], expected: float) -> None:
    with np.errstate(all="raise"):
        value, _ = written(equations).forward(np.array(at))
    np.testing.assert_allclose(value, expected, rtol=1e-14)


def test_named_values_are_the_authors_own() -> None:
    module = written("e_i = exp(x_i); r_i = 2 e_i; z = 1_j e_j; s_i = e_i/z")
    (doubled, share), _ = module.forward(np.array([1000.0, 0.0]))
    np.testing.assert_array_equal(doubled, [np.inf, 2])
    np.testing.assert_array_equal(share, [1, 0])


# Why a finite true value is not found.
KNOWN = {
    "geometric_mean": "the product, which the author wrote, overflows",
    "p_norm": "the power p is scaled as well, and powers overflow",
    "poisson_nll": "digits do not reach from e^10000 to 1",
    "cross_entropy_masked": "what is left of a difference is divided by 1e-4",
}


@pytest.mark.catalogue
@pytest.mark.parametrize("factor", [1e4, 1e-4])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("name", catalogue())
def test_the_catalogue_far_out(name: str, kind: type, factor: float) -> None:
    module = generated(name)
    if name in KNOWN or not has_reference(module.program):
        pytest.skip(KNOWN.get(name, "what is solved for has no formula"))
    sample = example(module.program.graph).sample
    scaled = {n: a * factor if a.dtype.kind == "f" else a for n, a in sample.tensors.items()}
    given = {**sample.labels, **scaled}
    with np.errstate(all="ignore"):
        found = mistakes(module, given, kind, max(1.0, factor**2), sizes=sample.sizes)
    assert not found, "\n".join(found)
