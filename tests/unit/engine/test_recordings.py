"""`mystax.open`: files, folders and clocks."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.core.recording import ArraySource, Reason
from mystax.engine.recordings import clock_camera, open_recording
from mystax.errors import ClockError, ParameterError, RecipeError, VideoError
from mystax.io.video import VideoWriter

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a small video of `n` frames."""

    def make(name: str, n: int = 30, rate: int = 30, first: int = 0) -> Path:
        path = tmp_path / name
        options = {"g": "10", "bf": "0", "preset": "ultrafast"}
        with VideoWriter(path, size=(32, 32), rate=Fraction(rate), options=options) as out:
            for k in range(first, first + n):
                grey = np.random.default_rng(k).integers(40, 200, (4, 4), dtype=np.uint8)
                out.write(np.kron(grey, np.ones((8, 8), np.uint8)))
        return path

    return make


def test_one_file_is_one_camera_named_face(write: Write) -> None:
    recording = open_recording(write("mouse.mp4"))
    assert recording.name == "mouse"
    assert list(recording.cameras) == ["face"]
    assert recording.video().n_frames == 30
    assert recording.cameras["face"].files == (str(write("mouse.mp4").absolute()),)
    assert recording.cameras["face"].clock_report == {}
    recording.close()


def test_list_is_one_camera_in_this_order(write: Write) -> None:
    recording = open_recording([write("b.mp4", 20), write("a.mp4", 10, first=20)])
    assert recording.name == "b"
    assert recording.video().n_frames == 30
    assert [Path(file).name for file in recording.cameras["face"].files] == ["b.mp4", "a.mp4"]
    recording.close()


def test_mapping_names_the_cameras(write: Write) -> None:
    recording = open_recording(
        {"left": write("l.mp4"), "right": [write("r1.mp4", 20), str(write("r2.mp4", 10, first=20))]},
        reference="right",
        name="day1",
    )
    assert list(recording.cameras) == ["left", "right"]
    assert (recording.name, recording.reference) == ("day1", "right")
    recording.close()


def test_missing_file_is_refused_with_the_nearest(write: Write) -> None:
    path = write("mouse_face.mp4")
    with pytest.raises(RecipeError, match=r"did you mean 'mouse_face\.mp4'"):
        open_recording(path.with_name("mouse_fac.mp4"))


@pytest.mark.parametrize("name", ["x" * 300 + ".mp4", "a\0b.mp4", "concat:a.mp4|b.mp4", "$(touch X).mp4"])
def test_name_that_cannot_exist_is_just_a_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="P403"):
        open_recording(tmp_path / name)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="P403"):
        open_recording(tmp_path)


@pytest.mark.parametrize("camera", ["", "a/b", " left", "a:b", "a=b", "a\nb"])
def test_camera_whose_name_cannot_be_written_is_refused(write: Write, camera: str) -> None:
    with pytest.raises(RecipeError, match="P404"):
        open_recording({camera: write("a.mp4")})


def test_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("not a video")
    with pytest.raises(VideoError, match="V10"):
        open_recording(tmp_path / "a.mp4")


def test_same_video_in_two_cameras_is_refused_with_both_files(write: Write) -> None:
    first = write("a.mp4")
    twin = first.with_name("b.mp4")
    twin.write_bytes(first.read_bytes())
    with pytest.raises(RecipeError, match=r"P403.*given twice") as caught:
        open_recording({"left": first, "right": twin})
    assert "a.mp4" in caught.value.got
    assert "b.mp4" in caught.value.got


@pytest.mark.parametrize("clock", ["csv:times.csv", Clock.from_rate(Fraction(10), 30), np.arange(30) / 10])
def test_clock_may_be_a_spec_a_clock_or_an_array(write: Write, clock: str | Clock | np.ndarray) -> None:
    path = write("a.mp4", rate=10)
    lines = [f"{5 + k / 10:.3f}" for k in range(30)]
    path.with_name("times.csv").write_text("\n".join(lines))
    recording = open_recording(path, clock)
    assert np.diff(recording.video().times) == pytest.approx(0.1)
    assert recording.cameras["face"].clock_report["frames_without_time"] == 0
    recording.close()


@pytest.mark.parametrize("wrong", [np.arange(30)[::-1], np.zeros(30), np.eye(1, 30)[0]])
def test_clock_whose_times_do_not_rise_is_refused(write: Write, wrong: np.ndarray) -> None:
    clock = Clock(wrong.astype(np.int64), Fraction(1, 30), source="mine")
    with pytest.raises(ClockError, match=r"C206 camera 'face', mine: times .* row 1\b"):
        open_recording(write("a.mp4"), clock)


@pytest.mark.parametrize("is_array", [True, False])
def test_second_of_two_equal_times_is_missing(write: Write, is_array: bool) -> None:
    times = np.arange(100) / 30
    times[60] = times[59]
    recording = open_recording(write("a.mp4", 100), times if is_array else Clock.from_seconds(times))
    again = open_recording(**recording.request)  # type: ignore[arg-type] # plain values of any kind
    for opened in (recording, again):
        reason = np.concatenate([chunk.reason for chunk in opened.video().chunks()])
        assert np.flatnonzero(reason == Reason.NO_TIME).tolist() == [60]
        assert np.delete(opened.video().times, 60) == pytest.approx(np.delete(times, 60))
        assert opened.cameras["face"].clock_report["equal_stamps_dropped"] == 1
        assert "C202" in {flag.code for flag in opened.flags}
        opened.close()


