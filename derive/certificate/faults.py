"""What can be wrong with a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Fault", "Kind"]

Kind = Literal["structure", "hash", "reading", "mathematics", "grade", "evidence"]
"""Lines that are missing or stand twice; a hash; what does not read; a line that is not equal to
the one above it; a grade, or other evidence, that is not found again."""


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where: a stage and a line from 1, or the whole certificate."""

    kind: Kind
    message: str
    stage: int | None = None
    line: int | None = None

    @property
    def where(self) -> str:
        """The place in words."""
        parts = [("stage", self.stage), ("line", self.line)]
        return ", ".join(f"{what} {number}" for what, number in parts if number is not None)

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.kind}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The fault as plain data."""
        return {
            "stage": self.stage,
            "line": self.line,
            "kind": self.kind,
            "message": self.message,
        }
