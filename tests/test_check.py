"""Articles that are checked: what is said of each block and line, and how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.check.checker import Options, check_document
from derive.check.document import read_text
from derive.check.results import DocumentResult, Finding
from derive.cli import main
from derive.errors import DeriveError

SOFTMAX = r"""
$$s_i = \frac{e^{x_i}}{\sum_j e^{x_j}}, \qquad c = -\log s_T$$
"""

SEED = r"""
$$
\begin{aligned}
s_{i} & =\frac{e^{x_{i}}}{\mathbf{1}_{j} e^{x_{j}}} \\
c & =-\log s_{T}
\end{aligned}
$$

$$
\begin{aligned}
\frac{\partial c}{\partial x_{n}} & =\frac{\partial c}{\partial s_{i}} \frac{\partial s_{i}}{\partial x_{n}} \\
& =s_{n}-\delta_{T n}
\end{aligned}
$$

$$
\begin{aligned}
\frac{\partial l}{\partial x_{n}} & =\frac{\partial l}{\partial c} \frac{\partial c}{\partial x_{n}} \\
& =\frac{\partial l}{\partial c}\left(s_{n}-\delta_{T_{n}}\right)
\end{aligned}
$$
"""  # noqa: E501 - as the article has it


def checked(text: str, *assume: str) -> DocumentResult:
    return check_document(read_text(text, "article.md"), Options(assume=assume))


def lines(result: DocumentResult) -> list[str]:
    return [one.line.grade for block in result.blocks for one in block.lines]


def failure(text: str, *assume: str) -> Finding:
    (found,) = [finding for finding in checked(text, *assume).findings if finding.fails]
    return found


def test_a_subscript_of_a_subscript_is_a_warning_and_holds() -> None:
    result = checked(SEED)
    assert [block.status for block in result.blocks] == ["definition", "checked", "checked"]
    assert set(lines(result)) <= {"definition", "exact", "sampled"}
    (warning,) = result.findings
    assert warning.kind == "warning"
    assert "subscript of a subscript" in warning.message
    assert "holds" in warning.message
    assert warning.source[: warning.place.column - 1].endswith("\\delta_{T")
    assert result.ok
    assert not result.clean


def test_the_first_wrong_line_has_its_place_a_witness_and_a_mend() -> None:
    text = (
        SOFTMAX
        + r"""
$$
\begin{aligned}
\frac{\partial c}{\partial x_n} &= -\frac{1}{s_T} (s_T \delta_{Tn} - s_T s_n) \\
&= s_n + \delta_{Tn} \\
&= s_n - \delta_{Tn}
\end{aligned}
$$
"""
    )
    found = failure(text)
    assert found.kind == "wrong"
    assert found.place.line == 7
    assert found.source == r"&= s_n + \delta_{Tn} \\"
    assert "2nd `=`" in found.message
    assert any("sign of" in detail for detail in found.details), found.details
    assert any("this side is" in detail for detail in found.details)
    assert lines(checked(text)) == ["definition", "definition", "exact", "wrong", "exact"]


def test_a_chain_that_contradicts_the_definition_is_wrong_at_its_first_line() -> None:
    text = (
        SOFTMAX + r"$$\frac{\partial c}{\partial x_n} = \delta_{Tn} - s_n = -(s_n - \delta_{Tn})$$"
    )
    found = failure(text)
    assert found.message.startswith("the 1st `=`")
    assert "2nd" in found.details[-1]


def test_a_lost_transpose_is_named() -> None:
    text = r"""
$$y_i = \sum_j W_{ij} x_j$$

$$\frac{\partial l}{\partial x_j} = \sum_i \frac{\partial l}{\partial y_i} W_{ji}$$
"""
    found = failure(text)
    assert any("sizes do not fit" in detail for detail in found.details)
    assert any("swapped" in detail for detail in found.details)


def test_a_lost_index_is_malformed() -> None:
    found = failure(SOFTMAX + r"$$\frac{\partial s_i}{\partial x_n} = s_i - s_i^2$$")
    assert found.kind == "malformed"
    assert "index n" in found.message


def test_an_index_that_stands_alone_is_malformed() -> None:
    text = SOFTMAX + r"$$\frac{\partial s_i}{\partial x_n} = s_i \delta_{in} - s_i s_m$$"
    found = failure(text)
    assert found.kind == "malformed"
    assert "index m stands alone" in found.message
    assert any("n for m" in detail for detail in found.details)


def test_a_dummy_three_times_where_the_author_says_einstein() -> None:
    text = r"""
