"""Points in space of recordings as tables of Anipose and of DeepLabCut."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.safe_names import safe_name
from mystax.errors import ParameterError, RecipeError, nearest
from mystax.io.formats.anipose_points import AniposePoints, anipose_points_text
from mystax.io.formats.dlc_points import DlcPoints, dlc_points_text, write_dlc_points_h5
from mystax.io.recorded import Recorded
from mystax.io.whole_files import refuse_existing, whole_file, write_whole

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["POINT_FORMS", "write_points"]

POINT_FORMS = ("anipose", "dlc-3d")
ANALYSIS = "pose3d"


def write_points(
    folder: Path, recordings: Sequence[Recorded], form: str, *, overwrite: bool = False
) -> list[Path]:
    """Write the points in space of recordings, smoothed, in their axes.

    Parameters
    ----------
    folder : Path
        Where the tables go: ``<recording>.csv`` of Anipose, with the individual in the name where there are
        several; ``<recording>_DLC_3D.csv`` and ``.h5`` of DeepLabCut.
    recordings : sequence of Recorded
        Outcomes; those without points in space are passed over.
    form : {"anipose", "dlc-3d"}
        Format.
    overwrite : bool, optional
        Replace files of the same names.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ParameterError
        P401, for an unknown form.
    RecipeError
        P403, if no recording has points in space, or a file exists.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    if form not in POINT_FORMS:
        raise ParameterError("P401", "format of points", f"there is no {form!r}{nearest(form, POINT_FORMS)}")
    found = [
        (safe_name(one.name), dataset)
        for one in recordings
        if ANALYSIS in one.outcomes
        for dataset in one.outcomes[ANALYSIS].cameras.values()
    ]
    if not found:
        raise RecipeError(
            "P403",
            recordings[0].name if recordings else str(folder),
            "there are no points in space",
            hint="mystax triangulate makes them",
        )
    if form == "anipose":
        return _write_anipose(folder, found, overwrite=overwrite)
    return _write_dlc(folder, found, overwrite=overwrite)


def _write_anipose(folder: Path, found: Sequence[tuple[str, Dataset]], *, overwrite: bool) -> list[Path]:
    jobs = [
        (folder / f"{name}{end}.csv", dataset, k)
        for name, dataset in found
        for k, end in enumerate(_ends(dataset))
    ]
    refuse_existing([path for path, _, _ in jobs], overwrite)
    for path, dataset, k in jobs:
        text = anipose_points_text(
            _anipose_points(dataset, k), dataset["rotation"].values, dataset["origin"].values
        )
        write_whole(path, text.encode())
    return [path for path, _, _ in jobs]


def _ends(dataset: Dataset) -> Iterator[str]:
    """End the name of a file by the individual where there are several."""
    names = [str(name) for name in dataset["individual"].values]
    yield from ([f".{safe_name(name)}" for name in names] if len(names) > 1 else [""])


def _anipose_points(dataset: Dataset, individual: int) -> AniposePoints:
    """Return the points of an individual with the mean error and the number of the cameras that agree."""
    one = dataset.isel(individual=individual)
    used = one["used"].transpose("time", "keypoint", "camera").values
    residual = one["residual"].transpose("time", "keypoint", "camera").values
    if "n_cameras" in one:  # came from a table: the mean is all that is known
        count, error = one["n_cameras"].transpose("time", "keypoint").values, residual[..., 0]
    else:
        count = (used == 1).sum(axis=2)
        known = (used == 1) & np.isfinite(residual)
        total = np.where(known, residual, np.float32(0)).sum(axis=2)
        n_known = known.sum(axis=2)
        error = np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan).astype(np.float32)
    return AniposePoints(
        tuple(str(name) for name in one["keypoint"].values),
        one["position"].transpose("time", "keypoint", "space").values,
        error,
        one["confidence"].transpose("time", "keypoint").values,
        np.where(count < 0, np.nan, count),
        one["frame"].values,
        float(np.linalg.det(one["rotation"].values)),
        0.0,
    )


def _write_dlc(folder: Path, found: Sequence[tuple[str, Dataset]], *, overwrite: bool) -> list[Path]:
    targets = [folder / f"{name}_DLC_3D{suffix}" for name, _ in found for suffix in (".csv", ".h5")]
    refuse_existing(targets, overwrite)
    for k, (_, dataset) in enumerate(found):
        individuals = tuple(str(name) for name in dataset["individual"].values)
        points = DlcPoints(
            tuple(str(name) for name in dataset["keypoint"].values),
            individuals if len(individuals) > 1 else ("",),
            dataset["position"].transpose("time", "individual", "keypoint", "space").values,
            dataset["frame"].values.astype(np.int64),
        )
        write_whole(targets[2 * k], dlc_points_text(points).encode())
        with whole_file(targets[2 * k + 1]) as part:
            write_dlc_points_h5(part, points)
    return targets
