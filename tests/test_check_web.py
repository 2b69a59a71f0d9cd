"""Sides of equations in the LaTeX of the web: what they say in the notation."""

from __future__ import annotations

import random
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from amount import some_of

from derive.check.reading import Reading
from derive.check.refusal import NotUnderstood
from derive.check.understand import Understanding
from derive.notation.parse import parse, words

ARTICLES = Path(__file__).parent / "articles"

NETWORK = (
    r"y_i = \sum_{j=1}^{n} w_{ij} x_j + b_i",
    r"p_i = \frac{e^{y_i}}{\sum_k e^{y_k}}",
    r"\frac{\partial L}{\partial y_k}, \quad \frac{\partial p_i}{\partial y_j}",
    r"z^{[l]}_i = \sum_j W^{[l]}_{ij} a^{[l-1]}_j, \quad a^{[l]}_i = g(z^{[l]}_i)",
    r"\bar{x} = \sum_i x^{(i)}, \quad E_{total}, \quad \theta^{(i)}_j",
    r"s_i, s_T",
)


def read(tex: str, *others: str) -> list[Reading]:
    names = Understanding([*NETWORK, *others, tex])
    names.enter(tex)
    return names.read(tex)


def text(tex: str, *others: str) -> str:
    return re.sub(r"\s", "", read(tex, *others)[0].text)


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        # Derivatives.
        (r"\frac{\partial p_i}{\partial y_j}", "∂p_{i}/∂y_{j}"),
        (r"\frac{\mathrm{d} L}{\mathrm{d} y_j}", "∂L/∂y_{j}"),
        (r"\frac{dL}{dy_j}", "∂L/∂y_{j}"),
        (r"dL/dy_j", "∂L/∂y_{j}"),
        (r"\partial L / \partial y_j", "∂L/∂y_{j}"),
        (r"\partial_{y_j} L", "∂L/∂y_{j}"),
        (r"\nabla_{y_j} L", "∂L/∂y_{j}"),
        (r"\frac{\partial}{\partial y_j} \left[ y_i^2 \right]", "∂(y_{i}^(2))/∂y_{j}"),
        (r"\frac{\partial^2 L}{\partial y_i \partial y_j}", "∂(∂L/∂y_{j})/∂y_{i}"),
        (r"\frac{\partial^2 L}{\partial y_i^2}", "∂(∂L/∂y_{i})/∂y_{i}"),
        (r"\left.\frac{\partial L}{\partial y_i}\right|_{b}", "∂L/∂y_{i}|_{b}"),
        (r"g'(z^{[l]}_i)", "g'(zl_{i})"),
        # Sums and products.
        (r"\sum_{k \neq i} y_k", "Σ_{k}([k!=i]*y_{k})"),
        (r"\sum_{j=1}^{n} x_j + b_i", "(Σ_{j}(x_{j}))+b_{i}"),
        (r"\sum_j^n x_j", "Σ_{j}(x_{j})"),
        (r"\sum_i \sum_j w_{ij} x_j", "Σ_{i}(Σ_{j}(w_{i,j}*x_{j}))"),
        (r"\sum_{i,j} w_{ij}", "Σ_{i,j}(w_{i,j})"),
        (r"\sum_{j=2}^{n} x_j", "Σ_{j}([j>=1]*x_{j})"),
        (r"\sum_{j=1}^{i} x_j", "Σ_{j}([j<=i]*x_{j})"),
        (r"\sum_j -2 x_j", "Σ_{j}(-2*x_{j})"),
        (r"\sum_j x_j - b_j", "Σ_{j}(x_{j}-b_{j})"),
        (r"\prod_{j=1}^n x_j", "prod_{j}(x_{j})"),
        (r"\max_j x_j", "max_{j}(x_{j})"),
        (r"\frac{e^{x_i}}{\sum_i e^{x_i}}", "exp(x_{i})/(Σ_{i'}(exp(x_{i'})))"),
        # Indices and names.
        (r"\mathbf{x}_i", "x_{i}"),
        (r"W_{ij}^{[l]} a_j^{[l-1]}", "Wl_{i,j}*alm1_{j}"),
        (r"z_i^{[2]}", "z2_{i}"),
        (r"\theta_j^{(i)}", "θ_{i,j}"),
        (r"w_{12} x_2", "w_{0,1}*x_{1}"),
        (r"E_{total}", "Etotal"),
        (r"\hat{y}_i", "ŷ_{i}"),
        (r"x_{j-1}", "x_{j-1}"),
        (r"s_T", "s_{T}"),
        (r"\delta_{T_{k}}", "δ_{T,k}"),
        (r"\delta_i^j", "δ_{j,i}"),
        # Conditions.
        (r"1\{i=j\}", "δ_{i,j}"),
        (r"\mathbb{1}_{i=j}", "δ_{i,j}"),
        (r"[i = j]", "δ_{i,j}"),
        (r"\mathbf{1}[x_i > 0]", "[x_{i}>0]"),
        (r"\mathbb{I}(x_i > 0)", "[x_{i}>0]"),
        (
            r"\begin{cases} x_i & x_i > 0 \\ 0 & \text{otherwise} \end{cases}",
            "[x_{i}>0]*x_{i}+(1-[x_{i}>0])*0",
        ),
        # Functions.
        (r"\log x_i + b_i", "log(x_{i})+b_{i}"),
        (r"\tanh^2(x_i)", "tanh(x_{i})^(2)"),
        (r"\max(0, x_i)", "max(0,x_{i})"),
        (r"\text{ReLU}(x_i)", "relu(x_{i})"),
        (r"|x_i|", "abs(x_{i})"),
        (r"\|x\|^2", "Σ_{l}(x_{l}^(2))"),
        (r"\sqrt[3]{x_i}", "x_{i}^(1/3)"),
        (r"e^{-x_i}", "exp(-x_{i})"),
        (r"\text{softmax}(x)_i", "exp(x_{i})/(Σ_{l}(exp(x_{l})))"),
        (r"x_i(1-x_i)", "x_{i}*(1-x_{i})"),
        (r"\underbrace{x_i y_i}_{\text{a product}} b_i", "x_{i}*y_{i}*b_{i}"),
        (r"\frac12 x_i \cdot y_i \times b_i", "(1/2)*x_{i}*y_{i}*b_{i}"),
    ],
)
def test_what_the_web_writes_is_read(tex: str, expected: str) -> None:
    assert text(tex) == expected


