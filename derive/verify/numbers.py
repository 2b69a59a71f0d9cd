"""Numbers as a reader writes them: fractions where they are known to be some, else decimals."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

__all__ = ["Number", "as_data", "as_words", "rational", "tuples", "written", "written_apart"]

Number = Fraction | float

# Double precision knows a number of the order 1 to some 1e-15. That a number which is no such
# fraction comes this close to one of them has a probability of 1e-8.
LARGEST_DENOMINATOR, CLOSE = 128, 1e-12
# Differences of derivatives are known to some 1e-10.
LARGEST_ROUGHLY, ROUGHLY_CLOSE = 16, 1e-8
DECIMALS = 4
MOST_DECIMALS = 15


def rational(value: float, *, is_rough: bool = False) -> Fraction | None:
    """The simple fraction that a number is, None if it is not surely one."""
    largest = LARGEST_ROUGHLY if is_rough else LARGEST_DENOMINATOR
    close = ROUGHLY_CLOSE if is_rough else CLOSE
    found = Fraction(value).limit_denominator(largest)
    return found if abs(value - float(found)) <= close * max(1.0, abs(value)) else None


def written(number: Number, decimals: int = DECIMALS) -> str:
    """A number in a sentence: `−3/4`, `0.3679`."""
    if isinstance(number, Fraction):
        return str(number).replace("-", "−")
    far = abs(number) >= 1e6 or 0 < abs(number) < 10.0**-decimals
    text = f"{number:.{decimals}{'g' if far else 'f'}}"
    return (text if far else text.rstrip("0").rstrip(".")).replace("-", "−")


def written_apart(one: Number, other: Number) -> tuple[str, str]:
    """Two different numbers with so many decimals that they can be told apart."""
    for decimals in range(DECIMALS, MOST_DECIMALS):
        texts = written(one, decimals), written(other, decimals)
        if texts[0] != texts[1]:
            break
    return texts


def as_words(value: Any) -> str:
    """A number, rows of numbers in brackets, or words, in a sentence."""
    if isinstance(value, tuple):
        return f"({', '.join(map(as_words, value))})"
    return written(value) if isinstance(value, Fraction | float) else str(value)


def as_data(value: Any) -> Any:
    """Numbers as plain data: lists of rows; a fraction that is no whole number as text."""
    if isinstance(value, tuple):
        return [as_data(row) for row in value]
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else str(value)
    return value


def tuples(numbers: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Entries in the order of their places as tuples of rows, one alone if it has no axis."""
    if not shape:
        return numbers[0]
    rows, length = shape[0], len(numbers) // max(shape[0], 1)
    return tuple(
        tuples(numbers[row * length : (row + 1) * length], shape[1:]) for row in range(rows)
    )
