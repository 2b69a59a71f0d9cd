"""What was found about two forms of an expression, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rich.cells import cell_len
from sympy import Expr

from derive.exports.report import Evidence, Witness, summary
from derive.exports.wrap import filled, padded_right, wrap
from derive.expressions import Graph, Index
from derive.notation.names import ascii_name
from derive.notation.write import write_latex, write_text

__all__ = ["comparison_json", "comparison_text"]

MARGIN, GAP = 2, 3


class Premise(Protocol):
    """An equation that an equality rests on, with its proof where it has one."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def left(self) -> Expr: ...
    @property
    def right(self) -> Expr: ...
    @property
    def lines(self) -> Sequence[tuple[Expr, Sequence[str]]]: ...


class Comparison(Protocol):
    """Whether two forms are equal, and what that rests on."""

    @property
    def left(self) -> Expr: ...
    @property
    def right(self) -> Expr: ...
    @property
    def free(self) -> Sequence[Index]: ...
    @property
    def verdict(self) -> str: ...
    @property
    def equal(self) -> bool | None: ...
    @property
    def evidence(self) -> Evidence: ...
    @property
    def premises(self) -> Sequence[Premise] | None: ...
    @property
    def conditions(self) -> Sequence[Premise]: ...
    @property
    def witness(self) -> Witness | None: ...


def comparison_text(
    found: Comparison,
    graph: Graph,
    width: int,
    *,
    ascii: bool = False,  # noqa: A002
) -> str:
    """The verdict with its reasons, in lines of some width."""
    page = _Page(graph, width, ascii)
    lines = page.verdict(found)
    if found.witness is not None:
        lines += page.said(f"{found.witness.text}.", MARGIN)
    for premise in found.premises or ():
        lines += page.premise(premise)
    if found.conditions:
        facts = " and ".join(map(page.equation, found.conditions))
        lines += page.said(f"They would be equal if {facts}.", 0)
    return "\n".join(line.rstrip() for line in lines) + "\n"


class _Page:
    def __init__(self, graph: Graph, width: int, plain: bool) -> None:
        self._graph = graph
        self._width = width
        self._plain = plain

    def verdict(self, found: Comparison) -> list[str]:
        """The first sentence, and what equality by algebra alone needs: nothing."""
        where = _for_every([index.name for index in found.free])
        if found.verdict == "exact":
            how = ", by the definitions" if found.premises is None else ""
            if found.premises is not None and not found.premises:
                how = ", whatever the names in them stand for"
            return self.said(f"exact: the forms are equal{where}{how}.", 0)
        if found.verdict == "sampled":
            why = "It follows from" if found.premises else "There is no proof."
            error = summary(found.evidence).removeprefix("sampled ")
            sentence = f"the forms are equal{where} on all samples, with the worst error {error}."
            return self.said(f"sampled: {sentence} {why}", 0)
        if found.verdict == "different":
            reason = "" if found.witness else f" {found.evidence.reason}."
            return self.said(f"different:{reason}", 0)
        return self.said(f"unknown: {found.evidence.reason}.", 0)

    def premise(self, premise: Premise) -> list[str]:
        """What an equality rests on, with the lines that prove it."""
        if not premise.lines:
            return self.said(f"by the {premise.kind} {self.equation(premise)}", MARGIN)
        word = {"fact": "because", "derivative": "with"}.get(premise.kind, "by")
        lines = self.said(f"{word} {self.equation(premise)}:", MARGIN)
        indent = 2 * MARGIN + cell_len(self._text(premise.left))
        heads = [" " * 2 * MARGIN + self._text(premise.left)]
        heads += [" " * indent] * (len(premise.lines) - 1)
        formulas = [self._text(expr, premise.left) for expr, _ in premise.lines]
        column = max(map(cell_len, formulas)) + indent + 3
        for head, formula, (_, rules) in zip(heads, formulas, premise.lines, strict=True):
            lines += self._row(f"{head} = ", formula, self._words(", ".join(rules)), column)
        return lines

    def _row(self, head: str, formula: str, rules: str, column: int) -> list[str]:
        """A line of a proof with its rules beside it, or below where there is no room."""
        indent = " " * cell_len(head)
        if column + GAP + cell_len(rules) <= self._width:
            return [padded_right(head + formula, column + GAP) + rules]
        first, *others = wrap(formula, self._width - len(indent))
        rows = [head + first, *(indent + other for other in others)]
        return rows + [indent + words for words in filled(rules, self._width - len(indent))]

    def equation(self, premise: Premise) -> str:
        """A premise as an equation."""
        return f"{self._text(premise.left)} = {self._text(premise.right, premise.left)}"

    def said(self, sentence: str, margin: int) -> list[str]:
        """A sentence in lines."""
        words = filled(self._words(sentence), self._width - margin)
        return [" " * margin + line for line in words]

    def _text(self, expr: Expr, *context: Expr) -> str:
        return write_text(expr, self._graph, context, ascii=self._plain)

    def _words(self, words: str) -> str:
        if not self._plain:
            return words
        return ascii_name(words.replace("∂", "d ")).encode("ascii", "replace").decode()


def _for_every(letters: Sequence[str]) -> str:
    if not letters:
        return ""
    *others, last = letters
    return " for every " + (f"{', '.join(others)} and {last}" if others else last)


def comparison_json(found: Comparison, graph: Graph) -> dict[str, Any]:
    """All that was found, as plain data."""
    premises = found.premises
    return {
        "verdict": found.verdict,
        "equal": found.equal,
        "left": _formula(found.left, graph),
        "right": _formula(found.right, graph),
        "free": [index.name for index in found.free],
        "evidence": found.evidence.as_json(),
        "premises": None if premises is None else [_premise(each, graph) for each in premises],
        "conditions": [_premise(each, graph) for each in found.conditions],
        **({"witness": found.witness.as_json()} if found.witness else {}),
    }


def _premise(premise: Premise, graph: Graph) -> dict[str, Any]:
    return {
        "kind": premise.kind,
        "name": premise.name,
        "left": _formula(premise.left, graph),
        "right": _formula(premise.right, graph, premise.left),
        "lines": [
            {**_formula(expr, graph, premise.left), "rules": list(rules)}
            for expr, rules in premise.lines
        ],
    }


def _formula(expr: Expr, graph: Graph, *reserved: Expr) -> dict[str, str]:
    return {
        "text": write_text(expr, graph, reserved),
        "latex": write_latex(expr, graph, reserved),
    }
