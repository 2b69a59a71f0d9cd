"""Source text, and mistakes in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from derive.errors import DeriveError, NotationError, Place

__all__ = ["Mistake", "Source", "Span", "did_you_mean", "normalise"]

Span = tuple[int, int]

# Variants that look the same on paper, one form each.
_VARIANTS = str.maketrans("µϕϵϑϱϰ∆′’", "μφεθρκΔ''") | {ord("″"): "''", ord("‴"): "'''"}


class Mistake(Exception):  # noqa: N818 - it never leaves the reader
    """A broken rule of the notation, raised where it is found and placed at the boundary."""

    def __init__(self, message: str, *spans: Span, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.spans = spans
        self.mend = mend


@dataclass(frozen=True)
class Source:
    """A piece of text, and what it is called in error messages."""

    text: str
    name: str = ""

    def place(self, span: Span) -> Place:
        """A stretch of the text for an error message."""
        return Place(self.text, *span, self.name)

    @contextmanager
    def reading(self, error: type[DeriveError] = NotationError) -> Iterator[None]:
        """Turn mistakes found in this text into errors that show the place."""
        try:
            yield
        except Mistake as mistake:
            places = tuple(self.place(span) for span in mistake.spans)
            raise error(mistake.message, mend=mistake.mend, places=places) from None
        except RecursionError:
            raise NotationError(
                "the expression is nested too deeply",
                mend="give the inner parts names of their own",
                places=(self.place((0, len(self.text))),),
            ) from None


def normalise(text: str) -> str:
    """The text with one spelling for each letter."""
    return unicodedata.normalize("NFC", text).translate(_VARIANTS)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known word, or an empty string."""
    near = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""
