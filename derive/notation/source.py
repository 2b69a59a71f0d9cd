"""Source text, and mistakes in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches

from derive.errors import DeriveError, NotationError, Place

__all__ = ["Mistake", "Source", "Span", "Transcript", "did_you_mean", "normalise"]

Span = tuple[int, int]

# Variants that look the same on paper, one form each; Greek letters that look Latin are Latin.
_VARIANTS = str.maketrans("µϕϵϑϱϰ∆′’ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "μφεθρκΔ''ABEZHIKMNOPTXo") | {
    ord("″"): "''",
    ord("‴"): "'''",
}


class Mistake(Exception):  # noqa: N818 - it never leaves the reader
    """A broken rule of the notation, raised where it is found and placed at the boundary."""

    def __init__(self, message: str, *spans: Span, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.spans = spans
        self.mend = mend


class Transcript:
    """Text that was rewritten from another surface, and what was written.

    Parameters
    ----------
    written : what was written.
    fragments : the pieces of the text, each with the place that it stands for.
    sizes : the sizes that sums with limits give to index letters.
    """

    def __init__(
        self,
        written: str,
        fragments: Sequence[tuple[str, Span]],
        sizes: Mapping[str, str | int] | None = None,
    ) -> None:
        self.written = written
        self.text = "".join(text for text, _ in fragments)
        self.sizes = dict(sizes or {})
        self._places = [span for text, span in fragments for _ in text]

    def place(self, span: Span) -> Span:
        """The place in what was written that a stretch of the text stands for."""
        start, end = max(0, span[0]), max(span[1], span[0] + 1)
        while end - start > 1 and self.text[start : start + 1] == " ":
            start += 1
        inside = self._places[start:end] or self._places[-1:] or [(0, len(self.written))]
        return min(first for first, _ in inside), max(last for _, last in inside)


@dataclass(frozen=True)
class Source:
    """A piece of text, and what it is called in error messages.

    What was written as LaTeX has a `transcript`: all reading is of the text, all places that a
    user sees are in the LaTeX.
    """

    text: str
    name: str = ""
    transcript: Transcript | None = field(default=None, compare=False, repr=False)

    @property
    def sizes(self) -> Mapping[str, str | int]:
        """The sizes that sums with limits give to index letters."""
        return self.transcript.sizes if self.transcript is not None else {}

    def place(self, span: Span) -> Place:
        """A stretch of the text for an error message."""
        if self.transcript is not None:
            return Place(self.transcript.written, *self.transcript.place(span), self.name)
        return Place(self.text, *span, self.name)

    def quote(self, span: Span) -> str:
        """A stretch of the text as it was written."""
        place = self.place(span)
        return place.text[place.start : place.end]

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
