"""Source text from syntax trees, laid out as the formatters `ruff` and `black` lay it out.

A statement that is longer than a line is broken at the operators of its outermost chain, or at the
commas of its outermost call; where neither is enough, parts of it become variables of their own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from derive.codegen.expression_text import ATOM, OPERATORS, arguments, expression, inside

__all__ = ["INDENT", "WIDTH", "Fresh", "opened", "signature", "statement"]

WIDTH = 88
INDENT = "    "

Fresh = Callable[[], str]
"""Makes a name for a variable that is in use nowhere."""


def statement(node: ast.stmt, indent: int, fresh: Fresh) -> Iterator[str]:
    """The lines of a statement; variables for parts of it come first where it is too long."""
    if isinstance(node, ast.FunctionDef):
        names = [argument.arg for argument in node.args.args]
        yield from (INDENT * indent + line for line in signature(node.name, names))
        for inner in node.body:
            yield from statement(inner, indent + 1, fresh)
        yield ""
        return
    room = WIDTH - len(INDENT) * indent
    for part in _shortened(node, room, fresh):
        yield from (INDENT * indent + line for line in _lines(part, room) or [_flat(part)])


def _shortened(node: ast.stmt, room: int, fresh: Fresh) -> Iterator[ast.stmt]:
    """Statements that fit, the last one in place of the given one."""
    while _lines(node, room) is None:
        value = _value(node)
        largest = _start(value, room) if value is not None else None
        if largest is None and value is not None:
            largest = _largest_part(value, room)
        if largest is None:
            break
        variable = ast.Name(fresh())
        yield from _shortened(ast.Assign([variable], largest), room, fresh)
        _Replace(largest, variable).visit(node)
    yield node


def _value(node: ast.stmt) -> ast.expr | None:
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Expr):
        return node.value
    return None


def _start(value: ast.expr, room: int) -> ast.expr | None:
    """The long call whose result is turned or cut, if it has a layout."""
    part = value
    while True:
        if isinstance(part, ast.Subscript):
            part = part.value
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            part = part.func.value
        else:
            break
    if part is value or not isinstance(part, ast.Call) or len(expression(part)) <= room // 2:
        return None
    return part if _lines(ast.Assign([ast.Name("t00")], part), room) else None


def _largest_part(value: ast.expr, room: int) -> ast.expr | None:
    """The longest part of an expression that computes something and fits on a line."""
    fitting = [
        node
        for node in _always(value)
        if isinstance(node, ast.BinOp | ast.Call | ast.IfExp | ast.Subscript) and node is not value
        if _fits(node, room)
    ]
    return max(fitting, key=lambda node: len(expression(node)), default=None)


def _fits(node: ast.expr, room: int) -> bool:
    """Whether a variable for an expression has a layout."""
    if len(expression(node)) <= room - len("t00 = "):
        return True
    return isinstance(node, ast.IfExp) and _conditional("part00 = ", node, room) is not None


def _always(value: ast.expr) -> Iterator[ast.AST]:
    """The parts of an expression that are computed whatever comes out."""
    yield value
    if not isinstance(value, ast.IfExp):
        for part in ast.iter_child_nodes(value):
            yield from _always(part)  # type: ignore[arg-type]


class _Replace(ast.NodeTransformer):
    """One node in place of another, which is known by its text."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old, self._new = ast.dump(old), new

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, or the new one in its place."""
        return self._new if ast.dump(node) == self._old else self.generic_visit(node)


def _lines(node: ast.stmt, room: int) -> list[str] | None:
    """The statement in lines that fit, None where there is no such layout."""
    flat = _flat(node)
    if len(flat) <= room:
        return [flat]
    value = _value(node)
    if value is None:
        return None
    head = flat.removesuffix(_result(node, value))
    if isinstance(value, ast.Tuple):
        return _listed(head + "(", list(map(expression, value.elts)), ")", room)
    if isinstance(value, ast.Call):
        return _called(head, value, room)
    if isinstance(value, ast.IfExp):
        return _conditional(head, value, room)
    return _chained(head, value, room)


def _flat(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign):
        return f"{_result(node, node.targets[0])} = {_result(node, node.value)}"
    if isinstance(node, ast.AugAssign):
        sign = OPERATORS[type(node.op)][0]
        return f"{expression(node.target)} {sign}= {expression(node.value)}"
    if isinstance(node, ast.Return):
        return "return " + (_result(node, node.value) if node.value else "None")
    if isinstance(node, ast.Expr):
        return expression(node.value)
    raise TypeError(f"{type(node).__name__} has no layout")


def _result(_: ast.stmt, value: ast.expr) -> str:
    """The text of what is assigned or returned: a tuple without parentheses."""
    if isinstance(value, ast.Tuple) and len(value.elts) > 1:
        return ", ".join(map(expression, value.elts))
    return expression(value)


def _called(head: str, value: ast.Call, room: int) -> list[str] | None:
    """A call, its arguments on a line of their own or on one each."""
    head += f"{inside(value.func, ATOM)}("
    parts = arguments(value)
    inner = INDENT + ", ".join(parts)
    if len(head) <= room and len(inner) <= room:
        return [head, inner, ")"]
    return _listed(head, parts, ")", room)


def _conditional(head: str, value: ast.IfExp, room: int) -> list[str] | None:
    """One of two values, on a line of its own or on three."""
    whole = expression(value)
    tests = [f"if {inside(value.test, 1)}"]
    if len(INDENT + tests[0]) > room and isinstance(value.test, ast.BoolOp):
        sign, tightness = ("and", 2) if isinstance(value.test.op, ast.And) else ("or", 1)
        first, *others = (inside(each, tightness + 1) for each in value.test.values)
        tests = [f"if {first}", *(f"{sign} {other}" for other in others)]
    parts = [inside(value.body, 1), *tests, f"else {inside(value.orelse, 1)}"]
    inner = [whole] if len(INDENT + whole) <= room else parts
    lines = [head + "(", *(INDENT + line for line in inner), ")"]
    return lines if all(len(line) <= room for line in lines) else None


def _chained(head: str, value: ast.expr, room: int) -> list[str] | None:
    """A chain of operators, one a line, in parentheses."""
    parts = _chain(value)
    if len(parts) < 3:
        return None
    whole = expression(value)
    inner = [whole] if len(INDENT + whole) <= room else parts
    lines = [head + "(", *(INDENT + line for line in inner), ")"]
    return lines if all(len(line) <= room for line in lines) else None


def _chain(value: ast.expr) -> list[str]:
    """The operands of the loosest operators of an expression, each behind its sign."""
    if not isinstance(value, ast.BinOp) or isinstance(value.op, ast.Pow):
        return [expression(value)]
    sign, tightness = OPERATORS[type(value.op)]
    last = f"{sign} {inside(value.right, tightness + 1)}"
    left = value.left
    if isinstance(left, ast.BinOp) and OPERATORS[type(left.op)][1] == tightness:
        return [*_chain(left), last]
    return [inside(left, tightness), last]


def opened(head: str, inner: Sequence[str], tail: str, indent: int) -> list[str]:
    """What stands in brackets on the line of its head, on one of its own, or on one each."""
    outer = INDENT * indent
    flat = f"{outer}{head}{', '.join(inner)}{tail}"
    if len(flat) <= WIDTH:
        return [flat]
    body = f"{outer}{INDENT}{', '.join(inner)}"
    if len(body) <= WIDTH:
        return [outer + head, body, outer + tail]
    return [outer + head, *(f"{outer}{INDENT}{each}," for each in inner), outer + tail]


def _listed(head: str, items: Sequence[str], tail: str, room: int) -> list[str] | None:
    """Items between brackets, one a line, each with a comma behind it."""
    lines = [head, *(f"{INDENT}{item}," for item in items), tail]
    return lines if all(len(line) <= room for line in lines) else None


def signature(name: str, parameters: Sequence[str], width: int = WIDTH) -> list[str]:
    """The first lines of a function."""
    flat = f"def {name}({', '.join(parameters)}):"
    if len(flat) <= width:
        return [flat]
    inner = INDENT + ", ".join(parameters)
    if len(inner) <= width:
        return [f"def {name}(", inner, "):"]
    return [f"def {name}(", *(f"{INDENT}{parameter}," for parameter in parameters), "):"]
