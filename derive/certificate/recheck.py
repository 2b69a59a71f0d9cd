"""A certificate verified anew, without deriving: its hashes, its lines, its grades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from derive.certificate.document import Certificate, CertifiedLine
from derive.certificate.faults import Fault
from derive.certificate.statements import grades, statements
from derive.fingerprint import versions
from derive.verify.report import LineReport

__all__ = ["Recheck", "recheck"]

# From the weakest to the strongest.
STRENGTH = ("wrong", "unknown", "sampled", "exact")


@dataclass(frozen=True)
class Recheck:
    """What a certificate was found to be.

    `grades` counts the lines by the grade found now; `differs` has the programs whose versions
    are not those that made it, as pairs of then and now.
    """

    certificate: Certificate
    faults: tuple[Fault, ...]
    grades: Counter[str]
    differs: dict[str, tuple[str, str]]

    @property
    def ok(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """The findings as plain data."""
        return {
            "ok": self.ok,
            "name": self.certificate.name,
            "stages": len(self.certificate.stages),
            "lines": len(self.certificate.lines),
            "grades": dict(self.grades),
            "faults": [fault.as_json() for fault in self.faults],
            "versions": {
                name: {"then": then, "now": now} for name, (then, now) in self.differs.items()
            },
        }


def recheck(certificate: Certificate) -> Recheck:
    """Verify a certificate anew: each line against the line above it, the first by the oracle.

    Nothing is derived, and nothing taken over: data are drawn and grades found as if for the
    first time, from the text of the certificate alone.
    """
    differs = {
        name: (certificate.versions.get(name, "none"), now)
        for name, now in versions().items()
        if certificate.versions.get(name) != now
    }
    faults = [*_structure(certificate)]
    if faults:
        return Recheck(certificate, tuple(faults), Counter(), differs)
    stated = statements(certificate)
    found = grades(stated)
    faults += [*_hashes(certificate), *stated.faults]
    for line in certificate.in_order:
        if line.place in found:
            faults += _compared(line, found[line.place], same_versions=not differs)
    counted = Counter(report.grade for report in found.values())
    return Recheck(certificate, tuple(sorted(faults, key=_place)), Counter(counted), differs)


def _place(fault: Fault) -> tuple[int, int]:
    return fault.stage or 0, fault.line or 0


def _structure(certificate: Certificate) -> Iterator[Fault]:
    """Lines that are missing, stand twice or are of no stage."""
    if not (certificate.definitions and certificate.goals):
        yield Fault("structure", "it has no definitions, or no goals")
    places = Counter(line.place for line in certificate.lines)
    wanted = {
        (number, position)
        for number, stage in enumerate(certificate.stages, 1)
        for position in range(1, min(stage.lines, len(certificate.lines) + 1) + 1)
    }
    for place in sorted(wanted - places.keys()):
        yield Fault("structure", "the line is missing", *place)
    for place, number in sorted(places.items()):
        if place not in wanted:
            yield Fault("structure", "no such line is stated", *place)
        elif number > 1:
            yield Fault("structure", f"the line stands {number} times", *place)


def _hashes(certificate: Certificate) -> Iterator[Fault]:
    for line in certificate.in_order:
        if line.hash != certificate.line_hash(line):
            yield Fault("hash", "what it says is not what was hashed", *line.place)
    if certificate.hash != certificate.whole_hash():
        yield Fault("hash", "what the certificate says is not what was hashed")


def _compared(line: CertifiedLine, found: LineReport, *, same_versions: bool) -> Iterator[Fault]:
    """What of a line's evidence is not found again; a stronger grade than claimed is none."""
    if found.grade == "wrong":
        error = "" if found.error is None else f", worst error {found.error:.0e}"
        yield Fault("mathematics", f"{found.reason}{error}", *line.place)
    elif line.grade == "wrong":
        yield Fault("grade", "the line is said to be wrong", *line.place)
    elif STRENGTH.index(found.grade) < STRENGTH.index(line.grade):
        why = f": {found.reason}" if found.reason else ""
        yield Fault("grade", f"claimed {line.grade}, found {found.grade}{why}", *line.place)
    elif same_versions and _settled(found.as_json()) != _settled(dict(line.evidence)):
        yield Fault("evidence", "the same programs find other evidence", *line.place)


def _settled(evidence: Any) -> Any:
    """The evidence without decimal numbers, whose last digits depend on the machine."""
    if isinstance(evidence, dict):
        return {key: _settled(value) for key, value in evidence.items()}
    if isinstance(evidence, list | tuple):
        return [_settled(value) for value in evidence]
    return None if isinstance(evidence, float) else evidence
