"""Extrema and products over an index: as expressions, on paper, differentiated, checked."""

from __future__ import annotations

import numpy as np
import pytest
import referee
from sympy import Expr, S

import derive
from derive.errors import DefinitionError
from derive.expressions import (
    ArgMaximum,
    ArgMinimum,
    Contraction,
    Index,
    Maximum,
    Minimum,
    One,
    ProductOver,
    Size,
    free_indices,
    tensor,
)
from derive.notation import read_expression, read_graph, write_latex, write_text
from derive.verify import Values, verify
from derive.verify.evaluate import free_axes
from derive.verify.exact import provably_equal
from derive.verify.sample import domains, draw

i, j, k, n = (Index(letter) for letter in "ijkn")


def x(*indices: Expr) -> Expr:
    return tensor("x", *indices)


# Expressions --------------------------------------------------------------------------------

KINDS = [Maximum, Minimum, ProductOver, ArgMaximum, ArgMinimum]


@pytest.mark.parametrize("kind", KINDS)
def test_the_letter_does_not_matter(kind: type) -> None:
    assert kind(x(i) * tensor("y", n), i) == kind(x(j) * tensor("y", n), j)
    assert free_indices(kind(x(i) * tensor("y", n), i)) == {n}


@pytest.mark.parametrize("kind", KINDS)
def test_substitution_does_not_capture(kind: type) -> None:
    reduced = kind(x(i, n), i)
    assert reduced.xreplace({n: i}) == kind(x(j, i), j)
    assert reduced.subs(n, i) == kind(x(j, i), j)
    assert free_indices(reduced.xreplace({n: i})) == {i}


def test_substitution_reaches_into_slots() -> None:
    entry = tensor("A", n, ArgMaximum(x(n, i), i))
    assert entry.xreplace({n: i}) == tensor("A", i, ArgMaximum(x(i, j), j))
    assert Contraction(entry, n) == Contraction(tensor("A", k, ArgMaximum(x(k, n), n)), k)
    nested = Maximum(tensor("A", i, ArgMinimum(x(i, j), j)), i)
    assert nested == Maximum(tensor("A", j, ArgMinimum(x(j, i), i)), j)


def test_canonical_forms() -> None:
    assert Maximum(Maximum(x(i, j), j), i) == Maximum(x(k, n), k, n) == Maximum(x(k, n), n, k)
    assert Maximum(Minimum(x(i, j), j), i) != Minimum(Maximum(x(i, j), i), j)
    assert Maximum(tensor("a") * One(i), i) == tensor("a")
    assert ArgMaximum(tensor("a") + 1, i) == S.Zero
    assert ProductOver(tensor("a"), i.sized(Size("N"))) == tensor("a") ** Size("N")
    wide = i.sized(Size("N"))
    assert ProductOver(x(j) * One(wide), wide, j) == ProductOver(x(j), j) ** Size("N")


def test_reductions_do_not_differentiate_the_sympy_way() -> None:
    with pytest.raises(NotImplementedError, match="Maximum"):
        Maximum(x(i), i).diff(x(i))


def test_equal_up_to_the_definitions() -> None:
    graph = read_graph("y_i = 2 x_i; m = max_i(y_i)")
    left, right = (read_expression(text, graph) for text in ("max_i(2 x_i)", "max_j(y_j)"))
    assert provably_equal(left, right, graph)
    assert not provably_equal(left, read_expression("max_j(x_j)", graph), graph)
    left, right = (read_expression(t, graph) for t in ("δ_{i,argmax_j(x_j)} x_i", "x_i y_i"))
    assert not provably_equal(left, right, graph)


def test_a_place_has_the_size_of_its_axis() -> None:
    graph = read_graph("y_b = A_{b,argmax_j(x_bj)}", sizes={"j": "J"})
    assert graph.axis_size("A", 1) == Size("J")
    with pytest.raises(DefinitionError, match="size"):
        read_graph("y = A_{argmax_j(x_j)} A_k z_k", sizes={"j": "J", "k": "K"})


# On paper -----------------------------------------------------------------------------------

