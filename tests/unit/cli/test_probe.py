"""`mystax probe`: what it prints for a person, what it gives to a program, how it ends."""

from pathlib import Path

import pytest

from mystax.cli.probe import _lines, _number
from mystax.io.video import Video
from tests.fixtures.commands import call
from tests.fixtures.videos import Shelf

Capture = pytest.CaptureFixture[str]


def test_a_person_reads_picture_coding_frames_and_clock(shelf: Shelf, capsys: Capture) -> None:
    path = shelf.take()
    found = call(capsys, "probe", path)
    assert found.status == 0
    name, picture, coding, frames, clock = found.out.splitlines()
    assert name == str(path)
    assert picture == "  picture    64 x 48 px, 8 bit, yuv420p, limited range (assumed)"
    assert coding.startswith("  coding     h264 in ")
    assert frames == "  frames     40"
    assert clock == "  clock      constant, 30 frames/s (30/1), 1.333 s, interval 33.333 to 33.333 ms"
    assert not found.err


def test_json_holds_every_field_of_the_probe_and_the_flags(shelf: Shelf, capsys: Capture) -> None:
    path = shelf.take("gap", n_frames=60)
    found = call(capsys, "probe", path, "--json")
    (probe,) = found.json["probes"]
    with Video(path) as video:
        wanted = {name for name in video.probe().as_dict() if name != "flags"}
    assert wanted <= set(probe)
    assert [flag["code"] for flag in probe["flags"]] == ["V113"]
    assert [warning["file"] for warning in found.json["warnings"]] == [str(path)]
    assert sum(gap["missing"] for gap in probe["gaps"]) == 26


def test_a_single_frame_has_no_interval(shelf: Shelf, capsys: Capture) -> None:
    found = call(capsys, "probe", shelf.take(n_frames=1))
    assert found.status == 0
    assert found.out.splitlines()[-2:] == [
        "  frames     1",
        "  clock      constant, 30 frames/s (30/1), 0.033 s",
    ]


def test_frames_without_times_have_no_duration(shelf: Shelf, capsys: Capture) -> None:
    found = call(capsys, "probe", shelf.take("bare_stream", "h264"))
    assert found.status == 0
    frames, clock = found.out.splitlines()[-2:]
    assert frames == "  frames     40"
    assert clock == "  clock      none; `mystax run` needs its rate or a clock file (--clock rate:30)"


def test_gaps_are_listed_up_to_five(shelf: Shelf) -> None:
    with Video(shelf.take("gap", n_frames=60)) as video:
        probe = dict(video.probe().as_dict())
    (line,) = [line for line in _lines(probe) if line.startswith("  gaps")]
    assert line == "  gaps       3: 1 after frame 14, 5 after frame 29, 20 after frame 44"
    many = {**probe, "gaps": [{"after": 3, "missing": 2}] * 6}
    (line,) = [line for line in _lines(many) if line.startswith("  gaps")]
    assert line.endswith("2 after frame 3 ...")
    assert line.count("after") == 5


def test_variable_rate_and_a_header_that_lies_are_said(shelf: Shelf) -> None:
    with Video(shelf.take("vfr", "mkv")) as video:
        lines = _lines(dict(video.probe().as_dict()))
    assert any("variable, no constant rate" in line for line in lines)
    with Video(shelf.take("count_lies")) as video:
        probe = dict(video.probe().as_dict())
    assert probe["n_frames"] == 40
    assert f"  frames     40 (the header says {probe['n_frames_header']})" in _lines(probe)


def test_a_turned_picture_is_said_with_its_angle(shelf: Shelf, capsys: Capture) -> None:
    found = call(capsys, "probe", shelf.take("rotated_90"))
    assert ", turned by 270 deg\n" in found.out
    assert "64 x 48 px" in found.out


def test_decoding_counts_every_frame_by_its_reason(shelf: Shelf, capsys: Capture) -> None:
    found = call(capsys, "probe", shelf.take("zeroed", "avi", "mjpeg"), "--decode", "--json")
    decoded = found.json["probes"][0]["decoded"]
    assert set(decoded) == {"good", "undecodable", "corrupt", "doubtful", "other_size", "no_time"}
    assert sum(decoded.values()) == 40
    assert 0 < decoded["good"] < 40
    assert "V105" in {warning["code"] for warning in found.json["warnings"]}


def test_decoding_is_told_to_a_person(shelf: Shelf, capsys: Capture) -> None:
    good = call(capsys, "probe", shelf.take(), "--decode").out.splitlines()[-1]
    assert good == "  decoded    40 good"
    bad = call(capsys, "probe", shelf.take("zeroed", "avi", "mjpeg"), "--decode").out.splitlines()[-1]
    assert bad.startswith("  decoded    ")
    assert " good, " in bad


def test_the_status_is_one_if_all_are_refused_and_three_if_some_are(
    shelf: Shelf, tmp_path: Path, capsys: Capture
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    assert call(capsys, "probe", text, "--json").status == 1
    mixed = call(capsys, "probe", text, shelf.take(), "--json")
    assert mixed.status == 3
    assert mixed.codes == ["V104"]
    assert len(mixed.json["probes"]) == 1
    assert mixed.json["inputs"] == [str(text), str(shelf.take())]


def test_a_stream_must_be_chosen_where_there_are_two(shelf: Shelf, capsys: Capture) -> None:
    path = shelf.take("two_streams", "mkv")
    refused = call(capsys, "probe", path, "--json")
    assert (refused.status, refused.codes) == (1, ["V104"])
    chosen = call(capsys, "probe", path, "--stream", "1", "--json")
    assert chosen.status == 0
    assert chosen.json["probes"][0]["n_frames"] == 40
    assert call(capsys, "probe", path, "--stream", "7", "--json").status == 1


def test_a_folder_is_no_video(tmp_path: Path, capsys: Capture) -> None:
    found = call(capsys, "probe", tmp_path)
    assert found.status == 2
    assert "P403" in found.err
    assert "got a folder" in found.err
    assert "mystax run" in found.err


@pytest.mark.parametrize(
    ("rate", "text"), [("30000/1001", "29.97"), ("30/1", "30"), ("25", "25"), ("1000000/33333", "30.0003")]
)
def test_rates_are_shown_with_six_digits(rate: str, text: str) -> None:
    assert _number(rate) == text
