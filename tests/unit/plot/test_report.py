"""The report: valid, complete, safe against names from outside, small."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xarray import Dataset

from mystax.core.geometry import Roi
from mystax.core.quality import Flag, flags_to_json
from mystax.core.recording import ArraySource
from mystax.plot.report import collect, title_of, write_report
from mystax.plot.report_page import page, ranges
from mystax.plot.report_parts import Report
from tests.fixtures.plot_outcomes import (
    ROIS,
    Page,
    blink,
    joint_svd,
    motion,
    pupil,
    rois,
    running,
    svd,
    svg_root,
)

HOSTILE = '"><img src=x onerror=alert(1)><script>1</script>&amp;\x00$\\frac{'


def _every() -> dict[str, Dataset]:
    found = {"rois": rois(), "motion": motion(), "svd": svd(), "pupil": pupil()}
    return {**found, "blink": blink(), "running": running()}


def _page(outcomes: dict[str, Dataset], title: str = "mouse") -> tuple[Report, str]:
    report = collect(outcomes, title)
    return report, page(report, {item.name: item.svg() for item in report.all_figures})


@pytest.fixture(scope="module")
def full() -> tuple[Report, str]:
    return _page(_every())


def test_the_page_is_valid(full: tuple[Report, str]) -> None:
    assert Page(full[1]).problems == []


def test_the_page_has_no_script_and_asks_nothing_of_the_network(full: tuple[Report, str]) -> None:
    read = Page(full[1])
    assert not {"script", "link", "iframe", "object", "form"} & set(read.tags)
    assert all(link.startswith("#") for link in read.links)
    assert all(str(image["src"]).startswith("data:image/") for image in read.images)
    assert "url(" not in full[1]
    assert "@import" not in full[1]


def test_every_figure_is_on_the_page_with_words_from_its_data(full: tuple[Report, str]) -> None:
    report, text = full
    words = [image["alt"] for image in Page(text).images]
    assert words == [item.alternative for item in report.all_figures]
    assert all(words)


def test_pictures_on_the_page_are_well_formed(full: tuple[Report, str]) -> None:
    for image in Page(full[1]).images:
        head, _, data = str(image["src"]).partition(",")
        if "svg" in head:
            assert svg_root(base64.b64decode(data)).tag.endswith("svg")
        assert int(str(image["width"])) > 0


def test_the_page_is_small(full: tuple[Report, str]) -> None:
    assert len(full[1].encode()) < 1_500_000


def test_the_page_tells_everything_in_its_order(full: tuple[Report, str]) -> None:
    text = Page(full[1]).text
    heads = ["Proposed regions", "Motion energy", "Components (SVD)", "Pupil", "Blinks", "Running"]
    heads += ["Frames and times", "Parameters", "Provenance", "How to load it", "How to cite"]
    places = [text.rindex(head) if head == "How to cite" else text.index("\n" + head) for head in heads]
    assert places == sorted(places)


def test_several_cameras_share_chapters() -> None:
    outcomes = {
        f"{name}/{camera}": make() for name, make in (("motion", motion), ("pupil", pupil)) for camera in "ab"
    }
    report, text = _page(outcomes)
    read = Page(text)
    assert read.problems == []
    assert read.text.count("An ellipse is fitted") == 1
    assert report.verdict == "2 analyses of 2 cameras, no warnings"
    assert len(report.clocks.rows) == 2


def test_the_outcome_of_all_cameras_is_shown() -> None:
    report, text = _page({"svd/left": svd(), "svd/right": svd(), "svd/all_cameras": joint_svd()})
    assert Page(text).problems == []
    assert len(report.chapters[0].figures) == 3
    assert len(report.clocks.rows) == 2


def test_names_from_outside_are_text_and_nothing_else() -> None:
    roi = Roi(HOSTILE, "motion", ROIS["motion"].shape)
    flag = Flag("V105", f"{HOSTILE}.mp4 is damaged", (1,), 1)
    attributes: dict[str, Any] = {
        "quality": flags_to_json([flag]),
        "run_files": [HOSTILE],
        "run_host": HOSTILE,
    }
    attributes |= {
        "inputs": json.dumps([{"role": "frames", "camera": HOSTILE, "position": 0, "id": HOSTILE}])
    }
    outcomes = {f"motion/{HOSTILE.replace('/', '')}": motion(roi, **attributes), "motion/b": motion()}
    report, text = _page(outcomes, HOSTILE)
    read = Page(text)
    assert read.problems == []
    assert len(read.images) == len(report.all_figures)
    assert "\x00" not in text
    assert read.text.count("<script>") >= 3  # shown as text: title, region, file


def test_a_folder_without_drawable_outcomes_has_a_page() -> None:
    report, text = _page({"facemap/facemap": Dataset()})
    assert Page(text).problems == []
    assert report.verdict == "0 analyses, no warnings"


def test_imported_outcomes_without_times_have_a_page() -> None:
    times = np.full(60, np.nan)
    outcomes = {
        name: make().assign_coords(time=("time", times))
        for name, make in (("pupil", pupil), ("blink", blink))
    }
    assert Page(_page(outcomes)[1]).problems == []


def test_proposals_of_nothing_say_so() -> None:
    nothing = rois().isel(roi=slice(0, 0))
    assert "Nothing was sure enough" in Page(_page({"rois": nothing})[1]).text


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], "1 analysis, no warnings"),
        (["18 frames could not be read"], "1 analysis, 1 warning: 18 frames could not be read"),
        (["a.", "b"], "1 analysis, 2 warnings: a (and 1 more)"),
    ],
)
def test_the_verdict_is_one_sentence(flags: list[str], expected: str) -> None:
    quality = flags_to_json([Flag("V105", text) for text in flags])
    assert collect({"pupil": pupil(quality=quality)}, "m").verdict == expected


def test_warnings_name_code_meaning_and_frames() -> None:
    flag = Flag.about("V105", "damaged packets", [3, 4, 5, 9])
    text = Page(_page({"pupil": pupil(quality=flags_to_json([flag]))})[1]).text
    assert "V105 damaged packets. Frames 3 to 5, 9." in text
    assert "packets of the video are damaged" in text


def test_many_warnings_are_folded() -> None:
    flags = [Flag("N302", f"remark {k}") for k in range(9)]
    read = Page(_page({"pupil": pupil(quality=flags_to_json(flags))})[1])
    assert read.problems == []
    assert "3 more warnings" in read.text


def test_missing_frames_bring_a_timeline() -> None:
    missing = np.zeros(60, np.uint8)
    missing[4] = 1
    report = collect({"motion": motion(missing=missing)}, "m")
    assert report.timeline is not None


def test_only_parameters_that_differ_are_listed_first() -> None:
    report = collect({"motion": motion(parameters='{"bin":"auto","black":3.0,"floor":5.0}')}, "m")
    assert report.sections[0].changed == {"black": 3.0}


@pytest.mark.parametrize(
    ("frames", "n", "expected"),
    [([3], 1, "3"), ([1, 2, 3, 7], 4, "1 to 3, 7"), (list(range(0, 60, 2)), 500, "0, 2, 4 and 497 more")],
)
def test_frames_are_written_as_ranges(frames: list[int], n: int, expected: str) -> None:
    assert ranges(frames, n, most=12 if n < 100 else 3) == expected


def test_the_title_is_the_name_of_the_recording(tmp_path: Path) -> None:
    recipe = tmp_path / "mouse" / "standard"
    recipe.mkdir(parents=True)
    assert title_of(tmp_path / "face.mystax") == "face"
    assert title_of(recipe) == "standard"
    (recipe / "recipe.toml").write_text("", "utf-8")
    assert title_of(recipe) == "mouse (standard)"


def test_a_folder_gets_page_numbers_and_figures(tmp_path: Path) -> None:
    import mystax
    from mystax.io.store import Store

    frames = np.random.default_rng(0).integers(0, 255, (40, 48, 64), np.uint8)
    folder = tmp_path / "face.mystax"
    mystax.run(ArraySource(frames, 30), analyses=["motion"], out=folder, report=False)
    place = next(tmp_path.rglob("motion.nc")).parent
    write_report(Store(place))
    assert Page((place / "report.html").read_text("utf-8")).problems == []
    facts = json.loads((place / "report.json").read_text("utf-8"))
    assert facts["outcomes"][0]["coverage"] == 1.0
    assert {path.name for path in (place / "figures").iterdir()} == {
        f"{name}.{suffix}" for name in facts["figures"] for suffix in ("svg", "csv")
    }


def test_figures_of_an_earlier_report_do_not_stay(tmp_path: Path) -> None:
    from mystax.plot.report import _forget

    (tmp_path / "figures").mkdir()
    for name in ("old.svg", "old.csv", "new.svg", "mine.svg"):
        (tmp_path / "figures" / name).write_text("x", "utf-8")
    (tmp_path / "secret.svg").write_text("x", "utf-8")
    (tmp_path / "report.json").write_text('{"figures": ["old", "new", "../secret"]}', "utf-8")
    _forget(tmp_path, {"new"})
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"new.svg", "mine.svg"}
    assert (tmp_path / "secret.svg").exists()


def test_imported_values_are_not_described_by_our_methods() -> None:
    inputs = json.dumps([{"role": "facemap", "camera": "", "position": 0, "id": "1"}])
    text = Page(_page({"pupil": pupil(inputs=inputs)})[1]).text
    assert "These values were imported" in text
    assert "An ellipse is fitted" not in text
