"""The LaTeX commands that the notation knows, as tables, and what is said about others."""

from __future__ import annotations

from derive.notation.build import FUNCTIONS
from derive.notation.names import ACCENTS, GREEK
from derive.notation.source import did_you_mean, normalise

__all__ = [
    "ACCENTED",
    "ARGUED",
    "BARS",
    "BRACKETS",
    "CONNECTIVES",
    "FONTS",
    "FUNCTION_NAMES",
    "GREEK_LETTERS",
    "IGNORED",
    "LAYOUTS",
    "MATRICES",
    "ONE_FONTS",
    "OPERATORS",
    "SIZED",
    "SPACES",
    "SYNONYMS",
    "WORDS",
    "about",
]

_VARIANTS = {"epsilon": "ε", "phi": "φ", "theta": "θ", "rho": "ρ", "kappa": "κ", "sigma": "σ"}
GREEK_LETTERS = {name: normalise(letter) for letter, name in GREEK.items()} | {
    **{f"var{name}": letter for name, letter in _VARIANTS.items()},
    "ell": "ℓ",
}
"""Letters that have a command; variants are one letter, as in text."""

ACCENTED = {name: mark for mark, name in reversed(ACCENTS.items())} | {
    "widehat": "\u0302",
    "widetilde": "\u0303",
    "overline": "\u0304",
}
"""Accents over one letter."""

WORDS = {
    *("mathrm", "operatorname", "operatorname*", "text", "textrm", "textit", "textsf", "texttt"),
    *("textnormal", "mathit", "mathsf", "mathtt", "mathop", "mbox"),
}
"""What is written in it is one name."""

FONTS = {"mathbf", "boldsymbol", "bm", "mathcal", "mathscr", "mathfrak", "pmb", "vec", "textbf"}
"""Typefaces that make no other name of a letter."""

ONE_FONTS = {"mathbf", "mathbb", "boldsymbol", "bm", "mathds", "mathbbm", "mathrm", "pmb"}
"""Typefaces of the one-tensor."""

FUNCTION_NAMES = {word: name for word, name in FUNCTIONS.items() if word not in ("√", "sqrt")}
"""Functions by their name in a command, or in letters."""

OPERATORS = {
    "cdot": "*",
    "times": "*",
    "ast": "*",
    "div": "/",
    "slash": "/",
    "partial": "∂",
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "ne": "!=",
    "neq": "!=",
    "lt": "<",
    "gt": ">",
    "bmod": "%",
    "%": "%",
    "coloneqq": ":=",
    "colonequals": ":=",
    "equiv": ":=",
    "triangleq": ":=",
    "coloneq": ":=",
    "vcentcolon": ":",
    "colon": ":",
}
"""Signs, as text has them."""

SYNONYMS = {"{": "lbrace", "}": "rbrace", "|": "Vert", "[": "$", "]": "$", "(": "$", ")": "$"}
"""Commands of one sign, by names that no character without a backslash has."""

BRACKETS = {
    "lbrack": "[",
    "rbrack": "]",
    "lbrace": "(",
    "rbrace": ")",
    "lparen": "(",
    "rparen": ")",
}

SPACES = {*(",", ";", ":", ">", " ", "\n", "quad", "qquad", "enspace", "thinspace", "medspace")}
SPACES |= {"thickspace", "hfill", "allowbreak", "relax", "hfil", "linebreak"}

IGNORED = {
    *("!", "/", "-", "negthinspace", "displaystyle", "textstyle", "scriptstyle", "nonumber"),
    *("notag", "limits", "nolimits", "small", "footnotesize", "normalsize", "large", "middle"),
    *("boxed", "mathopen", "mathclose", "mathbin", "mathrel", "mathord", "mathinner", "ensuremath"),
    *("allowdisplaybreaks", "noindent", "centering", "strut", "mathstrut"),
}
"""Commands that change nothing that is said."""

SIZED = {"left", "right"} | {
    size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")
}
"""What gives the bracket behind it a size."""

BARS = ("|", "vert", "lvert", "rvert")

ARGUED = {
    **dict.fromkeys(("label", "tag", "tag*", "hspace", "hspace*", "vspace", "phantom"), 1),
    **dict.fromkeys(("vphantom", "hphantom", "intertext", "footnote", "color", "ref"), 1),
    **dict.fromkeys(("eqref", "textcolor", "shortintertext"), 1),
}
"""Commands that say nothing together with so many arguments; a colour leaves the second."""

LAYOUTS = {
    *("equation", "align", "aligned", "gather", "gathered", "split", "multline", "displaymath"),
    *("math", "eqnarray", "flalign", "subequations", "alignat", "alignedat", "dmath", "document"),
}
"""Environments that only lay equations out; the starred ones too."""

MATRICES = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "array", "smallmatrix"}

CONNECTIVES = {
    *("where", "with", "and", "so", "then", "hence", "thus", "or", "if", "let", "i.e."),
}
"""Words in a display that stand between equations."""

_INDICES = "tensors are written with their indices, as in `x_{i k} a_{k j}`"
_KNOWN = {
    "nabla": "write the derivative with its indices, as in `\\frac{\\partial c}{\\partial x_{n}}`",
    "over": "write `\\frac{a}{b}`",
    "int": "integrals are not part of the notation",
    "lim": "limits are not part of the notation",
    "infty": "all numbers are finite; write a mask as a factor, as in `[k \\le q]`",
    "top": "a transpose exchanges two indices: `x_{j i}` for `x_{i j}`",
    "odot": "write the entries side by side: `a_{i} b_{i}`",
    "otimes": _INDICES,
    "circ": "write functions one inside the other, and products with indices",
    "Vert": "write a norm with indices, as in `\\sqrt{x_{i} x_{i}}`",
    "lVert": "write a norm with indices, as in `\\sqrt{x_{i} x_{i}}`",
    "langle": _INDICES,
    "pm": "write one equation for each sign",
    "in": "an index ranges over all of its axis; `\\sum_{j=1}^{N}` gives its size",
    "forall": "an index ranges over all of its axis: leave this out",
    "dots": "an index stands for all its values: `x_{i}`, and `\\sum_{i}` for a sum",
    "sim": "distributions are not part of the notation",
    "to": "an equation has an equals sign",
    **dict.fromkeys(("bf", "rm", "it", "cal", "sf", "tt"), "as in `\\mathbf{x}`, `\\mathrm{loss}`"),
    **dict.fromkeys(("underbrace", "overbrace"), "leave the brace and its words out"),
    "propto": "an equation has an equals sign",
    "hline": "tables are not part of the notation",
}
_KNOWN |= dict.fromkeys(("ldots", "cdots", "vdots", "ddots"), _KNOWN["dots"])
_KNOWN |= dict.fromkeys(("rightarrow", "leftarrow", "mapsto", "gets", "approx"), _KNOWN["to"])
_KNOWN |= dict.fromkeys(("rangle", "intercal", "dagger", "mid", "parallel"), _INDICES)


def about(command: str) -> str:
    """What to write in place of a command that the notation lacks."""
    tables = (GREEK_LETTERS, ACCENTED, WORDS, FONTS, FUNCTION_NAMES, OPERATORS, BRACKETS)
    others = ("frac", "dfrac", "tfrac", "sqrt", "sum", "left", "right", "begin", "end", "prod")
    known = {name for table in (*tables, others) for name in table}
    near = did_you_mean("\\" + command, {"\\" + name for name in known if len(name) > 1})
    return _KNOWN.get(command) or near or "write what it stands for, with indices"
