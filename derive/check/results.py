"""What a check found: for each display block its status, for each line its grade."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from derive.check.blocks import Place

__all__ = [
    "STATUSES",
    "BlockResult",
    "DocumentResult",
    "Finding",
    "GradedLine",
    "Line",
    "Status",
    "place_as_json",
]

Grade = Literal["definition", "exact", "sampled", "unknown", "wrong", "malformed"]
Status = Literal[
    "checked", "definition", "statement of a rule", "not index notation", "not understood"
]
STATUSES: tuple[Status, ...] = (
    "checked",
    "definition",
    "statement of a rule",
    "not index notation",
    "not understood",
)


@dataclass(frozen=True)
class Line:
    """The verdict on one link of a chain.

    Attributes
    ----------
    position : the number of its right-hand side in the chain, from 0.
    grade : how far it holds.
    reason : why it does not.
    error : the worst relative error on the samples.
    mend : the rule that is broken and what would be right.
    offset : where in the block it goes wrong, if that is known.
    against : the number of the side that it was compared with.
    set_aside : it claims nothing that could be checked.
    """

    position: int
    grade: Grade
    reason: str = ""
    error: float | None = None
    mend: str = ""
    offset: int | None = None
    against: int = 0
    set_aside: bool = False

    @property
    def fails(self) -> bool:
        return self.grade in ("wrong", "malformed")


Kind = Literal["wrong", "malformed", "unknown", "warning", "not understood"]


@dataclass(frozen=True)
class Finding:
    """Something that a reader of the report should look at.

    Attributes
    ----------
    kind : `wrong` and `malformed` fail a check; the others fail a strict one.
    message : what is found, in one sentence.
    place : where in the file it begins.
    source : the line of the file.
    width : how many characters of the line are meant.
    details : further sentences: a witness, a probable mend, the rule.
    """

    kind: Kind
    message: str
    place: Place
    source: str = ""
    width: int = 1
    details: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        return self.kind in ("wrong", "malformed")

    def as_json(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {
            "kind": self.kind,
            "message": self.message,
            **place_as_json(self.place),
            "source": self.source,
            "details": list(self.details),
        }


@dataclass(frozen=True)
class GradedLine:
    """A line of a chain with its place and its grade."""

    line: Line
    place: Place
    tex: str
    steps: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The line as plain data."""
        found: dict[str, Any] = {"grade": self.line.grade, **place_as_json(self.place)}
        found["latex"] = self.tex
        if self.line.error is not None:
            found["error"] = self.line.error
        if self.line.reason:
            found["reason"] = self.line.reason
        if self.steps:
            found["steps"] = list(self.steps)
        return found


@dataclass(frozen=True)
class BlockResult:
    """What was found in one display block."""

    status: Status
    place: Place
    reason: str = ""
    lines: tuple[GradedLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    tex: str = field(default="", repr=False)

    @property
    def fails(self) -> bool:
        return any(finding.fails for finding in self.findings)

    def grades(self) -> dict[str, int]:
        """How many lines have each grade."""
        found: dict[str, int] = {}
        for one in self.lines:
            found[one.line.grade] = found.get(one.line.grade, 0) + 1
        return found

    def as_json(self) -> dict[str, Any]:
        """The block as plain data."""
        return {
            "status": self.status,
            **place_as_json(self.place),
            **({"reason": self.reason} if self.reason else {}),
            "lines": [line.as_json() for line in self.lines],
            "findings": [finding.as_json() for finding in self.findings],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class DocumentResult:
    """What was found in one file, a result for each of its display blocks."""

    file: str
    blocks: tuple[BlockResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for block in self.blocks for finding in block.findings)

    @property
    def ok(self) -> bool:
        """Whether no line is wrong and no index misused."""
        return not any(block.fails for block in self.blocks)

    @property
    def clean(self) -> bool:
        """Whether there is nothing to look at either."""
        return not self.findings

    def statuses(self) -> dict[Status, int]:
        """How many blocks have each status, those that none has included."""
        return {s: sum(block.status == s for block in self.blocks) for s in STATUSES}

    def as_json(self) -> dict[str, Any]:
        """The result as plain data."""
        return {
            "file": self.file,
            "ok": self.ok,
            "summary": self.statuses(),
            "blocks": [block.as_json() for block in self.blocks],
            "notes": list(self.notes),
        }


def place_as_json(place: Place) -> dict[str, Any]:
    """A place as plain data; `cell` in a notebook."""
    cell = {} if place.cell is None else {"cell": place.cell}
    return {"line": place.line, "column": place.column, **cell}
