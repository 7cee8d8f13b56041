"""An outcome taken apart and put together again: what a file says, what each camera says, and its datasets.

Every exchange with other formats goes through these parts, so that an outcome that comes back has the
`content_sha256` that it left with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import get_analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.quality import flags_from_json
from mystax.errors import DamagedError, FormatError, RecipeError
from mystax.io.digests import (
    Attribute,
    VariableDigest,
    attribute_digest,
    content_digest,
    plain_attributes,
)
from mystax.io.outcome_files import BLOCK_ROWS, open_outcome, read_attributes, read_head
from mystax.io.outcome_reading import load_camera
from mystax.io.outcome_writer import OF_THE_FILE
from mystax.io.provenance import Provenance
from mystax.io.store import Store

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["OutcomeParts", "check_content", "parts_of_datasets", "publish_parts", "read_parts"]

OF_PROVENANCE = frozenset(
    {"mystax_format", "analysis", "analysis_version", "key", "parameters", "inputs", "software"}
    | {"coverage", "quality"}
)
OF_WRITER = frozenset({"variable_dims", "variable_sha256", "content_sha256", "coordinates"})


@dataclass(frozen=True, eq=False, slots=True)
class OutcomeParts:
    """One outcome, its attributes apart from its datasets.

    Attributes
    ----------
    analysis : str
        Name of the analysis, also of the file.
    attributes : dict
        Global attributes of the file, digests included.
    cameras : dict of str to Dataset
        Camera to dataset, which has only the attributes of its own; ``""`` is the only camera, or what all
        cameras have in common.
    groups : dict of str to str
        Camera to the name of its group in the file.
    """

    analysis: str
    attributes: Mapping[str, Attribute]
    cameras: Mapping[str, Dataset]
    groups: Mapping[str, str]

    @property
    def content(self) -> str:
        """`content_sha256` of the outcome; empty for one that was never written."""
        return str(self.attributes.get("content_sha256", ""))

    @property
    def lasting(self) -> dict[str, Attribute]:
        """Attributes that do not depend on the run."""
        return {name: value for name, value in self.attributes.items() if not name.startswith("run_")}

    def prefix(self, camera: str) -> str:
        """Return the path of a camera's group, as digests name it."""
        return f"{self.groups[camera]}/" if camera in self.groups else ""


def read_parts(path: Path) -> OutcomeParts:
    """Open an outcome file; its large arrays are read when they are used.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    OutcomeParts
        Its parts.

    Raises
    ------
    RecipeError, FormatError, StoreError, DamagedError
        As `mystax.load`.
    """
    head = read_head(path)
    cameras: dict[str, Dataset] = {}
    if any("/" not in name for name in head.dims):
        root = load_camera(path, head, None)
        root.attrs = {
            name: value
            for name, value in root.attrs.items()
            if name not in OF_PROVENANCE | OF_WRITER and not name.startswith("run_")
        }
        cameras[""] = root
    for camera, group in head.groups.items():
        dataset = load_camera(path, head, camera)
        with open_outcome(path) as outcome:
            own = read_attributes(outcome[group])
        dataset.attrs = {name: value for name, value in own.items() if name not in OF_WRITER}
        cameras[camera] = dataset
    return OutcomeParts(head.analysis or path.stem, head.attributes, cameras, head.groups)


def parts_of_datasets(analysis: str, datasets: Mapping[str, Dataset]) -> OutcomeParts:
    """Make the parts of an outcome that lies in memory only.

    Parameters
    ----------
    analysis : str
        Name of the analysis.
    datasets : mapping of str to Dataset
        Camera to dataset; ``""`` for the only one.

    Returns
    -------
    OutcomeParts
        Without a digest.
    """
    first = next(iter(datasets.values())).attrs
    known: dict[str, Attribute] = plain_attributes(
        {name: first[name] for name in first if name in OF_PROVENANCE}
    )
    cameras = {}
    for camera, dataset in datasets.items():
        own = {
            name: value
            for name, value in dataset.attrs.items()
            if name not in OF_THE_FILE | OF_WRITER | (OF_PROVENANCE if not camera else frozenset())
            and not str(name).startswith("run_")
        }
        cameras[camera] = dataset.copy()
        cameras[camera].attrs = plain_attributes(own)
    return OutcomeParts(analysis, {"analysis": analysis, **known}, cameras, {})


