"""Functions for windows that generated modules carry where they call them, for NumPy."""

from __future__ import annotations

__all__ = ["NUMPY_WINDOWS"]

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
def _fold_places(function, x, axis):
    """Return where along an axis the entry is that np.maximum or np.minimum finds."""
    x = np.moveaxis(x, axis, 0)
    if not 0 < len(x) <= 64:
        return x.argmax(0) if function is np.maximum else x.argmin(0)
    best, places = x[0], np.zeros(x.shape[1:], int)
    for place, entries in enumerate(x[1:], 1):
        better = function(best, entries)
        # What is no number counts as the best, the first of several.
        found = (better != best) & (best == best)
        places = np.maximum(places, np.multiply(found, place, dtype=int))
        best = better
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
    # The result lies in memory as the values do.
    order = sorted(range(values.ndim), key=lambda k: -abs(values.strides[k]))
    values, places = values.transpose(order), places.transpose(order)
    result = np.zeros((size, *values.shape), values.dtype)
    for place in range(size):
        np.copyto(result[place, ...], values, where=places == place)
    back = [1 + order.index(k) for k in range(len(order))]
    return result.transpose([*back[:axis], 0, *back[axis:]])
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
