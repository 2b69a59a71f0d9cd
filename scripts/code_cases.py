"""What `bench_code.py` measures: the problems, their data, and what others compute them with.

Each case has a careful person's NumPy by hand, the function written with operations of PyTorch
and JAX that autograd goes through one by one, and PyTorch's own operator where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = dict[str, Any]
Result = tuple[Any, ...]

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
    upstream : the shape of the gradient that comes back.
    hand : the forward pass by hand, which returns the value and what is saved, and the backward
        pass; for a second derivative one function that returns it.
    torch, fused, jax : the value, from the inputs and PyTorch or JAX.
    """

    name: str
    equations: str
    draw: Callable[[np.random.Generator], Arrays]
    hand: tuple[Callable[..., Any], ...]
    torch: Callable[[Any, Mapping[str, Any]], Any]
    jax: Callable[[Any, Mapping[str, Any]], Any]
    fused: Callable[[Any, Mapping[str, Any]], Any] | None = None
    upstream: tuple[int, ...] = ()
    wrt: tuple[str, ...] = ()
    goal: str = ""
    loss: str = ""
    sizes: Mapping[str, str] = field(default_factory=dict)


def normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


# Cross-entropy -------------------------------------------------------------------------------


def softmax(x: Any) -> Any:
    s = np.subtract(x, x.max(axis=-1, keepdims=True))
    np.exp(s, out=s)
    s /= s.sum(axis=-1, keepdims=True)
    return s


def cross_entropy_forward(x: Any, T: Any) -> Result:
    s = softmax(x)
    return -np.log(s[np.arange(len(T)), T]), (s, T)


def cross_entropy_backward(saved: Result, d: Any) -> Result:
    s, T = saved
    g = d[:, None] * s
    g[np.arange(len(T)), T] -= d
    return (g,)


def cross_entropy_torch(torch: Any, a: Mapping[str, Any]) -> Any:
    shifted = a["x"] - a["x"].amax(-1, keepdim=True)
    s = torch.exp(shifted) / torch.exp(shifted).sum(-1, keepdim=True)
    return -torch.log(s.gather(-1, a["T"][:, None])[:, 0])


def cross_entropy_fused(torch: Any, a: Mapping[str, Any]) -> Any:
    return torch.nn.functional.cross_entropy(a["x"], a["T"], reduction="none")


def cross_entropy_jax(jax: Any, a: Mapping[str, Any]) -> Any:
    jnp = jax.numpy
    p = jax.nn.log_softmax(a["x"])
    return -jnp.take_along_axis(p, a["T"][:, None], axis=-1)[:, 0]


def cross_entropy(b: int, n: int) -> Case:
    return Case(
        f"cross-entropy {b}×{n}",
        f"{SOFTMAX}; c_b = -log(s_{{b,T_b}})",
        lambda rng: {"x": normal(rng, b, n), "T": rng.integers(0, n, b)},
        (cross_entropy_forward, cross_entropy_backward),
        cross_entropy_torch,
        cross_entropy_jax,
        cross_entropy_fused,
        (b,),
        ("x",),
    )


# Layer norm ----------------------------------------------------------------------------------

EPSILON = 1e-5


def layer_norm_forward(x: Any, gamma: Any, beta: Any, epsilon: float) -> Result:
    centred = x - x.mean(-1, keepdims=True)
    variance = np.einsum("bh,bh->b", centred, centred) / np.float32(x.shape[1])
    inverse = 1 / np.sqrt(variance + np.float32(epsilon))
    centred *= inverse[:, None]
    return centred * gamma + beta, (centred, inverse, gamma)


def layer_norm_backward(saved: Result, d: Any) -> Result:
    normed, inverse, gamma = saved
    g = d * gamma
    mean = g.mean(-1, keepdims=True)
    along = np.einsum("bh,bh->b", g, normed)[:, None] / np.float32(d.shape[1])
    g -= mean
    g -= normed * along
    g *= inverse[:, None]
    return g, np.einsum("bh,bh->h", d, normed), d.sum(0)


def layer_norm_torch(torch: Any, a: Mapping[str, Any]) -> Any:
    centred = a["x"] - a["x"].mean(-1, keepdim=True)
    variance = (centred**2).mean(-1, keepdim=True)
    return centred / torch.sqrt(variance + EPSILON) * a["gamma"] + a["beta"]


