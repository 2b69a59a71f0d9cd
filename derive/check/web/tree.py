"""What a side says: a small tree, in which every sum has its body and every index its letter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from derive.notation.source import Span

__all__ = [
    "Bind",
    "Call",
    "Compare",
    "Delta",
    "Derivative",
    "Letter",
    "Name",
    "Node",
    "Number",
    "Ones",
    "Power",
    "Product",
    "Slot",
    "Sum",
    "free_letters",
    "negated",
    "rebuilt",
    "renamed",
    "substituted",
    "walk",
]


@dataclass(frozen=True)
class Letter:
    """An index letter in a slot."""

    name: str


@dataclass(frozen=True)
class Slot:
    """What stands in one place of a subscript: letters, and the text between them."""

    parts: tuple[Letter | str, ...]

    @property
    def letter(self) -> str:
        """The letter that it is, if it is nothing else."""
        (only, *more) = self.parts
        return only.name if isinstance(only, Letter) and not more else ""


@dataclass(frozen=True)
class Node:
    """A part of a side."""

    span: Span = field(compare=False)


@dataclass(frozen=True)
class Number(Node):
    """A number."""

    text: str


@dataclass(frozen=True)
class Name(Node):
    """A tensor with its indices, or a scalar; `arguments` are what it was said to depend on."""

    name: str
    slots: tuple[Slot, ...] = ()
    arguments: tuple[Name, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Delta(Node):
    """The Kronecker delta."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Ones(Node):
    """The one-tensor."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Compare(Node):
    """1 where it holds, else 0; an index letter in it is a `Delta` or a slot in a `Name`."""

    sides: tuple[Node | Slot, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True)
class Sum(Node):
    """Terms, each to be added or subtracted."""

    terms: tuple[Node, ...]
    minus: tuple[bool, ...]


@dataclass(frozen=True)
class Product(Node):
    """Factors and divisors."""

    factors: tuple[Node, ...]
    divides: tuple[bool, ...]


@dataclass(frozen=True)
class Power(Node):
    """A base with an exponent."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Call(Node):
    """A function of the notation, or any smooth one; `primes` are derivatives."""

    function: str
    arguments: tuple[Node, ...]
    primes: int = 0


@dataclass(frozen=True)
class Bind(Node):
    """`Σ_j` and its like."""

    kind: str
    letters: tuple[str, ...]
    body: Node


@dataclass(frozen=True)
class Derivative(Node):
    """A derivative by a name, with the names that are held fixed."""

    function: Node
    variable: Node
    held: tuple[str, ...] = ()


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """The node with each of its children changed, slots among them."""
    values = {f.name: getattr(node, f.name) for f in fields(node)}
    changed = {name: _changed(value, change) for name, value in values.items()}
    return node if changed == values else replace(node, **changed)


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_changed(part, change) for part in value)
    return change(value) if isinstance(value, Node | Slot | Letter) else value


def walk(node: Any) -> Iterator[Any]:
    """The node and everything in it."""
    yield node
    for f in fields(node):
        value = getattr(node, f.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node | Slot | Letter):
                yield from walk(part)


def free_letters(node: Any) -> frozenset[str]:
    """The index letters in it that no sign in it binds."""
    if isinstance(node, Letter):
        return frozenset({node.name})
    found: set[str] = set()
    for f in fields(node):
        value = getattr(node, f.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node | Slot | Letter):
                found |= free_letters(part)
    return frozenset(found - set(node.letters) if isinstance(node, Bind) else found)


def renamed(node: Any, names: Mapping[str, str]) -> Any:
    """The node with other letters for free ones."""
    if isinstance(node, Letter):
        return Letter(names.get(node.name, node.name))
    if isinstance(node, Bind):
        names = {old: new for old, new in names.items() if old not in node.letters}
    return rebuilt(node, lambda part: renamed(part, names)) if names else node


def substituted(node: Any, values: Mapping[Name, Node]) -> Any:
    """The node with expressions in place of names."""
    if isinstance(node, Name) and (value := values.get(replace(node, arguments=()))) is not None:
        return value
    return rebuilt(node, lambda part: substituted(part, values))


def negated(node: Node) -> Node:
    """One minus the node: where a condition does not hold."""
    return Sum(node.span, (Number(node.span, "1"), node), (False, True))
