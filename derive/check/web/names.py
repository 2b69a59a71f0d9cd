"""What is known of the names in a document before its formulas are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from derive.check.web.tree import Name, Node

__all__ = ["Function", "Names"]

_SPARE = "ijklmnpqrstuvwabcdfgh"


@dataclass(frozen=True)
class Function:
    """`f(x) = …`, or `S(a)_j = …` where the parameter is a vector and `letters` are its indices."""

    parameters: tuple[Name, ...]
    body: Node
    letters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    r"""The names of a document, or of a part of it.

    Attributes
    ----------
    explicit : sums are written with their signs; a letter that stands twice is not summed.
    bound : the letters that a sum, product or maximum binds somewhere.
    indices : all letters that are used as indices.
    labels : lower-case letters that are fixed positions, such as y in `p_y`.
    marks : letters below names that tell them apart, as in `W_{xh}`, and are no indices.
    bases : the letters and words that stand on the line, and not in a script alone.
    lettered : those of them that have an index letter somewhere.
    orders : for each tensor, by its name in the notation, its number of indices.
    squares : the names whose square is a variable, as in batch normalisation.
    tagged : names with the letter below them that is part of them, as in `E_n` for one sample n.
    families : names with a letter that tells one layer from another: `\delta_j`, `\delta_k`.
    scalars : names that have no index here, though they have some elsewhere.
    totals : names that are sums of their own entries, as in `L = \sum_t L_t`.
    applied : names that are applied to an argument.
    functions : definitions such as `f(x) = …`.
    tensors : names that are none of the notation's own, such as a δ that is no Kronecker delta.
    words : names of several letters that are not set as such, as in `out_{1}`.
    first : the number of the first position.
    """

    explicit: bool = True
    bound: frozenset[str] = frozenset()
    indices: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    bases: frozenset[str] = frozenset()
    lettered: frozenset[str] = frozenset()
    orders: Mapping[str, int] = field(default_factory=dict)
    squares: frozenset[str] = frozenset()
    tagged: frozenset[tuple[str, str]] = frozenset()
    families: frozenset[tuple[str, str]] = frozenset()
    scalars: frozenset[str] = frozenset()
    totals: frozenset[str] = frozenset()
    applied: frozenset[str] = frozenset()
    functions: Mapping[str, Function] = field(default_factory=dict)
    tensors: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    first: int = 1

    def spelling(self, name: str) -> str:
        """The name as the notation has it: what has a meaning of its own there gets another."""
        if name in self.scalars and self.orders.get(name):
            return f"{name}o" if name.isascii() else f"{name}0"
        if name in ("Σ", "Π", "e", "π", "δ") and name in self.tensors:
            return {"Σ": "Sigmav", "Π": "Piv", "e": "ev", "π": "piv", "δ": "deltav"}[name]
        return name

    def index(self, letter: str) -> str:
        """An index letter as the notation has it: a label is upper case."""
        if letter not in self.labels:
            return letter
        upper = letter.upper()
        return upper if len(upper) == 1 and upper not in self.bases else _label(letter, self)

    def numbered(self, letter: str, digits: str) -> str:
        """A letter for `i_1`: one that the document does not use."""
        taken = self.indices | self.bases
        spare = [c for c in _SPARE if c not in taken] or list(_SPARE)
        return spare[(sum(map(ord, letter)) * 7 + int(digits)) % len(spare)]

    def fresh(self, avoid: frozenset[str]) -> str:
        """An index letter that stands nowhere."""
        for primes in ("", "'", "''"):
            for letter in _SPARE:
                if letter + primes not in avoid | self.indices | self.bases:
                    return letter + primes
        return "z'''"

    def with_function(self, name: str, function: Function) -> Names:
        """The names, when a function is defined too."""
        return replace(self, functions={**self.functions, name: function})


def _label(letter: str, names: Names) -> str:
    """An upper-case letter for a label whose own is the name of a tensor."""
    taken = {c.upper() for c in names.bases | names.labels}
    return next((c.upper() for c in "tcyuvwgz" if c.upper() not in taken), letter.upper())
