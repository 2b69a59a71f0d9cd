"""Data on which everything has a value, and kinks of which both sides are met."""

from __future__ import annotations

import time

import pytest

from derive.api import derivation, gradient
from derive.verify import verify

FUNCTIONS = [
    "y_i = log(1 - x_i^2)",
    "y_i = sqrt(x_i - 2)",
    "y_i = sqrt(x_i - 50)",
    "y_i = 1/(x_i - z_i)",
    "y_i = log(log(x_i))",
    "y_i = log(log(log(x_i)))",
    "y = sqrt(1_i x_i z_i)",
    "y_i = acos(x_i z_i)",
    "y = acos(x_i z_i)",
    "y_i = asin(x_i - 5)",
    "y_i = log(x_i - z_i)",
    "y_i = log(z_i - x_i) + sqrt(x_i - 3)",
    "y_i = log(3 - x_i) + log(x_i - 1)",
    "u_i = log(x_i); v_i = sqrt(z_i - 2); w_i = acos(t_i); y_i = u_i v_i w_i/(1 - r_i^2)^(1/2)",
    "y_i = sqrt(-x_i - 10)",
    "y = sqrt(1 - x_i x_i)",
    "y_i = log(exp(x_i) - 1)",
    "y_ij = log(1 - x_ij z_j)",
    "y_i = x_i^z_i",
]


@pytest.mark.parametrize("equations", FUNCTIONS)
def test_data_are_found(equations: str) -> None:
    start = time.perf_counter()
    report = verify(gradient(equations, "x"), mutation=False)
    assert not report.undecided
    assert report.ok
    assert time.perf_counter() - start < 20
    assert report.account is not None
    assert set(report.account.domain) >= {"x"}


@pytest.mark.parametrize("equations", ["y_i = log(-x_i^2)", "y_i = acos(2 + x_i^2)"])
def test_what_has_a_value_nowhere_is_unknown(equations: str) -> None:
    report = verify(gradient(equations, "x"), mutation=False)
    assert report.ok
    assert not report.is_decided
    assert {line.grade for line in report.lines} == {"unknown"}
    assert all("no data were found" in line.reason for line in report.lines)


@pytest.mark.parametrize(
    "equations",
    ["y_i = relu(x_i)", "y_i = relu(x_i - 50)", "y_i = clip(x_i, 2, 10)", "y_i = abs(x_i + 20)"],
)
def test_samples_lie_on_both_sides_of_a_kink(equations: str) -> None:
    report = verify(derivation(equations, "∂l/∂x_n"))
    assert report.ok
    assert not report.undecided
    assert not any("kink" in warning for stage in report.stages for warning in stage.warnings)
