"""What a reader should look at in a chain that was checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from derive.check.blocks import Block
from derive.check.chains import Chain
from derive.check.deadline import Deadline
from derive.check.formula import FIXED
from derive.check.mends import mend
from derive.check.misuse import crowded, misfits
from derive.check.model import Model
from derive.check.question import Checked
from derive.check.results import Finding, Line
from derive.check.stated import Statement
from derive.verify.witness import witness

__all__ = ["findings_of"]

_LABEL = re.compile(rf"(\w){FIXED}")
# The time that the search for a witness and a mend may take for one line.
SECONDS = 10.0


def findings_of(
    block: Block, statement: Statement, found: Checked, deadline: Deadline, normalised: bool
) -> Iterator[Finding]:
    """The first line that fails with all that is known about it, and what else is to be said.

    `normalised` says that the text speaks of inputs that sum to one.
    """
    chain = statement.chain
    failing = [line for line in found.lines if line.fails]
    for line in failing[:1]:
        details = tuple(_LABEL.sub(_lower, detail) for detail in _details(found, line, deadline))
        if failing[1:]:
            details = (*details, _others(failing[1:]))
        yield _finding(block, chain, line, details)
    unknown = [line for line in found.lines if line.grade == "unknown" and not line.set_aside]
    reasons = {line.reason: line for line in reversed(unknown)}
    for line in reversed(reasons.values()):
        yield _finding(block, chain, line, ())
    if found.supposed and not normalised:
        message = f"holds only if {found.supposed}, which the text does not say"
        start = chain.sides[0].offset
        yield Finding("warning", message, block.place_of(start), block.line_of(start))
    holding = {line.position for line in found.lines if line.grade in ("exact", "sampled")}
    for position, (side, readings) in enumerate(zip(chain.sides, statement.sides, strict=True)):
        for remark in readings[0].reading.remarks:
            offset = side.offset + remark.offset
            read = "; the line holds in that reading" if position in holding else ""
            message = remark.message + read
            yield Finding("warning", message, block.place_of(offset), block.line_of(offset))


def _finding(block: Block, chain: Chain, line: Line, details: tuple[str, ...]) -> Finding:
    side = chain.sides[line.position]
    blank = len(side.tex) - len(side.tex.lstrip())
    start = side.offset + (blank if line.offset is None else line.offset)
    place = block.place_of(start)
    source = block.line_of(start)
    width = len(side.tex.strip()) if line.offset is None else 1
    kind = line.grade if line.grade in ("wrong", "malformed") else "unknown"
    message = _message(chain, line)
    return Finding(kind, message, place, source, _on_line(source, place.column, width), details)


def _lower(letter: re.Match[str]) -> str:
    return letter[1].lower()


def _others(lines: Sequence[Line]) -> str:
    """That further links of the chain fail."""
    which = [_ordinal(line.position) for line in lines]
    listed = " and ".join(filter(None, [", ".join(which[:-1]), which[-1]]))
    return f"the {listed} `=` of the chain {'do' if which[1:] else 'does'} not hold either"


def _message(chain: Chain, line: Line) -> str:
    """What is wrong with which link."""
    if line.grade == "malformed":
        return line.reason
    sign = chain.links[line.position - 1].relation if line.position else "="
    which = f"{_ordinal(line.position)} `{sign}`" if len(chain.links) > 1 else f"`{sign}`"
    if line.grade == "unknown":
        return f"the {which} is not decided: {line.reason}"
    against = "" if line.against in (0, line.position - 1) else _ordinal(line.against + 1)
    compared = f" (compared with the {against} side, the last that holds)" if against else ""
    return f"the {which} does not hold: this side {line.reason}{compared}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 // 10 != 1 else 0, "th")
    return f"{number}{ending}"


def _on_line(source: str, column: int, width: int) -> int:
    """How much of a stretch is on its first line."""
    return max(1, min(width, len(source) - column + 1))


def _details(found: Checked, line: Line, deadline: Deadline) -> tuple[str, ...]:
    """The rule that is broken, a witness, and the probable mend."""
    details = [line.mend] if line.mend else []
    model = found.model
    if model is None or not found.sides:
        return tuple(details)
    # What is found besides must not cost the finding.
    with suppress(Exception), deadline.extended(SECONDS).enforced():
        if found.trial is not None and (meant := mend(found.trial, model, *found.compared(line))):
            details.append(meant)
    if line.grade != "wrong":
        return tuple(details)
    side = found.sides[line.position]
    free = frozenset(index.name for index in model.free)
    details += misfits(side, model.graph, model.equations)
    details += [message for message, _ in crowded(side, free, most=3)]
    with suppress(Exception), deadline.extended(SECONDS).enforced():
        details += _evidence(found, model, line)
    return tuple(details)


def _evidence(found: Checked, model: Model, line: Line) -> Iterator[str]:
    """Numbers to see by hand that the line is wrong."""
    mask, left, right = found.compared(line)
    above = "the side above" if line.against else "the left-hand side"
    seen = witness(model.graph, mask * left, mask * right, model.free, sides=(above, "this side"))
    if seen is not None:
        yield seen.text
