"""Who takes part in `bench_code.py`: PyTorch and JAX, beside code generated for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from code_cases import Case
from code_contestants import (
    THREADS,
    Arrays,
    Contestant,
    Entry,
    Skipped,
    from_module,
    generated,
    installed,
    reason_of,
    second,
    taken,
    together,
)

from derive.notation.names import ascii_name

# PyTorch -------------------------------------------------------------------------------------


def torch_entries(
    case: Case, data: Arrays, upstream: Any, *, compiled: bool, device: str = "cpu", dtype: str = ""
) -> Iterator[Entry]:
    torch = installed("torch")
    if torch is None:
        yield Skipped("PyTorch", "torch is not installed")
        return
    torch.set_num_threads(THREADS)
    kind = getattr(torch, dtype) if dtype else None
    inputs = {name: _tensor(torch, value, device, kind) for name, value in data.items()}
    back = _tensor(torch, upstream, device, kind)
    finish = partial(_finished_on_gpu, torch) if device == "cuda" else lambda state: state
    yield from_module(
        "PyTorch generated", case, "torch", inputs, back, wrap=torch.no_grad(), finish=finish
    )
    functions = [("PyTorch primitives", case.torch), ("PyTorch fused", case.fused)]
    for name, function in functions:
        yield _autograd(torch, f"{name}, autograd", case, inputs, back, function, finish)
    if not compiled:
        yield Skipped("PyTorch compiled", "left out: --no-compile")
        return
    # Measured backward passes run more than once on what one forward pass saved.
    importlib.import_module("torch._functorch.config").donated_buffer = False
    make = partial(torch.compile, dynamic=False)
    yield from_module(
        "PyTorch generated, compiled",
        case,
        "torch",
        inputs,
        back,
        wrap=lambda f: make(torch.no_grad()(f)),
        finish=finish,
    )
    for name, function in functions:
        yield _autograd(
            torch, f"{name}, autograd compiled", case, inputs, back, function, finish, make
        )


def _tensor(torch: Any, value: Any, device: str, kind: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    found = torch.from_numpy(value).to(device)
    return found.to(kind) if kind is not None and found.is_floating_point() else found


def _finished_on_gpu(torch: Any, state: Any) -> Any:
    torch.cuda.synchronize()
    return state


def _autograd(
    torch: Any,
    name: str,
    case: Case,
    inputs: Arrays,
    upstream: Any,
    function: Any,
    finish: Callable[[Any], Any],
    make: Callable[[Any], Any] = lambda f: f,
) -> Entry:
    wrt = [ascii_name(name) for name in case.wrt]
    if case.goal:
        return _forward_over_reverse(torch, name, inputs, function, wrt[0], finish, make)
    leaves = {n: v.detach().requires_grad_() if n in wrt else v for n, v in inputs.items()}
    value = make(lambda: function(torch, leaves))
    return Contestant(
        name,
        lambda: finish(value()),
        lambda y: finish(torch.autograd.grad(y, [leaves[n] for n in wrt], upstream)),
    )


def _forward_over_reverse(
    torch: Any, name: str, inputs: Arrays, function: Any, by: str, finish: Any, make: Any
) -> Entry:
    gradient = torch.func.grad(lambda x: function(torch, {**inputs, by: x}))
    product = make(lambda x, v: torch.func.jvp(gradient, (x,), (v,))[1])
    title = name.replace("autograd", "forward over reverse")
    return Contestant(title, lambda: finish((product(inputs[by], inputs["v"]),)))


# JAX -----------------------------------------------------------------------------------------


def jax_entries(case: Case, data: Arrays, upstream: Any) -> Iterator[Entry]:
    jax = installed("jax")
    if jax is None:
        yield Skipped("JAX", "jax is not installed")
        return
    inputs = {n: jax.numpy.asarray(v) if isinstance(v, np.ndarray) else v for n, v in data.items()}
    back = jax.numpy.asarray(upstream)
    ready = jax.block_until_ready
    wrt = [ascii_name(name) for name in case.wrt]
    yield from_module("JAX generated, jit", case, "jax", inputs, back, wrap=jax.jit, finish=ready)
    yield _jax_together(jax, case, inputs, back)
    if case.goal:
        yield from _jax_second(jax, case, inputs, wrt[0])
        return
    chosen = [inputs[name] for name in wrt]

    def value(*chosen: Any) -> Any:
        return case.jax(jax, {**inputs, **dict(zip(wrt, chosen, strict=True))})

    split = jax.jit(lambda *chosen: jax.vjp(value, *chosen))
    pull = jax.jit(lambda function, d: function(d))
    yield Contestant(
        "JAX vjp, jit",
        lambda: ready(split(*chosen)),
        lambda state: ready(pull(state[1], back)),
    )
    whole = jax.jit(lambda d, *chosen: jax.vjp(value, *chosen)[1](d))
    yield Contestant("JAX grad, jit, both as one", lambda: ready(whole(back, *chosen)))


def _jax_together(jax: Any, case: Case, inputs: Arrays, upstream: Any) -> Entry:
    name = "JAX generated, jit, both as one"
    try:
        made = generated(case, "jax")
        arguments = taken(made.forward, inputs)
    except Exception as error:
        return Skipped(name, reason_of(error))
    last = second(case, made) if case.goal else made.backward
    back = inputs["v"] if case.goal else upstream
    run = jax.jit(lambda d, *given: last(made.forward(*given)[1], d))
    return Contestant(name, lambda: jax.block_until_ready(together(run(back, *arguments))))


def _jax_second(jax: Any, case: Case, inputs: Arrays, by: str) -> Iterator[Entry]:
    """Forward over reverse, at once, and linearised at a point for products with many vectors."""
    ready = jax.block_until_ready
    gradient = jax.grad(lambda x: case.jax(jax, {**inputs, by: x}))
    whole = jax.jit(lambda x, v: jax.jvp(gradient, (x,), (v,))[1])
    name = "JAX forward over reverse, jit"
    yield Contestant(name, lambda: ready((whole(inputs[by], inputs["v"]),)))
    at = jax.jit(lambda x: jax.linearize(gradient, x)[1])
    product = jax.jit(lambda function, v: function(v))
    yield Contestant(
        "JAX forward over reverse, linearised, jit",
        lambda: ready(at(inputs[by])),
        lambda state: ready((product(state, inputs["v"]),)),
    )
