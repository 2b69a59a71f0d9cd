"""Exact verdicts: equal is equal, different is different, and what is neither is undecided."""

from __future__ import annotations

from itertools import chain, pairwise
from random import Random

import numpy as np
import pytest
from amount import some_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Add, Expr, Mul, S, expand, srepr

from derive.expressions import Contraction, Graph, Index, One, Size, tensor
from derive.notation import read_expression, read_goal, read_graph
from derive.verify import Compiled
from derive.verify.evaluate import EvaluationError, Values
from derive.verify.exact import MOST_ERROR, Algebra, Verdict, decide
from derive.verify.modular import (
    CHAINS,
    drawn,
    eliminated,
    exponential,
    inverse,
    power,
    powers,
    signs,
)

PLAIN = "y = 1_i x_i a_i b_i; z = 1_i 1_j w_ij"
SOFTMAX = "s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)"
NORM = (
    "m_b = (1/H) 1_h x_bh; μ_bh = x_bh - 1_h m_b; v_b = (1/H) μ_bh μ_bh; "
    "σ_b = √(v_b + ε); y_bh = (μ_bh/(1_h σ_b)) 1_b γ_h"
)


def verdict(equations: str, left: str, right: str, free: str = "") -> Verdict:
    graph = read_graph(equations, sizes={"h": "H"} if "H" in equations else None)
    return decide(*(read_expression(text, graph, free) for text in (left, right)), graph)


EQUAL = [
    (PLAIN, "[x_i > 0] x_i", "x_i [0 < x_i]", "i"),
    (PLAIN, "[x_i > 0] x_i", "relu(x_i)", "i"),
    (PLAIN, "relu(2 x_i)", "2 relu(x_i)", "i"),
    (PLAIN, "x_i [x_i > 0] + x_i [x_i <= 0]", "x_i", "i"),
    (PLAIN, "sqrt((2 x_i)^2)", "2 abs(x_i)", "i"),
    (PLAIN, "abs(x_i a_i)", "abs(x_i) abs(a_i)", "i"),
    (PLAIN, "1_i 1_j x_i a_j", "1_k x_k 1_j a_j", ""),
    (PLAIN, "1_i (x_i + a_i)^2", "x_i x_i + 2 x_j a_j + a_k a_k", ""),
    (PLAIN, "δ_in δ_im x_i", "δ_in x_m δ_nm", "inm"),
    (PLAIN, "max_i(2 x_i + 3)", "2 max_j(x_j) + 3", ""),
    (PLAIN, "min_i(x_i)", "-max_j(-x_j)", ""),
    (PLAIN, "prod_i(a_i x_i)", "prod_i(x_i) prod_j(a_j)", ""),
    (PLAIN, "sin(x_i)^2 + cos(x_i)^2", "1_i", "i"),
    (PLAIN, "exp(x_i/2)^2 exp(-a_i)", "exp(x_i - a_i)", "i"),
    (PLAIN, "exp(exp(x_i) + a_i)", "exp(a_i) exp(exp(x_i))", "i"),
    (PLAIN, "exp(a_i + 2 log(x_i^2 + 1))", "(x_i^2 + 1)^2 exp(a_i)", "i"),
    (PLAIN, "1 - tanh(x_i)^2", "4/(exp(x_i) + exp(-x_i))^2", "i"),
    (PLAIN, "sigmoid(x_i)", "1 - sigmoid(-x_i)", "i"),
    (PLAIN, "log(exp(x_i) sigmoid(a_i))", "x_i + log(sigmoid(a_i))", "i"),
    (PLAIN, "f(x_i + a_i) b_i", "b_i f(a_i + x_i)", "i"),
    ("y_i = log(a_i) log(b_i)", "log(a_i b_i)", "log(a_i) + log(b_i)", "i"),
    ("y_i = x_i^a", "x_i^(a - 1) x_i", "x_i^a", "i"),
    (SOFTMAX, "-log(s_T)", "log(1_j exp(x_j)) - x_T", ""),
    (SOFTMAX, "1_i s_i", "1", ""),
    (SOFTMAX, "δ_nT/s_T", "δ_nT/s_n", "n"),
]


@pytest.mark.parametrize(("equations", "left", "right", "free"), EQUAL)
def test_equal(equations: str, left: str, right: str, free: str) -> None:
    found = verdict(equations, left, right, free)
    assert found.equal is True
    assert found.error <= MOST_ERROR


