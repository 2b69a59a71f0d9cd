"""Fractions, and derivatives in all the ways they are written."""

from __future__ import annotations

from derive.check.web.lexer import Token
from derive.check.web.scripts import collect, named
from derive.check.web.state import Reader
from derive.check.web.tree import (
    Call,
    Derivative,
    Letter,
    Name,
    Node,
    Number,
    Power,
    Product,
    Slot,
)

__all__ = ["differentiated", "fraction", "gradient", "held_fixed", "partial", "slashed"]

_BRACKETS = ("(", "[", "\\{", "{")


def fraction(reader: Reader) -> Node:
    """`\\frac{a}{b}`: a quotient, or a derivative."""
    token = reader.next()
    following = reader.peek()
    if following is not None and following.kind == "number" and len(following.text) > 1:
        return _short(reader, token)
    above, below = reader.argument(), reader.argument()
    if above[0] == above[1] or below[0] == below[1]:
        raise reader.refused("half of a fraction is missing", token)
    mark = _differential(reader, above)
    if mark and _differential(reader, below) == mark:
        return _derivative(reader, token, above, below)
    parts = (reader.read_sum(above), reader.read_sum(below))
    return Product((token.span[0], reader.tokens[below[1] - 1].span[1]), parts, (False, True))


def _short(reader: Reader, token: Token) -> Node:
    """`\\frac12`."""
    digits = reader.next()
    if len(digits.text) != 2:
        raise reader.refused("a fraction whose halves need braces", digits)
    above, below = (Number(digits.span, digit) for digit in digits.text)
    return Product((token.span[0], digits.span[1]), (above, below), (False, True))


def _differential(reader: Reader, span: tuple[int, int]) -> str:
    """The sign of a derivative that a part of a fraction begins with."""
    first, *rest = reader.tokens[slice(*span)]
    if first.opens("partial"):
        return "∂"
    if first.kind == "letter" and first.text == "d" and not first.bold:
        return "" if rest and rest[0].opens("_", "+", "-", "'") else "d"
    return ""


def _derivative(
    reader: Reader, token: Token, above: tuple[int, int], below: tuple[int, int]
) -> Node:
    with reader.inside(*below):
        variables = _variables(reader)
    with reader.inside(*above):
        reader.next()
        order = _order(reader)
        function = None if reader.peek() is None else reader.sum()
    if order != len(variables):
        raise reader.refused("a derivative is taken by as many variables as it says", token)
    return differentiated(function or _operand(reader), variables, token)


def differentiated(function: Node, variables: list[Name], token: Token) -> Node:
    """The derivative by one variable after the other, the last first."""
    for variable in reversed(variables):
        span = (token.span[0], max(function.span[1], variable.span[1]))
        function = Derivative(span, function, variable)
    return function


def _order(reader: Reader) -> int:
    if reader.takes("^") is None:
        return 1
    start, end = reader.argument()
    text = "".join(token.text for token in reader.tokens[start:end])
    if text not in ("2", "3"):
        raise reader.refused("a derivative of this order", reader.tokens[start])
    return int(text)


def _variables(reader: Reader) -> list[Name]:
    """What a derivative is taken by: each behind its sign, twice where it is squared."""
    found: list[Name] = []
    while reader.peek() is not None:
        if reader.takes("partial") is None:
            token = reader.next()
            if token.kind != "letter" or token.text != "d":
                raise reader.refused("a derivative by more than a variable", token)
        found += _repeated(reader, reader.factor())
    return found


def _repeated(reader: Reader, node: Node) -> list[Name]:
    """A variable, as often as its power says: `\\partial x^2` is twice by x."""
    if not isinstance(node, Power) or not isinstance(node.exponent, Number):
        return [_variable(reader, node)]
    return [_variable(reader, node.base)] * min(int(float(node.exponent.text)), 3)


def _variable(reader: Reader, node: Node) -> Name:
    if isinstance(node, Name):
        return node
    if isinstance(node, Call) and not node.primes:
        raise reader.refused("a derivative by the value of a function; give it a name")
    raise reader.refused("a derivative by an expression")


