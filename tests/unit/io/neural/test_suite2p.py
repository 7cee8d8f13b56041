"""suite2p folders: planes, cells, places, the rate that is no clock, hostile pickles."""

import json
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.errors import ClockError, FormatError, NumbersError
from mystax.io.neural.suite2p import without_baseline
from tests.attacks.payloads import PICKLES, npy_of

N_FRAMES = 60


def write_plane(
    folder: Path, n: int, plane: int = 0, n_frames: int = N_FRAMES, *, places: bool = False, **options: object
) -> np.ndarray:
    """Write a plane of n neurons; neuron k of plane p has activity 100 p + k in every frame."""
    folder.mkdir(parents=True, exist_ok=True)
    values = (100 * plane + np.arange(n)[:, None] + np.zeros((1, n_frames))).astype(np.float32)
    np.save(folder / "spks.npy", values)
    np.save(folder / "iscell.npy", np.column_stack([np.arange(n) % 2 == 0, np.full(n, 0.5)]).astype(float))
    if places:
        stat = np.empty(n, object)
        stat[:] = [{"med": (k + 0.5, 10 * k), "ypix": np.arange(3)} for k in range(n)]
        np.save(folder / "stat.npy", stat, allow_pickle=True)
    if options:
        np.save(folder / "ops.npy", np.array(options, object), allow_pickle=True)
    return values


def test_cells_are_taken_and_all_on_request(tmp_path: Path) -> None:
    values = write_plane(tmp_path / "plane0", 5)
    cells = mystax.read_neural(tmp_path / "plane0", clock="rate:10")
    every = mystax.read_neural(tmp_path / "plane0", clock="rate:10", neurons="quality=all")
    assert cells["neuron"].values.tolist() == [0, 2, 4]
    np.testing.assert_array_equal(cells["activity"].values, values[[0, 2, 4]].T)
    assert every["quality"].values.tolist() == ["cell", "not_cell", "cell", "not_cell", "cell"]
    assert json.loads(cells.attrs["left_out"]) == {"quality not_cell": [1, 3]}


def test_places_are_the_medians_x_after_y(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 5, places=True)
    cells = mystax.read_neural(tmp_path / "plane0", clock="rate:10")
    assert cells["neuron_x"].values.tolist() == [0, 20, 40]
    assert cells["neuron_y"].values.tolist() == [0.5, 2.5, 4.5]
    assert cells.attrs["unit"] == "px"


def test_frames_of_a_rate_are_timed_at_their_middle(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 3)
    times = mystax.read_neural(tmp_path / "plane0", clock="rate:10:2")["time"].values
    np.testing.assert_allclose(times, 2 + (np.arange(N_FRAMES) + 0.5) / 10)


def test_the_rate_of_the_files_is_named_but_is_no_clock(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 3, fs=7.5, nplanes=1)
    with pytest.raises(ClockError, match="C207") as refused:
        mystax.read_neural(tmp_path / "plane0")
    assert "rate:15/2" in refused.value.hint
    assert "7.5 Hz" in refused.value.got


def test_planes_are_joined_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for plane in (0, 2, 10):
        write_plane(tmp_path / "suite2p" / f"plane{plane}", 4, plane, fs=5.0, nplanes=11)
    (tmp_path / "suite2p" / "combined").mkdir()
    np.save(tmp_path / "suite2p" / "combined" / "spks.npy", np.zeros((12, N_FRAMES), np.float32))
    for folder in (tmp_path, tmp_path / "suite2p"):
        joined = mystax.read_neural(folder, clock="rate:5")
        assert joined["plane"].values.tolist() == [0, 0, 2, 2, 10, 10]
        assert joined["activity"].values[0].tolist() == [0, 2, 200, 202, 1000, 1002]
        assert len(set(joined["neuron"].values.tolist())) == 6