With the summation convention, $y_i = A_{ij} x_j$ and $E = y_i y_i$. It follows that

$$E = A_{ij} x_j A_{ij} x_j$$
"""
    found = failure(text)
    assert found.kind == "malformed"
    assert "four times" in found.message
    assert "summation convention" in found.message


def test_a_claim_that_sides_differ_is_checked_as_such() -> None:
    text = SOFTMAX + r"$$\frac{\partial s_i}{\partial x_n} \neq s_i \delta_{in}$$"
    assert lines(checked(text))[-1] == "sampled"
    text = SOFTMAX + r"$$\frac{\partial s_i}{\partial x_n} \neq s_i \delta_{in} - s_i s_n$$"
    assert failure(text).message.endswith("is equal to the one before")


@pytest.mark.parametrize("condition", ["i = j", "i \\neq j"])
def test_a_row_holds_under_its_condition_alone(condition: str) -> None:
    right = "s_i (1 - s_i)" if condition == "i = j" else "-s_i s_j"
    row = rf"$$\frac{{\partial s_i}}{{\partial x_j}} = {right} \quad \text{{if }} {condition}$$"
    assert lines(checked(SOFTMAX + row))[-1] == "exact"
    wrong = row.replace("1 - s_i", "1 + s_i").replace("-s_i s_j", "s_i s_j")
    assert failure(SOFTMAX + wrong).kind == "wrong"


def test_what_stands_between_is_held_or_seen_through() -> None:
    text = r"""
$$m = \frac{1}{N} \sum_{i=1}^N x_i, \qquad v = \frac{1}{N} \sum_{i=1}^N (x_i - m)^2$$

$$y_i = \frac{x_i - m}{\sqrt{v + \epsilon}}$$

$$\frac{\partial y_i}{\partial x_j} = \frac{\delta_{ij}}{\sqrt{v + \epsilon}}$$
"""
    result = checked(text)
    assert result.ok
    assert any("held fixed" in note for block in result.blocks for note in block.notes)


def test_inputs_that_sum_to_one() -> None:
    text = r"""
$$s_i = \frac{e^{x_i}}{\sum_j e^{x_j}}, \qquad c = -\sum_i t_i \log s_i$$

$$\frac{\partial c}{\partial x_n} = s_n - t_n$$
"""
    (warning,) = checked(text).findings
    assert warning.kind == "warning"
    assert "Σ_i t_i = 1" in warning.message
    assert checked(text, r"\sum_i t_i = 1").clean
    assert checked(text + "\nwhere $\\sum_i t_i = 1$.").clean
    assert checked(text + "\nThe target is one-hot.").clean


def test_what_the_text_leaves_out_is_not_called_wrong() -> None:
    result = checked(r"$$\frac{\partial L}{\partial z_i} = p_i - t_i$$")
    assert lines(result) == ["unknown"]
    result = checked(SOFTMAX + r"$$\frac{\partial c}{\partial x_n} = \kappa s_n$$")
    assert lines(result)[-1] == "unknown"
    assert "κ" in result.findings[0].message


MEAN = r"""
$$m = \frac{1}{N} \sum_i x_i$$
$$v = \frac{1}{N} \sum_i (x_i - m)^2$$
"""


def test_a_name_that_divides_a_sum_may_count_its_terms() -> None:
    claim = r"$$\frac{\partial v}{\partial m} = -\frac{2}{N} \sum_i (x_i - m) = 0$$"
    result = checked(MEAN + claim)
    assert lines(result)[2:] == ["exact", "exact"]
    # Where the text says what i runs to, that is what counts.
    assert failure(MEAN.replace(r"\sum_i", r"\sum_{i=1}^M") + claim).kind == "wrong"
    # What holds in no reading is wrong.
    assert failure((MEAN + claim.replace("= 0", "= 1")).replace("N", r"\lambda")).kind == "wrong"


def test_what_is_wrong_however_the_terms_are_counted_is_wrong() -> None:
    claim = r"$$\frac{\partial v}{\partial x_j} = \frac{2}{N} (x_j + m)$$"
    assert failure(MEAN + claim).kind == "wrong"


def test_a_rule_holds_for_generic_functions() -> None:
    text = r"""
