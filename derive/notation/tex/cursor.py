"""Walking over tokens, and the pieces of text that they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derive.notation.source import Mistake, Span
from derive.notation.tex.tokens import Token, Tokens, closing

__all__ = ["Argument", "Cursor", "Fragment", "Fragments", "between", "shown", "trimmed"]


@dataclass(frozen=True)
class Fragment:
    """A piece of text, and the place in the LaTeX that it stands for."""

    text: str
    span: Span


Fragments = list[Fragment]


@dataclass(frozen=True)
class Argument:
    """What a command, `_` or `^` applies to: the tokens in its braces, or a single one."""

    tokens: Tokens
    span: Span
    braced: bool


class Cursor:
    """A place among tokens that moves on."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self) -> Token | None:
        """The next token that is not white space."""
        while self.position < len(self.tokens) and self.tokens[self.position].is_blank:
            self.position += 1
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def next(self) -> Token:
        """The next token, white space or not."""
        self.position += 1
        return self.tokens[self.position - 1]

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.tokens)

    def directly(self, end: int) -> Token | None:
        """The next token, if it begins where the former ended."""
        if self.at_end or self.tokens[self.position].start != end:
            return None
        return self.tokens[self.position]

    def takes(self, *signs: str) -> Token | None:
        """The next token if it is one of the signs, which are left behind then."""
        token = self.peek()
        if token is None or token.kind != "other" or token.text not in signs:
            return None
        return self.next()

    def argument(self, owner: Token, what: str = "argument") -> Argument:
        """What stands in braces next, or the next token alone.

        Raises
        ------
        Mistake : nothing is there, or it ends a group.
        """
        token = self.peek()
        if token is None or (token.kind == "other" and token.text in "}&"):
            raise Mistake(
                f"`{shown(owner)}` lacks its {what}",
                owner.span,
                mend=f"write `{shown(owner)}{{…}}`",
            )
        if token.text == "{" and token.kind == "other":
            return self.group()
        start = self.position
        self.next()
        if token.kind == "command" and (inner := self.peek()) and inner.text == "{":
            # `e^\frac{a}{b}` and `x_\mathrm{b}`: a command takes its arguments along.
            self.group()
            while (inner := self.peek()) and inner.text == "{" and inner.kind == "other":
                self.group()
        tokens = trimmed(self.tokens[start : self.position])
        return Argument(tokens, (token.start, tokens[-1].end), braced=False)

    def group(self) -> Argument:
        """The group in braces that begins here."""
        self.peek()
        start, end = self.position, closing(self.tokens, self.position)
        self.position = end + 1
        span = (self.tokens[start].start, self.tokens[end].end)
        return Argument(self.tokens[start + 1 : end], span, braced=True)

    def until(self, opener: Token, ends: Callable[[Token], bool]) -> Argument:
        """What stands before the next token that ends it, braces skipped.

        Raises
        ------
        Mistake : there is none.
        """
        start = self.position
        while not self.at_end:
            token = self.tokens[self.position]
            if token.kind == "other" and token.text == "{":
                self.group()
                continue
            self.next()
            if ends(token):
                inside = self.tokens[start : self.position - 1]
                return Argument(inside, (opener.start, token.end), braced=True)
        mend = "add the sign that ends it"
        raise Mistake(f"`{shown(opener)}` is never closed", opener.span, mend=mend)


def shown(token: Token) -> str:
    """The token as it is written."""
    return f"\\{token.text}" if token.kind == "command" else token.text


def trimmed(tokens: Tokens) -> Tokens:
    """The tokens without white space at their ends."""
    while tokens and tokens[0].is_blank:
        tokens = tokens[1:]
    while tokens and tokens[-1].is_blank:
        tokens = tokens[:-1]
    return tokens


def between(fragments: Fragments, before: str, after: str, span: Span) -> Fragments:
    """The fragments with text around them, which stands for the ends of a place."""
    first, last = (span[0], span[0] + 1), (max(span[0], span[1] - 1), span[1])
    return [Fragment(before, first), *fragments, Fragment(after, last)]
