"""Verification: right lines hold, one wrong line fails alone, and nothing passes unseen."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from amount import some_of
from hypothesis import given, settings
from sympy import Expr, Function, Indexed, KroneckerDelta, S, exp, log, sin, sqrt
from test_evaluate import EXPRESSIONS, FREE, VALUES

from derive.calculus.derivation import Derivation, Line, Stage, Step
from derive.calculus.rule import Rule
from derive.expressions import Contraction, Equation, Graph, Index, One, Partial, Size, tensor
from derive.verify import Compiled, EvaluationError, Oracle, Report, draw, grading, trial, verify
from derive.verify.evaluate import free_axes
from derive.verify.exact import Verdict, provably_equal
from derive.verify.mutants import mutants
from derive.verify.sample import domains

RULE = Rule("some rule", "x_i = x_i", "", lambda node, context: None)

b, h, i, j, n, p, q = map(Index, "bhijnpq")
T = Index("T")
t, delta = tensor, KroneckerDelta
c, loss, sigma = t("c"), t("l"), t("σ")


def s(k: Expr) -> Expr:
    return t("s", k)


def x(k: Expr) -> Expr:
    return t("x", k)


def stage(graph: Graph, goal: Partial, *lines: Expr) -> Stage:
    goal = graph.sized(goal)
    above: Expr = goal
    made = []
    for line in lines:
        expr = graph.sized(line, goal)
        made.append(Line(expr, (Step(RULE, above, expr, above, expr),)))
        above = expr
    return Stage(goal, tuple(made))


def of(graph: Graph, *stages: Stage) -> Derivation:
    return Derivation(graph, tuple(s.goal for s in stages), stages)


def grades(report: Report) -> list[list[str]]:
    return [[line.grade for line in each.lines] for each in report.stages]


SOFTMAX = Graph(
    [
        Equation(sigma, Contraction(exp(x(j)), j), "abbreviation"),
        Equation(s(i), exp(x(i)) / sigma),
        Equation(c, -log(s(T))),
    ]
)

CROSS_ENTROPY: list[tuple[Partial, list[Expr]]] = [
    (
        Partial(sigma, x(n)),
        [
            Contraction(One(j) * Partial(exp(x(j)), x(n)), j),
            Contraction(One(j) * Partial(exp(x(j)), x(j)) * Partial(x(j), x(n)), j),
            Contraction(One(j) * exp(x(j)) * delta(j, n), j),
            exp(x(n)),
        ],
    ),
    (
        Partial(s(i), x(n)),
        [
            (Partial(exp(x(i)), x(n)) * sigma - exp(x(i)) * Partial(sigma, x(n))) / sigma**2,
            (exp(x(i)) * delta(i, n) * sigma - exp(x(i)) * exp(x(n))) / sigma**2,
            s(i) * delta(i, n) - s(i) * s(n),
        ],
    ),
    (Partial(c, s(i)), [-Partial(log(s(T)), s(i)), -delta(i, T) / s(T)]),
    (
        Partial(c, x(n)),
        [
            Contraction(Partial(c, s(i)) * Partial(s(i), x(n)), i),
            Contraction(-delta(i, T) / s(T) * (s(i) * delta(i, n) - s(i) * s(n)), i),
            -(s(T) * delta(T, n) - s(T) * s(n)) / s(T),
            s(n) - delta(T, n),
        ],
    ),
    (
        Partial(loss, x(n)),
        [Partial(loss, c) * Partial(c, x(n)), Partial(loss, c) * (s(n) - delta(T, n))],
    ),
]


def cross_entropy(number: int = -1, line: int = -1, wrong: Expr = S.Zero) -> Derivation:
    """The derivation of the article, with one line replaced if wanted."""
    stages = []
    for position, (goal, lines) in enumerate(CROSS_ENTROPY):
        chosen = list(lines)
        if position == number:
            chosen[line] = wrong
        stages.append(stage(SOFTMAX, goal, *chosen))
    return of(SOFTMAX, *stages)


def test_the_article_holds() -> None:
    report = verify(cross_entropy())
    assert report.ok
    assert not report.undecided
    assert report.error is not None
    assert report.error < 1e-14
    assert report.method == "complex step"
    assert grades(report)[3] == ["exact"] * 4
    for found in report.stages:
        assert found.mutants == found.rejected >= 4
        assert not found.warnings


def test_evidence_as_data() -> None:
    line = verify(cross_entropy()).stages[1].lines[2].as_json()
    assert json.loads(json.dumps(line)) == line
    assert line["grade"] == "exact"
    assert line["seeds"] == 3
    numbers = [sizes["s.0"] for sizes in line["sizes"]]
    assert len(set(numbers)) > 1
    assert min(numbers) >= 2


WRONG = [
    ("sign", 1, 1, (exp(x(i)) * delta(i, n) * sigma + exp(x(i)) * exp(x(n))) / sigma**2),
    ("index", 1, 1, exp(x(i)) * delta(i, n) / sigma - One(i) * exp(2 * x(n)) / sigma**2),
    ("lost delta", 1, 2, One(n) * s(i) - s(i) * s(n)),
    ("lost delta under a sum", 0, 2, Contraction(One(j) * exp(x(j)), j) * One(n)),
    ("lost factor", 3, 2, -(delta(T, n) - s(T) * s(n)) / s(T)),
    ("lost power", 1, 0, (Partial(exp(x(i)), x(n)) * sigma - exp(x(i)) * exp(x(n))) / sigma),
    ("factor out of a sum", 3, 1, -s(n) / s(T) * Contraction(delta(i, T) * s(i), i)),
    ("wrong label", 3, 3, s(n) - delta(Index("U", Size("s.0")), n)),
    ("wrong first line", 2, 0, -Partial(log(s(T)), s(T)) * One(i)),
    ("wrong last line", 4, 1, Partial(loss, c) * (s(n) + delta(T, n))),
    ("held by mistake", 4, 0, Partial(loss, c) * Partial(c, x(n), "σ")),
]


@pytest.mark.parametrize("detail", ["article", "full"])
@pytest.mark.parametrize(
    ("number", "line", "wrong"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_a_wrong_line_fails_alone(number: int, line: int, wrong: Expr, detail: str) -> None:
    report = verify(cross_entropy(number, line, wrong), detail=detail)
    assert report.failures == ((number, line),)
    assert not report.ok
    assert not report.undecided
    assert report.stages[number].lines[line].reason


def test_brief_detail_compares_the_result_with_the_oracle() -> None:
    report = verify(cross_entropy(3, 3, s(n) + delta(T, n)), detail="brief")
    assert grades(report) == [["exact"], ["exact"], ["exact"], ["wrong"], ["exact"]]
    assert report.stages[3].mutants == 0


LINEAR = Graph(
    [Equation(t("y", b, i), Contraction(t("a", i, j) * t("x", b, j), j))],
    letters={("a", 0): ("i",)},
)


def test_transposed_axes() -> None:
    """Different sizes make a transposed tensor a line without a value: wrong, not unknown."""
    goal = Partial(loss, t("x", p, q))
    right = stage(LINEAR, goal, Contraction(Partial(loss, t("y", p, i)) * t("a", i, q), i))
    assert verify(of(LINEAR, right)).ok
    above = right.result
    (leaf,) = above.atoms(Indexed) & set(above.body.args)
    turned = leaf.func(leaf.base, *reversed(leaf.indices))
    wrong = Contraction(above.body.xreplace({leaf: turned}), *above.bound)
    lines = (*right.lines, Line(wrong, (Step(RULE, above, wrong, above, wrong),)))
    report = verify(of(LINEAR, Stage(right.goal, lines)))
    assert report.failures == ((0, 1),)
    assert "axis of another size" in report.stages[0].lines[1].reason


def test_transposed_axes_of_a_square_tensor() -> None:
    form = t("a", i, j) * t("v", i) * t("v", j) ** 2
    square = Graph([Equation(c, Contraction(form, i, j))])
    right, turned = t("v", p) * t("v", q) ** 2, t("v", q) * t("v", p) ** 2
    report = verify(of(square, stage(square, Partial(c, t("a", p, q)), right, turned, right)))
    assert grades(report) == [["exact", "wrong", "exact"]]


NORM = Graph(
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


def _norm_gradient(middle: int = 1, inside: bool = True, last: int = 1) -> Expr:
    """∂l/∂x_pq, with factors for two terms, and γ inside the sums or before them."""
    up = Partial(loss, t("y", p, h))
    weight = t("γ", h) if inside else S.One
    before = S.One if inside else t("γ", q)
    own = Partial(loss, t("y", p, q)) * t("γ", q) / t("σ", p)
    mean = before * Contraction(One(h) * up * weight, h) / (t("H") * t("σ", p)) * One(q)
    spread = before * Contraction(up * weight * t("μ", p, h), h) * t("μ", p, q)
    return own - middle * mean - last * spread / (t("H") * t("σ", p) ** 3)


def test_layer_norm() -> None:
    goal = Partial(loss, t("x", p, q))
    report = verify(of(NORM, stage(NORM, goal, _norm_gradient())))
    assert grades(report) == [["exact"]]
    assert report.stages[0].mutants == report.stages[0].rejected
    assert report.stages[0].mutants > 10
    for wrong in (_norm_gradient(0), _norm_gradient(last=0), _norm_gradient(inside=False)):
        report = verify(of(NORM, stage(NORM, goal, wrong)))
        assert grades(report) == [["wrong"]]


def test_weak_data_would_not_see_a_lost_term() -> None:
    """With an upstream gradient of ones and γ = 1 layer norm's gradient is zero."""
    goal = NORM.sized(Partial(loss, t("x", p, q)))
    right, wrong = (NORM.sized(_norm_gradient(last=k), goal) for k in (1, 0))
    sample = draw(NORM, dict.fromkeys(NORM.inputs, "positive"), 0)
    ones = {name: np.ones_like(array) for name, array in sample.upstream.items()}
    tensors = {**sample.tensors, "γ": np.ones_like(sample.tensors["γ"])}
    weak = dataclasses.replace(sample, tensors=tensors, upstream=ones)
    for data, sees in ((weak, False), (sample, True)):
        at = Oracle(NORM, data)
        assert np.allclose(at(goal, free_axes(goal)), at(right, free_axes(goal)), atol=1e-12)
        assert np.allclose(at(right, free_axes(goal)), at(wrong, free_axes(goal))) != sees


