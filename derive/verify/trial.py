"""The data on which lines are compared: the definitions on several samples, with an oracle each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, islice

import numpy as np
from sympy import Add, Expr, Number

from derive.expressions import Graph, Index, Iverson, Partial, nodes_in
from derive.verify.digits import MANY, in_digits
from derive.verify.domain import Domain, Search, across, after, domains
from derive.verify.evaluate import Array, Compiler, EvaluationError, free_axes
from derive.verify.exact import Algebra, lettered
from derive.verify.kinks import comparisons
from derive.verify.oracle import Method, Oracle
from derive.verify.sample import Given, NotFiniteError, draw, finite
from derive.verify.settings import Settings, given_data
from derive.verify.solve import IllConditionedError
from derive.verify.spread import Spread, drawn_ranks, shapes_of

__all__ = [
    "FLOOR",
    "TOLERANCE",
    "Claim",
    "Found",
    "Settings",
    "Trial",
    "best_trial",
    "is_zero",
    "largest",
    "relative_error",
]

TOLERANCE: dict[Method, float] = {"complex step": 1e-9, "central differences": 1e-6}
"""The worst relative error of a line that holds.

A complex step loses no digits, so that lines that are equal differ by rounding, some 1e-15 times
the number of operations; extrapolated differences lose five to six digits. A mistake in a term
changes an entry by a large part of itself. The tolerances lie between, far from both.
"""

# Entries are compared relative to the largest one, but no finer than this: the data are of the
# order 1, so that what is left of terms that cancel is rounding and may be far from equal.
FLOOR = 1e-3
# Between the largest and the smallest number of the data: the product of two such is rounding.
WIDE = 1e5
# With this many domains tried in full, the one on which most lines have a value is taken.
MOST_TRIALS = 12
# So many samples may be drawn anew because a relation has no good solution on them.
MOST_REDRAWS = 8
# With kinks, data that fall on one side of one are drawn again.
MOST_DRAWS = 4
# So many pairs of kinks are looked at together.
MOST_PAIRS = 15

Found = list[Array] | EvaluationError
"""The values of an expression on all samples, or why it has none."""


@dataclass(frozen=True)
class Claim:
    """A goal and expressions that are said to be equal to it, with the same free indices."""

    goal: Expr
    lines: tuple[Expr, ...]
    free: tuple[Index, ...]


class Trial:
    """The oracles for one choice of data, one for each seed."""

    def __init__(
        self,
        graph: Graph,
        exprs: Sequence[Expr],
        domain: Domain,
        seeds: range,
        compiler: Compiler,
        settings: Settings,
    ) -> None:
        given = given_data(settings, graph, exprs)
        self.graph = graph
        self.settings = settings
        self.domain = domain
        self.algebra = Algebra(graph)
        self.compared = _comparisons(graph, exprs)
        self._exprs = exprs
        # One after the other, so that a domain that will not do is left at the first sample.
        self.spreads: list[Spread] = []
        self.oracles: list[Oracle] = []
        for seed in seeds:
            spread = Spread(graph, drawn_ranks(graph, seed))
            self.spreads.append(spread)
            lines = [spread(expr) for expr in exprs]
            self.oracles.append(_oracle(spread.graph, domain, seed, lines, compiler, given))
        self._many_digits = Compiler(MANY)
        self._in_digits: dict[int, Oracle] = {}
        self._wide: dict[int, bool] = {}
        self._known: dict[tuple[Expr, tuple[Index, ...]], Found] = {}

    @property
    def method(self) -> Method:
        used = any(oracle.differences_used for oracle in self.oracles)
        return "central differences" if used else "complex step"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The number of each sample, from which its data are drawn."""
        return tuple(oracle.sample.seed for oracle in self.oracles)

    @property
    def sizes(self) -> tuple[dict[str, int], ...]:
        samples = (oracle.sample for oracle in self.oracles)
        return tuple({str(s): n for s, n in sample.sizes.items()} for sample in samples)

    @property
    def ranks(self) -> tuple[dict[str, int], ...]:
        """For each sample the rank of each multi-index; nothing if there are none."""
        letters = shapes_of(self.graph)
        if not letters:
            return ()
        return tuple({letters[shape]: n for shape, n in s.ranks.items()} for s in self.spreads)

    def values(self, expr: Expr, free: tuple[Index, ...]) -> Found:
        """The value on each sample, or the first reason why there is none."""
        if (expr, free) not in self._known:
            try:
                found: Found = list(self.each(expr, free))
            except EvaluationError as error:
                found = error
            self._known[expr, free] = found
        return self._known[expr, free]

    def each(self, expr: Expr, free: tuple[Index, ...]) -> Iterator[Array]:
        for seed in range(len(self.oracles)):
            yield finite(self.value(expr, free, seed), "the line")

    def value(self, expr: Expr, free: tuple[Index, ...], seed: int) -> Array:
        """The value on one sample, finite or not."""
        spread = self.spreads[seed]
        return self.oracles[seed](spread(expr), spread.axes(free))

    @cached_property
    def one_sided(self) -> int:
        """How many comparisons come out alike on all samples."""
        found = [self.values(node, free_axes(node)) for node in self.compared]
        arrays = [each for each in found if not isinstance(each, EvaluationError)]
        return sum(len({x for array in each for x in array.flat}) < 2 for each in arrays)

    def in_digits(self, expr: Expr, free: tuple[Index, ...], seed: int) -> Array:
        """The value on one sample with many digits.

        Raises
        ------
        EvaluationError : it has none, or the work would be too much.
        """
        if seed not in self._in_digits:
            near = self.oracles[seed]
            sample = in_digits(near.sample)
            self._in_digits[seed] = Oracle(
                near.graph, sample, self._many_digits, "many digits", near
            )
        spread = self.spreads[seed]
        return finite(self._in_digits[seed](spread(expr), spread.axes(free)), "the line")

    def entries(self, seed: int) -> int:
        """How many numbers a sample holds."""
        return sum(array.size for array in self.oracles[seed].values.tensors.values())

    def is_wide(self, seed: int) -> bool:
        """Whether the data are of so different sizes that a term may be lost in rounding."""
        if seed not in self._wide:
            tensors = self.oracles[seed].values.tensors.values()
            entries = [np.abs(a[np.isfinite(a) & (a != 0)]) for a in tensors if a.dtype.kind == "f"]
            sizes = np.concatenate([*(a.ravel() for a in entries), self._literals])
            self._wide[seed] = bool(sizes.size and sizes.max() > WIDE * sizes.min())
        return self._wide[seed]

    @cached_property
    def _literals(self) -> Array:
        """The sizes of the numbers in the definitions and the lines."""
        sides = [side for equation in self.graph.equations for side in equation.sides]
        every = set().union(*(nodes_in(side, Number) for side in (*sides, *self._exprs)))
        return np.array([abs(float(n)) for n in every if n != 0])

    @cached_property
    def unseen(self) -> int:
        """How many of the outcomes that two comparisons can have together are on no sample."""
        pairs = islice(combinations(self.compared, 2), MOST_PAIRS)
        return sum(4 - len(self._outcomes(*pair)) for pair in pairs)

    def _outcomes(self, one: Expr, other: Expr) -> set[tuple[float, float]]:
        axes = free_axes(one, other)
        found = [self.values(node, axes) for node in (one, other)]
        ones, others = ([] if isinstance(each, EvaluationError) else each for each in found)
        arrays = zip(ones, others, strict=False)
        return {pair for a, b in arrays for pair in zip(a.flat, b.flat, strict=True)}

    def tolerance(self, *exprs: Expr) -> float:
        """How far values may be apart that rest on the derivatives in expressions."""
        if self.settings.tolerance is not None:
            return self.settings.tolerance
        rough = any(oracle.first_by_differences for oracle in self.oracles)
        second = any(isinstance(p.function, Partial) for e in exprs for p in nodes_in(e, Partial))
        return TOLERANCE["central differences" if rough or second else "complex step"]

    def error(self, expr: Expr, value: Array, reference: Array, seed: int) -> float:
        """How far a value is off, relative to the scale on which it is known."""
        terms = partial(self._terms, expr, seed)
        return relative_error(value, reference, self.tolerance(expr), terms)

    def _terms(self, expr: Expr, seed: int) -> float:
        """The largest entry of a term, which cancels perhaps against another."""
        terms = (self.value(term, free_axes(term), seed) for term in Add.make_args(expr))
        return max(map(largest, terms))


