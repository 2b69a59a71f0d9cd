"""The vectorised evaluator against the slow one, on random expressions."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import referee
from amount import some_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Expr,
    Function,
    I,
    Integer,
    KroneckerDelta,
    Mul,
    Rational,
    cos,
    exp,
    sin,
    sqrt,
    tanh,
)

from derive.expressions import (
    ArgMaximum,
    ArgMinimum,
    Contraction,
    Index,
    Iverson,
    Maximum,
    Minimum,
    One,
    Partial,
    ProductOver,
    Size,
    tensor,
)
from derive.verify import Compiled, EvaluationError, Values
from derive.verify.evaluate import ShapeError

# Every index has a size of its own, so that no transposed axis fits by luck.
SIZES = {Size("I"): 2, Size("J"): 3, Size("K"): 4, Size("H"): 7}
i, j, k = FREE = tuple(Index(letter, Size(letter.upper())) for letter in "ijk")
T = Index("T", Size("K"))
SQUARE = Size("K")
g = tensor("g", i, integer=True)


def _data(seed: int = 0) -> Values:
    rng = np.random.default_rng(seed)
    shapes = {"a": (2,), "b": (2, 3), "c": (4, 4), "d": (3, 4), "u": (2, 4), "z": ()}
    tensors = {name: np.asarray(rng.normal(size=shape)) for name, shape in shapes.items()}
    tensors["g"] = rng.integers(0, 4, 2)
    return Values(tensors, {"T": 2}, SIZES)


VALUES = _data()

LEAVES = [
    tensor("a", i),
    tensor("b", i, j),
    tensor("c", k, k),
    tensor("c", k, T),
    tensor("c", 1, k),
    tensor("d", j, k),
    tensor("u", i, g),
    tensor("u", i, k),
    tensor("z"),
    KroneckerDelta(k, g),
    KroneckerDelta(k, ArgMaximum(tensor("d", j, k), k)),
    tensor("d", j, ArgMaximum(tensor("u", i, k), k)),
    tensor("u", ArgMinimum(tensor("a", i), i), k),
    KroneckerDelta(k, T),
    KroneckerDelta(i, 0),
    Iverson(i, "<=", k),
    Iverson(i + 1, "=", k),
    Iverson(tensor("b", i, j), ">", tensor("z")),
    Iverson(g, "!=", 0),
    Iverson(T, "<", k),
    One(i),
    One(j),
    Size("H"),
    Integer(-3),
    Rational(2, 3),
]


BINDERS = [Contraction, Contraction, Maximum, Minimum, ProductOver]


def _grow(children: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pairs = st.tuples(children, children)
    bound = st.lists(st.sampled_from(FREE), min_size=1, max_size=2, unique=True)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        pairs.map(lambda p: p[0] - 2 * p[1]),
        children.map(lambda e: e**2),
        children.map(lambda e: e**3),
        children.map(lambda e: 1 / (2 + e**2)),
        children.map(lambda e: sqrt(1 + e**2)),
        children.map(lambda e: (1 + e**2) ** Rational(-2, 3)),
        st.tuples(st.sampled_from([sin, cos, tanh]), children).map(lambda p: p[0](p[1])),
        children.map(lambda e: exp(sin(e))),
        st.tuples(st.sampled_from(BINDERS), children, bound).map(lambda p: p[0](p[1], *p[2])),
    )


EXPRESSIONS = st.recursive(st.sampled_from(LEAVES), _grow, max_leaves=8)


@settings(max_examples=some_of(150), deadline=None)
@given(EXPRESSIONS)
def test_agrees_with_the_referee(expr: Expr) -> None:
    fast = Compiled(expr, FREE)(VALUES)
    slow = referee.evaluate(expr, FREE, VALUES)
    assert fast.shape == (2, 3, 4)
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9 * (1 + np.nanmax(np.abs(slow))))


@settings(max_examples=some_of(40), deadline=None)
@given(EXPRESSIONS)
def test_complex_step_is_the_derivative(expr: Expr) -> None:
    """The generated code keeps a tiny imaginary part, in every function and power."""
    compiled, step = Compiled(expr, FREE), 1e-30

    def at(z: complex) -> np.ndarray:
        return compiled(Values({**VALUES.tensors, "z": np.asarray(z)}, {"T": 2}, SIZES))

    z, h = float(VALUES.tensors["z"]), 1e-4
    exact = np.imag(at(z + 1j * step)) / step
    rough = (8 * (at(z + h) - at(z - h)) - (at(z + 2 * h) - at(z - 2 * h))) / (12 * h)
    scale = 1 + np.max(np.abs(exact)) + np.max(np.abs(at(z)))
    np.testing.assert_allclose(exact / scale, rough / scale, atol=1e-6)


def test_order_of_the_axes_is_the_order_asked_for() -> None:
    expr = tensor("b", i, j)
    straight, turned = Compiled(expr, (i, j))(VALUES), Compiled(expr, (j, i))(VALUES)
    np.testing.assert_array_equal(straight, VALUES.tensors["b"])
    np.testing.assert_array_equal(turned, VALUES.tensors["b"].T)


def test_zero_has_the_shape_asked_for() -> None:
    assert Compiled(Integer(0), (i, k))(VALUES).shape == (2, 4)


def test_negative_base_of_a_whole_power() -> None:
    values = Values({"z": np.asarray(-1.5 + 1e-30j)}, {}, {})
    found = Compiled(tensor("z") ** -3, ())(values)
    assert found.real == pytest.approx((-1.5) ** -3, rel=1e-15)
    assert found.imag == pytest.approx(-3e-30 * 1.5**-4, rel=1e-12)


def test_a_whole_power_may_hold_sizes() -> None:
    """Such as `J` and `2 J`, of a base below zero."""
    values = Values({"z": np.asarray(-1.5)}, {}, SIZES)
    for exponent in (Size("J"), 2 * Size("J"), -Size("J"), Size("J") - 1):
        found = Compiled(tensor("z") ** exponent, ())(values)
        assert found == pytest.approx((-1.5) ** int(exponent.subs(Size("J"), 3)))


def test_float32_stays_float32() -> None:
    values = Values({"a": np.ones(2, np.float32)}, {}, {**SIZES})
    expr = Contraction(One(i) * tensor("a", i), i) / Size("H") + KroneckerDelta(k, 1) / 3
    assert Compiled(expr, (k,))(values).dtype == np.float32


@pytest.mark.parametrize("name", ["np", "total", "t0", "tensor0", "exp", "lambda", "__import__"])
def test_names_of_users_stay_out_of_the_code(name: str) -> None:
    expr = Contraction(One(i) * exp(tensor(name, i)), i) + tensor("a", i)
    values = Values({name: np.zeros(2), "a": np.zeros(2)}, {}, SIZES)
    compiled = Compiled(expr, (i,))
    np.testing.assert_allclose(compiled(values), [2, 2])
    assert f"{name}(" not in compiled.code or name in ("np", "total", "exp")


@pytest.mark.parametrize(
    "expr",
    [
        Function("f")(tensor("z")),
        I * tensor("z"),
        tensor("a", k) * tensor("a", Index("m", Size("I"))),
        tensor("a", Integer(-1)),
        Index("i", Size("I")) * tensor("a", i),
        tensor("unheard_of"),
        Partial(tensor("z"), tensor("z")),
    ],
    ids=str,
)
def test_what_has_no_value_is_an_error(expr: Expr) -> None:
    with pytest.raises(EvaluationError):
        Compiled(expr, FREE)(VALUES)


def test_an_index_of_another_size_than_its_axis_is_an_error() -> None:
    """NumPy would read a part of the axis."""
    with pytest.raises(ShapeError, match="runs over an axis of another size"):
        Compiled(tensor("b", i, i), (i,))(VALUES)
    with pytest.raises(ShapeError):
        Compiled(tensor("b", i, Integer(5)), (i,))(VALUES)
    with pytest.raises(ShapeError, match="order"):
        Compiled(tensor("b", i), (i,))(VALUES)


def test_deep_expressions_end_in_a_message() -> None:
    expr = tensor("z")
    for _ in range(120):
        expr = sin(1 + expr)
    with pytest.raises(EvaluationError, match="too deep"):
        Compiled(expr, ())


def test_no_product_of_all_axes_is_built() -> None:
    """Two sums over large axes side by side need no memory for both at once."""
    size = 30_000
    m, n = Index("m", size), Index("n", size)
    expr = Contraction(tensor("x", m) ** 2, m) * tensor("x", n)
    found = Compiled(expr, (n,))(Values({"x": np.ones(size)}, {}, {}))
    np.testing.assert_array_equal(found, np.full(size, float(size)))


def test_each_index_is_summed_as_soon_as_it_can_be() -> None:
    """A chain of matrices, whose product has 60 to the 7th entries before any sum."""
    letters = [Index(letter, 60) for letter in "abcdefg"]
    chain = [tensor("w", one, other) for one, other in pairwise(letters)]
    matrix = np.random.default_rng(0).normal(size=(60, 60)) / 8
    expr = Contraction(Mul(*chain) * tensor("w", letters[-1], letters[0]), *letters)
    found = Compiled(expr, ())(Values({"w": matrix}, {}, {}))
    assert found == pytest.approx(np.trace(np.linalg.matrix_power(matrix, 7)), rel=1e-12)
    step = matrix + 1e-30j
    slope = np.imag(Compiled(expr, ())(Values({"w": step}, {}, {}))) / 1e-30
    power = np.linalg.matrix_power(matrix, 6)
    assert slope == pytest.approx(7 * np.sum(power), rel=1e-10)


def test_numpy_is_loaded_by_verification_alone() -> None:
    code = "import sys, derive, derive.expressions; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nested_contractions_are_cheap_and_canonical() -> None:
    """Renaming in a nest of sums is linear in its depth, and equal nests are equal objects."""
    m, n = Index("m", SQUARE), Index("n", SQUARE)
    inner, other = tensor("v", m), tensor("v", n)
    for _ in range(20):
        inner = tanh(Contraction(tensor("w", n, m) * inner, m)).xreplace({n: m})
        other = tanh(Contraction(tensor("w", m, n) * other, n)).xreplace({m: n})
    assert inner.xreplace({m: n}) == other
    assert Contraction(inner, m) == Contraction(other, n)
