"""The matrix line of a stage: its goal and its result in matrix notation."""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr, preorder_traversal

from derive.calculus.derivation import Stage
from derive.expressions import Graph, Index, Partial, Shape, nodes_in, ranging
from derive.matrix.forms import Form, NoMatrixFormError
from derive.matrix.leaves import leading, slots_of
from derive.matrix.surface import ASCII, LATEX, UNICODE
from derive.matrix.translate import Axes, translate
from derive.matrix.write import write_form

__all__ = ["MatrixLine", "NoMatrixLine", "matrix_line"]


@dataclass(frozen=True)
class MatrixLine:
    """A goal and a result as forms, equal for each value of the fixed indices.

    Attributes
    ----------
    axes : the indices of the result in the order of the forms' axes, rows first.
    each : the indices of a batch, of which the forms show one value at a time.
    """

    goal: Form
    form: Form
    axes: Axes
    each: tuple[Index, ...]
    graph: Graph = field(repr=False)

    def text(self, *, ascii: bool = False) -> str:  # noqa: A002
        """The line as plain text."""
        surface = ASCII if ascii else UNICODE
        sides = (write_form(side, self.graph, surface) for side in (self.goal, self.form))
        return " = ".join(sides)

    def latex(self) -> str:
        """The line as LaTeX for maths mode."""
        sides = (write_form(side, self.graph, LATEX) for side in (self.goal, self.form))
        return " = ".join(sides)

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"


@dataclass(frozen=True)
class NoMatrixLine:
    """Why a result has no matrix form."""

    reason: str

    def __str__(self) -> str:
        return f"no matrix form: {self.reason}"


def matrix_line(stage: Stage, graph: Graph) -> MatrixLine | NoMatrixLine:
    """The result of a stage in matrix notation, or why there is none.

    The indices of the goal are the axes, in the order in which they stand: the gradient of a
    scalar has the shape of what it is taken by, and `∂s_i/∂x_n` has rows i and columns n.

    >>> from derive.api import derivation
    >>> found = derivation("y_ij = x_ik a_jk", "∂l/∂x_pq")
    >>> print(matrix_line(found.stages[-1], found.graph))
    ∂l/∂x = (∂l/∂y) a
    """
    goal, result = stage.goal, stage.result
    if _has_multi(goal) or _has_multi(result):
        return NoMatrixLine("a multi-index stands for any number of axes")
    batch = leading(goal, result)
    free = _in_order(goal)
    each = tuple(index for index in free if index in batch)
    axes = tuple(index for index in free if index not in batch)
    if len(axes) > 2:
        letters = ", ".join(index.name for index in free)
        return NoMatrixLine(f"the result has {len(free)} indices ({letters})")
    try:
        left = translate(goal, axes, graph, each)
        right = translate(result, axes, graph, each, (goal,))
    except NoMatrixFormError as error:
        return NoMatrixLine(error.reason)
    return MatrixLine(left, right, axes, each, graph)


def _has_multi(expr: Expr) -> bool:
    return any(index.is_multi for index in nodes_in(expr, Index)) or bool(nodes_in(expr, Shape))


def _in_order(goal: Expr) -> Axes:
    """The free indices in the order in which they stand on paper."""
    free = ranging(goal)
    nodes = slots_of(goal) if isinstance(goal, Partial) else preorder_traversal(goal)
    return tuple(dict.fromkeys(node for node in nodes if node in free))
