"""A derivation in LaTeX and Markdown: an `aligned` block for each stage."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import chain, repeat

from derive.calculus.derivation import Derivation, Stage
from derive.exports.matrix import shown_matrix
from derive.exports.options import DEFAULT, Options
from derive.exports.report import (
    Evidence,
    Report,
    evidence_for,
    matrix_evidence,
    summary,
    symmetry_for,
    witnessed,
)
from derive.exports.words import (
    comment,
    latex_words,
    markdown_words,
    ranks_in_words,
    word_width,
)
from derive.expressions import Graph
from derive.matrix import MatrixLine, NoMatrixLine, form_latex_lines, write_form
from derive.matrix.surface import LATEX
from derive.notation.arrange import Sums, arrange
from derive.notation.latex import latex as layout_latex
from derive.notation.lines import latex_lines, write_latex_lines
from derive.notation.measure import width as measured
from derive.notation.names import latex_name
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
% The widths by which lines are broken are estimates; a point is not seen.
\hfuzz=1pt
"""


def latex_block(
    stage: Stage,
    graph: Graph,
    options: Options = DEFAULT,
    *,
    matrix: MatrixLine | None = None,
    width: float = TEXT_WIDTH,
    grades: Sequence[str] = (),
) -> str:
    """The lines of a stage as an `aligned` block, to stand in display maths.

    Parameters
    ----------
    matrix : a further line, in matrix notation.
    width : the room on a line, in em; longer formulas are broken.
    grades : a comment for each line, the one in matrix notation last.
    """
    return _aligned(_stage_rows(stage, graph, options, matrix, width, grades))


def _stage_rows(
    stage: Stage,
    graph: Graph,
    options: Options,
    matrix: MatrixLine | None,
    width: float = TEXT_WIDTH,
    grades: Sequence[str] = (),
) -> list[str]:
    """The lines of a stage as rows of an alignment."""
    lines = stage.at(options.detail)
    goal = arrange(stage.goal, graph, sums=options.sums)
    layouts = [arrange(line.expr, graph, (stage.goal,), options.sums) for line in lines]
    notes = [", ".join(line.rules) if options.reasons else "" for line in lines]
    room = width - measured(goal) - EQUALS
    column = _note_width(notes, room - max(map(measured, layouts)))
    room -= column + GAP if column else 0
    names = set(graph.names) - _WORDS
    rows: list[str] = []
    comments = chain(grades, repeat(""))
    for left, layout, note, grade in zip(
        chain([layout_latex(goal)], repeat("")), layouts, notes, comments, strict=False
    ):
        pieces = latex_lines(layout, max(room, LEAST))
        words = textwrap.wrap(note, int(column / word_width("x")) or 1, break_on_hyphens=False)
        rows += _graded(_rows(left, pieces, [latex_words(text, names) for text in words]), grade)
    if matrix:
        last = _matrix_rows(matrix, graph, options.reasons, max(room, LEAST))
        rows += _graded(last, next(comments))
    return rows


def _graded(rows: list[str], grade: str) -> list[str]:
    """The rows of a line with its grade as a comment above them."""
    return [comment(grade) + rows[0], *rows[1:]] if grade else rows


def _shown_evidence(
    report: Report | None, number: int, stage: Stage, options: Options, matrix: MatrixLine | None
) -> list[Evidence | None]:
    """The evidence for the lines of a stage that are shown."""
    last = [matrix_evidence(report, number)] if matrix else []
    return [*evidence_for(report, number, stage, stage.at(options.detail)), *last]


def _grades(
    report: Report | None, number: int, stage: Stage, options: Options, matrix: MatrixLine | None
) -> list[str]:
    """The grades of the lines of a stage that are shown."""
    lines = _shown_evidence(report, number, stage, options, matrix)
    return [summary(evidence) if evidence else "" for evidence in lines]


def _matrix_rows(line: MatrixLine, graph: Graph, reasons: bool, room: float) -> list[str]:
    """A line in matrix notation, with a left side of its own."""
    pieces = form_latex_lines(line.form, graph, room)
    if line.each:
        letters = ", ".join(latex_name(index.name) for index in line.each)
        pieces[-1] += rf" \quad \text{{for each }} {letters}"
    return _rows(write_form(line.goal, graph, LATEX), pieces, ["matrix form"] if reasons else [])


def _note_width(notes: Sequence[str], left: float) -> float:
    """The width of the column of notes, in em: what formulas leave, if that is not too little."""
    return max(min(max(map(word_width, notes)), left - GAP), NARROWEST) if any(notes) else 0.0


def _rows(
    left: str, pieces: Sequence[str], notes: Sequence[str] = (), *, equals: str = "="
) -> list[str]:
    """The rows of one equation, continuations indented, with the lines of a note beside it."""
    first, *others = pieces
    words = [rf"\text{{\small {note}}}" for note in notes]
    if len(words) > 1:
        lines = r" \\ ".join(f"&{line}" for line in words)
        words = [rf"\begin{{aligned}}{lines}\end{{aligned}}"]
    beside = "".join(f" && {line}" for line in words)
    return [f"{left} &{equals} {first}{beside}".lstrip(), *(rf"&\quad {piece}" for piece in others)]


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
        equals = ":=" if equation.kind == "abbreviation" else "="
        rows += _rows(write_latex(left, graph, context, sums=sums), pieces, equals=equals)
    return rows


