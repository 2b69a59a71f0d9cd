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
    name_of,
    ranging,
    tensor,
)
from derive.expressions.iverson import Iverson
from derive.expressions.partial import Partial

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
    "Size",
    "Tensor",
    "bound_apart",
    "broadcast",
    "contract",
    "elementary",
    "free_indices",
    "fresh_indices",
    "from_sympy",
    "indices_of",
    "is_tensor",
    "name_of",
    "occurrences",
    "ranging",
    "tensor",
    "tensors_in",
]
