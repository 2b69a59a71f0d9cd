"""The witness of a wrong line fails for real, and nothing smaller does."""

from __future__ import annotations

import json
from fractions import Fraction
from io import StringIO

import numpy as np
import pytest
from referee import evaluate, number
from rich.console import Console
from sympy import Expr
from test_verify import WRONG, T, cross_entropy, delta, n, s

from derive.exports import markdown, terminal
from derive.expressions import Graph, Index, Size
from derive.notation import read_expression, read_goal, read_graph
from derive.verify import Values, Witness, verify, witness
from derive.verify.domain import DISTRIBUTIONS, distribution, domains
from derive.verify.evaluate import free_axes
from derive.verify.numbers import rational, written, written_apart
from derive.verify.sample import draw
from derive.verify.small_data import simple_numbers, small_sizes

SOFTMAX = "s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)"
LAYER_NORM = """m_b = (1/H) 1_h x_bh; u_bh = x_bh - 1_h m_b; v_b = (1/H) 1_h u_bh^2
s_b = sqrt(v_b + e); y_bh = u_bh/s_b; c = g_bh y_bh"""

CASES = [
    # graph, goal, what is right, what is wrong, the least sizes
    (SOFTMAX, "∂c/∂x_n", "s_n - δ_nT", "s_n + δ_nT", [1]),
    (SOFTMAX, "∂c/∂x_n", "s_n - δ_nT", "s_T - δ_nT", [2]),
    (SOFTMAX, "∂s_i/∂x_n", "s_i δ_in - s_i s_n", "s_i δ_in - s_i^2 1_n", [2]),
    ("y_b = x_bi w_i; c = g_b y_b", "∂c/∂w_i", "g_b x_bi", "1_b x_bi 1_j g_j", [2, 1]),
    ("y_i = max_j(x_ij); c = g_i y_i", "∂c/∂x_pq", "g_p δ_{q, argmax_j(x_pj)}", "g_p 1_q", [1, 2]),
    ("c = g_b E_{t_b}", "∂c/∂E_v", "g_b δ_{t_b, v}", "1_b 1_v g_b", [1, 2]),
    ("c = g_i log(x_i)", "∂c/∂x_n", "g_n/x_n", "g_n/x_n^2", [1]),
    ("c = g_i x_i [x_i > 0]", "∂c/∂x_n", "g_n [x_n > 0]", "g_n [x_n > 1]", [1]),
    (
        LAYER_NORM,
        "∂c/∂x_pq",
        "(1/s_p) (g_pq - (1/H) 1_h g_ph - (1/H) (u_pq/s_p^2) u_ph g_ph)",
        "(1/s_p) (g_pq - (1/H) 1_h g_ph - (1/H) u_pq u_ph g_ph)",
        [2, 1],
    ),
]


def asked(equations: str, goal: str, *forms: str) -> tuple[Graph, Expr, list[Expr]]:
    graph = read_graph(equations, sizes={"h": "H"} if "_bh" in equations else {})
    left = read_goal(goal, graph)
    free = free_axes(left)
    return graph, left, [read_expression(form, graph, free) for form in forms]


def array(given: object, *, integer: bool) -> np.ndarray:
    return np.array(given, dtype=int if integer else float)


def values_of(graph: Graph, sizes: dict[str, int], inputs: dict[str, object]) -> Values:
    """The inputs with all definitions, by the slow evaluator."""
    tensors = {n: array(given, integer=n in graph.labels) for n, given in inputs.items()}
    labels = {"T": 0}
    labels |= {n: int(at) for n, at in inputs.items() if n.isupper() and n not in graph.names}
    values = Values(tensors, labels, {Size(name): n for name, n in sizes.items()})
    for name in graph.order:
        tensors[name] = evaluate(graph[name].rhs, graph[name].indices, values)
    return values


