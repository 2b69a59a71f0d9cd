"""Any number of leading axes: one for the work of a pass, as they were outside of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from derive.codegen.axes import axes_of
from derive.codegen.dialect import Dialect
from derive.codegen.passes import Passes
from derive.codegen.syntax import call, name, number

__all__ = ["behind_lead", "flat", "lead_of", "leading_texts", "unflat"]

LEAD = "lead"
"""The name of the variable that holds the lengths of the leading axes."""

_FLAT = '''
def _flat(array, lead):
    """Return an array with one axis in the place of the leading ones."""
    own = {module}.shape(array)[len(lead) :]
    return {module}.reshape(array, (math.prod(lead), *own))
'''

_TORCH_FLAT = '''
def _flat(array, lead):
    """Return a tensor with one axis in the place of the leading ones."""
    array = torch.as_tensor(array)
    return array.reshape((math.prod(lead), *array.shape[len(lead) :]))
'''

_UNFLAT = '''
def _unflat(array, lead):
    """Return an array with leading axes in the place of its first one."""
    return array.reshape((*lead, *array.shape[1:]))
'''

_TORCH_UNFLAT = '''
def _unflat(array, lead):
    """Return a tensor with leading axes in the place of its first one, None for None."""
    if array is None or len(lead) == 1:
        return array
    return array.reshape((*lead, *array.shape[1:]))
'''


def leading_texts(module: str) -> dict[str, str]:
    """The helpers that this needs, by name, for NumPy, PyTorch or JAX."""
    if module == "torch":
        return {"_flat": _TORCH_FLAT, "_unflat": _TORCH_UNFLAT}
    return {"_flat": _FLAT.format(module=module), "_unflat": _UNFLAT}


def lead_of(found: Passes, dialect: Dialect, given: Sequence[str]) -> Iterator[ast.stmt]:
    """The statement that finds the leading axes, from the first array that has them."""
    graph = found.program.graph
    # Labels may be numbers of Python's.
    arrays = sorted(_batched(found, given), key=graph.labels.__contains__)
    for each in arrays[:1]:
        own = len(axes_of(graph, each)) - 1
        shape = dialect.shape(name(found.names[each]))
        if own:
            shape = ast.Subscript(shape, ast.Slice(None, number(-own)))
        yield ast.Assign([ast.Name(LEAD)], shape)


def behind_lead(lengths: Sequence[ast.expr]) -> ast.expr:
    """The shape of an array with leading axes, from the lengths of its other axes."""
    lead = ast.Name(LEAD)
    return ast.Tuple([ast.Starred(lead), *lengths]) if lengths else lead


def flat(found: Passes, given: Sequence[str]) -> Iterator[ast.stmt]:
    """The statements that put one axis in the place of the leading ones."""
    for each in _batched(found, given):
        variable = ast.Name(found.names[each])
        yield ast.Assign([variable], call("_flat", variable, ast.Name(LEAD)))


def unflat(found: Passes, each: str) -> ast.expr:
    """A result with its leading axes."""
    variable = ast.Name(found.names[each])
    if not _batched(found, [each]):
        return variable
    return call("_unflat", variable, ast.Name(LEAD))


def _batched(found: Passes, given: Sequence[str]) -> list[str]:
    """Those of some tensors, or adjoints, that have leading axes."""
    return [n for n in given if n.lstrip("∂") in found.program.batched]
