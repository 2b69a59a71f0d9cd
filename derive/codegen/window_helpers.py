"""Functions for windows that generated modules carry where they call them."""

from __future__ import annotations

__all__ = ["JAX_WINDOWS", "NUMPY_WINDOWS", "TORCH_WINDOWS"]

_REACH = '''
def _reach(length, start, steps):
    """Return how many of the places that steps reach lie before an axis, and behind."""
    ends = [step * max(size - 1, 0) for step, size in steps]
    low = start + sum(min(end, 0) for end in ends)
    high = start + sum(max(end, 0) for end in ends) + 1
    return max(-low, 0), max(high - length, 0)
'''

_WINDOWS = '''
def _windows(x, *slots):
    """Return x with axes in place of some: entries at equal steps, zero outside.

    A slot is (axis, start, (step, size), ...), with a step and a size for each axis
    that comes in the place of that one. The result shares the memory of x if it can.
    """
    shape, strides = [(n,) for n in x.shape], [(s,) for s in x.strides]
    inner, firsts, sizes = list(map(slice, x.shape)), [slice(None)] * x.ndim, [*x.shape]
    for axis, start, *steps in slots:
        before, behind = _reach(x.shape[axis], start, steps)
        inner[axis] = slice(before, before + x.shape[axis])
        firsts[axis] = slice(start + before, None)
        sizes[axis] += before + behind
    if sizes != [*x.shape]:
        padded = np.zeros(sizes, x.dtype)
        padded[tuple(inner)] = x
        x = padded
        strides = [(s,) for s in x.strides]
    for axis, _, *steps in slots:
        shape[axis] = [size for _, size in steps]
        strides[axis] = [step * x.strides[axis] for step, _ in steps]
    return np.lib.stride_tricks.as_strided(
        x[tuple(firsts)], sum(map(tuple, shape), ()), sum(map(tuple, strides), ())
    )
'''

_ADD = '''
def _add_windows(values, shape, *slots):
    """Return zeros of a shape with values added to its windows, see `_windows`."""
    sizes, inner = [*shape], list(map(slice, shape))
    shifted = []
    for axis, start, *steps in slots:
        before, behind = _reach(shape[axis], start, steps)
        inner[axis] = slice(before, before + shape[axis])
        sizes[axis] += before + behind
        shifted.append((axis, start + before, *steps))
    whole = np.zeros(sizes, values.dtype)
    windows = _windows(whole, *shifted)
    # Along all axes but those of `_apart` entries meet.
    loops = [range(n) for n in values.shape]
    place = 0
    for axis in range(len(shape)):
        steps = next((steps for a, _, *steps in slots if a == axis), [(1, shape[axis])])
        for k in _apart(steps):
            loops[place + k] = [slice(None)]
        place += len(steps)
    for at in itertools.product(*loops):
        windows[at] += values[at]
    return whole[tuple(inner)]
'''

_APART = '''
def _apart(steps):
    """Return some steps whose multiples are all different, with as many as possible."""
    best, most = (), 0
    order = sorted(range(len(steps)), key=lambda k: abs(steps[k][0]))
    chosen = itertools.product((True, False), repeat=len(steps))
    for kept in ([k for k, keep in zip(order, each) if keep] for each in chosen):
        reach, fits = 0, True
        for k in kept:
            step, size = steps[k]
            fits &= abs(step) > reach
            reach += abs(step) * (size - 1)
        count = math.prod(steps[k][1] for k in kept)
        if fits and count > most:
            best, most = kept, count
    return best
'''

