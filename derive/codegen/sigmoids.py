"""Products and sums with sigmoids, which are quotients of exponentials.

e^u sigmoid(−u) = sigmoid(u), 1 − sigmoid(u) = sigmoid(−u), and their difference is tanh(u/2).
"""

from __future__ import annotations

from sympy import Add, Expr, Mul, S, tanh

from derive.expressions.kinked import sigmoid

__all__ = ["has_sigmoid", "hyperbolic", "joined", "remainder"]


def has_sigmoid(factor: Expr) -> bool:
    """Whether one of the factors is a sigmoid, or a power of one."""
    return any(isinstance(f.as_base_exp()[0], sigmoid) for f in Mul.make_args(factor))


def hyperbolic(total: Expr) -> Expr | None:
    """sigmoid(u) − sigmoid(−u) and 2 sigmoid(u) − 1, which are tanh(u/2)."""
    terms = Add.make_args(total)
    if len(terms) != 2:
        return None
    for first, second in (terms, terms[::-1]):
        found = [f for f in Mul.make_args(first) if isinstance(f, sigmoid)]
        if len(found) == 1:
            (u,) = found[0].args
            rest = first / found[0]
            if second == -rest * sigmoid(-u):
                return rest * tanh(u / 2)
            if second == -rest / 2:
                return rest / 2 * tanh(u / 2)
    return None


def remainder(whole: Expr, share: Expr) -> Expr | None:
    """c sigmoid(−u), where a whole is c and its share −c sigmoid(u)."""
    for factor in Mul.make_args(share):
        if isinstance(factor, sigmoid) and _cancel(share / factor, whole):
            return whole * sigmoid(-factor.args[0])
    return None


def _cancel(one: Expr, other: Expr) -> bool:
    """Whether two factors are opposite to each other."""
    return one.free_symbols == other.free_symbols and (one + other).expand() == 0


def joined(product: Expr, exponent: Expr) -> tuple[Expr, Expr]:
    """A product with e^u = sigmoid(u)/sigmoid(−u) in place, and what is left of the exponent."""
    powers: dict[Expr, Expr] = {}
    rest: list[Expr] = []
    for factor in Mul.make_args(product):
        base, power = factor.as_base_exp()
        if isinstance(base, sigmoid) and power.is_Integer:
            powers[base.args[0]] = power
        else:
            rest.append(factor)
    for u in list(powers):
        count = _multiple(exponent, u)
        # No power of the two may become negative.
        low, high = -max(powers.get(u, 0), 0), max(powers.get(-u, 0), 0)
        taken = min(max(count, low), high)
        if taken:
            powers[u] = powers.get(u, S.Zero) + taken
            powers[-u] = powers.get(-u, S.Zero) - taken
            exponent -= taken * u
    return Mul(*rest, *(sigmoid(u) ** power for u, power in powers.items())), exponent


def _multiple(exponent: Expr, u: Expr) -> int:
    """The whole number of times that an exponent contains u."""
    here, there = exponent.as_coefficients_dict(), u.as_coefficients_dict()
    ratios = {here.get(part, S.Zero) / factor for part, factor in there.items()}
    (ratio,) = ratios if len(ratios) == 1 else (S.Zero,)
    return int(ratio) if ratio.is_Integer else 0