DIFFERENT = [
    (PLAIN, "x_i + 10^(-15) a_i", "x_i", "i"),
    (PLAIN, "1_i x_i a_i", "1_j x_j b_j", ""),
    (PLAIN, "prod_i(2 x_i)", "2 prod_i(x_i)", ""),
    (PLAIN, "exp(x_i a_i)", "exp(x_i) exp(a_i)", "i"),
    (PLAIN, "f(x_i)", "f(a_i)", "i"),
    ("z_i = x_{2i+k} w_k", "x_{2i+k} w_k", "w_j x_{j+i}", "i"),
    (SOFTMAX, "s_i", "x_i", "i"),
    (SOFTMAX, "δ_nT s_n", "s_n", "n"),
]


@pytest.mark.parametrize(("equations", "left", "right", "free"), DIFFERENT)
def test_different(equations: str, left: str, right: str, free: str) -> None:
    found = verdict(equations, left, right, free)
    assert found.equal is False


UNDECIDED = [
    (PLAIN, "sqrt(x_i^2)", "x_i", "i"),
    (PLAIN, "log(a_i b_i)", "log(a_i) + log(b_i)", "i"),
    (PLAIN, "sqrt(a_i b_i)", "sqrt(a_i) sqrt(b_i)", "i"),
    (PLAIN, "[x_i > 0]", "[a_i > 0]", "i"),
    (PLAIN, "max_i(x_i)", "max_i(a_i)", ""),
    (PLAIN, "1/(1_i (x_i - a_i) - 1_i x_i + 1_i a_i)", "1", ""),
    (PLAIN, "exp(exp(exp(exp(exp(x_i)))))", "x_i", "i"),
]


@pytest.mark.parametrize(("equations", "left", "right", "free"), UNDECIDED)
def test_undecided(equations: str, left: str, right: str, free: str) -> None:
    found = verdict(equations, left, right, free)
    assert found.equal is None
    assert found.reason


def test_equal_by_the_definitions_alone() -> None:
    """Two forms of layer norm are equal because the centred values add up to zero."""
    graph = read_graph(NORM, sizes={"h": "H"})
    one = "(1/σ_b) g_bh - (1/(H σ_b^3)) μ_bh (1_j g_bj μ_bj) - (1/H) (1/σ_b) 1_h (1_j g_bj)"
    other = one + " + (1_j μ_bj) 1_h g_bk μ_bk"
    exprs = [read_expression(text, graph, "bh") for text in (one, other)]
    found = decide(*exprs, graph)
    assert found.equal
    assert found.by_definitions


def test_what_holds_for_one_size_alone_is_different() -> None:
    graph = read_graph("y = x_i x_i", sizes={"i": "N"})
    for size in range(2, 8):
        exprs = (read_expression(f"{factor} x_i", graph, "i") for factor in ("N", size))
        assert decide(*exprs, graph).equal is False


GOALS = [
    (SOFTMAX, "∂s_i/∂x_n", "s_i δ_in - s_i s_n", True),
    (SOFTMAX, "∂s_i/∂x_n", "s_i δ_in + s_i s_n", False),
    (SOFTMAX, "∂c/∂x_n", "s_n - δ_nT", True),
    (SOFTMAX, "∂l/∂x_n", "∂l/∂c (s_n - δ_nT)", True),
    (SOFTMAX, "∂l/∂x_n", "∂l/∂c s_n", False),
    (NORM, "∂y_bh/∂γ_n", "(μ_bh/σ_b) δ_hn", None),
    ("y = x_i A_ij x_j", "∂y/∂x_n", "A_nj x_j + x_i A_in", True),
    ("y = x_i A_ij x_j", "∂y/∂x_n", "2 A_nj x_j", False),
    ("z_i = x_{2i+k} w_k", "∂z_i/∂w_n", "x_{2i+n}", True),
    ("y = max_j(x_j)", "∂y/∂x_n", "δ_{n,argmax_j(x_j)}", True),
    ("y = prod_j(x_j)", "∂y/∂x_n", "y/x_n", True),
    ("y_i = f(x_i)", "∂y_i/∂x_n", "f'(x_i) δ_in", True),
    ("y_i = f(x_i)", "∂y_i/∂x_n", "f(x_i) δ_in", False),
    ("δ_ij = x_ik y_kj for y", "∂y_nj/∂x_pq", "-y_np y_qj", True),
    ("δ_ij = x_ik y_kj for y", "∂y_nj/∂x_pq", "-y_nq y_pj", False),
]


