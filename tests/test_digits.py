"""Many digits, where floating point cannot tell rounding from a mistake."""

from __future__ import annotations

import numpy as np
import pytest
from amount import some_of
from claims import claimed
from hypothesis import given, settings
from sympy import Expr
from test_evaluate import EXPRESSIONS, FREE, VALUES

from derive.api import derivation
from derive.calculus.plan import derive
from derive.expressions.functions import ELEMENTARY
from derive.notation import read_goal, read_graph
from derive.verify import LineReport, Settings, grading, oracle, verify
from derive.verify.digits import MANY, in_digits
from derive.verify.evaluate import Compiled
from derive.verify.exact import Verdict
from derive.verify.sample import Sample


@pytest.fixture(autouse=True)
def no_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is proven needs no digits; what many digits can tell is seen without proofs."""
    monkeypatch.setattr(grading, "decide", lambda *_: Verdict(None, reason="no proof here"))


SAMPLE = in_digits(Sample(VALUES.tensors, VALUES.labels, VALUES.sizes))


@settings(max_examples=some_of(80), deadline=None)
@given(EXPRESSIONS)
def test_many_digits_agree_with_floating_point(expr: Expr) -> None:
    floating = Compiled(expr, FREE)(VALUES)
    exact = Compiled(expr, FREE, arithmetic=MANY)(SAMPLE)
    assert exact.shape == floating.shape
    near = np.array([float(entry) for entry in exact.flat]).reshape(exact.shape)
    np.testing.assert_allclose(near, floating, rtol=1e-9, atol=1e-9 * (1 + abs(near).max()))


def lines(
    equations: str, goal: str, *texts: str, given: Settings | None = None
) -> list[LineReport]:
    return list(verify(claimed(equations, goal, *texts), given, mutation=False).stages[0].lines)


@pytest.mark.parametrize("name", [*ELEMENTARY, "f", "f'"])
def test_every_function_has_its_derivative_in_many_digits(name: str) -> None:
    """Data of very different sizes ask for many digits in every line."""
    arguments = {2: "x_i, y_i", 3: "x_i, -y_i^2, z_i^2"}
    row = ELEMENTARY.get(name)
    count = len(row.derivatives) if row else 1
    equations = f"r_i = 1e-9 + {name}({arguments.get(count, 'x_i')})"
    report = verify(derivation(equations, "∂r_i/∂x_n"), mutation=False)
    assert report.ok
    assert not report.undecided
    assert {line.digits for line in report.lines} <= {None, 50}
    assert any(line.digits == 50 for line in report.lines)


VARIANCE = read_graph(
    "x_h = m 1_h + u_h; v = (1/H) 1_h x_h^2 - ((1/H) 1_h x_h)^2", sizes={"h": "H"}
)


def test_a_variance_as_a_difference_of_large_numbers() -> None:
    far = Settings(fixed={"m": 1e8})
    report = verify(derive(VARIANCE, [read_goal("∂v/∂u_k", VARIANCE)]), far, mutation=False)
    assert report.ok
    assert all(line.holds for stage in report.stages for line in stage.lines)
    assert report.stages[-1].lines[0].digits == 50
    right = "(2/H) (u_k - (1/H) 1_k 1_i u_i)"
    held, wrong = lines(VARIANCE, "∂v/∂u_k", right, "(2/H) u_k", given=far)
    assert held.holds
    assert held.digits == 50
    assert held.error is not None
    assert held.error < 1e-20
    assert wrong.grade == "wrong"


def test_a_softplus_less_its_argument() -> None:
    """Its derivative is 4e-18 where floating point finds zero."""
    far = Settings(fixed={"u": 40})
    held, wrong = lines(
        "y_i = log(1 + exp(u_i)) - u_i",
        "∂y_i/∂u_n",
        "-δ_in/(1 + exp(u_i))",
        "-2 δ_in/(1 + exp(u_i))",
        given=far,
    )
    assert held.holds
    assert wrong.grade == "wrong"
    assert wrong.digits == 50


@pytest.mark.parametrize(
    ("equations", "goal", "right", "wrong"),
    [
        ("c = 1_i sin(x_i)", "∂c/∂x_n", "cos(x_n)", "1.0000000001 cos(x_n)"),
        ("c = 1_i x_i^2 + a 1_i x_i^3", "∂c/∂x_n", "2 x_n + 3 a x_n^2", "2 x_n"),
        ("c = 1_i x_i^2 + 1e-14 1_i x_i^3", "∂c/∂x_n", "2 x_n + 3e-14 x_n^2", "2 x_n"),
        (
            "c_i = exp(a) x_1 δ_1i + x_i^2",
            "∂c_i/∂x_n",
            "exp(a) δ_1n δ_1i + 2 x_i δ_in",
            "exp(a) δ_1n δ_1i + x_i δ_in + x_1 δ_1n δ_1i",
        ),
    ],
)
def test_small_mistakes_are_found(equations: str, goal: str, right: str, wrong: str) -> None:
    """A tolerance beside the largest entry, or a rounding error's size, would let them pass."""
    given = Settings(fixed={"a": 1e-13 if "+ a" in equations else 30} if "a" in equations else {})
    good, bad = lines(equations, goal, right, wrong, given=given)
    assert good.holds
    assert bad.grade == "wrong"


def test_a_relation_is_solved_with_many_digits() -> None:
    report = verify(derivation("b_i = a_ij x_j for x; y = 1e-9 1_i x_i", "∂y/∂b_n"), mutation=False)
    assert report.ok
    assert not report.undecided


def test_a_second_derivative_with_many_digits() -> None:
    good, bad = lines(
        "c = 1_i sin(x_i) + 1e-9 1_i x_i",
        "∂²c/∂x_m∂x_n",
        "-sin(x_n) δ_mn",
        "-1.0000000001 sin(x_n) δ_mn",
    )
    assert good.holds
    assert bad.grade == "wrong"


def test_a_determinant_with_many_digits() -> None:
    good, bad = lines(
        "c = logdet_ij(a_ij) + 1e-9 z", "∂c/∂a_pq", "∂c/∂a_pq", "1.0000000001 ∂c/∂a_pq"
    )
    assert good.holds
    assert bad.grade == "wrong"


def test_where_the_digits_cannot_be_had_nothing_passes_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oracle, "LARGEST_IN_DIGITS", 0)
    far = Settings(fixed={"m": 1e8})
    texts = ("(2/H) (u_k - (1/H) 1_k 1_i u_i)", "3 u_k")
    found = lines(VARIANCE, "∂v/∂u_k", *texts, given=far)
    assert [line.grade for line in found] == ["unknown", "unknown"]
    assert all("too many entries" in line.reason for line in found)
    # Data of the order 1 leave no doubt about a large error.
    good, bad = lines("c = 1_i x_i^3 x_i", "∂c/∂x_n", "4 x_n^3", "5 x_n^3")
    assert good.holds
    assert bad.grade == "wrong"
