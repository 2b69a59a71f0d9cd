"""Documents made from derivations: terminal, LaTeX, Markdown, JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from expressions import article_graph
from rich.cells import cell_len
from rich.console import Console
from sympy import Expr, exp
from typesetting import compile_latex, katex_complaints

from derive.api import load
from derive.calculus.derivation import DETAILS, Derivation, Detail, Line, Stage, Step
from derive.calculus.rule import Rule
from derive.errors import NotationError
from derive.exports import (
    Options,
    Report,
    latex,
    latex_block,
    latex_document,
    listing,
    markdown,
    terminal,
    to_json,
)
from derive.exports.words import latex_words
from derive.exports.wrap import wrap
from derive.expressions import Contraction, Index, Partial, free_indices, tensor
from derive.notation.goals import read_expression
from derive.notation.write import write_text
from derive.problems import catalogue

RULE = "contract the Kronecker delta"


def stage(goal: Partial, *texts: str, title: str = "", rules: Sequence[str] = (RULE,)) -> Stage:
    """A stage with the given lines, each by rules that do what is asked of them."""
    graph = article_graph()
    goal = graph.sized(goal)
    before: Expr = goal
    lines = []
    for text in texts:
        after = read_expression(text, graph, free_indices(goal))
        steps = []
        for name in rules:
            used = Rule(name, "", "", lambda node, _context: node)
            steps.append(Step(used, before, after, before, after))
            before = after
        lines.append(Line(after, tuple(steps)))
    return Stage(goal, tuple(lines), title)


@pytest.fixture(scope="module")
def article() -> Derivation:
    x, s, c, loss = (lambda *i, name=name: tensor(name, *i) for name in "xscl")
    i, n = Index("i"), Index("n")
    stages = (
        stage(
            Partial(tensor("σ"), x(n)),
            "1_j ∂exp(x_j)/∂x_n",
            "1_j ∂exp(x_j)/∂x_j ∂x_j/∂x_n",
            "1_j exp(x_j) δ_jn",
            "exp(x_n)",
            title="Derivative of σ with respect to x",
        ),
        stage(
            Partial(s(i), x(n)),
            "(1/σ²) (∂exp(x_i)/∂x_n σ − exp(x_i) ∂σ/∂x_n)",
            "(1/σ²) (exp(x_i) δ_in σ − exp(x_i) exp(x_n))",
            "s_i δ_in − s_i s_n",
            title="Derivative of s with respect to x",
            rules=("quotient rule", "derivative of itself"),
        ),
        stage(Partial(c(), x(n)), "∂c/∂s_i ∂s_i/∂x_n", "s_n − δ_Tn", title="100 % of c_n & more"),
        stage(Partial(loss(), x(n)), "∂l/∂c ∂c/∂x_n", "∂l/∂c (s_n − δ_Tn)"),
    )
    return Derivation(
        article_graph(),
        (stages[-1].goal,),
        stages,
        name="softmax-loss",
        title="Softmax & loss",
        references=("https://example.org/a_b",),
    )


@dataclass(frozen=True)
class Evidence:
    grade: str
    error: float | None = None
    reason: str = ""
    witness: None = None

    def as_json(self) -> dict[str, Any]:
        return {"grade": self.grade, "error": self.error}


@dataclass(frozen=True)
class Lines:
    lines: Sequence[Evidence]
    symmetry: Evidence | None = None
    matrix: Evidence | None = None


@dataclass(frozen=True)
class Found:
    stages: Sequence[Lines]
    ranks: Sequence[Mapping[str, int]] = ()
    words: str = "Checked on a few samples with much care. Lines: 1 exact, 9 sampled, 1 wrong."

    def check_as_json(self) -> dict[str, Any]:
        return {"ok": False}


def report(derivation: Derivation, detail: Detail = "article") -> Report:
    """A report in which the last line of all is wrong."""
    stages = [[Evidence("sampled", 3e-12) for _ in s.at(detail)] for s in derivation.stages]
    stages[0][0] = Evidence("exact")
    stages[-1][-1] = Evidence("wrong", 0.5, "differs from the line above")
    return Found([Lines(found) for found in stages])


def printed(
    derivation: Derivation,
    width: int = 100,
    detail: Detail = "article",
    report: Report | None = None,
) -> str:
    file = io.StringIO()
    options = Options(detail=detail)
    terminal(derivation, options, console=Console(file=file, width=width), report=report)
    return file.getvalue()


# Terminal -----------------------------------------------------------------------------------


def test_terminal(article: Derivation) -> None:
    text = printed(article, width=104)
    assert text.startswith(
        """\
Softmax & loss

   σ := 1_j exp(x_j)
  s_i = exp(x_i)/σ
    c = −log(s_T)

Derivative of σ with respect to x
  ∂σ/∂x_n = 1_j ∂exp(x_j)/∂x_n                               contract the Kronecker delta
          = 1_j ∂exp(x_j)/∂x_j ∂x_j/∂x_n                     contract the Kronecker delta
          = 1_j exp(x_j) δ_jn                                contract the Kronecker delta
          = exp(x_n)                                         contract the Kronecker delta

