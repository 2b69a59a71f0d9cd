"""TeX as tokens, with the braces and environments that belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from derive.check.refusal import NotUnderstood

__all__ = ["Item", "NotIndexNotation", "NotUnderstood", "Token", "Tokens", "tokenize"]


class NotIndexNotation(NotUnderstood):
    """A block that makes no claim in index notation: a picture, prose, matrices written out."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(reason, offset, "not index notation")


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is `word`, `symbol`, `row`, `begin`, `end`, `delimiter`, `space` or `character`."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The name of the environment that it begins or ends, without a star."""
        return self.text[self.text.index("{") + 1 : -1].strip().rstrip("*")


@dataclass(frozen=True, slots=True)
class Item:
    """A stretch `start:end` of the text.

    `kind` is `relation`, `operator`, `atom`, `open`, `close`, `row`, `align` (an `&` within an
    equation), `column` (one between equations), `quad`, `comma`, `stop` (`.` or `:`), `implies`,
    `forall`, `text`, `cases`, `matrix` or `picture`; `value` is the relation or the words.
    `note` is what stands over or under a relation.
    """

    kind: str
    start: int
    end: int
    value: str = ""
    note: str = ""


@dataclass(frozen=True)
class Tokens:
    """Tokens; `partner` has the other end of each brace and environment, by position."""

    tex: str
    tokens: list[Token]
    partner: dict[int, int] = field(default_factory=dict)


DELIMITER = r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])\s*(?:\\[A-Za-z]+|\\.|\S)"
LENGTH = r"-?\s*[\d.]*\s*(?:pt|em|ex|cm|mm|in|mu|sp|bp|pc|\\[A-Za-z]+)\s*"
TOKEN = re.compile(
    rf"""(?P<space>(?:\s|~)+)
    |(?P<begin>\\begin\s*\{{\s*[A-Za-z]+\*?\s*\}})
    |(?P<end>\\end\s*\{{\s*[A-Za-z]+\*?\s*\}})
    |(?P<row>\\\\\*?(?:[ ]*\[{LENGTH}\])?|\\cr(?![A-Za-z])|\\newline(?![A-Za-z]))
    |(?P<delimiter>{DELIMITER})
    |(?P<word>\\[A-Za-z]+)
    |(?P<symbol>\\.)
    |(?P<character>.)""",
    re.X | re.S,
)


def tokenize(tex: str) -> Tokens:
    """The tokens of a text; raises `NotUnderstood` where braces or environments do not match."""
    tokens = [
        Token(str(match.lastgroup), match[0], match.start(), match.end())
        for match in TOKEN.finditer(tex)
    ]
    result = Tokens(tex, tokens)
    opened: list[int] = []
    for position, token in enumerate(tokens):
        if token.text == "{" or token.kind == "begin":
            opened.append(position)
        elif token.text == "}" or token.kind == "end":
            if not opened:
                raise NotUnderstood(f"nothing is open that `{token.text}` could close", token.start)
            other = opened.pop()
            check_pair(tokens[other], token)
            result.partner[other] = position
            result.partner[position] = other
    if opened:
        token = tokens[opened[-1]]
        raise NotUnderstood(f"`{token.text}` is never closed", token.start)
    return result


def check_pair(opening: Token, closing: Token) -> None:
    """An environment ends by its own name, and a brace by a brace."""
    same = opening.kind == closing.kind if closing.text == "}" else opening.kind == "begin"
    if closing.text == "}":
        same = opening.text == "{"
    elif same:
        same = opening.name == closing.name
    if not same:
        reason = f"`{opening.text}` is open where `{closing.text}` stands"
        raise NotUnderstood(reason, closing.start)
