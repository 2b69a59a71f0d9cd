"""Two forms of a gradient: the verdict, and what equality rests on."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from referee import evaluate

from derive.cli import main
from derive.expressions import Graph, free_indices
from derive.notation import read_goal, read_graph, write_text
from derive.notation.forms import free_of, read_forms, split_goal
from derive.problems import load_problem
from derive.verify import Values, draw
from derive.verify.equal import Comparison, compare
from derive.verify.premises import Premise, follows
from derive.verify.sample import domains

SOFTMAX = "s_i = exp(x_i)/(1_j exp(x_j))"
SIGMOID = "y_i = 1/(1 + exp(-x_i))"
NORMED = (
    "m_b = (1/H) 1_h x_bh; u_bh = x_bh - 1_h m_b; s_b = sqrt((1/H) 1_h u_bh^2); z_bh = u_bh/s_b"
)

# The backward formula with the sum of μ left in, as it comes out of the chain rule, and without.
LAYER_NORM = (
    "(γ_q/σ_p) ∂l/∂y_pq - (1/(H σ_p)) 1_h γ_h ∂l/∂y_ph 1_q - (μ_pq/(H σ_p^3)) γ_h ∂l/∂y_ph μ_ph"
)
WITH_MEAN = LAYER_NORM + " + (1/(H^2 σ_p^3)) μ_ph γ_h ∂l/∂y_ph 1_k μ_pk 1_q"
BATCH_NORM = "(γ_c/σ_c) (∂l/∂y_bch - (1/(B H)) 1_pr ∂l/∂y_pcr 1_bh)"


@cache
def asked(equations: str, free: str, *forms: str) -> tuple[Graph, Comparison]:
    sizes = {"h": "H"} if "_bh" in equations else {}
    graph = (
        read_graph(equations, sizes=sizes) if "=" in equations else load_problem(equations).graph
    )
    letters = free_of(read_goal(free, graph)) if "∂" in free else free.split()
    (left, right), indices = read_forms(forms, graph, letters)
    return graph, compare(graph, left, right, indices)


def rests_on(graph: Graph, found: Comparison) -> list[str]:
    assert found.premises is not None
    return [
        f"{each.kind}: {write_text(each.left, graph)} = "
        f"{write_text(each.right, graph, (each.left,))}"
        for each in found.premises
    ]


EQUAL = [
    ("layer_norm", "∂l/∂x_pq", LAYER_NORM, WITH_MEAN, ["fact: 1_h μ_bh = 0"]),
    (
        "layer_norm",
        "∂l/∂x_pq",
        LAYER_NORM,
        "(1/(H σ_p)) (H γ_q ∂l/∂y_pq - 1_h γ_h ∂l/∂y_ph 1_q - (μ_pq/(v_p + ε)) γ_h ∂l/∂y_ph μ_ph)",
        ["definition: σ_b = √(v_b + ε)"],
    ),
    (
        "batch_norm",
        "∂l/∂x_bch",
        BATCH_NORM,
        BATCH_NORM + " - (1/(B H)) ∂l/∂y_bch 1_pr μ_pcr",
        ["fact: 1_b 1_h μ_bch = 0"],
    ),
    (SIGMOID, "i", "y_i (1 - y_i)", "exp(-x_i)/(1 + exp(-x_i))^2", ["definition: y_i ="]),
    ("y_i = tanh(x_i)", "i", "1 - y_i^2", "(1 - tanh(x_i)) (1 + y_i)", ["definition: y_i ="]),
    (SOFTMAX, "i n", "s_i (δ_in - s_n)", "s_i δ_in - s_i s_n", []),
    (SOFTMAX + "; c = -log(s_T)", "∂c/∂x_n", "s_n 1_i δ_iT - δ_nT", "s_n - δ_nT", []),
    (SOFTMAX, "n", "s_n 1_i s_i", "s_n", ["fact: 1_i s_i = 1"]),
    (
        SOFTMAX + "; t_i = exp(z_i)/(1_j exp(z_j)); c = -t_i log(s_i)",
        "∂c/∂x_n",
        "s_n 1_i t_i - t_n",
        "s_n - t_n",
        ["fact: 1_i t_i = 1"],
    ),
    (NORMED, "b h", "z_bh z_bk z_bk", "H z_bh", ["fact: z_bh z_bh = H"]),
    (
        NORMED,
        "b",
        "(1_h z_bh)^2 + z_bk z_bk",
        "H 1_b",
        ["fact: 1_h z_bh = 0", "fact: z_bh z_bh = H"],
    ),
    (
        "attention",
        "q",
        "a_qk ∂l/∂a_qk",
        "O_qd ∂l/∂O_qd",
        ["derivative: ∂l/∂a_qk = ∂l/∂O_qd V_kd", "definition: O_qd = a_qk V_kd"],
    ),
]


@pytest.mark.parametrize(("equations", "free", "one", "other", "premises"), EQUAL)
def test_published_forms_are_equal_and_by_what(equations, free, one, other, premises):
    graph, found = asked(equations, free, one, other)
    assert found.equal
    assert found.verdict == "exact" or "derivative" in str(premises)
    said = rests_on(graph, found)
    assert len(said) == len(premises)
    for sentence, begin in zip(said, premises, strict=True):
        assert sentence.startswith(begin)


@pytest.mark.parametrize(("equations", "free", "one", "other", "premises"), EQUAL)
def test_each_premise_is_needed(equations, free, one, other, premises):
    graph, found = asked(equations, free, one, other)
    chosen = found.premises or ()
    assert follows(found.left, found.right, graph, chosen)
    for left_out in chosen:
        fewer = [premise for premise in chosen if premise is not left_out]
        assert not follows(found.left, found.right, graph, fewer)


def values_of(graph: Graph) -> Values:
    """A sample with all definitions, by the slow evaluator."""
    sample = draw(graph, next(domains(graph)), 0)
    tensors = dict(sample.tensors)
    values = Values(tensors, sample.labels, sample.sizes)
    for name in graph.order:
        tensors[name] = evaluate(graph[name].rhs, graph[name].indices, values)
    return values


@pytest.mark.parametrize(("equations", "free", "one", "other", "premises"), EQUAL)
def test_the_lines_of_a_fact_are_true(equations, free, one, other, premises):
    graph, found = asked(equations, free, one, other)
    facts = [premise for premise in found.premises or () if premise.kind == "fact"]
    for fact in facts:
        values = values_of(graph)
        left = sorted(free_indices(fact.left), key=str)
        expected = evaluate(fact.left, left, values)
        assert fact.lines[-1][0] == fact.right
        for line, rules in fact.lines:
            assert rules
            np.testing.assert_allclose(evaluate(line, left, values), expected, atol=1e-12)


def test_targets_that_need_not_sum_to_one_make_the_forms_different():
    graph, found = asked(
        SOFTMAX + "; c = -t_i log(s_i)", "∂c/∂x_n", "s_n 1_i t_i - t_n", "s_n - t_n"
    )
    assert found.verdict == "different"
    assert found.witness is not None
    assert found.witness.text.startswith("at 1 value of n, x = (0), t = (0), n = 0")
    assert (found.witness.left, found.witness.right) == (0, 1)
    (condition,) = found.conditions
    assert write_text(condition.left, graph) == "1_i t_i"
    assert condition.right == 1


@pytest.mark.parametrize(
    ("equations", "free", "one", "other"),
    [
        ("layer_norm", "∂l/∂x_pq", LAYER_NORM, LAYER_NORM.replace("σ_p^3", "σ_p^2")),
        (SIGMOID, "i", "y_i (1 - y_i)", "y_i (1 + y_i)"),
        (SOFTMAX, "n", "s_n 1_i s_i^2", "s_n"),
    ],
)
def test_wrong_forms_differ_with_a_witness(equations, free, one, other):
    _, found = asked(equations, free, one, other)
    assert found.equal is False
    assert found.witness is not None
    assert not found.conditions


@pytest.mark.parametrize(
    ("equations", "free", "one", "other"),
    [
        ("y = x_i a_i", "i", "x_{i+9}", "0 x_i"),
        ("y = x_i a_i", "", "1_i [i <= 8] x_i", "1_i x_i"),
        ("y_i = sin(x_i)", "i", "sin(2 x_i) + 1e-14 x_i", "2 sin(x_i) cos(x_i)"),
    ],
)
def test_forms_that_differ_far_out_or_by_little(equations, free, one, other):
    """Samples have sizes beyond the numbers in slots, and digits for small numbers in lines."""
    assert asked(equations, free, one, other)[1].verdict == "different"


def test_a_number_that_a_prime_divides_is_not_zero():
    _, found = asked("y = x_i a_i", "i", "2147046719 x_i", "0 x_i")
    assert found.verdict == "different"
    assert not found.conditions


def test_a_letter_without_an_axis_has_the_size_of_the_equations():
    assert asked("y = 1_j x_j", "", "Σ_j (x_j + c)", "Σ_j x_j + Σ_j c")[1].verdict == "exact"


def test_a_fact_is_not_used_for_what_does_not_follow_from_it():
    graph, found = asked("layer_norm", "∂l/∂x_pq", LAYER_NORM, WITH_MEAN)
    assert found.premises is not None
    (fact,) = found.premises
    false = Premise("fact", fact.name, fact.left, fact.right + 1)
    assert not follows(found.left, found.right, graph, (false,))
    assert not follows(found.left, found.right * 2, graph, (fact,))


def test_a_form_may_name_its_goal():
    assert split_goal("∂c/∂x_n = s_n [n = 0]") == ("∂c/∂x_n", " s_n [n = 0]")
    assert split_goal("s_n [n = 0]") == ("", "s_n [n = 0]")


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(["equal", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_the_verdict_and_its_reason(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    code, out, _ = run(capsys, "layer-norm", LAYER_NORM, WITH_MEAN)
    assert code == 0
    assert out.startswith(
        "exact: the forms are equal for every p and q.\n  because 1_h μ_bh = 0:\n"
    )
    assert "1_h μ_bh = 1_h (x_bh − 1_h m_b)   write out the definition" in out
    code, out, _ = run(capsys, "--of", SIGMOID, "--free", "i", "y_i (1 - y_i)", "y_i - y_i^2")
    assert (code, out) == (
        0,
        "exact: the forms are equal for every i, whatever the names in them stand for.\n",
    )


def test_different_forms_end_with_exit_code_1(capsys):
    equations = SOFTMAX + "; c = -t_i log(s_i)"
    code, out, _ = run(capsys, "--of", equations, "∂c/∂x_n = s_n 1_i t_i - t_n", "s_n - t_n")
    assert code == 1
    assert "form 1 is 0, form 2 is 1" in out
    assert out.endswith("They would be equal if 1_i t_i = 1.\n")


def test_json_has_it_all(capsys):
    code, out, _ = run(capsys, "--json", "layer_norm", LAYER_NORM, WITH_MEAN)
    data = json.loads(out)
    assert code == 0
    assert data["verdict"] == "exact"
    assert data["equal"] is True
    assert data["free"] == ["p", "q"]
    assert data["evidence"]["seeds"]
    (fact,) = data["premises"]
    assert (fact["kind"], fact["left"]["text"], fact["right"]["text"]) == ("fact", "1_h μ_bh", "0")
    assert fact["lines"][-1]["rules"]
    code, out, _ = run(capsys, "--json", "--of", SIGMOID, "--free", "i", "y_i", "1 - y_i")
    assert code == 1
    assert json.loads(out)["witness"]["entry"] == {"i": 0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layer_norm", "γ_q"], "there are 2 arguments and not 3"),
        (["--of", SIGMOID, "y_i", "y_i", "y_i"], "there are 3 arguments and not 2"),
        (["--of", SIGMOID, "y_i", "1 - y_i"], "not clear which indices of the forms are free"),
        (["attention", "a_qk ∂l/∂a_qk", "O_qd ∂l/∂O_qd"], "not clear which indices"),
        (["layer-norm", "(1/σ_p) (∂l/∂y_pq", "1"], "the bracket `(` is never closed"),
        (["--of", SIGMOID, "--free", "", "y_i", "1 - y_i"], "if it is free, say so: `--free`"),
        (["--of", SIGMOID, "--free", "i", "y_i", "0.5"], "form 2 lacks the free index i"),
        (["--of", SIGMOID, "∂y_i/∂x_n = 1", "∂y_i/∂x_m = 1"], "the forms are of"),
        (["softmax_stable", "--size", "i=3", "s_i", "s_i"], "--size and --multi go with --of"),
        (["no_such", "s_i", "s_i"], "there is no derivation called"),
        (["--of", SIGMOID, "--free", "i", "y_ij", "y_i"], "y has 1 index"),
    ],
)
def test_bad_input_is_one_message(capsys, arguments, said):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in err
