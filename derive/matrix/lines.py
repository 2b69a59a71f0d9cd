"""Long matrix expressions as LaTeX in several lines, broken before the terms of a sum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from derive.expressions import Graph
from derive.matrix.forms import Form
from derive.matrix.operations import Product, Scaled, Sum
from derive.matrix.surface import LATEX
from derive.matrix.write import Level, Writer, signed, write_form

__all__ = ["form_latex_lines"]

Piece: TypeAlias = tuple[str, float]
"""A part of a line and its width in em."""

# The width of a character of the text in the LaTeX that says the same, roughly.
EM = 0.5


def form_latex_lines(form: Form, graph: Graph, room: float) -> list[str]:
    """A form as LaTeX in lines of about `room` em each, those after the first with a sign."""
    if _width(form, graph) <= room:
        return [write_form(form, graph, LATEX)]
    lines: list[str] = []
    left = 0.0
    for text, width in _pieces(form, graph, room):
        if lines and width <= left:
            lines[-1] += f" {text}"
        else:
            lines.append(f"{{}} {text}" if lines else text)
            left = room
        left -= width
    return lines


def _width(form: Form, graph: Graph) -> float:
    return EM * len(write_form(form, graph))


def _pieces(form: Form, graph: Graph, room: float) -> Iterator[Piece]:
    """The parts between which a line may be broken, each with its width."""
    if isinstance(form, Sum):
        for sign, term in _terms(form):
            (text, width), *others = _parts(term, graph, room)
            yield sign + text, EM * len(sign) + width
            yield from others
    else:
        negative, bare = signed(form)
        (text, width), *others = _parts(bare, graph, room)
        yield "-" * negative + text, width
        yield from others


def _terms(form: Sum) -> Iterator[tuple[str, Form]]:
    """The terms of a sum, each with its sign; the first has no plus."""
    for position, term in enumerate(form.terms):
        negative, bare = signed(term)
        yield ("- " if position else "-") if negative else "+ " if position else "", bare


def _parts(form: Form, graph: Graph, room: float) -> list[Piece]:
    """A term without its sign; if it is long, a sum in brackets among its factors is opened."""
    inner = form.inner if isinstance(form, Scaled) else form
    factors = inner.factors if isinstance(inner, Product) else (inner,)
    place, long = next(((n, f) for n, f in enumerate(factors) if isinstance(f, Sum)), (0, None))
    if _width(form, graph) <= room or long is None or long is form:
        return [(Writer(graph, LATEX).text(form, Level.ENTRYWISE), _width(form, graph))]
    texts = Writer(graph, LATEX).factors(form)
    place += len(texts) - len(factors)
    pieces = list(_pieces(long, graph, room))
    ahead = _width(form, graph) - _width(long, graph)
    pieces[0] = (" ".join([*texts[:place], rf"\biggl({pieces[0][0]}"]), pieces[0][1] + ahead)
    pieces[-1] = (" ".join([rf"{pieces[-1][0]}\biggr)", *texts[place + 1 :]]), pieces[-1][1])
    return pieces
