"""A rig in a real browser: videos are added, regions go to the other recordings, points swap their names."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.io.rois import read_rois, rois_to_toml
from tests.fixtures.browser import browser, open_page
from tests.fixtures.catalogues import write_film
from tests.fixtures.web_server import WebServer, web_server

pytestmark = pytest.mark.slow

SIZES = {"day1": (96, 64), "day2": (96, 64), "day3": (128, 64)}
ROIS = (
    Roi("left_pupil", "pupil", Ellipse(40, 30, 12, 10), "left", frame_size=(96, 64)),
    Roi("right_pad", "motion", Rectangle(10, 10, 40, 40), "right", frame_size=(96, 64)),
)


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    for number, (day, size) in enumerate(SIZES.items()):
        for k, camera in enumerate(("left", "right")):
            write_film(tmp_path / day / f"{camera}.avi", 10 * number + k, 12, size)
    return tmp_path


@pytest.fixture
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


def key(server: WebServer, name: str) -> str:
    return str(next(row["id"] for row in server.get("/api/recordings") if row["name"] == name))


def test_videos_are_added_and_regions_are_applied_to_the_rig(rig: Path, running: Any) -> None:
    with web_server(rig) as server:
        for day in SIZES:
            with open_page(running, server.link) as seen:
                page = seen.page
                page.get_by_role("button", name="add videos").click()
                page.get_by_role("button", name=f"{day}/").click()
                page.get_by_text("2 in this folder").wait_for()
                page.get_by_role("button", name="look", exact=True).click()
                page.get_by_text("2 videos in 1 recording: 1 new").wait_for()
                page.get_by_role("button", name="add 1 recording").click()
                page.get_by_text("1 recording added").wait_for()
                page.get_by_role("link", name=day).wait_for()
                assert seen.faults() == []
                assert seen.said == []
        (rig / "day1" / "day1.mystax" / "rois.toml").write_text(rois_to_toml(ROIS))
        with open_page(running, f"{server.link}&s=rois&r={key(server, 'day1')}") as seen:
            page = seen.page
            page.get_by_text("apply to rig").click()
            page.get_by_text("the pictures have another size").wait_for()
            page.wait_for_function(
                "() => document.querySelectorAll('.thumbs canvas[data-drawn]').length === 4"
            )
            assert seen.faults() == []
            page.get_by_role("button", name="choose all shown").click()
            page.get_by_role("button", name="apply to 1 recording").click()
            page.get_by_text("applied", exact=True).wait_for()
            assert seen.said == []
    assert read_rois(rig / "day2" / "day2.mystax" / "rois.toml") == ROIS
    assert not (rig / "day3" / "day3.mystax" / "rois.toml").exists()


def test_points_swap_names_and_the_saved_change_is_taken_back(rig: Path, running: Any) -> None:
    with web_server(rig / "day1") as server:
        recording = key(server, "left")
        made = server.post(f"/api/recordings/{recording}/labels", {"name": "mine"})
        names = [one["id"] for one in made["keypoints"]]

        def now() -> list[str]:
            return [one["id"] for one in server.get(f"/api/labels/{made['id']}")["keypoints"]]

        with open_page(running, f"{server.link}&s=label&r={recording}") as seen:
            page = seen.page
            page.get_by_text("points of the set").click()
            page.get_by_label("swap: one point").select_option(names[0])
            page.get_by_label("swap: the other point").select_option(names[1])
            page.get_by_role("button", name="swap", exact=True).click()
            page.get_by_role("button", name="undo an edit of the points").click()
            assert page.get_by_role("button", name="save the points").is_disabled()
            page.get_by_role("button", name="redo an edit of the points").click()
            page.get_by_role("button", name="save the points").click()
            page.get_by_text(re.compile("version 2")).wait_for()
            assert now() == [names[1], names[0], *names[2:]]
            page.get_by_role("button", name="take the saved change back").click()
            page.get_by_text(re.compile("version 3")).wait_for()
            assert now() == names
            assert seen.faults() == []
            assert seen.said == []
