"""The Python interface, as a SymPy user would use it."""

import pickle

import pytest
from sympy import Eq, IndexedBase, KroneckerDelta, Sum, exp, latex, log, sqrt, symbols

import derive
from derive import Contraction, Equation, Index, One, Partial, tensor

x, s = symbols("x s", cls=IndexedBase)
i, j, n, T, c = symbols("i j n T c")
SOFTMAX = [Eq(s[i], exp(x[i]) / derive.contract(exp(x[j]), j)), Eq(c, -log(s[T]))]


def test_sympy_objects_and_text_give_the_same():
    ours = derive.gradient(SOFTMAX, x[n])
    text = derive.gradient("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)", "x_n")
    assert ours.result == text.result
    assert str(ours.result) == "-KroneckerDelta(T, n) + s[n]"


@pytest.mark.parametrize("wrt", [x, x[n], "x", "x_n", "x[n]"])
def test_the_variable_by_name_or_with_indices(wrt):
    assert str(derive.gradient(SOFTMAX, wrt).result) == "-KroneckerDelta(T, n) + s[n]"


def test_of_names_the_function():
    found = derive.gradient(SOFTMAX, x[n], of=s[i])
    assert str(found.result) == "KroneckerDelta(i, n)*s[i] - s[i]*s[n]"


def test_equations_of_ours_may_be_abbreviations():
    sigma = tensor("σ")
    a, b = Index("a"), Index("b")
    equations = [
        Equation(tensor("s", a), exp(tensor("x", a)) / sigma),
        Equation(sigma, Contraction(exp(tensor("x", b)), b), "abbreviation"),
    ]
    found = derive.gradient(equations, "x", of="s")
    assert [str(stage.goal.function) for stage in found.stages] == ["σ", "s[a]"]


def test_the_log_is_in_the_open():
    stage = derive.load("cross-entropy").stages[3]
    assert isinstance(stage.goal, Partial)
    assert stage.lines[-1].expr == stage.result
    step = stage.steps[0]
    assert step.before == stage.goal
    assert step.rule.name == "chain rule through the graph"
    assert step.rule.reason


def test_a_notebook_shows_mathematics():
    found = derive.load("l2-norm")
    assert found._repr_latex_().startswith("$$\n\\begin{aligned}")
    assert found._repr_markdown_().startswith("# L2 norm")
    assert "√(x_i x_i)" in str(found)


def test_results_print_with_sympy():
    k = Index("k")
    assert latex(Contraction(tensor("x", k), k)) == (r"\sum_{i_{0}} {x}_{i_{0}} \mathbf{1}_{i_{0}}")
    assert r"\frac{\partial l}{\partial c}" in latex(derive.load("cross-entropy").result)


def test_derivations_survive_pickling():
    found = derive.load("cross-entropy-batch")
    again = pickle.loads(pickle.dumps([stage.result for stage in found.stages]))
    assert again == [stage.result for stage in found.stages]


@pytest.mark.parametrize(
    "equations",
    [
        [Eq(s[i], x[j])],
        [Eq(s[i], Sum(x[j], (j, 1, 3)))],
        ["c = x_i x_i", Eq(c, x[i])],
        [Eq(exp(x[i]), c)],
        [Eq(c, sqrt(x[i] * x[i]))],
    ],
    ids=str,
)
def test_bad_equations_are_refused(equations):
    with pytest.raises(derive.DeriveError):
        derive.gradient(equations, "x")


def test_contract_takes_plain_symbols():
    assert derive.contract(x[i] * KroneckerDelta(i, n), i).func is Contraction
    assert derive.contract(x[i], i).has(One)


def test_contractions_do_not_differentiate_the_sympy_way():
    a = tensor("a")
    with pytest.raises(NotImplementedError):
        derive.contract(exp(a * x[i]), i).diff(a)


@pytest.mark.parametrize("options", [{"detail": "brif"}, {"sums": "sgma"}, {"matrix": True}])
def test_an_option_that_is_none_is_refused(options):
    with pytest.raises(derive.DeriveError, match="cannot be"):
        derive.load("l2_norm").text(**options)
