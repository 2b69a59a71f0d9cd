"""The chains of equalities in a block: sides, and the relations that link them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from derive.check.blocks import Block
from derive.check.branches import Case
from derive.check.gather import Building, gather
from derive.check.items import items
from derive.check.layout import Layout
from derive.check.pieces import plain_words
from derive.check.sides import Side, make_side
from derive.check.tokens import NotIndexNotation, NotUnderstood, tokenize

# The longest equations of articles have some thousand characters. What is longer than this is no
# equation but a text whose delimiters are wrong, or one made to keep a program busy.
LONGEST = 100_000

__all__ = ["Case", "Chain", "Link", "NotIndexNotation", "NotUnderstood", "Side", "chains"]


@dataclass(frozen=True)
class Link:
    """What links a side to the next.

    relation : `=`, `!=`, `:=`, `=:`, `==` (≡), `~=` (≈), `~` (distributed as), `prop`, `<`, `<=`,
        `>`, `>=`, `in`, `->`, `<-`, `subset`, `contains`, or one of these behind `not `.
    offset : where the relation stands in the block's TeX.
    note : what is written beside it, in the author's words: `chain rule`, `no sum over i`.
    condition : TeX such as `i = j` where the rows of a chain hold under different conditions;
        empty where one condition, the chain's, is for all.
    """

    relation: str
    offset: int
    note: str = ""
    condition: str = ""


@dataclass(frozen=True)
class Chain:
    """Sides with a link between each and the next; one side alone is an expression, no claim.

    condition : TeX such as `i = j` or `k = 1, \\dots, n`, or words such as `otherwise`; empty if
        it holds always. It stands at `condition_offset` of the block's TeX.
    note : the word that leads it: `therefore`, `implies`, `if and only if`, `where`, `and`.
    labels : what is written at braces under or over its terms, as (offset, text).
    """

    sides: tuple[Side, ...]
    links: tuple[Link, ...]
    condition: str = ""
    condition_offset: int = 0
    note: str = ""
    labels: tuple[tuple[int, str], ...] = ()


def chains(block: Block) -> list[Chain]:
    """The chains of a block in the order in which they begin.

    Raises `NotUnderstood` where the block cannot be read, and its subclass `NotIndexNotation`
    where it makes no claim that is written in index notation.
    """
    if block.error:
        raise NotUnderstood(block.error, 0)
    if len(block.tex) > LONGEST:
        raise NotUnderstood(f"it is longer than {LONGEST} characters: is a delimiter missing?")
    layout = Layout(tokenize(block.tex))
    flat = items(layout)
    text = layout.text
    found = [finished(building, text) for building in gather(flat, text) if any(building.sides)]
    refuse_foreign(block, found)
    labels = sorted((at, plain_words(said)) for at, said in layout.labels)
    return [with_labels(chain, labels) for chain in found]


def finished(building: Building, text: str) -> Chain:
    """The chain, once all its rows are known."""
    starts = [0, *(relation.end for relation in building.relations)]
    sides = tuple(
        make_side(items, text, start) for items, start in zip(building.sides, starts, strict=True)
    )
    if building.relations and not sides[-1].tex:
        raise NotUnderstood("nothing stands behind this relation", building.relations[-1].start)
    links = tuple(
        Link(relation.value, relation.start, "; ".join(map(plain_words, notes)))
        for relation, notes in zip(building.relations, building.notes, strict=True)
    )
    note = building.note or "; ".join(building.remarks)
    return with_conditions(Chain(sides, links, note=note), building)


def with_conditions(chain: Chain, building: Building) -> Chain:
    """The chain with its condition, or with that of each link where its rows differ."""
    rows = [
        (links, ", ".join(condition.tex.strip() for condition in conditions))
        for links, conditions in building.conditions
    ]
    said = {condition for _, condition in rows if condition}
    if not said:
        return chain
    if len(said) == 1 and rows[0][1]:
        first = building.conditions[0][1][0]
        return replace(chain, condition=first_of(said), condition_offset=first.offset)
    conditions = {number: condition for links, condition in rows for number in links}
    links = tuple(
        replace(link, condition=conditions.get(number, ""))
        for number, link in enumerate(chain.links)
    )
    return replace(chain, links=links)


def first_of(said: set[str]) -> str:
    """The only one there is."""
    return next(iter(said))


def with_labels(chain: Chain, labels: list[tuple[int, str]]) -> Chain:
    """The chain with what is written at the braces of its terms."""
    start, last = chain.sides[0].offset, chain.sides[-1]
    end = last.offset + len(last.tex)
    # A brace under the last term is labelled just behind it.
    inside = labels[bisect_left(labels, (start, "")) : bisect_left(labels, (end + 1, ""))]
    return replace(chain, labels=tuple(inside)) if inside else chain


def refuse_foreign(block: Block, found: list[Chain]) -> None:
    """Raises `NotIndexNotation` for a block in which no two linked sides are formulas."""
    if not found:
        raise NotIndexNotation(empty_reason(block.tex), 0)
    strange = [side for chain in found for side in chain.sides if side.foreign]
    if strange and not any(has_claim(chain) for chain in found):
        raise NotIndexNotation(strange[0].foreign, strange[0].offset)


def has_claim(chain: Chain) -> bool:
    """Whether a relation links two sides that are formulas."""
    pairs = zip(chain.sides, chain.sides[1:], strict=False)
    return any(not (left.foreign or right.foreign) for left, right in pairs)


def empty_reason(tex: str) -> str:
    """What a block without any formula holds."""
    return "words" if tex.strip() else "there is nothing between the delimiters"
