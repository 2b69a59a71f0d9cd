"""Functions for windows that generated modules carry where they call them, for PyTorch and JAX."""

from __future__ import annotations

__all__ = ["JAX_WINDOWS", "TORCH_WINDOWS"]

_TORCH_WINDOWS = '''
def _windows(x, *slots):
    """Return x with axes in place of some: entries at equal steps, zero outside.

    A slot is (axis, start, (step, size), ...), with a step and a size for each axis
    that comes in the place of that one. The result shares the memory of x if it can.
    """
    # PyTorch takes what lies beyond the ends from the last axis on.
    beyond = [0] * (2 * x.ndim)
    for axis, start, *steps in slots:
        low, high = _ends(start, steps)
        beyond[-2 * axis - 2] = max(-low, 0)
        beyond[-2 * axis - 1] = max(high - x.shape[axis], 0)
    if any(beyond):
        x = torch.nn.functional.pad(x, beyond)
    for axis, start, *steps in slots:
        low, high = _ends(start, steps)
        x = x.narrow(axis, max(low, 0), high - low)
    for axis, _, *steps in sorted(slots, key=lambda slot: -slot[0]):
        x = _unfolded(x, axis, steps)
    return x
'''

_TORCH_UNFOLDED = '''
def _unfolded(x, axis, steps):
    """Return x with axes in place of one, which steps reach the ends of."""
    if not steps:
        return x.select(axis, 0)
    (step, size), *others = steps
    if others:
        low, high = _ends(0, others)
        x = x.unfold(axis, high - low, abs(step)).movedim(-1, axis + 1)
        x = _unfolded(x, axis + 1, others)
    elif abs(step) > 1:
        x = x[(slice(None),) * axis + (slice(None, None, abs(step)),)]
    x = x.flip(axis) if step < 0 else x
    return x if x.shape[axis] == size else x.narrow(axis, 0, size)
'''

_ENDS = '''
def _ends(start, steps):
    """Return the first place that steps reach, and the one behind the last."""
    ends = [step * max(size - 1, 0) for step, size in steps]
    low = start + sum(min(end, 0) for end in ends)
    return low, start + sum(max(end, 0) for end in ends) + 1
'''

_TORCH_ADD = '''
def _add_windows(values, shape, *slots):
    """Return zeros of a shape with values added to its windows, see `_windows`."""
    whole = values.new_zeros(shape)
    for part, places in _parts(values, shape, slots):
        into, of = [], []
        for length, (low, step, size) in zip(shape, places):
            if step < 0:
                part = part.flip(len(of))
                low, step = low + step * (size - 1), -step
            first = max(-(low // step), 0)
            last = max(min(size, (length - 1 - low) // step + 1), first)
            start = low + step * first
            into.append(slice(start, max(start + step * (last - first), 0), step))
            of.append(slice(first, last))
        whole[tuple(into)] += part[tuple(of)]
    return whole
'''

_PARTS = '''
def _parts(values, shape, slots):
    """Yield parts of values, each with where it starts, a step and a size for each axis.

    Of the axes that stand in the place of one the longest stays, so that the entries of
    a part do not meet.
    """
    steps = {axis: (0, [(1, size)]) for axis, size in enumerate(shape)}
    steps |= {axis: (start, list(own)) for axis, start, *own in slots}
    loops = []
    for _, own in (steps[axis] for axis in range(len(shape))):
        longest = max(range(len(own)), key=lambda k: own[k][1], default=None)
        loops += [[None] if k == longest else range(own[k][1]) for k in range(len(own))]
    for at in itertools.product(*loops):
        places, index, rest = [], [], list(at)
        for start, own in (steps[axis] for axis in range(len(shape))):
            kept = (1, 1)
            for k, pair in zip(rest, own):
                index.append(slice(None) if k is None else k)
                start += 0 if k is None else k * pair[0]
                kept = pair if k is None else kept
            index += [] if own else [None]
            places.append((start, *kept))
            rest = rest[len(own) :]
        yield values[tuple(index)], places
'''

