"""Recordings with known truth: files, moments, times and clock files agree with each other."""

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.io import loadmat

from mystax.errors import CODES, RecipeError
from mystax.synth import RecordingTruth, faulty_recording, read_barcode
from mystax.synth.faulty_clocks import CLOCK_KINDS, pack_flir
from mystax.synth.faulty_recordings import recording_kinds

QUICK = tuple(
    kind for kind in recording_kinds() if kind not in ("rig_drift", "events_random", "events_regular")
)
Recording = Callable[[str], RecordingTruth]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Return recordings that tests only read: each kind is made once, in a folder that was not there."""

    @cache
    def take(kind: str) -> RecordingTruth:
        return faulty_recording(tmp_path_factory.mktemp(kind) / "new", kind)

    return take


def barcodes(paths: tuple[Path, ...]) -> list[int | None]:
    found = []
    for path in paths:
        with av.open(str(path)) as file:
            found += [read_barcode(frame.to_ndarray(format="gray")) for frame in file.decode(video=0)]
    return found


def column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return [row[name] for row in csv.DictReader(file)]


def unpack_flir(stamps: np.ndarray) -> np.ndarray:
    """Decode the 32-bit stamps by the formula of the design, apart from the packing."""
    seconds = stamps >> 25 & 127
    return np.asarray(seconds + ((stamps >> 12 & 8191) + (stamps & 4095) / 3072) / 8000)


@pytest.mark.parametrize("kind", QUICK)
def test_every_kind_is_whole(kind: str, recording: Recording) -> None:
    truth = recording(kind)
    assert truth.kind == kind
    assert truth.codes <= set(CODES)
    assert truth.refusal is None or truth.refusal in CODES
    for camera, files in truth.files.items():
        assert all(path.exists() for path in files)
        assert camera.isalpha()
    for camera, times in truth.times.items():
        assert len(times) == len(truth.barcodes[camera])
        assert (np.diff(times) > 0).all()


@pytest.mark.parametrize(
    "kind", ["parts", "parts_contiguous", "rig_shifted", "ttl_lost_inside", "counter_drop"]
)
def test_frames_show_the_moments_that_the_truth_says(kind: str, recording: Recording) -> None:
    truth = recording(kind)
    for camera, files in truth.files.items():
        assert barcodes(files) == list(truth.barcodes[camera])


def test_right_camera_of_the_shifted_rig_starts_seven_frames_late(recording: Recording) -> None:
    truth = recording("rig_shifted")
    assert truth.barcodes["right"][0] == 7
    assert truth.times["right"][0] - truth.times["left"][0] == pytest.approx(7 / 30)
    assert truth.refusal == "C201"


def test_equal_moments_have_equal_times_in_all_cameras(recording: Recording) -> None:
    truth = recording("rig_shifted")
    left = dict(zip(truth.barcodes["left"], truth.times["left"], strict=True))
    for camera in ("right", "top"):
        for moment, time in zip(truth.barcodes[camera], truth.times[camera], strict=True):
            assert time == pytest.approx(left[moment], abs=1e-9)


def test_contiguous_parts_have_running_stamps_and_others_start_anew(recording: Recording) -> None:
    starts: dict[str, list[float]] = {}
    for kind in ("parts", "parts_contiguous"):
        truth = recording(kind)
        starts[kind] = []
        for path in truth.files["face"]:
            with av.open(str(path)) as file:
                first = next(packet for packet in file.demux(video=0) if packet.size)
                starts[kind].append(float((first.pts or 0) * (first.time_base or 0)))
    assert starts["parts"] == [0.0, 0.0, 0.0]
    assert starts["parts_contiguous"] == pytest.approx([0.0, 100 / 30, 200 / 30], abs=1e-3)


def test_the_twice_given_part_is_the_same_bytes(recording: Recording) -> None:
    one, two = recording("part_twice").files["face"]
    assert one != two
    assert one.read_bytes() == two.read_bytes()


def test_csv_files_hold_the_true_times(recording: Recording) -> None:
    truth = recording("clock_csv")
    for name, mark in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
        lines = (truth.folder / f"face_{name}.csv").read_text().splitlines()
        assert lines[0] == f"frame{mark}time"
        np.testing.assert_allclose(
            [float(line.split(mark)[1]) for line in lines[1:]], truth.times["face"], atol=1e-6
        )
    bare = np.loadtxt(truth.folder / "face_bare.csv")
    np.testing.assert_allclose(bare, truth.times["face"], atol=1e-6)
    assert len(truth.variants) == 5


def test_arrays_hold_the_true_times(recording: Recording) -> None:
    truth = recording("clock_npy")
    times = truth.times["face"]
    np.testing.assert_array_equal(np.load(truth.folder / "face.npy"), times)
    np.testing.assert_array_equal(np.load(truth.folder / "face_table.npy")[:, 1], times)
    np.testing.assert_array_equal(np.load(truth.folder / "face.npz")["times"], times)


def test_matlab_files_hold_the_true_times(recording: Recording) -> None:
    truth = recording("clock_mat")
    times = truth.times["face"]
    found = loadmat(truth.folder / "face.mat", simplify_cells=True)
    np.testing.assert_array_equal(found["times"], times)
    np.testing.assert_array_equal(found["camera"]["times"], times)


def test_flir_stamps_wrap_once_and_are_exact_to_a_microsecond(recording: Recording) -> None:
    truth = recording("clock_flir")
    stamps = np.array(column(truth.folder / "face_flir.csv", "stamp"), np.int64)
    assert stamps.max() < 2**32
    seconds = np.unwrap(unpack_flir(stamps), period=128)
    assert (np.diff(unpack_flir(stamps)) < 0).sum() == 1
    np.testing.assert_allclose(seconds - seconds[0], truth.times["face"] - truth.times["face"][0], atol=1e-6)


def test_flir_packing_fills_the_stated_bits() -> None:
    stamp = pack_flir(np.array([5.0 + 3 / 8000 + 7 / 8000 / 3072]))
    assert stamp.tolist() == [5 << 25 | 3 << 12 | 7]


def test_iso_texts_hold_the_true_times(recording: Recording) -> None:
    truth = recording("clock_iso")
    texts = column(truth.folder / "face_iso.csv", "time")
    stamps = np.array([text.removesuffix("Z") for text in texts], "datetime64[us]").astype(np.int64) / 1e6
    np.testing.assert_allclose(stamps - stamps[0], truth.times["face"] - truth.times["face"][0], atol=2e-6)


@pytest.mark.parametrize("kind", ["clock_nan", "clock_backward"])
def test_wrong_times_are_wrong_in_row_150(kind: str, recording: Recording) -> None:
    truth = recording(kind)
    times = np.array(column(truth.folder / "face.csv", "time"), float)
    bad = np.flatnonzero(~(np.diff(times, prepend=0.0) > 0))
    assert bad[0] == 150


@pytest.mark.parametrize(
    ("kind", "policy", "n_more"),
    [
        ("ttl_extra_head", "drop_head", 5),
        ("ttl_extra_tail", "drop_tail", 5),
        ("ttl_lost_inside", "match", 3),
        ("counter_drop", "counter:counter", 4),
    ],
)
def test_more_pulses_than_frames(kind: str, policy: str, n_more: int, recording: Recording) -> None:
    truth = recording(kind)
    if kind == "ttl_extra_head":
        line = np.load(truth.folder / "line.npy")[:, 1]
        pulses = np.flatnonzero((line[1:] > 2.5) & (line[:-1] <= 2.5)) / 5000 + 1 / 5000
    elif kind == "ttl_extra_tail":
        pulses = np.load(truth.folder / "edges.npz")["trigger"] / 30000
    else:
        name = {"ttl_lost_inside": "edges.csv", "counter_drop": "face.csv"}[kind]
        pulses = np.array(
            column(truth.folder / name, "time" if kind == "ttl_lost_inside" else "pulse"), float
        )
    assert len(pulses) == 300 + n_more
    np.testing.assert_allclose(pulses[list(truth.barcodes["face"])], truth.times["face"], atol=1e-6)
    assert (truth.policy, truth.refusal) == (policy, "C202")


def test_counter_says_which_triggers_gave_no_frame(recording: Recording) -> None:
    truth = recording("counter_drop")
    counter = [int(text) for text in column(truth.folder / "face.csv", "counter") if text]
    steps = np.diff(counter) % 256
    assert np.array_equal(np.cumsum(steps), np.diff(truth.barcodes["face"]).cumsum())
    assert max(counter) < 256


def events(clock: str) -> tuple[np.ndarray, np.ndarray]:
    """Read the two event files of a clock spec."""
    _, camera_file, session_file = clock.split(":")
    return tuple(np.array(column(Path(one), "time"), float) for one in (camera_file, session_file))  # type: ignore[return-value]  # two of them


def test_random_events_are_the_same_pulses_in_two_clocks(recording: Recording) -> None:
    truth = recording("events_random")
    camera, session = events(truth.clocks["face"])
    assert len(camera) == len(session) == 57
    # Back to session time by the known clock: most events have a twin within the jitter.
    moved = 1000.0 + camera / (1 + 5e-5)
    nearest = np.abs(moved[:, None] - session[None, :]).min(axis=1)
    assert (nearest < 5e-4).sum() >= 54
    assert truth.times["face"][-1] == pytest.approx(1000 + 1199 / (1 + 5e-5))


def test_regular_events_have_equal_intervals(tmp_path: Path) -> None:
    camera, _ = events(CLOCK_KINDS["events_regular"](tmp_path, 0).specs[0])
    steps = np.diff(camera) / np.median(np.diff(camera))
    assert np.abs(steps - steps.round()).max() < 1e-3


def test_equal_seeds_make_equal_recordings_and_others_do_not(tmp_path: Path) -> None:
    one, two, three = (
        faulty_recording(tmp_path / name, "ttl_lost_inside", seed=seed)
        for name, seed in (("one", 3), ("two", 3), ("three", 4))
    )
    assert one.barcodes == two.barcodes != three.barcodes
    assert one.files["face"][0].read_bytes() == two.files["face"][0].read_bytes()


def test_an_unknown_kind_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'rig_shifted'") as caught:
        faulty_recording(tmp_path, "rig_shift")
    assert caught.value.code == "P403"


@pytest.mark.slow
def test_drifting_rig_lasts_twenty_minutes(recording: Recording) -> None:
    truth = recording("rig_drift")
    assert truth.times["left"][-1] - truth.times["left"][0] == pytest.approx(1200, abs=1)
    drift = (truth.times["right"][-1] - truth.times["left"][-1]) / 1200
    assert drift == pytest.approx(-1e-4, rel=0.01)
