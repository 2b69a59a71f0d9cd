"""Whether two forms of one expression are equal, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import Literal

from sympy import Expr

from derive.calculus.plan import derive
from derive.errors import DeriveError
from derive.expressions import Graph, Index, Partial, indices_of, name_of, tensors_in
from derive.verify.evaluate import EvaluationError
from derive.verify.exact import provably_equal
from derive.verify.facts import conceivable_facts, definition, proven_facts
from derive.verify.grading import Above, graded
from derive.verify.premises import Premise, follows
from derive.verify.report import LineReport
from derive.verify.trial import Claim, Settings, Trial, best_trial
from derive.verify.witness import Witness, witness

__all__ = ["Comparison", "compare"]

Verdict = Literal["exact", "sampled", "unknown", "different"]

SPARE = "nmpqrtuvwabcdefghijk"
# Proofs that are tried for a smallest set of premises.
MOST_PROOFS = 120
MOST_CONDITIONS = 12


@dataclass(frozen=True)
class Comparison:
    """What was found about two forms.

    Attributes
    ----------
    verdict : `exact`, proven equal; `sampled`, equal on all samples; `unknown`, for the reason in
        `evidence`; `different`.
    evidence : the comparison on samples.
    premises : the smallest set of definitions and facts found that the equality follows from by
        algebra alone; None where no proof was found.
    conditions : of different forms, a fact about the inputs that would make them equal.
    witness : of different forms, simple numbers on which they differ.
    """

    left: Expr
    right: Expr
    free: tuple[Index, ...]
    verdict: Verdict
    evidence: LineReport
    premises: tuple[Premise, ...] | None = None
    conditions: tuple[Premise, ...] = ()
    witness: Witness | None = None

    @property
    def equal(self) -> bool | None:
        """Whether the forms are equal, None where that is not known."""
        return {"exact": True, "sampled": True, "unknown": None, "different": False}[self.verdict]


def compare(
    graph: Graph,
    left: Expr,
    right: Expr,
    free: Sequence[Index],
    settings: Settings | None = None,
) -> Comparison:
    """Compare two forms with the given free indices: on samples, then by proof.

    Equality is traced back to what it needs: nothing but algebra, whatever the names stand for;
    else as few facts, derivatives and definitions as possible.
    """
    found = Comparison(left, right, tuple(free), "unknown", LineReport("unknown"))
    try:
        trial = best_trial(graph, [Claim(left, (right,), found.free)], settings or Settings())
    except EvaluationError as error:
        return replace(found, evidence=LineReport("unknown", reason=error.message))
    evidence = _on_samples(trial, found)
    found = replace(found, evidence=evidence)
    if evidence.grade == "wrong":
        return _different(graph, found)
    if evidence.grade == "unknown":
        return found
    proof = _Proof(graph, found, trial)
    premises = proof.smallest()
    proven = proof.is_complete or provably_equal(left, right, graph)
    return replace(found, verdict="exact" if proven else "sampled", premises=premises)


def _on_samples(trial: Trial, found: Comparison) -> LineReport:
    one, other = (trial.values(expr, found.free) for expr in (found.left, found.right))
    report = graded(trial, found.right, other, Above(found.left, one, is_goal=True))
    if report.grade == "wrong" and report.error is not None:
        return replace(report, reason="the samples tell them apart")
    return report


def _different(graph: Graph, found: Comparison) -> Comparison:
    """The witness of different forms, and what would make them equal."""
    sides = ("form 1", "form 2")
    seen = witness(graph, found.left, found.right, found.free, sides)
    names = _names(graph, (found.left, found.right))
    inputs = [name for name in graph.inputs if name in names and graph.arity[name]]
    known = [definition(graph[name]) for name in _written(graph, names)]
    for fact in conceivable_facts(graph, inputs)[:MOST_CONDITIONS]:
        for others in ((), known):
            if follows(found.left, found.right, graph, (fact, *others)):
                return replace(found, verdict="different", conditions=(fact,), witness=seen)
    return replace(found, verdict="different", witness=seen)


def _names(graph: Graph, exprs: Iterable[Expr]) -> frozenset[str]:
    """The names in expressions and those that they are made of."""
    names = {name_of(node) for expr in exprs for node in tensors_in(expr)}
    return frozenset(names.union(*(graph.ancestors(name) for name in names)))


def _written(graph: Graph, names: Iterable[str]) -> list[str]:
    """The names that have a definition to write out."""
    return [name for name in graph.in_order(names) if not graph[name].is_relation]


class _Proof:
    """The search for the fewest premises."""

    def __init__(self, graph: Graph, found: Comparison, trial: Trial) -> None:
        self._graph = graph
        self._forms = (found.left, found.right)
        self._trial = trial
        self.is_complete = False

    def smallest(self) -> tuple[Premise, ...] | None:
        """The smallest set of premises found, None if there is none."""
        for premises in self._candidates():
            if self._follows(premises):
                self.is_complete = all(map(self._is_proven, premises))
                return tuple(premises)
        return None

    def _follows(self, premises: Sequence[Premise]) -> bool:
        return follows(*self._forms, self._graph, premises)

    def _is_proven(self, premise: Premise) -> bool:
        """Whether a premise is proven; a derivative rests on the rules and on samples."""
        if premise.kind != "derivative":
            return True
        return provably_equal(premise.left, premise.right, self._graph)

    def _candidates(self) -> Iterator[Sequence[Premise]]:
        """Sets of premises, the smaller ones first; of one size those with facts first."""
        yield ()
        every = self._premises()
        left, size = MOST_PROOFS, 1
        while size <= len(every) and comb(len(every), size) <= left:
            yield from combinations(every, size)
            left -= comb(len(every), size)
            size += 1
        if size <= len(every) and self._follows(every):
            yield self._thinned(every)

    def _thinned(self, premises: Sequence[Premise]) -> list[Premise]:
        """The premises without those that are not needed, definitions left out first."""
        left = list(premises)
        for premise in reversed(premises):
            fewer = [other for other in left if other is not premise]
            if self._follows(fewer):
                left = fewer
        return left

    def _premises(self) -> list[Premise]:
        """All that the forms may rest on: facts, derivatives, definitions."""
        derivatives = self._derivatives()
        forms = [*self._forms, *(premise.right for premise in derivatives)]
        names = _names(self._graph, forms)
        facts = proven_facts(self._graph, names, self._trial)
        written = [definition(self._graph[name]) for name in _written(self._graph, names)]
        return [*facts, *derivatives, *written[::-1]]

    def _derivatives(self) -> list[Premise]:
        """The derivatives in the forms that are not given, with what they are."""
        partials = [node for form in self._forms for node in form.atoms(Partial) if node.is_named]
        found: dict[tuple[str, ...], Premise] = {}
        for node in sorted(partials, key=str):
            names = (name_of(node.root), *(name_of(v) for v in node.variables), *node.held)
            if names in found or self._is_given(node):
                continue
            premise = self._derived(node)
            if premise is not None:
                found[names] = premise
        return list(found.values())

    def _is_given(self, partial: Partial) -> bool:
        """Whether it is the gradient of a downstream loss by an output."""
        names = {name_of(variable) for variable in partial.variables}
        return name_of(partial.root) not in self._graph and names <= set(self._graph.outputs)

    def _derived(self, partial: Partial) -> Premise | None:
        """A derivative with its derivation, in the author's letters."""
        if isinstance(partial.function, Partial):
            return None
        try:
            stage = derive(self._graph, [_relettered(partial, self._graph)]).stages[-1]
        except DeriveError:
            return None
        lines = tuple((line.expr, line.rules) for line in stage.lines)
        return Premise("derivative", name_of(partial.root), stage.goal, stage.result, lines)


def _relettered(partial: Partial, graph: Graph) -> Partial:
    """A derivative of a tensor by a tensor in the letters of their axes, none twice."""
    used: set[str] = set()

    def renamed(node: Expr) -> Expr:
        name, letters = name_of(node), []
        for axis in range(len(indices_of(node))):
            choices = [*graph.letters.get((name, axis), ()), *SPARE]
            letters.append(next(letter for letter in choices if letter not in used))
            used.add(letters[-1])
        return graph.tensor(name, letters) if name in graph.arity else node

    return Partial(renamed(partial.function), renamed(partial.variable), *partial.held)
