"""A loop nest as the text of a function that Numba compiles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count

from sympy import Expr

from derive.codegen.bounds import bounds
from derive.codegen.cells import Cells
from derive.codegen.expression_text import expression
from derive.codegen.hoist import Hoisting
from derive.codegen.identifiers import Identifiers
from derive.codegen.layout import Layout, layout
from derive.codegen.loops import Loop, Nest, updates_in
from derive.codegen.positions import Sizes
from derive.codegen.source import INDENT, opened, statement
from derive.codegen.syntax import call, number
from derive.codegen.updates import Update
from derive.expressions import Index, is_tensor, name_of

__all__ = ["Writer"]

_START = {"sum": 0.0, "product": 1.0, "max": -1, "min": 1, "argmax": -1, "argmin": 1}
_SIGN = {"max": ast.Gt(), "min": ast.Lt(), "argmax": ast.Gt(), "argmin": ast.Lt()}
Line = str


class Writer:
    """Writes the body of the function for one nest."""

    def __init__(
        self,
        nest: Loop,
        names: Identifiers,
        sizes: Sizes,
        wanted: frozenset[str],
        letters: Mapping[Index, str],
        formulas: Mapping[str, str],
    ) -> None:
        self.nest = nest
        self.names = names
        self.updates = list(updates_in(nest))
        self.layout: Layout = layout(nest, wanted)
        self.formulas = dict(formulas)
        self.letters = letters
        self._taken = {*(names[key] for key in names), *letters.values()}
        self._own: dict[str, str] = {}
        self.cells = Cells(names, letters, self._storage, sizes)
        scalars = {n for n, axes in self.layout.axes.items() if not axes}
        given = {n for n in self.read if not self.layout.arity[n]}
        self.depth = max(len(update.order) for update in self.updates)
        self._around: list[Loop] = []
        self.hoisting = Hoisting(frozenset(given), frozenset(scalars), self.depth)
        self.values = {id(u): self.hoisting.of(u) for u in self.updates}
        self._fresh = (f"part{n}" for n in count(1))

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The tensors that come from outside, in the order in which they are needed."""
        made = {update.name for update in self.updates}
        leaves = (name_of(leaf) for update in self.updates for leaf in update.leaves())
        return tuple(name for name in dict.fromkeys(leaves) if name not in made)

    @cached_property
    def real(self) -> str | None:
        """An array of the type of numbers that entries are computed in."""
        made = [u.name for u in self.updates if u.name not in self.layout.places]
        whole = {name_of(n) for u in self.updates for n in u.leaves() if n.is_integer}
        for name in (*self.read, *made):
            own = name not in whole and name not in (*self.layout.axes, *self.layout.partial)
            if own and self.layout.arity[name]:
                return self.names[name]
        return None

    def lines(self) -> Iterator[Line]:
        """The body of the function."""
        yield from self._before(self.nest, 1)
        yield from self._buffers(1)
        rows = ["first", "last"] if self.nest.parallel else self._range(self.nest)
        yield from self._loop(self.nest, 1, rows)

    # Loops

    def _loop(self, loop: Loop, indent: int, rows: Sequence[str]) -> Iterator[Line]:
        yield from self._starts(loop, indent)
        yield from opened(f"for {self.letters[loop.index]} in range(", rows, "):", indent)
        self._around.append(loop)
        for part in loop.body:
            yield from self._nest(part, indent + 1)
        self._around.pop()
        for update in self.updates:
            if self._begins(update, loop) and self._variable(update):
                yield from self._finish(update, indent)

    def _nest(self, nest: Nest, indent: int) -> Iterator[Line]:
        if isinstance(nest, Update):
            yield from self._update(nest, indent)
            return
        yield from self._before(nest, indent)
        yield from self._loop(nest, indent, self._range(nest))

    def _range(self, loop: Loop) -> list[str]:
        """The bounds of a loop, which see to its conditions."""
        return bounds(loop, self._size(loop.index), self._whole)

    def _whole(self, expr: Expr) -> str:
        return expression(self.cells.position(expr.expand()))

    def _size(self, index: Index) -> str:
        return expression(self.cells.size(index))

    # What stands before a loop

    def _before(self, loop: Loop, indent: int) -> Iterator[Line]:
        """The constants of a loop."""
        for constant in self.hoisting.before.get(loop.index, []):
            variable = self._named(constant.name, f"c{constant.name[1:]}")
            # Of the conditions of an update only those hold that the loops around see to.
            cells = self.cells.under(frozenset(c for each in self._around for c in each.conditions))
            value = cells.value(constant.expr)
            if constant.inner and self.real and not self._is_entry(constant.expr):
                value = call(f"{self.real}.dtype.type", value)
            yield from self._line(_assign(ast.Name(variable), value), indent)

    def _starts(self, loop: Loop, indent: int) -> Iterator[Line]:
        """The first values of the reductions that a loop begins."""
        for update in self.updates:
            if not self._begins(update, loop):
                continue
            yield from self._comment(update, indent)
            variable = self._variable(update)
            if variable is None:
                yield from self._cleared(update, loop, indent)
                continue
            if update.kind.startswith("arg"):
                yield from self._line(_assign(ast.Name(variable), number(0)), indent)
                variable = self._named(f"best {update.name}", f"{variable}_best")
            yield from self._line(_assign(ast.Name(variable), _first(update.kind)), indent)

    def _cleared(self, update: Update, loop: Loop, indent: int) -> Iterator[Line]:
        """Zeros where sums are to be made that several entries belong to."""
        if update.name in self.layout.partial:
            return
        entry = self.cells.entry(update.target)
        assert isinstance(entry, ast.Subscript)
        inner = {self.letters[i] for i in update.order[update.order.index(loop.index) :]}
        places = entry.slice.elts if isinstance(entry.slice, ast.Tuple) else [entry.slice]
        cut = [ast.Slice() if isinstance(p, ast.Name) and p.id in inner else p for p in places]
        slots = cut[0] if len(cut) == 1 else ast.Tuple(cut)
        yield from self._line(_assign(ast.Subscript(entry.value, slots), ast.Constant(0.0)), indent)

    def _buffers(self, indent: int) -> Iterator[Line]:
        """The arrays for entries of one round of the outer loop."""
        for name, sizes in self.layout.buffers.items():
            shape = ast.Tuple([self.cells.value(size) for size in sizes])
            value = call("np.empty", shape, *self._kind(name))
            yield from self._line(_assign(ast.Name(self.names[name]), value), indent)

    def _kind(self, name: str) -> Iterator[ast.expr]:
        """The type of a buffer, double precision where sums are made in it."""
        if name in self.layout.places:
            yield ast.Attribute(ast.Name("np"), "intp")
        elif self.real and all(u.kind == "set" for u in self.updates if u.name == name):
            yield ast.Attribute(ast.Name(self.real), "dtype")

    def _is_entry(self, expr: Expr) -> bool:
        """Whether a value is one of an array, and has the type of its numbers."""
        return is_tensor(expr) and name_of(expr) not in self.hoisting.variables

    # Updates

    def _begins(self, update: Update, loop: Loop) -> bool:
        """Whether a reduction has its outermost loop here."""
        return bool(update.reduced) and update.reduced[0] == loop.index

    def _variable(self, update: Update) -> str | None:
        """The variable of a reduction, none where entries of the target are further in."""
        inner = update.order[update.order.index(update.reduced[0]) :]
        if any(update.axis(index) is not None for index in inner):
            return None
        if update.name in self.layout.axes and not self.layout.axes[update.name]:
            return self.names[update.name]
        return self._named(f"sum {update.name}", f"{self.names[update.name]}_{_short(update.kind)}")

    def _finish(self, update: Update, indent: int) -> Iterator[Line]:
        """Put the value of a reduction where it belongs."""
        variable = self._variable(update)
        if variable != self.names[update.name]:
            place = self._entry(update)
            yield from self._line(_assign(place, ast.Name(variable or "")), indent)

    def _update(self, update: Update, indent: int) -> Iterator[Line]:
        if not update.reduced:
            yield from self._comment(update, indent)
        seen = {c for loop in _loops(self.nest, update) for c in loop.conditions}
        left = sorted(update.conditions - seen, key=str)
        if left:
            yield f"{INDENT * indent}if {expression(self.cells.test(left))}:"
            indent += 1
        value = self.cells.under(update.conditions).value(self.values[id(update)])
        if update.kind in _SIGN:
            yield from self._compared(update, value, indent)
            return
        variable = self._variable(update) if update.reduced else None
        place: ast.Name | ast.Subscript
        place = ast.Name(variable) if variable else self._entry(update)
        if update.kind == "set":
            yield from self._line(_assign(place, value), indent)
            return
        sign: ast.operator = ast.Mult() if update.kind == "product" else ast.Add()
        if isinstance(value, ast.UnaryOp) and isinstance(sign, ast.Add):
            sign, value = ast.Sub(), value.operand
        yield from self._line(ast.AugAssign(place, sign, value), indent)

    def _compared(self, update: Update, value: ast.expr, indent: int) -> Iterator[Line]:
        """An entry beside the greatest one so far; what is no number stays."""
        variable = self._variable(update) or ""
        best = variable
        if update.kind.startswith("arg"):
            best = self._named(f"best {update.name}", f"{variable}_best")
        entry = self._named("entry", "entry")
        yield from self._line(_assign(ast.Name(entry), value), indent)
        sign = ">" if update.kind.endswith("max") else "<"
        same = f"{entry} != {entry} and {best} == {best}"
        yield from opened(f"if {entry} {sign} {best} or (", [same], "):", indent)
        yield f"{INDENT * (indent + 1)}{best} = {entry}"
        if best != variable:
            index = self.letters[update.reduced[0]]
            yield f"{INDENT * (indent + 1)}{variable} = {index}"

    def _entry(self, update: Update) -> ast.Name | ast.Subscript:
        """The place that an update changes."""
        entry = self.cells.entry(update.target)
        if update.name not in self.layout.partial:
            return entry
        places: list[ast.expr] = [ast.Name("part")]
        if isinstance(entry, ast.Subscript):
            inner = entry.slice
            places += inner.elts if isinstance(inner, ast.Tuple) else [inner]
        slots = places[0] if len(places) == 1 else ast.Tuple(places)
        return ast.Subscript(ast.Name(f"{self.names[update.name]}_parts"), slots)

    # Names

    def _storage(self, name: str) -> tuple[str, Sequence[int]]:
        """Where a tensor is: a variable, and those of its axes that are there."""
        if name.startswith(("@", "best ")):
            return self._own[name], ()
        axes = self.layout.axes.get(name)
        if axes is not None:
            return self.names[name], axes
        order = self.layout.arity[name]
        if not order and name not in self.read:
            return self.names[name] + "[()]", ()
        return self.names[name], range(order)

    def _named(self, key: str, wanted: str) -> str:
        """A variable of the kernel."""
        if key not in self._own:
            while wanted in self._taken:
                wanted += "_"
            self._taken.add(wanted)
            self._own[key] = wanted
        return self._own[key]

    def _comment(self, update: Update, indent: int) -> Iterator[Line]:
        """The formula of an assignment, once."""
        formula = self.formulas.pop(update.name, "")
        if formula and len(formula) + 4 * indent + 2 <= 88:
            yield f"{INDENT * indent}# {formula}"

    def _line(self, node: ast.stmt, indent: int) -> Iterator[Line]:
        yield from statement(node, indent, lambda: next(self._fresh))


def _loops(nest: Nest, update: Update) -> Iterator[Loop]:
    """The loops around an update."""
    if isinstance(nest, Loop) and nest.index in update.order:
        yield nest
        for part in nest.body:
            if update in updates_in(part):
                yield from _loops(part, update)


def _first(kind: str) -> ast.expr:
    start = _START[kind]
    if kind in ("sum", "product"):
        return ast.Constant(start)
    infinity = ast.Attribute(ast.Name("np"), "inf")
    return infinity if start > 0 else ast.UnaryOp(ast.USub(), infinity)


def _short(kind: str) -> str:
    return {"argmax": "place", "argmin": "place"}.get(kind, kind)


def _assign(place: ast.expr, value: ast.expr) -> ast.stmt:
    return ast.Assign([place], value)
