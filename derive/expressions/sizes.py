"""The sizes of axes and indices: declared, or inferred from which indices run over which axes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sympy import Expr, Indexed, Integer, KroneckerDelta

from derive.errors import DefinitionError, Subject
from derive.expressions.binder import Binder
from derive.expressions.determinant import OfMatrix
from derive.expressions.indices import Index, Shape, Size, free_indices, name_of
from derive.expressions.reductions import Place

__all__ = ["Sizes"]

Node = tuple[Any, Any]
_Scope = Mapping[Index, Node]
_Path = tuple[int, ...]


class Sizes:
    """Union-find over axes, labels and the indices of each line.

    Parameters
    ----------
    lines : the sides of each equation; expressions that share their free indices.
    letters : the index letters that the author used for an axis.
    declared : the sizes of index letters.
    paired : for a line, by its number, a free index and the axis that it runs over.
    multi : the letters that are multi-indices.

    Raises
    ------
    DefinitionError : two sizes for one axis.
    """

    def __init__(
        self,
        lines: Sequence[tuple[Expr, ...]],
        letters: Mapping[tuple[str, int], Sequence[str]],
        declared: Mapping[str, str | int],
        paired: Iterable[tuple[int, Index, tuple[str, int]]] = (),
        multi: Collection[str] = (),
    ) -> None:
        self.parent: dict[Node, Node] = {}
        # The sizes that the free indices of a line bring along, while it is sized.
        self.brought: dict[Node, Expr] = {}
        self.lines = len(lines)
        self.own: frozenset[Node] = frozenset()
        for number, sides in enumerate(lines):
            self._unify_line(number, *sides)
        for number, index, axis in paired:
            self._union((number, index.name), axis)
        self.own = frozenset(filter(_is_lasting, self.parent))
        self.multi = [axis for axis, used in letters.items() if set(used) & set(multi)]
        self.declared: dict[Node, tuple[str | int, tuple[str, int], str]] = {}
        for axis, used in letters.items():
            for letter in used:
                if letter in declared:
                    self._declare(axis, letter, declared[letter])

    def _unify_line(self, line: int, *exprs: Expr) -> _Scope:
        """Join the axes in expressions that share their free indices."""
        letters = {index for expr in exprs for index in free_indices(expr)}
        scope = {index: (line, index.name) for index in letters if not index.is_label}
        for position, expr in enumerate(exprs):
            self._unify(expr, scope, (line, position))
        return scope

    def _declare(self, axis: tuple[str, int], letter: str, size: str | int) -> None:
        root = self._find(axis)
        known, (name, position), other = self.declared.setdefault(root, (size, axis, letter))
        if known != size:
            raise DefinitionError(
                f"axis {axis[1] + 1} of {axis[0]} has size {size} as index {letter}, "
                f"but axis {position + 1} of {name}, which is as long, has size {known} "
                f"as index {other}",
                mend="indices that run over one axis have one size",
                subjects=(Subject(axis[0], letter=letter), Subject(name, letter=other)),
            )

    def _find(self, node: Node) -> Node:
        while (parent := self.parent.setdefault(node, node)) != node:
            node = parent
        return node

    def _union(self, a: Node, b: Node) -> None:
        # The lesser root wins, so that the name of a size does not depend on the order; an axis
        # of the equations before one of a tensor that another line brings in.
        roots = (self._find(a), self._find(b))
        low, high = sorted(roots, key=lambda root: (root not in self.own, _rank(root)))
        self.parent[high] = low

    def _unify(self, expr: Expr, scope: _Scope, path: _Path) -> None:
        """Join the axes that one index runs over; `path` tells the contractions apart."""
        scope = _inside(expr, scope, path)
        if isinstance(expr, Indexed):
            for axis, slot in enumerate(expr.indices):
                # A tensor has its base before its slots.
                self._join((name_of(expr), axis), _slot_node(slot, scope, (*path, 1 + axis)))
        elif isinstance(expr, KroneckerDelta):
            places = enumerate(expr.args)
            self._join(*(_slot_node(slot, scope, (*path, place)) for place, slot in places))
        elif isinstance(expr, OfMatrix):
            self._join(*(scope[index] for index in expr.bound))
        for position, arg in enumerate(expr.args):
            self._unify(arg, scope, (*path, position))

    def _join(self, a: Node | None, b: Node | None) -> None:
        if a is not None and b is not None:
            self._union(a, b)

    def _size(self, node: Node, given: Expr | None = None) -> Expr:
        """The size of a class of axes; of an index alone, the one that it brings along."""
        root = self._find(node)
        for declared, (size, _, _) in self.declared.items():
            if self._find(declared) == root:
                return Integer(size) if isinstance(size, int) else self._named(root, size)
        given = given if given is not None else self.brought.get(root)
        if given is not None and not _is_lasting(root):
            return given
        return self._named(root, ".".join(str(part) for part in root))

    def _named(self, root: Node, name: str) -> Size:
        """A size by its name, or several where the axis is that of a multi-index."""
        is_multi = any(self._find(axis) == root for axis in self.multi)
        return Shape(name) if is_multi else Size(name)

    def of_axis(self, name: str, axis: int) -> Expr:
        """The size of an axis of a tensor."""
        return self._size((name, axis))

    def of_label(self, name: str) -> Expr:
        """The number of values of a label, or of the entries of a tensor of labels."""
        return self._size(("label", name))

    def attach(self, expr: Expr, *context: Expr) -> Expr:
        """The expression with the size on every index; `context` shares its free indices."""
        outer, self.parent = self.parent, dict(self.parent)
        try:
            scope = self._unify_line(self.lines, expr, *context)
            self.brought = {self._find(scope[i]): i.size for i in scope if i.size is not None}
            return self._rebuild(expr, scope, (self.lines, 0))
        finally:
            self.parent, self.brought = outer, {}

    def _rebuild(self, expr: Expr, scope: _Scope, path: _Path) -> Expr:
        if isinstance(expr, Index):
            return expr.sized(self._size(scope.get(expr, ("label", expr.name)), given=expr.size))
        if not free_indices(expr) and not expr.has(Binder):
            return expr
        args = [
            self._rebuild(arg, _inside(expr, scope, path), (*path, position))
            for position, arg in enumerate(expr.args)
        ]
        return expr.func(*args)


def _inside(expr: Expr, scope: _Scope, path: _Path) -> _Scope:
    """The scope in the body of a binder; any other node leaves it as it is."""
    if not isinstance(expr, Binder):
        return scope
    return {**scope, **{index: (path, index.name) for index in expr.bound}}


def _slot_node(slot: Expr, scope: _Scope, path: _Path) -> Node | None:
    """What a slot of a tensor is in the union-find; None for a number or a sum of indices."""
    if isinstance(slot, Index):
        return scope.get(slot, ("label", slot.name))
    if isinstance(slot, Place):
        return _inside(slot, scope, path)[slot.bound[0]]
    return ("label", name_of(slot)) if isinstance(slot, Indexed) else None


def _is_lasting(node: Any) -> bool:
    """Whether the node is an axis or a label, and not an index of a single line."""
    return isinstance(node[0], str)


def _rank(node: Any) -> tuple[bool, bool, str]:
    """Axes before labels before the indices of single lines."""
    return (not _is_lasting(node), node[0] == "label", str(node))
