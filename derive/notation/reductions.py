"""How reductions are written: a sign with the letters that it binds."""

from __future__ import annotations

from derive.expressions import (
    ArgMaximum,
    ArgMinimum,
    Binder,
    Contraction,
    Determinant,
    LogDeterminant,
    Maximum,
    Minimum,
    ProductOver,
)

__all__ = ["KINDS", "NAMES", "RESERVED"]

KINDS: dict[str, type[Binder]] = {
    "sum": Contraction,
    "max": Maximum,
    "min": Minimum,
    "prod": ProductOver,
    "argmax": ArgMaximum,
    "argmin": ArgMinimum,
    "det": Determinant,
    "logdet": LogDeterminant,
}
"""By the word before the subscript."""

NAMES = {kind: name for name, kind in KINDS.items()}

RESERVED = {
    "Σ": "a sum",
    "sum": "a sum",
    "Π": "a product",
    "prod": "a product",
    "max": "a maximum",
    "min": "a minimum",
    "argmax": "the place of a maximum",
    "argmin": "the place of a minimum",
    "det": "a determinant",
    "logdet": "the logarithm of a determinant",
}
"""Words that are a sign where they have a subscript, and what they are then the sign of."""
