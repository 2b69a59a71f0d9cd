"""A derivation for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat, zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from sympy import Expr

from derive.calculus.derivation import Derivation, Line, Stage
from derive.exports.matrix import each, shown_matrix
from derive.exports.options import DEFAULT, Options
from derive.exports.report import (
    Evidence,
    Report,
    evidence_for,
    matrix_evidence,
    summary,
    symmetry_for,
)
from derive.exports.words import ranks_in_words
from derive.exports.wrap import filled, padded_left, padded_right, wrap
from derive.matrix import NoMatrixLine
from derive.notation.names import ascii_name
from derive.notation.write import write_equation_text, write_text

__all__ = ["carries", "listing", "terminal"]

MARGIN = 2
GAP = 3
# With its rules beside it a formula ends no further left than this, else the rules go below.
NARROW = 44
# A narrower terminal than this wraps by itself.
NARROWEST = 40
WIDEST_RULES = 48
LEAST_RULES = 26

STYLES = {"exact": "green", "sampled": "green", "unknown": "yellow", "wrong": "bold red"}


def terminal(
    derivation: Derivation,
    options: Options = DEFAULT,
    *,
    console: Console,
    report: Report | None = None,
) -> None:
    """Print a derivation, aligned at the equals signs, with the rules' names beside the lines.

    It keeps to the width of the console, and to ASCII where the stream cannot carry more. Colours
    are the console's business. The lines of `report` are those shown.
    """
    for plain in (False, True):
        page = _Page(derivation, options, report, plain)
        lines = page.lines(max(console.width, NARROWEST))
        if carries(console.encoding, "\n".join(line.plain for line in lines)):
            break
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True, highlight=False)


def listing(
    titles: Mapping[str, str], console: Console, derivations: Sequence[Derivation] = ()
) -> None:
    """Print the names of derivations with their titles, and what the given ones find."""
    found = {derivation.name: derivation for derivation in derivations}
    indent = max(map(cell_len, titles), default=0) + GAP
    width = max(console.width, indent + NARROWEST)
    for plain in (False, True):
        lines = [
            line
            for name, title in titles.items()
            for line in _entry(name, title, found.get(name), (indent, width - indent), plain)
        ]
        if carries(console.encoding, "\n".join(line.plain for line in lines)):
            break
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)


def _entry(
    name: str, title: str, derivation: Derivation | None, columns: tuple[int, int], plain: bool
) -> list[Text]:
    """A derivation in a listing: its title beside its name, and below the results.

    `columns` are the width before the title and the room for it.
    """
    indent, room = columns
    first, *others = filled(_words(title, plain), room) or [""]
    entry = [Text(padded_right(name, indent), "bold").append(first, "not bold")]
    entry += [Text(" " * indent + line) for line in others]
    results = _results(derivation, plain) if derivation else []
    for first, *others in (wrap(result, room) for result in results):
        entry += [Text(" " * indent + first), *(Text(" " * (indent + 4) + o) for o in others)]
    return entry


def _results(derivation: Derivation, plain: bool) -> list[str]:
    """The equations that a derivation was asked for."""
    stages = [stage for stage in derivation.stages if stage.goal in derivation.goals]
    return [
        f"{write_text(stage.goal, derivation.graph, ascii=plain)} = "
        f"{write_text(stage.result, derivation.graph, (stage.goal,), ascii=plain)}"
        for stage in stages
    ]


def _words(text: str, plain: bool) -> str:
    """A title, the names of rules or a reason, spelled out where the stream is plain."""
    if not plain:
        return text
    return ascii_name(text.replace("∂", "d ")).encode("ascii", "replace").decode()


def carries(encoding: str, text: str) -> bool:
    """Whether a stream of this encoding can carry the text."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@dataclass(frozen=True)
class _Row:
    """A formula with what stands before it and what is said beside it; or a note alone."""

    head: str
    formula: str
    rules: str
    evidence: Evidence | None
    note: str = ""
    witness: str = ""

    @property
    def end(self) -> int:
        return cell_len(self.head + self.formula)

    @property
    def grade(self) -> str:
        return summary(self.evidence) if self.evidence else ""


@dataclass(frozen=True)
class _Columns:
    """Where the columns of a page end; `rules` is 0 where the rules go below the formula."""

    formula: int
    grade: int
    rules: int
    width: int


