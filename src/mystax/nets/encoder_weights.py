"""Weights of a deep encoder as arrays, and its network as ONNX: written with onnx, run with onnxruntime."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from mystax.core.typing import Float, Float32, UInt8
from mystax.errors import WeightsError

__all__ = ["CLIP", "EPS", "EncoderNetwork", "MemberWeights", "evaluate", "evaluate_members", "pack_network"]

CLIP = 5.0
"""Features are clipped at so many sd."""
EPS = 1e-5
OPSET, IR_VERSION = 17, 8
MOST_DIFFERENCE = 1e-5
MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class MemberWeights:
    """One network: linear, norm, GELU, linear, GELU, linear; the last layer carries the unit of the scores.

    Attributes
    ----------
    first, first_bias : array (width, feature), (width,)
        First layer.
    gain, shift : array (width,)
        Norm over the units.
    second, second_bias : array (latent, width), (latent,)
        Second layer.
    last, last_bias : array (component, latent), (component,)
        Readout.
    """

    first: Float32[np.ndarray, "width feature"]
    first_bias: Float32[np.ndarray, " width"]
    gain: Float32[np.ndarray, " width"]
    shift: Float32[np.ndarray, " width"]
    second: Float32[np.ndarray, "latent width"]
    second_bias: Float32[np.ndarray, " latent"]
    last: Float32[np.ndarray, "component latent"]
    last_bias: Float32[np.ndarray, " component"]


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    found: np.ndarray = 0.5 * x * (1 + erf(x / np.sqrt(x.dtype.type(2))))
    return found


def evaluate(
    weights: MemberWeights, x: Float[np.ndarray, "time feature"]
) -> Float32[np.ndarray, "time component"]:
    """Predict scores with one network, in NumPy.

    Parameters
    ----------
    weights : MemberWeights
        The network.
    x : array (time, feature)
        Standardised features.

    Returns
    -------
    array (time, component)
        Scores.
    """
    h = np.clip(x, -CLIP, CLIP).astype(np.float32) @ weights.first.T + weights.first_bias
    h = h - h.mean(axis=1, keepdims=True)
    h = h / np.sqrt((h * h).mean(axis=1, keepdims=True) + np.float32(EPS)) * weights.gain + weights.shift
    h = _gelu(_gelu(h) @ weights.second.T + weights.second_bias)
    return np.asarray(h @ weights.last.T + weights.last_bias, np.float32)


def evaluate_members(
    members: Sequence[MemberWeights], x: Float[np.ndarray, "time feature"]
) -> Float32[np.ndarray, "time component"]:
    """Predict scores with the mean of several networks.

    Parameters
    ----------
    members : sequence of MemberWeights
        The networks.
    x : array (time, feature)
        Standardised features.

    Returns
    -------
    array (time, component)
        Scores.
    """
    found = np.zeros((len(x), len(members[0].last_bias)))
    for member in members:
        found += evaluate(member, x)
    return (found / len(members)).astype(np.float32)


def pack_network(members: Sequence[MemberWeights]) -> bytes:
    """Write the mean of several networks as one ONNX graph, and check that it says the same.

    Parameters
    ----------
    members : sequence of MemberWeights
        The networks.

    Returns
    -------
    bytes
        The model: input `features` (time, feature), output `scores` (time, component).

    Raises
    ------
    ExtraMissing
        X001, if onnx is not installed.
    WeightsError
        M701, if the graph differs from the networks by more than 1e-5 of the spread of the scores.
    """
    from mystax.core.extras import require

    require("onnx", "train")
    from onnx import helper, numpy_helper

    constants: list[Any] = []
    nodes: list[Any] = []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def gelu(x: str) -> str:
        inner = node("Erf", [node("Div", [x, "root"], f"{x}_d")], f"{x}_e")
        twice = node("Mul", [x, node("Add", [inner, "one"], f"{x}_p")], f"{x}_t")
        return node("Mul", [twice, "half"], f"{x}_g")

    for name, value in (("low", -CLIP), ("high", CLIP), ("root", np.sqrt(2)), ("one", 1.0), ("half", 0.5)):
        constant(name, np.array(value, np.float32))
    clipped = node("Clip", ["features", "low", "high"], "clipped")
    ends = []
    for number, member in enumerate(members):
        names = [constant(f"m{number}_{k}", value) for k, value in enumerate(astuple(member))]
        h = node("Gemm", [clipped, *names[0:2]], f"m{number}_a", transB=1)
        h = node("LayerNormalization", [h, *names[2:4]], f"m{number}_b", axis=-1, epsilon=EPS)
        h = node("Gemm", [gelu(h), *names[4:6]], f"m{number}_c", transB=1)
        ends.append(node("Gemm", [gelu(h), *names[6:8]], f"m{number}_out", transB=1))
    node("Mean", ends, "scores")
    n_features, n_components = members[0].first.shape[1], len(members[0].last_bias)
    graph = helper.make_graph(
        nodes,
        "mystax encoder",
        [helper.make_tensor_value_info("features", 1, ["time", n_features])],
        [helper.make_tensor_value_info("scores", 1, ["time", n_components])],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="mystax"
    )
    data = bytes(model.SerializeToString())
    _check(data, members, n_features)
    return data


def _check(data: bytes, members: Sequence[MemberWeights], n_features: int) -> None:
    x = np.random.default_rng(0).standard_normal((64, n_features)).astype(np.float32)
    wanted = evaluate_members(members, x)
    worst = float(np.abs(EncoderNetwork(data).predict(x) - wanted).max())
    if worst > MOST_DIFFERENCE * max(1.0, float(np.abs(wanted).max())):
        raise WeightsError(
            "M701",
            "network",
            "the stored network does not say what the fitted one says",
            expected=f"differences of at most {MOST_DIFFERENCE:g}",
            got=f"{worst:.2g}",
        )


class EncoderNetwork:
    """A stored network, run by onnxruntime: torch is not needed.

    Parameters
    ----------
    data : bytes
        From `pack_network`.

    Raises
    ------
    WeightsError
        M701, if it is no network of an encoder.
    """

    def __init__(self, data: bytes | UInt8[np.ndarray, " byte"]) -> None:
        import onnxruntime

        raw = data if isinstance(data, bytes) else data.tobytes()
        if len(raw) > MOST_BYTES:
            raise WeightsError(
                "M701", "network", "too large", expected="at most 64 MiB", got=f"{len(raw)} bytes"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
            inputs = [item.name for item in self._session.get_inputs()]
            outputs = [item.name for item in self._session.get_outputs()]
        except Exception as error:
            raise WeightsError("M701", "network", "not a network that can be run") from error
        if inputs != ["features"] or outputs != ["scores"]:
            raise WeightsError(
                "M701",
                "network",
                expected="features -> scores",
                got=f"{', '.join(inputs)} -> {', '.join(outputs)}",
            )

    def predict(self, x: Float[np.ndarray, "time feature"]) -> Float32[np.ndarray, "time component"]:
        """Predict scores.

        Parameters
        ----------
        x : array (time, feature)
            Standardised features.

        Returns
        -------
        array (time, component)
            Scores.
        """
        found: np.ndarray = self._session.run(["scores"], {"features": np.asarray(x, np.float32)})[0]
        return found
