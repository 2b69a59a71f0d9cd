"""Bind the indices of a syntax tree: where each dummy is summed, and the expression it makes.

A dummy is summed over the smallest product that holds all its occurrences. Reading goes from
the outside in: a letter that occurs in two or more factors of a product is bound there, one that
occurs in a single factor is left to that factor. A letter that a sum sign names is bound by the
sign, wherever it occurs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from math import factorial

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, S

from derive.expressions import (
    Contraction,
    Index,
    One,
    Partial,
    Quotient,
    Remainder,
    Size,
    broadcast,
    ranging,
    tensor,
)
from derive.notation import arithmetic
from derive.notation.comparisons import is_position
from derive.notation.reductions import KINDS
from derive.notation.source import Mistake, Source, Span
from derive.notation.syntax import (
    Binder,
    Call,
    Choice,
    Comparison,
    Computed,
    Constant,
    Delta,
    Derivative,
    Entry,
    Group,
    Letter,
    Named,
    Node,
    Number,
    Ones,
    Position,
    Power,
    Product,
    Slot,
    Sum,
    choices_in,
    uses_of,
    walk,
)

__all__ = ["CONSTANTS", "Effort", "LoneIndex", "bind"]

CONSTANTS = {"e": S.Exp1, "π": S.Pi}
"""Names of numbers, unless a tensor has the name."""

_Letters = frozenset[str]

_LONGEST_QUOTE = 40
MOST_DUMMIES = 12
_MOST_ORDERS = 720
_MOST_EFFORT = 10 * _MOST_ORDERS


@dataclass
class Effort:
    """How much has been spent on sums so far, which bounds the time that a text can take."""

    spent: int = 0


class LoneIndex(Mistake):
    """An index that is neither free nor summed over nor a label."""

    def __init__(self, letter: str, span: Span, mend: str) -> None:
        message = f"the index {letter} stands alone: it is neither free nor summed over"
        super().__init__(message, span, mend=mend)
        self.letter = letter


def bind(
    tree: Node,
    source: Source,
    free: Set[str],
    tensors: Set[str],
    *,
    sizes: Mapping[str, Expr] | None = None,
    effort: Effort | None = None,
    factored: bool = False,
    spread: Set[str] = frozenset(),
) -> Expr:
    """The expression that the tree says when the letters `free` are free.

    `tensors` are the names that are tensors though a number bears them too. `sizes` of letters
    count for an index that runs over no axis, as in `1_h 1_h`; axes tell the others. In a line
    that was `factored` a term may lack an index that a factor outside carries, as in
    `s_n (δ_nm - s_m)`. A term that lacks one of the letters to `spread` is broadcast over it.

    Raises
    ------
    Mistake : a lone index, additive terms with different indices, a label where none may be.
    """
    given = frozenset(free)
    explicit = frozenset(spread)
    spent = effort or Effort()
    reader = _Reader(tree, source, given, tensors, sizes or {}, factored, spent, explicit)
    return reader.bind(tree, given)


@dataclass(frozen=True)
class _Reader:
    root: Node
    source: Source
    free: _Letters
    tensors: Set[str]
    sizes: Mapping[str, Expr]
    factored: bool
    effort: Effort
    # The letters that sum signs around the present place name.
    explicit: _Letters = frozenset()

    @property
    def size_names(self) -> set[str]:
        """The names of declared sizes."""
        return {size.name for size in self.sizes.values() if isinstance(size, Size)}

    def bind(self, node: Node, scope: _Letters, carried: _Letters = frozenset()) -> Expr:
        """The expression of a node where the letters in `scope` have a meaning already.

        Factors outside carry the letters in `carried` into each term of the node.
        """
        match node:
            case Number(value=value):
                return arithmetic.number(value.numerator, value.denominator)
            case Group(inner=inner):
                return self.bind(inner, scope, carried)
            case Named() | Ones() | Delta() | Position():
                return self._leaf(node, scope)
            case Comparison():
                return self._comparison(node, scope)
            case Sum():
                return self._sum(node, scope, carried)
            case Product():
                return self._product(node, scope, carried)
            case Power():
                return self._power(node, scope, carried)
            case Call(function=function, arguments=arguments):
                values = [self.bind(argument, scope) for argument in arguments]
                return arithmetic.apply(function, values, node.span)
            case Derivative():
                return self._derivative(node, scope)
        return self._binder(node, scope, carried)

    def _sum(self, node: Sum, scope: _Letters, carried: _Letters) -> Expr:
        self._check_terms(node, scope - carried if self.factored else scope)
        terms = self._spread([self.bind(term, scope, carried) for term in node.terms])
        signed = [
            arithmetic.multiply((S.NegativeOne, term), node.span, factored=self.factored)
            if minus
            else term
            for term, minus in zip(terms, node.minus, strict=True)
        ]
        return arithmetic.add(signed, node.span) if len(signed) > 1 else signed[0]

    def _spread(self, terms: list[Expr]) -> list[Expr]:
        """The terms with all indices of sum signs that one of them has, but for scalars.

        A sum sign says by itself that what lacks its index is the same for every value of it.
        """
        found = {index for term in terms for index in ranging(term) if index.name in self.explicit}
        return [broadcast(t, ranging(t) | found) if found and ranging(t) else t for t in terms]

    def _check_terms(self, node: Sum, scope: _Letters) -> None:
        """Every additive term carries the same free indices; a scalar may be added to any."""
        values = [term for term in node.terms if not is_position(term)]
        known = [term for term in values if term.letters & scope]
        kinds = [(term, term.letters & scope - self.explicit) for term in known]
        for term, letters in kinds[1:]:
            first, others = kinds[0]
            if letters != others:
                missing = sorted(letters ^ others)[0]
                lacking = term if missing in others else first
                raise Mistake(
                    "the terms of a sum carry the same free indices, but one has "
                    f"{_list(others)} and another {_list(letters)}",
                    term.span,
                    first.span,
                    mend=f"{self._with_one(missing, lacking)} to broadcast over {missing}",
                )

    def _product(self, node: Product, scope: _Letters, carried: _Letters) -> Expr:
        counts = Counter(letter for factor in node.factors for letter in factor.letters)
        bound = sorted(letter for letter in counts.keys() - scope if counts[letter] > 1)
        if len(bound) > MOST_DUMMIES:
            raise Mistake(
                f"one product sums over {len(bound)} indices",
                node.span,
                mend=f"at most {MOST_DUMMIES} can be read; give a part a name of its own",
            )
        for letter in bound:
            self._refuse_two_readings(node, letter)
        inner, factors = scope.union(bound), []
        for factor, divides in zip(node.factors, node.divides, strict=True):
            others = {letter for letter in counts if counts[letter] > (letter in factor.letters)}
            value = self.bind(factor, inner, frozenset() if divides else carried | others)
            factors.append(arithmetic.reciprocal(value, factor.span) if divides else value)
        return self._contract(
            node, arithmetic.multiply(factors, node.span, factored=self.factored), bound
        )

    def _refuse_two_readings(self, node: Product, letter: str) -> None:
        """Refuse a dummy that may be meant over the whole product or over parts by themselves."""
        holders = [factor for factor in node.factors if letter in factor.letters]
        alone = [factor for factor in holders if _sums_alone(factor, letter)]
        others = len(holders) - len(alone)
        marked = any(_has_ones(factor, letter) for factor in alone)
        if alone and (others == 0 or (others > 1 and marked)):
            raise Mistake(
                f"the sum over {letter} can be read in two ways: over the whole product, or over "
                "this part of it alone",
                alone[0].span,
                mend=f"use another letter for a sum of its own; or write `1_{letter}` before the "
                "product to sum over all of it",
            )

    def _binder(self, node: Node, scope: _Letters, carried: _Letters = frozenset()) -> Expr:
        if not isinstance(node, Binder):
            raise TypeError(f"no reading for {type(node).__name__}")
        if node.is_place:
            raise Mistake(
                f"{node.kind} is an index and cannot stand among the factors",
                node.span,
                mend=f"it stands in a slot, as in `x_{{{node.kind}_j(x_j)}}`, or in a comparison",
            )
        return self._reduced(node, scope, carried)

    def _reduced(self, node: Binder, scope: _Letters, carried: _Letters = frozenset()) -> Expr:
        for letter in node.slots:
            if letter.name in scope:
                raise self._known_already(letter, node)
            if letter.name not in node.body.letters and node.kind != "sum":
                raise Mistake(
                    f"the index {letter.name} does not occur in what `{node.kind}` is taken of",
                    letter.span,
                    node.body.span,
                    mend="leave it out, or use it",
                )
        letters = [letter.name for letter in node.slots]
        inside = replace(self, explicit=self.explicit.union(letters))
        if node.kind == "sum":
            body = inside.bind(node.body, scope.union(letters), carried)
            return self._contract(node, body, letters)
        body = inside.bind(node.body, scope.union(letters))
        return KINDS[node.kind](body, *map(self._index, letters))

    def _known_already(self, letter: Letter, node: Binder) -> Mistake:
        """A sign names a letter that has a meaning where it stands."""
        slots = (slot for part in walk(self.root) for slot in part.own_slots)
        uses = [use for slot in slots for use in slot.letters if use.name == letter.name]
        outside = [use.span for use in uses if not _holds(node.span, use.span)]
        what = "free" if letter.name in self.free else "bound"
        return Mistake(
            f"the {node.kind} over {letter.name} stands where {letter.name} is {what} already",
            letter.span,
            *outside[:1],
            mend="give it a letter of its own",
        )

    def _power(self, node: Power, scope: _Letters, carried: _Letters) -> Expr:
        base, exponent = node.base, node.exponent
        self._refuse_shared(node, base, exponent, scope)
        whole = isinstance(exponent, Number) and exponent.value > 0 == exponent.value % 1
        below = self.bind(base, scope, carried if whole else frozenset())
        return arithmetic.raise_to(below, self.bind(exponent, scope), node.span)

    def _comparison(self, node: Comparison, scope: _Letters) -> Expr:
        sides = [self.bind(side, scope) for side in node.sides]
        triples = zip(sides, node.relations, sides[1:], strict=False)
        return Mul(*(arithmetic.compare(*triple, node.span) for triple in triples))

    def _contract(self, node: Node, body: Expr, letters: list[str]) -> Expr:
        if not letters:
            return body
        summed = Contraction(body, *map(self._index, letters))
        sums = [factor for factor in Mul.make_args(summed) if isinstance(factor, Contraction)]
        # To order tied indices costs as many comparisons as they have permutations.
        self.effort.spent += sum(min(factorial(len(one.bound)), _MOST_ORDERS) for one in sums)
        if self.effort.spent > _MOST_EFFORT:
            raise Mistake(
                "there are too many sums over many indices",
                node.span,
                mend="give parts names of their own, each with few dummies",
            )
        return summed

    def _leaf(self, node: Named | Ones | Delta | Position, scope: _Letters) -> Expr:
        found = [letter for slot in node.slots for letter in uses_of(slot)]
        counts = Counter(letter.name for letter in found if letter.name not in scope)
        inside = Counter(
            letter.name for slot in node.slots for part in choices_in(slot) for letter in part.uses
        )
        for letter in found:
            if counts[letter.name] == 1 and letter.name not in inside:
                raise self._lone(letter.name, node, letter.span)
            if 1 < counts[letter.name] == inside[letter.name]:
                raise self._in_two_places(letter, node)
        # What stands in the place of one extremum alone is summed there.
        bound = sorted(letter for letter in counts if counts[letter] > 1)
        return self._contract(node, self._value(node, scope.union(bound)), bound)

    def _in_two_places(self, letter: Letter, node: Node) -> Mistake:
        return Mistake(
            f"the sum over {letter.name} can be read in two ways: over the whole of this, or "
            "over each of the indices in it alone",
            letter.span,
            node.span,
            mend="use another letter for a sum of its own",
        )

    def _value(self, node: Named | Ones | Delta | Position, scope: _Letters) -> Expr:
        match node:
            case Named(name=name, slots=()) if name in CONSTANTS and name not in self.tensors:
                return CONSTANTS[name]
            case Named(name=name):
                return tensor(name, *(self._slot(slot, scope) for slot in node.slots))
            case Delta():
                return KroneckerDelta(*(self._slot(slot, scope) for slot in node.slots))
            case Position(slots=(slot,)):
                return self._slot(slot, scope)
        return Mul(*map(self._one, node.slots))

    def _slot(self, slot: Slot, scope: _Letters) -> Expr:
        match slot:
            case Letter(name=name):
                return self._index(name)
            case Constant(value=value):
                return Integer(value)
            case Entry(name=name, slots=slots):
                inner = [self._slot(part, scope) for part in slots]
                return tensor(name, *inner, integer=True)
            case Choice(binder=binder):
                return self._reduced(binder, scope)
            case Computed():
                return self._computed(slot, scope)

    def _computed(self, slot: Computed, scope: _Letters) -> Expr:
        """Index arithmetic, in which an upper-case letter may be a size."""
        operands = [self._operand(operand, scope) for operand in slot.operands]
        match slot.operator:
            case "+":
                return Add(*operands)
            case "-":
                return Add(*operands[:-1], -operands[-1])
            case "*":
                return self._scaled(slot, operands)
        dividend, divisor = operands
        if ranging(divisor) or divisor.is_positive is False:
            raise Mistake(
                "an index is divided by a positive whole number, a size or a label",
                slot.operands[1].span,
                mend="as in `x_{n//D, n%D}`",
            )
        return (Quotient if slot.operator == "//" else Remainder)(dividend, divisor)

    def _operand(self, slot: Slot, scope: _Letters) -> Expr:
        if isinstance(slot, Letter) and slot.name in self.size_names:
            return Size(slot.name)
        return self._slot(slot, scope)

    def _scaled(self, slot: Computed, operands: list[Expr]) -> Expr:
        if sum(bool(ranging(operand)) for operand in operands) > 1:
            raise Mistake(
                "two indices are multiplied",
                slot.span,
                mend="an index may be multiplied by a number, a size or a label; slots are "
                "separated by commas, as in `x_{b,i+k}`",
            )
        return Mul(*operands).expand()

    def _index(self, letter: str) -> Index:
        return Index(letter, self.sizes.get(letter))

    def _one(self, slot: Slot) -> Expr:
        """The one-tensor, whose index must range over an axis."""
        if isinstance(slot, Letter) and not slot.is_label:
            return One(self._index(slot.name))
        raise Mistake(
            "a label is a constant, and a one-tensor is summed or broadcast over its index",
            slot.span,
            mend="give the one-tensor a lower-case letter",
        )

    def _derivative(self, node: Derivative, scope: _Letters) -> Expr:
        function, variable = node.numerator, node.denominator
        self._refuse_shared(node, function, variable, scope)
        inner = self.bind(variable, scope)
        if not inner.free_symbols:
            raise Mistake(
                "a derivative cannot be taken with respect to a number",
                variable.span,
                mend="put a tensor below, as in `∂c/∂x_n`",
            )
        return Partial(self.bind(function, scope), inner, *node.held)

    def _refuse_shared(self, node: Node, one: Node, other: Node, scope: _Letters) -> None:
        """Refuse a dummy that stands in two parts of a node that is no product."""
        for letter in sorted((one.letters & other.letters) - scope):
            raise self._lone(letter, node, node.span)

    def _lone(self, letter: str, node: Node, span: Span) -> Mistake:
        mend = (
            f"{self._with_one(letter, self._term_around(node))} to sum over {letter}, "
            f"or put {letter} on the left-hand side"
        )
        return LoneIndex(letter, span, mend)

    def _term_around(self, node: Node) -> Node:
        """The innermost additive term that holds the node, and holds all of a power."""
        first, *inner = _terms_around(self.root, node, is_term=True)
        bases = [power.base.span for power in walk(self.root) if isinstance(power, Power)]
        whole = [term for term in inner if not any(_holds(base, term.span) for base in bases)]
        return whole[-1] if whole else first

    def _with_one(self, letter: str, term: Node) -> str:
        quoted = " ".join(self.source.quote(term.span).split())
        if isinstance(term, Sum):
            quoted = f"({quoted})"
        if len(quoted) > _LONGEST_QUOTE:
            return f"write `1_{letter}` before this term"
        return f"write `1_{letter} {quoted}`"


def _sums_alone(node: Node, letter: str) -> bool:
    """Whether a bracketed part holds a sum over the letter by itself."""
    if letter not in node.letters or isinstance(node, Named | Ones | Delta | Position | Derivative):
        return False
    holders = [child for child in node.children if letter in child.letters]
    if isinstance(node, Product) and len(holders) > 1:
        return True
    return all(_sums_alone(child, letter) for child in holders)


def _has_ones(node: Node, letter: str) -> bool:
    return any(isinstance(part, Ones) and letter in part.letters for part in walk(node))


def _holds(outer: Span, inner: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _terms_around(node: Node, target: Node, *, is_term: bool) -> Iterator[Node]:
    """The additive terms that hold the target, outermost first."""
    if is_term and not isinstance(node, Sum | Group):
        yield node
    for child in node.children:
        if child.span[0] <= target.span[0] and target.span[1] <= child.span[1]:
            whole = isinstance(node, Group | Call) and child is not target
            opens = isinstance(node, Sum) or whole
            yield from _terms_around(child, target, is_term=opens)


def _list(letters: Set[str]) -> str:
    return ", ".join(sorted(letters))