def _digest_of(path: str, variable: Any) -> str:
    """Return the digest of a variable as the store would write it."""
    dims = tuple(str(dim) for dim in variable.dims)
    digest = VariableDigest(path, dims, variable.dtype, tuple(variable.shape))
    if not dims or variable.dtype.kind in "UOT":
        digest.update(np.atleast_1d(np.asarray(variable.values)))
    else:
        for start in range(0, variable.shape[0], BLOCK_ROWS):
            digest.update(np.asarray(variable[start : start + BLOCK_ROWS].values))
    return digest.finish(plain_attributes(variable.attrs))


def check_content(parts: OutcomeParts, where: str) -> None:
    """Compare every value and attribute with the digests that the outcome left with.

    Parameters
    ----------
    parts : OutcomeParts
        The outcome as it came back.
    where : str
        The file that it came from.

    Raises
    ------
    DamagedError
        S502, naming the first variable that differs.
    """
    if not parts.content:
        return
    known = json.loads(str(parts.attributes.get("variable_sha256", "{}")))
    found: dict[str, str] = {}
    for camera, dataset in parts.cameras.items():
        prefix = parts.prefix(camera)
        for name in map(str, dataset.variables):
            found[prefix + name] = _digest_of(prefix + name, dataset.variables[name])
        if prefix:
            own = plain_attributes(dataset.attrs)
            others = sorted(str(name) for name in dataset.coords if name not in dataset.sizes)
            more = {"coordinates": " ".join(others)} if others else {}
            found[prefix] = attribute_digest({**own, "camera": camera, **more})
    wrong = sorted(name for name in {*known, *found} if known.get(name) != found.get(name))
    if not wrong and content_digest(parts.attributes) != parts.content:
        wrong = ["the attributes of the outcome"]
    if wrong:
        raise DamagedError(
            "S502",
            f"{where}: outcome {parts.analysis!r}",
            "it was changed since it was exported",
            expected="values and attributes that agree with their digests",
            got=f"others in {', '.join(wrong[:3])}{' ...' if len(wrong) > 3 else ''}",
            hint="take the file from a copy, or import the numbers without its manifest",
        )


def publish_parts(store: Store, parts: OutcomeParts, run: Mapping[str, object] | None = None) -> Path:
    """Publish an outcome again.

    Parameters
    ----------
    store : Store
        The folder.
    parts : OutcomeParts
        The outcome.
    run : mapping, optional
        Remarks on this import, kept as ``run_<name>``.

    Returns
    -------
    Path
        Its file.

    Raises
    ------
    FormatError
        F804, if it does not have the form that its analysis declares, or says nothing of its origin.
    SpaceError, StoreError
        As the store.
    """
    known = parts.attributes
    try:
        about = Provenance(
            parts.analysis,
            int(str(known.get("analysis_version", 1))),
            str(known["key"]),
            json.loads(str(known.get("parameters", "{}"))),
            json.loads(str(known.get("inputs", "[]"))),
            float(str(known.get("coverage", 1.0))),
            flags_from_json(str(known.get("quality", "[]"))),
            json.loads(str(known.get("software", "{}"))),
            dict(run or {}),
        )
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise FormatError(
            "F804", f"outcome {parts.analysis!r}", "its origin is not understood", got=str(error)[:80]
        ) from error
    own = None if _is_declared(parts) else _own_schema(parts)
    return store.publish(dict(parts.cameras), about, schema=own)


def _is_declared(parts: OutcomeParts) -> bool:
    try:
        return get_analysis(parts.analysis).version == parts.attributes.get("analysis_version")
    except RecipeError:
        return False


def _own_schema(parts: OutcomeParts) -> Schema:
    """Declare an outcome as it is: of a plug-in that is not installed here, or kept for the record only."""
    variables = {
        str(name): Variable(
            tuple(str(dim) for dim in item.dims),
            str(item.attrs.get("units", "")),
            "str" if item.dtype.kind in "UOT" else str(item.dtype),
            str(item.attrs.get("long_name", "")),
            required=False,
        )
        for dataset in parts.cameras.values()
        for name, item in dataset.variables.items()
    }
    dims = frozenset(str(dim) for dataset in parts.cameras.values() for dim in dataset.sizes)
    return Schema(variables, per_frame=False, per_roi=False, more_dimensions=dims)
