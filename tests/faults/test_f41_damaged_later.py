"""F41: an outcome is damaged later: verify finds every flipped bit, loading never gives other values."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mystax.io.outcome_reading as module
from mystax.errors import MystaxError
from mystax.io.outcomes import load, verify_outcome
from mystax.io.store import Provenance
from tests.fixtures.traces import KEY, TRACE, quick_store, trace

pytestmark = pytest.mark.fault(41)
COUNTS = [pytest.param(60, id="short"), pytest.param(500, id="long", marks=pytest.mark.slow)]


def flipped(whole: bytes, place: int) -> bytes:
    """Flip one bit."""
    data = bytearray(whole)
    data[place // 8] ^= 1 << (place % 8)
    return bytes(data)


def places(whole: bytes, n: int) -> list[int]:
    """Choose bits at random all over a file."""
    chosen = np.random.default_rng(n).integers(0, 8 * len(whole), n)
    return [int(place) for place in chosen]


def published(folder: Path) -> Path:
    """Publish the small outcome, without texts of the software that tests it."""
    return quick_store(folder).publish(trace(30), Provenance("trace", 1, KEY, software={}), schema=TRACE)


@pytest.mark.parametrize("n", COUNTS)
def test_every_flipped_bit_is_found_by_verify(tmp_path: Path, n: int) -> None:
    path = published(tmp_path)
    whole = path.read_bytes()
    missed = []
    for place in places(whole, n):
        path.write_bytes(flipped(whole, place))
        if verify_outcome(path).status != "damaged":
            missed.append(place)
    assert missed == []


@pytest.mark.parametrize("n", COUNTS)
@pytest.mark.parametrize("eager_bytes", [16 << 20, -1])
def test_loading_gives_the_true_values_or_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, eager_bytes: int
) -> None:
    monkeypatch.setattr(module, "EAGER_BYTES", eager_bytes)
    path = published(tmp_path)
    whole, truth = path.read_bytes(), load(path)
    assert isinstance(truth, xr.Dataset)
    truth.load()
    codes: list[str] = []
    for place in places(whole, n):
        path.write_bytes(flipped(whole, place))
        try:
            found = load(path)
            assert isinstance(found, xr.Dataset)
            assert found.load().identical(truth), f"bit {place} changed a value unseen"
        except MystaxError as error:
            codes.append(error.code)
    assert set(codes) <= {"S502", "S505", "F804"}
    assert len(codes) > n // 4


def test_cut_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    path = published(tmp_path)
    whole = path.read_bytes()
    for end in np.linspace(0, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:end])
        assert verify_outcome(path).status == "damaged"
        with pytest.raises(MystaxError, match="S502"):
            load(path)


def test_zeroed_stretch_is_refused(tmp_path: Path) -> None:
    path = published(tmp_path)
    whole = path.read_bytes()
    for start in range(0, len(whole) - 64, max(1, len(whole) // 25)):
        stretch = whole[start : start + 64]
        path.write_bytes(whole[:start] + bytes(64) + whole[start + 64 :])
        if any(stretch):
            assert verify_outcome(path).status == "damaged"


def test_outcomes_of_two_runs_cannot_be_mixed(tmp_path: Path) -> None:
    path = published(tmp_path / "a")
    other = quick_store(tmp_path / "b").publish(
        trace(30, seed=1), Provenance("trace", 1, KEY, software={}), schema=TRACE
    )
    path.write_bytes(other.read_bytes())
    assert verify_outcome(path).status == "damaged"
