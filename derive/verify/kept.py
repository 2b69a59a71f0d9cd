"""Reports kept from one run to the next, by all that they depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from derive.cache import Cache
from derive.fingerprint import versions
from derive.verify.plain import NotPlainError, as_plain, from_plain
from derive.verify.report import Report
from derive.verify.trial import Settings

__all__ = ["kept_report", "verified"]


def verified(
    problem: Mapping[str, Any],
    settings: Settings,
    verify: Callable[[], Report],
    cache: Cache | None,
    **options: str | bool,
) -> Report:
    """The report kept for a problem, settings and options, or else a new one, which is kept.

    `problem` is plain data from which the derivation follows: equations, goals, sizes.
    """
    found = kept_report(problem, settings, cache, **options)
    if found is not None:
        return found
    report = verify()
    if cache is not None and _is_clean(report):
        # One that holds expressions is found anew the next time.
        with suppress(NotPlainError):
            cache.put(_material(problem, settings, options), as_plain(report))
    return report


def kept_report(
    problem: Mapping[str, Any], settings: Settings, cache: Cache | None, **options: str | bool
) -> Report | None:
    """The report kept for a problem, or None."""
    if cache is None:
        return None
    try:
        data = cache.get(_material(problem, settings, options))
        return replace(from_plain(Report, data), cached=True)
    except NotPlainError:
        return None


def _material(
    problem: Mapping[str, Any], settings: Settings, options: Mapping[str, str | bool]
) -> dict[str, Any]:
    """All that a report depends on; the code of derive is among the versions."""
    return {
        "problem": as_plain(problem),
        "settings": as_plain(settings),
        "options": as_plain(options),
        "versions": versions(),
    }


def _is_clean(report: Report) -> bool:
    """Whether nothing is to be complained of: what fails is looked at anew every time."""
    survives = any(stage.survivors for stage in report.stages)
    return report.ok and not report.undecided and not survives