@pytest.mark.parametrize(
    ("tex", "kind", "words_of_reason"),
    [
        (r"\frac{\partial L}{\partial \mathbf{y}}", "not index notation", "without its index"),
        (r"W^T x", "not index notation", "transpose"),
        (r"\nabla L", "not index notation", "gradient"),
        (r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}", "not index notation", "matrix"),
        (r"x_1 + \dots + x_n", "not understood", "dots"),
        (r"\int x_i", "not understood", "integral"),
        (r"\mathbb{E}[x_i]", "not understood", "expectation"),
        (r"\sum_{j \in S} x_j", "not understood", "set"),
        (r"\frac{x_i", "not understood", "brace"),
        (r"x_i +", "not understood", "missing"),
        (r"", "not understood", "nothing"),
    ],
)
def test_what_is_not_understood_says_why(tex: str, kind: str, words_of_reason: str) -> None:
    with pytest.raises(NotUnderstood, match=words_of_reason) as caught:
        read(tex)
    assert caught.value.kind == kind
    assert 0 <= caught.value.offset <= len(tex)


def test_several_meanings_are_all_told() -> None:
    first, second = read(r"\log u v")
    assert (first.text, second.text) == ("log(u)*v", "log(u*v)")
    assert [one.words for one in first.assumed] == [""]
    assert "all that follows" in second.assumed[0].words
    assert first.assumed[0].topic == second.assumed[0].topic


def test_slips_are_remarked_on_at_their_place() -> None:
    tex = r"x_{n} - \delta_{T_{n}}"
    (remark,) = read(tex)[0].remarks
    assert "subscript of a subscript" in remark.message
    assert tex[remark.offset] == "_"


def test_sloppy_subscripts_belong_together() -> None:
    (reading,) = read(r"\sum_j w_ij x_j")
    assert reading.text == "Σ_{j}(w_{i,j}*x_{j})"
    assert "braces" in reading.remarks[0].message


