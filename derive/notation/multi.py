"""Multi-indices in the text: the letters that are declared to stand for any number of axes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from sympy import Expr

from derive.errors import NotationError
from derive.expressions import Graph, Shape
from derive.expressions.multi import is_declared
from derive.notation.census import Use
from derive.notation.source import Mistake, Span, did_you_mean, normalise
from derive.notation.subscripts import run, spelled
from derive.notation.syntax import (
    Comparison,
    Computed,
    Entry,
    Letter,
    Named,
    Node,
    Slot,
    rebuilt,
    walk,
)

__all__ = ["check_declared", "check_ranks", "declared_letters", "shapes", "with_multi_indices"]


def declared_letters(multi: Iterable[str]) -> tuple[str, ...]:
    """The declared letters in one spelling, each once."""
    if isinstance(multi, str):
        raise NotationError(
            f"the declaration of multi-indices is the text {multi!r:.40}",
            mend='give a list of letters, as in ["A", "C"]',
        )
    return tuple(dict.fromkeys(map(_checked, multi)))


def check_declared(letters: Iterable[str], uses: Iterable[Use]) -> None:
    """Refuse a letter that is declared, and that no equation uses."""
    used = {use.name.rstrip("'") for use in uses if use.role == "index"}
    for letter in letters:
        if letter not in used:
            near = did_you_mean(letter, used)
            raise NotationError(
                f"{letter} is declared a multi-index, but is no index in the equations",
                mend=near or "use it, or leave it out of the declaration",
            )


def shapes(letters: Iterable[str], multi: Collection[str]) -> dict[str, Expr]:
    """For the multi-indices among letters a size that tells them from single indices."""
    return {letter: Shape(letter) for letter in letters if is_declared(letter, multi)}


def _checked(given: object) -> str:
    letter = spelled(normalise(given)) if isinstance(given, str) else ""
    if len(run(letter, 0)) != 1 or not letter[0].isalpha() or "'" in letter:
        raise NotationError(
            f"{given!r:.40} cannot be declared a multi-index",
            mend="a multi-index is one letter without primes",
        )
    return letter


def with_multi_indices(node: Node, multi: Collection[str]) -> Node:
    """The tree with the declared letters in its slots made multi-indices.

    Raises
    ------
    Mistake : a multi-index is compared, or an index is computed from it.
    """
    if not multi:
        return node
    if isinstance(node, Comparison):
        for part in walk(node):
            if isinstance(part, Named) and not part.slots and is_declared(part.name, multi):
                raise _no_number(part.name, part.span)
    node = rebuilt(node, lambda child: with_multi_indices(child, multi))
    if not node.own_slots:
        return node
    return replace(node, slots=tuple(_declared(slot, multi) for slot in node.own_slots))  # type: ignore[call-arg]


def _declared(slot: Slot, multi: Collection[str]) -> Slot:
    if isinstance(slot, Letter):
        return replace(slot, is_multi=is_declared(slot.name, multi))
    if isinstance(slot, Entry):
        return replace(slot, slots=tuple(_declared(inner, multi) for inner in slot.slots))
    if isinstance(slot, Computed):
        for letter in _letters_in(slot):
            if is_declared(letter.name, multi):
                raise _no_number(letter.name, letter.span)
    return slot


def _letters_in(slot: Slot) -> Iterator[Letter]:
    """The letters from which an index is computed, labels too."""
    if isinstance(slot, Letter):
        yield slot
    for operand in slot.operands if isinstance(slot, Computed) else ():
        yield from _letters_in(operand)


def _no_number(letter: str, span: Span) -> Mistake:
    return Mistake(
        f"the multi-index {letter} stands where a number should",
        span,
        mend="it stands for any number of axes, so that nothing can be computed from it",
    )


def check_ranks(uses: Iterable[Use], graph: Graph) -> None:
    """Refuse an axis of a multi-index over which something else runs, and the reverse."""
    for use in uses if graph.multi else ():
        for axis, letter in enumerate(use.letters if use.name in graph.arity else ()):
            several = isinstance(graph.axis_size(use.name, axis), Shape)
            if several != is_declared(letter, graph.multi):
                raise _clash(use, axis, letter, several=several)


def _clash(use: Use, axis: int, letter: str, *, several: bool) -> NotationError:
    where = f"axis {axis + 1} of {use.name}"
    single = f"the index {letter}" if letter else "a constant"
    return NotationError(
        f"elsewhere a multi-index runs over {where}, and here {single} stands there"
        if several
        else f"the multi-index {letter} stands for {where}, over which a single index runs",
        mend="a multi-index stands for any number of axes; only another one can run over these",
        places=(use.place,),
    )
