"""Expressions: SymPy's term algebra with contractions, brackets and partial derivatives."""

from derive.expressions.contraction import Contraction, bound_apart, occurrences
from derive.expressions.convert import contract, from_sympy
from derive.expressions.functions import ELEMENTARY, Elementary, elementary
from derive.expressions.graph import Equation, Graph, Kind, tensors_in
from derive.expressions.indices import (
    Bound,
    Index,
    One,
    Size,
    Tensor,
    broadcast,
    free_indices,
    fresh_indices,
    indices_of,
    is_tensor,
    levelled,
    name_of,
    ranging,
    tensor,
)
from derive.expressions.iverson import Iverson
from derive.expressions.partial import Partial
from derive.expressions.slots import Quotient, Remainder, in_range, is_computed, solved_for

__all__ = [
    "ELEMENTARY",
    "Bound",
    "Contraction",
    "Elementary",
    "Equation",
    "Graph",
    "Index",
    "Iverson",
    "Kind",
    "One",
    "Partial",
    "Quotient",
    "Remainder",
    "Size",
    "Tensor",
    "bound_apart",
    "broadcast",
    "contract",
    "elementary",
    "free_indices",
    "fresh_indices",
    "from_sympy",
    "in_range",
    "indices_of",
    "is_computed",
    "is_tensor",
    "levelled",
    "name_of",
    "occurrences",
    "ranging",
    "solved_for",
    "tensor",
    "tensors_in",
]
