"""A proof that two expressions are equal, by means that share no code with the rules.

Definitions are written out down to the inputs, sums are distributed and Kronecker deltas used;
what is left are rational functions of contractions, other reductions, deltas, partial derivatives,
roots and elementary functions. SymPy decides whether the difference of two of them is zero. The
answer "not proven" says nothing; "proven" is meant to be right for all data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from sympy import (
    Add,
    Dummy,
    Expr,
    Indexed,
    KroneckerDelta,
    Mul,
    Pow,
    Rational,
    S,
    expand,
    preorder_traversal,
    together,
)
from sympy import exp as exponential

from derive.expressions import (
    Binder,
    Contraction,
    Equation,
    Graph,
    Index,
    Iverson,
    One,
    Partial,
    elementary,
    free_indices,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
)

__all__ = ["Normals", "provably_equal"]

# Bounds on the work: above them the lines are compared on samples alone.
MOST_NODES = 400
MOST_TERMS = 60
MOST_ATOMS = 14

# What is neither multiplied out nor taken apart.
_OPAQUE = Binder | Partial | KroneckerDelta | Iverson | Indexed

Names = dict[Expr, Expr]
Definitions = Mapping[str, Equation]


class _TooLargeError(Exception):
    """The proof would take too long."""


class Normals:
    """The normal forms of expressions about a graph, kept from one proof to the next.

    First come those with the definitions as they stand: what is equal whatever the defined
    tensors are needs none of them.
    """

    def __init__(self, graph: Graph) -> None:
        self.each = (_Normal({}), _Normal(_definitions(graph)))


def provably_equal(left: Expr, right: Expr, graph: Graph, normals: Normals | None = None) -> bool:
    """Whether the two are proven equal for all values of the inputs."""
    if left == right or _use_free_deltas(left) == _use_free_deltas(right):
        return True
    return any(_equal(left, right, normal) for normal in (normals or Normals(graph)).each)


def _definitions(graph: Graph) -> Definitions:
    return {eq.name: eq for eq in graph.equations if not eq.is_relation}


def _equal(left: Expr, right: Expr, normal: _Normal) -> bool:
    try:
        normal.begin()
        difference = normal(left) - normal(right)
        return _is_zero(_use_free_deltas(_expanded(difference)))
    except (_TooLargeError, RecursionError):
        return False


class _Normal:
    """Writes definitions out, and each contraction over single products."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._known: dict[Expr, Expr] = {}
        self._left = MOST_NODES

    def begin(self) -> None:
        """Start another proof, which may take as many nodes as any."""
        self._left = MOST_NODES

    def __call__(self, expr: Expr) -> Expr:
        if expr not in self._known:
            self._left -= 1
            if self._left < 0:
                raise _TooLargeError
            self._known[expr] = self._normal(expr)
        return self._known[expr]

    def _normal(self, expr: Expr) -> Expr:
        if is_tensor(expr):
            equation = self._definitions.get(name_of(expr))
            return self(equation.at(indices_of(expr))) if equation else expr
        if isinstance(expr, One):
            return S.One
        if isinstance(expr, Contraction):
            indices, body = expr.open()
            terms = Add.make_args(_expanded(self(body)))
            return Add(*(_summed(term, indices) for term in terms))
        if isinstance(expr, Iverson):
            return self._comparison(expr)
        if isinstance(expr, Binder):
            indices, body = expr.open()
            return expr.func(self(body), *indices)
        if isinstance(expr, Partial | KroneckerDelta) or not expr.args:
            return expr
        row = elementary(expr)
        if row is not None and row.pieces is not None:
            return self(row.pieces(*expr.args))
        return expr.func(*map(self, expr.args))

    def _comparison(self, expr: Iverson) -> Expr:
        """The comparison by `<` or `=`: of two that exclude each other one holds."""
        left, right = self(expr.left), self(expr.right)
        if expr.relation == "<=":
            return 1 - Iverson(right, "<", left)
        if expr.relation == "!=":
            return 1 - Iverson(left, "=", right)
        if expr.relation == "<" and left == 0:
            # 0 < [c] u says that c holds and 0 < u.
            factors = Mul.make_args(right)
            brackets = [factor for factor in factors if isinstance(factor, Iverson)]
            others = Mul(*(factor for factor in factors if factor not in brackets))
            return Mul(*brackets, Iverson(0, "<", others))
        return Iverson(left, expr.relation, right)


