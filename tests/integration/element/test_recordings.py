"""Golden tests of videos and their times: what the files hold, not what their headers claim."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.errors import RecipeError
from mystax.synth import faulty_video
from tests.fixtures.lab import FIRST, NIGHTLY, Lab, film, open_lab

both = pytest.mark.parametrize("lab", NIGHTLY, indirect=True, scope="session")
"""What is kept is kept by both servers."""
one = pytest.mark.parametrize("lab", FIRST, indirect=True, scope="session")
"""What is decided before anything is kept."""


def info_of(lab: Lab, key: Any) -> dict[str, Any]:
    lab.populate(key)
    found: dict[str, Any] = (lab.fbe.RecordingInfo & key).fetch1()
    return found


@both
def test_rate_of_ntsc_film_is_kept_to_the_last_digit(lab: Lab) -> None:
    video = film(lab.root / "t5" / "face.mkv", 30, rate=Fraction(30000, 1001))
    info = info_of(lab, lab.recording(video))
    assert abs(info["fps"] - 30000 / 1001) < 1e-12
    assert abs(info["recording_duration"] - 30 * 1001 / 30000) < 1e-12
    assert (info["rate_num"], info["rate_den"], info["nframes"]) == (30000, 1001, 30)
    assert not info["is_vfr"]
    assert (info["px_height"], info["px_width"]) == (64, 96)


@both
def test_frames_of_a_cut_file_are_counted(lab: Lab) -> None:
    place = lab.root / "t6" / "cut.avi"
    place.parent.mkdir(exist_ok=True)
    truth = faulty_video(place, "cut_60", container="avi", codec="mjpeg", n_frames=50, size=(64, 48))
    key = lab.recording(place)
    info = info_of(lab, key)
    assert info["nframes"] == len(truth.barcodes) < 50
    flags = {row["flag"]: row for row in (lab.fbe.RecordingInfo.Flag & key).to_dicts()}
    assert flags["V101"]["severity"] == "error"
    assert flags["V101"]["detail"]["remarks"][0]["code"] == "V101"


@one
def test_files_of_unlike_sizes_give_no_row_but_the_reason(lab: Lab) -> None:
    first = film(lab.root / "v120" / "a_part1.mkv", 10)
    second = film(lab.root / "v120" / "a_part2.mkv", 10, size=(48, 32))
    key = lab.recording(first, second)
    report = lab.populate(key)
    ((_, text),) = report["RecordingInfo"]["errors"]
    assert text.startswith("V120 ")
    assert len(lab.fbe.RecordingInfo & key) == 0
    assert (lab.fbe.RecordingInfo.jobs & key).fetch1("error_message").startswith("VideoError: V120 ")


@both
def test_times_are_those_of_the_clock_file(lab: Lab) -> None:
    video = film(lab.root / "clock" / "face.mkv", 20)
    times = 100 + np.arange(20) * 0.0333
    place = video.with_name("times.csv")
    place.write_text("time\n" + "\n".join(f"{value * 1000:.4f}" for value in times) + "\n", "utf-8")
    key = lab.recording(video, clock=(place, {"kind": "csv", "rest": "time:ms"}))
    lab.populate(key)
    row = (lab.fbe.Timestamps & key).fetch1()
    np.testing.assert_allclose(np.asarray(row["timestamps"]), times, atol=1e-7)
    assert np.asarray(row["timestamps"]).dtype == np.float64
    assert np.asarray(row["valid"]).all()
    assert row["source"] == "csv"
    assert row["residual"] < 0.001


@both
def test_times_without_a_clock_file_are_those_of_the_container(lab: Lab) -> None:
    key = lab.recording(film(lab.root / "stamps" / "face.mkv", 12))
    lab.populate(key)
    row = (lab.fbe.Timestamps & key).fetch1()
    np.testing.assert_allclose(np.asarray(row["timestamps"]), np.arange(12) / 30, atol=1e-12)
    assert (row["source"], row["residual"]) == ("container", None)


@one
def test_video_that_is_nowhere_is_an_error_with_the_roots(lab: Lab) -> None:
    key = lab.recording(film(lab.root / "gone" / "face.mkv", 5))
    (lab.root / "gone" / "face.mkv").unlink()
    report = lab.populate(key)
    ((_, text),) = report["RecordingInfo"]["errors"]
    assert text.startswith("P403 gone/face.mkv")
    assert str(lab.root) in text


@both
def test_two_cameras_of_three_files_are_entered_once(lab: Lab) -> None:
    key = lab.session()
    roots = lab.module.get_facemap_root_data_dir()
    for camera in ("left", "right"):
        for part in (1, 2, 3):
            film(lab.root / "t10" / f"m1_{camera}_part{part}.mkv", 3)
    devices = {"left": "cam0", "right": "cam1"}
    keys = [lab.fbe.ingest_recordings(key, "t10", devices) for _ in range(20)]
    assert all(found == keys[0] for found in keys)
    assert [found["recording_id"] for found in keys[0]] == [0, 1]
    assert [(lab.fbe.VideoRecording & found).fetch1("device") for found in keys[0]] == ["cam0", "cam1"]
    for found, camera in zip(keys[0], ("left", "right"), strict=True):
        files = (lab.fbe.VideoRecording.File & found).to_dicts(order_by="file_id")
        assert [row["file_path"] for row in files] == [f"t10/m1_{camera}_part{k}.mkv" for k in (1, 2, 3)]
    assert lab.module.get_facemap_root_data_dir() == roots
    lab.populate(keys[0][0])
    assert (lab.fbe.RecordingInfo & keys[0][0]).fetch1("nframes") == 9


@one
def test_part_that_comes_later_is_not_left_out_silently(lab: Lab) -> None:
    place = f"later-{lab.prefix}-{lab.site.backend}"
    film(lab.root / place / "m1_left_part1.mkv", 3)
    key = lab.session()
    (found,) = lab.fbe.ingest_recordings(key, place, "cam0")
    film(lab.root / place / "m1_left_part2.mkv", 3)
    film(lab.root / place / "m1_right_part1.mkv", 3)
    with pytest.raises(RecipeError, match=r"P403 .*entered with other files.*m1_left_part2"):
        lab.fbe.ingest_recordings(key, place, "cam0")
    assert len(lab.fbe.VideoRecording & key) == 1  # nothing of the others either
    (lab.fbe.VideoRecording & found).delete()
    again = lab.fbe.ingest_recordings(key, place, "cam0")
    assert [len(lab.fbe.VideoRecording.File & one) for one in again] == [2, 1]


@one
def test_neuroblueprint_folder_is_found_by_the_labels(lab: Lab) -> None:
    subject = (
        f"m9{lab.prefix.partition('_')[2]}{lab.site.backend[:2]}"  # the folders of all labs lie together
    )
    key = {"subject": subject, "session_datetime": "2026-02-01 00:00:00"}
    lab.module.Session.insert1(key)
    place = lab.root / "rawdata" / f"sub-{subject}_sex-F"
    film(place / "ses-01" / "behav" / "face.mkv", 3)
    with pytest.raises(RecipeError, match=r"P403 .*no folder of this session"):
        lab.fbe.ingest_recordings(key, device="cam0")
    video = film(place / "ses-20260201_x-1" / "behav" / "face.mkv", 3)
    (found,) = lab.fbe.ingest_recordings(key, device="cam0")
    (row,) = (lab.fbe.VideoRecording.File & found).to_dicts()
    assert row["file_path"] == video.relative_to(lab.root).as_posix()


@one
def test_dropped_schemas_are_made_again_and_their_session_key_may_be_any(lab: Lab, tmp_path: Path) -> None:
    with open_lab(lab.site, tmp_path, "other") as first:
        recording = first.recording(film(tmp_path / "face.mkv", 3))
        assert first.populate(recording)["RecordingInfo"]["done"] == 1
    with open_lab(lab.site, tmp_path, "other", session="session_id : int32") as again:
        key = {"session_id": 7}
        again.module.Session.insert1(key)
        film(tmp_path / "videos" / "face.mkv", 6)
        (recording,) = again.fbe.ingest_recordings(key, "videos", "cam0")
        report = again.populate(recording)
        assert report["RecordingInfo"]["done"] == report["Timestamps"]["done"] == 1
        assert (again.fbe.RecordingInfo & key).fetch1("nframes") == 6
    assert len(lab.fbe.RecordingInfo()) == len(lab.fbe.RecordingInfo & "nframes > 0")  # the outer lab is back


@one
def test_camera_without_a_device_is_refused(lab: Lab) -> None:
    film(lab.root / "nodevice" / "m1_left.mkv", 3)
    with pytest.raises(RecipeError, match=r"P403 .*no such device"):
        lab.fbe.ingest_recordings(lab.session(), "nodevice", "cam7")
