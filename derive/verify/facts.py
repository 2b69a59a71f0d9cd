"""Facts about defined tensors: contractions that have a constant value, `1_h μ_bh = 0`.

They are found on samples and then proven from the definitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations

import numpy as np
from sympy import Expr, Mul, S

from derive.calculus.facts import Facts
from derive.calculus.fold import fold_rules
from derive.expressions import Contraction, Equation, Graph, Index, name_of
from derive.verify.evaluate import EvaluationError, free_axes
from derive.verify.exact import provably_equal
from derive.verify.premises import Premise
from derive.verify.trial import Trial

__all__ = ["conceivable_facts", "definition", "proven_facts"]

# Tensors of a higher order have too many sums.
MOST_AXES = 4
CLOSE = 1e-9
OUT = ("write out the definition",)


def definition(equation: Equation) -> Premise:
    """The definition of a name as a premise."""
    return Premise("definition", equation.name, equation.lhs, equation.rhs)


def proven_facts(graph: Graph, names: Iterable[str], trial: Trial) -> list[Premise]:
    """The facts about the given names that follow from the definitions."""
    equations = [graph[name] for name in graph.in_order(names) if not graph[name].is_relation]
    stages = Facts(graph, {name: fold_rules(graph[name]) for name in graph.order})
    found = []
    for equation in equations:
        for left in _contractions(equation.lhs):
            right = _constant(left, trial)
            if right is not None and provably_equal(left, right, graph):
                lines = _lines(left, right, equation, stages)
                found.append(Premise("fact", equation.name, left, right, lines))
    return found


def _lines(
    left: Expr, right: Expr, equation: Equation, stages: Facts
) -> tuple[tuple[Expr, tuple[str, ...]], ...]:
    """The derivation of a fact, or its definition written out."""
    for stage in stages.used_in(left):
        if stage.goal == left and stage.result == right:
            return tuple((line.expr, line.rules) for line in stage.lines)
    indices, body = left.open()
    leaf = next(node for node in body.atoms(type(equation.lhs)) if name_of(node) == equation.name)
    written = Contraction(body.xreplace({leaf: equation.at(leaf.indices)}), *indices)
    return ((written, OUT), (right, ("the other definitions written out",)))


def _contractions(leaf: Expr) -> Iterator[Expr]:
    """The sums of a tensor and of its squares over some of its axes."""
    indices = [index for index in getattr(leaf, "indices", ()) if isinstance(index, Index)]
    if len(indices) > MOST_AXES:
        return
    for bound in chain.from_iterable(combinations(indices, n) for n in range(1, len(indices) + 1)):
        yield Contraction(leaf, *bound)
        yield Contraction(leaf**2, *bound)


def _constant(contraction: Expr, trial: Trial) -> Expr | None:
    """The constant that a contraction is on all samples: zero, one, or a number of values."""
    found = trial.values(contraction, free_axes(contraction))
    if isinstance(found, EvaluationError):
        return None
    for value in _constants(contraction.bound):
        expected = trial.values(value, ())
        if isinstance(expected, EvaluationError):
            continue
        pairs = zip(found, expected, strict=True)
        if all(np.allclose(one, other, rtol=0, atol=CLOSE) for one, other in pairs):
            return value
    return None


def _constants(bound: Sequence[Index]) -> list[Expr]:
    number = Mul(*(index.size for index in bound))
    return [S.Zero, S.One, number, 1 / number]


def conceivable_facts(graph: Graph, names: Iterable[str]) -> list[Premise]:
    """What might be known of inputs: that they sum to one, or to zero."""
    found = []
    for name in names:
        letters = [f"_{axis}" for axis in range(graph.arity[name])]
        for left in _contractions(graph.tensor(name, letters)):
            for right in _constants(left.bound)[:3]:
                is_square = left.has(S(2))
                if (right == 0 and is_square) or (right not in (0, 1) and not is_square):
                    continue
                found.append(Premise("fact", name, left, right))
    return found
