"""A first walk over the formulas of a document: which letters are indices, of which names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from derive.check.refusal import NotUnderstood
from derive.check.web.census import Census, argument, count
from derive.check.web.lexer import Token, runs, scan
from derive.check.web.names import Names
from derive.check.web.scripts import collect, named
from derive.check.web.state import RELATIONS

__all__ = ["block_names", "survey"]

_EINSTEIN = re.compile(r"summation convention|einstein|repeated ind|tensor calculus", re.I)
_BRACKETS = ("(", "[", "\\{")
_WIDE = re.compile(r"\\q?quad(?![A-Za-z])")


def survey(formulas: Iterable[str], prose: str = "") -> Names:
    """The names in formulas, displayed or in the line; `prose` is the text around them."""
    texts = list(formulas)
    words = _words(texts)
    rows = [row for tex in texts for row in _rows(tex, words)]
    census = Census()
    for row in rows:
        count(row, census)
    names = replace(_names(census, prose), words=words)
    orders: dict[str, int] = {}
    for row in rows:
        _measure(row, names, orders)
    return replace(names, orders=orders)


def block_names(names: Names, tex: str) -> Names:
    """The names as one block uses them: what has no index in all of it is a scalar there."""
    rows = _rows(tex, names.words)
    seen: dict[str, int] = {}
    plain = replace(names, scalars=frozenset())
    for row in rows:
        _measure(row, plain, seen)
    census = Census()
    for row in rows:
        count(row, census)
    scalars = {
        name
        for name, order in seen.items()
        if order == 0 and names.orders.get(name) and name in census.ordinary | census.applied
    }
    scalars -= _arguments_alone(rows)
    return replace(names, scalars=frozenset(scalars))


def _arguments_alone(rows: Iterable[Sequence[Token]]) -> set[str]:
    """Names that only stand in brackets on the left, as θ in `J(θ) = …`, and may be vectors."""
    inside: set[str] = set()
    outside: set[str] = set()
    for row in rows:
        first = next((n for n, t in enumerate(row) if t.opens(*RELATIONS)), 0)
        for n, token in enumerate(row):
            before, after = row[max(n - 1, 0)], row[min(n + 1, len(row) - 1)]
            if token.kind in ("letter", "word") and not before.opens("_"):
                argument = before.opens("(", ",") and after.opens(")", ",") and n < first
                (inside if argument else outside).add(token.text)
    return inside - outside


def _words(texts: Iterable[str]) -> frozenset[str]:
    """Runs of letters that are names: they stand there again and again, with subscripts."""
    counts: Counter[str] = Counter()
    lettered: set[str] = set()
    for tex in texts:
        for row in _rows(tex):
            for start, end in runs(row):
                word = "".join(token.text for token in row[start:end])
                counts[word] += 1
                if end < len(row) and row[end].opens("_"):
                    lettered.add(word)
    return frozenset(word for word in lettered if counts[word] > 1)


def _rows(tex: str, words: frozenset[str] = frozenset()) -> list[tuple[Token, ...]]:
    """The rows of a formula, as far as they have tokens."""
    try:
        # A wide space parts equations as a comma does.
        tokens = scan(_WIDE.sub(lambda space: ",".ljust(len(space[0])), tex), words)
    except NotUnderstood:
        return []
    rows: list[list[Token]] = [[]]
    for token in tokens:
        if token.opens("\\"):
            rows.append([])
        else:
            rows[-1].append(token)
    return [tuple(row) for row in rows if row]


def _names(census: Census, prose: str) -> Names:
    """What the census says about letters."""
    einstein = census.ones or (bool(_EINSTEIN.search(prose)) and not census.signs)
    used = {c for c in census.below if c.islower()}
    marks = {c for c in used if _distinguishes(c, census)}
    used -= marks
    lettered = {base for c in used for base in census.below[c]}
    indices = census.bound | used | {c for c in census.compared if c in census.bound | used}
    indices |= {c for c in census.above if c in census.bound | used}
    labels: set[str] = set()
    if not einstein:
        fixed = {c for c in used | census.compared if c.isalpha() and c.islower()}
        labels = fixed - census.bound - census.left - census.lower - lettered
    return Names(
        explicit=not einstein,
        bound=frozenset(census.bound),
        indices=frozenset(indices - labels),
        marks=frozenset(marks),
        labels=frozenset(labels),
        bases=frozenset(census.bases),
        lettered=frozenset(lettered),
        squares=frozenset(census.squares),
        tagged=frozenset(census.tagged()),
        families=frozenset(census.families()),
        applied=frozenset(census.applied | census.guessed()),
        totals=frozenset(census.totals),
        tensors=frozenset(census.defined & {"e", "π", "Σ", "Π"})
        | ({"δ"} if "δ" in census.defined and not census.deltas else frozenset()),
        first=0 if census.zero else 1,
    )


def _distinguishes(letter: str, census: Census) -> bool:
    """Whether a letter below names tells them apart, as in `h_\\theta`, and is no index."""
    others = (census.below[c] for c in census.below if c != letter)
    shared = census.below[letter].intersection(set().union(*others))
    if census.ones or letter in census.bound | census.compared:
        return False
    lettered = set().union(*census.below.values())
    if letter in census.parameters:
        return letter in census.bases
    if letter in census.left:
        return False
    return letter in lettered or (letter not in census.lower and not shared)


def _measure(tokens: Sequence[Token], names: Names, orders: dict[str, int]) -> None:
    """The number of indices that each name has in a row, the most that it has anywhere."""
    for position, token in enumerate(tokens):
        if token.kind not in ("letter", "word") or (position and tokens[position - 1].opens("_")):
            continue
        try:
            name, slots, _ = named(token.text, collect(tokens, position + 1, names), names)
        except NotUnderstood:
            continue
        count = len(slots)
        behind = __behind_argument(tokens, position, names)
        orders[name] = max(orders.get(name, 0), count, behind)


def __behind_argument(tokens: Sequence[Token], position: int, names: Names) -> int:
    """The number of indices behind the argument of a function, as in `S(a)_j`."""
    end = collect(tokens, position + 1, names).end
    if (
        end >= len(tokens)
        or not tokens[end].opens("(")
        or tokens[position].text not in names.applied
    ):
        return 0
    depth = 0
    for after in range(end, len(tokens)):
        depth += tokens[after].opens("(") - tokens[after].opens(")")
        if depth == 0:
            if after + 1 < len(tokens) and tokens[after + 1].opens("_"):
                start, stop, _ = argument(tokens, after + 2)
                return sum(t.kind in ("letter", "number") for t in tokens[start:stop])
            break
    return 0
