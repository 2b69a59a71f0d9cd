"""Each rule of the notation that input can break: its message, its place, its mend."""

from __future__ import annotations

import time

import pytest

from derive.errors import DeriveError, GoalError, NotationError
from derive.expressions import Graph
from derive.notation import read_expression, read_goal, read_graph

# What is written, with the marked part between ⟦ and ⟧, then pieces of the message and the mend.
EQUATIONS = [
    # Indices
    ("y_i = exp(x_⟦j⟧)", "index j stands alone", "write `1_j exp(x_j)` to sum over j, or put j on"),
    ("c = x_⟦j⟧^2", "index j stands alone", "`1_j x_j^2`"),
    ("c = -log(s_⟦j⟧)", "index j stands alone", "`1_j log(s_j)`"),
    ("s_i = exp(x_i) / (exp(x_⟦j⟧))", "index j stands alone", "`1_j exp(x_j)`"),
    ("c = ⟦x_i^{z_i}⟧", "index i stands alone", "`1_i x_i^{z_i}`"),
    ("c = (x_⟦i⟧ - t_i)^2/2", "index i stands alone", "`1_i (x_i - t_i)^2/2`"),
    ("c = ⟦(1_i x_i)⟧ (1_i x_i)", "read in two ways", "another letter"),
    ("m = 1_i x_i/⟦(1_i 1_i)⟧", "read in two ways", "another letter"),
    ("a_k = ⟦exp(q_d K_kd)⟧/(1_m exp(q_d K_md))", "read in two ways", "`1_d` before"),
    ("c = 1_⟦i⟧", "index i stands alone", "`1_i 1_i`"),
    ("c = δ_⟦i⟧T", "index i stands alone", "`1_i δ_iT`"),
    ("c = (x_i + y_⟦j⟧) z_i", "index j stands alone", "`1_j y_j`"),
    ("y_⟦i⟧ = z", "index i is free on the left-hand side only", "write `1_i (z)`"),
    ("y_i⟦j⟧ = x_i", "index j is free on the left-hand side only", "`1_j (x_i)`"),
    ("y_⟦i⟧ = 1_j x_j", "index i is free on the left-hand side only", "1_i"),
    ("y_ij = x_i + ⟦z_j⟧", "same free indices", "write `1_i z_j` to broadcast over i"),
    ("y_ij = x_i z_j + 2 - ⟦w_i⟧", "same free indices", "`1_j w_i`"),
    ("v_b = 1_h (x_bh - ⟦m_b⟧)^2", "same free indices", "write `1_h m_b` to broadcast over h"),
    ("y_i = ⟦x_i - x_i⟧", "is zero", ""),
    # Sum signs
    ("y_j = Σ_⟦j⟧ x_j", "the sum over j stands where j is free already", "letter of its own"),
    ("c = x_j y_j Σ_⟦j⟧ z_j", "where j is bound already", "letter of its own"),
    ("c = Σ_⟦j⟧ 1", "runs over no axis, so its size is not known", "declare its size"),
    ("c = prod_⟦j⟧(x 1_j)", "runs over no axis, so its size is not known", "declare its size"),
    ("y_i = x_{⟦2i⟧}", "2 times i or two indices", "write `2·i` or `2,i`"),
    ("y_i = x_{⟦2i⟧,T}", "2 times i or two indices", "write `2·i` or `2,i`"),
    ("c = x_{argmax_u(g_u⟦k⟧ a_k),argmax_u(g_uk b_k)}", "read in two ways", "another letter"),
    ("c = (Σ_j x_j) y_⟦j⟧", "index j stands alone", "1_j"),
    ("c = Σ_⟦T⟧ x_T", "only an index letter can stand here", "lower-case"),
    ("c = Σ_⟦0⟧ x_0", "only an index letter can stand here", "lower-case"),
    ("c = Σ_j⟦j⟧ x_jj", "j stands twice", "give"),
    ("c = a/⟦Σ_j⟧ x_j", "the sign of a sum cannot stand here", "brackets"),
    ("c = 2^⟦sum_j⟧ x_j", "the sign of a sum cannot stand here", "brackets"),
    ("c = ⟦Sigma_ij⟧ x_i x_j", "the sign of a sum cannot stand here", "another name"),
    ("c = a + ⟦Σ_j⟧", "nothing follows the sign", "`Σ_j x_j`"),
    ("⟦Σ_ij⟧ = x_i x_j", "nothing follows the sign", "another name"),
    ("y_b = Σ_h (x_bh - ⟦w_h⟧)", "same free indices", "`1_b w_h`"),
    ("y_b = max_h(x_bh - ⟦w_h⟧)", "same free indices", "`1_b w_h`"),
    # Other reductions
    ("m = max_⟦j⟧(a)", "j does not occur in what `max` is taken of", "leave it out"),
    ("m_j = max_⟦j⟧(x_j)", "the max over j stands where j is free already", "letter"),
    ("m = prod_⟦T⟧(x_T)", "only an index letter can stand here", "lower-case"),
    ("m = 2 ⟦argmax_j(x_j)⟧", "argmax is an index and cannot stand among the factors", "slot"),
    ("m = y_{argmax_i⟦j⟧(x_ij), 0}", "`argmax` is one index", "one for each"),
    ("m = ⟦max_j⟧", "nothing follows the sign", "taken of"),
    ("c = x_⟦j⟧ max_j(x_j)", "index j stands alone", "1_j"),
    ("y_{⟦argmax_j(x_j)⟧} = 1", "label argmax cannot stand on the left-hand side", "lower-case"),
    # Labels and constants
    ("c = 1_⟦T⟧ x_T", "a label is a constant", "lower-case"),
    ("c = 1_⟦0⟧ x_0", "one-tensor", "lower-case"),
    ("y_⟦T⟧ = x_T", "label T cannot stand on the left-hand side", "lower-case"),
    ("y_⟦0⟧ = x_0", "constant index cannot stand on the left-hand side", "lower-case"),
    ("y_{⟦T_b⟧} = x_b", "label T cannot stand on the left-hand side", "lower-case"),
    ("y_i⟦i⟧ = x_i", "index i stands twice on the left-hand side", "a letter of its own"),
    ("c_b = s_{b,T_b} ⟦T_b⟧", "T is a tensor of labels", "used as indices only"),
    ("c_b = s_{b,⟦T_b⟧} s_{b,T}", "T is an index and also a tensor of labels", "another letter"),
    ("c = ⟦T⟧ x_T", "T is an index and also a number", "another letter"),
    ("c = ⟦i⟧ x_i 1_i", "i is an index and also a number", "another letter"),
    # Names
    ("y_i = x_i + ⟦x⟧", "x has 1 index in one place and 0 in another", "one index for each"),
    ("y_i = x_ij z_j ⟦x_i⟧", "x has 2 indices in one place and 1 in another", "everywhere"),
    ("y = ⟦foo⟧(x)", "foo is not a known function", "known are abs"),
    ("y = ⟦cosn⟧(x)", "cosn is not a known function", "did you mean `cos`?"),
    ("y_i = ⟦gelu⟧(x_i)", "gelu is not a known function", "as in `x_i (1 + erf(x_i/sqrt(2)))/2`"),
    ("c = ⟦sum⟧(x_i)", "sum is not a known function", "as in `1_i x_i`"),
    ("m = ⟦mean_i⟧(x_i)", "mean over an index is not part", "as in `(1/N) 1_i x_i`"),
    ("n_b = a ⟦norm_{h}⟧(x_bh)", "norm over an index is not part", "before the bracket"),
    ("y = ⟦x2y⟧", "a letter follows a digit", "space"),
    ("y = ⟦σx⟧", "mixes a Greek letter", "`σ x`"),
    ("y = ⟦δ⟧", "δ has two indices, and here it has 0", "`δ_ij`"),
    ("y_i = ⟦δ_i⟧", "δ has two indices, and here it has 1", "`δ_ij`"),
    ("y_ijk = ⟦δ_ijk⟧", "δ has two indices, and here it has 3", "`δ_ij`"),
    ("⟦y⟧ = z; z = y", "in a circle", "defined without it"),
    ("⟦y⟧ = y + x", "in a circle", "defined without it"),
    # Equations
    ("⟦y⟧", "has an equals sign", "`name := …`"),
    ("y = x ⟦=⟧ z", "one equals sign", "separate equations"),
    ("y = x ⟦:=⟧ z", "one equals sign", "separate equations"),
    ("y =⟦⟧", "an expression is missing", ""),
    ("⟦⟧= x", "an expression is missing", ""),
    ("⟦x_i y_i⟧ = z", "left-hand side is not a name", "`s_i = …`"),
    ("⟦δ_ij⟧ = x_ij", "left-hand side is not a name", ""),
    ("⟦log(x)⟧ = y", "left-hand side is not a name", ""),
    ("y_n = ⟦∂c/∂x_n⟧", "a derivative cannot stand in an equation", "goal"),
    # Brackets
    ("y = ⟦(⟧x + z", "bracket `(` is never closed", "add `)`"),
    ("y = (x⟦]⟧ + z", "bracket `]` does not match `(`", "write `)`"),
    ("y = x⟦)⟧ + z", "bracket `)` was never opened", "remove `)`"),
    ("y = x_⟦{⟧i", "bracket `{` is never closed", "add `}`"),
    ("y = ⟦{⟧x}", "brace cannot stand here", "use `(`"),
    ("y = (⟦)⟧", "missing before the bracket", ""),
    # Words and signs
    ("y = x ⟦@⟧ z", "'@' (commercial at)", "`x_ik w_kj`"),
    ("y = ⟦|⟧x|", "'|' (vertical line)", "`abs(x_i)`"),
    ("y = x ⟦?⟧ z", "'?' (question mark)", "remove"),
    ("y = x ⟦ꙮ⟧", "multiocular", "remove"),
    ("y = x⟦_⟧", "the subscript is empty", "index letter"),
    ("y = x⟦_{}⟧", "the subscript is empty", "index letter"),
    ("y = x_i⟦_j⟧", "second subscript", "`x_{i,j}`"),
    ("y = 10⟦_j⟧", "a number has no indices", "`1_j`"),
    ("y = (x)⟦_j⟧", "nothing here that could have a subscript", ""),
    ("y = x_{i⟦/⟧2} 1_i", "cannot stand here in index arithmetic", "`n//D`"),
    ("y = x_{i+⟦*⟧k} 1_i", "cannot stand here in index arithmetic", "`n//D`"),
    ("y_ik = x_{⟦i k⟧+1}", "two indices are multiplied", "commas"),
    ("y_ik = x_{i//⟦k⟧}", "divided by a positive whole number", "`x_{n//D, n%D}`"),
    ("y_i = x_{i//⟦0⟧}", "divided by a positive whole number", "`x_{n//D, n%D}`"),
    ("y_{⟦i+1⟧} = x_i", "index arithmetic cannot stand on the left", "lower-case"),
    ("y = x_{i,⟦}⟧", "cannot stand in a subscript", "commas"),
    ("y = x⟦'⟧", "prime belongs to an index letter", "`x_i'`"),
    ("y = x_{⟦mu⟧}", "whether `mu` is μ or 2 indices", "`μ` or `m,u`"),
    ("y = x_⟦alpha⟧", "whether `alpha` is α or 5 indices", "`α`"),
    ("y = s_{⟦bT_b⟧}", "to which letter this subscript belongs", "`s_{b,T_b}`"),
    ("y = a⟦,⟧ b", "a comma cannot stand here", "subscript"),
    ("y = a ⟦+⟧", "something is missing after `+`", "a factor is"),
    ("y = a * ⟦-⟧b", "two operators", "brackets"),
    ("y = ⟦*⟧b", "no factor before this operator", ""),
    ("y = ⟦exp⟧", "exp has no argument", "`exp(…)`"),
    ("y = sin⟦^⟧2 x", "a function has its argument first", "`sin(x)^2`"),
    ("y = a b ⟦2⟧", "a number stands behind another factor", "first"),
    ("y = a/b ⟦c⟧", "below the fraction line", "`(a/b) c` or `a/(b c)`"),
    ("y = a/b ⟦(c + d)⟧", "below the fraction line", "`(a/b) c`"),
    ("y = ⟦√a²⟧", "root or the power", "`√(…^n)`"),
    ("y = a²⟦^⟧3", "a power cannot be taken of this", "brackets"),
    ("y = ⟦x|_s⟧", "only behind a derivative", "`∂c/∂x_n|_s`"),
    # Numbers
    ("y = ⟦0^-1⟧", "divides by zero", ""),
    ("y = x/⟦0⟧", "divides by zero", ""),
    ("y = x/⟦(1 - 1)⟧", "divides by zero", ""),
    ("y = ⟦log(0)⟧", "no finite value", ""),
    ("y = ⟦sqrt(-2)⟧", "not a real number", ""),
    ("y = ⟦log(-1)⟧", "not a real number", ""),
    ("y = ⟦acos(2)⟧", "not a real number", ""),
    ("y = ⟦exp(a, b)⟧", "has 1 argument", "exp(a)"),
    ("y = ⟦max(a)⟧", "has 2 arguments", "max(a, b)"),
    ("y_i = x_i ⟦>⟧ 0", "square brackets", "[x_i > 0]"),
    ("y = ⟦x^99999999999⟧", "exponent is too large", "100"),
    ("y = 9^⟦9^9^9⟧", "exponent is too large", ""),
    ("y = ⟦(10^30)^90⟧", "number is too large", ""),
    ("y = ⟦" + "1" * 50 + "⟧", "number is too long", "digits"),
    ("y = ⟦1e99⟧", "number is too long", "digits"),
    ("y = exp(⟦exp(exp(9))⟧)", "too involved", ""),
    ("c = x_⟦abdefghijklmnopq⟧", "indices are too many", "at most"),
]  # fmt: skip


