"""The computation graph that a chain of equalities is about, and its sides as expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from sympy import Expr, Integer, Mul

from derive.check.context import Definition
from derive.check.facts import Fact
from derive.check.formula import Formula, apart, fixed
from derive.check.generic import generic_functions
from derive.check.outputs import with_outputs
from derive.check.walk import mapped
from derive.expressions import (
    Equation,
    Graph,
    Index,
    One,
    Size,
    free_indices,
    indices_of,
    is_tensor,
    name_of,
    tensor,
    tensors_in,
)
from derive.notation.bind import Effort, LoneIndex, bind
from derive.notation.census import subscripted
from derive.notation.comparisons import labels_in, with_positions
from derive.notation.source import Mistake
from derive.notation.syntax import Letter, Named, Node, letters_used, walk

__all__ = ["Bad", "Model", "Modelled", "model"]


@dataclass(frozen=True)
class Bad:
    """A side that breaks a rule on indices, and so has no value."""

    message: str
    mend: str
    offset: int


@dataclass(frozen=True)
class Modelled:
    """A side as an expression.

    `lone` says of an index that it stands alone; the expression has it as a label.
    """

    expr: Expr | None
    bad: Bad | None = None
    lone: Bad | None = None


@dataclass(frozen=True)
class Model:
    """A graph, and the sides of a chain in it, with the same free indices.

    `masks` are for each side 1 at the entries that count and 0 at the others. `generic` are the
    functions that no definition tells anything about; `equations` are those of
    the graph as they stand by themselves, without the sides.
    """

    graph: Graph
    sides: tuple[Modelled, ...]
    free: tuple[Index, ...]
    masks: tuple[Expr, ...] = ()
    generic: tuple[str, ...] = ()
    equations: tuple[Equation, ...] = ()


def model(
    sides: Sequence[Formula],
    conditions: Sequence[Sequence[Formula]],
    free: Set[str],
    definitions: Sequence[Definition],
    facts: Sequence[Fact] = (),
    *,
    direct: bool = False,
) -> Model:
    """The model of a chain.

    Parameters
    ----------
    sides : the sides of the chain.
    conditions : for each side comparisons; only entries for which they hold count.
    free : the free letters.
    definitions : those that the sides need, each after those that it needs.
    facts : what is given of inputs.
    direct : whether functions that nothing defines are direct ones of all their variables.

    Raises
    ------
    DeriveError : the definitions do not fit together, or contradict the sides.
    """
    builder = _Builder(sides, conditions, frozenset(free), definitions, facts, direct)
    return builder.model()


@dataclass
class _Builder:
    given: Sequence[Formula]
    conditions: Sequence[Sequence[Formula]]
    free: frozenset[str]
    definitions: Sequence[Definition]
    facts: Sequence[Fact] = ()
    direct: bool = False
    labels: set[str] = field(default_factory=set)
    declared: dict[str, str | int] = field(default_factory=dict)
    letters: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    effort: Effort = field(default_factory=Effort)

    @cached_property
    def trees(self) -> list[Node]:
        rights = [definition.right.tree for definition in self.definitions]
        said = [formula for every in self.conditions for formula in every]
        return [side.tree for side in (*self.given, *said)] + rights

    @cached_property
    def tensors(self) -> set[str]:
        return subscripted(self.trees) | {definition.name for definition in self.definitions}

    @cached_property
    def fixed_labels(self) -> set[str]:
        return labels_in(self.trees)

    def model(self) -> Model:
        plain = [d for d in self.definitions if not d.is_derivative]
        equations = [self._equation(definition) for definition in plain]
        short = {d.name: self._short(d) for d in self.definitions if d.is_derivative}
        sides = [self._side(side) for side in self.given]
        sides = [_expanded(side, short) for side in sides]
        masks = [self._mask(every) for every in self.conditions]
        exprs = [side.expr for side in sides if side.expr is not None]
        defined = {equation.name for equation in equations}
        generic = generic_functions(exprs, defined, direct=self.direct)
        equations = with_outputs([*equations, *generic], exprs)
        given = self._given(exprs, equations)
        graph = Graph(
            [*equations, *given],
            letters=self.letters,
            sizes=self.declared,
            about=[(*exprs, *masks)],
        )
        found = self._sized(graph, sides, exprs, masks)
        names = tuple(equation.name for equation in generic)
        return replace(found, generic=names, equations=(*equations, *given))

    def _mask(self, conditions: Sequence[Formula]) -> Expr:
        """1 where the conditions hold, else 0; what compares other letters says nothing here."""
        known = {letter for side in self.given for letter in letters_used(side.tree)}
        known |= self.fixed_labels
        said = (c for c in conditions if _compared(c.tree) <= known)
        sides = map(self._side, said)
        return Mul(*(side.expr for side in sides if side.expr is not None))

    def _sized(
        self, graph: Graph, sides: list[Modelled], exprs: list[Expr], masks: list[Expr]
    ) -> Model:
        together = (*exprs, *masks)
        found = [
            side if side.expr is None else replace(side, expr=graph.sized(side.expr, *together))
            for side in sides
        ]
        known = {i.name: i for s in found if s.expr is not None for i in free_indices(s.expr)}
        free = tuple(known[letter] for letter in sorted(self.free) if letter in known)
        sized = tuple(graph.sized(mask, *together) for mask in masks)
        return Model(graph, tuple(found), free, sized)

    def _given(self, exprs: Sequence[Expr], equations: Sequence[Equation]) -> list[Equation]:
        """The facts about inputs as equations."""
        every = [*exprs, *(equation.rhs for equation in equations)]
        orders = {name_of(n): len(indices_of(n)) for expr in every for n in tensors_in(expr)}
        defined = {equation.name for equation in equations}
        facts = {fact.name: fact for fact in self.facts if fact.name not in defined}
        return [f.equation(orders[f.name]) for f in facts.values() if f.fits(orders.get(f.name))]

    # One formula

    def _sizes(self, formula: Formula) -> dict[str, Expr]:
        """The sizes that a formula gives to its letters; the graph is told of its axes."""
        sizes = formula.reading.sizes
        for part in walk(formula.tree):
            if isinstance(part, Named):
                for axis, slot in enumerate(part.slots):
                    if isinstance(slot, Letter) and not slot.is_label:
                        self._note((part.name, axis), slot.name, sizes)
        return {n: Integer(s) if isinstance(s, int) else Size(s) for n, s in sizes.items()}

    def _note(self, axis: tuple[str, int], letter: str, sizes: Mapping[str, str | int]) -> None:
        """Remember which letter runs over an axis; one of another size has another name."""
        size = sizes.get(letter)
        if size is not None and self.declared.setdefault(letter, size) != size:
            letter = f"{letter} {size}"
            self.declared[letter] = size
        names = self.letters.setdefault(axis, [])
        if letter not in names:
            names.append(letter)

    def _bound(self, formula: Formula, tree: Node, free: Set[str]) -> Expr:
        tree = apart(fixed(tree, self.labels), free)
        labels = self.fixed_labels | labels_in([tree])
        tree = with_positions(tree, free | letters_used(tree), labels)
        return bind(
            tree,
            formula.source,
            free,
            self.tensors,
            sizes=self._sizes(formula),
            effort=self.effort,
            factored=True,
            spread=free,
        )

    def _with_labels(self, formula: Formula, free: Set[str]) -> tuple[Expr, list[LoneIndex]]:
        """The expression, with each letter that stands alone for a label."""
        lone: list[LoneIndex] = []
        tree = formula.tree
        while True:
            try:
                return self._bound(formula, tree, free), lone
            except LoneIndex as found:
                if any(other.letter == found.letter for other in lone):
                    raise
                lone.append(found)
                tree = fixed(tree, {found.letter})

    def _side(self, formula: Formula) -> Modelled:
        try:
            expr, lone = self._with_labels(formula, self.free)
        except Mistake as mistake:
            return Modelled(None, bad=_bad(formula, mistake))
        return Modelled(expr, lone=_bad(formula, lone[0]) if lone else None)

    def _right(self, definition: Definition) -> Expr:
        with definition.right.source.reading():
            free = frozenset(definition.letters)
            expr, lone = self._with_labels(definition.right, free)
        self.labels |= {found.letter for found in lone}
        return expr

    def _indices(self, definition: Definition) -> list[Index]:
        sizes = self._sizes(definition.right)
        for axis, letter in enumerate(definition.letters):
            self._note((definition.name, axis), letter, definition.right.reading.sizes)
        return [Index(letter, sizes.get(letter)) for letter in definition.letters]

    def _equation(self, definition: Definition) -> Equation:
        right, indices = self._right(definition), self._indices(definition)
        here = {index.name for index in free_indices(right)}
        for index in indices:
            if index.name not in here:
                right = One(index) * right
        return Equation(tensor(definition.name, *indices), right)

    def _short(self, definition: Definition) -> tuple[tuple[Index, ...], Expr]:
        """What stands for a name that is defined as a derivative."""
        right = self._right(definition)
        by_name = {index.name: index for index in free_indices(right)}
        return tuple(by_name.get(n, Index(n)) for n in definition.letters), right


def _compared(tree: Node) -> set[str]:
    """The letters that a condition compares."""
    return {part.name for part in walk(tree) if isinstance(part, Named)}


def _bad(formula: Formula, mistake: Mistake) -> Bad:
    span = mistake.spans[0] if mistake.spans else (0, 1)
    return Bad(mistake.message, mistake.mend, formula.reading.offset(span))


def _expanded(side: Modelled, short: Mapping[str, tuple[tuple[Index, ...], Expr]]) -> Modelled:
    """The side with names that stand for derivatives written out."""
    if side.expr is None or not short:
        return side
    expr = side.expr
    # The last one first: it may be made of others.
    for name in reversed(list(short)):
        expr = mapped(expr, partial(_opened, name, *short[name]))
    return replace(side, expr=expr)


def _opened(name: str, indices: tuple[Index, ...], body: Expr, node: Expr) -> Expr:
    """What stands for a name that is a derivative, where the node is that name."""
    if not is_tensor(node) or name_of(node) != name or len(indices_of(node)) != len(indices):
        return node
    return body.xreplace(dict(zip(indices, indices_of(node), strict=True)))
