"""The rules for determinants: their derivatives hold the inverse of the matrix."""

from __future__ import annotations

from sympy import Expr, S

from derive.calculus.context import Context
from derive.calculus.inverse import find_inverse
from derive.calculus.rule import Rule, rule
from derive.expressions import Contraction, Determinant, LogDeterminant, OfMatrix, Partial

__all__ = ["DETERMINANTS"]

_INVERSE = "δ_ij = x_ik y_kj for y"


@rule(
    "Jacobi's formula",
    "∂det_ij(x_ij)/∂x_pq = det_km(x_km) y_ji ∂x_ij/∂x_pq",
    free="pq",
    where=_INVERSE,
    refuses=("∂det_ij(a_i a_j + x_ij)/∂x_pq", "∂logdet_ij(x_ij)/∂x_pq", "∂x_qp/∂x_pq"),
)
def of_determinant(node: Expr, context: Context) -> Expr | None:
    """Each entry counts by its cofactor, which is the determinant times an entry of the inverse."""
    if not (isinstance(node, Partial) and isinstance(node.function, Determinant)):
        return None
    return _traced(node.function, node.function, node, context)


@rule(
    "derivative of the logarithm of a determinant",
    "∂logdet_ij(x_ij)/∂x_pq = y_ji ∂x_ij/∂x_pq",
    free="pq",
    where=_INVERSE,
    refuses=("∂logdet_ij(a_i a_j + x_ij)/∂x_pq", "∂det_ij(x_ij)/∂x_pq"),
)
def of_log_determinant(node: Expr, context: Context) -> Expr | None:
    """Jacobi's formula, divided by the determinant."""
    if not (isinstance(node, Partial) and isinstance(node.function, LogDeterminant)):
        return None
    return _traced(S.One, node.function, node, context)


def _traced(factor: Expr, function: OfMatrix, partial: Partial, context: Context) -> Expr | None:
    """The trace of the inverse times the derivative of the matrix, times a factor."""
    (row, column), body = function.open(partial.variable)
    pair = find_inverse(body, row, column, context.graph)
    if pair is None:
        return None
    inner = Partial(body, partial.variable, *partial.held)
    return factor * Contraction(pair.inverse * inner, row, column)


DETERMINANTS: tuple[Rule, ...] = (of_determinant, of_log_determinant)
