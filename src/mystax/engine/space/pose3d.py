"""`mystax.pose3d`: keypoints in space, from poses or foreign tracks of several calibrated cameras."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.pose3d import POSE3D, Pose3dParams
from mystax.analyses.pose3d_views import Gathered, PoseView, gather, view_of_dataset
from mystax.core.canonical import outcome_key, result_parameters
from mystax.core.events import Event, Report, silent
from mystax.core.params import check_params
from mystax.core.quality import Flag, flags_to_json, merge_flags
from mystax.core.rig_model import RigModel
from mystax.errors import FormatError, InputError, MystaxError, ParameterError, RecipeError, RoiError, nearest

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.analyses.rig import Rig
    from mystax.io.outcomes import Outcomes
else:
    Dataset = Rig = Outcomes = Any

__all__ = ["ANALYSIS", "Request3d", "gathered_of", "pose3d", "table_view", "triangulate_files"]

ANALYSIS = "pose3d"


def table_view(path: Path, rate: float | None, n_first: int = 0) -> PoseView:
    """Read a foreign track; its times are those of its frame numbers at the rate.

    Raises
    ------
    ParameterError
        P401, without a rate.
    FormatError
        F8xx, if it is no file of keypoints.
    """
    from mystax.io.formats.keypoint_files import read_keypoints

    table = read_keypoints(path)
    if rate is None:
        raise ParameterError(
            "P401",
            f"track {path.name}",
            "it holds frame numbers, not times",
            expected="the frames per second",
            hint="--rate 100",
        )
    order = np.argsort(table.frame, kind="stable")
    frame = table.frame[order] if (table.frame >= 0).all() else np.arange(len(table), dtype=np.int64)
    first = np.concatenate([[True], np.diff(frame) > 0]) if len(frame) else np.zeros(0, np.bool_)
    order, frame = order[first], frame[first]
    position = np.moveaxis(table.position[order], (1, 2, 3), (3, 2, 1))
    trust = np.moveaxis(table.confidence[order], 1, 2)
    infinite = np.isinf(position).any(axis=1)
    with np.errstate(invalid="ignore"):
        bad = infinite | (trust < 0) | (trust > 1)
    position = np.where(bad[:, None], np.nan, position)
    names = tuple(name or "individual" for name in table.individuals)
    return PoseView(
        (frame - n_first) / rate,
        frame,
        table.names,
        names,
        position,
        None,
        trust if np.isfinite(trust).any() else None,
        "",
        int(bad.sum()),
    )


def _views_of(
    poses: Any, rate: float | None, flags: list[Flag]
) -> tuple[dict[str, PoseView], dict[str, str], Path | None, list[str]]:
    """Return views by camera, identities of the inputs, a folder for the outcome, and unreadable cameras."""
    views: dict[str, PoseView] = {}
    ids: dict[str, str] = {}
    lost: list[str] = []
    folder: Path | None = None
    if isinstance(poses, str | Path):
        poses = _poses_of_path(Path(poses))
    if hasattr(poses, "folder") and not isinstance(poses, dict):
        folder = poses.folder
        poses = {
            name.partition("/")[2] or name: poses[name] for name in poses if name.partition("/")[0] == "pose"
        }
    if not isinstance(poses, Mapping) or not poses:
        raise RecipeError(
            "P403", "poses", expected="{camera: pose or file}, or a folder with pose.nc", got=repr(poses)[:80]
        )
    for camera, source in poses.items():
        try:
            view, identity, place = _one_view(str(camera), source, rate)
        except InputError as error:
            flags.append(Flag("N315", f"camera {camera} could not be read: {error}"))
            lost.append(str(camera))
            continue
        views[str(camera)], ids[str(camera)] = view, identity
        folder = folder or place
    if not views:
        raise FormatError(
            "F804", "poses", "no camera could be read", got="; ".join(flag.text for flag in flags)
        )
    return views, ids, folder, lost


def _one_view(camera: str, source: Any, rate: float | None) -> tuple[PoseView, str, Path | None]:
    """Read what one camera says."""
    if isinstance(source, PoseView):
        return source, source.identity, None
    if hasattr(source, "data_vars"):
        return view_of_dataset(source, f"pose of {camera}"), str(source.attrs.get("key", "")), None
    path = Path(source)
    if not path.is_file():
        raise FormatError("F804", str(path), "there is no such file")
    from mystax.io.fingerprint import quick_id

    if path.suffix.lower() == ".nc":
        from mystax.io.outcomes import load

        found: Any = load(path)
        dataset = found if hasattr(found, "data_vars") else found[f"pose/{camera}"]
        return view_of_dataset(dataset, path.name), str(dataset.attrs.get("key", "")), path.parent
    return table_view(path, rate), quick_id(path), path.resolve().with_name(f"{path.stem}.mystax")


def _poses_of_path(path: Path) -> Any:
    """Return the poses of a folder of outcomes or of a `pose.nc`."""
    from mystax.io.outcomes import Outcomes as Kept
    from mystax.io.outcomes import load

    found = load(path)
    if not isinstance(found, Kept):
        raise RecipeError(
            "P403",
            str(path),
            "two or more cameras are needed",
            got="one camera",
            hint="name the others: --camera left=left.csv --camera right=right.csv",
        )
    found.folder = path if path.is_dir() else path.parent
    return found


def _check_sizes(rig: RigModel, poses: Any, *, scale_rig: bool) -> RigModel:
    """Compare the sizes of pictures; a rig of the same shape is scaled where that is asked for."""
    if not isinstance(poses, Mapping):
        return rig
    cameras = []
    for camera in rig.cameras:
        source: Any = poses.get(camera.name)
        source = poses.get(f"pose/{camera.name}") if source is None else source
        width = getattr(source, "attrs", {}).get("frame_width") if source is not None else None
        if width is None or (int(width), int(source.attrs["frame_height"])) == camera.size:
            cameras.append(camera)
            continue
        size = int(width), int(source.attrs["frame_height"])
        fx, fy = size[0] / camera.size[0], size[1] / camera.size[1]
        if not scale_rig or abs(fx / fy - 1) > 0.005:
            raise RoiError(
                "P402",
                f"camera {camera.name!r}",
                "the rig was calibrated with pictures of another size",
                expected=f"{camera.size[0]} x {camera.size[1]} px",
                got=f"{size[0]} x {size[1]} px",
                hint="--scale-rig scales the camera's matrix" if abs(fx / fy - 1) <= 0.005 else "",
            )
        matrix = camera.matrix.copy()
        matrix[0, 0], matrix[1, 1] = matrix[0, 0] * fx, matrix[1, 1] * fy
        # centres of pixels lie at whole numbers
        matrix[0, 2] = (matrix[0, 2] + 0.5) * fx - 0.5
        matrix[1, 2] = (matrix[1, 2] + 0.5) * fy - 0.5
        cameras.append(replace(camera, matrix=matrix, size=size))
    return RigModel(tuple(cameras), rig.metadata)


class Request3d:
    """What is asked for besides the parameters of the analysis.

    Parameters
    ----------
    rate : float, optional
        Frames per second of tracks that hold no times.
    reference : str, optional
        Camera whose times are those of the outcome; by default the first of the rig that has a track.
    offsets : mapping, optional
        Camera to seconds that are added to its times.
    crops : mapping, optional
        Camera to the place of its pictures in the calibrated ones [px].
    sides : mapping, optional
        Camera to ``left`` or ``right``: one-sided points get anatomical names.
    scale_rig : bool, optional
        Scale a rig that was calibrated with pictures of another size and equal shape.
    """

    def __init__(
        self,
        *,
        rate: float | None = None,
        reference: str = "",
        offsets: Mapping[str, float] | None = None,
        crops: Mapping[str, tuple[float, float]] | None = None,
        sides: Mapping[str, str] | None = None,
        scale_rig: bool = False,
    ) -> None:
        if rate is not None and not 0 < rate < 1e6:
            raise ParameterError(
                "P401", "parameter 'rate' of 'pose3d'", expected="0 < rate < 1e6", got=str(rate)
            )
        self.rate, self.reference, self.scale_rig = rate, reference, scale_rig
        self.offsets, self.crops, self.sides = dict(offsets or {}), dict(crops or {}), dict(sides or {})
        for side in self.sides.values():
            if side not in ("left", "right"):
                raise ParameterError(
                    "P401", "parameter 'sides' of 'pose3d'", expected="left or right", got=side
                )

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for the key of the outcome."""
        return {
            "rate": self.rate,
            "reference": self.reference,
            "offsets": {name: float(value) for name, value in sorted(self.offsets.items())},
            "crops": {name: list(map(float, value)) for name, value in sorted(self.crops.items())},
            "sides": dict(sorted(self.sides.items())),
            "scale_rig": self.scale_rig,
        }

    def check_names(self, names: tuple[str, ...]) -> None:
        """Refuse options for cameras that are not there (P403)."""
        for given in (self.offsets, self.crops, self.sides, [self.reference] if self.reference else []):
            for name in given:
                if name not in names:
                    raise RecipeError("P403", f"camera {name!r}", f"there is none{nearest(name, names)}")