def unmarked(text: str) -> tuple[str, tuple[int, int]]:
    """The text without marks, and where they stood in the equation that has them."""
    marked = next(piece for piece in text.split(";") if "⟦" in piece).strip()
    start = marked.index("⟦")
    return text.replace("⟦", "").replace("⟧", ""), (start, marked.index("⟧") - 1)


def caught(text: str, sizes: dict[str, str | int] | None = None) -> DeriveError:
    with pytest.raises(DeriveError) as info:
        read_graph(text, sizes=sizes)
    return info.value


@pytest.mark.parametrize(("marked", "message", "mend"), EQUATIONS)
def test_a_broken_rule_is_named_and_shown(marked: str, message: str, mend: str) -> None:
    text, span = unmarked(marked)
    error = caught(text)
    place = error.places[0]
    assert message in error.message
    assert mend in error.mend
    assert error.mend
    assert place.start == span[0]
    assert place.end == max(span[1], span[0] + 1)
    carets = str(error).splitlines()[2 if not place.name else 3]
    assert carets.index("^") == 4 + span[0]


def test_the_other_place_is_shown_too() -> None:
    error = caught("y_i = x_i; z = x")
    assert [(p.name, p.text[p.start : p.end]) for p in error.places] == [
        ("equation 2", "x"),
        ("equation 1", "x_i"),
    ]
    error = caught("y_i = x_i; y_i = z_i")
    assert "defined twice" in error.message
    assert [(p.name, p.start, p.end) for p in error.places] == [
        ("equation 2", 0, 3),
        ("equation 1", 0, 3),
    ]


