"""What `bench_code.py` compares convolutions and look-ups with; see `code_functions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from code_functions import Result

# Convolution -----------------------------------------------------------------------------------


def _patches(x: Any, k: int) -> Any:
    """The windows of each image, the places in them first, so that rows are copied whole."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))
    return windows.transpose(0, 3, 4, 1, 2)


def convolution_forward(x: Any, w: Any) -> Result:
    b, c, h, _ = x.shape
    o, _, k, _ = w.shape
    m = h - k + 1
    y = np.empty((b, o, m, m), x.dtype)
    matrix = w.reshape(o, -1)
    for image, result in zip(x, y, strict=True):
        np.matmul(matrix, _patches(image, k).reshape(c * k * k, -1), out=result.reshape(o, -1))
    return y, (x, w)


def convolution_backward(saved: Result, d: Any) -> Result:
    x, w = saved
    c = x.shape[1]
    o, _, k, _ = w.shape
    m = d.shape[2]
    d_x, d_w = np.zeros_like(x), np.zeros((o, c * k * k), w.dtype)
    matrix = np.ascontiguousarray(w.reshape(o, -1).T)
    for image, result, g in zip(x, d_x, d.reshape(len(d), o, -1), strict=True):
        d_w += g @ _patches(image, k).reshape(c * k * k, -1).T
        parts = (matrix @ g).reshape(c, k, k, m, m)
        for p in range(k):
            for q in range(k):
                result[:, p : p + m, q : q + m] += parts[:, p, q]
    return d_x, d_w.reshape(w.shape)


def convolution_torch(torch: Any, a: Mapping[str, Any]) -> Any:
    k = a["w"].shape[-1]
    windows = a["x"].unfold(2, k, 1).unfold(3, k, 1)
    return torch.einsum("bcijkl,ockl->boij", windows, a["w"])


def convolution_fused(torch: Any, a: Mapping[str, Any]) -> Any:
    return torch.nn.functional.conv2d(a["x"], a["w"])


def convolution_jax(jax: Any, a: Mapping[str, Any]) -> Any:
    return jax.lax.conv(a["x"], a["w"], (1, 1), "VALID")


# Embedding -------------------------------------------------------------------------------------


def embedding_forward(E: Any, T: Any) -> Result:
    return E[T], (T, E.shape[0])


def embedding_backward(saved: Result, d: Any) -> Result:
    T, n = saved
    g = np.zeros((n, d.shape[1]), d.dtype)
    for row, value in zip(T.tolist(), d, strict=True):
        g[row] += value
    return (g,)


def embedding_plain(_: Any, a: Mapping[str, Any]) -> Any:
    return a["E"][a["T"]]


def embedding_fused(torch: Any, a: Mapping[str, Any]) -> Any:
    return torch.nn.functional.embedding(a["T"], a["E"])