def relative_error(
    value: Array, reference: Array, tolerance: float, terms: Callable[[], float]
) -> float:
    """How far a value is off; `terms` tells the largest entry of a term of what it is a value of.

    Terms that cancel leave rounding as large as they are, so that where a value seems wrong its
    error counts relative to them.
    """
    distance = largest(value - reference)
    scale = max(largest(value), largest(reference))
    if distance > tolerance * max(scale, FLOOR):
        scale = max(scale, FLOOR * terms())
    return distance / max(scale, FLOOR)


def largest(array: Array) -> float:
    """The absolute value of the largest entry; 0 of none."""
    return float(np.max(np.abs(array), initial=0.0))


def _oracle(
    graph: Graph,
    domain: Domain,
    seed: int,
    exprs: Sequence[Expr],
    compiler: Compiler,
    given: Given,
) -> Oracle:
    """The oracle on the first sample on which the relations of the graph can be solved."""
    for again in range(MOST_REDRAWS):
        with suppress(IllConditionedError):
            return Oracle(graph, draw(graph, domain, seed + 1000 * again, exprs, given), compiler)
    return Oracle(graph, draw(graph, domain, seed, exprs, given), compiler)


def best_trial(graph: Graph, claims: Sequence[Claim], settings: Settings) -> Trial:
    """The first domain on which everything has a value, or the one on which most lines have.

    Raises
    ------
    EvaluationError : the definitions have a value on no sample.
    """
    compiler = Compiler()
    exprs = [expr for claim in claims for expr in (claim.goal, *claim.lines)]
    best: tuple[tuple[int, int, int, int], Trial] | None = None
    reason: EvaluationError = EvaluationError("no sample was found")
    trials, seeds, draws = 0, settings.seeds, _draws(graph, exprs)
    found: tuple[Domain, int] | None = next(draws)
    while found is not None:
        domain, first = found
        numbers = range(first * seeds, (first + 1) * seeds)
        try:
            trial = Trial(graph, exprs, domain, numbers, compiler, settings)
        except NotFiniteError as error:
            reason = error
            found = after(draws, error.what)
            continue
        rank = _rank(trial, claims)
        if best is None or rank < best[0]:
            best = rank, trial
        trials += 1
        # Outcomes may exclude each other, so that some are never seen together.
        usable = rank[:3] == (0, 0, 0) and (rank[3] == 0 or trials >= MOST_DRAWS)
        if usable or trials == MOST_TRIALS:
            break
        found = after(draws, None)
    if best is None:
        raise EvaluationError(f"no data were found on which all has a value: {reason.message}")
    return best[1]


