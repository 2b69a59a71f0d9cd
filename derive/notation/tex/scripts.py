"""Subscripts and powers behind names and brackets in LaTeX."""

from __future__ import annotations

from derive.notation.source import Mistake
from derive.notation.tex.commands import OPERATORS
from derive.notation.tex.cursor import Argument, Fragment, Fragments, between, trimmed
from derive.notation.tex.reader import Reader
from derive.notation.tex.slots import subscript
from derive.notation.tex.tokens import Token

__all__ = ["index", "is_inverse", "power", "scripts"]

_TRANSPOSED = "a transpose exchanges two indices: `x_{j i}` for `x_{i j}`"
_LABELLED = "a superscript is a power; put a label into the name, as in `\\mathrm{x1}`"


def scripts(reader: Reader, name: Fragment) -> tuple[Fragments, Fragments]:
    """The subscript and the power behind a name, in whichever order they stand.

    `A^{-1}_{i j}` is the inverse of a matrix; the other order looks the same, and is refused.
    """
    below: Fragments = []
    above: Fragments = []
    while mark := reader.cursor.takes("_" if not below else "^", "^" if not above else "_"):
        if mark.text == "^":
            above = power(reader, mark, of=name.text)
            if len(below) > 3 and is_inverse(above):
                mend = "write `A^{-1}_{i j}` for the inverse of a matrix, a fraction for an entry"
                raise Mistake("it is not clear whether this is an inverse", mark.span, mend=mend)
            continue
        if above and name.text == "e":
            mend = "write `e^{x_{i}}`"
            raise Mistake("TeX sets this index at e, not in the power", mark.span, mend=mend)
        below = index(reader, mark)
        if len(below) > 3 and is_inverse(above):
            below, above = [Fragment("⁻¹", above[0].span), *below], []
    if (mark := reader.cursor.peek()) and mark.kind == "other" and mark.text in ("_", "^"):
        what = "second subscript" if mark.text == "_" else "second power"
        mend = "write all indices in one subscript, as in `x_{i j}`"
        raise Mistake(f"this would be a {what}", mark.span, mend=mend)
    return below, above


def is_inverse(power: Fragments) -> bool:
    """Whether a power is -1."""
    return "".join(fragment.text for fragment in power).replace(" ", "") == "^{-1}"


def index(reader: Reader, mark: Token) -> Fragments:
    """`_{…}`, or an index letter alone."""
    argument = reader.cursor.argument(mark, "index")
    _check_braces(reader, argument)
    return subscript(reader, argument)


def _check_braces(reader: Reader, argument: Argument) -> None:
    """Refuse `x_ij`, which TeX reads as `x_i` times `j`."""
    following = reader.cursor.directly(argument.span[1])
    if argument.braced or following is None or argument.tokens[0].kind == "command":
        return
    digits = following.kind == argument.tokens[0].kind == "digit"
    rest = reader.cursor.tokens[reader.cursor.position + 1 :][:1]
    letter = following.kind == "letter" and not (rest and rest[0].text in ("_", "^", "("))
    if digits or letter or following.text == "'":
        both = argument.tokens[0].text + following.text
        raise Mistake(
            "TeX takes one character for the subscript, and another follows directly",
            (argument.span[0], following.end),
            mend=f"write `_{{{both}}}`, or a space between two factors",
        )


def power(reader: Reader, mark: Token, of: str = "") -> Fragments:
    """`^{…}`, which is no transpose and no label."""
    argument = reader.cursor.argument(mark, "power")
    tokens = trimmed(argument.tokens)
    following = reader.cursor.directly(argument.span[1])
    if not argument.braced and (
        tokens[0].text in "+-−" or (following and following.kind == tokens[0].kind == "digit")
    ):
        mend = "write braces around all of it: `^{-1}`, `^{12}`"
        raise Mistake("TeX takes one character for the power", argument.span, mend=mend)
    texts = [token.text for token in tokens]
    if not tokens:
        raise Mistake("the power is empty", argument.span, mend="write `^{2}`")
    if texts in (["T"], ["top"], ["intercal"], ["dagger"], ["H"]):
        power_of = f"; the power is written `^{{{{{texts[0]}}}}}`" if len(texts[0]) == 1 else ""
        mend = _TRANSPOSED + power_of
        raise Mistake("this looks like a transpose", argument.span, mend=mend)
    label = of not in ("", "e") and texts[0] + texts[-1] in ("()", "[]")
    if texts in (["*"], ["ast"], ["star"]) or (label and not any(map(_relates, texts))):
        raise Mistake("this is no power", argument.span, mend=_LABELLED)
    return between(reader.inside(tokens), "^{", "}", argument.span)


def _relates(text: str) -> bool:
    return OPERATORS.get(text, text) in ("<", ">", "=", "<=", ">=", "!=")
