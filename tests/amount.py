"""How many random inputs a test tries: some in every run, many with a profile of Hypothesis."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["FEW", "MANY", "some_of"]

MANY = 100
FEW = 20


def some_of(many: int) -> int:
    """`many` with `--hypothesis-profile=many`, and a fifth of them otherwise."""
    return max(5, many * settings.default.max_examples // MANY)
