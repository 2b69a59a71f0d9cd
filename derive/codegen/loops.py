"""Loop nests: updates that share the loops they can share.

A plan is pure data, in index notation; nothing here knows a language. Updates are taken in order.
Each goes into the first loop, after those that make what it reads, in which it reads nothing but
entries of the same round, and inside that loop by the same rule again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from sympy import Expr, Integer

from derive.codegen.updates import Update
from derive.expressions import (
    Index,
    free_indices,
    indices_of,
    tensors_in,
)

__all__ = ["Loop", "Nest", "nests", "updates_in"]


@dataclass(frozen=True)
class Loop:
    """A body for all values of an index, under conditions that are linear in it.

    Attributes
    ----------
    parallel : whether rounds may run at the same time; sums over them need partial sums then.
    """

    index: Index
    body: tuple[Loop | Update, ...]
    conditions: frozenset[Expr] = frozenset()
    parallel: bool = False


Nest = Loop | Update


def updates_in(nest: Nest) -> Iterator[Update]:
    """The updates of a nest, in order."""
    if isinstance(nest, Update):
        yield nest
    else:
        for part in nest.body:
            yield from updates_in(part)


def nests(updates: Iterable[Update]) -> tuple[Nest, ...]:
    """Updates as few loop nests, which do together what the updates do one after the other."""
    return _planned(list(updates), 0, count())


def _planned(updates: Sequence[Update], depth: int, numbers: Iterator[int]) -> tuple[Nest, ...]:
    groups: list[_Group] = []
    for update in updates:
        group = next((g for g in groups[_first(update, groups) :] if g.admits(update)), None)
        if group is None:
            group = _Group(depth, update, numbers)
            groups.insert(_place(group, groups), group)
        group.add(update)
    return tuple(group.nest() for group in groups)


def _first(update: Update, groups: Sequence[_Group]) -> int:
    """The first group that an update may go to: none before the last that makes what it reads."""
    making = [n for n, group in enumerate(groups) if group.makes(update)]
    return making[-1] if making else 0


def _place(group: _Group, groups: Sequence[_Group]) -> int:
    """Where a new group goes: to the end, but what is no loop as far ahead as it can.

    So loops that need it can share those that come before it in the order of the updates.
    """
    if group.depth == 0 or group.index is not None:
        return len(groups)
    return max((n + 1 for n, each in enumerate(groups) if each.makes(group.first)), default=0)


@dataclass
class _Group:
    """Updates in one loop, or one update in none."""

    depth: int
    first: Update
    numbers: Iterator[int]
    members: list[Update] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.index = self._own(self.first)
        if self.index is not None:
            # A letter of its own, which no update has in another loop.
            old = self.index
            self.index = Index(f"_L{next(self.numbers)}", old.size)
            self.conditions = self._conditions(self.first.renamed(old, self.index))
            self.parallel = self.depth == 0 and _is_parallel(self.first, old)

    def _own(self, update: Update) -> Index | None:
        return update.order[self.depth] if self.depth < len(update.order) else None

    def makes(self, update: Update) -> bool:
        """Whether an update needs what a member makes."""
        return any(True for member in self.members for _ in update.touched(member.name))

    def admits(self, update: Update) -> bool:
        """Whether an update can be made in the same rounds."""
        own = self._own(update)
        if own is None or self.index is None or own.size != self.index.size:
            return False
        if self.depth == 0 and _is_parallel(update, own) != self.parallel:
            return False
        update = update.renamed(own, self.index)
        if self._conditions(update) != self.conditions:
            return False
        return all(self._same_round(member, update) for member in self.members)

    def _same_round(self, member: Update, update: Update) -> bool:
        """Whether an update needs nothing of a member but what the same round makes."""
        touched = list(update.touched(member.name))
        axis = member.axis(self.index) if self.index is not None else None
        if axis is None:
            return not touched
        return all(indices_of(leaf)[axis] == self.index for leaf in touched)

    def add(self, update: Update) -> None:
        """Let an update be a member."""
        own = self._own(update)
        if own is not None and self.index is not None:
            update = update.renamed(own, self.index)
        self.members.append(update)

    def _conditions(self, update: Update) -> frozenset[Expr]:
        """The conditions that this loop can see to: linear in its index, and in none further in.

        A reduction that begins further in has a value in every round, also where it is of nothing.
        """
        within = update.order[: self.depth + 1]
        if self.depth == 0 or (update.reduced and update.reduced[0] not in within):
            return frozenset()
        inner = set(update.order[self.depth + 1 :])
        return frozenset(
            each
            for each in update.conditions
            if not free_indices(each) & inner and _is_linear(each, update.order[self.depth])
        )

    def nest(self) -> Nest:
        """The loop, with loops inside."""
        if self.index is None:
            return self.members[0]
        body = _planned(self.members, self.depth + 1, self.numbers)
        return Loop(self.index, body, self.conditions, self.parallel)


def _is_parallel(update: Update, index: Index) -> bool:
    """Whether rounds of a loop touch different entries, or make a sum."""
    return update.axis(index) is not None or update.kind == "sum"


def _is_linear(condition: Expr, index: Index) -> bool:
    """Whether an index stands in a condition alone, times a whole number."""
    slope = condition.coeff(index)
    rest = condition - slope * index
    return (
        isinstance(slope, Integer)
        and slope != 0
        and index not in free_indices(rest)
        and not any(True for _ in tensors_in(rest))
    )
