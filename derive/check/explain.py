"""The missing steps between lines of a chain that hold and are far apart."""

from __future__ import annotations

from collections.abc import Sequence

from derive.check.deadline import Deadline, TookTooLongError
from derive.check.question import Checked

__all__ = ["steps_of"]

# The time that the search for the steps of one line may take.
SECONDS = 10.0


def steps_of(found: Checked, deadline: Deadline) -> dict[int, Sequence[str]]:
    """For each line that holds the steps that lead there, where one rule does not."""
    return {
        line.position: _steps(found, line.against, line.position, deadline)
        for line in found.lines
        if line.grade in ("exact", "sampled") and not line.set_aside
    }


def _steps(found: Checked, above: int, position: int, deadline: Deadline) -> Sequence[str]:
    # The rules of calculus are loaded only where steps are asked for.
    from derive.check.bridge import bridge

    model, left, right = found.model, found.exprs[above], found.exprs[position]
    if model is None or left is None or right is None:
        return ()
    try:
        with deadline.extended(SECONDS).enforced():
            steps = bridge(model.graph, left, right, model.free)
    except TookTooLongError:
        return ("the steps from the line above were not found in time",)
    except Exception:
        steps = None
    if steps is None:
        return ("no steps from the line above were found",)
    return steps
