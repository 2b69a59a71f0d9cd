"""Misuse of indices in a line: which rule of the notation it breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set

from sympy import Expr

from derive.check.formula import Formula
from derive.expressions import Equation, Graph, Index
from derive.notation.syntax import (
    Binder,
    Call,
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

__all__ = ["crowded", "lone", "lost", "misfits"]


def crowded(formula: Formula, free: Set[str], most: int = 2) -> Iterator[tuple[str, int]]:
    """Dummies that stand more often than that in one term, each with its place.

    Under the summation convention a dummy stands twice; four times it stands where a sum was
    put into another one.
    """
    counts = _counts(formula.tree)
    for letter in sorted(counts.keys() - free):
        times = counts[letter]
        if times > most:
            many = {3: "three", 4: "four"}.get(times, str(times))
            yield (
                f"the index {letter} stands {many} times in one term; under the summation "
                "convention a dummy stands twice, so that each sum needs a letter of its own",
                _offset(formula, letter),
            )


def lost(formula: Formula, free: Set[str]) -> Iterator[str]:
    """Free letters of the chain that a side lacks."""
    missing = sorted(free - formula.tree.letters)
    if missing and formula.tree.letters:
        names = " and ".join(missing)
        yield (
            f"the free index {names} of the left-hand side is lost here; every term of a line "
            "carries the same free indices"
        )


def lone(formula: Formula, graph: Graph, sides: Sequence[Formula]) -> Iterator[str]:
    """Letters that one side alone has, which neither its left-hand side nor the graph fixes."""
    labels = {i.name for eq in graph.equations for i in eq.rhs.atoms(Index) if i.is_label}
    others = [side.reading.labels for side in sides if side is not formula]
    written = formula.source.transcript.written if formula.source.transcript else ""
    for label in sorted(formula.reading.labels - labels.union(*others)):
        if label not in written:
            yield f"the index {label.lower()} stands alone: it is neither free nor summed over"


def misfits(formula: Formula, graph: Graph, equations: Sequence[Equation]) -> Iterator[str]:
    """Letters that run over axes which the definitions do not make equally long."""
    try:
        own = Graph(equations)
    except Exception:
        return
    runs: dict[str, dict[Expr, tuple[str, int]]] = {}
    for part in walk(formula.tree):
        if isinstance(part, Named) and own.arity.get(part.name) == len(part.slots):
            for axis, slot in enumerate(part.slots):
                if isinstance(slot, Letter) and not slot.is_label:
                    size = own.axis_size(part.name, axis)
                    runs.setdefault(slot.name, {}).setdefault(size, (part.name, axis))
    for letter, axes in runs.items():
        if len(axes) > 1:
            (one, first), (other, second), *_ = axes.values()
            yield (
                f"sizes do not fit: {letter} runs over axis {first + 1} of {one} and axis "
                f"{second + 1} of {other}, which the definitions do not make equally long; "
                "a transpose may be lost"
            )


def _counts(node: Node) -> Counter[str]:
    """How often each letter stands in a term, at most over the terms."""
    if isinstance(node, Number):
        return Counter()
    if isinstance(node, Sum):
        found: Counter[str] = Counter()
        for term in node.terms:
            found |= _counts(term)
        return found
    if isinstance(node, Call):
        return Counter(node.letters)
    if isinstance(node, Power):
        times = _whole(node.exponent)
        inner = _counts(node.base)
        return Counter({n: count * times for n, count in inner.items()}) + _counts(node.exponent)
    return _in_product(node)


def _in_product(node: Node) -> Counter[str]:
    own = Counter(use.name for slot in node.own_slots for use in slot.letters)
    if isinstance(node, Binder):
        own = Counter()
    if isinstance(node, Product | Group | Binder) or node.children:
        for child in node.children:
            own += _counts(child)
    return Counter({letter: n for letter, n in own.items() if letter not in node.bound})


def _whole(exponent: Node) -> int:
    value = exponent.value if isinstance(exponent, Number) else 1
    return int(value) if value > 0 and value.denominator == 1 else 1


def _offset(formula: Formula, letter: str) -> int:
    """Where a letter stands for the last time."""
    slots = [slot for part in walk(formula.tree) for slot in part.own_slots]
    spans = [use.span for slot in slots for use in slot.letters if use.name == letter]
    return formula.reading.offset(spans[-1]) if spans else 0
