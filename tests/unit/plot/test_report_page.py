"""The page of the report: what is said in words and tables, and code that can be copied from it."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.quality import Flag, flags_to_json
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.recipe import recipe_from
from mystax.io.outcomes import Outcomes
from mystax.plot import report_page
from mystax.plot.report import collect
from mystax.plot.report_page import page, ranges
from tests.fixtures.engine_runs import run_folder
from tests.fixtures.engine_toys import frames_of
from tests.fixtures.plot_outcomes import Page, motion, pupil, svd
from tests.unit.plot.test_pose import tracks


def page_of(outcomes: dict[str, Any], title: str = "mouse") -> str:
    report = collect(outcomes, title)
    return page(report, {item.name: item.svg() for item in report.all_figures})


def words_of(outcomes: dict[str, Any]) -> str:
    """Return the page without drawn figures, for what stands beside them."""
    report = collect(outcomes, "mouse")
    return page(report, {item.name: b"<svg></svg>" for item in report.all_figures})


class Cells(HTMLParser):
    """Collects the rows of every table of a section."""

    def __init__(self, text: str, section: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._in_cell = False
        start = text.index(f'<section id="{section}"')
        self.feed(text[start : text.index("</section>", start)])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        """Take the text of a cell."""
        if self._in_cell:
            self.rows[-1][-1] += data


def codes_of(text: str) -> dict[str, str]:
    """Return the code on a page by language."""
    found = re.findall(r"<h3>([^<]+)</h3><pre><code>(.*?)</code></pre>", text, re.DOTALL)
    return {language: html.unescape(code) for language, code in found}


def test_coverage_below_one_is_said_beside_the_method() -> None:
    text = Page(words_of({"motion": motion(coverage=0.98765)})).text
    assert "98.77 % of the frames could be used." in text
    assert "could be used" not in Page(words_of({"motion": motion()})).text


def test_parameters_that_differ_stand_first_and_all_are_folded() -> None:
    text = words_of({"motion": motion(parameters='{"bin": 8, "black": 0.0, "floor": 5.0}')})
    rows = Cells(text, "parameters").rows
    assert rows[:2] == [["analysis", "parameter", "value"], ["motion", "bin", "8"]]
    assert rows[2:] == [
        ["analysis", "parameter", "value"],
        ["motion", "bin", "8"],
        ["motion", "black", "0.0"],
        ["motion", "floor", "5.0"],
    ]
    assert "<details><summary>All parameters</summary>" in text


def test_parameters_of_several_cameras_stand_once() -> None:
    both = {f"motion/{camera}": motion(parameters='{"bin": 8}') for camera in ("left", "right")}
    rows = Cells(words_of(both), "parameters").rows
    assert rows.count(["motion", "bin", "8"]) == 2  # among what differs, and among all


def test_defaults_are_said_to_be_defaults() -> None:
    text = words_of({"motion": motion(parameters='{"bin": "auto", "black": 0.0, "floor": 5.0}')})
    assert "All parameters have their defaults." in text


def test_provenance_lists_keys_inputs_files_and_versions() -> None:
    inputs = '[{"role": "frames", "camera": "", "position": 0, "id": "12-ab"}]'
    outcome = motion(inputs=inputs, run_files=["/data/face.mp4"], run_host="here", content_sha256="c" * 64)
    rows = Cells(words_of({"motion": outcome}), "provenance").rows
    for row in (
        ["motion", "key", "a" * 64],
        ["motion", "content_sha256", "c" * 64],
        ["input", "frames 0", "12-ab"],
        ["run", "file", "/data/face.mp4"],
        ["run", "host", "here"],
        ["software", "mystax", "0.1"],
    ):
        assert row in rows


def test_a_figure_too_large_for_a_vector_becomes_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_page, "MAX_SVG", 100)
    read = Page(page_of({"motion": motion()}))
    assert read.problems == []
    assert read.images
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in read.images)


def test_figures_for_a_second_look_are_folded() -> None:
    report = collect({"motion": motion()}, "m")
    folded = [item for item in report.all_figures if item.detail]
    text = page(report, {item.name: item.svg() for item in report.all_figures})
    assert folded
    for item in folded:
        assert f"<details><summary>{item.title}</summary><figure>" in text


def test_numbers_in_tables_are_marked_as_such() -> None:
    text = words_of({"pupil": pupil()})
    assert '<td class="number">' in text
    assert '<td class="number">eye' not in text


def test_an_analysis_without_anything_to_show_says_so() -> None:
    outcome = svd().drop_vars(["motion_mask", "motion_singular_value", "motion_captured", "motion_method"])
    assert "no region gave a value" in Page(words_of({"svd": outcome})).text


def test_a_pose_without_a_face_is_one_sentence() -> None:
    dataset = tracks()
    dataset["position"] = dataset["position"] * np.nan
    dataset.attrs["quality"] = flags_to_json([Flag("N302", "no face was found: <nothing> was tracked")])
    section = words_of({"pose": dataset}).partition('<section id="pose">')[2].partition("</section>")[0]
    assert "<p>No face was found: &lt;nothing&gt; was tracked.</p>" in section
    assert "<figure" not in section
    assert "<table" not in section
    assert "No frame was tracked" not in section


@pytest.mark.parametrize(
    ("frames", "n", "text"),
    [
        ([], 0, ""),
        ([0], 1, "0"),
        ([5, 6], 2, "5 to 6"),
        ([0, 1, 2, 9, 11, 12], 6, "0 to 2, 9, 11 to 12"),
        (list(range(100)), 250, "0 to 99 and 150 more"),
    ],
)
def test_frames_are_joined_to_ranges(frames: list[int], n: int, text: str) -> None:
    assert ranges(frames, n) == text


# code that is copied from the page -----------------------------------------------------------------------

NAMES = ["left", "body cam", "Face", 'a"b', "l'œil", "back\\slash".replace("\\", "-")]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outcomes of cameras with names that a programmer would not choose."""
    folder = tmp_path_factory.mktemp("code") / "mouse.mystax"
    sources = {name: ArraySource(frames_of(k, 12, (64, 64)), 30) for k, name in enumerate(NAMES)}
    cameras = {name: Camera(name, source) for name, source in sources.items()}
    run_folder(folder, Recording("mouse", cameras), recipe_from("quick"))
    return folder


