"""Results against PyTorch's own functions and autograd, where PyTorch is installed."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

from derive.api import derivation, load
from derive.calculus.derivation import Derivation, Line, Step
from derive.problems import catalogue
from derive.verify.diagnosis import diagnose_function
from derive.verify.torch_reference import DTYPES, REFERENCES, Reference, compare, torch


def test_every_reference_is_in_the_catalogue() -> None:
    assert set(REFERENCES) <= {name.replace("-", "_") for name in catalogue()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_agrees_with_autograd(name: str, dtype: str) -> None:
    agreements = compare(load(name), REFERENCES[name], dtype)
    assert agreements
    for agreement in agreements:
        assert agreement.ok, agreement.complaint


@pytest.mark.parametrize(
    ("ranks", "spelled"),
    [
        ((0, 1, 0, 1), "ap,p->a"),
        ((0, 0, 0, 1), "p,p->"),
        ((1, 0, 2, 0), "b,bcd->bcd"),
        ((2, 1, 1, 2), "bcapq,bcdpq->bcad"),
        ((0, 2, 1, 3), "aepqr,cpqr->aec"),
    ],
)
def test_einsum_of_any_ranks_agrees_with_einsum(ranks: tuple[int, ...], spelled: str) -> None:
    x, y = spelled.split("->")[0].split(",")
    lengths = {letter: 2 + n for n, letter in enumerate(sorted({*x, *y}))}
    shapes = {"x": tuple(lengths[axis] for axis in x), "y": tuple(lengths[axis] for axis in y)}
    reference = Reference(
        shapes,
        {"z": lambda v: torch.einsum(spelled, v["x"], v["y"])},
        ranks=dict(zip("BACP", ranks, strict=True)),
    )
    assert all(agreement.ok for agreement in compare(load("einsum"), reference, "float64"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_result_does_not_agree(dtype: str) -> None:
    derivation = load("cross_entropy_batch")
    reference = REFERENCES["cross_entropy_batch"]
    (agreement,) = compare(_with_result_times(derivation, 1.001), reference, dtype)
    assert not agreement.ok
    assert "Mismatched elements" in agreement.complaint


def _with_result_times(derivation: Derivation, factor: float) -> Derivation:
    *before, last = derivation.stages
    wrong = factor * last.result
    step = Step(last.steps[-1].rule, last.result, wrong, last.result, wrong)
    stage = dataclasses.replace(last, lines=(*last.lines, Line(wrong, (step,))))
    return dataclasses.replace(derivation, stages=(*before, stage))


def softmax_backward(s: torch.Tensor, dl_ds: torch.Tensor) -> torch.Tensor:
    return s * (dl_ds - (s * dl_ds).sum())


def softmax_backward_without_its_sum(s: torch.Tensor, dl_ds: torch.Tensor) -> torch.Tensor:
    return s * dl_ds


def test_functions_of_tensors_are_diagnosed() -> None:
    softmax = derivation("s_i = exp(x_i)/(1_j exp(x_j))", "∂l/∂x_n")
    (found,) = diagnose_function(softmax, softmax_backward)
    assert found.grade == "sampled"
    (found,) = diagnose_function(softmax, softmax_backward_without_its_sum)
    assert found.grade == "wrong"
    assert "dropped" in found.explanations[0].words