Derivative of s with respect to x
  ∂s_i/∂x_n = (1/σ²) (∂exp(x_i)/∂x_n σ − exp(x_i) ∂σ/∂x_n)   quotient rule, derivative of itself
            = (1/σ²) (exp(x_i) δ_in σ − exp(x_i) exp(x_n))   quotient rule, derivative of itself
            = s_i δ_in − s_i s_n                             quotient rule, derivative of itself
"""
    )


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("width", [50, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("verified", [False, True])
def test_terminal_keeps_to_the_width(
    article: Derivation, width: int, detail: Detail, verified: bool
) -> None:
    found = report(article, detail) if verified else None
    lines = printed(article, width, detail=detail, report=found).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)


def test_terminal_aligns_equals_signs(article: Derivation) -> None:
    blocks = printed(article, width=120).split("\n\n")
    for block in blocks[2:]:
        places = {line.index(" = ") for line in block.splitlines() if " = " in line}
        assert len(places) == 1


def test_terminal_shows_evidence(article: Derivation) -> None:
    text = printed(article, report=report(article))
    assert text.count("sampled 3e-12") == 9
    assert "exact" in text
    assert "wrong: differs from the line above" in text


def test_terminal_refuses_a_report_for_other_lines(article: Derivation) -> None:
    with pytest.raises(ValueError, match="verify at the detail"):
        printed(article, detail="full", report=report(article, "brief"))


def test_a_pipe_gets_no_control_codes(article: Derivation) -> None:
    assert "\x1b" not in printed(article, report=report(article))


def test_a_terminal_gets_colours_unless_told_otherwise(
    article: Derivation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    codes = re.compile("\x1b\\[([0-9;]*)m")

    def colours() -> set[str]:
        file = io.StringIO()
        terminal(article, console=Console(file=file, width=100, force_terminal=True))
        return set(codes.findall(file.getvalue())) - {"0", "1", "2"}

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_ascii_where_the_stream_carries_no_more(article: Derivation, encoding: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    plain = Derivation(article.graph, article.goals, article.stages[-1:], title="Loss")
    terminal(plain, console=Console(file=file, width=100))
    file.flush()
    text = raw.getvalue().decode(encoding)
    assert "d l/d x_n = d l/d c d c/d x_n" in text
    assert "= d l/d c (s_n - delta_Tn)" in text
    assert "sigma := 1_j exp(x_j)" in text


def test_listing(article: Derivation) -> None:
    file = io.StringIO()
    titles = {"other": "Another one", article.name: article.title}
    listing(titles, Console(file=file, width=80), [article])
    assert file.getvalue() == (
        "other          Another one\n"
        "softmax-loss   Softmax & loss\n               ∂l/∂x_n = ∂l/∂c (s_n − δ_Tn)\n"
    )


def test_wrap_breaks_at_operators_first() -> None:
    formula = "a b + c (d − e) − f g h + exp(x + y)"
    assert wrap(formula, 100) == [formula]
    assert wrap(formula, 20) == ["a b + c (d − e)", "− f g h + exp(x + y)"]
    assert wrap("aaaa bbbb cccc dddd", 10) == ["aaaa bbbb", "cccc dddd"]
    assert wrap("d aaaa/d x_n d x_n/d y_m", 14) == ["d aaaa/d x_n", "d x_n/d y_m"]
    assert wrap("unbreakable", 3) == ["unbreakable"]


# LaTeX and Markdown -------------------------------------------------------------------------


def test_latex_block(article: Derivation) -> None:
    assert latex_block(article.stages[-1], article.graph, Options(reasons=True)) == (
        r"""\begin{aligned}
\frac{\partial l}{\partial x_{n}} &= \frac{\partial l}{\partial c} \, """
        r"""\frac{\partial c}{\partial x_{n}} && \text{\small contract the Kronecker delta} \\
&= \frac{\partial l}{\partial c} \left(s_{n} - \delta_{T n}\right) """
        r"""&& \text{\small contract the Kronecker delta}
