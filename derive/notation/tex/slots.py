"""Subscripts in LaTeX: indices side by side, between commas, or computed."""

from __future__ import annotations

from derive.notation.source import Mistake
from derive.notation.tex.commands import OPERATORS
from derive.notation.tex.cursor import Argument, Cursor, Fragment, Fragments, between, shown
from derive.notation.tex.names import is_name, read_name
from derive.notation.tex.reader import Reader
from derive.notation.tex.sums import reduction
from derive.notation.tex.tokens import Token, Tokens

__all__ = ["prime", "subscript"]

_SIGNS = {",": ",", "+": " + ", "-": " - ", "−": " - ", "*": "*", "/": "/", "(": "(", ")": ")"}
_ARITHMETIC = {"cdot", "times", "bmod", "%"}


def subscript(reader: Reader, argument: Argument) -> Fragments:
    """`_{…}` with what stands in the argument.

    Raises
    ------
    Mistake : it is empty, or something in it is no index.
    """
    _check_remainders(argument.tokens)
    inside = _slots(reader, Cursor(argument.tokens))
    if not any(fragment.text.strip() for fragment in inside):
        mend = "write an index letter after `_`"
        raise Mistake("the subscript is empty", argument.span, mend=mend)
    return between(inside, "_{", "}", argument.span)


def _check_remainders(tokens: Tokens) -> None:
    """Refuse `i + j \\bmod 2`, which could be a remainder of all or of a part."""
    depth, signs, remainder = 0, False, None
    for token in tokens:
        depth += (token.text in ("(", "{")) - (token.text in (")", "}"))
        if depth == 0 and token.text == ",":
            signs, remainder = False, None
        signs |= depth == 0 and token.text in ("+", "-", "−")
        remainder = token if depth == 0 and token.opens("bmod", "%") else remainder
        if signs and remainder is not None:
            mend = "write brackets, as in `i + (j \\bmod 2)`"
            raise Mistake(
                "it is not clear of what this is the remainder", remainder.span, mend=mend
            )


def _slots(reader: Reader, cursor: Cursor) -> Fragments:
    found: Fragments = []
    while (token := cursor.peek()) is not None:
        found += _slot(reader, token, cursor)
    return found


def _slot(reader: Reader, token: Token, cursor: Cursor) -> Fragments:
    inside = reader.among(cursor)
    if (place := reduction(inside)) is not None:
        cursor.position = inside.cursor.position
        return place
    if is_name(token) and (name := read_name(cursor)) is not None:
        return _index(reader, name, cursor)
    if token.kind == "digit":
        return [_number(cursor)]
    if token.kind == "other" and token.text == "{":
        return _slots(reader, Cursor(cursor.group().tokens))
    cursor.next()
    if token.kind == "command" and token.text == "lfloor":
        return _floor(reader, token, cursor)
    if token.kind == "command" and token.text in _ARITHMETIC:
        return [Fragment(OPERATORS[token.text], token.span)]
    if token.kind == "other" and token.text in _SIGNS:
        return [Fragment(_SIGNS[token.text], token.span)]
    raise Mistake(
        f"`{shown(token)}` cannot stand in a subscript",
        token.span,
        mend="write index letters, as in `x_{i j}`, with commas where one is computed",
    )


def _index(reader: Reader, name: Fragment, cursor: Cursor) -> Fragments:
    """An index letter with its primes, or an entry of a tensor of labels."""
    primes = prime(cursor)
    word = len(name.text.encode("utf-16-le")) > 2 and name.text.isascii()
    if (mark := cursor.takes("_")) is not None:
        inner = cursor.argument(mark, "index")
        around = ("[", "]") if word else ("_{", "}")
        entry = between(_slots(reader, Cursor(inner.tokens)), *around, inner.span)
        return [Fragment(f" {name.text}{primes}", name.span), *entry]
    if word:
        raise Mistake(
            f"`{name.text}` is a word, and a subscript holds indices",
            name.span,
            mend=f"make it part of the name, as in `\\mathrm{{c{name.text}}}`",
        )
    return [Fragment(f" {name.text}{primes}", name.span)]


def prime(cursor: Cursor) -> str:
    """The primes behind a letter: `'`, or `^{\\prime}`."""
    marks = ""
    while (token := cursor.peek()) is not None:
        start = cursor.position
        if token.kind == "other" and token.text == "'":
            cursor.next()
            marks += "'"
        elif token.kind == "other" and token.text == "^":
            power = cursor.argument(cursor.next())
            if not power.tokens or not all(t.opens("prime") or t.text == "'" for t in power.tokens):
                cursor.position = start
                return marks
            marks += "'" * len(power.tokens)
        else:
            return marks
    return marks


def _number(cursor: Cursor) -> Fragment:
    first = last = cursor.next()
    text = first.text
    while (token := cursor.directly(last.end)) is not None and token.kind == "digit":
        last = cursor.next()
        text += last.text
    return Fragment(f" {text}", (first.start, last.end))


def _floor(reader: Reader, token: Token, cursor: Cursor) -> Fragments:
    """`\\lfloor n / D \\rfloor` is `n//D`."""
    inside = cursor.until(token, lambda other: other.opens("rfloor"))
    signs = [n for n, other in enumerate(inside.tokens) if other.text == "/"]
    if len(signs) != 1:
        mend = "as in `\\lfloor n / D \\rfloor`"
        raise Mistake("a floor is that of one quotient", inside.span, mend=mend)
    above, below = inside.tokens[: signs[0]], inside.tokens[signs[0] + 1 :]
    middle = Fragment(")//(", inside.tokens[signs[0]].span)
    parts = [*_slots(reader, Cursor(above)), middle, *_slots(reader, Cursor(below))]
    return between(parts, " ((", "))", inside.span)
