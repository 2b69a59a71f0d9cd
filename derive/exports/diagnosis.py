"""A diagnosis in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from derive.notation.write import write_latex, write_text

if TYPE_CHECKING:
    from derive.verify.diagnosis import Diagnosis

__all__ = ["diagnosis_json", "diagnosis_lines"]


def diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """The verdict on one formula, or on one array of a function, line by line."""
    yield _said(diagnosis)
    yield f"  {_verdict(diagnosis)}"
    if diagnosis.ok:
        return
    for number, explanation in enumerate(diagnosis.explanations):
        proof = " (proved)" if explanation.proven else ""
        yield f"  {'or' if number else 'It equals'} {explanation.words}{proof}."
    if diagnosis.grade == "wrong" and not diagnosis.explanations:
        late = "" if diagnosis.complete else " in the time given"
        yield f"  No mistake of the search explains it{late}."
    yield f"  The correct gradient is {_text(diagnosis, diagnosis.correct)}."


def diagnosis_json(diagnoses: Sequence[Diagnosis]) -> list[dict[str, Any]]:
    """The verdicts as plain data."""
    return [_as_json(diagnosis) for diagnosis in diagnoses]


def _as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    given = diagnosis.given
    return {
        "goal": _both(diagnosis, diagnosis.goal),
        "given": given if isinstance(given, str) else _both(diagnosis, given),
        "correct": _both(diagnosis, diagnosis.correct),
        "ok": diagnosis.ok,
        "grade": diagnosis.grade,
        **({} if diagnosis.error is None else {"error": diagnosis.error}),
        **({"reason": diagnosis.reason} if diagnosis.reason else {}),
        "explanations": [
            {"words": e.words, "mistakes": e.mistakes, "proven": e.proven}
            for e in diagnosis.explanations
        ],
        "complete": diagnosis.complete,
    }


def _both(diagnosis: Diagnosis, expr: Any) -> dict[str, str]:
    graph, reserved = diagnosis.graph, (diagnosis.goal,)
    return {
        "text": write_text(expr, graph, reserved),
        "latex": write_latex(expr, graph, reserved),
    }


def _text(diagnosis: Diagnosis, expr: Any) -> str:
    return write_text(expr, diagnosis.graph, (diagnosis.goal,))


def _said(diagnosis: Diagnosis) -> str:
    goal, given = write_text(diagnosis.goal, diagnosis.graph), diagnosis.given
    if isinstance(given, str):
        return f"{goal} by {given}"
    return f"{goal} = {_text(diagnosis, given)}"


def _verdict(diagnosis: Diagnosis) -> str:
    error = "" if diagnosis.error is None else f"{diagnosis.error:.0e}"
    if diagnosis.grade == "exact":
        return f"correct, exact: equal to the derived result as an expression, worst error {error}"
    if diagnosis.grade == "sampled":
        return f"correct, sampled: equal on every sample, worst error {error}"
    if diagnosis.reason:
        return f"{diagnosis.grade}: {diagnosis.reason}"
    return f"wrong: off by {diagnosis.error:.2g} of the largest entry"
