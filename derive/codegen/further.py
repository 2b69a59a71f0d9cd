"""Derivatives that are no gradients of a loss downstream, as functions beside both passes.

A Jacobian, a Hessian, or one of them contracted with given tensors: `v_m ∂²c/∂x_m∂x_n` is a
product of the Hessian with a vector. What results rest on that is a derivative itself, of one
definition by another, becomes a tensor with a name of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sympy import Expr, Mul

from derive.calculus.derivation import Derivation, Stage
from derive.calculus.goal import opened
from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.mapped import mapped
from derive.expressions import (
    Graph,
    Index,
    Partial,
    Tensor,
    indices_of,
    is_tensor,
    name_of,
    ranging,
    tensor,
)
from derive.notation.names import ascii_name
from derive.notation.write import write_text
from derive.verify.passes import Derivative

__all__ = [
    "Double",
    "Further",
    "Meaning",
    "asked",
    "factors_of",
    "further",
    "given_in_goal",
    "is_further",
    "partial_in",
]

Meaning = tuple[tuple[Index, ...], Expr]
"""What a tensor stands for: a derivative in some indices, and these as the axes of the tensor."""


@dataclass(frozen=True)
class Further:
    """A function that returns a derivative.

    Attributes
    ----------
    name : what the function is called.
    goal : the derivative, or its product with given tensors.
    result : the tensor that it returns.
    given : the tensors that the goal is contracted with and that the graph does not have.
    work : the assignments, the last one that of the result.
    meanings : for each tensor of the work what it stands for.
    """

    name: str
    goal: Expr
    result: Tensor
    given: tuple[str, ...]
    work: tuple[Assignment, ...]
    meanings: dict[str, Meaning]


@dataclass(frozen=True)
class Double:
    """The backward pass of the backward pass.

    Attributes
    ----------
    given : the gradients that come back, of the outputs and then of the gradients.
    results : for each input whose gradient there is, and then for each gradient that comes back,
        the gradient of the second loss; None where that does not depend on it.
    work : the assignments.
    loss : the letter of the second loss.
    """

    given: tuple[str, ...]
    results: tuple[str | None, ...]
    work: tuple[Assignment, ...]
    loss: str


def partial_in(goal: Expr) -> Partial:
    """The derivative in a goal."""
    return next(factor for factor in factors_of(goal) if isinstance(factor, Partial))


def is_further(goal: Expr, graph: Graph) -> bool:
    """Whether a goal is more than a gradient, which the backward pass returns."""
    partial = partial_in(goal)
    if name_of(partial.root) not in graph:
        return False
    single = not indices_of(partial.root) and len(partial.variables) == 1
    return goal != partial or not single


def given_in_goal(goal: Expr, graph: Graph) -> tuple[str, ...]:
    """The tensors that a goal is contracted with and that no equation has."""
    factors = [f.as_base_exp()[0] for f in factors_of(goal) if not isinstance(f, Partial)]
    found = [name_of(factor) for factor in factors if is_tensor(factor)]
    return tuple(dict.fromkeys(n for n in sorted(found) if n not in graph.names))


def factors_of(goal: Expr) -> list[Expr]:
    """The derivative in a goal, and what it is contracted with."""
    return [f for part in Mul.make_args(goal) for f in opened(part)]


def further(derivation: Derivation, graph: Graph) -> tuple[Further, ...]:
    """A function for each goal of a derivation; `graph` is that of the equations alone.

    Raises
    ------
    CodeError : a goal has one index in two places, or rests on a gradient that is only given.
    """
    goals = derivation.goals
    return tuple(
        _Work(derivation).function(goal, name, given_in_goal(goal, graph))
        for goal, name in zip(goals, _titles(goals), strict=True)
    )


def asked(goals: Sequence[Expr], graph: Graph) -> tuple[Derivative, ...]:
    """What the functions for goals are called, take and return, without deriving anything.

    Raises
    ------
    CodeError : a goal has one index in two places.
    """
    goals = [graph.sized(goal) for goal in goals if is_further(goal, graph)]
    return tuple(
        Derivative(name, goal, given_in_goal(goal, graph), tuple(_free(goal, graph)))
        for goal, name in zip(goals, _titles(goals), strict=True)
    )


class _Work:
    """The assignments that lead to a goal."""

    def __init__(self, derivation: Derivation) -> None:
        self.graph = derivation.graph
        self.stages = {_key(s.goal): s for s in derivation.stages if isinstance(s.goal, Partial)}
        self.results = {stage.goal: stage for stage in derivation.stages}
        self.made: dict[str, Assignment] = {}
        self.meanings: dict[str, Meaning] = {}

    def function(self, goal: Expr, name: str, given: tuple[str, ...]) -> Further:
        """The function that returns what a goal asks for."""
        stage = self._stage(goal)
        # An earlier stage may have derived the same in other letters.
        goal = stage.goal
        target = self._made(tensor(_name(goal), *_free(goal, self.graph)), goal, stage)
        work = tuple(self.made.values())
        return Further(name, goal, target, given, work, self.meanings)

    def _stage(self, goal: Expr) -> Stage:
        return self.stages[_key(goal)] if isinstance(goal, Partial) else self.results[goal]

    def _made(self, target: Tensor, goal: Expr, stage: Stage) -> Tensor:
        """The target, with an assignment behind those that it rests on."""
        expr = mapped(stage.result, self._with_names)
        self.meanings[name_of(target)] = (indices_of(target), goal)
        self.made[name_of(target)] = Assignment(target, expr)
        return target

    def _with_names(self, node: Expr) -> Expr | None:
        if is_tensor(node):
            return node
        if not isinstance(node, Partial):
            return None
        stage = self.stages.get(_key(node)) if node.is_named else None
        if stage is None:
            raise CodeError(f"{node} is left in the result and has no form as code")
        name = _name(stage.goal)
        if name not in self.made:
            self._made(tensor(name, *stage.goal.indices), stage.goal, stage)
        return tensor(name, *node.indices)


def _free(goal: Expr, graph: Graph) -> list[Index]:
    """The free indices of a goal, in the order in which its derivative has them."""
    partial = partial_in(goal)
    if isinstance(goal, Partial):
        free = list(partial.indices)
    else:
        left = ranging(goal)
        free = [index for index in partial.indices if index in left]
    if len(set(free)) < len(free):
        raise CodeError(
            f"{write_text(goal, graph)} has one index in two places",
            mend="give each axis a letter of its own",
        )
    return free


_Key = tuple[tuple[str, ...], tuple[str, ...]]


def _key(partial: Partial) -> _Key:
    """What a derivative is of and by, whatever its letters are."""
    parts = [partial.root, *partial.variables]
    return tuple(map(name_of, parts)) if partial.is_named else (), partial.held


def _name(goal: Expr) -> str:
    """A name that no author can write: `d2c/dx/dx`, with what it is contracted with before."""
    partial = partial_in(goal)
    order = len(partial.variables)
    above = f"d{order if order > 1 else ''}{name_of(partial.root)}"
    found = "/".join([above, *(f"d{name_of(v)}" for v in partial.variables)])
    found += "".join(f"|{name}" for name in partial.held)
    given = [name_of(f.as_base_exp()[0]) for f in factors_of(goal) if not isinstance(f, Partial)]
    return " ".join([*sorted(given), found])


# Names of functions ----------------------------------------------------------------------------


def _titles(goals: Sequence[Expr]) -> list[str]:
    """What the functions are called: by their kind, where several are of one with more."""
    kinds = [_kind(goal) for goal in goals]
    found = list(kinds)
    for kind in set(kinds):
        own = [k for k, other in enumerate(kinds) if other == kind]
        for place, suffix in zip(own, _suffixes([goals[k] for k in own]), strict=True):
            found[place] += suffix
    return found


def _suffixes(goals: Sequence[Expr]) -> list[str]:
    """What tells goals apart: what they differentiate by, what they differentiate, a number."""
    ways: list[Callable[[Expr], str]] = [lambda _: "", _by, _of, lambda goal: _by(goal) + _of(goal)]
    for way in ways:
        found = [way(goal) for goal in goals]
        if len(set(found)) == len(found):
            return found
    return [f"_{number}" for number in range(1, len(goals) + 1)]


def _of(goal: Expr) -> str:
    return f"_of_{ascii_name(name_of(partial_in(goal).root))}"


def _by(goal: Expr) -> str:
    return "".join(f"_{ascii_name(name_of(v))}" for v in partial_in(goal).variables)


def _kind(goal: Expr) -> str:
    """What a goal is called in words."""
    partial = partial_in(goal)
    left = ranging(goal)
    summed = [bool(set(indices_of(v)) - left) for v in partial.variables]
    of_root = bool(set(indices_of(partial.root)) - left)
    if isinstance(goal, Partial):
        summed, of_root = [False] * len(summed), False
    if len(summed) == 2:
        return _second(goal, summed)
    if not summed[0]:
        return "vector_jacobian_product" if of_root else "jacobian"
    if not indices_of(partial.root):
        return "directional_derivative"
    return "jacobian_bilinear_form" if of_root else "jacobian_vector_product"


def _second(goal: Expr, summed: Sequence[bool]) -> str:
    """What a second derivative is called, given by which of its variables it is contracted."""
    if sum(summed) < 2:
        return "hessian_vector_product" if any(summed) else "hessian"
    one, other = (set(indices_of(v)) for v in partial_in(goal).variables)
    factors = [f for f in factors_of(goal) if not isinstance(f, Partial)]
    vectors = [f for f in factors if ranging(f) & (one | other)]
    if any(ranging(f) & one and ranging(f) & other for f in vectors):
        return "hessian_contraction"
    alike = {name_of(f.as_base_exp()[0]) for f in vectors}
    return "hessian_quadratic_form" if len(alike) == 1 else "hessian_bilinear_form"
