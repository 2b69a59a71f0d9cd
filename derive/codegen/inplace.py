"""Statements that write their result where an operand lies that nothing reads any more.

An array as large as the memory allows is then passed over, and never allocated twice.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sympy import Expr

from derive.codegen.dialect import Dialect
from derive.codegen.steps import Step
from derive.codegen.syntax import call, name

__all__ = ["OVERWRITE", "in_place", "views"]

OVERWRITE = "overwrite_saved"
"""The argument that lets a backward pass write to what was saved."""

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_COMMUTE = (ast.Add, ast.Mult)

Shapes = Mapping[str, tuple[Expr | None, ...]]
"""The sizes of the axes of each array, by its identifier."""


def in_place(
    dialect: Dialect,
    steps: Sequence[Step],
    shapes: Shapes,
    kept: Iterable[str],
    lent: Iterable[str] = (),
) -> list[Step]:
    """The steps with results in the place of arrays that nobody needs.

    Parameters
    ----------
    dialect : how the target puts a result somewhere.
    steps : the work of a function, in order.
    shapes : the sizes of the axes of each array.
    kept : the arrays that are returned.
    lent : arrays of the caller that may be written to where the caller says so.
    """
    reader = _InPlace(dialect, steps, shapes, frozenset(kept), frozenset(lent))
    return [
        replace(step, statements=tuple(reader.statements(number)))
        for number, step in enumerate(steps)
    ]


# Methods that return the same entries with other axes.
_TURNING = ("transpose", "permute", "reshape", "expand")
# Functions of a module that make arrays.
_MAKING = ("_add_windows", "_contract", "_fold")


class _InPlace:
    def __init__(
        self,
        dialect: Dialect,
        steps: Sequence[Step],
        shapes: Shapes,
        kept: frozenset[str],
        lent: frozenset[str],
    ) -> None:
        self._dialect = dialect
        self._steps, self._shapes, self._kept, self._lent = steps, shapes, kept, lent
        statements = [s for step in steps for s in step.statements]
        self._owned = {_made(s) for s in statements if _is_fresh(s, dialect.module)}
        self._owned -= {name for s in statements for name in _seen_through(s)}
        # Those that another variable has taken the place of.
        self._taken: set[str] = set()
        # Only the arrays with the most axes are large enough for it to matter.
        made = map(_made, statements)
        self._rank = max((len(shapes[n]) for n in made if n in shapes), default=0)
        self._last: dict[str, int] = {}
        for number, step in enumerate(steps):
            for each in _names(step.statements):
                self._last[each] = number

    def statements(self, number: int) -> Iterator[ast.stmt]:
        """The statements of a step."""
        first, *others = self._steps[number].statements
        yield from self._rewritten(first, number, _names(others))
        yield from others

    def _rewritten(self, node: ast.stmt, number: int, used: set[str]) -> Iterator[ast.stmt]:
        variable = _made(node)
        copied = _copied(node)
        if copied in self._owned and self._is_free(copied, variable, number, used):
            self._taken.add(copied)
            yield ast.Assign([ast.Name(variable)], ast.Name(copied))
            return
        if not isinstance(node, ast.Assign) or not self._is_large(variable):
            yield node
            return
        parts = _spine(node.value, lambda name: self._is_free(name, variable, number, used))
        place = self._unused(variable, number)
        levels = _levels(node.value, lambda name: self._is_like(name, variable))
        if place and levels and (parts is None or self._needs_more(*parts, variable)):
            self._taken.add(place)
            nested = "" if parts is None else parts[0]
            yield from self._written_over(variable, place, levels, nested)
        elif parts is not None:
            self._taken.add(parts[0])
            yield from self._written_over(variable, *parts)
        elif isinstance(node.value, ast.Call) and self._is_entrywise(node.value):
            yield ast.Assign([ast.Name(variable)], node.value.args[0])
            yield self._again(variable, node.value.func, ast.Name(variable))
        else:
            yield node

    def _is_entrywise(self, value: ast.Call) -> bool:
        """Whether a value is a function of what is computed for it alone."""
        if value.keywords or len(value.args) != 1 or not isinstance(value.func, ast.Attribute):
            return False
        return value.func.attr in self._dialect.entrywise and _is_arithmetic(value.args[0])

    def _again(self, variable: str, function: ast.expr, *arguments: ast.expr) -> ast.stmt:
        """A statement that puts a function of a variable in its place."""
        array = ast.Name(variable)
        found = call(function, *arguments, out=self._dialect.place(array))
        return ast.Assign([array], found) if self._dialect.guarded else ast.Expr(found)

    def _function(self, level: ast.BinOp) -> ast.expr:
        return name(f"{self._dialect.module}.{self._dialect.written[type(level.op)]}")

    def _is_large(self, variable: str) -> bool:
        return len(self._shapes.get(variable, ())) == self._rank > 0

    def _is_like(self, name: str, variable: str) -> bool:
        return self._shapes.get(name) == self._shapes[variable]

    def _unused(self, variable: str, number: int) -> str:
        """An array of the right shape that nothing has read since before a step, if there is one.

        Where a place is one in some circumstances only, an array may not even have been made.
        """
        found = (
            name
            for name in sorted(self._owned - self._kept - self._taken - {variable})
            if self._is_like(name, variable) and self._last[name] < number
        )
        return "" if self._dialect.guarded else next(found, "")

    def _needs_more(self, name: str, levels: Sequence[ast.BinOp], variable: str) -> bool:
        """Whether beside the operations around an array others make a second one as large."""
        others = (side for each in levels for side in (each.left, each.right))
        beside = (each for each in others if name not in _names([each]))
        return any(_levels(each, lambda one: self._is_like(one, variable)) for each in beside)

    def _is_free(self, name: str, variable: str, number: int, used: set[str]) -> bool:
        """Whether nothing reads an array of the right shape after a step."""
        if name not in self._lent and (name not in self._owned or name in self._kept):
            return False
        last = self._last[name] == number and name not in used
        return last and self._is_like(name, variable)

    def _written_over(
        self, variable: str, name: str, levels: Sequence[ast.BinOp], nested: str = ""
    ) -> Iterator[ast.stmt]:
        """Operations one after the other, the innermost first, all in one place.

        An operand that starts with the array `nested`, which is free as well, is put there.
        """
        innermost, *others = levels
        place = self._dialect.place(ast.Name(name))
        if name in self._lent:
            place = ast.IfExp(ast.Name(OVERWRITE), place, ast.Constant(None))
        first = call(self._function(innermost), innermost.left, innermost.right, out=place)
        yield ast.Assign([ast.Name(variable)], first)
        inner: ast.expr = innermost
        for level in others:
            left = level.left is inner
            other = self._inside(level.right if left else level.left, nested)
            again = ast.Name(variable)
            if self._dialect.guarded or not (left or isinstance(level.op, _COMMUTE)):
                operands = (again, other) if left else (other, again)
                yield self._again(variable, self._function(level), *operands)
            else:
                yield ast.AugAssign(again, level.op, other)
            inner = level

    def _inside(self, value: ast.expr, name: str) -> ast.expr:
        """An operation on an array, put where that lies."""
        if not isinstance(value, ast.BinOp) or not _is_arithmetic(value):
            return value
        array = next((e for e in (value.left, value.right) if _names([e]) == {name} != {""}), None)
        if not isinstance(array, ast.Name):
            return value
        return call(self._function(value), value.left, value.right, out=array)


def _levels(value: ast.expr, is_like: Callable[[str], bool]) -> list[ast.BinOp]:
    """The operations around a first one that makes an array, this one first."""
    if not isinstance(value, ast.BinOp) or not _is_arithmetic(value):
        return []
    for side in (value.left, value.right):
        found = _levels(side, is_like)
        if found:
            return [*found, value]
    sides = (value.left, value.right)
    return [value] if any(isinstance(e, ast.Name) and is_like(e.id) for e in sides) else []


def _spine(value: ast.expr, is_free: Callable[[str], bool]) -> tuple[str, list[ast.BinOp]] | None:
    """An array that may be written over, and the operations around it, the innermost first."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, _ARITHMETIC):
        return None
    for side, other in ((value.left, value.right), (value.right, value.left)):
        if isinstance(side, ast.Name) and is_free(side.id) and side.id not in _names([other]):
            return side.id, [value]
        found = _spine(side, is_free)
        if found is not None and found[0] not in _names([other]):
            return found[0], [*found[1], value]
    return None


