"""Equations in parts: what defines, abbreviates or relates, and which name it defines."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sympy import Expr

from derive.errors import NotationError
from derive.expressions import Equation, Index, Kind, inverse_relation, tensor
from derive.notation.census import Use, check_letters
from derive.notation.comparisons import equals_signs
from derive.notation.names import INVERSE
from derive.notation.parse import parse
from derive.notation.source import Mistake, Source, Span
from derive.notation.subscripts import name_in_text
from derive.notation.syntax import (
    Call,
    Derivative,
    Group,
    Letter,
    Named,
    Node,
    Number,
    Power,
    Product,
    Sum,
    walk,
)

__all__ = ["Statement", "inverses_used", "own_letters", "statement"]

SPARE = "ijklmnpqrtuvwabcdfgh"

_FOR = re.compile(r"(?<=\s)for\s+(?P<name>\S.*?)\s*$")


@dataclass(frozen=True)
class Statement:
    """One equation in parts; the left side of a definition or an abbreviation is `Named`."""

    source: Source
    kind: Kind
    left: Node
    right: Node
    defined: Named

    @property
    def name(self) -> str:
        return self.defined.name

    @property
    def free(self) -> frozenset[str]:
        """The letters that are free in the equation."""
        if self.kind == "relation":
            return _free_letters(self.left, self.right)
        return self.left.letters


def statement(source: Source, known: Collection[str], multi: Collection[str] = ()) -> Statement:
    """Parse one equation; `multi` are the letters of multi-indices."""
    text = source.text
    with source.reading():
        (start, end), abbreviates = _equals_sign(text)
        wanted = _FOR.search(text, end)
        right = parse(text, (end, wanted.start() if wanted else len(text)), known, multi)
        left = parse(text, (0, start), known, multi)
        for node in (*walk(left), *walk(right)):
            if isinstance(node, Derivative):
                raise Mistake(
                    "a derivative cannot stand in an equation",
                    node.span,
                    mend="what is to be derived is a goal, not an equation",
                )
        if wanted is None:
            kind: Kind = "abbreviation" if abbreviates else "definition"
            named = _left_side(left)
            return Statement(source, kind, named, right, named)
        if abbreviates:
            raise Mistake(
                "an abbreviation is not solved for a name", wanted.span(), mend="write `=` for `:=`"
            )
        return _solved_for(source, left, right, wanted)


def _equals_sign(text: str) -> tuple[Span, bool]:
    """Where the equals sign stands, and whether it is that of an abbreviation."""
    signs = equals_signs(text)
    if not signs:
        raise Mistake(
            "an equation has an equals sign",
            (0, len(text)),
            mend="write `name = …` to define, or `name := …` to abbreviate",
        )
    if len(signs) > 1:
        raise Mistake(
            "one equation has one equals sign",
            *(sign.span() for sign in reversed(signs[:2])),
            mend="separate equations by `;` or put them on lines of their own",
        )
    return signs[0].span(), signs[0].group() == ":="


def _solved_for(source: Source, left: Node, right: Node, wanted: re.Match[str]) -> Statement:
    """An equation with `for NAME` behind it: a relation, or a definition that says so."""
    name = name_in_text(wanted["name"], wanted.span("name"))
    found = [
        node
        for side in (left, right)
        for node in walk(side)
        if isinstance(node, Named) and node.name == name
    ]
    if not found:
        raise Mistake(
            f"{name} does not stand in the relation that is to define it",
            wanted.span("name"),
            mend="write `for` and the name of a tensor in the relation",
        )
    if len(found) == 1 and found[0] is left:
        return Statement(source, "definition", _left_side(left), right, found[0])
    return Statement(source, "relation", left, right, found[0])


def _left_side(node: Node) -> Named:
    """The left-hand side of a definition, which is a tensor with different letters."""
    if not isinstance(node, Named):
        raise Mistake(
            "the left-hand side is not a name",
            node.span,
            mend="an equation defines one tensor, as in `s_i = …`; a relation ends with the one "
            "that it is to be solved for, as in `y_i^3 + y_i = x_i for y`",
        )
    check_letters(node.slots, "on the left-hand side of an equation")
    return node


# Which letters of a relation are free -----------------------------------------------------------


def _free_letters(left: Node, right: Node) -> frozenset[str]:
    """The letters for whose every value the relation holds.

    They stand on both sides, and once in a term of one of them; any other is a dummy. The number
    zero stands for all its indices.
    """
    shared = left.letters & right.letters
    if _is_zero(left) or _is_zero(right):
        shared = left.letters | right.letters
    return frozenset(c for c in shared if _stands_alone(left, c) or _stands_alone(right, c))


def _is_zero(node: Node) -> bool:
    return isinstance(node, Number) and node.value == 0


def _stands_alone(node: Node, letter: str) -> bool:
    """Whether the letter stands once in a term of the node, so that no sum is over it."""
    if letter not in node.letters:
        return False
    if isinstance(node, Sum):
        return any(_stands_alone(term, letter) for term in node.terms)
    if isinstance(node, Product | Power | Group | Call):
        holders = [child for child in node.children if letter in child.letters]
        return len(holders) == 1 and _stands_alone(holders[0], letter)
    return [own.name for slot in node.own_slots for own in slot.letters].count(letter) == 1


def own_letters(node: Named) -> list[str]:
    """A different letter for each index of a tensor, its own where it has them."""
    letters: list[str] = []
    for slot in node.slots:
        own = [slot.name] if isinstance(slot, Letter) and not slot.is_label else []
        letters.append(next(c for c in (*own, *SPARE) if c not in letters))
    return letters


def inverses_used(uses: Iterable[Use], defined: Collection[str]) -> list[Equation]:
    """The relations of the inverses such as `A⁻¹` that stand in equations and have none."""
    wanted: dict[str, Use] = {}
    for use in uses:
        if use.name.endswith(INVERSE) and use.name not in defined:
            wanted.setdefault(use.name, use)
    return [_inverse(use) for use in wanted.values()]


def _inverse(use: Use) -> Equation:
    """The relation `δ_ij = A_ik A⁻¹_kj`, with leading indices of a batch."""
    if use.order < 2:
        raise NotationError(
            f"{use.name} is an inverse, which has two indices or more",
            mend="write `1/a` for the inverse of a number",
            places=(use.place,),
        )
    letters: list[str] = []
    for own in use.letters:
        letters.append(next(c for c in (own, *SPARE) if c and c not in letters))
    *batch, row, column = map(Index, letters)
    name = use.name.removesuffix(INVERSE)
    matrix: Expr = tensor(name, *batch, row, column)
    return inverse_relation(use.name, matrix, row, column, batch)
