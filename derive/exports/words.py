"""Prose, such as titles and rule names, inside LaTeX and Markdown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from derive.errors import NotationError
from derive.notation.names import GREEK, latex_name

__all__ = [
    "comment",
    "latex_words",
    "markdown_words",
    "ranks_in_words",
    "word_width",
]

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: "\\" + char for char in "{}$&#%_"},
}
_SYMBOLS = {
    "∂": r"$\partial$",
    "−": "$-$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "√": r"$\sqrt{}$",
    "ℓ": r"$\ell$",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": "...",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    **{char: f"$^{{{plain}}}$" for char, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)},
}
_LATIN_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u ",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r ",
    "\u030b": "H ",
    "\u030c": "v ",
    "\u0327": "c ",
    "\u0328": "k ",
}
_LETTERS = {"ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ł": r"\l{}"}
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#$|])")


def latex_words(words: str, names: Collection[str] = ()) -> str:
    """Prose as LaTeX in text mode, whatever engine and fonts are used.

    Words that are among the `names` are set as mathematics.

    Raises
    ------
    NotationError : a character has no LaTeX.
    """
    parts = re.split(r"([\w\u0300-\u036f]+(?:⁻¹)?)", " ".join(words.split()))
    return "".join(f"${latex_name(part)}$" if part in names else _prose(part) for part in parts)


def _prose(words: str) -> str:
    out: list[str] = []
    for char in unicodedata.normalize("NFD", words):
        if char in _LATIN_ACCENTS and out:
            out[-1] = rf"\{_LATIN_ACCENTS[char]}{{{out[-1]}}}"
        elif char in GREEK:
            out.append(f"${latex_name(char)}$")
        elif char.isascii() or char in _SYMBOLS or char in _LETTERS:
            out.append(_ESCAPES.get(char) or _SYMBOLS.get(char) or _LETTERS.get(char) or char)
        else:
            raise NotationError(
                f"no LaTeX for the character {char!r} in {words!r}", mend="write it in words"
            )
    return "".join(out)


def ranks_in_words(ranks: Sequence[Mapping[str, int]]) -> str:
    """The sentence that says for how many axes the multi-indices stood in each sample."""
    if not ranks:
        return ""
    samples = "; ".join(", ".join(map(str, sample.values())) for sample in ranks)
    return f"Number of axes of {', '.join(ranks[0])} in the samples: {samples}."


def markdown_words(words: str) -> str:
    """Prose as Markdown that is shown as it stands."""
    return _MARKDOWN.sub(r"\\\1", " ".join(words.split()))


def word_width(words: str) -> float:
    """The width of small prose in em of the font around it, roughly."""
    return 0.43 * len(words)


def comment(words: str) -> str:
    """A LaTeX comment line, or nothing."""
    return f"% {' '.join(words.split())}\n" if words else ""