def test_a_gradient_that_is_zero_is_said() -> None:
    graph = Graph(
        [
            Equation(c, Contraction(One(i) * s(i), i)),
            Equation(s(i), exp(x(i)) / sigma),
            Equation(sigma, Contraction(One(j) * exp(x(j)), j)),
        ]
    )
    report = verify(of(graph, stage(graph, Partial(c, x(n)), S.Zero)))
    assert grades(report) == [["exact"]]
    assert "zero on every sample" in report.stages[0].warnings[0]


# Samples


def test_samples_tell_errors_apart() -> None:
    for seed in range(5):
        sample = draw(NORM, next(domains(NORM)), seed)
        assert len(set(sample.sizes.values())) == len(sample.sizes) == 2
        assert min(sample.sizes.values()) >= 2
        assert sample.tensors["x"].shape == (
            sample.sizes[NORM.axis_size("x", 0)],
            sample.sizes[Size("H")],
        )
        for array in sample.tensors.values():
            assert np.min(np.abs(array)) > 0.1
        assert abs(np.mean(sample.upstream["y"])) > 0.05
    again = draw(NORM, next(domains(NORM)), 4)
    np.testing.assert_array_equal(again.tensors["x"], sample.tensors["x"])


def test_declared_sizes_and_constant_indices_are_respected() -> None:
    graph = Graph(
        [Equation(t("y", i), t("x", i) * t("a", S(6)) + One(i) * t("x", S(2)))],
        letters={("x", 0): ("i",)},
        sizes={"i": 4},
    )
    for seed in range(3):
        sample = draw(graph, next(domains(graph)), seed)
        assert sample.tensors["x"].shape == (4,)
        assert sample.tensors["a"].shape[0] >= 7


