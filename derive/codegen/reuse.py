"""Which tensors a result may be written over: those of which no entry is read later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from derive.codegen.loops import Nest, updates_in
from derive.codegen.updates import Update
from derive.expressions import Tensor, indices_of

__all__ = ["replaceable"]


def replaceable(name: str, plan: Sequence[Nest]) -> Iterator[str]:
    """The tensors that nothing in a plan makes, and that one it makes may take the place of."""
    everything = [update for nest in plan for update in updates_in(nest)]
    made = {update.name for update in everything}
    read = dict.fromkeys(n for update in everything for n in sorted(update.of.reads))
    first = next(n for n, update in enumerate(everything) if update.name == name)
    writing = everything[first]
    if writing.kind != "set":
        return
    for each in read:
        if each in made:
            continue
        touching = [(n, u, leaf) for n, u in enumerate(everything) for leaf in u.touched(each)]
        if touching and all(_is_over(n, u, leaf, first, writing) for n, u, leaf in touching):
            yield each


def _is_over(number: int, update: Update, leaf: Tensor, first: int, writing: Update) -> bool:
    """Whether an entry has been read for the last time when the writing comes to its place."""
    if number > first:
        return False
    if update is writing:
        return indices_of(leaf) == indices_of(writing.target)
    pairs = zip(update.order, writing.order, strict=False)
    common = [pair[0] for pair in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    slots = indices_of(leaf)
    return all(_at(slots, writing.axis(index)) == index for index in common)


def _at(slots: Sequence[object], axis: int | None) -> object:
    return None if axis is None or axis >= len(slots) else slots[axis]
