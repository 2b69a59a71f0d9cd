"""Orders and fractions: how an author arranges the factors of a product and the terms of a sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sympy import Rational, S

from derive.expressions import Graph
from derive.notation.layout import (
    Apply,
    Comparison,
    Delta,
    Derivative,
    Exponential,
    Fraction,
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
    Term,
    has,
    letters_in,
    walk,
)
from derive.notation.measure import width
from derive.notation.names import INVERSE

__all__ = ["Order"]

# The places of factors in a product, from left to right.
NUMBER, ONES, UPSTREAM, PARAMETER, EXPONENTIAL, TENSOR, BRACKET = range(7)
FUNCTION, PARTIAL, DELTA, SCALAR, LONG_BRACKET, COMPARISON, SIGNED_SUM = range(7, 14)

# What may stand above a fraction line together with other factors.
PLAIN = {ONES, PARAMETER, EXPONENTIAL, TENSOR, FUNCTION, SCALAR}

_PLACES: dict[type[Node], int] = {
    Number: NUMBER,
    OneTensor: ONES,
    Symbol: TENSOR,
    Root: TENSOR,
    Exponential: EXPONENTIAL,
    Apply: FUNCTION,
    Derivative: PARTIAL,
    Reduction: FUNCTION,
    Delta: DELTA,
    Comparison: COMPARISON,
    Summation: SIGNED_SUM,
}

Key = tuple[Any, ...]


class Order:
    """Places of factors, terms and indices, for a graph whose names the author introduced.

    An author mentions names in a certain order and uses certain letters, and products and deltas
    keep to them.
    """

    def __init__(self, graph: Graph) -> None:
        self.defined = frozenset(equation.name for equation in graph.equations)
        self.position = {name: number for number, name in enumerate(graph.names)}
        self.solved = frozenset(eq.name for eq in graph.equations if eq.is_relation)
        letters = {letter for axis in graph.letters.values() for letter in axis}
        self.letters = letters | {i.name for eq in graph.equations for i in eq.indices}

    def of_slot(self, slot: Node) -> Key:
        """Letters of the equations, then labels, then the letters that a goal brings in."""
        if isinstance(slot, Letter) and (slot.name in self.letters or slot.name[0].islower()):
            return (0 if slot.name in self.letters else 2, slot.name)
        return (3 if isinstance(slot, Reduction) else 1, repr(slot))

    def of_slot_term(self, term: Term) -> Key:
        """In index arithmetic positive terms come first, multiples before indices and numbers."""
        kind = 2 if isinstance(term.node, Number) else 1 - isinstance(term.node, Product)
        return (term.negative, kind, self.of_slot(term.node))

    def of_slot_factor(self, node: Node) -> Key:
        """In a multiple of an index labels stand before it and sizes behind."""
        kind = 2 if isinstance(node, Symbol) else 1
        label = isinstance(node, Letter) and node.name[0].isupper()
        return (0 if label else kind, self.of_slot(node))

    def of_term(self, term: Term) -> Key:
        """Positive terms first; numbers, then terms with indices, then single parameters.

        Where indices are compared, as in `[k ≤ q + 1]`, numbers come last.
        """
        factors = _factors(term.node)
        if all(isinstance(factor, Letter) for factor in factors):
            return (term.negative, -1, [repr(factor) for factor in factors])
        lone = len(factors) == 1 and self._place(factors[0]) == PARAMETER
        kind = 0 if isinstance(term.node, Number) else 2 if lone else 1
        # A one-tensor that broadcasts says nothing of where its term belongs.
        named = [f for f in factors if not isinstance(f, OneTensor)]
        return (term.negative, kind, [self.of_factor(f) for f in (*named, *factors)])

    def of_factor(self, node: Node) -> Key:
        """Place, first mention of the name, and what it looks like, powers after their base."""
        base = node.base if isinstance(node, Power) else node
        name = base.name if isinstance(base, Symbol) else ""
        late = self.position.get(name, len(self.position))
        late = self.position.get(name, len(self.position))
        late = -1 if name.endswith(INVERSE) else late
        if isinstance(base, Comparison):
            late = base.relations[0] in ("<", "≤")  # [x ≥ a] [x ≤ b], from left to right
        applied = base.name if isinstance(base, Apply) else ""  # f, f', f''
        place = self._place(node)
        return (place, late, applied, repr(base), isinstance(node, Power), repr(node))

    def of_side(self, node: Node) -> Key:
        """The sides of a comparison: an index first, then the longer one, numbers last."""
        if isinstance(node, Letter):
            return (0,)
        kind = 3 if not has(node, Symbol, Letter) else 1 if letters_in(node) else 2
        return (kind, -width(node), self.of_factor(node))

    def product(
        self, number: Rational, above: Sequence[Node], below: Sequence[Node], bound: frozenset[str]
    ) -> Node:
        """A product as an author writes it.

        `bound` are the letters of the dummies that are summed over this product.
        """
        factors = self._ordered(_between(above), bound)
        p, q = int(number.p), int(number.q)
        under = sorted(below, key=self.of_factor)
        if q > 1 and len(under) == 1 and isinstance(under[0], Sum):
            # SymPy multiplies `2 (1 + x)` out, so that the number has a fraction of its own.
            rest = self.product(S.One, above, below, bound)
            return _product([Fraction(Number(p), Number(q)), rest])
        under = ([Number(q)] if q > 1 else []) + under
        under, alone = _divide_alone(under, factors, bound)
        if under:
            factors = self._fraction(p, under, factors, bound)
        elif p != 1 or not factors:
            factors = [Number(p), *factors]
        return _product(factors + [Fraction(Number(1), node) for node in alone])

    def _fraction(
        self, p: int, under: list[Node], factors: list[Node], bound: frozenset[str]
    ) -> list[Node]:
        """The factors with a denominator: one fraction if all is plain, else a coefficient."""
        below = _product(under)
        places = [self._place(node) for node in factors]
        plain = [f for f, place in zip(factors, places, strict=True) if place in PLAIN]
        if plain and PLAIN | {COMPARISON} >= set(places):
            plain = factors
        numeric = all(map(self._is_numeric, under))
        marked = all(isinstance(f, OneTensor) for f in plain)
        # A mean has its number in front: `(1/H) 1_h (x_h - m)`.
        mean = numeric and (bound or len(factors) > 1)
        if p == 1 and places.count(BRACKET) == 1 and marked and not mean:
            return self._bracket_over(below, factors, places.index(BRACKET))
        if marked:
            return [Fraction(Number(p), below), *factors]
        summed = bound & _letters(plain)
        if len(plain) == len(factors) and not (numeric and (summed or len(plain) > 1 or p != 1)):
            return [Fraction(_product(_numbered(p, factors)), below)]
        # A sum over more than the fraction is not to begin above the fraction line.
        begins = summed and not bound & _letters(factors) & letters_in(below)
        others = [node for node in factors if node not in plain]
        if numeric or begins or _two_sums(plain, below, others, bound):
            return [Fraction(Number(p), below), *factors]
        ones = [node for node in plain if isinstance(node, OneTensor)]
        above = [node for node in plain if node not in ones]
        whole = Fraction(_product(_numbered(p, above)), below)
        upstream = [node for node in factors if self._is_upstream(node, factors)]
        rest = [node for node in others if node not in upstream]
        return [*ones, *upstream, whole, *rest]

    def _is_numeric(self, node: Node) -> bool:
        """Whether it is made of numbers and parameters, as `N − 1` is."""
        if isinstance(node, Sum):
            return all(self._is_numeric(term.node) for term in node.terms)
        return self._place(node) in (NUMBER, PARAMETER)

    def _bracket_over(self, below: Node, factors: list[Node], position: int) -> list[Node]:
        """The factors with the one in brackets over the denominator: `1_i (1 - t_i)/y_i`."""
        return [
            Fraction(factor, below) if number == position else factor
            for number, factor in enumerate(factors)
        ]

    def _ordered(self, factors: Sequence[Node], bound: frozenset[str]) -> list[Node]:
        found = sorted((f for f in factors if isinstance(f, Derivative)), key=self.of_factor)
        partials = _chained(found, bound)
        upstream = [node for node in partials if self._is_upstream(node, partials)]
        others = sorted((f for f in factors if not isinstance(f, Derivative)), key=self.of_factor)
        placed = [(UPSTREAM if f in upstream else PARTIAL, f) for f in partials]
        placed += [(self._place(f), f) for f in others]
        ordered = [f for _, f in sorted(placed, key=lambda entry: entry[0])]
        names = {f.name for f in factors if isinstance(f, Symbol)}
        return self._as_product(ordered, bound) if names & self.solved else ordered

    def _as_product(self, factors: list[Node], bound: frozenset[str]) -> list[Node]:
        """The factors with the tensors among them in the order of a matrix product."""
        tensors = [f for f in factors if self._place(f) == TENSOR]
        if len(tensors) < 2:
            return factors
        first = factors.index(tensors[0])
        before, after = factors[:first], factors[first + len(tensors) :]
        chain = _chain(tensors, bound, _letters(before), _letters(after))
        return [*before, *chain, *after]

    def _is_upstream(self, node: Node, partials: Sequence[Node]) -> bool:
        """Whether it is the derivative of something outside the graph, or linked to one."""
        if not isinstance(node, Derivative):
            return False
        function = node.function
        if isinstance(function, Symbol) and function.name not in self.position:
            return True
        before = [p for p in partials if isinstance(p, Derivative) and p.variable == function]
        return any(self._is_upstream(p, [q for q in partials if q != node]) for p in before)

    def _place(self, node: Node) -> int:
        if isinstance(node, Power) and isinstance(node.base, Symbol | Number):
            return self._place(node.base)
        if isinstance(node, Symbol) and not node.slots:
            return SCALAR if node.name in self.defined else PARAMETER
        if type(node) in _PLACES:
            return _PLACES[type(node)]
        return LONG_BRACKET if has(node, Derivative, Delta, Fraction) else BRACKET


def _between(factors: Sequence[Node]) -> list[Node]:
    """The factors with `[a ≤ x] [x < b]` as `[a ≤ x < b]`."""
    kept = list(factors)
    lower = {x: (f, a, sign) for f in kept for a, sign, x in _bounds(f)}
    for factor in factors:
        for a, sign, x in _bounds(factor, upper=True):
            if x in lower and lower[x][0] in kept and factor in kept:
                other, b, first = lower.pop(x)
                kept = [f for f in kept if f not in (other, factor)]
                kept.append(Comparison((b, x, a), (first, sign)))
    return kept


def _bounds(node: Node, *, upper: bool = False) -> Iterator[tuple[Node, str, Node]]:
    """The lower bounds that a comparison states, or the upper ones: `a < x`, `x < a`."""
    if isinstance(node, Comparison) and len(node.sides) == 2:
        (left, right), (sign,) = node.sides, node.relations
        if sign in ("<", "≤"):
            yield (right, sign, left) if upper else (left, sign, right)
        if sign in (">", "≥"):
            less = {">": "<", "≥": "≤"}[sign]
            yield (left, less, right) if upper else (right, less, left)


def _factors(node: Node) -> list[Node]:
    """The factors of a term without numbers, for comparing terms."""
    if isinstance(node, Product):
        return [factor for factor in node.factors if not isinstance(factor, Number)]
    return [node]


def _letters(nodes: Sequence[Node]) -> frozenset[str]:
    return frozenset(letter for node in nodes for letter in letters_in(node))


def _numbered(number: int, factors: list[Node]) -> list[Node]:
    return [Number(number), *factors] if number != 1 or not factors else factors


def _product(factors: Sequence[Node]) -> Node:
    """Factors side by side; the number one disappears beside others, products are spliced."""
    spliced = [
        f for node in factors for f in (node.factors if isinstance(node, Product) else [node])
    ]
    kept = [node for node in spliced if node != Number(1)] or [Number(1)]
    return kept[0] if len(kept) == 1 else Product(tuple(kept))


def _two_sums(
    plain: Sequence[Node], below: Node, others: Sequence[Node], bound: frozenset[str]
) -> bool:
    """Whether a fraction and the brackets beside it could each be a sum over a dummy by itself."""
    for letter in bound & _letters(plain) & letters_in(below):
        holders = [node for node in others if letter in letters_in(node)]
        if holders and all(_sums_alone(node, letter) for node in holders):
            return True
    return False


def _sums_alone(node: Node, letter: str) -> bool:
    """Whether the reader would see a sum over the letter inside the node."""
    if isinstance(node, Symbol | Delta | Derivative | OneTensor):
        return False
    holders = [part for part in node.parts if letter in letters_in(part)]
    if isinstance(node, Product | Fraction) and len(holders) > 1:
        return True
    return bool(holders) and all(_sums_alone(part, letter) for part in holders)


def _divide_alone(
    under: list[Node], above: list[Node], bound: frozenset[str]
) -> tuple[list[Node], list[Node]]:
    """Denominators that share a fraction line, and those that must not.

    A dummy that stands in denominators only would be summed inside a common denominator, so that
    the sum of `(1/x_i) (1/y_i)` is not that of `1/(x_i y_i)`.
    """
    free = bound - _letters(above)
    alone = [node for node in under if free & letters_in(node) & _at_top(node, under)]
    return [node for node in under if node not in alone], alone


def _at_top(node: Node, others: Sequence[Node]) -> frozenset[str]:
    """The letters that the node shares with another of the nodes."""
    return letters_in(node) & _letters([other for other in others if other is not node])


def _chained(partials: Sequence[Node], bound: frozenset[str]) -> list[Node]:
    """Partials such that the one by x stands before the one of x."""
    remaining = list(partials)
    ordered: list[Node] = []
    while remaining:
        linked = [p for p in remaining if ordered and _links(ordered[-1], p, bound)]
        first = [p for p in remaining if not any(_links(q, p, bound) for q in remaining)]
        chosen = (linked or first or remaining)[0]
        remaining.remove(chosen)
        ordered.append(chosen)
    return ordered


def _chain(
    nodes: list[Node], bound: frozenset[str], before: frozenset[str], after: frozenset[str]
) -> list[Node]:
    """The nodes such that those which share a dummy are neighbours.

    One that shares a dummy with what stands before comes first, one that does with what stands
    behind comes last.
    """

    def links(node: Node, others: Sequence[Node]) -> int:
        return sum(bool(letters_in(node) & letters_in(o) & bound) for o in others if o is not node)

    def rank(node: Node) -> tuple[bool, ...]:
        letters = letters_in(node) & bound
        apart, inner = not links(node, ordered[-1:]), links(node, left) > 1
        # As in a matrix product: what is summed stands last in a factor and first in the next.
        others = [other for other in left if other is not node]
        begins = _slot(node, -1) & _letters([Product(_first(o)) for o in others]) & bound
        return apart, inner, bool(letters & after), not letters & before, not begins

    ordered: list[Node] = []
    left = list(nodes)
    while left:
        ordered.append(min(left, key=rank))
        left.remove(ordered[-1])
    return ordered


def _first(node: Node) -> tuple[Node, ...]:
    """The row of a matrix, behind the indices of a batch, or the index of a vector."""
    return node.parts[-2:-1] or node.parts[:1]


def _slot(node: Node, position: int) -> frozenset[str]:
    return letters_in(node.parts[position]) if node.parts else frozenset()


def _links(outer: Node, inner: Node, bound: frozenset[str]) -> bool:
    """Whether one partial is by what the other is of; their dummies have different letters."""
    if outer is inner or not isinstance(outer, Derivative) or not isinstance(inner, Derivative):
        return False
    return _skeleton(outer.variable, bound) == _skeleton(inner.function, bound)


def _skeleton(node: Node, bound: frozenset[str]) -> str:
    """The node with its dummies numbered in the order in which they appear."""
    if isinstance(node, Symbol):
        return repr(node)
    numbers: dict[str, int] = {}
    for part in walk(node):
        if isinstance(part, Letter) and part.name in bound:
            numbers.setdefault(part.name, len(numbers))
    text = repr(node)
    for letter, number in numbers.items():
        text = text.replace(repr(Letter(letter)), str(number))
    return text
