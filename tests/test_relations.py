"""Relations: equations that hold what they define on either side."""

import json

import numpy as np
import pytest

import derive
from derive.cli import main
from derive.errors import DerivationError, DeriveError
from derive.expressions import Determinant, Index, LogDeterminant, tensor
from derive.notation import (
    read_expression,
    read_graph,
    write_equation_latex,
    write_equation_text,
    write_text,
)
from derive.verify import verify
from derive.verify.evaluate import Compiled, Values
from derive.verify.oracle import Oracle
from derive.verify.sample import domains, draw

RELATIONS = (
    "δ_ij = x_ik y_kj for y",
    "y_ik x_kj = δ_ij for y",
    "δ_ij 1_b = x_bik y_bkj for y",
    "A_ij x_j = b_i for x",
    "b_i = A_ij x_j for x",
    "x_j A_ji = b_i for x",
    "d_i A_ij e_j x_j = b_i for x",
    "A_ij x_j + a x_i = b_i for x",
    "δ_ij = A_ik R_kj + a R_ij for R",
    "y_i^3 + y_i = x_i for y",
    "exp(y) + y = a x for y",
    "z_i = tanh(W_ij z_j + x_i) for z",
    "x_i^2 - y_i^3 - y_i = 0 for y",
)


def goal_of(graph):
    """The derivative of what the first equation defines by the first input."""
    name, variable = graph.equations[0].name, graph.inputs[0]
    letters = "pqrs"[: graph.arity[variable]]
    own = "nmt"[: graph.arity[name]]
    above, below = (f"{n}_{c}" if c else n for n, c in ((name, own), (variable, letters)))
    return f"∂{above}/∂{below}"


@pytest.mark.parametrize("text", RELATIONS)
def test_a_relation_reads_back(text):
    graph = read_graph(text)
    written = [write_equation_text(equation, graph) for equation in graph.equations]
    again = read_graph(written)
    assert [eq.sides for eq in again.equations] == [eq.sides for eq in graph.equations]
    assert graph.equations[0].kind == "relation"


@pytest.mark.parametrize("text", RELATIONS)
def test_every_line_of_its_derivative_holds(text):
    found = derive.derivation(text, goal_of(read_graph(text)))
    report = verify(found)
    assert report.ok
    assert all(line.grade in ("exact", "sampled") for line in report.lines)


@pytest.mark.parametrize("text", RELATIONS)
def test_all_that_is_printed_reads_back(text):
    found = derive.derivation(text, goal_of(read_graph(text)))
    for stage in found.stages:
        free = [*stage.goal.function.atoms(Index), *stage.goal.variable.atoms(Index)]
        for line in stage.lines:
            written = write_text(line.expr, found.graph, (stage.goal,))
            assert read_expression(written, found.graph, free) == line.expr, written


# A batch of inverses takes long to move entry by entry; it is verified with the catalogue.
@pytest.mark.parametrize("text", [text for text in RELATIONS if "1_b" not in text])
def test_the_oracle_agrees_with_differences(text):
    found = derive.derivation(text, goal_of(read_graph(text)))
    graph, goal = found.graph, found.goals[0]
    free = [*getattr(goal.function, "indices", ()), *getattr(goal.variable, "indices", ())]
    sample = draw(graph, next(domains(graph)), 1)
    exact = Oracle(graph, sample)(goal, free)
    differences = Oracle(graph, sample, method="central differences")(goal, free)
    np.testing.assert_allclose(exact, differences, rtol=1e-7, atol=1e-8)


def value_of(expr, arrays, free, sizes):
    return Compiled(expr, free)(Values(arrays, {}, sizes))


def test_the_inverse_is_that_of_numpy():
    found = derive.gradient("δ_ij = x_ik y_kj for y", wrt="x_pq", of="y_nj")
    assert write_text(found.result, found.graph) == "−y_np y_qj"
    rules = [rule for line in found.stages[0].lines for rule in line.rules]
    assert rules[:2] == ["multiply by the inverse", "differentiate the relation"]
    x = np.random.default_rng(5).normal(size=(4, 4))
    y, step = np.linalg.inv(x), 1e-6
    result = -np.einsum("np,qj->njpq", y, y)
    for p, q in np.ndindex(4, 4):
        moved = np.zeros((4, 4))
        moved[p, q] = step
        column = (np.linalg.inv(x + moved) - np.linalg.inv(x - moved)) / (2 * step)
        np.testing.assert_allclose(column, result[:, :, p, q], rtol=1e-5, atol=1e-6)


