"""What cannot be understood, with the reason and the place."""

from __future__ import annotations

from typing import Literal

__all__ = ["NotUnderstood", "Refusal"]

Refusal = Literal["not understood", "not index notation"]


class NotUnderstood(Exception):  # noqa: N818 - a finding of the report, and no failure
    """A piece of LaTeX has no reading.

    Attributes
    ----------
    reason : what stands in the way, in words.
    offset : where in the LaTeX it begins.
    kind : whether it is another notation, such as that of matrices, or not understood at all.
    """

    def __init__(self, reason: str, offset: int = 0, kind: Refusal = "not understood") -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset
        self.kind: Refusal = kind
