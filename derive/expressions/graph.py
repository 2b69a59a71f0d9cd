"""The computation graph that a list of equations makes, with the sizes of its axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from sympy import Expr, Indexed, KroneckerDelta, Mul, preorder_traversal

from derive.errors import DefinitionError, Subject
from derive.expressions.contraction import Contraction
from derive.expressions.indices import (
    Index,
    Shape,
    Size,
    Tensor,
    broadcast,
    fresh_indices,
    indices_of,
    is_tensor,
    levelled,
    name_of,
    ranging,
    tensor,
)
from derive.expressions.partial import Partial
from derive.expressions.reductions import Place
from derive.expressions.relation import paired_indices
from derive.expressions.sizes import Sizes
from derive.expressions.slots import in_range, is_computed

__all__ = ["Equation", "Graph", "Kind", "given_in", "inverse_relation", "tensors_in", "values_in"]

Kind = Literal["definition", "abbreviation", "relation"]


def tensors_in(expr: Expr) -> Iterator[Tensor]:
    """The tensors of an expression with their indices, in the order they stand; labels too."""
    walk = preorder_traversal(expr)
    for node in walk:
        if isinstance(node, Indexed):
            yield node
            for slot in node.indices:
                yield from tensors_in(slot)
            walk.skip()
        elif is_tensor(node) and not isinstance(node, Size):
            yield node


def values_in(expr: Expr) -> Iterator[Tensor]:
    """The tensors whose values enter the expression, and not only the place of an entry."""
    walk = preorder_traversal(expr)
    for node in walk:
        if isinstance(node, Indexed | KroneckerDelta | Place):
            walk.skip()
        if is_tensor(node) and not isinstance(node, Size):
            yield node


def given_in(expr: Expr) -> Iterator[Tensor]:
    """The tensors of an expression, but for a scalar that is differentiated: a loss perhaps."""
    if isinstance(expr, Partial):
        if not expr.function.is_Symbol:
            yield from given_in(expr.function)
        yield from given_in(expr.variable)
    elif isinstance(expr, Indexed) or is_tensor(expr):
        yield from tensors_in(expr)
    else:
        for part in expr.args:
            yield from given_in(part)


@dataclass(frozen=True)
class Equation:
    """`lhs = rhs`.

    A *definition* makes a node of the computation graph; an *abbreviation* is a name for an
    expression, and derivatives see through it. A *relation* `left = rhs` makes a node too: it
    holds for all values of its free indices, and `lhs` is the tensor for which it is to be solved.
    An `auxiliary` equation says what a name means that results need, and is no output.
    """

    lhs: Tensor
    rhs: Expr
    kind: Kind = "definition"
    left: Expr | None = None
    auxiliary: bool = False

    @property
    def is_relation(self) -> bool:
        return self.kind == "relation"

    @property
    def sides(self) -> tuple[Expr, Expr]:
        """What stands on either side of the equals sign."""
        return (self.lhs if self.left is None else self.left), self.rhs

    @cached_property
    def name(self) -> str:
        """The name that the equation defines."""
        return name_of(self.lhs)

    @property
    def indices(self) -> tuple[Index, ...]:
        return indices_of(self.lhs)

    @property
    def paired(self) -> tuple[Index, ...]:
        """For each axis of what is defined, the free index of the equation that it goes with."""
        if not self.is_relation:
            return self.indices
        return paired_indices(self.name, len(self.indices), self.sides)

    def at(self, indices: Sequence[Expr]) -> Expr:
        """The right-hand side with other indices in place of the free ones; zero out of range."""
        pairs = list(zip(self.indices, indices, strict=True))
        body = self.rhs.xreplace(dict(pairs))
        if not any(map(is_computed, indices)):
            return body
        return Mul(*(in_range(slot, index.size) for index, slot in pairs), levelled(body))

    def mapped(self, change: Callable[[Expr], Expr]) -> Equation:
        """The equation with both sides changed; the name that it defines stays."""
        left = None if self.left is None else change(self.left)
        return replace(self, rhs=change(self.rhs), left=left)


def inverse_relation(
    name: str, matrix: Expr, row: Index, column: Index, batch: Sequence[Index] = ()
) -> Equation:
    """The relation `δ_ij = A_ik A⁻¹_kj for A⁻¹`, for a matrix in the given indices.

    >>> from derive.expressions import Index, tensor
    >>> i, j = Index("i"), Index("j")
    >>> inverse_relation("B", tensor("A", i, j), i, j).rhs
    Contraction(A[i, #0]*B[#0, j], #0)
    """
    (between,) = fresh_indices([column], matrix, row, column)
    inverse = tensor(name, *batch, between, column)
    product = Contraction(matrix.xreplace({column: between}) * inverse, between)
    left = broadcast(KroneckerDelta(row, column), (row, column, *batch))
    lhs = tensor(name, *batch, row, column)
    return Equation(lhs, product, "relation", left, auxiliary=True)


class Graph:
    """Equations, the dependences between their names, and the sizes of all axes.

    Parameters
    ----------
    equations : definitions and abbreviations, in the author's order.
    letters : for an axis (tensor name, position) the index letters the author used for it, the
        preferred one first. Printers name dummies after them.
    sizes : for an index letter its size, a name or a number, wherever the letter occurs.
    multi : the index letters that are multi-indices.
    about : expressions about the graph, those with the same free indices together. Their tensors
        are inputs where no equation defines them, and their indices tell sizes.

    The equations come out with the inferred size on every index. Sizes that are not declared
    are inferred by unifying axes.

    Raises
    ------
    DefinitionError : two equations for one name, a cycle, an index free on one side only, a name
        with two numbers of indices, two sizes for one axis. `subjects` of the error are the
        tensors or indices concerned.
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        *,
        letters: Mapping[tuple[str, int], Sequence[str]] | None = None,
        sizes: Mapping[str, str | int] | None = None,
        multi: Sequence[str] = (),
        about: Sequence[Sequence[Expr]] = (),
    ) -> None:
        self.multi = tuple(multi)
        self.letters = {axis: tuple(names) for axis, names in (letters or {}).items()}
        self.declared = dict(sizes or {})
        self.equations = tuple(eq.mapped(self._with_sizes) for eq in equations)
        self._by_name = {equation.name: equation for equation in self.equations}
        self.arity: dict[str, int] = {}
        for number, equation in enumerate(self.equations):
            self._check_sides(number, equation)
            self._check_arity(number, equation)
            if equation.is_relation:
                self._check_relation(number, equation)
        self._check_order()
        self.about = tuple(map(tuple, about))
        said = [tuple(map(self._with_sizes, exprs)) for exprs in about]
        for expr in (expr for exprs in said for expr in exprs):
            self._mention(expr)
        self._sizes = Sizes(
            [*(eq.sides for eq in self.equations), *said],
            self.letters,
            self.declared,
            [
                (number, index, (eq.name, axis))
                for number, eq in enumerate(self.equations)
                for axis, index in enumerate(eq.paired)
            ],
            self.multi,
        )
        self._by_name = {eq.name: self._resized(eq) for eq in self.equations}
        self.equations = tuple(self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Equation:
        return self._by_name[name]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name, defined or not, in the order of first mention."""
        # The letters know the author's order of the factors of a product, which SymPy sorts.
        mentioned = dict.fromkeys(name for name, _ in self.letters if name in self.arity)
        rest = iter(mentioned)
        return tuple(next(rest) if name in mentioned else name for name in self.arity)

    @cached_property
    def labels(self) -> frozenset[str]:
        """The tensors whose entries are used as indices."""
        return frozenset(
            name_of(node)
            for equation in self.equations
            for side in equation.sides
            for node in tensors_in(side)
            if node.is_integer
        )

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that no equation defines, labels left out."""
        return tuple(n for n in self.names if n not in self and n not in self.labels)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The definitions that no other equation uses."""
        own = [eq for eq in self.equations if not eq.auxiliary]
        used = set().union(*(self.mentions(eq.name) for eq in own), set())
        return tuple(eq.name for eq in own if eq.kind != "abbreviation" and eq.name not in used)

    def mentions(self, name: str) -> frozenset[str]:
        """The names that stand in the equation of a name."""
        return self._mentions[name]

    @cached_property
    def _mentions(self) -> dict[str, frozenset[str]]:
        return {
            equation.name: frozenset(
                name_of(node)
                for side in (equation.sides if equation.is_relation else (equation.rhs,))
                for node in tensors_in(side)
                if not (equation.is_relation and name_of(node) == equation.name)
            )
            for equation in self.equations
        }

    def parents(self, name: str) -> frozenset[str]:
        """The inputs and definitions that a name is made of, abbreviations seen through."""
        return self._parents.get(name, frozenset())

    @cached_property
    def _parents(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for name in self.order:
            direct = self.mentions(name)
            short = {n for n in direct if n in self and self[n].kind == "abbreviation"}
            found[name] = (direct - short).union(*(found[n] for n in short))
        return found

    def consumers(self, name: str) -> tuple[Equation, ...]:
        """The equations that are made of a name, abbreviations seen through, in their order."""
        return self._consumers.get(name, ())

    @cached_property
    def _consumers(self) -> dict[str, tuple[Equation, ...]]:
        found: dict[str, list[Equation]] = {}
        for equation in self.equations:
            for parent in sorted(self.parents(equation.name)):
                found.setdefault(parent, []).append(equation)
        return {name: tuple(equations) for name, equations in found.items()}

    def leads_to(self, name: str, functions: Iterable[str]) -> bool:
        """Whether one of some functions is a name, or is made of it."""
        return any(name == function or name in self.ancestors(function) for function in functions)

    def in_order(self, names: Iterable[str]) -> list[str]:
        """The defined ones among some names, each after those it is made of."""
        return sorted(set(names) & self._position.keys(), key=self._position.__getitem__)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.order)}

    def ancestors(self, name: str) -> frozenset[str]:
        """All that a name depends on: inputs, definitions and abbreviations."""
        return self._ancestors.get(name, frozenset())

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for name in self.order:
            direct = self.mentions(name)
            found[name] = direct.union(*(found[n] for n in direct if n in found))
        return found

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The defined names, each after those it is made of."""
        position = {eq.name: number for number, eq in enumerate(self.equations)}
        sorter = TopologicalSorter(
            {
                name: sorted(self.mentions(name) & position.keys(), key=position.__getitem__)
                for name in position
            }
        )
        return tuple(sorter.static_order())

    def axis_size(self, name: str, axis: int) -> Expr:
        """The size of one axis of a tensor."""
        return self._sizes.of_axis(name, axis)

    def label_range(self, name: str) -> Expr:
        """The number of values that the entries of a tensor of labels, or a label, can take."""
        return self._sizes.of_label(name)

    def tensor(self, name: str, letters: Sequence[str]) -> Tensor:
        """The tensor with the given letters for indices, each with the size of its axis."""
        indices = [Index(n, self.axis_size(name, axis)) for axis, n in enumerate(letters)]
        return tensor(name, *indices, integer=name in self.labels)

    def sized(self, expr: Expr, *context: Expr) -> Expr:
        """The expression with the size on every index; `context` stands in the same line."""
        return self._sizes.attach(self._with_sizes(expr), *context)

    def _resized(self, equation: Equation) -> Equation:
        """The equation with the size on every index."""
        left, right = equation.sides
        if not equation.is_relation:
            return replace(equation, lhs=self.sized(left, left), rhs=self.sized(right, left))
        letters = [index.name for index in equation.indices]
        return replace(
            equation,
            lhs=self.tensor(equation.name, letters),
            rhs=self.sized(right, left),
            left=self.sized(left, right),
        )

    def _with_sizes(self, expr: Expr) -> Expr:
        """The expression with a `Size` for each scalar that bears the name of one."""
        names = {name: letter for letter, name in self.declared.items() if isinstance(name, str)}
        return expr.xreplace(
            {
                tensor(name): Shape(name) if letter in self.multi else Size(name)
                for name, letter in names.items()
            }
        )

    def _check_sides(self, number: int, equation: Equation) -> None:
        left, name = equation.indices, equation.name
        here = (Subject(name, number),)
        if any(eq.name == name for eq in self.equations[:number]):
            raise DefinitionError(
                f"{name} is defined twice", mend="give one of the two another name", subjects=here
            )
        for index in left:
            if not isinstance(index, Index) or index.is_label or left.count(index) > 1:
                raise DefinitionError(
                    f"{index} cannot stand on the left-hand side of the definition of {name}",
                    mend="the indices on the left are different lower-case letters",
                    subjects=here,
                )
        first, second = (ranging(side) for side in equation.sides)
        if equation.is_relation and 0 in equation.sides:
            return
        for letter in sorted(index.name for index in first ^ second):
            side = "left" if letter in {index.name for index in first} else "right"
            raise DefinitionError(
                f"index {letter} is free on the {side}-hand side only",
                mend=f"write `1_{letter}` on the other side to broadcast or to sum over {letter}",
                subjects=(Subject(letter, number, letter=letter),),
            )

    def _check_relation(self, number: int, equation: Equation) -> None:
        """Refuse a relation that does not determine what it is for."""
        name, order = equation.name, len(equation.indices)
        here = (Subject(name, number),)
        if name not in {name_of(node) for side in equation.sides for node in tensors_in(side)}:
            raise DefinitionError(
                f"the relation for {name} does not mention {name}",
                mend=f"write `for` and a tensor that stands in it, or `{name} = …` to define it",
                subjects=here,
            )
        free = sorted({index.name for side in equation.sides for index in ranging(side)})
        if len(free) != order:
            held = f"for every {', '.join(free)}" if free else "once"
            raise DefinitionError(
                f"the relation holds {held}, but {name}, which it defines, has "
                f"{order or 'no'} {'index' if order == 1 else 'indices'}",
                mend="a relation has as many free indices as the tensor that it defines",
                subjects=here,
            )

    def _check_arity(self, number: int, equation: Equation) -> None:
        nodes = [node for side in equation.sides for node in tensors_in(side)]
        if equation.is_relation:
            # SymPy orders factors by itself; those of a relation keep the author's order.
            written = list(dict.fromkeys(name for name, _ in self.letters))
            place = {name: number for number, name in enumerate(written)}
            nodes.sort(key=lambda node: place.get(name_of(node), len(place)))
        for node in nodes:
            name, order = name_of(node), len(indices_of(node))
            if self.arity.setdefault(name, order) != order:
                raise DefinitionError(
                    f"{name} has {self.arity[name]} indices in one place and {order} in another",
                    mend="a tensor has one index for each of its axes, everywhere",
                    subjects=(Subject(name, number, order), Subject(name, order=self.arity[name])),
                )

    def _mention(self, expr: Expr) -> None:
        """Take the tensors of an expression about the graph for inputs, but for a loss."""
        for node in given_in(expr):
            name, order = name_of(node), len(indices_of(node))
            if self.arity.setdefault(name, order) != order:
                raise DefinitionError(
                    f"{name} has {self.arity[name]} indices in one place and {order} in another",
                    mend="a tensor has one index for each of its axes, everywhere",
                    subjects=(Subject(name, order=order), Subject(name, order=self.arity[name])),
                )

    def _check_order(self) -> None:
        try:
            _ = self.order
        except CycleError as error:
            names = list(reversed(error.args[1]))
            number = next(n for n, eq in enumerate(self.equations) if eq.name == names[0])
            raise DefinitionError(
                "the definitions go round in a circle: " + " needs ".join(names),
                mend="a definition uses inputs and names defined without it; an equation to be "
                f"solved for {names[0]} ends with `for {names[0]}`",
                subjects=(Subject(names[0], number),),
            ) from None