def test_a_later_plane_is_timed_later_by_its_share_of_a_frame(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane3", 3, 3, fs=5.0, nplanes=4)
    np.save(tmp_path / "times.npy", np.arange(N_FRAMES) / 5)
    dataset = mystax.read_neural(tmp_path / "plane3", clock=f"npy:{tmp_path / 'times.npy'}")
    np.testing.assert_allclose(dataset["time"].values, np.arange(N_FRAMES) / 5 + 3 / (4 * 5))
    assert json.loads(dataset.attrs["clock_report"])["plane_offset"] == pytest.approx(0.15)


def test_joined_planes_share_the_time_of_their_middle_and_say_how_wrong_it_is(tmp_path: Path) -> None:
    for plane in range(10):
        write_plane(tmp_path / f"plane{plane}", 2, plane, fs=3.0, nplanes=10)
    base = np.arange(N_FRAMES) / 3
    own = {k: base + k / 30 for k in range(10)}  # when each plane is scanned
    for wanted, planes in ((None, range(10)), ("plane=0|9", (0, 9)), ("plane=7", (7,))):
        dataset = mystax.read_neural(tmp_path, clock=base, neurons=wanted)
        np.testing.assert_allclose(dataset["time"].values, base + np.mean(planes) / 30)
        worst = max(float(np.abs(own[k] - dataset["time"].values).max()) for k in planes)
        said = json.loads(dataset.attrs["quality"])
        assert [flag["code"] for flag in said] == ["N310"] * (worst > 1e-9)
        assert all(f"up to {worst:.3g} s" in flag["text"] for flag in said)


def test_joined_planes_of_an_unknown_rate_say_so(tmp_path: Path) -> None:
    for plane in range(2):
        write_plane(tmp_path / f"plane{plane}", 2, plane)
    dataset = mystax.read_neural(tmp_path, clock="rate:5")
    assert "rate of the planes is not known" in dataset.attrs["quality"]


def test_one_frame_of_fluorescence_has_no_baseline(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 2)
    np.save(tmp_path / "plane0" / "F.npy", np.ones((2, 1), np.float32))
    with pytest.raises(NumbersError, match=r"N303.*at least two frames.*got 1"):
        mystax.read_neural(tmp_path / "plane0", clock=np.array([0.5]), signal="fluorescence")


def test_planes_that_differ_by_one_frame_share_the_others(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 2, 0, N_FRAMES)
    write_plane(tmp_path / "plane1", 2, 1, N_FRAMES - 1)
    assert mystax.read_neural(tmp_path, clock="rate:5").sizes["time"] == N_FRAMES - 1


def test_planes_of_other_length_are_refused(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 2, 0, N_FRAMES)
    write_plane(tmp_path / "plane1", 2, 1, N_FRAMES - 7)
    with pytest.raises(FormatError, match="F804"):
        mystax.read_neural(tmp_path, clock="rate:5")


@pytest.mark.attack
@pytest.mark.parametrize(("name", "payload"), [("ops.npy", "exec"), ("stat.npy", "reduce")])
def test_code_in_a_pickle_is_not_run_and_the_rest_is_read(tmp_path: Path, name: str, payload: str) -> None:
    write_plane(tmp_path / "plane0", 3)
    (tmp_path / "plane0" / name).write_bytes(npy_of(PICKLES[payload](tmp_path / "ran")))
    dataset = mystax.read_neural(tmp_path / "plane0", clock="rate:5")
    assert not (tmp_path / "ran").exists()
    assert "F801" in dataset.attrs["quality"]
    assert dataset.sizes["neuron"] == 2


@pytest.mark.parametrize("name", ["iscell.npy", "stat.npy"])
def test_tables_of_other_length_are_refused(tmp_path: Path, name: str) -> None:
    write_plane(tmp_path / "plane0", 3, places=True)
    shorter = np.load(tmp_path / "plane0" / name, allow_pickle=True)[:2]
    np.save(tmp_path / "plane0" / name, shorter, allow_pickle=True)
    with pytest.raises(FormatError, match=name):
        mystax.read_neural(tmp_path / "plane0", clock="rate:5")


def test_a_folder_without_any_cell_is_refused_with_what_is_there(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 3)
    np.save(tmp_path / "plane0" / "iscell.npy", np.zeros((3, 2)))
    with pytest.raises(NumbersError, match="N303") as refused:
        mystax.read_neural(tmp_path / "plane0", clock="rate:5")
    assert "3 quality not_cell" in refused.value.got


def test_fluorescence_without_neuropil_is_the_raw_trace_less_its_baseline(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 2)
    traces = np.random.default_rng(0).standard_normal((2, 400)).astype(np.float32) + 50
    np.save(tmp_path / "plane0" / "F.npy", traces)
    (tmp_path / "plane0" / "spks.npy").unlink()
    dataset = mystax.read_neural(tmp_path / "plane0", clock="rate:5")
    assert dataset.attrs["signal"] == "fluorescence"
    np.testing.assert_allclose(
        dataset["activity"].values[:, 0], without_baseline(traces.T, 5.0)[:, 0], atol=1e-4
    )


def test_unknown_signal_is_refused(tmp_path: Path) -> None:
    write_plane(tmp_path / "plane0", 2)
    with pytest.raises(FormatError, match="deconvolved or fluorescence"):
        mystax.read_neural(tmp_path / "plane0", clock="rate:5", signal="counts")


def test_baseline_lies_below_transients_and_follows_drift() -> None:
    rate, n = 10.0, 6000
    drift = 100 + 20 * np.sin(np.arange(n) / n * 2 * np.pi)
    traces = drift.copy()
    events = np.arange(200, n, 500)
    for event in events:
        traces[event : event + 20] += 30
    above = without_baseline(traces[:, None].astype(np.float32), rate)[:, 0]
    peaks = np.array([above[event : event + 20].mean() for event in events])
    assert (np.abs(peaks - 30) < 6).all()
    assert np.abs(np.median(above)) < 4
    assert np.ptp(above[::500]) < 8


def test_baseline_is_not_divided_by() -> None:
    traces = np.random.default_rng(1).standard_normal((500, 1)).astype(np.float32)
    doubled = without_baseline(2 * traces, 5.0)
    np.testing.assert_allclose(doubled, 2 * without_baseline(traces, 5.0), atol=1e-5)
    np.testing.assert_allclose(without_baseline(traces - 35, 5.0), without_baseline(traces, 5.0), atol=1e-4)
