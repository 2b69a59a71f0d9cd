"""What the words and signs of displayed mathematics are to a chain of equalities."""

from __future__ import annotations

import re

from derive.check.markup import words

__all__ = [
    "CLOSERS",
    "CONDITION_WORDS",
    "DECORATED_RELATIONS",
    "IGNORED",
    "IGNORED_WITH_ARGUMENT",
    "IMPLICATIONS",
    "JOINING_WORDS",
    "MATRICES",
    "OPENERS",
    "OPERATORS",
    "PICTURES",
    "QUADS",
    "RELATIONS",
    "ROWS",
    "SKIPS",
    "TEXTS",
    "UNWRAPPED",
]


# What a relation is called here: the sign a keyboard has for it.
RELATIONS: dict[str, str] = {
    "=": "=",
    "\\eq": "=",
    "\\neq": "!=",
    "\\ne": "!=",
    "≠": "!=",
    "\\coloneqq": ":=",
    "\\coloneq": ":=",
    "\\colonequals": ":=",
    "\\triangleq": ":=",
    "\\eqdef": ":=",
    "\\defeq": ":=",
    "≜": ":=",
    "≔": ":=",
    "\\eqqcolon": "=:",
    "\\equiv": "==",
    "≡": "==",
    "\\approx": "~=",
    "\\simeq": "~=",
    "\\cong": "~=",
    "\\doteq": "~=",
    "\\approxeq": "~=",
    "≈": "~=",
    "≃": "~=",
    "\\sim": "~",
    "∼": "~",
    "\\propto": "prop",
    "∝": "prop",
    "<": "<",
    "\\lt": "<",
    "\\ll": "<",
    "\\prec": "<",
    ">": ">",
    "\\gt": ">",
    "\\gg": ">",
    "\\succ": ">",
    "\\le": "<=",
    "\\leq": "<=",
    "\\leqslant": "<=",
    "\\lesssim": "<=",
    "\\preceq": "<=",
    "≤": "<=",
    "\\ge": ">=",
    "\\geq": ">=",
    "\\geqslant": ">=",
    "\\gtrsim": ">=",
    "\\succeq": ">=",
    "≥": ">=",
    "\\in": "in",
    "∈": "in",
    "\\notin": "not in",
    "\\ni": "contains",
    "\\subset": "subset",
    "\\subseteq": "subset",
    "\\to": "->",
    "\\rightarrow": "->",
    "\\longrightarrow": "->",
    "\\mapsto": "->",
    "\\longmapsto": "->",
    "→": "->",
    "\\leftarrow": "<-",
    "\\gets": "<-",
    "\\longleftarrow": "<-",
    "←": "<-",
}
# A relation with something over or under it: the position of the argument that is the relation.
DECORATED_RELATIONS = {
    "\\overset": 1,
    "\\underset": 1,
    "\\stackrel": 1,
    "\\overbrace": 0,
    "\\underbrace": 0,
    "\\mathrel": 0,
    "\\mathop": 0,
}
IMPLICATIONS: dict[str, str] = {
    "\\therefore": "therefore",
    "∴": "therefore",
    "\\because": "because",
    "\\Rightarrow": "implies",
    "\\Longrightarrow": "implies",
    "\\implies": "implies",
    "⇒": "implies",
    "⟹": "implies",
    "\\leadsto": "implies",
    "\\rightsquigarrow": "implies",
    "\\Leftarrow": "if",
    "\\impliedby": "if",
    "\\Leftrightarrow": "if and only if",
    "\\Longleftrightarrow": "if and only if",
    "\\iff": "if and only if",
    "⇔": "if and only if",
    "⟺": "if and only if",
    "\\land": "and",
    "\\wedge": "and",
    "\\lor": "or",
    "\\vee": "or",
}

OPERATORS = words(
    r"""+ - * / − · × ⊙ ∘ ⊗ \pm \mp \times \cdot \odot \circ \otimes \oplus \ast \div \bullet \star
    \cdotp \ominus \setminus \cup \cap"""
)
OPENERS = words(r"( [ \{ \lbrace \langle \lfloor \lceil \lbrack \lparen")
CLOSERS = words(r") ] \} \rbrace \rangle \rfloor \rceil \rbrack \rparen")
QUADS = words(r"\quad \qquad \hfill \hfil \enspace \hspace")