def test_the_adjoint_of_a_solution_is_written_with_that_of_its_right_side():
    found = derive.derivation("A_ij x_j = b_i for x", ["∂l/∂b_p", "∂l/∂A_pq"])
    assert write_text(found.result, found.graph) == "−∂l/∂b_p x_q"
    assert [eq.name for eq in found.graph.equations] == ["x", "A⁻¹"]
    assert found.graph.outputs == ("x",)


def test_an_inverse_that_the_author_defines_is_used():
    text = "δ_ij = A_ik B_kj for B; A_ij x_j = b_i for x"
    found = derive.gradient(text, wrt="b_p", of="x_n")
    assert write_text(found.result, found.graph) == "B_np"
    assert len(found.graph.equations) == 2


def test_the_transpose_of_a_matrix_has_the_transposed_inverse():
    found = derive.gradient("x_j A_ji = b_i for x", wrt="b_p", of="x_n")
    assert write_text(found.result, found.graph) == "A⁻¹_pn"
    assert write_equation_text(found.graph["A⁻¹"], found.graph) == "δ_ij = A_jk A⁻¹_ki for A⁻¹"


def test_a_matrix_times_its_inverse_contracts():
    found = derive.gradient("y_i = inv(A)_ij A_jk x_k", wrt="x_n")
    assert write_text(found.result, found.graph) == "δ_in"


def test_latex_and_json_say_what_a_relation_is_for(capsys):
    graph = read_graph("y_i = A⁻¹_ij b_j; c = inv(A)_ij^2 b_i b_j")
    relation = graph["A⁻¹"]
    assert write_equation_latex(relation, graph).endswith(r"A^{-1}_{k j} \quad \text{for } A^{-1}")
    assert write_equation_text(relation, graph, ascii=True).endswith("for inv(A)")
    assert "(A^{-1}_{" in write_equation_latex(graph["c"], graph)
    assert main(["show", "solve", "--format", "json"]) == 0
    kinds = [entry["kind"] for entry in json.loads(capsys.readouterr().out)["definitions"]]
    assert kinds == ["relation", "relation"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("δ_ij = x_ik y_kj", "for y"),
        ("A_ij x_j = b_i for z", "z does not stand in the relation"),
        ("A_ij x_ij = b_i for A", "the relation holds for every i"),
        ("y_i = y_i x_i", "ends with `for y`"),
        ("c = A⁻¹_i", "two indices or more"),
        ("y := y x for y", "an abbreviation is not solved"),
        ("c = det_i(x_ij)", "two indices of a matrix"),
    ],
)
def test_what_is_no_relation_is_refused(text, message):
    with pytest.raises(DeriveError) as caught:
        read_graph(text)
    assert message in str(caught.value)


def test_where_nothing_isolates_one_error_says_so():
    with pytest.raises(DerivationError, match="no term with the derivative of X isolates"):
        derive.gradient("A_ik X_kj + X_ik B_kj = C_ij for X", wrt="C")


def test_a_definition_may_say_what_it_is_for():
    graph = read_graph("y_i = exp(x_i) for y")
    assert graph["y"].kind == "definition"


@pytest.mark.parametrize("kind", [Determinant, LogDeterminant])
def test_determinants_of_a_batch_are_those_of_numpy(kind):
    b, i, j = Index("b", 3), Index("i", 4), Index("j", 4)
    x = np.random.default_rng(2).normal(size=(3, 4, 4))
    found = value_of(kind(tensor("x", b, i, j), i, j), {"x": x}, [b], {})
    plain = [np.linalg.det(matrix) for matrix in x]
    expected = plain if kind is Determinant else np.log(np.abs(plain))
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    "text",
    [
        "c = det_ij(x_ij)",
        "c_b = logdet_ij(x_bij)",
        "c = logdet_ij(a x_ij + δ_ij)",
        "c = det_ij(x_ki x_kj + δ_ij)^2",
        "K_ij = x_ki x_kj; c = logdet_ij(K_ij)",
        "c = x_ii det_ij(x_ij)",
    ],
)
def test_derivatives_of_determinants_hold(text):
    found = derive.gradient(text, wrt="x")
    assert verify(found).ok
    written = [write_equation_text(equation, found.graph) for equation in found.graph.equations]
    again = read_graph(written)
    assert [eq.sides for eq in again.equations] == [eq.sides for eq in found.graph.equations]


def test_the_determinant_is_that_of_its_transpose():
    found = derive.gradient("c = det_ij(x_ji)", wrt="x")
    assert write_text(found.result, found.graph) == "x⁻¹_qp c"
