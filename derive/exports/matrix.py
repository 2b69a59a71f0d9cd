"""Which stages show a further line in matrix notation, and what it says."""

from __future__ import annotations

from derive.calculus.derivation import Derivation, Stage
from derive.exports.options import Matrix
from derive.expressions import Graph
from derive.matrix import MatrixLine, NoMatrixLine, matrix_line
from derive.notation.write import write_text

__all__ = ["each", "shown_matrix"]


def shown_matrix(
    derivation: Derivation, stage: Stage, which: Matrix
) -> MatrixLine | NoMatrixLine | None:
    """The matrix line that a stage shows.

    None where the stage is not among those that show one, and where matrix notation says nothing
    else than the result, as that of a scalar.
    """
    wanted = which == "all" or (which == "goals" and stage.goal in derivation.goals)
    if not wanted:
        return None
    line = matrix_line(stage, derivation.graph)
    return (
        None if isinstance(line, MatrixLine) and _is_same(line, stage, derivation.graph) else line
    )


def _is_same(line: MatrixLine, stage: Stage, graph: Graph) -> bool:
    goal, result = write_text(stage.goal, graph), write_text(stage.result, graph, (stage.goal,))
    return line.text() == f"{goal} = {result}"


def each(line: MatrixLine) -> str:
    """The indices of which the line shows one value at a time: `for each b, h`."""
    letters = ", ".join(index.name for index in line.each)
    return f"for each {letters}" if letters else ""
