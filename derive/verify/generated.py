"""A module of code beside the definitions: values and gradients, on samples in several types.

The module has `forward`, which returns the outputs and what it saves, and `backward`, which takes
that and the gradients that come back, as those that `derive code` writes. It may have been edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr

from derive.errors import DeriveError
from derive.expressions import Graph, Index, Partial, Tensor, indices_of, tensor
from derive.verify.conduct import misconduct
from derive.verify.evaluate import Array, EvaluationError
from derive.verify.oracle import Oracle
from derive.verify.passes import Code, Derivative
from derive.verify.sample import Given, draw
from derive.verify.settings import Settings
from derive.verify.smallest import Smallest, smallest
from derive.verify.trial import FLOOR, Claim, Trial, best_trial, largest

__all__ = ["DTYPES", "ModuleReport", "ResultReport", "check_module"]

DTYPES = ("float64", "float32")
# Rounding in single precision, where some digits cancel.
SINGLE = 1e-3
MOST_DRAWS = 8
_LETTERS = "ijkmnpqrsuvwabcdefgho"
_LOSSES = "lLJCE"


@dataclass(frozen=True)
class ResultReport:
    """An output, a gradient or another derivative that a module returns.

    Attributes
    ----------
    what : the output, the derivative of the loss or another derivative, as an expression.
    axes : the indices that the axes of the result stand for.
    function : what returns it, where this is neither of the two passes.
    errors : the worst relative error in each type; infinite where there is no value.
    smallest : where it is wrong, the smallest data on which it is.
    trouble : what the module raised, or what is wrong with the shape.
    """

    what: Expr
    axes: tuple[Index, ...]
    errors: Mapping[str, float]
    tolerances: Mapping[str, float]
    smallest: Smallest | None = None
    trouble: str = ""
    function: str = ""

    @property
    def ok(self) -> bool:
        """Whether it agrees with the definitions in each type."""
        return all(self.errors[dtype] <= self.tolerances[dtype] for dtype in self.errors)


@dataclass(frozen=True)
class ModuleReport:
    """What became of all outputs and derivatives of a module.

    Attributes
    ----------
    samples : the sizes of each sample.
    troubles : what the passes do beside what they return, such as to change an argument, in words.
    unchecked : functions that take what the forward pass saved and that were compared with nothing.
    """

    path: str
    graph: Graph
    results: tuple[ResultReport, ...]
    samples: tuple[Mapping[str, int], ...]
    troubles: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all results are right, and nothing else is done."""
        return all(result.ok for result in self.results) and not self.troubles


def check_module(
    graph: Graph,
    path: str,
    wrt: Sequence[str] = (),
    settings: Settings | None = None,
    derivatives: Sequence[Derivative] = (),
) -> ModuleReport:
    """Compare what a module returns with the definitions and their numerical derivative.

    Parameters
    ----------
    graph : the definitions.
    path : the file of the module, which is run, as by any import.
    wrt : the inputs whose gradients `backward` returns, in order; left out, all that the outputs
        depend on, or where it returns fewer, those that its `return` names.
    derivatives : what functions of the module beside both passes are to return.

    Raises
    ------
    DeriveError : the module cannot be loaded, lacks a function, or takes what means nothing.
    """
    if graph.multi:
        raise DeriveError(
            f"{graph.multi[0]} stands for any number of axes, and a module has a fixed number",
            mend="write the axes out",
        )
    settings = settings or Settings()
    code = Code(path, graph, wrt, derivatives)
    return _Check(graph, code, settings).report()


