"""Foreign files are read in a child process with limits; plain data come back.

A file that somebody else wrote may claim anything and crash its reader.  `read_foreign` starts a fresh
interpreter with a memory limit and a time limit, which writes what it read as JSON and plain arrays
into a temporary folder; this process reads only those.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.extras import named
from mystax.errors import FormatError, InternalError, MystaxError, error_from_record

__all__ = ["READERS", "pack_tree", "read_foreign", "unpack_tree"]

READERS = {
    "pickled_npy": "mystax.io.npy_files:read_pickled_npy",
    "matlab": "mystax.io.matlab:read_matlab",
    "matlab_variable": "mystax.io.clock_tables:read_matlab_variable",
    "hdf5": "mystax.io.guarded:read_hdf5",
    "dlc_h5": "mystax.io.formats.dlc_h5:plain_dlc_h5",
    "sleap_analysis": "mystax.io.formats.sleap:plain_sleap_analysis",
    "sleap_labels": "mystax.io.formats.sleap:plain_sleap_labels",
    "facemap_h5": "mystax.io.formats.facemap_keypoints:plain_facemap_h5",
    "suite2p_places": "mystax.io.neural.suite2p:plain_places",
    "nwb": "mystax.io.neural.nwb_parts:plain_nwb",
    "parquet": "mystax.io.table_reader:plain_parquet",
    "nwb_outcomes": "mystax.io.nwb.reader:plain_outcomes",
    "nwb_behaviour": "mystax.io.nwb.foreign_parts:plain_behaviour",
    "nwb_training": "mystax.io.nwb.training:plain_training",
    "nwb_videos": "mystax.io.nwb.foreign_parts:plain_videos",
    "caiman": "mystax.io.neural.caiman:plain_caiman",
    "dlc_stereo": "mystax.io.formats.dlc3d:plain_stereo_params",
    "torch_state": "mystax.nets.fmnet:read_state",
}
"""What a child can read: name -> ``module:function`` of a path (and options) that returns plain data."""

MEMORY = 2 << 30
SECONDS = 60


def pack_tree(tree: Any, arrays: list[np.ndarray]) -> Any:
    """Turn plain data into JSON values; arrays go to a list and are named by their place.

    Parameters
    ----------
    tree : object
        Dicts, lists, tuples, texts, bytes, numbers, None, arrays and NumPy scalars.
    arrays : list of arrays
        Takes the arrays.

    Returns
    -------
    object
        JSON value: plain where JSON has the type, else ``{"kind": ..., "value": ...}``.
    """
    if isinstance(tree, np.generic):  # before texts and bytes: some of NumPy's scalars are such
        arrays.append(np.asarray(tree))
        return {"kind": "scalar", "value": len(arrays) - 1}
    if tree is None or isinstance(tree, bool | str):
        return tree
    if type(tree) is int:
        return {"kind": "int", "value": str(tree)}
    if type(tree) is float:
        return {"kind": "float", "value": tree.hex()}
    if isinstance(tree, bytes | bytearray):
        return {"kind": "bytes", "value": base64.b64encode(bytes(tree)).decode("ascii")}
    if isinstance(tree, dict):
        pairs = [[pack_tree(key, arrays), pack_tree(value, arrays)] for key, value in tree.items()]
        return {"kind": "dict", "value": pairs}
    if isinstance(tree, list | tuple):
        return {"kind": type(tree).__name__, "value": [pack_tree(item, arrays) for item in tree]}
    if isinstance(tree, np.ndarray) and tree.dtype == object:
        items = [pack_tree(item, arrays) for item in tree.ravel()]
        return {"kind": "objects", "shape": list(tree.shape), "value": items}
    if isinstance(tree, np.ndarray):
        arrays.append(tree)
        return {"kind": "array", "value": len(arrays) - 1}
    raise FormatError("F804", "foreign file", f"a value of type {type(tree).__name__} is not plain data")


def unpack_tree(packed: Any, arrays: list[np.ndarray]) -> Any:
    """Return the plain data that `pack_tree` packed."""
    if not isinstance(packed, dict):
        return packed
    value = packed["value"]
    makers: dict[str, Callable[[], Any]] = {
        "int": lambda: int(value),
        "float": lambda: float.fromhex(value),
        "bytes": lambda: base64.b64decode(value),
        "dict": lambda: {unpack_tree(key, arrays): unpack_tree(item, arrays) for key, item in value},
        "list": lambda: [unpack_tree(item, arrays) for item in value],
        "tuple": lambda: tuple(unpack_tree(item, arrays) for item in value),
        "array": lambda: arrays[value],
        "scalar": lambda: arrays[value][()],
        "objects": lambda: _objects([unpack_tree(item, arrays) for item in value], packed["shape"]),
    }
    return makers[packed["kind"]]()


def _objects(items: list[Any], shape: list[int]) -> np.ndarray:
    made = np.empty(len(items), object)
    made[:] = items
    return made.reshape(shape)


def read_foreign(
    path: Path | str,
    reader: str,
    *,
    options: Mapping[str, str] | None = None,
    memory: int = MEMORY,
    seconds: float = SECONDS,
) -> Any:
    """Read a foreign file in a child process.

    Parameters
    ----------
    path : path
        The file.
    reader : str
        One of `READERS`.
    options : mapping of str to str, optional
        Further arguments of the reader.
    memory : int, optional
        Address space that the child may use [bytes].
    seconds : float, optional
        Time that it may take [s].

    Returns
    -------
    object
        Plain data: dicts, lists, tuples, texts, numbers, arrays.

    Raises
    ------
    FormatError
        F801-F804, as the reader says; F802 if it needed more memory or time; F804 if it crashed.
    """
    where = Path(path).name
    with tempfile.TemporaryDirectory(prefix="mystax-") as folder:
        place = str(Path(path).absolute())
        job = json.dumps(
            {
                "path": place,
                "reader": reader,
                "options": dict(options or {}),
                "memory": memory,
                "folder": folder,
            }
        )
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            child = subprocess.run(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "mystax.io.foreign",
                ],  # -P: nothing of the working folder is imported
                input=job.encode("utf-8", "surrogateescape"),
                capture_output=True,
                timeout=seconds,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FormatError(
                "F802", where, expected=f"an answer within {seconds:g} s", got="none"
            ) from error
        answer = Path(folder, "answer.json")
        if not answer.exists():
            got = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [
                f"exit {child.returncode}"
            ]
            raise FormatError("F804", where, "the reader of the file crashed", got=got[0][:200])
        packed = json.loads(answer.read_text("utf-8"))
        if "error" in packed:
            refused = error_from_record(packed["error"])
            refused.where = where
            raise refused
        arrays = [np.load(Path(folder, f"{k}.npy"), allow_pickle=False) for k in range(packed["n_arrays"])]
        return unpack_tree(packed["tree"], arrays)


def _limit_memory(n_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows; the time limit and the readers' own checks remain
        return
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))


def _child(job: dict[str, Any]) -> dict[str, Any]:
    """Read the file and leave its arrays in the folder; return the JSON answer."""
    _limit_memory(int(job["memory"]))
    try:
        arrays: list[np.ndarray] = []
        tree = pack_tree(named(READERS[job["reader"]])(job["path"], **job["options"]), arrays)
        for k, array in enumerate(arrays):
            np.save(Path(job["folder"], f"{k}.npy"), array, allow_pickle=False)
    except MystaxError as error:
        return {"error": error.record().as_dict()}
    except MemoryError:
        refused = FormatError("F802", "foreign file", expected=f"at most {job['memory']} bytes", got="more")
        return {"error": refused.record().as_dict()}
    except RecursionError:
        refused = FormatError("F802", "foreign file", expected="data that are not nested deeply", got="more")
        return {"error": refused.record().as_dict()}
    except OSError as error:
        missing = FormatError("F804", "foreign file", f"cannot be read ({error.strerror or error})")
        return {"error": missing.record().as_dict()}
    except AssertionError as error:
        return {"error": InternalError("B999", "foreign file", str(error)).record().as_dict()}
    return {"tree": tree, "n_arrays": len(arrays)}


if __name__ == "__main__":
    request = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    Path(request["folder"], "answer.json").write_text(json.dumps(_child(request)), "utf-8")
