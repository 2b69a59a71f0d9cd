"""Conditions: indicators of every spelling, the one-tensor, and cases."""

from __future__ import annotations

import re

from derive.check.web.lexer import Token, scan
from derive.check.web.scripts import slots_in
from derive.check.web.state import RELATIONS, Reader
from derive.check.web.tree import Compare, Delta, Node, Number, Ones, Product, Slot, Sum, negated

__all__ = ["cases", "condition", "condition_of", "holds_relation", "ones"]

_BRACKETS = ("(", "[", "\\{")
_CASES = {"cases", "dcases", "array", "rcases"}
_ELSE = re.compile(r"\s*(otherwise|else|other\s*wise|elsewhere|sonst)\W*", re.IGNORECASE)
_WORDS = re.compile(r"\b(if|for|when|where|case|and)\b|[,.;:]|\$", re.IGNORECASE)


def holds_relation(reader: Reader) -> bool:
    """Whether a relation stands in the bracket that opens here."""
    before = reader.position
    start, end = reader.bracketed("()")
    reader.position = before
    depth = 0
    for token in reader.tokens[start:end]:
        depth += token.opens("{", *_BRACKETS) - token.opens("}", ")", "]", "\\}")
        if depth == 0 and token.opens(*RELATIONS):
            return True
    return False


def condition(reader: Reader) -> Node:
    """`[i = j]`, `\\{y = k\\}`, `(x > 0)`: 1 where it holds."""
    return condition_of(reader, reader.bracketed("()"))


def condition_of(reader: Reader, span: tuple[int, int]) -> Node:
    """The condition between two positions."""
    start, end = span
    cuts = [n for n in range(start, end) if reader.tokens[n].opens(*RELATIONS)]
    if not cuts:
        raise reader.refused("a condition without a relation", reader.tokens[start - 1])
    spans = list(zip([start, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True))
    relations = tuple(RELATIONS[reader.tokens[cut].text] for cut in cuts)
    place = (reader.tokens[start].span[0], reader.tokens[end - 1].span[1])
    if any(_is_index(reader, *part) for part in spans):
        return _of_indices(reader, place, spans, relations)
    return Compare(place, tuple(reader.read_sum(part) for part in spans), relations)


def _is_index(reader: Reader, start: int, end: int) -> bool:
    tokens, names = reader.tokens[start:end], reader.names
    letters = [token for token in tokens if token.kind == "letter"]
    known = names.indices | names.labels
    return (
        bool(letters)
        and letters[0].text in known
        and letters[0].text not in names.lettered
        and all(t.kind in ("letter", "number") or t.opens("+", "-", "'") for t in tokens)
    )


def _of_indices(
    reader: Reader,
    place: tuple[int, int],
    spans: list[tuple[int, int]],
    relations: tuple[str, ...],
) -> Node:
    """A comparison of index letters, labels and positions; an equality is a delta."""
    sides: list[Slot] = []
    for start, end in spans:
        found = slots_in(reader.tokens[start:end], "", reader.names)
        if len(found) != 1:
            raise reader.refused("a condition that is not understood", reader.tokens[start])
        sides.append(found[0])
    if relations in (("=",), ("!=",)) and not any(_is_computed(side) for side in sides):
        delta = Delta(place, tuple(sides))
        return delta if relations == ("=",) else negated(delta)
    return Compare(place, tuple(sides), relations)


def _is_computed(slot: Slot) -> bool:
    return any(part in ("+", "-", "*") for part in slot.parts)


def ones(reader: Reader, number: Token | None = None) -> Node:
    """The one-tensor, or an indicator whose condition stands below or behind it."""
    token = number or reader.next()
    if reader.takes("_"):
        start, end = reader.argument()
        if any(inner.opens(*RELATIONS) for inner in reader.tokens[start:end]):
            inside = reader.tokens[start].opens(*_BRACKETS)
            return condition_of(reader, (start + 1, end - 1) if inside else (start, end))
        slots = slots_in(reader.tokens[start:end], "1", reader.names)
        return Ones((token.span[0], reader.tokens[reader.position - 1].span[1]), tuple(slots))
    following = reader.peek()
    if following is not None and following.opens(*_BRACKETS) and holds_relation(reader):
        return condition(reader)
    raise reader.refused("a vector or matrix of ones", token, "not index notation")


def cases(reader: Reader) -> Node:
    """`\\begin{cases}`: each value times its condition."""
    token = reader.next()
    start, end = reader.argument()
    name = "".join(inner.text for inner in reader.tokens[start:end])
    if name not in _CASES:
        raise reader.refused("a matrix that is written out", token, "not index notation")
    if name == "array":
        reader.argument()
    first, last = reader.position, _end_of(reader)
    terms: list[Node] = []
    conditions: list[Node] = []
    for row in _split(reader, first, last, "\\"):
        if row[0] == row[1]:
            continue
        value, *rest = _split(reader, *row, "&")
        test = _test(reader, rest, token)
        if test is None:
            test = _none_of(conditions, token)
        conditions.append(test)
        term = reader.read_sum(_trimmed(reader, value))
        terms.append(Product(term.span, (test, term), (False, False)))
    if not terms:
        raise reader.refused("cases without a case", token)
    reader.takes("right.")
    return Sum(token.span, tuple(terms), (False,) * len(terms))


def _trimmed(reader: Reader, span: tuple[int, int]) -> tuple[int, int]:
    start, end = span
    while end > start and (reader.tokens[end - 1].opens(",", ";", ".")):
        end -= 1
    return start, end


def _none_of(conditions: list[Node], token: Token) -> Node:
    if not conditions:
        return Number(token.span, "1")
    factors = tuple(negated(found) for found in conditions)
    return (
        factors[0] if len(factors) == 1 else Product(token.span, factors, (False,) * len(factors))
    )


def _end_of(reader: Reader) -> int:
    """The position of the `\\end` of the environment, which is left behind."""
    depth, position = 1, reader.position
    while position < reader.end:
        depth += reader.tokens[position].opens("begin") - reader.tokens[position].opens("end")
        if depth == 0:
            reader.position = position + 1
            reader.argument()
            return position
        position += 1
    raise reader.refused("an environment is never ended")


def _split(reader: Reader, start: int, end: int, sign: str) -> list[tuple[int, int]]:
    """The stretches between signs outside of braces and inner environments."""
    cuts, depth = [], 0
    for position in range(start, end):
        token = reader.tokens[position]
        depth += token.opens("{", "begin") - token.opens("}", "end")
        if depth == 0 and token.opens(sign):
            cuts.append(position)
    return list(zip([start, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True))


def _test(reader: Reader, parts: list[tuple[int, int]], token: Token) -> Node | None:
    """The condition of a case; None is any other case."""
    inside = [t for part in parts for t in reader.tokens[slice(*part)]]
    words = [t for t in inside if t.kind in ("text", "word")]
    plain = tuple(t for t in inside if t not in words and not t.opens(",", ".", ";", ":"))
    said = " ".join(t.text for t in words)
    if not plain and (_ELSE.fullmatch(said) or not said):
        return None
    if not plain:
        plain = scan(_WORDS.sub(" ", said))
    if any(t.opens("Rightarrow", "land", "vee", "wedge") for t in plain) or not plain:
        raise reader.refused("a case whose condition is not understood", token)
    other = type(reader)(plain, reader.names, reader.found)
    return condition_of(other, (0, len(plain)))
