"""Checks a document: a result for each of its display blocks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.check.blocks import Block, Document, Hint
from derive.check.chains import Chain
from derive.check.deadline import Deadline, TookTooLongError
from derive.check.explain import steps_of
from derive.check.findings import findings_of
from derive.check.formula import Formula
from derive.check.grades import undecided
from derive.check.hints import Hints, read_hints
from derive.check.question import Checked, Question
from derive.check.refusal import NotUnderstood
from derive.check.restrictions import condition_before, conditions_of
from derive.check.results import BlockResult, DocumentResult, Finding, GradedLine, Line, Status
from derive.check.stated import (
    ReadBlock,
    Stated,
    Statement,
    read_statements,
)
from derive.check.verdict import answer
from derive.errors import DeriveError

__all__ = ["Options", "check_document"]


_NO_SUM = re.compile(r"\bno\s+(?:implied\s+)?sum|not\s+summed|without\s+sum", re.IGNORECASE)


@dataclass(frozen=True)
class Options:
    """How to check.

    Attributes
    ----------
    seconds : the most time that one block may take.
    explain : whether the steps between lines are to be found.
    assume : hints for the whole document.
    """

    seconds: float = 20.0
    explain: bool = False
    assume: tuple[str, ...] = ()


def check_document(document: Document, options: Options | None = None) -> DocumentResult:
    """A result for each display block of a document.

    Raises
    ------
    DeriveError : an assumption of the options is none.
    """
    checker = _Checker(document, options or Options())
    blocks = tuple(checker.results())
    notes = (*(note.text for note in document.notes), *checker.notes)
    return DocumentResult(document.file, blocks, notes)


class _Checker:
    def __init__(self, document: Document, options: Options) -> None:
        self.document = document
        self.options = options
        self.stated: Stated = read_statements(document)
        self.always = _assumed(options.assume)
        self.notes: list[str] = []

    def results(self) -> Iterator[BlockResult]:
        """The results of the display blocks in order; hints hold from where they stand on."""
        hints = deque(sorted(self.document.hints, key=lambda hint: hint.blocks))
        pending = Hints()
        for number, read in enumerate(self.stated.blocks):
            while hints and hints[0].blocks <= number:
                self._hear(hints.popleft(), pending)
            if read.block.kind == "display":
                yield self._result(read, pending)
                pending = Hints()
        for hint in hints:
            self._hear(hint, pending)

    def _hear(self, hint: Hint, pending: Hints) -> None:
        """Take a hint up: for the next display, or for all that follows."""
        try:
            hints = read_hints([hint.text])
        except DeriveError as error:
            self.notes.append(f"line {hint.place.line}: {error.message}; {error.mend}")
            return
        pending.ignore |= hints.ignore
        pending.conditions += hints.conditions
        self.always.facts += hints.facts
        self.always.losses |= hints.losses
        if hints.einstein is not None:
            self.always.einstein = hints.einstein

    def _result(self, read: ReadBlock, hints: Hints) -> BlockResult:
        block = read.block
        if hints.ignore:
            reason = "set aside by a hint"
            return BlockResult("not index notation", block.place, reason, tex=block.tex)
        if read.refused is not None:
            return _refused(block, read.refused)
        if not read.statements:
            reason = "nothing is claimed"
            return BlockResult("not index notation", block.place, reason, tex=block.tex)
        deadline = Deadline(self.options.seconds)
        judged = [self._judged(read, s, hints, deadline) for s in read.statements]
        refused = [one for one in judged if isinstance(one, NotUnderstood)]
        if len(refused) == len(judged):
            return _refused(block, min(refused, key=lambda one: one.kind == "not index notation"))
        return self._joined(read, judged, deadline)

    def _judged(
        self, read: ReadBlock, statement: Statement, hints: Hints, deadline: Deadline
    ) -> Checked | NotUnderstood:
        if statement.refused is not None:
            return statement.refused
        if len(statement.sides) < 2:
            reason = "this is no equation"
            return NotUnderstood(reason, statement.chain.sides[0].offset, "not index notation")
        if len(statement.sides) == 2 and (statement.defines or statement.facts):
            return self._defined(read, statement, deadline)
        said = [*hints.conditions, *condition_before(read.block.before)]
        try:
            conditions = conditions_of(statement.chain, said)
        except NotUnderstood as refused:
            return refused
        return _bounded(self._question(read, statement, conditions), deadline)

    def _defined(self, read: ReadBlock, statement: Statement, deadline: Deadline) -> Checked:
        """A definition; one of a name that the section has defined before may say the same."""
        found = Checked((Line(1, "definition"),))
        defines = statement.sides[0][0].reading.defines
        section, number = tuple(read.block.section), statement.number
        before = defines and self.stated.context.before(defines.name, number, section)
        if not before or before.is_derivative:
            return found
        question = replace(self._question(read, statement, ((), ())), defines=False)
        claimed = _bounded(replace(question, number=number - 1), deadline)
        if claimed.holds:
            return claimed
        note = f"{before.name} is defined again, differently from line {before.line}"
        return replace(found, notes=(note,))

    def _question(
        self, read: ReadBlock, statement: Statement, conditions: tuple[tuple[Formula, ...], ...]
    ) -> Question:
        einstein = False if _NO_SUM.search(_beside(read.block, statement)) else None
        einstein = self.always.einstein if einstein is None else einstein
        facts = {fact.name: fact for fact in (*self.stated.facts, *self.always.facts)}
        return Question(
            statement.chain,
            statement.sides,
            conditions,
            self.stated.context,
            statement.number,
            tuple(read.block.section),
            statement.defines,
            self.stated.explicit if einstein is None else not einstein,
            tuple(facts.values()),
            frozenset(self.always.losses),
            self.stated.twice,
        )

    def _joined(
        self, read: ReadBlock, judged: Sequence[Checked | NotUnderstood], deadline: Deadline
    ) -> BlockResult:
        """The result of a block from the verdicts on its chains."""
        block = read.block
        lines: list[GradedLine] = []
        findings: list[Finding] = []
        notes: dict[str, None] = {}
        for statement, found in zip(read.statements, judged, strict=True):
            if isinstance(found, NotUnderstood):
                findings += [_not_understood(block, found)]
                continue
            steps = steps_of(found, deadline) if self.options.explain else {}
            lines += _graded_lines(block, statement.chain, found, steps)
            findings += findings_of(block, statement, found, deadline, self.stated.normalised)
            notes |= dict.fromkeys(found.notes)
        return BlockResult(
            _status(judged),
            block.place,
            lines=tuple(lines),
            findings=tuple(findings),
            notes=tuple(notes),
            tex=block.tex,
        )


def _assumed(texts: Sequence[str]) -> Hints:
    """What is assumed of the whole document."""
    found = read_hints(texts)
    if found.ignore or found.conditions:
        raise DeriveError(
            "`ignore` and conditions such as `i != j` are about one display",
            mend="write them into the file, before the display: `<!-- derive: i != j -->`",
        )
    return found


def _beside(block: Block, statement: Statement) -> str:
    """The words beside the rows of a chain, and right behind its display."""
    notes = (statement.chain.note, *(link.note for link in statement.chain.links))
    return " ".join([*notes, block.before[-60:], block.after[:60]])


def _bounded(question: Question, deadline: Deadline) -> Checked:
    """The verdict, or that it takes more time or memory than there is."""
    try:
        with deadline.enforced():
            return answer(question, deadline)
    except TookTooLongError:
        reason = "took too long"
    except (RecursionError, MemoryError):
        reason = "too large to be checked"
    except Exception as error:
        reason = f"a fault of derive: {type(error).__name__}: {error}"
    return undecided(question, reason)


def _refused(block: Block, refused: NotUnderstood) -> BlockResult:
    found = () if refused.kind == "not index notation" else (_not_understood(block, refused),)
    return BlockResult(refused.kind, block.place, refused.reason, findings=found, tex=block.tex)


def _not_understood(block: Block, refused: NotUnderstood) -> Finding:
    place, line = block.place_of(refused.offset), block.line_of(refused.offset)
    return Finding("not understood", refused.reason, place, line)


def _status(judged: Sequence[Checked | NotUnderstood]) -> Status:
    found = [one for one in judged if isinstance(one, Checked)]
    compared = [one for one in found if any(line.grade != "definition" for line in one.lines)]
    if not compared:
        return "definition"
    return "statement of a rule" if all(one.generic for one in compared) else "checked"


def _graded_lines(
    block: Block, chain: Chain, found: Checked, steps: Mapping[int, Sequence[str]]
) -> Iterator[GradedLine]:
    for line in found.lines:
        side = chain.sides[line.position]
        between = tuple(steps.get(line.position, ()))
        yield GradedLine(line, block.place_of(side.offset), side.tex.strip(), between)
