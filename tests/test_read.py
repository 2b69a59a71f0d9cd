"""Facts about the notation: what is read, and where each dummy is summed."""

from __future__ import annotations

import pytest
from sympy import E, Expr, Integer, KroneckerDelta, Rational, cos, exp, log, pi, sqrt

from derive.expressions import Contraction, Graph, Index, One, Partial, Size, tensor
from derive.notation import read_expression, read_goal, read_graph

i, j, k, n = (Index(letter) for letter in "ijkn")
b, h = Index("b"), Index("h")
T = Index("T")


def x(*indices: Expr) -> Expr:
    return tensor("x", *indices)


def y(*indices: Expr) -> Expr:
    return tensor("y", *indices)


def bare(expr: Expr) -> Expr:
    """The expression without sizes."""
    return expr.replace(lambda node: isinstance(node, Index), lambda node: node.sized(None))


def read(text: str, free: str = "") -> Expr:
    """An expression of a graph without equations, sizes left out."""
    return bare(read_expression(text, Graph([]), free))


SPELLINGS = [
    ("a b", "a*b"),
    ("a b", "a·b"),
    ("a b", "a × b"),
    ("a - b", "a − b"),
    ("2x_i y_i", "2 x_i y_i"),
    ("(a)(b)", "a b"),
    ("a [b + c]", "a (b + c)"),
    ("x_{i,j} y_ij", "x_ij y[i, j]"),
    ("x_{i j} y_ij", "x_{ij} y[i j]"),
    ("sigma + mu", "σ + μ"),
    ("Gamma", "Γ"),
    ("gamma1", "γ1"),
    ("varepsilon", "ε"),
    ("ϵ", "ε"),
    ("x\u0302", "x̂"),
    ("x_i x_i", "x_i * x_i"),
    ("a^2", "a²"),
    ("a**2", "a²"),
    ("σ⁻¹", "1/σ"),
    ("σ⁻¹²", "1/σ^12"),
    ("a^-1", "a^(-1)"),
    ("a^{-1/2}", "1/sqrt(a)"),
    ("a^b^c", "a^(b^c)"),
    ("-a^2", "-(a^2)"),
    ("-a b", "-(a b)"),
    ("√a", "sqrt(a)"),
    ("√(a b)", "sqrt(a b)"),
    ("√(a)^3", "a^(3/2)"),
    ("log a b", "log(a) b"),
    ("log a^2", "log(a^2)"),
    ("log(a)^2", "(log(a))^2"),
    ("log (a)^2", "(log(a))^2"),
    ("log exp(a b)", "log(exp(a b))"),
    ("ln a", "log a"),
    ("arctan(a)", "atan(a)"),
    ("e^a", "exp(a)"),
    ("e^{a b}", "exp(a b)"),
    ("e^(a) b", "exp(a) b"),
    ("1/e", "exp(-1)"),
    ("a/b*c", "(a/b) c"),
    ("a*b/c", "(a b)/c"),
    ("a b/c", "(a b)/c"),
    ("a/b/c", "a/(b c)"),
    ("0.5", "1/2"),
    (".25 a", "a/4"),
    ("1e-3", "1/1000"),
    ("1_ij y_ij", "1_i 1_j y_ij"),
    ("1_{i,j} y_ij", "1[i, j] y_ij"),
    ("∂c/∂x_i x_i", "d c / d x_i x_i"),
    ("∂c/∂x_i|_s x_i", "d c / d x_i|_s x_i"),
    ("∂c/∂x_i|_{s,u} x_i", "∂c/∂x_i|_{u, s} x_i"),
    ("δ_ij x_i y_j", "delta_{i,j} x_i y_j"),
    ("x_i'  y_i'", "x[i'] y[i′]"),
    ("x_{μ,ν} y_{ν,μ}", "x_{mu, nu} y[nu, mu]"),
    ("π", "pi"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_two_spellings_of_one_expression(one: str, other: str) -> None:
    assert read(one) == read(other)


MEANINGS = [
    ("x_i", "i", x(i)),
    ("x_0 + x_{10}", "", x(Integer(0)) + x(Integer(10))),
    ("x_10", "", x(Integer(10))),
    ("x_i0", "i", x(i, Integer(0))),
    ("x_T", "", x(T)),
    ("δ_ij", "ij", KroneckerDelta(i, j)),
    ("δ_{n,T}", "n", KroneckerDelta(n, T)),
    ("1_j", "j", One(j)),
    ("2.50", "", Rational(5, 2)),
    ("2 pi e", "", 2 * pi * E),
    ("sqrt(y_i)", "i", sqrt(y(i))),
    ("-log s_T", "", -log(tensor("s", T))),
    ("loss", "", tensor("loss")),
    ("W1_i", "i", tensor("W1", i)),
    ("∂x_i/∂x_n", "in", Partial(x(i), x(n))),
    ("∂log s_T/∂s_i", "i", Partial(log(tensor("s", T)), tensor("s", i))),
    ("∂(a b)/∂x_n", "n", Partial(tensor("a") * tensor("b"), x(n))),
    ("∂exp(u)/∂(x_j/τ)", "j", Partial(exp(tensor("u")), x(j) / tensor("τ"))),
    ("∂y_i^2/∂y_i", "i", Partial(y(i) ** 2, y(i))),
]


@pytest.mark.parametrize(("text", "free", "expected"), MEANINGS)
def test_what_a_text_means(text: str, free: str, expected: Expr) -> None:
    assert read(text, free) == expected


SUMS = [
    # Over the smallest product that holds all occurrences.
    ("x_i y_i", "", Contraction(x(i) * y(i), i)),
    ("x_i y_i z_i", "", Contraction(x(i) * y(i) * tensor("z", i), i)),
    ("2 (x_i y_i) z", "", 2 * tensor("z") * Contraction(x(i) * y(i), i)),
    ("a_i (x_i y_i)", "", Contraction(tensor("a", i) * x(i) * y(i), i)),
    ("sqrt(x_i x_i)", "", sqrt(Contraction(x(i) ** 2, i))),
    ("log(1_j exp(x_j))", "", log(Contraction(One(j) * exp(x(j)), j))),
    ("1_j log(exp(x_j) + 1)", "", Contraction(One(j) * log(exp(x(j)) + 1), j)),
    ("(x_i y_i)^2", "", Contraction(x(i) * y(i), i) ** 2),
    ("(1_i x_i)^2", "", Contraction(One(i) * x(i), i) * Contraction(One(j) * x(j), j)),
    ("1_i exp(x_i y_i)", "", Contraction(One(i) * exp(x(i) * y(i)), i)),
    ("x_i exp(x_i y_i)", "", Contraction(x(i) * exp(x(i) * y(i)), i)),
    ("x_i (x_i y_i)", "", Contraction(x(i) ** 2 * y(i), i)),
    ("1_i x_i^2", "", Contraction(One(i) * x(i) ** 2, i)),
    ("x_i/y_i", "", Contraction(x(i) / y(i), i)),
    ("x_k/(1_i y_i)", "k", x(k) / Contraction(One(i) * y(i), i)),
    ("x_ii", "", Contraction(x(i, i), i)),
    ("δ_ii", "", Contraction(One(i), i)),
    ("1_i 1_i", "", Contraction(One(i), i)),
    ("s_{b,T_b}", "", Contraction(tensor("s", b, tensor("T", b, integer=True)), b)),
    ("x_ik y_kj", "ij", Contraction(x(i, k) * y(k, j), k)),
    # A sum sign binds its letters over the rest of the product.
    ("Σ_j exp(x_j)", "", Contraction(exp(x(j)), j)),
    ("sum_j x_j y_j", "", Contraction(x(j) * y(j), j)),
    ("∑_{i,j} y_ij", "", Contraction(y(i, j), i, j)),
    ("Σ_j x_j y_j + Σ_j y_j", "", Contraction(x(j) * y(j), j) + Contraction(y(j), j)),
    ("(Σ_j x_j) (Σ_j y_j)", "", Contraction(x(j), j) * Contraction(y(j), j)),
    ("(Σ_j x_j)^2", "", Contraction(x(j), j) ** 2),
    ("x_k Σ_j y_j", "k", x(k) * Contraction(y(j), j)),
    ("x_k z_k Σ_j y_j x_k", "", Contraction(x(k) ** 2 * tensor("z", k) * Contraction(y(j), j), k)),
    ("Σ_j x_j Σ_k y_jk", "", Contraction(x(j) * y(j, k), j, k)),
    ("log Σ_j exp(x_j)", "", log(Contraction(exp(x(j)), j))),
    ("Σ_j (x_j - a)^2", "", Contraction((x(j) - tensor("a")) ** 2, j)),
    ("Σ_j (y_kj - x_k)^2", "k", Contraction((y(k, j) - One(j) * x(k)) ** 2, j)),
    ("a - Σ_j x_j", "", tensor("a") - Contraction(x(j), j)),
    # Each additive term has sums of its own.
    ("x_i y_i - x_j y_j", "", Integer(0)),
    ("x_i y_i + 1_i x_i", "", Contraction(x(i) * y(i), i) + Contraction(One(j) * x(j), j)),
    ("1_h (x_bh - 1_h y_b)^2", "b", Contraction(One(h) * (x(b, h) - One(h) * y(b)) ** 2, h)),
    # Free letters and labels are never summed.
    ("x_i y_i", "i", x(i) * y(i)),
    ("x_ii", "i", x(i, i)),
    ("1_i x_i", "i", One(i) * x(i)),
    ("x_T y_T", "", x(T) * y(T)),
    # A derivative is one factor; what stands only in its numerator is summed there.
    ("∂c/∂y_i ∂y_i/∂x_n", "n", Contraction(
        Partial(tensor("c"), y(i)) * Partial(y(i), x(n)), i)),
    ("1_j ∂exp(x_j)/∂x_j", "", Contraction(One(j) * Partial(exp(x(j)), x(j)), j)),
    ("∂(x_i y_i)/∂x_n", "n", Partial(Contraction(x(i) * y(i), i), x(n))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "free", "expected"), SUMS)
def test_where_a_dummy_is_summed(text: str, free: str, expected: Expr) -> None:
    assert read(text, free) == expected


@pytest.mark.parametrize(
    ("one", "other", "free"),
    [
        ("1_j exp(x_j)", "1_k exp(x_k)", ""),
        ("x_ij y_j", "x_ik y_k", "i"),
        ("exp(x_n)/(1_j exp(x_j))", "exp(x_n)/(1_k exp(x_k))", "n"),
        ("(1_i x_i) (1_j x_j)", "(1_i x_i)^2", ""),
        ("1_i (1_j x_ij)", "1_j (1_i x_ji)", ""),
    ],
)
def test_the_letters_of_dummies_do_not_matter(one: str, other: str, free: str) -> None:
    assert read(one, free) == read(other, free)


def test_a_square_of_a_sum_is_no_sum_of_squares() -> None:
    assert read("(1_i x_i)^2") != read("1_i x_i^2")
    assert read("(1_i x_i)^2") == read("1_i x_i (1_j x_j)")


SOFTMAX = "s_i = exp(x_i) / sigma; sigma := 1_j exp(x_j); c = -log(s_T)"


def test_equations_of_the_softmax() -> None:
    graph = read_graph(SOFTMAX)
    assert [equation.name for equation in graph.equations] == ["s", "σ", "c"]
    assert [equation.kind for equation in graph.equations] == [
        "definition",
        "abbreviation",
        "definition",
    ]
    assert bare(graph["s"].rhs) == exp(x(i)) / tensor("σ")
    assert bare(graph["σ"].rhs) == Contraction(One(j) * exp(x(j)), j)
    assert bare(graph["c"].rhs) == -log(tensor("s", T))
    assert graph.inputs == ("x",)


def test_equations_come_in_one_text_or_in_a_list() -> None:
    lines = SOFTMAX.replace("; ", "\n\n") + "  # the loss\n# nothing\n"
    equations = read_graph(SOFTMAX).equations
    assert read_graph(lines).equations == equations
    assert read_graph(SOFTMAX.split(";")).equations == equations


def test_a_name_that_is_a_tensor_may_stand_before_a_bracket() -> None:
    graph = read_graph("y = a(b + c) a; z_i = x_i(1 + y)")
    assert bare(graph["y"].rhs) == tensor("a") ** 2 * (tensor("b") + tensor("c"))
    graph = read_graph("y_i = s(x_i)^2; s = 1_i x_i")
    assert bare(graph["y"].rhs) == tensor("s") * x(i) ** 2


def test_numbers_with_names_give_way_to_tensors() -> None:
    assert bare(read_graph("y = e^x")["y"].rhs) == exp(tensor("x"))
    assert bare(read_graph("e = x; y = e^x")["y"].rhs) == tensor("e") ** tensor("x")
    assert bare(read_graph("y = e_i e_i")["y"].rhs) == Contraction(tensor("e", i) ** 2, i)
    assert bare(read_graph("π_i = exp(x_i); y = 1_i π_i")["y"].rhs) == Contraction(
        One(i) * tensor("π", i), i
    )


def test_an_index_that_cancels_is_broadcast() -> None:
    assert bare(read_graph("y_i = x_i / x_i")["y"].rhs) == One(i)
    assert bare(read_graph("y = x_i / x_i")["y"].rhs) == Contraction(One(i), i)


def test_a_scalar_may_be_added_to_anything() -> None:
    assert bare(read_graph("y_i = x_i + ε - 1")["y"].rhs) == x(i) + tensor("ε") - 1


def test_the_letters_of_each_axis() -> None:
    graph = read_graph("s_i = exp(x_i) / (1_j exp(x_j)); c = 1_k s_k x_k s_0 x_T")
    assert graph.letters == {("s", 0): ("i", "k"), ("x", 0): ("j", "k", "i")}
    graph = read_graph("c_b = -log(s_{b,T_b})")
    assert graph.letters == {("c", 0): ("b",), ("s", 0): ("b",), ("T", 0): ("b",)}


def test_sizes_are_inferred_and_named() -> None:
    graph = read_graph("m_b = 1/H*1_h x_bh", sizes={"h": "H", "b": 8})
    assert graph.axis_size("x", 1) == Size("H")
    assert graph.axis_size("m", 0) == 8
    assert graph["m"].rhs.has(Size("H"))
    assert read_graph("y_h = x_h", sizes={"h": "eta"}).axis_size("y", 0) == Size("η")


def test_an_index_over_no_axis_is_as_long_as_its_letter_elsewhere() -> None:
    graph = read_graph("y = 1_h 1_h", sizes={"h": "H"})
    assert graph["y"].rhs == Contraction(One(Index("h", Size("H"))), Index("h", Size("H")))
    graph = read_graph("m_b = 1/H*1_h x_bh", sizes={"h": "H"})
    assert {index.size for index in read_expression("1_h 1_h", graph).atoms(Index)} == {Size("H")}


def test_labels_are_letters_or_tensors() -> None:
    graph = read_graph("c_b = -log(s[b, target[b]])")
    assert graph.labels == {"target"}
    assert bare(graph["c"].rhs) == -log(tensor("s", b, tensor("target", b, integer=True)))


GOALS = [
    ("∂c/∂x_n", "c", "x_n"),
    ("d c / d x_n", "c", "x_n"),
    ("d c/d x_n", "c", "x_n"),
    ("(∂c/∂x_n)", "c", "x_n"),
    ("∂s_i/∂x_n", "s_i", "x_n"),
    ("∂s_j/∂x_i", "s_j", "x_i"),
    ("∂sigma/∂x_n", "σ", "x_n"),
    ("∂l/∂x_n", "l", "x_n"),
    ("∂c/∂s_m", "c", "s_m"),
]


@pytest.mark.parametrize(("text", "above", "below"), GOALS)
def test_goals(text: str, above: str, below: str) -> None:
    graph = read_graph(SOFTMAX)
    goal = read_goal(text, graph)
    assert goal == Partial(*(read_expression(side, graph, "ijmn") for side in (above, below)))
    assert {index.size for index in goal.free_symbols if isinstance(index, Index)} == {
        graph.axis_size("x", 0)
    }


def test_a_goal_may_hold_names_fixed() -> None:
    goal = read_goal("∂s_i/∂x_n|_{sigma}", read_graph(SOFTMAX))
    assert goal.held == ("σ",)


def test_a_goal_does_not_capture_the_letters_of_dummies() -> None:
    graph = read_graph(SOFTMAX)
    goal = read_goal("∂s_i/∂x_j", graph)
    result = read_expression("s_i (δ_ij - s_j)", graph, "ij")
    assert {index.name for index in goal.free_symbols if isinstance(index, Index)} == {"i", "j"}
    assert result.expand() == read_expression("s_i δ_ij - s_i s_j", graph, "ij")
    moved = graph["s"].at(goal.variable.indices)
    assert bare(moved) == exp(x(j)) / tensor("σ")
    assert bare(graph["σ"].rhs) == Contraction(One(k) * exp(x(k)), k)


def test_indices_come_out_with_sizes() -> None:
    graph = read_graph(SOFTMAX)
    size = graph.axis_size("x", 0)
    expr = read_expression("s_n - δ_Tn + 1_j s_j", graph, "n")
    assert {node.size for node in expr.atoms(Index)} == {size}
    sized = read_expression("1_n", graph, [Index("n", size)])
    assert sized == One(Index("n", size))


def test_a_line_may_be_factored() -> None:
    m = Index("m")
    expr = read_expression("s_n (δ_nm - s_m)", read_graph(SOFTMAX), "mn")
    assert bare(expr) == tensor("s", n) * (KroneckerDelta(n, m) - tensor("s", m))


def test_functions_of_the_table() -> None:
    assert read("cos(x_i) y_i") == Contraction(cos(x(i)) * y(i), i)
