"""Comparisons, `[x_i > 0]` and `[k <= q]`: read, written, differentiated, checked."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Expr, log

from derive.api import derivation
from derive.errors import NotationError
from derive.expressions import (
    Contraction,
    Index,
    Iverson,
    One,
    Partial,
    indices_of,
    occurrences,
    tensor,
)
from derive.notation import read_expression, read_graph, write_latex, write_text
from derive.notation.write import write_equation_text
from derive.verify import verify
from derive.verify.exact import provably_equal
from derive.verify.mutants import mutants

i, j, k, q, T = (Index(name) for name in "ijkqT")


def x(*indices: Expr) -> Expr:
    return tensor("x", *indices)


READ = [
    ("y_i = [x_i > 0] x_i", Iverson(x(i), ">", 0) * x(i)),
    ("y_i = [x_i >= a]", Iverson(x(i), ">=", tensor("a"))),
    ("y_i = [x_i ≠ a]", Iverson(x(i), "!=", tensor("a"))),
    ("y_i = [x_i == a]", Iverson(x(i), "=", tensor("a"))),
    ("y_kq = [k ≤ q]", Iverson(k, "<=", q)),
    ("y_kq = [k <= 2 q + 1]", Iverson(k, "<=", 2 * q + 1)),
    ("y_q = [k <= q] x_k", Contraction(Iverson(k, "<=", q) * x(k), k)),
    ("y_q = 1_k [k < q] + x_k x_k z_q", None),
    ("y_i = [0 <= x_i <= 1]", Iverson(0, "<=", x(i)) * Iverson(x(i), "<=", 1)),
    ("y_k = [k <= T] x_T x_k", Iverson(k, "<=", T) * x(T) * x(k)),
    ("c = [x_i x_i > a] a", Iverson(Contraction(x(i) ** 2, i), ">", tensor("a")) * tensor("a")),
    ("y_k = log [k <= T] + x_T x_k", log(Iverson(k, "<=", T)) + x(T) * x(k)),
    ("c_b = -[T_b != 0] log(s_{b,T_b})", None),
    ("y_k = [k = 2] x_k", Iverson(k, "=", 2) * x(k)),
]


@pytest.mark.parametrize(("text", "expected"), READ, ids=[text for text, _ in READ])
def test_a_comparison_is_read_and_written(text: str, expected: Expr | None) -> None:
    graph = read_graph(text, sizes={"k": "K"} if "1_k" in text else None)
    equation = graph.equations[-1]
    if expected is not None:
        assert str(equation.rhs) == str(expected)  # but for sizes
    written = write_text(equation.rhs, graph, (equation.lhs,))
    for line in (written, write_text(equation.rhs, graph, (equation.lhs,), ascii=True)):
        assert read_expression(line, graph, equation.indices) == equation.rhs
    assert "[" in write_latex(equation.rhs, graph, (equation.lhs,))


def test_an_equality_of_indices_is_a_delta() -> None:
    graph = read_graph("y_ij = [i = j] x_i; z_b = [k = T_b] x_k a_{T_b}")
    assert write_equation_text(graph["y"], graph) == "y_ij = x_i δ_ij"
    assert "Iverson" not in str(graph["y"].rhs)


WRITTEN = [
    (Iverson(0, "<", x(i)), "[x_i > 0]"),
    (Iverson(tensor("a"), "<=", x(i)), "[x_i ≥ a]"),
    (Iverson(x(i), "<", tensor("a")), "[x_i < a]"),
    (Iverson(k, "<=", q + 1), "[k ≤ q + 1]"),
    (Iverson(q - 1, "<=", k), "[k ≥ q − 1]"),
    (Iverson(0, "<=", 2 * k - q), "[2 k − q ≥ 0]"),
    (x(i) * Iverson(0, "<", x(i)) * tensor("a"), "a x_i [x_i > 0]"),
    (Partial(tensor("l"), x(i)) * Iverson(0, "!=", x(i)), "∂l/∂x_i [x_i ≠ 0]"),
    (x(i) * Iverson(0, "<", x(i)) / tensor("r"), "(1/r) x_i [x_i > 0]"),
    (log(Iverson(k, "<=", q)), "log([k ≤ q])"),
]


@pytest.mark.parametrize(("expr", "text"), WRITTEN, ids=[text for _, text in WRITTEN])
def test_it_is_written_from_the_longer_side(expr: Expr, text: str) -> None:
    graph = read_graph("c = a x_i x_i/r; x_k = [k > q] z_q z_k")
    assert write_text(expr, graph) == text


def test_latex() -> None:
    graph = read_graph("y_q = [k <= q] x_k/(a + log [x_q != 0])")
    assert write_latex(graph["y"].rhs, graph) == (r"\frac{x_{k} [k \le q]}{\log [x_{q} \ne 0] + a}")


REFUSED = [
    ("y_i = x_i > 0", "square brackets"),
    ("y_i = 1[x_i > 0] x_i", "no index"),
    ("y_i = x[i > 0]", "no index"),
    ("y_i = [x_i > 0] [x_j > 0]", "stands alone"),
    ("y_i = [x_i > 0 and x_i < 1]", "`and`"),
    ("y_q = [x_k + z_q <= 3] x_k", "the same free indices"),
    ("y_i = [x_i > 0", "never closed"),
    ("y_i = [2 < 1] x_i", "is zero"),
    ("y_i = log [2 < 1] x_i", "no finite value"),
    ("y_i = 1_k [k < i] x_i", "runs over no axis"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_comparison_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        read_graph(text)


def test_a_bare_index_alone_needs_a_one_tensor() -> None:
    """Without a slot nothing in the text would tell that it is an index."""
    mask = Iverson(k, "<=", q) * Iverson(j, "<=", k)
    assert occurrences(k, mask.args) == 1
    assert Contraction(mask, k).has(One)
    assert not Contraction(mask * x(k), k).has(One)


DERIVED = [
    ("y_i = [x_i > 0] x_i", "∂l/∂x_n", "∂l/∂y_n [x_n > 0]"),
    ("y_i = [x_i > 0]", "∂y_i/∂x_n", "0"),
    ("c = [x_i > a] x_i^2", "∂c/∂x_n", "2 x_n [x_n > a]"),
    ("y_q = [k <= q] x_k a_q", "∂l/∂x_n", "∂l/∂y_q a_q [n ≤ q]"),
    ("y_q = tanh([k <= q] x_k)", "∂l/∂x_n", "∂l/∂y_q (1 − y_q²) [n ≤ q]"),
    ("c = [i < j] x_i A_ij x_j", "∂c/∂A_pq", "x_p x_q [p < q]"),
    (
        "s_qk = [k <= q] exp(z_qk)/(1_m [m <= q] exp(z_qm))",
        "∂l/∂z_np",
        "∂l/∂s_np s_np − ∂l/∂s_nk s_nk s_np",
    ),
    (
        "s_qk = exp(z_qk + log [k <= q])/(1_m exp(z_qm + log [m <= q]))",
        "∂l/∂z_np",
        "∂l/∂s_np s_np − ∂l/∂s_nk s_nk s_np",
    ),
    (
        "z_qk = u_q v_k + log [k <= q]; s_qk = exp(z_qk)/(1_m exp(z_qm)); o_q = s_qk w_k",
        "∂l/∂v_n",
        None,
    ),
    ("c_b = -[T_b != 0] log(s_{b,T_b})", "∂l/∂s_pn", "−(1/s_{p,T_p}) ∂l/∂c_p δ_{T_p,n} [T_p ≠ 0]"),
]


@pytest.mark.parametrize(("equations", "goal", "result"), DERIVED)
def test_a_gradient_through_comparisons(equations: str, goal: str, result: str | None) -> None:
    derived = derivation(equations, goal)
    if result is not None:
        assert write_text(derived.result, derived.graph, (derived.goals[0],)) == result
    report = verify(derived)
    assert {line.grade for line in report.lines} <= {"exact", "sampled"}
    assert report.stages[-1].rejected == report.stages[-1].mutants


def test_relations_that_exclude_each_other_add_up_to_one() -> None:
    graph = read_graph("y_i = [x_i > a] x_i + [x_i <= a] x_i")
    assert provably_equal(graph["y"].rhs, x(*graph["y"].indices), graph)
    assert not provably_equal(graph["y"].rhs, 2 * x(*graph["y"].indices), graph)


def test_mutants_of_a_comparison() -> None:
    graph = read_graph("y_q = [k <= q] x_k")
    found = {mutant.mistake for mutant in mutants(graph["y"].rhs, graph["y"].indices, graph)}
    assert {"flip a relation", "drop a comparison", "shift an index"} <= found


def test_minus_infinity_is_a_mask_and_nothing_else() -> None:
    """A logarithm of zero is accepted where a comparison is zero; other infinities are not."""
    masked = verify(derivation("z_qk = u_q v_k + log [k <= q]; y_qk = exp(z_qk)", "∂y_qk/∂u_n"))
    assert {line.grade for line in masked.lines} <= {"exact", "sampled"}
    other = verify(derivation("z_i = log([sin(x_i) > 2]) log(a) x_i/[sin(x_i) > 2]", "∂z_i/∂a"))
    assert all(line.grade == "unknown" for line in other.lines)


def test_the_gradient_is_that_of_differences() -> None:
    """An independent NumPy implementation, away from the jumps."""
    rng = np.random.default_rng(0)
    a, b, g = rng.normal(size=5), rng.normal(size=(4, 5)), rng.normal(size=4)

    def loss(v: np.ndarray) -> float:
        mask = np.arange(5)[None, :] <= np.arange(4)[:, None] + 1
        return float(g @ ((mask * b * (v > 0.1)) @ v**2))

    derived = derivation("y_q = [k <= q + 1] b_qk [x_k > a] x_k^2", "∂l/∂x_n")
    text = write_text(derived.result, derived.graph, (derived.goals[0],))
    assert text == "2 ∂l/∂y_q b_qn x_n [x_n > a] [n ≤ q + 1]"
    mask = np.arange(5)[None, :] <= np.arange(4)[:, None] + 1
    ours = 2 * np.einsum("q,n,qn,n->n", g, a, b * mask, (a > 0.1).astype(float))
    step = 1e-6
    moved = [(loss(a + step * e) - loss(a - step * e)) / (2 * step) for e in np.eye(5)]
    np.testing.assert_allclose(ours, moved, rtol=1e-6, atol=1e-8)
    assert indices_of(derived.goals[0].variable)


@pytest.mark.parametrize(
    ("equation", "result"),
    [
        ("y_i = exp([w_i > 0] x_i)", "y_i δ_in [w_i > 0]"),
        ("y_i = f([i > 0] x_i)", "f'(x_i [i > 0]) δ_in [i > 0]"),
        ("y_i = tanh(x_i + [w_i > a])", "(1 − y_i²) δ_in"),
        ("y_i = exp([x_i > 0])", "0"),
    ],
)
def test_the_chain_rule_sees_through_a_comparison_in_an_argument(
    equation: str, result: str
) -> None:
    derived = derivation(equation, "∂y_i/∂x_n")
    assert write_text(derived.result, derived.graph, derived.goals) == result
    assert verify(derived).ok


def test_a_difference_of_comparisons_is_no_zero() -> None:
    found = derivation("p = q_i ([x_i < -a] - [x_i > a])", "∂p/∂q_n")
    assert write_text(found.result, found.graph) == "[x_n < −a] − [x_n > a]"
    assert verify(found).ok
