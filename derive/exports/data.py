"""A derivation as JSON.

One object::

    {
      "name": "cross-entropy",            the derivation's name, "" if it has none
      "title": "Cross-entropy of ...",    its title, "" if it has none
      "references": ["https://..."],
      "definitions": [                    the equations in the author's order
        {"text": "s_i = exp(x_i)/σ",      plain text; `:=` for an abbreviation
         "latex": "s_{i} = ...",
         "kind": "definition"}            or "abbreviation", or "relation" (… for y)
      ],
      "conventions": [                    what is taken for a derivative where there is none
        "The derivative of relu at 0 is taken as 0."
      ],
      "multi": ["A"],                     the multi-indices, if there are any
      "stages": [
        {"title": "Derivative of s with respect to x",
         "goal": {"text": "∂s_i/∂x_n", "latex": "..."},
         "lines": [                       the right-hand sides, from top to bottom
           {"text": "s_i δ_in − s_i s_n", "latex": "...",
            "rules": ["quotient rule"],   what leads here from the line above
            "evidence": {"grade": "exact"}}
         ],
         "result": {"text": "...", "latex": "..."}}     the last line once more
      ]
    }

The goal is the left-hand side of every line of its stage; lines have no equals sign. `evidence` is
there when the derivation was verified: `grade` is "exact", "sampled", "unknown" or "wrong", and
the other keys tell how it was found. The stage of a second derivative by one tensor then has
`symmetry` too, the evidence that exchanging the indices leaves its result as it is. Every
`text` reads back to an equal expression.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr

from derive.calculus.derivation import Derivation, Detail, Line, Stage
from derive.exports.report import Evidence, Report, evidence_for, symmetry_for
from derive.expressions import Graph
from derive.notation.arrange import Sums
from derive.notation.write import (
    write_equation_latex,
    write_equation_text,
    write_latex,
    write_text,
)

__all__ = ["to_json"]


def to_json(
    derivation: Derivation,
    report: Report | None = None,
    *,
    detail: Detail = "article",
    sums: Sums = "einstein",
) -> dict[str, Any]:
    """The derivation as an object for `json.dumps`; the lines of `report` are those of `detail`."""
    graph = derivation.graph
    stages = [
        {
            **_stage(
                stage,
                stage.at(detail),
                evidence_for(report, k, stage, stage.at(detail)),
                graph,
                sums,
            ),
            **_symmetry(report, k, stage),
        }
        for k, stage in enumerate(derivation.stages)
    ]
    return {
        "name": derivation.name,
        "title": derivation.title,
        "references": list(derivation.references),
        "definitions": [
            {
                "text": write_equation_text(equation, graph, sums=sums),
                "latex": write_equation_latex(equation, graph, sums=sums),
                "kind": equation.kind,
            }
            for equation in graph.equations
        ],
        "conventions": list(derivation.conventions),
        **({"multi": list(graph.multi)} if graph.multi else {}),
        "stages": stages,
    }


def _stage(
    stage: Stage, lines: tuple[Line, ...], evidence: Any, graph: Graph, sums: Sums
) -> dict[str, Any]:
    return {
        "title": stage.title,
        "goal": _formula(stage.goal, graph, sums),
        "lines": [
            {
                **_formula(line.expr, graph, sums, stage.goal),
                "rules": list(line.rules),
                **_evidence(found),
            }
            for line, found in zip(lines, evidence, strict=True)
        ],
        "result": _formula(stage.result, graph, sums, stage.goal),
    }


def _symmetry(report: Report | None, number: int, stage: Stage) -> dict[str, Any]:
    found = symmetry_for(report, number, stage)
    return {} if found is None else {"symmetry": found[1].as_json()}


def _formula(expr: Expr, graph: Graph, sums: Sums, *reserved: Expr) -> dict[str, str]:
    return {
        "text": write_text(expr, graph, reserved, sums=sums),
        "latex": write_latex(expr, graph, reserved, sums=sums),
    }


def _evidence(evidence: Evidence | None) -> dict[str, Any]:
    return {} if evidence is None else {"evidence": evidence.as_json()}
