"""The options that say how a derivation is verified."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from derive.errors import DeriveError
from derive.notation.subscripts import spelled
from derive.notation.surface import as_text

if TYPE_CHECKING:
    from derive.verify import Settings

__all__ = ["checking_options", "seconds", "settings_of"]

SAMPLES = 3


def checking_options(command: argparse.ArgumentParser) -> None:
    """Add the options of what verifies a derivation."""
    options = command.add_argument_group("verification")
    options.add_argument("--seeds", metavar="N", help=f"the number of samples (default {SAMPLES})")
    options.add_argument(
        "--tolerance", metavar="T", help="the worst relative error of a line that holds"
    )
    options.add_argument(
        "--strict", action="store_true", default=None, help="exit with 1 where a line is undecided"
    )
    options.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        help="the value of all entries of a tensor, as in `--set γ=1`, or of the gradient that "
        "comes back, as in `--set ∂l/∂y=1`; may be repeated",
    )
    options.add_argument(
        "--sample-size",
        metavar="INDEX=N",
        action="append",
        help="the number of values of an index on the samples, as in `--sample-size h=4`; may be "
        "repeated",
    )


def settings_of(arguments: argparse.Namespace) -> Settings | None:
    """The settings that the options ask for, or None where nothing is verified."""
    if not arguments.verify:
        _refuse(arguments)
        return None
    from derive.verify import Settings

    tolerance = arguments.tolerance
    return Settings(
        seeds=SAMPLES if arguments.seeds is None else _whole(arguments.seeds, "--seeds 3"),
        tolerance=None if tolerance is None else _number(tolerance, "--tolerance 1e-9"),
        fixed={
            _name(name): _number(value, "--set γ=1") for name, value in _pairs(arguments.set, "γ=1")
        },
        sizes={
            name: _whole(number, "--sample-size h=4")
            for name, number in _pairs(arguments.sample_size, "h=4")
        },
    )


def seconds(text: str) -> float:
    """The bound of an option `--seconds`."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 3600:
        raise DeriveError(f"`{text}` is no number of seconds", mend="write `--seconds 10`, say")
    return found


def _refuse(arguments: argparse.Namespace) -> None:
    """Options of a verification say nothing where none is asked for."""
    for name in ("seeds", "tolerance", "strict", "set", "sample_size"):
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise DeriveError(f"--{option} is about a verification", mend="add --verify")


def _pairs(texts: list[str] | None, example: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for text in texts or []:
        name, equals, value = (part.strip() for part in text.rpartition("="))
        if not (name and equals and value):
            raise DeriveError(f"`{text}` sets nothing", mend=f"write `{example}`, say")
        if name in found:
            raise DeriveError(f"{name} is set twice", mend="leave one of the two out")
        found[name] = value
    return list(found.items())


def _name(text: str) -> str:
    """The name of a tensor or of a gradient as the notation spells it: `gamma` is γ."""
    if "/" not in text:
        return spelled(as_text(text))
    above, _, below = as_text(text).replace("∂", "d ").partition("/")
    parts = [side.strip().removeprefix("d").strip() for side in (above, below)]
    return "/".join(f"∂{spelled(part)}" for part in parts)


def _whole(text: str, example: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DeriveError(f"`{text}` is no whole number", mend=f"write `{example}`, say") from None


def _number(text: str, example: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DeriveError(f"`{text}` is no number", mend=f"write `{example}`, say") from None
