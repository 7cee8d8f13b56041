"""Which files are which camera: by what is given, by words in names, by an NWB file."""

import inspect
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.engine.cameras import Paths, plan_cameras
from mystax.engine.recordings import open_recording
from mystax.errors import ClockError, FormatError, ParameterError, RecipeError
from mystax.io.hdf5 import write_tree
from mystax.io.video import VideoWriter

Film = Callable[..., Path]


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Return a function that writes a small video of `n` frames; frame k of all has grey level 40 + 5 k."""

    def make(name: str, n: int = 12, first: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, size=(32, 32), rate=Fraction(25), codec="ffv1", pixel_format="gray") as out:
            for k in range(first, first + n):
                out.write(np.full((32, 32), 40 + 5 * k, np.uint8))
        return path

    return make


def series(files: list[str], starts: list[int] | None = None, **clock: Any) -> dict[str, Any]:
    """Return an `ImageSeries` of external files, as it lies in an NWB file."""
    told = {} if starts is None else {"starting_frame": np.array(starts, np.int32)}
    return {
        "@": {"neurodata_type": "ImageSeries"},
        "external_file": (files, told),
        "format": "external",
        **clock,
    }


def constant(rate: float, start: float = 0.0) -> dict[str, Any]:
    return {"starting_time": (np.float64(start), {"rate": rate, "unit": "seconds"})}


def nwb(path: Path, acquisition: dict[str, Any], **more: Any) -> Path:
    root = {"@": {"nwb_version": "2.7.0", "neurodata_type": "NWBFile"}}
    write_tree(path, {**root, "acquisition": acquisition, **more})
    return path


def levels(source: Any) -> list[int]:
    """Return the number of each frame, as its grey level tells it."""
    return [int((chunk[0, 0] - 40) // 5) for one in source.chunks() for chunk in one.data]


@pytest.mark.parametrize(
    ("paths", "cameras"),
    [
        ([["a.mp4", "b.mp4"]], {"camera1": ["a.mp4"], "camera2": ["b.mp4"]}),
        (
            [["a.mp4", "b.mp4"], ["c.mp4", "d.mp4"]],
            {"camera1": ["a.mp4", "c.mp4"], "camera2": ["b.mp4", "d.mp4"]},
        ),
        ([["a.mp4"], ["b.mp4"]], {"face": ["a.mp4", "b.mp4"]}),
    ],
)
def test_list_of_lists_is_consecutive_groups_of_simultaneous_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: Paths, cameras: dict[str, list[str]]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "abcd":
        Path(f"{name}.mp4").touch()
    found = plan_cameras(paths).files
    assert {camera: [file.name for file in files] for camera, files in found.items()} == cameras


def test_folder_is_read_by_the_words_of_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "day2"
    folder.mkdir()
    for name in ("m_left_part2.mp4", "m_left_part1.mp4", "m_right.mp4", "notes.txt"):
        (folder / name).touch()
    name, cameras, _ = plan_cameras(folder)
    assert name == "day2"
    assert {camera: [file.name for file in files] for camera, files in cameras.items()} == {
        "left": ["m_left_part1.mp4", "m_left_part2.mp4"],
        "right": ["m_right.mp4"],
    }


def test_ambiguous_folder_is_refused_and_joined_on_request(tmp_path: Path) -> None:
    for name in ("m_1.mp4", "m_2.mp4"):
        (tmp_path / name).touch()
    with pytest.raises(RecipeError, match=r"P403.*bare number"):
        plan_cameras(tmp_path)
    assert len(plan_cameras(tmp_path, join=True).files["face"]) == 2


@pytest.mark.parametrize(
    "paths", [[], {}, {"a": []}, {"a": 5}, [["a.mp4"], ["b.mp4", "c.mp4"]], "none.mp4", {"a": "none.mp4"}]
)
def test_paths_that_are_no_recording_are_refused(paths: Paths) -> None:
    with pytest.raises(RecipeError, match="P403"):
        plan_cameras(paths)


@pytest.mark.parametrize("paths", [3, None, 2.5, object()])
def test_what_is_no_path_at_all_is_refused(paths: object) -> None:
    with pytest.raises(ParameterError, match=r"P401 parameter 'paths': expected a path, .*, got"):
        inspect.unwrap(plan_cameras)(paths)


# NWB files ----------------------------------------------------------------------------------------------

pytestmark = pytest.mark.usefixtures("readers_here")


def test_video_of_an_nwb_file_has_the_times_of_the_file(tmp_path: Path, film: Film) -> None:
    film("videos/face.mkv")
    stamps = 5.0 + np.arange(12) / 24.0
    stamps[6:] += 0.5
    path = nwb(tmp_path / "s1.nwb", {"video_left": series(["videos/face.mkv"], [0], timestamps=stamps)})
    with closing(open_recording(path)) as recording:
        assert (recording.name, list(recording.cameras)) == ("s1", ["left"])
        assert recording.cameras["left"].files == (str(tmp_path / "videos" / "face.mkv"),)
        assert recording.video().times == pytest.approx(stamps, abs=1e-9)
        assert [gap.after for gap in recording.video().clock.gaps] == [5]


def test_start_and_rate_of_an_nwb_file_are_an_exact_clock(tmp_path: Path, film: Film) -> None:
    film("face.mkv")
    told = {"num_samples": np.uint32(12)}
    for more in (told, {}):
        one = series(["face.mkv"], [0], **constant(30000 / 1001, 2.5), **more)
        path = nwb(tmp_path / f"s{len(more)}.nwb", {"video_camera": one})
        with closing(open_recording(path)) as recording:
            clock = recording.cameras["face"].video.clock
            assert (clock.period, clock.n) == (Fraction(1001, 30000), 12)
            assert clock.seconds.tolist() == [
                float(Fraction(5, 2) + k * Fraction(1001, 30000)) for k in range(12)
            ]


def test_files_of_a_camera_are_joined_as_their_first_frames_say(tmp_path: Path, film: Film) -> None:
    film("b.mkv", 5)
    film("a.mkv", 7, first=5)
    stamps = np.arange(12) / 25.0
    path = nwb(tmp_path / "s.nwb", {"top": series(["b.mkv", "a.mkv"], [0, 5], timestamps=stamps)})
    with closing(open_recording(path)) as recording:
        assert levels(recording.video()) == [*range(12)]
        assert recording.video().times == pytest.approx(stamps, abs=1e-9)


def test_files_with_other_frames_than_told_are_refused_until_a_policy_is_named(
    tmp_path: Path, film: Film
) -> None:
    film("a.mkv", 5)
    film("b.mkv", 6, first=5)
    stamps = np.arange(12) / 25.0
    path = nwb(tmp_path / "s.nwb", {"top": series(["a.mkv", "b.mkv"], [0, 6], timestamps=stamps)})
    with pytest.raises(ClockError, match=r"C202.*file 2 does not begin.*6 frames.*got 5"):
        open_recording(path)
    with closing(open_recording(path, clock_policy="drop_tail")) as recording:
        assert recording.cameras["top"].clock_report["n_stamps"] == 12
        assert recording.video().n_frames == 11


@pytest.mark.parametrize("starts", [[0], [0, 0], [5, 0], [1, 5], [0, 5, 9]])
def test_first_frames_that_cannot_be_are_refused(tmp_path: Path, film: Film, starts: list[int]) -> None:
    film("a.mkv", 5)
    film("b.mkv", 5)
    one = series(["a.mkv", "b.mkv"], starts, timestamps=np.arange(10) / 25.0)
    with pytest.raises(FormatError, match=r"F804.*starting_frame"):
        open_recording(nwb(tmp_path / "s.nwb", {"top": one}))


def test_files_without_first_frames_follow_each_other(tmp_path: Path, film: Film) -> None:
    film("a.mkv", 5)
    film("b.mkv", 7, first=5)
    one = series(["a.mkv", "b.mkv"], timestamps=np.arange(12) / 25.0)
    with closing(open_recording(nwb(tmp_path / "s.nwb", {"top": one}))) as recording:
        assert levels(recording.video()) == [*range(12)]


def test_more_times_than_frames_are_refused_and_cut_on_request(tmp_path: Path, film: Film) -> None:
    film("a.mkv")
    path = nwb(tmp_path / "s.nwb", {"top": series(["a.mkv"], [0], timestamps=np.arange(15) / 25.0)})
    with pytest.raises(ClockError, match=r"C202.*camera 'top'"):
        open_recording(path)
    with closing(open_recording(path, clock_policy="drop_tail")) as recording:
        assert recording.video().times[-1] == pytest.approx(11 / 25)


def test_own_clock_goes_before_that_of_the_file(tmp_path: Path, film: Film) -> None:
    film("a.mkv")
    path = nwb(tmp_path / "s.nwb", {"top": series(["a.mkv"], [0], timestamps=100 + np.arange(12) / 25.0)})
    for clock in ("pts", Clock.from_rate(Fraction(25), 12)):
        with closing(open_recording(path, clocks={"top": clock})) as recording:
            assert recording.video().times[0] == 0


def test_cameras_of_an_nwb_file_keep_their_places_in_time(tmp_path: Path, film: Film) -> None:
    film("l.mkv", 12)
    film("r.mkv", 10, first=1)
    sides = {
        "video_left": series(["./l.mkv"], [0], timestamps=np.arange(12) / 25.0),
        "video_right": series([r".\r.mkv"], [0], **constant(25.0, 1 / 25)),
    }
    with closing(open_recording(nwb(tmp_path / "s.nwb", sides), reference="right")) as recording:
        assert list(recording.cameras) == ["left", "right"]
        assert recording.cameras["right"].video.times[0] == pytest.approx(1 / 25)
        again = open_recording(**recording.request)  # type: ignore[arg-type] # plain values of all kinds
    with closing(again):
        for name, camera in recording.cameras.items():
            assert again.cameras[name].video.times.tolist() == camera.video.times.tolist()


def test_video_named_for_another_machine_is_found_beside_the_file(tmp_path: Path, film: Film) -> None:
    film("a.mkv")
    for k, name in enumerate(("/lab/rig/a.mkv", "D:\\rig\\a.mkv")):
        one = series([name], [0], timestamps=np.arange(12) / 25.0)
        cameras = plan_cameras(nwb(tmp_path / f"{k}.nwb", {"top": one})).files
        assert cameras == {"top": (tmp_path / "a.mkv",)}


def test_missing_video_is_refused_with_the_places_it_was_looked_for(tmp_path: Path) -> None:
    path = nwb(tmp_path / "s.nwb", {"top": series(["videos/a.mkv"], [0], timestamps=np.arange(3.0))})
    with pytest.raises(RecipeError, match=r"P403.*/acquisition/top.*videos/a\.mkv is not there") as caught:
        open_recording(path)
    assert caught.value.expected == f"{tmp_path / 'videos' / 'a.mkv'} or {tmp_path / 'a.mkv'}"


def test_video_in_a_network_is_refused(tmp_path: Path) -> None:
    one = series(["https://example.org/a.mkv"], [0], timestamps=np.arange(3.0))
    with pytest.raises(FormatError, match="F803"):
        open_recording(nwb(tmp_path / "s.nwb", {"top": one}))


def test_pictures_that_were_shown_are_no_camera(tmp_path: Path, film: Film) -> None:
    film("a.mkv")
    film("screen.mkv")
    shown = {"presentation": {"screen": series(["screen.mkv"], [0], **constant(25.0))}}
    one = {"top": series(["a.mkv"], [0], **constant(25.0))}
    assert list(plan_cameras(nwb(tmp_path / "s.nwb", one, stimulus=shown)).files) == ["top"]


def test_two_series_of_one_name_are_told_apart_by_their_places(tmp_path: Path, film: Film) -> None:
    film("a.mkv")
    film("b.mkv")
    one, two = (series([name], [0], **constant(25.0)) for name in ("a.mkv", "b.mkv"))
    path = nwb(tmp_path / "s.nwb", {"top": one}, processing={"behavior": {"top": two}})
    assert list(plan_cameras(path).files) == ["acquisition-top", "processing-behavior-top"]


def test_nwb_file_without_videos_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    inside = {"@": {"neurodata_type": "ImageSeries"}, "data": np.zeros((2, 3, 4), np.uint8), **constant(25.0)}
    path = nwb(tmp_path / "s.nwb", {"film": inside, "units": {"@": {"neurodata_type": "Units"}}})
    with pytest.raises(FormatError, match=r"F804.*/acquisition/film lie in the file itself.*Units"):
        open_recording(path)


@pytest.mark.parametrize(("rate", "start"), [(0.0, 0.0), (float("nan"), 0.0), (25.0, float("inf"))])
def test_rate_that_is_no_clock_is_refused(tmp_path: Path, film: Film, rate: float, start: float) -> None:
    film("a.mkv")
    with pytest.raises(ClockError, match="C206"):
        open_recording(nwb(tmp_path / "s.nwb", {"top": series(["a.mkv"], [0], **constant(rate, start))}))


def test_times_that_go_backward_are_refused(tmp_path: Path, film: Film) -> None:
    film("a.mkv")
    stamps = np.r_[np.arange(6), np.arange(6)] / 25.0
    with pytest.raises(ClockError, match=r"C206.*/acquisition/top/timestamps"):
        open_recording(nwb(tmp_path / "s.nwb", {"top": series(["a.mkv"], [0], timestamps=stamps)}))
