"""Results compared with PyTorch: the same functions, differentiated by its autograd.

Importing this module needs PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Literal

import numpy as np
from sympy import Expr

from derive.calculus.derivation import Derivation
from derive.expressions import Graph, Partial, Size, indices_of, name_of, tensor
from derive.verify.evaluate import Array, Compiled, Compiler, EvaluationError, Values, free_axes
from derive.verify.printer import Request
from derive.verify.sample import given_tensors
from derive.verify.solve import Solver
from derive.verify.spread import Spread, shapes_of

__all__ = ["DTYPES", "REFERENCES", "Agreement", "Reference", "compare"]

# Imported by name, so that types are checked alike with and without PyTorch.
torch: Any = import_module("torch")
F: Any = import_module("torch.nn.functional")

Tensors = Mapping[str, Any]
DType = Literal["float32", "float64"]
DTYPES: tuple[DType, ...] = ("float32", "float64")

BATCH, CLASSES, DEPTH = 128, 256, 32


@dataclass(frozen=True)
class Reference:
    """PyTorch's spelling of the functions of a derivation.

    Attributes
    ----------
    shapes : the shape of each input.
    functions : for a defined tensor the function of the inputs that computes it.
    labels : for a label, or a tensor of labels, its shape and the number of its values.
    sizes : the sizes that no shape tells, such as that of a window.
    spread : inputs that are drawn from both sides of 0, as far out as kinks may be.
    ranks : for a multi-index the number of axes that it has in the shapes.
    """

    shapes: Mapping[str, tuple[int, ...]]
    functions: Mapping[str, Callable[[Tensors], Any]]
    labels: Mapping[str, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)


_VECTOR, _LABEL, _MATRIX = (CLASSES,), ((), CLASSES), (BATCH, CLASSES)
_IMAGE, _GROUPS = (4, 6, 8), (4, 3, 4, 8)


def _activation(function: Callable[[Any], Any]) -> Reference:
    """A function of the entries of x, which lie on both sides of its kinks."""
    return Reference({"x": _VECTOR}, {"y": lambda v: function(v["x"])}, spread={"x": 4.0})


def _loss(function: Callable[[Tensors], Any], *names: str, spread: float = 2.0) -> Reference:
    """A loss of vectors."""
    return Reference(
        dict.fromkeys(names, _VECTOR), {"c": function}, spread=dict.fromkeys(names, spread)
    )


def _swiglu(v: Tensors) -> Any:
    return (F.silu(v["x"] @ v["A"]) * (v["x"] @ v["B"])) @ v["C"]


def _causal(v: Tensors) -> Any:
    mask = torch.ones_like(v["z"]).triu(1).bool()
    return F.softmax(v["z"].masked_fill(mask, -torch.inf), dim=1)


def _triplet(v: Tensors) -> Any:
    near, far = (torch.linalg.vector_norm(v["a"] - v[name]) for name in "pn")
    return torch.clamp(near - far + v["m"], min=0)


_LABELS = {"T": ((BATCH,), CLASSES)}
_QUERIES, _KEYS = (BATCH, DEPTH), (CLASSES, DEPTH)
_LAYER_NORM = Reference(
    {"x": (BATCH, CLASSES), "γ": _VECTOR, "β": _VECTOR, "ε": ()},
    {"y": lambda v: F.layer_norm(v["x"], v["γ"].shape, v["γ"], v["β"], float(v["ε"]))},
)


def _group_norm(v: Tensors) -> Any:
    """The channels of a group side by side, as PyTorch has them."""
    x, groups = v["x"].flatten(1, 2), v["x"].shape[1]
    found = F.group_norm(x, groups, v["γ"].flatten(), v["β"].flatten(), float(v["ε"]))
    return found.reshape(v["x"].shape)


def _attention(v: Tensors, **options: Any) -> Any:
    return F.scaled_dot_product_attention(*(v[name][None] for name in "QKV"), **options)[0]


def _mahalanobis(v: Tensors) -> Any:
    difference = v["x"] - v["m"]
    return difference @ torch.linalg.solve(v["S"], difference)


def _cubic_root(p: Any, q: Any) -> Any:
    """The real root of y³ + p y = q with p > 0, without the cancellation of Cardano's formula."""
    argument = 1.5 * (q / p) * torch.sqrt(3 / p)
    return 2 * torch.sqrt(p / 3) * torch.sinh(torch.asinh(argument) / 3)


