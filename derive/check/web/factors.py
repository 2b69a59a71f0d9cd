"""Factors: numbers, names, brackets, and what their scripts say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from derive.check.web.applied import applies, apply, standard
from derive.check.web.binders import extremum, product_over, summation
from derive.check.web.conditions import cases, condition, holds_relation, ones
from derive.check.web.derivatives import fraction, gradient, held_fixed, partial, slashed
from derive.check.web.functions import COMMANDS, function
from derive.check.web.lexer import Token
from derive.check.web.norms import bars, norm
from derive.check.web.scripts import Scripts, check_transpose, collect, is_label, named
from derive.check.web.spelling import spell
from derive.check.web.state import Reader
from derive.check.web.tree import Call, Name, Node, Number, Power

__all__ = ["factor"]

_BRACKETS = ("(", "[", "\\{")
_INDICATORS = ("I", "Ind", "Indicator")


def factor(reader: Reader) -> Node:
    """The next factor, with its power."""
    token = reader.peek()
    if token is None:
        raise reader.unexpected()
    match token.kind:
        case "number":
            return _number(reader)
        case "one":
            return ones(reader)
        case "letter" | "word":
            return _named(reader, token)
        case "text":
            raise reader.refused(f"words in a formula: {token.text[:40]}", token)
    return _signed(reader, token)


def _signed(reader: Reader, token: Token) -> Node:
    """A factor that begins with a bracket, a bar or a command."""
    if token.opens(*_BRACKETS):
        return _bracket(reader, token)
    if token.opens("{"):
        return powered(reader, reader.read_sum(reader.bracketed("{}")))
    if token.opens("|", "left|"):
        return powered(reader, bars(reader))
    if token.opens("‖", "left‖"):
        return norm(reader)
    method = _COMMANDS.get(token.text) if token.kind in ("command", "sign") else None
    if method is None:
        if token.kind == "command" and token.text in COMMANDS:
            return function(reader, COMMANDS[token.text])
        raise reader.unexpected()
    return powered(reader, method(reader))


def _number(reader: Reader) -> Node:
    token = reader.next()
    following = reader.peek()
    if token.text == "1" and following is not None:
        if following.opens("_"):
            return ones(reader, token)
        if following.opens("\\{", "[", "(") and holds_relation(reader):
            return condition(reader)
    return powered(reader, Number(token.span, token.text))


def _bracket(reader: Reader, token: Token) -> Node:
    if token.text == "[" and holds_relation(reader):
        return powered(reader, condition(reader))
    found = reader.read_sum(reader.bracketed("()"))
    return powered(reader, found)


def powered(reader: Reader, base: Node) -> Node:
    """The base with the power behind it, if there is one."""
    while reader.sees("^", "'", "_"):
        mark = reader.next()
        if mark.text != "^":
            if mark.text == "'":
                raise reader.refused("a prime on an expression", mark)
            raise reader.refused("an index on an expression", mark, "not index notation")
        start, end = reader.argument()
        above = reader.tokens[start:end]
        check_transpose(above)
        if is_label(above, reader.names) and not above[0].opens("("):
            raise reader.refused("a label on an expression", mark)
        base = Power((base.span[0], above[-1].span[1]), base, reader.read_sum((start, end)))
    return base


def _named(reader: Reader, token: Token) -> Node:
    """A name with its scripts: a tensor, a function of what follows, or a derivative."""
    if token.text == "d" and (found := slashed(reader)) is not None:
        return found
    if token.text in _INDICATORS and reader.position + 1 < reader.end:
        following = reader.tokens[reader.position + 1]
        if following.opens(*_BRACKETS):
            reader.next()
            if holds_relation(reader):
                return condition(reader)
            reader.position -= 1
    if (call := standard(reader, token)) is not None:
        return call
    reader.next()
    scripts = collect(reader.tokens[: reader.end], reader.position, reader.names)
    reader.position = scripts.end
    if scripts.sloppy is not None:
        reader.remark("several indices need braces: `x_{ij}`", scripts.sloppy.span[0])
    return _spelled(reader, token, scripts)


def _spelled(reader: Reader, token: Token, scripts: Scripts) -> Node:
    if (
        token.text == "e"
        and scripts.above
        and not scripts.below
        and "e" not in reader.names.tensors
    ):
        return _exponential(reader, token, scripts)
    if token.text == "δ" and "δ" not in reader.names.tensors:
        scripts = _delta_of_two(reader, scripts)
    name, slots, power = named(token.text, scripts, reader.names)
    node = Name((token.span[0], reader.tokens[reader.position - 1].span[1]), name, slots)
    if applies(reader, node, token, scripts.primes):
        found = apply(reader, node, token, scripts.primes)
        if power:
            found = Power(found.span, found, _exponent(reader, scripts))
        return powered(reader, found)
    if scripts.primes and token.text in {*reader.names.applied, *reader.names.functions}:
        raise reader.refused("the derivative of a function without its argument", token)
    if scripts.primes:
        node = replace(node, name=spell(node.name, "prime" * scripts.primes))
    found = _checked(reader, node, token)
    return Power(node.span, found, _exponent(reader, scripts)) if power else found


def _exponent(reader: Reader, scripts: Scripts) -> Node:
    first = scripts.above[0]
    start = next(n for n in range(reader.end) if reader.tokens[n] is first)
    return reader.read_sum((start, start + len(scripts.above)))


def _exponential(reader: Reader, token: Token, scripts: Scripts) -> Node:
    exponent = _exponent(reader, scripts)
    return powered(reader, Call((token.span[0], exponent.span[1]), "exp", (exponent,)))


def _delta_of_two(reader: Reader, scripts: Scripts) -> Scripts:
    """The scripts of a Kronecker delta, both of its indices below.

    A subscript of its subscript is its second index, and so are `\\delta_i^j` and `\\delta(i, j)`.
    """
    indices = reader.names.indices
    if len(scripts.below) == len(scripts.above) == 1:
        both = (*scripts.above, *scripts.below)
        if all(token.text in indices for token in both):
            return replace(scripts, below=both, above=())
    if reader.sees("(") and not scripts.below and not scripts.above:
        inside = reader.tokens[reader.position + 1 : reader.position + 4]
        if [t.text in indices for t in inside] == [True, False, True] and inside[1].opens(","):
            reader.bracketed("()")
            return replace(scripts, below=(inside[0], inside[2]))
    below = [t for t in scripts.below if not t.opens("{", "}", ",")]
    if [token.text for token in below[1:2]] == ["_"] and len(below) == 3:
        message = "a subscript of a subscript where a delta of two indices is meant"
        reader.remark(message, below[1].span[0])
        return replace(scripts, below=(below[0], below[2]))
    return scripts


def _checked(reader: Reader, node: Name, token: Token) -> Node:
    """The name, if it has its indices."""
    order = reader.names.orders.get(node.name, 0)
    if order and not node.slots and token.text in reader.names.totals:
        return replace(node, name=spell(node.name, "total"))
    if order and not node.slots and not reader.found.vectors:
        raise reader.refused(
            f"{token.text} stands without its ind{'ex' if order == 1 else 'ices'}",
            token,
            "not index notation",
        )
    alone = token.bold and not node.slots and not reader.found.vectors
    if alone and node.name not in reader.names.scalars:
        raise reader.refused(f"{token.text} is a vector or a matrix", token, "not index notation")
    return node


_COMMANDS: dict[str, Callable[[Reader], Node]] = {
    "frac": fraction,
    "sum": summation,
    "prod": product_over,
    "max": extremum,
    "min": extremum,
    "partial": partial,
    "nabla": gradient,
    "left.": held_fixed,
    "begin": cases,
}
