"""From torch to ONNX: norms folded into convolutions, float16 weights, checked against torch."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from mystax.core.typing import Float32
from mystax.errors import InternalError
from mystax.io.weights_notes import WeightsInfo
from mystax.nets.confidence import Calibration
from mystax.nets.decode import decode
from mystax.nets.shape_prior import ShapePrior
from mystax.nets.tracker import ConvUnit, Dense, Residual

__all__ = ["Graph", "export_dense", "fold_norms", "pack_weights"]

OPSET = 17
IR_VERSION = 8  # the one that belongs to opset 17: read by every onnxruntime of the last years
MOST_DIFFERENCE = 1e-3


def fold_norms(net: Dense, *, is_half: bool = True) -> Dense:
    """Return the network with its norms folded into the convolutions before them.

    Parameters
    ----------
    net : Dense
        A trained network.
    is_half : bool, optional
        Whether weights are rounded to what float16 can hold (True).

    Returns
    -------
    Dense
        In evaluation mode; the same function as `net` in evaluation mode, but for rounding.
    """
    folded = copy.deepcopy(net).eval()
    for module in list(folded.modules()):
        if isinstance(module, nn.Sequential) and len(module) >= 2:
            conv, norm = module[0], module[1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[0] = _fold(conv, norm)
                module[1] = nn.Identity()
    if is_half:
        for parameter in folded.parameters():
            parameter.data = parameter.data.half().float()
    return folded.requires_grad_(requires_grad=False)


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Return one convolution that does what a convolution and a norm do."""
    mean, var = norm.running_mean, norm.running_var
    if mean is None or var is None:
        raise InternalError("B999", "export", "a norm without running figures")
    gain = norm.weight.detach() / torch.sqrt(var + norm.eps)
    both = copy.deepcopy(conv)
    both.bias = nn.Parameter(torch.zeros(conv.out_channels))
    both.weight.data = conv.weight.detach() * gain[:, None, None, None]
    both.bias.data = norm.bias.detach() - mean * gain
    return both


class Graph:
    """An ONNX graph under construction.

    Parameters
    ----------
    is_half : bool, optional
        Whether weights are stored as float16 (True).
    """

    def __init__(self, *, is_half: bool = True) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._is_half = is_half
        self._count = 0

    def add(self, operator: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        self._count += 1
        output = output or f"v{self._count}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, value: np.ndarray, *, is_weight: bool = True) -> str:
        """Add numbers; return their name as float32 (weights) or as they are."""
        self._count += 1
        name = f"w{self._count}"
        if not is_weight:
            self.weights.append(numpy_helper.from_array(value, name))
            return name
        kept = np.ascontiguousarray(value, np.float16 if self._is_half else np.float32)
        self.weights.append(numpy_helper.from_array(kept, name))
        return self.add("Cast", [name], to=TensorProto.FLOAT) if self._is_half else name

    def convolve(self, maps: str, conv: nn.Conv2d, output: str = "") -> str:
        """Add a convolution."""
        inputs = [maps, self.constant(conv.weight.detach().numpy())]
        if conv.bias is not None:
            inputs.append(self.constant(conv.bias.detach().numpy()))
        kernel, stride, pad = conv.kernel_size, conv.stride, conv.padding
        pads = [int(pad[0]), int(pad[1])] * 2 if not isinstance(pad, str) else [0, 0, 0, 0]
        return self.add("Conv", inputs, output, kernel_shape=list(kernel), strides=list(stride), pads=pads)

    def double(self, maps: str) -> str:
        """Add a doubling of the size by repetition."""
        scales = self.constant(np.array([1, 1, 2, 2], np.float32), is_weight=False)
        return self.add(
            "Resize",
            [maps, "", scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def to_bytes(self, size: int, outputs: dict[str, list[int | str]], metadata: Mapping[str, str]) -> bytes:
        """Return the checked model: input ``crops`` (n, 1, size, size) and the named outputs."""
        image = helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["n", 1, size, size])
        results = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()
        ]
        graph = helper.make_graph(self.nodes, "mystax", [image], results, self.weights)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="mystax",
        )
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString()
        return data


def export_dense(net: Dense, size: int, metadata: Mapping[str, str]) -> bytes:
    """Write a network as ONNX, and check it against torch.

    Parameters
    ----------
    net : Dense
        A trained network.
    size : int
        Side of the crops [px].
    metadata : mapping of str to str
        Notes to store (`WeightsInfo.to_metadata`).

    Returns
    -------
    bytes
        The model: input ``crops`` (n, 1, size, size), outputs ``cells`` (n, K, size/4, size/4) and ``null``.

    Raises
    ------
    InternalError
        B999, if the graph does not do what torch does.
    """
    return _export([net], size, metadata)


def _add_network(graph: Graph, folded: Dense) -> tuple[str, str]:
    """Add a folded network to a graph; return the names of its cells and null logits."""
    maps = "crops"
    for part in folded.stem:
        maps = _add_module(graph, maps, part)
    levels = [maps]
    for stage in folded.stages:
        if not isinstance(stage, nn.Sequential):
            raise InternalError("B999", "export", "a stage of an unknown kind")
        for part in stage:
            maps = _add_module(graph, maps, part)
        levels.append(maps)
    summary = graph.add("Flatten", [graph.add("GlobalAveragePool", [maps])], axis=1)
    null = graph.add(
        "Gemm",
        [
            summary,
            graph.constant(folded.null.weight.detach().numpy()),
            graph.constant(folded.null.bias.detach().numpy()),
        ],
        transB=1,
    )
    merged = graph.convolve(levels[-1], _as_conv(folded.laterals[-1]))
    for level in range(len(folded.stages) - 1, -1, -1):
        lateral = graph.convolve(levels[level], _as_conv(folded.laterals[level]))
        merged = _add_module(graph, graph.add("Add", [lateral, graph.double(merged)]), folded.merges[level])
    return graph.convolve(merged, folded.head), null


