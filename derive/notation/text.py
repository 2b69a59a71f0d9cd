"""The plain-text surface, in Unicode or ASCII."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any

from derive.notation.layout import (
    Apply,
    Comparison,
    Delta,
    Derivative,
    Division,
    Exponential,
    Fraction,
    Group,
    Letter,
    Node,
    Number,
    OneTensor,
    Power,
    Product,
    Reduction,
    Root,
    Sum,
    Summation,
    Symbol,
    is_open,
)
from derive.notation.names import GREEK, ascii_name

__all__ = ["ASCII", "UNICODE", "Text"]

# A run of indices that spells one of these would be taken for a single index.
_GREEK_NAMES = frozenset(name for name in GREEK.values() if len(name) > 3)
_ASCII = {"≤": "<=", "≥": ">=", "≠": "!="}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Text:
    """A spelling of layouts as text; a call renders one."""

    name: Callable[[str], str]
    partial: str
    second: str
    space: str
    delta: str
    minus: str
    root: str
    times: str
    sum: str
    superscripts: bool
    relations: Mapping[str, str]

    def __call__(self, node: Node) -> str:
        return self.render(node)

    @singledispatchmethod
    def render(self, node: Node) -> str:
        """The text of a layout, without parentheses around it."""
        raise TypeError(f"no text for {type(node).__name__}")

    @render.register
    def _(self, node: Number) -> str:
        return str(node.value)

    @render.register
    def _(self, node: Letter) -> str:
        return self.name(node.name)

    @render.register
    def _(self, node: Symbol) -> str:
        return self.name(node.name) + self.subscript(node.slots)

    @render.register
    def _(self, node: OneTensor) -> str:
        return "1" + self.subscript((node.index,))

    @render.register
    def _(self, node: Delta) -> str:
        return self.delta + self.subscript(node.slots)

    @render.register
    def _(self, node: Derivative) -> str:
        function, variables = node.repeated
        above = self._enclosed(function, Sum, Product, Fraction, Derivative, Summation)
        below = self.space.join(self.partial + self._variable(node) for node in variables)
        names = [self.name(name) for name in node.held]
        held = f"|_{names[0]}" if len(names) == 1 else f"|_{{{','.join(names)}}}" if names else ""
        sign = self.partial if len(variables) == 1 else self.second
        return f"{sign}{above}/{below}{held}"

    def _variable(self, node: Node) -> str:
        return self(node) if isinstance(node, Symbol) else f"({self(node)})"

    @render.register
    def _(self, node: Apply) -> str:
        name = node.name if "_" in node.name else self.name(node.name)
        return f"{name}({', '.join(map(self, node.arguments))})"

    @render.register
    def _(self, node: Comparison) -> str:
        first, *others = map(self, node.sides)
        signs = (self.relations.get(relation, relation) for relation in node.relations)
        inner = "".join(f" {s} {side}" for s, side in zip(signs, others, strict=True))
        return f"[{first}{inner}]"

    @render.register
    def _(self, node: Summation) -> str:
        return f"{self.sum}{self.subscript(node.letters)} {self._factor(node.body)}"

    @render.register
    def _(self, node: Reduction) -> str:
        return f"{node.name}{self.subscript(node.letters)}({self(node.body)})"

    @render.register
    def _(self, node: Exponential) -> str:
        return f"exp({self(node.exponent)})"

    @render.register
    def _(self, node: Root) -> str:
        return f"{self.root}({self(node.radicand)})"

    @render.register
    def _(self, node: Group) -> str:
        return f"({self(node.inner)})"

    @render.register
    def _(self, node: Power) -> str:
        base = self._atom(node.base)
        if self.superscripts and isinstance(node.exponent, Number):
            return base + str(node.exponent.value).translate(_SUPERSCRIPTS)
        bare = isinstance(node.exponent, Number) or node.exponent.parts == ()
        return f"{base}^{self(node.exponent)}" if bare else f"{base}^({self(node.exponent)})"

    @render.register
    def _(self, node: Fraction) -> str:
        above = node.numerator
        last = above.factors[-1] if isinstance(above, Product) else above
        enclosed = isinstance(above, Fraction) or is_open(above)
        text = f"({self(above)})" if enclosed else self._factor(above)
        if isinstance(last, Derivative) and not isinstance(above, Product):
            text = f"({text})"
        return f"{text}/{self._below(node.denominator)}"

    @render.register
    def _(self, node: Product) -> str:
        *first, last = node.factors
        # A division ends a product, so that nobody asks how far its denominator goes.
        closed = isinstance(last, Fraction) and not _continues(last)
        texts = [self._enclosed(factor, Sum, Fraction, Summation) for factor in first]
        texts.append(f"({self(last)})" if closed else self._factor(last))
        # A number behind a space would look like part of the factor before it.
        signs = [
            f" {self.times} " if text[0].isdigit() and text[:2] != "1_" else " " for text in texts
        ]
        return texts[0] + "".join(s + text for s, text in zip(signs[1:], texts[1:], strict=True))

    @render.register
    def _(self, node: Sum) -> str:
        first, *others = node.terms
        text = (self.minus if first.negative else "") + self._factor(first.node)
        for term in others:
            text += f" {self.minus if term.negative else '+'} {self._factor(term.node)}"
        return text

    @render.register
    def _(self, node: Division) -> str:
        return f"{self._digit(node.dividend)}{node.sign}{self._digit(node.divisor)}"

    def slot(self, node: Node) -> str:
        """A slot, index arithmetic without spaces: `2i+k`, `h·D+d`."""
        if not isinstance(node, Sum):
            return self._slot_factor(node)
        text = ""
        for term in node.terms:
            sign = "-" if term.negative else "+" if text else ""
            factors: tuple[Node, ...] = getattr(term.node, "factors", ())
            # Beside another term a number may stand against its index.
            kinds = tuple(map(type, factors))
            close = kinds == (Number, Letter) and len(node.terms) > 1
            shown = "".join(map(self, factors)) if close else self._slot_factor(term.node)
            text += sign + shown
        return text

    def _slot_factor(self, node: Node) -> str:
        if isinstance(node, Product):
            return self.times.join(map(self._digit, node.factors))
        return self._digit(node) if isinstance(node, Sum) else self(node)

    def _digit(self, node: Node) -> str:
        """A part of index arithmetic beside an operator."""
        computed = isinstance(node, Sum | Product | Division)
        return f"({self.slot(node)})" if computed else self(node)

    def subscript(self, slots: tuple[Node, ...]) -> str:
        """The indices of a tensor: run together where each is one letter."""
        texts = [self.slot(slot) for slot in slots]
        run = "".join(texts)
        if run in _GREEK_NAMES:
            return f"_{{{','.join(texts)}}}"
        if all(len(text) == 1 and text.isalpha() for text in texts):
            return f"_{run}" if texts else ""
        return f"_{{{','.join(texts)}}}"

    def _enclosed(self, node: Node, *kinds: type[Node]) -> str:
        return f"({self(node)})" if isinstance(node, kinds) else self(node)

    def _factor(self, node: Node) -> str:
        return self._enclosed(node, Sum)

    def _atom(self, node: Node) -> str:
        """Something that an operator may be written against."""
        return self._enclosed(node, Sum, Product, Fraction, Derivative, Power, Summation)

    def _below(self, node: Node) -> str:
        kinds: Any = (Sum, Product, Fraction, Derivative, Summation)
        return self._enclosed(node, *kinds)


def _continues(fraction: Fraction) -> bool:
    """Whether the fraction may end a product without parentheses: `a b/c`."""
    return not isinstance(fraction.numerator, Number | Fraction | Sum | Derivative)


UNICODE = Text(str, "∂", "∂²", "", "δ", "−", "√", "·", "Σ", superscripts=True, relations={})
ASCII = Text(
    ascii_name,
    "d ",
    "d2 ",
    " ",
    "delta",
    "-",
    "sqrt",
    "*",
    "sum",
    superscripts=False,
    relations=_ASCII,
)
