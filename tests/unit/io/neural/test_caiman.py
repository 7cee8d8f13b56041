"""CaImAn files: which traces, which components, which refusals."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.errors import ClockError, FormatError
from mystax.io.hdf5 import write_tree

VALUES = np.arange(15.0).reshape(3, 5)


def write(folder: Path, **more: Any) -> Path:
    estimates = {
        "S": VALUES,
        "C": VALUES * 2,
        "F_dff": VALUES * 3,
        "idx_components": np.array([0, 2]),
        **more,
    }
    write_tree(folder / "a.hdf5", {"estimates": estimates, "params": {"data": {"fr": np.float64(30.0)}}})
    return folder / "a.hdf5"


@pytest.mark.parametrize(("signal", "factor"), [(None, 1), ("deconvolved", 1), ("fluorescence", 3)])
def test_traces_are_those_of_the_signal(tmp_path: Path, signal: str | None, factor: float) -> None:
    dataset = mystax.read_neural(write(tmp_path), clock="rate:30", signal=signal)
    np.testing.assert_array_equal(dataset["activity"].values, factor * VALUES[[0, 2]].T)
    assert dataset["neuron"].values.tolist() == [0, 2]


@pytest.mark.usefixtures("readers_here")
def test_denoised_traces_stand_in_for_df_over_f(tmp_path: Path) -> None:
    path = write(tmp_path)
    tree = {"estimates": {"C": VALUES * 2}}
    write_tree(path, tree)
    dataset = mystax.read_neural(path, clock="rate:30", signal="fluorescence")
    np.testing.assert_array_equal(dataset["activity"].values, 2 * VALUES.T)


@pytest.mark.usefixtures("readers_here")
def test_rate_of_the_file_is_no_clock(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C207") as refused:
        mystax.read_neural(write(tmp_path))
    assert "rate:30/1" in refused.value.hint


@pytest.mark.usefixtures("readers_here")
def test_components_beyond_the_traces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="F804"):
        mystax.read_neural(write(tmp_path, idx_components=np.array([0, 3])), clock="rate:30")


@pytest.mark.usefixtures("readers_here")
def test_file_without_traces_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    write_tree(tmp_path / "a.hdf5", {"estimates": {"A": VALUES}})
    with pytest.raises(FormatError, match="F804") as refused:
        mystax.read_neural(tmp_path / "a.hdf5", clock="rate:30")
    assert refused.value.got == "A"
