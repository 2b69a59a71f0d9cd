"""Functions of which nothing is known but the name: `f(x_i)`, and its derivatives `f'(x_i)`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sympy import Function

__all__ = ["Opaque", "opaque"]


class Opaque(Function):
    """A smooth function of one real variable; its values are real.

    `symbol` is its letter, `order` how often it is differentiated.
    """

    is_real = True
    nargs = 1
    symbol: str
    order: int


@lru_cache(maxsize=256)
def opaque(name: str) -> Any:
    """The function of a name, with a prime for each derivative: the same one every time.

    >>> from derive.expressions import tensor
    >>> opaque("f'")(tensor("x"))
    f'(x)
    """
    symbol = name.rstrip("'")
    body = {"symbol": symbol, "order": len(name) - len(symbol), "__module__": __name__}
    kind: Any = type(Opaque)
    return kind(name, (Opaque,), body)
