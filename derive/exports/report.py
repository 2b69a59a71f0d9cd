"""What the exports need to know of a verification report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from derive.calculus.derivation import Stage, exchanges

__all__ = [
    "Evidence",
    "Report",
    "StageReport",
    "Witness",
    "evidence_for",
    "matrix_evidence",
    "summary",
    "symmetry_for",
    "witnessed",
]


class Witness(Protocol):
    """Simple numbers on which a wrong line fails."""

    @property
    def text(self) -> str:
        """The numbers, the place and the two values, as part of a sentence."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""


class Evidence(Protocol):
    """How far one line has been checked."""

    @property
    def grade(self) -> str:
        """`exact`, `sampled`, `unknown` or `wrong`."""

    @property
    def error(self) -> float | None:
        """The worst relative error over all samples, where there are samples."""

    @property
    def reason(self) -> str:
        """Why the grade is what it is; may be empty."""

    @property
    def witness(self) -> Witness | None:
        """Where a wrong line fails, if that is known."""

    def as_json(self) -> dict[str, Any]:
        """The evidence as JSON, with at least the `grade`."""


class StageReport(Protocol):
    """The evidence for the lines of a stage, one for each."""

    @property
    def lines(self) -> Sequence[Evidence]: ...

    @property
    def symmetry(self) -> Evidence | None:
        """The evidence that a second derivative is symmetric in its indices."""

    @property
    def matrix(self) -> Evidence | None:
        """The evidence for the line in matrix notation."""


class Report(Protocol):
    """The evidence for a derivation, stage by stage."""

    @property
    def stages(self) -> Sequence[StageReport]: ...

    @property
    def ranks(self) -> Sequence[Mapping[str, int]]:
        """For each sample the number of axes of each multi-index."""

    @property
    def words(self) -> str:
        """How the lines were checked, and how many have each grade."""

    def check_as_json(self) -> dict[str, Any]:
        """How the lines were checked, and what became of them, as JSON."""


def evidence_for(
    report: Report | None, number: int, stage: Stage, lines: Sequence[object]
) -> Sequence[Evidence | None]:
    """The evidence for the printed lines of one stage, or None for each without a report."""
    if report is None:
        return [None] * len(lines)
    evidence = report.stages[number].lines
    if len(evidence) != len(lines):
        raise ValueError(
            f"the report has {len(evidence)} lines for {len(lines)} of {stage.title or 'a stage'}; "
            "verify at the detail that is printed"
        )
    return evidence


def matrix_evidence(report: Report | None, number: int) -> Evidence | None:
    """The evidence for the line in matrix notation of a stage, where there is one."""
    return report.stages[number].matrix if report else None


def symmetry_for(report: Report | None, number: int, stage: Stage) -> tuple[str, Evidence] | None:
    """What is symmetric in the result of a stage, in words, and the evidence for it."""
    evidence = None if report is None else report.stages[number].symmetry
    if evidence is None:
        return None
    pairs = ", ".join(f"{one} ↔ {other}" for one, other in exchanges(stage))
    return f"symmetric under {pairs}", evidence


def summary(evidence: Evidence) -> str:
    """The grade, with the error where there is one: `sampled 3e-12`."""
    error = "" if evidence.error is None else f" {evidence.error:.0e}".replace(" 0e+00", " 0")
    return evidence.grade + error


def witnessed(evidence: Sequence[Evidence | None]) -> list[tuple[int, str]]:
    """The lines that have a witness, numbered from 1, with its words."""
    return [
        (number, found.witness.text)
        for number, found in enumerate(evidence, 1)
        if found is not None and found.witness is not None
    ]
