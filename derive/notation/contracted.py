"""Goals that are derivatives contracted with given tensors: `v_m ∂²c/∂x_m∂x_n`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sympy import Expr, Mul

from derive.expressions import Contraction, Graph, Index, Partial, tensor
from derive.notation.census import check_letters, count_of_indices
from derive.notation.source import Mistake
from derive.notation.syntax import Letter, Named

__all__ = ["contracted"]

_MEND = "contract it with the derivative, as in `v_m ∂²c/∂x_m∂x_n`"


def contracted(partial: Partial, given: Sequence[Named], graph: Graph) -> Expr:
    """The product of a derivative and given tensors, summed over the indices they share.

    Raises
    ------
    Mistake : a given tensor with an index of its own, with another number of indices than
        elsewhere, or over an axis of another size.
    """
    known = {index.name: index for index in partial.indices}
    counts = Counter([*known, *(slot.name for node in given for slot in _letters(node))])
    axes: dict[str, tuple[Index, ...]] = {}
    factors: list[Expr] = []
    for node in given:
        indices = tuple(_index(node, slot, known) for slot in _letters(node))
        _check_axes(node, indices, axes, graph)
        factors.append(tensor(node.name, *indices))
    shared = [index for letter, index in known.items() if counts[letter] > 1]
    return Contraction(Mul(*factors, partial), *shared)


def _letters(node: Named) -> list[Letter]:
    """The slots of a given tensor, each a lower-case letter."""
    for slot in node.slots:
        check_letters([slot], "in a goal")
    return [slot for slot in node.slots if isinstance(slot, Letter)]


def _index(node: Named, slot: Letter, known: dict[str, Index]) -> Index:
    if slot.name not in known:
        raise Mistake(
            f"the index {slot.name} of {node.name} is none of the derivative's",
            slot.span,
            mend=_MEND,
        )
    return known[slot.name]


def _check_axes(
    node: Named, indices: tuple[Index, ...], axes: dict[str, tuple[Index, ...]], graph: Graph
) -> None:
    """Refuse a tensor whose axes are others here than in the equations or another factor."""
    name, order = node.name, len(indices)
    found = axes.setdefault(name, indices)
    arity = graph.arity.get(name, len(found))
    if arity != order:
        raise Mistake(
            f"{name} has {count_of_indices(arity)} elsewhere, and here it has {order}",
            node.span,
            mend="a tensor has one index for each of its axes, everywhere",
        )
    sizes = (
        [graph.axis_size(name, axis) for axis in range(order)]
        if name in graph.arity
        else [index.size for index in found]
    )
    for index, size in zip(indices, sizes, strict=True):
        if index.size != size:
            raise Mistake(
                f"the index {index.name} runs over an axis of another size than that of {name}",
                node.span,
                mend="give what is contracted another name",
            )
