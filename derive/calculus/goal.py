"""Goals: what may be asked for, and what its stage is called."""

from __future__ import annotations

from sympy import Expr, Mul

from derive.errors import GoalError
from derive.expressions import Contraction, Graph, Partial, name_of

__all__ = ["check_second", "opened", "title_of"]


def opened(expr: Expr) -> tuple[Expr, ...]:
    """The factors of a contraction, with letters for its indices, or the expression itself."""
    return Mul.make_args(expr.open()[1]) if isinstance(expr, Contraction) else (expr,)


def check_second(goal: Partial, graph: Graph) -> None:
    """Refuse a second derivative that the equations do not determine.

    Raises
    ------
    GoalError : of a loss that is known by its gradient alone, or by a tensor that another one
        of the goal is made of.
    """
    if len(goal.variables) == 1:
        return
    if len(goal.variables) > 2:
        raise GoalError("a derivative is taken twice at most", mend="ask for `∂²c/∂x_m∂x_n`")
    function, names = name_of(goal.root), [name_of(variable) for variable in goal.variables]
    if function not in graph:
        raise GoalError(
            f"of {function} only the gradient is given, which leaves its second derivative open",
            mend=f"define {function} in the equations, or differentiate what they define",
        )
    for one, other in (names, names[::-1]):
        if one in graph.ancestors(other):
            raise GoalError(
                f"{other} is made of {one}, so the two cannot vary one by one",
                mend=f"differentiate twice by {one}, or twice by {other}",
            )


def title_of(goal: Expr, partial: Partial, graph: Graph) -> str:
    """What the stage of a goal is called; `partial` is the derivative in the goal."""
    function, names = name_of(partial.root), [name_of(v) for v in partial.variables]
    variable = " and ".join(dict.fromkeys(reversed(names)))
    held = f" with {', '.join(partial.held)} held fixed" if partial.held else ""
    kind = "Derivative" if len(names) == 1 else "Second derivative"
    title = f"{kind} of {function} with respect to {variable}{held}"
    if function not in graph:
        title = f"Backpropagated gradient with respect to {variable}"
    if goal == partial:
        return title
    parts = [f for part in Mul.make_args(goal) for f in opened(part)]
    given = sorted(name_of(f.as_base_exp()[0]) for f in parts if not isinstance(f, Partial))
    return f"{title}, contracted with {' and '.join(given)}"