def layer_norm_fused(torch: Any, a: Mapping[str, Any]) -> Any:
    shape = (a["x"].shape[-1],)
    return torch.nn.functional.layer_norm(a["x"], shape, a["gamma"], a["beta"], EPSILON)


def layer_norm_jax(jax: Any, a: Mapping[str, Any]) -> Any:
    centred = a["x"] - a["x"].mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    return centred / jax.numpy.sqrt(variance + EPSILON) * a["gamma"] + a["beta"]


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
        (b, h),
        ("x", "γ", "β"),
        sizes={"h": "H"},
    )


# Linear layer --------------------------------------------------------------------------------


def linear_forward(x: Any, a: Any, b: Any) -> Result:
    y = x @ a.T
    y += b
    return y, (x, a)


def linear_backward(saved: Result, d: Any) -> Result:
    x, a = saved
    return d @ a, d.T @ x, d.sum(0)


def linear_plain(_: Any, a: Mapping[str, Any]) -> Any:
    return a["x"] @ a["a"].T + a["b"]


def linear(n: int, k: int, j: int) -> Case:
    return Case(
        f"linear {n}×{k}→{j}",
        "y_ij = x_ik a_jk + 1_i b_j",
        lambda rng: {"x": normal(rng, n, k), "a": normal(rng, j, k), "b": normal(rng, j)},
        (linear_forward, linear_backward),
        linear_plain,
        linear_plain,
        lambda torch, a: torch.nn.functional.linear(a["x"], a["a"], a["b"]),
        (n, j),
        ("x", "a", "b"),
    )


# Attention -----------------------------------------------------------------------------------


def attention_by_hand(causal: bool) -> tuple[Callable[..., Any], ...]:
    def forward(Q: Any, K: Any, V: Any) -> Result:
        scale = np.float32(1 / math.sqrt(Q.shape[1]))
        z = (Q * scale) @ K.T
        if causal:
            z[np.triu_indices(len(Q), 1)] = -np.inf
        a = softmax(z)
        O = a @ V  # noqa: E741
        return O, (Q, K, V, a, O, scale)

    def backward(saved: Result, d: Any) -> Result:
        Q, K, V, a, O, scale = saved  # noqa: E741
        g = d @ V.T
        g -= np.einsum("qd,qd->q", d, O)[:, None]
        g *= a
        g *= scale
        return g @ K, g.T @ Q, a.T @ d

    return forward, backward


def attention_torch(causal: bool) -> Callable[[Any, Mapping[str, Any]], Any]:
    def plain(torch: Any, a: Mapping[str, Any]) -> Any:
        z = a["Q"] @ a["K"].T / math.sqrt(a["Q"].shape[1])
        if causal:
            z = z.masked_fill(torch.ones_like(z, dtype=torch.bool).triu(1), -math.inf)
        return torch.softmax(z, -1) @ a["V"]

    return plain


def attention_jax(causal: bool) -> Callable[[Any, Mapping[str, Any]], Any]:
    def plain(jax: Any, a: Mapping[str, Any]) -> Any:
        jnp = jax.numpy
        z = a["Q"] @ a["K"].T / math.sqrt(a["Q"].shape[1])
        if causal:
            z = jnp.where(jnp.tril(jnp.ones_like(z, dtype=bool)), z, -jnp.inf)
        return jax.nn.softmax(z) @ a["V"]

    return plain


def attention_fused(causal: bool) -> Callable[[Any, Mapping[str, Any]], Any]:
    def fused(torch: Any, a: Mapping[str, Any]) -> Any:
        with_heads = [a[name][None, None] for name in "QKV"]
        attend = torch.nn.functional.scaled_dot_product_attention
        return attend(*with_heads, is_causal=causal)[0, 0]

    return fused


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
        (n, d),
        ("Q", "K", "V"),
        sizes={"d": "D"},
    )


# A gated linear unit with GELU ---------------------------------------------------------------

_SQRT_HALF, _DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)


def _erf(x: Any) -> Any:
    """The error function by what a person without SciPy has: entry by entry, as the target does."""
    return np.frompyfunc(math.erf, 1, 1)(x).astype(x.dtype)


