"""Keypoints in single pictures: a folder of images, a list of them, or an array; one row per picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.canonical import outcome_key, result_parameters
from mystax.core.dataset import check_outcome, complete_outcome
from mystax.core.events import Event, Report, silent
from mystax.core.params import check_params
from mystax.core.point_flags import FLAG_MASKS, flag_attributes
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Shaped
from mystax.engine.machine import available_cores
from mystax.engine.stills import Still, still_files, stills_folder, stills_of
from mystax.errors import MystaxError, RoiError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.analyses.pose_params import PoseParams
    from mystax.io.outcomes import Outcomes
    from mystax.nets.crop import CropBox
    from mystax.nets.predictor import Predictor
else:
    Dataset = PoseParams = Outcomes = CropBox = Predictor = Any

__all__ = ["track_folder", "track_stills"]

ANALYSIS = "pose"
MIN_SIDE = 32
"""Smallest side of a picture in which a face can be tracked [px]."""

MOST_TOLD = 5
"""Pictures without points that a remark names."""


@dataclass
class _Found:
    """What was found so far, picture by picture."""

    names: list[str] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    parts: list[Mapping[str, np.ndarray]] = field(default_factory=list)
    flat: list[int] = field(default_factory=list)
    lost: dict[int, MystaxError] = field(default_factory=dict)

    @property
    def coverage(self) -> float:
        """Share of the pictures that could be looked at."""
        return 1.0 - len(self.lost) / max(1, len(self.names))


def track_stills(
    pictures: Iterator[Still] | Shaped[np.ndarray, "..."],
    params: PoseParams,
    *,
    cores: int = 1,
    progress: Report = silent,
) -> tuple[Dataset, float, list[Flag]]:
    """Find the keypoints of each picture by itself.

    Parameters
    ----------
    pictures : iterator of Still, or array (n, y, x)
        Grey pictures; sizes may differ.
    params : PoseParams
        Parameters; with ``box="auto"`` the smallest square that holds the picture is taken.
    cores : int, optional
        Threads of the network; the result does not depend on it.
    progress : callable, optional
        Takes events.

    Returns
    -------
    dataset : Dataset
        As a pose, with the dimension `image`; places are as measured, nothing is smoothed.  A picture that
        cannot be read or is too small has none.
    coverage : float
        Share of the pictures that could be looked at.
    flags : list of Flag
        Remarks.

    Raises
    ------
    FormatError
        F802, F804, if no picture can be read.
    RoiError
        P402, if all pictures are too small or the box lies outside of one.
    ParameterError
        P401, if an array is not (n, y, x).
    """
    from mystax.nets.predictor import open_predictor

    predictor = open_predictor(
        params.weights, keypoints=params.keypoints, device=params.device, batch=params.batch, cores=cores
    )
    found = _Found()
    for number, still in enumerate(_each(pictures)):
        _one(predictor, still, params, found)
        progress(Event("progress", ANALYSIS, number + 1, 0, still.name, {"frame": number + 1}))
    if found.lost and len(found.lost) == len(found.names):
        raise found.lost[0]
    dataset = _dataset(predictor, found, params)
    flags = []
    if not found.names:
        flags.append(Flag("N301", "there are no pictures"))
    if found.lost:
        flags.append(Flag.about("N302", _lost_text(found), list(found.lost)))
    if found.flat:
        flags.append(
            Flag.about("N301", "nothing can be told apart in the picture (constant or saturated)", found.flat)
        )
    return dataset, found.coverage, flags


def _each(pictures: Iterator[Still] | Shaped[np.ndarray, "..."]) -> Iterator[Still]:
    if isinstance(pictures, np.ndarray):
        from mystax.engine.stills import check_pixels

        check_pixels(pictures)
        yield from (Still(str(number), pixels) for number, pixels in enumerate(pictures))
    else:
        yield from pictures


def _too_small(still: Still) -> RoiError | None:
    """Return what is said of a picture in which no face can be tracked; None of others."""
    rows, columns = still.pixels.shape
    if min(rows, columns) >= MIN_SIDE:
        return None
    return RoiError(
        "P402",
        still.name,
        "the picture is too small for keypoints",
        expected=f"sides of at least {MIN_SIDE} px",
        got=f"{columns} x {rows} px",
    )


def _lost_text(found: _Found) -> str:
    """Say which pictures have no points, and why."""
    told = [
        f"{found.names[number]}: {error.code} {error.what}" + (f", {error.got}" if error.got else "")
        for number, error in list(found.lost.items())[:MOST_TOLD]
    ]
    more = "; ..." if len(found.lost) > MOST_TOLD else ""
    return f"{len(found.lost)} of {len(found.names)} pictures have no points ({'; '.join(told)}{more})"


def _one(predictor: Predictor, still: Still, params: PoseParams, found: _Found) -> None:
    """Measure one picture."""
    from mystax.compute.keypoint_errors import REFERENCE
    from mystax.compute.track_flags import MEMBERS_SD
    from mystax.nets.box_text import parse_box

    failure = still.failure or _too_small(still)
    pixels = np.zeros((MIN_SIDE, MIN_SIDE), np.uint8) if failure else still.pixels
    box = parse_box("frame" if failure or params.box == "auto" else params.box, pixels.shape)
    crop = predictor.crop(pixels, box)
    if failure:
        found.lost[len(found.names)] = failure
    elif crop is None:
        found.flat.append(len(found.names))
    if crop is None:
        crop = np.zeros((predictor.network.size, predictor.network.size), np.float32)
        is_flat: Bool[np.ndarray, " n"] = np.ones(1, np.bool_)
    else:
        is_flat = np.zeros(1, np.bool_)
    places = predictor.predict(crop[None], box, pixels.shape, is_flat)
    found.names.append(still.name)
    found.boxes.append((np.nan,) * 4 if failure else (box.x, box.y, box.side, box.quarter_turns))
    unseen = np.float32(np.nan if failure else 0.0)
    found.parts.append(
        {
            "xy": places.xy[0],
            "covariance": places.covariance[0],
            "confidence": places.confidence[0] + unseen,
            "visibility": places.visibility[0] + unseen,
            "shape": places.shape[0],
            "clipped": places.is_clipped[0],
            "disagree": places.spread[0] > MEMBERS_SD * box.side / REFERENCE,
        }
    )


def _dataset(predictor: Predictor, found: _Found, params: PoseParams) -> Dataset:
    """Lay the pictures out as one dataset."""
    import xarray as xr

    from mystax.analyses.pose import STILLS
    from mystax.compute.track_flags import flags_of
    from mystax.nets.predictor import SHAPE_LIMIT

    def stacked(name: str, *shape: int) -> Shaped[np.ndarray, "..."]:
        rows = [part[name] for part in found.parts]
        return np.stack(rows) if rows else np.zeros((0, predictor.n_points, *shape), np.float32)

    xy, covariance = stacked("xy", 2).transpose(0, 2, 1), stacked("covariance", 3).transpose(0, 2, 1)
    sure = stacked("confidence")
    flag = flags_of(
        low_confidence=sure < params.low_confidence,
        shape=stacked("shape") > SHAPE_LIMIT,
        clipped=stacked("clipped") > 0,
        missing_frame=np.isnan(sure),
        ensemble_disagrees=stacked("disagree") > 0,
    )
    point, place = ("image", "keypoint", "individual"), ("image", "space", "keypoint", "individual")
    cov = ("image", "cov", "keypoint", "individual")
    dataset = xr.Dataset(
        {
            "position": (place, xy[..., None]),
            "position_raw": (place, xy[..., None].copy()),
            "covariance": (cov, covariance[..., None]),
            "measurement_covariance": (cov, covariance[..., None].copy()),
            "confidence": (point, sure[..., None]),
            "visibility": (point, stacked("visibility")[..., None]),
            "flag": (point, flag[..., None], flag_attributes(FLAG_MASKS)),
        },
        coords={
            "image": np.array(found.names, np.str_),
            "space": ["x", "y"],
            "cov": ["xx", "xy", "yy"],
            "keypoint": list(predictor.keypoints.ids),
            "individual": ["face"],
        },
        attrs={
            "keypoint_set": predictor.keypoints.to_toml(),
            "weights": predictor.name,
            "weights_sha256": predictor.network.digest,
            "calibration": predictor.network.info.calibration,
            "box": np.array(found.boxes, np.float64).ravel(),
            "source_software": "mystax",
        },
    )
    dataset = complete_outcome(dataset, STILLS)
    check_outcome(dataset, STILLS, "outcome 'pose' of pictures")
    return dataset


def track_folder(
    source: str | Path | Sequence[str | Path],
    parameters: Mapping[str, object],
    *,
    out: str | Path | None = None,
    cores: int | None = None,
    force: bool = False,
    progress: Report = silent,
) -> "Outcomes":
    """Track pictures and keep what was found in ``<source>.mystax/pose.nc``.

    Parameters
    ----------
    source : path or sequence of paths
        A folder of images, an image, or images.
    parameters : mapping
        Parameters of `pose`.
    out : path, optional
        The outcome goes to ``<out>/<name of the source>``.
    cores : int, optional
        Threads; by default all that the process may use.
    force : bool, optional
        Make an outcome again that is current.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Outcomes
        The outcome `pose`.

    Raises
    ------
    MystaxError
        As `track_stills`, and S5xx if nothing can be written.
    """
    from mystax.analyses.pose import STILLS
    from mystax.analyses.pose_params import PoseParams as Declared
    from mystax.core.analysis import get_analysis
    from mystax.io.fingerprint import quick_id
    from mystax.io.outcomes import Outcomes as Kept
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    params = check_params(Declared, parameters, ANALYSIS)
    analysis = get_analysis(ANALYSIS)
    first = Path(source) if isinstance(source, str | Path) else Path(source[0]).parent
    store = Store(stills_folder(first, out))
    inputs: list[Mapping[str, object]] = [
        {"role": "image", "camera": "", "position": number, "id": quick_id(file), "name": file.name}
        for number, file in enumerate(still_files(source))
    ]
    inputs += analysis.more_inputs(params) if analysis.more_inputs is not None else []
    values = result_parameters(params)
    key = outcome_key(ANALYSIS, analysis.version, values, inputs)
    if force or store.current_key(ANALYSIS) != key:
        dataset, coverage, flags = track_stills(
            stills_of(source), params, cores=available_cores(cores), progress=progress
        )
        about = Provenance(
            ANALYSIS, analysis.version, key, values, inputs, coverage, flags, run={"file": first.name}
        )
        store.publish(dataset, about, schema=STILLS)
        progress(Event("outcome", ANALYSIS, text=ANALYSIS, data={"analysis": ANALYSIS}))
    return Kept.of_folder(store.folder)