class _Check:
    """A module on samples of the definitions."""

    def __init__(self, graph: Graph, code: Code, settings: Settings) -> None:
        self.graph, self.code, self.settings = graph, code, settings
        self.outputs = [_generic(graph, name) for name in graph.outputs]
        loss = tensor(next(letter for letter in _LOSSES if letter not in graph.names))
        self.goals: list[Expr] = [Partial(loss, _generic(graph, name)) for name in code.wrt]
        others = {each.goal: each.free for each in code.derivatives}
        self.axes = {what: _free(what) for what in (*self.outputs, *self.goals)} | others
        self.what: list[Expr] = [*self.outputs, *self.goals, *(d.goal for d in code.derivatives)]
        self.goals += others
        claims = [Claim(goal, (), self.axes[goal]) for goal in self.goals]
        self.trial: Trial = best_trial(graph, claims, settings)

    def report(self) -> ModuleReport:
        """The worst error of each result, and the smallest data for those that are wrong."""
        oracles = [*self.trial.oracles, *self._least()]
        errors = {dtype: [0.0] * len(self.what) for dtype in DTYPES}
        troubles = [""] * len(self.what)
        for oracle in oracles:
            for dtype in DTYPES:
                every = self.compared(oracle, dtype, range(len(self.what)))
                for place, (error, trouble) in enumerate(every):
                    errors[dtype][place] = max(errors[dtype][place], error)
                    troubles[place] = troubles[place] or trouble
        found = tuple(
            self._result(place, {dtype: errors[dtype][place] for dtype in DTYPES}, troubles[place])
            for place in range(len(self.what))
        )
        sizes = tuple({str(s): n for s, n in o.sample.sizes.items()} for o in oracles)
        said = (trouble for dtype in DTYPES for trouble in misconduct(self.code, oracles[0], dtype))
        troubled = tuple(dict.fromkeys(said))
        path, unchecked = self.code.path, self.code.unchecked
        return ModuleReport(path, self.graph, found, sizes, troubled, unchecked)

    def _least(self) -> list[Oracle]:
        """A sample on which all sizes are 1, if the definitions have a value on one."""
        sizes = {str(size): 1 for size in self.trial.oracles[0].sample.sizes}
        for seed in range(MOST_DRAWS if sizes else 0):
            with suppress(DeriveError, EvaluationError, ValueError, IndexError):
                given = Given(sizes=sizes)
                sample = draw(self.graph, self.trial.domain, seed, self.goals, given)
                oracle = Oracle(self.graph, sample)
                for what in self.what:
                    self.expected(oracle, what)
                return [oracle]
        return []

    def compared(
        self, oracle: Oracle, dtype: str, places: Sequence[int]
    ) -> list[tuple[float, str]]:
        """The error of each result at some places, with what went wrong in words."""
        try:
            with np.errstate(all="ignore"):
                found = self.code(oracle, dtype)
        except DeriveError:
            raise
        except (Exception, SystemExit) as error:
            return [(np.inf, f"raised {type(error).__name__}: {error}")] * len(places)
        return [_error(found[k], self.expected(oracle, self.what[k]), dtype) for k in places]

    def expected(self, oracle: Oracle, what: Expr) -> Array:
        """The value by the definitions."""
        return np.asarray(oracle(what, self.axes[what]))

    def tolerance(self, dtype: str, what: Expr) -> float:
        """How far a result may be off."""
        is_set = self.settings.tolerance is not None
        return self.trial.tolerance(what) if is_set or dtype == "float64" else SINGLE

    def _result(self, place: int, errors: dict[str, float], trouble: str) -> ResultReport:
        what = self.what[place]
        tolerances = {dtype: self.tolerance(dtype, what) for dtype in DTYPES}
        beside = place - len(self.what) + len(self.code.derivatives)
        function = self.code.derivatives[beside].name if beside >= 0 else ""
        axes = self.axes[what]
        found = ResultReport(what, axes, errors, tolerances, None, trouble, function)
        if found.ok:
            return found
        dtype = next(dtype for dtype in DTYPES if errors[dtype] > tolerances[dtype])
        least = smallest(
            self.graph,
            self.trial.domain,
            self.goals,
            lambda oracle: self._difference(oracle, dtype, place),
        )
        return replace(found, smallest=least)

    def _difference(self, oracle: Oracle, dtype: str, place: int) -> tuple[Array, Array] | None:
        """What the module returns and what is right, where they differ; None where they agree."""
        ((error, trouble),) = self.compared(oracle, dtype, [place])
        if trouble or error <= self.tolerance(dtype, self.what[place]):
            return None
        found, expected = self.code(oracle, dtype)[place], self.expected(oracle, self.what[place])
        # Differences leave rounding where the value is zero.
        unknown = self.trial.tolerance(self.what[place]) * max(largest(found), largest(expected))
        return found, np.where(np.abs(expected) <= unknown, 0.0, expected)


def _free(expr: Expr) -> tuple[Index, ...]:
    return indices_of(expr.variable if isinstance(expr, Partial) else expr)


def _generic(graph: Graph, name: str) -> Tensor:
    """A tensor with letters of its own, the author's where they are distinct."""
    letters: list[str] = []
    for axis in range(graph.arity[name]):
        wanted = (*graph.letters.get((name, axis), ()), *_LETTERS)
        letters.append(next(c for c in wanted if c not in letters and c.islower()))
    return graph.tensor(name, letters)


def _error(value: Any, expected: Array, dtype: str) -> tuple[float, str]:
    if isinstance(value, TypeError):
        return np.inf, str(value)
    if value.shape != expected.shape:
        return np.inf, f"has the shape {value.shape}, not {expected.shape}"
    if value.dtype != dtype:
        return np.inf, f"is {value.dtype} where the inputs are {dtype}"
    if not np.isfinite(value).all():
        return (0.0, "") if np.array_equal(value, expected) else (np.inf, "is not finite")
    value = value.astype(float)
    distance, *sizes = (np.abs(a).max(initial=0.0) for a in (value - expected, value, expected))
    return float(distance / max(*sizes, FLOOR)), ""
