"""The cache: the same reports as without it, and none that is no longer right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from amount import some_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.api import load
from derive.cache import Cache, cache_folder
from derive.cli import main
from derive.problems import statement_of
from derive.verify import LineReport, Report, Settings, StageReport, kept, verify
from derive.verify.mutants import Mutant
from derive.verify.plain import NotPlainError, as_plain, from_plain

PROBLEM = statement_of("l2_norm")
CLEAN = Report((StageReport((LineReport("exact", 0.0),)),), "complex step", {"x": "positive"})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "own")


def found(
    cache: Cache | None,
    report: Report = CLEAN,
    problem: dict[str, Any] = PROBLEM,
    wanted: Settings | None = None,
    **options: str,
) -> Report:
    return kept.verified(problem, wanted or Settings(), lambda: report, cache, **options)


# Records as plain data ------------------------------------------------------------------------


# Only what holds is kept, and that has no witness.
OTHERS = {field.name: ... for field in fields(LineReport) if field.name != "witness"}
LINES = st.builds(LineReport, witness=st.none(), **OTHERS)
STAGES = st.builds(
    StageReport,
    lines=st.lists(LINES, max_size=2).map(tuple),
    survivors=st.just(()),
    symmetry=st.none() | LINES,
    matrix=st.none() | LINES,
)
REPORTS = st.builds(Report, stages=st.lists(STAGES, max_size=2).map(tuple))


@given(REPORTS)
@settings(max_examples=some_of(60), suppress_health_check=list(HealthCheck))
def test_reports_survive_json(report: Report) -> None:
    text = json.dumps(as_plain(report))
    again = from_plain(Report, json.loads(text))
    assert isinstance(again, Report)
    assert json.dumps(as_plain(again)) == text


def test_a_report_of_a_derivation_survives_json() -> None:
    report = verify(load("einsum"))
    assert from_plain(Report, json.loads(json.dumps(as_plain(report)))) == report


def test_what_is_no_plain_data_is_refused() -> None:
    mutant = Mutant("a sign flipped", load("l2_norm").result)
    for value in (mutant, {1: "x"}, {2}):
        with pytest.raises(NotPlainError):
            as_plain(value)


@pytest.mark.parametrize("data", [None, {}, [], {"stages": 1}, {"stages": [{}], "method": ""}])
def test_what_is_no_report_is_refused(data: object) -> None:
    with pytest.raises(NotPlainError):
        from_plain(Report, data)


@pytest.mark.parametrize(
    ("key", "value"), [("grade", "good"), ("grade", ["exact"]), ("error", "0"), ("seeds", 1.0)]
)
def test_a_value_of_another_type_is_refused(key: str, value: object) -> None:
    data = as_plain(CLEAN)
    data["stages"][0]["lines"][0][key] = value
    with pytest.raises(NotPlainError):
        from_plain(Report, data)


# What is kept ---------------------------------------------------------------------------------


def test_a_report_is_kept(cache: Cache) -> None:
    assert not found(cache).cached
    assert found(cache, replace(CLEAN, method="never asked")) == replace(CLEAN, cached=True)


def test_without_a_cache_it_is_found_anew() -> None:
    found(None)
    assert not found(None).cached


CHANGES: list[Callable[[Cache], Report]] = [
    lambda cache: found(cache, problem={**PROBLEM, "goals": ["∂r/∂x_m"]}),
    lambda cache: found(cache, problem={**PROBLEM, "sizes": {"i": 4}}),
    lambda cache: found(cache, wanted=Settings(seeds=4)),
    lambda cache: found(cache, wanted=Settings(tolerance=1e-3)),
    lambda cache: found(cache, detail="full"),
]


@pytest.mark.parametrize("other", CHANGES)
def test_what_matters_is_in_the_key(cache: Cache, other: Callable[[Cache], Report]) -> None:
    found(cache)
    assert not other(cache).cached


@pytest.mark.parametrize("what", ["source", "numpy", "sympy", "python"])
def test_versions_are_in_the_key(cache: Cache, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found(cache)
    other = {**kept.versions(), what: "other"}
    monkeypatch.setattr(kept, "versions", lambda: other)
    assert not found(cache).cached


@pytest.mark.parametrize(
    "stage",
    [
        StageReport((LineReport("wrong"),)),
        StageReport((LineReport("unknown", reason="interrupted"),)),
        StageReport(CLEAN.lines, symmetry=LineReport("wrong")),
        StageReport(CLEAN.lines, survivors=(Mutant("a sign flipped", load("l2_norm").result),)),
    ],
)
def test_what_fails_is_not_kept(cache: Cache, stage: StageReport) -> None:
    found(cache, Report((stage,)))
    assert not found(cache).cached


# The files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"null", b"[1]", b"\xff", b"[" * 100_000, b"9" * 9999]
)
def test_what_cannot_be_read_is_found_anew(cache: Cache, damage: bytes, tmp_path: Path) -> None:
    found(cache)
    (entry,) = (tmp_path / "own").iterdir()
    entry.write_bytes(damage)
    assert not found(cache).cached
    assert found(cache).cached


def test_what_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    for folder in (blocked, blocked / "below"):
        assert not found(Cache(folder)).cached
        assert not found(Cache(folder)).cached


def test_the_oldest_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "own", most=100)
    for number, material in enumerate("abcd"):
        cache.put(material, "x" * 30)
        os.utime(max((tmp_path / "own").iterdir(), key=os.path.getmtime), (number, number))
        cache.get("a")
    assert [cache.get(material) is None for material in "abcd"] == [False, True, False, False]


def test_a_huge_entry_is_left_out(cache: Cache) -> None:
    cache.put("a", "x" * 3_000_000)
    assert cache.get("a") is None


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("DERIVE_CACHE")
    assert cache_folder().name == "derive"


@pytest.mark.parametrize("tables", [b"", b"rubbish", None])
def test_the_tables_of_the_parser_are_only_kept_to_save_time(
    tables: bytes | None, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir() if tables is not None else folder.write_text("no folder")
    if tables is not None:
        (folder / "grammar.tables").write_bytes(tables)
    command = [
        sys.executable,
        "-c",
        "import derive; print(derive.gradient('c = x_i x_i', 'x').result)",
    ]
    environment = {**os.environ, "DERIVE_CACHE": str(folder)}
    for _ in range(2):
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert (ran.stdout, ran.stderr) == ("2*x[n]\n", "")


# The command ----------------------------------------------------------------------------------


def test_the_command_says_what_is_cached(capsys: pytest.CaptureFixture[str]) -> None:
    for cached in (False, True):
        assert main(["verify", "l2_norm", "--format", "json"]) == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out)["cached"] is cached
        assert ("from the cache" in captured.err) is cached
    assert main(["verify", "l2_norm", "--format", "json", "--no-cache"]) == 0
    assert json.loads(capsys.readouterr().out)["cached"] is False


def test_what_is_shown_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    main(["verify", "l2_norm"])
    first = capsys.readouterr().out
    main(["verify", "l2_norm"])
    assert capsys.readouterr().out == first


def test_a_gradient_is_kept_by_what_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["grad", "c = x_i a_i", "--format", "json", "--verify", "--wrt"]
    for name, cached in (("x", False), ("a", False), ("x", True)):
        assert main([*ask, name]) == 0
        assert json.loads(capsys.readouterr().out)["cached"] is cached
