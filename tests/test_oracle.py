"""The oracle: both of its methods against each other and against Jacobians known in closed form."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sympy import Expr, KroneckerDelta, Rational, atan, cos, exp, log, sin, sqrt, tanh

from derive.expressions import (
    ELEMENTARY,
    Contraction,
    Equation,
    Graph,
    Index,
    One,
    Partial,
    Size,
    Tensor,
    tensor,
)
from derive.expressions.kinked import relu
from derive.verify import EvaluationError, Oracle, draw
from derive.verify.evaluate import free_axes
from derive.verify.functions import FUNCTIONS

b, h, i, j, n, p, q = map(Index, "bhijnpq")
T = Index("T")


def t(name: str, *indices: Expr) -> Tensor:
    return tensor(name, *indices)


x, s, c, loss = t("x", i), t("s", i), t("c"), t("l")

SOFTMAX = Graph(
    [
        Equation(t("σ"), Contraction(exp(t("x", j)), j), "abbreviation"),
        Equation(s, exp(x) / t("σ")),
        Equation(c, -log(t("s", T))),
    ]
)

LAYER_NORM = Graph(
    [
        Equation(t("m", b), Contraction(t("x", b, h), h) / t("H")),
        Equation(t("μ", b, h), t("x", b, h) - One(h) * t("m", b)),
        Equation(t("v", b), Contraction(t("μ", b, h) ** 2, h) / t("H")),
        Equation(t("σ", b), sqrt(t("v", b) + t("ε"))),
        Equation(t("y", b, h), t("μ", b, h) / t("σ", b) * t("γ", h) + One(b) * t("β", h)),
    ],
    letters={("x", 0): ("b",), ("x", 1): ("h",)},
    sizes={"h": "H"},
)


def every(graph: Graph) -> dict[str, str]:
    return dict.fromkeys(graph.inputs, "positive")


def oracle(graph: Graph, seed: int = 0, method: str = "complex step", **more: str) -> Oracle:
    return Oracle(graph, draw(graph, {**every(graph), **more}, seed), method=method)


def value(of: Oracle, graph: Graph, expr: Expr) -> np.ndarray:
    expr = graph.sized(expr)
    return of(expr, free_axes(expr))


def test_softmax() -> None:
    at = oracle(SOFTMAX, x="both signs")
    s = at.values.tensors["s"]
    known = np.diag(s) - np.outer(s, s)
    np.testing.assert_allclose(value(at, SOFTMAX, Partial(t("s", i), t("x", n))), known, atol=1e-15)


def test_definitions_are_seen_through_and_held_names_are_not() -> None:
    at = oracle(SOFTMAX)
    s, sigma = at.values.tensors["s"], at.values.tensors["σ"]
    label = at.values.labels["T"]
    whole = value(at, SOFTMAX, Partial(c, t("x", n)))
    np.testing.assert_allclose(whole, s - np.eye(len(s))[label], atol=1e-15)
    np.testing.assert_array_equal(value(at, SOFTMAX, Partial(c, t("x", n), "s")), 0 * s)
    held = value(at, SOFTMAX, Partial(t("s", i), t("x", n), "σ"))
    np.testing.assert_allclose(held, np.diag(np.exp(at.values.tensors["x"]) / sigma), atol=1e-15)


def test_a_defined_tensor_is_independent_as_a_variable() -> None:
    at = oracle(SOFTMAX)
    s, label = at.values.tensors["s"], at.values.labels["T"]
    found = value(at, SOFTMAX, Partial(c, t("s", i)))
    np.testing.assert_allclose(found, -np.eye(len(s))[label] / s, atol=1e-14)
    assert value(at, SOFTMAX, Partial(c, t("s", T))) == pytest.approx(-1 / s[label])


def test_the_same_index_twice_means_the_diagonal() -> None:
    at = oracle(SOFTMAX)
    ones = value(at, SOFTMAX, Partial(t("x", j), t("x", j)))
    np.testing.assert_array_equal(ones, np.ones_like(ones))
    found = value(at, SOFTMAX, Partial(exp(t("x", j)), t("x", j)))
    np.testing.assert_allclose(found, np.exp(at.values.tensors["x"]))
    trace = Contraction(Partial(t("s", j), t("x", j)), j)
    s = at.values.tensors["s"]
    np.testing.assert_allclose(value(at, SOFTMAX, trace), 1 - s @ s)


def test_by_an_inner_expression() -> None:
    inner = -2 * t("x", j)
    at = oracle(SOFTMAX)
    found = value(at, SOFTMAX, Partial(exp(inner), inner))
    np.testing.assert_allclose(found, np.exp(-2 * at.values.tensors["x"]))
    total = Contraction(exp(t("x", j)), j)
    assert value(at, SOFTMAX, Partial(log(total), total)) == pytest.approx(
        1 / at.values.tensors["σ"]
    )


@pytest.mark.parametrize(
    "partial",
    [
        Partial(t("x", j) * exp(-t("x", j)), -t("x", j)),
        Partial(t("s", j) * exp(-t("x", j)), -t("x", j)),
        Partial(exp(t("x", j)), -t("x", j)),
        Partial(t("c"), t("l")),
        Partial(t("k", j), t("x", n)),
        Partial(Partial(c, t("x", i)), t("s", n)),
    ],
    ids=["x beside u", "s beside u", "no u", "by the loss", "undefined", "x moves s"],
)
def test_what_is_ambiguous_is_an_error(partial: Partial) -> None:
    at = oracle(SOFTMAX)
    with pytest.raises(EvaluationError):
        value(at, SOFTMAX, SOFTMAX.sized(partial, t("x", j), t("x", i)))


def test_loss_downstream_of_all_outputs() -> None:
    """l is known by its upstream gradients alone, at every output that depends on x."""
    graph = Graph([Equation(t("y", i), sin(t("x", i))), Equation(t("z", i), t("x", i) ** 2)])
    at = oracle(graph)
    x, up = at.values.tensors["x"], at.sample.upstream
    np.testing.assert_allclose(value(at, graph, Partial(loss, t("y", n))), up["y"], rtol=1e-15)
    found = value(at, graph, Partial(loss, t("x", n)))
    np.testing.assert_allclose(found, up["y"] * np.cos(x) + up["z"] * 2 * x, rtol=1e-14)


def test_adjoints_of_nodes_inside() -> None:
    at = oracle(LAYER_NORM)
    tensors, up = at.values.tensors, at.sample.upstream["y"]
    found = value(at, LAYER_NORM, Partial(loss, t("σ", b)))
    known = -np.sum(up * tensors["μ"] * tensors["γ"], axis=1) / tensors["σ"] ** 2
    np.testing.assert_allclose(found, known, rtol=1e-13)


def test_layer_norm() -> None:
    at = oracle(LAYER_NORM)
    tensors, up = at.values.tensors, at.sample.upstream["y"]
    mu, sigma, gamma = tensors["μ"], tensors["σ"][:, None], tensors["γ"]
    size = at.values.sizes[Size("H")]
    assert mu.shape[1] == size
    known = up * gamma / sigma
    known = known - np.sum(up * gamma, axis=1, keepdims=True) / sigma / size
    known -= np.sum(up * gamma * mu, axis=1, keepdims=True) * mu / sigma**3 / size
    found = value(at, LAYER_NORM, Partial(loss, t("x", p, q)))
    np.testing.assert_allclose(found, known, rtol=1e-10, atol=1e-13)


def test_gathered_labels() -> None:
    label = tensor("T", b, integer=True)
    graph = Graph([Equation(t("c", b), -log(t("s", b, label)))])
    at = oracle(graph)
    s, labels = at.values.tensors["s"], at.values.tensors["T"]
    rows = len(s)
    known = np.zeros((rows, *s.shape))
    known[range(rows), range(rows), labels] = -1 / s[range(rows), labels]
    found = value(at, graph, Partial(t("c", b), t("s", p, q)))
    np.testing.assert_allclose(found, known, rtol=1e-14)


def test_second_derivative() -> None:
    at = oracle(SOFTMAX)
    s = at.values.tensors["s"]
    hessian = value(at, SOFTMAX, Partial(Partial(c, t("x", n)), t("x", j)))
    np.testing.assert_allclose(hessian, np.diag(s) - np.outer(s, s), atol=1e-9)


def test_second_derivatives_by_definitions() -> None:
    """By s twice s is independent; by s and then by x, the gradient moves as s does."""
    at = oracle(SOFTMAX)
    s, label = at.values.tensors["s"], at.values.labels["T"]
    unit = np.eye(len(s))[label]
    second = Partial(Partial(c, t("s", i)), t("s", n))
    known = np.outer(unit, unit) / s[label] ** 2
    np.testing.assert_allclose(value(at, SOFTMAX, second), known, atol=1e-9)
    moved = Partial(Partial(c, t("s", i)), t("x", n))
    known = known @ (np.diag(s) - np.outer(s, s))
    np.testing.assert_allclose(value(at, SOFTMAX, moved), known, atol=1e-9)


def test_the_places_at_once_are_the_places_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    goal = Partial(t("l"), t("x", p, q))
    found = value(oracle(LAYER_NORM), LAYER_NORM, goal)
    monkeypatch.setattr("derive.verify.oracle.MOST_AT_ONCE", 1)
    np.testing.assert_array_equal(value(oracle(LAYER_NORM), LAYER_NORM, goal), found)


def test_a_complex_step_takes_the_branch_on_which_the_number_lies() -> None:
    graph = Graph([Equation(t("y", i), sqrt(t("x", i) ** 2))])
    at = oracle(graph, x="both signs")
    found = value(at, graph, Partial(t("y", i), t("x", i)))
    np.testing.assert_allclose(found, np.sign(at.values.tensors["x"]), rtol=1e-9)
    assert not at.differences_used


def test_differences_do_not_cross_a_kink() -> None:
    """Near a kink a smaller step is taken; on it there is no derivative."""
    graph = Graph([Equation(t("y", i), relu(t("x", i)))])
    sample = draw(graph, {"x": "both signs"}, 0)
    near = np.resize([0.02, -0.003, 1.0, -0.7, 0.0006], len(sample.tensors["x"]))
    at = Oracle(graph, replace(sample, tensors={"x": near}), method="central differences")
    found = value(at, graph, Partial(t("y", i), t("x", n)))
    np.testing.assert_allclose(found, np.diag((near > 0).astype(float)), atol=1e-9)
    on = Oracle(graph, replace(sample, tensors={"x": 0 * near}), method="central differences")
    with pytest.raises(EvaluationError):
        value(on, graph, Partial(t("y", i), t("x", n)))


ARGUMENTS = [(name, k) for name, row in sorted(ELEMENTARY.items()) for k in range(row.arity)]


@pytest.mark.parametrize(("name", "number"), ARGUMENTS)
def test_elementary_derivatives(name: str, number: int) -> None:
    """Each row of the table: its NumPy spelling, its derivatives, and both methods."""
    row = ELEMENTARY[name]
    arguments = [t("xyz"[k], i) for k in range(row.arity)]
    graph = Graph([Equation(t("w", i), row.function(*arguments))])
    goal = graph.sized(Partial(t("w", i), arguments[number]))
    known = graph.sized(row.derivatives[number](*arguments), t("w", i))
    kind = "both signs" if row.pieces else "unit interval"
    for seed in range(3):
        data = dict.fromkeys("xyz"[: row.arity], kind)
        exact = oracle(graph, seed, **data)
        rough = oracle(graph, seed, "central differences", **data)
        free = free_axes(goal)
        wanted = exact(known, free)
        np.testing.assert_allclose(exact(goal, free), wanted, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(rough(goal, free), wanted, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", sorted(n for n, row in ELEMENTARY.items() if row.pieces))
def test_pieces(name: str) -> None:
    """A function with kinks is what its pieces say, and says what is taken at them."""
    row = ELEMENTARY[name]
    arguments = [t("xyz"[k], i) for k in range(row.arity)]
    graph = Graph(
        [Equation(t("w", i), row.function(*arguments)), Equation(t("v", i), row.pieces(*arguments))]
    )
    for seed in range(3):
        at = oracle(graph, seed, **dict.fromkeys("xyz"[: row.arity], "both signs"))
        np.testing.assert_allclose(at.values.tensors["w"], at.values.tensors["v"], rtol=1e-14)
    assert row.convention.endswith(".")


def test_functions_that_numpy_lacks() -> None:
    u = np.linspace(-6, 6, 41)
    known = [math.erf(v) for v in u]
    np.testing.assert_allclose(FUNCTIONS["erf"](u), known, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(FUNCTIONS["softplus"](u), np.log1p(np.exp(u)), rtol=1e-13)
    np.testing.assert_allclose(FUNCTIONS["sigmoid"](u), (1 + np.tanh(u / 2)) / 2, rtol=1e-12)
    assert np.isfinite(FUNCTIONS["softplus"](np.array([-1e4, 1e4]))).all()


POWERS = (-3, -2, -1, 2, 3, Rational(1, 2), Rational(-3, 2), Rational(2, 3), t("a"))


@pytest.mark.parametrize("power", POWERS, ids=str)
def test_powers(power: Expr) -> None:
    negative = power in (-3, -2, -1, 2, 3)
    graph = Graph([Equation(t("y", i), (t("x", i) / 2) ** power)])
    at = oracle(graph, x="negative" if negative else "positive")
    base = at.values.tensors["x"] / 2
    exponent = at.values.tensors["a"] if power == t("a") else float(power)
    found = value(at, graph, Partial(t("y", i), t("x", i)))
    np.testing.assert_allclose(found, exponent / 2 * base ** (exponent - 1), rtol=1e-13)


DEEP = Graph(
    [
        Equation(t("u", i), tanh(Contraction(t("w", i, j) * t("x", j), j)) + atan(t("a"))),
        Equation(t("r"), sqrt(Contraction(t("u", i) ** 2, i))),
        Equation(t("y", i), cos(t("u", i)) / t("r") + KroneckerDelta(i, 1) * t("r") ** 3),
    ]
)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("graph", [SOFTMAX, LAYER_NORM, DEEP], ids=["softmax", "norm", "deep"])
def test_both_methods_agree(graph: Graph, seed: int) -> None:
    exact, rough = oracle(graph, seed), oracle(graph, seed, "central differences")
    for output in graph.outputs:
        for name in graph.inputs:
            letters = [f"k{axis}" for axis in range(graph.arity[name])]
            goal = Partial(graph[output].lhs, graph.tensor(name, letters))
            one, other = (each(goal, free_axes(goal)) for each in (exact, rough))
            np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-10)
    assert rough.differences_used
    assert not exact.differences_used
