"""DeepLabCut's HDF5 tables as pandas writes them, without pandas: two layouts read, the fixed one written."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.core.keypoint_table import KeypointTable
from mystax.core.typing import Float64, Int64
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.formats.dlc import LEVELS, table_of_columns
from mystax.io.guarded import check_hdf5
from mystax.io.pickles import read_pickled

__all__ = ["plain_dlc_h5", "read_dlc_h5", "write_dlc_frame", "write_dlc_h5"]

GROUP = "df_with_missing"
WIDTH = 1 << 16


def _pickled(value: Any) -> Any:
    """Read an attribute that holds pickled data, running nothing."""
    if isinstance(value, np.void):
        data = value.tobytes()
    else:
        data = bytes(value) if isinstance(value, bytes) else str(value).encode("latin-1")
    return read_pickled(io.BytesIO(data), len(data))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _texts(dataset: Any) -> list[Any]:
    """Read an index: texts or whole numbers."""
    values = np.asarray(dataset[...])
    if values.dtype.kind == "S":
        return [text.decode("utf-8", "replace") for text in values.ravel()]
    if values.dtype.kind in "iu":
        return [int(value) for value in values.ravel()]
    if values.dtype.kind == "O":  # a variable-length array of pickled objects, as PyTables keeps mixed texts
        found = [item for entry in values.ravel() for item in np.ravel(_pickled(np.asarray(entry).tobytes()))]
        return [item if isinstance(item, int) else _text(item) for item in found]
    raise FormatError("F804", "index of the table", expected="texts or numbers", got=str(values.dtype))


def _multi(group: Any, name: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Read an index of several levels: names of the levels, and the entries."""
    if f"{name}_level0" not in group:
        return [""], [(item,) for item in _texts(group[name])]
    levels: list[list[Any]] = []
    codes: list[np.ndarray] = []
    names: list[str] = []
    while f"{name}_level{len(levels)}" in group:
        level = group[f"{name}_level{len(levels)}"]
        codes.append(np.asarray(group[f"{name}_label{len(levels)}"][...]).ravel())
        kept = level.attrs.get("name")
        names.append(_text(kept) if isinstance(kept, bytes | str) else "")
        levels.append(_texts(level))
    try:
        entries = [
            tuple(levels[k][code[row]] if code[row] >= 0 else "" for k, code in enumerate(codes))
            for row in range(len(codes[0]))
        ]
    except IndexError as error:
        raise FormatError("F804", name, "codes that have no level") from error
    return names, entries


def _join(entry: Any) -> str:
    parts = entry if isinstance(entry, tuple | list) else (entry,)
    return "/".join(str(part) for part in parts)


def plain_dlc_h5(path: str) -> dict[str, Any]:
    """Read a DeepLabCut table as plain data; meant for a child process.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    dict
        levels, columns, index and values, as `mystax.io.formats.dlc.table_of_columns` takes them.

    Raises
    ------
    FormatError
        F801, if an attribute wants to run code; F802, F803, F804, as the file is hostile or otherwise.
    """
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file)
            groups = [
                item for item in file.values() if isinstance(item, h5py.Group) and "pandas_type" in item.attrs
            ]
            if len(groups) != 1:
                raise FormatError(
                    "F804", where, expected="one pandas table", got=f"{len(groups)}: {list(file)}"
                )
            kind = _text(groups[0].attrs["pandas_type"])
            found = _table_layout(groups[0]) if kind == "frame_table" else _fixed_layout(groups[0], kind)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FormatError("F804", where, f"the table is not understood ({error})") from error
    levels = [name if name in LEVELS else "" for name in found["levels"]]
    if not any(levels):
        levels = list(LEVELS if len(levels) == 4 else [name for name in LEVELS if name != "individuals"])
    return {**found, "levels": levels}


def _table_layout(group: Any) -> dict[str, Any]:
    """Read ``table``: an index, and a block per type of number; columns are in pickled attributes."""
    axes = _pickled(group.attrs["non_index_axes"])
    columns = [tuple(map(str, column)) for column in axes[0][1]]
    info = _pickled(group.attrs["info"]) if "info" in group.attrs else {}
    names = (
        info.get(1, {}).get("names") if isinstance(info, dict) and isinstance(info.get(1, {}), dict) else None
    )
    rows = group["table"][...]
    fields = rows.dtype.names or ()
    blocks = sorted(name for name in fields if name.startswith("values_block_"))
    index = sorted(name for name in fields if name not in blocks)
    # the first field is the index; further levels of it come as columns of their own
    entries = list(zip(*(_plain(rows[name]) for name in index), strict=True))
    return {
        "levels": [str(name) for name in names] if names else [""] * len(columns[0]),
        "columns": columns,
        "index": [_join(entry) for entry in entries],
        "values": _of_blocks(group["table"].attrs, rows, blocks, columns),
    }


def _of_blocks(
    attributes: Mapping[str, Any], rows: np.ndarray, blocks: Sequence[str], columns: Sequence[tuple[str, ...]]
) -> Float64[np.ndarray, "row column"]:
    """Lay out the blocks of a table by the columns that each of them says it holds."""
    place = {column: k for k, column in enumerate(columns)}
    values = np.full((len(rows), len(columns)), np.nan)
    filled: list[int] = []
    for name in blocks:
        kind = f"{name}_kind"
        if kind in attributes:
            held = [tuple(map(str, column)) for column in _pickled(attributes[kind])]
        elif len(blocks) == 1:
            held = list(columns)
        else:
            raise FormatError("F804", name, expected=f"its columns in the attribute {kind}", got="none")
        at = [place[column] for column in held]
        values[:, at] = rows[name].reshape(len(rows), len(at))
        filled += at
    if sorted(filled) != list(range(len(columns))):
        expected = f"{len(columns)} columns, each in one block"
        raise FormatError("F804", "table", expected=expected, got=f"{len(filled)} in blocks")
    return values