@pytest.mark.parametrize(
    ("rhs", "derivative"),
    [
        (log(t("x", i)), 1 / t("x", n)),
        (sqrt(t("x", i) - 1), 1 / (2 * sqrt(t("x", n) - 1))),
        (sqrt(1 - t("x", i) ** 2), -t("x", n) / sqrt(1 - t("x", n) ** 2)),
        (log(-t("x", i)), 1 / t("x", n)),
        (log(t("a")) * log(-t("x", i)), log(t("a")) / t("x", n)),
    ],
    ids=str,
)
def test_samples_stay_inside_the_domain(rhs: Expr, derivative: Expr) -> None:
    graph = Graph([Equation(t("y", i), rhs)])
    report = verify(of(graph, stage(graph, Partial(t("y", i), x(n)), derivative * delta(i, n))))
    assert grades(report) == [["exact"]]
    wrong = verify(of(graph, stage(graph, Partial(t("y", i), x(n)), -derivative * delta(i, n))))
    assert grades(wrong) == [["wrong"]]


# Unknown is unknown


def test_no_domain_is_unknown() -> None:
    graph = Graph([Equation(t("y", i), log(-(x(i) ** 2) - 1))])
    goal = Partial(t("y", i), x(n))
    report = verify(of(graph, stage(graph, goal, S.Zero, x(n) * delta(i, n))))
    assert grades(report) == [["unknown", "unknown"]]
    assert "not finite" in report.stages[0].lines[0].reason
    assert report.ok
    assert report.undecided == ((0, 0), (0, 1))


