"""Whatever is typed, the answer is a result or one of our errors, in bounded time."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from amount import some_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.errors import DeriveError
from derive.expressions import bound_apart
from derive.notation import read_expression, read_goal, read_graph
from derive.problems import load_problem

T = TypeVar("T")

EQUATIONS = [
    "s_i = exp(x_i) / sigma; sigma := 1_j exp(x_j); c = -log(s_T)",
    "c_b = -log(s_{b,T_b}); s_bi = exp(x_bi) / (1_j exp(x_bj))",
    "m_b = (1/H) 1_h x_bh; v_b = (1/H) 1_h (x_bh - 1_h m_b)^2; σ_b = √(v_b + ε)",
    "y_ij = x_ik a[k, j] + 1_i b_j; r = sqrt(y_ij y_ij)",
    "y_i = 1/(1 + e^{-x_i}) tanh(x_i)²",
    "m_b = max_j(x_bj) + Σ_j (x_bj - w_b)^2; c = y_{b, argmax_j(x_bj)} prod_i(z_bi)",
]
LATEX = [
    r"\begin{aligned} s_{i} &= \frac{e^{x_{i}}}{\mathbf{1}_{j} e^{x_{j}}} \\"
    r"c &= -\log s_{T} \end{aligned}",
    r"v_b = \frac1H \sum_{h=1}^{H} \left(x_{b h} - 1_h m_b\right)^2,"
    r"\quad \sigma_b := \sqrt{v_b + \epsilon}.",
    r"\hat{y}_{n} = [x_{n} \le 0] \, x_{\lfloor n/2 \rfloor, n \bmod 2} \max(a, \lvert b \rvert)",
    r"\left.\frac{\partial c}{\partial x_n}\right|_{s} + \max_{j} \operatorname{loss}_{j}",
]
GOALS = ["∂c/∂x_n", "d c / d x_n", "∂s_i/∂x_n|_{σ}", "∂l/∂x_n"]
LINES = ["s_n - δ_Tn", "∂c/∂s_i ∂s_i/∂x_n", "-(1/s_T) δ_iT (s_i δ_in - s_i s_n)", "1_j e^{x_j}"]
TOML = 'title = "a"\nequations = ["c = x_i x_i"]\ngoals = ["∂c/∂x_n"]\nsizes = { i = "N" }\n'
GRAPH = read_graph(EQUATIONS[0])

PIECES = [
    *"abcdeijklxyzσμδTH01239_^{}()[]|'+-−*·×/√∂,;=#. \n\t²⁻³@$\\\"",
    *("exp", "log", "sqrt", "sigma", "mu", "delta", "pi", "1_", "x_i", "s_j", ":=", "**", "|_"),
    *("Σ_j ", "sum_", "max_j(", "argmax_j(", "prod_{i", "∏_", "max_j", "Σ_{i,j}"),
    *("d ", "/ d ", "∂c/∂x_n", "^{", "_{", "T_b", "f(", "e^", "1e9", "x\u0302", "\u0302", "\x00"),
    *(
        "\\frac{",
        "\\frac",
        "\\left(",
        "\\right)",
        "\\left.",
        "\\right|_",
        "\\sum_{",
        "\\hat",
        "\\\\",
    ),
    *("\\mathbf{1}", "\\partial", "\\begin{aligned}", "\\end{", "\\text{", "\\log", "\\,", "&"),
    *("\U0001d7cf", "ﬁ", "İ", "\ud7ff", "\u202e", "Ⅷ", "٣", "x_{i,j}", "10^9", "(((((", ")))))"),
]

bounded = settings(
    max_examples=some_of(400),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def mutated(text: str, seed: int) -> str:
    """The text with a few pieces put in, left out, exchanged or repeated."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.randint(0, 4))
        piece = chance.choice([*PIECES, "", text[at:to] * 2, text[to : to + 8]])
        text = text[:at] + piece + text[to:]
    return text


random_text = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES)).map("".join))


def from_mutants(*texts: str) -> st.SearchStrategy[str]:
    return st.builds(mutated, st.sampled_from(texts), st.integers(0, 10**9))


def answer(question: Callable[[], T]) -> T | None:
    """The result, or None where the answer is a message; anything else that is raised escapes."""
    try:
        return question()
    except DeriveError as error:
        told = error
    assert told.message
    assert str(told)
    assert all(0 <= place.start <= len(place.text) for place in told.places)
    return None


def check_graph(text: str) -> None:
    graph = answer(lambda: read_graph(text))
    if graph is not None:
        assert all(bound_apart(equation.rhs) for equation in graph.equations)


@bounded
@given(random_text)
def test_random_equations(text: str) -> None:
    check_graph(text)
    check_graph(f"y_i = {text}")


@bounded
@given(from_mutants(*EQUATIONS))
def test_mutated_equations(text: str) -> None:
    check_graph(text)


@settings(bounded, max_examples=some_of(800))
@given(from_mutants(*LATEX) | random_text.map(lambda text: f"$y = {text}"))
def test_latex(text: str) -> None:
    check_graph(text)
    goal = answer(lambda: read_goal(text, GRAPH))
    expr = answer(lambda: read_expression(text, GRAPH, "inb"))
    assert all(found is None or bound_apart(found) for found in (goal, expr))


@bounded
@given(random_text | from_mutants(*GOALS))
def test_goals(text: str) -> None:
    goal = answer(lambda: read_goal(text, GRAPH))
    assert goal is None or bound_apart(goal)


@bounded
@given(random_text | from_mutants(*LINES), st.text("ijnm", max_size=3))
def test_expressions(text: str, free: str) -> None:
    expr = answer(lambda: read_expression(text, GRAPH, free))
    assert expr is None or bound_apart(expr)


@settings(bounded, max_examples=some_of(200))
@given(from_mutants(TOML).map(str.encode) | st.binary(max_size=80))
def test_files(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(content)
    answer(lambda: load_problem(path))


@bounded
@given(st.text(max_size=30))
def test_names_of_problems(name: str) -> None:
    answer(lambda: load_problem(name))
