"""Commands of LaTeX as tables: typefaces, brackets, what says nothing."""

__all__ = [
    "ALIKE",
    "BARS",
    "BOLD",
    "BRACKETS",
    "DROPPED",
    "FONTS",
    "OLD_FONTS",
    "SAME",
    "SETS",
    "SIZES",
]

FONTS = {
    *("mathbf", "boldsymbol", "bm", "mathcal", "mathscr", "mathfrak", "pmb", "vec", "textbf"),
    *("mathbb", "mathds", "mathbbm", "bf", "cal"),
}
BOLD = {"mathbf", "boldsymbol", "bm", "pmb", "vec", "textbf", "bf"}
OLD_FONTS = {"bf", "cal", "rm", "it", "sf", "tt"}
SETS = {"mathbb", "mathds", "mathbbm"}
SIZES = {
    *("left", "right", "middle"),
    *(s + side for s in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")),
}
BRACKETS = {"lbrace": "\\{", "rbrace": "\\}", "{": "\\{", "}": "\\}", "lbrack": "[", "rbrack": "]"}
BRACKETS |= {"lparen": "(", "rparen": ")"}
BARS = {"vert": "|", "lvert": "|", "rvert": "|", "mid": "|", "Vert": "‖", "lVert": "‖"}
BARS |= {"rVert": "‖", "|": "‖"}
SAME = {"≤": "le", "≥": "ge", "≠": "ne", "∑": "sum", "∏": "prod", "∂": "partial", "∇": "nabla"}
SAME |= {"·": "cdot", "×": "times", "⊙": "odot", "√": "sqrt", "−": "-", "…": "ldots", "⋅": "cdot"}
DROPPED = {"color": 1, "label": 1, "tag": 1, "tag*": 1, "hspace": 1, "vspace": 1, "phantom": 1}
DROPPED |= {"textcolor": 1, "colorbox": 1, "vphantom": 1, "hphantom": 1, "class": 1, "style": 1}
DROPPED |= {"notag": 0, "nonumber": 0, "bigstrut": 0, "hspace*": 1, "cssId": 1}
ALIKE = {"dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "leq": "le", "geq": "ge", "neq": "ne"}
ALIKE |= {"dots": "ldots", "cdots": "ldots", "dotsc": "ldots", "dotsb": "ldots", "vdots": "ldots"}
ALIKE |= {"ast": "cdot", "ddots": "ldots", "iff": "Leftrightarrow", "leqslant": "le"}
ALIKE |= {"geqslant": "ge", "lt": "<", "gt": ">", "intercal": "top", "circ": "odot"}
