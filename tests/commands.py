"""The command line, run within the process of a test, with what it leaves on its streams."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from unittest.mock import patch

from derive.cli import main


@dataclass(frozen=True)
class Finished:
    """A command that has ended: its exit code, and what it wrote, read as UTF-8."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, encoding: str = "utf-8", env: Mapping[str, str] | None = None) -> Finished:
    """Run `derive ARGUMENTS` with streams of that encoding, as a shell's user finds them.

    A process of its own would spend most of its time on loading SymPy.
    """
    streams = [TextIOWrapper(BytesIO(), encoding, write_through=True) for _ in range(2)]
    with (
        patch.dict(os.environ, env or {}),
        redirect_stdout(streams[0]),
        redirect_stderr(streams[1]),
    ):
        try:
            code = main(arguments)
        except SystemExit as stopped:
            code = stopped.code
    found = []
    for stream in streams:
        stream.flush()
        found.append(stream.buffer.getvalue().decode("utf-8"))
    return Finished(code or 0, *found)
