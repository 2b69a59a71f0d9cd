"""What the backward pass computes again, so that the forward pass need not save it.

A tensor made entry by entry with a few additions and multiplications takes as long to compute as
to read, so it is computed again where what it is made of is there anyway: inputs, outputs, what is
saved for other reasons. Tensors with fewer axes, such as the sums of rows, may be saved for it.
Sums, products of matrices and functions such as `exp` are never computed twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sympy import Expr, KroneckerDelta

from derive.codegen.assignment import Assignment
from derive.codegen.operations import ARITHMETIC, operations, volume
from derive.expressions import Binder, Opaque

__all__ = ["computed_again", "placed", "small_first"]

# For each entry, all that is computed again for it together.
MOST_OPERATIONS = 4


def computed_again(
    before: Sequence[Assignment], behind: Sequence[Assignment], there: Collection[str]
) -> tuple[Assignment, ...]:
    """The assignments of a forward pass that the backward pass makes again.

    Parameters
    ----------
    before, behind : the assignments of the passes, each after those that it reads.
    there : the tensors that cost nothing to keep, inputs and outputs.
    """
    return _Choice(before, behind, there).found()


class _Choice:
    def __init__(
        self, before: Sequence[Assignment], behind: Sequence[Assignment], there: Collection[str]
    ) -> None:
        self._before = before
        self._made: Mapping[str, Assignment] = {a.name: a for a in before}
        self._there = frozenset(there)
        self._read = {name for a in behind for name in a.reads}
        # Only the tensors with the most axes are large enough for it to matter.
        self._rank = max((len(a.indices) for a in (*before, *behind)), default=0)

    def found(self) -> tuple[Assignment, ...]:
        """The assignments, in the order of the forward pass."""
        again: set[str] = set()
        for each in reversed(self._before):
            if each.name in self._read - self._there and len(each.indices) == self._rank > 0:
                work = self._work(each)
                if work is not None and sum(map(_operations, work)) <= MOST_OPERATIONS:
                    again |= {one.name for one in work}
                    self._read |= {name for one in work for name in one.reads}
        return tuple(a for a in self._before if a.name in again)

    def _work(self, wanted: Assignment) -> list[Assignment] | None:
        """What is computed again to have a tensor, None where that starts from another like it."""
        if not _is_cheap(wanted):
            return None
        work = [wanted]
        for name in sorted(wanted.reads - self._there - self._read):
            source = self._made.get(name)
            if source is None or _axes(source) < _axes(wanted):
                continue
            further = self._work(source)
            if further is None:
                return None
            work += further
        return work


def placed(again: Iterable[Assignment], behind: Iterable[Assignment]) -> Iterator[Assignment]:
    """Assignments with those made again, each before the first that reads it."""
    waiting = {a.name: a for a in again}
    for assignment in behind:
        yield from _needed(assignment, waiting)
        yield assignment


def _needed(assignment: Assignment, waiting: dict[str, Assignment]) -> Iterator[Assignment]:
    for name in sorted(assignment.reads & waiting.keys()):
        if name in waiting:
            source = waiting.pop(name)
            yield from _needed(source, waiting)
            yield source


def small_first(assignments: Sequence[Assignment]) -> Iterator[Assignment]:
    """Assignments in an order in which large tensors are needed for a short time.

    What has fewer axes is made as soon as all that it is made of is there.
    """
    rank = max((len(a.indices) for a in assignments), default=0)
    waiting = list(assignments)
    while waiting:
        missing = {a.name for a in waiting}
        ready = (a for a in waiting if len(a.indices) < rank and not a.reads & missing)
        chosen = next(ready, waiting[0])
        waiting.remove(chosen)
        yield chosen


def _is_cheap(assignment: Assignment) -> bool:
    """Whether a tensor is made entry by entry, with arithmetic alone."""
    expr = assignment.expr
    if type(assignment) is not Assignment or expr.has(Binder, KroneckerDelta, Opaque):
        return False
    return all(kind in ARITHMETIC for kind, _ in operations(expr))


def _operations(assignment: Assignment) -> int:
    """The number of operations for each entry, those on fewer axes left out."""
    every = volume(assignment.indices)
    return sum(times == every for _, times in operations(assignment.expr))


def _axes(assignment: Assignment) -> Counter[Expr | None]:
    return Counter(index.size for index in assignment.indices)
