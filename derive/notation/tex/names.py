"""Names in LaTeX: letters, Greek ones by their commands, accents, typefaces, words."""

from __future__ import annotations

import unicodedata

from derive.notation.source import Mistake
from derive.notation.tex.commands import ACCENTED, FONTS, FUNCTION_NAMES, GREEK_LETTERS, WORDS
from derive.notation.tex.cursor import Argument, Cursor, Fragment, trimmed
from derive.notation.tex.tokens import Token, Tokens

__all__ = ["is_name", "read_name", "spelled_out", "spelling"]

_SPELLED_OUT = sorted({*FUNCTION_NAMES, *GREEK_LETTERS, "sqrt", "sum", "max", "min", "prod"})


def is_name(token: Token) -> bool:
    """Whether a name begins with the token."""
    if token.kind == "command":
        return token.text in GREEK_LETTERS.keys() | ACCENTED.keys() | WORDS | FONTS
    return token.kind == "letter"


def read_name(cursor: Cursor) -> Fragment | None:
    """The name at the cursor in the spelling of text; None if something else is in its group.

    The cursor stays where it is then.
    """
    start = cursor.position
    token = cursor.next()
    if token.kind == "letter":
        return Fragment(token.text, token.span)
    if token.text in GREEK_LETTERS:
        return Fragment(GREEK_LETTERS[token.text], token.span)
    group = cursor.argument(token)
    span = (token.start, group.span[1])
    if token.text in ACCENTED:
        return Fragment(_accented(token, group), span)
    text = spelling(group.tokens)
    if not text:
        cursor.position = start
        return None
    return Fragment(text, span)


def spelling(tokens: Tokens) -> str:
    """The name that letters and digits spell, as in `\\mathrm{x1}`; empty for anything else."""
    cursor, text = Cursor(trimmed(tokens)), ""
    while not cursor.at_end:
        token = cursor.tokens[cursor.position]
        if token.kind == "digit" or token.opens("_"):
            text += cursor.next().text
        elif not is_name(token) or (name := read_name(cursor)) is None:
            return ""
        else:
            text += name.text
    return text


def _accented(token: Token, group: Argument) -> str:
    name = spelling(group.tokens)
    letters = [c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c)]
    if len(letters) != 1 or letters[0].isdigit():
        raise Mistake(
            f"`\\{token.text}` stands over one letter",
            (token.start, group.span[1]),
            mend=f"as in `\\{token.text}{{x}}_{{i}}`; give anything else a name of its own",
        )
    return unicodedata.normalize("NFC", name + ACCENTED[token.text])


def spelled_out(tokens: Tokens, position: int) -> None:
    """Refuse letters that spell a command: `log` is a product of three in LaTeX."""
    first = tokens[position]
    if (
        position
        and tokens[position - 1].end == first.start
        and tokens[position - 1].kind == "letter"
    ):
        return
    end = position
    while end < len(tokens) and tokens[end].kind == "letter" and tokens[end].text.isascii():
        if end > position and tokens[end].start != tokens[end - 1].end:
            break
        end += 1
    run = "".join(token.text for token in tokens[position:end])
    for name in _SPELLED_OUT:
        if run == name or (len(name) > 2 and run.startswith(name)):
            raise Mistake(
                f"letters side by side are a product, and `{run}` spells a name",
                (first.start, tokens[end - 1].end),
                mend=f"write `\\{name}`, or spaces between factors",
            )
