"""LaTeX rewritten as text of the plain surface, which knows where each character comes from."""

from __future__ import annotations

from collections.abc import Callable

from derive.notation.source import Mistake, Transcript
from derive.notation.tex.commands import (
    BRACKETS,
    FUNCTION_NAMES,
    ONE_FONTS,
    OPERATORS,
    WORDS,
    about,
)
from derive.notation.tex.cursor import Fragment, Fragments, trimmed
from derive.notation.tex.functions import function, function_word
from derive.notation.tex.names import is_name, read_name, spelled_out
from derive.notation.tex.ratios import bar, fraction, left, right, root
from derive.notation.tex.reader import Range, Reader
from derive.notation.tex.scripts import index, is_inverse, power, scripts
from derive.notation.tex.slots import prime
from derive.notation.tex.sums import reduction, summation
from derive.notation.tex.tokens import Token, scan

__all__ = ["transcribe"]

_FRACTIONS = ("frac", "dfrac", "tfrac", "cfrac")
_STACKED = ("stackrel", "overset", "underset")
_SHOWN = ("\\", "$")


def transcribe(text: str) -> Transcript:
    """A formula or an equation in LaTeX as text.

    Raises
    ------
    Mistake : something is not part of the notation; its place is one in the LaTeX.
    """
    ranges: list[Range] = []
    fragments = _Transcriber(scan(text), ranges).everything()
    return Transcript(text, [(f.text, f.span) for f in fragments], _sizes(ranges))


def _sizes(ranges: list[Range]) -> dict[str, str | int]:
    """The sizes of letters, one for each."""
    known: dict[str, Range] = {}
    for found in ranges:
        other = known.setdefault(found.letter, found)
        if other.size != found.size:
            raise Mistake(
                f"the index {found.letter} has two ranges",
                found.span,
                other.span,
                mend="write another letter for one of the two",
            )
    return {letter: found.size for letter, found in known.items()}