def test_offset_moves_the_times_and_stands_in_the_report(write: Write) -> None:
    recording = open_recording(write("a.mp4"), offsets={"face": "-0.350"})
    assert recording.video().times[0] == -0.35
    assert recording.cameras["face"].clock_report == {"offset": -0.35}
    recording.close()


def test_offset_does_not_make_assumed_boundaries_certain(write: Write) -> None:
    files = [write("a.mp4", 20), write("b.mp4", 10, first=20)]
    recording = open_recording(files, offsets={"face": 2.0})
    chunks = list(recording.video().chunks())
    adjacent = np.concatenate([chunk.adjacent for chunk in chunks])
    assert np.flatnonzero(~adjacent).tolist() == [0, 20]
    assert "V121" in {flag.code for flag in recording.video().flags}
    recording.close()


def test_clock_over_all_files_makes_boundaries_certain(write: Write) -> None:
    files = [write("a.mp4", 20), write("b.mp4", 10, first=20)]
    recording = open_recording(files, np.arange(30) / 30)
    chunks = list(recording.video().chunks())
    assert np.concatenate([chunk.adjacent for chunk in chunks])[1:].all()
    assert "V121" not in {flag.code for flag in recording.video().flags}
    recording.close()


def test_frames_without_time_are_missing_and_flagged(write: Write) -> None:
    recording = open_recording(write("a.mp4"), np.arange(28) / 30, clock_policy="drop_tail")
    (chunk,) = recording.video().chunks()
    assert np.flatnonzero(chunk.reason == Reason.NO_TIME).tolist() == [28, 29]
    assert [flag.code for flag in recording.flags] == ["C202"]
    recording.close()


def test_difference_in_count_is_refused_with_the_camera(write: Write) -> None:
    with pytest.raises(ClockError, match=r"C202 camera 'face'"):
        open_recording(write("a.mp4"), np.arange(28) / 30)


def test_cameras_of_different_length_need_a_clock_or_an_offset(write: Write) -> None:
    paths = {"left": write("l.mp4", 60), "right": write("r.mp4", 40, first=20)}
    with pytest.raises(ClockError, match=r"C201.*--offset right=0\.6"):
        open_recording(paths)
    recording = open_recording(paths, offsets={"right": Fraction(2, 3)})
    assert recording.video("right").times[0] == float(Fraction(2, 3))
    recording.close()


def test_clocks_with_and_without_a_zone_do_not_go_together(write: Write) -> None:
    paths = {"left": write("l.mp4"), "right": write("r.mp4", first=30)}
    for name, zone in (("l", "Z"), ("r", "")):
        lines = ["time"] + [f"2024-01-01T00:00:{k / 30:09.6f}{zone}" for k in range(30)]
        paths["left"].with_name(f"{name}.csv").write_text("\n".join(lines))
    with pytest.raises(ClockError, match=r"C206.*zone"):
        open_recording(paths, {"left": "csv:l.csv", "right": "csv:r.csv"})


def test_request_opens_the_same_recording_again(write: Write) -> None:
    paths = {"left": write("l.mp4"), "right": write("r.mp4", first=30)}
    clocks = {"left": np.arange(29) / 30 + 7, "right": Clock.from_rate(Fraction(30), 30, Fraction(7))}
    first = open_recording(
        paths, clocks, clock_policy={"left": "drop_head"}, offsets={"right": Fraction(1, 90)}, name="x"
    )
    again = open_recording(**first.request)  # type: ignore[arg-type] # plain values of any kind
    for camera in paths:
        assert np.array_equal(first.video(camera).times, again.video(camera).times, equal_nan=True)
    assert (again.name, again.reference, again.flags) == (first.name, first.reference, first.flags)
    first.close()
    again.close()


@pytest.mark.parametrize(
    "options",
    [
        {"clocks": "cvs:a.csv"},
        {"clock_policy": "drop"},
        {"damage": "ignore"},
        {"grey_range": "wide"},
        {"offsets": {"face": "soon"}},
        {"offsets": {"face": float("nan")}},
    ],
)
def test_wrong_options_are_refused(write: Write, options: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="P401"):
        open_recording(write("a.mp4"), **options)  # type: ignore[arg-type] # that is the test


@pytest.mark.parametrize(
    "options",
    [
        {"reference": "fase"},
        {"clocks": {"fase": "pts"}},
        {"clock_policy": {"fase": "match"}},
        {"offsets": {"fase": 1.0}},
    ],
)
def test_unknown_camera_is_refused_with_the_nearest(write: Write, options: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=r"P403.*did you mean 'face'"):
        open_recording(write("a.mp4"), **options)  # type: ignore[arg-type] # any option


def test_one_clock_for_several_cameras_is_refused(write: Write) -> None:
    paths = {"left": write("l.mp4"), "right": write("r.mp4", first=30)}
    with pytest.raises(RecipeError, match="P403"):
        open_recording(paths, np.arange(30) / 30)


def test_setting_without_a_camera_belongs_to_all(write: Write) -> None:
    paths = {"left": write("l.mp4"), "right": write("r.mp4", first=30)}
    recording = open_recording(paths, {"": "rate:25", "right": "pts"}, offsets={"": 1.0})
    assert recording.video("left").clock.period == Fraction(1, 25)
    assert recording.video("right").clock.period == Fraction(1, 30)
    recording.close()


def test_any_source_of_frames_can_be_given_times() -> None:
    frames = np.zeros((30, 4, 4), np.uint8)
    source, report, flags, zone = clock_camera(ArraySource(frames), "rate:10:5", offset=Fraction(1))
    assert source.times[0] == 6.0
    assert report["offset"] == 1.0
    assert (flags, zone) == ((), "")
