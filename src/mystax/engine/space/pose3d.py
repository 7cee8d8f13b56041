"""`mystax.pose3d`: keypoints in space, from poses or foreign tracks of several calibrated cameras."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.pose3d import POSE3D, VERSION, Pose3dParams
from mystax.analyses.pose3d_views import gather
from mystax.core.canonical import outcome_key, result_parameters
from mystax.core.events import Event, Report, silent
from mystax.core.params import check_params
from mystax.core.quality import Flag, flags_to_json, merge_flags
from mystax.engine.space.pose3d_inputs import prepare
from mystax.engine.space.pose3d_request import Request3d
from mystax.errors import MystaxError, RecipeError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.io.outcomes import Outcomes
else:
    Dataset = Outcomes = Any

__all__ = ["ANALYSIS", "pose3d", "triangulate_files"]

ANALYSIS = "pose3d"


def pose3d(
    poses: Any,
    *,
    rig: Any,
    rate: float | None = None,
    reference: str = "",
    offsets: Mapping[str, float] | None = None,
    crops: Mapping[str, tuple[float, float]] | None = None,
    sides: Mapping[str, str] | None = None,
    scale_rig: bool = False,
    rig_unit: float | None = None,
    cores: int = 1,
    out: str | Path | None = None,
    progress: Report = silent,
    **parameters: object,
) -> Dataset:
    """Bring the keypoints of several calibrated cameras together in space.

    Parameters
    ----------
    poses : mapping, Outcomes, or path
        Camera to a pose Dataset or a file of keypoints of any known format; or outcomes with poses of several
        cameras.
    rig : Rig or path
        The calibrated cameras.
    rate : float, optional
        Frames per second of tracks that hold no times.
    reference : str, optional
        Camera whose times are those of the outcome; by default the first of the rig.
    offsets : mapping, optional
        Camera to seconds that are added to its times [s].
    crops : mapping, optional
        Camera to the place of its pictures in the calibrated ones [px]; if they lie inside those they may be
        smaller, and are not scaled.
    sides : mapping, optional
        Camera to ``left`` or ``right``, for one-sided keypoint sets.
    scale_rig : bool, optional
        Scale a rig that was calibrated with pictures of another size and equal shape.
    rig_unit : float, optional
        Length of the rig's unit [mm], where that is not the millimetre: the square of a board.
    cores : int, optional
        Threads; the result does not depend on it.
    out : path, optional
        Also keep the outcome in this folder.
    progress : callable, optional
        Takes events.
    **parameters
        ``smooth="auto"``, ``axes=""``, ``limbs=""``, ``max_gap=0.25``, ...: those of the analysis `pose3d`.

    Returns
    -------
    Dataset
        position, position_raw, covariance, used, residual, ray_angle, flag, measures, ... [mm, px, rad].

    Raises
    ------
    ParameterError
        P401, if a parameter is unknown or out of its range, fewer than two cameras are left, or the rig does
        not say its unit.
    RoiError
        P402, if the rig was calibrated with pictures of another size.
    RecipeError
        P403, if rig and poses name different cameras.
    NumbersError
        N303, if no point is ever seen by two cameras.

    Examples
    --------
    >>> dataset = pose3d("face.mystax", rig="calibration.toml")  # doctest: +SKIP
    >>> dataset["position"].sel(keypoint="nose_tip")  # doctest: +SKIP
    """
    request = Request3d(
        rate=rate,
        reference=reference,
        offsets=offsets,
        crops=crops,
        sides=sides,
        scale_rig=scale_rig,
        rig_unit=rig_unit,
    )
    given = {
        name: " ".join(f"{a}={':'.join(b)}" for a, b in value.items())
        if isinstance(value, Mapping)
        else value
        for name, value in parameters.items()
        if value is not None
    }
    given = {
        name: ",".join("-".join(pair) for pair in value)
        if name == "limbs" and isinstance(value, list | tuple)
        else value
        for name, value in given.items()
    }
    if isinstance(given.get("smooth"), int | float):
        given["smooth"] = str(given["smooth"])
    dataset, _ = _make(poses, rig, request, given, cores, out, progress)
    return dataset


def _make(
    poses: Any,
    rig: Any,
    request: Request3d,
    parameters: Mapping[str, object],
    cores: int,
    out: str | Path | None,
    progress: Report,
    *,
    keep: bool = False,
) -> tuple[Dataset, Path | None]:
    """Make the outcome, and publish it where that is asked for."""
    from mystax.analyses.pose3d_finish import reconstruct, smooth_request
    from mystax.compute.tiles import TilePool
    from mystax.core.dataset import check_outcome, complete_outcome

    params = check_params(Pose3dParams, parameters, ANALYSIS)
    smooth_request(params.smooth)
    flags: list[Flag] = []
    prepared = prepare(poses, rig, request, flags, progress)
    request.check_unit(prepared.rig)
    model, views, used, ids, folder = (
        prepared.rig,
        prepared.views,
        prepared.used,
        prepared.ids,
        prepared.folder,
    )
    keypoint_set = next((view.keypoint_set for view in views.values() if view.keypoint_set), "")
    inputs: list[Mapping[str, object]] = [
        {"role": "pose", "camera": name, "position": number, "id": ids[name]}
        for number, name in enumerate(ids)
    ]
    inputs.append({"role": "calibration", "camera": "", "position": 0, "id": model.fingerprint})
    values = {**result_parameters(params), **request.as_dict(), "reference": prepared.reference}
    key = outcome_key(ANALYSIS, VERSION, values, inputs)
    target = Path(out) if out is not None else folder if keep else None
    if target is not None:
        from mystax.io.outcomes import load
        from mystax.io.store import Store

        store = Store(target)
        if store.current_key(ANALYSIS) == key:
            current: Any = load(store.path(ANALYSIS))
            return current, target
    gathered = gather(views, used, reference=prepared.reference, min_confidence=params.min_confidence)
    with TilePool(cores) as pool:
        dataset, found = reconstruct(model, gathered, params, keypoint_set=keypoint_set, run=pool.map)
    flags = merge_flags(flags, found)
    dataset = complete_outcome(dataset, POSE3D)
    check_outcome(dataset, POSE3D, "outcome 'pose3d'")
    if target is None:
        dataset.attrs["quality"] = flags_to_json(flags)
        return dataset, None
    _publish(target, dataset, flags, key, values, inputs)
    progress(Event("outcome", ANALYSIS, text=ANALYSIS, data={"analysis": ANALYSIS}))
    loaded: Any = load(Path(target) / f"{ANALYSIS}.nc")
    return loaded, target


def _publish(
    target: Path,
    dataset: Dataset,
    flags: list[Flag],
    key: str,
    values: Mapping[str, object],
    inputs: list[Mapping[str, object]],
) -> None:
    from mystax.core.safe_names import check_folder
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    check_folder(target, str(target))
    seen = np.isfinite(dataset["position_raw"].values[:, 0]).any(axis=(1, 2))
    coverage = float(seen.mean()) if len(seen) else 0.0
    about = Provenance(ANALYSIS, VERSION, key, values, inputs, coverage, flags)
    Store(target).publish(dataset, about, schema=POSE3D)


def triangulate_files(
    poses: Any,
    rig: Any,
    request: Request3d,
    parameters: Mapping[str, object],
    *,
    out: str | Path | None = None,
    cores: int = 1,
    report: bool = True,
    progress: Report = silent,
) -> "Outcomes":
    """Make and keep the outcome `pose3d` (what `mystax triangulate` does).

    Parameters
    ----------
    poses, rig : object
        As those of `pose3d`.
    request : Request3d
        Clocks, crops, names.
    parameters : mapping
        Parameters of the analysis.
    out : path, optional
        Folder of the outcome; by default that of the poses, or ``<first file>.mystax``.
    cores : int, optional
        Threads.
    report : bool, optional
        Whether the report is written too.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Outcomes
        The outcomes of the folder.

    Raises
    ------
    MystaxError
        As `pose3d`, and S5xx if nothing can be written.
    """
    from mystax.engine.report import make_report
    from mystax.io.outcomes import Outcomes as Kept
    from mystax.io.store import Store

    _, folder = _make(poses, rig, request, parameters, cores, out, progress, keep=True)
    if folder is None:
        raise RecipeError("P403", "out", "say where the outcome goes", hint="--out DIR")
    if report:
        try:
            make_report(Store(folder))
        except MystaxError as error:
            progress(Event("note", ANALYSIS, text=f"no report: {error}"))
    return Kept.of_folder(folder)