class _Transcriber(Reader):
    """Tells what kind of thing comes next."""

    def item(self) -> Fragments:
        """The next name, number, sign, or command with its arguments."""
        token = self.cursor.peek()
        assert token is not None
        if token.kind == "digit" or (token.text == "." and self.number_follows()):
            return [self.number()]
        if token.kind == "letter":
            spelled_out(self.cursor.tokens, self.cursor.position)
            return self.name()
        if token.kind == "command":
            return self.command(token)
        return self.sign(token)

    def number_follows(self) -> bool:
        rest = self.cursor.tokens[self.cursor.position + 1 :][:1]
        return bool(rest) and rest[0].kind == "digit"

    def number(self) -> Fragment:
        first = last = self.cursor.next()
        text = first.text
        while (token := self.cursor.directly(last.end)) is not None:
            if token.kind != "digit" and (token.text != "." or not self.number_follows()):
                break
            last = self.cursor.next()
            text += last.text
        return Fragment(f" {text}", (first.start, last.end))

    def sign(self, token: Token) -> Fragments:
        """A character that is no letter."""
        cursor = self.cursor
        if token.text == "{":
            return self.inside(cursor.group().tokens)
        if token.text == "_":
            return index(self, cursor.next())
        if token.text == "^":
            return power(self, cursor.next())
        cursor.next()
        if token.text in ("&", "$"):
            return []
        if token.text == "|":
            return bar(self, token)
        applied = token.text == "(" and self.name_end == token.start
        before = " " if token.text in "([*/" and not applied else ""
        return [Fragment(before + token.text, token.span)]

    def command(self, token: Token) -> Fragments:
        name, cursor = token.text, self.cursor
        if (reduced := reduction(self)) is not None:
            return reduced
        if name in ONE_FONTS and (one := self.one(token)) is not None:
            return one
        if name in WORDS and (applied := function_word(self)) is not None:
            return applied
        if is_name(token):
            start = cursor.position
            found = self.name()
            if found or cursor.position > start:
                return found
        cursor.next()
        if name in FUNCTION_NAMES:
            return function(self, FUNCTION_NAMES[name], token)
        if name in OPERATORS or name in BRACKETS:
            return self.operator(token)
        if name in _SHOWN:
            return []
        method = _COMMANDS.get(name)
        if method is None:
            raise Mistake(f"`\\{name}` is not part of the notation", token.span, mend=about(name))
        return method(self, token)

    def operator(self, token: Token) -> Fragments:
        text = OPERATORS.get(token.text) or BRACKETS[token.text]
        if text == "∂" and (sub := self.cursor.takes("_")):
            mend = "write `\\frac{\\partial c}{\\partial x_{n}}`"
            raise Mistake("what a derivative is taken by stands below a line", sub.span, mend=mend)
        return [Fragment(f" {text}" if text not in ":" else text, token.span)]

    def name(self) -> Fragments:
        """A name with its indices and its power, in that order; nothing if it is a group."""
        name = read_name(self.cursor)
        if name is None:
            return self.typeface(self.cursor.next())
        self.name_end = name.span[1]
        start = self.cursor.position
        marks = prime(self.cursor)
        found = [Fragment(f" {name.text}{marks}", name.span)]
        if marks:
            self.name_end = self.cursor.tokens[self.cursor.position - 1].end
        below, above = scripts(self, name)
        if self.named and is_inverse(above):
            above = [Fragment("⁻¹", name.span)]
        self.named = name.text == "for"
        if not below and not above and not marks:
            self.cursor.position = start
        return [*found, *below, *above]

    def typeface(self, token: Token) -> Fragments:
        """What stands in a typeface that changes nothing; words are refused."""
        group = self.cursor.argument(token)
        if token.text in WORDS:
            mend = "a name is one word; leave out what is said in words"
            raise Mistake(
                "words cannot stand in a formula", (token.start, group.span[1]), mend=mend
            )
        return self.inside(group.tokens)

    def one(self, token: Token) -> Fragments | None:
        """The one-tensor, or the indicator `\\mathbf{1}[…]`, which is its bracket."""
        start = self.cursor.position
        group = self.cursor.argument(self.cursor.next())
        texts = [inner.text for inner in trimmed(group.tokens)]
        if texts != ["1"]:
            self.cursor.position = start
            if token.text in ("mathbb", "mathds", "mathbbm"):
                mend = "expectations and sets are not: write sums with indices"
                raise Mistake(
                    "this is not part of the notation", (token.start, group.span[1]), mend=mend
                )
            return None
        span = (token.start, group.span[1])
        following = self.cursor.peek()
        if following is not None and following.text == "[":
            return []
        if following is None or following.text != "_":
            mend = "as in `\\mathbf{1}_{j}`; an indicator is written `[x_{i} > 0]`"
            raise Mistake("the one-tensor has an index", span, mend=mend)
        return [Fragment(" 1", span)]


def _stacked(reader: Reader, token: Token) -> Fragments:
    """An equals sign with words over it defines."""
    reader.cursor.argument(token)
    base = reader.cursor.argument(token)
    if [inner.text for inner in trimmed(base.tokens)] != ["="]:
        raise Mistake(
            f"`\\{token.text}` may stand over an equals sign only",
            (token.start, base.span[1]),
            mend="write the formula alone",
        )
    return [Fragment(" :=", (token.start, base.span[1]))]


def _primes(reader: Reader, token: Token) -> Fragments:
    raise Mistake("a prime belongs to a letter", token.span, mend="as in `x_{i'}`")


_COMMANDS: dict[str, Callable[[Reader, Token], Fragments]] = {
    **dict.fromkeys(_FRACTIONS, fraction),
    **dict.fromkeys(_STACKED, _stacked),
    **dict.fromkeys(("vert", "lvert"), bar),
    "sqrt": root,
    "left": left,
    "right": right,
    "sum": summation,
    "prime": _primes,
}
