"""Functions that modules for PyTorch and JAX carry where they call them."""

from __future__ import annotations

from derive.codegen.half import IN_SINGLE
from derive.codegen.helpers import SHAPES
from derive.codegen.leading import leading_texts
from derive.codegen.window_helpers import JAX_WINDOWS, TORCH_WINDOWS

__all__ = ["JAX_HELPERS", "TORCH_HELPERS"]

_NEWTON = """
    def newton(found):
        residual, slope = equation(found)
        if slope.ndim > residual.ndim:
            first = 2 * residual.ndim - slope.ndim
            systems, order = residual.shape[:first], math.prod(residual.shape[first:])
            matrix = slope.reshape((*systems, order, order))
            step = {module}.linalg.solve(matrix, residual.reshape((*systems, order, 1)))
            return found - step.reshape(residual.shape)
        return found - residual / slope
""".lstrip("\n")

_TORCH_CHECK = (
    '''
def _check(*arrays):
    """Raise where tensors, given as (name, tensor, sizes), do not fit together."""
    known, kinds = {}, {}
    for name, array, sizes in arrays:
        if not isinstance(array, torch.Tensor):
            raise TypeError(f"{name} is a {type(array).__name__}, not a tensor")
        if array.ndim != len(sizes):
            axes = "axis" if array.ndim == 1 else "axes"
            raise ValueError(f"{name} has {array.ndim} {axes}, not {len(sizes)}")
        if not array.is_floating_point():
            raise TypeError(f"{name} is {array.dtype}, not floating-point numbers")
        if sizes:
            other, first = kinds.setdefault("numbers", (name, array.dtype))
            if array.dtype != first:
                raise TypeError(f"{name} is {array.dtype}, {other} is {first}")
'''.rstrip()
    + SHAPES.format(shape="array.shape")
)

_TORCH_LABELS = '''
def _check_labels(name, array, shape, size):
    """Raise where labels are not whole numbers, or have another shape.

    That they are below the size is checked where that needs no wait for a device.
    """
    array = torch.as_tensor(array)
    if array.is_floating_point() or array.is_complex() or array.dtype == torch.bool:
        raise TypeError(f"{name} is {array.dtype}, not whole numbers")
    if array.dtype == torch.uint8:
        raise TypeError(f"{name} is uint8, which as an index is a mask: give int64")
    if array.shape != shape:
        found, wanted = tuple(array.shape), tuple(shape)
        raise ValueError(f"{name} has the shape {found}, not {wanted}")
    mapped = torch._C._functorch.is_batchedtensor(array)
    if mapped or torch.compiler.is_compiling():
        return
    if array.device.type != "cpu" or not array.numel():
        return
    for entry in map(int, array.aminmax()):
        if not 0 <= entry < size:
            raise ValueError(f"{name} has an entry {entry}, not one below {size}")
'''

_TORCH_NUMBER = '''
def _number(value, *like):
    """Return a number of Python's as a tensor like another, if there is one."""
    if isinstance(value, torch.Tensor):
        return value
    if not like or not isinstance(like[0], torch.Tensor):
        return torch.as_tensor(value, dtype=torch.get_default_dtype())
    return like[0].new_tensor(value)
'''

_TORCH_REUSED = '''
def _reused(array):
    """Return where the array lies, to put a result there.

    None where autograd, a transform or a compiler follows what is done.
    """
    if torch.is_grad_enabled() or torch.compiler.is_compiling():
        return None
    followed = torch._C._are_functorch_transforms_active()
    return array.detach() if type(array) is torch.Tensor and not followed else None
'''

_TORCH_RUNS_ONCE = '''
def _runs_once():
    """Whether autograd lets go of what was saved once this backward pass is done."""
    if torch.compiler.is_compiling():
        return False
    keeps = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)
    return keeps is not None and not keeps()
'''

_TORCH_ROOT = '''
def _root(equation, start):
    """Return where an equation holds, by Newton's iterations from several starts."""

{newton}
    with torch.no_grad():
        found = _newton(newton, start)
    # Each step from the root on gives autograd one more derivative of it.
    return newton(newton(found))
'''.format(newton=_NEWTON.format(module="torch"))

