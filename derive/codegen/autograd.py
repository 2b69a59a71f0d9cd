"""The text of a `torch.autograd.Function` that both passes make, and of the function to call.

What the forward pass computes and saves is an output of the node beside the results: a second
derivative that would flow through it is then seen, and refused, instead of being left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from derive.codegen.double_autograd import backward_class_name
from derive.codegen.inplace import OVERWRITE
from derive.codegen.source import INDENT, WIDTH, signature
from derive.codegen.wrapping import Wrapping, class_name, lines_of, listed

__all__ = ["autograd_class", "convenience"]


def autograd_class(w: Wrapping) -> str:
    """The class whose forward and backward are those of the module."""
    lines = [f"class {class_name(w.function)}(torch.autograd.Function):"]
    lines += [f'{INDENT}"""Both passes as one node of the graph that autograd follows."""', ""]
    lines += [f"{INDENT}generate_vmap_rule = True"]
    for method in (_forward(w), _setup(w), _backward(w)):
        lines += ["", *_indented(["@staticmethod", *method])]
    return "\n".join(lines)


def convenience(w: Wrapping, leading: Iterable[str] = ()) -> str:
    """The function named after the derivation, with what it does about leading axes."""
    keyword = ["*", "recompute=False"] if w.computed else []
    about = [f"Return {', '.join(w.outputs)}; autograd takes its gradients from `backward`."]
    if w.computed:
        needed = "" if w.double else " Second derivatives need it."
        about += [
            "",
            "With `recompute` the arguments alone are saved, and the backward pass computes the",
            f"rest again: less memory, more time.{needed}",
        ]
    lines = signature(w.function, [*w.arguments, *keyword])
    lines += _indented([f'"""{about[0]}' + ('"""' if len(about) == 1 else ""), *about[1:]])
    lines += [f'{INDENT}"""'] if w.computed else []
    lines += [line for name in w.scalars if w.numbers for line in lines_of(_number(w, name))]
    lines += [line for name in w.letters for line in lines_of(f"{name} = torch.as_tensor({name})")]
    lines += leading
    given = ", ".join([*_recompute(w), *w.arguments])
    rest = ", *_" if w.computed else ("," if len(w.outputs) == 1 else "")
    lines += lines_of(f"{', '.join(w.outputs)}{rest} = {class_name(w.function)}.apply({given})")
    results = [f"_unflat({n}, lead)" if n in w.batched else n for n in w.outputs]
    return "\n".join([*lines, *lines_of(f"return {', '.join(results)}")])


def _number(w: Wrapping, name: str) -> str:
    """A number may be given as one of Python's."""
    return f"{name} = torch.as_tensor({name}).to({w.numbers[0]})"


def _recompute(w: Wrapping) -> list[str]:
    return ["recompute"] if w.computed else []


def _indented(lines: Iterable[str]) -> list[str]:
    return [INDENT + line if line else "" for line in lines]


def _lines(text: str, indent: int = 1) -> list[str]:
    """The lines of a statement of a method, which stands a level further in."""
    return lines_of(text, indent, outer=1)


def _signature(title: str, parameters: Sequence[str]) -> list[str]:
    """The first lines of a method."""
    return signature(title, parameters, WIDTH - len(INDENT))


def _forward(w: Wrapping) -> list[str]:
    """The forward pass, with what it computes and saves among the results."""
    lines = _signature("forward", [*_recompute(w), *w.arguments])
    call = f"forward({', '.join(w.arguments)})"
    if not w.computed:
        result = f"{call}[0]"
        return lines + _lines(f"return {result if len(w.outputs) > 1 else f'({result},)'}")
    lines += _lines(f"{_one_or_several(w.outputs)}, saved = {call}")
    lines += [*_indented(["if recompute:"]), *_lines(f"return {listed(w.outputs)}", 2)]
    lines += _lines(f"{listed(w.saved)} = saved")
    return lines + _lines(f"return {listed([*w.outputs, *w.computed])}")


