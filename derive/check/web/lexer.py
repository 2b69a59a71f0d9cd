"""The tokens of a formula, with typefaces, accents and layout taken in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from derive.check.refusal import NotUnderstood
from derive.check.web.commands import (
    ALIKE,
    BARS,
    BOLD,
    BRACKETS,
    DROPPED,
    FONTS,
    OLD_FONTS,
    SAME,
    SETS,
    SIZES,
)
from derive.notation.source import Span, normalise
from derive.notation.tex.commands import ACCENTED, GREEK_LETTERS, IGNORED, SPACES, WORDS

__all__ = ["Token", "runs", "scan"]

MOST_TOKENS = 6000
MOST_BRACES = 60

_PIECE = re.compile(
    r"%[^\n]*|\\(?P<command>[A-Za-z]+\*?|.)|(?P<number>\d+(?:\.\d+)?)|(?P<blank>\s|~)|(?P<sign>.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """One sign as a reader sees it.

    `kind` is `letter` (a name of one letter), `word` (upright, of several), `text` (prose),
    `number`, `one` (a one in a typeface of its own), `command`, `sign`, or `end`.
    """

    kind: str
    text: str
    span: Span
    bold: bool = False

    def opens(self, *texts: str) -> bool:
        """Whether it is one of these signs or commands."""
        return self.kind in ("sign", "command") and self.text in texts


def scan(tex: str, words: Collection[str] = ()) -> tuple[Token, ...]:
    """The tokens of a formula.

    Parameters
    ----------
    words : runs of letters that are names, though they are not set as such: `out_{1}`.

    Raises
    ------
    NotUnderstood : it is too long, or its braces do not match.
    """
    raw = list(_pieces(tex))
    if len(raw) > MOST_TOKENS:
        raise NotUnderstood(
            f"more than {MOST_TOKENS} signs in one formula", raw[MOST_TOKENS].span[0]
        )
    _check_braces(raw)
    tokens = tuple(_without_columns(_Layout(tex, raw).read(0, len(raw))))
    return tuple(_joined(tokens, words)) if words else tokens


def runs(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where letters stand one right behind the other, three or more of them."""
    start = 0
    for position in range(len(tokens) + 1):
        here = tokens[position] if position < len(tokens) else None
        plain = here is not None and here.kind == "letter" and here.text.isascii()
        before = tokens[position - 1] if position > start else None
        if plain and (before is None or before.span[1] == here.span[0]):  # type: ignore[union-attr]
            continue
        if position - start > 2:
            yield start, position
        start = position if plain else position + 1


def _joined(tokens: Sequence[Token], words: Collection[str]) -> Iterator[Token]:
    """The tokens, with runs of letters that are words as one."""
    ends = dict(runs(tokens))
    position = 0
    while position < len(tokens):
        end = ends.get(position, position + 1)
        word = "".join(token.text for token in tokens[position:end])
        if end - position > 1 and word in words:
            yield Token("word", word, (tokens[position].span[0], tokens[end - 1].span[1]))
            position = end
        else:
            yield tokens[position]
            position += 1


