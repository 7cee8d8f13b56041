"""Facemap's keypoint network: read its checkpoint, write it as mystax weights.

Nothing is shipped or downloaded: the user brings the file.  Prediction with the written weights needs
onnxruntime only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.core.extras import require
from mystax.core.keypoints import KeypointSet
from mystax.core.typing import Float32
from mystax.errors import FormatError, WeightsError
from mystax.io.foreign import read_foreign
from mystax.io.formats.facemap_keypoints import FACEMAP_SET
from mystax.io.weights import write_weights
from mystax.io.weights_notes import WeightsInfo

__all__ = [
    "FACEMAP_POINTS",
    "FacemapWeights",
    "check_state",
    "convert_facemap",
    "import_facemap",
    "read_state",
]

SIZE = 256
MEMORY = 8 << 30  # address space, most of it torch's own libraries
SECONDS = 120

FACEMAP_POINTS = (
    *("eye_back", "eye_bottom", "eye_front", "eye_top", "lower_lip", "mouth", "nose_bottom", "nose_far"),
    *("nose_tip", "nose_top", "nosebridge", "paw", "whisker_I", "whisker_III", "whisker_II"),
)
"""Ids of Facemap's 15 points in the order of its maps."""

_NORM = ("weight", "bias", "running_mean", "running_var")