@pytest.mark.parametrize(("equations", "goal", "form", "equal"), GOALS)
def test_derivatives(equations: str, goal: str, form: str, equal: bool | None) -> None:
    graph = read_graph(equations, sizes={"h": "H"} if "H" in equations else None)
    wanted = read_goal(goal, graph)
    letters = [index for index in wanted.indices if isinstance(index, Index)]
    expr = graph.sized(read_expression(form, graph, letters), wanted)
    found = decide(expr, wanted, graph)
    assert found.equal is (True if equal is None else equal)


# Random expressions

N = Size("N")
ROW, COLUMN = Index("i", N), Index("j", N)
GRAPH = read_graph("y_i = x_i + a_i + A_ij b_j", sizes={"i": "N", "j": "N"})


def leaf(source: Random, letters: list[Index]) -> Expr:
    name = source.choice("xabA")
    slots = [source.choice(letters) for _ in range(2 if name == "A" else 1)]
    return tensor(name, *slots)


def grown(source: Random, letters: list[Index], depth: int) -> Expr:
    """A random expression, rational in the numbers and with sums, in the given letters."""
    kind = source.random() if depth else 1.0
    if kind < 0.35:
        return Add(*(grown(source, letters, depth - 1) for _ in range(2)))
    if kind < 0.7:
        return Mul(*(grown(source, letters, depth - 1) for _ in range(2)))
    if kind < 0.85:
        bound = Index(f"k{depth}", N)
        inner = grown(source, [*letters, bound], depth - 1)
        return Contraction(inner * One(bound) ** int(bound not in inner.free_symbols), bound)
    return source.randint(1, 3) * leaf(source, letters)


def rewritten(expr: Expr, source: Random) -> Expr:
    """The same value in another form: multiplied out, sums of terms, indices renamed."""
    if isinstance(expr, Contraction):
        indices, body = expr.open()
        # Longer than any name around, so that it is not one of them.
        longest = max(len(index.name) for index in expr.free_symbols | {*indices})
        fresh = [Index(f"{index.name}{longest * chr(39)}", index.size) for index in indices]
        body = body.xreplace(dict(zip(indices, fresh, strict=True)))
        terms = Add.make_args(expand(rewritten(body, source)))
        return Add(*(Contraction(term, *fresh) for term in terms))
    if not expr.args or not (expr.is_Add or expr.is_Mul):
        return expr
    parts = [rewritten(arg, source) for arg in expr.args]
    made = expr.func(*parts)
    return expand(made) if source.random() < 0.5 else made


def data(source: Random) -> Values:
    chance = np.random.default_rng(source.randint(0, 10**9))
    tensors = {name: chance.uniform(0.5, 2, (4,) * (1 + (name == "A"))) for name in "xabA"}
    return Values(tensors, {}, {N: 4})


def by_numbers(left: Expr, right: Expr, source: Random) -> bool:
    one, other = (Compiled(expr, (ROW, COLUMN))(data(Random(1))) for expr in (left, right))
    return bool(np.allclose(one, other, rtol=1e-9, atol=0))


@settings(max_examples=some_of(40), deadline=None)
@given(st.integers(0, 10**9))
def test_equal_forms_of_random_expressions(seed: int) -> None:
    source = Random(seed)
    expr = grown(source, [ROW, COLUMN], 3)
    assert decide(expr, rewritten(expr, source), GRAPH).equal is True


@settings(max_examples=some_of(40), deadline=None)
@given(st.integers(0, 10**9))
def test_verdicts_agree_with_numbers(seed: int) -> None:
    """Of two random expressions, and of one and a near miss, the verdict is that of numbers."""
    source = Random(seed)
    expr = grown(source, [ROW, COLUMN], 3)
    wrong = [
        expr + leaf(source, [ROW, COLUMN]) * S(10) ** -3,
        expr.xreplace({ROW: COLUMN, COLUMN: ROW}),
    ]
    for other in [*wrong, grown(source, [ROW, COLUMN], 2)]:
        found = decide(expr, other, GRAPH)
        try:
            assert found.equal is by_numbers(expr, other, source)
        except EvaluationError:
            assert found.equal is not None, srepr(expr)


# Arithmetic modulo a prime


def test_primes_make_chains() -> None:
    assert all(one == 2 * other + 1 for primes in CHAINS for one, other in pairwise(primes))
    for prime in chain(*CHAINS):
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7))
        small = signs(np.array([2, 3, 5, 7, prime - 1]), prime)
        assert small.tolist() == [1, 1, 1, 1, -1]


