"""Texts made to keep a reader of documents busy, or to bring it down."""

from __future__ import annotations

import random

__all__ = ["hostile_texts"]

# Each is repeated up to the wanted length.
REPEATED = [
    "$a ", "$ a", "$$ a\n\n", "$$x\n", "$$\n\nword ", "$x_i$ and ", "a = b + c ", "\\", "`",
    "` `` ", "<!-- ", "<pre>", "<code>a</code>", "> ", "> $$\n> a=b\n> $$\n", "```\n",
    "~~~a\n```b\n", "::: {math}\n", "```{note}\n", "```{math}\n", "{% raw ", "{% highlight %}",
    "{{< katex >}}", "#", "# a\n", "a\n===\n", "\\(", "\\\\(", "\\[", "\\[a=b ", "\\\\[a", "[",
    "{math}`", "$`", "- ", "1. - > ", " ", "\n", " \n", "\r\n", "\u0000", "\t", "\\begin{align}",
    "\\end{align}", "\\begin{align}\n\n", "\\begin{verbatim}", "\\verb|", "%", "% derive: a\n",
    "\\section{", "\\input{a}", "$\\newcommand{\\a}{b}$ ", "$$\\newcommand{$$ ",
    "\\def\\a{b}\\a ", "$a$\r\n\r\n$$b=c$$\r\n", "\\{%",
]  # fmt: skip
# Each is repeated within one display.
WITHIN = [
    "a=", "a=b,", "a,b,", "a=b\\quad ", "\\text{if }", "\\text{foo bar}", "a=b\\Rightarrow ",
    "a&=b&", "&", "\\\\", "i=1,", "\\forall i ", "a&=b&c&=d&e&=f\\\\ &+c&& +d &&+f \\\\", "(",
    "[)", "{", "}", "\\{", "\\left(", "\\right)", "\\big(", "^", "^{_{", "\\not=", "a=b:", "i=j:",
    "\\tag{1}", "\\tag", "\\begin{pmatrix}a&b\\\\c&d\\end{pmatrix}", "a\\wedge ",
    "\\intertext{and}", "i=j: a=b\\\\", "&amp;", "\\underbrace{a}_{b}",
    "\\begin{cases} a & b \\end{cases}", "= + ", "\\frac", "\\hskip", "\\\\[2pt",
]  # fmt: skip
# Each opens, holds something, and closes; nested.
NESTED = [
    ("{", "a=b", "}"),
    ("\\begin{aligned}", "a=b", "\\end{aligned}"),
    ("\\left\\{\\begin{aligned}", "a=b", "\\end{aligned}\\right."),
    ("\\begin{array}{l}", "a=b", "\\end{array}"),
    ("a=\\begin{cases}", "a=b", "\\end{cases}"),
    ("\\underbrace{", "a=b", "}_{a}"),
    ("\\boxed{", "a=b", "}"),
    ("{a=", "b", "}"),
    ("\\overset{", "a", "}{=}"),
    ("\\frac{", "a", "}{}"),
    ("\\left(", "a", "\\right)"),
    ("(", "a", ")"),
    ("a=\\text{", "a", "}"),
    ("\\tag{", "a", "}"),
    ("\\def\\a#1{#1#1}\\a{", "a", "}"),
    ("\\textcolor{", "a", "}{b}"),
]
MACROS = {
    "doubling": "".join(
        rf"\newcommand{{\x{chr(98 + k)}}}{{\x{chr(97 + k)}\x{chr(97 + k)}}}" for k in range(24)
    )
    + r"\newcommand{\xa}{a}\xy",
    "of itself": r"\def\a{\a\a}\a",
    "of each other": r"\def\a{\b\b}\def\b{\a\a}\a",
    "in its argument": r"\def\a#1{#1#1}" + r"\a{" * 1000 + "x" + "}" * 1000,
    "without arguments": r"\def\a#1#2{#1}" + r"\a{" * 10_000,
    "delimited": r"\def\a#1.{#1}\a b.",
    "cut off": r"\newcommand{\a",
}


def hostile_texts(length: int) -> dict[str, bytes]:
    """Texts of about a length in bytes, by what they are."""
    texts = {f"{piece!r} repeated": fill(piece, length) for piece in REPEATED}
    texts |= {f"{piece!r} in a display": f"$${fill(piece, length)} $$" for piece in WITHIN}
    texts |= {f"{piece!r} behind =": f"$$a={fill(piece, length)} $$" for piece in WITHIN}
    for opening, inner, closing in NESTED:
        depth = length // len(opening + closing)
        texts[f"{opening!r} nested"] = f"$${opening * depth}{inner}{closing * depth}$$"
        texts[f"{opening!r} nested, open"] = f"$${opening * depth}{inner} $$"
    texts |= {f"macros {name}": f"$${text}$$\n\n$$a = b$$" for name, text in MACROS.items()}
    chance = random.Random(length)
    bytes_ = chance.randbytes(length)
    signs = "".join(chance.choices("$$\\{}[]()&=`\n _^ab<>-!%#:", k=length))
    found = {name: text.encode() for name, text in texts.items()}
    return found | {"bytes": bytes_, "bytes in a display": b"$$" + bytes_, "signs": signs.encode()}


def fill(piece: str, length: int) -> str:
    """A piece repeated to a length."""
    return (piece * (length // len(piece) + 1))[:length]
