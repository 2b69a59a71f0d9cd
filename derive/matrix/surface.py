"""How matrix notation is spelled: as text, in ASCII, in LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from derive.notation.latex import latex
from derive.notation.layout import Node
from derive.notation.text import ASCII as PLAIN_TEXT
from derive.notation.text import UNICODE as TEXT

__all__ = ["ASCII", "LATEX", "UNICODE", "Surface"]

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN = {sign: sign for sign in ("<", "<=", "=", "!=", ">", ">=")}
_SIGNS = {**_PLAIN, "<=": "≤", "!=": "≠", ">=": "≥"}
_COMMANDS = {**_PLAIN, "<=": r"\le", "!=": r"\ne", ">=": r"\ge"}
_TALL = (r"\frac", r"\sqrt", r"\sum", r"\left")


@dataclass(frozen=True)
class Surface:
    """A spelling of matrix expressions; `leaf` spells layouts of index notation."""

    leaf: Callable[[Node], str]
    ones: str
    transposed: str
    hadamard: str
    over: str
    minus: str
    times: str
    tall_fractions: bool
    brackets: Callable[[str], str]
    fraction: Callable[[str, str], str]
    root: Callable[[str], str]
    named: Callable[[str], str]
    power: Callable[[str, str], str]
    entry_power: Callable[[str, str], str]
    sum_over: Callable[[str], str]
    relations: Mapping[str, str]

    def compare(self, left: str, relation: str, right: str) -> str:
        """The Iverson bracket of a comparison."""
        inner = f"{left} {relation} {right}"
        tall = self.tall_fractions and any(command in inner for command in _TALL)
        return rf"\left[{inner}\right]" if tall else f"[{inner}]"

    def call(self, function: str, argument: str) -> str:
        """A function, already spelled, of an argument."""
        return function + self.brackets(argument)


def _superscript(base: str, exponent: str) -> str:
    if exponent.lstrip("−").isdigit():
        return base + exponent.replace("−", "-").translate(_SUPERSCRIPTS)
    return _caret(base, exponent)


def _caret(base: str, exponent: str) -> str:
    bare = exponent.isalnum() or (exponent[:1] == "-" and exponent[1:].isalnum())
    return f"{base}^{exponent}" if bare else f"{base}^({exponent})"


def _entry_caret(sign: str) -> Callable[[str, str], str]:
    def power(base: str, exponent: str) -> str:
        return f"{base}^{sign}{exponent}" if exponent.isalnum() else f"{base}^{sign}({exponent})"

    return power


def _latex_brackets(text: str) -> str:
    return rf"\left({text}\right)" if any(tall in text for tall in _TALL) else f"({text})"


def _text(ascii: bool) -> Surface:  # noqa: A002
    return Surface(
        leaf=PLAIN_TEXT if ascii else TEXT,
        ones="1",
        transposed="^T" if ascii else "ᵀ",
        hadamard=".*" if ascii else "∘",
        over="./" if ascii else "⊘",
        minus="-" if ascii else "−",
        times="*" if ascii else "·",
        tall_fractions=False,
        brackets=lambda text: f"({text})",
        fraction=lambda above, below: f"{above}/{below}",
        root=lambda text: f"{'sqrt' if ascii else '√'}({text})",
        named=lambda name: name,
        power=_caret if ascii else _superscript,
        entry_power=_entry_caret("." if ascii else "∘"),
        sum_over=lambda letters: f"{'sum' if ascii else 'Σ'}_{letters} ",
        relations=_PLAIN if ascii else _SIGNS,
    )


UNICODE = _text(ascii=False)
ASCII = _text(ascii=True)
LATEX = Surface(
    leaf=latex,
    ones=r"\mathbf{1}",
    transposed=r"^{\top}",
    hadamard=r"\odot",
    over=r"\oslash",
    minus="-",
    times=r"\cdot",
    tall_fractions=True,
    brackets=_latex_brackets,
    fraction=lambda above, below: rf"\frac{{{above}}}{{{below}}}",
    root=lambda text: rf"\sqrt{{{text}}}",
    named=lambda name: rf"\operatorname{{{name}}}",
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    entry_power=lambda base, exponent: (
        rf"{base}^{{\circ {exponent}}}"
        if " " not in exponent
        else rf"{base}^{{\circ ({exponent})}}"
    ),
    sum_over=lambda letters: rf"\sum_{{{letters}}} ",
    relations=_COMMANDS,
)
