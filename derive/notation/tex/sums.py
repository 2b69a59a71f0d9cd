"""Signs that bind letters in LaTeX: sums with their limits, extrema, products."""

from __future__ import annotations

from derive.notation.source import Mistake
from derive.notation.tex.commands import OPERATORS, WORDS
from derive.notation.tex.cursor import Argument, Cursor, Fragment, Fragments, between, trimmed
from derive.notation.tex.functions import check_reach, factor, opens
from derive.notation.tex.names import is_name, read_name, spelling
from derive.notation.tex.reader import Range, Reader
from derive.notation.tex.tokens import Token, Tokens

__all__ = ["reduction", "summation"]

_REDUCTIONS = ("max", "min", "prod", "det", "logdet", "argmax", "argmin")
_RELATIONS = ("<", ">", "<=", ">=", "!=")
_LIMITS = "an index takes all its values: write `\\sum_{j}`, `\\sum_{j=1}^{N}` to name their number"


def summation(reader: Reader, token: Token) -> Fragments:
    """`\\sum_{j}`; limits as in `\\sum_{j=1}^{N}` give j its size, `\\sum_{j \\ne i}` a factor."""
    below, above = _limits(reader.cursor, token)
    sign = Fragment(" Σ", token.span)
    relations = [n for n, inner in enumerate(below.tokens) if _sign(inner) in _RELATIONS]
    if relations and above is None:
        letters = Argument(below.tokens[: relations[0]], below.span, braced=True)
        condition = between(reader.inside(below.tokens), " [", "]", below.span)
        return [sign, *_letters(letters), *condition]
    equals = [n for n, inner in enumerate(below.tokens) if inner.text == "="]
    first = below.tokens[: equals[0]] if equals else below.tokens
    found = _letters(Argument(first, below.span, braced=True))
    if equals or above is not None:
        if len(equals) > 1 or above is None or not spelling(first):
            raise Mistake("this range is not all of an index", below.span, mend=_LIMITS)
        start = below.tokens[equals[0] + 1 :] if equals else ()
        reader.ranges.append(Range(spelling(first), _size(start, above), below.span))
    return [sign, *found]


def reduction(reader: Reader) -> Fragments | None:
    """`\\max_{j}` and its like; None, with the cursor where it was, for anything else."""
    start = reader.cursor.position
    sign = _reduction_sign(reader.cursor)
    if sign is None or (mark := reader.cursor.takes("_")) is None:
        reader.cursor.position = start
        return None
    letters = _letters(reader.cursor.argument(mark, "index"))
    following = reader.cursor.peek()
    if following is None:
        mend = f"as in `\\{sign.text}_{{j}} x_{{j}}`"
        raise Mistake(f"nothing follows `{sign.text}`", sign.span, mend=mend)
    token = Token("command", sign.text, *sign.span)
    body = factor(reader, token)
    if not opens(following):
        check_reach(reader, token)
        body = between(
            body, "(", ")", (following.start, body[-1].span[1] if body else following.end)
        )
    return [Fragment(f" {sign.text}", sign.span), *letters, *body]


def _reduction_sign(cursor: Cursor) -> Fragment | None:
    token = cursor.peek()
    if token is None or token.kind != "command":
        return None
    cursor.next()
    if token.text == "arg":
        other = cursor.peek()
        if other is None or not other.opens("max", "min"):
            return None
        return Fragment(f"arg{cursor.next().text}", (token.start, other.end))
    if token.text not in WORDS:
        return Fragment(token.text, token.span) if token.text in _REDUCTIONS else None
    group = cursor.argument(token)
    word = "".join(inner.text for inner in group.tokens if not inner.is_blank)
    return Fragment(word, (token.start, group.span[1])) if word in _REDUCTIONS else None


def _letters(argument: Argument) -> Fragments:
    """`_{i,j}` for the letters below a sign."""
    cursor = Cursor(argument.tokens)
    found: Fragments = []
    while (token := cursor.peek()) is not None:
        if cursor.takes(","):
            continue
        name = read_name(cursor) if is_name(token) else None
        if name is None:
            mend = f"write letters, as in `\\sum_{{i, j}}`; {_LIMITS}"
            raise Mistake("only index letters stand below this sign", token.span, mend=mend)
        primes = ""
        while (mark := cursor.takes("'")) is not None:
            primes += mark.text
        found += [
            Fragment("," if found else "", name.span),
            Fragment(name.text + primes, name.span),
        ]
    if not found:
        raise Mistake("the sign has no index", argument.span, mend="as in `\\sum_{j}`")
    return between(found, "_{", "}", argument.span)


def _sign(token: Token) -> str:
    return OPERATORS.get(token.text, "") if token.kind == "command" else token.text


def _limits(cursor: Cursor, token: Token) -> tuple[Argument, Argument | None]:
    """What stands below and above the sign."""
    below: Argument | None = None
    above: Argument | None = None
    while (mark := cursor.takes("_", "^")) is not None:
        argument = cursor.argument(mark, "limit")
        if mark.text == "_":
            below = argument
        else:
            above = argument
    if below is None:
        mend = "write `\\sum_{j}`: a sum sign names what it sums over"
        raise Mistake("the sum has no index", token.span, mend=mend)
    return below, above


def _size(start: Tokens, above: Argument) -> str | int:
    """The number of values from 1 up to N, or from 0 up to N - 1."""
    first = "".join(token.text for token in trimmed(start)) or "1"
    last = [token for token in above.tokens if not token.is_blank]
    texts = [token.text for token in last]
    if first == "0" and texts[-2:] == ["-", "1"]:
        last = last[:-2]
    elif first == "0" and texts and all(text.isdigit() for text in texts):
        return int("".join(texts)[:9]) + 1
    elif first != "1":
        raise Mistake("this range is not all of an index", above.span, mend=_LIMITS)
    name = spelling(last)
    if name.isdigit():
        return int(name[:10])
    if not name:
        raise Mistake("the size of an index is a name or a number", above.span, mend=_LIMITS)
    return name