def _load_rig(rig: Any) -> RigModel:
    if isinstance(rig, str | Path):
        from mystax.io.formats.rig_files import read_rig_file

        return read_rig_file(rig)
    found: RigModel = getattr(rig, "model", rig)
    return found


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
        Camera to the place of its pictures in the calibrated ones [px].
    sides : mapping, optional
        Camera to ``left`` or ``right``, for one-sided keypoint sets.
    scale_rig : bool, optional
        Scale a rig that was calibrated with pictures of another size and equal shape.
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
        P401, if a parameter is unknown or out of its range, or fewer than two cameras are left.
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
        rate=rate, reference=reference, offsets=offsets, crops=crops, sides=sides, scale_rig=scale_rig
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


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Rig and views that fit together."""

    rig: RigModel
    views: dict[str, PoseView]
    used: list[str]
    ids: dict[str, str]
    folder: Path | None
    reference: str


def _prepare(poses: Any, rig: Any, request: Request3d, flags: list[Flag], progress: Report) -> _Prepared:
    """Read rig and poses, and bring names, sizes, clocks and crops together."""
    model = _load_rig(rig)
    if isinstance(poses, str | Path):
        poses = _poses_of_path(Path(poses))
    views, ids, folder, lost = _views_of(poses, request.rate, flags)
    wanted = [*views, *lost]
    unknown = [name for name in wanted if name not in model.names]
    if unknown:
        raise RecipeError(
            "P403",
            "rig",
            "rig and poses name different cameras",
            expected=f"cameras of the rig: {', '.join(model.names)}",
            got=", ".join(wanted),
            hint="--camera NAME=FILE says which file belongs to which camera",
        )
    used = [name for name in model.names if name in wanted]
    if len(used) < 2:
        raise ParameterError("P401", "poses", "two or more cameras are needed", got=", ".join(used) or "none")
    request.check_names(tuple(used))
    for name in model.names:
        if name not in wanted:
            progress(Event("note", ANALYSIS, text=f"camera {name} of the rig is not used: it has no track"))
    model = _check_sizes(model.subset(used), poses, scale_rig=request.scale_rig)
    model = RigModel(
        tuple(replace(camera, crop=request.crops.get(camera.name, camera.crop)) for camera in model.cameras),
        model.metadata,
    )
    for name, view in views.items():
        shifted = replace(view, times=view.times + request.offsets.get(name, 0.0))
        views[name] = shifted.renamed(request.sides.get(name, ""))
    reference = request.reference or next(name for name in used if name in views)
    if reference not in views:
        raise RecipeError("P403", f"camera {reference!r}", "the reference has no track")
    return _Prepared(model, views, used, ids, folder, reference)


def gathered_of(
    poses: Any, rig: Any, request: Request3d, *, min_confidence: float = 0.1, progress: Report = silent
) -> tuple[RigModel, Gathered]:
    """Return the rig and the points of its cameras on one timeline.

    Raises
    ------
    MystaxError
        As `pose3d`.
    """
    found = _prepare(poses, rig, request, [], progress)
    gathered = gather(found.views, found.used, reference=found.reference, min_confidence=min_confidence)
    return found.rig, gathered


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
    prepared = _prepare(poses, rig, request, flags, progress)
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
    values = {**result_parameters(params), **request.as_dict()}
    key = outcome_key(ANALYSIS, 1, values, inputs)
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
    about = Provenance(ANALYSIS, 1, key, values, inputs, coverage, flags)
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