REFERENCES: Mapping[str, Reference] = {
    "cubic_root": Reference({"p": (6,), "q": (6,)}, {"y": lambda v: _cubic_root(v["p"], v["q"])}),
    "determinant": Reference({"x": (4, 4)}, {"c": lambda v: torch.linalg.det(v["x"])}),
    "frobenius_norm": Reference(
        {"x": (BATCH, CLASSES)}, {"r": lambda v: torch.linalg.matrix_norm(v["x"])}
    ),
    "gaussian_log_likelihood": Reference(
        {"x": (3,), "m": (3,), "S": (3, 3)},
        {"l": lambda v: -(torch.linalg.slogdet(v["S"])[1] + _mahalanobis(v)) / 2},
    ),
    "log_determinant": Reference(
        {"x": (3, 2, 2)}, {"c": lambda v: torch.linalg.slogdet(v["x"])[1]}
    ),
    "mahalanobis": Reference(
        {"x": (3,), "m": (3,), "S": (3, 3)},
        {"c": lambda v: _mahalanobis(v)},
    ),
    "matrix_inverse": Reference({"x": (3, 3)}, {"y": lambda v: torch.linalg.inv(v["x"])}),
    "matrix_inverse_batch": Reference({"x": (2, 3, 3)}, {"y": lambda v: torch.linalg.inv(v["x"])}),
    "matrix_power": Reference({"x": (6, 6)}, {"y": lambda v: torch.linalg.matrix_power(v["x"], 3)}),
    "quadratic_form": Reference(
        {"x": (8,), "A": (8, 8)}, {"c": lambda v: v["x"] @ v["A"] @ v["x"]}
    ),
    "solve": Reference(
        {"A": (2, 2), "b": (2,)}, {"x": lambda v: torch.linalg.solve(v["A"], v["b"])}
    ),
    "trace": Reference({"x": (6, 8), "y": (8, 6)}, {"c": lambda v: torch.trace(v["x"] @ v["y"])}),
    "avg_pool": Reference(
        {"x": (4, 3, 12)}, {"y": lambda v: F.avg_pool1d(v["x"], 3)}, sizes={"K": 3}
    ),
    "batch_norm": Reference(
        {"x": _IMAGE, "γ": (6,), "β": (6,), "ε": ()},
        {
            "y": lambda v: F.batch_norm(
                v["x"], None, None, v["γ"], v["β"], training=True, eps=float(v["ε"])
            )
        },
    ),
    "absolute_error": _loss(lambda v: F.l1_loss(v["y"], v["t"], reduction="sum"), "y", "t"),
    "causal_softmax": Reference({"z": (12, 10)}, {"s": _causal}),
    "elu": Reference(
        {"x": _VECTOR, "a": ()},
        {"y": lambda v: F.elu(v["x"], alpha=float(v["a"]))},
        spread={"x": 4.0},
    ),
    "gelu": _activation(F.gelu),
    "glu": Reference(
        {"u": _VECTOR, "v": _VECTOR},
        {"y": lambda v: F.glu(torch.cat((v["u"], v["v"])), dim=0)},
        spread={"u": 4.0, "v": 4.0},
    ),
    "hardswish": _activation(F.hardswish),
    "hardtanh": _activation(F.hardtanh),
    "hinge": _loss(lambda v: torch.clamp(1 - v["t"] * v["y"], min=0).sum(), "t", "y"),
    "huber": Reference(
        {"y": _VECTOR, "t": _VECTOR, "a": ()},
        {"c": lambda v: F.huber_loss(v["y"], v["t"], reduction="sum", delta=float(v["a"]))},
        spread={"y": 2.0, "t": 2.0},
    ),
    "leaky_relu": Reference(
        {"x": _VECTOR, "a": ()},
        {"y": lambda v: F.prelu(v["x"], v["a"].reshape(1))},
        spread={"x": 4.0},
    ),
    "log_sigmoid": _activation(F.logsigmoid),
    "logistic_loss": _loss(lambda v: F.soft_margin_loss(v["y"], v["t"], reduction="sum"), "y", "t"),
    "mish": _activation(F.mish),
    "poisson_nll": _loss(lambda v: F.poisson_nll_loss(v["x"], v["t"], reduction="sum"), "x", "t"),
    "relu": _activation(F.relu),
    "silu": _activation(F.silu),
    "softplus": _activation(F.softplus),
    "softshrink": Reference(
        {"x": _VECTOR, "a": ()},
        {"y": lambda v: torch.sign(v["x"]) * F.relu(v["x"].abs() - v["a"])},
        spread={"x": 4.0},
    ),
    "swiglu": Reference(
        {"x": (16, 10), "A": (10, 24), "B": (10, 24), "C": (24, 12)},
        {"y": _swiglu},
        spread={"x": 0.5, "A": 0.5},
    ),
    "triplet_margin": Reference(
        {"a": _VECTOR, "p": _VECTOR, "n": _VECTOR, "m": ()}, {"c": _triplet}
    ),
    "attention": Reference({"Q": _QUERIES, "K": _KEYS, "V": _KEYS}, {"O": _attention}),
    "attention_heads": Reference(
        {"Q": (2, 3, 16, 8), "K": (2, 3, 24, 8), "V": (2, 3, 24, 8)},
        {"O": lambda v: _attention(v, is_causal=True)},
        ranks={"B": 2},
    ),
    "attention_causal": Reference(
        {"Q": _QUERIES, "K": _KEYS, "V": _KEYS}, {"O": lambda v: _attention(v, is_causal=True)}
    ),
    "batched_matmul": Reference(
        {"x": (3, 2, 5, 7), "a": (3, 2, 7, 6)}, {"y": lambda v: v["x"] @ v["a"]}
    ),
    "bilinear_form": Reference(
        {"x": (BATCH,), "a": (BATCH, CLASSES), "z": _VECTOR},
        {"y": lambda v: v["x"] @ v["a"] @ v["z"]},
    ),
    "bilinear_layer": Reference(
        {"x": (9, 6), "a": (5, 6, 7), "z": (9, 7), "c": (5,)},
        {"y": lambda v: F.bilinear(v["x"], v["z"], v["a"], v["c"])},
    ),
    "binary_cross_entropy": Reference(
        {"x": _VECTOR, "t": _VECTOR},
        {
            "y": lambda v: torch.sigmoid(v["x"]),
            "c": lambda v: F.binary_cross_entropy_with_logits(v["x"], v["t"], reduction="sum"),
        },
    ),
    "conv1d": Reference(
        {"x": (4, 3, 20), "w": (6, 3, 5), "β": (6,)},
        {"y": lambda v: F.conv1d(v["x"], v["w"], v["β"])},
    ),
    "conv2d": Reference(
        {"x": (11, 14), "w": (5, 3, 4)},
        {"y": lambda v: F.conv2d(v["x"][None], v["w"][:, None], stride=2, padding=1)},
    ),
    "conv_depthwise": Reference(
        {"x": (4, 6, 20), "w": (6, 5)},
        {"y": lambda v: F.conv1d(v["x"], v["w"][:, None], dilation=2, groups=len(v["w"]))},
    ),
    "conv_transposed": Reference(
        {"x": (4, 3, 9), "w": (3, 5, 4)},
        {"y": lambda v: F.conv_transpose1d(v["x"], v["w"], stride=2)},
    ),
    "cosine_similarity": Reference(
        {"x": _VECTOR, "y": _VECTOR},
        {"c": lambda v: F.cosine_similarity(v["x"], v["y"], dim=0)},
    ),
    "contrastive": Reference(
        {"x": (BATCH, DEPTH), "y": (BATCH, DEPTH), "τ": ()},
        {
            "c": lambda v: F.cross_entropy(
                v["x"] @ v["y"].T / v["τ"], torch.arange(len(v["x"])), reduction="sum"
            )
        },
    ),
    "cross_entropy": Reference(
        {"x": _VECTOR}, {"c": lambda v: F.cross_entropy(v["x"], v["T"])}, {"T": _LABEL}
    ),
    "cross_entropy_article": Reference(
        {"x": _VECTOR},
        {
            "s": lambda v: F.softmax(v["x"], dim=0),
            "c": lambda v: F.cross_entropy(v["x"], v["T"]),
        },
        {"T": _LABEL},
    ),
    "cross_entropy_batch": Reference(
        {"x": (BATCH, CLASSES)},
        {"c": lambda v: F.cross_entropy(v["x"], v["T"], reduction="none")},
        _LABELS,
    ),
    "cross_entropy_letters": Reference(
        {"a": _VECTOR}, {"E": lambda v: F.cross_entropy(v["a"], v["C"])}, {"C": _LABEL}
    ),
    "cross_entropy_masked": Reference(
        {"x": (BATCH, CLASSES), "m": (BATCH,)},
        {
            "c": lambda v: (
                (v["m"] @ F.cross_entropy(v["x"], v["T"], reduction="none")) / v["m"].sum()
            )
        },
        _LABELS,
    ),
    "cross_entropy_smoothed": Reference(
        {"x": (BATCH, CLASSES), "α": ()},
        {
            "c": lambda v: F.cross_entropy(
                v["x"], v["T"], reduction="none", label_smoothing=float(v["α"])
            )
        },
        _LABELS,
    ),
    "dropout": Reference(
        {"x": (BATCH, CLASSES), "m": (BATCH, CLASSES), "p": ()},
        {"y": lambda v: v["m"] * v["x"] / (1 - v["p"])},
    ),
    "embedding": Reference(
        {"E": (CLASSES, DEPTH)},
        {"y": lambda v: F.embedding(v["t"], v["E"])},
        {"t": ((6, 7), CLASSES)},
        ranks={"B": 2},
    ),
    "gather": Reference(
        {"x": (BATCH, CLASSES)},
        {"y": lambda v: v["x"][v["a"], v["c"]]},
        {"a": ((6, 7), BATCH), "c": ((7,), CLASSES)},
    ),
    "cross_entropy_one_line": Reference(
        {"x": _VECTOR}, {"c": lambda v: F.cross_entropy(v["x"], v["T"])}, {"T": _LABEL}
    ),
    "cross_entropy_hessian": Reference(
        {"x": (CLASSES,)}, {"c": lambda v: F.cross_entropy(v["x"], v["T"])}, {"T": _LABEL}
    ),
    "hessian_vector_product": Reference(
        {"x": (CLASSES,)}, {"c": lambda v: F.cross_entropy(v["x"], v["T"])}, {"T": _LABEL}
    ),
    "gaussian_nll": Reference(
        {"m": _VECTOR, "v": _VECTOR, "y": _VECTOR},
        {"c": lambda v: F.gaussian_nll_loss(v["m"], v["y"], v["v"], reduction="sum")},
    ),
    "group_norm": Reference({"x": _GROUPS, "γ": (3, 4), "β": (3, 4), "ε": ()}, {"y": _group_norm}),
    "instance_norm": Reference(
        {"x": _IMAGE, "γ": (6,), "β": (6,), "ε": ()},
        {"y": lambda v: F.instance_norm(v["x"], weight=v["γ"], bias=v["β"], eps=float(v["ε"]))},
    ),
    "kl_divergence": Reference(
        {"x": _VECTOR, "t": _VECTOR},
        {
            "q": lambda v: F.softmax(v["x"], dim=0),
            "c": lambda v: F.kl_div(F.log_softmax(v["x"], dim=0), v["t"], reduction="sum"),
        },
    ),
    "einsum": Reference(
        {"x": (3, 4, 5, 6, 7), "y": (3, 8, 6, 7)},
        {"z": lambda v: torch.einsum("bijpq,bkpq->bijk", v["x"], v["y"])},
        ranks={"B": 1, "A": 2, "C": 1, "P": 2},
    ),
    "einsum_three_operands": Reference(
        {"x": (3, 4, 5, 6), "y": (7, 5, 6), "w": (5, 6)},
        {"z": lambda v: torch.einsum("abpq,cpq,pq->abc", v["x"], v["y"], v["w"])},
        ranks={"A": 2, "C": 1, "P": 2},
    ),
    "l2_norm": Reference({"x": _VECTOR}, {"r": lambda v: torch.linalg.vector_norm(v["x"])}),
    "layer_norm": _LAYER_NORM,
    "layer_norm_normalised": _LAYER_NORM,
    "least_squares": Reference(
        {"x": (BATCH, 7), "a": (7, 6), "t": (BATCH, 6)},
        {"c": lambda v: 0.5 * F.mse_loss(v["x"] @ v["a"], v["t"], reduction="sum")},
    ),
    "linear_layer": Reference(
        {"x": (BATCH, 7), "a": (6, 7), "b": (6,)},
        {"y": lambda v: F.linear(v["x"], v["a"], v["b"])},
    ),
    "linear_layer_batch": Reference(
        {"x": (9, 5, 7), "a": (6, 7), "c": (6,)},
        {"y": lambda v: F.linear(v["x"], v["a"], v["c"])},
    ),
    "least_squares_hessian": Reference(
        {"y": (BATCH,), "X": (BATCH, 16), "w": (16,)},
        {"c": lambda v: F.mse_loss(v["X"] @ v["w"], v["y"], reduction="sum") / 2},
    ),
    "logistic_regression_hessian": Reference(
        {"X": (BATCH, 16), "w": (16,), "t": (BATCH,), "b": ()},
        {
            "c": lambda v: F.binary_cross_entropy_with_logits(
                v["X"] @ v["w"] + v["b"], v["t"], reduction="sum"
            )
        },
    ),
    "least_squares_latex": Reference(
        {"x": _MATRIX, "w": _VECTOR, "t": (BATCH,)},
        {"E": lambda v: 0.5 * F.mse_loss(v["x"] @ v["w"], v["t"], reduction="sum")},
    ),
    "log_softmax": Reference({"x": _VECTOR}, {"p": lambda v: F.log_softmax(v["x"], dim=0)}),
    "logsumexp": Reference({"x": _VECTOR}, {"c": lambda v: torch.logsumexp(v["x"], dim=0)}),
    "logsumexp_stable": Reference({"x": _VECTOR}, {"c": lambda v: torch.logsumexp(v["x"], dim=0)}),
    "low_rank_adaptation": Reference(
        {"x": (BATCH, 7), "A": (3, 7), "w": (6, 7), "B": (6, 3), "α": ()},
        {
            "y": lambda v: (
                F.linear(v["x"], v["w"]) + v["α"] * F.linear(F.linear(v["x"], v["A"]), v["B"])
            )
        },
    ),
    "matrix_multiplication": Reference(
        {"x": (BATCH, 7), "a": (7, 6)}, {"y": lambda v: torch.matmul(v["x"], v["a"])}
    ),
    "max_pool": Reference(
        {"x": (4, 3, 13)}, {"y": lambda v: F.max_pool1d(v["x"], 3, 2)}, sizes={"K": 3}
    ),
    "maximum": Reference({"x": _MATRIX}, {"m": lambda v: torch.amax(v["x"], dim=1)}),
    "mean": Reference({"x": _MATRIX}, {"m": lambda v: torch.mean(v["x"], dim=1)}),
    "mean_squared_error": Reference(
        {"y": _VECTOR, "t": _VECTOR}, {"c": lambda v: F.mse_loss(v["y"], v["t"])}
    ),
    "negative_log_likelihood": Reference(
        {"p": _MATRIX}, {"c": lambda v: F.nll_loss(v["p"], v["T"])}, {"T": ((BATCH,), CLASSES)}
    ),
    "outer_product": Reference(
        {"u": (BATCH,), "v": _VECTOR}, {"y": lambda v: torch.outer(v["u"], v["v"])}
    ),
    "p_norm": Reference(
        {"x": (8,), "p": ()},
        {"r": lambda v: torch.linalg.vector_norm(v["x"], float(v["p"]))},
    ),
    "pixel_shuffle": Reference({"x": (2, 12, 5, 7)}, {"y": lambda v: F.pixel_shuffle(v["x"], 2)}),
    # Of more factors below one the product is nothing in single precision.
    "product": Reference({"x": (BATCH, 8)}, {"y": lambda v: torch.prod(v["x"], dim=1)}),
    "rms_norm": Reference(
        {"x": _MATRIX, "γ": _VECTOR, "ε": ()},
        {"y": lambda v: F.rms_norm(v["x"], v["γ"].shape, v["γ"], float(v["ε"]))},
    ),
    "softmax_stable": Reference({"x": _VECTOR}, {"s": lambda v: F.softmax(v["x"], dim=0)}),
    "nll_weighted": Reference(
        {"p": (BATCH, CLASSES), "w": _VECTOR},
        {"c": lambda v: F.nll_loss(v["p"], v["T"], weight=v["w"])},
        _LABELS,
    ),
    "resize": Reference(
        {"x": (2, 3, 8, 9), "R": (12, 8), "S": (14, 9)},
        {"y": lambda v: v["R"] @ v["x"] @ v["S"].T},
        ranks={"B": 2},
    ),
    "softmax_temperature": Reference(
        {"x": _VECTOR, "τ": ()},
        {
            "s": lambda v: F.softmax(v["x"] / v["τ"], dim=0),
            "c": lambda v: F.cross_entropy(v["x"] / v["τ"], v["T"]),
        },
        {"T": _LABEL},
    ),
    "tanh_second_derivative": Reference({"x": (16,)}, {"y": lambda v: torch.tanh(v["x"])}),
    "squared_error": Reference(
        {"y": _VECTOR, "t": _VECTOR},
        {"c": lambda v: F.mse_loss(v["y"], v["t"], reduction="sum")},
    ),
    "split_heads": Reference(
        {"x": (4, 6, 20)},
        {"y": lambda v: v["x"].unflatten(2, (-1, 4)).transpose(1, 2)},
        sizes={"D": 4},
    ),
    "upsample_nearest": Reference(
        {"x": (2, 3, 5, 7)}, {"y": lambda v: F.interpolate(v["x"], scale_factor=2)}
    ),
    "standard_deviation": Reference({"x": _VECTOR}, {"s": lambda v: torch.std(v["x"])}),
    "variance": Reference({"x": _MATRIX}, {"v": lambda v: torch.var(v["x"], dim=1, correction=0)}),
    "triplet_margin_batch": Reference(
        {**dict.fromkeys("apn", (BATCH, DEPTH)), "m": (), "ε": ()},
        {
            "c": lambda v: F.triplet_margin_loss(
                *(v[name] for name in "apn"),
                margin=float(v["m"]),
                eps=float(v["ε"]),
                reduction="none",
            )
        },
    ),
}
"""By the name in the catalogue."""


