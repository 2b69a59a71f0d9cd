"""Names of sizes in formulas of cost: the author's, else letters after the indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count

from sympy import Expr, Symbol

from derive.codegen.program import Program
from derive.errors import DeriveError
from derive.expressions import Size
from derive.notation.source import did_you_mean

__all__ = ["SizeNames"]

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class SizeNames:
    """A name for each size of a program, and the index letters that run up to it.

    A size without a name is called after the first letter of an index over it, in upper case.

    Attributes
    ----------
    letters : the index letters of each size, by its name.
    axes : for each size an axis that is as long, counted from 1, of an input if there is one.
    """

    def __init__(self, program: Program) -> None:
        graph = program.graph
        self.letters: dict[str, tuple[str, ...]] = {}
        self.axes: dict[str, tuple[str, int]] = {}
        self._names: dict[Expr, Symbol] = {}
        found: dict[Size, list[str]] = {}
        axes: dict[Size, tuple[str, int]] = {}
        for name in graph.names:
            for axis in range(graph.arity[name]):
                size = graph.axis_size(name, axis)
                if isinstance(size, Size):
                    found.setdefault(size, []).extend(graph.letters.get((name, axis), ()))
                    known = axes.setdefault(size, (name, axis + 1))
                    if known[0] in graph and name not in graph:
                        axes[size] = (name, axis + 1)
        for size in program.sizes:
            found.setdefault(size, [])
        taken = {size.name for size in found if size.is_named}
        for size, used in found.items():
            letters = tuple(dict.fromkeys(used))
            name = size.name if size.is_named else _free(letters, taken)
            taken.add(name)
            self.letters[name] = letters
            if size in axes:
                self.axes[name] = axes[size]
            self._names[size] = Symbol(name, integer=True, positive=True)

    def named(self, formula: Expr) -> Expr:
        """A formula with the symbols of the names in place of sizes."""
        return formula.xreplace(self._names)

    def at(self, formula: Expr, numbers: Mapping[str, int]) -> Expr:
        """A formula of named sizes with a number for each."""
        return formula.subs({symbol: numbers[symbol.name] for symbol in self._names.values()})

    def text(self, formula: Expr) -> str:
        """A formula of named sizes as the notation has it, the largest powers first."""
        above, below = formula.as_numer_denom()
        if not below.free_symbols:
            return self._polynomial(formula)
        parts = [(self._polynomial(side), side.expand()) for side in (above, below)]
        return "/".join(f"({text})" if side.is_Add or side.is_Mul else text for text, side in parts)

    def _polynomial(self, formula: Expr) -> str:
        symbols = list(dict.fromkeys(self._names.values()))
        if not formula.free_symbols:
            return str(formula)
        terms = formula.as_poly(*symbols).terms()
        ordered = sorted(terms, key=lambda term: (-sum(term[0]), *(-n for n in term[0])))
        return " + ".join(_term(coefficient, powers, symbols) for powers, coefficient in ordered)

    def numbers(self, given: Mapping[str, int]) -> dict[str, int]:
        """Numbers by the names of sizes, where index letters may stand for those.

        Raises
        ------
        DeriveError : a name is unknown, or two numbers are given for one size.
        """
        found: dict[str, int] = {}
        for key, number in given.items():
            name = self._meant(key)
            if found.setdefault(name, number) != number:
                raise DeriveError(
                    f"{name} is said to be {found[name]} and {number}", mend="give it one number"
                )
        return found

    def _meant(self, key: str) -> str:
        if key in self.letters:
            return key
        holding = [name for name, letters in self.letters.items() if key in letters]
        if len(holding) == 1:
            return holding[0]
        known = [*self.letters, *(c for letters in self.letters.values() for c in letters)]
        listed = f"the sizes are {', '.join(self.letters)}" if self.letters else "there is none"
        if holding:
            raise DeriveError(f"{key} runs over several sizes", mend=f"name one: {listed}")
        near = did_you_mean(key, known)
        raise DeriveError(f"there is no size {key}", mend=f"{near} {listed}".strip())


def _free(letters: Iterable[str], taken: set[str]) -> str:
    """A letter for a size that nobody named."""
    wanted = [letter.upper() for letter in letters if letter.isalpha()] or ["N"]
    numbered = (f"{wanted[0]}{number}" for number in count(2))
    return next(name for name in chain(wanted, numbered) if name not in taken)


def _term(coefficient: Expr, powers: Sequence[int], symbols: Sequence[Symbol]) -> str:
    factors = [
        symbol.name + (str(power).translate(_SUPERSCRIPTS) if power > 1 else "")
        for symbol, power in zip(symbols, powers, strict=True)
        if power
    ]
    number = [] if coefficient == 1 and factors else [str(coefficient)]
    return " ".join(number + factors)
