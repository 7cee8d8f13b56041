"""Tracks and a rig from wherever they are, brought together by name, size, clock and crop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mystax.analyses.pose3d_views import Gathered, PoseView, gather, view_of_dataset
from mystax.core.events import Event, Report, silent
from mystax.core.quality import Flag
from mystax.core.rig_model import CameraModel, RigModel
from mystax.engine.space.pose3d_request import Request3d
from mystax.errors import FormatError, InputError, ParameterError, RecipeError, RoiError

__all__ = ["Prepared", "gathered_of", "prepare", "table_view"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rig and views that fit together."""

    rig: RigModel
    views: dict[str, PoseView]
    used: list[str]
    ids: dict[str, str]
    folder: Path | None
    reference: str


def prepare(poses: Any, rig: Any, request: Request3d, flags: list[Flag], progress: Report) -> Prepared:
    """Read rig and poses, and bring names, sizes, clocks and crops together."""
    model = request.in_millimetres(_load_rig(rig))
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
            progress(Event("note", "pose3d", text=f"camera {name} of the rig is not used: it has no track"))
    model = _fitted(model.subset(used), views, request)
    seen = [name for name in used if name in views]  # in the order of the rig, whatever that of the request
    for name in seen:
        shifted = replace(views[name], times=views[name].times + request.offsets.get(name, 0.0))
        views[name] = shifted.renamed(request.sides.get(name, ""))
    reference = request.reference or seen[0]
    if reference not in views:
        raise RecipeError("P403", f"camera {reference!r}", "the reference has no track")
    views, ids = {name: views[name] for name in seen}, {name: ids[name] for name in seen}
    return Prepared(model, views, used, ids, folder, reference)


def gathered_of(
    poses: Any, rig: Any, request: Request3d, *, min_confidence: float = 0.1, progress: Report = silent
) -> tuple[RigModel, Gathered]:
    """Return the rig and the points of its cameras on one timeline.

    Raises
    ------
    MystaxError
        As `mystax.pose3d`.
    """
    found = prepare(poses, rig, request, [], progress)
    gathered = gather(found.views, found.used, reference=found.reference, min_confidence=min_confidence)
    return found.rig, gathered


def _load_rig(rig: Any) -> RigModel:
    if isinstance(rig, str | Path):
        from mystax.io.formats.rig_files import read_rig_file

        return read_rig_file(rig)
    found: RigModel = getattr(rig, "model", rig)
    return found


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
        n_infinite=int(bad.sum()),
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
            view, place = _one_view(str(camera), source, rate)
        except InputError as error:
            flags.append(Flag("N315", f"camera {camera} could not be read: {error}"))
            lost.append(str(camera))
            continue
        views[str(camera)], ids[str(camera)] = view, view.identity
        folder = folder or place
    if not views:
        raise FormatError(
            "F804", "poses", "no camera could be read", got="; ".join(flag.text for flag in flags)
        )
    return views, ids, folder, lost


def _one_view(camera: str, source: Any, rate: float | None) -> tuple[PoseView, Path | None]:
    """Read what one camera says, and where its outcome would go."""
    if isinstance(source, PoseView):
        return source, None
    if hasattr(source, "data_vars"):
        return view_of_dataset(source, f"pose of {camera}"), None
    path = Path(source)
    if not path.is_file():
        raise FormatError("F804", str(path), "there is no such file")
    if path.suffix.lower() == ".nc":
        from mystax.io.outcomes import load

        found: Any = load(path)
        dataset = found if hasattr(found, "data_vars") else found[f"pose/{camera}"]
        return view_of_dataset(dataset, path.name), path.parent
    return table_view(path, rate), path.resolve().with_name(f"{path.stem}.mystax")


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


def _fitted(rig: RigModel, views: Mapping[str, PoseView], request: Request3d) -> RigModel:
    """Return the rig for the pictures of the views: cut out of the calibrated ones, or scaled."""
    cameras = []
    for camera in rig.cameras:
        crop = request.crops.get(camera.name)
        size = views[camera.name].size if camera.name in views else None
        placed = camera if crop is None else replace(camera, crop=(float(crop[0]), float(crop[1])))
        if size is not None and size != camera.size:
            placed = _sized(placed, size, is_asked=crop is not None, scale_rig=request.scale_rig)
        cameras.append(placed)
    return RigModel(tuple(cameras), rig.metadata)


def _sized(camera: CameraModel, size: tuple[int, int], *, is_asked: bool, scale_rig: bool) -> CameraModel:
    """Return the camera for pictures of another size, or refuse them (P402).

    A crop that is asked for is said of this camera alone, and comes before scaling; one of the rig after it.
    """
    (x, y), (fx, fy) = camera.crop, (size[0] / camera.size[0], size[1] / camera.size[1])
    is_cropped = is_asked or camera.crop != (0.0, 0.0)
    is_inside = min(x, y) >= 0 and x + size[0] <= camera.size[0] and y + size[1] <= camera.size[1]
    is_alike = abs(fx / fy - 1) <= 0.005
    if is_cropped and is_inside and (is_asked or not (scale_rig and is_alike)):
        return camera
    if not scale_rig or not is_alike:
        raise RoiError(
            "P402",
            f"camera {camera.name!r}",
            "the rig was calibrated with pictures of another size",
            expected=f"{'pictures inside ' if is_cropped else ''}{camera.size[0]} x {camera.size[1]} px",
            got=f"{size[0]} x {size[1]} px" + (f" at {x:g}, {y:g}" if is_cropped else ""),
            hint="--scale-rig scales the camera's matrix" if is_alike else "",
        )
    matrix = camera.matrix.copy()
    matrix[0, 0], matrix[1, 1] = matrix[0, 0] * fx, matrix[1, 1] * fy
    # centres of pixels lie at whole numbers
    matrix[0, 2] = (matrix[0, 2] + 0.5) * fx - 0.5
    matrix[1, 2] = (matrix[1, 2] + 0.5) * fy - 0.5
    return replace(camera, matrix=matrix, size=size, crop=(x * fx, y * fy))