def _rank(trial: Trial, claims: Sequence[Claim]) -> tuple[int, int, int, int]:
    """How many lines have no value, kinks only one side, goals the value zero, kinks no meeting."""
    missing = sum(
        isinstance(trial.values(expr, claim.free), NotFiniteError)
        for claim in claims
        for expr in (claim.goal, *claim.lines)
    )
    zero = sum(is_zero(trial.values(claim.goal, claim.free)) for claim in claims)
    return missing, trial.one_sided, bool(trial.compared) * zero, trial.unseen


def _comparisons(graph: Graph, exprs: Sequence[Expr]) -> list[Iverson]:
    """What the definitions compare, and the lines, which may compare the place of an extremum."""
    sides = [side for equation in graph.equations for side in equation.sides]
    return list({lettered(node): node for node in comparisons([*exprs, *sides])}.values())


def _draws(graph: Graph, exprs: Sequence[Expr]) -> Search[tuple[Domain, int]]:
    """Domains with the number of a draw; where a graph has kinks several draws are worth it.

    What is sent back is the definition that had no value, if any had none.
    """
    every = domains(graph)
    usual = next(every)
    kinked = bool(_comparisons(graph, exprs))
    further = [dict.fromkeys(usual, kind) for kind in ("wide", *across(graph))] if kinked else []
    lost: str | None = None
    for domain in (usual, *further):
        for number in range(MOST_DRAWS if kinked else 1):
            found = yield domain, number
            lost = found if domain is usual else lost
    while (other := after(every, lost)) is not None:
        lost = yield other, 0


def is_zero(found: Found) -> bool:
    """Whether an expression vanishes on all samples."""
    if isinstance(found, EvaluationError):
        return False
    return all(largest(value) < 1e-12 for value in found)
