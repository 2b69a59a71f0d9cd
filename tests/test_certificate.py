"""Certificates: what is certified holds again, and nothing in one can be changed unnoticed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from amount import some_of
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.api import derivation, load
from derive.certificate import Certificate, certify, recheck
from derive.certificate import statements as reading
from derive.cli import main
from derive.errors import CertificateError, UncertifiedError
from derive.problems import catalogue

NAMES = ["cross_entropy_article", "solve", "einsum", "conv1d", "tanh_second_derivative"]


@cache
def certificate(name: str = "l2_norm") -> Certificate:
    return certify(load(name))


def plain(name: str = "l2_norm") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(certificate(name).text())
    return found


def reread(data: object) -> Certificate:
    return Certificate.parse(json.dumps(data))


def kinds(found: Certificate) -> set[str]:
    return {fault.kind for fault in recheck(found).faults}


def changed(found: Certificate, stage: int, position: int, **values: Any) -> Certificate:
    """A certificate with one line changed, its hashes as they were."""
    lines = [
        replace(line, **values) if line.place == (stage, position) else line for line in found.lines
    ]
    return replace(found, lines=tuple(lines))


# What holds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_is_certified_holds_again(name: str) -> None:
    text = certificate(name).text()
    found = recheck(Certificate.parse(text))
    assert found.ok, found.faults
    assert found.grades.total() == len(certificate(name).lines)
    assert Certificate.parse(text).text() == text


@pytest.mark.catalogue
@pytest.mark.parametrize("name", catalogue())
def test_the_catalogue_is_certified(name: str) -> None:
    found = recheck(Certificate.parse(certify(load(name)).text()))
    assert found.ok, found.faults
    assert not found.grades.keys() - {"exact", "sampled"}


def test_every_step_may_be_certified() -> None:
    found = certify(load("l2_norm"), "full")
    assert len(found.lines) > len(certificate().lines)
    assert recheck(found).ok


def test_declared_sizes_and_auxiliary_equations_are_kept() -> None:
    given_sizes = derivation("m = (1/H) 1_h x_h", "∂m/∂x_n", sizes={"h": "H"})
    assert certify(given_sizes).sizes == {"h": "H"}
    assert recheck(certify(given_sizes)).ok
    assert certificate("solve").auxiliary == ("A⁻¹",)


@given(st.randoms(use_true_random=False))
@settings(max_examples=some_of(10), deadline=None)
def test_the_order_of_lines_says_nothing(random: Random) -> None:
    data = plain()
    random.shuffle(data["lines"])
    found = recheck(reread(data))
    assert found.ok
    assert found.as_json() == recheck(certificate()).as_json()


def test_other_versions_are_told_and_do_no_harm() -> None:
    older = replace(certificate(), versions={**certificate().versions, "numpy": "1.0"}).sealed()
    found = recheck(older)
    assert found.ok
    assert found.differs["numpy"][0] == "1.0"


def test_a_weaker_claim_holds() -> None:
    (line,) = [line for line in certificate().lines if line.grade == "exact"][:1]
    versions = {**certificate().versions, "derive": "0.0.1"}
    weaker = changed(certificate(), *line.place, evidence={"grade": "sampled"})
    assert recheck(replace(weaker, versions=versions).sealed()).ok


# What was changed -----------------------------------------------------------------------------


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all texts and numbers."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, (*path, key))
    else:
        yield path


def put(data: Any, path: tuple[Any, ...], value: object) -> Any:
    data = deepcopy(data)
    node = data
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return data


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


ANYTHING = st.one_of(
    st.text(max_size=8), st.integers(-3, 10**20), st.floats(), st.none(), st.booleans()
)


@given(st.data())
@settings(max_examples=some_of(60), deadline=None)
def test_nothing_can_be_changed_unnoticed(draw: st.DataObject) -> None:
    data = plain()
    path = draw.draw(st.sampled_from(list(leaves(data))))
    value = draw.draw(ANYTHING)
    if json.dumps(value) == json.dumps(at(data, path)):
        return
    try:
        tampered = reread(put(data, path, value))
    except CertificateError:
        return
    assert not recheck(tampered).ok


WRONG: list[tuple[str, str]] = [
    ("x_n/√(x_i x_i)", "2 x_n/√(x_i x_i)"),
    ("x_n/r", "−x_n/r"),
    ("∂l/∂r x_n/r", "∂l/∂r x_n/r²"),
]


@pytest.mark.parametrize(("right", "wrong"), WRONG)
def test_a_wrong_line_with_fixed_hashes_is_caught_by_mathematics(right: str, wrong: str) -> None:
    (line,) = [line for line in certificate().lines if line.text == right][:1]
    (fault, *_) = recheck(changed(certificate(), *line.place, text=wrong).sealed()).faults
    assert (fault.kind, fault.stage, fault.line) == ("mathematics", *line.place)


def test_a_line_changed_without_its_hash_is_named() -> None:
    faults = recheck(changed(certificate(), 1, 2, rules=("magic",))).faults
    assert [(fault.kind, fault.stage, fault.line) for fault in faults] == [
        ("hash", None, None),
        ("hash", 1, 2),
    ]


def test_a_grade_that_is_not_found_again_fails() -> None:
    # The place of a greatest entry is one of many, too many for a proof.
    modest = certificate("max_pool")
    (line,) = [line for line in modest.lines if line.evidence["grade"] == "sampled"][:1]
    proud = changed(modest, *line.place, evidence={**line.evidence, "grade": "exact"})
    (fault,) = recheck(proud.sealed()).faults
    assert str(fault).endswith("grade: claimed exact, found sampled")


def test_evidence_that_the_same_programs_do_not_find_fails() -> None:
    (line,) = certificate().lines[:1]
    proud = changed(certificate(), *line.place, evidence={**line.evidence, "seeds": 10**6})
    assert kinds(proud.sealed()) == {"evidence"}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"definitions": ("r = √(x_i x_j)",)}, "reading"),
        ({"definitions": ("r = x_i x_i",)}, "mathematics"),
        ({"auxiliary": ("q",)}, "reading"),
        ({"goals": ("∂r/∂x_n", "∂r/∂y_n")}, "reading"),
        ({"goals": ("∂²r/∂x_m∂x_n",)}, "structure"),
        ({"goals": ()}, "structure"),
    ],
)
def test_other_definitions_and_goals_are_caught(change: dict[str, Any], kind: str) -> None:
    assert kind in kinds(replace(certificate(), **change).sealed())


def test_lines_missing_and_lines_twice() -> None:
    found = certificate()
    lost = replace(found, lines=found.lines[1:]).sealed()
    assert [str(fault) for fault in recheck(lost).faults] == [
        "stage 1, line 1: structure: the line is missing"
    ]
    twice = replace(found, lines=(*found.lines, found.lines[0])).sealed()
    assert [str(fault) for fault in recheck(twice).faults] == [
        "stage 1, line 1: structure: the line stands 2 times"
    ]
    assert kinds(replace(found, lines=tuple(replace(line, stage=9) for line in found.lines))) == {
        "structure"
    }


def test_a_text_that_does_not_read_is_named() -> None:
    faults = recheck(changed(certificate(), 1, 2, text="x_n +").sealed()).faults
    assert str(faults[0]).startswith("stage 1, line 2: reading: does not read")


# What is no certificate -----------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]

MALFORMED: list[tuple[Change, str]] = [
    (lambda data: [data], "no certificate"),
    (lambda data: {**data, "format": "other"}, "no certificate"),
    (lambda data: {**data, "version": 2}, "version 2"),
    (lambda data: {**data, "version": True}, "version True"),
    (lambda data: {**data, "title": "x"}, "unknown key, `title`"),
    (lambda data: {k: v for k, v in data.items() if k != "goals"}, "lacks the key `goals`"),
    (lambda data: {**data, "lines": [{"stage": 1}]}, "lacks the key"),
    (lambda data: {**data, "lines": [7]}, "not an object"),
    (lambda data: {**data, "goals": "x"}, "not a list"),
    (lambda data: {**data, "goals": [1]}, "not a text"),
    (lambda data: {**data, "goals": ["x"] * 10_001}, "more than 10000"),
    (lambda data: {**data, "sizes": {"h": 1.5}}, "not a table"),
    (lambda data: put(data, ("lines", 0, "stage"), 0), "positive whole number"),
    (lambda data: put(data, ("lines", 0, "evidence"), {"grade": "good"}), "no grade"),
]


@pytest.mark.parametrize(("change", "message"), MALFORMED)
def test_what_is_no_certificate_is_refused(change: Change, message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        reread(change(plain()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        (certificate().text()[:-40], "not JSON"),
        ('{"format": NaN}', "NaN is no number"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ("[" * 100_000, "cannot be read|can be read|not JSON"),
        ("1" * 5_000, "can be read"),
    ],
)
def test_what_is_no_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        Certificate.parse(text)


# What cannot be certified ---------------------------------------------------------------------


def test_nothing_is_certified_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    graded = reading.graded_lines

    def wrong(*args: Any) -> list[Any]:
        return [replace(report, grade="wrong", reason="no") for report in graded(*args)]

    monkeypatch.setattr(reading, "graded_lines", wrong)
    with pytest.raises(UncertifiedError, match="stage 1, line 1: no"):
        certify(load("l2_norm"))


# The command ----------------------------------------------------------------------------------


def test_the_command_writes_and_rechecks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    assert main(["verify", "l2_norm", "--certificate", str(file)]) == 0
    capsys.readouterr()
    assert main(["recheck", str(file)]) == 0
    assert "out.json: holds: 6 lines in 2 stages" in capsys.readouterr().out
    assert main(["recheck", "--json", str(file)]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["lines"], found["faults"]) == (True, 6, [])


def test_the_command_names_what_fails_and_what_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tampered, broken = tmp_path / "tampered.json", tmp_path / "broken.json"
    tampered.write_text(changed(certificate(), 2, 1, text="0").text(), "utf-8")
    broken.write_text("{", "utf-8")
    assert main(["recheck", str(tampered)]) == 1
    assert "FAILS" in (told := capsys.readouterr().out)
    assert "stage 2, line 1: hash" in told
    assert "stage 2, line 1: mathematics" in told
    assert main(["recheck", str(broken), str(tampered), str(tmp_path / "none.json")]) == 2
    captured = capsys.readouterr()
    assert "FAILS" in captured.out
    assert "not JSON" in captured.err
    assert "no such file" in captured.err


def test_a_huge_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "huge.json"
    file.write_bytes(b" " * 10_000_001)
    assert main(["recheck", str(file)]) == 2
    assert "too long" in capsys.readouterr().err
