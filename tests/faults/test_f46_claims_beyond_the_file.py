"""F46: headers that claim more than the file holds, given wherever mystax reads a file.

Every claimed size is checked against the file before memory is asked for: F802, or the code of that door.
(Bombs and what they cost: `tests/attacks`.)
"""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mystax
from mystax.errors import FormatError
from mystax.io.npy_files import read_npy
from tests.attacks.payloads import npy_of
from tests.fixtures.commands import call
from tests.fixtures.reading import make
from tests.fixtures.refusals import attempt, code_of
from tests.fixtures.videos import Shelf

pytestmark = [pytest.mark.fault(46), pytest.mark.attack]


def claim(path: Path, shape: tuple[int, ...], dtype: str, n_bytes: int) -> Path:
    """Write an array whose header claims a shape, with so many bytes behind it."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = text.encode() + b" " * (117 - len(text) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(n_bytes))
    return path


sizes = st.lists(st.integers(0, 2**40), min_size=1, max_size=3).map(tuple)


@settings(deadline=None, max_examples=40)
@example(shape=(0, 1 << 30, 1 << 30), dtype="<f8", n_bytes=0)
@given(shape=sizes, dtype=st.sampled_from(["<f8", "|u1", "<i2", "<U3"]), n_bytes=st.integers(0, 400))
def test_an_array_is_read_exactly_if_its_bytes_are_there(
    shape: tuple[int, ...], dtype: str, n_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = claim(tmp_path_factory.mktemp("claim") / "a.npy", shape, dtype, n_bytes)
    wanted = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    addressed = math.prod(size for size in shape if size) * np.dtype(dtype).itemsize
    found, refusal = attempt(lambda: read_npy(path))
    if wanted <= n_bytes and addressed <= sys.maxsize:
        assert found is not None
        assert found.shape == shape
        assert found.dtype == np.dtype(dtype)
    else:
        assert refusal is not None
        assert refusal.code == "F802"


def test_a_clock_that_claims_more_than_it_holds(
    tmp_path: Path, shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    path = claim(tmp_path / "clock.npy", (2**50,), "<f8", 320)
    found = call(capsys, "run", shelf.take(), "--clock", f"npy:{path}", "--dry-run", "--json")
    assert (found.status, found.codes) == (1, ["F802"])


@pytest.mark.parametrize("opcode", [b"\x8e", b"\x8d", b"\x96"], ids=["bytes", "text", "bytearray"])
def test_pickled_lengths_beyond_the_file(opcode: bytes, tmp_path: Path) -> None:
    from mystax.io.formats.facemap import read_facemap

    path = tmp_path / "face_proc.npy"
    path.write_bytes(npy_of(b"\x80\x05" + opcode + (2**40).to_bytes(8, "little") + b"abc."))
    with pytest.raises(FormatError) as caught:
        read_facemap(path)
    assert caught.value.code == "F802"
    assert caught.value.where == "face_proc.npy"


def test_a_video_that_claims_a_picture_of_four_gigapixels(tmp_path: Path) -> None:
    path = make(tmp_path, "huge", n_frames=5).path
    assert code_of(lambda: mystax.open(path)) == "V104"


def test_a_video_that_claims_more_frames_than_it_holds_is_counted(tmp_path: Path) -> None:
    truth = make(tmp_path, "count_lies")
    recording = mystax.open(truth.path)
    assert recording.video().n_frames == truth.n_frames
    assert "V106" in {flag.code for flag in recording.video().flags}
    recording.close()
