"""What Facemap's values mean in our outcomes, with the known defects of Facemap 1.0 marked, not hidden."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import get_analysis
from mystax.core.dataset import complete_outcome
from mystax.core.geometry import Rectangle, Roi
from mystax.core.quality import Flag
from mystax.core.typing import Float, Shaped
from mystax.errors import FormatError
from mystax.io.formats.facemap import understood
from mystax.io.formats.facemap_rois import FacemapRoi, camera_names, facemap_rois

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Imported", "imported_outcomes"]

EARLY = 499
"""Facemap 1.0.x stores the motion of frames 1..499 one frame early; `motion[499]` is then 0."""

MASKS = {"motion": "motMask", "movie": "movMask"}
"""Facemap's keys of the masks."""

MOST_SIDE = 65_535
"""Longest side of a picture that a video can have [px]."""


@dataclass(slots=True)
class Imported:
    """Outcomes made from a Facemap file.

    Attributes
    ----------
    datasets : dict
        Analysis -> camera -> Dataset; the camera is "" where the file has only one.
    flags : dict
        Analysis -> remarks.
    rois : list of Roi
        The regions of the file.
    """

    datasets: dict[str, dict[str, Dataset]] = field(default_factory=dict)
    flags: dict[str, list[Flag]] = field(default_factory=dict)
    rois: list[Roi] = field(default_factory=list)


def imported_outcomes(
    tree: Mapping[str, Any],
    times: Mapping[str, Float[np.ndarray, " time"]] | None = None,
    *,
    repair: bool = False,
) -> Imported:
    """Translate a Facemap file into our outcomes.

    Parameters
    ----------
    tree : mapping
        Facemap's layout, as `mystax.io.formats.facemap.read_facemap` gives it.
    times : mapping of str to array (time,), optional
        Camera to times of its frames [s]; NaN where they are not known.
    repair : bool, optional
        Mend what can be mended exactly: the early rows of the motion energy, and masks without norm.

    Returns
    -------
    Imported
        Motion, components, pupil and blink; what Facemap calls running is no measurement and is left out.
    """
    with understood():
        return _Import(tree, times or {}, repair).run()