SHOWN = [
    ("max_j x_nj", "max_j(x_nj)", r"\max_{j} x_{n j}"),
    ("min_j (x_nj - 1)", "min_j(x_nj − 1)", r"\min_{j}(x_{n j} - 1)"),
    ("∏_j x_nj^2", "prod_j(x_nj²)", r"\prod_{j} x_{n j}^{2}"),
    ("prod_ij(x_ij) a", "a prod_ij(x_ij)", r"a \prod_{i, j} x_{i j}"),
    ("max_j(x_nj)/a", "max_j(x_nj)/a", r"\frac{\max_{j} x_{n j}}{a}"),
    ("a - max_i(x_in)^2", "a − max_i(x_in)²", r"a - (\max_{i} x_{i n})^{2}"),
    (
        "x_{n,argmax_j(x_nj)}",
        "x_{n,argmax_j(x_nj)}",
        r"x_{n, \operatorname{arg\,max}_{j} x_{n j}}",
    ),
    (
        "y_i [i > argmax_j(x_jn)]",
        "y_i [i > argmax_j(x_jn)]",
        r"y_{i} [i > \operatorname{arg\,max}_{j} x_{j n}]",
    ),
    ("y_i max_j(x_ij)", "y_i max_j(x_ij)", r"y_{i} \max_{j} x_{i j}"),
]


@pytest.mark.parametrize(("text", "shown", "latex"), SHOWN)
def test_how_it_is_written(text: str, shown: str, latex: str) -> None:
    graph = read_graph("z = x_ij x_ij y_i")
    expr = read_expression(text, graph, "n")
    assert write_text(expr, graph) == shown
    assert write_latex(expr, graph) == latex
    assert read_expression(shown, graph, "n") == expr


# Derivatives --------------------------------------------------------------------------------

EQUATIONS = [
    ("m_b = max_j(x_bj)", "∂m_b/∂x_pq", "δ_bp δ_{q,argmax_j(x_bj)}"),
    ("m = min_i(a_i x_i)", "∂m/∂x_n", "a_{argmin_i(a_i x_i)} δ_{n,argmin_j(a_j x_j)}"),
    ("m = max_ij(x_ij)", "∂m/∂x_pq", None),
    ("m_i = max_j(x_i - 1_i x_j)", "∂m_i/∂x_n", None),
    ("m = max_i(max_j(x_ij) y_i)", "∂m/∂x_pq", None),
    ("m = max_j(x_ij x_ij)", "∂m/∂x_pq", None),
    ("m = max_j(1_i x_ij)", "∂m/∂x_pq", "1_p δ_{q,argmax_j(1_i x_ij)}"),
    ("y = prod_i(x_i)", "∂y/∂x_n", "y/x_n"),
    ("y_b = prod_j(1 + x_bj^2)", "∂y_b/∂x_pq", "(2 y_b x_bq/(1 + x_bq²)) δ_bp"),
    ("y = prod_ij(x_ij)", "∂y/∂x_pq", "y/x_pq"),
    ("y = prod_i(1_j x_ij)", "∂y/∂x_pq", "1_q y/(1_j x_pj)"),
    ("r = (1_i abs(x_i)^p)^(1/p)", "∂r/∂x_n", None),
    ("y = prod_i(x_i)^a", "∂y/∂x_n", "a y/x_n"),
    ("c = Σ_q [q > argmax_k(x_k)] x_q", "∂c/∂x_n", "[n > argmax_k(x_k)]"),
    ("y_q = max_k([k <= q] x_k)", "∂y_q/∂x_n", None),
    ("c = A_{b,argmax_k(x_bk)} x_bj 1_j", "∂c/∂x_pq", None),
    ("c = x_i δ_{i,argmin_j(x_j)}", "∂c/∂x_n", None),
    ("c = log(max_i(exp(x_i)))", "∂c/∂x_n", "δ_{n,argmax_i(exp(x_i))}"),
    ("m = max_i(x_i); c = (x_i - m) (x_i - m)", "∂c/∂x_n", None),
    ("m := max_i(x_i); s_i = exp(x_i - m)/(1_j exp(x_j - m))", "∂s_i/∂x_n", "s_i δ_in − s_i s_n"),
    ("m = max_i(x_i); c = m + log(1_j exp(x_j - m))", "∂c/∂x_n", "exp(x_n − c)"),
]


