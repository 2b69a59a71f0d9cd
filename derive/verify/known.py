"""The results of the stages of a derivation, put for the gradients that they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Expr

from derive.calculus.derivation import Stage
from derive.expressions import Partial, indices_of, is_tensor, name_of
from derive.verify.rewriting import rewritten

__all__ = ["Results", "key_of", "results_of", "with_results"]

Key = tuple[Expr, str, tuple[str, ...]]
Results = Mapping[Key, tuple[Partial, Expr]]
"""Goals and their results, by what is differentiated by what."""


def results_of(stages: Iterable[Stage]) -> Results:
    """The results of stages whose goals are gradients, by what is differentiated by what."""
    return {key_of(s.goal): (s.goal, s.result) for s in stages if isinstance(s.goal, Partial)}


def key_of(goal: Partial) -> Key:
    """What is differentiated by what, and what is held fixed."""
    return goal.function, name_of(goal.variable) if is_tensor(goal.variable) else "", goal.held


def with_results(expr: Expr, known: Results) -> Expr:
    """The expression with the results that are known in place of gradients of a loss."""

    def written(node: Expr) -> Expr | None:
        if isinstance(node, Partial) and key_of(node) in known:
            return _at(node, *known[key_of(node)])
        return None

    for _ in known:
        before, expr = expr, rewritten(expr, written)
        if expr == before:
            break
    return expr


def _at(node: Partial, goal: Partial, result: Expr) -> Expr:
    pairs = zip(indices_of(goal.variable), indices_of(node.variable), strict=True)
    return result.xreplace(dict(pairs))
