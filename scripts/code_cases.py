"""What `bench_code.py` measures: the problems and their data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from code_array_functions import (
    convolution_backward,
    convolution_forward,
    convolution_fused,
    convolution_jax,
    convolution_torch,
    embedding_backward,
    embedding_forward,
    embedding_fused,
    embedding_plain,
)
from code_functions import (
    EPSILON,
    Arrays,
    attention_by_hand,
    attention_fused,
    attention_jax,
    attention_torch,
    cross_entropy_backward,
    cross_entropy_forward,
    cross_entropy_fused,
    cross_entropy_fused_sum,
    cross_entropy_hessian,
    cross_entropy_jax,
    cross_entropy_torch,
    gated_backward,
    gated_forward,
    gated_jax,
    gated_torch,
    layer_norm_backward,
    layer_norm_forward,
    layer_norm_fused,
    layer_norm_jax,
    layer_norm_torch,
    linear_backward,
    linear_forward,
    linear_plain,
    logistic_forward,
    logistic_fused,
    logistic_hessian,
    logistic_jax,
    logistic_torch,
)

SOFTMAX = "s_bi = exp(x_bi)/(1_j exp(x_bj))"
NORM = (
    "m_b = (1/H) 1_h x_bh; μ_bh = x_bh - 1_h m_b; v_b = (1/H) 1_h μ_bh^2; σ_b = sqrt(v_b + ε); "
    "y_bh = (μ_bh/σ_b) γ_h + 1_b β_h"
)
SCORES = "z_qk = (1/sqrt(D)) Q_qd K_kd"
LOGISTIC = "z_i = X_id w_d; p_i = sigmoid(z_i)"


@dataclass(frozen=True)
class Case:
    """A problem with its data.

    Attributes
    ----------
    equations, sizes : what `derive` reads.
    wrt : the inputs whose gradients are asked for; nothing where `goal` is.
    goal : a contracted second derivative, of the loss that `loss` adds to the equations.
    draw : the inputs by the names that they have in code.
    entries : how many the largest array has.
    upstream : the shape of the gradient that comes back.
    hand : the forward pass by hand, which returns the value and what is saved, and the backward
        pass, or the product with the second derivative.
    torch, fused, jax : the value, from the inputs and PyTorch or JAX.
    """

    name: str
    equations: str
    draw: Callable[[np.random.Generator], Arrays]
    hand: tuple[Callable[..., Any], ...]
    torch: Callable[[Any, Mapping[str, Any]], Any]
    jax: Callable[[Any, Mapping[str, Any]], Any]
    fused: Callable[[Any, Mapping[str, Any]], Any]
    entries: int
    upstream: tuple[int, ...] = ()
    wrt: tuple[str, ...] = ()
    goal: str = ""
    loss: str = ""
    sizes: Mapping[str, str | int] = field(default_factory=dict)

    def data(self) -> tuple[Arrays, Any]:
        """The inputs and the gradient that comes back, the same ones each time."""
        rng = np.random.default_rng(1)
        drawn = self.draw(rng)
        return drawn, (0.4 + rng.normal(size=self.upstream)).astype(np.float32)


def normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


def cross_entropy(b: int, n: int) -> Case:
    return Case(
        f"cross-entropy {b}×{n}",
        f"{SOFTMAX}; c_b = -log(s_{{b,T_b}})",
        lambda rng: {"x": normal(rng, b, n), "T": rng.integers(0, n, b)},
        (cross_entropy_forward, cross_entropy_backward),
        cross_entropy_torch,
        cross_entropy_jax,
        cross_entropy_fused,
        b * n,
        (b,),
        ("x",),
    )


def layer_norm(b: int, h: int) -> Case:
    return Case(
        f"layer norm {b}×{h}",
        NORM,
        lambda rng: {
            "x": normal(rng, b, h),
            "gamma": normal(rng, h),
            "beta": normal(rng, h),
            "epsilon": EPSILON,
        },
        (layer_norm_forward, layer_norm_backward),
        layer_norm_torch,
        layer_norm_jax,
        layer_norm_fused,
        b * h,
        (b, h),
        ("x", "γ", "β"),
        sizes={"h": "H"},
    )


def linear(n: int, k: int, j: int) -> Case:
    return Case(
        f"linear {n}×{k}→{j}",
        "y_ij = x_ik a_jk + 1_i b_j",
        lambda rng: {"x": normal(rng, n, k), "a": normal(rng, j, k), "b": normal(rng, j)},
        (linear_forward, linear_backward),
        linear_plain,
        linear_plain,
        lambda torch, a: torch.nn.functional.linear(a["x"], a["a"], a["b"]),
        max(n * k, k * j),
        (n, j),
        ("x", "a", "b"),
    )


def attention(n: int, d: int, causal: bool) -> Case:
    mask = ("[k <= q] ", "[m <= q] ") if causal else ("", "")
    return Case(
        f"attention {n}×{d}" + (" causal" if causal else ""),
        f"{SCORES}; a_qk = {mask[0]}exp(z_qk)/(1_m {mask[1]}exp(z_qm)); O_qd = a_qk V_kd",
        lambda rng: {name: normal(rng, n, d) for name in "QKV"},
        attention_by_hand(causal),
        attention_torch(causal),
        attention_jax(causal),
        attention_fused(causal),
        n * n,
        (n, d),
        ("Q", "K", "V"),
        sizes={"d": "D"},
    )


def gated(b: int, n: int) -> Case:
    return Case(
        f"gated GELU {b}×{n}",
        "y_bi = u_bi Φ_bi v_bi; Φ_bi := (1 + erf(u_bi/√2))/2",
        lambda rng: {"u": normal(rng, b, n), "v": normal(rng, b, n)},
        (gated_forward, gated_backward),
        gated_torch,
        gated_jax,
        lambda torch, a: torch.nn.functional.gelu(a["u"]) * a["v"],
        b * n,
        (b, n),
        ("u", "v"),
    )


def hessian_of_cross_entropy(b: int, n: int) -> Case:
    return Case(
        f"Hessian-vector, cross-entropy {b}×{n}",
        SOFTMAX,
        lambda rng: {"x": normal(rng, b, n), "T": rng.integers(0, n, b), "v": normal(rng, b, n)},
        (cross_entropy_forward, cross_entropy_hessian),
        lambda torch, a: cross_entropy_torch(torch, a).sum(),
        lambda jax, a: cross_entropy_jax(jax, a).sum(),
        cross_entropy_fused_sum,
        b * n,
        (),
        ("x",),
        goal="v_am ∂²c/∂x_am∂x_bn",
        loss="c = -1_b log(s_{b,T_b})",
    )


def hessian_of_logistic_regression(n: int, d: int) -> Case:
    return Case(
        f"Hessian-vector, logistic regression {n}×{d}",
        LOGISTIC,
        lambda rng: {
            "X": normal(rng, n, d),
            "t": rng.integers(0, 2, n).astype(np.float32),
            "w": normal(rng, d) * np.float32(0.1),
            "v": normal(rng, d),
        },
        (logistic_forward, logistic_hessian),
        logistic_torch,
        logistic_jax,
        logistic_fused,
        n * d,
        (),
        ("w",),
        goal="v_m ∂²c/∂w_m∂w_n",
        loss="c = -1_i (t_i log(p_i) + (1 - t_i) log(1 - p_i))",
    )


def convolution(b: int, c: int, o: int, n: int, k: int) -> Case:
    m = n - k + 1
    return Case(
        f"convolution {b}×{c}×{n}×{n} by {k}×{k}",
        "y_boij = x_{b,c,i+k,j+l} w_ockl",
        lambda rng: {"x": normal(rng, b, c, n, n), "w": normal(rng, o, c, k, k)},
        (convolution_forward, convolution_backward),
        convolution_torch,
        convolution_jax,
        convolution_fused,
        b * o * m * m,
        (b, o, m, m),
        ("x", "w"),
        sizes={"i": m, "j": m},
    )


def embedding(b: int, n: int, d: int) -> Case:
    return Case(
        f"embedding {b} of {n}×{d}",
        "y_bd = E_{T_b,d}",
        lambda rng: {"E": normal(rng, n, d), "T": rng.integers(0, n, b)},
        (embedding_forward, embedding_backward),
        embedding_plain,
        embedding_plain,
        embedding_fused,
        n * d,
        (b, d),
        ("E",),
    )


CASES = (
    cross_entropy(128, 256),
    cross_entropy(4096, 32000),
    layer_norm(4096, 1024),
    linear(512, 1024, 1024),
    attention(512, 64, causal=False),
    attention(512, 64, causal=True),
    gated(1024, 4096),
    convolution(8, 32, 32, 66, 3),
    embedding(4096, 32000, 256),
    hessian_of_cross_entropy(128, 256),
    hessian_of_logistic_regression(4096, 256),
)