def read_state(path: str) -> dict[str, Float32[np.ndarray, "..."]]:
    """Read a checkpoint of torch as plain arrays; meant for a child process (`mystax.io.foreign`).

    Parameters
    ----------
    path : str
        A state dict, as ``torch.save`` wrote it.

    Returns
    -------
    dict of str to array
        Its tensors.

    Raises
    ------
    FormatError
        F801, if the file wants to run code or holds anything but tensors and plain values; F804, if it is no
        checkpoint.
    """
    torch = require("torch", "train")
    import pickle
    import warnings

    where = Path(path).name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle's protocol: what is refused says so below
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FormatError(
            "F801",
            where,
            "the file holds more than tensors, and is not opened in another way",
            got=str(error).splitlines()[0][:160],
            hint="save the model's state_dict alone: torch.save(model.state_dict(), FILE)",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise FormatError("F804", where, f"this is no checkpoint of torch ({str(error)[:160]})") from error
    for key in ("state_dict", "model_state_dict"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not found:
        raise FormatError("F804", where, expected="a state dict of tensors", got=type(found).__name__)
    return {
        str(name).removeprefix("module."): value.detach().float().numpy()
        for name, value in found.items()
        if isinstance(value, torch.Tensor)
    }


@dataclass(frozen=True)
class FacemapWeights:
    """A checkpoint that fits Facemap's network.

    Attributes
    ----------
    tensors : mapping of str to array
        All that the network needs, by Facemap's names.
    widths : tuple of int
        Channels of the five encoder levels.
    n_keypoints : int
        Number of points.
    """

    tensors: Mapping[str, Float32[np.ndarray, "..."]]
    widths: tuple[int, ...]
    n_keypoints: int


def _shapes(widths: Sequence[int], n_keypoints: int) -> dict[str, tuple[int, ...]]:
    """List the names and shapes of all tensors of a network of given widths."""
    found: dict[str, tuple[int, ...]] = {}

    def unit(norm: str, weight: str, n_in: int, n_out: int) -> None:
        found.update({f"{norm}.{part}": (n_in,) for part in _NORM})
        found[f"{weight}.weight"] = (n_out, n_in, 3, 3)

    before = 1
    for k, width in enumerate(widths):
        place = f"Conv.conv{k}.conv"
        unit(f"{place}.conv_0.0", f"{place}.conv_0.{1 if k == 0 else 2}", before, width)
        unit(f"{place}.conv_1.0", f"{place}.conv_1.2", width, width)
        before = width
    for k, level in enumerate((3, 2)):
        place = f"Up_conv.upconv{k}.conv"
        unit(f"{place}.conv_0.0", f"{place}.conv_0.2", before + widths[level], widths[level])
        unit(f"{place}.conv_1.0", f"{place}.conv_1.2", widths[level], widths[level])
        before = widths[level]
    for k in range(3):
        found[f"Conv2_1x1.conv{k}.weight"] = (n_keypoints, before, 1, 1)
        found[f"Conv2_1x1.conv{k}.bias"] = (n_keypoints,)
    return found


def check_state(state: Mapping[str, np.ndarray], where: str) -> FacemapWeights:
    """Find widths and number of points of a checkpoint, and check every tensor.

    Parameters
    ----------
    state : mapping of str to array
        Tensors by name.
    where : str
        Name of the file, for messages.

    Returns
    -------
    FacemapWeights
        The tensors that the network needs.

    Raises
    ------
    WeightsError
        M702, if a tensor is missing or has another shape, or holds no finite numbers.
    """
    firsts = [f"Conv.conv{k}.conv.conv_0.{1 if k == 0 else 2}.weight" for k in range(5)]
    head = "Conv2_1x1.conv0.weight"
    for name in (*firsts, head):
        if name not in state or state[name].ndim != 4:
            raise WeightsError(
                "M702",
                where,
                "this is no checkpoint of Facemap's keypoint network",
                expected=f"the tensor {name!r}",
                got=", ".join(sorted(state)[:4]) or "nothing",
            )
    widths = tuple(int(state[name].shape[0]) for name in firsts)
    n_keypoints = int(state[head].shape[0])
    kept: dict[str, np.ndarray] = {}
    for name, shape in _shapes(widths, n_keypoints).items():
        value = state.get(name)
        if value is None or value.shape != shape:
            got = "none" if value is None else str(list(value.shape))
            raise WeightsError("M702", where, expected=f"{name} {list(shape)}", got=got)
        if not np.isfinite(value).all():
            raise WeightsError("M702", where, expected=f"finite numbers in {name}", got="NaN or infinity")
        kept[name] = np.asarray(value, np.float32)
    return FacemapWeights(kept, widths, n_keypoints)


def export_facemap(weights: FacemapWeights, metadata: Mapping[str, str]) -> bytes:
    """Write Facemap's network as ONNX: outputs ``cells``, ``down`` and ``right`` (n, K, 64, 64)."""
    from mystax.nets.export import Graph

    graph = Graph(is_half=False)
    tensors = weights.tensors

    def unit(maps: str, norm: str, weight: str, *, has_relu: bool = True) -> str:
        inputs = [maps, *(graph.constant(tensors[f"{norm}.{part}"]) for part in _NORM)]
        maps = graph.add("BatchNormalization", inputs, epsilon=1e-5)
        if has_relu:
            maps = graph.add("Relu", [maps])
        inputs = [maps, graph.constant(tensors[f"{weight}.weight"])]
        return graph.add("Conv", inputs, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def block(maps: str, place: str, *, is_first: bool = False) -> str:
        maps = unit(
            maps, f"{place}.conv_0.0", f"{place}.conv_0.{1 if is_first else 2}", has_relu=not is_first
        )
        return unit(maps, f"{place}.conv_1.0", f"{place}.conv_1.2")

    maps = block("crops", "Conv.conv0.conv", is_first=True)
    levels = [maps]
    for k in range(1, 5):
        maps = graph.add("MaxPool", [maps], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        maps = block(maps, f"Conv.conv{k}.conv")
        levels.append(maps)
    for k, level in enumerate((3, 2)):
        joined = graph.add("Concat", [graph.double(maps), levels[level]], axis=1)
        maps = block(joined, f"Up_conv.upconv{k}.conv")
    for k, name in enumerate(("heat", "down", "right")):
        inputs = [
            maps,
            graph.constant(tensors[f"Conv2_1x1.conv{k}.weight"]),
            graph.constant(tensors[f"Conv2_1x1.conv{k}.bias"]),
        ]
        graph.add("Conv", inputs, name, kernel_shape=[1, 1])
    graph.add("Relu", ["heat"], "cells")
    shape: list[int | str] = ["n", weights.n_keypoints, SIZE // 4, SIZE // 4]
    return graph.to_bytes(SIZE, dict.fromkeys(("cells", "down", "right"), shape), metadata)


def _shipped_set(ids: Sequence[str]) -> str:
    """Return the shipped set of Facemap's 15 points as TOML; nothing for points of another name."""
    every = KeypointSet.load(FACEMAP_SET)
    return every.to_toml() if set(every.ids) == set(ids) else ""


def import_facemap(
    path: Path,
    folder: Path,
    name: str,
    *,
    points: Sequence[str] = (),
    keypoints: str = "",
    normalise: str = "crop",
) -> Path:
    """Turn a checkpoint of Facemap into weights of mystax.

    Parameters
    ----------
    path : Path
        The user's own file: Facemap's state dict, or one fine-tuned with Facemap.
    folder : Path
        Where to write.
    name : str
        Name of the weights.
    points : sequence of str, optional
        Ids of the points in the order of the maps; by default Facemap's own 15.
    keypoints : str, optional
        The keypoint set, as TOML; by default Facemap's 15 points as mystax ships them.
    normalise : {"crop", "frame"}, optional
        Where percentiles of grey are taken: over the face box, or as Facemap over the whole frame.

    Returns
    -------
    Path
        The ``.onnx`` file; its confidence is Facemap's likelihood until labels calibrate it.

    Raises
    ------
    FormatError
        F801-F804, if the file cannot be read without running code from it.
    WeightsError
        M702, if it is no checkpoint of this network, or the number of points differs.
    ExtraMissing
        X001, if the extra ``train`` is not installed.
    """
    require("torch", "train")
    state = read_foreign(path, "torch_state", memory=MEMORY, seconds=SECONDS)
    return convert_facemap(
        state, path.name, folder, name, points=points, keypoints=keypoints, normalise=normalise
    )


def convert_facemap(
    state: Mapping[str, np.ndarray],
    where: str,
    folder: Path,
    name: str,
    *,
    points: Sequence[str] = (),
    keypoints: str = "",
    normalise: str = "crop",
) -> Path:
    """Write the tensors of a checkpoint as weights of mystax.

    Parameters
    ----------
    state : mapping of str to array
        Tensors by Facemap's names.
    where : str
        Name of the checkpoint, for messages.
    folder, name, points, keypoints, normalise
        As for `import_facemap`.

    Returns
    -------
    Path
        The ``.onnx`` file.

    Raises
    ------
    WeightsError
        M702, if it is no checkpoint of this network, or the number of points differs.
    """
    weights = check_state(state, where)
    ids = tuple(points) or FACEMAP_POINTS
    if len(ids) != weights.n_keypoints:
        raise WeightsError(
            "M702",
            where,
            "the number of points differs",
            expected=f"{weights.n_keypoints} names",
            got=str(len(ids)),
            hint="name the points in the order of the checkpoint's maps",
        )
    info = WeightsInfo(
        arch="facemap",
        width=1.0,
        size=SIZE,
        points=ids,
        keypoints=keypoints or _shipped_set(ids),
        normalise=normalise,
        provenance={"origin": "Facemap checkpoint", "file": where, "widths": list(weights.widths)},
    )
    data = export_facemap(weights, info.to_metadata())
    return write_weights(folder, name, data, dict(weights.tensors), info)