\end{aligned}"""
    )


def long_derivation() -> Derivation:
    """A line that no page can hold in one piece."""
    n = Index("n")
    terms = [tensor(a, n) * tensor(b, n) for a in "abdefgh" for b in "pqruv"]
    total = Contraction(exp(sum(terms)), n) * sum(terms) + sum(terms)
    used = Rule("collect", "", "", lambda node, _context: node)
    graph = article_graph()
    goal = graph.sized(Partial(tensor("c"), tensor("x", n)), total)
    total = read_expression(write_text(total, graph), graph, free_indices(goal))
    line = Line(total, (Step(used, goal, total, goal, total),))
    return Derivation(graph, (goal,), (Stage(goal, (line,)),), title="Long")


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("reasons", [False, True])
def test_the_document_compiles(
    article: Derivation, detail: Detail, reasons: bool, tmp_path: Path
) -> None:
    log = compile_latex(latex_document(article, Options(detail=detail, reasons=reasons)), tmp_path)
    assert "Overfull" not in log
    assert "Warning" not in log


def test_long_lines_fit_the_page(tmp_path: Path) -> None:
    log = compile_latex(latex_document(long_derivation(), Options(reasons=True)), tmp_path)
    assert "Overfull" not in log


def test_the_blocks_for_pasting_compile(article: Derivation, tmp_path: Path) -> None:
    head, foot = (
        "\\documentclass{article}\\usepackage{amsmath}\\begin{document}\n",
        "\\end{document}",
    )
    compile_latex(head + latex(article, Options(reasons=True)) + foot, tmp_path)


def displays(document: str) -> list[str]:
    return re.findall(r"^\$\$\n(.*?)\n\$\$$", document, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("detail", DETAILS)
def test_katex_reads_the_markdown(article: Derivation, detail: Detail) -> None:
    formulas = displays(markdown(article, Options(detail=detail, reasons=True)))
    formulas += displays(markdown(long_derivation(), Options(detail=detail)))
    assert len(formulas) == 1 + len(article.stages) + 2
    assert katex_complaints(formulas) == []


def test_markdown(article: Derivation) -> None:
    text = markdown(article, report=report(article))
    assert text.startswith("# Softmax & loss\n\n$$\n\\begin{aligned}\n\\sigma &:= ")
    assert "## 100 % of c\\_n & more\n" in text
    assert "Checked line by line: sampled 3e-12, wrong 5e-01.\n" in text
    assert text.endswith("## References\n\n- https://example.org/a_b\n")


def test_markdown_lines_begin_with_nothing_that_markdown_reads(article: Derivation) -> None:
    text = markdown(article, Options(reasons=True)) + markdown(long_derivation())
    for display in displays(text):
        assert all(line[0] in "\\&" or line[0].isalpha() for line in display.splitlines())


def test_words_in_latex() -> None:
    assert latex_words("50 % of a_b {x} ~ naïve σ — ∂c") == (
        r"50 \% of a\_b \{x\} \textasciitilde{} na\"{i}ve $\sigma$ --- $\partial$c"
    )
    assert latex_words("Derivative of x", ["x"]) == "Derivative of $x$"
    with pytest.raises(NotationError):
        latex_words("日本")


# JSON ---------------------------------------------------------------------------------------


def test_json(article: Derivation) -> None:
    found = json.loads(json.dumps(to_json(article)))
    assert list(found) == ["name", "title", "references", "definitions", "conventions", "stages"]
    assert found["definitions"][0] == {
        "text": "σ := 1_j exp(x_j)",
        "latex": r"\sigma := \mathbf{1}_{j} e^{x_{j}}",
        "kind": "abbreviation",
    }
    last = found["stages"][-1]
    assert last["goal"]["text"] == "∂l/∂x_n"
    assert last["lines"][0] == {
        "text": "∂l/∂c ∂c/∂x_n",
        "latex": r"\frac{\partial l}{\partial c} \, \frac{\partial c}{\partial x_{n}}",
        "rules": [RULE],
    }
    assert last["result"]["text"] == last["lines"][-1]["text"] == "∂l/∂c (s_n − δ_Tn)"


def test_json_with_evidence(article: Derivation) -> None:
    found = to_json(article, report=report(article))
    assert found["stages"][0]["lines"][0]["evidence"] == {"grade": "exact", "error": None}
    assert found["check"] == {"ok": False}
    assert "check" not in to_json(article)


def test_json_reads_back(article: Derivation) -> None:
    for shown, derived in zip(to_json(article)["stages"], article.stages, strict=True):
        for line, kept in zip(shown["lines"], derived.lines, strict=True):
            free = free_indices(derived.goal)
            assert read_expression(line["text"], article.graph, free) == kept.expr


# The catalogue ------------------------------------------------------------------------------


def rebuilt(expr: Expr) -> Expr:
    """The expression as SymPy builds it: a number is multiplied into a lone sum."""
    return expr.func(*map(rebuilt, expr.args)) if expr.args else expr


@pytest.mark.catalogue
@pytest.mark.parametrize("name", catalogue())
def test_the_catalogue_reads_back(name: str) -> None:
    derivation = load(name)
    for found in derivation.stages:
        for line in found.at("full"):
            text = write_text(line.expr, derivation.graph, (found.goal,))
            free = free_indices(found.goal)
            assert read_expression(text, derivation.graph, free) == rebuilt(line.expr), text


@pytest.mark.catalogue
@pytest.mark.parametrize("name", catalogue())
def test_the_catalogue_typesets(name: str, tmp_path: Path) -> None:
    derivation = load(name)
    options = Options(detail="full", reasons=True, matrix="all")
    page = markdown(derivation, options)
    assert katex_complaints(displays(page)) == []
    document = latex_document(derivation, options)
    assert "Overfull" not in compile_latex(document, tmp_path)
