"""Generated modules of every target beside the framework's own functions and its autograd.

Each entry that PyTorch has a function for is run at sizes that are drawn, on arrays that lie in
memory in all ways, in single and double precision.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

from derive.codegen import Program, program
from derive.codegen.dialect import Dialect
from derive.codegen.passes import passes
from tests.frameworks import FRAMEWORKS, Framework
from tests.generated import Generated
from tests.layouts import LAYOUTS
from tests.references import NAMES, Drawn, Entry, entry

FEW = ["cross_entropy_batch", "attention", "torch.nn conv2d", "torch.nn embedding_bag (mean)"]
PRECISE = {"float64": 1e-8, "float32": 5e-4}
# PyTorch's function has a constant in single precision; its derivative is by differences.
LOOSE = {"torch.nn hardsigmoid": 1e-7, "p_norm": 1e-6}


# What has to be compiled takes long: each day other entries are taken, unless a seed is given,
# which the names of the tests tell.
SEED = int(os.environ.get("DERIVE_TEST_SEED", time.time() // 86400))
SAMPLE = {"jax": 60, "numba": 4}


def sampled() -> list[Any]:
    """Some of the entries with each target that compiles."""
    rng = np.random.default_rng(SEED)
    return [
        pytest.param(
            str(name),
            framework,
            marks=[
                pytest.mark.catalogue,
                pytest.mark.skipif(
                    not FRAMEWORKS[framework].is_installed, reason=f"{framework} is not installed"
                ),
            ],
            id=f"{name}-{framework}-seed {SEED}",
        )
        for framework, number in SAMPLE.items()
        for name in rng.permutation(NAMES)[:number]
    ]


def cases(frameworks: list[str]) -> list[Any]:
    """Each entry with each target, the targets of an entry together."""
    return [
        pytest.param(
            name,
            framework,
            marks=[
                *([] if name in FEW else [pytest.mark.catalogue]),
                pytest.mark.skipif(
                    not FRAMEWORKS[framework].is_installed, reason=f"{framework} is not installed"
                ),
            ],
        )
        for name in NAMES
        for framework in frameworks
    ]


@lru_cache(maxsize=4)
def programmed(name: str) -> tuple[Program, tuple[str, ...]]:
    """The program of an entry, and what its forward pass takes."""
    found = program(entry(name).graph, name=name)
    return found, passes(found, Dialect()).forward.parameters


@lru_cache(maxsize=8)
def generated(name: str, framework: str) -> Generated:
    """The module of an entry."""
    return FRAMEWORKS[framework].module(programmed(name)[0])


# Sizes of two axes are the same only where that was drawn.
NUMBERS = st.permutations([2, 3, 4, 5, 1])


@st.composite
def choices(draw: Any, among: Entry) -> dict[str, Any]:
    """What is drawn for an entry."""
    numbers = draw(NUMBERS) + draw(NUMBERS)
    return {
        "sizes": dict(zip(among.free, numbers * 2, strict=False)),
        "kind": draw(st.sampled_from(["float64", "float32"])),
        "layouts": draw(st.lists(st.sampled_from([*LAYOUTS]), min_size=3, max_size=3)),
        "repeated": draw(st.sampled_from([None, 0, 1, 2])),
        "whole": draw(st.sampled_from(["int64", "int32"])),
        "plain": draw(st.booleans()),
        "seed": draw(st.integers(0, 10**6)),
    }


@pytest.mark.parametrize(("name", "framework"), cases(["numpy", "torch", "loops"]))
@settings(
    max_examples=3,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(data=st.data())
def test_agrees_with_the_framework(name: str, framework: str, data: Any) -> None:
    chosen = data.draw(choices(entry(name)))
    compared(name, framework, **chosen)


@pytest.mark.parametrize(("name", "framework"), sampled())
@settings(max_examples=1, deadline=None, database=None)
@given(seed=st.integers(0, 10**6))
def test_agrees_with_the_framework_once(name: str, framework: str, seed: int) -> None:
    """As compiling takes long."""
    rng = np.random.default_rng(seed)
    compared(
        name,
        framework,
        sizes=dict(zip(entry(name).free, (*rng.permutation(5) + 1, *range(1, 9)), strict=False)),
        kind=str(rng.choice(["float64", "float32"])),
        layouts=list(rng.choice([*LAYOUTS], 3)),
        repeated=None,
        whole="int32",
        plain=False,
        seed=seed,
    )


def compared(
    name: str,
    framework: str,
    *,
    sizes: Mapping[str, int],
    kind: str,
    layouts: list[str],
    repeated: int | None,
    whole: str,
    plain: bool,
    seed: int,
) -> None:
    """Compare a module with the functions of PyTorch on data that were chosen."""
    of = entry(name)
    if repeated is not None:
        layouts = ["repeated", *layouts]
    every = {} if repeated is None else dict.fromkeys(list(of.shapes)[::2], repeated)
    drawn = of.draw(sizes, seed, every, kind)
    assume(drawn is not None)
    assert drawn is not None
    agrees(name, framework, drawn, kind, layouts, whole, plain)


def agrees(
    name: str,
    framework: str,
    drawn: Drawn,
    kind: str,
    layouts: list[str] | None = None,
    whole: str = "int64",
    plain: bool = False,
) -> None:
    """Compare a module with what PyTorch found."""
    module, target = generated(name, framework), FRAMEWORKS[framework]
    layouts = layouts or ["contiguous"]
    with target.precisely():
        given = list(arguments(name, target, drawn, kind, layouts, whole, plain))
        upstream = [
            target.array(array.astype(kind), layouts[k % len(layouts)])
            for k, array in enumerate(drawn.upstream, len(given))
        ]
        before = target.copies([*given, *upstream])
        found = target.gradients(module, given, upstream)
        right(module, *found, drawn, kind)
        own = target.by_the_framework(module, given, upstream)
        if own is not None:
            right(module, *own, drawn, kind)
        for after, array in zip(target.copies([*given, *upstream]), before, strict=True):
            np.testing.assert_array_equal(after, array)


def arguments(
    name: str,
    target: Framework,
    drawn: Drawn,
    kind: str,
    layouts: list[str],
    whole: str,
    plain: bool,
) -> Iterator[Any]:
    """What the forward pass takes, in order."""
    of = entry(name)
    sizes = of.sizes_of(drawn)
    for place, parameter in enumerate(programmed(name)[1]):
        if parameter not in drawn.arguments:
            yield sizes[parameter]
            continue
        array = drawn.arguments[parameter]
        if array.dtype.kind != "f":
            yield target.array(array.astype(whole), layouts[0]) if array.ndim else int(array)
        elif plain and not array.ndim:
            yield float(array) if target.name != "torch" else target.array(array.astype(kind), "")
        else:
            yield target.array(array.astype(kind), layouts[place % len(layouts)])


def right(
    module: Generated,
    outputs: list[np.ndarray],
    gradients: list[np.ndarray],
    drawn: Drawn,
    kind: str,
) -> None:
    """Compare values, types and shapes."""
    precise = max(PRECISE[kind], LOOSE.get(module.program.name, 0.0))
    assert {each.dtype for each in (*outputs, *gradients)} == {np.dtype(kind)}
    for output, true in zip(outputs, drawn.outputs, strict=True):
        close(output, true, precise, "the value")
    for each, gradient in zip(module.program.wrt, gradients, strict=True):
        if each in drawn.gradients:
            close(gradient, drawn.gradients[each], precise, f"the gradient by {each}")


def close(found: np.ndarray, true: np.ndarray, precise: float, what: str) -> None:
    assert found.shape == true.shape, what
    size = max(np.abs(true).max(initial=0.0), 1.0)
    np.testing.assert_allclose(found / size, true / size, 0, precise, err_msg=what)


@pytest.mark.parametrize(("name", "framework"), cases(["numpy", "torch", "loops"]))
def test_sizes_may_be_one_or_none(name: str, framework: str) -> None:
    of = entry(name)
    ones = of.draw(dict.fromkeys(of.free, 1), 0, {}, "float32")
    if ones is not None:
        agrees(name, framework, ones, "float32")
    for size in of.may_be_empty:
        agrees(name, framework, of.empty(size, 0, "float64"), "float64")
