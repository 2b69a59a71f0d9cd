"""From lark's reductions to the syntax tree of the plain-text surface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

from lark import Token, Transformer

from derive.expressions import ELEMENTARY
from derive.notation.reductions import RESERVED
from derive.notation.source import Mistake, Span
from derive.notation.subscripts import (
    Item,
    Subscript,
    ends,
    factors,
    listed,
    name_in_text,
    place,
    run,
    slots_of,
    span_of,
)
from derive.notation.syntax import (
    Binder,
    Call,
    Choice,
    Comparison,
    Delta,
    Derivative,
    Group,
    Letter,
    Named,
    Node,
    Number,
    Ones,
    Power,
    Product,
    Slot,
    Sum,
)

N = TypeVar("N", bound=Node)

__all__ = ["FUNCTIONS", "Builder"]

SPELLINGS = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
FUNCTIONS = {**{name: name for name in ELEMENTARY}, **SPELLINGS, "sqrt": "sqrt", "√": "sqrt"}
"""How a function is written, and its name in the syntax tree."""


# Bounds on what a person writes; beyond them arithmetic would take long.
MOST_DEPTH = 100
MOST_DIGITS = 40

# Other spellings of a relation.
_RELATIONS = {"≤": "<=", "≦": "<=", "⩽": "<=", "≥": ">=", "≧": ">=", "⩾": ">="}
_RELATIONS |= {"==": "=", "≠": "!="}

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")


@dataclass(frozen=True)
class _Fixed:
    """A factor with `|_s` behind it, until it is known to end a derivative."""

    node: Node
    held: tuple[str, ...]
    span: Span


class Builder(Transformer[Token, Any]):
    """One method for each rule of the grammar."""

    def sum(self, children: list[Any]) -> Node:
        signs = children if isinstance(children[0], Token) else [None, *children]
        minus = tuple(sign is not None and str(sign) != "+" for sign in signs[::2])
        terms = tuple(signs[1::2])
        if len(terms) == 1 and not minus[0]:
            return terms[0]
        return _bounded(Sum(span_of(children), terms, minus))

    def product(self, children: list[Any]) -> Node:
        factors = _derivatives(_operators(children))
        _check_neighbours(factors)
        if len(factors) == 1:
            return factors[0][1]
        divides = tuple(operator == "/" for operator, _ in factors)
        return _bounded(Product(span_of(children), tuple(f for _, f in factors), divides))

    def item(self, children: list[Any]) -> Node | _Fixed:
        if len(children) == 1:
            return children[0]
        node, held = children
        span = span_of([node, *held])
        names = tuple(name_in_text(str(t), ends(t)) for t in held if t.type in ("NAME", "INVERSE"))
        if isinstance(node, Derivative):
            return replace(node, held=names, span=span)
        return _Fixed(node, names, span)

    def held(self, children: list[Token]) -> list[Token]:
        return children

    def partial(self, children: list[Any]) -> Node:
        return Derivative(span_of(children), children[1], children[4])

    def second(self, children: list[Any]) -> Node:
        order = children[1] if children[1].type == "SUPERSCRIPT" else children[2]
        if str(order).translate(_SUPERSCRIPT) != "2":
            raise Mistake(
                "a derivative by two tensors is a second derivative",
                ends(order),
                mend="write `∂²c/∂x_m∂x_n`",
            )
        numerator, outer, inner = [child for child in children if isinstance(child, Node)]
        return _second(span_of(children), numerator, outer, inner)

    def prefix(self, children: list[Any]) -> Node:
        word, argument = children
        if word == "√" and isinstance(argument, Power):
            raise Mistake(
                "it is not clear whether the root or the power comes first",
                span_of(children),
                mend="write `√(…^n)` or `(√…)^n`",
            )
        return _call(span_of(children), word, (argument,))

    def call(self, children: list[Any]) -> Node:
        return _call(span_of(children), children[0], tuple(children[2::2]))

    def summation(self, children: list[Any]) -> Node:
        _, subscript, body = children
        return _bounded(Binder(span_of(children), "sum", _letters(subscript), body))

    def reduction(self, children: list[Any]) -> Node:
        word, subscript, *_, body = children[:4]
        return _reduction(word, subscript, body, span_of(children))

    def reduction_of(self, children: list[Any]) -> Node:
        word, subscript, body = children
        return _reduction(word, subscript, body, span_of(children))

    def choice(self, children: list[Any]) -> list[Any]:
        word, subscript, _, body, _ = children
        return [Choice(_reduction(word, subscript, body, span_of(children)))]

    def power(self, children: list[Any]) -> Node:
        base, *rest = children
        if not rest:
            return base
        exponent = rest[-1]
        if isinstance(exponent, Token):
            digits = exponent.translate(_SUPERSCRIPT)
            exponent = _number(digits.lstrip("+-"), ends(exponent), negative=digits[0] == "-")
        return _bounded(Power(span_of(children), base, exponent))

    def exponent(self, children: list[Any]) -> Node:
        if len(children) == 1:
            return children[0]
        if len(children) == 2:
            return Sum(span_of(children), (children[1],), (str(children[0]) != "+",))
        return Group(span_of(children), children[1])

    def group(self, children: list[Any]) -> Node:
        return _bounded(Group(span_of(children), children[1]))

    def comparison(self, children: list[Any]) -> Node:
        sides = tuple(children[1::2])
        relations = tuple(_RELATIONS.get(str(sign), str(sign)) for sign in children[2:-1:2])
        return _bounded(Comparison(span_of(children), sides, relations))

    def number(self, children: list[Token]) -> Node:
        return _number(str(children[0]), span_of(children))

    def tensor(self, children: list[Any]) -> Node:
        span = span_of(children)
        name = name_in_text(str(children[0]), ends(children[0]))
        slots = slots_of(children[1:])
        if name in RESERVED and slots:
            raise _misplaced(name, span)
        if name != "δ":
            return Named(span, slots, name)
        if len(slots) != 2:
            raise Mistake(
                f"δ has two indices, and here it has {len(slots)}",
                span,
                mend="write `δ_ij`; another tensor needs another name",
            )
        return Delta(span, slots)

    def ones(self, children: list[Any]) -> Node:
        return Ones(span_of(children), slots_of(children[1:]))

    def subscript(self, children: list[Any]) -> Subscript:
        span = span_of(children)
        if children[0].type == "RUN":
            return Subscript(run(str(children[0])[1:], span[0] + 1), span)
        if len(children) == 2:
            raise Mistake("the subscript is empty", span, mend="write an index letter after `_`")
        return Subscript(listed(children[1]), span)

    def slots(self, children: list[Any]) -> list[Item]:
        places = (child for child in children if not isinstance(child, Token))
        return [item for place in places for item in place]

    def place(self, children: list[Any]) -> list[Item]:
        return place(children)

    def digits(self, children: list[Any]) -> list[Any]:
        return children

    def bracket(self, children: list[Any]) -> Slot:
        return factors(children[1])

    def slot(self, children: list[Any]) -> list[Any]:
        return children


def _call(span: Span, word: Token, arguments: tuple[Node, ...]) -> Node:
    name = FUNCTIONS.get(word, str(word))
    arity = ELEMENTARY[name].arity if name in ELEMENTARY else 1
    if len(arguments) != arity:
        letters = ", ".join("abc"[:arity])
        raise Mistake(
            f"{word} has {arity} argument{'s' * (arity > 1)}, and here it has {len(arguments)}",
            span,
            mend=f"write `{word}({letters})`",
        )
    return _bounded(Call(span, name, arguments))


def _misplaced(name: str, span: Span) -> Mistake:
    """A sign stands where its name would be that of a tensor."""
    mend = f"put it in brackets; a tensor with indices needs another name than {name}"
    return Mistake(f"the sign of {RESERVED[name]} cannot stand here", span, mend=mend)


def _reduction(word: str, subscript: Subscript, body: Node, span: Span) -> Binder:
    """A reduction, whose letters occur in what is reduced."""
    kind = "prod" if word in ("∏", "Π") else str(word)
    letters = _letters(subscript)
    if kind.startswith("arg") and len(letters) > 1:
        raise Mistake(f"`{kind}` is one index", letters[1].span, mend="write one for each letter")
    if kind.endswith("det") and len(letters) != 2:
        raise Mistake(
            f"`{kind}` is taken over the two indices of a matrix, and here it has {len(letters)}",
            subscript.span,
            mend=f"write `{kind}_ij(x_ij)`",
        )
    return _bounded(Binder(span, kind, letters, body))


def _letters(subscript: Subscript) -> tuple[Letter, ...]:
    """The letters behind a sum sign or the like, which are different and no labels."""
    letters: dict[str, Letter] = {}
    for slot in subscript.slots:
        if not isinstance(slot, Letter) or slot.is_label:
            raise Mistake(
                "only an index letter can stand here",
                slot.span,
                mend="write a lower-case letter, as in `Σ_j x_j`",
            )
        if slot.name in letters:
            first = letters[slot.name].span
            raise Mistake(
                f"{slot.name} stands twice here",
                slot.span,
                first,
                mend="give each a letter of its own",
            )
        letters[slot.name] = slot
    return tuple(letters.values())


def _bounded(node: N) -> N:
    if node.depth > MOST_DEPTH:
        raise Mistake(
            "the expression is nested too deeply",
            node.span,
            mend="give the inner parts names of their own",
        )
    return node


def _number(text: str, span: Span, *, negative: bool = False) -> Number:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MOST_DIGITS or len(exponent) > 3 or abs(int(exponent or 0)) > MOST_DIGITS:
        raise Mistake(
            "the number is too long", span, mend=f"at most {MOST_DIGITS} digits can be read"
        )
    value = Fraction(text)
    return Number(span, -value if negative else value)


# Products -----------------------------------------------------------------------------------


def _operators(children: list[Any]) -> list[tuple[str, Any]]:
    """The factors, each with the operator in front of it: `/`, `*` or nothing."""
    pairs: list[tuple[str, Any]] = []
    operator = ""
    for child in children:
        if isinstance(child, Token):
            operator = "/" if child == "/" else "*"
        else:
            pairs.append((operator, child))
            operator = ""
    return pairs


def _derivatives(factors: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The factors with each `d f / d x` made one; as a product it would be ambiguous anyway."""
    joined: list[tuple[str, Any]] = []
    position = 0
    while position < len(factors):
        four, six = factors[position : position + 4], factors[position : position + 6]
        if _is_second(six):
            joined.append((six[0][0], _second_derivative([factor for _, factor in six])))
            position += 6
        elif _is_derivative(four):
            joined.append((four[0][0], _derivative(*(factor for _, factor in four))))
            position += 4
        else:
            joined.append(factors[position])
            position += 1
    return joined


