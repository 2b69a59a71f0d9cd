"""Functions with kinks and of several arguments: read, written, differentiated, checked."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Abs, Eq, Expr, IndexedBase, Max, exp, sign, sqrt, symbols

import derive
from derive.api import derivation
from derive.calculus.conventions import conventions
from derive.errors import NotationError
from derive.exports import latex, latex_document, markdown, to_json
from derive.expressions import ELEMENTARY, Index, tensor
from derive.expressions.kinked import clip, leaky_relu, maximum, minimum, relu, sigmoid
from derive.notation import read_expression, read_graph, write_latex, write_text
from derive.verify import verify
from derive.verify.evaluate import Compiled, Values
from derive.verify.functions import opaque

i = Index("i")
x, y, a = tensor("x", i), tensor("y", i), tensor("a")

READ = [
    ("relu(x_i)", relu(x), r"\operatorname{relu} x_{i}"),
    ("abs(x_i − y_i)", Abs(x - y), r"\lvert x_{i} - y_{i} \rvert"),
    ("abs(x_i/a)", Abs(x / a), r"\left\lvert \frac{x_{i}}{a}\right\rvert"),
    ("sign(x_i)", sign(x), r"\operatorname{sign} x_{i}"),
    ("max(a, x_i)", maximum(x, a), r"\max(a, x_{i})"),
    ("min(x_i, y_i)", minimum(y, x), r"\min(x_{i}, y_{i})"),
    ("clip(x_i, −1, a)", clip(x, -1, a), r"\operatorname{clip}(x_{i}, -1, a)"),
    ("leaky_relu(x_i, a)", leaky_relu(x, a), r"\operatorname{leaky\_relu}(x_{i}, a)"),
    ("sigmoid(x_i)²", sigmoid(x) ** 2, None),
    ("x_i abs(x_i)", sqrt(x**2) * x, None),
    ("x_i/√(2)", x / sqrt(2), r"\frac{x_{i}}{\sqrt{2}}"),
]


@pytest.mark.parametrize(("text", "expr", "tex"), READ, ids=[text for text, *_ in READ])
def test_read_and_written(text: str, expr: Expr, tex: str | None) -> None:
    graph = read_graph("c = a x_i y_i")
    assert str(read_expression(text, graph, "i")) == str(graph.sized(expr))
    assert write_text(expr, graph) == text
    plain = write_text(expr, graph, ascii=True)
    assert str(read_expression(plain, graph, "i")) == str(expr)
    assert tex is None or write_latex(expr, graph) == tex


EVALUATED = [
    (relu(exp(x)), exp(x)),
    (relu(relu(x)), relu(x)),
    (maximum(x, y), maximum(y, x)),
    (maximum(x, x + 1), x + 1),
    (minimum(x, exp(a) + x), x),
    (clip(x, 2, 1), 1),
    (clip(Abs(x), -1, 0), 0),
    (leaky_relu(x, 0), relu(x)),
    (leaky_relu(x, 1), x),
    (leaky_relu(-exp(x), a), -a * exp(x)),
    (Abs(x) ** 2, x**2),
]


@pytest.mark.parametrize(("expr", "value"), EVALUATED)
def test_a_function_is_evaluated_where_it_is_known(expr: Expr, value: Expr) -> None:
    assert expr == value


REFUSED = [
    ("y_i = max(x_i)", "2 arguments"),
    ("y_i = relu(x_i, 2)", "1 argument"),
    ("y_i = rellu(x_i)", "rellu is not a known function"),
    ("y_i = leaky(x_i)", "leaky is not a known function"),
    ("y_i = max(x_i, y_j)", "stands alone"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_function_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        read_graph(text)


DERIVED = [
    ("y_i = relu(x_i)", "∂l/∂x_n", "∂l/∂y_n [x_n > 0]"),
    ("y_i = abs(x_i)", "∂l/∂x_n", "∂l/∂y_n sign(x_n)"),
    ("y_i = sign(x_i) x_i^2", "∂l/∂x_n", "2 ∂l/∂y_n x_n sign(x_n)"),
    ("y_i = sigmoid(x_i)", "∂l/∂x_n", "∂l/∂y_n y_n (1 − y_n)"),
    ("y_i = softplus(x_i)", "∂l/∂x_n", "∂l/∂y_n sigmoid(x_n)"),
    ("y_i = leaky_relu(x_i, a)", "∂l/∂a", "∂l/∂y_i x_i [x_i ≤ 0]"),
    ("y_bi = leaky_relu(x_bi, 1_b a_i)", "∂l/∂a_n", "∂l/∂y_bn x_bn [x_bn ≤ 0]"),
    ("y_i = max(x_i, z_i)", "∂l/∂x_n", "(1/2) ∂l/∂y_n (1 + sign(x_n − z_n))"),
    ("y_i = min(x_i, a)", "∂l/∂x_n", "(1/2) ∂l/∂y_n (1 + sign(a − x_n))"),
    ("y_ij = max(x_i, z_j)", "∂l/∂x_n", None),
    ("y_i = clip(x_i, -1, 1)", "∂l/∂x_n", "∂l/∂y_n [−1 ≤ x_n ≤ 1]"),
    ("y_i = clip(x_i, a, b)", "∂l/∂x_n", "∂l/∂y_n [a ≤ x_n ≤ b]"),
    ("y_i = clip(x_i, a, b)", "∂l/∂b", "∂l/∂y_i ([a > b] + [a ≤ b < x_i])"),
    ("y_i = clip(x_i + 3, 0, 6)/6", "∂l/∂x_n", "(1/6) ∂l/∂y_n [−3 ≤ x_n ≤ 3]"),
    ("c = 1_i relu(1 - t_i x_i)", "∂c/∂x_n", "−t_n [t_n x_n < 1]"),
    ("r = (1_i abs(x_i)^p)^(1/p)", "∂r/∂x_n", "abs(x_n)^(p − 1) sign(x_n) r^(1 − p)"),
    ("r = (1_i abs(x_i)^3)^(1/3)", "∂r/∂x_n", None),
    ("h_i = relu(w_ij x_j); c = 1_i h_i^2", "∂c/∂w_nm", "2 h_n x_m [h_n > 0]"),
    ("h_bj = relu(x_bi A_ij + 1_b b_j)", "∂l/∂b_n", "∂l/∂h_in [h_in > 0]"),
    ("y_i = max(min(x_i, a), x_i^3)", "∂l/∂x_n", None),
    ("y_b = (1/2) (1 + erf(relu(x_bi w_i) - a))", "∂l/∂w_n", None),
]


@pytest.mark.parametrize(("equations", "goal", "result"), DERIVED)
def test_a_gradient(equations: str, goal: str, result: str | None) -> None:
    derived = derivation(equations, goal)
    if result is not None:
        assert write_text(derived.result, derived.graph, (derived.goals[0],)) == result
    report = verify(derived)
    assert {line.grade for line in report.lines} <= {"exact", "sampled"}
    assert all(stage.rejected == stage.mutants for stage in report.stages)
    assert not any(stage.warnings for stage in report.stages)
    assert report.method == "complex step"


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        ("y_i = relu(x_i)", lambda v: np.maximum(v, 0)),
        ("y_i = leaky_relu(x_i, 0.1)", lambda v: np.where(v > 0, v, 0.1 * v)),
        ("y_i = clip(x_i, -1, 1)", lambda v: np.clip(v, -1, 1)),
        ("y_i = abs(x_i - 1/3)", lambda v: np.abs(v - 1 / 3)),
        ("y_i = max(x_i, 2 x_i - 1)", lambda v: np.maximum(v, 2 * v - 1)),
        ("y_i = x_i clip(x_i + 3, 0, 6)/6", lambda v: v * np.clip(v + 3, 0, 6) / 6),
        ("y_i = sigmoid(x_i) softplus(x_i)", lambda v: np.log1p(np.exp(v)) / (1 + np.exp(-v))),
    ],
)
def test_a_derivative_is_that_of_differences(function: str, formula) -> None:  # type: ignore[no-untyped-def]
    """NumPy's own functions, differenced away from the kinks."""
    derived = derivation(function, "∂l/∂x_n")
    v = np.random.default_rng(1).uniform(-4, 4, 40)
    upstream = np.random.default_rng(2).normal(size=40)
    size = {derived.graph.axis_size(name, 0): 40 for name in "xy"}
    values = Values({"x": v, "y": formula(v)}, {}, size)
    ours = Compiled(derived.result, derived.goals[0].variable.indices)
    found = ours(values, lambda _: upstream)
    step = 1e-6
    np.testing.assert_allclose(
        found, upstream * (formula(v + step) - formula(v - step)) / (2 * step), atol=1e-7
    )


