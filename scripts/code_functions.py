"""What `bench_code.py` compares generated code with: by hand in NumPy, and in PyTorch and JAX.

Each problem has a careful person's NumPy, which works in place where it can, the function written
with operations of PyTorch and JAX that autograd goes through one by one, and PyTorch's own
operator where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Arrays = dict[str, Any]
Result = tuple[Any, ...]


# Cross-entropy --------------------------------------------------------------------------------


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
    s *= d[:, None]
    s[np.arange(len(T)), T] -= d
    return (s,)


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


# Layer norm -----------------------------------------------------------------------------------
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
    d_gamma = np.einsum("bh,bh->h", d, normed)
    normed *= along
    g -= mean
    g -= normed
    g *= inverse[:, None]
    return g, d_gamma, d.sum(0)


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


# Linear layer ---------------------------------------------------------------------------------


def linear_forward(x: Any, a: Any, b: Any) -> Result:
    y = x @ a.T
    y += b
    return y, (x, a)


def linear_backward(saved: Result, d: Any) -> Result:
    x, a = saved
    return d @ a, d.T @ x, d.sum(0)


def linear_plain(_: Any, a: Mapping[str, Any]) -> Any:
    return a["x"] @ a["a"].T + a["b"]


# Attention ------------------------------------------------------------------------------------


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


# A gated linear unit with GELU ----------------------------------------------------------------
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


# Products with a Hessian ----------------------------------------------------------------------


def cross_entropy_hessian(saved: Result, v: Any) -> Result:
    s, _ = saved
    weighted = s * v
    weighted -= s * weighted.sum(-1, keepdims=True)
    return (weighted,)


def cross_entropy_fused_sum(torch: Any, a: Mapping[str, Any]) -> Any:
    return cross_entropy_fused(torch, a).sum()


def logistic_forward(X: Any, t: Any, w: Any) -> Result:
    z = X @ w
    p = 1 / (1 + np.exp(-z))
    return (np.logaddexp(0, z) - t * z).sum(), (X, p)


def logistic_hessian(saved: Result, v: Any) -> Result:
    X, p = saved
    return ((p * (1 - p) * (X @ v)) @ X,)


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