@pytest.mark.parametrize("prime", [*chain(*CHAINS)])
def test_arithmetic(prime: int) -> None:
    values, exponents = drawn((1,), (50,), prime), drawn((2,), (50,), prime)
    assert (values * inverse(values, prime) % prime == 1).all()
    assert (power(values, 7, prime) == [pow(int(v), 7, prime) for v in values]).all()
    wanted = [pow(int(v), int(e), prime) for v, e in zip(values, exponents, strict=True)]
    assert (powers(values, exponents, prime) == wanted).all()
    assert (exponential(exponents, prime) == [pow(4, int(e), prime) for e in exponents]).all()
    order = (prime - 1) // 2
    total = exponential((values + exponents) % order, prime)
    product = exponential(values % order, prime) * exponential(exponents % order, prime)
    assert (total == product % prime).all()


def test_elimination() -> None:
    prime = CHAINS[0][0]
    matrices, wanted = drawn((1,), (20, 4, 4), prime), drawn((2,), (20, 4, 1), prime)
    matrices[0, :, 0] = [0, 0, 3, 0]
    matrices[1, 2] = matrices[1, 3]
    right = (matrices[..., None] * wanted[:, None] % prime).sum(axis=2) % prime
    determinants, found = eliminated(matrices, right, prime)
    assert determinants[1] == 0
    assert (np.delete(found, 1, 0) == np.delete(wanted, 1, 0)).all()


def test_values_are_kept() -> None:
    """Many lines about one graph share what they are made of."""
    graph: Graph = read_graph(SOFTMAX)
    algebra = Algebra(graph)
    one = read_expression("s_i δ_in - s_i s_n", graph, "in")
    other = read_expression("s_i (δ_in - s_n)", graph, "in")
    first = algebra.decide(one, other)
    assert first == algebra.decide(one, other)
    assert len(first.sizes) >= 3
    assert len({sizes["s.0"] for sizes in first.sizes}) == 3


PRIME, BELOW = CHAINS[0][:2]


@pytest.mark.parametrize(
    ("equations", "left", "right"),
    [
        (PLAIN, f"{PRIME} x_i", "0 x_i"),
        (PLAIN, f"{PRIME + 1} x_i", "x_i"),
        (PLAIN, f"{PRIME * CHAINS[1][0] * CHAINS[2][0]} x_i", "0 x_i"),
        (PLAIN, f"x_i/{PRIME}", "x_i"),
        (PLAIN, f"exp({BELOW + 1} x_i)", "exp(x_i)"),
        (f"y_i = {BELOW} x_i", "exp(y_i)", "1_i"),
        (f"y_i = {PRIME + 1} x_i", "y_i", "x_i"),
    ],
)
def test_numbers_that_a_prime_divides(equations: str, left: str, right: str) -> None:
    """What is zero modulo a prime is no proof that it is zero."""
    assert verdict(equations, left, right, "i").equal is not True


@pytest.mark.parametrize(
    ("equations", "left", "right", "free"),
    [
        (PLAIN, "1_i [i <= 3] x_i", "1_i x_i", ""),
        (PLAIN, "x_{i+4}", "0 x_i", "i"),
        (PLAIN, "x_{i+4}", "x_{i+7}", "i"),
        (PLAIN, "δ_{i,9} x_i", "0 x_i", "i"),
        (PLAIN, "x_{i//5}", "x_0 1_i", "i"),
        (PLAIN, "x_{i%8}", "x_i", "i"),
        (PLAIN, "[T = 6] x_T", "0 x_T", ""),
        (PLAIN, "(H - 2) (H - 3) (H - 4) x_i", "0 x_i", "i"),
        (PLAIN, "H^3 x_i + 26 H x_i", "9 H^2 x_i + 24 x_i", "i"),
        ("y_i = x_{i+3}; z_i = y_{i+3}", "z_i", "0 x_i", "i"),
        ("y_i = x_{t_i} x_i", "[t_i = 11] x_i", "0 x_i", "i"),
    ],
)
def test_small_sizes_prove_nothing(equations: str, left: str, right: str, free: str) -> None:
    """What differs from some size on is looked at there."""
    graph = read_graph(equations, sizes={"i": "H"})
    assert decide(*(read_expression(t, graph, free) for t in (left, right)), graph).equal is False