def _is_derivative(four: list[tuple[str, Any]]) -> bool:
    """Whether factors read `d f / d x`."""
    return (
        [operator for operator, _ in four[1:]] == ["", "/", ""]
        and _is_d(four[0][1])
        and isinstance(four[1][1], Node)
        and _is_d(four[2][1])
    )


def _is_second(six: list[tuple[str, Any]]) -> bool:
    """Whether factors read `d2 f / d x_m d x_n`, or the same with `d^2`."""
    return (
        [operator for operator, _ in six[1:]] == ["", "/", "", "", ""]
        and _is_d_squared(six[0][1])
        and isinstance(six[1][1], Node)
        and _is_d(six[2][1])
        and _is_d(six[4][1])
    )


def _is_d_squared(node: Any) -> bool:
    if isinstance(node, Power):
        return _is_d(node.base) and isinstance(node.exponent, Number) and node.exponent.value == 2
    return isinstance(node, Named) and node.name == "d2" and not node.slots


def _second_derivative(six: list[Any]) -> Node:
    first, numerator, _, outer, _, inner = six
    for variable in (outer, inner):
        _check_denominator(variable)
    return _second((first.span[0], inner.span[1]), numerator, outer, inner)


def _second(span: Span, numerator: Node, outer: Node, inner: Node) -> Node:
    """The derivative of the derivative by the last tensor of the denominator."""
    return Derivative(span, Derivative(span, numerator, inner), outer)


