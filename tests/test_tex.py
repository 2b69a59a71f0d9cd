"""LaTeX as input: it says what the same thing says as text, and what is printed reads back."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from amount import some_of
from expressions import GOAL, article_graph, random_expression
from sympy import Expr

import derive
from derive.errors import DeriveError
from derive.expressions import Graph, Index, Partial, free_indices
from derive.notation import read_expression, read_goal, read_graph
from derive.notation.lines import write_latex_lines
from derive.notation.names import latex_name
from derive.notation.surface import is_latex
from derive.notation.write import write_equation_latex, write_latex, write_text
from derive.problems import load_problem

# LaTeX, and the text that says the same.
SAME = [
    # Fractions, powers, roots
    (r"s_{i} = \frac{e^{x_{i}}}{\mathbf{1}_{j} e^{x_{j}}}", "s_i = exp(x_i)/(1_j exp(x_j))"),
    (r"y = \frac12 a + \tfrac{1}{b} - \dfrac ab", "y = (1/2) a + 1/b - a/b"),
    (r"y_i = \, x_i^2 + x^2_i + x_{i}^{2}", "y_i = x_i^2 + x_i^2 + x_i^2"),
    (r"y_i = {x_i}^{2}\, a^{-1}", "y_i = x_i^2 a^(-1)"),
    (r"y_i = \left(x_i+1\right)^{1/2} \sqrt[3]{z_i}", "y_i = (x_i + 1)^(1/2) z_i^(1/3)"),
    (r"r = \sqrt{x_i x_i} + \sqrt2", "r = sqrt(x_i x_i) + sqrt(2)"),
    (r"y_i = e^{-x_i^2/(2\sigma^2)}", "y_i = exp(-x_i^2/(2 σ^2))"),
    (r"y_i = e^\frac{x_i}{2} + 10^{-3} x_i", "y_i = exp(x_i/2) + 10^(-3) x_i"),
    (r"y = \, a^{{T}} b^{12}", "y = a^T b^12"),
    # Names
    (r"\hat{x}_{b h} = \mu_{b h}/\sigma_b", "x̂_bh = μ_bh/σ_b"),
    (r"\bar y = \tilde{a} + \dot\alpha + \ddot z + \check{b}", "ȳ = ã + α̇ + z̈ + b̌"),
    (r"\mathbf{y}_i = \boldsymbol{w}_{i j} \bm x_j \mathcal{L} \vec v_j", "y_i = w_ij x_j v_j L"),
    (r"\mathrm{loss} = \text{scale} \, a", "loss = scale a"),
    (r"\operatorname{loss}_i = \mathrm{x1}_i", "loss_i = x1_i"),
    (r"y_i = \varepsilon x_i + \ell \, \varphi", "y_i = ε x_i + ℓ φ"),
    (r"c = ab \, x_i y_i", "c = a b x_i y_i"),
    (r"c = \, A^{-1}_{i j} b_i b_j + x_k^{-1} z_k", "c = A⁻¹_ij b_i b_j + x_k⁻¹ z_k"),
    (r"\delta_{i j} = x_{i k} y_{k j} \quad \text{for } y", "δ_ij = x_ik y_kj for y"),
    (r"\delta_{i j} = A_{i k} A^{-1}_{k j} \; \text{for } A^{-1}", "δ_ij = A_ik A⁻¹_kj for A⁻¹"),
    (r"c = \det_{i, j} x_{i j}", "c = det_{i,j}(x_ij)"),
    # Indices
    (r"y_{b h} = x_{bh} + x_{b,h} + x_{b\,h}", "y_bh = x_bh + x_{b,h} + x_bh"),
    (r"c_b = -\log s_{b, T_{b}} + s_{bT_b}", "c_b = -log(s_{b,T_b}) + s_{b,T_b}"),
    (r"c_b = s_{b \mathrm{target}_{b}}", "c_b = s[b, target[b]]"),
    (r"y_i = x_{12} z_i + x_0 \delta_{i0}", "y_i = x_12 z_i + x_0 δ_{i,0}"),
    (r"y_{i'} = x_{i' j''} w_{j^{\prime\prime}}", "y_{i'} = x_{i',j''} w_{j''}"),
    (r"y_\mu = x_\mu \delta_{\mu\nu} z_{\nu}", "y_μ = x_μ δ_{μ,ν} z_ν"),
    (r"y_n = \, x_{n + k} w_{k} + z_{2n-1}", "y_n = x_{n+k} w_k + z_{2*n-1}"),
    (
        r"y_{n} = x_{\lfloor n / 4 \rfloor, n \bmod 4}",
        "y_n = x_{n//4,n%4}",
    ),
    # Functions
    (r"y_i = \log(x_i) + \ln x_i + \exp\left(x_i\right)", "y_i = log(x_i) + log(x_i) + exp(x_i)"),
    (r"y_i = \sin^2 x_i + \cos^{2}(x_i)", "y_i = sin(x_i)^2 + cos(x_i)^2"),
    (r"y_i = \arctan \frac{x_i}{2} \cdot \tanh x_i", "y_i = atan(x_i/2) tanh(x_i)"),
    (r"y_i = \operatorname{relu}(x_i) + \mathrm{sin}\, x_i", "y_i = relu(x_i) + sin(x_i)"),
    (r"y_i = \max(x_i, 0) + \lvert x_i \rvert", "y_i = max(x_i, 0) + abs(x_i)"),
    (r"y_i = \left|x_i\right| + \bigl|\tfrac{x_i}{2}\bigr|", "y_i = abs(x_i) + abs(x_i/2)"),
    (r"y_i = \sin x_i \cos x_i", "y_i = sin(x_i) cos(x_i)"),
    (r"y_i = f(x_i) + g\left(x_i\right) \cdot f'(z_i)", "y_i = f(x_i) + g(x_i) f'(z_i)"),
    (r"y_i = \phi^{\prime\prime}(x_i) + \tau (x_i + 1)", "y_i = φ''(x_i) + τ (x_i + 1)"),
    # Comparisons
    (r"y_i = [x_{i} > 0] x_i + \mathbb{1}[x_i \le 0]", "y_i = [x_i > 0] x_i + [x_i <= 0]"),
    (r"a_{q k} = z_{q k} \left[ k \leq q \right]", "a_qk = z_qk [k <= q]"),
    # Brackets and layout
    (r"y = \bigl( a + \Bigl[ b \Bigr] \bigr) \{ c + d \}", "y = (a + (b)) (c + d)"),
    (r"y_i \,=\; x_i\quad~ \!\cdot z \nonumber \label{eq:y} \tag{3}", "y_i = x_i z"),
    (r"y = \max\{a, b\} \cdot \boxed{c}", "y = max(a, b) c"),
    (r"\displaystyle y = a \times b % a remark", "y = a b"),
    (r"$y = {a + b} c$", "y = a + b c"),
    (r"\sigma := \mathbf{1}_j e^{x_j}", "σ := 1_j exp(x_j)"),
    (r"\sigma \coloneqq 1_j e^{x_j}", "σ := 1_j exp(x_j)"),
    (r"\sigma \stackrel{\text{def}}{=} 1_j e^{x_j}", "σ := 1_j exp(x_j)"),
    # Sums, extrema, products
    (r"y_i = \sum_{j} w_{ij} x_j + b_i", "y_i = Σ_j w_ij x_j + b_i"),
    (r"c = \frac{1}{2} \sum_i \left(y_i - \sum_k x_{ik} w_k\right)^2",
     "c = (1/2) Σ_i (y_i - Σ_k x_ik w_k)^2"),
    (r"c = \log \sum\limits_{i,j} e^{x_{ij}}", "c = log(Σ_{i,j} exp(x_ij))"),
    (r"s_{qk} = \frac{e^{z_{qk}}}{\sum_{j \le q} e^{z_{qj}}}",
     "s_qk = exp(z_qk)/(Σ_j [j <= q] exp(z_qj))"),
    (r"y_i = \sum_{j \ne i} a_{ij}", "y_i = Σ_j [j != i] a_ij"),
    (r"y_i = \max_j x_{ij} \cdot \min_{k} (z_k)", "y_i = max_j(x_ij) min_k(z_k)"),
    (r"y = \prod_{j} \left(1 + \frac{x_j}{2}\right)", "y = prod_j(1 + x_j/2)"),
    (r"y_i = x_{i \operatorname{arg\,max}_{j} z_{j}}", "y_i = x_{i,argmax_j(z_j)}"),
    (r"y_i = x_{i, \arg\max_j z_j}", "y_i = x_{i,argmax_j(z_j)}"),
    # Several equations
    (r"y_i = x_i^2, \quad c = 1_i y_i.", "y_i = x_i^2; c = 1_i y_i"),
    (r"y_i = a x_i \\ c = \frac{y_i}{2} z_i", "y_i = a x_i; c = (y_i/2) z_i"),
    (r"\alpha = a; \beta = b", "α = a; β = b"),
    ("y_i = \\frac{\n  x_i\n}{2}\nc =\n \\log a\n  + b", "y_i = x_i/2; c = log(a) + b"),
    (r"\[ y_i = x_i \] \[ c = y_i z_i \]", "y_i = x_i; c = y_i z_i"),
    (r"y = a \cdot b, \text{ where } a := c^2", "y = a b; a := c^2"),
    (r"\begin{align*} y &= a + {} \\ &\quad b \\[2pt] z &= y \end{align*}", "y = a + b; z = y"),
    (r"\begin{aligned}[t] y &= a && \text{one} \\ &\quad + b \end{aligned}", "y = a + b"),
    (r"\begin{alignat}{2} y &= a & z &= b \end{alignat}".replace("& z", "&& z"), "y = a; z = b"),
]  # fmt: skip


def equations(graph: Graph) -> list[tuple[Expr, Expr, str]]:
    return [(*e.sides, e.kind) for e in graph.equations]


@pytest.mark.parametrize(("latex", "text"), SAME, ids=[latex for latex, _ in SAME])
def test_latex_says_what_text_says(latex: str, text: str) -> None:
    assert is_latex(latex)
    assert equations(read_graph(latex)) == equations(read_graph(text))


def test_the_limits_of_a_sum_are_the_size_of_its_index() -> None:
    graph = read_graph(r"m_{b} = \frac{1}{H} \sum_{h=1}^{H} x_{b h} + \sum_{k=0}^{K-1} z_k")
    assert graph.declared == {"h": "H", "k": "K"}
    assert equations(graph) == equations(
        read_graph("m_b = (1/H) Σ_h x_bh + Σ_k z_k", sizes={"h": "H", "k": "K"})
    )
    assert read_graph(r"c = \sum_{i=1}^{3} x_{i} + \sum_{j=0}^{9} z_j").declared == {
        "i": 3,
        "j": 10,
    }


@pytest.mark.parametrize(
    ("latex", "sizes"),
    [
        (r"c = \sum_{j=1}^{N} x_{j} + \sum_{j=1}^{M} z_{j}", {}),
        (r"c = \sum_{j=1}^{N} x_{j}; d = \sum_{j=1}^{M} z_{j}", {}),
        (r"c = \sum_{j=1}^{N} x_{j}", {"j": "M"}),
    ],
)
def test_one_letter_has_one_range(latex: str, sizes: dict[str, str | int]) -> None:
    with pytest.raises(DeriveError, match="j "):
        read_graph(latex, sizes=sizes)


ARTICLE = r"""
$$
\begin{aligned}
s_{i} & =\frac{e^{x_{i}}}{\mathbf{1}_{j} e^{x_{j}}} \\
c & =-\log s_{T}
\end{aligned}
$$
"""

GOALS = [
    (r"\frac{\partial l}{\partial x_{n}}", "∂l/∂x_n"),
    (r"$$\frac{\partial c}{\partial s_{i}}$$", "∂c/∂s_i"),
    (r"\frac{\partial s_{i}}{\partial x_{n}}", "∂s_i/∂x_n"),
    (r"\frac{dl}{dx_n}", "∂l/∂x_n"),
    (r"\frac{\mathrm{d} c}{\mathrm{d} x_{n}}", "∂c/∂x_n"),
    (r"\frac{\partial}{\partial x_n} c", "∂c/∂x_n"),
    (r"\frac{\partial}{\partial x_n}\left(c\right)", "∂c/∂x_n"),
    (r"\left.\frac{\partial c}{\partial x_n}\right|_{s}", "∂c/∂x_n|_s"),
    (r"\frac{\partial c}{\partial x_n}\Big|_{s}", "∂c/∂x_n|_s"),
    (r"\partial c/\partial x_{n}", "∂c/∂x_n"),
    (r"\frac{\partial^{2} c}{\partial x_{m} \, \partial x_{n}}", "∂²c/∂x_m∂x_n"),
    (r"\frac{\partial^2}{\partial x_m \partial x_n} c", "∂²c/∂x_m∂x_n"),
    (r"v_{m} \frac{d^2 c}{dx_m \, dx_n}", "v_m ∂²c/∂x_m∂x_n"),
    (r"\[ \frac{\partial c}{\partial x_n}. \]".replace(".", r"\,"), "∂c/∂x_n"),
]


@pytest.mark.parametrize(("latex", "text"), GOALS, ids=[latex for latex, _ in GOALS])
def test_goals(latex: str, text: str) -> None:
    graph = read_graph(ARTICLE)
    assert read_goal(latex, graph) == read_goal(text, graph)


LINES = [
    (r"\frac{1}{\sigma^{2}}\left(\frac{\partial e^{x_{i}}}{\partial x_{n}} \sigma"
     r"-e^{x_{i}} \frac{\partial \sigma}{\partial x_{n}}\right)",
     "(1/σ^2) (∂exp(x_i)/∂x_n σ - exp(x_i) ∂σ/∂x_n)", "in"),
    (r"\mathbf{1}_{j} \frac{\partial e^{x_{j}}}{\partial x_{j}}"
     r"\frac{\partial x_{j}}{\partial x_{n}}",
     "1_j ∂exp(x_j)/∂x_j ∂x_j/∂x_n", "n"),
    (r"\mathbf{1}_{j} e^{x_{j}} \delta_{j n}", "1_j exp(x_j) δ_jn", "n"),
    (r"-\frac{\partial \log s_{T}}{\partial s_{i}}", "-∂log(s_T)/∂s_i", "i"),
    (r"\left(-\frac{1}{s_{T}} \delta_{i T}\right)\left(s_{i} \delta_{i n}-s_{i} s_{n}\right)",
     "(-(1/s_T) δ_iT) (s_i δ_in - s_i s_n)", "n"),
    (r"\frac{\partial l}{\partial c}\left(s_{n}-\delta_{T n}\right)", "∂l/∂c (s_n - δ_Tn)", "n"),
    (r"\frac{\partial x_i y_i}{\partial x_n}", "∂(x_i y_i)/∂x_n", "n"),
    (r"\frac{\partial c/\partial s_i}{2} s_i", "(∂c/∂s_i/2) s_i", ""),
    (r"\frac{d \, a}{d + a}", "d a/(d + a)", ""),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "text", "free"), LINES, ids=[latex for latex, *_ in LINES])
def test_lines(latex: str, text: str, free: str) -> None:
    graph = article_graph()
    assert read_expression(latex, graph, free) == read_expression(text, graph, free)


def test_the_article_is_derived_from_its_own_latex() -> None:
    found = derive.derivation(ARTICLE, r"\frac{\partial l}{\partial x_{n}}")
    text = derive.derivation("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)", "∂l/∂x_n")
    assert found.result == text.result
    assert [stage.goal for stage in found.stages] == [stage.goal for stage in text.stages]


def test_each_text_of_a_list_has_its_own_surface() -> None:
    mixed = read_graph([r"s_{i} = \frac{e^{x_{i}}}{\sigma}", "sigma := 1_j exp(x_j)"])
    assert equations(mixed) == equations(read_graph("s_i = exp(x_i)/sigma; sigma := 1_j exp(x_j)"))


def test_variables_may_be_named_in_latex() -> None:
    found = derive.gradient(r"y_{i} = \hat{x}_{i}^{2}", wrt=r"\hat{x}")
    assert found.result == derive.gradient("y_i = x̂_i^2", wrt="x̂").result
    one = derive.gradient(r"\hat{y}_{i} = \mu_{i}^{2}", wrt=r"\mu_{n}", of=r"\hat{y}_{i}")
    assert one.result == derive.gradient("ŷ_i = μ_i^2", wrt="μ_n", of="ŷ_i").result


# The marked part is what the carets show, then pieces of the message and of the mend.
BAD = [
    (r"y_i = \log(x_⟦j⟧)", "index j stands alone", r"`1_j \log(x_j)`"),
    (r"y_{ij} = \frac{x_{i}}{2} + ⟦z_{j}⟧", "same free indices", "`1_i z_{j}`"),
    (r"y_i = ⟦\foo⟧ x_i", "is not part of the notation", ""),
    (r"y_i = ⟦\fracc⟧{x_i}{2}", "is not part of the notation", r"did you mean `\frac`?"),
    (r"y_i = ⟦\simga⟧ x_i", "is not part of the notation", r"did you mean `\sigma`?"),
    (r"c = ⟦\nabla⟧ x", "is not part of the notation", r"\frac{\partial c}"),
    (r"c = ⟦\left\|⟧ x \right\|^2", "is not part of the notation", r"\sqrt{x_{i} x_{i}}"),
    (r"c = ⟦\|⟧x\|", "is not part of the notation", r"\sqrt{x_{i} x_{i}}"),
    (r"y_i = ⟦\frac⟧", "lacks its numerator", r"\frac{…}"),
    (r"y_i = ⟦\frac⟧{x_i}", "lacks its denominator", r"\frac{…}"),
    (r"y_i = \frac⟦{}⟧{2}", "numerator is empty", r"\frac{…}{…}"),
    (r"y_i = \frac{x_i}{2}⟦}⟧", "never opened", "remove"),
    (r"y_i = \frac⟦{⟧x_i", "never closed", "add `}`"),
    (r"y_i = ⟦\left(⟧ \frac{x_i}{2}", "never closed", "add `)`"),
    (r"y_i = \left( x_i⟦\right]⟧", "does not match", "`)`"),
    (r"y_i = ⟦\sqrt{}⟧", "root is empty", r"\sqrt{x}"),
    (r"y = ⟦\begin{pmatrix}⟧ \alpha \end{pmatrix}", "matrix is not index notation", "indices"),
    (r"y = ⟦\begin{cases}⟧ \alpha \end{cases}", "`cases`", "[x_{i} > 0]"),
    (r"y_i = \alpha x⟦_ij⟧".replace("_ij", "_⟦ij⟧").replace("⟦_⟦", "_⟦").replace("⟧⟧", "⟧"),
     "TeX takes one character", "`_{ij}`"),
    (r"y_i = \alpha x_⟦12⟧", "TeX takes one character", "`_{12}`"),
    (r"y_i = \alpha x_i^⟦1⟧2", "TeX takes one character", "`^{12}`"),
    (r"y_i = \alpha x_i^⟦-⟧1", "TeX takes one character", "`^{-1}`"),
    (r"y_i = \alpha e^x⟦_⟧i", "TeX sets this index at e", "`e^{x_{i}}`"),
    (r"c = \alpha x^⟦T⟧ y", "transpose", "`x_{j i}`"),
    (r"c = x^⟦\top⟧ y", "transpose", "`x_{j i}`"),
    (r"y_i = \alpha x_i^⟦{(t)}⟧", "no power", "name"),
    (r"y_i = ⟦log⟧(x_i) \alpha", "spells a name", r"`\log`"),
    (r"y_i = ⟦sigma⟧ \, x_i", "spells a name", r"`\sigma`"),
    (r"y_i = \log x_i ⟦y⟧", "how far `\\log` reaches", "brackets"),
    (r"y_i = \log(x_i)⟦^⟧2", "what this power is of", r"\log^{2}"),
    (r"c = x_{i j}⟦^⟧{-1} \alpha_i b_j", "whether this is an inverse", r"A^{-1}_{i j}"),
    (r"y_i = \sin^⟦{-1}⟧ x_i", "what this power is of", r"\arcsin"),
    (r"y_i = \log⟦_⟧2 x_i", "no index", r"\frac{\log x}{\log 2}"),
    (r"y_i = ⟦\hat{xy}⟧_i", "over one letter", r"\hat{x}"),
    (r"x_{⟦\mathrm{in}⟧} = 3", "a word", "name"),
    (r"y_i = ⟦\mathrm{a+b}⟧", "words", ""),
    (r"y_i = x_i \cdot ⟦\mathbf{1}⟧", "one-tensor has an index", r"\mathbf{1}_{j}"),
    (r"y = ⟦\mathbb{E}⟧ x", "not part of the notation", "sums"),
    (r"y_i = \alpha x_⟦{}⟧", "subscript is empty", "index letter"),
    (r"y_i = x_{i ⟦\le⟧ j}", "cannot stand in a subscript", "index letters"),
    (r"y_n = x_{n + k ⟦\bmod⟧ 2}", "of what this is the remainder", "brackets"),
    (r"y_{i} = \alpha x_{i}⟦_⟧{j}", "second subscript", "one subscript"),
    (r"y = ⟦\left⟧. a \cdot b", "never closed", ""),
    (r"y = a ⟦\right⟧|_{s}", "ends nothing", ""),
    (r"y = \partial⟦_⟧x c", "below a line", r"\frac{\partial c}"),
    (r"y_i = ⟦\sum⟧ x_i", "sum has no index", r"`\sum_{j}`"),
    (r"y_i = \sum⟦_{j=2}⟧^{N} x_j".replace("⟦_{j=2}⟧^{N}", "_{j=2}^⟦{N}⟧"), "not all of an index",
     r"\sum_{j=1}^{N}"),
    (r"y_i = \prod_j x_j ⟦y⟧_j", "how far `\\prod` reaches", "brackets"),
    (r"y = a ⟦=⟧ \frac{b}{2}".replace("y = a", "y = \\alpha"), "one equals sign", "separate"),
    (r"⟦\frac{y}{2}⟧ = x", "left-hand side is not a name", ""),
    (r"y = \frac{x}⟦{1-1}⟧", "divides by zero", ""),
]  # fmt: skip


def unmarked(text: str) -> tuple[str, tuple[int, int]]:
    return text.replace("⟦", "").replace("⟧", ""), (text.index("⟦"), text.index("⟧") - 1)


@pytest.mark.parametrize(("marked", "message", "mend"), BAD)
def test_mistakes_are_shown_in_the_latex(marked: str, message: str, mend: str) -> None:
    text, (start, end) = unmarked(marked)
    with pytest.raises(DeriveError) as info:
        read_graph(text)
    error = info.value
    assert message in error.message
    assert mend in error.mend
    place = error.places[0]
    assert place.text[place.start : place.end] == text[start:end]
    assert place.start == start


def test_the_place_is_in_the_line_of_a_display() -> None:
    with pytest.raises(DeriveError) as info:
        read_graph(ARTICLE.replace("s_{T}", r"\foo_{T}"))
    assert str(info.value).splitlines()[1:4] == [
        "  in equation 2:",
        r"    c & =-\log \foo_{T}",
        "               ^^^^",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\\", "\\\\", "$", "$$$", "\\frac", "\\left", "\\begin", "\\begin{", "\\begin{}",
        "{" * 500 + "\\", "\\frac{" * 200, "\\frac{1}" * 500, "\\left(" * 500, "y = \\sqrt" * 300,
        "y = " + "\\frac{1}{1+" * 60 + "x" + "}" * 60, "y = \\sum_" * 200, "y = \\hat" * 100,
        "y = " + "x^{" * 39 + "\\alpha" + "}" * 39, "y = \\left." * 200, "&\\\\" * 400,
        "y = \\mathrm{" * 30 + "}" * 30, "y = x_{" * 30 + "\\" + "}" * 30, "\\text{a b}" * 300,
    ],
)  # fmt: skip
def test_whatever_is_written_gets_an_answer_in_time(text: str) -> None:
    begin = time.perf_counter()
    for read in (read_graph, lambda t: read_goal(t, article_graph())):
        with suppress(DeriveError):
            read(text)
    assert time.perf_counter() - begin < 5


def test_the_longest_text_is_read_in_time() -> None:
    begin = time.perf_counter()
    terms = " + ".join(rf"\frac{{x_{{i}}^{{2}}}}{{{n} + a}}" for n in range(1, 700))
    read_graph("y_{i} = " + terms)
    assert time.perf_counter() - begin < 10


# What is printed is read -------------------------------------------------------------------------


def free(expr: Expr) -> list[Index]:
    return [index for index in free_indices(expr) if not index.is_label]


def reads_as_text(expr: Expr, graph: Graph) -> bool:
    """Whether the text reads back: a few sums can be read in two ways, and are refused."""
    try:
        read_expression(write_text(expr, graph, (GOAL,)), graph, free(expr))
    except DeriveError:
        return False
    return True


def read_back(expr: Expr, graph: Graph, reserved: tuple[Expr, ...], room: float) -> None:
    """Printed in one line, and in short ones, an expression reads back as its text does."""
    plain = read_expression(write_text(expr, graph, reserved), graph, free(expr))
    broken = write_latex_lines(expr, graph, reserved, room=room)
    for latex in (write_latex(expr, graph, reserved), r" \\ &\quad ".join(broken)):
        found = read_expression(rf"\displaystyle {latex}", graph, free(expr))
        assert found in (expr, plain), latex
    if graph.multi:
        return  # A sum sign names no multi-index, in text as in LaTeX.
    signed = read_expression(write_text(expr, graph, reserved, sums="sigma"), graph, free(expr))
    latex = rf"\displaystyle {write_latex(expr, graph, reserved, sums='sigma')}"
    assert read_expression(latex, graph, free(expr)) == signed, latex


@pytest.mark.parametrize("seed", range(5))
def test_random_expressions_read_back(seed: int) -> None:
    graph, source = article_graph(), random.Random(seed)
    for _ in range(some_of(25)):
        expr = random_expression(source)
        if reads_as_text(expr, graph):
            read_back(expr, graph, (GOAL,), room=14)


@pytest.mark.catalogue
@pytest.mark.parametrize("name", derive.catalogue())
def test_the_catalogue_reads_back(name: str) -> None:
    found = derive.load(name)
    graph = found.graph
    display = " \\\\\n".join(write_equation_latex(e, graph) for e in graph.equations)
    again = read_graph(
        rf"\[\begin{{aligned}}{display}\end{{aligned}}\]", sizes=graph.declared, multi=graph.multi
    )
    assert equations(again) == equations(graph)
    for stage in found.stages:
        # The goals of proofs are facts, such as `1_h μ_bh`.
        if stage.goal.has(Partial):
            assert read_goal(write_latex(stage.goal, graph), graph) == stage.goal
        for line in stage.at("full"):
            read_back(line.expr, graph, (stage.goal,), room=20)


@pytest.mark.parametrize("name", ["x", "loss", "x1", "σ1", "x̂", "x̂1", "ȳ", "ℓ", "Γ", "ε", "κ2"])
def test_names_read_back(name: str) -> None:
    graph = read_graph(rf"{latex_name(name)}_{{i}} = \frac{{z_{{i}}}}{{2}}")
    assert graph.equations[0].name == name


def test_letters_that_look_latin_are_latin() -> None:
    assert read_graph("Α = Β Ν + ο").names == read_graph("A = B N + o").names
    assert read_graph("Alpha = Beta").names == read_graph("A = B").names


# Files, and speed --------------------------------------------------------------------------------


def test_a_file_in_latex(tmp_path: Path) -> None:
    path = tmp_path / "softmax.toml"
    path.write_text(
        "title = 'Softmax'\n"
        "equations = '''\n" + ARTICLE + "'''\n"
        r"goals = ['\frac{\partial c}{\partial x_{n}}']" + "\n",
        "utf-8",
    )
    problem = load_problem(path)
    assert equations(problem.graph) == equations(read_graph(ARTICLE))
    path.write_text(path.read_text("utf-8").replace("s_{T}", r"\bar s_{T} \foo"), "utf-8")
    with pytest.raises(DeriveError) as info:
        load_problem(path)
    assert "line 7" in str(info.value)


def test_the_reader_of_latex_is_loaded_where_there_is_some() -> None:
    program = (
        "import sys, derive; derive.gradient('y_i = x_i^2', 'x');"
        "print(any(name.startswith('derive.notation.tex.') for name in sys.modules));"
        "derive.gradient(r'\\beta_i = x_i^2', 'x');"
        "print('derive.notation.tex.rows' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
