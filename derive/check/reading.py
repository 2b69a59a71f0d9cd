"""What one side of an equation means: LaTeX as the web writes it, in the notation of `derive`.

Names come first: `survey` walks over all formulas of a document, `block_names` looks at how one
block uses them, and `with_definition` hears `f(x) = …`. With them `read_side` reads a side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from derive.check.refusal import NotUnderstood
from derive.check.web.applied import expanded
from derive.check.web.lexer import Token, scan
from derive.check.web.names import Function, Names
from derive.check.web.parser import Parser
from derive.check.web.scripts import closing, collect, named, slots_in
from derive.check.web.state import Choice, Found
from derive.check.web.survey import block_names, survey
from derive.check.web.tree import Name, Node, Slot, free_letters, walk
from derive.check.web.writer import Written
from derive.notation.source import Span, Transcript

__all__ = [
    "Assumption",
    "Defined",
    "Names",
    "Reading",
    "Remark",
    "block_names",
    "read_side",
    "survey",
    "with_definition",
]

MOST_READINGS = 8

Tokens = tuple[Token, ...]


@dataclass(frozen=True)
class Assumption:
    """How something was read that can be read in several ways.

    Readings of two sides go together if they choose the same for each topic that both have.
    """

    topic: str
    choice: str
    words: str


@dataclass(frozen=True)
class Remark:
    """A slip with one evident meaning, such as `\\delta_{T_{n}}` for `\\delta_{T n}`."""

    message: str
    offset: int


@dataclass(frozen=True)
class Defined:
    """A side that is a name with its indices, so that an equation can define it.

    `letters` are its index letters in their order; `is_plain` says that they are different letters
    and no labels, as on the left-hand side of a definition.
    """

    name: str
    letters: tuple[str, ...]
    is_plain: bool


@dataclass(frozen=True)
class Reading:
    """One meaning of a side.

    Attributes
    ----------
    text : the side in the notation, for `derive.notation.read_expression`.
    letters : its index letters that no sign binds, labels left out. Where sums are explicit all of
        them are free; under the summation convention those that stand twice in a term may be
        dummies.
    labels : the letters that are fixed positions, in the upper case that the text gives them.
    sizes : what the range of a sum tells about its letter.
    defines : the name that it is, if it is nothing else.
    assumed : how it was read where it could be read otherwise.
    remarks : slips, each with the evident meaning.
    """

    text: str
    letters: frozenset[str]
    labels: frozenset[str]
    sizes: Mapping[str, str | int]
    defines: Defined | None
    assumed: tuple[Assumption, ...]
    remarks: tuple[Remark, ...]
    transcript: Transcript = field(repr=False, compare=False)

    def offset(self, span: Span) -> int:
        """The offset in the LaTeX at which a stretch of the text begins."""
        return self.transcript.place(span)[0]


def read_side(tex: str, names: Names, free: frozenset[str] | None = None) -> list[Reading]:
    """The meanings of a side, the likeliest first.

    Parameters
    ----------
    names : what is known of the names, from `survey` and `block_names`.
    free : the letters that are free in its chain, where they are known.

    Raises
    ------
    NotUnderstood : it has none.
    """
    try:
        return _readings(tex, names, free)
    except RecursionError:
        raise NotUnderstood("nested too deeply") from None


def _readings(tex: str, names: Names, free: frozenset[str] | None) -> list[Reading]:
    tokens = scan(tex, names.words)
    while tokens and tokens[-1].opens(",", ".", ";", ":"):
        tokens = tokens[:-1]
    if not tokens:
        raise NotUnderstood("there is nothing here")
    node, found = _parsed(tokens, names, {}, free)
    first = _reading(tex, node, found, names)
    readings = {_meaning(first): first}
    for plan in islice(_plans(found), MOST_READINGS - 1):
        try:
            node, other = _parsed(tokens, names, plan, free)
        except NotUnderstood:
            continue
        reading = _reading(tex, node, other, names)
        readings.setdefault(_meaning(reading), reading)
    if len(readings) == 1:
        return [replace(first, assumed=())]
    return list(readings.values())


def _meaning(reading: Reading) -> tuple[str, frozenset[tuple[str, str | int]]]:
    return reading.text, frozenset(reading.sizes.items())


def _parsed(
    tokens: Tokens, names: Names, plan: dict[str, int], free: frozenset[str] | None
) -> tuple[Node, Found]:
    found = Found(plan, free)
    return Parser(tokens, names, found).side(), found


def _plans(found: Found) -> Iterator[dict[str, int]]:
    """Other ways to take: one choice at a time, then all of them at once."""
    others = [(c.topic, way) for c in found.choices.values() for way in range(1, len(c.options))]
    single: Iterable[dict[str, int]] = ({topic: way} for topic, way in others)
    together = [dict(others)] if len(others) > 1 else []
    return chain(together, single)


def _reading(tex: str, node: Node, found: Found, names: Names) -> Reading:
    letters = frozenset(c for c in free_letters(node) if not c[0].isupper())
    written = Written(node, letters | (found.free or frozenset()))
    sizes = dict(found.sizes)
    sizes |= {new: sizes[old] for new, old in written.renamed.items() if old in sizes}
    transcript = Transcript(tex, written.fragments, sizes)
    return Reading(
        transcript.text,
        letters,
        frozenset(c for c in free_letters(node) if c[0].isupper()),
        sizes,
        _defines(node),
        tuple(_assumption(choice, tex) for choice in found.choices.values()),
        tuple(Remark(*remark) for remark in found.remarks),
        transcript,
    )


def _assumption(choice: Choice, tex: str) -> Assumption:
    """What was chosen; a choice at one place is a matter of this side alone."""
    words = choice.options[choice.taken]
    topic = f"{choice.topic} of {tex}" if " at " in choice.topic else choice.topic
    return Assumption(topic, words, words if choice.taken else "")


def _defines(node: Node) -> Defined | None:
    if not isinstance(node, Name):
        return None
    letters = tuple(slot.letter for slot in node.slots)
    plain = all(letters) and len(set(letters)) == len(letters)
    plain = plain and not any(letter[0].isupper() for letter in letters)
    return Defined(node.name, tuple(filter(None, letters)), plain)


# Functions that a document defines ----------------------------------------------------------------


def with_definition(names: Names, left: str, right: str) -> Names:
    """The names, when `left = right` is heard: `f(x) = …` and `S(a)_j = …` define functions."""
    try:
        head = _head(names, left)
        if head is None or head[0] in names.functions:
            return names
        name, arguments, letters = head
        applied = replace(names, applied=names.applied | {name})
        parser = Parser(scan(right, names.words), applied, Found({}, None))
        body = expanded(parser.side(), names.functions)
    except (NotUnderstood, RecursionError):
        return names
    own = {part.name for part in walk(body) if isinstance(part, Name)}
    if name in own or not own & {argument.name for argument in arguments}:
        return names
    return names.with_function(name, Function(arguments, body, letters))


def _head(names: Names, left: str) -> tuple[str, tuple[Name, ...], tuple[str, ...]] | None:
    """The name, the parameters and the indices of what `f(x)` or `S(a)_j` defines."""
    tokens = scan(left, names.words)
    if not tokens or tokens[0].kind not in ("letter", "word"):
        return None
    scripts = collect(tokens, 1, names)
    if scripts.end >= len(tokens) or not tokens[scripts.end].opens("(") or scripts.primes:
        return None
    name, slots, power = named(tokens[0].text, scripts, names)
    end = closing(tokens, scripts.end, "()")
    if power:
        return None
    found = Found({}, None, vectors=1)
    parameters: list[Name] = []
    for part in _between_commas(tokens[scripts.end + 1 : end]):
        node = Parser(part, names, found).side()
        if not isinstance(node, Name):
            return None
        parameters.append(node)
    behind = tokens[end + 1 :]
    below: list[Slot] = [*slots]
    if behind:
        if not behind[0].opens("_"):
            return None
        inside = [token for token in behind[1:] if not token.opens("{", "}")]
        below += slots_in(inside, name, names)
    letters = tuple(slot.letter for slot in below)
    return (name, tuple(parameters), letters) if parameters and all(letters) else None


def _between_commas(tokens: Tokens) -> Iterator[Tokens]:
    start = 0
    for position, token in enumerate(tokens):
        if token.opens(",", ";", "|"):
            yield tokens[start:position]
            start = position + 1
    yield tokens[start:]
