"""Arithmetic modulo a prime on arrays of many entries at once.

The primes make chains: each is twice the next one plus one. So the squares other than zero modulo
one prime are a group whose order is the next prime; exponents live modulo the next prime, and
e^u is a power of a generator of the squares: e^{u + v} = e^u e^v holds, and so do all rational
powers of a square. Every prime is 3 modulo 4, so that −1 is no square: of u and −u one is. Being a
square does for being positive: products and quotients of squares are squares, and so are powers of
e and the prime numbers 2, 3, 5 and 7.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CHAINS",
    "Array",
    "drawn",
    "eliminated",
    "exponential",
    "inverse",
    "power",
    "powers",
    "scrambled",
    "signs",
]

Array = NDArray[Any]

CHAINS = (
    (2147046719, 1073523359, 536761679, 268380839),
    (2146220159, 1073110079, 536555039, 268277519),
    (2145561599, 1072780799, 536390399, 268195199),
)
"""Below 2^31, so that a product fits an integer of 64 bits. There are several chains, so that a
number that one of its primes divides, and is zero there, is not zero everywhere."""

# The square 4 generates all squares, whose number is a prime.
GENERATOR = 4
# Exponents are taken in digits of so many bits.
DIGIT = 8


def power(base: Array, exponent: int, prime: int) -> Array:
    """The base to a whole exponent, at least zero."""
    found: Any = None
    while exponent:
        if exponent & 1:
            found = base if found is None else found * base % prime
        exponent >>= 1
        if exponent:
            base = base * base % prime
    return np.ones_like(base) if found is None else found


def powers(base: Array, exponent: Array, prime: int) -> Array:
    """The base to exponents that are an array of numbers, at least zero."""
    found = np.ones(np.broadcast_shapes(base.shape, exponent.shape), np.int64)
    for bit in range(int(exponent.max(initial=0)).bit_length()):
        found = np.where(exponent >> bit & 1, found * base % prime, found)
        base = base * base % prime
    return found


def inverse(values: Array, prime: int) -> Array:
    """One over each value; zero for zero."""
    return power(values, prime - 2, prime)


def signs(values: Array, prime: int) -> Array:
    """1 for squares, −1 for other numbers, 0 for zero."""
    found = power(values, (prime - 1) // 2, prime)
    return np.where(found == prime - 1, -1, found)


@cache
def _digits(prime: int) -> Array:
    """The generator to all exponents of one digit, for each place of the digit."""
    rows = []
    base = GENERATOR
    for _ in range(-(-31 // DIGIT)):
        row = [1]
        for _ in range((1 << DIGIT) - 1):
            row.append(row[-1] * base % prime)
        rows.append(row)
        base = row[-1] * base % prime
    return np.array(rows)


def exponential(exponent: Array, prime: int) -> Array:
    """The generator of the squares to exponents."""
    found: Any = 1
    for row in _digits(prime):
        found = found * row[exponent & (1 << DIGIT) - 1] % prime
        exponent = exponent >> DIGIT
    return np.asarray(found)


def scrambled(values: Array, key: int, prime: int) -> Array:
    """A number for each value that looks random and is the same for the same value and key."""
    mixed = values.astype(np.uint64) + np.uint64((2 * key + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) % np.uint64(prime)).astype(np.int64)


def drawn(key: tuple[int, ...], shape: tuple[int, ...], prime: int) -> Array:
    """Random numbers other than zero."""
    return np.random.default_rng(key).integers(1, prime, shape)


def eliminated(matrices: Array, right: Array, prime: int) -> tuple[Array, Array]:
    """The determinants of matrices, and the solutions for columns on the right.

    Gauss and Jordan's elimination on a stack of matrices. The solution of a singular system is
    meaningless.
    """
    count, size = matrices.shape[:2]
    rows, every = np.concatenate([matrices, right], axis=2), np.arange(count)
    determinant = np.ones(count, np.int64)
    for column in range(size):
        pivot = column + np.argmax(rows[:, column:, column] != 0, axis=1)
        turned = np.where(pivot == column, 1, prime - 1)
        chosen = rows[every, pivot].copy()
        rows[every, pivot] = rows[:, column]
        head = chosen[:, column]
        determinant = determinant * head % prime * turned % prime
        chosen = chosen * inverse(head, prime)[:, None] % prime
        rows = (rows - rows[:, :, column, None] * chosen[:, None]) % prime
        rows[:, column] = chosen
    return determinant, rows[:, :, size:]
