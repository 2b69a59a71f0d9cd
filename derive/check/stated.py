"""What a document states: its chains with their readings, and what they define."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from derive.check.blocks import Block, Document
from derive.check.chains import Chain, Side, chains
from derive.check.context import Context, Definition
from derive.check.facts import Fact, fact_in, positive
from derive.check.formula import Formula
from derive.check.formulas import condition_formulas, formulas
from derive.check.refusal import NotUnderstood
from derive.check.understand import Understanding
from derive.notation.syntax import Binder, Named, walk

__all__ = ["ReadBlock", "Stated", "Statement", "read_statements"]

# Relations that may define what stands before them; `==` is written \equiv.
DEFINING = ("=", ":=", "==")

# What says right before an equation that it follows from those above, and what that it begins anew.
_FOLLOWS = re.compile(
    r"\b(thus|hence|therefore|so|get|gives?|becomes?|rewrit\w*|simplif\w*|equivalent\w*|"
    r"substitut\w*|yields?|obtain\w*|follows|implies|equals?)\b[^.]{0,60}$",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"\b(let|define[ds]?|denote[ds]?|consider|now|suppose)\b[^.]{0,60}$", re.I)
# What introduces a condition and no definition, right before inline mathematics.
_CONDITION = re.compile(r"\b(if|when|for|case|cases|unless|suppose|that)\W*$", re.IGNORECASE)
_CONCLUSIONS = ("therefore", "implies", "if and only if")
_EINSTEIN = re.compile(r"summation convention|einstein|repeated ind", re.IGNORECASE)
_NORMALISED = re.compile(r"one-?\s?hot|sums?\s+(?:up\s+)?to\s+(?:one|\$?1)|distribution", re.I)
_SUM = re.compile(r"\\sum(?![A-Za-z])")
_ONES = re.compile(r"\\(?:mathbf|mathbb|boldsymbol|bm|mathbbm)\s*\{?\s*1\s*\}?\s*_|(?<![\d_^{])1_")


@dataclass(frozen=True)
class Statement:
    """A chain with its readings, or why it has none.

    `defines` says that its first side is defined by the second one, `facts` what it states of
    inputs.
    """

    chain: Chain
    sides: tuple[tuple[Formula, ...], ...] = ()
    refused: NotUnderstood | None = None
    number: int = 0
    defines: bool = False
    facts: tuple[Fact, ...] = ()


@dataclass
class ReadBlock:
    """A block with its statements, or why it has none."""

    block: Block
    statements: list[Statement] = field(default_factory=list)
    refused: NotUnderstood | None = None


@dataclass(frozen=True)
class Stated:
    """Everything that a document states.

    `normalised` says that the text speaks of inputs that sum to one without saying which,
    `explicit` that only a sign sums (None: the text leaves it open), `twice` that the text speaks
    of the summation convention.
    """

    blocks: Sequence[ReadBlock]
    context: Context
    facts: tuple[Fact, ...]
    normalised: bool
    explicit: bool | None
    twice: bool


def read_statements(document: Document) -> Stated:
    """Read all chains of a document and take up what they define."""
    context = Context()
    prose = [block.before + block.after for block in document.blocks]
    names = Understanding([block.tex for block in document.blocks], " ".join(prose))
    blocks: list[ReadBlock] = []
    last: Statement | None = None
    for block in document.blocks:
        _expect(block, names)
    for block in document.blocks:
        blocks.append(_read(block, last, names))
        if block.kind == "display":
            last = blocks[-1].statements[-1] if blocks[-1].statements else None
    number = 0
    for one in blocks:
        for position, statement in enumerate(one.statements):
            number += 1
            one.statements[position] = _taken_up(one.block, statement, number, context)
    facts = [fact for one in blocks for s in one.statements for fact in s.facts]
    twice = any(map(_EINSTEIN.search, prose))
    normalised = any(map(_NORMALISED.search, prose))
    explicit = _explicit(document, twice)
    return Stated(blocks, context, tuple(facts), normalised, explicit, twice)


def _explicit(document: Document, twice: bool) -> bool | None:
    if twice or any(_ONES.search(block.tex) for block in document.blocks):
        return False
    return True if any(_SUM.search(block.tex) for block in document.blocks) else None


def _expect(block: Block, names: Understanding) -> None:
    """Let the functions be known that a block defines."""
    with suppress(NotUnderstood, RecursionError):
        for chain in [] if block.error else chains(block):
            if len(chain.sides) > 1 and chain.links[0].relation in DEFINING:
                left, right = (side.tex for side in chain.sides[:2])
                names.expect(block.tex, tuple(block.section), left, right)


def _read(block: Block, before: Statement | None, names: Understanding) -> ReadBlock:
    if block.error:
        return ReadBlock(block, refused=NotUnderstood(block.error))
    names.enter(block.tex, tuple(block.section))
    try:
        found: list[Statement] = []
        for chain in chains(block):
            found.append(_statement(chain, found[-1] if found else before, names))
        return ReadBlock(block, found)
    except NotUnderstood as refused:
        return ReadBlock(block, refused=refused)
    except RecursionError:
        return ReadBlock(block, refused=NotUnderstood("it is nested too deeply"))
    except Exception as error:
        reason = f"a fault of derive: {type(error).__name__}: {error}"
        return ReadBlock(block, refused=NotUnderstood(reason))


def _statement(chain: Chain, before: Statement | None, names: Understanding) -> Statement:
    """A chain with its readings; one that begins with a relation goes on from the one before."""
    sides: list[tuple[Formula, ...]] = []
    defining = len(chain.sides) > 1 and chain.links[0].relation in DEFINING
    is_new = defining and names.hear(chain.sides[0].tex, chain.sides[1].tex)
    for side in chain.sides:
        try:
            sides.append(_side(side, sides, before, names))
        except NotUnderstood as refused:
            moved = NotUnderstood(refused.reason, side.offset + refused.offset, refused.kind)
            return Statement(chain, tuple(sides), refused=moved)
    # Where the left-hand side is read as a name, the context takes the definition up.
    return Statement(chain, tuple(sides), defines=is_new and sides[0][0].reading.defines is None)


def _side(
    side: Side,
    sides: Sequence[tuple[Formula, ...]],
    before: Statement | None,
    names: Understanding,
) -> tuple[Formula, ...]:
    if side.foreign:
        raise NotUnderstood(side.foreign, 0, "not index notation")
    if not side.tex.strip() and not sides:
        if before is None or before.refused or not before.sides:
            raise NotUnderstood("there is nothing that this goes on from")
        return before.sides[-1]
    free = sides[0][0].reading.letters if sides else None
    return formulas(names.read(side.tex, free), ())


def _taken_up(block: Block, statement: Statement, number: int, context: Context) -> Statement:
    """The statement with its number and what it defines, which the context is told."""
    statement = replace(statement, number=number)
    if statement.refused is not None:
        _note_unread(block, statement, context)
        return statement
    first = statement.chain.links[0] if statement.chain.links else None
    if first is None or condition_formulas(f"{statement.chain.condition},{first.condition}") != ():
        return statement
    facts = tuple(_facts(statement, first.relation, context))
    if facts or first.relation not in DEFINING:
        return replace(statement, facts=facts)
    if statement.defines or _is_condition(block, statement):
        return statement
    return replace(statement, defines=_defined(block, statement, context))


def _facts(statement: Statement, relation: str, context: Context) -> Iterator[Fact]:
    """What an equation `Σ_k t_k = 1` or a comparison `x_i > 0` states of inputs."""
    left, right = statement.sides[0][0], statement.sides[1][0]
    fact = positive(left, right) if relation == ">" else None
    fact = fact_in(left, right) if relation in DEFINING else fact
    if fact is not None and fact.name not in context.names():
        yield fact


def _is_condition(block: Block, statement: Statement) -> bool:
    """Whether an equation in the line is a condition, as in "if i = j", and defines nothing.

    "For C_ik = A_ij B_jk" does: it names a tensor with its indices.
    """
    if block.kind != "inline" or not _CONDITION.search(block.before):
        return False
    left, right = (side[0].reading for side in statement.sides[:2])
    plain = left.defines is not None and left.defines.is_plain
    computed = right.letters or any(isinstance(p, Binder) for p in walk(statement.sides[1][0].tree))
    return not (plain and right.defines is None and computed)


def _note_unread(block: Block, statement: Statement, context: Context) -> None:
    """Remember a name whose definition is not understood."""
    defines = statement.sides[0][0].reading.defines if statement.sides else None
    if defines is not None and defines.is_plain and defines.name not in context.names():
        line = block.place_of(statement.chain.sides[0].offset).line
        context.unread.setdefault(defines.name, line)


def _defined(block: Block, statement: Statement, context: Context) -> bool:
    left, right = statement.sides[:2]
    defines = left[0].reading.defines
    applied = "(" in statement.chain.sides[1].tex
    if defines is None or not defines.is_plain:
        return False
    if _says_little(block, right[0]) and not applied:
        return False
    if any(defines.name in formula.names for formula in right):
        return False
    if not _is_new(context, defines.name, statement, block):
        return False
    definition = Definition(
        defines.name,
        defines.letters,
        right,
        statement.number,
        block.place.line,
        tuple(block.section),
        block.kind == "inline",
    )
    context.definitions.append(definition)
    return True


def _is_new(context: Context, name: str, statement: Statement, block: Block) -> bool:
    """Whether an equation defines its name at its place: else it is a claim about the name."""
    earlier = [d for d in context.definitions if d.name == name]
    if not earlier or statement.chain.links[0].relation == ":=":
        return True
    last = earlier[-1]
    if last.section != tuple(block.section) or _BEGINS.search(block.before):
        return True
    if last.right.reading.text == statement.sides[1][0].reading.text:
        return True
    follows = statement.chain.note in _CONCLUSIONS or _FOLLOWS.search(block.before)
    return len(statement.sides) == 2 and not follows


def _says_little(block: Block, right: Formula) -> bool:
    """Whether an inline equation only names a case, as `l = c` and `N = 3` do."""
    bare = right.bare
    return block.kind == "inline" and (
        not right.names or (isinstance(bare, Named) and not bare.slots)
    )