def _is_d(node: Any) -> bool:
    return isinstance(node, Named) and node.name == "d" and not node.slots


def _derivative(first: Node, numerator: Any, _second: Node, last: Any) -> Node:
    denominator, held = (last.node, last.held) if isinstance(last, _Fixed) else (last, ())
    _check_denominator(denominator)
    return Derivative((first.span[0], last.span[1]), numerator, denominator, held)


def _check_denominator(denominator: Any) -> None:
    if not isinstance(denominator, Named | Group):
        raise Mistake(
            "a derivative is taken with respect to a tensor or something in brackets",
            denominator.span,
            mend="as in `d c / d x_n`",
        )


def _check_neighbours(factors: list[tuple[str, Any]]) -> None:
    """Refuse what could be read in two ways."""
    for position, (operator, factor) in enumerate(factors):
        if isinstance(factor, _Fixed):
            raise Mistake(
                "`|_` stands only behind a derivative", factor.span, mend="as in `∂c/∂x_n|_s`"
            )
        if position == 0 or operator != "":
            continue
        if factors[position - 1][0] == "/":
            raise Mistake(
                "it is not clear whether this factor is below the fraction line too",
                factor.span,
                mend="write `(a/b) c` or `a/(b c)`",
            )
        if isinstance(factor, Number) or (isinstance(factor, Power) and _is_number(factor.base)):
            raise Mistake(
                "a number stands behind another factor without an operator",
                factor.span,
                mend="put the number first, or write `*`, `^` or `_` before it",
            )


def _is_number(node: Node) -> bool:
    return isinstance(node, Number)