def _without_columns(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens without the signs of columns outside of environments such as `cases`."""
    depth = 0
    for token in tokens:
        depth += token.opens("begin") - token.opens("end")
        if depth or not token.opens("&"):
            yield token


def _pieces(tex: str) -> Iterator[Token]:
    for match in _PIECE.finditer(tex):
        command = match["command"]
        if command is not None:
            yield Token("command", command, match.span())
        elif match["number"]:
            yield Token("number", match["number"], match.span())
        elif match["blank"]:
            yield Token("blank", " ", match.span())
        elif match["sign"]:
            yield _character(match["sign"], match.span())


def _character(character: str, span: Span) -> Token:
    plain = normalise(character)
    if plain in SAME and SAME[plain] != "-":
        return Token("command", SAME[plain], span)
    plain = SAME.get(plain, plain)
    return Token("letter" if plain.isalpha() else "sign", plain, span)


def _check_braces(raw: list[Token]) -> None:
    opened: list[Token] = []
    for token in raw:
        if token.kind != "sign" or token.text not in "{}":
            continue
        if token.text == "{":
            opened.append(token)
        elif not opened:
            raise NotUnderstood("a brace is closed that was never opened", token.span[0])
        else:
            opened.pop()
        if len(opened) > MOST_BRACES:
            raise NotUnderstood(f"braces stand more than {MOST_BRACES} deep", token.span[0])
    if opened:
        raise NotUnderstood("a brace is never closed", opened[-1].span[0])


class _Layout:
    """Takes in what says nothing by itself: spaces, typefaces, accents, braces under terms."""

    def __init__(self, tex: str, raw: list[Token]) -> None:
        self.tex = tex
        self.raw = raw
        self.closing = _closing(raw)

    def read(self, start: int, end: int) -> Iterator[Token]:
        position = start
        while position < end:
            token = self.raw[position]
            if token.kind == "command":
                position = yield from self._command(position, end)
                continue
            if token.kind != "blank" and token.text != "$":
                yield token
            position += 1

    def _command(self, position: int, end: int) -> Generator[Token, None, int]:
        token = self.raw[position]
        name = ALIKE.get(token.text, token.text)
        after = position + 1
        if name in SPACES or name in IGNORED or name == "displaylimits":
            return after
        if name in DROPPED:
            return self._behind(after, DROPPED[name], end)
        if name in SIZES:
            return (yield from self._sized(position, end))
        if name in ("underbrace", "overbrace", "underset", "overset", "boxed", "cancel"):
            return (yield from self._braced(name, after, end))
        if name in FONTS | WORDS | OLD_FONTS or name in ACCENTED:
            return (yield from self._styled(name, position, end))
        yield self._plain(name, token.span)
        return after

    def _plain(self, name: str, span: Span) -> Token:
        if name in GREEK_LETTERS:
            return Token("letter", GREEK_LETTERS[name], span)
        if name in BRACKETS or name in BARS or name in ("<", ">"):
            return Token("sign", BRACKETS.get(name) or BARS.get(name) or name, span)
        return Token("command", name, span)

    def _sized(self, position: int, end: int) -> Generator[Token, None, int]:
        """A bracket with its size; `\\left.` has none."""
        command, after = self.raw[position], self._skip(position + 1, end)
        if after >= end:
            raise NotUnderstood(f"`\\{command.text}` stands before no bracket", command.span[0])
        sign = self.raw[after]
        if sign.kind == "command":
            sign = self._plain(sign.text, sign.span)
        span = (command.span[0], sign.span[1])
        if sign.text == ".":
            yield Token("sign", f"{command.text}.", span)
        elif sign.text in "|‖" and command.text in ("left", "right"):
            yield Token("sign", f"{command.text}{sign.text}", span)
        else:
            yield replace(sign, span=span)
        return after + 1

    def _braced(self, name: str, after: int, end: int) -> Generator[Token, None, int]:
        """What stands above or below a brace with words is left out."""
        if name in ("underset", "overset"):
            after = self._behind(after, 1, end)
        start, stop, behind = self._argument(after, end)
        yield from self.read(start, stop)
        following = self._skip(behind, end)
        marked = following < end and self.raw[following].text in ("_", "^")
        if name in ("underbrace", "overbrace") and marked:
            return self._behind(following + 1, 1, end)
        return behind

    def _styled(self, name: str, position: int, end: int) -> Generator[Token, None, int]:
        """Letters in a typeface or with an accent; upright ones make a word."""
        first = self.raw[position].span[0]
        if name in OLD_FONTS:
            return position + 1
        start, stop, behind = self._argument(position + 1, end)
        span = (first, self.raw[behind - 1].span[1])
        if name in WORDS:
            yield from self._word(name, start, stop, span)
            return behind
        inside = list(self.read(start, stop))
        if [token.text for token in inside] == ["1"] or (
            name in SETS and [token.text for token in inside] == ["I"]
        ):
            yield Token("one", "1", span)
        elif name in SETS:
            raise NotUnderstood("expectations and sets are not index notation", first)
        elif name in ACCENTED:
            yield self._accented(name, inside, span)
        else:
            bold = name in BOLD
            yield from (replace(token, bold=token.bold or bold) for token in inside)
        return behind

    def _accented(self, name: str, inside: list[Token], span: Span) -> Token:
        if len(inside) != 1 or inside[0].kind not in ("letter", "word"):
            raise NotUnderstood("an accent over several signs", span[0])
        text = unicodedata.normalize("NFC", inside[0].text + ACCENTED[name])
        return replace(inside[0], text=text, span=span)

    def _word(self, name: str, start: int, stop: int, span: Span) -> Iterator[Token]:
        inner = (
            self.tex[self.raw[start].span[0] : self.raw[stop - 1].span[1]] if stop > start else ""
        )
        word = inner.strip()
        if word == "1":
            yield Token("one", "1", span)
        elif re.fullmatch(r"[^\W\d_]", word):
            yield Token("letter", normalise(word), span)
        elif re.fullmatch(r"[^\W\d_]+[- ]?[^\W_]*", word) and (
            " " not in word or "text" not in name
        ):
            yield Token("word", re.sub(r"[- ]", "", word), span)
        elif word.startswith("text") or "text" in name or name == "mbox":
            if word:
                yield Token("text", word, span)
        else:
            yield from self.read(start, stop)

    def _argument(self, after: int, end: int) -> tuple[int, int, int]:
        """Where an argument begins, where it ends, and what stands behind it."""
        after = self._skip(after, end)
        if after >= end or self.raw[after].text == "}":
            raise NotUnderstood("an argument is missing", self.raw[min(after, end) - 1].span[0])
        if self.raw[after].text == "{" and self.raw[after].kind == "sign":
            return after + 1, self.closing[after], self.closing[after] + 1
        stop = after + 1
        if self.raw[after].kind == "command" and self.raw[after].text in FONTS | WORDS | {
            *ACCENTED
        }:
            stop = self._argument(stop, end)[2]
        return after, stop, stop

    def _behind(self, after: int, arguments: int, end: int) -> int:
        for _ in range(arguments):
            after = self._argument(after, end)[2]
        return after

    def _skip(self, position: int, end: int) -> int:
        while position < end and self.raw[position].kind == "blank":
            position += 1
        return position


def _closing(raw: list[Token]) -> dict[int, int]:
    found: dict[int, int] = {}
    opened: list[int] = []
    for position, token in enumerate(raw):
        if token.kind == "sign" and token.text == "{":
            opened.append(position)
        elif token.kind == "sign" and token.text == "}":
            found[opened.pop()] = position
    return found