def test_a_size_conflict_names_both_places() -> None:
    error = caught("c = x_i y_i; d = x_k z_k", {"i": 3, "k": 4})
    assert "size" in error.message
    assert len(error.places) == 2
    assert {place.name for place in error.places} == {"equation 1", "equation 2"}
    assert all(place.text[place.start] in "xyz" for place in error.places)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"i": 0}, "size of i is 0"),
        ({"i": -2}, "size of i is -2"),
        ({"i": True}, "size of i is True"),
        ({"i": 2.5}, "size of i is 2.5"),
        ({"i": "2 H"}, "size of i is"),
        ({"i": ""}, "size of i is"),
        ({"q": 2}, "index q, which the equations lack"),
        ({"i": "x"}, "x is the name of a size"),
    ],
)
def test_bad_sizes(sizes: dict[str, str | int], message: str) -> None:
    assert message in caught("c = x_i x_i", sizes).message


@pytest.mark.parametrize("text", ["", "  ", "\n;;\n", "# a comment only"])
def test_no_equations(text: str) -> None:
    assert "there are no equations" in caught(text).message


@pytest.mark.parametrize("text", ["y = x 1_⟦h⟧ 1_h", "y_b = x_b; z = 1_⟦b⟧ 1_b", "y = δ_⟦i⟧i"])
def test_an_index_of_unknown_size(text: str) -> None:
    plain, (start, end) = unmarked(text)
    error = caught(plain)
    assert "runs over no axis" in error.message
    assert (error.places[0].start, error.places[0].end) == (start, end)


