"""A derivation in LaTeX and Markdown: an `aligned` block for each stage."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import chain, repeat

from derive.calculus.derivation import Derivation, Detail, Stage
from derive.exports.report import Report, evidence_for, summary, symmetry_for
from derive.exports.words import (
    comment,
    latex_words,
    markdown_words,
    ranks_in_words,
    word_width,
)
from derive.expressions import Graph
from derive.notation.arrange import Sums, arrange
from derive.notation.latex import latex as layout_latex
from derive.notation.lines import latex_lines, write_latex_lines
from derive.notation.measure import width as measured
from derive.notation.write import latex_purpose, write_latex

__all__ = ["latex", "latex_block", "latex_document", "markdown"]

# The text width of an A4 article at 10 pt with the margins of `PREAMBLE`, in em.
TEXT_WIDTH = 45.0
# The rows of a display that is not broken across pages.
MOST_ROWS = 15
# The least room for formulas and for notes, and what stands between columns.
LEAST = 14.0
NARROWEST = 11.0
GAP = 2.5
EQUALS = 1.5

# Names that are words of English too; in a reason they are taken for words.
_WORDS = {"a", "A", "I"}

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[margin=2.5cm]{geometry}
\usepackage{amsmath}
\allowdisplaybreaks
"""


def latex_block(
    stage: Stage,
    graph: Graph,
    *,
    detail: Detail = "article",
    reasons: bool = False,
    width: float = TEXT_WIDTH,
    sums: Sums = "einstein",
) -> str:
    """The lines of a stage as an `aligned` block, to stand in display maths.

    Parameters
    ----------
    reasons : whether the rules' names stand in a column at the right.
    width : the room on a line, in em; longer formulas are broken.
    sums : how sums are shown, as in `write_text`.
    """
    return _aligned(_stage_rows(stage, graph, detail, reasons, sums, width))


def _stage_rows(
    stage: Stage,
    graph: Graph,
    detail: Detail,
    reasons: bool,
    sums: Sums,
    width: float = TEXT_WIDTH,
) -> list[str]:
    """The lines of a stage as rows of an alignment."""
    lines = stage.at(detail)
    goal = arrange(stage.goal, graph, sums=sums)
    layouts = [arrange(line.expr, graph, (stage.goal,), sums) for line in lines]
    notes = [", ".join(line.rules) if reasons else "" for line in lines]
    room = width - measured(goal) - EQUALS
    column = _note_width(notes, room - max(map(measured, layouts)))
    room -= column + GAP if column else 0
    names = set(graph.names) - _WORDS
    rows = []
    for left, layout, note in zip(
        chain([layout_latex(goal)], repeat("")), layouts, notes, strict=False
    ):
        pieces = latex_lines(layout, max(room, LEAST))
        words = textwrap.wrap(note, int(column / word_width("x")) or 1, break_on_hyphens=False)
        rows += _rows(left, pieces, [latex_words(text, names) for text in words])
    return rows


def _note_width(notes: Sequence[str], left: float) -> float:
    """The width of the column of notes, in em: what formulas leave, if that is not too little."""
    return max(min(max(map(word_width, notes)), left - GAP), NARROWEST) if any(notes) else 0.0


def _rows(left: str, pieces: Sequence[str], notes: Sequence[str] = ()) -> list[str]:
    """The rows of one equation, continuations indented, with the lines of a note beside it."""
    first, *others = pieces
    words = [rf"\text{{\small {note}}}" for note in notes]
    if len(words) > 1:
        lines = r" \\ ".join(f"&{line}" for line in words)
        words = [rf"\begin{{aligned}}{lines}\end{{aligned}}"]
    beside = "".join(f" && {line}" for line in words)
    return [f"{left} &= {first}{beside}".lstrip(), *(rf"&\quad {piece}" for piece in others)]


def _aligned(rows: Sequence[str], environment: str = "aligned") -> str:
    body = " \\\\\n".join(rows)
    return f"\\begin{{{environment}}}\n{body}\n\\end{{{environment}}}"


def _on_page(rows: Sequence[str]) -> str:
    """Rows as display maths; many of them may go on on the next page."""
    if len(rows) > MOST_ROWS:
        return _aligned(rows, "align*")
    return f"\\[\n{_aligned(rows)}\n\\]"


