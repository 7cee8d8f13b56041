"""What `states` takes: outcomes of mystax, datasets, and files of other tools, as sources with columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_track import StatesSource, check_length, flatness_flag
from mystax.core.keypoints import KeypointSet
from mystax.core.quality import Flag
from mystax.core.safe_names import is_there
from mystax.engine.states.columns import with_columns
from mystax.engine.states.files import read_foreign
from mystax.engine.states.poses import SHARED, identity_of, joined_cameras
from mystax.errors import RecipeError, VideoError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["read_sources", "share_points"]


def read_sources(
    entry: Any,
    params: StatesParams,
    keypoints: KeypointSet | None,
    name: str = "",
    table: Mapping[str, str] | None = None,
) -> list[StatesSource]:
    """Read one input.

    Parameters
    ----------
    entry : path, Dataset, or mapping of str to Dataset
        A folder of outcomes, an outcome, a foreign file, or what was loaded before.
    params : StatesParams
        Parameters.
    keypoints : KeypointSet, optional
        The set whose points are meant; by default the outcome's own, or the smallest that has all names.
    name : str, optional
        Name of the recording; by default that of the file.
    table : mapping, optional
        Names in a foreign file to names here.

    Returns
    -------
    list of StatesSource
        One per individual.

    Raises
    ------
    RecipeError
        P403, if there is no such file, or it has nothing that `states` takes.
    ParameterError
        P401, if a file has no time and no rate is given.
    FormatError
        F801-F804, if a file is refused.
    """
    if isinstance(entry, str | Path):
        path = Path(entry)
        if not (is_there(path) or is_there(path, folder=True)):
            raise RecipeError("P403", str(entry), "there is no such file or folder")
        if path.is_dir() or path.suffix.lower() == ".nc":
            from mystax.io.outcomes import load

            return _finish(_of_loaded(load(path), params, keypoints, name or _name_of(path), path))
        return _finish(
            [with_columns(item, {}, params) for item in read_foreign(path, params, keypoints, table)]
        )
    return _finish(_of_loaded(entry, params, keypoints, name or "recording", None))


def _finish(sources: list[StatesSource]) -> list[StatesSource]:
    from dataclasses import replace

    found = []
    for item in sources:
        check_length(item)
        _check_times(item)
        flat = flatness_flag(item)
        found.append(item if flat is None else replace(item, flags=(*item.flags, flat)))
    return found


def _check_times(source: StatesSource) -> None:
    if not np.isfinite(source.times).all() or (np.diff(source.times) <= 0).any():
        raise VideoError(
            "V111",
            source.name,
            "the clock runs backwards, repeats or has holes",
            expected="rising finite times",
            hint="give the recording a clock of its own, or --rate for a file without times",
        )


def _name_of(path: Path) -> str:
    place = path if path.is_dir() else path.parent
    stem = place.resolve().name.removesuffix(".mystax")
    return stem or path.stem


def _of_loaded(
    loaded: Any, params: StatesParams, keypoints: KeypointSet | None, name: str, path: Path | None
) -> list[StatesSource]:
    """Take the pose and the traces out of outcomes."""
    if hasattr(loaded, "data_vars"):
        kind = str(loaded.attrs.get("analysis", "")) or ("pose" if "position" in loaded else "")
        loaded = {kind or "pose": loaded}
    if not isinstance(loaded, Mapping):
        raise RecipeError(
            "P403", name, expected="a path, a Dataset or a mapping of outcomes", got=type(loaded).__name__
        )
    poses = {
        key: loaded[key]
        for key in loaded
        if key.partition("/")[0] in ("pose3d", "pose") and "position" in loaded[key]
    }
    if any(key.startswith("pose3d") for key in poses):
        poses = {key: item for key, item in poses.items() if key.startswith("pose3d")}
    wanted = None if params.camera == "all" else {word.strip() for word in params.camera.split(",")}
    if wanted is not None:
        known = {key.partition("/")[2]: item for key, item in poses.items()}
        unknown = wanted - set(known)
        if unknown:
            first = min(unknown)
            raise RecipeError("P403", name, f"no camera {first!r}{nearest(first, known)}")
        poses = {key: item for key, item in poses.items() if key.partition("/")[2] in wanted}
    del path
    if not poses:
        return [with_columns(_without_pose(loaded, name), loaded, params)]
    sources = joined_cameras(poses, params, keypoints, name)
    return [with_columns(item, loaded, params) for item in sources]


def _without_pose(loaded: Mapping[str, Dataset], name: str) -> StatesSource:
    for key in loaded:
        dataset = loaded[key]
        if "time" in dataset.coords and dataset.sizes.get("time", 0):
            times = np.asarray(dataset["time"].values, np.float64)
            return StatesSource(
                name, times, np.zeros((len(times), 0, 2)), None, identity=identity_of(dataset)
            )
    raise RecipeError(
        "P403",
        name,
        "there is nothing that states can be found in",
        expected="a pose or pose3d outcome, or traces",
        got=", ".join(map(str, loaded)) or "nothing",
        hint="mystax track VIDEO makes a pose",
    )


def share_points(sources: Sequence[StatesSource]) -> tuple[list[StatesSource], list[Flag]]:
    """Bring recordings to the points that all of them have.

    Parameters
    ----------
    sources : sequence of StatesSource
        The recordings.

    Returns
    -------
    tuple of list of StatesSource and list of Flag
        A remark where points were left out.

    Raises
    ------
    RecipeError
        P403, if recordings mix plane and space, units, or have too few points in common.
    """
    from dataclasses import replace

    kinds = {(item.points.shape[2], item.unit) for item in sources if item.ids}
    if len(kinds) > 1:
        raise RecipeError(
            "P403",
            "inputs",
            "recordings in the plane and in space, or of different units, cannot be compared",
            got="; ".join(f"{item.name}: {item.points.shape[2]}-D in {item.unit}" for item in sources),
        )
    with_points = [item for item in sources if item.ids]
    if not with_points:
        return list(sources), []
    if len(with_points) < len(sources):
        raise RecipeError("P403", "inputs", "some recordings have points and others have none")
    first = sources[0].ids
    common = [name for name in first if all(name in item.ids for item in sources)]
    largest = max(len(item.ids) for item in sources)
    if len(common) < SHARED * largest:
        other = next(item for item in sources if len(set(item.ids) & set(first)) < SHARED * largest)
        raise RecipeError(
            "P403",
            "inputs",
            f"{sources[0].name} and {other.name} have too few points in common",
            expected=", ".join(first)[:300],
            got=", ".join(other.ids)[:300],
        )
    if all(item.ids == first for item in sources) and len(common) == len(first):
        return list(sources), []
    found = []
    for item in sources:
        assert item.keypoints is not None  # noqa: S101 - all have points here
        order = [item.ids.index(name) for name in common]
        subset = item.keypoints.subset(common)
        arranged = [common[k] for k in np.argsort([subset.ids.index(name) for name in common])]
        order = [item.ids.index(name) for name in arranged]
        sd = None if item.point_sd is None else item.point_sd[order]
        found.append(replace(item, points=item.points[:, order], keypoints=subset, point_sd=sd))
    return found, [Flag("N304", f"only the {len(common)} points that all recordings have are used")]