def test_the_source_is_named() -> None:
    with pytest.raises(NotationError) as info:
        read_graph("y_i = x_i; z = (", name="loss.toml")
    assert info.value.places[0].name == "equation 2 of loss.toml"
    assert "in equation 2 of loss.toml:" in str(info.value)


SOFTMAX = read_graph("s_i = exp(x_i) / sigma; sigma := 1_j exp(x_j); loss_b = -log(s_{T_b})")

GOALS = [
    ("∂loss_b/∂⟦y_n⟧", "y is not in the equations", "tensors are"),
    ("∂loss_b/∂⟦sgima⟧", "sgima is not in the equations", ""),
    ("∂loss_b/∂⟦T_n⟧", "T is a tensor of labels", ""),
    ("∂loss_b/∂⟦sigma⟧", "σ is an abbreviation", "`σ = …`"),
    ("∂⟦x_i⟧/∂x_n", "x is an input", "s, σ, loss"),
    ("∂⟦l_b⟧/∂x_n", "l is not defined", "no indices"),
    ("∂⟦los⟧/∂x_n", "los is not defined", "did you mean `loss`?"),
    ("∂⟦e⟧/∂x_n", "e is not defined", ""),
    ("∂⟦loss⟧/∂x_n", "loss has 1 index, and here it has 0", "`loss_n`"),
    ("∂loss_b/∂⟦x_nm⟧", "x has 1 index, and here it has 2", "`x_n`"),
    ("∂s_i/∂x_⟦i⟧", "index i stands twice in a goal", "of its own"),
    ("∂s_i/∂x_⟦T⟧", "label T cannot stand in a goal", "lower-case"),
    ("∂s_i/∂x_⟦0⟧", "constant index cannot stand in a goal", "lower-case"),
    ("∂⟦log(s_T)⟧/∂x_n", "derivative of a name by a name", "in the equations"),
    ("∂s_i/∂(⟦x_n x_n⟧)", "derivative of a name by a name", "in the equations"),
    ("⟦∂s_i/∂x_n|_u⟧", "u, which is to be held fixed", ""),
    ("⟦loss_b⟧", "not a derivative", "`∂c/∂x_n`"),
    ("⟦∂loss_b/∂x_n + 1⟧", "not a derivative", "`∂c/∂x_n`"),
    ("∂loss_b/⟦x⟧_n", "half of a derivative", "`∂c/∂x_n`"),
    ("∂loss⟦_b⟧", "half of a derivative", "`∂c/∂x_n`"),
    ("⟦⟧", "an expression is missing", ""),
    ("∂s_i/∂x_n ⟦=⟧ 2", "equals sign", ""),
    ("d ⟦s_i|_sigma⟧ / d x_n", "only behind a derivative", ""),
    ("d s_i / d ⟦2⟧", "with respect to a tensor", ""),
    ("∂s_i/∂x_n⟦^⟧2", "power cannot be taken", "brackets"),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "message", "mend"), GOALS)
