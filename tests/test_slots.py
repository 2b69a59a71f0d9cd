"""Index arithmetic in slots: reading and writing it, its ranges, and what is derived with it."""

from __future__ import annotations

import numpy as np
import pytest
from amount import some_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from referee import evaluate

from derive.api import derivation
from derive.errors import DerivationError
from derive.expressions import (
    Index,
    Iverson,
    Quotient,
    Remainder,
    Size,
    in_range,
    is_computed,
    solved_for,
    tensor,
)
from derive.notation import read_graph
from derive.notation.write import write_equation_latex, write_equation_text
from derive.verify import verify
from derive.verify.evaluate import Compiled, Values, free_axes

H, D, N = Size("H"), Size("D"), Size("N")
h, d, n, i = Index("h", H), Index("d", D), Index("n", N), Index("i", Size("I"))

EQUATIONS = [
    ("y_i = w_k x_{i+k}", {}),
    ("y_i = w_k x_{2i+3k-1}", {}),
    ("y_i = w_k x_{S·i+k-P}", {}),
    ("y_bhd = x_{b,h·D+d}", {"d": "D"}),
    ("y_n = x_{n//D,n%D}", {"n": "N"}),
    ("y_i = x_{2·i} + x_{3-i}", {}),
    ("y_bi = x_{b,i+t_b}", {}),
    ("y_n = x_{(n+1)//2,(n%(2·D))//D}", {"n": "N"}),
    ("y_i = x_{(i-1)%N}", {"i": "N"}),
    ("y_n = x_{2·(n%2)+n//2}", {}),
]


@pytest.mark.parametrize(("text", "sizes"), EQUATIONS)
def test_what_is_printed_reads_back(text, sizes):
    graph = read_graph(text, sizes=sizes)
    (equation,) = graph.equations
    assert write_equation_text(equation, graph) == text
    for plain in (True, False):
        again = read_graph(write_equation_text(equation, graph, ascii=plain), sizes=sizes)
        assert again.equations[0].rhs == equation.rhs


def test_latex_tells_slots_apart_by_commas():
    graph = read_graph("y_bn = x_{b,n//D,n%D,2*n} z_nb", sizes={"n": "N"})
    assert write_equation_latex(graph["y"], graph) == (
        r"y_{b n} = x_{b, \lfloor n / D \rfloor, n \bmod D, 2 \cdot n} z_{n b}"
    )


def test_quotients_and_remainders_of_digits_are_digits():
    number = h * D + d
    assert (Quotient(number, D), Remainder(number, D)) == (h, d)
    assert Remainder(3 * n + 4, 3) == 1
    assert Quotient(n, N) == 0
    assert Remainder(n, D).divisor == D


def test_the_range_is_stated_where_it_is_not_known():
    assert in_range(h * D + d, H * D) == 1
    assert in_range(N - 1 - n, N) == 1
    assert in_range(Remainder(n, D), D) == 1
    assert in_range(n + 1, N) == Iverson(n + 1, "<", N)
    assert in_range(n - d, N) == Iverson(0, "<=", n - d)
    assert in_range(2 * n - d, N) == Iverson(0, "<=", 2 * n - d) * Iverson(2 * n - d, "<", N)


def test_an_index_is_solved_for_where_it_stands_once_and_alone():
    assert solved_for(i, 2 * n + i, h) == h - 2 * n
    assert solved_for(i, h - i, n) == h - n
    assert solved_for(i, 2 * i, h) is None
    assert solved_for(n, Quotient(n, D) + n, h) is None


@settings(max_examples=some_of(60), deadline=None)
@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-4, 4), st.integers(1, 4))
def test_entries_out_of_range_are_zero(a, b, c, m):
    """The vectorised evaluator agrees with loops over index values."""
    j = Index("j", Size("J"))
    slots = (a * i + b * j + c, Quotient(i + c, m), Remainder(a * i - j, m))
    assume(all(map(is_computed, slots)))
    expr = tensor("x", slots[0]) + tensor("y", *slots[1:])
    values = Values(
        {"x": np.arange(1.0, 8.0), "y": np.arange(1.0, 13.0).reshape(3, 4)},
        {},
        {Size("I"): 4, Size("J"): 5},
    )
    expected = evaluate(expr, (i, j), values)
    np.testing.assert_array_equal(Compiled(expr, (i, j))(values), expected)