def codes_on_page(outcomes: Outcomes, camera: str) -> dict[str, str]:
    """Return the code by language of a page without drawn figures."""
    return codes_of(words_of({f"motion/{camera}": outcomes[f"motion/{camera}"]}))


@pytest.mark.parametrize("camera", NAMES)
@pytest.mark.parametrize("language", ["Python", "Python without mystax"])
def test_python_on_the_page_gives_the_values(
    language: str, camera: str, measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(measured)
    outcomes = Outcomes.of_folder(measured)
    program = codes_on_page(outcomes, camera)[language]
    if language != "Python":
        program += '\nvalues = outcome["energy"].values; outcome.close()'
    names: dict[str, Any] = {}
    exec(compile(program, "page", "exec"), names)  # noqa: S102 - the code of our own page is what is tested
    np.testing.assert_array_equal(np.asarray(names["values"]), outcomes[f"motion/{camera}"]["energy"].values)


@pytest.mark.parametrize("camera", NAMES)
def test_paths_on_the_page_lead_to_the_values(camera: str, measured: Path) -> None:
    import h5py

    outcomes = Outcomes.of_folder(measured)
    codes = codes_on_page(outcomes, camera)
    with h5py.File(measured / "motion.nc") as file:
        for language, pattern in (("MATLAB", r"'/([^']+/energy)'"), ("R", r"'([^']+/energy)'")):
            (path,) = re.findall(pattern, codes[language])
            np.testing.assert_array_equal(file[path][()], outcomes[f"motion/{camera}"]["energy"].values)


def test_a_single_camera_needs_no_group() -> None:
    codes = codes_of(words_of({"motion": motion()}))
    assert 'mystax.load("motion.nc")\n' in codes["Python"]
    assert "group=" not in codes["Python without mystax"]
    assert "'/energy'" in codes["MATLAB"]
    assert mystax.__all__
