"""Rows of `FacialSignal` from our outcomes: every component with its own mask and its own trace."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.geometry import Roi, roi_from_dict
from mystax.io.formats.facemap_export import MEASURED

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["FRAME", "Signals", "region_row", "signals_of_outcomes"]

FRAME = "frame"
BLOCK = 64
"""Components read from the outcome at once."""

Rows = Iterator[dict[str, Any]]


@dataclass(slots=True)
class Signals:
    """Rows of the parts of `FacialSignal`, without the key of the task.

    Attributes
    ----------
    regions : list of dict
        One per region; `roi_no` is its place.
    motion_svd, movie_svd : iterator of dict
        One per component: large, so they are made when they are asked for.
    summary : dict or None
        Bin [px], mean frame and mean motion (y, x).
    pupil, blink, running : list of dict
        Traces per region.
    """

    regions: list[dict[str, Any]] = field(default_factory=list)
    motion_svd: Rows = field(default_factory=lambda: iter(()))
    movie_svd: Rows = field(default_factory=lambda: iter(()))
    summary: dict[str, Any] | None = None
    pupil: list[dict[str, Any]] = field(default_factory=list)
    blink: list[dict[str, Any]] = field(default_factory=list)
    running: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Region:
    """A region with its rows in the outcomes: analysis to (dataset, position)."""

    number: int
    name: str
    kind: str
    roi: Roi
    rows: Mapping[str, tuple[Dataset, int]]


def signals_of_outcomes(
    outcomes: Mapping[str, Dataset],
    rois: Sequence[Roi] = (),
    *,
    do_mot_svd: bool = True,
    do_mov_svd: bool = True,
) -> Signals:
    """Return the rows of one camera's outcomes.

    Parameters
    ----------
    outcomes : mapping of str to Dataset
        Analysis to outcome.
    rois : sequence of Roi, optional
        The region set: its order gives the numbers.  The whole frame comes first.
    do_mot_svd, do_mov_svd : bool, optional
        Which components are taken.

    Returns
    -------
    Signals
        Rows; `motion` is the sum over the bins of a region, as Facemap has it.
    """
    regions = _regions(outcomes, rois)
    found = Signals(regions=[_region_row(region) for region in regions])
    if do_mot_svd:
        found.motion_svd = _component_rows(regions, "motion", "motmask")
    if do_mov_svd:
        found.movie_svd = _component_rows(regions, "movie", "movmask")
    if "motion" in outcomes:
        motion = outcomes["motion"]
        found.summary = {
            "sbin": int(motion.attrs["bin"]),
            "avgframe": np.asarray(motion["mean_frame"].values, np.float32),
            "avgmotion": np.asarray(motion["mean_motion"].values, np.float32),
        }
    for region in regions:
        number = {"roi_no": region.number}
        if "pupil" in region.rows:
            names = {"area": "area", "centre": "centre", "confidence": "confidence"}
            found.pupil.append({**number, **_traces(region, "pupil", names)})
        if "blink" in region.rows:
            openness = _traces(region, "blink", {"closure": "openness"})["closure"]
            found.blink.append({**number, "closure": (1 - openness).astype(np.float32)})
        if "running" in region.rows:
            found.running.append({**number, **_traces(region, "running", {"velocity": "velocity"})})
    return found


def _regions(outcomes: Mapping[str, Dataset], rois: Sequence[Roi]) -> list[_Region]:
    """Give regions their numbers: the whole frame, the set in its order, then what else was measured."""
    rows: dict[str, dict[str, tuple[Dataset, int]]] = {}
    shapes: dict[str, Roi] = {}
    for analysis in MEASURED:
        if analysis not in outcomes:
            continue
        dataset = outcomes[analysis]
        for place, name in enumerate(map(str, dataset["roi"].values)):
            rows.setdefault(name, {})[analysis] = (dataset, place)
            entry = {
                "name": name,
                "kind": str(dataset["roi_kind"].values[place]),
                **json.loads(str(dataset["roi_shape"].values[place])),
            }
            shapes.setdefault(name, roi_from_dict(entry))
    order = [FRAME] if FRAME in rows else []
    order += [roi.name for roi in rois if roi.name not in order]
    order += [name for name in rows if name not in order]
    given = {roi.name: roi for roi in rois}
    return [
        _Region(
            number,
            name,
            FRAME if name == FRAME else (shapes.get(name) or given[name]).kind,
            shapes.get(name) or given[name],
            rows.get(name, {}),
        )
        for number, name in enumerate(order)
    ]


def region_row(number: int, name: str, kind: str) -> dict[str, Any]:
    """Return a row of `FacialSignal.Region` with every attribute, so that all rows are alike."""
    return {
        "roi_no": number,
        "roi_name": name[:64],
        "roi_kind": kind,
        "xrange": None,
        "yrange": None,
        "xrange_bin": None,
        "yrange_bin": None,
        "motion": None,
    }


def _region_row(region: _Region) -> dict[str, Any]:
    row = region_row(region.number, region.name, region.kind)
    if not region.rows:
        box = region.roi.shape.box()
        return {**row, "xrange": np.arange(box.x0, box.x1), "yrange": np.arange(box.y0, box.y1)}
    dataset, _ = next(iter(region.rows.values()))
    shape = int(dataset.attrs["frame_height"]), int(dataset.attrs["frame_width"])
    box = region.roi.box(shape)
    row |= {"xrange": np.arange(box.x0, box.x1), "yrange": np.arange(box.y0, box.y1)}
    binned = next((item for item, _ in region.rows.values() if "bin" in item.attrs), None)
    if binned is not None:
        bins = region.roi.bins(shape, int(binned.attrs["bin"]))
        row |= {"xrange_bin": np.flatnonzero(bins.any(0)), "yrange_bin": np.flatnonzero(bins.any(1))}
    if "motion" in region.rows:
        motion, place = region.rows["motion"]
        n_bins = float(motion["n_bins"].values[place])
        row["motion"] = (np.asarray(motion["energy"].values[:, place], np.float64) * n_bins).astype(
            np.float32
        )
    return row


def _traces(region: _Region, analysis: str, names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return traces of one region as they are in the outcome."""
    dataset, place = region.rows[analysis]
    return {
        attribute: np.ascontiguousarray(dataset[variable].values[:, place])
        for attribute, variable in names.items()
    }


def _component_rows(regions: Sequence[_Region], kind: str, mask_name: str) -> Rows:
    """Give one row per component: trace over all frames, mask in the box of the region's bins."""
    for region in regions:
        if "svd" not in region.rows:
            continue
        dataset, place = region.rows["svd"]
        if f"{kind}_svd" not in dataset:
            continue
        values = np.asarray(dataset[f"{kind}_singular_value"].values[place])
        n = int(np.isfinite(values).sum())
        for start in range(0, n, BLOCK):
            stop = min(n, start + BLOCK)
            chosen = {"roi": place, "component": slice(start, stop)}
            traces = np.asarray(dataset[f"{kind}_svd"].isel(chosen).values)
            masks = np.asarray(dataset[f"{kind}_mask"].isel(chosen).values)
            box = np.isfinite(masks[0])
            rows, columns = box.any(1), box.any(0)
            for k in range(stop - start):
                yield {
                    "roi_no": region.number,
                    "component_id": start + k,
                    "singular_value": float(values[start + k]),
                    mask_name: np.ascontiguousarray(masks[k][rows][:, columns]),
                    "projection": np.ascontiguousarray(traces[:, k]),
                }