def test_both_sides_of_a_kink_are_sampled() -> None:
    report = verify(derivation("y_i = clip(x_i, -5, 5)", "∂y_i/∂x_n"))
    assert set(report.domain.values()) == {"wide"}
    assert not report.stages[0].warnings
    far = verify(derivation("y_i = relu(sin(x_i) - 2) + x_i", "∂y_i/∂x_n"))
    assert any("one side of a kink" in warning for warning in far.stages[0].warnings)


def test_conventions_are_said_in_every_format() -> None:
    derived = derivation("y_i = relu(x_i) [x_i > a] [k <= i] z_k", "∂l/∂x_n")
    said = conventions(derived.graph)
    assert derived.conventions == said
    assert said == (
        "The derivative of a comparison [·] is taken as 0, also where it jumps.",
        "The derivative of relu at 0 is taken as 0.",
    )
    for text in (derived.text(), latex(derived), latex_document(derived)):
        assert "The derivative of relu at 0 is taken as 0." in text
    assert "relu at 0" in markdown(derived)
    assert to_json(derived)["conventions"] == list(said)
    assert not derivation("y_q = [k <= q] x_k", "∂l/∂x_n").conventions


def test_sympy_functions() -> None:
    u, v = symbols("u v", cls=IndexedBase)
    j = symbols("j")
    found = derive.derivation([Eq(v[j], Max(u[j], 0, 3 * u[j]))], "∂v_j/∂u_n")
    assert verify(found).ok


