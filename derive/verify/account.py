"""The account that a check gives of itself: on which data, how closely, and why so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derive.expressions import Graph, Shape
from derive.verify.agreement import ROUNDING
from derive.verify.digits import DIGITS
from derive.verify.domain import USUAL
from derive.verify.trial import Trial

__all__ = ["Account", "account_of"]

_WHY = {
    "complex step": "rounding explains no more: a complex step loses no digits",
    "central differences": "rounding explains no more: extrapolated differences lose six digits",
}
_METHODS = {
    "complex step": "complex steps",
    "central differences": "extrapolated differences of complex steps",
}


@dataclass(frozen=True)
class Account:
    """How a derivation was checked.

    Attributes
    ----------
    seeds : for each sample the number from which its data are drawn.
    sizes : for each sample the number that each size stands for.
    letters : for a size an index that runs over it.
    method : how the definitions were differentiated.
    domain : the distribution that each input was drawn from.
    fixed : the values that were given and not drawn.
    tolerance : the worst error of an entry that holds in floating point, and `why` it is that.
    """

    seeds: tuple[int, ...]
    sizes: tuple[Mapping[str, int], ...]
    letters: Mapping[str, str]
    method: str
    domain: Mapping[str, str]
    fixed: Mapping[str, float]
    tolerance: float
    why: str
    ranks: tuple[Mapping[str, int], ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The account as plain data."""
        return {
            "seeds": list(self.seeds),
            "sizes": [dict(sizes) for sizes in self.sizes],
            **({"ranks": [dict(ranks) for ranks in self.ranks]} if self.ranks else {}),
            "method": self.method,
            "domain": dict(self.domain),
            "fixed": dict(self.fixed),
            "tolerance": self.tolerance,
            "why": self.why,
        }

    def words(self, error: float | None, digits: int) -> str:
        """The account in words.

        Parameters
        ----------
        error : the worst one of all lines.
        digits : how many lines were decided with many digits.
        """
        sentences = [self._samples(), self._data(), self._closeness(error, digits)]
        return " ".join(sentence for sentence in sentences if sentence)

    def _samples(self) -> str:
        count = len(self.seeds)
        sizes = "; ".join(
            f"{letter} = {', '.join(str(each[size]) for each in self.sizes)}"
            for size, letter in self.letters.items()
            if all(size in each for each in self.sizes)
        )
        seeds = f"{'seed' if count == 1 else 'seeds'} {', '.join(map(str, self.seeds))}"
        details = f"{seeds}; sizes {sizes}" if sizes else seeds
        what = "sample" if count == 1 else "samples"
        return f"Checked on {count} {what} ({details}) against {_METHODS[self.method]}."

    def _data(self) -> str:
        """What restricts the data."""
        kinds: dict[str, list[str]] = {}
        for name, kind in self.domain.items():
            if kind != USUAL and name not in self.fixed:
                kinds.setdefault(kind, []).append(name)
        drawn = [f"{', '.join(names)} drawn {kind}" for kind, names in kinds.items()]
        given = [f"{name} = {value:g}" for name, value in self.fixed.items()]
        said = [*drawn, *([f"{', '.join(given)} set"] if given else [])]
        return f"Data: {'; '.join(said)}." if said else ""

    def _closeness(self, error: float | None, digits: int) -> str:
        worst = "nothing was compared" if error is None else f"the worst error is {error:.0e}"
        lines = "1 line" if digits == 1 else f"{digits} lines"
        more = f" {DIGITS} digits decided {lines}." if digits else ""
        return f"Entries agree to {self.tolerance:.0e} ({self.why}); {worst}.{more}"


def account_of(trial: Trial) -> Account:
    """The account of a check on the data of a trial."""
    given = trial.settings.tolerance
    return Account(
        trial.seeds,
        trial.sizes,
        _letters(trial.graph),
        trial.method,
        trial.domain,
        dict(trial.settings.fixed),
        ROUNDING[trial.method] if given is None else given,
        _WHY[trial.method] if given is None else "given, beside the largest entry",
        trial.ranks,
    )


def _letters(graph: Graph) -> dict[str, str]:
    """For each size that is drawn its own name, or else an index that runs over it."""
    found: dict[str, str] = {}
    for name in graph.names:
        for axis in range(graph.arity[name]):
            size = graph.axis_size(name, axis)
            if not (size.is_Integer or isinstance(size, Shape)):
                letters = graph.letters.get((name, axis), ())
                unnamed = "." in str(size)
                found.setdefault(str(size), letters[0] if unnamed and letters else str(size))
    return found
