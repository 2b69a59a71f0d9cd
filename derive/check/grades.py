"""The grades of the links of a chain in one of its readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sympy import Expr, S

from derive.check.formula import Formula
from derive.check.gaps import gap_of, unexplained
from derive.check.held import Held
from derive.check.misuse import crowded, lone, lost
from derive.check.model import Bad, Model
from derive.check.question import Checked, Question
from derive.check.results import Line
from derive.verify.evaluate import EvaluationError
from derive.verify.grading import Above, graded
from derive.verify.settings import Settings
from derive.verify.trial import Claim, Trial, best_trial, is_zero

__all__ = ["graded_chain", "named", "undecided"]

# What stands between sides that are compared; others say nothing that can be checked.
EQUALITIES = ("=", ":=", "==", "=:")


def undecided(question: Question, reason: str) -> Checked:
    """The verdict on a chain that has no reading, or none in time."""
    links = range(1, len(question.sides))
    return Checked(tuple(Line(position, "unknown", reason) for position in links), is_read=False)


def graded_chain(question: Question, sides: Sequence[Formula], found: Model, held: Held) -> Checked:
    """A grade for each link of a chain in one of its readings."""
    exprs = [
        None if side.expr is None else held(position, side.expr)
        for position, side in enumerate(found.sides)
    ]
    notes = [one.words for side in sides for one in side.reading.assumed if one.words]
    notes += [held.words] if held.words else []
    readable = tuple(expr for expr in exprs if expr is not None)
    try:
        claims = [Claim(readable[0], readable[1:], found.free)] if readable else []
        trial = best_trial(found.graph, claims, Settings())
    except EvaluationError as error:
        return replace(undecided(question, error.message), notes=tuple(notes))
    lines = tuple(_lines(question, found, exprs, trial))
    lines = tuple(_unsigned(line, question, sides, found) for line in lines)
    if found.generic:
        lines = tuple(_of_generic(line, found.generic) for line in lines)
    gap = gap_of(found, exprs, question.context)
    lines = tuple(
        _beyond(line, gap) if gap else _unexplained(line, found, exprs, question) for line in lines
    )
    told = tuple(dict.fromkeys(notes))
    return Checked(
        lines, told, found.generic, model=found, sides=tuple(sides), exprs=tuple(exprs), trial=trial
    )


def _lines(
    question: Question, found: Model, exprs: Sequence[Expr | None], trial: Trial
) -> Iterator[Line]:
    """A line for each link; later sides are compared with the last one that holds."""
    above = [0] if exprs[0] is not None else []
    if not above:
        yield _malformed(0, found.sides[0].bad)
    for position, link in enumerate(question.chain.links, 1):
        expr = exprs[position]
        if expr is None:
            yield _malformed(position, found.sides[position].bad)
        elif link.relation not in (*EQUALITIES, "!="):
            reason = f"`{link.relation}` is no equality, so nothing is checked here"
            yield Line(position, "unknown", reason, set_aside=True)
            above = [position]
        elif position == 1 and question.defines:
            yield Line(position, "definition")
            above.append(position)
        elif not above:
            yield Line(position, "unknown", "there is nothing above to compare it with")
            above.append(position)
        else:
            line = _line(trial, found, position, exprs, _last(above, found, position))
            line = _unequal(line) if link.relation == "!=" else line
            yield line
            if not line.fails and link.relation != "!=":
                above.append(position)


def _last(above: Sequence[int], found: Model, position: int) -> int:
    """The last side above that is said of all the entries of which this one is."""
    mask = found.masks[position]
    fitting = [number for number in above if found.masks[number] in (S.One, mask)]
    return fitting[-1] if fitting else above[0]


def _line(
    trial: Trial, found: Model, position: int, exprs: Sequence[Expr | None], number: int
) -> Line:
    """The grade of one side against one above it."""
    mask = found.masks[position]
    # Both are expressions: sides that are none have a line of their own.
    expr, other = (mask * (exprs[k] or S.Zero) for k in (position, number))
    values = trial.values(other, found.free)
    report = graded(
        trial, expr, trial.values(expr, found.free), Above(other, values, is_goal=number == 0)
    )
    line = Line(position, report.grade, report.reason, report.error, against=number)
    if mask != 1 and is_zero(trial.values(mask, found.free)):
        return replace(line, grade="unknown", reason="the condition holds for no entry")
    lone = found.sides[position].lone
    if line.fails and lone is not None:
        return replace(_malformed(position, lone), against=number)
    return line


def _unsigned(line: Line, question: Question, sides: Sequence[Formula], found: Model) -> Line:
    """The grade of a line that holds only if a letter is summed over for which no sign stands."""
    if not question.explicit or line.grade not in ("exact", "sampled"):
        return line
    side, first = sides[line.position], sides[0]
    free = {index.name for index in found.free}
    fixed = {letter.lower() for letter in side.reading.labels | first.reading.labels}
    for letter in sorted(side.tree.letters - first.tree.letters - free - fixed):
        reason = f"the index {letter} is summed over without a sign, where the text writes its sums"
        return replace(line, grade="malformed", reason=reason)
    return line


def _of_generic(line: Line, generic: Sequence[str]) -> Line:
    """The grade of a line about functions that nothing defines: they may not be generic."""
    if line.grade != "wrong":
        return line
    names = ", ".join(generic)
    reason = f"does not hold for every {names}, which the text does not define"
    return replace(line, grade="unknown", reason=reason)


def _unexplained(
    line: Line, found: Model, exprs: Sequence[Expr | None], question: Question
) -> Line:
    if line.grade != "wrong":
        return line
    sides = [expr for expr in (exprs[line.position], exprs[line.against]) if expr is not None]
    names = unexplained(found, sides, question.context)
    return _beyond(line, f"the text does not say what {names[0]} is") if names else line


def _beyond(line: Line, gap: str) -> Line:
    """The grade of a line that rests on something the text leaves out."""
    if line.grade != "wrong":
        return line
    return replace(line, grade="unknown", reason=gap)


def _unequal(line: Line) -> Line:
    """The grade of the claim that two sides differ."""
    if line.grade == "wrong":
        return replace(line, grade="sampled", reason="", error=None)
    if line.grade in ("exact", "sampled"):
        return replace(line, grade="wrong", reason="is equal to the one before")
    return line


def _malformed(position: int, bad: Bad | None) -> Line:
    if bad is None:
        return Line(position, "malformed", "an index has no meaning here")
    return Line(position, "malformed", bad.message, mend=bad.mend, offset=bad.offset)


def named(found: Checked, twice: bool) -> Checked:
    """The verdict with the lines that fail by a misuse of indices called malformed."""
    lines = tuple(_misused(found, line, twice) for line in found.lines)
    return replace(found, lines=lines)


def _misused(found: Checked, line: Line, twice: bool) -> Line:
    if line.grade != "wrong" or found.model is None:
        return line
    side = found.sides[line.position]
    free = frozenset(index.name for index in found.model.free)
    for message, offset in crowded(side, free) if twice else ():
        return replace(line, grade="malformed", reason=message, offset=offset)
    for message in lone(side, found.model.graph, found.sides):
        return replace(line, grade="malformed", reason=message)
    conditional = found.model.masks[line.position] != 1
    for message in () if conditional else lost(side, free):
        return replace(line, grade="malformed", reason=message)
    return line