_CONTRACT = '''
def _contract(formula, a, b):
    """Return np.einsum(formula, a, b), a part of the large b at a time."""
    left, right, out = formula.replace("->", ",").split(",")
    size = {**dict(zip(left, a.shape)), **dict(zip(right, b.shape))}
    over = [c for c in right if c not in out]
    rows = [c for c in left if c in out]
    columns = [c for c in right if c in out]
    result = np.zeros([size[c] for c in rows + columns], np.result_type(a, b))
    first, total = right[0], math.prod(b.shape)
    if not (a.size and total):
        return result.transpose([(rows + columns).index(c) for c in out])
    # As many entries as stay in the processor's cache.
    count = max(1, 2**18 * size[first] // total)
    for start in range(0, size[first], count):
        part = slice(start, start + count)
        size[first] = min(count, b.shape[0] - start)
        at = [part if c == first else slice(None) for c in left]
        one = a[tuple(at)].transpose([left.index(c) for c in rows + over])
        one = one.reshape(math.prod(size[c] for c in rows), -1)
        # The longer last axis is copied faster.
        turned = size[over[-1]] > size[columns[-1]]
        heads, tails = (columns, over) if turned else (over, columns)
        other = b[part].transpose([right.index(c) for c in heads + tails])
        other = other.reshape(math.prod(size[c] for c in heads), -1)
        product = one @ (other.T if turned else other)
        at = tuple(part if c == first else slice(None) for c in rows + columns)
        result[at] += product.reshape([size[c] for c in rows + columns])
    return result.transpose([(rows + columns).index(c) for c in out])
'''

_FOLD = '''
def _fold(function, x, axes):
    """Return function.reduce(x, axes), by whole arrays where the axes are short."""
    x = np.moveaxis(x, axes, range(len(axes)))
    short, rest = x.shape[: len(axes)], x.shape[len(axes) :]
    if not 0 < math.prod(short) <= 64 or math.prod(rest) < 1024:
        return function.reduce(x, tuple(range(len(axes))))
    first, *others = np.ndindex(short)
    if not others:
        return x[first].copy()
    result = function(x[first], x[others[0]])
    for at in others[1:]:
        function(result, x[at], out=result)
    return result
'''

_FOLD_PLACES = '''
def _fold_places(better, x, axis):
    """Return where along an axis the entry is that is better than all others."""
    x = np.moveaxis(x, axis, 0)
    best, places = x[0].copy(), np.zeros(x.shape[1:], int)
    for place, entries in enumerate(x[1:], 1):
        # What is no number counts as the best.
        found = (better(entries, best) | (entries != entries)) & (best == best)
        np.copyto(best, entries, where=found)
        np.copyto(places, place, where=found)
    return places
'''

_ADD_AT = '''
def _add_at(array, places, values):
    """Add values to the rows at places, in which several may meet."""
    if not array.flags.c_contiguous:
        np.add.at(array, places, values)
        return
    rows = 0
    for place, size in zip(places, array.shape):
        rows = rows * size + np.asarray(place)
    inner = array.shape[len(places) :]
    table = array.reshape(math.prod(array.shape[: len(places)]), *inner)
    values = np.broadcast_to(values, (*rows.shape, *inner)).reshape(rows.size, *inner)
    rows = rows.ravel()
    if not inner or not rows.size:
        np.add.at(table, rows, values)
        return
    if math.prod(inner) >= 256:
        for row, value in zip(rows.tolist(), values):
            table[row] += value
        return
    # Rows that are the same are summed side by side.
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    table[rows[starts]] += np.add.reduceat(values[order], starts, axis=0)
'''

_CHOSEN = '''
def _chosen(values, places, axis, size):
    """Return values with one more axis, on which they lie at the given places."""
    result = np.zeros((size, *values.shape), values.dtype)
    for place, part in enumerate(result):
        np.copyto(part, values, where=places == place)
    return np.moveaxis(result, 0, axis)
'''

NUMPY_WINDOWS = {
    "_chosen": _CHOSEN,
    "_fold": _FOLD,
    "_fold_places": _FOLD_PLACES,
    "_add_at": _ADD_AT,
    "_contract": _CONTRACT,
    "_add_windows": _ADD,
    "_apart": _APART,
    "_windows": _WINDOWS,
    "_reach": _REACH,
}
"""The text of each helper, by its name."""

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
