"""Functions in LaTeX, and how far they reach."""

from __future__ import annotations

from derive.notation.source import Mistake
from derive.notation.tex.commands import FUNCTION_NAMES, WORDS
from derive.notation.tex.cursor import Fragment, Fragments, shown
from derive.notation.tex.names import is_name, spelling
from derive.notation.tex.reader import Reader
from derive.notation.tex.tokens import Token

__all__ = ["check_reach", "factor", "function", "function_word", "opens"]

_REACH = "write brackets around its argument, or `\\cdot` before the next factor"


def function_word(reader: Reader) -> Fragments | None:
    """A function by its name in upright letters, as in `\\operatorname{sin}`."""
    start = reader.cursor.position
    token = reader.cursor.next()
    group = reader.cursor.argument(token)
    word = spelling(group.tokens)
    if word not in FUNCTION_NAMES:
        reader.cursor.position = start
        return None
    whole = Token("command", word, token.start, group.span[1])
    return function(reader, FUNCTION_NAMES[word], whole)


def function(reader: Reader, name: str, token: Token) -> Fragments:
    """A function and its argument; a power between them is one of the value."""
    word = Fragment(f" {name}", token.span)
    if (mark := reader.cursor.takes("_")) is not None:
        mend = "write `\\frac{\\log x}{\\log 2}`" if name == "log" else "leave it out"
        raise Mistake("a function has no index", mark.span, mend=mend)
    if (mark := reader.cursor.takes("^")) is not None:
        return powered(reader, word, token, mark)
    following = reader.cursor.peek()
    if following is not None and opens(following):
        argument = factor(reader, token)
        if (mark := reader.cursor.takes("^")) is not None:
            mend = f"write brackets around all of it, or `{shown(token)}^{{2}}(…)`"
            raise Mistake("it is not clear what this power is of", mark.span, mend=mend)
        return [word, *argument]
    if following is None or following.opens("sum"):
        return [word]
    argument = factor(reader, token)
    check_reach(reader, token)
    return [word, *argument]


def powered(reader: Reader, word: Fragment, token: Token, mark: Token) -> Fragments:
    """`\\sin^{2} x` is `(sin x)^2`."""
    power = reader.cursor.argument(mark, "power")
    digits = "".join(t.text for t in power.tokens)
    if not digits.isdigit():
        mend = "write `\\arcsin x` for the inverse, `(\\sin x)^{-1}` for one over it"
        raise Mistake("it is not clear what this power is of", power.span, mend=mend)
    argument = factor(reader, token)
    check_reach(reader, token)
    exponent = Fragment(f")^{{{digits}}}", power.span)
    return [Fragment(f" ({word.text}", word.span), *argument, exponent]


def check_reach(reader: Reader, token: Token) -> None:
    """Refuse a factor behind what a function or a derivative is applied to."""
    following = reader.cursor.peek()
    if following is None or following.opens(*FUNCTION_NAMES):
        return
    word = following.opens(*WORDS) and is_function_word(reader)
    if (
        following.kind in ("letter", "digit")
        or opens(following)
        or (is_name(following) and not word)
    ):
        raise Mistake(
            f"it is not clear how far `{shown(token)}` reaches", following.span, mend=_REACH
        )


def is_function_word(reader: Reader) -> bool:
    start = reader.cursor.position
    reader.cursor.next()
    word = spelling(reader.cursor.argument(reader.cursor.tokens[start]).tokens)
    reader.cursor.position = start
    return word in FUNCTION_NAMES


def opens(token: Token) -> bool:
    """Whether a bracket opens here."""
    if token.kind == "command":
        return token.text in ("lbrack", "lbrace", "lparen")
    return token.kind == "other" and token.text in ("(", "[")


def factor(reader: Reader, owner: Token) -> Fragments:
    """The next factor: something in brackets, or one item."""
    token = reader.cursor.peek()
    if token is None:
        return []
    if not opens(token):
        if token.kind == "other" and token.text in "+-−*/^_)],=":
            mend = f"write `{shown(owner)}(…)`"
            raise Mistake(f"`{shown(owner)}` has no argument", owner.span, mend=mend)
        return reader.item()
    found = reader.item()
    depth = 1
    while depth and (token := reader.cursor.peek()) is not None:
        depth += opens(token) - (token.text in (")", "]", "rbrack", "rbrace", "rparen"))
        found += reader.item()
    return found
