"""What does not change in a loop, computed before it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from sympy import Expr, Indexed, KroneckerDelta

from derive.codegen.updates import Update
from derive.expressions import Index, Iverson, Size, is_tensor, name_of, ranging, tensor

__all__ = ["Constant", "Hoisting"]


class Constant:
    """A variable for an expression, which stands before a loop.

    Attributes
    ----------
    name, expr : the variable and its value.
    update : an update that it is for.
    inner : whether that is made in an innermost loop, where the type of numbers counts.
    """

    def __init__(self, name: str, expr: Expr, update: Update, inner: bool) -> None:
        self.name = name
        self.expr = expr
        self.update = update
        self.inner = inner


class Hoisting:
    """The constants of the loops of a nest.

    Parameters
    ----------
    given, variables : the numbers that the nest is given, and those that it has variables for.
    depth : how deep its innermost loops are.

    Attributes
    ----------
    before : for the index of a loop the constants that are computed before it, in order.
    """

    def __init__(self, given: frozenset[str], variables: frozenset[str], depth: int) -> None:
        self.given = given
        self.variables = variables
        self.depth = depth
        self.before: dict[Index, list[Constant]] = {}
        self._known: dict[tuple[tuple[Index, ...], Expr, bool], Expr] = {}
        self._numbers = count()

    def of(self, update: Update) -> Expr:
        """The value of an update, with constants in place of what its inner loops do not change."""
        return self._reduced(update.value, update, len(update.order) - 1)

    def _reduced(self, expr: Expr, update: Update, depth: int) -> Expr:
        """The expression for a loop at a depth."""
        level = self._level(expr, update.order)
        if level < depth:
            return self._constant(expr, update, level)
        if _is_leaf(expr):
            return expr
        if expr.is_Add or expr.is_Mul:
            lower = [arg for arg in expr.args if self._level(arg, update.order) < depth]
            rest = [arg for arg in expr.args if arg not in lower]
            inner = [self._reduced(arg, update, depth) for arg in rest]
            if lower:
                inner.append(self._reduced(expr.func(*lower), update, depth))
            return expr.func(*inner)
        arguments = (
            self._reduced(a, update, depth) if isinstance(a, Expr) else a for a in expr.args
        )
        return expr.func(*arguments)

    def _level(self, expr: Expr, order: Sequence[Index]) -> int:
        """The depth of the innermost loop whose index an expression has; -1 where there is none."""
        own = ranging(expr)
        return max((depth for depth, index in enumerate(order) if index in own), default=-1)

    def _constant(self, expr: Expr, update: Update, level: int) -> Expr:
        if expr.could_extract_minus_sign() and not expr.is_Number:
            return -self._constant(-expr, update, level)
        inner = len(update.order) == self.depth
        if self._is_plain(expr, inner):
            return expr
        loop = update.order[level + 1]
        key = (update.order[: level + 1], expr, inner)
        known = self._known.get(key)
        if known is None:
            reduced = self._reduced(expr, update, level)
            known = tensor(f"@{next(self._numbers)}")
            self._known[key] = known
            self.before.setdefault(loop, []).append(
                Constant(name_of(known), reduced, update, inner)
            )
        return known

    def _is_plain(self, expr: Expr, inner: bool) -> bool:
        """Whether nothing is saved by a variable: a number, a size, another variable."""
        if expr.is_Number or isinstance(expr, Size | Index):
            return True
        if not is_tensor(expr):
            return False
        # What is summed in double precision is rounded once, before an innermost loop.
        return name_of(expr) in self.given or (name_of(expr) in self.variables and not inner)


def _is_leaf(expr: Expr) -> bool:
    """Whether an expression has no parts that are numbers of the nest: places are none."""
    if isinstance(expr, Iverson):
        return not expr.atoms(Indexed)
    return not expr.args or isinstance(expr, Indexed | KroneckerDelta)
