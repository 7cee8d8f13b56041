"""The features that an encoder is fitted on, as a table for those who want other models."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.canonical import outcome_key
from mystax.core.dataset import Coordinate, Schema, Variable, complete_outcome
from mystax.engine.encoding.prepared import Prepared
from mystax.errors import MystaxError, ParameterError, RecipeError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["FEATURES", "check_features_place", "design_of", "export_features"]

_FEATURE = ("feature",)

FEATURES = Schema(
    {
        "features": Variable(
            ("time", "feature"), "1", "float32", "Features of behaviour, standardised over the usable bins."
        ),
        "fold": Variable(("time",), "1", "int8", "Fold that tests the bin; -1 if none does."),
        "usable": Variable(("time",), "1", "int8", "Whether the bin takes part (1)."),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "time": Coordinate(("time",), "s", "float64", "Centre of the bin, session clock."),
        "group": Coordinate(_FEATURE, "", "str", "Group of behaviour."),
        "part": Coordinate(_FEATURE, "", "str", "Part of the face."),
        "part_component": Coordinate(_FEATURE, "1", "int64", "Component of the whitened part."),
        "family": Coordinate(_FEATURE, "", "str", "Family of the filter."),
        "centre": Coordinate(_FEATURE, "s", "float64", "How long behaviour precedes the bin."),
        "width": Coordinate(_FEATURE, "s", "float64", "Half-width of the window, or time constant."),
        "frequency": Coordinate(_FEATURE, "1", "float64", "Of an envelope [Hz]; of a half-wave [s]."),
    },
)
"""What an exported table of features looks like."""


def design_of(prepared: Prepared) -> Dataset:
    """Make the features of a request, learned on all usable bins.

    Parameters
    ----------
    prepared : Prepared
        A checked request.

    Returns
    -------
    Dataset
        In the form of `FEATURES`.

    Raises
    ------
    NumbersError
        N303, if nothing varies.
    """
    import xarray as xr

    from mystax.compute.filterbank import Filterbank

    data, plan = prepared.data, prepared.plan
    bank = Filterbank()
    x = bank.fit_transform(data.grid, data.bins, data.usable)
    table = bank.features_
    texts = {name: [getattr(f, name) for f in table] for name in ("group", "part", "family")}
    numbers = {name: [getattr(f, name) for f in table] for name in ("centre", "width", "frequency")}
    dataset = xr.Dataset(
        {
            "features": (("time", "feature"), x),
            "fold": ("time", plan.fold.astype(np.int8)),
            "usable": ("time", data.usable.astype(np.int8)),
        },
        coords={
            "time": data.times,
            **{name: (_FEATURE, np.array(values, object)) for name, values in texts.items()},
            **{name: (_FEATURE, np.array(values, np.float64)) for name, values in numbers.items()},
            "part_component": (_FEATURE, np.array([f.component for f in table], np.int64)),
        },
        attrs={
            "bin": data.width,
            "groups": json.dumps(list(data.grid.groups)),
            "rhythms_dropped": json.dumps(bank.dropped_),
            "parts_cut": json.dumps(bank.cut_),
            "note": "whitening was learned on all usable bins; mystax.encoding learns it in every fold anew",
        },
    )
    return complete_outcome(dataset, FEATURES)


def check_features_place(file: Path) -> None:
    """Refuse to write features over an outcome, or another file.

    Parameters
    ----------
    file : Path
        File to write.

    Raises
    ------
    ParameterError
        P401, if the file does not end in ``.nc``.
    RecipeError
        P403, if something else than features lies there.
    """
    from mystax.io.outcome_files import read_head

    if file.suffix != ".nc":
        raise ParameterError("P401", "--export-features", expected="a file that ends in .nc", got=file.name)
    if not file.exists():
        return
    try:
        if set(FEATURES.variables) <= set(read_head(file).dims):
            return
    except MystaxError:
        pass  # no outcome: all the more it is something else
    raise RecipeError("P403", str(file), "something else than features lies there", hint="name another file")


def export_features(prepared: Prepared, path: str | Path) -> Path:
    """Write the features of a request.

    Parameters
    ----------
    prepared : Prepared
        A checked request.
    path : path
        File to write, ending in ``.nc``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ParameterError
        P401, if the file does not end in ``.nc``.
    RecipeError
        P403, if something else than features lies there.
    StoreError
        S5xx, if it cannot be written.
    """
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    file = Path(path)
    check_features_place(file)
    values = {"folds": prepared.plan.n_folds, "gap": prepared.plan.gap}
    about = Provenance(
        file.stem,
        1,
        outcome_key("features", 1, values, prepared.inputs),
        values,
        prepared.inputs,
        float(prepared.data.usable.mean()),
        prepared.data.flags,
    )
    return Store(file.parent).publish(design_of(prepared), about, schema=FEATURES)
