"""Names that are applied to something: functions of the document, and those that it leaves open."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace

from derive.check.web.functions import WORDS, function
from derive.check.web.lexer import Token
from derive.check.web.names import Function
from derive.check.web.scripts import slots_in
from derive.check.web.state import Reader
from derive.check.web.tree import (
    Bind,
    Call,
    Derivative,
    Letter,
    Name,
    Node,
    Product,
    Slot,
    free_letters,
    rebuilt,
    renamed,
    substituted,
    walk,
)

__all__ = ["applies", "apply", "expanded", "standard"]

_SOFTMAX = ("softmax", "Softmax", "SoftMax")
_LETTERS = "fghuvw"


def standard(reader: Reader, token: Token) -> Node | None:
    """A function by its name in letters, unless the document defines it."""
    if token.kind != "word" or token.text in reader.names.functions:
        return None
    if token.text in ("max", "min", "sum", "prod"):
        raise reader.refused(f"`{token.text}` in words", token)
    if token.text not in WORDS:
        return None
    return function(reader, WORDS[token.text])


def applies(reader: Reader, node: Name, token: Token, primes: int) -> bool:
    """Whether a bracket behind a name holds its argument, and no factor."""
    if not reader.sees("("):
        return False
    before = reader.position
    start, end = reader.bracketed("()")
    reader.position = before
    inside = reader.tokens[start:end]
    alone = [n for n, t in enumerate(inside) if t.text == token.text and t.kind == token.kind]
    if any(n + 1 >= len(inside) or not inside[n + 1].opens("(") for n in alone):
        return False
    if primes and token.text not in reader.names.lettered:
        return True
    return node.name in reader.names.functions or token.text in reader.names.applied


def apply(reader: Reader, node: Name, token: Token, primes: int) -> Node:
    """The value of a function at its arguments."""
    arguments = _arguments(reader)
    if reader.takes("_"):
        start, end = reader.argument()
        slots = slots_in(reader.tokens[start:end], node.name, reader.names)
        node = replace(node, slots=(*node.slots, *slots))
    node = replace(node, span=(node.span[0], reader.tokens[reader.position - 1].span[1]))
    known = reader.names.functions.get(node.name)
    if known is not None and any(parameter.slots for parameter in known.parameters):
        return _of_samples(reader, node, known, arguments, primes, token)
    if known is not None:
        return _defined(reader, node, known, arguments, primes, token)
    vector = any(_is_vector(reader, argument) for argument in arguments)
    if len(arguments) == 1 and not vector and not node.slots:
        return _smooth(reader, node, token, arguments[0], primes)
    if primes:
        raise reader.refused("a derivative of what has several arguments", token)
    if node.name in _SOFTMAX or (vector and node.name == "σ"):
        return _softmax(reader, node, token, arguments)
    named = tuple(argument for argument in arguments if isinstance(argument, Name))
    if len(named) < len(arguments):
        raise reader.refused(f"{token.text} is not defined and has several arguments", token)
    return replace(node, arguments=named)


def _is_vector(reader: Reader, node: Node) -> bool:
    return isinstance(node, Name) and not node.slots and bool(reader.names.orders.get(node.name))


def _arguments(reader: Reader) -> list[Node]:
    start, end = reader.bracketed("()")
    cuts, depth = [], 0
    for position in range(start, end):
        token = reader.tokens[position]
        depth += token.opens("{", "(", "[") - token.opens("}", ")", "]")
        if not depth and token.opens(",", ";", "|"):
            cuts.append(position)
    reader.found.vectors += 1
    spans = zip([start, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True)
    found = [reader.read_sum(span) for span in spans]
    reader.found.vectors -= 1
    return found


# Functions that the document leaves open ----------------------------------------------------------


def _smooth(reader: Reader, node: Name, token: Token, argument: Node, primes: int) -> Node:
    """A function of one argument that is not defined: any smooth one, or what it is customarily."""
    _refuse_bare(reader, argument, token)
    if node.name == "σ":
        options = ("σ is the logistic function", "σ is any smooth function")
        if reader.found.choose("σ", *options) == 0:
            return _repeated(reader, Call(node.span, "sigmoid", (argument,)), primes, token)
    return Call(node.span, _letter(node.name), (argument,), primes)


def _refuse_bare(reader: Reader, argument: Node, token: Token) -> None:
    """Vectors may stand alone as an argument only, and not be computed with in one."""
    bare = [p for p in walk(argument) if isinstance(p, Name) and _is_vector(reader, p)]
    if bare:
        raise reader.refused("a vector without its index", token, "not index notation")


def _letter(name: str) -> str:
    """A name that the notation takes for any smooth function: a letter with digits."""
    stem = name.rstrip("0123456789")
    if len(stem) == 1 and stem not in "eπdδΣΠ":
        return name
    return f"{_LETTERS[len(name) % len(_LETTERS)]}{zlib.crc32(name.encode()) % 9000 + 1000}"


def _repeated(
    reader: Reader, found: Node, times: int, token: Token, at: Node | None = None
) -> Node:
    """The derivative of a function of one argument, at that argument."""
    argument = at if at is not None else getattr(found, "arguments", (None,))[0]
    for _ in range(times):
        if not isinstance(argument, Name):
            raise reader.refused("a derivative at an expression; give the expression a name", token)
        found = Derivative(found.span, found, argument)
    return found


def _softmax(reader: Reader, node: Name, token: Token, arguments: list[Node]) -> Node:
    """The softmax of a vector, where the document does not say what it is."""
    (argument,) = arguments if len(arguments) == 1 else (None,)
    letter = node.slots[-1].letter if node.slots else ""
    if not isinstance(argument, Name) or not letter or argument.slots:
        raise reader.refused(f"{token.text} of this", token)
    fresh = reader.names.fresh(frozenset({letter}))
    above, below = (
        Call(node.span, "exp", (replace(argument, slots=(Slot((Letter(each),)),)),))
        for each in (letter, fresh)
    )
    total = Bind(node.span, "sum", (fresh,), below)
    return Product(node.span, (above, total), (False, True))


# Functions that the document defines --------------------------------------------------------------


def _defined(
    reader: Reader,
    node: Name,
    known: Function,
    arguments: list[Node],
    primes: int,
    token: Token,
) -> Node:
    """The name that is defined, where it has the arguments of its definition; else its body."""
    if len(arguments) != len(known.parameters):
        if primes or not all(isinstance(argument, Name) for argument in arguments):
            raise reader.refused(f"{token.text} has other arguments than in its definition", token)
        return node
    if all(
        isinstance(a, Name) and a == p for a, p in zip(arguments, known.parameters, strict=True)
    ):
        same = replace(node, arguments=known.parameters)
        return _repeated(reader, same, primes, token, known.parameters[0])
    body = _body(reader, node, known, arguments, token)
    return _repeated(reader, body, primes, token, arguments[0])


def _of_samples(
    reader: Reader,
    node: Name,
    known: Function,
    arguments: list[Node],
    primes: int,
    token: Token,
) -> Node:
    """The value for one sample, of what is defined as `h(x^{(i)})`: it has the index of it."""
    names = [argument for argument in arguments if isinstance(argument, Name)]
    alike = [(a.name, len(a.slots)) for a in names] == [
        (p.name, len(p.slots)) for p in known.parameters
    ]
    if primes or not alike or len(names) < len(arguments):
        raise reader.refused(f"{token.text} has other arguments than in its definition", token)
    slots = dict.fromkeys(slot for argument in names for slot in argument.slots)
    return replace(node, slots=(*node.slots, *slots))


def expanded(node: Node, functions: Mapping[str, Function]) -> Node:
    """The node with the values of functions of a number written out."""

    def change(part: Node | Slot | Letter) -> Node | Slot | Letter:
        if isinstance(part, Name) and part.arguments and part.name in functions:
            return functions[part.name].body
        found: Node | Slot | Letter = rebuilt(part, change)
        return found

    found = change(node)
    assert isinstance(found, Node)
    return found


def _body(reader: Reader, node: Name, known: Function, arguments: list[Node], token: Token) -> Node:
    letters = [slot.letter for slot in node.slots]
    if len(letters) != len(known.letters) or not all(letters):
        raise reader.refused(f"{token.text} has other indices than in its definition", token)
    avoid = frozenset(letters).union(*map(free_letters, arguments))
    body = _apart(known.body, avoid)
    body = renamed(body, dict(zip(known.letters, letters, strict=True)))
    values = dict(zip(known.parameters, arguments, strict=True))
    vectors = {p.name: a.name for p, a in values.items() if isinstance(a, Name) and not a.slots}
    found: Node = substituted(body, values)
    return _with_tensors(found, vectors) if known.letters else found


def _apart(node: Node, avoid: frozenset[str]) -> Node:
    """The node with other letters for bound ones that would capture."""

    def change(part: Node | Slot | Letter) -> Node | Slot | Letter:
        found: Node | Slot | Letter = rebuilt(part, change)
        if isinstance(found, Bind) and avoid & set(found.letters):
            new = {letter: letter + "''" for letter in found.letters if letter in avoid}
            letters = tuple(new.get(letter, letter) for letter in found.letters)
            return replace(found, letters=letters, body=renamed(found.body, new))
        return found

    found = change(node)
    assert isinstance(found, Node)
    return found


def _with_tensors(node: Node, names: dict[str, str]) -> Node:
    def change(part: Node | Slot | Letter) -> Node | Slot | Letter:
        found: Node | Slot | Letter = rebuilt(part, change)
        if isinstance(found, Name) and found.name in names:
            return replace(found, name=names[found.name])
        return found

    found = change(node)
    assert isinstance(found, Node)
    return found
