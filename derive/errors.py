"""Every error that a user's input can cause.

DeriveError                 bad input; exit code 2
|-- NotationError           the text breaks a rule of the notation; knows the place
|-- DefinitionError         the equations do not fit together
|-- GoalError               what is asked for cannot be derived
|-- ProblemFileError        a derivation file is missing, unreadable or malformed
|-- CertificateError        a certificate is missing, unreadable or malformed
|-- UncertifiedError        a derivation of which there can be no certificate; exit code 1
`-- DerivationError         no rule applies, or a bound on the work is reached
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CertificateError",
    "DefinitionError",
    "DerivationError",
    "DeriveError",
    "GoalError",
    "NotationError",
    "Place",
    "ProblemFileError",
    "Subject",
    "UncertifiedError",
]


# How many characters of a line are shown to either side of a place.
WINDOW = 72


@dataclass(frozen=True)
class Place:
    """A stretch of source text: `text[start:end]`, where `name` says which text it is."""

    text: str
    start: int
    end: int
    name: str = ""

    def lines(self) -> list[str]:
        """The source line that holds the place and a line of carets under it."""
        start = min(max(self.start, 0), len(self.text))
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", start)
        last = len(self.text) if last < 0 else last
        width = max(1, min(self.end, last) - start)
        # Of a long line, what stands around the place.
        left = max(first, start - WINDOW)
        right = min(last, start + WINDOW)
        before, after = "…" * (left > first), "…" * (right < last)
        shown = before + self.text[left:right].expandtabs(1) + after
        carets = "^" * min(width, max(1, right - start))
        return [shown, " " * (len(before) + start - left) + carets]


@dataclass(frozen=True)
class Subject:
    """A tensor or index in the equations, described by all that is known of it.

    `name` of the tensor, or of the index itself; number of the `equation`, from 0; `order`, its
    number of indices; an index `letter` that it carries.
    """

    name: str
    equation: int | None = None
    order: int | None = None
    letter: str | None = None


class DeriveError(Exception):
    """Bad input, told in one message: what was found, where, which rule, how to mend it.

    Attributes
    ----------
    message : what is wrong, in one sentence.
    mend : what would be right, or an empty string.
    places : the stretches of source text concerned, most important first.
    subjects : the tensors or indices concerned, where the error is found without the text; who
        knows the text makes places of them.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        mend: str = "",
        places: tuple[Place, ...] = (),
        subjects: tuple[Subject, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
        self.places = places
        self.subjects = subjects

    def at(self, *places: Place) -> DeriveError:
        """The same error with its places, for the boundary that knows the source text."""
        if not self.places:
            self.places = places
        return self

    def __str__(self) -> str:
        lines = [self.message]
        for place in self.places:
            lines += [f"  in {place.name}:"] if place.name else []
            lines += ["    " + line for line in place.lines()]
        lines += [f"  {self.mend}"] if self.mend else []
        return "\n".join(lines)


class NotationError(DeriveError):
    """The text breaks a rule of the notation."""


class DefinitionError(DeriveError):
    """The equations do not fit together."""


class GoalError(DeriveError):
    """What is asked for cannot be derived from the equations."""


class ProblemFileError(DeriveError):
    """A derivation file is missing, unreadable or malformed."""


class CertificateError(DeriveError):
    """A certificate is missing, unreadable or malformed."""


class UncertifiedError(DeriveError):
    """A derivation does not hold, so that there is no certificate of it."""

    exit_code = 1


class DerivationError(DeriveError):
    """No rule applies, or a bound on the work is reached."""
