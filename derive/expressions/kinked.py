"""Functions that SymPy lacks, or evaluates to what the notation cannot write."""

from __future__ import annotations

from sympy import Expr, Function, S
from sympy.core.sorting import default_sort_key

__all__ = [
    "clip",
    "expm1",
    "leaky_relu",
    "log1p",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "softplus",
]


class _Real(Function):
    """A function whose values are real; it is evaluated only where it is simpler than itself."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Expr:
        raise NotImplementedError("derive.gradient differentiates it")


class relu(_Real):  # noqa: N801 - the names of functions, as in SymPy
    """u where it is positive, else 0."""

    nargs = 1
    is_nonnegative = True

    @classmethod
    def eval(cls, u: Expr) -> Expr | None:
        return u if u.is_nonnegative else S.Zero if u.is_nonpositive else None


class sigmoid(_Real):  # noqa: N801
    """1/(1 + e^{-u})."""

    nargs = 1
    is_positive = True

    @classmethod
    def eval(cls, u: Expr) -> Expr | None:
        return S.Half if u.is_zero else None


class softplus(_Real):  # noqa: N801
    """log(1 + e^u)."""

    nargs = 1
    is_positive = True

    @classmethod
    def eval(cls, u: Expr) -> Expr | None:
        return None


class expm1(_Real):  # noqa: N801
    """e^u − 1, which keeps its digits where u is small."""

    nargs = 1

    @classmethod
    def eval(cls, u: Expr) -> Expr | None:
        return S.Zero if u.is_zero else None


class log1p(_Real):  # noqa: N801
    """log(1 + u), which keeps its digits where u is small."""

    nargs = 1

    @classmethod
    def eval(cls, u: Expr) -> Expr | None:
        return S.Zero if u.is_zero else None


class _Extremum(_Real):
    """The larger or the smaller of two, in one order whichever way they were given."""

    nargs = 2

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr | None:
        if (a - b).is_nonnegative:
            return cls.of(a, b)
        if (a - b).is_nonpositive:
            return cls.of(b, a)
        return cls(b, a) if default_sort_key(b) < default_sort_key(a) else None

    @classmethod
    def of(cls, larger: Expr, smaller: Expr) -> Expr:
        """The value where it is known which is larger."""
        raise NotImplementedError


class maximum(_Extremum):  # noqa: N801
    """The larger of two."""

    @classmethod
    def of(cls, larger: Expr, _smaller: Expr) -> Expr:
        return larger


class minimum(_Extremum):  # noqa: N801
    """The smaller of two."""

    @classmethod
    def of(cls, _larger: Expr, smaller: Expr) -> Expr:
        return smaller


class clip(_Real):  # noqa: N801
    """u, but at least `low`, and at most `high`, which wins where it is the smaller one."""

    nargs = 3

    @classmethod
    def eval(cls, u: Expr, low: Expr, high: Expr) -> Expr | None:
        if (low - high).is_nonnegative or (u - high).is_nonnegative:
            return high
        if (u - low).is_nonpositive:
            return minimum(low, high)
        return u if (u - low).is_nonnegative and (u - high).is_nonpositive else None


class leaky_relu(_Real):  # noqa: N801
    """u where it is positive, else `slope` times u."""

    nargs = 2

    @classmethod
    def eval(cls, u: Expr, slope: Expr) -> Expr | None:
        if slope is S.Zero:
            return relu(u)
        return u if u.is_nonnegative or slope is S.One else slope * u if u.is_nonpositive else None
