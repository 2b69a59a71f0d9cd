"""Mathematics on paper: what is printed in which order, before it is text or LaTeX.

A layout is made from an expression once (`derive.notation.arrange`); a surface turns it into
characters. The nodes know signs, fractions, roots and letters, and neither bound indices nor
SymPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

__all__ = [
    "Apply",
    "Comparison",
    "Delta",
    "Derivative",
    "Division",
    "Exponential",
    "Fraction",
    "Group",
    "Letter",
    "Node",
    "Number",
    "OneTensor",
    "Power",
    "Product",
    "Reduction",
    "Root",
    "Sum",
    "Summation",
    "Symbol",
    "Term",
    "has",
    "is_computed",
    "is_open",
    "letters_in",
    "named_letters",
    "walk",
]


@dataclass(frozen=True)
class Node:
    """A part of a formula."""

    @property
    def parts(self) -> tuple[Node, ...]:
        """The parts it is made of, in reading order."""
        values = [getattr(self, field.name) for field in fields(self)]
        spread = [value if isinstance(value, tuple) else (value,) for value in values]
        return tuple(part for value in spread for part in value if isinstance(part, Node))


@dataclass(frozen=True)
class Number(Node):
    """A whole number, zero or more."""

    value: int


@dataclass(frozen=True)
class Letter(Node):
    """An index."""

    name: str


@dataclass(frozen=True)
class Symbol(Node):
    """A tensor with what stands in its slots; a scalar or a size when there are none."""

    name: str
    slots: tuple[Node, ...] = ()


@dataclass(frozen=True)
class OneTensor(Node):
    """`1_j`."""

    index: Node


@dataclass(frozen=True)
class Delta(Node):
    """A Kronecker delta, its indices in the order they are printed."""

    slots: tuple[Node, Node]


@dataclass(frozen=True)
class Comparison(Node):
    """`[a ≤ b < c]`: sides with `<`, `≤`, `=`, `≠`, `>` or `≥` between them."""

    sides: tuple[Node, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True)
class Derivative(Node):
    """`∂f/∂x` with the names that are held fixed."""

    function: Node
    variable: Node
    held: tuple[str, ...] = ()

    @property
    def repeated(self) -> tuple[Node, tuple[Node, ...]]:
        """What is differentiated in the end, and the tensors of a second derivative.

        A derivative of a derivative has a fraction line of its own unless each is by a tensor
        with nothing held fixed.
        """
        inner = self.function
        plain = isinstance(inner, Derivative) and not isinstance(inner.function, Derivative)
        if not (plain and isinstance(inner, Derivative)) or self.held or inner.held:
            return self.function, (self.variable,)
        if not (isinstance(self.variable, Symbol) and isinstance(inner.variable, Symbol)):
            return self.function, (self.variable,)
        return inner.function, (self.variable, inner.variable)


@dataclass(frozen=True)
class Apply(Node):
    """A function other than the exponential, by its name in text and its LaTeX command.

    In LaTeX `fences` stand around the arguments; they may be left out before a single symbol
    if the command is an `operator`.
    """

    name: str
    command: str
    arguments: tuple[Node, ...]
    fences: tuple[str, str] = ("(", ")")
    operator: bool = True


@dataclass(frozen=True)
class Summation(Node):
    """A sum sign with its letters, and what it reaches over."""

    letters: tuple[Node, ...]
    body: Node


@dataclass(frozen=True)
class Reduction(Node):
    """Another reduction over the letters, such as `max_j`, by its name in text, and its body."""

    name: str
    command: str
    letters: tuple[Node, ...]
    body: Node


@dataclass(frozen=True)
class Exponential(Node):
    """e to the power of `exponent`."""

    exponent: Node


@dataclass(frozen=True)
class Power(Node):
    """A base with an exponent that is not a half."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Root(Node):
    """A square root."""

    radicand: Node


@dataclass(frozen=True)
class Fraction(Node):
    """A numerator over a denominator."""

    numerator: Node
    denominator: Node


@dataclass(frozen=True)
class Product(Node):
    """Two or more factors side by side."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Term(Node):
    """A term of a sum with its sign."""

    negative: bool
    node: Node


@dataclass(frozen=True)
class Sum(Node):
    """Terms with their signs; a single one where a negative thing stands alone."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Division(Node):
    """A quotient `n // D` or a remainder `n % D` in index arithmetic."""

    sign: str
    dividend: Node
    divisor: Node


@dataclass(frozen=True)
class Group(Node):
    """Something that keeps its parentheses on every surface."""

    inner: Node


def walk(node: Node) -> Iterator[Node]:
    """The node and all that it is made of, in reading order."""
    yield node
    for part in node.parts:
        yield from walk(part)


def letters_in(node: Node) -> frozenset[str]:
    """The index letters that stand in it."""
    return frozenset(part.name for part in walk(node) if isinstance(part, Letter))


def is_open(node: Node) -> bool:
    """Whether a factor behind it would be read into it, as behind a sum without brackets."""
    if isinstance(node, Product):
        return is_open(node.factors[-1])
    return isinstance(node, Summation)


def named_letters(node: Node) -> frozenset[str]:
    """The letters that signs in it bind, and that mean nothing outside of them."""
    signs = (part for part in walk(node) if isinstance(part, Summation | Reduction))
    return frozenset().union(*(letters_in(letter) for sign in signs for letter in sign.letters))


def has(node: Node, *kinds: type[Node]) -> bool:
    """Whether it is or holds a node of one of the kinds."""
    return any(isinstance(part, kinds) for part in walk(node))


def is_computed(slot: Node) -> bool:
    """Whether a slot holds index arithmetic, so that a comma has to tell it from its neighbours."""
    return isinstance(slot, Sum | Product | Division)
