"""Our outcomes in Facemap's layout, for scripts and tools that read its files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mystax.core.geometry import Rectangle, Roi, roi_from_dict
from mystax.errors import RecipeError
from mystax.io.formats.facemap_rois import KINDS, OUTLINE, TYPES, mask_entry, outline_of

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Flavour", "facemap_tree"]

Flavour = Literal["facemap", "element"]
COLOURS = {
    "pupil": (1.0, 0.4, 0.1),
    "motion": (0.3, 0.9, 0.4),
    "blink": (0.8, 0.4, 1.0),
    "running": (0.2, 0.6, 1.0),
}


def facemap_tree(
    outcomes: Mapping[str, Dataset],
    *,
    files: Sequence[Sequence[str]],
    flavour: Flavour = "facemap",
    save_path: str | None = None,
    rois: Sequence[Roi] = (),
) -> dict[str, Any]:
    """Write outcomes in Facemap's layout.

    Parameters
    ----------
    outcomes : mapping of str to Dataset
        Name to dataset: ``"motion"``, or ``"motion/left"`` where there are several cameras.
    files : sequence of sequences of str
        Video files: outer consecutive, inner simultaneous, in the order of the cameras.
    flavour : {"facemap", "element"}, optional
        ``motSv`` of the last region only, as Facemap has it, or a list per region.
    save_path : str, optional
        Folder that the file names.
    rois : sequence of Roi, optional
        Regions as they were drawn: outcomes do not hold reflections and scale.

    Returns
    -------
    dict
        All keys that Facemap writes, in its order.

    Raises
    ------
    RecipeError
        P403, if there is no outcome that Facemap has a place for, no outcome of a camera alone where
        there are components over all cameras, or bins of several sizes: a file has one.
    """
    named = {name: dataset for name, dataset in outcomes.items() if name.partition("/")[0] in MEASURED}
    if not named:
        raise RecipeError(
            "P403",
            "export to Facemap",
            "there is nothing that Facemap's files hold",
            expected="an outcome of motion, svd, pupil, blink or running",
            got=", ".join(outcomes) or "none",
        )
    if JOINT in named:
        _check_cameras(named)
    return _Export(named, flavour, rois).tree(files, save_path)


MEASURED = ("motion", "svd", "pupil", "blink", "running")
JOINT = "svd/all_cameras"


def _check_cameras(outcomes: Mapping[str, Dataset]) -> None:
    """Refuse components over cameras whose picture no other outcome tells the size of."""
    alone = {name.partition("/")[2] for name in outcomes if name != JOINT}
    missing = sorted({str(name) for name in outcomes[JOINT]["camera"].values} - alone)
    if missing:
        raise RecipeError(
            "P403",
            "export to Facemap",
            f"{JOINT} needs an outcome of each camera alone",
            expected=f"motion or svd of {', '.join(missing)}",
            got=", ".join(outcomes),
        )


@dataclass
class _Placed:
    """A region with its place in the lists of the file."""

    roi: Roi
    kind: str
    camera: int
    place: int
    analysis: dict[str, tuple[Dataset, int]] = field(default_factory=dict)


class _Export:
    """One export: the datasets by camera, and their regions in Facemap's order."""

    def __init__(self, outcomes: Mapping[str, Dataset], flavour: Flavour, rois: Sequence[Roi]) -> None:
        self.flavour = flavour
        self.drawn = rois
        self.cameras: list[str] = []
        for name in outcomes:
            camera = name.partition("/")[2]
            if camera != "all_cameras" and camera not in self.cameras:
                self.cameras.append(camera)
        self.joint = outcomes.get(JOINT)
        self.by_camera = [
            {
                name.partition("/")[0]: item
                for name, item in outcomes.items()
                if name.partition("/")[2] == camera
            }
            for camera in self.cameras
        ]
        self.n_frames = max(item.sizes["time"] for item in outcomes.values())
        self.sizes = [_frame_size(found) for found in self.by_camera]
        self.bin = _bin_of(outcomes)
        self.full: _Placed | None = None
        self.placed = self._regions()

    def _regions(self) -> list[_Placed]:
        found: dict[tuple[int, str, str], _Placed] = {}
        counts: dict[str, int] = {}
        for k, analyses in enumerate(self.by_camera):
            for analysis, dataset in analyses.items():
                for j in range(dataset.sizes.get("roi", 0)):
                    name, kind = str(dataset["roi"].values[j]), str(dataset["roi_kind"].values[j])
                    kind = "motion" if analysis in ("motion", "svd") else kind
                    key = (k, kind, name)
                    if key not in found:
                        shape = json.loads(str(dataset["roi_shape"].values[j]))
                        roi = roi_from_dict({"name": name, "kind": kind, **shape})
                        found[key] = _Placed(self._as_drawn(roi, k), kind, k, -1)
                    found[key].analysis[analysis] = (dataset, j)
        for placed in list(found.values()):
            if len(self.cameras) == 1 and self._is_whole(placed):
                self.full = placed
                del found[(placed.camera, placed.kind, placed.roi.name)]
                continue
            placed.place = counts.get(placed.kind, 0)
            counts[placed.kind] = placed.place + 1
        return list(found.values())

    def _as_drawn(self, roi: Roi, camera: int) -> Roi:
        """Return a region with its reflections and scale, where it is one of those that were drawn."""
        is_alone = len(self.cameras) == 1
        same = (
            drawn
            for drawn in self.drawn
            if (drawn.kind, drawn.name, type(drawn.shape)) == (roi.kind, roi.name, type(roi.shape))
            and np.allclose(drawn.shape.numbers(), roi.shape.numbers(), rtol=1e-9)
            and (is_alone or drawn.camera == self.cameras[camera])
        )
        return next(same, roi)

    def _is_whole(self, item: _Placed) -> bool:
        """Tell whether a region is the whole picture, as it is measured by itself: one may be named so."""
        height, width = self.sizes[item.camera]
        is_named = item.kind == "motion" and item.roi.name == "frame"
        return is_named and item.roi.shape == Rectangle(0, 0, width, height)

    def _of_kind(self, kind: str) -> list[_Placed]:
        return [item for item in self.placed if item.kind == kind]

    # the layout --------------------------------------------------------------------------------

    def tree(self, files: Sequence[Sequence[str]], save_path: str | None) -> dict[str, Any]:
        heights = [size[0] for size in self.sizes]
        widths = [size[1] for size in self.sizes]
        binned = [(height // self.bin, width // self.bin) for height, width in self.sizes]
        places, mosaic = _mosaic(self.sizes)
        small, small_mosaic = _mosaic(binned)
        frames = [self._mean(k, "mean_frame", shape) for k, shape in enumerate(binned)]
        motions = [self._mean(k, "mean_motion", shape) for k, shape in enumerate(binned)]
        motion = [self._energy(self.full), *(self._energy(item) for item in self._of_kind("motion"))]
        found: dict[str, Any] = {
            "filenames": [list(group) for group in files],
            "save_path": save_path,
            "Ly": heights,
            "Lx": widths,
            "sbin": self.bin,
            "fullSVD": self.full is not None or self.joint is not None,
            "save_mat": False,
            "Lybin": np.array([size[0] for size in binned], np.int32),
            "Lxbin": np.array([size[1] for size in binned], np.int32),
            "sybin": np.array([place[0] for place in small], np.int32),
            "sxbin": np.array([place[1] for place in small], np.int32),
            "LYbin": small_mosaic[0],
            "LXbin": small_mosaic[1],
            "sy": np.array([place[0] for place in places], np.int32),
            "sx": np.array([place[1] for place in places], np.int32),
            "LY": mosaic[0],
            "LX": mosaic[1],
            "avgframe": [picture.ravel() for picture in frames],
            "avgmotion": [picture.ravel() for picture in motions],
            "avgframe_reshape": _pasted(frames, small, small_mosaic),
            "avgmotion_reshape": _pasted(motions, small, small_mosaic),
            "motion": motion,
        }
        for ours, short in (("motion", "mot"), ("movie", "mov")):
            found |= self._components(ours, short, small, small_mosaic)
        found["pupil"] = [self._pupil(item) for item in self._of_kind("pupil")]
        found["blink"] = [self._blink(item) for item in self._of_kind("blink")]
        found["running"] = [self._running(item) for item in self._of_kind("running")]
        entries = [self._entry(number, item) for number, item in enumerate(self.placed)]
        found["rois"] = entries or None
        return found

    def _mean(self, camera: int, name: str, shape: tuple[int, int]) -> np.ndarray:
        dataset = self.by_camera[camera].get("motion")
        if dataset is None:
            return np.full(shape, np.nan, np.float32)
        return np.asarray(dataset[name].values, np.float32)[: shape[0], : shape[1]]

    def _energy(self, item: _Placed | None) -> np.ndarray:
        if item is None or "motion" not in item.analysis:
            return np.zeros(0, np.float32)
        dataset, j = item.analysis["motion"]
        energy = np.asarray(dataset["energy"].values[:, j], np.float64) * float(dataset["n_bins"].values[j])
        return _first_row_again(energy).astype(np.float32)

    def _components(
        self, ours: str, short: str, small: list[tuple[int, int]], mosaic: tuple[int, int]
    ) -> dict[str, Any]:
        items = [self.full, *self._of_kind("motion")]
        masks, shaped, traces, values = [], [], [], []
        for number, item in enumerate(items):
            part = self._joint_part(ours, small, mosaic) if number == 0 and item is None else None
            part = part or (self._part(ours, item) if item is not None else None)
            if part is None:
                masks.append(np.zeros((0, 1), np.float32))
                shaped.append(np.zeros((0, 0, 1), np.float32))
                traces.append(np.zeros((0, 1), np.float32))
                values.append(np.zeros(0, np.float32))
                continue
            mask, picture, trace, value = part
            masks.append(mask)
            shaped.append(picture)
            traces.append(_first_row_again(trace))
            values.append(value)
        there = any(len(value) for value in values)
        last = next((value for value in reversed(values) if len(value)), np.zeros(0, np.float32))
        return {
            f"{short}Sv": [value for value in values if len(value)] if self.flavour == "element" else last,
            f"{short}Mask": masks if there else [],
            f"{short}Mask_reshape": shaped if there else [],
            f"{short}SVD": traces if there else [],
        }

    def _part(self, ours: str, item: _Placed) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """Return masks (bins, k), masks (y, x, k), traces (time, k) and singular values of one region."""
        dataset, j = item.analysis.get("svd", (None, 0))
        if dataset is None or f"{ours}_svd" not in dataset:
            return None
        value = np.asarray(dataset[f"{ours}_singular_value"].values[j])
        keep = int(np.isfinite(value).sum())
        picture = np.moveaxis(np.asarray(dataset[f"{ours}_mask"].values[j, :keep], np.float32), 0, 2)
        rows = np.isfinite(picture[..., 0]).any(1) if keep else np.zeros(len(picture), bool)
        columns = np.isfinite(picture[..., 0]).any(0) if keep else np.zeros(picture.shape[1], bool)
        # A region of another form has no values in the corners of its box.
        picture = np.nan_to_num(picture[rows][:, columns])
        trace = np.asarray(dataset[f"{ours}_svd"].values[:, j, :keep], np.float32)
        flat = picture.reshape(picture.shape[0] * picture.shape[1], keep)
        return flat, picture, trace, value[:keep].astype(np.float32)

    def _joint_part(
        self, ours: str, small: list[tuple[int, int]], mosaic: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """Return the components over all cameras, pasted into the mosaic."""
        if self.joint is None or f"{ours}_svd" not in self.joint:
            return None
        value = np.asarray(self.joint[f"{ours}_singular_value"].values[0])
        keep = int(np.isfinite(value).sum())
        mask = np.asarray(self.joint[f"{ours}_mask"].values[0, :keep], np.float32).T
        picture = np.zeros((*mosaic, keep), np.float32)
        cameras = [self.cameras.index(str(name)) for name in self.joint["camera"].values]
        y = self.joint["bin_y"].values // self.bin + np.array([small[k][0] for k in cameras])
        x = self.joint["bin_x"].values // self.bin + np.array([small[k][1] for k in cameras])
        picture[y, x] = mask
        trace = np.asarray(self.joint[f"{ours}_svd"].values[:, 0, :keep], np.float32)
        return mask, picture, trace, value[:keep].astype(np.float32)

    def _pupil(self, item: _Placed) -> dict[str, np.ndarray]:
        dataset, j = item.analysis["pupil"]
        box = item.roi.box(self.sizes[item.camera])
        n = dataset.sizes["time"]
        angle = np.asarray(dataset["angle"].values[:, j], np.float64)
        # rows of axdir are the directions (y, x) of the short and of the long axis
        along = np.stack([np.sin(angle), np.cos(angle)], 1)
        across = np.stack([np.cos(angle), -np.sin(angle)], 1)
        found: dict[str, np.ndarray] = {
            "area": np.asarray(dataset["area"].values[:, j], np.float64),
            "com": _inside(dataset["centre"].values[:, j], box.x0, box.y0),
            "axdir": np.stack([across, along], 1).reshape(n, 2, 2),
            "axlen": np.stack(
                [
                    (np.asarray(dataset[name].values[:, j], np.float64) / 2) ** 2
                    for name in ("minor", "major")
                ],
                1,
            ),
            "area_smooth": np.asarray(dataset["area_smooth"].values[:, j], np.float64),
            "com_smooth": _inside(dataset["centre_smooth"].values[:, j], box.x0, box.y0),
        }
        return found

    def _blink(self, item: _Placed) -> np.ndarray:
        dataset, j = item.analysis["blink"]
        n_pixels = int(item.roi.mask(self.sizes[item.camera]).sum())
        return np.asarray(dataset["darkness"].values[:, j], np.float64) * n_pixels

    @staticmethod
    def _running(item: _Placed) -> np.ndarray:
        dataset, j = item.analysis["running"]
        return np.asarray(dataset["shift"].values[:, j, ::-1], np.float64)

    def _entry(self, number: int, item: _Placed) -> dict[str, Any]:
        """Write a region as Facemap's window needs it."""
        shape = self.sizes[item.camera]
        box = item.roi.box(shape)
        bins = item.roi.bins(shape, self.bin)
        dataset, j = next(iter(item.analysis.values()))
        level = next((dataset[name].values[j] for name in ("threshold", "level") if name in dataset), 255.0)
        return {
            "rind": next(rind for rind, kind in KINDS.items() if kind == item.kind),
            "rtype": TYPES[item.kind],
            "iROI": number,
            "ivid": item.camera,
            "color": COLOURS[item.kind],
            **mask_entry(item.roi.shape, shape),
            "saturation": float(level),
            "pupil_sigma": _sigma_of(dataset) if item.kind == "pupil" else None,
            "reflector": [mask_entry(inner, shape, (box.x0, box.y0)) for inner in item.roi.reflections],
            "yrange_bin": np.flatnonzero(bins.any(1)),
            "xrange_bin": np.flatnonzero(bins.any(0)),
            OUTLINE: outline_of(item.roi),
        }


def _bin_of(outcomes: Mapping[str, Dataset]) -> int:
    """Return the size of the bins; a file has one for all cameras."""
    alone = {name: item.attrs for name, item in outcomes.items() if name != JOINT}
    sizes = {name: int(attrs["bin"]) for name, attrs in alone.items() if "bin" in attrs}
    if len(set(sizes.values())) > 1:
        raise RecipeError(
            "P403",
            "export to Facemap",
            "a file has one size of bins",
            expected="the same for all cameras",
            got=", ".join(f"{name}: {size}" for name, size in sizes.items()),
            hint="run it again with one size, such as --motion-bin 4 --svd-bin 4",
        )
    return next(iter(sizes.values()), 1)


def _sigma_of(dataset: Dataset) -> float:
    """Return the width of the pupil in the parameters of its outcome [standard deviations]."""
    return float(json.loads(dataset.attrs.get("parameters", "{}")).get("sigma", 2.0))


def _frame_size(found: Mapping[str, Dataset]) -> tuple[int, int]:
    dataset = next(iter(found.values()))
    if "frame_height" not in dataset.attrs:
        raise RecipeError(
            "P403",
            "export to Facemap",
            "the outcome does not say how large the picture is",
            hint="run it again",
        )
    return int(dataset.attrs["frame_height"]), int(dataset.attrs["frame_width"])


def _first_row_again(values: np.ndarray) -> np.ndarray:
    """Facemap's first row, which has no frame before it, is the second one again."""
    made = values.copy()
    if len(made) > 1:
        made[0] = made[1]
    return made


def _inside(centre: np.ndarray, x0: int, y0: int) -> np.ndarray:
    """Return (y, x) inside the region's box from (x, y) in the picture."""
    return np.stack([centre[:, 1].astype(np.float64) - y0, centre[:, 0].astype(np.float64) - x0], 1)


def _mosaic(sizes: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Place pictures of several cameras in rows, about as many rows as columns."""
    columns = int(np.ceil(np.sqrt(len(sizes))))
    places: list[tuple[int, int]] = []
    y = height = width = 0
    for start in range(0, len(sizes), columns):
        x = 0
        row = sizes[start : start + columns]
        for size in row:
            places.append((y, x))
            x += size[1]
        width = max(width, x)
        y += max(size[0] for size in row)
        height = y
    return places, (height, width)


def _pasted(
    pictures: Sequence[np.ndarray], places: Sequence[tuple[int, int]], size: tuple[int, int]
) -> np.ndarray:
    made = np.zeros(size, np.float32)
    for picture, (y, x) in zip(pictures, places, strict=True):
        made[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return made
