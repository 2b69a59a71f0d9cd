"""Blanks in a piece of mathematics what its file format wrote there; every offset stays true."""

from __future__ import annotations

import re

__all__ = ["blanked", "tidy_markdown"]

TAG = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
ENTITY = re.compile(r"&(?:amp|lt|gt);")
ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
# An underscore or star escaped from Markdown; in the name of an operator the escape is TeX's own.
ESCAPED = re.compile(
    r"(\\(?:text|mathrm|operatorname|mathit|mathtt|textrm|mbox)\*?\s*\{[^{}]*\})|\\([_*])"
)
# `\\begin` of authors whose Markdown halves the backslashes.
DOUBLED = re.compile(r"(?<!\\)\\\\(?=(?:begin|end)\{)")


def blanked(text: str) -> str:
    """As many spaces; ends of lines stay."""
    return re.sub(r"[^\n]", " ", text)


def tidy_markdown(tex: str, quotes: int) -> str:
    """Without the marks of a quote of that depth, tags of Liquid and escapes of Markdown."""
    if quotes:
        mark = re.compile(rf"(?<=\n)(?:[ \t]*>){{1,{quotes}}}")
        tex = mark.sub(lambda match: blanked(match[0]), tex)
    tex = TAG.sub(lambda match: blanked(match[0]), tex)
    tex = ENTITY.sub(lambda match: ENTITIES[match[0]].ljust(len(match[0])), tex)
    tex = ESCAPED.sub(lambda match: match[1] or " " + match[2], tex)
    return DOUBLED.sub(r" \\", tex)
