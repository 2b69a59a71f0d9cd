"""The functions of torch.nn.functional in index notation, each beside PyTorch's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

__all__ = ["CASES", "Case"]

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
F: Any = torch.nn.functional

Values = Mapping[str, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A function in index notation, and in PyTorch.

    `shapes` are those of the inputs, which are drawn with both signs unless they are `positive`
    or between zero and one, `probable`, or `fixed` to a number; `labels` have a shape and a number
    of values. `names` are the sizes of index letters, `sizes` their numbers where no shape tells.
    No derivative is asked for by what is `given` or fixed.
    """

    equations: str
    function: Callable[[Values], Any]
    shapes: Mapping[str, Shape]
    labels: Mapping[str, tuple[Shape, int]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    positive: str = ""
    probable: str = ""
    given: str = ""
    fixed: Mapping[str, float] = field(default_factory=dict)


def _map(formula: str, function: Callable[[Any], Any]) -> Case:
    """A function of each entry."""
    return Case(f"y_bi = {formula}", lambda v: function(v["x"]), {"x": (4, 5)})


def _loss(formula: str, function: Callable[[Any, Any], Any], **options: Any) -> Case:
    """A mean over all entries of something made of an input and a target."""
    return Case(
        f"z_bi = {formula}; c = (1/(B I)) 1_b 1_i z_bi",
        lambda v: function(v["x"], v["t"]),
        {"x": (4, 5), "t": (4, 5)},
        names={"b": "B", "i": "I"},
        **options,
    )


_HARDSIGMOID = "clip(x_bi + 3, 0, 6)/6"

ACTIVATIONS = {
    "relu": _map("relu(x_bi)", F.relu),
    "relu6": _map("clip(x_bi, 0, 6)", F.relu6),
    "threshold": _map("x_bi [x_bi > 0.1] + 20 [x_bi <= 0.1]", lambda x: F.threshold(x, 0.1, 20)),
    "hardtanh": _map("clip(x_bi, -1, 1)", F.hardtanh),
    "hardsigmoid": _map(_HARDSIGMOID, F.hardsigmoid),
    "hardswish": _map(f"x_bi {_HARDSIGMOID}", F.hardswish),
    "hardshrink": _map("x_bi [abs(x_bi) > 0.5]", F.hardshrink),
    "softshrink": _map("sign(x_bi) relu(abs(x_bi) - 0.5)", F.softshrink),
    "tanhshrink": _map("x_bi - tanh(x_bi)", F.tanhshrink),
    "leaky_relu": _map("leaky_relu(x_bi, 0.01)", F.leaky_relu),
    "rrelu (evaluation)": _map("leaky_relu(x_bi, 11/48)", F.rrelu),
    "prelu": Case(
        "y_bci = max(x_bci, 0) + 1_b 1_i a_c min(x_bci, 0)",
        lambda v: F.prelu(v["x"], v["a"]),
        {"x": (2, 3, 4), "a": (3,)},
    ),
    "elu": _map("max(x_bi, 0) + exp(min(x_bi, 0)) - 1", F.elu),
    "celu": _map("max(x_bi, 0) + 2 (exp(min(x_bi, 0)/2) - 1)", lambda x: F.celu(x, 2.0)),
    "selu": _map(
        "1.0507009873554804934193349852946 (max(x_bi, 0) "
        "+ 1.6732632423543772848170429916717 (exp(min(x_bi, 0)) - 1))",
        F.selu,
    ),
    "gelu": _map("x_bi (1 + erf(x_bi/sqrt(2)))/2", F.gelu),
    "gelu (tanh)": _map(
        "x_bi (1 + tanh(sqrt(2/π) (x_bi + 0.044715 x_bi^3)))/2",
        lambda x: F.gelu(x, approximate="tanh"),
    ),
    "silu": _map("x_bi sigmoid(x_bi)", F.silu),
    "mish": _map("x_bi tanh(softplus(x_bi))", F.mish),
    "sigmoid": _map("sigmoid(x_bi)", torch.sigmoid),
    "logsigmoid": _map("-softplus(-x_bi)", F.logsigmoid),
    "softplus": _map("softplus(x_bi)", F.softplus),
    "softplus (beta)": _map("softplus(3 x_bi)/3", lambda x: F.softplus(x, beta=3)),
    "softsign": _map("x_bi/(1 + abs(x_bi))", F.softsign),
    "tanh": _map("tanh(x_bi)", torch.tanh),
    "softmax": _map("exp(x_bi)/(1_j exp(x_bj))", lambda x: F.softmax(x, 1)),
    "softmin": _map("exp(-x_bi)/(1_j exp(-x_bj))", lambda x: F.softmin(x, 1)),
    "log_softmax": _map("x_bi - 1_i log(1_j exp(x_bj))", lambda x: F.log_softmax(x, 1)),
    "gumbel_softmax (noise given)": Case(
        "z_bi = (x_bi + g_bi)/τ; y_bi = exp(z_bi)/(1_j exp(z_bj))",
        lambda v: F.softmax((v["x"] + v["g"]) / v["τ"], 1),
        {"x": (4, 5), "g": (4, 5), "τ": ()},
        positive="τ",
    ),
    "glu": Case(
        "y_bi = x_{b,0,i} sigmoid(x_{b,1,i})",
        lambda v: F.glu(v["x"].flatten(1), 1),
        {"x": (4, 2, 3)},
    ),
}

NORMS = {
    "layer_norm": Case(
        "m_b = (1/H) 1_h x_bh; u_bh = x_bh - 1_h m_b; v_b = (1/H) 1_h u_bh^2; "
        "y_bh = γ_h u_bh/sqrt(v_b + ε) + 1_b β_h",
        lambda v: F.layer_norm(v["x"], v["γ"].shape, v["γ"], v["β"], 0.25),
        {"x": (4, 5), "γ": (5,), "β": (5,), "ε": ()},
        names={"h": "H"},
        fixed={"ε": 0.25},
    ),
    "rms_norm": Case(
        "r_b = sqrt((1/H) 1_h x_bh^2 + 1/4); y_bh = γ_h x_bh/r_b",
        lambda v: F.rms_norm(v["x"], v["γ"].shape, v["γ"], 0.25),
        {"x": (4, 5), "γ": (5,)},
        names={"h": "H"},
    ),
    "batch_norm": Case(
        "m_c = (1/(B I)) 1_b 1_i x_bci; u_bci = x_bci - 1_b 1_i m_c; "
        "v_c = (1/(B I)) 1_b 1_i u_bci^2; "
        "y_bci = γ_c u_bci/sqrt(v_c + 1/4) + 1_b 1_i β_c",
        lambda v: F.batch_norm(v["x"], None, None, v["γ"], v["β"], True, eps=0.25),
        {"x": (4, 3, 5), "γ": (3,), "β": (3,)},
        names={"b": "B", "i": "I"},
    ),
    "batch_norm (evaluation)": Case(
        "y_bc = γ_c (x_bc - 1_b m_c)/sqrt(v_c + 1/4) + 1_b β_c",
        lambda v: F.batch_norm(v["x"], v["m"], v["v"], v["γ"], v["β"], False, eps=0.25),
        {"x": (4, 3), "γ": (3,), "β": (3,), "m": (3,), "v": (3,)},
        positive="v",
        given="mv",
    ),
    "instance_norm": Case(
        "m_bc = (1/I) 1_i x_bci; u_bci = x_bci - 1_i m_bc; v_bc = (1/I) 1_i u_bci^2; "
        "y_bci = u_bci/sqrt(v_bc + 1/4)",
        lambda v: F.instance_norm(v["x"], eps=0.25),
        {"x": (4, 3, 5)},
        names={"i": "I"},
    ),
    "group_norm": Case(
        "z_bgci = x_{b,2g+c,i}; m_bg = (1/(C I)) 1_c 1_i z_bgci; "
        "u_bgci = z_bgci - 1_c 1_i m_bg; v_bg = (1/(C I)) 1_c 1_i u_bgci^2; "
        "n_bgci = u_bgci/sqrt(v_bg + 1/4); y_bki = γ_k n_{b,k//2,k%2,i} + 1_b 1_i β_k",
        lambda v: F.group_norm(v["x"], 3, v["γ"], v["β"], 0.25),
        {"x": (2, 6, 4), "γ": (6,), "β": (6,)},
        names={"c": "C", "i": "I", "g": "G"},
        sizes={"C": 2, "I": 4, "G": 3},
    ),
    "local_response_norm": Case(
        "d_bci = (1/5) 1_k x_{b,c+k-2,i}^2; y_bci = x_bci/(1 + 0.3 d_bci)^0.75",
        lambda v: F.local_response_norm(v["x"], 5, alpha=0.3, beta=0.75),
        {"x": (2, 6, 3)},
        names={"k": "K"},
        sizes={"K": 5},
    ),
    "normalize": Case(
        "n_b = sqrt(x_bi x_bi); y_bi = x_bi/max(n_b, 1e-12)",
        lambda v: F.normalize(v["x"]),
        {"x": (4, 5)},
    ),
}

LINEAR = {
    "linear": Case(
        "y_bo = x_bi w_oi + 1_b β_o",
        lambda v: F.linear(v["x"], v["w"], v["β"]),
        {"x": (4, 5), "w": (3, 5), "β": (3,)},
    ),
    "bilinear": Case(
        "y_bo = x_bi w_oij z_bj + 1_b β_o",
        lambda v: F.bilinear(v["x"], v["z"], v["w"], v["β"]),
        {"x": (4, 5), "z": (4, 2), "w": (3, 5, 2), "β": (3,)},
    ),
    "scaled_dot_product_attention": Case(
        "z_qk = (1/√D) Q_qd K_kd; a_qk = exp(z_qk)/(1_m exp(z_qm)); y_qv = a_qk V_kv",
        lambda v: F.scaled_dot_product_attention(v["Q"][None], v["K"][None], v["V"][None])[0],
        {"Q": (4, 3), "K": (5, 3), "V": (5, 2)},
        names={"d": "D"},
    ),
    "scaled_dot_product_attention (causal)": Case(
        "z_qk = (1/√D) Q_qd K_kd; a_qk = [k <= q] exp(z_qk)/([m <= q] exp(z_qm)); y_qv = a_qk V_kv",
        lambda v: F.scaled_dot_product_attention(
            v["Q"][None], v["K"][None], v["V"][None], is_causal=True
        )[0],
        {"Q": (4, 3), "K": (4, 3), "V": (4, 2)},
        names={"d": "D"},
    ),
    "embedding": Case(
        "y_{bsd} = E_{t_{bs},d}",
        lambda v: F.embedding(v["t"], v["E"]),
        {"E": (7, 3)},
        labels={"t": ((4, 5), 7)},
    ),
    "embedding_bag (mean)": Case(
        "y_bd = (1/S) 1_s E_{t_{bs},d}",
        lambda v: F.embedding_bag(v["t"], v["E"], mode="mean"),
        {"E": (7, 3)},
        labels={"t": ((4, 5), 7)},
        names={"s": "S"},
    ),
    "embedding_bag (sum, weights)": Case(
        "y_bd = w_bs E_{t_{bs},d}",
        lambda v: F.embedding_bag(v["t"], v["E"], mode="sum", per_sample_weights=v["w"]),
        {"E": (7, 3), "w": (4, 5)},
        labels={"t": ((4, 5), 7)},
    ),
    "dropout (mask given)": Case(
        "y_bi = (1/(1 - p)) m_bi x_bi",
        lambda v: v["x"] * v["m"] / (1 - v["p"]),
        {"x": (4, 5), "m": (4, 5), "p": ()},
        probable="p",
        given="mp",
    ),
    "alpha_dropout (mask given)": Case(
        "y_bi = a (m_bi x_bi + s (1_b 1_i - m_bi)) + q",
        lambda v: v["a"] * (v["x"] * v["m"] + v["s"] * (1 - v["m"])) + v["q"],
        {"x": (4, 5), "m": (4, 5), "a": (), "s": (), "q": ()},
        given="masq",
    ),
}


def _windows(x: Any) -> Any:
    """The windows of 2 by 3 entries, their places along the last axes."""
    rows, columns = x.shape[2] - 1, x.shape[3] - 2
    return F.unfold(x, (2, 3)).reshape(*x.shape[:2], 2, 3, rows, columns)


def _overlaid(x: Any) -> Any:
    """The sum of windows, each at its place."""
    high, wide, rows, columns = x.shape[2:]
    size = (rows + high - 1, columns + wide - 1)
    return F.fold(x.flatten(1, 3).flatten(2), size, (high, wide))


CONVOLUTIONS = {
    "conv1d": Case(
        "y_boi = x_{b,c,2i+3k-1} w_ock + 1_b 1_i β_o",
        lambda v: F.conv1d(v["x"], v["w"], v["β"], stride=2, padding=1, dilation=3),
        {"x": (2, 3, 11), "w": (2, 3, 3), "β": (2,)},
    ),
    "conv1d (groups)": Case(
        "y_bgoi = x_{b,2g+c,i+k} w_{g,o,c,k}",
        lambda v: F.conv1d(v["x"], v["w"].flatten(0, 1), groups=3).unflatten(1, (3, -1)),
        {"x": (2, 6, 5), "w": (3, 3, 2, 2)},
    ),
    "conv2d": Case(
        "y_boij = x_{b,c,2i+k-1,j+l} w_ockl",
        lambda v: F.conv2d(v["x"], v["w"], stride=(2, 1), padding=(1, 0)),
        {"x": (2, 3, 5, 4), "w": (2, 3, 3, 2)},
    ),
    "conv3d": Case(
        "y_ohij = x_{c,h+m,i+k,j+l} w_ocmkl",
        lambda v: F.conv3d(v["x"], v["w"]),
        {"x": (2, 3, 4, 3), "w": (2, 2, 2, 3, 2)},
    ),
    "conv_transpose1d": Case(
        "y_bon = x_bci w_{c,o,n-2i+1}",
        lambda v: F.conv_transpose1d(v["x"], v["w"], stride=2, padding=1),
        {"x": (2, 3, 4), "w": (3, 2, 3)},
    ),
    "conv_transpose2d": Case(
        "y_omn = x_cij w_{c,o,m-2i,n-j}",
        lambda v: F.conv_transpose2d(v["x"], v["w"], stride=(2, 1)),
        {"x": (3, 3, 2), "w": (3, 2, 2, 3)},
    ),
    "conv_tbc": Case(
        "y_tbo = x_{t+k,b,c} w_kco + 1_t 1_b β_o",
        lambda v: F.conv_tbc(v["x"], v["w"], v["β"]),
        {"x": (5, 2, 3), "w": (3, 3, 2), "β": (2,)},
    ),
    "conv_transpose3d": Case(
        "y_ohmn = x_cpij w_{c,o,h-p,m-i,n-j}",
        lambda v: F.conv_transpose3d(v["x"], v["w"]),
        {"x": (2, 2, 3, 2), "w": (2, 3, 2, 1, 2)},
    ),
    "unfold": Case(
        "y_{bcklij} = x_{b,c,i+k,j+l} 1_k 1_l",
        lambda v: _windows(v["x"]),
        {"x": (2, 2, 4, 4)},
        names={"k": "K", "l": "L", "i": "I", "j": "J"},
        sizes={"K": 2, "L": 3, "I": 3, "J": 2},
    ),
    "fold": Case(
        "y_{bcmn} = 1_k 1_l x_{b,c,k,l,m-k,n-l}",
        lambda v: _overlaid(v["x"]),
        {"x": (2, 2, 2, 3, 3, 2)},
    ),
}

POOLING = {
    "avg_pool1d": Case(
        "y_bci = (1/3) 1_k x_{b,c,2i+k-1}",
        lambda v: F.avg_pool1d(v["x"], 3, 2, 1),
        {"x": (2, 3, 7)},
        names={"k": "K"},
        sizes={"K": 3},
    ),
    "avg_pool2d": Case(
        "y_cij = (1/(K L)) 1_k 1_l x_{c,K i+k,L j+l}",
        lambda v: F.avg_pool2d(v["x"], (2, 3)),
        {"x": (3, 4, 6)},
        names={"k": "K", "l": "L"},
        sizes={"K": 2, "L": 3},
    ),
    "adaptive_avg_pool1d (divisible)": Case(
        "y_bci = (1/K) 1_k x_{b,c,K i+k}",
        lambda v: F.adaptive_avg_pool1d(v["x"], v["x"].shape[2] // 2),
        {"x": (2, 3, 6)},
        names={"k": "K"},
        sizes={"K": 2},
    ),
    "lp_pool1d": Case(
        "y_bci = (1_k abs(x_{b,c,3i+k})^p)^(1/p)",
        lambda v: F.lp_pool1d(v["x"].abs(), 3.0, 3),
        {"x": (2, 3, 6), "p": ()},
        names={"k": "K"},
        sizes={"K": 3},
        fixed={"p": 3},
    ),
    "avg_pool3d": Case(
        "y_hij = (1/(K L M)) 1_k 1_l 1_m x_{K h+k,L i+l,M j+m}",
        lambda v: F.avg_pool3d(v["x"][None], (2, 1, 3))[0],
        {"x": (4, 2, 6)},
        names={"k": "K", "l": "L", "m": "M"},
        sizes={"K": 2, "L": 1, "M": 3},
    ),
    "lp_pool2d": Case(
        "y_cij = (1_k 1_l x_{c,2i+k,2j+l}^2)^(1/2)",
        lambda v: F.lp_pool2d(v["x"], 2.0, 2),
        {"x": (3, 4, 6)},
        names={"k": "K", "l": "L"},
        sizes={"K": 2, "L": 2},
    ),
    "adaptive_max_pool1d (divisible)": Case(
        "y_bci = max_k(x_{b,c,2i+k})",
        lambda v: F.adaptive_max_pool1d(v["x"], v["x"].shape[2] // 2),
        {"x": (2, 3, 6)},
        names={"k": "K"},
        sizes={"K": 2},
    ),
    "max_pool3d": Case(
        "y_hij = max_{klm}(x_{2h+k,i+l,3j+m})",
        lambda v: F.max_pool3d(v["x"][None], (2, 1, 3))[0],
        {"x": (4, 2, 6)},
        names={"k": "K", "l": "L", "m": "M"},
        sizes={"K": 2, "L": 1, "M": 3},
    ),
    "max_pool1d": Case(
        "y_bci = max_k(x_{b,c,2i+k})",
        lambda v: F.max_pool1d(v["x"], 3, 2),
        {"x": (2, 3, 7)},
        names={"k": "K"},
        sizes={"K": 3},
    ),
    "max_pool2d": Case(
        "y_cij = max_{kl}(x_{c,2i+k,3j+l})",
        lambda v: F.max_pool2d(v["x"], (2, 3)),
        {"x": (3, 4, 6)},
        names={"k": "K", "l": "L"},
        sizes={"K": 2, "L": 3},
    ),
    "max_unpool1d": Case(
        "y_cn = x_ci δ_{n,t_{ci}}",
        lambda v: F.max_unpool1d(v["x"], v["t"], 2),
        {"x": (3, 4)},
        labels={"t": ((3, 4), 8)},
    ),
}

VISION = {
    "pixel_shuffle": Case(
        "y_bcij = x_{b,4c+2(i%2)+j%2,i//2,j//2}",
        lambda v: F.pixel_shuffle(v["x"], 2),
        {"x": (2, 8, 2, 3)},
    ),
    "pixel_unshuffle": Case(
        "y_bkij = x_{b,k//4,2i+k%4//2,2j+k%2}",
        lambda v: F.pixel_unshuffle(v["x"], 2),
        {"x": (2, 2, 4, 6)},
    ),
    "channel_shuffle": Case(
        "y_bki = x_{b,k%2*3+k//2,i}",
        lambda v: F.channel_shuffle(v["x"], 2),
        {"x": (2, 6, 4)},
    ),
    "pad (constant)": Case("y_bi = x_{b,i-2}", lambda v: F.pad(v["x"], (2, 1)), {"x": (3, 5)}),
    "pad (circular)": Case(
        "y_bi = x_{b,(i-2)%5}",
        lambda v: F.pad(v["x"][None], (2, 1), mode="circular")[0],
        {"x": (3, 5)},
    ),
    "pad (reflect)": Case(
        "y_bi = x_{b,i-2} [i >= 2] [i <= 6] + x_{b,2-i} [i < 2] + x_{b,10-i} [i > 6]",
        lambda v: F.pad(v["x"], (2, 2), mode="reflect"),
        {"x": (3, 5)},
    ),
    "pad (replicate)": Case(
        "y_bi = x_{b,i-2} + 1_i x_{b,0} [i < 2] + 1_i x_{b,4} [i > 6]",
        lambda v: F.pad(v["x"], (2, 1), mode="replicate"),
        {"x": (3, 5)},
    ),
    "interpolate (nearest)": Case(
        "y_bci = x_{b,c,i//3}", lambda v: F.interpolate(v["x"], scale_factor=3), {"x": (2, 3, 4)}
    ),
    "interpolate (bilinear, matrices given)": Case(
        "y_cmn = R_mi x_cij S_nj",
        lambda v: torch.einsum("mi,cij,nj->cmn", v["R"], v["x"], v["S"]),
        {"x": (3, 4, 5), "R": (7, 4), "S": (6, 5)},
    ),
    "affine_grid (base given)": Case(
        "y_bijk = g_ijm A_bkm",
        lambda v: torch.einsum("ijm,bkm->bijk", v["g"], v["A"]),
        {"g": (3, 4, 3), "A": (2, 2, 3)},
        given="g",
    ),
}

DISTANCES = {
    "pairwise_distance": Case(
        "d_b = (1_i abs(x_bi - z_bi + 1_b 1_i ε)^p)^(1/p)",
        lambda v: F.pairwise_distance(v["x"], v["z"], 3.0, 0.25),
        {"x": (4, 5), "z": (4, 5), "p": (), "ε": ()},
        fixed={"p": 3, "ε": 0.25},
    ),
    "cosine_similarity": Case(
        "c_b = x_bi z_bi/(sqrt(x_bj x_bj) sqrt(z_bk z_bk))",
        lambda v: F.cosine_similarity(v["x"], v["z"]),
        {"x": (4, 5), "z": (4, 5)},
    ),
    "pdist (all pairs)": Case(
        "d_ab = sqrt(1_i (1_b x_ai - 1_a x_bi)^2 + ε)",
        lambda v: ((v["x"][:, None] - v["x"]) ** 2).sum(2).add(v["ε"]).sqrt(),
        {"x": (4, 5), "ε": ()},
        positive="ε",
    ),
}

LOSSES = {
    "mse_loss": _loss("(x_bi - t_bi)^2", F.mse_loss),
    "l1_loss": _loss("abs(x_bi - t_bi)", F.l1_loss),
    "smooth_l1_loss": _loss(
        "(x_bi - t_bi)^2 [abs(x_bi - t_bi) < 1]/2 "
        "+ (abs(x_bi - t_bi) - 1/2) [abs(x_bi - t_bi) >= 1]",
        F.smooth_l1_loss,
    ),
    "huber_loss": _loss(
        "(x_bi - t_bi)^2 [abs(x_bi - t_bi) <= 0.7]/2 "
        "+ 0.7 (abs(x_bi - t_bi) - 0.35) [abs(x_bi - t_bi) > 0.7]",
        lambda x, t: F.huber_loss(x, t, delta=0.7),
    ),
    "binary_cross_entropy": _loss(
        "-t_bi log(x_bi) - (1_b 1_i - t_bi) log(1 - x_bi)",
        F.binary_cross_entropy,
        probable="xt",
        given="t",
    ),
    "binary_cross_entropy_with_logits": _loss(
        "softplus(x_bi) - t_bi x_bi", F.binary_cross_entropy_with_logits, probable="t"
    ),
    "poisson_nll_loss": _loss("exp(x_bi) - t_bi x_bi", F.poisson_nll_loss),
    "kl_div": Case(
        "c = (1/B) t_bi (log(t_bi) - x_bi)",
        lambda v: F.kl_div(v["x"], v["t"], reduction="batchmean"),
        {"x": (4, 5), "t": (4, 5)},
        names={"b": "B"},
        positive="t",
    ),
    "soft_margin_loss": _loss("softplus(-t_bi x_bi)", F.soft_margin_loss, given="t"),
    "hinge_embedding_loss": _loss(
        "x_bi [t_bi > 0] + max(0, 1 - x_bi) [t_bi < 0]",
        lambda x, t: F.hinge_embedding_loss(x, t.sign()),
        given="t",
    ),
    "gaussian_nll_loss": Case(
        "c = (1/(B I)) 1_b 1_i (log(v_bi) + (x_bi - t_bi)^2/v_bi)/2",
        lambda v: F.gaussian_nll_loss(v["x"], v["t"], v["v"]),
        {"x": (4, 5), "t": (4, 5), "v": (4, 5)},
        names={"b": "B", "i": "I"},
        positive="v",
    ),
    "margin_ranking_loss": Case(
        "c = (1/B) 1_b max(0, t_b (z_b - x_b) + m)",
        lambda v: F.margin_ranking_loss(v["x"], v["z"], v["t"], 0.25),
        {"x": (6,), "z": (6,), "t": (6,), "m": ()},
        names={"b": "B"},
        given="t",
        fixed={"m": 0.25},
    ),
    "triplet_margin_loss": Case(
        "d_b = sqrt(1_i (x_bi - z_bi + 1_b 1_i ε)^2); f_b = sqrt(1_i (x_bi - n_bi + 1_b 1_i ε)^2); "
        "c = (1/B) 1_b max(0, d_b - f_b + 1)",
        lambda v: F.triplet_margin_loss(v["x"], v["z"], v["n"], eps=0.25),
        {"x": (4, 5), "z": (4, 5), "n": (4, 5), "ε": ()},
        names={"b": "B"},
        fixed={"ε": 0.25},
    ),
    "cosine_embedding_loss (similar)": Case(
        "s_b = x_bi z_bi/sqrt((x_bj x_bj + ε) (z_bk z_bk + ε)); c = (1/B) 1_b (1 - s_b)",
        lambda v: F.cosine_embedding_loss(v["x"], v["z"], torch.ones(len(v["x"]))),
        {"x": (4, 5), "z": (4, 5), "ε": ()},
        names={"b": "B"},
        fixed={"ε": 1e-12},
    ),
    "multilabel_soft_margin_loss": _loss(
        "softplus(-x_bi) + (1_b 1_i - t_bi) x_bi", F.multilabel_soft_margin_loss
    ),
    "nll_loss": Case(
        "c = -(1_b w_{T_b} x_{b,T_b})/(1_a w_{T_a})",
        lambda v: F.nll_loss(v["x"], v["T"], v["w"]),
        {"x": (4, 5), "w": (5,)},
        labels={"T": ((4,), 5)},
        positive="w",
        given="w",
    ),
    "cross_entropy": Case(
        "s_bi = exp(x_bi)/(1_j exp(x_bj)); c = -(1/B) 1_b log(s_{b,T_b})",
        lambda v: F.cross_entropy(v["x"], v["T"]),
        {"x": (4, 5)},
        labels={"T": ((4,), 5)},
        names={"b": "B"},
    ),
    "cross_entropy (label smoothing)": Case(
        "p_bi = x_bi - 1_i log(1_j exp(x_bj)); c_b = -(1 - α) p_{b,T_b} - (α/I) 1_i p_bi",
        lambda v: F.cross_entropy(v["x"], v["T"], label_smoothing=0.25, reduction="none"),
        {"x": (4, 5), "α": ()},
        labels={"T": ((4,), 5)},
        names={"i": "I"},
        fixed={"α": 0.25},
    ),
    "cross_entropy (probabilities)": Case(
        "c_b = -t_bi (x_bi - 1_i log(1_j exp(x_bj)))",
        lambda v: F.cross_entropy(v["x"], v["t"], reduction="none"),
        {"x": (4, 5), "t": (4, 5)},
        positive="t",
    ),
    "multi_margin_loss": Case(
        "c_b = (1/I) 1_i (1_b 1_i - δ_{i,T_b}) max(0, 1 - 1_i x_{b,T_b} + x_bi)",
        lambda v: F.multi_margin_loss(v["x"], v["T"], reduction="none"),
        {"x": (4, 5)},
        labels={"T": ((4,), 5)},
        names={"i": "I"},
    ),
}

_ENCODER_LAYER = """
q_shd = x_sm Wq_hdm; k_shd = x_sm Wk_hdm; v_shd = x_sm Wv_hdm
z_hst = (1/√D) q_shd k_thd; a_hst = exp(z_hst)/(1_r exp(z_hsr)); o_shd = a_hst v_thd
u_sm = x_sm + o_shd Wo_mhd
μ_s = (1/M) 1_m u_sm; c_sm = u_sm - 1_m μ_s; σ_s = sqrt((1/M) 1_m c_sm^2 + 1/4)
n_sm = γ_m c_sm/σ_s + 1_s β_m
f_sj = relu(n_sm A_jm + 1_s b_j); g_sm = n_sm + f_sj B_mj
ν_s = (1/M) 1_m g_sm; e_sm = g_sm - 1_m ν_s; τ_s = sqrt((1/M) 1_m e_sm^2 + 1/4)
y_sm = e_sm/τ_s
"""


def _encoder_layer(v: Values) -> Any:
    """A whole encoder layer of a transformer, of PyTorch's parts: three tokens, two heads."""
    q, k, w = (torch.einsum("sm,hdm->hsd", v["x"], v[name]) for name in ("Wq", "Wk", "Wv"))
    o = F.scaled_dot_product_attention(q[None], k[None], w[None])[0]
    u = v["x"] + torch.einsum("hsd,mhd->sm", o, v["Wo"])
    n = F.layer_norm(u, v["γ"].shape, v["γ"], v["β"], 0.25)
    f = F.relu(F.linear(n, v["A"], v["b"]))
    return F.layer_norm(n + F.linear(f, v["B"]), v["γ"].shape, eps=0.25)


CELLS = {
    "TransformerEncoderLayer": Case(
        _ENCODER_LAYER,
        lambda v: _encoder_layer(v),
        {
            "x": (3, 4),
            "Wq": (2, 5, 4),
            "Wk": (2, 5, 4),
            "Wv": (2, 5, 4),
            "Wo": (4, 2, 5),
            "γ": (4,),
            "β": (4,),
            "A": (6, 4),
            "b": (6,),
            "B": (4, 6),
        },
        names={"d": "D", "m": "M"},
    ),
    "RNNCell": Case(
        "y_bi = tanh(x_bj w_ij + h_bj u_ij + 1_b β_i)",
        lambda v: torch.tanh(v["x"] @ v["w"].T + v["h"] @ v["u"].T + v["β"]),
        {"x": (3, 4), "w": (5, 4), "h": (3, 5), "u": (5, 5), "β": (5,)},
    ),
    "GRUCell": Case(
        "r_bi = sigmoid(x_bj w_ij + h_bk u_ik); z_bi = sigmoid(x_bj p_ij + h_bk q_ik); "
        "n_bi = tanh(x_bj a_ij + r_bi (h_bk g_ik)); "
        "y_bi = (1_b 1_i - z_bi) n_bi + z_bi h_bi",
        lambda v: _gru(v),
        {
            "x": (2, 3),
            "h": (2, 4),
            "w": (4, 3),
            "p": (4, 3),
            "a": (4, 3),
            "u": (4, 4),
            "q": (4, 4),
            "g": (4, 4),
        },
    ),
    "LSTMCell": Case(
        "i_bk = sigmoid(x_bj w_kj + h_bm u_km); f_bk = sigmoid(x_bj p_kj + h_bm q_km); "
        "g_bk = tanh(x_bj a_kj + h_bm g0_km); o_bk = sigmoid(x_bj r_kj + h_bm s_km); "
        "c_bk = f_bk d_bk + i_bk g_bk; y_bk = o_bk tanh(c_bk)",
        lambda v: _lstm(v),
        {
            "x": (2, 3),
            "h": (2, 4),
            "d": (2, 4),
            "w": (4, 3),
            "p": (4, 3),
            "a": (4, 3),
            "r": (4, 3),
            "u": (4, 4),
            "q": (4, 4),
            "g0": (4, 4),
            "s": (4, 4),
        },
    ),
}


def _gru(v: Values) -> Any:
    cell = torch.nn.GRUCell(v["x"].shape[1], v["h"].shape[1], bias=False, dtype=v["x"].dtype)
    weights = {
        "weight_ih": torch.cat([v["w"], v["p"], v["a"]]),
        "weight_hh": torch.cat([v["u"], v["q"], v["g"]]),
    }
    return torch.func.functional_call(cell, weights, (v["x"], v["h"]))


def _lstm(v: Values) -> Any:
    cell = torch.nn.LSTMCell(v["x"].shape[1], v["h"].shape[1], bias=False, dtype=v["x"].dtype)
    weights = {
        "weight_ih": torch.cat([v["w"], v["p"], v["a"], v["r"]]),
        "weight_hh": torch.cat([v["u"], v["q"], v["g0"], v["s"]]),
    }
    return torch.func.functional_call(cell, weights, (v["x"], (v["h"], v["d"])))[0]


CASES: Mapping[str, Case] = {
    name: case
    for table in (
        ACTIVATIONS,
        NORMS,
        LINEAR,
        CONVOLUTIONS,
        POOLING,
        VISION,
        DISTANCES,
        LOSSES,
        CELLS,
    )
    for name, case in table.items()
}