def _operand(reader: Reader) -> Node:
    """What an operator such as `\\frac{d}{dx}` is applied to."""
    start, first = reader.position, reader.peek()
    if first is None or reader.ends:
        raise reader.refused("a derivative of nothing", first)
    offset = reader.offset()
    node = reader.factor()
    while reader.takes("odot"):
        raise reader.refused("a composition of functions, or a product of matrices")
    if reader.ends:
        return node
    options = ["the derivative is of the next factor", "the derivative is of the whole product"]
    whole = 1 if first.opens(*_BRACKETS) else 0
    taken = reader.found.choose(f"derivative at {offset}", *(options if whole else options[::-1]))
    if taken != whole:
        return node
    reader.position = start
    return reader.term()


def partial(reader: Reader) -> Node:
    """`\\partial_{x} f`, or `\\partial c / \\partial x_n`."""
    token = reader.next()
    if reader.takes("_"):
        return _by_subscript(reader, token)
    order = _order(reader)
    function = reader.factor()
    if reader.takes("/") is None or not reader.sees("partial"):
        raise reader.refused("half of a derivative", token)
    variables: list[Name] = []
    while reader.takes("partial"):
        variables += _repeated(reader, reader.factor())
    if order != len(variables):
        raise reader.refused("a derivative is taken by as many variables as it says", token)
    return differentiated(function, variables, token)


def _by_subscript(reader: Reader, token: Token) -> Node:
    start, end = reader.argument()
    letter = reader.tokens[start]
    if end == start + 1 and letter.text in reader.names.indices - reader.names.lettered:
        variable = _coordinate(reader, letter)
    else:
        with reader.inside(start, end):
            variable = _variable(reader, reader.factor())
    return differentiated(_operand(reader), [variable], token)


def _coordinate(reader: Reader, letter: Token) -> Name:
    """The variable of `\\partial_i`: a coordinate, which is customarily called x."""
    if reader.names.orders.get("x") != 1:
        raise reader.refused("a derivative by a coordinate that has no name", letter)
    return Name(letter.span, "x", (Slot((Letter(reader.names.index(letter.text)),)),))


def gradient(reader: Reader) -> Node:
    """`\\nabla_{x_i} L`; without an index it is the notation of vectors."""
    token = reader.next()
    if reader.takes("_") is None:
        raise reader.refused("a gradient: the notation of vectors", token, "not index notation")
    return _by_subscript(reader, token)


def slashed(reader: Reader) -> Node | None:
    """`dL/dx`; None, with nothing read, for anything else."""
    tokens, at = reader.tokens, reader.position
    following = tokens[at + 1] if at + 1 < reader.end else None
    if following is None or following.kind not in ("letter", "word"):
        return None
    end = collect(tokens[: reader.end], at + 2, reader.names).end
    if end + 2 >= reader.end or not tokens[end].opens("/") or tokens[end + 1].text != "d":
        return None
    if tokens[end + 2].kind not in ("letter", "word"):
        return None
    token = reader.next()
    function = reader.factor()
    reader.next()
    reader.next()
    return differentiated(function, [_variable(reader, reader.factor())], token)


def held_fixed(reader: Reader) -> Node:
    """`\\left.…\\right|_{s}`: a derivative with names held fixed."""
    token = reader.next()
    start, depth = reader.position, 1
    position = start
    while position < reader.end and depth:
        text = reader.tokens[position].text if reader.tokens[position].kind == "sign" else ""
        depth += text.startswith("left") - text.startswith("right")
        position += 1
    if depth or not reader.tokens[position - 1].text.startswith("right|"):
        raise reader.refused("a bracket with one side", token)
    node = reader.read_sum((start, position - 1))
    reader.position = position
    if reader.takes("_") is None:
        raise reader.refused("a bar with nothing below it", token)
    names = _held(reader, token)
    if not isinstance(node, Derivative):
        raise reader.refused("a value at a point", token)
    return Derivative(node.span, node.function, node.variable, names)


def _held(reader: Reader, token: Token) -> tuple[str, ...]:
    start, end = reader.argument()
    found: list[str] = []
    position = start
    while position < end:
        inner = reader.tokens[position]
        position += 1
        if inner.opens(","):
            continue
        if inner.kind not in ("letter", "word"):
            raise reader.refused("a value at a point", token)
        scripts = collect(reader.tokens[:end], position, reader.names)
        found.append(named(inner.text, scripts, reader.names)[0])
        position = scripts.end
    return tuple(found)