class _Import:
    """One import: the tree, and what is made of it."""

    def __init__(self, tree: Mapping[str, Any], times: Mapping[str, np.ndarray], repair: bool) -> None:
        self.tree, self.times, self.repair = tree, times, repair
        self.cameras = camera_names(tree)
        self.rois = facemap_rois(tree)
        self.found = Imported(rois=[item.roi for item in self.rois])
        self.sbin = max(1, int(np.ravel(tree.get("sbin", 1))[0]))
        self.full = bool(np.any(tree.get("fullSVD", False))) and len(self.cameras) == 1

    def run(self) -> Imported:
        for k, camera in enumerate(self.cameras):
            key = "" if len(self.cameras) == 1 else camera
            self._motion(k, camera, key)
            self._svd(k, camera, key)
            self._pupil(k, camera, key)
            self._blink(k, camera, key)
        if len(self.cameras) > 1 and self._picture("motMask", 0) is not None:
            self._flag("svd", "N304", "components over all cameras are kept in the copy of the file only")
        if "running" in self.tree and any(item.roi.kind == "running" for item in self.rois):
            self._flag("motion", "N302", "the running of this file is not imported: Facemap 1.0 stores noise")
        return self.found

    # helpers -----------------------------------------------------------------------------------

    def _flag(self, analysis: str, code: str, text: str) -> None:
        flags = self.found.flags.setdefault(analysis, [])
        if Flag(code, text) not in flags:
            flags.append(Flag(code, text))

    def _of_kind(self, kind: str, camera: int) -> list[FacemapRoi]:
        return [item for item in self.rois if item.roi.kind == kind and item.camera_index == camera]

    def _trace(self, key: str, place: int) -> np.ndarray | None:
        values = self.tree.get(key)
        if not isinstance(values, list | np.ndarray) or place >= len(values):
            return None
        return np.asarray(values[place])

    def _publish(
        self, analysis: str, key: str, camera: str, rois: Sequence[Roi], known: dict[str, np.ndarray], n: int
    ) -> None:
        """Keep a dataset: what is known, and missing values for everything else of the schema."""
        import xarray as xr

        schema = get_analysis(analysis).outputs
        sizes = {"time": n, "roi": len(rois), "space": 2, "event": 0}
        for name, values in known.items():
            sizes |= dict(zip(schema.variables[name].dims, values.shape, strict=True))
        variables = {
            name: (
                item.dims,
                _held(known[name], item.dtype) if name in known else _unknown(item.dtype, item.dims, sizes),
            )
            for name, item in schema.variables.items()
            if name in known or item.required
        }
        time = self.times.get(camera)
        dataset = xr.Dataset(variables).assign_coords(
            time=("time", np.full(n, np.nan) if time is None or len(time) != n else time),
            frame=("time", np.arange(n, dtype=np.int64)),
            roi=("roi", [roi.name for roi in rois]),
            roi_kind=("roi", [roi.kind for roi in rois]),
            roi_camera=("roi", [camera] * len(rois)),
            roi_shape=("roi", [roi.shape_json() for roi in rois]),
        )
        dataset["missing"] = ("time", np.zeros(n, np.uint8))
        if "space" in schema.coordinates:
            dataset = dataset.assign_coords(space=["x", "y"])
        dataset.attrs.update(self._picture_size(self.cameras.index(camera)))
        if analysis in ("motion", "svd"):
            dataset.attrs["bin"] = self.sbin
        if time is None or len(time) != n:
            self._flag(analysis, "N304", "the times are not known: the videos were not found beside the file")
        self.found.datasets.setdefault(analysis, {})[key] = complete_outcome(dataset, schema)

    def _picture_size(self, camera: int) -> dict[str, int]:
        """Return the size of a camera's picture [px]; nothing where the file does not tell it."""
        sides = [np.ravel(self.tree.get(name, ())) for name in ("Lx", "Ly")]
        known = [int(side[camera]) for side in sides if camera < len(side)]
        is_size = len(known) == 2 and 1 <= min(known) <= max(known) <= MOST_SIDE
        return dict(zip(("frame_width", "frame_height"), known, strict=True)) if is_size else {}

    def _motion_rois(self, camera: int) -> list[tuple[Roi, int, int]]:
        """Return (region, place in Facemap's lists, number of bins) of the motion regions of a camera."""
        found = [(item.roi, item.place + 1, item.n_bins) for item in self._of_kind("motion", camera)]
        if self.full:
            height, width = int(np.ravel(self.tree["Ly"])[0]), int(np.ravel(self.tree["Lx"])[0])
            if not 1 <= min(height, width) <= max(height, width) <= MOST_SIDE:
                raise FormatError(
                    "F804", "Lx, Ly", expected=f"sides of 1 to {MOST_SIDE} px", got=f"{width} x {height} px"
                )
            frame = Roi("frame", "motion", Rectangle(0, 0, width, height), self.cameras[0], source="imported")
            found.insert(0, (frame, 0, (height // self.sbin) * (width // self.sbin)))
        return found

    # analyses ----------------------------------------------------------------------------------

    def _motion(self, k: int, camera: str, key: str) -> None:
        rows = [
            (roi, trace, n)
            for roi, place, n in self._motion_rois(k)
            if (trace := self._some("motion", place)) is not None
        ]
        rows = [(roi, trace, n) for roi, trace, n in rows if n > 0]
        if not rows:
            return
        n_frames = len(rows[0][1])
        energy = np.stack([trace.astype(np.float64) / n for _, trace, n in rows], 1)
        if n_frames > EARLY and np.all(energy[EARLY] == 0):
            if self.repair:
                energy[1 : EARLY + 1] = energy[:EARLY].copy()
                energy[0] = np.nan
                self._flag(
                    "motion", "N304", "the energy of frames 1 to 499 was one frame early; it was moved"
                )
            else:
                self._flag(
                    "motion", "N304", "the energy of frames 0 to 498 is one frame early (--repair moves it)"
                )
        known = {"energy": energy, "n_bins": np.array([n for _, _, n in rows])}
        self._publish("motion", key, camera, [roi for roi, _, _ in rows], known, n_frames)

    def _some(self, key: str, place: int) -> np.ndarray | None:
        trace = self._trace(key, place)
        return trace if trace is not None and trace.size and trace.ndim else None

    def _svd(self, k: int, camera: str, key: str) -> None:
        parts = {}
        for ours, mask_key, trace_key, value_key in (
            ("motion", MASKS["motion"], "motSVD", "motSv"),
            ("movie", MASKS["movie"], "movSVD", "movSv"),
        ):
            rows = [
                (roi, place, mask, trace)
                for roi, place, _ in self._motion_rois(k)
                if (mask := self._picture(mask_key, place)) is not None
                and (trace := self._some(trace_key, place)) is not None
                and trace.ndim == 2
            ]
            if rows:
                parts[ours] = self._components(ours, rows, value_key)
        if "motion" not in parts:
            return
        rois = parts["motion"][1]
        if "movie" in parts and [roi.name for roi in parts["movie"][1]] != [roi.name for roi in rois]:
            del parts["movie"]
        schema = get_analysis("svd").outputs
        known = {
            name: values
            for part in parts.values()
            for name, values in part[0].items()
            if name in schema.variables
        }
        self._publish("svd", key, camera, rois, known, parts["motion"][0]["motion_svd"].shape[0])

    def _picture(self, key: str, place: int) -> np.ndarray | None:
        shaped = self._some(f"{key}_reshape", place)
        return shaped if shaped is not None and shaped.ndim == 3 and shaped.shape[2] else None

    def _components(
        self, ours: str, rows: list[tuple[Roi, int, np.ndarray, np.ndarray]], value_key: str
    ) -> tuple[dict[str, np.ndarray], list[Roi]]:
        """Put masks and traces of several regions into one array each, padded with NaN."""
        n = max(len(trace) for *_, trace in rows)
        width = max(mask.shape[2] for _, _, mask, _ in rows)
        height, columns = (max(mask.shape[axis] for _, _, mask, _ in rows) for axis in (0, 1))
        masks = np.full((len(rows), width, height, columns), np.nan, np.float32)
        traces = np.full((n, len(rows), width), np.nan, np.float32)
        values = np.full((len(rows), width), np.nan)
        given = self._singular_values(value_key, ours, rows)
        for j, (_, place, mask, trace) in enumerate(rows):
            norms = np.linalg.norm(mask.reshape(-1, mask.shape[2]).astype(np.float64), axis=0)
            norms[norms == 0] = 1.0
            if np.any(np.abs(norms - 1) > 1e-3):
                if self.repair:
                    mask, trace = mask / norms, trace / norms[: trace.shape[1]]  # noqa: PLW2901 - the mended ones
                    values[j, : len(norms)] = norms
                    self._flag(
                        "svd",
                        "N304",
                        "masks had no unit norm (fewer than 2,000 frames); they were divided by it",
                    )
                else:
                    self._flag(
                        "svd",
                        "N304",
                        "masks have no unit norm (fewer than 2,000 frames; --repair mends them)",
                    )
            masks[j, : mask.shape[2], : mask.shape[0], : mask.shape[1]] = np.moveaxis(mask, 2, 0)
            traces[: len(trace), j, : trace.shape[1]] = trace
            if place in given and not np.isfinite(values[j]).any():
                values[j, : min(width, len(given[place]))] = given[place][:width]
        if not np.isfinite(values).all():
            self._flag(
                "svd", "N304", "Facemap keeps the singular values of its last region only; others are missing"
            )
        bins = {item.place + 1: item.bins for item in self.rois if item.roi.kind == "motion"}
        origins = [bins.get(place, (0, 0)) for _, place, *_ in rows]
        found = {
            f"{ours}_svd": traces,
            f"{ours}_mask": masks,
            f"{ours}_singular_value": values,
            "y_origin": np.array([y for _, y in origins]) * self.sbin,
            "x_origin": np.array([x for x, _ in origins]) * self.sbin,
        }
        return found, [roi for roi, *_ in rows]

    def _singular_values(
        self, key: str, ours: str, rows: list[tuple[Roi, int, np.ndarray, np.ndarray]]
    ) -> dict[int, np.ndarray]:
        values = self.tree.get(key)
        if isinstance(values, list):
            # A list per place, or per place with components: without a whole frame the first is lacking.
            masks = self.tree.get(f"{MASKS[ours]}_reshape", ())
            there = [place for place in range(len(masks)) if self._picture(MASKS[ours], place) is not None]
            places = there if len(values) == len(there) else range(len(values))
            listed = zip(places, map(np.ravel, values), strict=True)
            return {place: own for place, own in listed if np.any(own)}
        plain = np.ravel(values) if values is not None else np.empty(0)
        return {rows[-1][1]: plain} if np.any(plain) else {}

    def _pupil(self, k: int, camera: str, key: str) -> None:
        entries = self.tree.get("pupil")
        rows = [
            (item, entries[item.place])
            for item in self._of_kind("pupil", k)
            if isinstance(entries, list) and item.place < len(entries) and "area" in entries[item.place]
        ]
        if not rows:
            return
        n = len(np.ravel(rows[0][1]["area"]))
        area = np.stack([np.ravel(entry["area"]).astype(np.float64) for _, entry in rows], 1)
        smooth = _stacked(rows, "area_smooth", area)
        lengths = [np.asarray(e.get("axlen", np.full((n, 2), np.nan)), np.float64) for _, e in rows]
        axes = np.stack(
            [2 * np.sqrt(np.where((w >= 0).all(1, keepdims=True), np.sort(w, 1), np.nan)) for w in lengths], 1
        )
        known = {
            "area": area,
            "diameter": _diameter(area),
            "major": axes[..., 1],
            "minor": axes[..., 0],
            "centre": np.stack([_centre(entry.get("com"), item.box, n) for item, entry in rows], 1),
            "area_smooth": smooth,
            "diameter_smooth": _diameter(smooth),
            "centre_smooth": np.stack(
                [_centre(entry.get("com_smooth"), item.box, n) for item, entry in rows], 1
            ),
        }
        self._publish("pupil", key, camera, [item.roi for item, _ in rows], known, n)

    def _blink(self, k: int, camera: str, key: str) -> None:
        rows = [
            (item, trace)
            for item in self._of_kind("blink", k)
            if (trace := self._some("blink", item.place)) is not None and item.n_pixels
        ]
        if rows:
            darkness = np.stack(
                [np.ravel(trace).astype(np.float64) / item.n_pixels for item, trace in rows], 1
            )
            self._publish(
                "blink", key, camera, [item.roi for item, _ in rows], {"darkness": darkness}, len(darkness)
            )


def _stacked(rows: Sequence[tuple[FacemapRoi, Mapping[str, Any]]], key: str, like: np.ndarray) -> np.ndarray:
    missing = np.full(len(like), np.nan)
    return np.stack([np.ravel(entry.get(key, missing)).astype(np.float64) for _, entry in rows], 1)


def _centre(com: object, box: tuple[int, int], n: int) -> Shaped[np.ndarray, "time space"]:
    """Return (x, y) in the picture from (y, x) in the region's box."""
    if com is None:
        return np.full((n, 2), np.nan)
    plain = np.asarray(com, np.float64)
    return np.stack([plain[:, 1] + box[0], plain[:, 0] + box[1]], 1)


def _held(values: np.ndarray, dtype: str) -> np.ndarray:
    """Return values in another type; numbers beyond what it holds are missing."""
    if np.dtype(dtype).kind != "f":
        return values.astype(dtype)
    with np.errstate(over="ignore"):
        held = values.astype(dtype)
    return np.where(np.isinf(held) & np.isfinite(values), np.asarray(np.nan, dtype), held)


def _diameter(area: np.ndarray) -> np.ndarray:
    """Return the diameter of a circle of an area; no area is below zero, and such one has none."""
    return np.asarray(2 * np.sqrt(np.where(area >= 0, area, np.nan) / np.pi))


def _unknown(dtype: str, dims: Sequence[str], sizes: Mapping[str, int]) -> np.ndarray:
    """Return missing values of a type: NaN, -1, or an empty text."""
    shape = tuple(sizes.get(dim, 0) for dim in dims)
    if dtype == "str":
        return np.full(shape, "", "<U1")
    return np.full(shape, np.nan if dtype.startswith("float") else 0 if dtype.startswith("u") else -1, dtype)
