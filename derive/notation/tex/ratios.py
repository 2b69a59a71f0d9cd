"""Fractions, roots and derivatives in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable

from derive.notation.source import Mistake, Span
from derive.notation.tex.commands import BARS
from derive.notation.tex.cursor import Argument, Cursor, Fragment, Fragments, between, trimmed
from derive.notation.tex.functions import check_reach, factor, opens
from derive.notation.tex.names import is_name, read_name
from derive.notation.tex.reader import Reader
from derive.notation.tex.tokens import Token, Tokens

__all__ = ["bar", "fraction", "left", "right", "root"]

_SUPERSCRIPTS = str.maketrans("23456789", "²³⁴⁵⁶⁷⁸⁹")
_ATOM = re.compile(r"\s*\w[\w\u0300-\u036f]*(_\{[^{}]*\})?\s*")


def fraction(reader: Reader, token: Token) -> Fragments:
    """`\\frac{a}{b}` as a quotient in brackets, or a derivative."""
    above = reader.cursor.argument(token, "numerator")
    below = reader.cursor.argument(token, "denominator")
    for argument, what in ((above, "numerator"), (below, "denominator")):
        if not trimmed(argument.tokens):
            mend = f"write `\\{token.text}{{…}}{{…}}`"
            raise Mistake(f"the {what} is empty", argument.span, mend=mend)
    mark = _differential(above.tokens)
    if mark and _differential(below.tokens) == mark:
        repeated = "^" in [token.text for token in _behind_mark(above.tokens)[:1]]
        variables = [reader.inside(part) for part in _parts(below.tokens, mark * repeated)]
        if mark == "∂" or all(map(_is_atom, variables)):
            return _derivative(reader, token, above, below, variables)
    middle = Fragment("/", (above.span[1] - 1, below.span[0] + 1))
    parts = [*_inside(reader, above), middle, *_inside(reader, below)]
    return between(parts, " (", ")", (token.start, below.span[1]))


def _inside(reader: Reader, argument: Argument) -> Fragments:
    """An argument in brackets, unless it is one name or number."""
    found = reader.inside(argument.tokens)
    return _closed(found, argument.span)


def root(reader: Reader, token: Token) -> Fragments:
    """`\\sqrt{a}`, and `\\sqrt[n]{a}` as a power."""
    degree: Fragments = []
    if (opened := reader.cursor.takes("[")) is not None:
        inside = reader.cursor.until(opened, lambda other: other.text == "]")
        degree = reader.inside(inside.tokens)
    argument = reader.cursor.argument(token)
    span = (token.start, argument.span[1])
    radicand = reader.inside(argument.tokens)
    if not radicand:
        raise Mistake("the root is empty", span, mend="write `\\sqrt{x}`")
    if not degree:
        return between(radicand, " sqrt(", ")", span)
    bottom = between(degree, ")^(1/(", "))", argument.span)
    return [*between(radicand, " ((", "", span), *bottom, Fragment(")", argument.span)]


def _derivative(
    reader: Reader, token: Token, above: Argument, below: Argument, variables: list[Fragments]
) -> Fragments:
    """A derivative in brackets; what it is of may follow the fraction."""
    order, numerator = _order(_behind_mark(above.tokens), above)
    if order != len(variables) or not all(variables):
        mend = "as in `\\frac{\\partial c}{\\partial x_{n}}`, and `\\partial^{2}` for two"
        raise Mistake("a derivative is taken by as many tensors as it says", below.span, mend=mend)
    if numerator:
        found = reader.inside(numerator)
        _check_one_term(found, above)
        function = _closed(found, above.span)
    else:
        following = reader.cursor.peek()
        behind = (below.span[1], below.span[1])
        function = _closed(factor(reader, token), behind, always=True)
        if following is not None and not opens(following):
            check_reach(reader, token)
    by = [Fragment("/", (above.span[1], below.span[0]))]
    for variable in variables:
        by += [Fragment("∂", below.span), *_closed(variable, below.span)]
    raised = str(order).translate(_SUPERSCRIPTS) if order > 1 else ""
    return between([*function, *by], f" (∂{raised}", ")", (token.start, below.span[1]))


def _order(tokens: Tokens, above: Argument) -> tuple[int, Tokens]:
    """How often is differentiated, and what: `^{2} c`."""
    cursor = Cursor(tokens)
    if (mark := cursor.takes("^")) is None:
        return 1, trimmed(tokens)
    power = "".join(token.text for token in cursor.argument(mark, "power").tokens)
    if len(power) != 1 or power not in "23456789":
        raise Mistake("a derivative has a number as its order", above.span, mend="as in `^{2}`")
    return int(power), trimmed(tokens[cursor.position :])


def _parts(tokens: Tokens, mark: str) -> list[Tokens]:
    """What follows each `\\partial`, or `d`, of a denominator; a square counts twice."""
    parts: list[Tokens] = []
    cursor, start = Cursor(tokens), 0
    while (token := cursor.peek()) is not None:
        if token.opens("partial") or token.text in ("∂", mark):
            parts.append(tokens[start : cursor.position])
            start = cursor.position + 1
        if token.text == "{":
            cursor.group()
        else:
            cursor.next()
    if not parts:
        return [_behind_mark(tokens)]
    return [one for part in [*parts[1:], tokens[start:]] for one in _squared(trimmed(part))]


def _squared(part: Tokens) -> list[Tokens]:
    """A tensor to differentiate by, twice if it is squared."""
    texts = [token.text for token in part]
    if texts[-4:] == ["^", "{", "2", "}"]:
        return [part[:-4]] * 2
    return [part[:-2]] * 2 if texts[-2:] == ["^", "2"] else [part]


def held(reader: Reader, mark: Token) -> Fragments:
    """`|_{s}` behind a derivative."""
    argument = reader.cursor.argument(mark, "name")
    names: Fragments = []
    cursor = Cursor(argument.tokens)
    while (token := cursor.peek()) is not None:
        if cursor.takes(","):
            names.append(Fragment(",", token.span))
        elif is_name(token) and (name := read_name(cursor)) is not None:
            names.append(name)
            if (power := cursor.takes("^")) is not None:
                inverse = cursor.argument(power, "power")
                if [t.text for t in inverse.tokens] != ["-", "1"]:
                    mend = "as in `\\left.…\\right|_{s}`"
                    raise Mistake("names stand here, and no powers", inverse.span, mend=mend)
                names.append(Fragment("⁻¹", inverse.span))
        else:
            mend = "as in `\\left.…\\right|_{s}`"
            raise Mistake("names stand here, of what is held fixed", token.span, mend=mend)
    return between(names, "|_{", "}", argument.span)


def bar(reader: Reader, token: Token) -> Fragments:
    """`|_s`, behind a derivative, or an absolute value."""
    if (mark := reader.cursor.takes("_")) is not None:
        before = _opened(reader.items.pop() if reader.items else [])
        return [*before, *held(reader, mark), *([Fragment(")", token.span)] if before else [])]
    inside = reader.cursor.until(token, lambda other: other.text in (*BARS, "|"))
    return between(reader.inside(inside.tokens), " abs(", ")", inside.span)


def left(reader: Reader, token: Token) -> Fragments:
    """`\\left.…\\right|_{s}`, or an absolute value."""
    sign = _delimiter(reader, token)
    inside = reader.cursor.until(token, _balanced())
    other = _delimiter(reader, token)
    found = reader.inside(inside.tokens)
    if sign.text != "." and other.text in BARS:
        return between(found, " abs(", ")", inside.span)
    mark = reader.cursor.takes("_") if other.text in BARS else None
    if sign.text != "." or mark is None:
        mend = "as in `\\left.\\frac{\\partial c}{\\partial x_{n}}\\right|_{s}`"
        raise Mistake(f"`\\left{sign.text}` is for what is held fixed", token.span, mend=mend)
    before = _opened(found)
    return [*before, *held(reader, mark), Fragment(")", token.span)]


def right(reader: Reader, token: Token) -> Fragments:
    """A `\\right` without its `\\left` is refused."""
    mend = "as in `\\left.\\frac{\\partial c}{\\partial x_{n}}\\right|_{s}`"
    raise Mistake("`\\right` ends nothing here", token.span, mend=mend)


def _delimiter(reader: Reader, token: Token) -> Token:
    if reader.cursor.peek() is None:
        raise Mistake(
            f"`\\{token.text}` stands before no bracket", token.span, mend="as in `\\left(`"
        )
    return reader.cursor.next()


def _closed(fragments: Fragments, span: Span, *, always: bool = False) -> Fragments:
    """The fragments in brackets, unless they are one name or number."""
    if not always and _is_atom(fragments):
        return fragments
    return between(fragments, "(", ")", span)


def _is_atom(fragments: Fragments) -> bool:
    return _ATOM.fullmatch("".join(fragment.text for fragment in fragments)) is not None


def _opened(derivative: Fragments) -> Fragments:
    """The derivative without the bracket that closes it."""
    closed = len(derivative) > 2 and derivative[0].text == " (∂"
    return derivative[:-1] if closed else derivative


def _balanced() -> Callable[[Token], bool]:
    """Tells the `\\right` that closes a `\\left` before which it is made."""
    depth = 1

    def ends(token: Token) -> bool:
        nonlocal depth
        depth += token.opens("left") - token.opens("right")
        return depth == 0

    return ends


def _differential(tokens: Tokens) -> str:
    """The sign of a derivative that the tokens begin with: ∂ or d; else nothing."""
    first = trimmed(tokens)[:4]
    if not first:
        return ""
    if first[0].opens("partial") or first[0].text == "∂":
        return "∂"
    if [token.text for token in first[:1]] == ["d"] and first[0].kind == "letter":
        return "" if len(first) > 1 and first[1].text == "_" else "d"
    if first[0].opens("mathrm", "text", "operatorname") and len(first) == 4:
        return "d" if first[2].text == "d" and first[3].text == "}" else ""
    return ""


def _behind_mark(tokens: Tokens) -> Tokens:
    rest = trimmed(tokens)
    return rest[4 if rest[0].kind == "command" and rest[0].text != "partial" else 1 :]


def _check_one_term(numerator: Fragments, above: Argument) -> None:
    """Refuse `\\partial a + b`, which could be read in two ways."""
    depth = 0
    for character in "".join(fragment.text for fragment in numerator):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and character in "+-−":
            mend = "write brackets around the sum"
            raise Mistake("it is not clear how far `\\partial` reaches", above.span, mend=mend)