def latex(
    derivation: Derivation, options: Options = DEFAULT, *, report: Report | None = None
) -> str:
    """All blocks in display maths, for pasting into an article that loads amsmath.

    What a report says stands in comments.
    """
    definitions = _aligned(_definitions(derivation.graph, options.sums))
    text = comment(derivation.title) + _bracketed(definitions)
    text += "".join(latex_words(sentence) + "\n" for sentence in derivation.conventions)
    for number, stage in enumerate(derivation.stages):
        line, why = _split(derivation, stage, options)
        grades = _grades(report, number, stage, options, line)
        block = latex_block(stage, derivation.graph, options, matrix=line, grades=grades)
        text += f"\n{comment(stage.title)}{_bracketed(block)}{comment(why)}"
    return text + _account(report)


def _account(report: Report | None) -> str:
    """What a report says below the lines, in comments."""
    lines = textwrap.wrap(report.words, 90) if report else []
    return "".join(map(comment, lines))


def _bracketed(block: str) -> str:
    return f"\\[\n{block}\n\\]\n"


def _split(derivation: Derivation, stage: Stage, options: Options) -> tuple[MatrixLine | None, str]:
    """The line in matrix notation that a stage shows, and else why there is none."""
    line = shown_matrix(derivation, stage, options.matrix)
    return (None, str(line)) if isinstance(line, NoMatrixLine) else (line, "")


def latex_document(
    derivation: Derivation, options: Options = DEFAULT, *, report: Report | None = None
) -> str:
    """A stand-alone document that compiles with pdfLaTeX, XeLaTeX or LuaLaTeX."""
    names = derivation.graph.names
    said = "\n".join(latex_words(sentence) for sentence in derivation.conventions)
    sections = [("Definitions", _definitions(derivation.graph, options.sums), said)]
    for number, stage in enumerate(derivation.stages):
        line, why = _split(derivation, stage, options)
        grades = _grades(report, number, stage, options, line)
        rows = _stage_rows(stage, derivation.graph, options, line, grades=grades)
        below = rf"\noindent {latex_words(_sentence(why), names)}" if why else ""
        sections.append((latex_words(stage.title, names), rows, below))
    parts = [PREAMBLE, "\\begin{document}\n\\abovedisplayshortskip=\\abovedisplayskip"]
    parts += [rf"\section*{{{latex_words(derivation.title)}}}"] if derivation.title else []
    for title, rows, below in sections:
        heading = rf"\paragraph{{{title}}}" "\n" if title else ""
        parts.append(heading + _on_page(rows))
        parts += [below] if below else []
    parts += [*_references(derivation.references)]
    parts += [_account(report).rstrip()] if report else []
    parts += [r"\end{document}"]
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
    derivation: Derivation, options: Options = DEFAULT, *, report: Report | None = None
) -> str:
    """Markdown with the maths in `$$` blocks, for GitHub, KaTeX and MathJax."""
    parts = [f"# {markdown_words(derivation.title)}"] if derivation.title else []
    parts += [_display(_aligned(_definitions(derivation.graph, options.sums)))]
    said = [markdown_words(sentence) for sentence in derivation.conventions]
    parts += [" ".join(said)] if said else []
    for number, stage in enumerate(derivation.stages):
        line, why = _split(derivation, stage, options)
        block = latex_block(stage, derivation.graph, options, matrix=line)
        parts += [f"## {markdown_words(stage.title)}"] if stage.title else []
        parts += [_display(block)]
        parts += [markdown_words(_sentence(why))] if why else []
        parts += _evidence(report, number, stage, options, line)
    parts += [ranks_in_words(report.ranks)] if report and report.ranks else []
    parts += [markdown_words(report.words)] if report else []
    if derivation.references:
        parts += ["## References", "\n".join(f"- {ref}" for ref in derivation.references)]
    return "\n\n".join(parts) + "\n"


def _display(block: str) -> str:
    return f"$$\n{block}\n$$"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _evidence(
    report: Report | None, number: int, stage: Stage, options: Options, matrix: MatrixLine | None
) -> list[str]:
    """What the check found, line after line, in one sentence."""
    if report is None:
        return []
    lines = _shown_evidence(report, number, stage, options, matrix)
    found = [summary(evidence) if evidence else "" for evidence in lines]
    symmetry = symmetry_for(report, number, stage)
    more = f" {symmetry[0].capitalize()}: {summary(symmetry[1])}." if symmetry else ""
    said = ["Checked line by line: " + ", ".join(found) + "." + more]
    return said + [
        f"Line {number} fails {markdown_words(words)}." for number, words in witnessed(lines)
    ]
