"""Derives gradients in index notation, line by line, each line justified and checked.

>>> import derive
>>> found = derive.gradient("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)", wrt="x")
>>> found.result
-KroneckerDelta(T, n) + s[n]
>>> [stage.title for stage in found.stages][-1]
'Derivative of c with respect to x'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.api import Derivation, derivation, gradient, load
    from derive.calculus.derivation import Line, Stage, Step
    from derive.calculus.rule import Rule
    from derive.errors import DeriveError
    from derive.expressions import (
        Contraction,
        Equation,
        Graph,
        Index,
        One,
        Partial,
        contract,
        tensor,
    )
    from derive.problems import catalogue

__all__ = [
    "Contraction",
    "Derivation",
    "DeriveError",
    "Equation",
    "Graph",
    "Index",
    "Line",
    "One",
    "Partial",
    "Rule",
    "Stage",
    "Step",
    "catalogue",
    "contract",
    "derivation",
    "gradient",
    "load",
    "tensor",
]

_HOMES = {
    "derive.api": ("Derivation", "derivation", "gradient", "load"),
    "derive.calculus.derivation": ("Line", "Stage", "Step"),
    "derive.calculus.rule": ("Rule",),
    "derive.errors": ("DeriveError",),
    "derive.expressions": (
        *("Contraction", "Equation", "Graph", "Index", "One", "Partial", "contract", "tensor"),
    ),
    "derive.problems": ("catalogue",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: SymPy takes long to load."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOME[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
