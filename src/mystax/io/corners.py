"""Corners of boards as a file, so that a calibration is repeated in seconds without pictures."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.dataset import Schema, Variable, check_outcome, complete_outcome
from mystax.errors import FormatError, RecipeError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["CORNERS", "corners_to_bytes", "read_corners"]

CORNERS = Schema(
    {
        "corners": Variable(("camera", "view", "corner", "space"), "px", "float64", "Corners of the board."),
        "size": Variable(("camera", "side"), "px", "int64", "Width and height of the pictures."),
        "time": Variable(("view",), "s", "float64", "Time of the view; NaN for pictures."),
        "source": Variable(("camera", "view"), "", "str", "Picture or frame of each camera."),
    },
    per_frame=False,
    per_roi=False,
    coordinates={"camera": Variable(("camera",), "", "str", "Name of the camera.")},
    more_dimensions=frozenset({"view", "corner", "side"}),
)


def corners_to_bytes(dataset: Dataset) -> bytes:
    """Return the bytes of a netCDF-4 file of corners."""
    from mystax.io.outcome_writer import write_outcome
    from mystax.io.store_fs import LocalFs

    check_outcome(complete_outcome(dataset, CORNERS), CORNERS, "corners")
    with tempfile.TemporaryDirectory(prefix="mystax-") as folder:
        place = Path(folder, "corners.nc")
        with LocalFs().create(place) as file:
            write_outcome(file, {"": dataset}, {"mystax_corners": 1, "board": str(dataset.attrs["board"])})
        return place.read_bytes()


def read_corners(path: str | Path) -> Dataset:
    """Read a file of corners.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is none.
    """
    import h5netcdf
    import xarray as xr

    place = Path(path)
    if not place.is_file():
        raise RecipeError("P403", str(path), "there is no such file of corners")
    try:
        with h5netcdf.File(place, "r") as file:
            board = file.attrs.get("board")
            found = {name: np.asarray(file.variables[name][...]) for name in ("corners", "size", "time")}
            texts = {name: _texts(file.variables[name][...]) for name in ("camera", "source")}
    except (OSError, KeyError, ValueError) as error:
        raise FormatError("F804", place.name, "no file of corners", got=str(error)[:80]) from error
    board = board.decode() if isinstance(board, bytes) else str(board)
    dataset = xr.Dataset(
        {
            "corners": (("camera", "view", "corner", "space"), found["corners"].astype(np.float64)),
            "size": (("camera", "side"), found["size"].astype(np.int64)),
            "time": (("view",), found["time"].astype(np.float64)),
            "source": (("camera", "view"), texts["source"].astype(object)),
        },
        coords={"camera": texts["camera"].astype(object)},
        attrs={"board": board},
    )
    check_outcome(complete_outcome(dataset, CORNERS), CORNERS, place.name)
    return dataset


def _texts(stored: Any) -> np.ndarray:
    """Return characters of fixed number (netCDF's NC_CHAR) as texts."""
    data = np.asarray(stored)
    if data.dtype.kind != "S":
        return data.astype(str)
    joined = np.ascontiguousarray(data).view(f"S{data.shape[-1]}")[..., 0]
    return np.char.decode(joined, "utf-8")
