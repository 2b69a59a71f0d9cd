"""Adjoints: the gradients of a loss by tensors, as tensors with a name of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sympy import Expr

from derive.calculus.derivation import Derivation
from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.mapped import mapped
from derive.expressions import Partial, Tensor, indices_of, is_tensor, name_of, tensor

__all__ = ["adjoint", "adjoints"]


def adjoint(name: str) -> str:
    """The name of the gradient of the loss by a tensor."""
    return f"∂{name}"


def adjoints(
    derivation: Derivation, loss: str, wrt: Sequence[str], named: Callable[[str], str]
) -> Iterator[Assignment]:
    """The adjoints that the wanted gradients are made of, in the order of the stages.

    Parameters
    ----------
    named : the name of the gradient of the loss by a tensor.
    """
    graph = derivation.graph
    found: dict[str, Assignment] = {}
    for stage in derivation.stages:
        goal = stage.goal
        if isinstance(goal, Partial) and goal.function == tensor(loss) and not goal.held:
            target = _adjoint_of(goal, named)
            expr = _with_adjoints(stage.result, loss, named)
            found[name_of(target)] = Assignment(target, expr)
    needed = {named(name) for name in wrt}
    for name in reversed(found):
        needed |= found[name].reads if name in needed else frozenset()
    given = {named(name) for name in graph.outputs}
    yield from (a for name, a in found.items() if name in needed and name not in given)


def _adjoint_of(partial: Partial, named: Callable[[str], str]) -> Tensor:
    variable = partial.variable
    return tensor(named(name_of(variable)), *indices_of(variable))


def _with_adjoints(expr: Expr, loss: str, named: Callable[[str], str]) -> Expr:
    """The expression with a tensor in place of each derivative of the loss."""

    def change(node: Expr) -> Expr | None:
        if is_tensor(node):
            return node
        if not isinstance(node, Partial):
            return None
        if node.function != tensor(loss) or node.held or not is_tensor(node.variable):
            raise CodeError(f"{node} is left in the result and has no form as code")
        return _adjoint_of(node, named)

    return mapped(expr, change)
