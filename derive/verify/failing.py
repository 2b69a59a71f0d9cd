"""The search for simple data on which two expressions differ, the sizes being given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from math import prod

import numpy as np
from sympy import Expr

from derive.expressions import Graph, Index, Partial, name_of, nodes_in, tensors_in
from derive.verify.domain import Domain, after, domains
from derive.verify.evaluate import Array, Compiler, EvaluationError, ShapeError
from derive.verify.kinks import Kinks, comparisons
from derive.verify.numbers import Number, rational
from derive.verify.oracle import Oracle
from derive.verify.sample import NotFiniteError, Sample, draw, finite
from derive.verify.small_data import Data

__all__ = ["Effort", "Failure", "Question", "failing_data"]

# The most samples on which the expressions are evaluated, fewer where one takes long.
MOST_EVALUATIONS = 1000
# A graph of so many equations costs as much as another sample.
EQUATIONS_A_SAMPLE = 6
SECOND_DERIVATIVE, RELATION = 10, 20
# So many simple samples are tried for each choice of sizes; all of them if they are few.
LEAST_TRIES, TRIES, FEW = 6, 16, 100
# Of so many that fail the one with the simplest numbers is taken.
MOST_STARTS = 3
MOST_DOMAINS = 60
# Values differ if they are this far apart, far more than they are known to.
APART, ROUGHLY_APART = 1e-6, 1e-3
# A larger value is perhaps a division by what is zero but for rounding.
LARGEST = 1e6
# Two ways to take a derivative agree to this, where there is one.
AGREED = 1e-5

Choice = tuple[int, ...]


@dataclass
class Effort:
    """How many evaluations are left."""

    left: int

    @classmethod
    def of(cls, graph: Graph, exprs: Sequence[Expr]) -> Effort:
        """The effort that a question is worth."""
        second = any(isinstance(p.function, Partial) for e in exprs for p in nodes_in(e, Partial))
        cost = 1 + len(graph.equations) // EQUATIONS_A_SAMPLE
        cost *= SECOND_DERIVATIVE if second else 1
        cost *= RELATION if any(equation.is_relation for equation in graph.equations) else 1
        return cls(MOST_EVALUATIONS // cost)

    @property
    def is_spent(self) -> bool:
        return self.left <= 0


@dataclass(frozen=True)
class Failure:
    """Numbers at which two expressions differ, an entry where they do, and its two values.

    `solutions` are the values of what relations define.
    """

    data: Data
    choice: Choice
    entry: tuple[int, ...]
    left: Number
    right: Number
    solutions: tuple[tuple[str, list[Number], tuple[int, ...]], ...] = ()

    @property
    def cost(self) -> tuple[bool, int]:
        """How far it is from simple: without fractions for its values, then by its numbers."""
        decimals = isinstance(self.left, float) or isinstance(self.right, float)
        return decimals, sum(self.choice)


class Question:
    """Whether two expressions about a graph without multi-indices are equal.

    Raises
    ------
    EvaluationError : they have a value on no sample.
    """

    def __init__(
        self, graph: Graph, left: Expr, right: Expr, free: Sequence[Expr], effort: Effort
    ) -> None:
        self.graph = graph
        self.exprs = (left, right)
        self.free = tuple(index for index in free if isinstance(index, Index))
        self.effort = effort
        self._compiler = Compiler()
        self.domain = self._domain()

    @cached_property
    def loss(self) -> str:
        """The letter of a loss downstream of the graph, if the expressions differentiate one."""
        roots = {
            name_of(node)
            for expr in self.exprs
            for partial in nodes_in(expr, Partial)
            for node in tensors_in(partial.root)
        }
        return min(roots - set(self.graph.names), default="")

    @cached_property
    def relevant(self) -> frozenset[str]:
        """The names on which the values depend, letters of labels among them."""
        graph = self.graph
        names = {name_of(node) for expr in self.exprs for node in tensors_in(expr)}
        names |= set(graph.outputs) if self.loss else set()
        names = names.union(*(graph.ancestors(name) for name in names))
        sides = [side for name in names if name in graph for side in graph[name].sides]
        letters = {i.name for expr in (*self.exprs, *sides) for i in nodes_in(expr, Index)}
        return frozenset(names | letters)

    def uses(self, size: Expr) -> bool:
        """Whether a size is that of an index in the expressions or of what matters for them."""
        graph = self.graph
        axes = [
            graph.axis_size(name, axis)
            for name in self.relevant & graph.arity.keys()
            for axis in range(graph.arity[name])
        ]
        indices = [index.size for expr in self.exprs for index in nodes_in(expr, Index)]
        return size in axes or size in indices or any(expr.has(size) for expr in self.exprs)

    @cached_property
    def _kinks(self) -> Kinks:
        sides = [side for equation in self.graph.equations for side in equation.sides]
        return Kinks((*self.exprs, *sides), self._compiler)

    def _domain(self) -> Domain:
        """The first distributions of the inputs on which both expressions have a value."""
        reason = EvaluationError("no sample was found")
        search = domains(self.graph)
        domain: Domain | None = next(search)
        for _ in range(MOST_DOMAINS):
            if domain is None:
                break
            try:
                self._evaluate(domain)
            except NotFiniteError as error:
                reason = error
                domain = after(search, error.what)
                continue
            except ShapeError:
                pass
            return {name: self._reaching_kinks(kind) for name, kind in domain.items()}
        raise reason

    def _evaluate(self, domain: Domain) -> None:
        """Evaluate both expressions on a sample, for the errors that this raises."""
        oracle = Oracle(self.graph, draw(self.graph, domain, 0, self.exprs), self._compiler)
        for expr in self.exprs:
            finite(oracle(expr, self.free), "it")

    def _reaching_kinks(self, distribution: str) -> str:
        """The distribution of an input, a wide one where kinks may be far out."""
        sides = [side for equation in self.graph.equations for side in equation.sides]
        is_wide = distribution == "both signs" and comparisons((*self.exprs, *sides))
        return "wide" if is_wide else distribution

    def failure(self, data: Data, choice: Choice) -> Failure | None:
        """The failure on some numbers, None where the expressions agree or have no value."""
        self.effort.left -= 1
        sample = data.sample(choice)
        try:
            oracle = Oracle(self.graph, sample, self._compiler)
            left, right = (finite(oracle(expr, self.free), "it") for expr in self.exprs)
            apart = ROUGHLY_APART if oracle.differences_used else APART
            if not np.any(_far(left, right, apart)) or self._kinks.met_by(oracle.values):
                return None
            if max(np.max(np.abs(left)), np.max(np.abs(right))) > LARGEST:
                return None
            if not self._is_confirmed(sample, (left, right)):
                return None
        except EvaluationError:
            return None
        return self._simplest(data, choice, oracle, (left, right), apart)

    def _is_confirmed(self, sample: Sample, values: tuple[Array, Array]) -> bool:
        """Whether another way to differentiate says the same: where there is a derivative."""
        if not any(expr.has(Partial) for expr in self.exprs):
            return True
        other = Oracle(self.graph, sample, self._compiler, "central differences")
        again = [finite(other(expr, self.free), "it") for expr in self.exprs]
        return not any(np.any(_far(a, b, AGREED)) for a, b in zip(again, values, strict=True))

    def _simplest(
        self,
        data: Data,
        choice: Choice,
        oracle: Oracle,
        values: tuple[Array, Array],
        apart: float,
    ) -> Failure:
        """The entry with the simplest values among those that differ."""
        places = [tuple(map(int, at)) for at in np.argwhere(_far(*values, apart))]
        second = oracle.differences_used
        found = [
            Failure(
                data,
                choice,
                at,
                _number(values[0][at], second and self.exprs[0].has(Partial)),
                _number(values[1][at], second and self.exprs[1].has(Partial)),
                self._solutions(oracle),
            )
            for at in places
        ]
        return min(found, key=lambda failure: failure.cost)

    def _solutions(self, oracle: Oracle) -> tuple[tuple[str, list[Number], tuple[int, ...]], ...]:
        names = [eq.name for eq in self.graph.equations if eq.is_relation]
        arrays = {name: oracle.values.tensors[name] for name in names if name in self.relevant}
        return tuple((n, [_number(x) for x in a.flat], a.shape) for n, a in arrays.items())


def _far(left: Array, right: Array, apart: float) -> Array:
    """Where two arrays differ by more than what is left of their accuracy."""
    scale = np.maximum(1.0, np.maximum(np.abs(left), np.abs(right)))
    far: Array = np.abs(left - right) > apart * scale
    return far


def _number(value: float, is_rough: bool = False) -> Number:
    """A value as a fraction, if it is known well enough to be seen to be one."""
    found = rational(float(value), is_rough=is_rough)
    return float(value) if found is None else found


def failing_data(question: Question, sizes: Mapping[Expr, int]) -> Failure | None:
    """The simplest failure found for the given sizes."""
    data = Data(question.graph, question.exprs, question.domain, sizes, loss=bool(question.loss))
    found: list[Failure] = []
    for choice in islice(_choices(data), max(LEAST_TRIES, question.effort.left // 4)):
        if question.effort.is_spent or len(found) == MOST_STARTS:
            break
        failure = question.failure(data, choice)
        if failure is not None:
            found.append(_simplified(question, failure))
            if not found[-1].cost[0]:
                break
    return min(found, key=lambda failure: failure.cost, default=None)


def _choices(data: Data) -> Iterator[Choice]:
    """Numbers of options for all entries, from the simplest on ever more of them."""
    lengths = [len(each) for each in data.options]
    if prod(lengths) <= FEW:
        yield from sorted(product(*map(range, lengths)), key=sum)
        return
    yield (0,) * len(lengths)
    rng = np.random.default_rng([len(lengths), *data.sizes.values()])
    for number in range(1, TRIES):
        most = 2 + number // 2
        yield tuple(int(rng.integers(min(most, length))) for length in lengths)


def _simplified(question: Question, failure: Failure) -> Failure:
    """The failure with entries replaced by simpler ones as long as it stays one."""
    changed = True
    while changed and not question.effort.is_spent:
        changed = False
        for place in range(len(failure.choice)):
            better = _simpler_at(question, failure, place)
            if better is not None:
                failure, changed = better, True
    return failure


def _simpler_at(question: Question, failure: Failure, place: int) -> Failure | None:
    """The failure with a simpler number at one place, if there is one."""
    choice = failure.choice
    for option in range(len(failure.data.options[place])):
        if option == choice[place] or question.effort.is_spent:
            continue
        other = (*choice[:place], option, *choice[place + 1 :])
        if not failure.cost[0] and option > choice[place]:
            return None
        found = question.failure(failure.data, other)
        if found is not None and found.cost < failure.cost:
            return found
    return None
