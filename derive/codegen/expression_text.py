"""Expressions as text in one line, with the parentheses that they need."""

from __future__ import annotations

import ast

__all__ = ["ATOM", "OPERATORS", "arguments", "expression", "inside"]

OPERATORS: dict[type[ast.AST], tuple[str, int]] = {
    ast.BitOr: ("|", 4),
    ast.BitXor: ("^", 5),
    ast.BitAnd: ("&", 6),
    ast.Add: ("+", 8),
    ast.Sub: ("-", 8),
    ast.Mult: ("*", 9),
    ast.Div: ("/", 9),
    ast.FloorDiv: ("//", 9),
    ast.Mod: ("%", 9),
    ast.MatMult: ("@", 9),
    ast.Pow: ("**", 11),
}
_SIGNS: dict[type[ast.AST], str] = {ast.USub: "-", ast.Invert: "~"}
_COMPARISONS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_COMPARED, _UNARY, ATOM = 3, 10, 20


def expression(node: ast.expr) -> str:
    """The text of an expression in one line."""
    return _text(node)[0]


def _text(node: ast.expr) -> tuple[str, int]:
    """The text and how tightly it holds together."""
    if isinstance(node, ast.BinOp):
        return _binary(node)
    if isinstance(node, ast.UnaryOp):
        return _SIGNS[type(node.op)] + inside(node.operand, _UNARY), _UNARY
    if isinstance(node, ast.Compare):
        parts = [inside(node.left, _COMPARED + 1)]
        for relation, side in zip(node.ops, node.comparators, strict=True):
            parts += [_COMPARISONS[type(relation)], inside(side, _COMPARED + 1)]
        return " ".join(parts), _COMPARED
    if isinstance(node, ast.Constant):
        return _constant(node.value), ATOM
    if isinstance(node, ast.Tuple):
        inner = ", ".join(map(expression, node.elts))
        return f"({inner}{',' if len(node.elts) == 1 else ''})", ATOM
    if isinstance(node, ast.List):
        return f"[{', '.join(map(expression, node.elts))}]", ATOM
    if isinstance(node, ast.BoolOp | ast.IfExp):
        return _condition(node)
    return _primary(node), ATOM


def _condition(node: ast.BoolOp | ast.IfExp) -> tuple[str, int]:
    """Comparisons put together, or one of two values."""
    if isinstance(node, ast.BoolOp):
        sign, tightness = (" and ", 2) if isinstance(node.op, ast.And) else (" or ", 1)
        return sign.join(inside(value, tightness + 1) for value in node.values), tightness
    parts = [inside(each, 1) for each in (node.body, node.test, node.orelse)]
    return "{} if {} else {}".format(*parts), 0


def _primary(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{inside(node.value, ATOM)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{inside(node.func, ATOM)}({', '.join(arguments(node))})"
    if isinstance(node, ast.Subscript):
        return f"{inside(node.value, ATOM)}[{_slots(node.slice)}]"
    if isinstance(node, ast.Starred):
        return f"*{inside(node.value, ATOM)}"
    raise TypeError(f"{type(node).__name__} has no layout")


def inside(node: ast.expr, least: int) -> str:
    """The text, in parentheses where it holds together less than needed."""
    text, tightness = _text(node)
    return text if tightness >= least else f"({text})"


def _binary(node: ast.BinOp) -> tuple[str, int]:
    sign, tightness = OPERATORS[type(node.op)]
    if isinstance(node.op, ast.Pow):
        left, right = inside(node.left, tightness + 1), inside(node.right, _UNARY)
        gap = "" if _is_simple(node.left) and _is_simple(node.right) else " "
        return f"{left}{gap}**{gap}{right}", tightness
    left, right = inside(node.left, tightness), inside(node.right, tightness + 1)
    return f"{left} {sign} {right}", tightness


def _is_simple(node: ast.expr) -> bool:
    """Whether an operand of a power stands close to its sign."""
    if isinstance(node, ast.UnaryOp):
        return _is_simple(node.operand)
    if isinstance(node, ast.Attribute):
        return _is_simple(node.value)
    return isinstance(node, ast.Name | ast.Constant)


def _constant(value: object) -> str:
    if value is ...:
        return "..."
    if isinstance(value, str):
        return '"' + repr(value)[1:-1].replace('"', r"\"") + '"'
    return repr(value).replace("e+", "e")


def arguments(node: ast.Call) -> list[str]:
    """The texts of the arguments of a call."""
    return [*map(expression, node.args), *(f"{k.arg}={expression(k.value)}" for k in node.keywords)]


def _slots(node: ast.expr) -> str:
    slots = node.elts if isinstance(node, ast.Tuple) else [node]
    if not slots:
        return "()"
    return ", ".join(_slice(s) if isinstance(s, ast.Slice) else expression(s) for s in slots)


def _slice(node: ast.Slice) -> str:
    ends = [node.lower, node.upper, *([node.step] if node.step else [])]
    simple = all(end is None or _is_simple(end) for end in ends)
    texts = ["" if end is None else expression(end) for end in ends]
    if simple:
        return ":".join(texts)
    return " : ".join(texts).strip()
