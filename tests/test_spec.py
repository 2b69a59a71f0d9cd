"""Spec sheets: counts of operations and bytes beside those of the literature."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from sympy import Add, Expr, Mul, S, symbols

from derive.cli import main
from derive.codegen.assignment import Assignment
from derive.codegen.costs import cost
from derive.codegen.operations import operations, tallied
from derive.codegen.program import program
from derive.codegen.sheet import Sheet
from derive.codegen.sizes import SizeNames
from derive.codegen.spec import sheet
from derive.codegen.spec_text import human
from derive.notation import read_graph
from derive.problems import load_problem

B, D, H, I, J, K, Q = symbols("B D H I J K Q", integer=True, positive=True)  # noqa: E741


def catalogued(name: str, *wrt: str, dtype: str = "float32") -> Sheet:
    return sheet(program(load_problem(name).graph, wrt), dtype)


def read(text: str, *wrt: str) -> Sheet:
    return sheet(program(read_graph(text), wrt))


def counted(text: str) -> Counter[str]:
    """The operations of one equation as it is written, by the names of the sizes."""
    graph = read_graph(text)
    (equation,) = graph.equations
    names = SizeNames(program(graph))
    done = cost(Assignment(equation.lhs, equation.rhs), lambda _: S.One).operations
    return Counter({kind: names.named(times) for kind, times in done.items()})


def leading(formula: Expr, *sizes: Expr) -> Expr:
    """The terms of the highest degree."""
    terms = formula.as_poly(*sizes).terms()
    degree = max(sum(powers) for powers, _ in terms)
    return Add(
        *(
            coefficient * Mul(*(size**n for size, n in zip(sizes, powers, strict=True)))
            for powers, coefficient in terms
            if sum(powers) == degree
        )
    )


class TestOperations:
    def test_a_matrix_product_is_two_operations_an_entry_and_four_backward(self):
        found = catalogued("matrix_multiplication")
        assert found.forward.flops == 2 * I * J * K
        assert found.backward.flops == 4 * I * J * K

    def test_a_linear_layer_adds_its_bias(self):
        found = catalogued("linear_layer")
        assert found.forward.flops == 2 * I * J * K + I * J
        assert found.backward.flops == 4 * I * J * K + I * J

    def test_softmax(self):
        # exp twice, as it is written; one addition, one division.
        found = counted("s_bi = exp(x_bi)/(1_j exp(x_bj))")
        assert dict(found) == {"exp": 2 * B * I, "add": B * I, "divide": B * I}

    def test_the_gradient_of_a_softmax(self):
        # A product and a sum for each row, then a difference and a product.
        found = counted("g_bi = s_bi (d_bi - 1_i d_bj s_bj)")
        assert dict(found) == {"multiply": 2 * B * I, "add": 2 * B * I}

    def test_attention(self):
        # Two products of matrices forward, four backward, and entry by entry work on the scores.
        found = catalogued("attention")
        assert leading(found.forward.flops, Q, K, D) == 4 * Q * K * D
        assert leading(found.backward.flops, Q, K, D) == 8 * Q * K * D

    def test_layer_norm(self):
        # The mean 1, centring 1, the variance 2, the affine map 3 operations an entry.
        graph = load_problem("layer_norm").graph
        names = SizeNames(program(graph))
        done = tallied(n for equation in graph.equations for n in operations(equation.rhs))
        assert names.named(sum(done.values())) == 7 * B * H + 4 * B
        assert names.named(done["sqrt"]) == B

    def test_work_is_done_for_the_indices_of_its_operands_alone(self):
        found = counted("y_bh = exp(a_b) x_bh/(2 c_b)")
        assert dict(found) == {"exp": B, "multiply": B + B * H, "divide": B * H}

    def test_a_power_is_products_and_a_sign_is_nothing(self):
        assert dict(counted("y_i = -x_i^4")) == {"multiply": 3 * I}
        assert dict(counted("y_i = sqrt(x_i)")) == {"sqrt": I}

    def test_a_delta_is_no_array(self):
        found = catalogued("cross_entropy_batch")
        assert dict(found.backward.operations) == {"multiply": B * I, "add": B}

    def test_a_mask_is_a_comparison(self):
        found = catalogued("attention_causal")
        assert leading(found.forward.flops, Q, K, D) == 4 * Q * K * D
        assert "log" not in found.forward.operations

    def test_linear_systems(self):
        graph = read_graph("A_ij x_j = b_i for x")
        found = sheet(program(graph, ["b"]))
        assert found.forward.operations["solution"] == 2 * I**3 / 3 + 2 * I**2

    def test_an_iteration_has_no_count(self):
        with pytest.raises(Exception, match="root of an equation"):
            catalogued("lambert_w")


class TestReductions:
    def test_over_which_axes_for_which(self):
        found = catalogued("layer_norm", "x")
        kinds = {(r.over, r.each) for row in found.backward.rows for r in row.reductions}
        assert kinds == {((H,), (B,))}

    def test_what_is_added_into_entries(self):
        found = read("y_bd = E_{t_b,d}")
        (row,) = found.backward.rows
        assert [(r.kind, r.over, r.each) for r in row.reductions] == [
            ("sum into entries", (B,), (D,))
        ]


class TestBytes:
    def test_cross_entropy_moves_the_softmax_once(self):
        # Backward: the saved softmax in, the gradient out; 8 bytes a label, 4 an upstream number.
        found = catalogued("cross_entropy_batch")
        assert found.backward.least == 8 * B * I + 12 * B
        assert found.saved_bytes == 4 * B * I + 8 * B

    @pytest.mark.parametrize(
        ("dtype", "width"), [("float16", 2), ("bfloat16", 2), ("float32", 4), ("float64", 8)]
    )
    def test_types(self, dtype, width):
        found = catalogued("matrix_multiplication", dtype=dtype)
        assert found.forward.least == width * (I * K + J * K + I * J)

    def test_a_look_up_reads_what_it_picks(self):
        found = read("y_bd = E_{t_b,d}")
        assert found.forward.least == 4 * B * D + 8 * B + 4 * B * D

    def test_intensity_of_a_matrix_product(self):
        found = catalogued("matrix_multiplication")
        expected = I * J * K / (2 * (I * K + J * K + I * J))
        assert (found.forward.intensity - expected).simplify() == 0


class TestSaved:
    def test_attention_can_be_computed_again_from_sums_of_rows(self):
        kept = {kept.name: kept for kept in catalogued("attention").saved}
        assert (kept["Q"].given, kept["Q"].instead) == (True, None)
        other = kept["a"].instead
        assert other.bytes.free_symbols == {Q}
        assert leading(other.flops, Q, K, D) == 2 * Q * K * D

    def test_layer_norm_from_its_inputs_alone(self):
        found = catalogued("layer_norm", "x")
        assert set(found.inputs_alone.saved) == {"x", "γ", "ε"}
        assert found.inputs_alone.bytes == 4 * B * H + 4 * H + 4


class TestCommand:
    def test_numbers_and_formulas(self, capsys):
        assert main(["spec", "matrix_multiplication", "--size", "i=8", "J=16", "K=32"]) == 0
        out = capsys.readouterr().out
        assert "2 I J K = 8.19 kFLOP (8,192)" in out
        assert "sum over K for each I, J" in out

    def test_formulas_alone_where_a_size_is_missing(self, capsys):
        assert main(["spec", "matrix_multiplication", "--size", "I=8"]) == 0
        out = capsys.readouterr().out
        assert "Formulas only: J, K have no number." in out
        assert "= " not in re.search(r"operations +(.*)", out)[1]

    def test_json(self, capsys):
        arguments = ["--size", "B=4", "--size", "I=10", "--dtype", "float64", "--json"]
        assert main(["spec", "cross_entropy_batch", *arguments]) == 0
        found = json.loads(capsys.readouterr().out)
        flops = found["backward"]["flops"]
        assert flops == {"text": "B I + B", "python": "B*I + B", "value": 44}
        assert found["saved_bytes"]["value"] == 8 * 4 * 10 + 8 * 4

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--size", "Bath=3"], ["there is no size Bath", "the sizes are B, H"]),
            (["--size", "h3=3"], ["there is no size h3", "did you mean `h`?"]),
            (["--size", "B"], ["gives no size a number"]),
            (["--size", "B=0"], ["gives no size a number"]),
            (["--size", "B=2", "b=3"], ["B is said to be 2 and 3"]),
            (["--wrt", "gama"], ["gama is no input", "the inputs are"]),
        ],
    )
    def test_bad_input(self, capsys, arguments, words):
        assert main(["spec", "layer_norm", *arguments]) == 2
        complaint = capsys.readouterr().err
        assert complaint.count("derive: ") == 1
        for word in words:
            assert word in complaint

    def test_file(self, tmp_path, capsys):
        target = tmp_path / "sheet.txt"
        assert main(["spec", "softplus", "-o", str(target)]) == 0
        assert capsys.readouterr().out == ""
        assert target.read_text("utf-8").startswith("Softplus")


@pytest.mark.parametrize(
    ("number", "written"), [(999, ("999", "")), (1000, ("1", "k")), (999_600, ("1", "M"))]
)
def test_human(number, written):
    assert human(number) == written