class _Page:
    """A derivation as lines of text."""

    def __init__(
        self,
        derivation: Derivation,
        options: Options,
        report: Report | None,
        plain: bool,
    ) -> None:
        self.derivation = derivation
        self.options = options
        self.plain = plain
        self.ranks = ranks_in_words(report.ranks if report else ())
        self.account = report.words if report else ""
        self.stages = [
            self._rows(stage, lines, evidence_for(report, k, stage, lines))
            + self._matrix_rows(stage, matrix_evidence(report, k))
            for k, stage in enumerate(derivation.stages)
            for lines in [stage.at(options.detail)]
        ]
        self.symmetries = [
            self._symmetry(symmetry_for(report, k, stage))
            for k, stage in enumerate(derivation.stages)
        ]

    def lines(self, width: int) -> list[Text]:
        """All lines of the page."""
        title = _words(self.derivation.title, self.plain)
        lines = [Text(title, "bold"), Text()] if title else []
        lines += self._definitions(width)
        for sentence in self.derivation.conventions:
            words = _words(sentence, self.plain)
            lines += [Text(" " * MARGIN + line) for line in filled(words, width - MARGIN)]
        columns = self._columns(width)
        for stage, rows, found in zip(
            self.derivation.stages, self.stages, self.symmetries, strict=True
        ):
            title = _words(stage.title, self.plain)
            lines += [Text(), Text(title, "bold")] if title else [Text()]
            lines += [line for row in rows for line in _row_lines(row, columns)]
            lines += [found] if found else []
        return [*lines, *self._said(self.ranks, width), *self._said(self.account, width)]

    def _said(self, sentence: str, width: int) -> list[Text]:
        """A sentence in a paragraph of its own, or nothing."""
        lines = filled(_words(sentence, self.plain), width)
        return [Text(), *map(Text, lines)] if lines else []

    def _definitions(self, width: int) -> list[Text]:
        """The equations, aligned at their equals signs."""
        graph = self.derivation.graph
        equations = [
            write_equation_text(e, graph, ascii=self.plain, sums=self.options.sums)
            for e in graph.equations
        ]
        sides = [equation.partition("= ") for equation in equations]
        indent = MARGIN + max((cell_len(left) for left, _, _ in sides), default=0)
        lines = []
        for left, _, right in sides:
            head = padded_left(left, indent) + "= "
            first, *others = wrap(right, width - cell_len(head))
            lines += [Text(head + first), *(Text(" " * cell_len(head) + more) for more in others)]
        return lines

    def _rows(
        self, stage: Stage, lines: Sequence[Line], evidence: Sequence[Evidence | None]
    ) -> list[_Row]:
        goal = self._text(stage.goal)
        indent = MARGIN + cell_len(goal)
        heads = chain([padded_left(goal, indent) + " = "], repeat(" " * indent + " = "))
        return [
            _Row(
                head,
                self._text(line.expr, stage.goal),
                _words(", ".join(line.rules), self.plain),
                grade,
                witness=_words(grade.witness.text, self.plain) if grade and grade.witness else "",
            )
            for line, grade, head in zip(lines, evidence, heads, strict=False)
        ]

    def _symmetry(self, found: tuple[str, Evidence] | None) -> Text | None:
        """What a stage says below its lines about the symmetry of its result."""
        if found is None:
            return None
        words, evidence = found
        words = words.replace("↔", "<->") if self.plain else words
        line = Text(" " * MARGIN + _words(words, self.plain) + ": ")
        return line.append(summary(evidence), STYLES.get(evidence.grade, ""))

    def _matrix_rows(self, stage: Stage, evidence: Evidence | None) -> list[_Row]:
        """The line in matrix notation below the others, or why there is none."""
        line = shown_matrix(self.derivation, stage, self.options.matrix)
        if line is None:
            return []
        if isinstance(line, NoMatrixLine):
            return [_Row("", "", "", None, _words(str(line), self.plain))]
        goal = self._text(stage.goal)
        left, _, right = line.text(ascii=self.plain).partition(" = ")
        head = padded_left(left, MARGIN + cell_len(goal)) + " = "
        words = ", ".join(word for word in ("matrix form", each(line)) if word)
        return [_Row(head, right, words, evidence)]

    def _text(self, expr: Expr, *context: Expr) -> str:
        """An expression as text; the letters of its dummies are none of the context."""
        graph = self.derivation.graph
        return write_text(expr, graph, context, ascii=self.plain, sums=self.options.sums)

    def _columns(self, width: int) -> _Columns:
        """The columns that leave every formula on one line, or the best that the width allows."""
        rows = [row for stage in self.stages for row in stage]
        grade = max((cell_len(row.grade) + GAP for row in rows if row.evidence), default=0)
        rules = min(WIDEST_RULES, max((cell_len(row.rules) for row in rows), default=0))
        end = max((row.end for row in rows), default=0) + GAP
        rules = max(min(rules, width - grade - end), min(rules, LEAST_RULES))
        room = width - grade - rules
        if self.options.detail == "brief" or room < min(end, NARROW):
            return _Columns(min(end, width - grade), grade, 0, width)
        return _Columns(min(end, room), grade, rules, width)


def _row_lines(row: _Row, columns: _Columns) -> list[Text]:
    """A formula in as many lines as it needs, with its grade and rules in columns or below."""
    if row.note:
        words = filled(row.note, columns.width - MARGIN)
        return [Text(" " * MARGIN + line, "cyan") for line in words]
    indent = cell_len(row.head)
    pieces = wrap(row.formula, max(columns.formula - GAP - indent, 16))
    heads = [row.head, *[" " * indent] * (len(pieces) - 1)]
    formulas = [head + piece for head, piece in zip(heads, pieces, strict=True)]
    lines: list[Text] = []
    for formula, rule in zip_longest(formulas, filled(row.rules, columns.rules), fillvalue=""):
        line = Text(padded_right(formula, columns.formula))
        if not lines and row.evidence:
            line.append(padded_right(row.grade, columns.grade), STYLES.get(row.evidence.grade, ""))
        else:
            line.append(" " * columns.grade)
        line.append(rule, "cyan")
        lines.append(line)
    below = [] if columns.rules else filled(row.rules, columns.width - indent)
    lines += [Text(" " * indent + text, "cyan") for text in below]
    if row.evidence and row.evidence.reason and row.evidence.grade in ("unknown", "wrong"):
        said = [f"{row.evidence.grade}: {row.evidence.reason}"]
        said += [row.witness] if row.witness else []
        reason = [line for words in said for line in filled(words, columns.width - indent)]
        lines += [Text(" " * indent + text, STYLES[row.evidence.grade]) for text in reason]
    return lines
