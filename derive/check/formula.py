"""A reading of a side as a syntax tree, and what the context changes in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

from derive.check.reading import Reading
from derive.notation.parse import parse, words
from derive.notation.source import Source
from derive.notation.statement import SPARE
from derive.notation.syntax import (
    Binder,
    Call,
    Computed,
    Derivative,
    Entry,
    Group,
    Letter,
    Named,
    Node,
    Slot,
    letters_used,
    rebuilt,
    walk,
)

__all__ = ["FIXED", "Formula", "apart", "fixed", "formula", "renamed"]

FIXED = "°"
"""Behind the upper-case form of a letter that the author fixed in lower case."""


@dataclass(frozen=True)
class Formula:
    """A reading with its syntax tree."""

    reading: Reading
    source: Source = field(repr=False, compare=False)
    tree: Node

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the tensors, numbers and functions in it."""
        named = (part.name for part in walk(self.tree) if isinstance(part, Named))
        called = (part.function for part in walk(self.tree) if isinstance(part, Call))
        entries = (slot.name for slot in _slots(self.tree) if isinstance(slot, Entry))
        return frozenset([*named, *(name.rstrip("'") for name in called), *entries])

    @cached_property
    def derivatives(self) -> tuple[Derivative, ...]:
        return tuple(part for part in walk(self.tree) if isinstance(part, Derivative))

    @property
    def bare(self) -> Node:
        """The tree without brackets around it."""
        tree = self.tree
        while isinstance(tree, Group):
            tree = tree.inner
        return tree

    def changed(self, tree: Node) -> Formula:
        return replace(self, tree=tree)


def formula(reading: Reading, known: Collection[str]) -> Formula:
    """Parse a reading; `known` are names that are tensors, before a bracket too.

    Raises
    ------
    NotationError : the text breaks a rule of the notation.
    """
    source = Source(reading.text, "", reading.transcript)
    with source.reading():
        names = words(source.text).union(known)
        tree = parse(source.text, (0, len(source.text)), names)
    return Formula(reading, source, tree)


def _slots(tree: Node) -> Iterator[Slot]:
    for part in walk(tree):
        yield from part.own_slots


def renamed(node: Node, letters: Mapping[str, str]) -> Node:
    """The tree with other index letters, wherever no sign binds them."""
    inside = {old: new for old, new in letters.items() if old not in node.bound}
    node = rebuilt(node, lambda child: renamed(child, inside))
    return node if isinstance(node, Binder) else _with_slots(node, inside)


def fixed(node: Node, letters: Set[str]) -> Node:
    """The tree with some letters as labels."""
    return renamed(node, {letter: letter.upper() + FIXED for letter in letters})


def apart(node: Node, scope: Set[str]) -> Node:
    """The tree with other letters for sums over letters that have a meaning where they stand.

    As in `e^{x_i} / Σ_i e^{x_i}`: the sign binds its letter anew.
    """
    if isinstance(node, Binder) and node.bound & scope:
        taken = scope | node.bound | letters_used(node)
        spare = (letter for letter in SPARE if letter not in taken)
        new = {old: next(spare, old) for old in sorted(node.bound & scope)}
        slots = tuple(_renamed_slot(slot, new) for slot in node.slots)
        node = replace(node, slots=slots, body=renamed(node.body, new))  # type: ignore[arg-type]
    return rebuilt(node, lambda child: apart(child, scope | node.bound))


def _with_slots(node: Node, letters: Mapping[str, str]) -> Node:
    if not getattr(node, "slots", ()):
        return node
    slots = tuple(_renamed_slot(slot, letters) for slot in node.own_slots)
    changed: Node = replace(node, slots=slots)  # type: ignore[call-arg]
    return changed


def _renamed_slot(slot: Slot, letters: Mapping[str, str]) -> Slot:
    if isinstance(slot, Letter):
        return replace(slot, name=letters.get(slot.name, slot.name))
    if isinstance(slot, Entry):
        return replace(slot, slots=tuple(_renamed_slot(part, letters) for part in slot.slots))
    if isinstance(slot, Computed):
        operands = tuple(_renamed_slot(part, letters) for part in slot.operands)
        return replace(slot, operands=operands)
    return slot