def test_ranges_tell_sizes() -> None:
    assert read(r"\sum_{j=1}^{n} x_j")[0].sizes == {"j": "n"}
    assert read(r"\sum_{j=0}^{9} x_j")[0].sizes != {}


def test_functions_are_applied_to_other_arguments() -> None:
    names = Understanding([r"f(u) = u^2", r"f(x_i)", r"f'(u)", r"\sum_i x_i"])
    names.hear("f(u)", "u^2")
    assert names.read("f(u)")[0].text == "f"
    assert names.read("f(x_i)")[0].text == "x_{i}^(2)"
    assert names.read("f'(u)")[0].text == "∂f/∂u"


def test_a_function_of_a_vector_is_a_tensor() -> None:
    names = Understanding([r"S(\mathbf{a})_j = \frac{e^{a_j}}{\sum_k e^{a_k}}", r"\sum_i b_i S_i"])
    names.hear(r"S(\mathbf{a})_j", r"\frac{e^{a_j}}{\sum_k e^{a_k}}")
    assert names.read(r"S(a)_i")[0].text == "S_{i}"
    assert names.read(r"S_i")[0].text == "S_{i}"
    assert names.read(r"S(b)_i")[0].text == "exp(b_{i})/(Σ_{k}(exp(b_{k})))"


def test_substitution_captures_no_index() -> None:
    names = Understanding([r"f(u) = u \sum_i c_i", "f(x_i)"])
    names.hear("f(u)", r"u \sum_i c_i")
    reading = names.read("f(x_i)")[0]
    assert reading.letters == {"i"}
    assert reading.text == "x_{i}*(Σ_{i''}(c_{i''}))"


def test_places_are_those_of_the_latex() -> None:
    tex = r"\frac{1}{2} \left( x_i - b_i \right)"
    reading = read(tex)[0]
    at = reading.text.index("b_{i}")
    assert tex[reading.offset((at, at + 5)) :].startswith("b_i")


LONG = {
    "terms": "x_i + " * 1400 + "x_i",
    "fractions": r"\frac{1}{" * 50 + "x" + "}" * 50,
    "brackets": "(" * 300 + "x" + ")" * 300,
    "sums": r"\sum_i x_i + " * 300 + "x_i",
    "subscripts": "x_{" * 40 + "i" + "}" * 40,
    "functions": r"\log x y " * 300,
    "slashes": "a/b c " * 400,
    "bars": "|" * 400,
    "accents": r"\hat" * 300 + "x",
    "signs": "-" * 5000 + "x",
    "cases": r"\begin{cases} " * 40 + "1 & i=j" + r"\end{cases}" * 40,
    "braces": "{" * 5000,
}


@pytest.mark.parametrize("kind", LONG)
def test_long_and_deep_formulas_take_bounded_time(kind: str) -> None:
    start = time.perf_counter()
    with suppress(NotUnderstood):
        read(LONG[kind])
    assert time.perf_counter() - start < 20


def test_broken_formulas_are_refused_and_nothing_worse() -> None:
    draw = random.Random(5)
    whole = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ARTICLES.glob("*.md")))
    formulas = re.findall(r"\$\$(.*?)\$\$", whole, re.DOTALL)
    tokens = [t for tex in formulas for t in re.findall(r"\\[a-zA-Z]+|\\.|\S", tex)]
    for _ in range(some_of(150)):
        parts = re.findall(r"\\[a-zA-Z]+|\\.|\s+|.", draw.choice(formulas))
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(parts))
            parts[place : place + draw.randint(0, 1)] = [draw.choice(tokens)]
        tex = "".join(parts)
        names = Understanding([tex])
        names.enter(tex)
        sides = re.split(r"=|\\\\", tex)
        names.hear(*sides[:2]) if len(sides) > 1 else None
        for side in sides:
            with suppress(NotUnderstood):
                assert all(reading.text for reading in names.read(side))


def test_readings_parse() -> None:
    for tex in (r"\sum_j w_{ij} x_j", r"\frac{\partial L}{\partial y_k}", r"-x_i^{-1}"):
        found = read(tex)[0].text
        parse(found, (0, len(found)), words(found))
