"""Inputs without axes may be numbers of Python's, whatever the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from derive.codegen import module, program
from derive.notation import read_graph


def _numpy(array: Any) -> Any:
    return np.asarray(array, np.float32)


def _torch(array: Any) -> Any:
    return pytest.importorskip("torch").as_tensor(_numpy(array))


def _jax(array: Any) -> Any:
    return pytest.importorskip("jax").numpy.asarray(_numpy(array))


@pytest.mark.parametrize(("target", "array"), [("numpy", _numpy), ("torch", _torch), ("jax", _jax)])
def test_a_number_is_like_the_arrays(target: str, array: Callable[[Any], Any]) -> None:
    x = array([1.0, 2.0])
    found = program(read_graph("y_i = sqrt(a) x_i; c = a^2 + 1_i y_i"))
    namespace: dict[str, Any] = {"__name__": "one"}
    exec(module(found, target), namespace)
    c, saved = namespace["forward"](*[4.0 if n == "a" else x for n in found.inputs])
    gradients = namespace["backward"](saved, 2.0)
    by = dict(zip(found.wrt, map(np.asarray, gradients), strict=True))
    np.testing.assert_allclose(by["x"], [4, 4])
    np.testing.assert_allclose(by["a"], 17.5)
    assert {np.asarray(each).dtype for each in (c, *gradients)} == {np.dtype("float32")}