@dataclass(frozen=True)
class Agreement:
    """One goal compared in one precision; `complaint` is empty where they agree."""

    goal: Expr
    dtype: DType
    error: float
    complaint: str = ""

    @property
    def ok(self) -> bool:
        return not self.complaint


def compare(derivation: Derivation, reference: Reference, dtype: DType) -> list[Agreement]:
    """The result of each goal against PyTorch, within its default tolerances.

    The formula that is evaluated is the last line of the stage, on values that its own
    definitions give in the same precision.
    """
    letters = shapes_of(derivation.graph)
    spread = Spread(derivation.graph, {s: reference.ranks[name] for s, name in letters.items()})
    goals = [spread(goal) for goal in derivation.goals]
    values = _definitions(spread.graph, _data(spread.graph, goals, reference, dtype))
    upstream = {
        name: _random(values.tensors[name].shape, dtype, seed)
        for seed, name in enumerate(derivation.graph.outputs, 100)
    }
    results = {spread(stage.goal): spread(stage.result) for stage in derivation.stages}
    compared = [_agreement(goal, results, values, upstream, reference, dtype) for goal in goals]
    return [replace(each, goal=goal) for each, goal in zip(compared, derivation.goals, strict=True)]


def _agreement(
    goal: Expr,
    results: Mapping[Expr, Expr],
    values: Values,
    upstream: Mapping[str, Array],
    reference: Reference,
    dtype: DType,
) -> Agreement:
    def given(request: Request) -> Array:
        if request.function.is_Symbol and request.variable in upstream:
            return upstream[request.variable]
        # In a deep graph a gradient stands by the name that an earlier stage gave it.
        for other in results:
            named = isinstance(other, Partial) and other.function == request.function
            if named and name_of(other.variable) == request.variable:
                return Compiled(results[other], free_axes(other))(values, given)
        raise EvaluationError("the result holds a derivative that no stage has derived")

    found = Compiled(results[goal], free_axes(goal))(values, given)
    expected = _by_autograd(goal, values, upstream, reference)
    ours = torch.from_numpy(np.array(found))
    error = float((ours - expected).abs().max())
    try:
        torch.testing.assert_close(ours, expected)
    except AssertionError as difference:
        return Agreement(goal, dtype, error, str(difference))
    return Agreement(goal, dtype, error)