TORCH_WINDOWS = {
    "_windows": _TORCH_WINDOWS,
    "_unfolded": _TORCH_UNFOLDED,
    "_add_windows": _TORCH_ADD,
    "_parts": _PARTS,
    "_ends": _ENDS,
}

_JAX_WINDOWS = '''
def _windows(x, *slots):
    """Return x with axes in place of some: entries at equal steps, zero outside.

    A slot is (axis, start, (step, size), ...), with a step and a size for each axis
    that comes in the place of that one.
    """
    beyond = [(0, 0, 0)] * x.ndim
    for axis, start, *steps in slots:
        low, high = _ends(start, steps)
        beyond[axis] = (-low, high - x.shape[axis], 0)
    x = jax.lax.pad(x, jnp.zeros((), x.dtype), beyond)
    for axis, _, *steps in sorted(slots, key=lambda slot: -slot[0]):
        x = _unfolded(x, axis, steps)
    return x
'''

_JAX_UNFOLDED = '''
def _unfolded(x, axis, steps):
    """Return x with axes in place of one, which steps reach the ends of."""
    turned = [axis + k for k, (step, _) in enumerate(steps) if step < 0]
    steps = [(abs(step), size) for step, size in steps]
    few = min(range(len(steps)), key=lambda k: steps[k][1], default=0)
    if not steps:
        return x.take(0, axis)
    if any(not size for _, size in steps):
        sizes = [size for _, size in steps]
        return jnp.zeros((*x.shape[:axis], *sizes, *x.shape[axis + 1 :]), x.dtype)
    if len(steps) == 1:
        x = jax.lax.slice_in_dim(x, 0, x.shape[axis], steps[0][0], axis)
    elif steps[0][0] >= _ends(0, steps[1:])[1]:
        # Windows that do not meet.
        step, size = steps[0]
        beyond = [(0, 0, 0)] * x.ndim
        beyond[axis] = (0, step * size - x.shape[axis], 0)
        x = jax.lax.pad(x, jnp.zeros((), x.dtype), beyond)
        x = x.reshape(*x.shape[:axis], size, step, *x.shape[axis + 1 :])
        x = jax.lax.slice_in_dim(x, 0, _ends(0, steps[1:])[1], axis=axis + 1)
        x = _unfolded(x, axis + 1, steps[1:])
    elif steps[few][1] <= 64:
        (step, size), others = steps[few], steps[:few] + steps[few + 1 :]
        reach = _ends(0, others)[1]
        starts = range(0, step * size, step)
        parts = [jax.lax.slice_in_dim(x, k, k + reach, axis=axis) for k in starts]
        x = jnp.stack([_unfolded(part, axis, others) for part in parts], axis + few)
    else:
        places = 0
        for step, size in steps:
            places = jnp.expand_dims(places, -1) + step * jnp.arange(size)
        x = x.take(places, axis)
    return jnp.flip(x, turned) if turned else x
'''

_JAX_ADD = '''
def _add_windows(values, shape, *slots):
    """Return zeros of a shape with values added to its windows, see `_windows`."""
    whole = jnp.zeros(shape, values.dtype)
    if not values.size:
        return whole
    for part, places in _parts(values, shape, slots):
        beyond = []
        for axis, (length, (low, step, size)) in enumerate(zip(shape, places)):
            if step < 0:
                part = jnp.flip(part, axis)
                low, step = low + step * (size - 1), -step
            beyond.append((low, length - low - step * (size - 1) - 1, step - 1))
        whole += jax.lax.pad(part, jnp.zeros((), part.dtype), beyond)
    return whole
'''

JAX_WINDOWS = {
    "_windows": _JAX_WINDOWS,
    "_unfolded": _JAX_UNFOLDED,
    "_add_windows": _JAX_ADD,
    "_parts": _PARTS,
    "_ends": _ENDS,
}
