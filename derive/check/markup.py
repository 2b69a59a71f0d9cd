"""The patterns of Markdown: what a line begins with, and what begins within a line."""

from __future__ import annotations

import re

__all__ = [
    "CODE",
    "FENCE",
    "HEADING",
    "INLINE",
    "ITEM",
    "MATH_ENVIRONMENTS",
    "PREFIX",
    "PROSE_DIRECTIVES",
    "UNDERLINE",
    "words",
]


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


# The environments that are mathematics by themselves, without delimiters around them.
MATH_ENVIRONMENTS = words(
    """equation align alignat flalign gather multline eqnarray displaymath dmath dgroup
    IEEEeqnarray xalignat math aligned alignedat gathered split cases array"""
)

# Directives of MyST, and fenced divs, whose content is text. Any other directive is code.
PROSE_DIRECTIVES = words(
    """note warning tip hint important caution attention danger error seealso admonition dropdown
    proof theorem definition lemma corollary proposition remark example exercise solution axiom
    conjecture property assumption observation topic sidebar margin card grid grid-item tab-set
    tab-item details div aside epigraph"""
)

# Marks of quotes and list items before what a line says.
PREFIX = re.compile(r"[ \t]*(?:>[ \t]*|[-*+][ \t]+|\d{1,9}[.)][ \t]+)*")
# What makes indented lines after it its own text: list items, notes, footnotes, definitions.
ITEM = re.compile(
    r"""(?:[ \t]*>)*[ \t]*(?:[-*+][ \t]|\d{1,9}[.)][ \t]|\[\^[^\]\n]+\]:|:[ \t]
    |(?:!!!|\?\?\?\+?|===)[ ])""",
    re.X,
)
CODE = re.compile(r"(?: {4}| {0,3}\t)")
HEADING = re.compile(r" {0,3}(?P<level>\#{1,6})[ \t]+(?P<title>[^\n]*)$")
UNDERLINE = re.compile(r" {0,3}(?P<line>=+|-{2,})[ \t]*(?=\n|\Z)")
FENCE = re.compile(
    r"""(?P<indent>(?:[ \t]*>)*[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)
    (?P<fence>`{3,}(?=[^`\n]*$)|~{3,}|:{3,})(?P<info>[^\n]*)$""",
    re.X,
)

# Tags are looked for over a bounded stretch: each of many that never end would cost a whole line.
INLINE = re.compile(
    r"""(?P<comment><!--)
    |(?P<script><script\b[^>\n]{0,200}math/tex[^>\n]{0,200}>)
    |(?P<html><(?:pre|code|script|style|svg|math|kbd)\b[^>\n]{0,400}>)
    |(?P<role>\{math\}(?P<ticks>`+))
    |(?P<gitlab>\$`)
    |(?P<code>`+)
    |(?P<begin>\\{1,2}begin[ ]?\{(?P<env>[A-Za-z]+)\*?\})
    |(?P<bracket>\\{1,2}[\[(])
    |(?P<escape>\\.)
    |(?P<shortcode>\{[{%][<%]?[ ]*(?:katex|math|mathjax)\b[^}\n]{0,80}\})
    |(?P<liquid>\{%[^}\n]{0,200}%\})
    |(?P<dollars>\$\$)
    |(?P<dollar>\$)""",
    re.X,
)