TEXTS = words(
    r"""\text \mbox \textrm \textit \textbf \textsf \texttt \textnormal \textsc \hbox \fbox
    \intertext \shortintertext \emph"""
)
# Lengths follow these without braces.
SKIPS = words(r"\hskip \vskip \kern \mkern \mskip")
IGNORED = words(
    r"""\nonumber \notag \hline \cline \displaystyle \textstyle \scriptstyle \scriptscriptstyle
    \allowbreak \displaybreak \noindent \centering \tiny \scriptsize \footnotesize \small
    \normalsize \large \Large \LARGE \huge \Huge \mathstrut \strut \break \nobreak \null \relax
    \space \thinspace \medspace \thickspace \negthinspace \negmedspace \negthickspace \rm \it \bf
    \limits \nolimits \, \; \: \! \> \/ \- \@ \toprule \midrule \bottomrule \smallskip \medskip
    \bigskip \par \unskip \ignorespaces \protect \raggedright \normalfont \mathsurround \vfill"""
) | {"\\ ", "\\\n", "\\\t"}
# How many arguments of each go with it.
IGNORED_WITH_ARGUMENT = dict.fromkeys(
    words(
        r"""\tag \label \hspace \vspace \phantom \hphantom \vphantom \color \require \eqref \ref
        \cite \citep \citet \footnote \footnotemark \linespread \pagebreak \htmlId \cssId \class
        \mspace \addlinespace \setlength \arraycolsep \renewcommand
        \labelcref \cref \Cref \autoref \index \mathchoice \raisetag"""
    ),
    1,
)
# How many arguments of each are set aside before the one that is meant.
UNWRAPPED = {
    "\\boxed": 0,
    "\\bbox": 0,
    "\\textcolor": 1,
    "\\colorbox": 1,
    "\\fcolorbox": 2,
    "\\cancel": 0,
    "\\bcancel": 0,
    "\\xcancel": 0,
    "\\cancelto": 1,
    "\\smash": 0,
    "\\ensuremath": 0,
    "\\underbrace": 0,
    "\\overbrace": 0,
    "\\underbracket": 0,
    "\\overbracket": 0,
    "\\mathrel": 0,
    "\\mathbin": 0,
    "\\mathopen": 0,
    "\\mathclose": 0,
    "\\mathord": 0,
    "\\mathinner": 0,
    "\\displaylines": 0,
    "\\mathclap": 0,
    "\\mathrlap": 0,
    "\\mathllap": 0,
    "\\hcancel": 0,
    "\\enclose": 1,
    "\\shoveleft": 0,
    "\\shoveright": 0,
}

# Environments whose rows are rows of a chain; the value counts the arguments that follow.
ROWS = {
    "equation": 0,
    "align": 0,
    "aligned": 0,
    "alignat": 1,
    "alignedat": 1,
    "xalignat": 1,
    "flalign": 0,
    "gather": 0,
    "gathered": 0,
    "multline": 0,
    "multlined": 0,
    "split": 0,
    "eqnarray": 0,
    "IEEEeqnarray": 1,
    "displaymath": 0,
    "math": 0,
    "dmath": 0,
    "dgroup": 0,
    "subequations": 0,
    "center": 0,
    "empheq": 1,
    "array": 1,
    "cases": 0,
    "dcases": 0,
    "rcases": 0,
    "numcases": 1,
}
MATRICES = words(
    "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix psmallmatrix bsmallmatrix"
)
PICTURES = words("tikzcd tikzpicture CD picture xy pspicture circuitikz forest")

# Words that say under which condition, and words that only join one equation to the next.
CONDITION_WORDS = words("if for when whenever unless case provided assuming given iff")
JOINING_WORDS = words(
    """and or where with so then thus hence therefore since because which but also similarly
    namely here note let we as i.e. e.g. such from by using via"""
)
WORD = re.compile(r"[A-Za-z][A-Za-z.']*")
