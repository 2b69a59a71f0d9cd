"""Batches: a module with leading axes, beside the module for one example called for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from derive.cli import main
from derive.codegen import module, program
from derive.expressions import batchable
from derive.notation import read_graph
from derive.problems import catalogue, load_problem
from tests.generated import Generated, arguments, function_in, generated

FEW = ["cross_entropy", "layer_norm", "embedding", "solve"]
ROOTS = ["cubic_root", "lambert_w"]
LEADS = [(), (1,), (5,), (2, 3)]
every = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in FEW else pytest.mark.catalogue) for n in catalogue()],
)


def choices(name: str) -> Iterator[tuple[str, ...]]:
    """Inputs of which each example has its own: all, the first, all others."""
    given = batchable(generated(name).program.graph)
    yield from dict.fromkeys(part for part in (given, given[:1], given[1:]) if part)


@lru_cache(maxsize=32)
def batched(name: str, batch: tuple[str, ...], target: str = "numpy") -> Generated:
    """The module of a derivation for a batch."""
    graph = load_problem(name).graph
    found = program(graph, name=name, batch=batch)
    text = module(found, target)
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(text, f"{name}.py", "exec"), namespace)
    return Generated(found, text, namespace)


@lru_cache(maxsize=32)
def _arguments(name: str, batch: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
    return arguments(batched(name, batch).program)


class Batched:
    """Data for a batch with leading axes, and what the module for one example makes of them.

    `values` computes outputs and gradients by a module for one example.
    """

    def __init__(self, found: Generated, lead: tuple[int, ...]) -> None:
        inputs, upstream = _arguments(found.program.name, found.program.batch.given)
        self.program, self.lead = found.program, lead
        if self.program.name in ROOTS:
            # The equation has one root.
            inputs = [np.abs(value) for value in inputs]
        names = (*self.program.inputs, *self.program.labels)
        self.names = [*names, *["" for _ in inputs[len(names) :]]]
        pairs = zip(self.names, inputs, strict=True)
        self.inputs = [self._spread(name, value) for name, value in pairs]
        pairs = zip(self.program.outputs, upstream, strict=True)
        self.upstream = [self._spread(name, value) for name, value in pairs]

    def _has_lead(self, name: str) -> bool:
        return name in self.program.batched

    def _spread(self, name: str, value: Any) -> Any:
        """The examples drawn, repeated until there are enough, along the leading axes."""
        if not self._has_lead(name):
            return value
        places = np.arange(int(np.prod(self.lead))) % max(len(value), 1)
        return np.asarray(value)[places].reshape((*self.lead, *value.shape[1:]))

    def expected(self, one: Generated) -> list[Any]:
        """Outputs and gradients, example by example; what is shared has the sum of gradients."""
        order = [*one.program.inputs, *one.program.labels]
        places = [self.names.index(n) for n in order]
        places += range(len(order), len(self.inputs))
        rows = []
        for place in np.ndindex(self.lead):
            inputs = [self._at(self.names[k], self.inputs[k], place) for k in places]
            pairs = zip(self.program.outputs, self.upstream, strict=True)
            rows.append(one.values(inputs, [self._at(n, u, place) for n, u in pairs]))
        outputs = len(self.program.outputs)
        columns = list(zip(*rows, strict=True))
        results = [*self.program.outputs, *self.program.wrt]
        return [
            self._together(n, c, k < outputs)
            for k, (n, c) in enumerate(zip(results, columns, strict=True))
        ]

    def _at(self, name: str, value: Any, place: tuple[int, ...]) -> Any:
        return value[place] if self._has_lead(name) else value

    def _together(self, name: str, values: Sequence[Any], is_output: bool) -> Any:
        if self._has_lead(name):
            return np.reshape(values, (*self.lead, *np.shape(values[0])))
        return values[0] if is_output else np.sum(values, axis=0)


@every
def test_a_batch_is_what_its_examples_are(name: str) -> None:
    one = generated(name)
    for batch in choices(name):
        found = batched(name, batch)
        for lead in LEADS:
            data = Batched(found, lead)
            expected = data.expected(one)
            for change in (np.asarray, *([_strided] if len(lead) == 2 else [])):
                inputs = [_changed(change, value) for value in data.inputs]
                values = found.values(inputs, [*map(change, data.upstream)])
                for array, wanted in zip(values, expected, strict=True):
                    assert np.shape(array) == np.shape(wanted), (batch, lead)
                    np.testing.assert_allclose(array, wanted, rtol=1e-8, atol=1e-9)
        assert found.self_test() < 1e-6


@every
@pytest.mark.parametrize("target", ["torch", "jax", "numba"])
def test_other_targets_have_the_same_batches(
    name: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = _library(target, monkeypatch)
    one = generated(name)
    for batch in choices(name):
        found = batched(name, batch, target)
        for lead in [(), (2, 3)]:
            data = Batched(found, lead)
            inputs, upstream = (
                [library(v) for v in data.inputs],
                [library(v) for v in data.upstream],
            )
            values = found.values(inputs, upstream)
            for array, wanted in zip(values, data.expected(one), strict=True):
                assert np.shape(array) == np.shape(wanted), (batch, lead)
                np.testing.assert_allclose(array, wanted, rtol=1e-8, atol=1e-9)


@pytest.fixture(autouse=True)
def _precision_as_before() -> Iterator[None]:
    """Other tests of the process find JAX in single precision."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", False)


