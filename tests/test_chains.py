"""Blocks to chains of sides: what continues, what separates, what is set aside."""

from pathlib import Path

import pytest

from derive.check.blocks import Block
from derive.check.chains import Chain, NotIndexNotation, NotUnderstood, chains
from derive.check.document import read_document

ARTICLES = Path(__file__).parent / "articles"


def shown(chain: Chain) -> str:
    """A chain in one line: sides with single spaces, and relations between them."""
    parts = [" ".join(chain.sides[0].tex.split())]
    for link, side in zip(chain.links, chain.sides[1:], strict=True):
        parts += [link.relation, " ".join(side.tex.split())]
    return " ".join(parts).strip()


def read(tex: str) -> list[str]:
    return [shown(chain) for chain in chains(Block.of(tex))]


def one(tex: str) -> Chain:
    (chain,) = chains(Block.of(tex))
    return chain


@pytest.mark.parametrize(
    ("tex", "found"),
    [
        ("a = b = c", ["a = b = c"]),
        ("a &= b \\\\ &= c", ["a = b = c"]),
        ("a &= b \\\\ &= c \\\\ d &= e", ["a = b = c", "d = e"]),
        ("a = b \\\\[2pt] = c", ["a = b = c"]),
        ("a \\\\ &= b \\\\ &= c", ["a = b = c"]),
        ("a = \\\\ b", ["a = b"]),
        ("a = \\\\ = b", ["a = b"]),
        ("a &= b \\\\ & + c", ["a = b + c"]),
        ("a &= b + \\\\ & c", ["a = b + c"]),
        ("a &= b \\\\ &\\quad - c = d", ["a = b - c = d"]),
        ("a = b \\\\ - c = d", ["a = b", "- c = d"]),
        ("a &= (b \\\\ &+ c) \\\\ &= d", ["a = (b + c) = d"]),
        (
            "a &= \\left( b \\right. \\\\ &\\left. + c \\right)",
            ["a = \\left( b \\right. \\left. + c \\right)"],
        ),
        ("a &=& b \\\\ &=& c", ["a = b = c"]),
        ("a &= b & c &= d \\\\ &= e & &= f", ["a = b = e", "c = d = f"]),
        ("a = b, \\quad c = d", ["a = b", "c = d"]),
        ("a = b, c = d.", ["a = b", "c = d"]),
        ("a = b \\text{ and } c = d", ["a = b", "c = d"]),
        ("a = b \\Rightarrow c = d \\iff e = f", ["a = b", "c = d", "e = f"]),
        ("{} = a", ["= a"]),
        ("= a", ["= a"]),
        (
            "a_{i=1} = f(b = 2) [i = j] \\sum_{k=1}^n c_k",
            ["a_{i=1} = f(b = 2) [i = j] \\sum_{k=1}^n c_k"],
        ),
        ("f(x, y) = g(x, y)", ["f(x, y) = g(x, y)"]),
        ("a \\in [0, 1) \\\\ b = c", ["a in [0, 1)", "b = c"]),
        ("\\boxed{a = b}", ["a = b"]),
        ("\\textcolor{red}{a} = \\cancel{b} \\,\\! c", ["a = b c"]),
        ("a = \\underbrace{b c}_{\\text{first}} d", ["a = {b c} d"]),
        ("a = b \\tag{1} \\label{x} \\nonumber", ["a = b"]),
        ("\\text{ReLU}(x) = \\max(0, x)", ["\\text{ReLU}(x) = \\max(0, x)"]),
        ("i, j = 1, \\dots, n", ["i, j = 1, \\dots, n"]),
        ("x' = x^* = y^{=}", ["x' = x^* = y^{=}"]),
        ("\\left\\{\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\\right.", ["a = b", "c = d"]),
        ("\\begin{cases} a = b \\\\ c = d \\end{cases}", ["a = b", "c = d"]),
        ("\\left\\{\\begin{array}{l} a = b \\\\ c = d \\end{array}\\right.", ["a = b", "c = d"]),
        ("\\begin{eqnarray*} a &=& b \\\\ &&+ c \\\\ &=& d \\end{eqnarray*}", ["a = b + c = d"]),
        ("\\begin{array}{rcl} a &=& b \\\\ &=& c \\end{array}", ["a = b = c"]),
        ("\\begin{multline} a = b \\\\ c \\\\ + d \\end{multline}", ["a = b c + d"]),
        ("a = \\begin{aligned}[t] &b \\\\ &+ c \\end{aligned}", ["a = b + c"]),
        ("\\begin{alignat}{2} a &= b &\\quad c &= d \\end{alignat}", ["a = b", "c = d"]),
        (
            "\\begin{equation}\\begin{split} a &= b \\\\ &= c \\end{split}\\end{equation}",
            ["a = b = c"],
        ),
        ("a = b \\\\\\\\ c = d", ["a = b", "c = d"]),
        ("a = \\frac{\\partial b}{\\partial c}", ["a = \\frac{\\partial b}{\\partial c}"]),
        ("\\frac{\\partial L}{\\partial x}", ["\\frac{\\partial L}{\\partial x}"]),
    ],
)  # fmt: skip
def test_rows_and_relations(tex: str, found: list[str]) -> None:
    assert read(tex) == found