def test_a_goal_that_cannot_be(marked: str, message: str, mend: str) -> None:
    start, text = marked.index("⟦"), marked.replace("⟦", "").replace("⟧", "")
    with pytest.raises(DeriveError) as info:
        read_goal(text, SOFTMAX)
    place = info.value.places[0]
    assert message in info.value.message
    assert mend in info.value.mend
    assert (place.start, place.end) == (start, max(marked.index("⟧") - 1, start + 1))


def test_goals_and_notation_have_errors_of_their_own() -> None:
    with pytest.raises(GoalError):
        read_goal("∂s_i/∂y_n", SOFTMAX)
    with pytest.raises(NotationError):
        read_goal("∂s_i/∂", SOFTMAX)


EXPRESSIONS = [
    ("⟦s_ij⟧ 1_i", "s has 1 index in the equations and 2 here"),
    ("⟦T_b⟧ 1_b", "T is a tensor of labels"),
    ("s_⟦T⟧", "T is no single label"),
    ("s_n + x_⟦m⟧", "index m stands alone"),
    ("∂x_n/∂⟦2⟧", "with respect to a tensor"),
    ("⟦∂(x_m y_m)/∂x_m⟧", "index m stands alone"),
    ("∂s_n/∂⟦(2)⟧", "with respect to a number"),
]