def gated_forward(u: Any, v: Any) -> Result:
    cdf = np.float32(0.5) * (1 + _erf(u * np.float32(_SQRT_HALF)))
    return u * cdf * v, (u, v, cdf)


def gated_backward(saved: Result, d: Any) -> Result:
    u, v, cdf = saved
    slope = np.exp(u * u * np.float32(-0.5))
    slope *= u
    slope *= np.float32(_DENSITY)
    slope += cdf
    slope *= v
    slope *= d
    return slope, u * cdf * d


def gated_torch(torch: Any, a: Mapping[str, Any]) -> Any:
    return a["u"] * (0.5 * (1 + torch.erf(a["u"] * _SQRT_HALF))) * a["v"]


def gated_jax(jax: Any, a: Mapping[str, Any]) -> Any:
    return a["u"] * (0.5 * (1 + jax.scipy.special.erf(a["u"] * _SQRT_HALF))) * a["v"]


def gated(b: int, n: int) -> Case:
    return Case(
        f"gated GELU {b}×{n}",
        "y_bi = u_bi Φ_bi v_bi; Φ_bi := (1 + erf(u_bi/√2))/2",
        lambda rng: {"u": normal(rng, b, n), "v": normal(rng, b, n)},
        (gated_forward, gated_backward),
        gated_torch,
        gated_jax,
        lambda torch, a: torch.nn.functional.gelu(a["u"]) * a["v"],
        (b, n),
        ("u", "v"),
    )


# Products with a Hessian ---------------------------------------------------------------------


def cross_entropy_hessian(x: Any, T: Any, v: Any) -> Result:
    s = softmax(x)
    weighted = s * v
    s *= weighted.sum(-1, keepdims=True)
    weighted -= s
    return (weighted,)


def hessian_of_cross_entropy(b: int, n: int) -> Case:
    return Case(
        f"Hessian-vector, cross-entropy {b}×{n}",
        SOFTMAX,
        lambda rng: {"x": normal(rng, b, n), "T": rng.integers(0, n, b), "v": normal(rng, b, n)},
        (cross_entropy_hessian,),
        lambda torch, a: cross_entropy_torch(torch, a).sum(),
        lambda jax, a: cross_entropy_jax(jax, a).sum(),
        cross_entropy_fused_sum,
        (),
        ("x",),
        goal="v_am ∂²c/∂x_am∂x_bn",
        loss="c = -1_b log(s_{b,T_b})",
    )


def cross_entropy_fused_sum(torch: Any, a: Mapping[str, Any]) -> Any:
    return cross_entropy_fused(torch, a).sum()


def logistic_hessian(X: Any, t: Any, w: Any, v: Any) -> Result:
    p = 1 / (1 + np.exp(-(X @ w)))
    return (X.T @ (p * (1 - p) * (X @ v)),)


def logistic_torch(torch: Any, a: Mapping[str, Any]) -> Any:
    z = a["X"] @ a["w"]
    p = torch.sigmoid(z)
    return -(a["t"] * torch.log(p) + (1 - a["t"]) * torch.log(1 - p)).sum()


def logistic_fused(torch: Any, a: Mapping[str, Any]) -> Any:
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    return loss(a["X"] @ a["w"], a["t"], reduction="sum")


def logistic_jax(jax: Any, a: Mapping[str, Any]) -> Any:
    z = a["X"] @ a["w"]
    return (jax.nn.softplus(z) - a["t"] * z).sum()


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
        (logistic_hessian,),
        logistic_torch,
        logistic_jax,
        logistic_fused,
        (),
        ("w",),
        goal="v_m ∂²c/∂w_m∂w_n",
        loss="c = -1_i (t_i log(p_i) + (1 - t_i) log(1 - p_i))",
    )


CASES = (
    cross_entropy(128, 256),
    cross_entropy(4096, 32000),
    layer_norm(4096, 1024),
    linear(512, 1024, 1024),
    attention(512, 64, causal=False),
    attention(512, 64, causal=True),
    gated(1024, 4096),
    hessian_of_cross_entropy(128, 256),
    hessian_of_logistic_regression(4096, 256),
)