def _summed(term: Expr, indices: Sequence[Index]) -> Expr:
    """The contraction of a product: deltas used, free indices counted."""
    left = list(indices)
    for delta in [f for f in Mul.make_args(term) if isinstance(f, KroneckerDelta)]:
        pairs = (delta.args, delta.args[::-1])
        bound = [one for one, other in pairs if one in left and one not in free_indices(other)]
        if any(map(is_computed, delta.args)):
            continue
        if bound and delta in Mul.make_args(term):
            other = delta.args[0] if delta.args[1] == bound[-1] else delta.args[1]
            term = (term / delta).xreplace({bound[-1]: other})
            left.remove(bound[-1])
    counted = [index for index in left if index not in term.free_symbols and index.size]
    left = [index for index in left if index not in counted]
    term = Mul(term, *(index.size for index in counted))
    return Contraction(term, *left) if left else term


def _expanded(expr: Expr) -> Expr:
    """Multiplied out, with tensors, deltas, contractions and derivatives as they are."""
    if _terms(expr) > MOST_TERMS:
        raise _TooLargeError
    names: Names = {}
    plain = expand(_named(expr, names))
    nodes = {name: node for node, name in names.items()}
    # The square of a delta is the delta.
    for node, name in names.items():
        if isinstance(node, KroneckerDelta | Iverson):
            plain = plain.replace(
                lambda e, name=name: e.is_Pow and e.base == name and e.exp.is_positive,
                lambda e: e.base,
            )
    return plain.xreplace(nodes)


def _terms(expr: Expr) -> int:
    """At least the number of terms that the expression has when multiplied out."""
    if isinstance(expr, _OPAQUE) or not expr.args:
        return 1
    if expr.is_Add:
        return sum(map(_terms, expr.args))
    if expr.is_Pow and expr.exp.is_Integer:
        if abs(expr.exp) > 20:
            raise _TooLargeError
        return int(_terms(expr.base) ** abs(int(expr.exp)))
    return prod(map(_terms, expr.args))


def _named(expr: Expr, names: Names) -> Expr:
    """The expression with a symbol for each opaque node."""
    if isinstance(expr, _OPAQUE):
        if expr not in names:
            names[expr] = Dummy(real=True)
        return names[expr]
    return expr.func(*(_named(arg, names) for arg in expr.args)) if expr.args else expr


def _use_free_deltas(expr: Expr) -> Expr:
    """In a product with δ_in, n may be written for i."""
    return Add(*map(_use_deltas, Add.make_args(expr)))


def _use_deltas(term: Expr) -> Expr:
    for delta in sorted(term.atoms(KroneckerDelta), key=str):
        if delta not in Mul.make_args(term):
            continue
        pairs = (delta.args, delta.args[::-1])
        plain = [
            one
            for one, other in pairs
            if isinstance(one, Index) and not one.is_label and one not in free_indices(other)
        ]
        if plain:
            old = max(plain, key=lambda index: (index.name, str(index.size)))
            new = next(slot for slot in delta.args if slot != old)
            term = delta * (term / delta).xreplace({old: new})
    return term


def _is_zero(expr: Expr) -> bool:
    """Whether a rational function of opaque nodes, roots and exponentials vanishes."""
    if expr == 0:
        return True
    names: Names = {}
    rational = _rational(expr, names)
    if len(rational.free_symbols) > MOST_ATOMS or _size(rational) > MOST_NODES:
        raise _TooLargeError
    numerator, _ = together(rational).as_numer_denom()
    if _terms(numerator) > 10 * MOST_TERMS:
        raise _TooLargeError
    return bool(expand(numerator) == 0)


def _size(expr: Expr) -> int:
    return sum(1 for _ in preorder_traversal(expr))


def _rational(expr: Expr, names: Names) -> Expr:
    """The expression with symbols in place of all that is not rational."""
    if isinstance(expr, exponential):
        return Mul(*(_exponential(t, names) for t in Add.make_args(expand(expr.args[0]))))
    if expr.is_Pow and not expr.exp.is_Integer:
        return _root(expr, names)
    if isinstance(expr, _OPAQUE) or elementary(expr):
        return names.setdefault(expr, Dummy(real=True))
    if expr.is_Add or expr.is_Mul or expr.is_Pow:
        return expr.func(*(_rational(arg, names) for arg in expr.args))
    if expr.is_Rational or expr.is_Symbol:
        return expr
    return names.setdefault(expr, Dummy(real=True))


def _exponential(term: Expr, names: Names) -> Expr:
    """e to a multiple of u as a power of the symbol for e to the u."""
    factor, rest = term.as_coeff_Mul()
    if not factor.is_Rational:
        factor, rest = S.One, term
    root = exponential(rest * Rational(1, factor.q))
    return names.setdefault(root, Dummy(positive=True)) ** factor.p


def _root(expr: Pow, names: Names) -> Expr:
    """u to p/q as a power of the symbol for u to 1/q; another power is opaque."""
    if not expr.exp.is_Rational:
        return names.setdefault(expr, Dummy(real=True))
    root = names.setdefault(Pow(expr.base, Rational(1, expr.exp.q)), Dummy(real=True))
    return root**expr.exp.p
