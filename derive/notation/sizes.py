"""The sizes of index letters: declared, or told by the limits of sums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sympy import Expr, Integer

from derive.errors import NotationError
from derive.expressions import Shape, Size
from derive.notation.census import Use
from derive.notation.parse import words
from derive.notation.source import Source, did_you_mean, normalise
from derive.notation.subscripts import spelled

__all__ = ["declared_sizes", "named_sizes", "with_limits", "within"]

LARGEST_SIZE = 10**9


def named_sizes(declared: Mapping[str, str | int], multi: Collection[str] = ()) -> dict[str, Expr]:
    """Declared sizes as expressions."""
    return {
        letter: Integer(size)
        if isinstance(size, int)
        else Shape(size)
        if letter in multi
        else Size(size)
        for letter, size in declared.items()
    }


def with_limits(
    sources: Sequence[Source], sizes: Mapping[str, str | int]
) -> Mapping[str, str | int]:
    """The declared sizes of index letters, with those that the limits of sums tell."""
    found = {spelled(normalise(str(letter))): size for letter, size in sizes.items()}
    for source in sources:
        for letter, size in source.sizes.items():
            if found.setdefault(letter, size) != size:
                raise NotationError(
                    f"the index {letter} runs up to {size} here, and its size is {found[letter]}",
                    mend="an index has one size everywhere; write another letter for one of two",
                    places=(source.place((0, len(source.text))),),
                )
    return found


def declared_sizes(
    sizes: Mapping[str, str | int], uses: Sequence[Use], multi: Collection[str], name: str
) -> dict[str, str | int]:
    """The sizes of index letters, checked; names of sizes in one spelling."""
    letters = {use.name for use in uses if use.role == "index"}
    letters = {letter for letter in letters if letter in multi or not letter[0].isupper()}
    checked: dict[str, str | int] = {}
    for letter, size in sizes.items():
        checked[letter] = _size(letter, size, name)
        if letter in multi and not isinstance(checked[letter], str):
            raise NotationError(
                within(name, f"{letter} is a multi-index, which has no size of its own"),
                mend=f'a name stands for the number of its entries, as in {letter} = "N"',
            )
        if letter not in letters:
            raise NotationError(
                within(name, f"a size is given for the index {letter}, which the equations lack"),
                mend=did_you_mean(letter, letters) or f"indices are {', '.join(sorted(letters))}",
            )
    for use in uses:
        if use.name in checked.values() and use.order and use.role != "index":
            raise NotationError(
                f"{use.name} is the name of a size, so it has no indices",
                mend="give the tensor another name",
                places=(use.place,),
            )
    return checked


def _size(letter: str, size: object, name: str) -> str | int:
    """A size: the number of values of an index, or a name for it."""
    if isinstance(size, int) and not isinstance(size, bool) and 0 < size <= LARGEST_SIZE:
        return size
    if isinstance(size, str) and words(normalise(size)) == {spelled(normalise(size))}:
        return spelled(normalise(size))
    raise NotationError(
        within(name, f"the size of {letter} is {size!r:.40}"),
        mend="a size is a name such as `H`, or a positive whole number",
    )


def within(name: str, message: str) -> str:
    """The message with the name of the text, if that has one."""
    return f"in {name}, {message}" if name else message