def _by_autograd(
    goal: Expr, values: Values, upstream: Mapping[str, Array], reference: Reference
) -> Any:
    """The goal as PyTorch has it: its functions, their derivatives."""
    tensors = {n: torch.from_numpy(np.array(values.tensors[n])) for n in reference.shapes}
    for name in reference.labels:
        given = values.tensors[name] if name in values.tensors else values.labels[name]
        tensors[name] = torch.as_tensor(given)

    def derived(request: Request) -> Array:
        partial = Partial(request.function, tensor(request.variable))
        found = np.asarray(_derivative(partial, reference)(tensors).detach())
        own = _axes(request.function)
        first = [own.index(index) for index in request.indices]
        return found.transpose([*first, *range(len(first), found.ndim)])

    partial = next(iter(goal.atoms(Partial)))
    if name_of(partial.root) in reference.functions:
        return torch.from_numpy(np.array(Compiled(goal, free_axes(goal))(values, derived)))
    variable = name_of(partial.variable)
    tensors[variable].requires_grad_()
    loss = sum(
        (reference.functions[name](tensors) * torch.from_numpy(np.array(array))).sum()
        for name, array in upstream.items()
    )
    loss.backward()
    return tensors[variable].grad


def _axes(function: Expr) -> list[Expr]:
    """The indices of a function and of what it is differentiated by, as PyTorch orders them."""
    if isinstance(function, Partial):
        return [*_axes(function.function), *indices_of(function.variable)]
    return list(indices_of(function))


