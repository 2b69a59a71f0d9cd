"""Which letters of a chain are free, where its left-hand side leaves that open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from derive.check.formula import Formula
from derive.notation.syntax import Derivative, Group, Named, Node, Sum, uses_of, walk

__all__ = ["free_letters"]


def free_letters(sides: Sequence[Formula], explicit: bool | None) -> Iterator[frozenset[str]]:
    """The letters that can be free, the likeliest choice first.

    A name or a derivative of names says by itself what is free. On other left-hand sides a letter
    that stands twice in a term is free where sums are explicit, and a dummy where they are not.
    """
    left, *others = sides
    letters = left.tree.letters
    twice = _repeated(left.bare)
    if not twice:
        yield letters
        return
    everywhere = (
        letters.intersection(*(side.tree.letters for side in others)) if others else letters
    )
    once = (letters - twice) | (everywhere & frozenset[str]())
    candidates = [letters, once, letters - (twice - everywhere)]
    if explicit is False or (explicit is None and not _is_derivative(left.bare)):
        candidates = [once, letters - (twice - everywhere), letters]
    yield from dict.fromkeys(candidates)


def _is_derivative(node: Node) -> bool:
    return isinstance(node, Derivative)


def _repeated(node: Node) -> frozenset[str]:
    """The letters that stand twice or more in one term."""
    if isinstance(node, Group):
        return _repeated(node.inner)
    if isinstance(node, Sum):
        return frozenset().union(*map(_repeated, node.terms))
    leaves = [part for part in walk(node) if not part.children or isinstance(part, Named)]
    slots = (slot for leaf in leaves for slot in leaf.own_slots)
    counts = Counter(use.name for slot in slots for use in uses_of(slot))
    bound = {letter for part in walk(node) for letter in part.bound}
    return frozenset(n for n, count in counts.items() if count > 1 and n in node.letters) - bound
