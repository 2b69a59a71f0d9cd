"""Index arithmetic in generated code, beside loops over all entries."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.codegen import Program, module, program
from derive.codegen.dialect import Dialect
from derive.codegen.numpy_windows import NUMPY_WINDOWS
from derive.codegen.passes import passes
from derive.notation import read_graph


@dataclass(frozen=True)
class Sum:
    """`y_target = x_slots w_slots …`, summed over all other indices.

    `factors` has the slots of each tensor; `total` is `max_k`, or `1_k` where k is in no factor.
    """

    target: tuple[str, ...]
    factors: tuple[tuple[str, tuple[str, ...]], ...]
    total: str = ""

    @property
    def is_greatest(self) -> bool:
        return self.total == "max_k"

    @property
    def text(self) -> str:
        body = " ".join(f"{name}_{{{','.join(slots)}}}" for name, slots in self.factors)
        right = f"{self.total}({body})" if self.is_greatest else f"{self.total} {body}"
        return f"y_{{{','.join(self.target)}}} = {right}"


@dataclass(frozen=True)
class Data:
    """The sizes of indices, the tensors, and the gradient that comes back."""

    sizes: Mapping[str, int]
    tensors: Mapping[str, Any]
    upstream: Any


@cache
def made(text: str, target: str) -> tuple[Program, dict[str, Any]]:
    """A program and the names in its module."""
    # An index that stands in no slot alone needs a name for its size.
    found = program(read_graph(text, sizes={"k": "K"} if "max_k" in text or "1_k" in text else {}))
    namespace: dict[str, Any] = {"__name__": "windows"}
    exec(compile(module(found, target), "windows.py", "exec"), namespace)
    return found, namespace


def by_loops(sum_: Sum, data: Data) -> list[Any]:
    """The value and the gradients, entry by entry."""
    shape = [data.sizes[index] for index in sum_.target]
    y = np.zeros(shape)
    gradients = {name: np.zeros(array.shape) for name, array in data.tensors.items()}
    indices = sorted(data.sizes)
    best: dict[Any, Any] = {}
    for values in itertools.product(*(range(data.sizes[i]) for i in indices)):
        env = dict(zip(indices, values, strict=True))
        at = tuple(env[index] for index in sum_.target)
        places = {name: tuple(eval(s, {}, env) for s in slots) for name, slots in sum_.factors}
        entries = {name: entry(data.tensors[name], place) for name, place in places.items()}
        if sum_.is_greatest:
            ((name, value),) = entries.items()
            if at not in best or value > best[at][0]:
                best[at] = value, name, places[name]
            continue
        y[at] += np.prod([*entries.values()])
        for name, place in places.items():
            if inside(data.tensors[name], place):
                others = np.prod([v for other, v in entries.items() if other != name])
                gradients[name][place] += data.upstream[at] * others
    for at, (value, name, place) in best.items():
        y[at] = value
        if inside(data.tensors[name], place):
            gradients[name][place] += data.upstream[at]
    return [y, *gradients.values()]


def inside(array: Any, place: Sequence[int]) -> bool:
    return all(0 <= k < n for k, n in zip(place, array.shape, strict=True))


def entry(array: Any, place: tuple[int, ...]) -> float:
    return float(array[place]) if inside(array, place) else 0.0


def by_module(sum_: Sum, data: Data, target: str, change: Callable[[Any], Any]) -> list[Any]:
    """What the generated module returns."""
    found, namespace = made(sum_.text, target)
    graph = found.graph
    known: dict[str, Any] = {}
    for name, array in (*data.tensors.items(), ("y", data.upstream)):
        for axis, length in enumerate(array.shape):
            known[str(graph.axis_size(name, axis))] = length
    values = {**known, **{name: change(array) for name, array in data.tensors.items()}}
    every = passes(found, Dialect()).forward.parameters
    extra = {name.upper(): size for name, size in data.sizes.items()}
    given_ = [values[name] if name in values else extra[name] for name in every]
    result, saved = namespace["forward"](*given_)
    gradients = namespace["backward"](saved, change(data.upstream))
    gradients = gradients if len(found.wrt) > 1 else (gradients,)
    order = dict(zip(found.wrt, gradients, strict=True))
    return [np.asarray(result), *(np.asarray(order[name]) for name in data.tensors)]


def agree(sum_: Sum, data: Data, target: str, change: Callable[[Any], Any]) -> None:
    expected = by_loops(sum_, data)
    found = by_module(sum_, data, target, change)
    for array, true in zip(found, expected, strict=True):
        assert array.shape == true.shape
        np.testing.assert_allclose(array, true, rtol=1e-5, atol=1e-5)


# Arithmetic ----------------------------------------------------------------------------------

STEPS = st.sampled_from([1, 1, 1, 2, 3])
BORDERS = st.integers(-2, 3)
LENGTHS = st.integers(1, 5)


def times(step: int, index: str) -> str:
    return index if step == 1 else f"{step}*{index}"


def shifted(slot: str, border: int) -> str:
    return slot if border == 0 else f"{slot}{'-' if border > 0 else '+'}{abs(border)}"


@st.composite
def slot(draw: st.DrawFn, outer: str, inner: str) -> str:
    """A window: strides, dilations, borders, either sign."""
    step, dilation, border = draw(STEPS), draw(STEPS), draw(BORDERS)
    sign = draw(st.sampled_from("+++-"))
    return shifted(f"{times(step, outer)}{sign}{times(dilation, inner)}", border)


@st.composite
def crossed(draw: st.DrawFn, outer: str, inner: str) -> str:
    """The place in a kernel of a transposed convolution."""
    return shifted(f"{outer}-{times(draw(STEPS), inner)}", -draw(BORDERS))


KINDS = ["plain", "channels", "plane", "transposed", "depth", "mean", "entry", "twice"]


@st.composite
def sums(draw: st.DrawFn) -> Sum:
    kind = draw(st.sampled_from(KINDS))
    if kind == "plain":
        return Sum(("i",), (("x", (draw(slot("i", "k")),)), ("w", ("k",))))
    if kind == "channels":
        factors = (("x", ("b", "c", draw(slot("i", "k")))), ("w", ("o", "c", "k")))
        return Sum(("b", "o", "i"), factors)
    if kind == "plane":
        places = (draw(slot("i", "k")), draw(slot("j", "l")))
        return Sum(("o", "i", "j"), (("x", places), ("w", ("o", "k", "l"))))
    if kind == "transposed":
        factors = (("x", ("b", "c", "i")), ("w", ("c", "o", draw(crossed("n", "i")))))
        return Sum(("b", "o", "n"), factors)
    if kind == "twice":
        return Sum(("b", "i", "k"), (("x", ("b", draw(slot("i", "k")))), ("w", ("i", "k"))))
    if kind == "mean":
        return Sum(("b", "i"), (("x", ("b", draw(slot("i", "k")))),), "1_k")
    if kind == "depth":
        return Sum(("b", "c", "i"), (("x", ("b", "c", draw(slot("i", "k")))), ("w", ("c", "k"))))
    return Sum(("b", "i", "k"), (("x", ("b", draw(slot("i", "k")))),))


def lengths(sum_: Sum, draw: st.DrawFn) -> Data:
    """Data for a sum: an axis with arithmetic has any length, also one that windows overrun."""
    letters = {c for _, slots in sum_.factors for s in slots for c in s if c.isalpha()}
    sizes = {letter: draw(LENGTHS) for letter in sorted(letters | {*sum_.target})}
    if "b" in sizes:
        sizes["b"] = draw(st.integers(0, 2))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    tensors = {
        name: rng.normal(size=[sizes[s] if s in sizes else draw(st.integers(1, 9)) for s in slots])
        for name, slots in sum_.factors
    }
    return Data(sizes, tensors, rng.normal(size=[sizes[i] for i in sum_.target]))


def numpy_kinds() -> st.SearchStrategy[Callable[[Any], Any]]:
    def strided(array: Any) -> Any:
        return np.repeat(array, 2, axis=-1)[..., ::2]

    def turned(array: Any) -> Any:
        return np.asfortranarray(array)

    def single(array: Any) -> Any:
        return array.astype(np.float32)

    return st.sampled_from([np.asarray, strided, turned, single])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_sums_over_windows_are_those_of_loops(data: st.DataObject) -> None:
    sum_ = data.draw(sums())
    agree(sum_, lengths(sum_, data.draw), "numpy", data.draw(numpy_kinds()))


@st.composite
def readings(draw: st.DrawFn) -> Sum:
    """Entries read one for one: other digits, circles, the same entry for several."""
    base, offset = draw(st.integers(2, 3)), draw(st.integers(-4, 4))
    slots = draw(
        st.sampled_from(
            [
                (f"n//{base}", f"n%{base}"),
                (f"n%{base}", f"n//{base}"),
                (f"n//{base}",),
                (f"n%{base}",),
                (shifted("n", offset),),
                (f"({shifted('n', offset)})%{base + 2}",),
                (shifted(f"{base}*n", offset), "b"),
                (f"n//{base}", "b", f"{base}*(n%{base})"),
            ]
        )
    )
    target = ("n", "b") if "b" in slots else ("n",)
    return Sum(target, (("x", slots),))


@st.composite
def greatest(draw: st.DrawFn) -> Sum:
    return Sum(("b", "i"), (("x", ("b", draw(slot("i", "k")))),), "max_k")


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_entries_are_read_where_the_arithmetic_says(data: st.DataObject) -> None:
    sum_ = data.draw(readings())
    agree(sum_, lengths(sum_, data.draw), "numpy", data.draw(numpy_kinds()))


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_the_greatest_of_a_window_is_that_of_loops(data: st.DataObject) -> None:
    sum_ = data.draw(greatest())
    agree(sum_, lengths(sum_, data.draw), "numpy", data.draw(numpy_kinds()))


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_pytorch_agrees_with_loops(data: st.DataObject) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

    def turned(array: Any) -> Any:
        return torch.tensor(array).mT.contiguous().mT if array.ndim > 1 else torch.tensor(array)

    sum_ = data.draw(st.one_of(sums(), readings(), greatest()))
    agree(sum_, lengths(sum_, data.draw), "torch", turned)


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_jax_agrees_with_loops(data: st.DataObject) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed (extra `jax`)")
    sum_ = data.draw(st.one_of(sums(), readings(), greatest()))
    with jax.enable_x64(True):
        agree(sum_, lengths(sum_, data.draw), "jax", jax.numpy.asarray)


def test_arrays_of_the_caller_are_left_alone() -> None:
    """Neither what comes back is written to, nor what a saved view shares its memory with."""
    _, namespace = made("y_bn = x_bn - 1_n x_{b,T_b}", "numpy")
    upstream = np.ones((2, 3))
    _, saved = namespace["forward"](np.ones((2, 3)), np.array([0, 2]))
    namespace["backward"](saved, upstream)
    np.testing.assert_array_equal(upstream, np.ones((2, 3)))
    _, namespace = made("z_ik = x_{i+k}; y_ik = exp(z_ik w_k)", "numpy")
    x, w = np.arange(5.0), np.ones(2)
    parameters = signature(namespace["forward"]).parameters
    _, saved = namespace["forward"](*({"x": x, "w": w}.get(name, 4) for name in parameters))
    backward = namespace["backward"]
    lends = "overwrite_saved" in signature(backward).parameters
    backward(saved, np.ones((4, 2)), **({"overwrite_saved": True} if lends else {}))
    np.testing.assert_array_equal(x, np.arange(5.0))


def test_the_greatest_of_one_window_is_a_number() -> None:
    """What is left when the only axis of a tensor is a window has no axis."""
    found = program(read_graph("c = max_k(x_{k+1})", sizes={"k": "K"}))
    namespace: dict[str, Any] = {"__name__": "written"}
    exec(module(found), namespace)
    x = np.array([9.0, 2.0, 7.0, 7.0, 1.0])
    value, saved = namespace["forward"](x=x, K=3)
    assert value == 7
    np.testing.assert_array_equal(namespace["backward"](saved, np.array(2.0)), [0, 0, 2, 0, 0])


def test_places_in_windows_are_those_of_argmax() -> None:
    """The first of several, and the first that is no number."""
    namespace: dict[str, Any] = {"np": np}
    exec(NUMPY_WINDOWS["_fold_places"], namespace)
    x = np.random.default_rng(0).integers(0, 4, (3, 70, 4)).astype(float)
    x[1, 1], x[0, 2, 3], x[2, 0, 0], x[2, 1, 0] = np.nan, np.nan, np.inf, -np.inf
    for axis in range(3):
        for function, expected in ((np.maximum, x.argmax(axis)), (np.minimum, x.argmin(axis))):
            found = namespace["_fold_places"](function, x, axis)
            np.testing.assert_array_equal(found, expected)


def test_chosen_entries_lie_at_their_places() -> None:
    """However the values lie in memory."""
    namespace: dict[str, Any] = {"np": np}
    exec(NUMPY_WINDOWS["_chosen"], namespace)
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(2, 3, 4))
    for values in (drawn, drawn.transpose(2, 0, 1), drawn[:, ::-1], drawn[0, 0, 0]):
        places = rng.integers(0, 5, values.shape)
        expected = np.zeros((5, *values.shape))
        np.put_along_axis(expected, places[None], values[None], 0)
        for axis in range(values.ndim + 1):
            found = namespace["_chosen"](values, places, axis, 5)
            np.testing.assert_array_equal(found, np.moveaxis(expected, 0, axis))
