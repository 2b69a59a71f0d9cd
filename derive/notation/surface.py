"""The two surfaces of the notation: which one a text is in, and the equations in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from derive.notation.source import Source

__all__ = ["Piece", "as_text", "is_latex", "source", "split"]

_PIECE = re.compile(r"[^;\n]+")


@dataclass(frozen=True)
class Piece:
    """An equation in a longer text."""

    text: str
    latex: bool = False

    def source(self, name: str = "") -> Source:
        """The equation as source text that is called `name` in error messages.

        Raises
        ------
        NotationError : it is LaTeX with something that the notation lacks.
        """
        if not self.latex:
            return Source(self.text, name)
        with Source(self.text, name).reading():
            transcript = _latex().transcribe(self.text)
        return Source(transcript.text, name, transcript)


def is_latex(text: str) -> bool:
    r"""Whether a text is LaTeX: it has a backslash or a dollar sign.

    What has neither, such as `s_{i} = e^{x_{i}}`, is the same on both surfaces, but for names of
    several letters: `xy` is one name in text, and a product in LaTeX.
    """
    return "\\" in text or "$" in text


def split(text: str, name: str = "") -> list[Piece]:
    """The equations in a text: lines, pieces between semicolons, rows of a display."""
    if is_latex(text):
        with Source(text, name).reading():
            return [Piece(text[slice(*span)], latex=True) for span in _latex().equations(text)]
    lines = [line.partition("#")[0] for line in text.splitlines()]
    pieces = [match.group().strip() for line in lines for match in _PIECE.finditer(line)]
    return [Piece(piece) for piece in pieces if piece]


def source(text: str, name: str = "") -> Source:
    """A single formula as source text."""
    return Piece(text, is_latex(text)).source(name)


def as_text(formula: str) -> str:
    """A formula in the plain-text surface, whichever it is written in."""
    return source(formula).text.strip() if is_latex(formula) else formula


def _latex() -> ModuleType:
    """The reader of LaTeX, which is loaded where there is some: text alone has no use for it."""
    return import_module("derive.notation.tex")
