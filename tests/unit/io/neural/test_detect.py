"""Formats are found by content; what is not known is answered with what was seen."""

from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.errors import FormatError, ParameterError
from mystax.io.hdf5 import write_tree
from mystax.io.neural.detect import FORMATS, find_format
from mystax.synth.brain import BrainTruth, simulate, write
from mystax.synth.brain_files import FORMATS as WRITTEN


@pytest.fixture(scope="module")
def brain() -> BrainTruth:
    return simulate("A", minutes=0.1, n_neurons=3, signal="spikes")


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_what_was_written_is_found(brain: BrainTruth, tmp_path: Path, name: str) -> None:
    place, _, inside = write(brain, tmp_path / "x", name).path.partition(":")
    arrays = ("npy", "npz", "mat", "mat73", "h5", "csv")
    wanted = "array" if name in arrays else name.partition("-")[0]
    assert find_format(Path(place), inside) == wanted


def test_every_format_is_written_by_something() -> None:
    names = {"array" if name in ("npy", "npz", "mat", "mat73", "h5", "csv") else name.partition("-")[0]
             for name in WRITTEN}  # fmt: skip
    assert names == set(FORMATS)


def test_unknown_format_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'suite2p'"):
        find_format(tmp_path, wanted="suite2")


def test_folder_of_other_things_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "video.avi").touch()
    (tmp_path / "more").mkdir()
    with pytest.raises(FormatError, match="F804") as refused:
        find_format(tmp_path)
    assert "more/, video.avi" in refused.value.got


def test_folder_of_another_format_than_said_is_refused(brain: BrainTruth, tmp_path: Path) -> None:
    written = write(brain, tmp_path, "phy")
    with pytest.raises(FormatError, match="a folder of suite2p"):
        mystax.read_neural(written.path, format="suite2p")


def test_hdf5_of_something_else_is_refused_with_its_names(tmp_path: Path) -> None:
    write_tree(tmp_path / "a.h5", {"rates": np.zeros((2, 3))})
    with pytest.raises(FormatError, match="F804") as refused:
        find_format(tmp_path / "a.h5")
    assert "rates" in refused.value.got
    assert "a.h5:/path" in refused.value.hint


def test_other_files_are_refused_with_their_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"RIFFxxxx")
    with pytest.raises(FormatError, match="RIFF"):
        find_format(tmp_path / "a.bin")


def test_nothing_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nothing there"):
        mystax.read_neural(tmp_path / "gone")
