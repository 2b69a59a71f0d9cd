"""Files to blocks of mathematics: every display is found, at its true place."""

import json
import time
from pathlib import Path

import pytest
from amount import some_of
from hostile import hostile_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.check.blocks import Block, Document
from derive.check.chains import NotUnderstood, chains
from derive.check.document import read_document, read_text
from derive.errors import DeriveError

ARTICLES = Path(__file__).parent / "articles"


def read(text: str, file: str = "a.md") -> Document:
    return read_text(text, file)


def displays(text: str, file: str = "a.md") -> list[str]:
    return [block.tex.strip() for block in read(text, file).displays]


def inlines(text: str, file: str = "a.md") -> list[str]:
    return [block.tex.strip() for block in read(text, file).blocks if block.kind == "inline"]


def forms(name: str) -> list[tuple[str, int, str]]:
    """Form, line and first word of each display of an article."""
    document = read_document(ARTICLES / name)
    return [
        (block.form, block.place.line, block.tex.split()[0].lstrip("\\"))
        for block in document.displays
    ]


# Formats


def test_jekyll() -> None:
    document = read_document(ARTICLES / "format-jekyll.md")
    assert forms("format-jekyll.md") == [
        ("$$", 10, "begin{aligned}"),
        ("$$", 23, "frac{\\partial"),
        ("$$", 29, "begin{aligned}"),
        ("\\\\[", 39, "y_i"),
        ("script", 43, "z_i"),
        ("$$", 47, "w_i"),
    ]
    found = [block.tex.strip() for block in document.blocks if block.kind == "inline"]
    assert found == ["s_{{i}}", "x", "j", "t_i", "k = n", "n"]
    assert document.displays[-1].error == "$$ is never closed"
    assert [(hint.text, hint.place.line, hint.blocks) for hint in document.hints] == [
        ("no sum over i", 18, 4)
    ]


def test_myst() -> None:
    assert forms("format-myst.md") == [
        ("math", 9, "z_i"),
        ("$$", 13, "a_i"),
        ("math", 21, "delta_i"),
        ("math", 25, "L"),
        ("align*", 28, "begin{align*}"),
    ]
    document = read_document(ARTICLES / "format-myst.md")
    assert [block.label for block in document.displays][:2] == ["layer", "activation"]
    assert {block.section for block in document.blocks} == {("Layers",)}


def test_quarto() -> None:
    document = read_document(ARTICLES / "format-quarto.qmd")
    first, second = document.displays
    assert (first.label, first.section, second.place.line) == ("eq-norm", ("Norms",), 7)
    assert first.after.strip() == "By @eq-norm we have"
    assert second.after.strip() == "for $n > 0$."


def test_latex() -> None:
    document = read_document(ARTICLES / "format-latex.tex")
    assert forms("format-latex.tex") == [
        ("equation", 10, "begin{equation}"),
        ("align*", 18, "begin{align*}"),
        ("\\[", 20, "g_j"),
    ]
    equation, lines, _ = document.displays
    assert equation.label == "eq:z"
    assert "b_i" not in equation.tex
    assert lines.section == ("Layers", "Backwards")
    assert [note.text for note in document.notes] == ["\\input{appendix} is not followed"]
    assert [(hint.text, hint.place.line) for hint in document.hints] == [("sizes differ", 9)]


def test_macros_keep_places() -> None:
    lines = read_document(ARTICLES / "format-latex.tex").displays[1]
    second = lines.tex.index("&= W_{ij}")
    assert (lines.place_of(second).line, lines.place_of(second).column) == (19, 3)
    # What a macro stands for has the place of the macro, its arguments their own.
    first = lines.tex.index("\\frac{\\partial z_i}")
    assert lines.line_of(first)[lines.place_of(first).column - 1 :].startswith("\\pd{z_i}")
    argument = lines.place_of(first + len("\\frac{\\partial "))
    assert lines.line_of(first)[argument.column - 1 :].startswith("z_i}")


def test_notebook() -> None:
    document = read_document(ARTICLES / "format-notebook.ipynb")
    assert [str(block.place).partition(".ipynb:")[2] for block in document.displays] == [
        "cell 1:3:10",
        "cell 4:1:1",
    ]
    assert document.displays[1].section == ("Title",)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3}', "[" * 100_000])