def _derivative(function: Expr, reference: Reference) -> Callable[[Tensors], Any]:
    """A function of the inputs, differentiated by as many tensors as the expression says."""
    if not isinstance(function, Partial):
        return reference.functions[name_of(function)]
    inner, name = _derivative(function.function, reference), name_of(function.variable)
    return lambda values: torch.autograd.functional.jacobian(
        lambda x: inner({**values, name: x}), values[name], create_graph=True
    )


def _data(graph: Graph, goals: Sequence[Expr], reference: Reference, dtype: DType) -> Values:
    shapes = {**reference.shapes, **{n: shape for n, (shape, _) in reference.labels.items()}}
    sizes = {
        graph.axis_size(name, axis): length
        for name, shape in shapes.items()
        for axis, length in enumerate(shape)
    }
    tensors: dict[str, Array] = {
        name: _random(shape, dtype, seed, reference.spread.get(name, 0.0))
        for seed, (name, shape) in enumerate(shapes.items())
    }
    labels: dict[str, int] = {}
    for seed, (name, (shape, high)) in enumerate(reference.labels.items(), 200):
        sizes[graph.label_range(name)] = high
        entries = np.random.default_rng(seed).integers(0, high, shape)
        if shape:
            tensors[name] = entries
        else:
            del tensors[name]
            labels[name] = int(entries)
    sizes |= {Size(name): number for name, number in reference.sizes.items()}
    given = {name: torch.as_tensor(value) for name, value in {**labels, **tensors}.items()}
    for name, function in reference.functions.items():
        for axis, length in enumerate(function(given).shape):
            sizes[graph.axis_size(name, axis)] = length
    values = Values(tensors, labels, sizes)
    for seed, node in enumerate(given_tensors(graph, goals), 300):
        lengths = tuple(values.size(index.size) for index in indices_of(node))
        tensors[name_of(node)] = _random(lengths, dtype, seed)
    return values


def _random(shape: tuple[int, ...], dtype: DType, seed: int, spread: float = 0.0) -> Array:
    """Positive numbers below one, as the logits, targets and temperatures here may all be.

    With a spread, numbers up to it on both sides of 0.
    """
    low, high = (-spread, spread) if spread else (0.05, 0.95)
    return np.asarray(np.random.default_rng(seed).uniform(low, high, shape), dtype)


def _definitions(graph: Graph, values: Values) -> Values:
    """The values with those of the definitions, in the precision of the data."""
    tensors = dict(values.tensors)
    after = Values(tensors, values.labels, values.sizes)
    solve = Solver(Compiler())
    precision = next(tensor.dtype for tensor in tensors.values() if tensor.dtype.kind == "f")
    for name in graph.order:
        tensors[name] = np.asarray(solve(graph[name], after), precision)
    return after