CASES = [
    ("y_i = x_{i+k} w_k", {}, {"x": "w_{n-i}", "w": "x_{i+n}"}),
    ("y_i = x_{2i+k-1} w_k", {}, {"x": "w_{n+1-2i}", "w": "x_{2i+n-1}"}),
    ("y_i = x_{N-1-i}", {"i": "N"}, {"x": "∂l/∂y_{N-n-1}"}),
    ("y_n = x_i w_{n-2i}", {}, {"w": "∂l/∂y_{2i+n} x_i"}),
    ("y_i = (1/K) 1_k x_{i+k}", {"k": "K"}, {"x": "(1/K) ∂l/∂y_i [0 ≤ n − i < K]"}),
    ("y_i = x_{(i+1)%N} - x_i", {"i": "N"}, {"x": "∂l/∂y_{(n-1)%N} − ∂l/∂y_n"}),
    ("y_n = x_{n//2}", {}, {"x": "∂l/∂y_{2·n} + ∂l/∂y_{2n+1}"}),
]


@pytest.mark.parametrize(("equation", "sizes", "results"), CASES)
def test_gradients(equation, sizes, results):
    for name, result in results.items():
        found = derivation(equation, f"∂l/∂{name}_n", sizes=sizes)
        text = found.text()
        assert result in text.splitlines()[-1] or result in text, text
        report = verify(found)
        assert all(line.holds for line in report.lines), report
        assert all(stage.rejected == stage.mutants > 0 for stage in report.stages)


def test_a_definition_unfolds_in_range_only():
    """e^0 is not 0: the entries of y outside its axis are zero though the formula is not."""
    found = derivation("y_i = exp(x_i); z_i = y_{i+1} y_i", "∂z_i/∂x_n")
    assert verify(found).ok
    graph = found.graph
    assert graph["y"].at([i + 1]).atoms(Iverson)


def test_reshapes_are_undone_by_reshapes():
    text = "y_bhsd = x_{b,s,h D + d}; z_bsn = y_{b,n//D,s,n%D}"
    found = derivation(text, "∂l/∂x_psn", sizes={"d": "D", "h": "H"})
    assert verify(found).ok
    assert "∂l/∂z_psi δ_ni [n//D < H]" in found.text()


def test_any_window_stays_right_at_the_border():
    for shift in (-2, 0, 3):
        window = f"x_{{i+k{shift:+d}}}"
        text = f"m_i = (1/K) 1_k {window}; v_i = (1/K) 1_k ({window} - 1_k m_i)^2"
        found = derivation(text, "∂l/∂x_n", sizes={"k": "K"})
        assert all(line.holds for line in verify(found).lines)


def test_convolution_is_what_numpy_computes():
    found = derivation("y_i = x_{i+k} w_k", ["∂l/∂x_n"])
    rng = np.random.default_rng(0)
    x, w, upstream = rng.normal(size=9), rng.normal(size=3), rng.normal(size=7)
    graph = found.graph
    sizes = {graph.axis_size("x", 0): 9, graph.axis_size("w", 0): 3, graph.axis_size("y", 0): 7}
    values = Values({"x": x, "w": w}, {}, sizes)
    (equation,) = graph.equations
    np.testing.assert_allclose(
        Compiled(equation.rhs, equation.indices)(values), np.correlate(x, w, "valid")
    )
    gradient = Compiled(found.result, free_axes(found.goals[0]))(values, lambda _: upstream)
    np.testing.assert_allclose(gradient, np.convolve(upstream, w))


@pytest.mark.parametrize(
    ("equations", "goal"),
    [
        ("y_i = w_{i+1} x_{i+1}; z_i = y_i + y_{i+1}; c = z_i z_i", "∂c/∂x_n"),
        (
            "y_i = exp(b_i + a); z_i = w_i exp(b_{i+1} + a) v_{i+1}; c = 1_i z_i + y_i y_i",
            "∂c/∂v_n",
        ),
        ("y_i = b_i + 1_i a; z_i = w_i y_{i+1} v_{i+1}; h_i = z_{i-1} y_i; c = h_i h_i", "∂c/∂b_n"),
        ("y_i = cos(x_{2·i}); z_i = y_{i//2}; c = z_i z_i", "∂c/∂x_n"),
    ],
)
def test_an_index_stays_on_its_own_axis(equations: str, goal: str) -> None:
    """Axes that only computed slots read have sizes of their own."""
    report = verify(derivation(equations, goal))
    assert {line.grade for line in report.lines} <= {"exact", "sampled"}


def test_a_letter_never_runs_over_an_axis_of_another_size():
    """Where shifts cancel, `x_{(i-1)+1}` is no entry that a letter over another axis may name."""
    text = "h_i := cos(x_{i+1} + a); c = Σ_i h_{i-1} v_i"
    with pytest.raises(DerivationError, match="axis of another size"):
        derivation(text, "∂c/∂a", sizes={"i": "N"})
