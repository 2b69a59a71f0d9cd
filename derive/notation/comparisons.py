"""Comparisons in the text, `[k <= q]`: equals signs, and index letters that stand as numbers.

A bare name in a comparison is an index where the rest of the line uses it as one. Only the whole
line tells, so that this is settled after it is parsed and before its indices are bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set

from derive.notation.syntax import (
    Binder,
    Choice,
    Comparison,
    Entry,
    Letter,
    Named,
    Node,
    Number,
    Position,
    Power,
    Product,
    Sum,
    rebuilt,
    walk,
)

__all__ = ["equals_signs", "is_position", "labels_in", "with_positions"]

_EQUALS = re.compile(r":?=")


def equals_signs(text: str) -> list[re.Match[str]]:
    """The equals signs of an equation; one in square brackets is a comparison."""
    inside = [False] * len(text)
    opened: list[int] = []
    for position, character in enumerate(text):
        if character == "[":
            opened.append(position)
        elif character == "]" and opened:
            start = opened.pop()
            inside[start:position] = [True] * (position - start)
    return [sign for sign in _EQUALS.finditer(text) if not inside[sign.start()]]


def labels_in(nodes: Iterable[Node]) -> set[str]:
    """The labels and the tensors of labels that stand in slots."""
    parts = (part for node in nodes for part in walk(node))
    slots = [slot for part in parts for slot in part.own_slots]
    letters = {slot.name for slot in slots if isinstance(slot, Letter) and slot.is_label}
    return letters | {slot.name for slot in slots if isinstance(slot, Entry)}


def with_positions(node: Node, letters: Set[str], labels: Set[str]) -> Node:
    """The tree with the bare index letters in its comparisons made positions.

    `letters` are the index letters of the line, `labels` the labels of all lines.
    """
    if isinstance(node, Comparison):
        known = letters | labels
        return rebuilt(node, lambda side: _settled(side, known, labels))
    return rebuilt(node, lambda child: with_positions(child, letters, labels))


def _settled(node: Node, known: Set[str], labels: Set[str]) -> Node:
    if isinstance(node, Named) and node.name in (labels if node.slots else known):
        slot = (
            Entry(node.name, node.slots, node.span) if node.slots else Letter(node.name, node.span)
        )
        return Position(node.span, (slot,))
    if isinstance(node, Binder):
        settled = with_positions(node, known - labels, labels)
        if isinstance(settled, Binder) and settled.is_place:
            return Position(node.span, (Choice(settled),))
        return settled
    return rebuilt(node, lambda child: _settled(child, known, labels))


def is_position(node: Node) -> bool:
    """Whether a part of a comparison is computed from indices alone, as in `2 k + 1`."""
    parts = list(_outside_positions(node))
    kinds = Position | Number | Sum | Product | Power
    return any(isinstance(part, Position) for part in parts) and all(
        isinstance(part, kinds) or (isinstance(part, Named) and not part.slots) for part in parts
    )


def _outside_positions(node: Node) -> Iterator[Node]:
    """The node and everything in it, but for what stands in a position."""
    yield node
    for child in node.children if not isinstance(node, Position) else ():
        yield from _outside_positions(child)