def _library(target: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """What makes an array of the library's, or a function on such, of one of NumPy's."""
    if target == "numba":
        # As plain Python.
        numba: Any = ModuleType("numba")
        numba.prange, numba.get_num_threads = range, lambda: 3
        numba.njit = lambda **_: lambda function: function
        monkeypatch.setitem(sys.modules, "numba", numba)
        return lambda value: value
    library = pytest.importorskip(target)
    if target == "jax":
        library.config.update("jax_enable_x64", True)
        library, made = library.numpy, library.numpy.asarray
    else:
        made = library.as_tensor
    return lambda v: function_in(library, v) if isinstance(v, partial) else made(np.array(v))


@pytest.mark.parametrize("name", FEW)
def test_autograd_sees_through_leading_axes(name: str) -> None:
    """The function to call, beside the mapped function for one example."""
    torch = pytest.importorskip("torch")
    found, one = (batched(name, b, "torch") for b in (next(choices(name)), ()))
    data = Batched(found, (2, 3))
    inputs = [torch.as_tensor(np.array(value)) for value in data.inputs]
    places = [data.names.index(n) for n in found.program.wrt]
    order = [data.names.index(n) for n in (*one.program.inputs, *one.program.labels)]

    def mapped(*arguments: Any) -> Any:
        again = torch.func.vmap(torch.func.vmap(one.function))
        return again(*(arguments[k] for k in order))

    results = []
    for function in (found.function, mapped):
        given = [v.clone().requires_grad_(k in places) for k, v in enumerate(inputs)]
        outputs = function(*given)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        upstream = [torch.as_tensor(u) for u in data.upstream]
        gradients = torch.autograd.grad(outputs, [given[k] for k in places], upstream)
        results.append([*outputs, *gradients])
    for array, wanted in zip(*results, strict=True):
        torch.testing.assert_close(array, wanted)
    found.self_test()


@pytest.mark.parametrize("name", FEW)
def test_jax_sees_through_leading_axes(name: str) -> None:
    """The function to call, beside the mapped function for one example."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    found, one = (batched(name, b, "jax") for b in (next(choices(name)), ()))
    data = Batched(found, (2, 3))
    inputs = [jax.numpy.asarray(value) for value in data.inputs]
    places = tuple(data.names.index(n) for n in found.program.wrt)
    order = [data.names.index(n) for n in (*one.program.inputs, *one.program.labels)]

    def mapped(*arguments: Any) -> Any:
        return jax.vmap(jax.vmap(one.function))(*(arguments[k] for k in order))

    def loss(function: Callable[..., Any]) -> Callable[..., Any]:
        def value(*arguments: Any) -> Any:
            outputs = function(*arguments)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            return sum((u * o).sum() for u, o in zip(data.upstream, outputs, strict=True))

        return jax.jit(jax.value_and_grad(value, argnums=places))

    for array, wanted in zip(
        *(jax.tree.leaves(loss(f)(*inputs)) for f in (found.function, mapped)), strict=True
    ):
        np.testing.assert_allclose(array, wanted, rtol=1e-9, atol=1e-12)
    found.self_test()


@pytest.mark.parametrize(
    ("equations", "batch"),
    [
        ("r = (1_i abs(x_i)^p)^(1/p)", ["p"]),
        ("y_i = leaky_relu(x_i, a)", ["a"]),
        ("c_i = (u_i + m - v_i) [u_i + m > v_i]", ["m"]),
        ("y_i^3 + p_i^2 y_i = q_i for y", ["q"]),
        ("z_i = tanh(z_j W_ij/9 + x_i) for z", ["x"]),
        ("y = x_{argmax_j(z_j)}", ["z", "x"]),
        ("c = -log(s_T); s_i = exp(x_i)/(1_j exp(x_j))", ["T"]),
    ],
)
def test_what_is_shared_is_broadcast(equations: str, batch: list[str]) -> None:
    namespace: dict[str, Any] = {"__name__": "batch"}
    exec(module(program(read_graph(equations), batch=batch)), namespace)
    assert namespace["self_test"]() < 1e-6


def test_an_empty_batch_has_empty_gradients() -> None:
    found = batched("cross_entropy", ("x", "T"))
    losses, saved = found.forward(np.zeros((2, 0, 4)), np.zeros((2, 0), int))
    assert losses.shape == (2, 0)
    assert found.backward(saved, losses).shape == (2, 0, 4)


def test_leading_axes_that_differ_are_named() -> None:
    forward = batched("least_squares", ("x", "a", "t")).forward
    x, a, t = np.ones((2, 3, 4, 5)), np.ones((2, 3, 5, 6)), np.ones((2, 3, 4, 6))
    with pytest.raises(ValueError, match="a has 3 entries along axis 0, not 2"):
        forward(x, a.swapaxes(0, 1), t)
    with pytest.raises(ValueError, match="a has 2 axes, not 4"):
        forward(x, a[0, 0], t)
    with pytest.raises(ValueError, match="T has the shape"):
        batched("cross_entropy", ("x", "T")).forward(np.ones((2, 3, 4)), np.ones((3, 2), int))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["code", "cross_entropy", "--batch", "logits"], "logits is no input or label of a batch"),
        (
            ["code", "cross_entropy", "--batch", "x,"],
            "an empty name is no input or label of a batch",
        ),
        (["spec", "conv_general", "--batch", "S"], "each example can have its own w, x"),
        (["code", "cross_entropy", "--batch", "x", "--goal", "d s_i / d x_n"], "gradients alone"),
        (["verify", "cross_entropy", "--batch", "x"], "--batch is about a module of code"),
    ],
)
def test_what_has_no_batch_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_module_for_a_batch_is_checked_beside_the_definitions(tmp_path: Path) -> None:
    path = str(tmp_path / "loss.py")
    assert main(["code", "cross_entropy", "--batch", "-o", path]) == 0
    assert main(["verify", "cross_entropy", "--batch", "--module", path]) == 0


def _changed(change: Callable[[Any], Any], value: Any) -> Any:
    return change(value) if isinstance(value, np.ndarray) else value


def _strided(array: Any) -> Any:
    """The same entries, which do not lie side by side along any axis."""
    for axis in range(np.ndim(array)):
        array = np.repeat(array, 2, axis)
        array = array[(*[slice(None)] * axis, slice(None, None, 2))]
    return array
