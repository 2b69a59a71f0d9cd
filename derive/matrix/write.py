"""Matrix expressions as text and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from functools import singledispatchmethod

from sympy import Expr, Rational, S

from derive.expressions import Elementary, Graph, Index, Opaque, Partial, is_tensor, name_of, tensor
from derive.matrix.build import inverted, is_inverse
from derive.matrix.forms import Form, Identity, Leaf, Number, OneHot, Ones, Unit, Zero
from derive.matrix.operations import (
    Apply,
    Bracket,
    Diagonal,
    DiagonalOf,
    Hadamard,
    Power,
    Product,
    Scaled,
    Sum,
    Total,
    Trace,
    Transpose,
)
from derive.matrix.surface import UNICODE, Surface
from derive.notation.arrange import arrange

__all__ = ["Level", "Writer", "signed", "write_form"]

MIRRORED = {"<": ">", "<=": ">="}


def write_form(form: Form, graph: Graph, surface: Surface = UNICODE) -> str:
    """A matrix expression in a spelling."""
    return Writer(graph, surface).text(form)


class Level(IntEnum):
    """How tightly the parts of a text hold together."""

    SUM = 0
    ENTRYWISE = 1
    PRODUCT = 2
    RATIO = 3
    FACTOR = 4
    ATOM = 5


class Writer:
    """Writes forms in a spelling, with the author's names."""

    def __init__(self, graph: Graph, surface: Surface) -> None:
        self.graph = graph
        self.surface = surface
        # A fraction with a line holds together as a factor does.
        self.ratio = Level.RATIO if surface.tall_fractions else Level.FACTOR

    def text(self, form: Form, least: Level = Level.SUM) -> str:
        """The text of a form, in brackets if it holds together less than asked for."""
        text, level = self.write(form)
        return text if level >= least else self.surface.brackets(text)

    @singledispatchmethod
    def write(self, form: Form) -> tuple[str, Level]:
        """The text of a form, and how tightly its parts hold together."""
        raise TypeError(f"no text for {type(form).__name__}")

    @write.register
    def _(self, form: Number) -> tuple[str, Level]:
        return self.write(Scaled(form.value, (), (), None))

    @write.register
    def _(self, form: Zero) -> tuple[str, Level]:
        return "0", Level.ATOM

    @write.register
    def _(self, form: Leaf) -> tuple[str, Level]:
        text = self._notation(_without(form.expr, form.axes))
        # The name of an inverse, `A⁻¹`, has a superscript already.
        raised = is_tensor(form.expr) and "⁻" in name_of(form.expr)
        level = Level.FACTOR if raised else Level.ATOM
        return text, Level.RATIO if isinstance(form.expr, Partial) else level

    @write.register
    def _(self, form: Ones) -> tuple[str, Level]:
        return self.surface.ones, Level.ATOM

    @write.register
    def _(self, form: Identity) -> tuple[str, Level]:
        return self._notation(tensor(self._spare("I"))), Level.ATOM

    @write.register
    def _(self, form: Unit) -> tuple[str, Level]:
        return self._notation(tensor(self._spare("e"), form.position)), Level.ATOM

    @write.register
    def _(self, form: OneHot) -> tuple[str, Level]:
        labels = Index(name_of(form.labels))
        return self._notation(tensor(self._spare("E"), labels)), Level.ATOM

    @write.register
    def _(self, form: Transpose) -> tuple[str, Level]:
        return self.text(form.inner, Level.ATOM) + self.surface.transposed, Level.FACTOR

    @write.register
    def _(self, form: Product) -> tuple[str, Level]:
        return " ".join(self.factors(form)), Level.PRODUCT

    @write.register
    def _(self, form: Hadamard) -> tuple[str, Level]:
        plain = [factor for factor in form.factors if not is_inverse(factor)]
        below = [inverted(factor) for factor in form.factors if is_inverse(factor)]
        texts = self._all(plain, self.ratio) or [self._all_ones(form)]
        text = f" {self.surface.hadamard} ".join(texts)
        for factor in below:
            text += f" {self.surface.over} {self.text(factor, self.ratio)}"
        return text, Level.ENTRYWISE

    @write.register
    def _(self, form: Sum) -> tuple[str, Level]:
        text = ""
        for term in form.terms:
            negative, term = signed(term)
            sign = self.surface.minus if negative else "+"
            body = self.text(term, Level.ENTRYWISE)
            text += f" {sign} {body}" if text else f"{sign if negative else ''}{body}"
        return text, Level.SUM

    @write.register
    def _(self, form: Scaled) -> tuple[str, Level]:
        negative, bare = signed(form)
        if negative:
            return self.surface.minus + self.text(bare, Level.ENTRYWISE), Level.SUM
        factors = self.factors(form)
        if len(factors) == 1:
            whole = form.coefficient.is_Integer and not form.below
            return factors[0], Level.ATOM if whole else self.ratio
        return " ".join(factors), Level.PRODUCT

    @write.register
    def _(self, form: Diagonal) -> tuple[str, Level]:
        name, inner = self.surface.named("diag"), form.inner
        if not is_inverse(inner):
            return self.surface.call(name, self.text(inner)), Level.ATOM
        assert isinstance(inner, Power)
        exponent = inner.exponent
        if isinstance(exponent, Number) and exponent.value.is_Integer:
            base = inner.inner
        else:
            base, exponent = inverted(inner), Number(S.NegativeOne)
        text = self.surface.call(name, self.text(base))
        return self.surface.power(text, self.text(exponent)), Level.FACTOR

    @write.register
    def _(self, form: DiagonalOf) -> tuple[str, Level]:
        return self.surface.call(self.surface.named("diag"), self.text(form.inner)), Level.ATOM

    @write.register
    def _(self, form: Trace) -> tuple[str, Level]:
        return self.surface.call(self.surface.named("tr"), self.text(form.inner)), Level.ATOM

    @write.register
    def _(self, form: Apply) -> tuple[str, Level]:
        arguments = ", ".join(map(self.text, form.arguments))
        row = form.function
        if row.fences != ("(", ")") and self.surface.tall_fractions:
            return arguments.join(row.fences), Level.ATOM
        return self.surface.call(self._called(row), arguments), Level.ATOM

    @write.register
    def _(self, form: Bracket) -> tuple[str, Level]:
        sides, relation = [form.left, form.right], form.relation
        if form.left.is_scalar and not form.right.is_scalar:
            sides, relation = sides[::-1], MIRRORED.get(relation, relation)
        left, right = (self.text(side) for side in sides)
        return self.surface.compare(left, self.surface.relations[relation], right), Level.ATOM

    @write.register
    def _(self, form: Power) -> tuple[str, Level]:
        if is_inverse(form):
            below = inverted(form)
            if form.is_scalar:
                return self.write(Scaled(S.One, (), (below,), None))
            over = f"{self._all_ones(form)} {self.surface.over} {self.text(below, Level.FACTOR)}"
            return over, Level.ENTRYWISE
        if form.exponent == Number(S.Half):
            return self.surface.root(self.text(form.inner)), Level.ATOM
        base, exponent = self.text(form.inner, Level.ATOM), self.text(form.exponent)
        spelled = self.surface.power if form.is_scalar else self.surface.entry_power
        return spelled(base, exponent), Level.FACTOR

    @write.register
    def _(self, form: Total) -> tuple[str, Level]:
        letters = "".join(index.name for index in form.over)
        text = self.surface.sum_over(letters) + self.text(form.inner, Level.PRODUCT)
        return text, Level.SUM

    def _notation(self, expr: Expr) -> str:
        return self.surface.leaf(arrange(expr, self.graph))

    def _called(self, row: Elementary) -> str:
        """The name of a function; one that is a letter is spelled as the author's names are."""
        if issubclass(row.function, Opaque):
            return self._notation(tensor(row.name))
        name = row.latex if self.surface.tall_fractions else row.name
        return name or self.surface.named(row.name)

    def _spare(self, name: str) -> str:
        """A name for a matrix of the notation that the author has not used."""
        while name in self.graph.names:
            name += "'"
        return name

    def _all_ones(self, form: Form) -> str:
        """The column or matrix of ones of a form's shape."""
        rows, columns = form.shape
        ones, turned = self.surface.ones, self.surface.ones + self.surface.transposed
        both = self.surface.brackets(f"{ones} {turned}")
        return ones if columns is None else turned if rows is None else both

    def factors(self, form: Form) -> list[str]:
        """The factors of a product, ready to stand side by side."""
        scalars = self._scalars(form) if isinstance(form, Scaled) else []
        inner = form.inner if isinstance(form, Scaled) else form
        matrices = inner.factors if isinstance(inner, Product) else (inner,) if inner else ()
        texts = [*scalars, *self._all(matrices, self.ratio)] or ["1"]
        return [
            self._before(text, after) for text, after in zip(texts, [*texts[1:], ""], strict=True)
        ]

    def _before(self, text: str, after: str) -> str:
        """A factor with what keeps it apart from the next one."""
        if text.isdigit() and text != self.surface.ones and after[:1].isdigit():
            # The ones behind a number would look like a part of it.
            return f"{text} {self.surface.times}"
        return text + r" \," if _is_ratio(text) and _is_ratio(after) else text

    def _scalars(self, form: Scaled) -> list[str]:
        """What stands in front of a form: derivatives, a fraction or a number, other scalars."""
        partials = [f for f in form.above if isinstance(f, Leaf) and isinstance(f.expr, Partial)]
        plain = [f for f in form.above if isinstance(f, Leaf) and f not in partials]
        others = [f for f in form.above if f not in partials and f not in plain]
        number = form.coefficient
        above = ([str(number.p)] if number.p != 1 else []) + self._all(plain)
        least = Level.SUM if self.surface.tall_fractions and len(form.below) == 1 else self.ratio
        below = ([str(number.q)] if number.q != 1 else []) + self._all(form.below, least)
        texts = self._all(partials, Level.RATIO)
        if below:
            alone = not (texts or others or form.inner)
            texts.append(self._ratio(above, below, alone))
        else:
            # A number stands before everything, derivatives included.
            texts = above[: number.p != 1] + texts + above[number.p != 1 :]
        # A product of matrices that ends the line needs no brackets.
        open_end = 1 if others and form.inner is None else 0
        closed = others[: len(others) - open_end]
        return texts + self._all(closed) + self._all(others[len(closed) :], Level.PRODUCT)

    def _all(self, forms: Sequence[Form], least: Level = Level.FACTOR) -> list[str]:
        """The texts of forms, each in brackets where it needs them."""
        return [self.text(form, least) for form in forms]

    def _ratio(self, above: list[str], below: list[str], alone: bool) -> str:
        over, under = " ".join(above) or "1", " ".join(below)
        if self.surface.tall_fractions:
            return self.surface.fraction(over, under)
        text = self.surface.fraction(over, self.surface.brackets(under) if below[1:] else under)
        return text if alone else self.surface.brackets(text)


def _is_ratio(text: str) -> bool:
    return text.startswith(r"\frac")


def signed(form: Form) -> tuple[bool, Form]:
    """Whether a form has a minus in front, and the form without it."""
    if isinstance(form, Number) and form.value < 0:
        return True, Number(-form.value)
    if not isinstance(form, Scaled) or form.coefficient > 0:
        return False, form
    opposite: Rational = -form.coefficient
    bare = opposite == 1 and not form.above and not form.below and form.inner is not None
    return True, form.inner if bare and form.inner else replace(form, coefficient=opposite)


def _without(expr: Expr, axes: Sequence[Index]) -> Expr:
    """A leaf without the indices that run."""
    if isinstance(expr, Partial):
        sides = (_without(expr.function, axes), _without(expr.variable, axes))
        return Partial(*sides, *expr.held)
    if not axes or not hasattr(expr, "indices"):
        return expr
    return tensor(name_of(expr), *(slot for slot in expr.indices if slot not in axes))
