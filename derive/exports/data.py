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
         "result": {"text": "...", "latex": "..."},     the last line once more
         "matrix": {"text": "∂s/∂x = diag(s) − s sᵀ",   the goal and the result in matrix notation
                    "latex": "...",
                    "each": []}}          indices of which it shows one value at a time;
      ],                                  {"none": "..."}, the reason, where there is no such line
      "check": {"ok": true, ...}          how the lines were checked, if the derivation was verified
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

from derive.calculus.derivation import Derivation, Stage
from derive.exports.options import DEFAULT, Options
from derive.exports.report import Evidence, Report, evidence_for, matrix_evidence, symmetry_for
from derive.expressions import Graph
from derive.matrix import NoMatrixLine, matrix_line
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
    options: Options = DEFAULT,
    *,
    report: Report | None = None,
) -> dict[str, Any]:
    """The derivation as an object for `json.dumps`; the lines of `report` are those shown.

    Rules and matrix notation are there whatever the options are.
    """
    return {
        "name": derivation.name,
        "title": derivation.title,
        "references": list(derivation.references),
        "definitions": [
            {
                "text": write_equation_text(equation, derivation.graph, sums=options.sums),
                "latex": write_equation_latex(equation, derivation.graph, sums=options.sums),
                "kind": equation.kind,
            }
            for equation in derivation.graph.equations
        ],
        "conventions": list(derivation.conventions),
        **({"multi": list(derivation.graph.multi)} if derivation.graph.multi else {}),
        "stages": [
            _stage(derivation.graph, stage, options, report, number)
            for number, stage in enumerate(derivation.stages)
        ],
        **({"check": report.check_as_json()} if report else {}),
    }


def _stage(
    graph: Graph, stage: Stage, options: Options, report: Report | None, number: int
) -> dict[str, Any]:
    sums, lines = options.sums, stage.at(options.detail)
    return {
        "title": stage.title,
        "goal": _formula(stage.goal, graph, sums),
        "lines": [
            {
                **_formula(line.expr, graph, sums, stage.goal),
                "rules": list(line.rules),
                **_evidence(found),
            }
            for line, found in zip(lines, evidence_for(report, number, stage, lines), strict=True)
        ],
        "result": _formula(stage.result, graph, sums, stage.goal),
        "matrix": _matrix(stage, matrix_evidence(report, number), graph),
        **_symmetry(report, number, stage),
    }


def _matrix(stage: Stage, evidence: Evidence | None, graph: Graph) -> dict[str, Any]:
    line = matrix_line(stage, graph)
    if isinstance(line, NoMatrixLine):
        return {"none": line.reason}
    return {
        "text": line.text(),
        "latex": line.latex(),
        "each": [index.name for index in line.each],
        **_evidence(evidence),
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
