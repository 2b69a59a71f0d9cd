"""Names on every surface: Greek letters, accents, names of several letters."""

from __future__ import annotations

import re
import unicodedata

from derive.errors import NotationError

__all__ = ["ACCENTS", "GREEK", "INVERSE", "ascii_name", "latex_name"]

_LETTERS = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho
    sigma tau upsilon phi chi psi omega
"""

GREEK = {
    unicodedata.lookup(f"GREEK {case} LETTER {'LAMDA' if name == 'lambda' else name.upper()}"): (
        name if case == "SMALL" else name.capitalize()
    )
    for case in ("SMALL", "CAPITAL")
    for name in _LETTERS.split()
}
"""Greek letters and their names in ASCII, capitals with a capital."""

ACCENTS = {
    "\u0300": "grave",
    "\u0301": "acute",
    "\u0302": "hat",
    "\u0303": "tilde",
    "\u0304": "bar",
    "\u0305": "bar",
    "\u0306": "breve",
    "\u0307": "dot",
    "\u0308": "ddot",
    "\u030a": "mathring",
    "\u030c": "check",
}
"""Combining accents and their names, which are LaTeX commands for maths mode."""

INVERSE = "⁻¹"
"""What ends the name of the inverse of a matrix."""

# Capitals that look like Latin ones have no command of their own.
_LATIN = {"Alpha": "A", "Beta": "B", "Epsilon": "E", "Zeta": "Z", "Eta": "H", "Iota": "I"}
_LATIN |= {"Kappa": "K", "Mu": "M", "Nu": "N", "Omicron": "O", "Rho": "P", "Tau": "T", "Chi": "X"}
_COMMANDS = {"omicron": "o"}


def ascii_name(name: str) -> str:
    """The name in ASCII: `sigma` for σ, `xhat` for x̂, `inv(A)` for A⁻¹."""
    if name.endswith(INVERSE):
        return f"inv({ascii_name(name.removesuffix(INVERSE))})"
    letters = unicodedata.normalize("NFD", name)
    return "".join(GREEK.get(c) or ACCENTS.get(c) or ("l" if c == "ℓ" else c) for c in letters)


def latex_name(name: str) -> str:
    """The name as LaTeX for maths mode.

    Raises
    ------
    NotationError : a letter or an accent has no LaTeX command.
    """
    if name.endswith(INVERSE):
        return latex_name(name.removesuffix(INVERSE)) + "^{-1}"
    word = name.rstrip("'")
    letters = re.findall(r"\w[^\w]*", unicodedata.normalize("NFD", word))
    if not letters or "".join(letters) != unicodedata.normalize("NFD", word):
        letters = [name]
    if any(not _is_known(c[0]) or not ACCENTS.keys() >= set(c[1:]) for c in letters):
        raise NotationError(f"no LaTeX for the name {name}", mend="give it another name")
    return _word(letters) + "'" * (len(name) - len(word))


def _is_known(letter: str) -> bool:
    return letter in GREEK or letter == "ℓ" or (letter.isascii() and letter.isalnum())


def _letter(letter: str) -> str:
    name = GREEK.get(letter)
    if name is None:
        return r"\ell" if letter == "ℓ" else letter
    return _COMMANDS.get(name) or _LATIN.get(name) or "\\" + name


def _word(letters: list[str]) -> str:
    """One letter, or several: upright, so that they do not look like a product."""
    text = "".join(map(_accented, letters))
    return text if len(letters) == 1 else rf"\mathrm{{{text}}}"


def _accented(letter: str) -> str:
    core = _letter(letter[0])
    for mark in letter[1:]:
        core = rf"\{ACCENTS[mark]}{{{core}}}"
    return core
