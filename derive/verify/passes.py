"""A module of code with the two passes, called with the data of samples in NumPy's arrays."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from derive.errors import DeriveError
from derive.expressions import Graph, Opaque
from derive.notation.names import ascii_name
from derive.verify.evaluate import Array
from derive.verify.functions import opaque
from derive.verify.implementation import load_file
from derive.verify.oracle import Oracle
from derive.verify.sample import Sample

__all__ = ["Code"]


class Code:
    """The functions of a module, which take and return arrays of NumPy here."""

    def __init__(self, path: str, graph: Graph, wrt: Sequence[str]) -> None:
        self.path = path
        self.graph = graph
        self.module = _load(path)
        self.forward = self._function("forward")
        self.backward = self._function("backward")
        self.wrt = tuple(wrt) or self._wrt()

    def _function(self, name: str) -> Callable[..., Any]:
        found = getattr(self.module, name, None)
        if not callable(found):
            raise DeriveError(
                f"{self.path} has no function `{name}`",
                mend="a module has `forward` and `backward`, as those that `derive code` writes",
            )
        return found

    def _wrt(self) -> tuple[str, ...]:
        """All inputs that act, or those that the `return` of the backward pass names."""
        graph = self.graph
        acting = [
            name
            for name in graph.inputs
            if any(name in graph.ancestors(output) for output in graph.outputs)
        ]
        returned = _returned(self.path, "backward")
        if len(returned) == len(acting):
            return tuple(acting)
        known = {f"d_{ascii_name(name)}": name for name in acting}
        if returned and all(name in known for name in returned):
            return tuple(known[name] for name in returned)
        raise DeriveError(
            f"whose gradients `backward` of {self.path} returns is not known",
            mend=f"name the inputs in order, as in `--wrt {acting[0]}`",
        )

    def __call__(self, oracle: Oracle, dtype: str) -> list[Array]:
        """The outputs, then the gradients, on a sample in one type."""
        given = {
            parameter: self._native(value, dtype)
            for parameter, value in self._arguments(oracle.sample).items()
        }
        upstream = [
            self._native(oracle.sample.upstream[name], dtype) for name in self.graph.outputs
        ]
        with self._precisely():
            outputs, saved = self.forward(**given)
            # The backward pass may work in place on what is saved.
            values = [_array(each) for each in _several(outputs, len(upstream))]
            found = self.backward(saved, *upstream)
            return values + [_array(each) for each in _several(found, len(self.wrt))]

    def _arguments(self, sample: Sample) -> dict[str, Any]:
        known = self._known(sample)
        found: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.forward).parameters.items():
            meant = name if name in known else name.rstrip("_")
            if meant in known:
                found[name] = known[meant]
            elif parameter.default is parameter.empty:
                raise DeriveError(
                    f"`forward` of {self.path} has a parameter {name} that means nothing here",
                    mend=f"the parameters can be {', '.join(known)}",
                )
        return found

    def _known(self, sample: Sample) -> dict[str, Any]:
        """All that a parameter can stand for, by its name."""
        graph = self.graph
        found: dict[str, Any] = {}
        for (name, axis), letters in graph.letters.items():
            size = graph.axis_size(name, axis)
            if size in sample.sizes:
                found |= {letter.upper(): sample.sizes[size] for letter in letters}
        found |= {str(size): number for size, number in sample.sizes.items()}
        for equation in graph.equations:
            for each in equation.rhs.atoms(Opaque):
                bare = str(each.func).rstrip("'")
                for order in range(3):
                    found[bare + "_prime" * order] = partial(opaque, bare, order)
        found |= {ascii_name(name): value for name, value in sample.labels.items()}
        return found | {ascii_name(name): value for name, value in sample.tensors.items()}

    @cached_property
    def _framework(self) -> Any:
        """PyTorch or JAX, where the module has imported one."""
        modules = [value for value in vars(self.module).values() if inspect.ismodule(value)]
        names = {module.__name__.partition(".")[0]: module for module in modules}
        return names.get("torch") or names.get("jax")

    def _native(self, value: Any, dtype: str) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        array = value.astype(dtype) if value.dtype.kind == "f" else value.copy()
        if self._framework is not None and self._framework.__name__ == "torch":
            return self._framework.from_numpy(np.asarray(array))
        return np.asarray(array)

    def _precisely(self) -> Any:
        """Where JAX keeps double precision."""
        if self._framework is None or not hasattr(self._framework, "enable_x64"):
            return nullcontext()
        return self._framework.enable_x64(True)


def _load(path: str) -> Any:
    if not Path(path).expanduser().is_file():
        raise DeriveError(f"there is no file {path}", mend="`derive code NAME -o FILE` writes one")
    try:
        return load_file(Path(path))
    except (Exception, SystemExit) as error:
        raise DeriveError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from None


def _returned(path: str, function: str) -> list[str]:
    """The names that the last `return` of a function gives; nothing where they are not known."""
    tree = ast.parse(Path(path).expanduser().read_text(encoding="utf-8"))
    found = [
        node
        for outer in tree.body
        if isinstance(outer, ast.FunctionDef) and outer.name == function
        for node in ast.walk(outer)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    if not found:
        return []
    value = max(found, key=lambda node: node.lineno).value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


def _several(found: Any, number: int) -> Sequence[Any]:
    if number == 1 and not isinstance(found, tuple | list):
        return (found,)
    if not isinstance(found, tuple | list) or len(found) != number:
        count = len(found) if isinstance(found, tuple | list) else 1
        raise ValueError(f"{count} arrays are returned in place of {number}")
    return found


def _array(value: Any) -> Array:
    """The numbers in double precision, in an array of its own."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.array(value, dtype=float)
