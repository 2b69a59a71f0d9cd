"""A module of code with the two passes, called with the data of samples."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from sympy import Expr

from derive.errors import DeriveError
from derive.expressions import Graph, Index, Opaque
from derive.notation.names import ascii_name
from derive.verify.functions import opaque
from derive.verify.implementation import load_file
from derive.verify.libraries import Library, library_of
from derive.verify.oracle import Oracle
from derive.verify.sample import Sample

__all__ = ["Code", "Derivative"]


@dataclass(frozen=True)
class Derivative:
    """What a function beside the two passes is to return.

    Attributes
    ----------
    name : what the function is called; it takes what `forward` saved before all else.
    goal : a derivative, or its product with given tensors, whose sizes are known.
    given : the names of these tensors, in the order in which the function takes them.
    free : the indices that the axes of the result stand for.
    """

    name: str
    goal: Expr
    given: tuple[str, ...]
    free: tuple[Index, ...]


class Code:
    """The functions of a module, which return arrays of NumPy here."""

    def __init__(
        self, path: str, graph: Graph, wrt: Sequence[str], derivatives: Sequence[Derivative] = ()
    ) -> None:
        self.path = path
        self.graph = graph
        self.module = _load(path)
        self.forward = self._function("forward")
        self.backward = self._function("backward")
        self.wrt = tuple(wrt) or self._wrt()
        self.derivatives = tuple(derivatives)
        self._further = {d.name: getattr(self.module, d.name, None) for d in derivatives}

    def _function(self, name: str) -> Callable[..., Any]:
        found = getattr(self.module, name, None)
        if not callable(found):
            raise DeriveError(
                f"{self.path} has no function `{name}`",
                mend="a module has `forward` and `backward`, as those that `derive code` writes",
            )
        return found

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Functions that take what `forward` saved, and of which no goal says what they return."""
        known = {"backward", "double_backward", *self._further}
        return tuple(
            name
            for name, value in vars(self.module).items()
            if getattr(value, "__name__", "") == name and not name.startswith("_")
            if name not in known and next(iter(_parameters(value)), "") == "saved"
        )

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

    def __call__(self, oracle: Oracle, dtype: str) -> list[Any]:
        """The outputs, the gradients and the other derivatives, on a sample in one type."""
        given, upstream = self.data(oracle, dtype)
        with self.library.precisely():
            outputs, saved = self.both(given)
            # The backward pass may work in place on what is saved.
            values = [self.copy(each) for each in outputs]
            values += [self.copy(each) for each in self.gradients(saved, upstream)]
            saved = self.both(self.data(oracle, dtype)[0])[1] if self.derivatives else saved
            return values + [
                self.derived(each, saved, self.vectors(each, oracle, dtype))
                for each in self.derivatives
            ]

    def data(self, oracle: Oracle, dtype: str) -> tuple[dict[str, Any], list[Any]]:
        """The arguments of the forward pass by their names, and the gradients that come back."""
        sample = oracle.sample
        with self.library.precisely():
            given = {n: self._native(v, dtype) for n, v in self._arguments(sample).items()}
            return given, [self._native(sample.upstream[n], dtype) for n in self.graph.outputs]

    def vectors(self, derivative: Derivative, oracle: Oracle, dtype: str) -> dict[str, Any]:
        """The tensors that a derivative is contracted with, by their names."""
        tensors = oracle.sample.tensors
        return {name: self._native(tensors[name], dtype) for name in derivative.given}

    def derived(self, derivative: Derivative, saved: Any, vectors: Mapping[str, Any]) -> Any:
        """What a function beside the passes returns; why it is no array, where it is none."""
        function = self._further[derivative.name]
        if not callable(function):
            return TypeError("the module has no such function; `--goal` says what it was made for")
        try:
            found = function(saved, *vectors.values())
            return self.copy(_several(found, 1)[0])
        except (Exception, SystemExit) as error:
            return TypeError(f"raised {type(error).__name__}: {error}")

    def both(self, given: Mapping[str, Any]) -> tuple[Sequence[Any], Any]:
        """The outputs, and what is saved."""
        found = self.forward(**given)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise ValueError("`forward` returns no pair of the outputs and of what is saved")
        return _several(found[0], len(self.graph.outputs)), found[1]

    def gradients(self, saved: Any, upstream: Sequence[Any], **options: Any) -> Sequence[Any]:
        """What the backward pass returns."""
        return _several(self.backward(saved, *upstream, **options), len(self.wrt))

    def copy(self, value: Any) -> Any:
        """What was returned as it is now: an array of NumPy's where it is one."""
        try:
            return self.library.numbers(value)
        except TypeError as error:
            return error

    @cached_property
    def wrapped(self) -> Mapping[str, Callable[..., Any]]:
        """The other functions that take what the forward pass does, by their names."""
        wanted = list(inspect.signature(self.forward).parameters)
        found = {}
        for name, value in vars(self.module).items():
            if name.startswith("_") or name == "forward" or inspect.isclass(value):
                continue
            with suppress(TypeError, ValueError):
                kinds = inspect.signature(value).parameters.values()
                if [p.name for p in kinds if p.kind is not p.KEYWORD_ONLY] == wanted:
                    found[name] = value
        return found

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
    def library(self) -> Library:
        """The library whose arrays the module takes."""
        return library_of(self.module)

    def _native(self, value: Any, dtype: str) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        return self.library.native(value.astype(dtype) if value.dtype.kind == "f" else value)


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


def _parameters(value: Any) -> Sequence[str]:
    """The names of the parameters of a function; nothing where it is none."""
    with suppress(TypeError, ValueError):
        return list(inspect.signature(value).parameters)
    return ()


def _several(found: Any, number: int) -> Sequence[Any]:
    if number == 1 and not isinstance(found, tuple | list):
        return (found,)
    if not isinstance(found, tuple | list) or len(found) != number:
        count = len(found) if isinstance(found, tuple | list) else 1
        raise ValueError(f"{count} arrays are returned in place of {number}")
    return found
