"""`derive recheck`: certificates verified anew, without deriving."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from derive.cli.options import format_options
from derive.errors import CertificateError

if TYPE_CHECKING:
    from derive.certificate import Recheck

__all__ = ["add_recheck"]


def add_recheck(command: argparse.ArgumentParser) -> None:
    """Options of `derive recheck`."""
    command.add_argument("files", metavar="FILE", nargs="+", help="a certificate")
    format_options(command)
    command.set_defaults(run=_recheck)


def _recheck(arguments: argparse.Namespace) -> int:
    # SymPy and NumPy are loaded only where something is verified.
    from derive.certificate import Certificate, recheck

    code, data = 0, []
    for file in arguments.files:
        try:
            found = recheck(Certificate.load(Path(file)))
        except CertificateError as error:
            print(f"derive: {error}", file=sys.stderr)
            code = error.exit_code
            data.append({"file": file, "ok": False, "error": error.message})
            continue
        code = max(code, 0 if found.ok else 1)
        data.append({"file": file, **found.as_json()})
        if arguments.format == "text":
            print("\n".join(_told(file, found)))
    if arguments.format == "json":
        print(json.dumps(data, ensure_ascii=False, indent=2))
    return code


def _told(file: str, found: Recheck) -> list[str]:
    """The findings on one certificate, in lines."""
    stages, lines = len(found.certificate.stages), len(found.certificate.lines)
    counts = ", ".join(f"{number} {grade}" for grade, number in sorted(found.grades.items()))
    verdict = "holds" if found.ok else "FAILS"
    told = [f"{file}: {verdict}: {lines} lines in {stages} stages" + f" ({counts})" * bool(counts)]
    told += [f"  {fault}" for fault in found.faults]
    for name, (then, now) in found.differs.items():
        what = "derive's source code" if name == "source" else name
        told.append(f"  made by another version of {what}: {then[:12]}, here {now[:12]}")
    return told
