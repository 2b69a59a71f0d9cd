"""A certificate of a derivation: what it prints, with the evidence for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derive.calculus.derivation import Derivation, Detail
from derive.certificate.document import Certificate, CertifiedLine, StatedGoal
from derive.certificate.statements import grades, statements
from derive.errors import UncertifiedError
from derive.expressions import free_indices
from derive.fingerprint import versions
from derive.notation.write import write_equation_text, write_text

__all__ = ["certify"]


def certify(derivation: Derivation, detail: Detail = "article") -> Certificate:
    """A certificate of a derivation.

    Verified is what the certificate says, read back from its own text, and not what the
    derivation holds: this is what `recheck` finds again.

    Raises
    ------
    UncertifiedError : a line is wrong, or does not read back.
    """
    draft = _draft(derivation, detail)
    stated = statements(draft)
    if stated.faults:
        raise UncertifiedError(f"no certificate: {stated.faults[0]}")
    found = grades(stated)
    for (stage, position), report in found.items():
        if report.grade == "wrong":
            raise UncertifiedError(
                f"no certificate: stage {stage}, line {position}: {report.reason}"
            )
    lines = (replace(line, evidence=found[line.place].as_json()) for line in draft.lines)
    return replace(draft, lines=tuple(lines)).sealed()


def _draft(derivation: Derivation, detail: Detail) -> Certificate:
    """The certificate without evidence."""
    graph = derivation.graph
    return Certificate(
        name=derivation.name,
        versions=versions(),
        definitions=tuple(write_equation_text(equation, graph) for equation in graph.equations),
        auxiliary=tuple(equation.name for equation in graph.equations if equation.auxiliary),
        sizes=graph.declared,
        multi=graph.multi,
        goals=tuple(write_text(goal, graph) for goal in derivation.goals),
        stages=tuple(_stated_goals(derivation, detail)),
        lines=tuple(_lines(derivation, detail)),
    )


def _stated_goals(derivation: Derivation, detail: Detail) -> Iterator[StatedGoal]:
    for stage in derivation.stages:
        free = sorted(index.name for index in free_indices(stage.goal))
        text = write_text(stage.goal, derivation.graph)
        yield StatedGoal(text, tuple(free), len(stage.at(detail)))


def _lines(derivation: Derivation, detail: Detail) -> Iterator[CertifiedLine]:
    for number, stage in enumerate(derivation.stages, 1):
        for position, line in enumerate(stage.at(detail), 1):
            text = write_text(line.expr, derivation.graph, (stage.goal,))
            yield CertifiedLine(number, position, text, line.rules, {"grade": "unknown"})
