"""Every rule of every table: its statement is true, its code does what the statement says, and it
leaves its look-alikes alone."""

import numpy as np
import pytest

from derive.calculus.context import Context, key_of
from derive.calculus.engine import rewrite
from derive.calculus.tables import RULES
from derive.expressions import Partial, ranging, tensor
from derive.notation import read_expression, read_graph
from derive.verify.oracle import Oracle
from derive.verify.sample import domains, draw


def sides(rule):
    graph = read_graph(rule.where, sizes=rule.sizes)
    left, right = rule.statement.split(" = ")
    left, right = (read_expression(side, graph, rule.free) for side in (left, right))
    return graph, graph.sized(left, right), graph.sized(right, left)


def context(graph, left=None, right=None):
    """A stage has found the first derivative where the rule is about a second one."""
    known = {}
    if isinstance(left, Partial) and isinstance(left.function, Partial):
        known = {key_of(left.function): (left.function, right.function)}
    return Context(graph, Partial(tensor("l"), tensor("c")), known)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_code_does_what_the_statement_says(rule):
    graph, left, right = sides(rule)
    if rule.name == "known result":
        found = Context(graph, left, {("x", "x", ()): (left, right)}).result(left)
        assert found == right
        return
    found = rewrite(left, (rule,), context(graph, left, right))
    assert found is not None, f"{rule.name} does not apply to {rule.statement}"
    after = found[0]
    assert after == right


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_statement_is_true(rule):
    graph, left, right = sides(rule)
    free = sorted(ranging(left) | ranging(right), key=str)
    positive = list(domains(graph))[1]
    for seed in range(3):
        oracle = Oracle(graph, draw(graph, positive, seed, (left, right)))
        np.testing.assert_allclose(oracle(left, free), oracle(right, free), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_refuses_its_look_alikes(rule):
    graph, *_ = sides(rule)
    for text in rule.refuses:
        node = read_expression(text, graph, rule.free)
        after = rule(node, context(graph))
        assert after is None or after == node, f"{rule.name} must not apply to {text}"


def test_every_rule_gives_its_reason():
    for rule in RULES:
        assert rule.reason.endswith("."), rule.name
    assert len({rule.name for rule in RULES}) == len(RULES)
