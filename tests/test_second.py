"""Second derivatives: read, written, derived, checked, and compared with independent numerics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sympy import Expr

import derive
from derive.calculus.derivation import Line, Step, exchanged
from derive.errors import DeriveError, GoalError, NotationError
from derive.expressions import Partial, tensor
from derive.notation import read_expression, read_goal, read_graph
from derive.notation.write import write_latex, write_text
from derive.verify import Settings, verify
from derive.verify.evaluate import Compiled, Values, free_axes

SOFTMAX = "s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)"
LOGISTIC = (
    "z_i = X_id w_d + 1_i b; p_i = 1/(1 + exp(-z_i)); "
    "c = -1_i (t_i log(p_i) + (1 - t_i) log(1 - p_i))"
)
LAYERS = (
    "h1_i = tanh(U_ij x_j); h2_i = tanh(V_ij h1_j); h3_i = tanh(W_ij h2_j); "
    "s_i = exp(h3_i)/(1_j exp(h3_j)); c = -log(s_T)"
)


def shown(equations: str, goal: str) -> str:
    derivation = derive.derivation(equations, goal)
    return write_text(derivation.result, derivation.graph, (derivation.stages[-1].goal,))


@pytest.mark.parametrize(
    ("equations", "goal", "result"),
    [
        (SOFTMAX, "∂²c/∂x_m∂x_n", "s_n δ_mn − s_m s_n"),
        (SOFTMAX, "v_m ∂²c/∂x_m∂x_n", "s_n (v_n − s_i v_i)"),
        (SOFTMAX, "v_m v_n ∂²c/∂x_m∂x_n", "s_i v_i² − (s_i v_i)²"),
        (SOFTMAX, "∂²c/∂s_m∂s_n", "(1/s_T²) δ_Tm δ_Tn"),
        (LOGISTIC, "∂²c/∂w_m∂w_n", "X_im X_in p_i (1 − p_i)"),
        (LOGISTIC, "∂²c/∂w_m∂b", "X_im p_i (1 − p_i)"),
        (LOGISTIC, "∂²c/∂b∂w_m", "X_im p_i (1 − p_i)"),
        (LOGISTIC, "v_m ∂²c/∂w_m∂w_n", "X_id X_in p_i v_d (1 − p_i)"),
        ("c = (1/2) 1_i (y_i - X_id w_d)^2", "∂²c/∂w_m∂w_n", "X_im X_in"),
        ("r = sqrt(x_i x_i)", "∂²r/∂x_m∂x_n", "(1/r) δ_mn − x_m x_n/r³"),
        ("y_i = tanh(x_i)", "∂²y_i/∂x_m∂x_n", "−2 y_i (1 − y_i²) δ_im δ_in"),
        ("f = a x_i x_i", "∂²f/∂x_n∂a", "2 x_n"),
        ("f = a_i x_i", "∂²f/∂x_m∂x_n", "0"),
    ],
)
def test_known_results(equations: str, goal: str, result: str) -> None:
    assert shown(equations, goal) == result


GOALS = [
    (SOFTMAX, "∂²c/∂x_m∂x_n"),
    (SOFTMAX, "∂²s_i/∂x_m∂x_n"),
    (SOFTMAX, "u_i v_m ∂²s_i/∂x_m∂x_n"),
    (SOFTMAX, "A_mn ∂²c/∂x_m∂x_n"),
    (SOFTMAX, "x_n ∂c/∂x_n"),
    (LOGISTIC, "∂²c/∂w_m∂w_n"),
    (LOGISTIC, "∂²c/∂X_km∂w_n"),
    ("f = x_i A_ij x_j", "∂²f/∂A_mp∂x_n"),
    ("m = 1_i x_i; v = 1_i (x_i - 1_i m)^2; f = log(v)", "∂²f/∂x_m∂x_n"),
    (LAYERS, "∂²c/∂x_m∂x_n"),
    (LAYERS, "v_m ∂²c/∂x_m∂x_n"),
    (LAYERS, "∂²c/∂V_mp∂x_n"),
]


@pytest.mark.parametrize(("equations", "goal"), GOALS, ids=[goal for _, goal in GOALS])
def test_every_line_holds_and_every_mutant_is_rejected(equations: str, goal: str) -> None:
    report = verify(derive.derivation(equations, goal), Settings(seeds=2))
    assert report.ok
    assert not report.undecided
    for stage in report.stages:
        assert stage.rejected == stage.mutants, stage.survivors
    assert report.error is not None
    assert report.error < 1e-6


def _values(equations: str, sizes: dict[str, int], seed: int = 0) -> Values:
    """Inputs in the given sizes of letters, and the definitions they lead to."""
    graph = read_graph(equations)
    rng = np.random.default_rng(seed)
    lengths = {
        graph.axis_size(name, axis): sizes[letter]
        for (name, axis), letters in graph.letters.items()
        for letter in letters
        if letter in sizes
    }
    shapes = {
        name: tuple(lengths[graph.axis_size(name, axis)] for axis in range(graph.arity[name]))
        for name in graph.inputs
    }
    tensors = {name: np.asarray(rng.uniform(0.2, 0.8, shape)) for name, shape in shapes.items()}
    return _with_definitions(equations, Values(tensors, {"T": 1}, lengths))


def _with_definitions(equations: str, values: Values) -> Values:
    graph = read_graph(equations)
    tensors = dict(values.tensors)
    for name in graph.order:
        equation = graph[name]
        now = Values(tensors, values.labels, values.sizes)
        tensors[name] = Compiled(equation.rhs, equation.indices)(now)
    return Values(tensors, values.labels, values.sizes)


def _differences(equations: str, name: str, variable: str, values: Values) -> np.ndarray:
    """The Hessian by second differences of the function alone."""
    at, h = values.tensors[variable], 1e-4

    def f(*moves: tuple[int, float]) -> float:
        moved = at.copy()
        for position, step in moves:
            moved.flat[position] += step
        after = Values({**values.tensors, variable: moved}, values.labels, values.sizes)
        return float(_with_definitions(equations, after).tensors[name])

    hessian = np.empty((at.size, at.size))
    for i, j in np.ndindex(hessian.shape):
        corners = [s * t * f((i, s * h), (j, t * h)) for s in (1, -1) for t in (1, -1)]
        hessian[i, j] = sum(corners) / (4 * h * h)
    return hessian


@pytest.mark.parametrize(
    ("equations", "name", "variable", "goal"),
    [
        (SOFTMAX, "c", "x", "∂²c/∂x_m∂x_n"),
        (LOGISTIC, "c", "w", "∂²c/∂w_m∂w_n"),
        (LAYERS, "c", "x", "∂²c/∂x_m∂x_n"),
    ],
)
def test_hessians_against_differences(equations: str, name: str, variable: str, goal: str) -> None:
    """Without the oracle: second differences of the function, written here."""
    derivation = derive.derivation(equations, goal)
    values = _values(equations, {"i": 4, "j": 4, "d": 3})
    goal_indices = free_axes(derivation.stages[-1].goal)

    def first(request: object) -> np.ndarray:
        """A gradient that stands by its name in a long result, by differences again."""
        raise AssertionError(f"{request} stands in the result")

    result = _unfolded(derivation)
    found = Compiled(result, goal_indices)(values, first)
    wanted = _differences(equations, name, variable, values)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def _unfolded(derivation: derive.Derivation) -> Expr:
    """The result with the gradients in it that stand by their names put in."""
    known = {stage.goal: stage.result for stage in derivation.stages}
    result = derivation.result
    for goal in reversed(list(known)):
        if result.has(goal):
            result = result.xreplace({goal: known[goal]})
    return result


def test_the_hessian_does_not_depend_on_the_label() -> None:
    derivation = derive.derivation(SOFTMAX, "∂²c/∂x_m∂x_n")
    assert not any(index.name == "T" for index in derivation.result.free_symbols)


def test_symmetry_is_checked_and_its_violation_is_a_failure() -> None:
    derivation = derive.derivation(SOFTMAX, "∂²c/∂x_m∂x_n")
    report = verify(derivation)
    assert report.stages[-1].symmetry is not None
    assert report.stages[-1].symmetry.grade == "exact"
    assert all(stage.symmetry is None for stage in report.stages[:-1])
    stage = derivation.stages[-1]
    wrong = stage.result + tensor("s", stage.goal.indices[0]) * tensor("x", stage.goal.indices[1])
    wrong = derivation.graph.sized(wrong, stage.goal)
    step = Step(stage.steps[-1].rule, stage.result, wrong, stage.result, wrong)
    spoilt = dataclasses.replace(stage, lines=(*stage.lines, Line(wrong, (step,))))
    report = verify(dataclasses.replace(derivation, stages=(*derivation.stages[:-1], spoilt)))
    assert report.stages[-1].symmetry is not None
    assert report.stages[-1].symmetry.grade == "wrong"
    assert report.stages[-1].is_asymmetric
    assert not report.ok


def test_what_is_exchanged() -> None:
    stage = derive.derivation("f = x_ij x_jk x_ki", "∂²f/∂x_mn∂x_pq").stages[-1]
    m, n, p, q = (next(i for i in stage.goal.indices if i.name == c) for c in "mnpq")
    assert exchanged(stage) == stage.result.xreplace({m: p, n: q, p: m, q: n})
    mixed = derive.derivation("f = a x_i x_i", "∂²f/∂a∂x_n").stages[-1]
    assert exchanged(mixed) is None


@pytest.mark.parametrize(
    "spelling",
    [
        "∂²c/∂x_m∂x_n",
        "∂^2 c/∂x_m ∂x_n",
        "d2 c / d x_m d x_n",
        "d^2 c / d x_m d x_n",
        "∂(∂c/∂x_n)/∂x_m",
    ],
)
def test_spellings(spelling: str) -> None:
    graph = read_graph(SOFTMAX)
    goal = read_goal(spelling, graph)
    assert goal == read_goal("∂²c/∂x_m∂x_n", graph)
    assert isinstance(goal, Partial)
    assert [v.indices[0].name for v in goal.variables] == ["m", "n"]
    assert write_text(goal, graph) == "∂²c/∂x_m∂x_n"
    assert write_text(goal, graph, ascii=True) == "d2 c/d x_m d x_n"
    latex = r"\frac{\partial^{2} c}{\partial x_{m} \, \partial x_{n}}"
    assert write_latex(goal, graph) == latex


@pytest.mark.parametrize(
    "text",
    [
        "v_m ∂²c/∂x_m∂x_n",
        "∂²c/∂x_m∂x_n ∂s_k/∂x_m",
        "2 ∂²c/∂x_n∂x_n",
        "∂(∂c/∂x_n|_s)/∂x_n",
        "∂(∂²c/∂x_n∂x_n)/∂x_n",
        "∂²(x_i x_i)/∂x_n∂x_n",
        "1_k ∂²s_k/∂x_n∂s_n",
    ],
)
@pytest.mark.parametrize("plain", [False, True])
def test_what_is_written_is_read_back(text: str, plain: bool) -> None:
    graph = read_graph(SOFTMAX)
    free = {"n", "k"} if "s_k/" in text else {"n"}
    free = free - {"k"} if text.startswith("1_k") else free
    expr = read_expression(text, graph, sorted(free))
    written = write_text(expr, graph, ascii=plain)
    assert read_expression(written, graph, sorted(free)) == expr, written


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ("∂²l/∂x_m∂x_n", "only the gradient is given"),
        ("∂²c/∂s_m∂x_n", "s is made of x"),
        ("∂²c/∂x_m∂s_n", "s is made of x"),
        ("∂²c/∂x_n∂x_n", "stands twice"),
        ("∂(∂²c/∂x_m∂x_n)/∂x_k", "twice at most"),
        ("∂(∂c/∂x_n|_s)/∂x_m", "holds nothing fixed"),
        ("v_k ∂²c/∂x_m∂x_n", "none of the derivative's"),
        ("v_m v_mn ∂²c/∂x_m∂x_n", "v has 1 index elsewhere"),
        ("s_mn ∂²c/∂x_m∂x_n", "s has 1 index elsewhere"),
        ("∂c/∂x_m ∂c/∂x_n", "not a derivative of one tensor"),
        ("v_m/∂c/∂x_m", "expected|cannot|clear|not a derivative"),
        ("exp(v_m) ∂c/∂x_m", "not a derivative of one tensor"),
        ("∂³c/∂x_m∂x_n", "second derivative"),
        ("∂²c/∂x_m", "half of a derivative"),
    ],
)
def test_what_is_no_goal_is_refused(goal: str, message: str) -> None:
    with pytest.raises(DeriveError, match=message) as caught:
        derive.derivation(SOFTMAX, goal)
    assert isinstance(caught.value, GoalError | NotationError)


def test_a_number_beside_a_tensor_needs_no_one_tensor() -> None:
    assert shown("f = 1_i (1_i - x_i)^3", "∂f/∂x_n") == shown("f = 1_i (1 - x_i)^3", "∂f/∂x_n")
