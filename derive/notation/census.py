"""Who is who in the equations: each use of a tensor or index, and the rules between uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal

from sympy import Expr

from derive.errors import NotationError, Place, Subject
from derive.expressions import Graph
from derive.notation.bind import CONSTANTS
from derive.notation.source import Mistake, Source, Span
from derive.notation.syntax import Computed, Constant, Entry, Letter, Named, Node, Slot, walk

__all__ = [
    "Use",
    "check_letters",
    "check_uses",
    "letters_of",
    "places_of",
    "subscripted",
    "uses_in",
]

_KINDS = {Constant: "a constant index", Computed: "index arithmetic"}

Role = Literal["tensor", "labels", "index"]


@dataclass(frozen=True)
class Use:
    """One mention of a tensor, of a tensor of labels, or of an index.

    `letters` has an entry for each slot, empty where it holds no index letter.
    """

    role: Role
    name: str
    line: int
    source: Source
    span: Span
    letters: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        return len(self.letters)

    @property
    def place(self) -> Place:
        return self.source.place(self.span)


def uses_in(line: int, source: Source, *nodes: Node) -> Iterator[Use]:
    """The uses in the trees of one line, in the order of the text."""
    for node in nodes:
        for part in walk(node):
            if isinstance(part, Named):
                letters = tuple(map(_letter, part.slots))
                yield Use("tensor", part.name, line, source, part.span, letters)
            for slot in part.own_slots:
                yield from _uses_in_slot(line, source, slot)


def _uses_in_slot(line: int, source: Source, slot: Slot) -> Iterator[Use]:
    if isinstance(slot, Letter):
        yield Use("index", slot.name, line, source, slot.span)
    if isinstance(slot, Entry):
        yield Use("labels", slot.name, line, source, slot.span, tuple(map(_letter, slot.slots)))
        for inner in slot.slots:
            yield from _uses_in_slot(line, source, inner)
    if isinstance(slot, Computed):
        for operand in slot.operands:
            yield from _uses_in_slot(line, source, operand)


def _letter(slot: Slot) -> str:
    return slot.name if isinstance(slot, Letter) and not slot.is_label else ""


def subscripted(nodes: Iterable[Node]) -> set[str]:
    """The names of tensors that have indices somewhere."""
    parts = (part for node in nodes for part in walk(node))
    return {part.name for part in parts if isinstance(part, Named) and part.slots}


def check_uses(uses: Sequence[Use], tensors: Set[str], sizes: Collection[str | int] = ()) -> None:
    """Refuse uses that contradict each other.

    `tensors` are the names that are no numbers, `sizes` those of sizes, which may stand among the
    factors and in index arithmetic.
    """
    by_name: dict[str, list[Use]] = {}
    for use in uses:
        if use.name in sizes:
            continue
        if use.name not in CONSTANTS or use.name in tensors or use.role != "tensor":
            by_name.setdefault(use.name, []).append(use)
    for name, group in by_name.items():
        _check_roles(name, group)
        _check_orders(name, [use for use in group if use.role != "index"])


def _check_orders(name: str, group: list[Use]) -> None:
    other = next((use for use in group if use.order != group[0].order), None)
    if other is not None:
        raise NotationError(
            f"{name} has {count_of_indices(group[0].order)} in one place "
            f"and {other.order} in another",
            mend="a tensor has one index for each of its axes, everywhere",
            places=(other.place, group[0].place),
        )


def count_of_indices(number: int) -> str:
    """The number with its noun."""
    return f"{number or 'no'} {'index' if number == 1 else 'indices'}"


def _check_roles(name: str, group: list[Use]) -> None:
    """Refuse a name that is an index letter here and a number, or a list of labels, there."""
    for index in (use for use in group if use.role == "index"):
        for use in group:
            scalar = use.role == "tensor" and not use.order
            if (scalar and (name[0].isupper() or use.line == index.line)) or use.role == "labels":
                what = "a number" if scalar else "a tensor of labels"
                raise NotationError(
                    f"{name} is an index and also {what}",
                    mend="give one of the two another letter",
                    places=(use.place, index.place),
                )
    labels = next((use for use in group if use.role == "labels"), None)
    other = next((use for use in group if use.role == "tensor"), None)
    if labels and other:
        raise NotationError(
            f"{name} is a tensor of labels, so it cannot stand among the factors",
            mend="its entries are used as indices only; give the other tensor another name",
            places=(other.place, labels.place),
        )


def check_letters(slots: Iterable[Slot], where: str) -> None:
    """Refuse slots that are not different lower-case letters."""
    seen: dict[str, Span] = {}
    for slot in slots:
        if not isinstance(slot, Letter) or slot.is_label:
            what = _KINDS.get(type(slot)) or f"the label {getattr(slot, 'name', '')}"
            raise Mistake(
                f"{what} cannot stand {where}",
                slot.span,
                mend="write a lower-case letter: it stands for every value of the index"
                + ("; or declare it a multi-index" if isinstance(slot, Letter) else ""),
            )
        if slot.name in seen:
            raise Mistake(
                f"the index {slot.name} stands twice {where}",
                slot.span,
                seen[slot.name],
                mend="give every index a letter of its own",
            )
        seen[slot.name] = slot.span


def letters_of(
    uses: Iterable[Use], left: Sequence[Use], free: Sequence[frozenset[str]]
) -> dict[tuple[str, int], list[str]]:
    """For each axis the letters used for it, the preferred one first.

    Those of a definition come first, then those of dummies, then the free ones.
    """
    ranked: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for use in uses:
        for axis, letter in enumerate(use.letters):
            if letter:
                rank = 0 if use in left else 2 if letter in free[use.line] else 1
                ranked.setdefault((use.name, axis), []).append((rank, letter))
    return {
        axis: list(dict.fromkeys(letter for _, letter in sorted(pairs, key=lambda pair: pair[0])))
        for axis, pairs in ranked.items()
    }


def sizes_of_letters(uses: Iterable[Use], graph: Graph) -> dict[str, Expr]:
    """The size of each letter that runs over axes of one size only."""
    found: dict[str, set[Expr]] = {}
    for use in uses:
        for axis, letter in enumerate(use.letters):
            if letter:
                found.setdefault(letter, set()).add(graph.axis_size(use.name, axis))
    return {letter: sizes.pop() for letter, sizes in found.items() if len(sizes) == 1}


def places_of(subjects: Iterable[Subject], uses: Sequence[Use]) -> tuple[Place, ...]:
    """The places of the tensors and indices that an error is about."""
    found = (next((use for use in uses if _fits(use, subject)), None) for subject in subjects)
    return tuple(dict.fromkeys(use.place for use in found if use is not None))


def _fits(use: Use, subject: Subject) -> bool:
    return (
        use.name == subject.name
        and subject.equation in (None, use.line)
        and (subject.order in (None, use.order) or use.role == "index")
        and (subject.letter is None or subject.letter in (*use.letters, use.name))
    )
