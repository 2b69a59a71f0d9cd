"""Multi-indices: one letter for any number of axes."""

import json

import numpy as np
import pytest
from sympy import Eq, IndexedBase, exp, symbols

import derive
from derive.cli import main
from derive.errors import DeriveError
from derive.expressions import Index, Shape, ranging
from derive.notation import read_expression, read_graph
from derive.notation.write import write_text
from derive.verify import verify
from derive.verify.evaluate import Compiled, Values
from derive.verify.printer import Request
from derive.verify.spread import Spread, drawn_ranks, shapes_of

CASES = [
    ("z_AC = x_AP y_CP", "ACP", {}, ["∂l/∂x_AP", "∂l/∂y_CP"]),
    ("z_{B A C} = x_{B A P} y_{B C P}; c = 1_{B A C} z_{B A C}^2", "ABCP", {}, ["∂c/∂x_{B,A,P}"]),
    # Lower-case letters, beside single indices in one tensor.
    ("z_bij = x_bik a_kj", "b", {}, ["∂l/∂x_bpq", "∂l/∂a_pq"]),
    ("s_A = exp(x_A)/(1_C exp(x_C)); c = -log(s_A) t_A", "AC", {}, ["∂s_A/∂x_C", "∂l/∂x_A"]),
    # A mean over any number of axes, and a trace.
    ("m_b = (1/N) 1_A x_bA; v_b = (1/N) 1_A (x_bA - 1_A m_b)^2", "A", {"A": "N"}, ["∂l/∂x_pA"]),
    ("t = x_AA", "A", {}, ["∂t/∂x_AC", "∂l/∂x_AC"]),
    ("t = x_AiAi w_A; u = t^2", "A", {}, ["∂u/∂x_ApCq"]),
    ("n = a (1_A 1_A); y_A = x_A n", "A", {"A": "N"}, ["∂l/∂a", "∂l/∂x_A"]),
    # The batch of a look-up has any shape.
    ("y_Bd = E_{t_B,d}; c = 1_Bd y_Bd^2", "B", {}, ["∂l/∂E_vd", "∂c/∂E_vd"]),
    ("z_A = x_A^2 + 1_A b; c = z_A z_A z_A", "A", {}, ["∂c/∂x_A", "∂c/∂b"]),
    # Inverses join the definitions, one that the author wrote and one that a result needs.
    ("y_Ci = x⁻¹_ij b_Cj", "C", {}, ["∂l/∂x_pq"]),
    ("A_ij y_Cj = b_Ci for y", "C", {}, ["∂l/∂A_pq"]),
    ("c_A = w_A logdet_ij(x_ij)", "A", {}, ["∂l/∂x_pq"]),
]


@pytest.mark.parametrize(("equations", "multi", "sizes", "goals"), CASES)
def test_the_algebra_of_a_single_index_holds_for_every_rank(equations, multi, sizes, goals):
    goals = [goal.replace("∂x_AC", "∂x_{A,A'}").replace("ApCq", "{A,p,A',q}") for goal in goals]
    found = derive.derivation(equations, goals, sizes=sizes, multi=list(multi))
    report = verify(found)
    assert report.ok
    assert not report.undecided
    assert all(not stage.survivors for stage in report.stages)
    assert [set(ranks) <= set(multi) for ranks in report.ranks] == [True] * 3
    assert len({tuple(ranks.values()) for ranks in report.ranks}) > 1


@pytest.mark.parametrize(("equations", "multi", "sizes", "goals"), CASES[:4])
def test_what_is_printed_reads_back(equations, multi, sizes, goals):
    found = derive.derivation(equations, goals, sizes=sizes, multi=list(multi))
    for stage in found.stages:
        for line in stage.lines:
            text = write_text(line.expr, found.graph, (stage.goal,))
            free = sorted(ranging(stage.goal), key=str)
            assert read_expression(text, found.graph, free) == line.expr


EINSUM = "z_{B A C} = x_{B A P} y_{B C P}"
AXES = {"A": "ij", "B": "bc", "C": "mn", "P": "pq"}


@pytest.mark.parametrize(
    "ranks",
    [(1, 1, 1, 1), (0, 0, 0, 0), (2, 1, 0, 2), (0, 2, 1, 1), (1, 0, 2, 0), (2, 2, 2, 2)],
)
def test_the_gradients_of_einsum_are_einsums(ranks):
    """The results at given ranks against NumPy's einsum, whose gradient is one as well."""
    found = derive.derivation(EINSUM, ["∂l/∂x_{B,A,P}", "∂l/∂y_{B,C,P}"], multi=list("ABCP"))
    letters = shapes_of(found.graph)
    rank = dict(zip("ABCP", ranks, strict=True))
    spread = Spread(found.graph, {shape: rank[letter] for shape, letter in letters.items()})
    axes = {letter: AXES[letter][: rank[letter]] for letter in rank}
    lengths = {axis: 2 + n for n, axis in enumerate("".join(axes.values()))}

    def spelled(tensor):
        return "".join(axes[letter] for letter in tensor)

    rng = np.random.default_rng(0)
    x, y, g = (
        rng.normal(size=[lengths[axis] for axis in spelled(tensor)])
        for tensor in ("BAP", "BCP", "BAC")
    )
    sizes = {
        spread.graph.axis_size(name, axis): length
        for name, array in (("x", x), ("y", y))
        for axis, length in enumerate(np.shape(array))
    }
    values = Values({"x": np.asarray(x), "y": np.asarray(y)}, {}, sizes)

    def upstream(_request: Request):
        return np.asarray(g)

    for goal, other, tensor in (("x", y, "BAP"), ("y", x, "BCP")):
        (stage,) = [
            s for s in found.stages if s.goal in found.goals and str(s.goal.variable)[0] == goal
        ]
        free = spread.axes(stage.goal.variable.indices)
        result = Compiled(spread(stage.result), free)(values, upstream)
        against = spelled("BCP" if goal == "x" else "BAP")
        expected = np.einsum(f"{spelled('BAC')},{against}->{spelled(tensor)}", g, other)
        np.testing.assert_allclose(result, expected, rtol=1e-10)


