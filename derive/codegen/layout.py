"""Where the tensors of a nest are while it runs: what stays inside a round needs no array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from sympy import Expr

from derive.codegen.loops import Loop, updates_in
from derive.codegen.updates import Update
from derive.expressions import Index, Place, indices_of, name_of

__all__ = ["Layout", "layout"]


@dataclass(frozen=True)
class Layout:
    """The storage of the tensors of one nest.

    Attributes
    ----------
    axes : for a tensor that nobody else reads, the axes that an array for one round of the loops
        around it has; none where it is a number.
    buffers : those of them that are arrays, with their sizes.
    partial : the tensors that are sums over the outer loop, whose rounds run at the same time.
    places : the tensors of whole numbers, the places of extrema.
    arity : the number of axes of each tensor.
    """

    axes: Mapping[str, tuple[int, ...]]
    buffers: Mapping[str, tuple[Expr, ...]]
    partial: tuple[str, ...]
    places: frozenset[str]
    arity: Mapping[str, int]


def layout(nest: Loop, wanted: frozenset[str]) -> Layout:
    """The storage of what a nest makes; what is wanted outside has an array as it is."""
    updates = list(updates_in(nest))
    made = dict.fromkeys(update.name for update in updates)
    axes: dict[str, tuple[int, ...]] = {}
    buffers: dict[str, tuple[Expr, ...]] = {}
    for name in made:
        if name in wanted:
            continue
        kept = _kept(name, updates)
        target = next(u.of for u in updates if u.name == name).target
        if not kept or len(indices_of(target)) - len(kept) > 0:
            axes[name] = kept
            if kept:
                buffers[name] = tuple(indices_of(target)[axis].size for axis in kept)
    partial = (update.name for update in updates if nest.parallel and nest.index in update.reduced)
    arity = {name_of(leaf): len(indices_of(leaf)) for u in updates for leaf in u.leaves()}
    arity |= {update.name: len(indices_of(update.target)) for update in updates}
    places = frozenset(u.name for u in updates if isinstance(u.of.expr, Place))
    return Layout(axes, buffers, tuple(dict.fromkeys(partial)), places, arity)


def _kept(name: str, updates: list[Update]) -> tuple[int, ...]:
    """The axes that are not the index of a loop around all that touches the tensor."""
    touching = [u for u in updates if u.name == name or any(True for _ in u.touched(name))]
    orders = zip(*(update.order for update in touching), strict=False)
    common = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, orders)]
    leaves = [leaf for u in touching for leaf in u.touched(name)]
    leaves += [u.target for u in touching if u.name == name]
    return tuple(
        axis
        for axis in range(len(indices_of(leaves[0])))
        if not _is_round(common, {indices_of(leaf)[axis] for leaf in leaves})
    )


def _is_round(common: list[Index], slots: set[Expr]) -> bool:
    return len(slots) == 1 and slots <= set(common)
