"""What generated modules of loop nests carry: how they are compiled, and functions of numbers."""

from __future__ import annotations

__all__ = ["DECORATORS", "NUMBA_HELPERS"]

DECORATORS = """\
# Sums are made in double precision, in any order (reassoc), and a product and a sum may
# be rounded once (contract). Infinities and what is no number keep their meaning.
_serial = njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
_parallel = njit(
    parallel=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"}
)
"""

_PARTS = '''
# So many entries take one thread about as long as it takes to start another.
_GRAIN = 1 << 16


def _parts(rows, entries):
    """Return in how many parts rows are computed at the same time."""
    return max(1, min(get_num_threads(), rows, entries // _GRAIN))
'''

_POWER = '''
@njit(cache=True, error_model="numpy")
def _power(n):
    """Return 2**n for a whole number, of its bits."""
    bits = np.float64(n + 6755399441055744.0).view(np.int64)
    return np.int64((bits + 1023) << 52).view(np.float64)
'''

# The functions of `math` are called for one number, and a loop with a call is not vectorised.
_EXP = '''
@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _exp(x):
    """Return exp(x) to one unit in the last place, in steps that are vectorised."""
    x = np.float64(x)
    x = -750.0 if x < -750.0 else x
    x = 750.0 if x > 750.0 else x
    # x = n log(2) + r, where adding 1.5 2**52 makes a whole number.
    n = x * 1.4426950408889634 + 6755399441055744.0 - 6755399441055744.0
    r = x - n * 6.93147180369123816490e-01 - n * 1.90821492927058770002e-10
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 1 / 2
    p = p * (r * r) + r + 1
    half = n * 0.5 + 6755399441055744.0 - 6755399441055744.0
    return p * _power(half) * _power(n - half)
'''

NUMBA_HELPERS = {
    "_parts": _PARTS,
    "_power": _POWER,
    "_exp": _EXP,
    "_sigmoid": """
@_serial
def _sigmoid(x):
    e = _exp(-abs(x))
    return (1 if x >= 0 else e) / (1 + e)
""",
    "_softplus": """
@_serial
def _softplus(x):
    return (x if x > 0 else 0 * x) + math.log1p(_exp(-abs(x)))
""",
    "_relu": """
@_serial
def _relu(x):
    return 0 * x if x < 0 else x
""",
    "_leaky_relu": """
@_serial
def _leaky_relu(x, slope):
    return x if x > 0 else slope * x
""",
    "_larger": """
@_serial
def _larger(x, y):
    return x if x >= y or x != x else y
""",
    "_smaller": """
@_serial
def _smaller(x, y):
    return x if x <= y or x != x else y
""",
    "_clip": """
@_serial
def _clip(x, low, high):
    return min(max(x, low), high)
""",
}
"""The text of each helper, by its name."""
