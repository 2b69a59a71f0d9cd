"""The verdict on a chain of equalities, in the reading that says most for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice, product

from sympy import Expr

from derive.check.context import Definition, compatible
from derive.check.deadline import Deadline, TookTooLongError
from derive.check.facts import Fact, normalised
from derive.check.formula import Formula
from derive.check.freedom import free_letters
from derive.check.grades import graded_chain, named, undecided
from derive.check.held import holdings
from derive.check.layers import layer_of
from derive.check.model import model
from derive.check.question import Checked, Question
from derive.errors import DeriveError
from derive.expressions import Graph, Partial, name_of, tensors_in
from derive.notation.syntax import Named

__all__ = ["answer"]

MOST_CHOICES = 24


def answer(question: Question, deadline: Deadline) -> Checked:
    """The verdict in the reading under which fewest lines fail.

    Where lines fail that hold for inputs which sum to one, that is what the text has taken for
    granted, and the verdict says so.
    """
    best = _best(question, deadline)
    if best.score[1] == 0 or best.model is None:
        return best
    found = None
    with suppress(TookTooLongError):
        found = _supposing(question, best, deadline)
    return found or named(best, question.twice)


def _supposing(question: Question, best: Checked, deadline: Deadline) -> Checked | None:
    """The verdict under a fact that the text takes for granted, if nothing fails under it."""
    exprs = [expr for expr in best.exprs if expr is not None]
    for fact in _hypotheses(best.model.graph, exprs) if best.model is not None else ():
        facts = (*question.facts, fact)
        found = _best(replace(question, facts=facts), deadline)
        if found.holds:
            return replace(found, supposed=fact.words)
    return None


def _hypotheses(graph: Graph, exprs: Sequence[Expr]) -> Iterator[Fact]:
    """Facts that a text may take for granted of inputs by which it does not differentiate."""
    moved = {name_of(n) for e in exprs for p in e.atoms(Partial) for n in tensors_in(p.variable)}
    for name in graph.inputs:
        for axis in range(graph.arity[name]):
            if name not in moved and not name.startswith("⟨"):
                letters = [*"ijkmnpq"[: graph.arity[name]]]
                known = graph.letters.get((name, axis))
                letters[axis] = known[0] if known else letters[axis]
                yield normalised(name, axis, letters)


def _best(question: Question, deadline: Deadline) -> Checked:
    best: Checked | None = None
    for found in _answers(question, deadline):
        if best is None or found.score < best.score:
            best = found
        if best.holds or deadline.is_over:
            break
    if best is None:
        raise ValueError("a chain has at least one reading")
    return best


def _answers(question: Question, deadline: Deadline) -> Iterator[Checked]:
    for choices in _choices(question):
        sides = [compatible(side, choices) for side in question.sides]
        definitions = _definitions(question, sides, choices)
        for free in free_letters(sides, question.explicit):
            yield from _with_free(question, sides, definitions, free, deadline)


def _with_free(
    question: Question,
    sides: Sequence[Formula],
    definitions: Sequence[Definition],
    free: frozenset[str],
    deadline: Deadline,
) -> Iterator[Checked]:
    """The verdicts with these letters free, for each way to read what the text leaves open."""
    for direct in (False, True):
        deadline.check()
        try:
            found = model(
                sides, question.conditions, free, definitions, question.facts, direct=direct
            )
        except DeriveError as error:
            yield undecided(question, error.message)
            return
        for held in holdings(found.graph, [side.expr for side in found.sides]):
            yield graded_chain(question, sides, found, held)
            deadline.check()
        if not found.generic:
            return


def _choices(question: Question) -> Iterator[Mapping[str, str]]:
    """Choices for all topics on which the readings of the sides differ, the usual first."""
    topics: dict[str, dict[str, None]] = {}
    for side in question.sides:
        for one in side:
            for assumed in one.reading.assumed:
                topics.setdefault(assumed.topic, {})[assumed.choice] = None
    every = product(*topics.values())
    for chosen in islice(every, MOST_CHOICES):
        yield dict(zip(topics, chosen, strict=True))


def _definitions(
    question: Question, sides: Sequence[Formula], choices: Mapping[str, str]
) -> list[Definition]:
    """What the sides rest on; a name that the chain itself defines as it stands there."""
    names = {name for formula in sides for name in formula.names}
    context, place = question.context, (question.number, question.section)
    found = context.needed(names, *place, choices, without=question.losses)
    above = _above(sides, found)
    if not above:
        return found
    return context.needed(names, *place, choices, without=question.losses | above)


def _above(sides: Sequence[Formula], definitions: Sequence[Definition]) -> set[str]:
    """Functions of the last layer that are differentiated by a layer before it.

    What leads from the one to the other is not written out, so that they are functions downstream.
    """
    rests = {definition.name: definition.right.names for definition in definitions}
    formulas = [*sides, *(d.right for d in definitions if d.is_derivative)]
    return {
        part.numerator.name
        for formula in formulas
        for part in formula.derivatives
        if isinstance(part.numerator, Named) and isinstance(part.denominator, Named)
        if part.numerator.name in rests and _is_before(part.denominator.name)
        if part.denominator.name not in _closure(part.numerator.name, rests)
    }


def _is_before(name: str) -> bool:
    layer = layer_of(name)
    return layer is not None and layer.letter == "l"


def _closure(name: str, rests: Mapping[str, frozenset[str]]) -> set[str]:
    """The names that a name rests on."""
    found: set[str] = set()
    asked = [name]
    while asked:
        new = rests.get(asked.pop(), frozenset()) - found
        found |= new
        asked += new
    return found
