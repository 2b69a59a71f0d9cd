"""Who takes part in `bench_code.py`: generated code, code by hand, PyTorch, JAX."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from code_cases import Case

import derive
from derive.codegen import TARGETS, Program, module, program
from derive.expressions import Partial, ranging
from derive.notation import read_graph
from derive.notation.names import ascii_name
from derive.notation.write import write_text

Arrays = Mapping[str, Any]
THREADS = 2


@dataclass(frozen=True)
class Contestant:
    """A way to compute gradients.

    `backward` takes what `forward` returns and returns the gradients. Where it is missing,
    `forward` returns them: both passes are one.
    """

    name: str
    forward: Callable[[], Any]
    backward: Callable[[Any], Sequence[Any]] | None = None
    finish: Callable[[Any], Any] = lambda state: state


@dataclass(frozen=True)
class Skipped:
    """A contestant that does not take part, and why."""

    name: str
    reason: str


Entry = Contestant | Skipped


def installed(name: str) -> Any:
    """A package, or None."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def case_program(case: Case) -> Program:
    """The program of a case; of a contracted second derivative the one that computes it."""
    if not case.goal:
        return program(read_graph(case.equations, sizes=dict(case.sizes)), case.wrt)
    found = derive.derivation(f"{case.equations}; {case.loss}", case.goal)
    free = {index.name for index in ranging(found.result)}
    orders = ([i.name for i in p.variable.indices] for p in found.goals[-1].atoms(Partial))
    # The result has the axes of what the derivative is by, in their order.
    letters = next("".join(order) for order in orders if set(order) == free)
    result = write_text(found.result, found.graph)
    return program(read_graph(f"{case.equations}; h_{letters} = {result}"))


def generated(case: Case, target: str) -> Any:
    """The generated module, from a file, since compilers want to read it."""
    text = module(case_program(case), target)
    folder = Path(tempfile.mkdtemp(prefix="derive_bench_"))
    path = folder / f"generated_{target}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    # Compilers look a function's module up by its name.
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


def _why(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"no code: {type(error).__name__}: {first}"[:110]


def taken(function: Callable[..., Any], data: Arrays) -> list[Any]:
    """The arguments of a function by the names of its parameters."""
    return [data[name] for name in inspect.signature(function).parameters]


def together(found: Any) -> Sequence[Any]:
    return found if isinstance(found, tuple | list) else (found,)


def from_module(
    name: str, case: Case, target: str, data: Arrays, upstream: Any, **options: Any
) -> Entry:
    """The functions of a generated module."""
    if target not in TARGETS:
        return Skipped(name, f"there is no target {target}")
    wrap, finish = options.get("wrap", lambda f: f), options.get("finish", lambda state: state)
    try:
        made = generated(case, target)
        arguments = taken(made.forward, data)
    except Exception as error:
        return Skipped(name, _why(error))
    if case.goal:
        # What is saved has no use here, and compilers leave out what is not returned.
        value = wrap(lambda *given: made.forward(*given)[0])
        return Contestant(name, lambda: finish(together(value(*arguments))))
    forward, backward = wrap(made.forward), wrap(made.backward)
    return Contestant(
        name,
        lambda: finish(forward(*arguments)),
        lambda state: finish(together(backward(state[1], upstream))),
    )


# NumPy, Numba --------------------------------------------------------------------------------


def numpy_entries(case: Case, data: Arrays, upstream: Any) -> Iterator[Entry]:
    """NumPy by hand first: the others are compared with it."""
    if case.goal:
        (function,) = case.hand
        yield Contestant("NumPy by hand", lambda: function(*taken(function, data)))
    else:
        forward, backward = case.hand
        yield Contestant(
            "NumPy by hand",
            lambda: forward(*taken(forward, data)),
            lambda state: backward(state[1], upstream),
        )
    yield from_module("NumPy generated", case, "numpy", data, upstream)


def numba_entries(case: Case, data: Arrays, upstream: Any) -> Iterator[Entry]:
    name = "Numba generated"
    numba = installed("numba")
    if numba is None:
        yield Skipped(name, "numba is not installed")
        return
    numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
    yield from_module(name, case, "numba", data, upstream)


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
    if case.goal:
        yield from_module(
            "JAX generated, jit", case, "jax", inputs, back, wrap=jax.jit, finish=ready
        )
        gradient = jax.grad(lambda x: case.jax(jax, {**inputs, wrt[0]: x}))
        product = jax.jit(lambda x, v: jax.jvp(gradient, (x,), (v,))[1])
        name = "JAX forward over reverse, jit"
        yield Contestant(name, lambda: ready((product(inputs[wrt[0]], inputs["v"]),)))
        return
    yield from_module("JAX generated, jit", case, "jax", inputs, back, wrap=jax.jit, finish=ready)
    yield _jax_together(jax, case, inputs, back)
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
    if "jax" not in TARGETS:
        return Skipped(name, "there is no target jax")
    try:
        made = generated(case, "jax")
        arguments = taken(made.forward, inputs)
    except Exception as error:
        return Skipped(name, _why(error))
    run = jax.jit(lambda d, *given: made.backward(made.forward(*given)[1], d))
    return Contestant(name, lambda: jax.block_until_ready(together(run(upstream, *arguments))))
