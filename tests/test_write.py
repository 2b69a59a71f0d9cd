"""What is printed as text reads back to an equal expression, and looks as an author writes it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from amount import some_of
from expressions import FREE, GOAL, article_graph, is_regular, random_expression, summed, unmarked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import (
    Add,
    Expr,
    Function,
    KroneckerDelta,
    Mul,
    Rational,
    S,
    Symbol,
    exp,
    log,
    sin,
    sqrt,
)

import derive
from derive.errors import NotationError
from derive.expressions import (
    Contraction,
    Equation,
    Graph,
    Index,
    Maximum,
    Minimum,
    One,
    Partial,
    ProductOver,
    Size,
    tensor,
)
from derive.notation.goals import read_expression
from derive.notation.write import write_equation_text, write_text

i, j, k, n, m, T = (Index(name) for name in "ijknmT")


def x(*indices: Expr) -> Expr:
    return tensor("x", *indices)


def s(*indices: Expr) -> Expr:
    return tensor("s", *indices)


def A(*indices: Expr) -> Expr:
    return tensor("A", *indices)


σ, c, loss, τ = (tensor(name) for name in "σclτ")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return article_graph()


# Lines of the article -----------------------------------------------------------------------

ARTICLE = [
    (Contraction(One(j) * Partial(exp(x(j)), x(n)), j), "1_j ∂exp(x_j)/∂x_n"),
    (
        Contraction(One(j) * Partial(exp(x(j)), x(j)) * Partial(x(j), x(n)), j),
        "1_j ∂exp(x_j)/∂x_j ∂x_j/∂x_n",
    ),
    (Contraction(One(j) * exp(x(j)) * KroneckerDelta(j, n), j), "1_j exp(x_j) δ_jn"),
    (
        (Partial(exp(x(i)), x(n)) * σ - exp(x(i)) * Partial(σ, x(n))) / σ**2,
        "(1/σ²) (∂exp(x_i)/∂x_n σ − exp(x_i) ∂σ/∂x_n)",
    ),
    (
        (exp(x(i)) * KroneckerDelta(i, n) * σ - exp(x(i)) * exp(x(n))) / σ**2,
        "(1/σ²) (exp(x_i) δ_in σ − exp(x_i) exp(x_n))",
    ),
    (s(i) * KroneckerDelta(i, n) - s(i) * s(n), "s_i δ_in − s_i s_n"),
    (-Partial(log(s(T)), s(i)), "−∂log(s_T)/∂s_i"),
    (-KroneckerDelta(i, T) / s(T), "−(1/s_T) δ_iT"),
    (Contraction(Partial(c, s(i)) * Partial(s(i), x(n)), i), "∂c/∂s_i ∂s_i/∂x_n"),
    (
        Contraction(-KroneckerDelta(i, T) / s(T) * (s(i) * KroneckerDelta(i, n) - s(i) * s(n)), i),
        "−(1/s_T) δ_iT (s_i δ_in − s_i s_n)",
    ),
    (s(n) - KroneckerDelta(T, n), "s_n − δ_Tn"),
    (Partial(loss, c) * (s(n) - KroneckerDelta(T, n)), "∂l/∂c (s_n − δ_Tn)"),
]


@pytest.mark.parametrize(("expr", "text"), ARTICLE, ids=[text for _, text in ARTICLE])
def test_lines_of_the_article(graph: Graph, expr: Expr, text: str) -> None:
    assert write_text(expr, graph, (GOAL,)) == text


LAYOUT = [
    (x(n) / sqrt(Contraction(x(i) ** 2, i)), "x_n/√(x_j x_j)"),
    (exp(-x(i)) / (1 + exp(-x(i))) ** 2, "exp(−x_i)/(1 + exp(−x_i))²"),
    (x(i) * (1 - x(i)), "x_i (1 − x_i)"),
    (-s(i) * log(x(i)) - (1 - s(i)) * log(1 - x(i)), "−s_i log(x_i) − (1 − s_i) log(1 − x_i)"),
    (x(i) / 2, "x_i/2"),
    (3 * x(i) / 2, "(3/2) x_i"),
    (Contraction(x(i) * s(i), i) / 2, "(1/2) x_i s_i"),
    (Contraction(exp(x(i)), i) / Size("H"), "(1/H) 1_j exp(x_j)"),
    ((x(i) - s(i)) / τ, "(x_i − s_i)/τ"),
    (x(i) + τ, "x_i + τ"),
    (sqrt(τ + x(i)), "√(x_i + τ)"),
    (x(i) ** Rational(3, 2), "x_i^(3/2)"),
    (2 * 2 ** x(i), "2 · 2^(x_i)"),
    (sin(x(i)) * KroneckerDelta(i, n), "sin(x_i) δ_in"),
    (Partial(c, x(n), "s"), "∂c/∂x_n|_s"),
    (Partial(c, x(n), "u", "s"), "∂c/∂x_n|_{s,u}"),
    (s(tensor("t", n, integer=True)), "s_{t_n}"),
    (
        Contraction(Partial(loss, A(i, j)) * tensor("B", i, j) / s(i), i),
        "∂l/∂A_ij B_ij/s_i",
    ),
    (S.Zero, "0"),
    (-Rational(1, 2), "−1/2"),
    (S.Exp1 * x(i), "exp(1) x_i"),
]


@pytest.mark.parametrize(("expr", "text"), LAYOUT, ids=[text for _, text in LAYOUT])
def test_layout(graph: Graph, expr: Expr, text: str) -> None:
    assert write_text(expr, graph) == text


def test_equations(graph: Graph) -> None:
    assert [write_equation_text(equation, graph) for equation in graph.equations] == [
        "σ := 1_j exp(x_j)",
        "s_i = exp(x_i)/σ",
        "c = −log(s_T)",
    ]


def test_ascii(graph: Graph) -> None:
    expr = (Partial(exp(x(i)), x(n)) * σ - exp(x(i)) * KroneckerDelta(i, n) * sqrt(x(i))) / σ**2
    assert write_text(expr, graph, ascii=True) == (
        "(1/sigma^2) (d exp(x_i)/d x_n sigma - exp(x_i) sqrt(x_i) delta_in)"
    )


# Scopes and letters -------------------------------------------------------------------------

SCOPES = [
    (Contraction(x(i) ** 2, i), "x_j x_j"),
    (Contraction(x(i) ** 3, i), "x_j x_j²"),
    (Contraction(One(i) * x(i) ** 2, i), "1_j x_j²"),
    (Contraction(One(i), i), "1_i 1_i"),
    (Contraction(x(i) ** 2, i) ** 2, "(x_j x_j)²"),
    (1 / Contraction(x(i) ** 2, i), "1/(x_j x_j)"),
    (Contraction(1 / (x(i) * s(i)), i), "(1/x_i) (1/s_i)"),
    (1 / Contraction(x(i) * s(i), i), "1/(x_i s_i)"),
    (Contraction(x(i) / s(i), i), "x_i/s_i"),
    (Contraction(exp(x(i)), i) * Contraction(s(i) * x(i), i), "1_j exp(x_j) x_i s_i"),
    (
        x(n) * (1 + Contraction(exp(x(i)), i)) * Contraction(x(i) ** 2, i),
        "x_j x_j x_n (1 + 1_i exp(x_i))",
    ),
    (Contraction(x(i) ** 2, i) + Contraction(s(i) ** 2, i), "x_j x_j + s_i s_i"),
    (Contraction(A(i, i), i) ** 2, "(A_ii)²"),
    (Contraction(A(i, i) ** 2, i), "A_ii A_ii"),
    (Contraction(Contraction(A(i, j), j) ** 2, i), "(1_j A_ij) (1_k A_ik)"),
    (Contraction((x(i) - 1) ** 2, i), "(x_j − 1) (x_j − 1)"),
]


@pytest.mark.parametrize(("expr", "text"), SCOPES, ids=[text for _, text in SCOPES])
def test_scopes(graph: Graph, expr: Expr, text: str) -> None:
    assert write_text(expr, graph) == text


def test_letters_avoid_the_line(graph: Graph) -> None:
    total = Contraction(exp(x(j)), j)
    assert write_text(total, graph) == "1_j exp(x_j)"
    assert write_text(total * x(j), graph) == "1_i exp(x_i) x_j"
    assert write_text(total, graph, (Partial(x(i), x(j)),)) == "1_k exp(x_k)"
    assert write_text(total + tensor("j"), graph) == "1_i exp(x_i) + j"


def test_letters_run_out(graph: Graph) -> None:
    letters = [Index(name) for name in "abcdfghijkmnpqrtuvw"]
    expr = Contraction(exp(x(Index("z"))), Index("z")) * Mul(*map(x, letters))
    assert write_text(expr, graph).startswith("1_{i'} exp(x_{i'}) x_a x_b")


def test_letters_come_from_axes_of_the_same_size() -> None:
    graph = Graph([Equation(tensor("y", k), x(k) ** 2)], letters={("y", 0): ("k",)})
    total = graph.sized(Contraction(One(i) * x(i) ** 2, i))
    assert write_text(total, graph) == "1_k x_k²"


# Sum signs ----------------------------------------------------------------------------------

SIGNS = [
    (Contraction(exp(x(i)), i), "Σ_j exp(x_j)"),
    (Contraction(x(i) ** 2, i), "Σ_j x_j²"),
    (Contraction(One(i), i), "Σ_i 1"),
    (Contraction(A(i, j), i, j), "Σ_ij A_ij"),
    (Contraction(x(i), i) ** 2, "(Σ_j x_j)²"),
    (Contraction(x(i), i) * Contraction(exp(s(i)), i), "(Σ_i exp(s_i)) Σ_j x_j"),
    (x(n) / Contraction(exp(x(i)), i), "x_n/(Σ_j exp(x_j))"),
    (Contraction(exp(x(i)), i) / τ, "(1/τ) Σ_j exp(x_j)"),
    (Contraction(x(i) - τ, i) + σ, "σ + Σ_j (x_j − τ)"),
    (log(Contraction(exp(x(i)), i)), "log(Σ_j exp(x_j))"),
    (sqrt(Contraction(x(i) ** 2, i)), "√(Σ_j x_j²)"),
    (2 ** Contraction(x(i), i), "2^(Σ_j x_j)"),
    (Contraction(Contraction(A(i, j), j) ** 2, i), "Σ_i (Σ_j A_ij)²"),
    (Contraction((A(n, i) - One(i) * x(n)) ** 2, i), "Σ_i (A_ni − x_n)²"),
    (Contraction(Partial(c, s(i)) * Partial(s(i), x(n)), i), "Σ_i ∂c/∂s_i ∂s_i/∂x_n"),
    (Partial(Contraction(exp(x(j)), j), x(n)), "∂(Σ_j exp(x_j))/∂x_n"),
    (One(m) * Contraction(A(i, n), i), "1_m Σ_i A_in"),
]


@pytest.mark.parametrize(("expr", "text"), SIGNS, ids=[text for _, text in SIGNS])
def test_sum_signs(graph: Graph, expr: Expr, text: str) -> None:
    assert write_text(expr, graph, (GOAL,), sums="sigma") == text


def test_a_tensor_is_not_named_like_a_sum_sign(graph: Graph) -> None:
    for name in ("Σ", "sum"):
        with pytest.raises(NotationError, match="read as a sum"):
            write_text(tensor(name, n), graph)


# Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expr",
    [
        Function("f")(x(i)),
        S.Infinity,
        S.ImaginaryUnit * x(i),
        Symbol("y") > 1,
        Size("x.0"),
        x(Index("_0")),
        x(i**2),
        x(S.Half),
    ],
    ids=str,
)
def test_what_the_notation_cannot_say_is_refused(graph: Graph, expr: Expr) -> None:
    with pytest.raises(NotationError):
        write_text(expr, graph)


# Reading back -------------------------------------------------------------------------------

INDICES = st.sampled_from([*FREE, i, j, k, T, tensor("t", n, integer=True), S.Zero])


def leaves() -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(x, INDICES),
        st.builds(s, INDICES),
        st.builds(A, INDICES, INDICES),
        st.builds(lambda a: One(a) if isinstance(a, Index) else S.One, INDICES),
        st.builds(KroneckerDelta, INDICES, INDICES),
        st.sampled_from([σ, loss, τ]),
        st.integers(-3, 3).map(S),
        st.sampled_from([Rational(1, 2), Rational(-3, 2)]),
    )


def compounds(parts: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    exponents = st.sampled_from([S(2), S(3), S.Half, S(-1), S(-2), -S.Half])
    products = st.lists(parts, min_size=2, max_size=4).map(lambda factors: Mul(*factors))
    powers = st.builds(lambda part, exponent: apply(lambda u: u**exponent, part), parts, exponents)
    unary = [parts.map(lambda part: apply(exp, part)), parts.map(lambda part: apply(sin, part))]
    variables = st.one_of(st.builds(x, INDICES), st.sampled_from([s(i), A(n, m)]))
    partials = st.builds(Partial, parts, variables, st.sampled_from(["s", "x"]))
    partials |= st.builds(Partial, parts, variables)
    sums = st.lists(parts, min_size=2, max_size=3).map(lambda terms: Add(*terms))
    return st.one_of(sums, products, products.map(summed), powers, partials, *unary)


def apply(function: Callable[[Expr], Expr], part: Expr) -> Expr:
    """Functions of numbers are left out: the reader bounds them."""
    return part if part.is_number else function(part)


EXPRESSIONS = st.recursive(leaves(), compounds, max_leaves=12)


@settings(
    max_examples=some_of(300),
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(expr=EXPRESSIONS, spelled=st.booleans())
def test_text_reads_back(graph: Graph, expr: Expr, spelled: bool) -> None:
    expr = summed(expr)
    if not is_regular(expr):
        return
    text = write_text(expr, graph, (A(n, m),), ascii=spelled)
    assert text.isascii() or not spelled
    assert read_expression(text, graph, FREE) == graph.sized(expr), text


def holds_constant(expr: Expr) -> bool:
    """Whether a function is one of one-tensors alone: a constant, which the reader bounds."""
    plain = expr.replace(lambda part: isinstance(part, One), lambda part: S.One)
    return any(function.args[0].is_number for function in plain.atoms(exp, log, sin))


@settings(
    max_examples=some_of(300),
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(expr=EXPRESSIONS, spelled=st.booleans())
def test_text_with_sum_signs_reads_back(graph: Graph, expr: Expr, spelled: bool) -> None:
    expr = summed(expr)
    if not is_regular(expr) or holds_constant(expr):
        return
    text = write_text(expr, graph, (A(n, m),), ascii=spelled, sums="sigma")
    assert text.isascii() or not spelled
    found = read_expression(text, graph, FREE)
    assert unmarked(found) == unmarked(graph.sized(expr)), text


@pytest.mark.parametrize("seed", range(3))
def test_text_of_many_sum_signs_reads_back(graph: Graph, seed: int) -> None:
    source = Random(seed)
    for _ in range(some_of(50)):
        expr = random_expression(source)
        if holds_constant(expr):
            continue
        text = write_text(expr, graph, (A(n, m),), sums="sigma")
        found = read_expression(text, graph, FREE)
        assert unmarked(found) == unmarked(graph.sized(expr)), text


@pytest.mark.parametrize("seed", range(3))
def test_text_of_many_sums_reads_back(graph: Graph, seed: int) -> None:
    source = Random(seed)
    for _ in range(some_of(50)):
        expr = random_expression(source)
        text = write_text(expr, graph, (A(n, m),))
        found, expr = read_expression(text, graph, FREE), graph.sized(expr)
        if expr.has(Maximum, Minimum, ProductOver):
            found, expr = unmarked(found), unmarked(expr)
        assert found == expr, text


@pytest.mark.parametrize(
    ("equation", "shown"),
    [("q = x_i A_ij x_j", "A_ij"), ("q_b = x_bm A_mk x_bk", "A_mk"), ("q = A_ij y_j B_ji", "A_ij")],
)
def test_dummies_keep_the_letters_that_fit_all_of_their_axes(equation: str, shown: str) -> None:
    assert shown in derive.gradient(equation, wrt="A").text().splitlines()[0]
