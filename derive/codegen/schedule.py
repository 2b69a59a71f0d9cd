"""Assignments in an order of work: every reduction by itself, and nothing computed twice.

A reduction (a sum, a maximum, a product over an index) becomes an assignment to a tensor of its
own, so that each right-hand side is computed entry by entry or is one reduction. Sums of products
are taken two factors at a time, and what two assignments have in common, up to the letters of
indices, is computed once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count, permutations

from sympy import Expr, Indexed, KroneckerDelta, Mul, UnevaluatedExpr, log

from derive.codegen.assignment import Assignment
from derive.codegen.contraction import (
    contraction_path,
    grouped,
    is_matrix_product,
    merged,
    without_ones,
)
from derive.codegen.solution import Root, RootWork, Solution
from derive.expressions import (
    Binder,
    Contraction,
    Index,
    Iverson,
    Place,
    elementary,
    indices_of,
    is_tensor,
    name_of,
    ranging,
    tensor,
    tensors_in,
)

__all__ = ["Schedule", "in_order"]


class Schedule:
    """Assignments in the order in which they are to be made.

    Parameters
    ----------
    expected : all that is going to be added; what is costly in it more than once is computed once.
    numbers : those in the names of the tensors that it adds.
    eager : whether every operation passes over its arrays, so that the factors of a sum are best
        two tensors, which are multiplied and summed at once.

    Attributes
    ----------
    assignments : those added, each behind the ones that its right-hand side needs; the tensors
        that the schedule adds are called `#0`, `#1` and so on.
    """

    def __init__(
        self,
        expected: Iterable[Assignment] = (),
        numbers: Iterator[int] | None = None,
        eager: bool = False,
    ) -> None:
        self.assignments: list[Assignment] = []
        self._eager = eager
        self._numbers = numbers or count()
        self._uses = Counter(_key(node) for a in expected for node in _costly(a.expr))
        self._known: dict[Expr, Assignment] = {}
        self._wanted: tuple[Index, ...] = ()

    def add(self, assignment: Assignment) -> None:
        """Append an assignment with all that its right-hand side needs."""
        self._wanted = assignment.indices
        if isinstance(assignment, Solution):
            self._append(self._solution(assignment))
            return
        if isinstance(assignment, Root):
            self._append(self._root(assignment))
            return
        if isinstance(assignment.expr, Binder):
            expr = self._reduced(assignment.expr)
        else:
            expr = self._flat(assignment.expr)
        self._append(Assignment(assignment.target, expr))

    def _solution(self, given: Solution) -> Solution:
        right = self._flat(given.expr)
        batch = [i for i in given.indices if i != given.row and i in ranging(given.matrix)]
        self._wanted = (*batch, given.row, given.column)
        return replace(given, expr=right, matrix=self._flat(given.matrix))

    def _root(self, given: Root) -> RootWork:
        """The root with what computes its equation, which is made anew for each try."""
        inner = Schedule(numbers=self._numbers)
        inner._wanted = given.indices
        residual = inner._named(inner._flat(given.expr), given.indices)
        inner._wanted = (*given.indices, *given.moved)
        slope = inner._named(inner._flat(given.slope), inner._wanted)
        work = tuple(inner.assignments)
        return RootWork(given.target, residual, slope, given.moved, work)

    def _named(self, expr: Expr, indices: Sequence[Index]) -> Expr:
        """A tensor with the given indices that is assigned the expression."""
        target = tensor(f"#{next(self._numbers)}", *indices)
        self._append(Assignment(target, expr))
        return target

    def _append(self, assignment: Assignment) -> None:
        self.assignments.append(assignment)
        if isinstance(assignment, Solution | RootWork):
            return
        self._known.setdefault(_key(assignment.expr), assignment)

    def _flat(self, expr: Expr) -> Expr:
        """The expression with a tensor in place of each reduction."""
        if isinstance(expr, Indexed | KroneckerDelta) and expr.has(Place):
            expr = expr.xreplace({place: self._place(place) for place in expr.atoms(Place)})
        if is_tensor(expr) or isinstance(expr, KroneckerDelta) or not expr.args:
            return expr
        if isinstance(expr, Binder):
            return self._shared(self._reduced(expr))
        if is_mask(expr):
            return expr
        if isinstance(expr, UnevaluatedExpr):
            return self._shared(self._flat(expr.args[0]))
        flat = expr.func(*map(self._flat, expr.args))
        costly = is_costly(expr) and self._uses[_key(expr)] > 1
        return self._shared(flat) if costly else flat

    def _place(self, expr: Place) -> Expr:
        """A tensor of whole numbers that is assigned the place of an extremum."""
        found = self._shared(self._reduced(expr))
        return tensor(name_of(found), *indices_of(found), integer=True)

    def _shared(self, expr: Expr) -> Expr:
        """A tensor that is assigned the expression, an earlier one if there is one."""
        if is_tensor(expr):
            return expr
        known = self._known.get(_key(expr))
        if known is not None:
            return _read(known, expr)
        target = tensor(f"#{next(self._numbers)}", *in_order(expr, self._wanted))
        self._append(Assignment(target, expr))
        return target

    def _reduced(self, expr: Binder) -> Expr:
        """A reduction with a flat body; a sum has at most two factors."""
        indices, body = expr.open()
        if not isinstance(expr, Contraction):
            return expr.func(self._flat(body), *indices)
        factors = [self._flat(factor) for factor in Mul.make_args(body)]
        outside = [f for f in factors if not ranging(f) & set(indices)]
        inside = [f for f in factors if f not in outside]
        inside, indices, repeats = without_ones(inside, indices)
        total = self._total(inside, indices) if indices else Mul(*inside)
        if not outside and repeats == 1:
            return total
        return Mul(*outside, repeats, self._shared(total))

    def _total(self, factors: list[Expr], indices: list[Index]) -> Expr:
        """The sum of a product over indices, its factors joined two at a time."""
        if any(factor.has(KroneckerDelta) for factor in factors):
            return self._picked(factors, indices)
        out = set().union(*map(ranging, factors)) - set(indices)
        factors = merged(factors)
        while len(factors) > 1:
            first, second = contraction_path(factors, out)[0]
            pair = factors[first], factors[second]
            factors = [f for f in factors if f not in pair]
            kept = out.union(*map(ranging, factors))
            over = [i for i in indices if i in ranging(Mul(*pair)) and i not in kept]
            joined = self._joined(pair, over)
            if not factors:
                return joined
            factors = merged([*factors, self._shared(joined) if over else joined])
        left = [i for i in indices if i in ranging(Mul(*factors))]
        return self._sum(Mul(*factors), left)

    def _sum(self, body: Expr, indices: Sequence[Index]) -> Expr:
        """A sum; where factors leave it, it is a tensor."""
        factors = Mul.make_args(body)
        rank = max((len(ranging(factor)) for factor in factors), default=0)
        # What has few axes is computed apart, so that the product is one of tensors alone.
        small = [f for f in factors if f.is_Pow and 0 < len(ranging(f)) < rank]
        body = Mul(*(self._shared(f) if f in small else f for f in factors))
        if self._eager and not body.has(Iverson, KroneckerDelta):
            body = self._two_tensors(body)
        total = Contraction(body, *indices)
        return total if isinstance(total, Contraction) else self._flat(total)

    def _picked(self, factors: list[Expr], indices: list[Index]) -> Expr:
        """The sum of a product with deltas: what they pick goes to single entries at once.

        What no delta depends on is summed over before, as there are no entries for it.
        """
        deltas = [factor for factor in factors if factor.has(KroneckerDelta)]
        inner = [i for i in indices if not any(i in ranging(delta) for delta in deltas)]
        within = [f for f in factors if f not in deltas and ranging(f) & set(inner)]
        if not within:
            return self._sum(Mul(*factors), indices)
        rest = [f for f in factors if f not in within]
        total = self._shared(self._total(within, inner))
        return self._sum(Mul(*rest, total), [i for i in indices if i not in inner])

    def _two_tensors(self, body: Expr) -> Expr:
        """A product of factors with the same indices as one of two tensors."""
        groups = grouped(Mul.make_args(body))
        if len(groups) > 1 or len(groups[0]) < 2:
            return body
        *others, last = sorted(groups[0], key=lambda factor: (is_tensor(factor), str(factor)))
        return Mul(self._shared(Mul(*others)), self._shared(last))

    def _joined(self, pair: tuple[Expr, Expr], over: Sequence[Index]) -> Expr:
        """The product of two factors, summed; each is a tensor if it can be a matrix product."""
        if not over:
            return Mul(*pair)
        if self._eager or is_matrix_product(*pair, over):
            pair = (self._operand(pair[0]), self._operand(pair[1]))
        return self._sum(Mul(*pair), over)

    def _operand(self, factor: Expr) -> Expr:
        return factor if factor.has(KroneckerDelta) else self._shared(factor)


def is_mask(expr: Expr) -> bool:
    """Whether an expression is the logarithm of a comparison, which may be marked to stay."""
    inner = expr.args[0] if isinstance(expr, UnevaluatedExpr) else expr
    return isinstance(inner, log) and isinstance(inner.args[0], Iverson)


def is_costly(expr: Expr) -> bool:
    """Whether an expression is a function of an array that takes longer than to read it."""
    if not ranging(expr):
        return False
    if expr.is_Pow:
        return not (expr.exp.is_Integer and abs(expr.exp) <= 3)
    row = elementary(expr)
    return row is not None and row.pieces is None and not is_mask(expr)


def _costly(expr: Expr) -> Iterator[Expr]:
    """The costly functions in an expression, those under sums with letters for bound indices."""
    if isinstance(expr, Binder):
        yield from _costly(expr.open()[1])
    elif not is_tensor(expr):
        if is_costly(expr):
            yield expr
        for arg in expr.args:
            yield from _costly(arg)


def in_order(expr: Expr, wanted: Sequence[Index] = ()) -> list[Index]:
    """The free indices of an expression: as wanted, the others as in the tensor with the most."""
    free = ranging(expr)
    leaves = [[i for i in indices_of(leaf) if i in free] for leaf in tensors_in(expr)]
    largest = max(leaves, key=len, default=[])
    rest = sorted(free, key=lambda index: (index not in largest, str(index)))
    rest = sorted(rest, key=lambda i: largest.index(i) if i in largest else len(largest))
    return [i for i in wanted if i in free] + [i for i in rest if i not in wanted]


def _key(expr: Expr) -> Expr:
    """What expressions have in common that differ by letters of their indices alone."""
    indices = sorted(ranging(expr), key=str)
    # Marked, as they are not summed over: Σ_j x_ij is neither x_ij nor Σ_i x_ij.
    marks = (tensor("#", index) for index in indices)
    return Contraction(Mul(expr, *marks), *indices) if indices else expr


def _read(known: Assignment, expr: Expr) -> Expr:
    """The tensor of an assignment with the indices that make its right-hand side the expression."""
    own = indices_of(known.target)
    for order in permutations(ranging(expr)):
        if known.expr.xreplace(dict(zip(own, order, strict=True))) == expr:
            return tensor(known.name, *order)
    raise AssertionError("equal keys are equal up to letters")
