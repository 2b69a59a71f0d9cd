"""The LaTeX surface: amsmath in maths mode, which KaTeX and MathJax read too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from itertools import zip_longest

from derive.notation.layout import (
    Apply,
    Comparison,
    Delta,
    Derivative,
    Division,
    Exponential,
    Fraction,
    Group,
    Letter,
    Node,
    Number,
    OneTensor,
    Power,
    Product,
    Reduction,
    Root,
    Sum,
    Summation,
    Symbol,
    has,
    is_computed,
    is_open,
)
from derive.notation.names import INVERSE, latex_name

__all__ = ["latex", "latex_factors", "latex_terms"]


SUM = r"\sum"

# What stands above and below a line; two of them side by side need a space between.
_RATIOS = (Fraction, Derivative)
_RELATIONS = {"<": "<", "≤": r"\le", "=": "=", "≠": r"\ne", ">": ">", "≥": r"\ge"}


@singledispatch
def latex(node: Node) -> str:
    """The LaTeX of a layout, without parentheses around it."""
    raise TypeError(f"no LaTeX for {type(node).__name__}")


@latex.register
def _(node: Number) -> str:
    return str(node.value)


@latex.register
def _(node: Letter) -> str:
    return latex_name(node.name)


@latex.register
def _(node: Symbol) -> str:
    return latex_name(node.name) + _subscript(node.slots)


@latex.register
def _(node: OneTensor) -> str:
    return r"\mathbf{1}" + _subscript((node.index,))


@latex.register
def _(node: Delta) -> str:
    return r"\delta" + _subscript(node.slots)


@latex.register
def _(node: Derivative) -> str:
    function, variables = node.repeated
    by = [_inline(variable) or _parentheses(variable) for variable in variables]
    below = r" \, ".join(rf"\partial {variable}" for variable in by)
    sign = r"\partial" if len(by) == 1 else rf"\partial^{{{len(by)}}}"
    above = _inline(function)
    if above is None:
        ratio = rf"\frac{{{sign}}}{{{below}}} {_parentheses(function)}"
    else:
        ratio = rf"\frac{{{sign} {above}}}{{{below}}}"
    if not node.held:
        return ratio
    return rf"\left.{ratio}\right|_{{{', '.join(map(latex_name, node.held))}}}"


@latex.register
def _(node: Apply) -> str:
    argument, *others = node.arguments
    if isinstance(argument, Symbol | Comparison) and node.operator and not others:
        return f"{node.command} {latex(argument)}"
    return _applied(node)


@latex.register
def _(node: Comparison) -> str:
    first, *others = map(latex, node.sides)
    signs = (_RELATIONS[relation] for relation in node.relations)
    inner = first + "".join(f" {s} {side}" for s, side in zip(signs, others, strict=True))
    return rf"\left[{inner}\right]" if _is_tall(node) else f"[{inner}]"


@latex.register
def _(node: Summation) -> str:
    return f"{_sign(SUM, node.letters)} {_enclosed(node.body, Sum)}"


@latex.register
def _(node: Reduction) -> str:
    sign = _sign(node.command, node.letters)
    inner = node.body.base if isinstance(node.body, Power) else node.body
    return (
        f"{sign} {latex(node.body)}"
        if isinstance(inner, Symbol)
        else sign + _parentheses(node.body)
    )


def _sign(command: str, letters: tuple[Node, ...]) -> str:
    return f"{command}_{{{', '.join(map(latex, letters))}}}"


@latex.register
def _(node: Exponential) -> str:
    if node.exponent == Number(1):
        return "e"
    raised = _raised(node.exponent)
    return rf"\exp{_parentheses(node.exponent)}" if raised is None else f"e^{{{raised}}}"


@latex.register
def _(node: Root) -> str:
    return rf"\sqrt{{{latex(node.radicand)}}}"


@latex.register
def _(node: Group) -> str:
    return _parentheses(node.inner)


@latex.register
def _(node: Power) -> str:
    fenced = isinstance(node.base, Apply) and not node.base.command
    bare = fenced or isinstance(node.base, Symbol | Number | Group)
    bare = bare and not _is_raised(node.base)
    base = latex(node.base) if bare else _parentheses(node.base)
    raised = _raised(node.exponent) or latex(node.exponent)
    # In braces of its own, a power `T` is told from a transpose.
    return f"{base}^{{{{{raised}}}}}" if raised in ("T", "H") else f"{base}^{{{raised}}}"


def _is_raised(node: Node) -> bool:
    """Whether the name has a superscript of its own: that of an inverse."""
    return isinstance(node, Symbol) and node.name.endswith(INVERSE)


@latex.register
def _(node: Fraction) -> str:
    return rf"\frac{{{latex(node.numerator)}}}{{{latex(node.denominator)}}}"


@latex.register
def _(node: Product) -> str:
    return " ".join(latex_factors(node))


@latex.register
def _(node: Sum) -> str:
    return " ".join(latex_terms(node))


def latex_terms(node: Node) -> list[str]:
    """The terms of a sum, each with its sign; a single one for anything else."""
    if not isinstance(node, Sum):
        return [latex(node)]
    return _signed(node, [_enclosed(term.node, Sum, Division) for term in node.terms])


def _signed(node: Sum, texts: Sequence[str]) -> list[str]:
    """The texts of the terms of a sum with their signs; the first has no plus."""
    first, *others = node.terms
    return [("-" if first.negative else "") + texts[0]] + [
        f"{'-' if term.negative else '+'} {text}"
        for term, text in zip(others, texts[1:], strict=True)
    ]


def latex_factors(node: Product) -> list[str]:
    """The factors, each closed where the next one could be read into it."""
    texts: list[str] = []
    for factor, after in zip_longest(node.factors, node.factors[1:]):
        if isinstance(factor, Sum):
            tall = any(map(_is_tall, node.factors))
            text = rf"\left({latex(factor)}\right)" if tall else _parentheses(factor)
        elif isinstance(factor, Division):
            text = _enclosed(factor, Division)
        elif is_open(factor) and after is not None:
            text = _parentheses(factor)
        elif isinstance(factor, Reduction) and after is not None:
            text = _sign(factor.command, factor.letters) + _parentheses(factor.body)
        elif isinstance(factor, Apply) and after is not None:
            text = _applied(factor)
        else:
            text = latex(factor)
        if isinstance(factor, _RATIOS) and isinstance(after, _RATIOS):
            text += r" \,"
        texts.append(rf"\cdot {text}" if texts and text[0].isdigit() else text)
    return texts


def _applied(node: Apply) -> str:
    """A function with its arguments in parentheses, or in fences of its own."""
    opening, closing = node.fences
    if _is_tall(node):
        opening, closing = rf"\left{opening}", rf"\right{closing.lstrip()}"
    return f"{node.command}{opening}{', '.join(map(latex, node.arguments))}{closing}"


def _inline(node: Node) -> str | None:
    """What may follow the `∂` of a fraction: on one line and bracketed, or None if too tall."""
    slashed = _slashed(node)
    if slashed is not None:
        return f"({slashed})"
    if isinstance(node, Sum | Product | Summation):
        return None if _is_tall(node) else _parentheses(node)
    return latex(node)


def _raised(node: Node) -> str | None:
    """An exponent, with simple fractions on one line; None if it is too tall for one."""
    if isinstance(node, Sum):
        texts = [text for term in node.terms if (text := _raised(term.node)) is not None]
        return " ".join(_signed(node, texts)) if len(texts) == len(node.terms) else None
    if isinstance(node, Product):
        small = isinstance(node.factors[0], Fraction) and not any(map(_is_tall, node.factors[1:]))
        return latex(node) if small or not _is_tall(node) else None
    return _slashed(node) if isinstance(node, Fraction) else None if _is_tall(node) else latex(node)


def _slashed(node: Node) -> str | None:
    """A simple fraction as `a/b`; None for anything else."""
    if not isinstance(node, Fraction) or any(map(_is_tall, node.parts)):
        return None
    above = _enclosed(node.numerator, Sum)
    return f"{above}/{_enclosed(node.denominator, Sum, Product)}"


@latex.register
def _(node: Division) -> str:
    above, below = (_enclosed(part, Sum, Division) for part in (node.dividend, node.divisor))
    if node.sign == "%":
        return rf"{above} \bmod {below}"
    return rf"\lfloor {above} / {_enclosed(node.divisor, Sum, Product, Division)} \rfloor"


def _subscript(slots: tuple[Node, ...]) -> str:
    between = (
        ", " if any(is_computed(slot) or isinstance(slot, Reduction) for slot in slots) else " "
    )
    return f"_{{{between.join(map(_slot, slots))}}}" if slots else ""


def _slot(node: Node) -> str:
    """A slot; a product alone has a dot, so that it is not taken for several slots."""
    if isinstance(node, Product):
        return r" \cdot ".join(_enclosed(factor, Sum, Division) for factor in node.factors)
    return latex(node)


def _enclosed(node: Node, *kinds: type[Node]) -> str:
    if isinstance(node, Division) and node.sign != "%":
        return latex(node)  # It has brackets of its own.
    return _parentheses(node) if isinstance(node, kinds) else latex(node)


def _parentheses(node: Node) -> str:
    inner = latex(node)
    return rf"\left({inner}\right)" if _is_tall(node) else f"({inner})"


def _is_tall(node: Node) -> bool:
    """Whether parentheses around it have to grow."""
    return has(node, Fraction, Derivative, Root, Summation)
