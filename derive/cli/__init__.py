"""The command line: `derive list | show | verify | recheck | export | grad | diagnose | …`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

from derive.errors import DeriveError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 1 a check failed, 2 bad input."""
    arguments = _parser().parse_args(argv)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it lives as long as the process
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except DeriveError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        # The reader of our pipe has gone: there is nothing left to say, not even at shutdown.
        _discard_output()
        return 0
    except OSError as error:
        _discard_output()
        _complain(f"cannot write the output: {error.strerror or error}")
        return DeriveError.exit_code
    except KeyboardInterrupt:
        return 130
    return code


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str) -> None:
    if sys.stderr is None:
        return
    encoding = sys.stderr.encoding or "ascii"
    text = f"derive: {message}\n".encode(encoding, "backslashreplace").decode(encoding)
    sys.stderr.write(text)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one message, with the usage after it.

    `build` adds the arguments when the first ones are to be parsed.
    """

    build: Build | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        args = list(sys.argv[1:] if args is None else args)
        if self.build is None:
            if args and not args[0].startswith("-") and args[0] not in COMMANDS:
                known = f"the commands are {', '.join(COMMANDS)}"
                self._refuse(f"there is no command {args[0]}", _near(args[0], COMMANDS) or known)
            return super().parse_known_args(args, namespace)
        self.build(self)
        options, words = self._apart(args)
        found, rest = super().parse_known_args([*options, "--", *words], namespace)
        if rest:
            self.error(f"there is one argument too many: {rest[-1]}")
        return found, rest

    def _apart(self, args: list[str]) -> tuple[list[str], list[str]]:
        """The options, and the other arguments, which may stand between them.

        A formula may start with a minus sign: what no option starts with is none.
        """
        known = self._option_string_actions
        options: list[str] = []
        words: list[str] = []
        while args:
            word = args.pop(0)
            name = word.partition("=")[0]
            if word == "--":
                words += args
                break
            if word in known and known[word].nargs == "+":
                options.append(word)
                while args and not args[0].startswith("-"):
                    options.append(args.pop(0))
            elif word in known and known[word].nargs != 0 and args and args[0] not in known:
                options += (
                    [f"{word}={args.pop(0)}"] if name.startswith("--") else [word, args.pop(0)]
                )
            elif name in known or (len(word) > 2 and word[:2] in known):
                options.append(word)
            elif word.startswith("--"):
                long = [option for option in known if option.startswith("--")]
                mend = _near(name, long) or f"`{self.prog} --help` lists them"
                self._refuse(f"there is no option {name}", mend)
            else:
                words.append(word)
        return options, words

    def _refuse(self, message: str, mend: str) -> NoReturn:
        _complain(f"{message}\n  {mend}")
        raise SystemExit(2)

    def error(self, message: str) -> NoReturn:
        _complain(f"{message}\n  {self.format_usage().strip()}")
        raise SystemExit(2)


def _near(word: str, known: Iterable[str]) -> str:
    # Said here, since what reads the notation loads SymPy.
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean `{near[0]}`?" if near else ""


class _Version(argparse.Action):
    """Print the installed version; its look-up is slow enough to be done only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"derive {version('derive')}")
        parser.exit()


Build = Callable[[argparse.ArgumentParser], None]


def _late(module: str, function: str, **options: Any) -> Build:
    """What adds the arguments of a command, imported only where the command is given.

    SymPy takes long to load, and `derive --version` needs none of it.
    """

    def build(command: argparse.ArgumentParser) -> None:
        getattr(import_module(f"derive.cli.{module}"), function)(command, **options)

    return build


COMMANDS: dict[str, tuple[str, Build]] = {
    "list": ("the catalogue, with titles", _late("show", "add_list")),
    "show": ("print a derivation", _late("show", "add_show")),
    "verify": ("check every line of a derivation", _late("show", "add_show", verify=True)),
    "recheck": ("verify certificates anew, without deriving", _late("recheck", "add_recheck")),
    "export": ("write a derivation for an article", _late("show", "add_show", default="latex")),
    "code": ("write forward and backward pass as a module", _late("code", "add_code")),
    "spec": ("what the passes compute, read, write and save", _late("spec", "add_spec")),
    "grad": ("derive a gradient without a file", _late("grad", "add_grad")),
    "diagnose": ("say what is wrong with a gradient", _late("diagnose", "add_diagnose")),
    "equal": ("compare two forms of one expression", _late("equal", "add_equal")),
    "check": ("check the derivations in an article", _late("check", "add_check")),
}
"""Each command with its summary and what adds its arguments."""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="derive",
        description="Derives gradients in index notation, line by line.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (summary, build) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        command.build = build
    return parser