_TORCH_NEWTON = '''
def _newton(step, start):
    """Return where steps end, which are taken from several starts."""
    precise = torch.finfo(start.dtype).eps ** 0.5
    rng = np.random.default_rng(0)
    for _ in range(40):
        found = start
        for _ in range(60):
            before, found = found, step(found)
            moved, size = (found - before).abs(), found.abs().clamp(min=1)
            if bool((moved <= precise * size).all()):
                return found
        start = start.new_tensor(rng.normal(size=start.shape))
    raise ArithmeticError("no root was found")
'''

_JAX_CHECK = (
    '''
def _check(*arrays):
    """Raise where arrays, given as (name, array, sizes), do not fit together."""
    known, kinds = {}, {}
    for name, array, sizes in arrays:
        shape, dtype = jnp.shape(array), jnp.result_type(array)
        if len(shape) != len(sizes):
            axes = "axis" if len(shape) == 1 else "axes"
            raise ValueError(f"{name} has {len(shape)} {axes}, not {len(sizes)}")
        if not jnp.issubdtype(dtype, jnp.floating):
            raise TypeError(f"{name} is {dtype}, not floating-point numbers")
        if shape:
            other, first = kinds.setdefault("numbers", (name, dtype))
            if dtype != first:
                raise TypeError(f"{name} is {dtype}, {other} is {first}")
'''.rstrip()
    + SHAPES.format(shape="shape")
)

_JAX_LABELS = '''
def _check_labels(name, array, shape, size):
    """Raise where labels are not whole numbers, or have another shape.

    That they are below the size is checked outside of transformations.
    """
    if not jnp.issubdtype(jnp.result_type(array), jnp.integer):
        raise TypeError(f"{name} is {jnp.result_type(array)}, not whole numbers")
    if jnp.shape(array) != shape:
        raise ValueError(f"{name} has the shape {jnp.shape(array)}, not {shape}")
    if isinstance(array, jax.core.Tracer) or not np.size(array):
        return
    # With NumPy: what JAX computes in a transformation is not known yet.
    array = np.asarray(array)
    for entry in (array.min(), array.max()):
        if not 0 <= entry < size:
            raise ValueError(f"{name} has an entry {entry}, not one below {size}")
'''

_JAX_ROOT = '''
def _root(equation, start):
    """Return where an equation holds, by Newton's iterations from several starts.

    Where none of them ends the entries are not numbers.
    """

{newton}
    def moves(state):
        count, _, before, found = state
        small = jnp.finfo(found.dtype).eps ** 0.5 * jnp.maximum(jnp.abs(found), 1)
        return (count < 40 * 60) & ~jnp.all(jnp.abs(found - before) <= small)

    def again(state):
        count, key, _, found = state
        key, other = jax.random.split(key)
        fresh = jax.random.normal(other, found.shape, found.dtype)
        before = jnp.where((count % 60 == 0) & (count > 0), fresh, found)
        return count + 1, key, before, newton(before)

    state = (0, jax.random.key(0), jnp.full_like(start, jnp.inf), start)
    state = jax.lax.while_loop(moves, again, state)
    found = jnp.where(moves((0, *state[1:])), jnp.nan, jax.lax.stop_gradient(state[3]))
    # Each step from the root on gives one more derivative of it.
    return newton(newton(found))
'''.format(newton=_NEWTON.format(module="jnp"))

_JAX_DENSE = '''
def _dense(upstream):
    """Return zeros as an array, where JAX has only said that they are zeros."""
    if isinstance(upstream, jax.custom_derivatives.SymbolicZero):
        return jnp.zeros(upstream.shape, upstream.dtype)
    return upstream
'''

TORCH_HELPERS = {
    "_check": _TORCH_CHECK,
    "_check_labels": _TORCH_LABELS,
    "_newton": _TORCH_NEWTON,
    "_number": _TORCH_NUMBER,
    "_reused": _TORCH_REUSED,
    "_root": _TORCH_ROOT,
    "_runs_once": _TORCH_RUNS_ONCE,
    "_in_single": IN_SINGLE["torch"],
    **TORCH_WINDOWS,
    **leading_texts("torch"),
}
JAX_HELPERS = {
    "_check": _JAX_CHECK,
    "_check_labels": _JAX_LABELS,
    "_dense": _JAX_DENSE,
    "_root": _JAX_ROOT,
    "_in_single": IN_SINGLE["jnp"],
    **JAX_WINDOWS,
    **leading_texts("jnp"),
}
"""The text of each helper, by its name."""
