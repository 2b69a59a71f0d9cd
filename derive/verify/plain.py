"""Records as plain data, and back: what fits into JSON, without a loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["NotPlainError", "as_plain", "from_plain"]

T = TypeVar("T")


class NotPlainError(Exception):
    """A value that does not fit into JSON, or data that are no such record."""


def as_plain(value: Any) -> Any:
    """A value as plain data: records and tables as objects, tuples as lists.

    Raises
    ------
    NotPlainError : it holds something else, such as an expression.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NotPlainError("a table whose keys are no texts")
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_plain(item) for item in value]
    # Of exactly these types, so that nothing is kept of which a part would be lost.
    if type(value) in (str, int, float, bool, NoneType):
        return value
    raise NotPlainError(f"a value of the type {type(value).__name__}")


def from_plain(kind: type[T], data: Any) -> T:
    """The record of a type that `as_plain` made the data of.

    Raises
    ------
    NotPlainError : the data are not of that type.
    """
    found: T = _restored(kind, data)
    return found


def _restored(kind: Any, data: Any) -> Any:
    if is_dataclass(kind):
        return _record(kind, data)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(data, list):
        return tuple(_restored(inner[0], item) for item in data)
    if origin is not None and _is_table(origin) and isinstance(data, dict):
        return {key: _restored(inner[1], item) for key, item in data.items()}
    if origin in (Union, UnionType):
        return _first_fitting(inner, data)
    if (origin is Literal and data in inner) or (origin is None and type(data) is kind):
        return data
    raise NotPlainError(f"{data!r:.40} is not of the type {kind}")


def _is_table(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _first_fitting(kinds: tuple[Any, ...], data: Any) -> Any:
    for kind in kinds:
        try:
            return _restored(kind, data)
        except NotPlainError:
            continue
    raise NotPlainError(f"{data!r:.40} is of no type of several")


def _record(kind: Any, data: Any) -> Any:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    if not isinstance(data, dict) or sorted(data) != sorted(names):
        raise NotPlainError(f"{data!r:.40} is no {kind.__name__}")
    return kind(**{name: _restored(hints[name], data[name]) for name in names})
