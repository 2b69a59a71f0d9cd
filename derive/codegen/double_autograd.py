"""The text of a `torch.autograd.Function` for the backward pass, which can be differentiated."""

from __future__ import annotations

from collections.abc import Sequence

from derive.codegen.source import INDENT, WIDTH, signature
from derive.codegen.wrapping import Wrapping, class_name, lines_of, listed

__all__ = ["backward_class_name", "backward_classes"]


def backward_class_name(w: Wrapping) -> str:
    """The name of the class for the backward pass."""
    return f"{class_name(w.function)}Backward"


def backward_classes(w: Wrapping) -> str:
    """The class whose backward pass is that of the backward pass, and one that refuses a third."""
    first = _class(
        backward_class_name(w),
        "The backward pass as a node, which `double_backward` differentiates.",
        [_forward(w), _setup(w), _backward(w)],
    )
    return "\n\n\n".join([_refusing(w), first])


def _class(name: str, about: str, methods: Sequence[Sequence[str]]) -> str:
    lines = [f"class {name}(torch.autograd.Function):", f'{INDENT}"""{about}"""']
    lines += ["", f"{INDENT}generate_vmap_rule = True"]
    for method in methods:
        lines += ["", *(INDENT + line for line in ["@staticmethod", *method])]
    return "\n".join(lines)


def _refusing(w: Wrapping) -> str:
    """A node whose derivative is refused, under transformations too."""
    parameters = [*w.saved, *w.upstream, *w.twice]
    given = ", ".join([_together(w.saved), *w.upstream, *w.twice])
    return _class(
        _refusing_name(w),
        "What `double_backward` returns, which is not differentiated again.",
        [
            [*_signature("forward", parameters), *_lines(f"return double_backward({given})")],
            [*_signature("setup_context", ["ctx", "inputs", "output"]), f"{INDENT}pass"],
            [
                *_signature("backward", ["ctx", "*through"]),
                f'{INDENT}raise RuntimeError("third derivatives are not there")',
            ],
        ],
    )


def _refusing_name(w: Wrapping) -> str:
    return f"{class_name(w.function)}Twice"


def _together(names: Sequence[str]) -> str:
    return f"({listed(names)})" if len(names) > 1 else listed(names)


def _lines(text: str) -> list[str]:
    return lines_of(text, outer=1)


def _signature(title: str, parameters: list[str]) -> list[str]:
    return signature(title, parameters, WIDTH - len(INDENT))


def _forward(w: Wrapping) -> list[str]:
    lines = _signature("forward", [*w.saved, *w.upstream])
    call = f"backward({', '.join([_together(w.saved), *w.upstream])})"
    if not w.aliases:
        return lines + _lines(f"return {call}")
    found = [w.gradients[name] for name in w.wrt]
    # What is saved cannot be returned as it is.
    results = [f"{name}.view_as({name})" if name in w.aliases else name for name in found]
    lines += _lines(f"{', '.join(found)} = {call}")
    return lines + _lines(f"return {', '.join(results)}")


def _setup(w: Wrapping) -> list[str]:
    lines = _signature("setup_context", ["ctx", "inputs", "output"])
    constants = [*w.saved_functions, *w.saved_sizes]
    tensors = [name for name in w.saved if name not in constants]
    lines += _lines(f"{listed([*w.saved, *w.upstream])} = inputs")
    lines += _lines(f"ctx.constants = {listed(constants)}")
    return lines + _lines(f"ctx.save_for_backward({', '.join([*tensors, *w.upstream])})")


def _backward(w: Wrapping) -> list[str]:
    """The gradients of what was saved, None where it is no input, and of what comes back."""
    double = w.double or []
    lines = _signature("backward", ["ctx", *w.twice])
    number = len(w.saved) - len(w.saved_functions) - len(w.saved_sizes)
    lines += _lines(f"saved = *ctx.saved_tensors[:{number}], *ctx.constants")
    found = [name for name in double if name]
    given = ["*saved", f"*ctx.saved_tensors[{number}:]", *w.twice]
    call = f"{_refusing_name(w)}.apply({', '.join(given)})"
    lines += _lines(f"{listed(found) if len(found) > 1 else found[0]} = {call}")
    of_inputs = dict(zip(w.wrt, double, strict=False))
    results = [of_inputs.get(name) for name in w.saved] + list(double[len(w.wrt) :])
    return lines + _lines(f"return {listed([str(name) for name in results])}")