$$\frac{\partial l}{\partial x_j} = \sum_i \frac{\partial l}{\partial y_i} \frac{\partial y_i}{\partial x_j}$$
"""  # noqa: E501
    (block,) = checked(text).blocks
    assert block.status == "statement of a rule"
    assert [one.line.grade for one in block.lines] == ["exact"]


def test_a_label_in_lower_case() -> None:
    text = r"""
$$p_k = \frac{e^{f_k}}{\sum_j e^{f_j}}, \qquad L = -\log p_y$$

$$\frac{\partial L}{\partial f_k} = p_k - \mathbb{1}(k = y)$$
"""
    assert checked(text).clean


def test_hints_in_the_file() -> None:
    wrong = r"$$\frac{\partial c}{\partial x_n} = s_n$$"
    assert checked(SOFTMAX + "<!-- derive: ignore -->\n\n" + wrong).ok
    row = r"$$\frac{\partial s_i}{\partial x_j} = s_i (1 - s_i)$$"
    assert checked(SOFTMAX + "<!-- derive: i = j -->\n\n" + row).ok
    with pytest.raises(DeriveError, match="no assumption"):
        checked(SOFTMAX, "whatever that means")


def test_every_display_has_a_status() -> None:
    text = (
        SOFTMAX
        + r"""
$$\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}$$

$$\frac{\partial c}{\partial x_n} = \frac{{{ s_n$$

$$W^\top x = y$$
"""
    )
    statuses = [block.status for block in checked(text).blocks]
    assert len(statuses) == 4
    assert statuses[0] == "definition"
    assert "not understood" in statuses
    assert "not index notation" in statuses


# The command ----------------------------------------------------------------------------------


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    path = tmp_path / "wrong.md"
    path.write_text(SOFTMAX + r"$$\frac{\partial c}{\partial x_n} = s_n + \delta_{Tn}$$" + "\n")
    return str(path)


def test_exit_codes(tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "seed.md"
    path.write_text(SEED)
    assert main(["check", str(path)]) == 0
    assert main(["check", str(path), "--strict"]) == 1
    assert main(["check", wrong]) == 1
    assert main(["check", str(tmp_path / "none.md")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["."], "it is a folder"),
        (["image.md"], "it is not text"),
        (["no.ipynb"], "it has no cells\n  save it again"),
        (["seed.md", "--seconds", "-1"], "`-1` is no number of seconds"),
        (["seed.md", "--assume", "ignore"], "are about one display"),
        (["seed.md", "--assume", "i = j"], "are about one display"),
    ],
)
def test_bad_input_is_one_message(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("seed.md").write_text(SEED)
    Path("image.md").write_bytes(b"\x89PNG\x00\x00")
    Path("no.ipynb").write_text("[]")
    assert main(["check", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert not captured.out


def test_formats(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", wrong])
    text = capsys.readouterr().out
    assert "wrong: the `=` does not hold" in text
    assert "^^^" in text
    main(["check", wrong, "--json"])
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["blocks"][1]["findings"][0]["line"] == 3
    main(["check", wrong, "--format", "github"])
    assert f"::error file={wrong},line=3,col=" in capsys.readouterr().out
    main(["check", wrong, "--format", "markdown"])
    assert "| 3 | checked | 1 wrong |" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "$$" + "{" * 3000 + "$$",
        "$$" + r"\frac{" * 500 + "$$",
        "$$" + "a_i " * 4000 + "= b_i$$",
        "$$x = " + "(" * 2000 + "y" + ")" * 2000 + "$$",
        "$$\\begin{aligned} a &= b \\\\ &= $$ $$",
        "$$= = =$$",
        "$$a = \\sum_{i=1}^{" + "9" * 500 + "} x_i = \\sum_i x_i$$",
        "$$x_i = y_i^{" * 200 + "$$",
        "\x00\ud800$$\ufffd = \u200b$$".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    ],
    ids=range(9),
)
def test_any_input_gets_a_report(text: str) -> None:
    result = check_document(read_text(text, "article.md"), Options(seconds=5))
    assert len(result.blocks) >= 0


def test_a_hint_that_says_nothing_is_noted() -> None:
    result = checked(SOFTMAX + "\n<!-- derive: whatever -->\n")
    assert any("whatever" in note for note in result.notes)


def test_steps_between_lines_are_found() -> None:
    text = SOFTMAX + r"$$\frac{\partial s_i}{\partial x_n} = s_i (\delta_{in} - s_n)$$"
    result = check_document(read_text(text, "article.md"), Options(explain=True))
    steps = result.blocks[-1].lines[-1].steps
    assert any("quotient rule" in step for step in steps)
