"""Functions that everybody knows, and how far they reach."""

from __future__ import annotations

from derive.check.web.lexer import Token
from derive.check.web.state import Reader
from derive.check.web.tree import Call, Derivative, Name, Node, Number, Power, Product, Sum
from derive.notation.tex.commands import FUNCTION_NAMES

__all__ = ["COMMANDS", "WORDS", "function"]

COMMANDS = {**FUNCTION_NAMES, "lg": "log", "sqrt": "sqrt"}
"""Functions by their command, and their name in the notation."""

WORDS = {
    **FUNCTION_NAMES,
    "ReLU": "relu",
    "Relu": "relu",
    "RELU": "relu",
    "sgn": "sign",
    "Sigmoid": "sigmoid",
    "logistic": "sigmoid",
    "sigm": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "sign": "sign",
    "sqrt": "sqrt",
    "abs": "abs",
}
"""Functions by their name in upright letters."""

_BRACKETS = ("(", "[", "\\{")


def function(reader: Reader, name: str) -> Node:
    """A function, its power, and its argument."""
    token = reader.next()
    if name == "sqrt":
        return _root(reader, token)
    divisor = _base_of_logarithm(reader, token) if name == "log" and reader.sees("_") else None
    power, primes = None, 0
    while reader.sees("^", "'"):
        mark = reader.next()
        if mark.text == "'":
            primes += 1
            continue
        power = reader.read_sum(reader.argument())
        if isinstance(power, Sum):
            raise reader.refused("an inverse function, or a power below a line", mark)
    argument, late = _argument(reader, token)
    span = (token.span[0], reader.tokens[reader.position - 1].span[1])
    found = _derived(reader, Call(span, name, (argument,)), primes, token)
    for exponent in (power, late):
        found = found if exponent is None else Power(span, found, exponent)
    return found if divisor is None else Product(span, (found, divisor), (False, True))


def _derived(reader: Reader, call: Call, primes: int, token: Token) -> Node:
    """The derivative of a function at its argument."""
    found: Node = call
    for _ in range(primes):
        argument = call.arguments[0]
        if not isinstance(argument, Name):
            raise reader.refused("a derivative at an expression; give the expression a name", token)
        found = Derivative(call.span, found, argument)
    return found


def _base_of_logarithm(reader: Reader, token: Token) -> Node:
    reader.next()
    base = reader.read_sum(reader.argument())
    return Call(token.span, "log", (base,))


def _root(reader: Reader, token: Token) -> Node:
    degree: Node | None = None
    if reader.sees("["):
        degree = reader.read_sum(reader.bracketed("()"))
    inner = reader.read_sum(reader.argument())
    span = (token.span[0], reader.tokens[reader.position - 1].span[1])
    root: Node = Call(span, "sqrt", (inner,))
    if degree is not None:
        one = Number(span, "1")
        root = Power(span, inner, Product(span, (one, degree), (False, True)))
    if reader.takes("^"):
        return Power(span, root, reader.read_sum(reader.argument()))
    return root


def _argument(reader: Reader, token: Token) -> tuple[Node, Node | None]:
    """The argument, and a power behind its bracket that is one of the value."""
    if reader.peek() is None or (reader.ends and not reader.sees("-")):
        raise reader.refused(f"{token.text} has no argument", token)
    if reader.sees("{"):
        start, end = reader.argument()
        return reader.read_sum((start, end)), None
    if reader.sees(*_BRACKETS):
        argument = reader.read_sum(reader.bracketed("()"))
        if reader.takes("^") is None:
            return argument, None
        exponent = reader.read_sum(reader.argument())
        options = ("the power is of the function's value", "the power is of its argument")
        if reader.found.choose(f"power at {token.span[0]}", *options) == 0:
            return argument, exponent
        return Power(argument.span, argument, exponent), None
    return _bare(reader, token), None


def _bare(reader: Reader, token: Token) -> Node:
    """An argument without brackets: the next factor, or all names that follow."""
    sign = reader.takes("-")
    number = (first := reader.peek()) is not None and first.kind == "number"
    factors = [reader.factor()]
    if _follows(reader):
        options = ["the function is of the next factor", "the function is of all that follows it"]
        topic = f"reach of {token.text} at {token.span[0]}"
        taken = reader.found.choose(topic, *(options[::-1] if number else options))
        if taken == (0 if number else 1):
            while _follows(reader):
                factors.append(reader.factor())
    span = (factors[0].span[0], factors[-1].span[1])
    product = Product(span, tuple(factors), (False,) * len(factors))
    found = factors[0] if len(factors) == 1 else product
    return Sum(span, (found,), (True,)) if sign else found


def _follows(reader: Reader) -> bool:
    """Whether a name follows directly that may still belong to the argument."""
    token = reader.peek()
    return token is not None and token.kind in ("letter", "number") and not reader.ends