def _plain(column: np.ndarray) -> list[Any]:
    if column.dtype.kind == "S":
        return [text.decode("utf-8", "replace") for text in column]
    return [int(value) for value in column]


def _fixed_layout(group: Any, kind: str) -> dict[str, Any]:
    """Read ``axis0`` (columns), ``axis1`` (rows) and ``block0_values``."""
    if kind != "frame":
        raise FormatError("F804", "pandas table", expected="frame or frame_table", got=kind)
    names, columns = _multi(group, "axis0")
    _, index = _multi(group, "axis1")
    order = {column: k for k, column in enumerate(columns)}
    values = np.full((len(index), len(columns)), np.nan)
    block = 0
    while f"block{block}_values" in group:
        _, items = _multi(group, f"block{block}_items")
        numbers = np.asarray(group[f"block{block}_values"][...], np.float64).reshape(len(index), len(items))
        for k, item in enumerate(items):
            values[:, order[item]] = numbers[:, k]
        block += 1
    return {
        "levels": names,
        "columns": [tuple(map(str, column)) for column in columns],
        "index": [_join(entry) for entry in index],
        "values": values,
    }


def read_dlc_h5(path: Path | str) -> KeypointTable:
    """Read a DeepLabCut table (`.h5`), in a child process; pickled attributes run nothing.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    KeypointTable
        Labels or predictions.

    Raises
    ------
    FormatError
        F801-F804, if the file is refused.
    """
    found = read_foreign(path, "dlc_h5")
    where = Path(path).name
    return table_of_columns(where, found["levels"], found["columns"], found["index"], found["values"])


# writing ---------------------------------------------------------------------------------------------


def write_dlc_h5(path: Path | str, table: KeypointTable) -> None:
    """Write pandas' fixed layout, which `pandas.read_hdf` loads and no pickled attribute is needed for.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.
    table : KeypointTable
        Frames of a video, or pictures by their paths.
    """
    named = table.individuals != ("",)
    coords = ("x", "y", "likelihood") if table.kind == "predictions" else ("x", "y")
    levels = [
        ("scorer", [table.scorer or "mystax"]),
        *([("individuals", list(table.individuals))] if named else []),
        ("bodyparts", list(table.names)),
        ("coords", list(coords)),
    ]
    parts = [table.position[..., 0], table.position[..., 1], table.confidence][: len(coords)]
    values = np.stack(parts, -1).reshape(len(table), -1)
    is_video = bool((table.frame >= 0).all())
    write_dlc_frame(path, levels, values, table.frame if is_video else list(table.files))


def write_dlc_frame(
    path: Path | str,
    levels: Sequence[tuple[str, list[str]]],
    values: Float64[np.ndarray, "row column"],
    rows: Int64[np.ndarray, " row"] | Sequence[str],
) -> None:
    """Write a table in pandas' fixed layout.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.
    levels : sequence of (name, labels)
        Names of the columns are all combinations of these labels, the last one running fastest.
    values : array (row, column)
        The numbers.
    rows : array or sequence of str
        Frames, or pictures.
    """
    shape = [len(entries) for _, entries in levels]
    codes = [code.ravel().astype(np.int8 if max(shape) < 128 else np.int16) for code in np.indices(shape)]
    with h5py.File(path, "w") as file:
        _mark(file, CLASS="GROUP", PYTABLES_FORMAT_VERSION="2.1", TITLE="", VERSION="1.0")
        group = file.create_group(GROUP)
        _mark(
            group,
            CLASS="GROUP",
            TITLE="",
            VERSION="1.0",
            pandas_type="frame",
            pandas_version="0.15.2",
            encoding="UTF-8",
            errors="strict",
            axis0_variety="multi",
            block0_items_variety="multi",
            axis1_variety="regular",
        )
        group.attrs["ndim"] = np.int64(2)
        group.attrs["nblocks"] = np.int64(1)
        for axis in ("axis0", "block0_items"):
            group.attrs[f"{axis}_nlevels"] = np.int64(len(levels))
            for k, ((name, labels), code) in enumerate(zip(levels, codes, strict=True)):
                level = _array(group, f"{axis}_level{k}", _bytes(labels))
                _mark(level, kind="string", name=name, nan_rep="", **{f"{axis}_name{name}": name})
                _array(group, f"{axis}_label{k}", code)
        if isinstance(rows, np.ndarray):
            entries = _array(group, "axis1", rows)
            _mark(entries, kind="integer")
        else:
            entries = _array(group, "axis1", _bytes(list(rows)))
            _mark(entries, kind="string", nan_rep="")
        entries.attrs["name"] = np.bytes_("N.")  # a pickled None, as PyTables keeps it
        _array(group, "block0_values", values)


def _bytes(texts: list[str]) -> np.ndarray:
    encoded = [text.encode("utf-8") for text in texts]
    return np.array(encoded, dtype=f"S{min(WIDTH, max(1, *map(len, encoded)))}")


def _array(group: Any, name: str, values: np.ndarray) -> Any:
    dataset = group.create_dataset(name, data=values)
    _mark(dataset, CLASS="ARRAY", TITLE="", VERSION="2.4", FLAVOR="numpy")
    dataset.attrs["transposed"] = np.uint8(1)
    return dataset


def _mark(item: Any, **attributes: str) -> None:
    """Write texts as PyTables does: of fixed length, in UTF-8 (in ASCII it would take them for bytes)."""
    for name, value in attributes.items():
        if value:
            data = value.encode("utf-8")
            item.attrs.create(name, data, dtype=h5py.string_dtype("utf-8", len(data)))
        else:
            item.attrs[name] = h5py.Empty("S1")
