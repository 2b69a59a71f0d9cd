"""A module of code beside the definitions: values and gradients, on samples in several types.

The module has `forward`, which returns the outputs and what it saves, and `backward`, which takes
that and the gradients that come back, as those that `derive code` writes. It may have been edited.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from sympy import Expr

from derive.errors import DeriveError
from derive.expressions import Graph, Index, Opaque, Partial, Tensor, indices_of, tensor
from derive.notation.names import ascii_name
from derive.verify.evaluate import Array, EvaluationError
from derive.verify.functions import opaque
from derive.verify.implementation import load_file
from derive.verify.oracle import Oracle
from derive.verify.sample import Given, Sample, draw
from derive.verify.settings import Settings
from derive.verify.smallest import Smallest, smallest
from derive.verify.trial import FLOOR, TOLERANCE, Claim, Trial, best_trial

__all__ = ["DTYPES", "ModuleReport", "ResultReport", "check_module"]

DTYPES = ("float64", "float32")
# Rounding in single precision, where some digits cancel.
SINGLE = 1e-3
MOST_DRAWS = 8
_LETTERS = "ijkmnpqrsuvwabcdefgho"
_LOSSES = "lLJCE"


@dataclass(frozen=True)
class ResultReport:
    """An output or a gradient of a module.

    Attributes
    ----------
    what : the output, or the derivative of the loss, as an expression.
    errors : the worst relative error in each type; infinite where there is no value.
    smallest : where it is wrong, the smallest data on which it is.
    trouble : what the module raised, or what is wrong with the shape.
    """

    what: Expr
    errors: Mapping[str, float]
    tolerances: Mapping[str, float]
    smallest: Smallest | None = None
    trouble: str = ""

    @property
    def ok(self) -> bool:
        """Whether it agrees with the definitions in each type."""
        return all(self.errors[dtype] <= self.tolerances[dtype] for dtype in self.errors)


@dataclass(frozen=True)
class ModuleReport:
    """What became of all outputs and gradients of a module.

    Attributes
    ----------
    samples : the sizes of each sample.
    """

    path: str
    graph: Graph
    results: tuple[ResultReport, ...]
    samples: tuple[Mapping[str, int], ...]

    @property
    def ok(self) -> bool:
        """Whether all results are right."""
        return all(result.ok for result in self.results)


def check_module(
    graph: Graph,
    path: str,
    wrt: Sequence[str] = (),
    settings: Settings | None = None,
) -> ModuleReport:
    """Compare what a module returns with the definitions and their numerical derivative.

    Parameters
    ----------
    graph : the definitions.
    path : the file of the module, which is run, as by any import.
    wrt : the inputs whose gradients `backward` returns, in order; left out, all that the outputs
        depend on, or where it returns fewer, those that its `return` names.

    Raises
    ------
    DeriveError : the module cannot be loaded, lacks a function, or takes what means nothing.
    """
    if graph.multi:
        raise DeriveError(
            f"{graph.multi[0]} stands for any number of axes, and a module has a fixed number",
            mend="write the axes out",
        )
    settings = settings or Settings()
    code = Code(path, graph, wrt)
    return _Check(graph, code, settings).report()


# The module ----------------------------------------------------------------------------------


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


# The comparison ------------------------------------------------------------------------------


class _Check:
    """A module on samples of the definitions."""

    def __init__(self, graph: Graph, code: Code, settings: Settings) -> None:
        self.graph, self.code, self.settings = graph, code, settings
        self.outputs = [_generic(graph, name) for name in graph.outputs]
        loss = tensor(next(letter for letter in _LOSSES if letter not in graph.names))
        self.goals = [Partial(loss, _generic(graph, name)) for name in code.wrt]
        self.what: list[Expr] = [*self.outputs, *self.goals]
        claims = [Claim(goal, (), _free(goal)) for goal in self.goals]
        self.trial: Trial = best_trial(graph, claims, settings)

    def report(self) -> ModuleReport:
        """The worst error of each result, and the smallest data for those that are wrong."""
        oracles = [*self.trial.oracles, *self._least()]
        errors = {dtype: [0.0] * len(self.what) for dtype in DTYPES}
        troubles = [""] * len(self.what)
        for oracle in oracles:
            for dtype in DTYPES:
                for place, (error, trouble) in enumerate(self.compared(oracle, dtype)):
                    errors[dtype][place] = max(errors[dtype][place], error)
                    troubles[place] = troubles[place] or trouble
        found = tuple(
            self._result(place, {dtype: errors[dtype][place] for dtype in DTYPES}, troubles[place])
            for place in range(len(self.what))
        )
        sizes = tuple({str(s): n for s, n in o.sample.sizes.items()} for o in oracles)
        return ModuleReport(self.code.path, self.graph, found, sizes)

    def _least(self) -> list[Oracle]:
        """A sample on which all sizes are 1, if the definitions have a value on one."""
        sizes = {str(size): 1 for size in self.trial.oracles[0].sample.sizes}
        for seed in range(MOST_DRAWS if sizes else 0):
            with suppress(DeriveError, EvaluationError, ValueError, IndexError):
                given = Given(sizes=sizes)
                sample = draw(self.graph, self.trial.domain, seed, self.goals, given)
                return [Oracle(self.graph, sample)]
        return []

    def compared(self, oracle: Oracle, dtype: str) -> list[tuple[float, str]]:
        """The error of each result, with what went wrong in words."""
        try:
            with np.errstate(all="ignore"):
                found = self.code(oracle, dtype)
        except DeriveError:
            raise
        except (Exception, SystemExit) as error:
            return [(np.inf, f"raised {type(error).__name__}: {error}")] * len(self.what)
        expected = [self.expected(oracle, what) for what in self.what]
        return [_error(value, wanted) for value, wanted in zip(found, expected, strict=True)]

    def expected(self, oracle: Oracle, what: Expr) -> Array:
        """The value by the definitions."""
        return np.asarray(oracle(what, _free(what)))

    def tolerance(self, dtype: str) -> float:
        """How far a result may be off."""
        if self.settings.tolerance is not None:
            return self.settings.tolerance
        return TOLERANCE[self.trial.method] if dtype == "float64" else SINGLE

    def _result(self, place: int, errors: dict[str, float], trouble: str) -> ResultReport:
        tolerances = {dtype: self.tolerance(dtype) for dtype in DTYPES}
        found = ResultReport(self.what[place], errors, tolerances, None, trouble)
        if found.ok:
            return found
        dtype = next(dtype for dtype in DTYPES if errors[dtype] > tolerances[dtype])
        least = smallest(
            self.graph,
            self.trial.domain,
            self.goals,
            lambda oracle: self._difference(oracle, dtype, place),
        )
        return ResultReport(self.what[place], errors, tolerances, least, trouble)

    def _difference(self, oracle: Oracle, dtype: str, place: int) -> tuple[Array, Array] | None:
        """What the module returns and what is right, where they differ; None where they agree."""
        error, trouble = self.compared(oracle, dtype)[place]
        if trouble or error <= self.tolerance(dtype):
            return None
        return self.code(oracle, dtype)[place], self.expected(oracle, self.what[place])


def _free(expr: Expr) -> tuple[Index, ...]:
    return indices_of(expr.variable if isinstance(expr, Partial) else expr)


def _generic(graph: Graph, name: str) -> Tensor:
    """A tensor with letters of its own, the author's where they are distinct."""
    letters: list[str] = []
    for axis in range(graph.arity[name]):
        wanted = (*graph.letters.get((name, axis), ()), *_LETTERS)
        letters.append(next(c for c in wanted if c not in letters and c.islower()))
    return graph.tensor(name, letters)


def _error(value: Array, expected: Array) -> tuple[float, str]:
    if value.shape != expected.shape:
        return np.inf, f"has the shape {value.shape}, not {expected.shape}"
    if not np.isfinite(value).all():
        return (0.0, "") if np.array_equal(value, expected) else (np.inf, "is not finite")
    distance, *sizes = (np.abs(a).max(initial=0.0) for a in (value - expected, value, expected))
    return float(distance / max(*sizes, FLOOR)), ""
