"""A user's function in NumPy or PyTorch as values of gradients: loaded, called, its answer read."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sympy import Expr

from derive.errors import DeriveError
from derive.expressions import Graph, Partial, name_of
from derive.notation.names import ascii_name
from derive.notation.source import did_you_mean
from derive.verify.evaluate import Array
from derive.verify.oracle import Oracle

__all__ = ["Implementation", "is_import_path", "load_file", "load_function"]

_IMPORT_PATH = re.compile(r"[\w./\\~-]+:[^\W\d]\w*")
_FILE = re.compile(r"[\w./\\~-]+\.py")
# What libraries call the gradient that comes back, where there is one output.
_UPSTREAM = ("grad_output", "grad_out", "upstream", "dout", "grad", "g")
_SHORT = {"eps": "epsilon"}


def is_import_path(text: str) -> bool:
    """Whether a text is `package.module:function` or `path/to/file.py:function`.

    Raises
    ------
    DeriveError : it is the path of a file alone.
    """
    if _FILE.fullmatch(text.strip()):
        raise DeriveError(
            f"{text} is a file, of which one function is to be named",
            mend=f"write `{text}:function`",
        )
    return _IMPORT_PATH.fullmatch(text.strip()) is not None


def load_function(path: str) -> Callable[..., Any]:
    """The function at an import path. Its module is run, as by any import.

    Raises
    ------
    DeriveError : there is none, or the module raises an error.
    """
    place, _, name = path.strip().rpartition(":")
    try:
        module = load_file(Path(place)) if place.endswith(".py") else _module(place)
    except (Exception, SystemExit) as error:
        raise DeriveError(
            f"{place} cannot be loaded: {type(error).__name__}: {error}",
            mend="write `package.module:function` or `path/to/file.py:function`",
        ) from None
    function = getattr(module, name, None)
    if not callable(function):
        names = [n for n, value in vars(module).items() if inspect.isfunction(value)]
        mend = did_you_mean(name, names) or f"its functions are {', '.join(names) or 'none'}"
        raise DeriveError(f"{place} has no function {name}", mend=mend)
    return function


def _module(name: str) -> Any:
    if "" not in sys.path:
        # What lies in the working directory can be imported, as by `python -m`.
        sys.path.insert(0, "")
    return importlib.import_module(name)


def load_file(path: Path) -> Any:
    """The module in a file. It is run, as by any import."""
    spec = importlib.util.spec_from_file_location(path.stem, path.expanduser())
    if spec is None or spec.loader is None or not path.expanduser().is_file():
        raise FileNotFoundError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Implementation:
    """A function that computes gradients, called with the data of samples by parameter name."""

    def __init__(self, function: Callable[..., Any], graph: Graph, goals: Sequence[Expr]) -> None:
        self.function, self.graph, self.goals = function, graph, tuple(goals)
        self.name = getattr(function, "__name__", repr(function))
        self._uses_torch = _uses_torch(function)
        roots = {name_of(p.root) for goal in goals for p in goal.atoms(Partial)}
        self._losses = roots - set(graph.names)

    def __call__(self, oracle: Oracle) -> dict[Expr, Array]:
        """The arrays that the function returns on a sample, by the goals that they are of.

        Raises
        ------
        DeriveError : a parameter has no value, the function raises an error, or what it returns
            are no arrays for the goals.
        """
        arguments = self._arguments(oracle)
        given = {name: self._converted(value) for name, value in arguments.items()}
        try:
            found = self.function(**given)
        except (Exception, SystemExit) as error:
            shapes = ", ".join(f"{n} {np.shape(v)}" for n, v in arguments.items())
            raise DeriveError(
                f"{self.name} raised {type(error).__name__}: {error}{_place(error)}",
                mend=f"it was called with arrays of these shapes: {shapes or 'none'}",
            ) from None
        return {goal: _array(value, self.name) for goal, value in self._by_goal(found).items()}

    def _arguments(self, oracle: Oracle) -> dict[str, Any]:
        known = _accepted(oracle, self._losses)
        chosen: dict[str, Any] = {}
        for parameter in self._parameters():
            name = _SHORT.get(parameter.name, parameter.name)
            if name in known:
                chosen[parameter.name] = known[name]
            elif parameter.default is parameter.empty:
                raise DeriveError(
                    f"{self.name} has a parameter {parameter.name} that means nothing here",
                    mend=f"the parameters can be {', '.join(known)}",
                )
        return chosen

    def _parameters(self) -> list[inspect.Parameter]:
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except (TypeError, ValueError):
            raise DeriveError(
                f"the parameters of {self.name} have no names",
                mend="wrap it in a Python function whose parameters are called as the tensors",
            ) from None
        several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        found = [parameter for parameter in parameters if parameter.kind not in several]
        if any(parameter.kind is parameter.POSITIONAL_ONLY for parameter in found):
            raise DeriveError(
                f"{self.name} takes parameters by their position alone",
                mend="parameters are given by name",
            )
        return found

    def _converted(self, value: Any) -> Any:
        """A copy that the function may change, as a tensor of PyTorch where it uses that."""
        if not isinstance(value, np.ndarray):
            return value
        copy = np.array(value)
        if not self._uses_torch:
            return copy
        return sys.modules["torch"].from_numpy(copy)

    def _by_goal(self, found: Any) -> dict[Expr, Any]:
        if isinstance(found, Mapping):
            return {self._goal(str(key)): value for key, value in found.items()}
        if not isinstance(found, tuple | list):
            return {self.goals[-1]: found}
        if len(found) != len(self.goals):
            raise DeriveError(
                f"{self.name} returns {len(found)} arrays for {len(self.goals)} goals",
                mend="return one for each goal in their order, or a dict from names to arrays",
            )
        return dict(zip(self.goals, found, strict=True))

    def _goal(self, key: str) -> Expr:
        known = {name: goal for goal in self.goals for name in _names_of_goal(goal)}
        if key not in known:
            mend = f"the names can be {', '.join(known)}"
            raise DeriveError(f"{self.name} returns {key}, which is no goal", mend=mend)
        return known[key]


def _uses_torch(function: Callable[..., Any]) -> bool:
    """Whether PyTorch is loaded and a name in the function's module comes from it."""
    if "torch" not in sys.modules:
        return False
    values = getattr(inspect.unwrap(function), "__globals__", {}).values()
    return any(getattr(v, "__name__", "").partition(".")[0] == "torch" for v in list(values))


