"""Outcomes made of foreign numbers: everything that the file does not tell is missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import get_analysis
from mystax.core.canonical import canonical_json, outcome_key
from mystax.core.dataset import complete_outcome
from mystax.core.quality import Flag, flags_to_json
from mystax.core.typing import Float64, Shaped
from mystax.io.digests import Attribute
from mystax.io.fingerprint import quick_id
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.provenance import software_versions

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["PLANE", "SPACE", "blank_outcome", "imported_parts", "pose_dataset"]

PLANE, SPACE = ("x", "y"), ("x", "y", "z")
COVARIANCE = {2: ("xx", "xy", "yy"), 3: ("xx", "xy", "xz", "yy", "yz", "zz")}


def blank_outcome(
    analysis: str, labels: Mapping[str, Sequence[str] | np.ndarray | int], values: Mapping[str, np.ndarray]
) -> Dataset:
    """Make an outcome of the form that an analysis declares; what is not given is missing.

    Parameters
    ----------
    analysis : str
        A declared analysis.
    labels : mapping
        Dimension to its labels, or to its length where it has none.
    values : mapping of str to array
        Variables and coordinates that are known.

    Returns
    -------
    Dataset
        With all required variables: NaN, -1 for whole numbers that can be missing, 0 for flags, "" for texts.
    """
    import xarray as xr

    schema = get_analysis(analysis).outputs
    sizes = {dim: item if isinstance(item, int) else len(item) for dim, item in labels.items()}
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    declared = {**schema.all_variables(), **schema.all_coordinates()}
    for name, variable in declared.items():
        given = values.get(name)
        if given is None and name in labels and not isinstance(labels[name], int):
            given = np.asarray(labels[name])
        if given is None and not variable.required:
            continue
        shape = tuple(sizes[dim] for dim in variable.dims)
        kind = np.str_ if variable.dtype == "str" else np.dtype(variable.dtype)
        if given is None:
            given = np.full(shape, _nothing(variable.dtype), kind)
        variables[name] = (variable.dims, np.asarray(given, kind).reshape(shape))
    coordinates = set(schema.all_coordinates())
    dataset = xr.Dataset(
        {name: item for name, item in variables.items() if name not in coordinates},
        {name: item for name, item in variables.items() if name in coordinates},
    )
    return complete_outcome(dataset, schema)


def _nothing(dtype: str) -> object:
    if dtype == "str":
        return ""
    if dtype.startswith("float"):
        return np.nan
    return 0 if dtype.startswith("uint") else -1


def imported_parts(
    analysis: str, cameras: Mapping[str, Dataset], path: Path, form: str, flags: Sequence[Flag] = ()
) -> OutcomeParts:
    """Give imported datasets the provenance of an outcome.

    Parameters
    ----------
    analysis : str
        Name of the analysis.
    cameras : mapping of str to Dataset
        Camera to dataset; a single one stands for itself.
    path : Path
        The file that they come from.
    form : str
        Its format.
    flags : sequence of Flag, optional
        Remarks.

    Returns
    -------
    OutcomeParts
        Ready to be published.
    """
    number = get_analysis(analysis).version
    parameters: dict[str, object] = {"imported": form}
    inputs = [{"role": form, "camera": "", "position": 0, "id": quick_id(path)}]
    attributes: dict[str, Attribute] = {
        "analysis": analysis,
        "analysis_version": number,
        "key": outcome_key(analysis, number, parameters, inputs),
        "parameters": canonical_json(parameters),
        "inputs": canonical_json(inputs),
        "software": canonical_json(software_versions()),
        "coverage": 1.0,
        "quality": flags_to_json(flags),
    }
    named = {"": next(iter(cameras.values()))} if len(cameras) == 1 else dict(cameras)
    if len(cameras) == 1 and (camera := next(iter(cameras))):
        named[""].attrs["camera"] = camera
    return OutcomeParts(analysis, attributes, named, {})


def pose_dataset(
    times: Float64[np.ndarray, " time"],
    names: Sequence[str],
    position: Shaped[np.ndarray, "time keypoint space"],
    confidence: Shaped[np.ndarray, "time keypoint"],
    *,
    individual: str = "",
    frame: np.ndarray | None = None,
    cameras: Sequence[str] = (),
    more: Mapping[str, np.ndarray] | None = None,
) -> Dataset:
    """Make a pose of points that came without covariances.

    Parameters
    ----------
    times : array (time,)
        Session clock [s].
    names : sequence of str
        The points.
    position : array (time, keypoint, space)
        Places, x and y [px], or x, y and z [mm].
    confidence : array (time, keypoint)
        0..1; NaN if unknown.
    individual : str, optional
        Name of the animal or person.
    frame : array, optional
        Numbers of the frames.
    cameras : sequence of str, optional
        Cameras of a pose in space.
    more : mapping, optional
        Further variables.

    Returns
    -------
    Dataset
        Of the form of `pose`, or `pose3d`.
    """
    n, depth = len(times), position.shape[-1]
    placed = np.moveaxis(position, 2, 1)[..., None]
    values: dict[str, np.ndarray] = {
        "time": times,
        "frame": np.arange(n) if frame is None else frame,
        "position": placed,
        "position_raw": placed,
        "confidence": confidence[..., None],
        "missing": np.zeros(n),
        **(more or {}),
    }
    labels: dict[str, Any] = {
        "time": n,
        "space": PLANE if depth == 2 else SPACE,
        "cov": COVARIANCE[depth],
        "keypoint": list(names),
        "individual": [individual or "face"],
    }
    if depth == 3:
        labels |= {"camera": list(cameras) or ["all"], "space2": 3}
        values |= {"rotation": np.eye(3), "origin": np.zeros(3)}
    return blank_outcome("pose" if depth == 2 else "pose3d", labels, values)
