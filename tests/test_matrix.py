"""Matrix notation: known gradients, random expressions, and what has no matrix form."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random

import numpy as np
import pytest
from amount import some_of
from commands import run
from matrix_text import parsed, structure
from sympy import Expr, Integer, KroneckerDelta, Mul, Rational, S, exp, log, sin

from derive.api import derivation, load
from derive.expressions import Contraction, Graph, Index, One, ranging, tensor
from derive.matrix import (
    Form,
    MatrixLine,
    NoMatrixFormError,
    NoMatrixLine,
    form_latex_lines,
    translate,
    write_form,
)
from derive.matrix.build import add, hadamard, multiply, scale, transpose
from derive.matrix.forms import Number
from derive.matrix.operations import Hadamard, Product, Sum, Transpose
from derive.matrix.surface import ASCII, LATEX
from derive.verify import Compiled, Values, matrix_check, verify
from derive.verify.matrices import entries


def line_of(equations: str, goal: str) -> str:
    """The matrix line of the last stage, which has to hold."""
    found = derivation(equations, goal)
    reports = verify(found, mutation=False).stages
    assert all(report.matrix is None or report.matrix.grade == "sampled" for report in reports)
    return str(found.matrix())


# Facts: Petersen and Pedersen, The Matrix Cookbook (2012), by the numbers of its equations, and
# what textbooks of machine learning state.
KNOWN = {
    "(69) linear form": ("y = x_i a_i", "∂y/∂x_n", "∂y/∂x = a"),
    "(70) bilinear form": ("y = a_i x_ij b_j", "∂y/∂x_mn", "∂y/∂x = a bᵀ"),
    "(71) its transpose": ("y = a_i x_ji b_j", "∂y/∂x_mn", "∂y/∂x = b aᵀ"),
    "(77) quadratic in the matrix": (
        "y = b_j x_ij x_ik c_k",
        "∂y/∂x_mn",
        "∂y/∂x = x b cᵀ + x c bᵀ",
    ),
    "(81) quadratic form": ("y = x_i b_ij x_j", "∂y/∂x_n", "∂y/∂x = b x + bᵀ x"),
    "(99) trace": ("y = x_ii", "∂y/∂x_mn", "∂y/∂x = I"),
    "(100) trace of a product": ("y = x_ij a_ji", "∂y/∂x_mn", "∂y/∂x = aᵀ"),
    "(101) between two matrices": ("y = a_ij x_jk b_ki", "∂y/∂x_mn", "∂y/∂x = aᵀ bᵀ"),
    "(102) between, transposed": ("y = a_ij x_kj b_ki", "∂y/∂x_mn", "∂y/∂x = b a"),
    "(106) trace of the square": ("y = x_ij x_ji", "∂y/∂x_mn", "∂y/∂x = 2 xᵀ"),
    "(108) quadratic in a trace": (
        "y = x_ji b_jk x_ki",
        "∂y/∂x_mn",
        "∂y/∂x = b x + bᵀ x",
    ),
    "(115) squared Frobenius norm": ("y = x_ij x_ij", "∂y/∂x_mn", "∂y/∂x = 2 x"),
    "(129) norm of a vector": ("y = sqrt(x_i x_i)", "∂y/∂x_n", "∂y/∂x = (1/y) x"),
    "matmul, left": ("y_ij = x_ik a_kj", "∂l/∂x_pq", "∂l/∂x = (∂l/∂y) aᵀ"),
    "matmul, right": ("y_ij = x_ik a_kj", "∂l/∂a_pq", "∂l/∂a = xᵀ (∂l/∂y)"),
    "softmax": (
        "s_i = exp(x_i)/(1_j exp(x_j))",
        "∂s_i/∂x_n",
        "∂s/∂x = diag(s) − s sᵀ",
    ),
    "softmax of a batch": (
        "s_bi = exp(x_bi)/(1_j exp(x_bj))",
        "∂l/∂x_pq",
        "∂l/∂x = (∂l/∂s) ∘ s − diag(((∂l/∂s) ∘ s) 1) s",
    ),
    "cross-entropy": (
        "s_i = exp(x_i)/σ; σ := 1_j exp(x_j); c = -log(s_T)",
        "∂c/∂x_n",
        "∂c/∂x = s − e_T",
    ),
    "cross-entropy of a batch": (
        "s_bi = exp(x_bi)/σ_b; σ_b := 1_j exp(x_bj); c_b = -log(s_{b,T_b})",
        "∂l/∂x_pn",
        "∂l/∂x = diag(∂l/∂c) (s − E_T)",
    ),
    "only a letter": ("y_i = f(a_ij x_j)", "∂l/∂x_n", "∂l/∂x = aᵀ ((∂l/∂y) ∘ f'(a x))"),
    "curvature": ("y = f(x_i x_i)", "∂²y/∂x_m∂x_n", "∂²y/∂x∂x = 4 f''(xᵀ x) x xᵀ + 2 f'(xᵀ x) I"),
    "elementwise": ("y_ij = sin(x_ij)", "∂l/∂x_pq", "∂l/∂x = (∂l/∂y) ∘ cos(x)"),
    "columns scaled": ("y_bh = x_bh g_h", "∂l/∂x_pq", "∂l/∂x = (∂l/∂y) diag(g)"),
    "rows divided": ("y_bh = x_bh/s_b", "∂l/∂x_pq", "∂l/∂x = diag(s)⁻¹ (∂l/∂y)"),
    "scales of the columns": ("y_bh = x_bh g_h", "∂l/∂g_q", "∂l/∂g = ((∂l/∂y) ∘ x)ᵀ 1"),
    "bias": ("y_ij = x_ij + 1_i b_j", "∂l/∂b_q", "∂l/∂b = (∂l/∂y)ᵀ 1"),
    "broadcast": ("y_ij = x_i 1_j", "∂l/∂x_p", "∂l/∂x = (∂l/∂y) 1"),
    "mean": ("m = (1/N) 1_i x_i", "∂l/∂x_p", "∂l/∂x = ∂l/∂m (1/N) 1"),
    "gather": ("y_bd = w_{t_b,d}", "∂l/∂w_pq", "∂l/∂w = E_tᵀ (∂l/∂y)"),
    "weighted Gram matrix": (
        "g_mn = x_bm p_b x_bn",
        "∂l/∂p_q",
        "∂l/∂p = (x ∘ (x (∂l/∂g))) 1",
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_gradients(name):
    equations, goal, expected = KNOWN[name]
    assert line_of(equations, goal) == expected


def test_linear_layer():
    equations = "y_ij = x_ik a_jk + 1_i b_j"
    assert line_of(equations, "∂l/∂x_pq") == "∂l/∂x = (∂l/∂y) a"
    assert line_of(equations, "∂l/∂a_pq") == "∂l/∂a = (∂l/∂y)ᵀ x"
    assert line_of(equations, "∂l/∂b_q") == "∂l/∂b = (∂l/∂y)ᵀ 1"


# Random expressions: letters in pairs of one size, tensors named after the sizes of their axes.
SIZES = {"i": 3, "p": 3, "j": 4, "q": 4, "k": 2, "m": 5}
NAMES = {3: "a", 4: "b", 2: "c", 5: "d"}
LETTERS = {letter: Index(letter, Integer(size)) for letter, size in SIZES.items()}
LABEL = {3: "T", 4: "U", 2: "V", 5: "W"}
GRAPH = Graph([])


def matrix_name(rows: int, columns: int) -> str:
    return NAMES[rows].upper() + NAMES[columns]


def values(seed: int) -> Values:
    source = np.random.default_rng(seed)
    tensors = {name: source.uniform(0.5, 1.5, size) for size, name in NAMES.items()}
    tensors |= {
        matrix_name(rows, columns): source.uniform(0.5, 1.5, (rows, columns))
        for rows in NAMES
        for columns in NAMES
    }
    tensors |= {name: np.asarray(source.uniform(0.5, 1.5)) for name in ("r", "s")}
    return Values(tensors, {label: size - 1 for size, label in LABEL.items()}, {})


def random_factor(source: Random, depth: int) -> Expr:
    first, second = (LETTERS[source.choice("iipjjqkm")] for _ in range(2))
    kind = source.random()
    if kind < 0.45:
        return tensor(matrix_name(int(first.size), int(second.size)), first, second)
    if kind < 0.7:
        return tensor(NAMES[int(first.size)], first)
    if kind < 0.76:
        same = [index for index in LETTERS.values() if index.size == first.size]
        return KroneckerDelta(first, source.choice(same))
    if kind < 0.8:
        return KroneckerDelta(first, Index(LABEL[int(first.size)], first.size))
    if kind < 0.86 or not depth:
        return source.choice([tensor("r"), Rational(2, 3), S(-3), tensor("s")])
    part = random_product(source, depth - 1)
    if kind < 0.92:
        other = random_product(source, depth - 1)
        spread = [One(index) for index in ranging(part) - ranging(other)]
        back = [One(index) for index in ranging(other) - ranging(part)]
        return Mul(part, *back) + Mul(other, *spread)
    return source.choice(
        [exp(part / 50), sin(part), part**2, log(part**2 + 1), (part**2 + 1) ** -1]
    )


def random_product(source: Random, depth: int) -> Expr:
    """A product summed over all indices but a few."""
    product = Mul(*(random_factor(source, depth) for _ in range(source.randint(1, 4))))
    free = source.sample(sorted(ranging(product), key=str), min(2, len(ranging(product))))
    keep = free[: source.randint(0, 2)]
    return Contraction(product, *(ranging(product) - set(keep)))


@pytest.mark.parametrize("seed", range(12))
def test_what_has_a_form_equals_it(seed):
    """The matrix form of random expressions equals the index notation, both ways round."""
    source = Random(seed)
    data = values(seed)
    found: Counter[str] = Counter()
    for _ in range(some_of(30)):
        expr = random_product(source, 2)
        axes = tuple(sorted(ranging(expr), key=lambda index: index.name))
        if len(str(expr)) > 400:
            continue
        for order in {axes, axes[::-1]}:
            try:
                form = translate(expr, order, GRAPH)
            except NoMatrixFormError as refusal:
                found[refusal.reason] += 1
                continue
            line = MatrixLine(form, form, order, (), GRAPH)
            expected = Compiled(expr, order)(data)
            actual = entries(line, form, data, lambda *_: np.zeros(()))
            np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9, err_msg=str(expr))
            found["form"] += 1
    assert found["form"] > 0.8 * sum(found.values()), found


def test_products_are_multiplied_out_where_that_helps():
    """Also where a term is left without the index of its sum, which counts its values."""
    i, j, k = (LETTERS[letter] for letter in "ijk")
    a, b, c = tensor("a", i), tensor("b", j), tensor("c", k)
    expr = Contraction((a * b * c + tensor("r")) * (c + tensor("s")), i, j, k)
    form = translate(expr, (), GRAPH)
    data = values(0)
    actual = entries(MatrixLine(form, form, (), (), GRAPH), form, data, lambda *_: np.zeros(()))
    np.testing.assert_allclose(actual, Compiled(expr, ())(data))


def test_readers_know_where_brackets_end():
    """The text of random forms reads back to the same form, on every surface that is text."""
    source = Random(1)
    tried = 0
    for _ in range(some_of(600)):
        expr = random_product(source, 2)
        axes = tuple(sorted(ranging(expr), key=lambda index: index.name))
        try:
            form = translate(expr, axes, GRAPH)
        except NoMatrixFormError:
            continue
        tried += 1
        text = write_form(form, GRAPH, ASCII)
        assert parsed(text) == structure(form, GRAPH), text
    assert tried > some_of(400)


# No matrix form: the goal, and a word of the reason.
NONE = {
    "a maximum": ("y = b_i max_j(a_ij)", "∂y/∂b_n", "a maximum over an index"),
    "a product over an index": ("y_i = a_ij prod_k(x_jk)", "∂l/∂a_pq", "a product over an index"),
    "the place of a maximum": ("y = max_j(x_j)", "∂y/∂x_n", "index of a Kronecker delta is comp"),
    "an entry at a place": ("y_i = b_i x_{argmax_j(a_j)}", "∂l/∂b_n", "index of x is computed"),
    "four indices": ("y_ij = x_ik a_kj", "∂y_ij/∂x_pq", "4 indices (i, j, p, q)"),
    "three indices": ("y_ij = u_i v_j", "∂y_ij/∂u_n", "3 indices (i, j, n)"),
    "all linked with all": (
        "z = a_ij b_ik c_il d_jk e_jl f_kl",
        "∂z/∂a_pq",
        "linked with three others",
    ),
    "indices compared": (
        "y_q = [k <= q] x_k",
        "∂l/∂x_n",
        "compares indices",
    ),
    "an exponent of its own for each": ("y_i = x_i^a_i", "∂l/∂x_n", "the exponent has an index"),
    "a shifted index": ("y_i = x_{i+1}", "∂l/∂x_p", "an index of ∂l/∂y is computed"),
    "a gather from three axes": ("y_bi = w_{t_b,i,j} v_j", "∂l/∂v_q", "w has 3 indices"),
}


@pytest.mark.parametrize("name", NONE)
def test_what_has_no_matrix_form_says_why(name):
    equations, goal, reason = NONE[name]
    line = derivation(equations, goal).matrix()
    assert isinstance(line, NoMatrixLine)
    assert reason in str(line)
    assert str(line).startswith("no matrix form: ")


def test_an_index_three_times_is_read_as_a_diagonal_matrix():
    assert line_of("y_bh = x_bh g_h", "∂l/∂x_pq") == "∂l/∂x = (∂l/∂y) diag(g)"
    assert line_of("c = x_bm x_bn p_b a_mn", "∂c/∂a_mn") == "∂c/∂a = xᵀ diag(p) x"
    assert line_of("c = x_i x_i x_i a_i", "∂c/∂x_n") == "∂c/∂x = 3 (x ∘ x ∘ a)"


def test_leading_axes_are_those_of_a_batch():
    found = derivation("y_bij = x_bik a_jk", ["∂l/∂x_bpq", "∂l/∂a_pq"])
    each, shared = (found.matrix(stage) for stage in found.stages if stage.goal in found.goals)
    assert isinstance(each, MatrixLine)
    assert [index.name for index in each.each] == ["b"]
    assert str(each) == "∂l/∂x_b = (∂l/∂y_b) a"
    assert str(shared) == "∂l/∂a = Σ_b (∂l/∂y_b)ᵀ x_b"
    assert all(report.matrix is None or report.matrix.holds for report in verify(found).stages)


def test_names_of_the_notation_give_way_to_the_authors():
    found = derivation("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T) + e_i x_i", "∂c/∂x_n")
    assert str(found.matrix()) == "∂c/∂x = s + e − e'_T"


def test_both_surfaces_and_ascii():
    line = derivation("y_ij = (x_i/s_i) 1_j + a_ij", "∂l/∂s_n").matrix()
    assert isinstance(line, MatrixLine)
    assert line.text() == "∂l/∂s = −x ∘ ((∂l/∂y) 1) ⊘ s^∘2"
    assert line.text(ascii=True) == "d l/d s = -x .* ((d l/d y) 1) ./ s^.2"
    assert line.latex() == (
        r"\frac{\partial l}{\partial s} = -x \odot \left(\frac{\partial l}{\partial y} "
        r"\mathbf{1}\right) \oslash s^{\circ 2}"
    )


def test_brackets_of_values_are_entry_by_entry():
    assert line_of("y_i = [x_i > 0] x_i", "∂y_i/∂x_n") == "∂y/∂x = diag([x > 0])"
    assert line_of("y_i = [x_i <= a_i] x_i", "∂l/∂x_n") == "∂l/∂x = (∂l/∂y) ∘ [x ≤ a]"
    assert line_of("y_i = [0 < x_i < a] x_i", "∂y_i/∂x_n") == "∂y/∂x = diag([x > 0] ∘ [x < a])"
    assert line_of("y_i = [a_ij x_j > 0] b_i", "∂y_i/∂b_n") == "∂y/∂b = diag([a x > 0])"


def test_functions_that_are_letters_are_spelled_as_names_are():
    line = derivation("y_i = φ(x_i)", "∂y_i/∂x_n").matrix()
    assert isinstance(line, MatrixLine)
    assert line.text(ascii=True) == "d y/d x = diag(phi'(x))"
    assert line.latex() == r"\frac{\partial y}{\partial x} = \operatorname{diag}(\phi'(x))"


def test_latex_has_bars_for_absolute_values():
    line = derivation("y_i = x_i [abs(x_i) > a]", "∂y_i/∂x_n").matrix()
    assert isinstance(line, MatrixLine)
    assert line.latex().endswith(r"\operatorname{diag}([\lvert x \rvert > a])")


def test_functions_of_several_arguments():
    assert line_of("y_ij = max(x_ij, 0)", "∂l/∂x_pq") == (
        "∂l/∂x = (1/2) ((∂l/∂y) ∘ (1 1ᵀ + sign(x)))"
    )
    assert line_of("y_ij = max(x_ij, 1_i b_j)", "∂l/∂b_q") == (
        "∂l/∂b = (1/2) ((∂l/∂y) ∘ (1 1ᵀ + sign(1 bᵀ − x)))ᵀ 1"
    )
    assert line_of("y_i = clip(x_i, a, b)", "∂l/∂a") == "∂l/∂a = [a ≤ b] (∂l/∂y)ᵀ [x < a]"
    assert line_of("z_i = b_i max(max(x_i, a), y_i); c = 1_i exp(z_i)", "∂c/∂b_n") == (
        "∂c/∂b = exp(z) ∘ max(max(a, x), y)"
    )


def test_numbers_stand_apart_from_the_ones():
    assert line_of("y = 3 * 1_i x_i", "∂y/∂x_n") == "∂y/∂x = 3 · 1"
    assert line_of("y = 3 * 1_i 1_j x_ij", "∂y/∂x_pq") == "∂y/∂x = 3 · 1 1ᵀ"


def test_long_lines_break_inside_brackets():
    found = load("layer_norm")
    line = found.matrix()
    assert isinstance(line, MatrixLine)
    assert len(form_latex_lines(line.form, found.graph, 100)) == 1
    pieces = form_latex_lines(line.form, found.graph, 25)
    assert len(pieces) == 3
    assert all(piece.startswith("{} - ") for piece in pieces[1:])
    whole = " ".join(piece.removeprefix("{} ") for piece in pieces)
    small = whole.replace(r"\biggl", r"\left").replace(r"\biggr", r"\right")
    assert small == write_form(line.form, found.graph, LATEX)


# The check --------------------------------------------------------------------------------------


def spoilt(form: Form) -> Iterator[Callable[[], Form]]:
    """A form with one mistake in it, in several ways."""
    yield lambda: scale([Number(S.NegativeOne)], form)
    yield lambda: scale([Number(S(2))], form)
    if isinstance(form, Product):
        yield lambda: Product(form.factors[::-1])
        for number, factor in enumerate(form.factors):
            if transpose(factor) != factor:
                yield partial(Product, replaced(form.factors, number, Transpose(factor)))
            if factor.shape[0] == factor.shape[1]:
                yield partial(multiply, replaced(form.factors, number))
    if isinstance(form, Sum):
        for number, term in enumerate(form.terms):
            yield partial(Sum, replaced(form.terms, number, scale([Number(S(3))], term)))
            yield partial(add, replaced(form.terms, number))
    if isinstance(form, Hadamard):
        for number in range(len(form.factors)):
            yield partial(hadamard, replaced(form.factors, number))


def replaced(forms: tuple[Form, ...], number: int, *new: Form) -> tuple[Form, ...]:
    return (*forms[:number], *new, *forms[number + 1 :])


@pytest.mark.parametrize("name", KNOWN)
def test_spoilt_lines_are_rejected(name, monkeypatch):
    equations, goal, _ = KNOWN[name]
    found = derivation(equations, goal)
    line = found.matrix()
    assert isinstance(line, MatrixLine)
    tried = 0
    for make in spoilt(line.form):
        try:
            wrong = replace(line, form=make())
        except NoMatrixFormError:
            continue
        monkeypatch.setattr(matrix_check, "matrix_line", lambda *_, wrong=wrong: wrong)
        report = verify(found, mutation=False)
        assert report.stages[-1].matrix.grade == "wrong", str(wrong)
        assert not report.ok
        tried += 1
    assert tried >= 2


def test_a_wrong_line_is_named_and_ends_the_script_with_a_complaint(monkeypatch):
    found = load("linear_layer")
    line = found.matrix()
    wrong = replace(line, form=scale([Number(S.NegativeOne)], line.form))
    monkeypatch.setattr(matrix_check, "matrix_line", lambda *_: wrong)
    report = verify(found, mutation=False)
    last = len(found.stages) - 1
    assert (last, len(found.stages[-1].lines)) in report.failures
    assert report.stages[-1].matrix.reason == "differs from the index notation"


# Where it is shown ------------------------------------------------------------------------------


def shown(*arguments: str) -> str:
    found = run(*arguments)
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_goals_end_in_their_matrix_form():
    text = shown("show", "cross-entropy")
    assert text.rstrip().endswith("∂l/∂x = ∂l/∂c (s − e_T)                           matrix form")
    assert text.count("matrix form") == 1
    assert "matrix form" not in shown("show", "cross-entropy", "--no-matrix")
    assert "∂s/∂x = diag(s) − s sᵀ" in shown("show", "cross-entropy", "--matrix")


def test_a_multi_index_has_no_matrix_form():
    line = derivation("y_A = exp(x_A)", "∂l/∂x_A", multi=["A"]).matrix()
    assert str(line) == "no matrix form: a multi-index stands for any number of axes"


def test_sums_are_shown_with_a_sign_beside_the_matrix_form():
    text = shown("grad", "y = x_i a_ij x_j", "--wrt", "x", "--sums", "sigma")
    assert "= Σ_i x_i a_in + Σ_j x_j a_nj" in text
    assert "∂y/∂x = a x + aᵀ x" in text


def test_what_has_no_matrix_form_is_said_in_every_format():
    grad = ("grad", "y_ij = u_i v_j", "--wrt", "u")
    why = "no matrix form: the result has 3 indices (i, j, n)"
    assert f"  {why}\n" in shown(*grad)
    assert f"% {why}\n" in shown(*grad, "--format", "latex")
    for options in (("--format", "markdown"), ("--format", "latex", "--standalone")):
        assert f"N{why[1:]}." in shown(*grad, *options)
    data = json.loads(shown(*grad, "--format", "json"))
    assert data["stages"][-1]["matrix"] == {"none": why.removeprefix("no matrix form: ")}


def test_json_has_the_matrix_line_of_every_stage_with_its_evidence():
    data = json.loads(shown("verify", "batched-matmul", "--format", "json"))
    assert all("matrix" in stage for stage in data["stages"])
    found = data["stages"][-1]["matrix"]
    assert found["text"] == "∂l/∂a_bh = x_bhᵀ (∂l/∂y_bh)"
    assert found["latex"].startswith(r"\frac{\partial l}{\partial a_{b h}} = x_{b h}^{\top} ")
    assert found["each"] == ["b", "h"]
    assert found["evidence"]["grade"] == "sampled"


def test_latex_has_the_line_with_a_left_side_of_its_own():
    text = shown("export", "batched-matmul", "--no-reasons")
    assert r"\frac{\partial l}{\partial x_{b h}} &= \frac" in text
    assert r"\quad \text{for each } b, h" in text
