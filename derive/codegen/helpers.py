"""Functions that generated modules carry where they call them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from derive.codegen.half import IN_SINGLE
from derive.codegen.leading import leading_texts
from derive.codegen.numpy_windows import NUMPY_WINDOWS

__all__ = ["HELPERS", "SHAPES", "helpers"]

SHAPES = """
        for axis, (length, size) in enumerate(zip({shape}, sizes)):
            here = f"{{name}} has {{length}} entries along axis {{axis}}"
            if isinstance(size, int) and length != size:
                raise ValueError(f"{{here}}, not {{size}}")
            other, there, first = known.setdefault(size, (name, axis, length))
            if length != first:
                raise ValueError(f"{{here}}, {{other}} has {{first}} along axis {{there}}")
"""

CHECK = (
    '''
def _check(*arrays):
    """Raise where arrays, given as (name, array, sizes), do not fit together."""
    known, kinds = {}, {}
    for name, array, sizes in arrays:
        shape, dtype = np.shape(array), np.asarray(array).dtype
        if len(shape) != len(sizes):
            axes = "axis" if len(shape) == 1 else "axes"
            raise ValueError(f"{name} has {len(shape)} {axes}, not {len(sizes)}")
        if shape and not isinstance(array, np.ndarray):
            raise TypeError(f"{name} is a {type(array).__name__}, not an array")
        if dtype.kind not in "fc" and (shape or dtype.kind not in "iu"):
            raise TypeError(f"{name} is {dtype}, not floating-point numbers")
        if isinstance(array, np.ndarray | np.generic):
            other, first = kinds.setdefault("numbers", (name, dtype))
            if dtype != first:
                raise TypeError(f"{name} is {dtype}, {other} is {first}")
'''.rstrip()
    + SHAPES.format(shape="shape")
)

CHECK_LABELS = '''
def _check_labels(name, array, shape, size):
    """Raise where labels are not whole numbers below a size, or have another shape."""
    array = np.asarray(array)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} is {array.dtype}, not whole numbers")
    if array.shape != shape:
        raise ValueError(f"{name} has the shape {array.shape}, not {shape}")
    for entry in (array.min(initial=0), array.max(initial=0)):
        if array.size and not 0 <= entry < size:
            raise ValueError(f"{name} has an entry {entry}, not one below {size}")
'''

ROOT = '''
def _root(equation, start):
    """Return where an equation holds, by Newton's iterations from several starts."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        found = _newton(equation, start)
        if found is not None:
            return found
        start = rng.normal(size=start.shape).astype(start.dtype)
    raise ArithmeticError("no root was found")
'''

NEWTON = '''
def _newton(equation, found):
    """Return where Newton's iterations end, None if they do not."""
    precise = np.finfo(found.dtype).eps ** 0.5
    last = False
    for _ in range(60):
        residual, slope = equation(found)
        if slope.ndim > residual.ndim:
            first = 2 * residual.ndim - slope.ndim
            systems, order = residual.shape[:first], math.prod(residual.shape[first:])
            matrix = slope.reshape((*systems, order, order))
            step = np.linalg.solve(matrix, residual.reshape((*systems, order, 1)))
            step = step.reshape(residual.shape)
        else:
            step = residual / slope
        found = found - step
        # One more step once it is small, which squares the error.
        if last:
            return found
        largest = np.abs(found).max(initial=1.0)
        last = np.abs(step).max(initial=0.0) <= precise * largest
    return None
'''

SIGMOID = '''
def _sigmoid(x):
    """Return 1 / (1 + exp(-x)); nothing overflows."""
    small = np.exp(np.where(x < 0, x, -x))
    return np.where(x < 0, small, 1) / (1 + small)
'''

SOFTPLUS = '''
def _softplus(x):
    """Return log(1 + exp(x)); nothing overflows."""
    return np.where(x > 0, x, 0) + np.log1p(np.exp(np.where(x < 0, x, -x)))
'''

NUMBER = '''
def _number(value, *like):
    """Return a number of Python's with the type of an array, anything else as it is."""
    if not isinstance(value, int | float):
        return value
    return np.asarray(value, *(np.asarray(array).dtype for array in like))
'''

HELPERS = {"_check": CHECK, "_check_labels": CHECK_LABELS, "_newton": NEWTON, "_root": ROOT}
HELPERS |= {"_number": NUMBER, "_sigmoid": SIGMOID, "_softplus": SOFTPLUS}
HELPERS |= {"_in_single": IN_SINGLE["np"], **NUMPY_WINDOWS, **leading_texts("np")}
"""The text of each helper, by its name."""


def helpers(text: str, texts: Mapping[str, str]) -> list[str]:
    """The helpers that a text calls, and those that they call."""
    wanted: set[str] = set()
    while called := {name for name in texts if name not in wanted and _calls(text, name)}:
        wanted |= called
        text += "".join(texts[name] for name in called)
    return [helper for name, helper in texts.items() if name in wanted]


def _calls(text: str, name: str) -> bool:
    return re.search(rf"(?<!def )\b{name}\(|@{name}\b", text) is not None