@pytest.mark.parametrize(
    ("sign", "relation"),
    [
        ("=", "="), ("\\neq", "!="), ("\\ne", "!="), ("\\not=", "!="),
        (":=", ":="), ("\\equiv", "=="),
        ("\\triangleq", ":="), ("\\stackrel{\\text{def}}{=}", ":="), ("\\overset{(1)}{=}", "="),
        ("\\coloneqq", ":="), ("=:", "=:"), ("\\approx", "~="), ("\\propto", "prop"),
        ("\\le", "<="),
        ("\\geq", ">="), ("<", "<"), ("\\in", "in"), ("\\sim", "~"), ("\\leftarrow", "<-"),
        ("\\mathrel{:=}", ":="), ("{=}", "="), ("\\mathrel{:}=", ":="), ("==", "="), ("\\to", "->"),
    ],
)  # fmt: skip
def test_relations(sign: str, relation: str) -> None:
    assert shown(one(f"a {sign} b")) == f"a {relation} b"


@pytest.mark.parametrize(
    ("tex", "condition"),
    [
        ("a = b, \\quad i = 1, \\dots, n", "i = 1, \\dots, n"),
        ("a = b \\quad \\text{if } i = j", "i = j"),
        ("a = b \\quad \\text{if $i = j$}", "i = j"),
        ("a = b & \\text{for } i \\neq j \\\\ &= c", "i \\neq j"),
        ("\\text{if } i = j: \\quad a = b", "i = j"),
        ("i = j: \\quad a = b", "i = j"),
        ("a = b \\qquad (i = j)", "i = j"),
        ("a = b, \\forall i", "i"),
        ("a = b \\quad \\forall i \\in I", "i \\in I"),
        ("a = b \\text{ otherwise}", "otherwise"),
        ("\\text{If } i = j \\\\ a = b", "i = j"),
        ("a = b", ""),
    ],
)
def test_conditions(tex: str, condition: str) -> None:
    chain = one(tex)
    assert chain.condition == condition
    if condition not in ("", "otherwise") and "$" not in tex:
        assert tex[chain.condition_offset :].startswith(condition)


def test_rows_under_different_conditions() -> None:
    chain = one("a &= b && i = j \\\\ &= c && i \\neq j")
    assert (chain.condition, [link.condition for link in chain.links]) == (
        "",
        ["i = j", "i \\neq j"],
    )


@pytest.mark.parametrize(
    ("tex", "note"),
    [
        ("a = b \\quad \\text{(chain rule)}", "chain rule"),
        ("a = b & \\text{by (3)}", "by (3)"),
        ("a = b \\quad (\\text{no sum over } i)", "no sum over  i"),
        ("a \\overset{(1)}{=} b", "1"),
        ("a = b \\quad (7)", "7"),
        ("a = b \\; (\\text{sum over } i)", "sum over  i"),
        ("a \\\\ \\intertext{a remark of some words} &= c", "a remark of some words"),
    ],
)
def test_notes(tex: str, note: str) -> None:
    assert one(tex).links[0].note == note


