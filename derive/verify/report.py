"""What a verification found: a grade for every line, and the power of the check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from derive.verify.account import Account
from derive.verify.mutants import Mutant
from derive.verify.witness import Witness

__all__ = ["Grade", "LineReport", "Report", "StageReport"]

Grade = Literal["exact", "sampled", "unknown", "wrong"]
GRADES: tuple[Grade, ...] = get_args(Grade)


@dataclass(frozen=True)
class LineReport:
    """The evidence for one line.

    Attributes
    ----------
    grade : `exact`, proven equal to the line above as well as equal on the samples; `sampled`,
        equal on the samples; `unknown`, undecided for the `reason` given; `wrong`, different.
    proof : how an exact line was proven, `canonical form` or `prime field`.
    chance : a bound on the probability that the proof is wrong.
    error : the worst error over all samples and entries, each relative to itself.
    seeds : how many samples were compared.
    sizes : for each sample the number that each size stands for.
    ranks : for each sample the number of axes that each multi-index stands for.
    digits : how many digits both sides were evaluated with; None for those of floating point.
    tolerance : the worst error at which the line would hold.
    witness : of a wrong line, simple numbers on which it fails, where some were found.
    """

    grade: Grade
    error: float | None = None
    reason: str = ""
    seeds: int = 0
    sizes: tuple[Mapping[str, int], ...] = ()
    ranks: tuple[Mapping[str, int], ...] = ()
    digits: int | None = None
    tolerance: float | None = None
    proof: str = ""
    chance: float = 0.0
    witness: Witness | None = None

    @property
    def holds(self) -> bool:
        return self.grade in ("exact", "sampled")

    def as_json(self) -> dict[str, Any]:
        """The evidence as plain data."""
        found: dict[str, Any] = {"grade": self.grade}
        if self.error is not None:
            found["error"] = self.error
        if self.reason:
            found["reason"] = self.reason
        if self.proof:
            found |= {"proof": self.proof, "chance": self.chance}
        if self.seeds:
            found |= {"seeds": self.seeds, "sizes": [dict(sizes) for sizes in self.sizes]}
        if self.ranks:
            found["ranks"] = [dict(ranks) for ranks in self.ranks]
        if self.digits is not None:
            found["digits"] = self.digits
        if self.tolerance is not None:
            found["tolerance"] = self.tolerance
        if self.witness:
            found["witness"] = self.witness.as_json()
        return found


@dataclass(frozen=True)
class StageReport:
    """The evidence for one stage.

    `mutants` of the result were compared with the goal on the same samples, and `rejected` of
    them were found different; `survivors` are the others. Those proven equal to the result are
    no mistakes and are not counted. A second derivative by the same tensor twice does not change
    when its indices are exchanged; `symmetry` is the evidence for that of the result. `matrix` is
    the grade of the line in matrix notation, where the result has one.
    """

    lines: tuple[LineReport, ...]
    mutants: int = 0
    rejected: int = 0
    survivors: tuple[Mutant, ...] = ()
    warnings: tuple[str, ...] = ()
    symmetry: LineReport | None = None
    matrix: LineReport | None = None

    @property
    def is_asymmetric(self) -> bool:
        """Whether exchanging the indices changes a result that it must not change."""
        return self.symmetry is not None and self.symmetry.grade == "wrong"

    @property
    def graded(self) -> tuple[LineReport, ...]:
        """The reports on all lines, the one on the line in matrix notation last."""
        return (*self.lines, self.matrix) if self.matrix else self.lines

    def as_json(self) -> dict[str, Any]:
        """The evidence as plain data."""
        symmetry = {} if self.symmetry is None else {"symmetry": self.symmetry.as_json()}
        return {
            **symmetry,
            "lines": [line.as_json() for line in self.lines],
            **({"matrix": self.matrix.as_json()} if self.matrix else {}),
            "mutants": self.mutants,
            "rejected": self.rejected,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Report:
    """The evidence for a derivation; `cached` if it was found in an earlier run."""

    stages: tuple[StageReport, ...]
    method: str = ""
    domain: Mapping[str, str] | None = None
    account: Account | None = None
    cached: bool = False

    @property
    def lines(self) -> tuple[LineReport, ...]:
        """All lines, those in matrix notation at the end of their stages."""
        return tuple(line for stage in self.stages for line in stage.graded)

    @property
    def failures(self) -> tuple[tuple[int, int], ...]:
        """The wrong lines, each as the numbers of its stage and line, from 0."""
        return self._graded("wrong")

    @property
    def undecided(self) -> tuple[tuple[int, int], ...]:
        """The lines that could not be decided, numbered as in `failures`."""
        return self._graded("unknown")

    @property
    def ranks(self) -> tuple[Mapping[str, int], ...]:
        """For each sample the number of axes that each multi-index stood for."""
        return next((line.ranks for line in self.lines if line.ranks), ())

    @property
    def ok(self) -> bool:
        """Whether no line is wrong, and every second derivative symmetric."""
        return not self.failures and not any(stage.is_asymmetric for stage in self.stages)

    @property
    def is_decided(self) -> bool:
        """Whether every line is decided, and every symmetry."""
        symmetries = (stage.symmetry for stage in self.stages)
        return not self.undecided and all(s is None or s.grade != "unknown" for s in symmetries)

    @property
    def words(self) -> str:
        """How the lines were checked, and how many have each grade."""
        grades = Counter(line.grade for line in self.lines)
        counts = f"Lines: {', '.join(f'{grades[grade]} {grade}' for grade in GRADES)}."
        digits = sum(line.digits is not None for line in self.lines)
        told = self.account.words(self.error, digits) if self.account else ""
        return " ".join(filter(None, [told, *(f"{words}." for words in self.warnings), counts]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the data could not show, stage by stage."""
        told: dict[str, list[str]] = {}
        for number, stage in enumerate(self.stages, 1):
            for text in stage.warnings:
                told.setdefault(text, []).append(str(number))
        return tuple(f"Stage{'s' * (len(n) > 1)} {', '.join(n)}: {t}" for t, n in told.items())

    @property
    def error(self) -> float | None:
        """The worst error of all lines."""
        return max((line.error for line in self.lines if line.error is not None), default=None)

    def _graded(self, grade: Grade) -> tuple[tuple[int, int], ...]:
        return tuple(
            (number, position)
            for number, stage in enumerate(self.stages)
            for position, line in enumerate(stage.graded)
            if line.grade == grade
        )

    def as_json(self) -> dict[str, Any]:
        """The evidence as plain data."""
        return {**self.check_as_json(), "stages": [stage.as_json() for stage in self.stages]}

    def check_as_json(self) -> dict[str, Any]:
        """How the lines were checked, and what became of them, as plain data."""
        grades = Counter(line.grade for line in self.lines)
        return {
            "ok": self.ok,
            "decided": self.is_decided,
            "grades": {grade: grades[grade] for grade in GRADES},
            "warnings": list(self.warnings),
            **({} if self.error is None else {"error": self.error}),
            **(self.account.as_json() if self.account else {}),
        }
