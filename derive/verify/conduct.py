"""What the passes of a module do beside what they return: whether a second call finds the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.notation.names import ascii_name
from derive.verify.evaluate import Array
from derive.verify.oracle import Oracle
from derive.verify.passes import Code

__all__ = ["misconduct"]

OVERWRITE = "overwrite_saved"
# What is computed twice may be added in another order the second time.
CLOSE = {"float64": 1e-9, "float32": 1e-4}


def misconduct(code: Code, oracle: Oracle, dtype: str) -> Iterator[str]:
    """What is wrong, in words; nothing where the passes raise an error, which is said elsewhere.

    The arguments, what was saved and what was returned are to be as they were, and the same
    arguments are to give the same, with gradients in the place of saved arrays too. A function
    that the library differentiates by the passes is to have their gradients.
    """
    with code.library.precisely(), np.errstate(all="ignore"), suppress(Exception, SystemExit):
        given, upstream = code.data(oracle, dtype)
        outputs, saved = code.both(given)
        values = [code.copy(each) for each in outputs]
        gradients = [code.copy(each) for each in code.gradients(saved, upstream)]
        found = Found(code, oracle, dtype, values, gradients)
        for what, check in _CHECKS.items():
            try:
                yield from check(found)
            except (Exception, SystemExit) as error:
                yield f"{what} raised {type(error).__name__}: {error}"


@dataclass(frozen=True)
class Found:
    """What a module returned on a sample in one type."""

    code: Code
    oracle: Oracle
    dtype: str
    values: Sequence[Any]
    gradients: Sequence[Any]

    def data(self) -> tuple[dict[str, Any], list[Any]]:
        """The arguments of the forward pass and the gradients that come back, in fresh copies."""
        return self.code.data(self.oracle, self.dtype)


def _changes(found: Found) -> Iterator[str]:
    """What either pass writes over, and whether a second call of the backward pass minds it."""
    code = found.code
    given, upstream = found.data()
    back = _named(code, upstream)
    before, behind = _copies(code, given), _copies(code, back)
    outputs, saved = code.both(given)
    values = [code.copy(each) for each in outputs]
    yield from (f"`forward` changes {name}" for name in _changed(code, given, before))
    after = _copies(code, given)
    code.gradients(saved, upstream)
    yield from (f"`backward` changes {name}" for name in _changed(code, given, after))
    yield from (f"`backward` changes {name}" for name in _changed(code, back, behind))
    if not _same(values, [code.copy(each) for each in outputs], found.dtype):
        yield "`backward` changes what `forward` returned"
    again = [code.copy(each) for each in code.gradients(saved, found.data()[1])]
    if not _same(found.gradients, again, found.dtype):
        yield "a second call of `backward` with what was saved returns something else"


def _repeats(found: Found) -> Iterator[str]:
    """Whether the same arguments give the same."""
    code = found.code
    given, upstream = found.data()
    outputs, saved = code.both(given)
    values = [code.copy(each) for each in outputs]
    gradients = [code.copy(each) for each in code.gradients(saved, upstream)]
    if not _same([*found.values, *found.gradients], [*values, *gradients], found.dtype):
        yield "the same arguments give something else the second time"


def _overwrites(found: Found) -> Iterator[str]:
    """Gradients in the place of saved arrays, where the backward pass can put them there."""
    code = found.code
    if OVERWRITE not in inspect.signature(code.backward).parameters:
        return
    given, upstream = found.data()
    before = _copies(code, given)
    _, saved = code.both(given)
    gradients = [code.copy(g) for g in code.gradients(saved, upstream, **{OVERWRITE: True})]
    if not _same(found.gradients, gradients, found.dtype):
        yield f"with `{OVERWRITE}` `backward` returns something else"
    changed = _changed(code, given, before)
    yield from (f"with `{OVERWRITE}` `backward` changes {name}" for name in changed)


def _differentiates(found: Found) -> Iterator[str]:
    """Functions that the library differentiates, beside the passes."""
    code = found.code
    for name, function in code.wrapped.items():
        given, upstream = found.data()
        parameters = [parameter.rstrip("_") for parameter in given]
        places = [parameters.index(ascii_name(each).rstrip("_")) for each in code.wrt]
        own = code.library.gradients(function, list(given.values()), places, upstream)
        if own is None:
            continue
        if not _same(found.gradients, [code.copy(each) for each in own], found.dtype):
            yield f"`{name}` has other gradients than `backward` returns"


def _derivatives(found: Found) -> Iterator[str]:
    """What the functions for other derivatives write over, and whether a second call minds it."""
    code = found.code
    given, upstream = found.data()
    before = _copies(code, given)
    _, saved = code.both(given)
    for each in code.derivatives:
        vectors = code.vectors(each, found.oracle, found.dtype)
        held = _copies(code, vectors)
        values = [code.derived(each, saved, vectors)]
        again = [code.derived(each, saved, code.vectors(each, found.oracle, found.dtype))]
        changed = (*_changed(code, given, before), *_changed(code, vectors, held))
        yield from (f"`{each.name}` changes {name}" for name in changed)
        if not _same(values, again, found.dtype):
            yield f"a second call of `{each.name}` with what was saved returns something else"
    gradients = [code.copy(g) for g in code.gradients(saved, upstream)]
    if not _same(found.gradients, gradients, found.dtype):
        yield "`backward` returns something else after the functions for other derivatives"


_CHECKS: Mapping[str, Callable[[Found], Iterator[str]]] = {
    "a second call of `backward`": _changes,
    "a second call of both passes": _repeats,
    f"`backward` with `{OVERWRITE}`": _overwrites,
    "the library's own derivative": _differentiates,
    "`backward` after the functions for other derivatives": _derivatives,
}


def _named(code: Code, upstream: Sequence[Any]) -> dict[str, Any]:
    """The gradients that come back, by what they are called in words."""
    names = (f"the gradient that comes back by {name}" for name in code.graph.outputs)
    return dict(zip(names, upstream, strict=True))


def _copies(code: Code, given: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays among the arguments as they are now."""
    copies = {name: code.copy(value) for name, value in given.items()}
    return {name: copy for name, copy in copies.items() if isinstance(copy, np.ndarray)}


def _changed(code: Code, given: Mapping[str, Any], before: Mapping[str, Array]) -> Iterator[str]:
    for name, copy in before.items():
        if not np.array_equal(code.copy(given[name]), copy, equal_nan=True):
            yield name


def _same(some: Sequence[Any], others: Sequence[Any], dtype: str) -> bool:
    """Whether arrays are the same, up to rounding; what is none differs from nothing."""
    for one, other in zip(some, others, strict=True):
        if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
            size = max(np.abs(one).max(initial=0.0), 1e-3) if one.dtype.kind == "f" else 1.0
            close = CLOSE[dtype] * size
            if one.shape != other.shape or not np.allclose(one, other, 0, close, equal_nan=True):
                return False
    return True