@pytest.mark.parametrize(
    ("tex", "notes"),
    [
        ("\\therefore \\quad a = b", ["therefore"]),
        ("a = b \\implies c = d", ["", "implies"]),
        ("a = b \\quad \\text{where } c := d", ["", "where"]),
        ("a = b, \\text{ and } c = d", ["", "and"]),
    ],
)
def test_words_that_lead_a_chain(tex: str, notes: list[str]) -> None:
    assert [chain.note for chain in chains(Block.of(tex))] == notes


@pytest.mark.parametrize(
    "tex",
    [
        "d = \\begin{cases} a (1 - a), & \\text{if } i = j \\\\ -a b & i \\neq j, \\end{cases}",
        "d = \\left\\{\\begin{array}{ll} a (1 - "
        "a) & i = j \\\\ -a b & i \\neq j \\end{array}\\right.",
        "d = \\begin{cases} a (1 - a), \\quad i "
        "= j \\\\ -a b, \\quad \\text{when $i \\neq j$} \\end{cases}",
        "d &= \\begin{dcases} a (1 - a) & \\mbox{for } i = j \\\\ "
        "-a b & \\mbox{if } i \\neq j. \\end{dcases}",
    ],
)  # fmt: skip
def test_cases(tex: str) -> None:
    side = one(tex).sides[1]
    assert [(case.tex, case.condition) for case in side.cases] == [
        ("a (1 - a)", "i = j"),
        ("-a b", "i \\neq j"),
    ]
    for case in side.cases:
        assert tex[case.offset :].startswith(case.tex)
        assert tex[case.condition_offset :].startswith(case.condition)


def test_otherwise() -> None:
    side = one("d = \\begin{cases} 1 & i = j \\\\ 0 & \\text{otherwise.} \\end{cases}").sides[1]
    assert [case.condition for case in side.cases] == ["i = j", "otherwise"]


def test_labels_at_braces() -> None:
    assert [said for _, said in one("a = \\underbrace{b}_{\\text{new}} + c").labels] == ["new"]


@pytest.mark.parametrize(
    ("tex", "reason"),
    [
        ("", "there is nothing between the delimiters"),
        ("\\text{only words here}", "words"),
        ("\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}", "a matrix written out"),
        ("W = \\left[\\begin{array}{cc} a & b \\end{array}\\right]", "a matrix written out"),
        ("\\begin{tikzcd} A \\arrow[r] & B \\end{tikzcd}", "a picture"),
        ("\\vdots", "an ellipsis"),
    ],
)
def test_no_index_notation(tex: str, reason: str) -> None:
    with pytest.raises(NotIndexNotation) as refusal:
        chains(Block.of(tex))
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("tex", "reason", "offset"),
    [
        ("a = { b", "`{` is never closed", 4),
        ("a = b }", "nothing is open that `}` could close", 6),
        ("\\begin{aligned} a = b", "`\\begin{aligned}` is never closed", 0),
        ("\\begin{aligned} a \\end{split}", "`\\begin{aligned}` is open where", 18),
        ("a =", "nothing stands behind this relation", 2),
        ("a = b \\quad c", "it is not clear what stands beside this equation", 12),
    ],
)
def test_not_understood(tex: str, reason: str, offset: int) -> None:
    with pytest.raises(NotUnderstood) as refusal:
        chains(Block.of(tex))
    assert refusal.value.reason.startswith(reason)
    assert refusal.value.offset == offset


def test_an_article_whole() -> None:
    """The derivation of cross-entropy, in the layout of the article that it is known from."""
    document = read_document(ARTICLES / "format-cross-entropy.md")
    found = [chains(block) for block in document.displays]
    assert [[len(chain.links) for chain in block] for block in found] == [
        [1, 1],
        [1, 4],
        [3],
        [2],
        [4],
        [2],
    ]
    assert {link.relation for block in found for chain in block for link in chain.links} == {"="}
    last = found[-1][0].sides[-1]
    assert last.tex.endswith("\\delta_{T_{n}}\\right)")
    place = document.displays[-1].place_of(last.offset)
    assert document.displays[-1].line_of(last.offset)[place.column - 1 :].startswith(last.tex)