@pytest.mark.parametrize(("equations", "goal", "result"), EQUATIONS)
def test_derivative_against_loops(equations: str, goal: str, result: str | None) -> None:
    found = derive.derivation(equations, goal)
    if result is not None:
        assert write_text(found.result, found.graph, found.goals) == result
    stage = found.stages[-1]
    free = free_axes(stage.goal)
    for seed in range(2):
        values = _values(found.graph, seed)
        expected = _differences(found.graph, stage.goal, free, values)
        looped = referee.evaluate(stage.result, free, values)
        np.testing.assert_allclose(looped, expected, rtol=1e-6, atol=1e-6)
    report = verify(found)
    assert report.ok
    assert not any(s.survivors for s in report.stages)


def _values(graph: derive.Graph, seed: int) -> Values:
    """A positive sample, with the definitions computed by loops."""
    sample = draw(graph, list(domains(graph))[1], seed, [eq.rhs for eq in graph.equations])
    return _computed(graph, sample, dict(sample.tensors))


def _computed(graph: derive.Graph, sample: Values, tensors: dict[str, np.ndarray]) -> Values:
    values = Values(tensors, sample.labels, sample.sizes)
    for name in graph.order:
        tensors[name] = referee.evaluate(graph[name].rhs, graph[name].indices, values)
    return values


def _differences(
    graph: derive.Graph, goal: derive.Partial, free: tuple[Index, ...], values: Values
) -> np.ndarray:
    """The derivative of the definitions, one entry of the variable moved after the other."""
    name, indices = str(goal.variable.base), goal.variable.indices
    own = tuple(index for index in free if index not in indices)
    found = np.empty([values.size(index.size) for index in (*own, *indices)])
    step = 1e-6

    def moved(entry: tuple[int, ...], by: float) -> np.ndarray:
        tensors = {key: np.array(value) for key, value in values.tensors.items()}
        tensors[name][entry] += by
        after = _computed(graph, values, tensors)
        return referee.evaluate(goal.function, own, after)

    for entry in np.ndindex(*values.tensors[name].shape):
        found[(..., *entry)] = (moved(entry, step) - moved(entry, -step)) / (2 * step)
    return np.moveaxis(found, range(found.ndim), [free.index(a) for a in (*own, *indices)])


def test_a_place_is_not_differentiated() -> None:
    found = derive.derivation("y_i = δ_{i,argmax_j(x_j)}; c = y_i z_i", "∂y_i/∂x_n")
    assert found.result == 0


def test_a_delta_whose_place_depends_on_the_dummy_is_not_contracted() -> None:
    found = derive.derivation("z = y_i δ_{i,argmax_k(x_ik)}", "∂z/∂y_n")
    assert write_text(found.result, found.graph, found.goals) == "δ_{n,argmax_k(x_nk)}"
    assert verify(found).ok


@pytest.mark.parametrize(
    "text", ["x_{argmax_u(g_uk a_k)}", "δ_{n,argmax_u(g_uk a_k)}", "x_{i+argmax_u(g_uk a_k)}"]
)
def test_what_stands_in_the_place_of_an_extremum_is_summed_there(text: str) -> None:
    """The product inside is the smallest that holds the index."""
    graph = read_graph("y_i = x_i; z_u = g_uk a_k")
    found = read_expression(text, graph, "in")
    (place,) = found.atoms(ArgMaximum)
    assert place.body.has(Contraction)
    assert found == read_expression(text.replace("g_uk a_k", "Σ_k g_uk a_k"), graph, "in")


def test_an_index_outside_of_the_place_is_summed_outside() -> None:
    graph = read_graph("y = x_{k,argmax_u(g_uk a_k)}")
    assert isinstance(graph["y"].rhs, Contraction)
    assert not any(place.body.has(Contraction) for place in graph["y"].rhs.atoms(ArgMaximum))
