"""Options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

__all__ = ["file_option", "format_options", "graph_options"]


def format_options(
    command: argparse.ArgumentParser,
    formats: Sequence[str] = ("text", "json"),
    default: str = "text",
) -> None:
    """Add `--format` and its short form."""
    command.add_argument("--format", choices=formats, default=default, help=f"(default {default})")
    command.add_argument(
        "--json",
        action="store_const",
        dest="format",
        const="json",
        help="the same as --format json",
    )


def file_option(command: argparse.ArgumentParser) -> None:
    """Add the option that names a file for the output."""
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write to a file, whole or not at all"
    )


def graph_options(command: argparse.ArgumentParser, when: str = "") -> None:
    """Add what equations on the command line may say of their indices; `when` says when."""
    command.add_argument(
        "--size",
        metavar="INDEX=SIZE",
        action="append",
        default=[],
        help=f"{when}name or number of the values of an index, as in `--size h=H`; may be repeated",
    )
    command.add_argument(
        "--multi",
        metavar="INDEX",
        action="append",
        default=[],
        help=f"{when}an index letter that stands for any number of axes; may be repeated",
    )