def test_a_line_without_a_value_is_unknown_and_the_next_is_still_checked() -> None:
    goal = Partial(s(i), x(n))
    right = s(i) * delta(i, n) - s(i) * s(n)
    odd = Function("f")(x(n)) * s(i)
    undefined = log(-exp(x(n))) * s(i)
    for line in (odd, undefined):
        report = verify(of(SOFTMAX, stage(SOFTMAX, goal, right, line, right, -right)))
        assert grades(report) == [["exact", "unknown", "exact", "wrong"]]
        assert report.stages[0].lines[1].reason


def test_a_goal_without_a_value_is_unknown() -> None:
    graph = Graph([Equation(t("y", i), Function("f")(x(i)))])
    report = verify(of(graph, stage(graph, Partial(t("y", i), x(n)), delta(i, n))))
    assert grades(report) == [["unknown"]]
    assert "cannot be evaluated" in report.stages[0].lines[0].reason


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_never_passes(bad: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the line above is not finite in the same entry."""
    evaluate = Oracle.__call__

    def spoiled(self: Oracle, expr: Expr, free: tuple[Index, ...]) -> np.ndarray:
        found = np.array(evaluate(self, expr, free))
        found.flat[0] = bad
        return found

    monkeypatch.setattr(Oracle, "__call__", spoiled)
    report = verify(cross_entropy())
    assert {line.grade for line in report.lines} == {"unknown"}


def test_a_proof_that_disagrees_with_the_samples_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grading, "decide", lambda *_: Verdict(True, "canonical form"))
    report = verify(cross_entropy(1, 2, s(i) * delta(i, n) + s(i) * s(n)))
    assert report.failures == ((1, 2),)
    assert "a fault of derive" in report.stages[1].lines[2].reason


# Proofs


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (s(n) * delta(n, T), s(T) * delta(n, T), True),
        (s(n) * delta(n, T), s(n) * delta(n, T) ** 2, True),
        (exp(x(i)) * exp(-x(n)), s(i) / s(n), True),
        (Contraction(One(i) * s(i), i), S.One, True),
        (Contraction(s(i) ** 2, i), S.One, False),
        (Contraction(s(i) * delta(i, n), i), s(n), True),
        (
            Contraction(s(i) * (s(i) + x(i)), i),
            Contraction(s(j) ** 2, j) + Contraction(s(j) * x(j), j),
            True,
        ),
        (Contraction(One(i) * (s(i) - s(n)), i), Contraction(s(i), i) - Size("s.0") * s(n), True),
        (s(n) - s(i), S.Zero, False),
        (sqrt(x(i) ** 2), x(i), False),
        (Partial(c, x(n)), Partial(c, x(n), "s"), False),
    ],
    ids=str,
)
def test_proofs(left: Expr, right: Expr, equal: bool) -> None:
    left, right = (SOFTMAX.sized(e, s(n), s(i)) for e in (left, right))
    assert provably_equal(left, right, SOFTMAX) is equal


def test_proofs_are_bounded() -> None:
    many = sum((x(n) + k) ** 2 for k in range(2, 12)) ** 19
    assert not provably_equal(many, many + 1, SOFTMAX)


@settings(max_examples=some_of(60), deadline=None)
@given(EXPRESSIONS)
def test_what_is_proven_equal_is_equal(expr: Expr) -> None:
    """Mutants are near misses; those few that are proven equal have to be."""
    graph = Graph([Equation(t("y"), sin(t("w")))])
    for mutant in mutants(expr, FREE, graph, most=8):
        if provably_equal(expr, mutant.expr, graph):
            one, other = (Compiled(e, FREE)(VALUES) for e in (expr, mutant.expr))
            np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


# Mutants


def test_mutants_are_mistakes_of_many_kinds() -> None:
    goal = NORM.sized(Partial(loss, t("x", p, q)))
    result = NORM.sized(_norm_gradient(), goal)
    found = mutants(result, free_axes(goal), NORM, most=400)
    assert len({mutant.expr for mutant in found}) == len(found)
    assert result not in {mutant.expr for mutant in found}
    mean = Contraction(One(h) * Partial(loss, t("y", p, h)), h) / (t("H") * t("σ", p))
    inside = Contraction(One(h) * Partial(loss, t("y", p, h)) * t("γ", h), h)
    moved = _norm_gradient() + One(q) * (inside / (t("H") * t("σ", p)) - t("γ", q) * mean)
    assert NORM.sized(moved.expand(), goal) in {mutant.expr.expand() for mutant in found}
    assert {mutant.mistake for mutant in found} >= {
        "double",
        "drop a factor",
        "drop a term",
        "flip the sign of a term",
        "halve",
        "double a mean",
        "drop a number of entries",
        "drop a sum",
        "invert a factor",
        "lower a power",
        "move a factor out of a sum",
        "raise a power",
        "square a factor",
        "square a number of entries",
        "take another reduction",
        "take another tensor",
        "swap two indices",
    }
    goal = SOFTMAX.sized(Partial(s(i), x(n)))
    result = SOFTMAX.sized(s(i) * delta(i, n) - s(i) * s(n), goal)
    softmax = mutants(result, free_axes(goal), SOFTMAX, most=400)
    assert {mutant.mistake for mutant in softmax} >= {"drop a delta", "rename an index"}


def test_a_mutant_that_is_equal_is_not_counted() -> None:
    """To rename an index under a delta changes nothing; that is proven."""
    graph = Graph([Equation(t("y", i), sqrt(x(i)))])
    goal = Partial(t("y", i), x(n))
    result = delta(i, n) / (2 * t("y", i))
    (found,) = verify(of(graph, stage(graph, goal, result))).stages
    assert found.mutants == found.rejected > 4
    assert not found.survivors


def test_a_check_without_power_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all data are ones, lost factors survive, and the report says which."""
    wide = draw(SOFTMAX, next(domains(SOFTMAX)), 0)

    def ones(*_: object) -> object:
        return dataclasses.replace(wide, upstream={"c": np.asarray(1.0)})

    monkeypatch.setattr(trial, "draw", ones)
    report = verify(cross_entropy())
    assert report.ok
    last = report.stages[-1]
    assert last.mutants - last.rejected == len(last.survivors) > 0
    assert "drop a factor" in {mutant.mistake for mutant in last.survivors}


def test_errors_are_of_the_project() -> None:
    from derive.errors import DeriveError

    assert issubclass(EvaluationError, DeriveError)