def _export(nets: Sequence[Dense], size: int, metadata: Mapping[str, str]) -> bytes:
    """Write networks side by side, and check each against torch."""
    graph = Graph()
    folded = [fold_norms(net) for net in nets]
    names = [_add_network(graph, net) for net in folded]
    for output, parts in zip(("cells", "null"), zip(*names, strict=True), strict=True):
        graph.add(
            "Concat" if len(parts) > 1 else "Identity",
            list(parts),
            output,
            **({"axis": 1} if len(parts) > 1 else {}),
        )
    n_maps, cells = sum(net.n_keypoints for net in nets), size // 4
    data = graph.to_bytes(size, {"cells": ["n", n_maps, cells, cells], "null": ["n", n_maps]}, metadata)
    _check(data, folded, size)
    return data


def pack_weights(
    nets: Dense | Sequence[Dense],
    *,
    size: int,
    points: Sequence[str],
    keypoints: str = "",
    box: str = "auto",
    calibration: Calibration | None = None,
    prior: ShapePrior | None = None,
    provenance: Mapping[str, object] | None = None,
) -> tuple[bytes, dict[str, np.ndarray], WeightsInfo]:
    """Turn a trained network, or an ensemble, into what `mystax.io.weights.write_weights` writes.

    Parameters
    ----------
    nets : Dense or sequence of Dense
        The network; several of one width and the same points become an ensemble.
    size : int
        Side of the crops [px].
    points : sequence of str
        Ids of its points.
    keypoints : str, optional
        The keypoint set, as TOML.
    box : str, optional
        ``auto`` or ``frame``.
    calibration, prior : optional
        What turns maps into confidence.
    provenance : mapping, optional
        How it was trained.

    Returns
    -------
    onnx : bytes
        The model.
    tensors : dict of str to array
        Weights for training: convolutions in float16, the rest in float32; names of an ensemble's
        members begin with their numbers (``0.``).
    info : WeightsInfo
        The notes, which the model carries too.
    """
    beside: dict[str, np.ndarray] = {}
    if calibration is not None and calibration.origin != "none":
        beside |= calibration.tensors()
    if prior is not None:
        beside |= prior.tensors()
    members = [nets] if isinstance(nets, Dense) else list(nets)
    info = WeightsInfo(
        arch="dense",
        width=members[0].width,
        members=len(members),
        size=size,
        points=tuple(points),
        keypoints=keypoints,
        box=box,
        calibration="none" if calibration is None else calibration.origin,
        provenance=dict(provenance or {}),
        tensors=beside,
    )
    tensors = {
        f"{number}.{name}" if len(members) > 1 else name: (
            value.half().numpy() if value.ndim == 4 else value.numpy()
        )
        for number, net in enumerate(members)
        for name, value in net.state_dict().items()
    }
    return _export(members, size, info.to_metadata()), tensors, info


def _as_conv(module: nn.Module) -> nn.Conv2d:
    if not isinstance(module, nn.Conv2d):
        raise InternalError("B999", "export", "a lateral of an unknown kind")
    return module


def _add_module(graph: Graph, maps: str, module: nn.Module) -> str:
    """Add one block of the network."""
    if isinstance(module, ConvUnit):
        return graph.add("Relu", [graph.convolve(maps, _as_conv(module[0]))])
    if isinstance(module, Residual):
        inner = _add_module(graph, maps, module.first)
        inner = graph.convolve(inner, _as_conv(module.second[0]))
        return graph.add("Relu", [graph.add("Add", [maps, inner])])
    raise InternalError("B999", "export", f"a block of an unknown kind: {type(module).__name__}")


def _check(data: bytes, folded: Sequence[Dense], size: int) -> None:
    """Compare the model with torch on pictures of noise: places within 0.001 px."""
    rng = np.random.default_rng(5)
    crops: Float32[np.ndarray, "n 1 y x"] = rng.random((3, 1, size, size), dtype=np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    cells, null = session.run(["cells", "null"], {"crops": crops})
    with torch.no_grad():
        made = [net(torch.from_numpy(crops)) for net in folded]
    cells_torch, null_torch = (torch.cat(parts, dim=1).numpy() for parts in zip(*made, strict=True))
    scale = max(1.0, float(np.abs(cells_torch).max()), float(np.abs(null_torch).max()))
    difference = max(float(np.abs(cells - cells_torch).max()), float(np.abs(null - null_torch).max()))
    # Where two cells are nearly equal the start of the decoding may change: only equal starts are compared.
    flat, flat_torch = (v.reshape(*v.shape[:2], -1).argmax(axis=-1) for v in (cells, cells_torch))
    moved = np.abs(decode(cells, null).xy - decode(cells_torch, null_torch).xy)[flat == flat_torch]
    if difference > 1e-4 * scale or (moved.size and float(moved.max()) > MOST_DIFFERENCE):
        raise InternalError(
            "B999",
            "export",
            "the ONNX graph does not do what torch does",
            expected=f"places within {MOST_DIFFERENCE} px",
            got=f"{float(moved.max()) if moved.size else np.nan:.2g} px, logits {difference:.2g}",
        )