def _is_arithmetic(value: ast.expr) -> bool:
    return isinstance(value, ast.BinOp) and isinstance(value.op, _ARITHMETIC)


def _is_fresh(node: ast.stmt, module: str) -> bool:
    """Whether a statement makes an array that no other name means, by a library's functions."""
    if not isinstance(node, ast.Assign):
        return False
    value = node.value
    if isinstance(value, ast.BinOp):
        return True
    function = value.func if isinstance(value, ast.Call) else None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.value.id == module
    return isinstance(function, ast.Name) and function.id in _MAKING


def _copied(node: ast.stmt) -> str:
    """The array that a statement makes a copy of, to write to it.

    PyTorch's `clone` is none: autograd may need the value of what it is made from.
    """
    value = node.value if isinstance(node, ast.Assign) else None
    function = value.func if isinstance(value, ast.Call) else None
    if isinstance(function, ast.Attribute) and function.attr == "copy":
        return function.value.id if isinstance(function.value, ast.Name) else ""
    return ""


def views(steps: Iterable[Step]) -> set[str]:
    """The names of arrays that share the memory of others."""
    nodes = (s for step in steps for s in step.statements if isinstance(s, ast.Assign))
    return {_made(node) for node in nodes if _is_view(node.value)}


def _is_view(value: ast.expr) -> bool:
    if isinstance(value, ast.Subscript | ast.Attribute):
        return _is_view(value.value)
    if not isinstance(value, ast.Call):
        return isinstance(value, ast.Name)
    if isinstance(value.func, ast.Attribute) and value.func.attr in _TURNING:
        return _is_view(value.func.value)
    return isinstance(value.func, ast.Name) and value.func.id == "_windows"


def _seen_through(node: ast.stmt) -> set[str]:
    """The arrays of which a statement may make no copy but another view."""
    value = node.value if isinstance(node, ast.Assign) else None
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        turned = value.func.attr in ("transpose", "permute")
        return _names([value]) if turned else set()
    return _names([value]) if isinstance(value, ast.Attribute | ast.Subscript | ast.Name) else set()


def _made(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}
