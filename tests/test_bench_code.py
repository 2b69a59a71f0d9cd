"""What the benchmark of generated code prints, from given times."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "scripts"))
    yield importlib.import_module("code_table")
    for name in [name for name in sys.modules if name.startswith("code_")]:
        del sys.modules[name]


def test_columns_do_not_collide_for_long_names(tables: Any) -> None:
    times = {
        "NumPy by hand": tables.Times([1e-3, 2e-3], [2e-3, 3e-3], 10**6),
        "PyTorch primitives, forward over reverse compiled": tables.Times([], [4e-3, 6e-3], None),
    }
    header, *rows = tables.table(times)
    assert len({len(line) for line in (header, *rows)}) == 1
    column = header.index("backward ms")
    assert all(row[column - 1] == " " and row[column] != " " for row in rows)


def test_goals_are_of_the_cases_that_they_name(tables: Any) -> None:
    times = {
        "Numba generated": tables.Times([1e-3], [2e-3]),
        "PyTorch fused, autograd": tables.Times([1e-3], [2e-3]),
        tables.COPY: tables.Times([1e-4], [1e-4]),
    }
    (found,) = tables.goals("cross-entropy 128×256, float32", times)
    assert found["goal"].endswith(tables.COPY)
    assert (found["ratio"], found["met"]) == (pytest.approx(10), False)
    (found,) = tables.goals("layer norm 4096×1024, float32", times)
    assert found["met"]
    assert not list(tables.goals("Hessian-vector, cross-entropy 128×256, float32", times))


def test_small_peaks_are_not_compared(tables: Any) -> None:
    who, whom = tables.MEMORY_GOALS[0]
    times = {who: tables.Times(peak=10**5), whom: tables.Times(peak=10**3)}
    assert not list(tables.goals("linear", times))
    times[who].peak = 10**9
    assert not next(iter(tables.goals("linear", times)))["met"]