@pytest.mark.parametrize(("marked", "message"), EXPRESSIONS)
def test_an_expression_that_cannot_be(marked: str, message: str) -> None:
    start, text = marked.index("⟦"), marked.replace("⟦", "").replace("⟧", "")
    with pytest.raises(NotationError) as info:
        read_expression(text, SOFTMAX, "n")
    assert message in info.value.message
    place = info.value.places[0]
    assert (place.start, place.end) == (start, marked.index("⟧") - 1)


@pytest.mark.parametrize(
    "text",
    [
        "y = " + "(" * 100_000,
        "y = " + "(" * 5_000 + "x" + ")" * 5_000,
        "y = " + "x" * 1_000_000,
        "y = " + "1 + " * 4_000,
        "y = " + "x^" * 9_000 + "x",
        "y = " + "log " * 4_000 + "x",
        "y = " + "-" * 15_000 + "x",
        "y = x_" + "{T_" * 3_000 + "b" + "}" * 3_000,
        "y = x_" + "i" * 15_000,
        "y = x_i" + "'" * 15_000,
        "y = 9^9^9^9",
        "y = x^99999999999",
        "y = " + "(" * 30 + "2" + ")^90" * 30,
        "y = " + "10^40 " * 3_000,
        "y = exp(exp(exp(exp(9))))",
        "y = 2^(2^(2^(2^(2^sqrt(2)))))",
        "y = " + " + ".join(["a_ij a_jk a_kl a_lm a_mn a_ni"] * 500),
        ";" * 15_000 + "=",
        "y = x" + "\u0302" * 15_000 + "(",
    ],
    ids=lambda text: text[:12],
)
def test_a_huge_input_ends_in_a_message(text: str) -> None:
    start = time.perf_counter()
    error = caught(text)
    assert time.perf_counter() - start < 20
    assert error.message
    assert error.__cause__ is None


def test_nesting_within_bounds_is_read() -> None:
    assert isinstance(read_graph("y = " + "exp(1 + " * 35 + "x" + ")" * 35), Graph)


def test_a_tensor_called_mean_may_stand_before_a_bracket() -> None:
    assert read_graph(["y_b = mean_b (x_b - 1)"]).arity["mean"] == 1
