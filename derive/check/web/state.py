"""A place among the tokens of a side, and what reading it has found so far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from derive.check.refusal import NotUnderstood, Refusal
from derive.check.web.lexer import Token
from derive.check.web.names import Names
from derive.check.web.scripts import arguments_end, closing
from derive.check.web.tree import Node

__all__ = ["RELATIONS", "Choice", "Found", "Reader"]

MOST_DEPTH = 60
MOST_EFFORT = 40_000

RELATIONS = {"=": "=", "ne": "!=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "equiv": "="}
"""Relations between sides, as the notation has them."""

_ENDS = {")", "]", "}", "\\}", ",", ";", "right.", "right|", "right‖", ":", "end", "\\"}
_WORDS = {
    "ldots": "dots stand for terms that are not written out",
    "int": "an integral",
    "lim": "a limit",
    "infty": "infinity",
    "pm": "two signs at once",
    "mp": "two signs at once",
    "otimes": "an outer product",
    "langle": "a bracket of an inner product",
    "in": "an element of a set",
    "sim": "a distribution",
    "to": "an arrow",
    "rightarrow": "an arrow",
    "approx": "an approximation",
    "propto": "a proportion",
    "dagger": "a transpose",
    "top": "a transpose",
}
_MATRIX = ("otimes", "langle", "rangle", "top", "dagger", "begin")


@dataclass(frozen=True)
class Choice:
    """A place that can be read in several ways, each in words, and the way taken."""

    topic: str
    options: tuple[str, ...]
    taken: int


@dataclass
class Found:
    """What reading a side has found, and which way to take where there are several."""

    plan: dict[str, int]
    free: frozenset[str] | None
    choices: dict[str, Choice] = field(default_factory=dict)
    remarks: list[tuple[str, int]] = field(default_factory=list)
    sizes: dict[str, str | int] = field(default_factory=dict)
    depth: int = 0
    effort: int = 0
    vectors: int = 0
    bars: int = 0

    def choose(self, topic: str, *options: str) -> int:
        """The way to take at a place that can be read in several."""
        taken = min(self.plan.get(topic, 0), len(options) - 1)
        self.choices[topic] = Choice(topic, options, taken)
        return taken


class Reader(ABC):
    """Walks over the tokens of a side; what stands where is told by the functions that use it."""

    def __init__(self, tokens: tuple[Token, ...], names: Names, found: Found) -> None:
        self.tokens = tokens
        self.names = names
        self.found = found
        self.position = 0
        self.end = len(tokens)

    @abstractmethod
    def sum(self) -> Node:
        """Terms with their signs."""

    @abstractmethod
    def term(self) -> Node:
        """A product, up to the next sign."""

    @abstractmethod
    def factor(self) -> Node:
        """The next factor, with its power."""

    def peek(self, ahead: int = 0) -> Token | None:
        position = self.position + ahead
        return self.tokens[position] if position < self.end else None

    def next(self) -> Token:
        self.position += 1
        self.found.effort += 1
        if self.found.effort > MOST_EFFORT:
            raise self.refused("the formula is too involved")
        return self.tokens[self.position - 1]

    def sees(self, *signs: str) -> bool:
        token = self.peek()
        return token is not None and token.opens(*signs)

    def takes(self, *signs: str) -> Token | None:
        """The next token if it is one of the signs, which is left behind then."""
        return self.next() if self.sees(*signs) else None

    @property
    def ends(self) -> bool:
        """Whether a product ends here."""
        token = self.peek()
        if token is None or token.opens("+", "-", "pm", "mp", *_ENDS, *RELATIONS):
            return True
        return self.found.bars > 0 and token.opens("|", "‖")

    def refused(
        self, reason: str, token: Token | None = None, kind: Refusal = "not understood"
    ) -> NotUnderstood:
        """The finding that something is not understood, at a token or the next one."""
        return NotUnderstood(reason, self.offset(token), kind)

    def offset(self, token: Token | None = None) -> int:
        """Where a token, or the next one, stands in the LaTeX."""
        token = token or self.peek()
        if token is not None:
            return token.span[0]
        return self.tokens[self.end - 1].span[0] if self.tokens and self.end else 0

    def unexpected(self) -> NotUnderstood:
        """The finding that the next token cannot stand where it does."""
        token = self.peek()
        if token is None:
            return self.refused("something is missing at the end")
        matrix = token.kind == "command" and token.text in _MATRIX
        known = _WORDS.get(token.text) if token.kind == "command" else None
        sign = f"\\{token.text}" if token.kind == "command" else token.text
        return self.refused(
            known or f"`{sign}` is not understood here",
            token,
            "not index notation" if matrix else "not understood",
        )

    @contextmanager
    def inside(self, start: int, end: int) -> Iterator[None]:
        """Reading between two positions; everything there must be read."""
        before = self.position, self.end, self.found.bars
        self.position, self.end, self.found.bars = start, end, 0
        self.found.depth += 1
        if self.found.depth > MOST_DEPTH:
            raise self.refused("nested too deeply")
        yield
        while self.sees(",", ";", "."):
            self.position += 1
        if self.position < self.end:
            raise self.unexpected()
        self.found.depth -= 1
        self.position, self.end, self.found.bars = before

    def argument(self) -> tuple[int, int]:
        """The next group, or token alone, as positions; it is left behind."""
        if self.position >= self.end:
            raise self.refused("an argument is missing")
        start, end, after = arguments_end(self.tokens, self.position)
        self.position = min(after, self.end)
        return start, min(end, self.end)

    def bracketed(self, pair: str) -> tuple[int, int]:
        """What stands in the bracket that opens here, which is left behind."""
        start = self.position
        end = _closing_any(self.tokens, start) if pair != "{}" else closing(self.tokens, start)
        if end >= self.end:
            raise self.refused("a bracket is never closed")
        self.position = end + 1
        return start + 1, end

    def read_sum(self, span: tuple[int, int]) -> Node:
        """The sum of terms between two positions."""
        with self.inside(*span):
            return self.sum()

    def remark(self, message: str, offset: int) -> None:
        if (message, offset) not in self.found.remarks:
            self.found.remarks.append((message, offset))


_OPENING = ("(", "[", "\\{")
_CLOSING = (")", "]", "\\}")


def _closing_any(tokens: Sequence[Token], start: int) -> int:
    """The position of the bracket that closes the one at `start`, of whatever shape."""
    depth = 0
    for position in range(start, len(tokens)):
        token = tokens[position]
        if token.kind == "sign":
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth == 0:
            return position
    return len(tokens)