def _one_or_several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _setup(w: Wrapping) -> list[str]:
    """What is kept for the backward pass."""
    lines = _signature("setup_context", ["ctx", "inputs", "output"])
    lines += _lines(f"{listed([*(f'ctx.{n}' for n in _recompute(w)), *w.arguments])} = inputs")
    lines += _lines("ctx.set_materialize_grads(False)")
    if len(w.outputs) > 1:
        shapes = f"[array.shape for array in output[:{len(w.outputs)}]]"
        lines.append(f"{INDENT}ctx.shapes = {shapes}")
    if not w.computed:
        if set(w.saved) & set(w.outputs):
            lines += _lines(f"{listed(w.outputs)} = output")
        return lines + _kept(w.saved, _constants(w))
    lines += [*_indented(["if ctx.recompute:"]), *_kept(w.arguments, w.constants, 2)]
    lines += _indented(["else:"])
    lines += _lines(f"{listed([*w.outputs, *w.computed])} = output", 2)
    if w.double:
        lines += _lines(f"ctx.mark_non_differentiable({', '.join(w.computed)})", 2)
    return lines + _kept(w.saved, _constants(w), 2)


def _constants(w: Wrapping) -> list[str]:
    return w.saved_functions + w.saved_sizes


def _kept(names: Sequence[str], constants: Sequence[str], indent: int = 1) -> list[str]:
    """Tensors are given to autograd; functions and sizes, which come last, are attributes."""
    tensors = [name for name in names if name not in constants]
    lines = _lines(f"ctx.constants = {listed(constants)}", indent)
    return lines + _lines(f"ctx.save_for_backward({', '.join(tensors)})", indent)


def _backward(w: Wrapping) -> list[str]:
    """The backward pass; None stands for gradients that are not there or not wanted."""
    through = ["*through"] if w.computed else []
    lines = _signature("backward", ["ctx", *w.upstream, *through])
    lines += _indented(_refusals(w)) + _indented(_without_gradients(w))
    if w.computed:
        lines += [f"{INDENT}if ctx.recompute:"]
        lines += _lines("saved = forward(*ctx.saved_tensors, *ctx.constants)[1]", 2)
        lines += [f"{INDENT}else:", f"{INDENT * 2}saved = *ctx.saved_tensors, *ctx.constants"]
    else:
        lines += _lines("saved = *ctx.saved_tensors, *ctx.constants")
    places = {name: k + len(_recompute(w)) for k, name in enumerate(w.arguments)}
    needs = [f"ctx.needs_input_grad[{places[name]}]" for name in w.wrt]
    given = ["saved", *w.upstream]
    if len(needs) > 1:
        lines += _needs(needs)
        given.append("needs")
    if w.overwrites and not w.double:
        # Nobody else has what the forward pass computed again, or hid among the results.
        given.append(f"{OVERWRITE}=ctx.recompute or _runs_once()")
    found = [w.gradients[name] for name in w.wrt]
    call = f"{_one_or_several(found)} = backward({', '.join(given)})"
    if w.double:
        node = f"{backward_class_name(w)}.apply({', '.join(['*saved', *w.upstream])})"
        lines += [f"{INDENT}if torch.is_grad_enabled():"]
        lines += _lines(f"{_one_or_several(found)} = {node}", 2)
        lines += [f"{INDENT}else:", *_lines(call, 2)]
    else:
        lines += _lines(call)
    results = [
        *(["None"] if w.computed else []),
        *(w.gradients.get(n, "None") for n in w.arguments),
    ]
    return lines + _lines(f"return {listed(results)}")


def _needs(needs: Sequence[str]) -> list[str]:
    return [f"{INDENT}needs = (", *(f"{INDENT * 2}{each}," for each in needs), f"{INDENT})"]


def _refusals(w: Wrapping) -> list[str]:
    """Errors where a derivative is asked for that is not there."""
    lines = []
    for name in w.missing:
        place = w.arguments.index(name) + len(_recompute(w))
        lines += [f"if ctx.needs_input_grad[{place}]:"]
        lines += [f'{INDENT}raise RuntimeError("no gradient by {name} was derived")']
    if w.computed and not w.double:
        lines += ["if any(each is not None for each in through):"]
        lines += [f'{INDENT}raise RuntimeError("second derivatives need recompute=True")']
    return lines


def _without_gradients(w: Wrapping) -> list[str]:
    """Nothing flows back, or zeros do where some outputs are not used."""
    nothing = ", ".join(["None"] * (len(w.arguments) + len(_recompute(w))))
    if len(w.upstream) == 1:
        return [f"if {w.upstream[0]} is None:", f"{INDENT}return {nothing}"]
    together = ", ".join(w.upstream)
    return [
        f"upstream = {together}",
        "some = next((each for each in upstream if each is not None), None)",
        "if some is None:",
        f"{INDENT}return {nothing}",
        f"{together} = (",
        f"{INDENT}some.new_zeros(shape) if each is None else each",
        f"{INDENT}for each, shape in zip(upstream, ctx.shapes)",
        ")",
    ]
