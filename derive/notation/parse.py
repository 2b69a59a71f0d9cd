"""Parse plain text to the syntax tree; every failure says what was expected where."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Container
from contextlib import suppress
from functools import cache
from importlib.resources import files

from lark import Lark, Token, UnexpectedCharacters, UnexpectedToken
from lark.exceptions import UnexpectedInput

from derive.cache import cache_folder
from derive.notation.build import FUNCTIONS, Builder
from derive.notation.multi import with_multi_indices
from derive.notation.source import Mistake, Span, did_you_mean
from derive.notation.subscripts import name_in_text, spelled
from derive.notation.syntax import Node
from derive.notation.written_out import check_reductions, written_out

__all__ = ["MOST_BRACKETS", "parse", "words"]

MOST_BRACKETS = 40

_BOTH_SIDES = "write a formula, as in `c = x_i x_i`"

# Words between comparisons; as names they would make a product of what they connect.
_CONNECTIVES = ("and", "or", "not")
# Letters with a meaning of their own: the numbers e and π, the d of a derivative, sum and product.
_NO_FUNCTIONS = "eπdδΣΠ"
# Signs of other notations, and what is written for them.
_OTHER_SIGNS = {
    "|": "an absolute value is written `abs(x_i)`",
    "‖": "a norm is written with indices, as in `sqrt(x_i x_i)`",
    "@": "a product of matrices is written with indices, as in `x_ik w_kj`",
    "ᵀ": "a transpose exchanges two indices: `x_ji` for `x_ij`",
    "⊙": "a product entry by entry is written with indices, as in `x_i y_i`",
    "∘": "a product entry by entry is written with indices, as in `x_i y_i`",
    "∞": "a mask is written `log [k <= q]`, which is −∞ where it does not hold",
}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SIGN = re.compile(r"(?:[Σ∑Π∏]|sum|prod|max|min|det|logdet)_(?:\{[^{}]*\}|\w+)")
_SIGN_AT_END = re.compile(_SIGN.pattern + "$")
_WORD = re.compile(r"(?<![^\W0-9])(?:[^\W\d_][\u0300-\u036f]*)+[0-9]*'*(?P<applied>\(?)")


@cache
def _lark() -> Lark:
    """The parser; its tables, which take as long as a derivation, are kept in the cache."""
    grammar = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    folder = cache_folder()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return Lark(
        grammar,
        start="sum",
        parser="lalr",
        transformer=Builder(),
        keep_all_tokens=True,
        # Lark checks that the file fits the grammar, and does without it where it is of no use.
        cache=str(folder / "grammar.tables"),
    )


def parse(text: str, span: Span, known: Container[str], multi: Collection[str] = ()) -> Node:
    """The syntax tree of `text[span]`, with places in the whole text.

    `multi` are the index letters that are declared multi-indices.

    `known` are the names that are tensors: before a bracket they are a factor, others are
    taken for a function.

    Raises
    ------
    Mistake : the text is not an expression.
    """
    start, end = span
    if not text[start:end].strip():
        raise Mistake("an expression is missing", (start, max(end, start + 1)), mend=_BOTH_SIDES)
    _check_brackets(text, span)
    check_reductions(text, span)
    padded = " " * start + text[start:end]
    parser = _lark().parse_interactive(padded)
    token: Token | None = None
    before: Token | None = None
    try:
        for token in parser.lexer_thread.lex(parser.parser_state):
            token = _classified(token, before, known)
            parser.feed_token(token)
            before = token
        tree: Node = parser.feed_eof(before)
    except UnexpectedInput as error:
        raise _explained(error, padded, before) from None
    return with_multi_indices(tree, multi)


def words(text: str) -> set[str]:
    """The names in a text that some place does not apply to a bracket: those of tensors."""
    plain = _SIGN.sub(" ", text)
    found = (match for match in _WORD.finditer(plain) if not match["applied"])
    return {spelled(match.group().rstrip("'")) for match in found}


def _classified(token: Token, before: Token | None, known: Container[str]) -> Token:
    """The token with its part of speech, where it depends on the word."""
    if token.type not in ("NAME", "APPLIED", "INDEXED") or (before and before.type == "HELD"):
        return token
    if str(token) in FUNCTIONS:
        return Token.new_borrow_pos("FUNCTION", str(token), token)
    span = (token.start_pos or 0, token.end_pos or 0)
    if str(token) in _CONNECTIVES:
        mend = "write `[…] […]` for both, `1 - (1 - […]) (1 - […])` for one of two"
        raise Mistake(f"`{token}` is not part of the notation", span, mend=mend)
    if token.type != "APPLIED":
        return token
    name = str(token).rstrip("'")
    spelled_name = name_in_text(name, span)
    if spelled_name in known:
        if name != token:
            mend = "for a product write a space before the bracket"
            raise Mistake(f"{name} is a tensor, which has no derivative by itself", span, mend=mend)
        return token
    if _is_opaque(spelled_name):
        return Token.new_borrow_pos("FUNCTION", spelled_name + token[len(name) :], token)
    near = written_out(name) or did_you_mean(str(token), FUNCTIONS)
    listed = ", ".join(sorted(name for name in FUNCTIONS if name != "√"))
    raise Mistake(
        f"{token} is not a known function",
        span,
        mend=near or f"known are {listed}; for a product write a space before the bracket",
    )


def _is_opaque(name: str) -> bool:
    """Whether an unknown name before a bracket is a function: a single letter, digits after it."""
    letters = [c for c in name.rstrip("0123456789") if not unicodedata.combining(c)]
    return len(letters) == 1 and letters[0] not in _NO_FUNCTIONS


def _check_brackets(text: str, span: Span) -> None:
    """Refuse brackets that do not match, at the one that has no partner, or too many."""
    opened: list[int] = []
    for position in range(*span):
        character = text[position]
        if character in _CLOSING:
            opened.append(position)
        elif character in _CLOSING.values():
            if not opened or _CLOSING[text[opened[-1]]] != character:
                raise _unmatched(text, position, opened)
            opened.pop()
        if len(opened) > MOST_BRACKETS:
            raise Mistake(
                f"brackets stand more than {MOST_BRACKETS} deep",
                (position, position + 1),
                mend="give the inner parts names of their own",
            )
    if opened:
        place = (opened[-1], opened[-1] + 1)
        character = text[place[0]]
        mend = f"add `{_CLOSING[character]}` where the bracket ends"
        raise Mistake(f"the bracket `{character}` is never closed", place, mend=mend)


def _unmatched(text: str, position: int, opened: list[int]) -> Mistake:
    here, found = (position, position + 1), text[position]
    if not opened:
        return Mistake(f"the bracket `{found}` was never opened", here, mend=f"remove `{found}`")
    expected = _CLOSING[text[opened[-1]]]
    return Mistake(
        f"the bracket `{found}` does not match `{text[opened[-1]]}`",
        here,
        (opened[-1], opened[-1] + 1),
        mend=f"write `{expected}` for `{found}`",
    )


# What lark reports, in words ----------------------------------------------------------------


def _explained(error: UnexpectedInput, text: str, before: Token | None) -> Mistake:
    if isinstance(error, UnexpectedCharacters):
        return _stray(text, error.pos_in_stream)
    if not isinstance(error, UnexpectedToken):
        return Mistake("this cannot be read", (0, len(text)))
    token, expected = error.token, set(error.expected or error.accepts or ())
    if token.type == "$END":
        return _unfinished(before, expected, text.rstrip())
    span = (token.start_pos or 0, token.end_pos or 0)
    return _unexpected(token, span, before.type if before else "", expected)


def _stray(text: str, position: int) -> Mistake:
    character = text[position]
    span = (position, position + 1)
    if character == "_":
        return Mistake("the subscript is empty", span, mend="an index letter follows `_` directly")
    if character == "=":
        return Mistake(_EQUALS_SIGN, span, mend=_ONE_EXPRESSION)
    if character == "'":
        return Mistake("a prime belongs to an index letter", span, mend="as in `x_i'`")
    if character == ".":
        return Mistake("a dot stands only between digits", span, mend="write `*` for a product")
    mend = _OTHER_SIGNS.get(character, "remove it, or write what it stands for")
    name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    return Mistake(
        f"the character {character!r} ({name}) is not part of the notation",
        span,
        mend=mend,
    )


def _unfinished(before: Token | None, expected: set[str], text: str) -> Mistake:
    """The text ends too early."""
    if before is None:
        return Mistake("an expression is missing", (0, 1), mend=_BOTH_SIDES)
    span = (before.start_pos or 0, before.end_pos or len(text))
    if "NUMBER" not in expected and expected & {"SLASH", "PARTIAL"}:
        return Mistake(_HALF_A_PARTIAL, span, mend=_PARTIAL)
    if sign := _SIGN_AT_END.search(text):
        mend = "write what it is taken of, as in `Σ_j x_j`; a tensor needs another name"
        return Mistake("nothing follows the sign", sign.span(), mend=mend)
    if before.type == "FUNCTION":
        return Mistake(f"{before} has no argument", span, mend=f"write `{before}(…)`")
    return Mistake(f"something is missing after `{before}`", span, mend=_FACTOR)


_PARTIAL = "a derivative is written `∂c/∂x_n`"
_HALF_A_PARTIAL = "only half of a derivative stands here"
_FACTOR = "a factor is a number, a name with its indices, a function, or something in brackets"
_EQUALS_SIGN = "an equals sign cannot stand here"
_ONE_EXPRESSION = "give one expression alone"
_ORPHAN = "a subscript belongs to a name, to `1` or to δ"

# For the type of a token that cannot stand where it does: the message and the mend.
_MISPLACED = {
    "RUN": ("there is nothing here that could have a subscript", _ORPHAN),
    "SUBSCRIPT": ("there is nothing here that could have a subscript", _ORPHAN),
    "LBRACE": ("a brace cannot stand here", "braces follow `_` or `^`; use `(` and `)`"),
    "COMMA": ("a comma cannot stand here", "commas separate indices in a subscript, and arguments"),
    "SIGN": ("two operators stand side by side", "put brackets around a factor with a sign"),
    "TIMES": ("there is no factor before this operator", _FACTOR),
    "SLASH": ("there is no factor before the fraction line", _FACTOR),
    "HELD": ("`|_` cannot stand here", "it follows a derivative, as in `∂c/∂x_n|_s`"),
    "SUM": ("it is not clear how far this sum goes", "put the sum in brackets"),
    "PARTIAL": ("`∂` cannot stand here", _PARTIAL),
    "CARET": ("there is nothing here that could have a power", "put the base in brackets"),
    "SUPERSCRIPT": ("there is nothing here that could have a power", "put the base in brackets"),
    "RPAR": ("something is missing before the bracket", _FACTOR),
    "RSQB": ("something is missing before the bracket", _FACTOR),
    "RBRACE": ("something is missing before the brace", _FACTOR),
}


def _unexpected(token: Token, span: Span, before: str, expected: set[str]) -> Mistake:
    kind = token.type
    if kind == "RELATION":
        return _compared(token, span, expected)
    if "SLOT" in expected or (expected <= {"NAME", "LBRACE", "COMMA", "RBRACE"} and expected):
        return _in_subscript(token, span, expected)
    if before == "FUNCTION" and kind in ("RUN", "SUBSCRIPT", "CARET", "SUPERSCRIPT"):
        return Mistake(
            "a function has its argument first", span, mend="as in `exp(x_i)` or `sin(x)^2`"
        )
    if kind in ("RUN", "SUBSCRIPT") and before in ("RUN", "RBRACE", "RSQB"):
        mend = "write all indices of a tensor in one subscript, as in `x_{i,j}`"
        return Mistake("this would be a second subscript", span, mend=mend)
    if kind in ("RUN", "SUBSCRIPT") and before == "NUMBER":
        return Mistake("a number has no indices", span, mend="the one-tensor is written `1_j`")
    half = "NUMBER" not in expected and expected & {"SLASH", "PARTIAL"} == expected
    if half and kind != "COMMA":
        return Mistake(_HALF_A_PARTIAL, span, mend=_PARTIAL)
    if before == "PARTIAL" and "NUMBER" not in expected:
        message = "a derivative is taken with respect to a tensor or something in brackets"
        return Mistake(message, span, mend=_PARTIAL)
    if kind in ("CARET", "SUPERSCRIPT"):
        mend = "put brackets around what the power is taken of"
        return Mistake("a power cannot be taken of this", span, mend=mend)
    message, mend = _MISPLACED.get(kind, (f"`{token}` cannot stand here", _FACTOR))
    return Mistake(message, span, mend=mend)


def _compared(token: Token, span: Span, expected: set[str]) -> Mistake:
    """A relation outside a comparison."""
    if "SLOT" in expected:
        mend = "write a space before the bracket: `1_i [x_i > 0]`, `x_k [k <= q]`"
        return Mistake("a comparison is a factor of its own, and no index", span, mend=mend)
    if token == "=":
        return Mistake(_EQUALS_SIGN, span, mend=_ONE_EXPRESSION)
    return Mistake("a comparison stands in square brackets", span, mend="as in `[x_i > 0]`")


def _in_subscript(token: Token, span: Span, expected: set[str]) -> Mistake:
    if "SLOT" not in expected:
        return Mistake(
            f"`{token}` is not the name of what is held fixed", span, mend="as in `∂c/∂x_n|_{s,u}`"
        )
    if token.type in ("SIGN", "TIMES", "SLASH", "CARET", "SUPERSCRIPT"):
        return Mistake(
            f"`{token}` cannot stand here in index arithmetic",
            span,
            mend="it knows sums, multiples, `n//D` and `n%D`, as in `x_{b,2i+k-1}`",
        )
    return Mistake(
        f"`{token}` cannot stand in a subscript",
        span,
        mend="separate index letters by commas, as in `x_{i,j}`",
    )