def redone(graph: Graph, free: tuple[Index, ...], found: Witness, expr: Expr) -> float:
    """The value of an expression on a witness, by the slow evaluator."""
    values = values_of(graph, dict(found.sizes), dict(found.inputs))
    return number(expr, {index: found.entry[index.name] for index in free}, values)


@pytest.mark.parametrize(("equations", "goal", "right", "wrong", "sizes"), CASES)
def test_the_witness_fails_when_worked_out_anew(equations, goal, right, wrong, sizes):
    graph, left, (held, failing) = asked(equations, goal, right, wrong)
    free = free_axes(left)
    found = witness(graph, left, failing, free)
    assert found is not None
    assert redone(graph, free, found, held) == pytest.approx(float(found.left), abs=1e-12)
    assert redone(graph, free, found, failing) == pytest.approx(float(found.right), abs=1e-12)
    assert abs(found.left - found.right) > 1e-6
    assert sorted(found.sizes.values(), reverse=True) == sorted(sizes, reverse=True)


def test_what_is_right_has_none_and_what_is_wrong_the_same_every_time():
    graph, left, (held, failing) = asked(SOFTMAX, "∂c/∂x_n", "s_n - δ_nT", "s_T - δ_nT")
    free = free_axes(left)
    assert witness(graph, left, held, free) is None
    assert witness(graph, left, failing, free) == witness(graph, left, failing, free)


@pytest.mark.parametrize(("equations", "goal", "right", "wrong", "sizes"), CASES)
def test_no_smaller_sizes_fail(equations, goal, right, wrong, sizes):
    graph, left, (held, failing) = asked(equations, goal, right, wrong)
    free, rng = free_axes(left), np.random.default_rng(0)
    for smaller in small_sizes(graph, (left, failing)):
        if sum(smaller.values()) >= sum(sizes):
            break
        for _ in range(10):
            values = generic(graph, smaller, rng)
            one, other = (evaluate(expr, free, values) for expr in (held, failing))
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def generic(graph: Graph, sizes: dict[Expr, int], rng: np.random.Generator) -> Values:
    plain = Values({}, {}, sizes)
    inputs: dict[str, object] = {}
    for name in (*graph.inputs, *graph.labels):
        shape = [plain.size(graph.axis_size(name, axis)) for axis in range(graph.arity[name])]
        high = plain.size(graph.label_range(name)) if name in graph.labels else 0
        inputs[name] = rng.integers(0, high, shape) if high else rng.uniform(0.3, 2, shape)
    if "T" in str(graph.equations):
        inputs["T"] = rng.integers(0, min(sizes.values()))
    return values_of(graph, {str(size): n for size, n in sizes.items()}, inputs)


def test_the_numbers_are_the_simplest():
    graph, left, (wrong,) = asked(SOFTMAX, "∂c/∂x_n", "s_n + δ_nT")
    found = witness(graph, left, wrong, free_axes(left))
    assert found is not None
    assert found.text == "at 1 value of n, x = (0), T = 0, n = 0: left is 0, right is 2"
    graph, left, (wrong,) = asked("c = x_ij a_ji", "∂c/∂x_pq", "a_pq")
    found = witness(graph, left, wrong, free_axes(left))
    assert found is not None
    # With sizes that differ the indices of the wrong form do not fit the axes.
    assert found.text == (
        "at 2 values of p, 2 values of q, x = ((0, 0), (0, 0)), a = ((0, 0), (1, 0)), "
        "p = 0, q = 1: left is 1, right is 0"
    )


def text_of(equations: str, goal: str, wrong: str, **options) -> str:
    graph = read_graph(equations, **options)
    left = read_goal(goal, graph)
    free = free_axes(left)
    found = witness(graph, left, read_expression(wrong, graph, free), free)
    return found.text if found else ""


