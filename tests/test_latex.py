"""LaTeX as an author would write it, parsed by the real KaTeX."""

from __future__ import annotations

import random

import pytest
from amount import some_of
from expressions import GOAL, article_graph, random_expression
from sympy import Expr, KroneckerDelta, Rational, S, exp, log, sqrt
from typesetting import katex_complaints, require_katex

from derive.errors import NotationError
from derive.expressions import Contraction, Graph, Index, One, Partial, Size, tensor
from derive.notation.lines import write_latex_lines
from derive.notation.names import latex_name
from derive.notation.write import write_equation_latex, write_latex, write_text

i, j, n, b, T = (Index(name) for name in "ijnbT")
σ, c, loss = (tensor(name) for name in "σcl")


def x(*indices: Expr) -> Expr:
    return tensor("x", *indices)


def s(*indices: Expr) -> Expr:
    return tensor("s", *indices)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return article_graph()


FORMULAS = [
    (
        Contraction(One(j) * Partial(exp(x(j)), x(n)), j),
        r"\mathbf{1}_{j} \frac{\partial e^{x_{j}}}{\partial x_{n}}",
    ),
    (
        Contraction(One(j) * exp(x(j)) * KroneckerDelta(j, n), j),
        r"\mathbf{1}_{j} e^{x_{j}} \delta_{j n}",
    ),
    (
        (Partial(exp(x(i)), x(n)) * σ - exp(x(i)) * Partial(σ, x(n))) / σ**2,
        r"\frac{1}{\sigma^{2}} \left(\frac{\partial e^{x_{i}}}{\partial x_{n}} \sigma "
        r"- e^{x_{i}} \frac{\partial \sigma}{\partial x_{n}}\right)",
    ),
    (-Partial(log(s(T)), s(i)), r"-\frac{\partial \log s_{T}}{\partial s_{i}}"),
    (-KroneckerDelta(i, T) / s(T), r"-\frac{1}{s_{T}} \delta_{i T}"),
    (
        Contraction(Partial(c, s(i)) * Partial(s(i), x(n)), i),
        r"\frac{\partial c}{\partial s_{i}} \, \frac{\partial s_{i}}{\partial x_{n}}",
    ),
    (
        Partial(loss, c) * (s(n) - KroneckerDelta(T, n)),
        r"\frac{\partial l}{\partial c} \left(s_{n} - \delta_{T n}\right)",
    ),
    (x(n) * (1 - x(n)), r"x_{n} (1 - x_{n})"),
    (x(n) / sqrt(Contraction(x(i) ** 2, i)), r"\frac{x_{n}}{\sqrt{x_{j} x_{j}}}"),
    (
        Partial(x(i) / σ + sqrt(s(i)), x(n)),
        r"\frac{\partial}{\partial x_{n}} \left(\sqrt{s_{i}} + \frac{x_{i}}{\sigma}\right)",
    ),
    (
        Partial(exp(x(i) / σ), x(i) / σ),
        r"\frac{\partial e^{x_{i}/\sigma}}{\partial (x_{i}/\sigma)}",
    ),
    (exp(1 - x(i) / σ), r"e^{1 - x_{i}/\sigma}"),
    (exp(-(x(i) ** 2) / 2), r"e^{-x_{i}^{2}/2}"),
    (exp(sqrt(x(i))), r"\exp\left(\sqrt{x_{i}}\right)"),
    (exp(x(i) - x(T)), r"e^{x_{i} - x_{T}}"),
    (S.Exp1 * x(i), r"e x_{i}"),
    (log(x(i)) * KroneckerDelta(i, n), r"\log(x_{i}) \delta_{i n}"),
    (s(i) * log(x(i)), r"s_{i} \log x_{i}"),
    (log(x(i)) ** 2, r"(\log x_{i})^{2}"),
    (x(i) ** Rational(3, 2), r"x_{i}^{3/2}"),
    (Rational(3, 2) * x(i), r"\frac{3}{2} x_{i}"),
    (2 * 2 ** x(i), r"2 \cdot 2^{x_{i}}"),
    (
        Partial(c, x(n), "s", "u"),
        r"\left.\frac{\partial c}{\partial x_{n}}\right|_{s, u}",
    ),
    (
        Partial(x(i) + s(i), x(n)),
        r"\frac{\partial (x_{i} + s_{i})}{\partial x_{n}}",
    ),
    (s(b, tensor("T", b, integer=True)), r"s_{b T_{b}}"),
    (Contraction(exp(x(j)), j) / Size("H"), r"\frac{1}{H} \mathbf{1}_{j} e^{x_{j}}"),
]


@pytest.mark.parametrize(("expr", "latex"), FORMULAS, ids=[latex for _, latex in FORMULAS])
def test_formulas(graph: Graph, expr: Expr, latex: str) -> None:
    assert write_latex(expr, graph, (GOAL,)) == latex


def test_equations(graph: Graph) -> None:
    assert [write_equation_latex(equation, graph) for equation in graph.equations] == [
        r"\sigma := \mathbf{1}_{j} e^{x_{j}}",
        r"s_{i} = \frac{e^{x_{i}}}{\sigma}",
        r"c = -\log s_{T}",
    ]


