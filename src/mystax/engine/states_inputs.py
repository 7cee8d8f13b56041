"""What `states` takes: outcomes of mystax, datasets, and files of other tools, as points and columns."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_track import StatesSource, check_length, flatness_flag, masked_points
from mystax.compute.features import Column
from mystax.core.keypoint_names import map_names, set_for_names
from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.core.quality import Flag
from mystax.core.safe_names import is_there
from mystax.core.typing import Float64
from mystax.errors import ClockError, FormatError, ParameterError, RecipeError, VideoError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["KNOWN_FEATURES", "read_sources", "share_points"]

KNOWN_FEATURES = (
    "auto",
    "keypoints",
    "measures",
    "head",
    "pupil.area",
    "pupil.diameter",
    "blink.openness",
    "motion.energy",
    "svd.motion_svd",
    "running.speed",
    "csv",
)
LOGARITHMIC = ("pupil.area", "motion.energy")
SHARED = 0.6
"""Share of a set that recordings must have in common."""
MOTION_COMPONENTS = 5


def words_of(features: str) -> list[str]:
    """Split the parameter `features`.

    Raises
    ------
    ParameterError
        P401, if a feature is unknown (with the nearest one).
    """
    words = [word.strip() for word in features.split(",") if word.strip()]
    for word in words:
        base = word.partition(":")[0]
        if base not in KNOWN_FEATURES:
            raise ParameterError(
                "P401",
                "parameter 'features' of 'states'",
                f"there is no feature {word!r}{nearest(base, KNOWN_FEATURES)}",
            )
    return words or ["auto"]


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
        from mystax.engine.states_files import read_foreign

        return _finish(
            [_with_columns(item, {}, params) for item in read_foreign(path, params, keypoints, table)]
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
        return [_with_columns(_without_pose(loaded, name), loaded, params)]
    sources = _joined_cameras(poses, params, keypoints, name)
    return [_with_columns(item, loaded, params) for item in sources]


def _without_pose(loaded: Mapping[str, Dataset], name: str) -> StatesSource:
    for key in loaded:
        dataset = loaded[key]
        if "time" in dataset.coords and dataset.sizes.get("time", 0):
            times = np.asarray(dataset["time"].values, np.float64)
            return StatesSource(name, times, np.zeros((len(times), 0, 2)), None, identity=_identity(dataset))
    raise RecipeError(
        "P403",
        name,
        "there is nothing that states can be found in",
        expected="a pose or pose3d outcome, or traces",
        got=", ".join(map(str, loaded)) or "nothing",
        hint="mystax track VIDEO makes a pose",
    )


def _identity(dataset: Dataset) -> str:
    found = str(dataset.attrs.get("content_sha256", ""))
    if found:
        return found
    import hashlib

    digest = hashlib.sha256()
    for key in sorted(map(str, dataset.variables)):
        values = np.asarray(dataset[key].values)
        digest.update(key.encode())
        digest.update(values.astype("U").tobytes() if values.dtype.kind in "UOT" else values.tobytes())
    return digest.hexdigest()


def _joined_cameras(
    poses: Mapping[str, Dataset], params: StatesParams, keypoints: KeypointSet | None, name: str
) -> list[StatesSource]:
    """Take the points of one camera, or join those of several as `camera__point`."""
    per_camera = {
        key.partition("/")[2]: _of_pose(item, params, keypoints, name) for key, item in poses.items()
    }
    if len(per_camera) == 1:
        return next(iter(per_camera.values()))
    first = next(iter(per_camera.values()))[0]
    points, names = [], []
    for camera, found in per_camera.items():
        item = found[0]
        moved = np.full((len(first.times), *item.points.shape[1:]), np.nan)
        near = np.clip(np.searchsorted(item.times, first.times), 0, len(item.times) - 1)
        before = np.clip(near - 1, 0, len(item.times) - 1)
        near = np.where(
            np.abs(item.times[before] - first.times) < np.abs(item.times[near] - first.times), before, near
        )
        step = float(np.median(np.diff(item.times)))
        good = np.abs(item.times[near] - first.times) <= 0.5 * step * (1 + 1e-6)
        moved[good] = item.points[near[good]]
        points.append(moved)
        names += [f"{camera}__{point}" for point in item.ids]
    base = first.keypoints
    joined = KeypointSet(
        "joined",
        tuple(Keypoint(point.replace(".", "_")) for point in names),
        species=base.species if base is not None else "",
        view=base.view if base is not None else "one-sided",
        rigid=tuple(point for point in names if base is not None and point.rpartition("__")[2] in base.rigid),
    )
    return [
        StatesSource(
            name,
            first.times,
            np.concatenate(points, 1),
            joined,
            first.unit,
            flags=first.flags,
            identity=first.identity,
        )
    ]


def _of_pose(
    dataset: Dataset, params: StatesParams, keypoints: KeypointSet | None, name: str
) -> list[StatesSource]:
    """Take the points out of a pose, one source per individual."""
    for needed in ("time", "space", "keypoint"):
        if needed not in dataset["position"].dims:
            raise FormatError(
                "F804", name, f"position has no dimension {needed!r}", got=str(dataset["position"].dims)
            )
    if "individual" not in dataset["position"].dims:
        dataset = dataset.expand_dims(individual=["face"])
    times = np.asarray(dataset["time"].values, np.float64)
    names = [str(item) for item in dataset["keypoint"].values]
    text = str(dataset.attrs.get("keypoint_set", ""))
    own = keypoints or (KeypointSet.from_toml(text) if text else set_for_names(names))
    unit = str(dataset["position"].attrs.get("units", "px"))
    flags = tuple(_frame_flags(dataset))
    missing = (
        np.asarray(dataset["missing"].values) > 0 if "missing" in dataset else np.zeros(len(times), bool)
    )
    found = []
    for k, individual in enumerate(dataset["individual"].values):
        only = dataset.isel(individual=k)
        points = np.asarray(only["position"].transpose("time", "keypoint", "space").values, np.float64)
        sure = _values(only, "confidence")
        residual = _values(only, "residual") if points.shape[2] == 3 else None
        points = masked_points(points, sure, residual, params.min_confidence, params.max_residual)
        points[missing] = np.nan
        arranged, subset, sd = _arranged(points, names, own, _point_sd(only), name)
        label = str(individual)
        several = dataset.sizes["individual"] > 1
        found.append(
            StatesSource(
                f"{name}.{label}" if several else name,
                times,
                arranged,
                subset,
                unit,
                point_sd=sd,
                flags=flags,
                identity=_identity(dataset) + (f":{label}" if several else ""),
                individual=label if several else "",
            )
        )
    return found


def _frame_flags(dataset: Dataset) -> list[Flag]:
    from mystax.core.quality import flags_from_json

    return [
        item
        for item in flags_from_json(str(dataset.attrs.get("quality", "[]")))
        if item.code in ("N313", "N314")
    ]


def _values(dataset: Dataset, variable: str) -> np.ndarray | None:
    if variable not in dataset or "keypoint" not in dataset[variable].dims:
        return None
    return np.asarray(dataset[variable].transpose("time", "keypoint", ...).values, np.float64).reshape(
        dataset.sizes["time"], dataset.sizes["keypoint"], -1
    )[..., 0]


def _point_sd(dataset: Dataset) -> np.ndarray | None:
    """Return the typical SD of each place from its covariance."""
    if "covariance" not in dataset or "cov" not in dataset["covariance"].dims:
        return None
    diagonal = [str(item) for item in dataset["cov"].values]
    chosen = [k for k, item in enumerate(diagonal) if len(item) == 2 and item[0] == item[1]]
    values = np.asarray(dataset["covariance"].transpose("time", "cov", "keypoint").values, np.float64)[
        :, chosen
    ]
    known = np.isfinite(values).all(1)
    total = np.where(known, values.sum(1), np.nan)
    return np.array(
        [
            np.sqrt(np.median(item[np.isfinite(item)])) if np.isfinite(item).any() else np.nan
            for item in total.T
        ]
    )


def _arranged(
    points: Float64[np.ndarray, "time keypoint space"],
    names: Sequence[str],
    keypoints: KeypointSet,
    sd: np.ndarray | None,
    where: str,
    table: Mapping[str, str] | None = None,
) -> tuple[Float64[np.ndarray, "time keypoint space"], KeypointSet, np.ndarray | None]:
    """Bring points into the order of their set; points that the set lacks are left out."""
    mapping = map_names(names, keypoints, table)
    matched = mapping.matched
    if len(matched) < SHARED * len(keypoints) and len(matched) < len(names):
        raise RecipeError(
            "P403",
            where,
            f"its points are not those of the set {keypoints.name!r}: "
            + ", ".join(f"{item.theirs}{item.hint}" for item in mapping.names if not item.ours)[:400],
            expected=", ".join(keypoints.ids)[:400],
            hint="name another set with --keypoints, or say which is which with --map FILE.csv "
            "(theirs, ours)",
        )
    by_ours = {ours: list(names).index(theirs) for theirs, ours in matched.items()}
    subset = keypoints.subset(by_ours)
    order = [by_ours[name] for name in subset.ids]
    return points[:, order], subset, None if sd is None else sd[order]


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


# further columns ------------------------------------------------------------------------------------


def _with_columns(source: StatesSource, loaded: Mapping[str, Dataset], params: StatesParams) -> StatesSource:
    """Add the traces that `features` names."""
    from dataclasses import replace

    words = words_of(params.features)
    if words == ["auto"]:
        words = [] if source.ids else [f"svd.motion_svd::{MOTION_COMPONENTS}"]
    columns: dict[str, Column] = dict(source.columns)
    for word in words:
        if word in ("keypoints", "auto"):
            if not source.ids:
                raise RecipeError(
                    "P403", source.name, "it has no keypoints", hint="mystax track VIDEO makes them"
                )
        elif word == "measures":
            columns |= _measures(source)
        elif word == "head":
            columns |= _head(source)
        elif word.startswith("csv:"):
            columns[word] = _csv_column(word, source)
        else:
            columns[word] = _trace(word, loaded, source.name)
    wanted = {
        key: item
        for key, item in columns.items()
        if key in words or key.partition("=")[0] in words or key not in source.columns
    }
    return replace(source, columns=wanted)


def _measures(source: StatesSource) -> dict[str, Column]:
    from mystax.compute.measures import measure_all

    if source.keypoints is None or not source.keypoints.measures:
        raise RecipeError("P403", source.name, "its keypoint set names no measures")
    found = measure_all(
        source.keypoints.measures,
        np.swapaxes(source.points, 1, 2),
        None,
        source.ids,
        source.times,
        source.unit,
    )
    return {f"measures={name}": Column(source.times, item.value[:, None]) for name, item in found.items()}


def _head(source: StatesSource) -> dict[str, Column]:
    """Return the speed of the middle of the rigid points."""
    from mystax.compute.kinematics import derivatives, speed_of

    if source.keypoints is None:
        raise RecipeError("P403", source.name, "a head needs keypoints")
    rigid = [source.ids.index(name) for name in source.keypoints.rigid if name in source.ids]
    chosen = rigid or list(range(len(source.ids)))
    middle = source.points[:, chosen].mean(1)
    speed = speed_of(derivatives(source.times, middle).slope)
    return {"head=speed": Column(source.times, speed[:, None], is_log=True)}


def _trace(word: str, loaded: Mapping[str, Dataset], where: str) -> Column:
    """Take a trace such as ``pupil.area`` or ``svd.motion_svd:face:5`` out of outcomes."""
    base, *options = word.split(":")
    analysis, _, variable = base.partition(".")
    variable = {"motion.energy": "motion_energy", "running.speed": "speed"}.get(base, variable)
    found = [key for key in loaded if key.partition("/")[0] == analysis]
    if not found:
        raise RecipeError(
            "P403",
            where,
            f"there is no outcome {analysis!r} for the feature {word!r}",
            got=", ".join(map(str, loaded)) or "no outcomes",
        )
    dataset = loaded[found[0]]
    if variable not in dataset:
        near = [str(name) for name in dataset.data_vars if "time" in dataset[name].dims]
        matching = [name for name in near if variable.rpartition("_")[2] in name]
        if not matching:
            raise RecipeError(
                "P403", where, f"outcome {analysis!r} has no {variable!r}{nearest(variable, near)}"
            )
        variable = matching[0]
    array = dataset[variable]
    roi = options[0] if options and options[0] else ""
    if roi:
        names = [str(item) for item in dataset["roi"].values]
        if roi not in names:
            raise RecipeError("P403", where, f"no region {roi!r}{nearest(roi, names)}")
        array = array.isel(roi=names.index(roi))
    values = np.asarray(array.transpose("time", ...).values, np.float64).reshape(dataset.sizes["time"], -1)
    if not roi and "roi" in array.dims and base != "svd.motion_svd":
        values = values[:, :1]
    if len(options) > 1 and options[1].isdecimal():
        values = values[:, : int(options[1])]
    elif base == "svd.motion_svd":
        values = values[:, :MOTION_COMPONENTS]
    return Column(np.asarray(dataset["time"].values, np.float64), values, base in LOGARITHMIC)


def _csv_column(word: str, source: StatesSource) -> Column:
    """Read a column of a table: ``csv:FILE:COLUMN``, beside a column `time` [s] or row by row."""
    _, _, rest = word.partition(":")
    file, _, column = rest.rpartition(":")
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError("P403", word, f"the table cannot be read ({error})") from error
    head = [cell.strip() for cell in rows[0]] if rows else []
    if column not in head:
        raise RecipeError("P403", word, f"there is no column {column!r}{nearest(column, head)}")

    def numbers(name: str) -> np.ndarray:
        k = head.index(name)
        return np.array([_number(row[k]) if k < len(row) else np.nan for row in rows[1:]])

    values = numbers(column)
    time_name = next((name for name in ("time", "timestamp") if name in head), "")
    if time_name:
        times = numbers(time_name)
    elif len(values) == len(source.times):
        times = source.times
    else:
        raise ClockError(
            "C202", word, expected=f"a column `time`, or {len(source.times)} rows", got=f"{len(values)} rows"
        )
    return Column(times, values[:, None])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
