"""The command line as a user meets it."""

import json
import os
import subprocess
import sys

import pytest
from commands import run

SOFTMAX = "s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)"


def process(*arguments, env=None):
    """Run a command in a process of its own, as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "derive", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})},
        check=False,
    )


def test_show_prints_the_gradient_on_standard_output():
    found = process("show", "cross-entropy")
    assert found.returncode == 0
    assert found.stderr == ""
    assert "= s_n − δ_Tn" in found.stdout
    assert "\x1b" not in found.stdout


def test_the_article_s_lines_come_out():
    lines = json.loads(run("show", "cross-entropy", "--format", "json").stdout)["stages"]
    assert [
        [stage["goal"]["text"], *(line["text"] for line in stage["lines"])] for stage in lines
    ] == [
        [
            "∂σ/∂x_n",
            "1_j ∂exp(x_j)/∂x_n",
            "1_j ∂exp(x_j)/∂x_j ∂x_j/∂x_n",
            "1_j exp(x_j) δ_jn",
            "exp(x_n)",
        ],
        [
            "∂s_i/∂x_n",
            "(1/σ²) (∂exp(x_i)/∂x_n σ − exp(x_i) ∂σ/∂x_n)",
            "(1/σ²) (exp(x_i) δ_in σ − exp(x_i) exp(x_n))",
            "s_i δ_in − s_i s_n",
        ],
        ["∂c/∂s_i", "−∂log(s_T)/∂s_i", "−(1/s_T) δ_iT"],
        [
            "∂c/∂x_n",
            "∂c/∂s_i ∂s_i/∂x_n",
            "−(1/s_T) δ_iT (s_i δ_in − s_i s_n)",
            "−(1/s_T) (s_T δ_Tn − s_T s_n)",
            "s_n − δ_Tn",
        ],
        ["∂l/∂x_n", "∂l/∂c ∂c/∂x_n", "∂l/∂c (s_n − δ_Tn)"],
    ]


@pytest.mark.parametrize(
    ("form", "sign"), [("text", "Σ_j"), ("latex", r"\sum_{j}"), ("markdown", r"\sum_{j}")]
)
def test_sums_are_shown_either_way(form, sign):
    for sums in ("einstein", "sigma"):
        shown = run("show", "cross-entropy", "--format", form, "--sums", sums)
        assert (sign in shown.stdout) == (sums == "sigma")
    found = json.loads(run("show", "cross-entropy", "--format", "json", "--sums", "sigma").stdout)
    assert found["definitions"][1]["text"] == "σ := Σ_j exp(x_j)"


def test_details_are_shorter_and_longer():
    brief, article, full = (
        run("show", "cross-entropy", "--detail", detail).stdout.count("\n")
        for detail in ("brief", "article", "full")
    )
    assert brief < article < full


def test_grad_needs_no_file():
    found = run("grad", SOFTMAX, "--wrt", "x")
    assert found.returncode == 0
    assert "s_n − δ_Tn" in found.stdout


def test_grad_of_one_of_several_outputs():
    equations = "y_i = x_i^2; c = 1_i x_i"
    assert run("grad", equations, "--wrt", "x").returncode == 2
    assert "2 x_i δ_in" in run("grad", equations, "--wrt", "x", "--of", "y").stdout


def test_verify_prints_grades_and_json_has_the_evidence():
    assert "exact" in run("verify", "l2-norm").stdout
    found = json.loads(run("verify", "l2-norm", "--format", "json").stdout)
    evidence = found["stages"][0]["lines"][0]["evidence"]
    assert evidence["grade"] in ("exact", "sampled")
    assert len(evidence["sizes"]) >= 3


def test_json_without_verification_has_no_evidence():
    found = json.loads(run("show", "l2-norm", "--format", "json").stdout)
    assert "evidence" not in found["stages"][0]["lines"][0]


def test_a_file_is_a_problem(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\nequations = ["c = x_i x_i"]\ngoals = ["∂c/∂x_n"]\n', "utf-8")
    assert "2 x_n" in run("show", str(path)).stdout


@pytest.mark.parametrize("name", ["text", "latex", "markdown", "json"])
def test_output_goes_to_a_file_whole(tmp_path, name):
    path = tmp_path / "out"
    path.write_text("before")
    found = run("export", "l2-norm", "--format", name, "-o", str(path))
    assert (found.returncode, found.stdout) == (0, "")
    text = path.read_text("utf-8")
    assert text != "before"
    assert text.endswith("\n")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_run_leaves_the_file_alone(tmp_path):
    path = tmp_path / "out"
    path.write_text("before")
    assert run("export", "no-such-thing", "-o", str(path)).returncode == 2
    assert path.read_text() == "before"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("shwo", "cross-entropy"),
        ("show",),
        ("show", "cros-entropy"),
        ("show", "no/such/file.toml"),
        ("show", "cross-entropy", "--format", "pdf"),
        ("export", "l2-norm", "-o", "no/such/folder/out"),
        ("grad", "s_i = exp(x_i", "--wrt", "x"),
        ("grad", SOFTMAX, "--wrt", "z"),
        ("grad", SOFTMAX, "--wrt", "x", "--of", "q_i"),
        ("grad", SOFTMAX, "--wrt", "x_ij"),
        ("grad", SOFTMAX, "--wrt", "x", "--of", "q"),
        ("grad", SOFTMAX, "--wrt", "x", "--size", "h"),
        ("show", "l2-norm", "--standalone"),
        ("export", "l2-norm", "-o", ""),
        ("grad", "", "--wrt", "x"),
        ("grad", SOFTMAX, "--wrt", ""),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_message_and_exit_code_2(arguments):
    assert_is_bad_input(run(*arguments))


def test_bad_input_ends_a_process_so():
    assert_is_bad_input(process("show", "cros-entropy"))


def assert_is_bad_input(found):
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr.startswith("derive: ")
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shwo", "l2-norm"], "there is no command shwo\n  did you mean `show`?"),
        (["verify", "l2-norm", "--powr"], "there is no option --powr\n  did you mean `--power`?"),
        (["show", "l2-norm", "other"], "there is one argument too many: other"),
        (["show", "l2-norm", "--detail"], "--detail: expected one argument"),
        (["verify", "l2-norm", "--certificate", "-"], "as in `--certificate out.json`"),
    ],
)
def test_a_slip_in_the_command_is_named(arguments, said, capsys):
    from derive import cli

    try:
        code = cli.main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--of", "y_i = x_i", "--free", "i", "-x_i", "-y_i"],
        ["--of", "y_i = x_i", "-x_i", "--free=i", "-y_i"],
        ["-x_i", "--of", "y_i = x_i", "--free", "i", "--", "-y_i"],
    ],
)
def test_options_stand_between_arguments_and_these_start_with_a_minus(arguments, capsys):
    from derive import cli

    assert cli.main(["equal", *arguments]) == 0
    assert capsys.readouterr().out.startswith("exact")


def test_a_wrong_line_ends_with_exit_code_1(monkeypatch):
    from derive import cli, verify

    monkeypatch.setattr(verify.Report, "ok", property(lambda report: False))
    assert cli.main(["verify", "l2-norm"]) == 1


def test_a_terminal_that_knows_ascii_only_gets_ascii():
    found = process("show", "l2-norm", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert found.returncode == 0
    assert found.stdout.isascii()
    assert "d r/d x_n" in found.stdout


@pytest.mark.parametrize("name", ["latex", "markdown", "json"])
def test_documents_are_utf_8_whatever_the_stream_says(name):
    found = run("show", "cross-entropy", "--format", name, encoding="ascii")
    assert found.returncode == 0
    assert "σ" in found.stdout


def test_greek_names_are_spelled_out_in_ascii():
    found = run("verify", "cross-entropy", encoding="ascii")
    assert found.returncode == 0
    assert "Derivative of sigma with respect to x" in found.stdout


def test_greek_names_are_names_of_variables():
    found = run("grad", "y_i = gamma_i x_i", "--wrt", "gamma")
    assert "∂y_i/∂γ_n" in found.stdout


def test_a_size_makes_a_mean():
    found = run("grad", "m = 1_h x_h/H; v = 1_h (x_h - 1_h m)^2/H", "--wrt", "x", "--size", "h=H")
    assert found.returncode == 0


@pytest.mark.parametrize("columns", ["0", "10", "40", "200"])
def test_any_width_prints_everything(columns):
    wide = run("list", env={"COLUMNS": "150"}).stdout.split()
    assert run("list", env={"COLUMNS": columns}).stdout.split() == wide


def test_the_list_can_be_searched():
    assert run("list", "LAYER", "norm").stdout.splitlines()[0].split() == [
        "layer_norm",
        "Layer",
        "norm",
    ]
    assert "= ∂l/∂r x_n/r" in run("list", "l2", "--results").stdout
    found = run("list", "nothing-like-it")
    assert (found.returncode, found.stdout) == (2, "")


def test_a_full_disk_is_one_message():
    with open("/dev/full", "w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "derive", "show", "l2-norm"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert found.returncode == 2
    assert found.stderr.startswith("derive: cannot write")


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "file").write_text("before")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert run("export", "l2-norm", "-o", str(tmp_path / "link")).returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() != "before"


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m derive list | head -n 1; echo ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "0"
    assert found.stderr == ""


def test_version_and_help():
    assert run("--version").stdout.startswith("derive 0.")
    for command in ((), ("show",), ("grad",)):
        assert run(*command, "--help").returncode == 0