def test_upstream_gradients_functions_relations_multi_indices_and_second_derivatives():
    assert "∂l/∂y = (1)" in text_of("y_i = x_i^2", "∂l/∂x_n", "x_n ∂l/∂y_n")
    assert text_of("y = f(x)", "∂y/∂x", "f(x)").startswith("at f(u) = u², x = 1: left is 2")
    assert text_of("y^3 + y = x for y", "∂y/∂x", "1/(3 y^2)") == (
        "at x = 2, y = 1: left is 1/4, right is 1/3"
    )
    several = text_of("c = x_A x_A", "∂c/∂x_A", "x_A", multi=["A"])
    assert several == "at 0 axes for A, x = 1: left is 2, right is 1"
    transposed = text_of("y_AC = x_CA", "∂l/∂x_CA", "∂l/∂y_CA", multi=["A", "C"])
    assert "1 axis for A, 1 axis for C" in transposed
    second = text_of("c = x_i x_i x_j x_j", "∂²c/∂x_m∂x_n", "8 x_m x_n")
    assert second.endswith("left is 12, right is 8")


def test_a_kink_is_no_witness():
    # They differ where x is 0, by the convention, and nowhere else.
    assert text_of("y = relu(x)", "∂y/∂x", "[x >= 0]") == ""
    # The function has no derivative at 0.
    assert "x = (1)" in text_of("r = sqrt(x_i x_i)", "∂r/∂x_n", "2 x_n")
    # With two greatest entries the first is taken by convention.
    tied = text_of("y = max_j(x_j)", "∂y/∂x_n", "δ_{n, argmin_j(x_j)}")
    assert "x = (1, 0)" in tied or "x = (0, 1)" in tied


def test_declared_sizes_are_kept():
    words = text_of("y = 1_i x_i", "∂y/∂x_n", "2·1_n", sizes={"i": 3})
    assert words == "at x = (0, 0, 0), n = 0: left is 1, right is 2"


@pytest.mark.parametrize(("name", "stage", "line", "wrong"), WRONG)
def test_every_wrong_line_has_one(name, stage, line, wrong):
    derivation = cross_entropy(stage, line, wrong)
    report = verify(derivation, mutation=False)
    found = report.stages[stage].lines[line].witness
    assert found is not None, name
    assert max(found.sizes.values()) <= 2
    assert "this line is" in found.text
    data = report.stages[stage].lines[line].as_json()["witness"]
    assert json.loads(json.dumps(data)) == data
    assert data.keys() >= {"sizes", "inputs", "entry", "left", "right"}
    assert found.text.replace("_", r"\_") in markdown(derivation, report=report).replace(
        "\\_", r"\_"
    )
    others = [each.witness for each in report.lines if each.grade != "wrong"]
    assert others == [None] * len(others)


def test_a_terminal_shows_it_below_the_wrong_line():
    derivation = cross_entropy(3, 3, s(n) + delta(T, n))
    page = StringIO()
    console = Console(file=page, width=100)
    terminal(derivation, console=console, report=verify(derivation, mutation=False))
    below = page.getvalue().partition("wrong: differs from the line above\n")[2].splitlines()[0]
    assert below.strip() == (
        "at 1 value of n, x = (0), T = 0, n = 0: the line above is 0, this line is 2"
    )


def test_fractions_are_seen_only_where_they_are_sure():
    assert rational(0.75) == Fraction(3, 4)
    assert rational(1 / 3 + 1e-14) == Fraction(1, 3)
    assert rational(0.3679) is None
    assert written(Fraction(-3, 4)) == "−3/4"
    assert written_apart(0.123456, 0.123457) == ("0.123456", "0.123457")
    assert written(1 / np.e) == "0.3679"


def test_every_distribution_has_simple_numbers():
    for kind in (*DISTRIBUTIONS, "above 50", "below -2.5", "around 3"):
        drawn = distribution(kind)(np.random.default_rng(0), (2000,))
        inside = [n for n in simple_numbers(kind) if drawn.min() <= n <= drawn.max()]
        assert len(inside) >= 2, kind
    graph = read_graph("y_i = log(x_i) sqrt(1 - z)")
    assert draw(graph, next(domains(graph)), 0).sizes.keys() == next(small_sizes(graph, ())).keys()