def _names_of_goal(goal: Expr) -> list[str]:
    if not isinstance(goal, Partial):
        return []
    name = ascii_name(name_of(goal.variable))
    return [f"d{name}", f"grad_{name}", f"d{ascii_name(name_of(goal.root))}_d{name}", name]


def _accepted(oracle: Oracle, losses: set[str]) -> dict[str, Any]:
    """All that a parameter can stand for, by its names."""
    values, upstream = oracle.values, oracle.sample.upstream
    known: dict[str, Any] = {}
    for name, array in values.tensors.items():
        if name not in losses:
            known |= {ascii_name(name): array, name: array}
    known |= values.labels
    for name, array in upstream.items():
        plain = ascii_name(name)
        spellings = (f"dl_d{plain}", f"grad_{plain}", f"d{plain}", f"dL_d{plain}", f"{plain}_grad")
        for spelling in (*spellings, *(_UPSTREAM if len(upstream) == 1 else ())):
            known.setdefault(spelling, array)
        if len(upstream) == 1 and "y" not in values.tensors:
            known.setdefault("dy", array)
    for size, number in values.sizes.items():
        known.setdefault(str(size), number)
    return {name: value for name, value in known.items() if name.isidentifier()}


def _place(error: BaseException) -> str:
    """The line of the last file of Python that an error has come through."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def _array(value: Any, name: str) -> Array:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        if value is None:
            raise TypeError
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        kind = "None" if value is None else type(value).__name__
        raise DeriveError(
            f"{name} returns {kind}, which is no array of numbers",
            mend="return an array, a tuple with one for each goal, or a dict of them",
        ) from None
