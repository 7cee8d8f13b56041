"""CaImAn's HDF5 files: deconvolved activity, traces and accepted components."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.guarded import check_hdf5
from mystax.io.neural.slabs import Held
from mystax.io.neural.source import NeuralSource, Neurons

__all__ = ["plain_caiman", "read_caiman"]

TRACES = {"deconvolved": ("S",), "fluorescence": ("F_dff", "C")}


def plain_caiman(path: str, signal: str = "deconvolved") -> dict[str, Any]:
    """Read what is needed of a CaImAn file, in a child process.

    Parameters
    ----------
    path : str
        The file.
    signal : str, optional
        deconvolved (`S`) or fluorescence (`F_dff`, else `C`).

    Returns
    -------
    dict
        `values` (neuron, time), `accepted`, `rate`, `name`, `seen`.

    Raises
    ------
    FormatError
        F802, F803 as `check_hdf5`; F804, if it holds no such traces.
    """
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file, memory=4 << 30)
            estimates = file.get("estimates")
            if not isinstance(estimates, h5py.Group):
                raise FormatError("F804", where, expected="a group 'estimates'", got=", ".join(file))
            names = [name for name in TRACES.get(signal, ()) if _numbers(estimates.get(name))]
            if not names:
                raise FormatError(
                    "F804",
                    where,
                    f"there are no traces for the signal {signal!r}",
                    expected=" or ".join(TRACES.get(signal, TRACES)),
                    got=", ".join(estimates),
                )
            accepted = estimates.get("idx_components")
            rate = file.get("params/data/fr")
            return {
                "name": names[0],
                "values": np.asarray(estimates[names[0]][...], np.float32),
                "accepted": np.asarray(accepted[...]).reshape(-1) if _is_list(accepted) else None,
                "rate": float(rate[()]) if isinstance(rate, h5py.Dataset) and rate.size == 1 else None,
                "seen": list(estimates),
            }
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise FormatError("F804", where, f"the file cannot be read as CaImAn's ({error})") from error


def _numbers(item: object) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim == 2 and item.dtype.kind in "iuf"


def _is_list(item: object) -> bool:
    return isinstance(item, h5py.Dataset) and item.dtype.kind in "iu"


def read_caiman(path: Path, *, signal: str | None = None) -> NeuralSource:
    """Read a CaImAn file.

    Parameters
    ----------
    path : Path
        The HDF5 file.
    signal : {"deconvolved", "fluorescence"}, optional
        `S`, or `F_dff` (else `C`); by default deconvolved.

    Returns
    -------
    NeuralSource
        Activity without times; accepted components are `cell`.

    Raises
    ------
    FormatError
        F802-F804, if the file is refused.
    """
    signal = signal or "deconvolved"
    content = read_foreign(path, "caiman", options={"signal": signal}, memory=10 << 30, seconds=600)
    values, accepted = content["values"], content["accepted"]
    n = len(values)
    quality = None
    if accepted is not None:
        if len(accepted) and not (0 <= accepted.min() <= accepted.max() < n):
            raise FormatError("F804", f"{path.name}:estimates/idx_components", expected=f"numbers below {n}")
        chosen = np.zeros(n, bool)
        chosen[accepted.astype(np.int64)] = True
        quality = ["cell" if one else "not_cell" for one in chosen]
    rate = content["rate"]
    return NeuralSource(
        format="caiman",
        where=f"{path.name}:estimates/{content['name']}",
        signal=signal,
        neurons=Neurons.of(np.arange(n), unit="px", quality=quality),
        matrix=Held(values.T),
        rate=Fraction(rate).limit_denominator(10**6) if rate and np.isfinite(rate) and rate > 0 else None,
        files=[path],
        counts={"variable": content["name"], "variables": content["seen"]},
    )
