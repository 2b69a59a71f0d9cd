"""Sets aside what only lays a formula out, by blanking, so that every offset stays true."""

from __future__ import annotations

import re

from derive.check.tokens import LENGTH, Token, Tokens
from derive.check.vocabulary import (
    IGNORED,
    IGNORED_WITH_ARGUMENT,
    QUADS,
    RELATIONS,
    SKIPS,
    TEXTS,
    UNWRAPPED,
)

__all__ = ["Layout"]

_LENGTH = re.compile(r"(?P<number>\d*\.?\d+)\s*(?P<unit>[a-z]{2})")
# Points of a unit of length, roughly, and how many of them part two equations.
_POINTS = {"em": 10, "in": 72, "cm": 28, "mm": 3, "pt": 1, "ex": 4, "pc": 12}
WIDE = 10
BRACES = ("\\underbrace", "\\overbrace", "\\underbracket", "\\overbracket")


class Layout:
    """Tokens of which some are dead, and the text in which those are blank.

    `\\boxed{X}`, `\\cancel{X}` and colours leave X. A brace under a term leaves the term as a
    group, `{X}`; what is written at the brace is kept in `labels` as (offset, text).
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tex = tokens.tex
        self.tokens = tokens.tokens
        self.partner = tokens.partner
        self.alive = [token.kind != "space" for token in self.tokens]
        self.labels: list[tuple[int, str]] = []
        self._characters = list(self.tex)
        self._depth = 0
        position = 0
        while position < len(self.tokens):
            position = self._set_aside(position)
        for token, alive in zip(self.tokens, self.alive, strict=True):
            if not alive:
                self.blank(token.start, token.end)

    @property
    def text(self) -> str:
        """The text with all that was blanked so far."""
        return "".join(self._characters)

    def blank(self, start: int, end: int) -> None:
        """Blanks a stretch of the text."""
        self._characters[start:end] = " " * (end - start)

    def next(self, position: int) -> int:
        """The first living token from a position on."""
        while position < len(self.tokens) and not self.alive[position]:
            position += 1
        return position

    def group(self, position: int) -> tuple[int, int] | None:
        """The braces of the group that follows from a position on."""
        position = self.next(position)
        if position < len(self.tokens) and self.tokens[position].text == "{":
            return position, self.partner[position]
        return None

    def holds_relation(self, start: int, end: int) -> bool:
        """Whether a relation stands between two tokens, outside of any group between them."""
        position = start
        while position < end:
            if self.alive[position] and self.tokens[position].text in RELATIONS:
                return True
            position = max(position, self.partner.get(position, position)) + 1
        return False

    def kill(self, start: int, end: int) -> None:
        """Sets the tokens from one to another aside, both included."""
        self.alive[start : end + 1] = [False] * (end + 1 - start)

    def _set_aside(self, position: int) -> int:
        """Looks at one token; where to go on."""
        token = self.tokens[position]
        if token.text == "{":
            self._depth += 1
        elif token.text == "}":
            self._depth -= 1
        if not self.alive[position] or token.kind not in ("word", "symbol"):
            return position + 1
        if token.text in TEXTS:
            group = self.group(position + 1)
            return group[1] + 1 if group else position + 1
        if token.text in UNWRAPPED:
            self._unwrap(position, token)
        elif token.text in IGNORED_WITH_ARGUMENT:
            return self._ignore(position, IGNORED_WITH_ARGUMENT[token.text])
        elif token.text in IGNORED or (self._depth and token.text in QUADS):
            self.alive[position] = False
        elif token.text in SKIPS:
            self._skip(position, token)
        return position + 1

    def _ignore(self, position: int, arguments: int) -> int:
        end = position
        if end + 1 < len(self.tokens) and self.tokens[end + 1].text == "*":
            end += 1
        for _ in range(arguments):
            group = self.group(end + 1)
            end = group[1] if group else end
        wide = not self._depth and self._is_wide(position, end)
        self.kill(position + 1 if wide else position, end)
        return end + 1

    def _is_wide(self, position: int, end: int) -> bool:
        """Whether a command with its argument is a space that may part two equations."""
        length = _LENGTH.search(self.tex[self.tokens[position].end : self.tokens[end].end])
        if self.tokens[position].text not in QUADS or length is None:
            return False
        return float(length["number"]) * _POINTS.get(length["unit"], 0) >= WIDE

    def _skip(self, position: int, token: Token) -> None:
        length = re.compile(r"\s*" + LENGTH).match(self.tex, token.end)
        while position < len(self.tokens) and (
            self.tokens[position].end <= (length.end() if length else token.end)
        ):
            self.alive[position] = False
            position += 1

    def _unwrap(self, position: int, token: Token) -> None:
        end = position
        for _ in range(UNWRAPPED[token.text]):
            aside = self.group(end + 1)
            end = aside[1] if aside else end
        group = self.group(end + 1)
        if not group:
            self.kill(position, end)
            return
        before = position - (2 if position > 1 and self.tokens[position - 1].kind == "space" else 1)
        within = before >= 0 and self.tokens[before].text in ("_", "^")
        self.kill(position, end)
        keeps = token.text in BRACES and not self.holds_relation(group[0] + 1, group[1])
        if not (keeps or within):
            self.alive[group[0]] = self.alive[group[1]] = False
        if token.text in BRACES:
            self._label(group[1] + 1)

    def _label(self, position: int) -> None:
        """Sets aside what is written at a brace."""
        position = self.next(position)
        if position >= len(self.tokens) or self.tokens[position].text not in ("_", "^"):
            return
        end = self.next(position + 1)
        if end >= len(self.tokens):
            return
        if self.tokens[end].text in TEXTS and (inner := self.group(end + 1)):
            end = inner[0]
        end = self.partner.get(end, end) if self.tokens[end].text == "{" else end
        written = self.tex[self.tokens[position].end : self.tokens[end].end]
        self.labels.append((self.tokens[position].start, written.strip()))
        self.kill(position, end)