def test_what_is_no_notebook(text: str) -> None:
    with pytest.raises(DeriveError, match="is not a notebook"):
        read_text(text, "a.ipynb")


def test_no_file() -> None:
    with pytest.raises(DeriveError, match="cannot be read"):
        read_document(ARTICLES / "missing.md")


# Markdown


@pytest.mark.parametrize(
    "text",
    [
        "$$a = b$$",
        "so:\n$$\na = b\n$$\nand",
        "so: $$ a = b $$.",
        "\\[ a = b \\]",
        "\\\\[ a = b \\\\]",
        "- item\n\n  $$ a = b $$",
        "> $$\n> a = b\n> $$",
        "```math\na = b\n```",
        "```{math} a = b\n```",
        "~~~ {math}\n:name: x\na = b\n~~~",
        "{{< katex display >}} a = b {{< /katex >}}",
        "{% katex display %} a = b {% endkatex %}",
        "!!! note\n\n    $$ a = b $$",
        "[^1]: text\n\n    $$ a = b $$",
        "$$ a = b $$ {#eq-x}",
        "$$ a = b $$ (x)",
        "`$$`\n\n$$ a = b $$",
        "text\n$$ a = b $$\ntext",
        "\ufeff$$ a = b $$",
        "$$\r\na = b\r\n$$",
    ],
)
def test_display(text: str) -> None:
    assert displays(text) == ["a = b"]


@pytest.mark.parametrize(
    "text",
    [
        "```\n$$ a = b $$\n```",
        "~~~\n$$ a = b $$\n```\n~~~",
        "text\n\n    $$ a = b $$",
        "`$$ a = b $$`",
        "``$$ ` a = b $$``",
        "<!-- $$ a = b $$ -->",
        "<pre>$$ a = b $$</pre>",
        "{% highlight tex %}$$ a = b $$\n{% endhighlight %}",
        "\\$\\$ a = b",
        "---\ntitle: $$ a = b $$\n---\n",
        "see \\[1\\] and \\[link\\]",
        "The term $$x_i$$ is inline, and $$i = j$$ too.",
        "It costs $5 here and $10 there.",
    ],
)
def test_no_display(text: str) -> None:
    assert displays(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$a$ and $b_i$", ["a", "b_i"]),
        ("$5 and $10, or $x$", ["x"]),
        ("from 5$ to 10$ a piece", []),
        ("$ x + y $ with spaces", ["x + y"]),
        ("\\(a\\) and \\\\(b\\\\)", ["a", "b"]),
        ("{math}`a` and $`b`$", ["a", "b"]),
        ("$$a$$ of kramdown", ["a"]),
        ("a\\$b$c$", ["c"]),
        ("$a\n\nb$", []),
        ("# Of $x$\n\n$y$", ["y"]),
    ],
)
def test_inline(text: str, found: list[str]) -> None:
    assert inlines(text) == found


def test_a_missing_delimiter_swallows_no_prose() -> None:
    document = read("$$ a = b\n\nand we see here that it goes on\n\n$$ c = d $$\n")
    first, second = document.displays
    assert (first.error, second.error, second.tex) == ("$$ is never closed", "", " c = d ")


def test_surroundings() -> None:
    text = "# A\n\nfirst $n$\n\n$$ a = b $$\n\nsecond\n\n## B\n\nthird\n\n$$ c = d $$\n\nlast"
    _, first, second = read(text).blocks
    assert (first.section, second.section) == (("A",), ("A", "B"))
    assert (first.before.strip(), first.after.strip()) == ("first $n$", "second")
    assert (second.before.strip(), second.after.strip()) == ("third", "last")


def test_macros_of_mathjax() -> None:
    text = "$$\\newcommand{\\R}[2][x]{#1_{#2}}$$\n\n$$ \\R{i} = \\R[y]j $$"
    assert displays(text) == ["", "x_{i} = y_{j}"]


