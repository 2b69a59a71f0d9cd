"""Expressions: SymPy's term algebra with contractions, brackets and partial derivatives."""

from derive.expressions.batch import Batch, batchable
from derive.expressions.binder import Binder, bound_apart
from derive.expressions.contraction import Contraction, occurrences
from derive.expressions.convert import contract, from_sympy
from derive.expressions.determinant import Determinant, LogDeterminant, OfMatrix
from derive.expressions.functions import ELEMENTARY, Elementary, elementary
from derive.expressions.graph import (
    Equation,
    Graph,
    Kind,
    given_in,
    inverse_relation,
    tensors_in,
    values_in,
)
from derive.expressions.indices import (
    Bound,
    Index,
    One,
    Shape,
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
from derive.expressions.nodes import nodes_in
from derive.expressions.opaque import Opaque, opaque
from derive.expressions.partial import Partial
from derive.expressions.reductions import (
    ArgMaximum,
    ArgMinimum,
    Extremum,
    Maximum,
    Minimum,
    Place,
    ProductOver,
)
from derive.expressions.relation import Multiple, NotLinearError, linear_terms
from derive.expressions.slots import Quotient, Remainder, in_range, is_computed, solved_for

__all__ = [
    "ELEMENTARY",
    "ArgMaximum",
    "ArgMinimum",
    "Batch",
    "Binder",
    "Bound",
    "Contraction",
    "Determinant",
    "Elementary",
    "Equation",
    "Extremum",
    "Graph",
    "Index",
    "Iverson",
    "Kind",
    "LogDeterminant",
    "Maximum",
    "Minimum",
    "Multiple",
    "NotLinearError",
    "OfMatrix",
    "One",
    "Opaque",
    "Partial",
    "Place",
    "ProductOver",
    "Quotient",
    "Remainder",
    "Shape",
    "Size",
    "Tensor",
    "batchable",
    "bound_apart",
    "broadcast",
    "contract",
    "elementary",
    "free_indices",
    "fresh_indices",
    "from_sympy",
    "given_in",
    "in_range",
    "indices_of",
    "inverse_relation",
    "is_computed",
    "is_tensor",
    "levelled",
    "linear_terms",
    "name_of",
    "nodes_in",
    "occurrences",
    "opaque",
    "ranging",
    "solved_for",
    "tensor",
    "tensors_in",
    "values_in",
]
