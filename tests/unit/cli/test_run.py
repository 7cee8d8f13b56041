"""`mystax run`: how its words become requests, and what a dry run says."""

import shutil
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import xarray as xr

from mystax.cli.output import Output
from mystax.cli.run import _plan_lines, _recordings, _rois, tell_outcomes
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.quality import Flag, flags_to_json
from mystax.engine.estimate import Estimate
from mystax.errors import RecipeError
from mystax.io.outcomes import Outcomes
from mystax.io.rois import rois_to_toml
from tests.fixtures.commands import call
from tests.fixtures.videos import Shelf

Capture = pytest.CaptureFixture[str]


def options(**changed: Any) -> dict[str, Any]:
    return {"cameras": (), "join": False, "roi_texts": (), "rois_file": None, **changed}


def test_each_file_is_a_recording_of_its_own_unless_they_are_joined() -> None:
    files = (Path("a.mp4"), Path("b.mp4"))
    assert _recordings(files, options()) == ["a.mp4", "b.mp4"]
    assert _recordings(files, options(join=True)) == [["a.mp4", "b.mp4"]]


@pytest.mark.parametrize("join", [True, False])
def test_a_file_that_is_given_twice_is_refused(join: bool, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    files = (Path("a.mp4"), Path("b.mp4"), Path("c/../a.mp4"))
    with pytest.raises(RecipeError, match=r"given twice.*a\.mp4 and c/\.\./a\.mp4") as error:
        _recordings(files, options(join=join))
    assert error.value.code == "P403"


def test_two_links_to_one_content_are_two_recordings(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"x")
    links = (tmp_path / "a.mp4", tmp_path / "b.mp4")
    for link in links:
        link.symlink_to(tmp_path / "content")
    assert _recordings(links, options()) == [str(link) for link in links]
    with pytest.raises(RecipeError, match="given twice"):
        _recordings(links, options(join=True))


def test_cameras_make_one_recording_with_consecutive_files_in_a_list() -> None:
    cameras = ("left=l1.mp4", "right=r.mp4", "left=l2.mp4")
    assert _recordings((), options(cameras=cameras)) == [{"left": ["l1.mp4", "l2.mp4"], "right": "r.mp4"}]


@pytest.mark.parametrize(
    ("files", "cameras", "message"),
    [((), (), "at least one FILE"), ((Path("a.mp4"),), ("x=b.mp4",), "not both")],
)
def test_files_or_cameras_are_needed_and_not_both(
    files: tuple[Path, ...], cameras: tuple[str, ...], message: str
) -> None:
    with pytest.raises(click.UsageError, match=message):
        _recordings(files, options(cameras=cameras))


def test_regions_of_words_and_of_a_file_are_joined(tmp_path: Path) -> None:
    file = tmp_path / "rois.toml"
    file.write_text(rois_to_toml([Roi("pad", "motion", Rectangle(0, 0, 20, 20))]))
    found = _rois(options(roi_texts=("pupil:ellipse:30,30,9,8=eye",), rois_file=file))
    assert found is not None
    assert [(roi.name, roi.kind) for roi in found] == [("eye", "pupil"), ("pad", "motion")]
    assert found[0].shape == Ellipse(30, 30, 9, 8)
    assert _rois(options()) is None


def test_a_file_without_regions_says_that_there_are_none(
    shelf: Shelf, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "none.toml"
    file.write_text("format = 1\n", "utf-8")
    video = Path(shutil.copy(shelf.take(), tmp_path))
    folder = video.with_suffix(".mystax")
    folder.mkdir()
    drawn = rois_to_toml([Roi("pad", "motion", Rectangle(8, 8, 30, 30))])
    (folder / "rois.toml").write_text(drawn, "utf-8")
    found = call(capsys, "run", video, "--rois", file, "--dry-run", "--json")
    (plan,) = found.json["plans"]
    outcomes = {item["analysis"]: item for item in plan["outcomes"]}
    assert outcomes["motion"]["cameras"] == {"face": ["frame"]}
    assert plan["rois"] == []
    assert (outcomes["rois"]["state"], outcomes["rois"]["reason"]) == (
        "not applicable",
        "the list of regions that is given is empty",
    )
    (note,) = plan["notes"]
    assert "no region" in note
    left = call(capsys, "run", video, "--dry-run", "--json")
    assert [roi["name"] for roi in left.json["plans"][0]["rois"]] == ["pad"]


def test_a_dry_runtell_outcomess_a_person_files_outcomes_and_cost(shelf: Shelf, capsys: Capture) -> None:
    path = shelf.take()
    found = call(
        capsys, "run", path, "--analyses", "motion,blink", "--roi", "blink:rectangle:8,8,40,30", "--dry-run"
    )
    assert found.status == 0
    lines = found.out.splitlines()
    assert lines[0] == f"{path.stem} -> {path.with_suffix('.mystax')} (recipe unnamed)"
    assert lines[1] == f"  camera face: 40 frames of 64 x 48 px, {path}"
    assert [line.split() for line in lines[2:4]] == [["motion", "wanted"], ["blink", "wanted"]]
    assert lines[4].startswith("  40 frames, 1 reading, 1 decode, about ")
    assert " MiB of memory, " in lines[4]
    assert not path.with_suffix(".mystax").exists()


def test_a_dry_run_shows_flags_of_the_files_and_remarks_on_regions(shelf: Shelf, capsys: Capture) -> None:
    found = call(
        capsys,
        "run",
        shelf.take("gap", n_frames=60),
        "--analyses",
        "motion",
        "--roi",
        "motion:rectangle:-8,4,50,40",
        "--dry-run",
    )
    assert found.status == 0
    assert "    V113 26 frames are missing in 3 gaps" in found.out
    (note,) = [line for line in found.out.splitlines() if line.startswith("  note: ")]
    assert "1680 of 2000 px" in note


def test_a_dry_run_lists_what_cannot_be_had_with_the_reason(shelf: Shelf, capsys: Capture) -> None:
    found = call(capsys, "run", shelf.take(), "--dry-run", "--json")
    states = {
        item["analysis"]: (item["state"], item["reason"]) for item in found.json["plans"][0]["outcomes"]
    }
    assert states["running"] == ("not applicable", "there is no region of kind 'running'")
    assert states["pupil"] == ("wanted", "if an eye is found")
    assert found.json["plans"][0]["awaits_proposals"] is True


def test_offset_reference_and_clock_reach_the_cameras(shelf: Shelf, capsys: Capture) -> None:
    cameras = ("--camera", f"body-cam={shelf.take()}", "--camera", f"top={shelf.take('gap', n_frames=60)}")
    apart = call(capsys, "run", *cameras, "--analyses", "motion", "--dry-run", "--json")
    assert apart.codes == ["C201"]
    words = ("--clock", "body-cam=rate:40:2", "--offset", "top=1.5", "--reference", "top")
    found = call(capsys, "run", *cameras, *words, "--analyses", "motion", "--dry-run", "--json")
    assert found.status == 0, found.err
    cameras_told = found.json["plans"][0]["cameras"]
    assert list(cameras_told) == ["body-cam", "top"]
    assert "rate" in cameras_told["body-cam"]["clock"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--clock", "rate:0"), "P401"),
        (("--clock", "csv:none.csv"), "C206"),
        (("--clock-policy", "cut"), "P401"),
        (("--recipe", "none.toml"), "P403"),
        (("--rois", "none.toml"), "P402"),
        (("--rois", "none_proc.npy"), "P403"),
        (("--roi", "pupil:ellipse:900,900,20,20"), "P402"),
        (("--motion-bin", "0"), "P401"),
        (("--analyses", "motion,motion"), "P403"),
        (("--analyses", ","), "P403"),
        (("--scratch", "no/such/folder"), "P403"),
    ],
)
def test_each_mistake_has_its_code_before_anything_is_written(
    words: tuple[str, ...],
    code: str,
    shelf: Shelf,
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = call(capsys, "run", shelf.take(), *words, "--out", "out", "--dry-run", "--json")
    assert found.codes == [code], found.err
    assert found.status == (2 if code.startswith("P") else 1)
    assert not list(tmp_path.iterdir())


def test_mistakes_of_one_file_do_not_stop_the_others(shelf: Shelf, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    found = call(
        capsys, "run", tmp_path / "text.mp4", shelf.take(), "--analyses", "motion", "--dry-run", "--json"
    )
    assert (found.status, found.codes) == (3, ["V104"])
    assert len(found.json["plans"]) == 1


def plan_of(scratch: int = 0, **changed: Any) -> dict[str, Any]:
    camera = {"shape": [48, 64], "n_frames": 9, "files": [], "flags": []}
    empty: dict[str, Any] = {
        "recording": "r",
        "folder": None,
        "recipe": "",
        "cameras": {"face": camera},
        "outcomes": [],
        "notes": [],
    }
    cost = Estimate(9, readings=2, decodes=1, seconds=1.4, memory=3 << 20, disk=5 << 20, scratch=scratch)
    return {**empty, **cost.as_dict(), **changed}


def test_frames_in_memory_have_no_files_and_no_folder() -> None:
    lines = _plan_lines(plan_of())
    assert lines == [
        "r -> memory (recipe without name)",
        "  camera face: 9 frames of 64 x 48 px, frames in memory",
        "  9 frames, 2 readings, 1 decode, about 1 s, 3 MiB of memory, 5 MiB of disk",
    ]


def test_scratch_is_told_where_it_is_needed() -> None:
    assert _plan_lines(plan_of(scratch=7 << 20))[-1].endswith(", 7 MiB of scratch")


def outcome(recording: str = "face", coverage: float = 1.0, flags: tuple[Flag, ...] = ()) -> xr.Dataset:
    attributes = {"run_recording": recording, "coverage": coverage, "quality": flags_to_json(flags)}
    return xr.Dataset({"energy": ("time", np.zeros(3))}, attrs=attributes)


def test_what_was_made_is_told_with_coverage_and_flags(capsys: Capture) -> None:
    output = Output("run", as_json=True)
    flag = Flag("V113", "a gap", (4,), 1)
    found = Outcomes.of_datasets({"motion": outcome(coverage=0.5, flags=(flag,)), "svd": outcome()})
    tell_outcomes(output, found, ["svd"], 2.0)
    told = {item["analysis"]: item for item in output.outcomes}
    assert {name: item["state"] for name, item in told.items()} == {"motion": "current", "svd": "made"}
    assert told["motion"]["coverage"] == 0.5
    assert {item["recording"] for item in told.values()} == {"face"}
    assert output.warnings == [{"code": "V113", "text": "a gap", "outcome": "motion", "n_frames": 1}]
    assert "warning V113: a gap" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("made", "line"),
    [
        ([], "nothing to do (1 outcome is current)"),
        (["motion", "svd", "motion"], "motion, svd: done in 2.0 s"),
    ],
)
def test_the_last_line_says_what_was_done(made: list[str], line: str, capsys: Capture) -> None:
    tell_outcomes(Output("run"), Outcomes.of_datasets({"motion": outcome()}), made, 2.04)
    assert capsys.readouterr().out == line + "\n"