def test_the_ranks_of_the_samples_differ():
    found = derive.gradient("y_A = x_A", "x", multi=["A"])
    ranks = [list(drawn_ranks(found.graph, seed).values()) for seed in range(3)]
    assert ranks == [[1], [3], [0]]


def test_the_number_of_entries_needs_a_name():
    equations = "n = a (1_A 1_A) + 1_A x_A"
    named = derive.gradient(equations, "a", multi=["A"], sizes={"A": "N"})
    assert str(named.result) == "N"
    assert "1_A 1_A" in write_text(derive.gradient(equations, "a", multi=["A"]).result, named.graph)


def test_sympy_objects_take_multi_indices():
    x, s = symbols("x s", cls=IndexedBase)
    A, C = symbols("A C")
    softmax = Eq(s[A], exp(x[A]) / derive.contract(exp(x[C]), C))
    found = derive.gradient([softmax], x[C], multi=["A", "C"])
    assert write_text(found.result, found.graph) == "s_A δ_AC − s_A s_C"
    assert verify(found).ok


@pytest.mark.parametrize(
    ("equations", "multi", "message"),
    [
        ("z_A = x_A", ["A", "C"], "C is declared a multi-index, but is no index"),
        ("z_A = x_A + 1_A (1_i x_i)", ["A"], "here the index i stands there"),
        ("z_A = x_A + 1_A x_0", ["A"], "here a constant stands there"),
        ("z_A = x_A + 1_A x_T", ["A"], "here a constant stands there"),
        ("z_A = x_A", [], "the label A cannot stand on the left-hand side"),
        ("z_A = x_A", ["AB"], "cannot be declared a multi-index"),
        ("z_A = x_A", ["A'"], "cannot be declared a multi-index"),
        ("z_A = x_A", "A", "is the text 'A'"),
    ],
)
def test_what_does_not_fit_is_refused(equations, multi, message):
    with pytest.raises(DeriveError, match="(?s)" + message.replace("'", ".")) as caught:
        derive.gradient(equations, "x", multi=multi)
    assert caught.value.mend


@pytest.mark.parametrize("goal", ["∂l/∂x_n", "∂l/∂x_T", "∂l/∂x_{A,A}"])
def test_goals_keep_to_the_declaration(goal):
    with pytest.raises(DeriveError):
        derive.derivation("z_A = x_A^2", [goal], multi=["A"])


def test_a_size_of_a_multi_index_is_a_name():
    with pytest.raises(DeriveError, match="no size of its own"):
        derive.gradient("z_A = x_A", "x", multi=["A"], sizes={"A": 3})


def test_a_multi_index_is_no_label_and_no_single_index():
    graph = read_graph("z_A = x_A", multi=["A"])
    (index,) = graph["z"].indices
    assert index.is_multi
    assert not index.is_label
    assert index != Index("A")
    assert isinstance(graph.axis_size("x", 0), Shape)


def test_the_command_line_takes_the_declaration_and_shows_it(capsys):
    command = ["grad", "z_AC = x_AP y_CP", "--wrt", "x", "--verify"]
    command += ["--multi", "A", "--multi", "C", "--multi", "P"]
    assert main(command) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "A, C and P are multi-indices: each stands for any number of axes" in shown
    assert "Number of axes of A, C, P in the samples: 1, 1, 1;" in shown
    assert main([*command, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["multi"] == ["A", "C", "P"]
    ranks = found["stages"][0]["lines"][0]["evidence"]["ranks"]
    assert ranks[0] == {"A": 1, "C": 1, "P": 1}
    assert main([*command, "--format", "markdown"]) == 0
    assert "are multi-indices" in capsys.readouterr().out


def test_a_file_declares_its_multi_indices(tmp_path, capsys):
    file = tmp_path / "outer.toml"
    file.write_text(
        'title = "Outer product"\nequations = ["z_AC = x_A y_C"]\ngoals = ["∂l/∂x_A"]\n'
        'multi = ["A", "C"]\n'
    )
    assert main(["verify", str(file)]) == 0
    assert "∂l/∂z_AC y_C" in capsys.readouterr().out
    file.write_text(file.read_text().replace('["A", "C"]', '"AC"'))
    assert main(["show", str(file)]) == 2
    assert "`multi` is not a list of texts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("equations", "goal", "multi"),
    [
        ("y_B = max_j(x_Bj)", "∂l/∂x_{B,p}", ["B"]),
        ("y_i = Σ_b x_bi w_b", "∂l/∂x_bp", ["b"]),
        ("y_Bi = (1/K) 1_k x_{B,i+k}", "∂l/∂x_{B,p}", ["B"]),
    ],
)
def test_multi_indices_stand_beside_windows_and_reductions(equations, goal, multi):
    sizes = {"k": "K"} if "K" in equations else {}
    report = verify(derive.derivation(equations, [goal], multi=multi, sizes=sizes))
    assert report.ok
    assert not report.undecided


def test_nothing_is_computed_from_a_multi_index():
    for equations in ("y_A = x_{A+1}", "y_A = x_A [A = 1]"):
        with pytest.raises(DeriveError, match="stands where a number should"):
            derive.gradient(equations, "x", multi=["A"])