def _definitions(graph: Graph, sums: Sums, width: float = TEXT_WIDTH) -> list[str]:
    """The equations as rows of an alignment."""
    rows = []
    for equation in graph.equations:
        left, right = equation.sides
        context = equation.sides
        pieces = write_latex_lines(right, graph, context, room=width - 5, sums=sums)
        pieces[-1] += latex_purpose(equation)
        rows += _rows(write_latex(left, graph, context, sums=sums), pieces)
    return rows


def latex(
    derivation: Derivation,
    *,
    detail: Detail = "article",
    reasons: bool = False,
    sums: Sums = "einstein",
) -> str:
    """All blocks in display maths, for pasting into an article that loads amsmath."""
    parts = [(derivation.title, _aligned(_definitions(derivation.graph, sums)))]
    parts += [
        (stage.title, _aligned(_stage_rows(stage, derivation.graph, detail, reasons, sums)))
        for stage in derivation.stages
    ]
    first, *others = [f"{comment(title)}\\[\n{block}\n\\]\n" for title, block in parts]
    said = "".join(latex_words(sentence) + "\n" for sentence in derivation.conventions)
    return "\n".join([first + said, *others])


def latex_document(
    derivation: Derivation,
    *,
    detail: Detail = "article",
    reasons: bool = True,
    sums: Sums = "einstein",
) -> str:
    """A stand-alone document that compiles with pdfLaTeX, XeLaTeX or LuaLaTeX."""
    names = derivation.graph.names
    sections = [("Definitions", _definitions(derivation.graph, sums))]
    sections += [
        (
            latex_words(stage.title, names),
            _stage_rows(stage, derivation.graph, detail, reasons, sums),
        )
        for stage in derivation.stages
    ]
    parts = [PREAMBLE, "\\begin{document}\n\\abovedisplayshortskip=\\abovedisplayskip"]
    parts += [rf"\section*{{{latex_words(derivation.title)}}}"] if derivation.title else []
    for title, rows in sections:
        heading = rf"\paragraph{{{title}}}" "\n" if title else ""
        parts.append(heading + _on_page(rows))
    said = [latex_words(sentence) for sentence in derivation.conventions]
    parts[-len(sections) + 1 : -len(sections) + 1] = ["\n".join(said)] if said else []
    parts += [*_references(derivation.references), r"\end{document}"]
    return "\n\n".join(parts) + "\n"


def _references(references: Sequence[str]) -> list[str]:
    if not references:
        return []
    # A long address may be broken behind a slash.
    words = [latex_words(reference).replace("/", r"/\allowbreak ") for reference in references]
    items = "\n".join(rf"\item {reference}" for reference in words)
    return [
        f"\\paragraph{{References}}\n\\begin{{itemize}}\\raggedright\n{items}\n\\end{{itemize}}"
    ]


def markdown(
    derivation: Derivation,
    *,
    detail: Detail = "article",
    reasons: bool = False,
    report: Report | None = None,
    sums: Sums = "einstein",
) -> str:
    """Markdown with the maths in `$$` blocks, for GitHub, KaTeX and MathJax."""
    parts = [f"# {markdown_words(derivation.title)}"] if derivation.title else []
    parts += [_display(_aligned(_definitions(derivation.graph, sums)))]
    said = [markdown_words(sentence) for sentence in derivation.conventions]
    parts += [" ".join(said)] if said else []
    for number, stage in enumerate(derivation.stages):
        parts += [f"## {markdown_words(stage.title)}"] if stage.title else []
        parts += [
            _display(_aligned(_stage_rows(stage, derivation.graph, detail, reasons, sums))),
            *_evidence(report, number, stage, detail),
        ]
    parts += [ranks_in_words(report.ranks)] if report and report.ranks else []
    if derivation.references:
        parts += ["## References", "\n".join(f"- {ref}" for ref in derivation.references)]
    return "\n\n".join(parts) + "\n"


def _display(block: str) -> str:
    return f"$$\n{block}\n$$"


def _evidence(report: Report | None, number: int, stage: Stage, detail: Detail) -> list[str]:
    """What the check found, line after line, in one sentence."""
    found = [e for e in evidence_for(report, number, stage, stage.at(detail)) if e is not None]
    if not found:
        return []
    symmetry = symmetry_for(report, number, stage)
    more = f" {symmetry[0].capitalize()}: {summary(symmetry[1])}." if symmetry else ""
    return ["Checked line by line: " + ", ".join(map(summary, found)) + "." + more]
