"""The syntax tree: what an expression says, before its indices are bound.

It is the same for every surface of the notation. Every node knows its place in the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

from derive.notation.source import Span

__all__ = [
    "Binder",
    "Call",
    "Choice",
    "Comparison",
    "Computed",
    "Constant",
    "Delta",
    "Derivative",
    "Entry",
    "Group",
    "Letter",
    "Named",
    "Node",
    "Number",
    "Ones",
    "Position",
    "Power",
    "Product",
    "Slot",
    "Sum",
    "choices_in",
    "letters_used",
    "rebuilt",
    "uses_of",
    "walk",
]


@dataclass(frozen=True)
class Letter:
    """An index letter in a slot; upper case is a label, unless it is declared a multi-index."""

    name: str
    span: Span
    is_multi: bool = False

    @property
    def is_label(self) -> bool:
        return self.name[0].isupper() and not self.is_multi

    @property
    def letters(self) -> tuple[Letter, ...]:
        return () if self.is_label else (self,)


@dataclass(frozen=True)
class Constant:
    """A number in a slot."""

    value: int
    span: Span
    letters: tuple[Letter, ...] = ()


@dataclass(frozen=True)
class Entry:
    """An entry of a tensor of labels in a slot, such as `T_b`."""

    name: str
    slots: tuple[Slot, ...]
    span: Span

    @property
    def letters(self) -> tuple[Letter, ...]:
        return tuple(letter for slot in self.slots for letter in slot.letters)


@dataclass(frozen=True)
class Computed:
    """Index arithmetic in a slot: `i + k`, `h D + d`, `n // D`, `n % D`.

    `operator` stands between all operands; `-` has two of them or, as a sign, one.
    """

    operator: str
    operands: tuple[Slot, ...]
    span: Span

    @property
    def letters(self) -> tuple[Letter, ...]:
        return tuple(letter for operand in self.operands for letter in operand.letters)


@dataclass(frozen=True)
class Choice:
    """The place of an extremum in a slot, such as `argmax_j(x_bj)`."""

    binder: Binder

    @property
    def span(self) -> Span:
        return self.binder.span

    @property
    def name(self) -> str:
        return self.binder.kind

    @property
    def letters(self) -> tuple[Letter, ...]:
        """The letters in it that it does not bind."""
        slots = [slot for part in walk(self.binder.body) for slot in part.own_slots]
        found = (letter for slot in slots for letter in slot.letters)
        return tuple(letter for letter in found if letter.name in self.binder.letters)

    @property
    def uses(self) -> tuple[Letter, ...]:
        """One use of each letter that it does not bind, however often it stands inside."""
        return tuple({letter.name: letter for letter in reversed(self.letters)}.values())


def uses_of(slot: Slot) -> Iterator[Letter]:
    """The letters in a slot, each once for the place of an extremum as a whole."""
    match slot:
        case Choice(uses=uses):
            yield from uses
        case Entry(slots=parts) | Computed(operands=parts):
            for part in parts:
                yield from uses_of(part)
        case _:
            yield from slot.letters


def choices_in(slot: Slot) -> Iterator[Choice]:
    """The places of extrema in a slot, those inside another left out."""
    match slot:
        case Choice():
            yield slot
        case Entry(slots=parts) | Computed(operands=parts):
            for part in parts:
                yield from choices_in(part)


Slot = Letter | Constant | Entry | Computed | Choice


@dataclass(frozen=True)
class Node:
    """A part of an expression.

    `letters` are the names of the index letters in it, those left out that it binds, and labels;
    `depth` is the longest way down to a leaf.
    """

    span: Span
    letters: frozenset[str] = field(init=False, repr=False, compare=False)
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        inside = [child.letters for child in self.children]
        own = (letter.name for slot in self.own_slots for letter in slot.letters)
        letters = frozenset(own).union(*inside) - self.bound
        object.__setattr__(self, "letters", letters)
        depth = 1 + max((child.depth for child in self.children), default=0)
        object.__setattr__(self, "depth", depth)

    @property
    def children(self) -> tuple[Node, ...]:
        return ()

    @property
    def own_slots(self) -> tuple[Slot, ...]:
        return ()

    @property
    def bound(self) -> frozenset[str]:
        """The letters that mean nothing outside of it."""
        return frozenset()


@dataclass(frozen=True)
class Number(Node):
    """A number."""

    value: Fraction


@dataclass(frozen=True)
class _Leaf(Node):
    slots: tuple[Slot, ...]

    @property
    def own_slots(self) -> tuple[Slot, ...]:
        return self.slots

    @property
    def children(self) -> tuple[Node, ...]:
        return tuple(slot.binder for slot in self.slots if isinstance(slot, Choice))


@dataclass(frozen=True)
class Named(_Leaf):
    """A tensor with its indices, or a scalar."""

    name: str


@dataclass(frozen=True)
class Ones(_Leaf):
    """The one-tensor: `1_j`, or several at once as in `1_{ij}`."""


@dataclass(frozen=True)
class Delta(_Leaf):
    """The Kronecker delta."""


@dataclass(frozen=True)
class Position(_Leaf):
    """The place at which an index stands, counted from 0: a number, in a comparison."""


@dataclass(frozen=True)
class Comparison(Node):
    """`[a < b]`: 1 where it holds, else 0; `[a < b < c]` is `[a < b] [b < c]`.

    There is one relation between each two sides: `<`, `<=`, `>`, `>=`, `=` or `!=`.
    """

    sides: tuple[Node, ...]
    relations: tuple[str, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.sides


@dataclass(frozen=True)
class Group(Node):
    """Something in brackets."""

    inner: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.inner,)


@dataclass(frozen=True)
class Call(Node):
    """A function applied to its arguments; `sqrt` is one."""

    function: str
    arguments: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True)
class Binder(Node):
    """`Σ_j` and its like: all over the values of the letters, which it binds in its body alone."""

    kind: str
    slots: tuple[Letter, ...]
    body: Node

    @property
    def is_place(self) -> bool:
        """Whether it is an index, such as `argmax_j(x_j)`."""
        return self.kind.startswith("arg")

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.body,)

    @property
    def own_slots(self) -> tuple[Slot, ...]:
        return self.slots

    @property
    def bound(self) -> frozenset[str]:
        return frozenset(letter.name for letter in self.slots)


@dataclass(frozen=True)
class Power(Node):
    """A base with an exponent."""

    base: Node
    exponent: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.base, self.exponent)


@dataclass(frozen=True)
class Product(Node):
    """Factors and divisors in the order they stand; `divides` tells which are divisors."""

    factors: tuple[Node, ...]
    divides: tuple[bool, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.factors


@dataclass(frozen=True)
class Sum(Node):
    """Terms, each to be added or subtracted; a single term may have a minus sign."""

    terms: tuple[Node, ...]
    minus: tuple[bool, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.terms


@dataclass(frozen=True)
class Derivative(Node):
    """`∂f/∂x_n`, with the names that are held fixed."""

    numerator: Node
    denominator: Node
    held: tuple[str, ...] = ()

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.numerator, self.denominator)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def letters_used(node: Node) -> frozenset[str]:
    """The names of all index letters in it, those that it binds among them."""
    slots = (slot for part in walk(node) for slot in part.own_slots)
    return frozenset(letter.name for slot in slots for letter in slot.letters)


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with each of its children changed."""
    values = {f.name: getattr(node, f.name) for f in fields(node) if f.init}
    changed = {name: _changed(value, change) for name, value in values.items()}
    return node if changed == values else replace(node, **changed)


def _changed(value: Any, change: Callable[[Node], Node]) -> Any:
    if isinstance(value, tuple):
        return tuple(_changed(part, change) for part in value)
    if isinstance(value, Choice):
        return Choice(replace(value.binder, body=change(value.binder.body)))
    return change(value) if isinstance(value, Node) else value
