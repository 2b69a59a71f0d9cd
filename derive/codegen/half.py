"""Half precisions: what sums many numbers computes in float32, and rounds once at the end.

A sum of a few thousand numbers in bfloat16 has no right digit, and 300² is no number of float16.
So the passes of a module with sums take arrays of half precision to float32 first. What is given is
saved as it is, what is computed in float32. Entry by entry, and between matrices, the target's own
precision is kept: matrix products of half precisions are fast, and summed in float32 by themselves.
"""

from __future__ import annotations

from sympy import Mul

from derive.codegen.passes import Passes
from derive.codegen.steps import Step
from derive.expressions import Contraction, One, ranging

__all__ = ["IN_SINGLE", "in_single", "multiplies_matrices", "sums"]

_TEXT = '''
def _in_single(function):
    """Compute {halves} in float32, and return what was given."""

    @functools.wraps(function)
    def wrapped(*arguments, **options):
        given = [*arguments, *options.values()]
        given += [each for value in given if isinstance(value, tuple) for each in value]
        kinds = [getattr(value, "dtype", None) for value in given]
        kind = next((k for k in kinds if k in {kinds}), None)
        if kind is None:
            return function(*arguments, **options)
        pairs = []

        def wide(value):
            if isinstance(value, tuple):
                return tuple(map(wide, value))
            if getattr(value, "dtype", None) != kind:
                return value
            pairs.append((value, {wide}))
            return pairs[-1][1]

        def narrow(value):
            if isinstance(value, tuple):
                return tuple(map(narrow, value))
            is_single = getattr(value, "dtype", None) == {single}
            return {narrow} if is_single else value

        def first(value):
            return next((given for given, wider in pairs if wider is value), value)

        options = {{name: wide(value) for name, value in options.items()}}
        found = function(*map(wide, arguments), **options)
        if function.__name__ != "forward":
            return narrow(found)
        results, saved = found
        return narrow(results), tuple(map(first, saved))

    return wrapped
'''


def _text(module: str, cast: str, halves: tuple[str, ...]) -> str:
    kinds = ", ".join(f"{module}.{half}" for half in halves)
    return _TEXT.format(
        halves=" or ".join(halves),
        kinds=f"({kinds},)" if len(halves) == 1 else f"({kinds})",
        single=f"{module}.float32",
        wide=f"value.{cast}({module}.float32)",
        narrow=f"value.{cast}(kind)",
    )


IN_SINGLE = {
    "np": _text("np", "astype", ("float16",)),
    "torch": _text("torch", "to", ("float16", "bfloat16")),
    "jnp": _text("jnp", "astype", ("float16", "bfloat16")),
}
"""The text of the decorator, by the module whose arrays it is for."""


def in_single(function: str) -> str:
    """The text of a function that computes half precisions in float32."""
    return f"@_in_single\n{function}"


def sums(found: Passes) -> bool:
    """Whether the passes sum many numbers."""
    return any(step.assignment.expr.atoms(Contraction) for step in _steps(found))


def multiplies_matrices(found: Passes) -> bool:
    """Whether the passes multiply matrices: sums of products of two that each have an axis more."""
    totals = (t for step in _steps(found) for t in step.assignment.expr.atoms(Contraction))
    return any(map(_is_matrix_product, totals))


def _steps(found: Passes) -> tuple[Step, ...]:
    return (*found.forward.steps, *found.backward.steps)


def _is_matrix_product(total: Contraction) -> bool:
    indices, body = total.open()
    factors = [ranging(f) for f in Mul.make_args(body) if not isinstance(f, One)]
    if len(factors) != 2:
        return False
    one, other = factors
    return set(indices) <= one & other and not (one <= other or other <= one)