def test_every_row_has_a_spelling() -> None:
    for name, row in ELEMENTARY.items():
        assert row.name == name
        assert row.torch
        assert row.jax
        assert (row.pieces is None) == (not row.convention)


# Functions that are only letters -------------------------------------------------------------

OPAQUE = [
    ("y_i = f(x_i)", "∂y_i/∂x_n", "f'(x_i) δ_in"),
    ("y_i = f(x_i)", "∂l/∂x_n", "∂l/∂y_n f'(x_n)"),
    ("y_i = f'(x_i)", "∂l/∂x_n", "∂l/∂y_n f''(x_n)"),
    ("c = 1_i f(x_i) g(x_i)", "∂c/∂x_n", "f(x_n) g'(x_n) + f'(x_n) g(x_n)"),
    ("y_i = f(g(x_i))", "∂l/∂x_n", "∂l/∂y_n f'(g(x_n)) g'(x_n)"),
    ("u_i = g(x_i); y_i = f(u_i)", "∂l/∂x_n", "∂l/∂y_n f'(u_n) g'(x_n)"),
    ("c = 1_i f(x_i)/(1_j g(x_j))", "∂c/∂x_n", "(f'(x_n) − g'(x_n) c)/(1_i g(x_i))"),
    ("y_i = φ(w_ij x_j + b_i)", "∂l/∂w_nm", "∂l/∂y_n x_m φ'(w_nj x_j + b_n)"),
    ("y_i = f1(x_i)^a log(f1(x_i))", "∂l/∂x_n", None),
    ("y_i = relu(f(x_i) - 2)", "∂l/∂x_n", None),
]


@pytest.mark.parametrize(("equations", "goal", "result"), OPAQUE)
def test_a_function_that_is_only_a_letter(equations: str, goal: str, result: str | None) -> None:
    derived = derivation(equations, goal)
    text = write_text(derived.result, derived.graph, (derived.goals[0],))
    assert result is None or text == result
    letters = derived.goals[0].variable.indices
    for ascii_only in (False, True):
        line = write_text(derived.result, derived.graph, (derived.goals[0],), ascii=ascii_only)
        goal_letters = [*getattr(derived.goals[0].function, "indices", ()), *letters]
        assert read_expression(line, derived.graph, goal_letters) == derived.result
    report = verify(derived)
    assert {line.grade for line in report.lines} <= {"exact", "sampled"}
    assert any("smooth function" in sentence for sentence in derived.conventions)


def test_a_letter_that_is_a_tensor_is_a_factor() -> None:
    graph = read_graph("y_i = a(x_i + 1) + a; z_i = f(x_i) + f'(x_i) + f″(x_i)")
    assert "a*" in str(graph["y"].rhs)
    assert write_text(graph["z"].rhs, graph) == "f(x_i) + f'(x_i) + f''(x_i)"
    assert write_latex(graph["z"].rhs, graph) == "f(x_{i}) + f'(x_{i}) + f''(x_{i})"
    assert derivation("y_i = φ(f(x_i)) g(x_i)", "∂l/∂x_n").conventions == (
        "f, g and φ stand for any smooth functions.",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y_i = e(x_i)", "e is not a known function"),
        ("y_i = π(x_i)", "π is not a known function"),
        ("y_i = fo(x_i)", "fo is not a known function"),
        ("y_i = sinn(x_i)", "did you mean `sin`"),
        ("y_i = a'(x_i) + a", "a is a tensor"),
        ("y_i = f(x_i, x_i)", "f has 1 argument"),
    ],
)
def test_what_is_no_function(text: str, message: str) -> None:
    with pytest.raises(NotationError, match=message):
        read_graph(text)


def test_derivatives_of_the_function_that_stands_for_an_opaque_one() -> None:
    u, step = np.linspace(-3, 3, 13), 1e-4
    for order in range(4):
        slope = (opaque("f", order, u + step) - opaque("f", order, u - step)) / (2 * step)
        np.testing.assert_allclose(opaque("f", order + 1, u), slope, atol=1e-7)
    assert (opaque("f", 0, u) > 0).all()
    assert not np.allclose(opaque("f", 0, u), opaque("g", 0, u))
