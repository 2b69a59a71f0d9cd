"""Who takes part in `bench_code.py`: generated code, and code by hand."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from code_cases import Case

from derive.codegen import TARGETS, Program, module, program
from derive.notation import read_goal, read_graph

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
    """The program of a case; a contracted second derivative is a function beside both passes."""
    if not case.goal:
        return program(read_graph(case.equations, sizes=dict(case.sizes)), case.wrt)
    graph = read_graph(f"{case.equations}; {case.loss}")
    return program(graph, case.wrt, goals=[read_goal(case.goal, graph)])


def generated(case: Case, target: str) -> Any:
    """The generated module, from a file, since compilers want to read it."""
    text = module(case_program(case), target)
    # The same text has the same place, where compilers find what they compiled before.
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"derive_bench_{key}" / f"generated_{target}.py"
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    # Compilers look a function's module up by its name.
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


def reason_of(error: Exception) -> str:
    """Why there is no module."""
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
        return Skipped(name, reason_of(error))
    if case.goal:
        forward, product = wrap(made.forward), wrap(second(case, made))
        return Contestant(
            name,
            lambda: finish(forward(*arguments)),
            lambda state: finish(together(product(state[1], data["v"]))),
        )
    back = _in_place if options.get("in_place", True) else lambda f: f
    forward, backward = wrap(made.forward), wrap(back(made.backward))
    return Contestant(
        name,
        lambda: finish(forward(*arguments)),
        lambda state: finish(together(backward(state[1], upstream))),
    )


def second(case: Case, made: Any) -> Callable[..., Any]:
    """The function of a module that returns the product with a second derivative."""
    return getattr(made, case_program(case).further[0].name)


def _in_place(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A backward pass that may write over what was saved, as code by hand does."""
    if "overwrite_saved" not in inspect.signature(backward).parameters:
        return backward
    return partial(backward, overwrite_saved=True)


# NumPy, Numba --------------------------------------------------------------------------------


def numpy_entries(case: Case, data: Arrays, upstream: Any) -> Iterator[Entry]:
    """NumPy by hand first: the others are compared with it."""
    forward, backward = case.hand
    given = data["v"] if case.goal else upstream
    yield Contestant(
        "NumPy by hand",
        lambda: forward(*taken(forward, data)),
        lambda state: backward(state[1], given),
    )
    yield from_module("NumPy generated", case, "numpy", data, upstream)


def numba_entries(case: Case, data: Arrays, upstream: Any) -> Iterator[Entry]:
    name = "Numba generated"
    numba = installed("numba")
    if numba is None:
        yield Skipped(name, "numba is not installed")
        return
    numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
    # Loops are vectorised where arrays do not overlap: worth more than memory that is used again,
    # unless that is a lot.
    yield from_module(name, case, "numba", data, upstream, in_place=case.entries > 1e8)