NAMES = [
    ("σ", r"\sigma"),
    ("Σ", r"\Sigma"),
    ("Α", "A"),
    ("ε", r"\epsilon"),
    ("x̂", r"\hat{x}"),
    ("ŷ", r"\hat{y}"),
    ("μ̄", r"\bar{\mu}"),
    ("loss", r"\mathrm{loss}"),
    ("x1", r"\mathrm{x1}"),
    ("x̂1", r"\mathrm{\hat{x}1}"),
    ("i''", "i''"),
    ("ℓ", r"\ell"),
]


@pytest.mark.parametrize(("name", "latex"), NAMES)
def test_names(name: str, latex: str) -> None:
    assert latex_name(name) == latex


@pytest.mark.parametrize("name", ["日", "a b", r"\x", "x\u0338", "'"])
def test_names_without_latex_are_refused(name: str) -> None:
    with pytest.raises(NotationError):
        latex_name(name)


def test_both_surfaces_agree_on_letters_and_order(graph: Graph) -> None:
    expr = Contraction(s(i) * x(i), i) * (x(n) - KroneckerDelta(T, n)) / σ
    plain = write_latex(expr, graph).replace(r"\frac", "").replace("{", "").replace("}", "")
    assert write_text(expr, graph) == "(1/σ) x_i s_i (x_n − δ_Tn)"
    assert plain.startswith(r"1\sigma x_i s_i")


# Long lines ---------------------------------------------------------------------------------


def test_long_lines_are_broken_at_signs(graph: Graph) -> None:
    expr = sum(tensor(name, n) * x(n) for name in "abdefghk") - s(n) / σ
    lines = write_latex_lines(expr, graph, room=14)
    assert len(lines) == 3
    assert all(line.startswith(("{} + ", "{} - ")) for line in lines[1:])
    assert " ".join(line.removeprefix("{} ") for line in lines) == write_latex(expr, graph)


def test_long_brackets_are_broken_inside(graph: Graph) -> None:
    expr = x(n) * (1 + sum(tensor(name, n) ** 2 for name in "abdefghkpqrt"))
    lines = write_latex_lines(expr, graph, room=14)
    assert len(lines) > 2
    assert r"\bigl(" in "".join(lines)
    assert lines[-1].endswith(r"\bigr)")


def test_short_lines_stay(graph: Graph) -> None:
    assert write_latex_lines(x(n) + s(n), graph, room=14) == [write_latex(x(n) + s(n), graph)]


# KaTeX --------------------------------------------------------------------------------------


def test_katex_reads_the_formulas(graph: Graph) -> None:
    formulas = [write_latex(expr, graph) for expr, _ in FORMULAS] + [name for _, name in NAMES]
    assert katex_complaints(formulas) == []


SIGNS = [
    (Contraction(exp(x(i)), i), r"\sum_{j} e^{x_{j}}"),
    (Contraction(x(i) - σ, i), r"\sum_{j} (x_{j} - \sigma)"),
    (Contraction(x(i), i) ** 2, r"\left(\sum_{j} x_{j}\right)^{2}"),
    (
        Contraction(x(i), i) * Contraction(s(i) / x(i), i),
        r"\left(\sum_{i} \frac{s_{i}}{x_{i}}\right) \sum_{j} x_{j}",
    ),
    (x(n) / Contraction(exp(x(i)), i), r"\frac{x_{n}}{\sum_{j} e^{x_{j}}}"),
    (
        Contraction(tensor("A", i, j) * KroneckerDelta(n, i) * x(j), i, j) / σ,
        r"\frac{1}{\sigma} \sum_{i, j} x_{j} A_{i j} \delta_{i n}",
    ),
]


@pytest.mark.parametrize(("expr", "latex"), SIGNS, ids=[latex for _, latex in SIGNS])
def test_sum_signs(graph: Graph, expr: Expr, latex: str) -> None:
    assert write_latex(expr, graph, sums="sigma") == latex


def test_long_sums_are_broken_inside(graph: Graph) -> None:
    total = Contraction(sum(tensor(name, i) * x(i) for name in "abdefghk") / σ, i)
    lines = write_latex_lines(total, graph, room=14, sums="sigma")
    assert len(lines) > 2
    assert lines[0].startswith(r"\frac{1}{\sigma}")
    assert r"\sum_{j} \bigl(" in "".join(lines)


def test_katex_reads_sum_signs(graph: Graph) -> None:
    require_katex()
    source = random.Random(8)
    exprs = [random_expression(source) for _ in range(some_of(80))]
    formulas = [write_latex(expr, graph, sums="sigma") for expr in exprs]
    formulas += [
        rf"\begin{{aligned}} {line} \end{{aligned}}"
        for expr in exprs
        for line in [r" \\ ".join(write_latex_lines(expr, graph, room=8, sums="sigma"))]
    ]
    assert katex_complaints(formulas) == []


def test_katex_reads_random_formulas(graph: Graph) -> None:
    require_katex()
    source = random.Random(7)
    exprs = [random_expression(source) for _ in range(some_of(150))]
    formulas = [write_latex(expr, graph) for expr in exprs]
    formulas += [
        r"\begin{aligned} " + r" \\ ".join(write_latex_lines(e, graph, room=8)) + r" \end{aligned}"
        for e in exprs
    ]
    assert katex_complaints(formulas) == []