@pytest.mark.parametrize(
    ("definitions", "body", "written"),
    [
        ("\\def\\v#1{\\mathbf{#1}}", "\\v x + \\v{y}", "\\mathbf{x} + \\mathbf{y}"),
        ("\\let\\w=\\omega", "\\w_i", "\\omega_i"),
        ("\\newcommand\\d{\\partial}", "\\d x", "\\partial x"),
        ("\\newcommand{\\a}{\\b}\\newcommand{\\b}{c}", "\\a", "c"),
        ("\\DeclareMathOperator*{\\am}{arg\\,max}", "\\am_i", "\\operatorname{arg\\,max}_i"),
        ("\\DeclarePairedDelimiter{\\abs}{|}{|}", "\\abs{x}", "\\left| x \\right|"),
        ("\\newcommand{\\f}[2]{#2#1}", "\\f ab", "ba"),
        ("\\newcommand{\\g}{\\alpha}", "\\g x", "\\alpha x"),
    ],
)
def test_macros(definitions: str, body: str, written: str) -> None:
    text = f"{definitions}\n\\begin{{document}}\n\\[ {body} \\]\n\\end{{document}}"
    assert displays(text, "a.tex") == [written]


# Hostile texts


@pytest.mark.parametrize("file", ["a.md", "a.tex", "a.qmd"])
def test_hostile(file: str) -> None:
    start = time.process_time()
    for text in hostile_texts(2_000).values():
        outcome(read_text(text, file))
    assert time.process_time() - start < 60


@pytest.mark.parametrize("file", ["a.md", "a.tex"])
@pytest.mark.parametrize("name", ["'{' nested", "'$a ' repeated", "bytes", "signs"])
def test_a_megabyte(name: str, file: str) -> None:
    text = hostile_texts(1_000_000)[name]
    start = time.process_time()
    outcome(read_text(text, file))
    assert time.process_time() - start < 30


def outcome(document: Document) -> int:
    """How many chains a document has; nothing but `NotUnderstood` may come out of a block."""
    count = 0
    refusals = []
    for block in document.displays:
        try:
            count += len(chains(block))
        except NotUnderstood as refusal:
            refusals.append((refusal.reason, block.place_of(refusal.offset)))
    assert all(reason and place.line >= 1 for reason, place in refusals)
    return count


PIECES = [
    "$", "$$", "\n", "\n\n", "a_i", " = ", "b", "\\\\", "&", "{", "}", "\\begin{aligned}", "> ",
    "- ", "\\end{aligned}", "\\[", "\\]", "\\(", "\\)", "```", "`", "text and more",
    "\\text{if }", "# ", "    ", ", ", "\\quad ", "\\left(", "\\right)", "(", ")", "<!--", "-->",
    "%", "\\tag{1}", "é", "\t", "+", "\\begin{cases}", "\\end{cases}", "\\underbrace{", "}_{c}",
    "\\iff ", "\\neq ", ":", "\\begin{equation}", "\\end{equation}", "\\frac{a}{b}", "\\label{x}",
    "^", "_",
]  # fmt: skip


@settings(max_examples=some_of(300), deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40), st.sampled_from(["a.md", "a.tex", "a.qmd"]))
def test_places_are_true(pieces: list[str], file: str) -> None:
    text = "".join(pieces)
    for block in read_text(text, file).blocks:
        check_places(block, text.split("\n"))


def check_places(block: Block, lines: list[str]) -> None:
    for offset, character in enumerate(block.tex):
        place = block.place_of(offset)
        if not character.isspace():
            assert lines[place.line - 1][place.column - 1] == character
    if block.kind == "display":
        try:
            found = chains(block)
        except NotUnderstood:
            return
        for side in (side for chain in found for side in chain.sides):
            for k, character in enumerate(side.tex):
                assert character.isspace() or block.tex[side.offset + k] == character


@settings(max_examples=some_of(100), deadline=None)
@given(st.text(max_size=60), st.sampled_from(["a.md", "a.tex", "a.ipynb"]))
def test_any_text(text: str, file: str) -> None:
    if file.endswith("ipynb"):
        cell = {"cell_type": "markdown", "source": text}
        text = json.dumps({"cells": [cell, {"cell_type": "markdown", "source": ["$$a", "$$"]}]})
    outcome(read_text(text, file))


def test_bytes_that_are_no_text() -> None:
    document = read_text(b"\xff\xfe $$ a = b $$ \x00", "a.md")
    assert [note.text for note in document.notes] == [
        "this file is not UTF-8; what cannot be read is shown as \ufffd"
    ]
