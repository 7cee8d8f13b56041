"""The page without a mouse, and tabs that die: every key does what the sheet says, and no edit is lost."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.io.rois import read_rois
from mystax.synth import faulty_video
from tests.fixtures.browser import WATCHED, browser, open_page
from tests.fixtures.web_server import WebServer, web_server

SIZE = (96, 72)
N_FRAMES = 90


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=N_FRAMES, size=SIZE, key_interval=30)
    with web_server(tmp_path) as made:
        yield made


def recording_of(server: WebServer) -> str:
    return str(server.get("/api/recordings")[0]["id"])


def address(server: WebServer, screen: str) -> str:
    return f"{server.link}&s={screen}&r={recording_of(server)}"


def expect_frame(page: Any, frame: int) -> None:
    page.locator(f"canvas.picture[data-frame='{frame}'][data-exact='true']").wait_for()


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.fixture
def labelled(server: WebServer) -> str:
    """Make a label set, and give its address."""
    made = server.post(f"/api/recordings/{recording_of(server)}/labels", {"name": "mine"})
    return f"/api/labels/{made['id']}"


def click(page: Any, x: float, y: float) -> None:
    """Click at shares of the picture's width and height."""
    box = page.locator(".stage").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


# labels ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_was_done_before_a_reload_is_taken_back_after_it(
    server: WebServer, running: Any, labelled: str
) -> None:
    with open_page(running, address(server, "label")) as watched:
        page = watched.page
        expect_frame(page, 0)
        for k in range(3):
            click(page, 0.3 + 0.2 * k, 0.5)
            page.get_by_role("region").get_by_text(f"Saved - rev {k + 1}").wait_for()
        page.reload()
        expect_frame(page, 0)
        undo, redo = (page.get_by_role("button", name=name, exact=True) for name in ("undo", "redo"))
        counts = page.get_by_label("points of this frame")
        for left in (2, 1, 0):
            undo.first.click()
            counts.get_by_text(f"placed {left}").wait_for()
        assert undo.first.is_disabled()
        redo.first.click()
        counts.get_by_text("placed 1").wait_for()
        page.get_by_role("region").get_by_text("Saved - rev 7").wait_for()
        assert watched.said == []
    (frame,) = server.get(labelled)["frames"]
    assert sum(one is not None for one in frame["points"].values()) == 1


# keys ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_time_and_picture_answer_to_keys(server: WebServer, running: Any, tmp_path: Path) -> None:
    with open_page(running, address(server, "view"), folder=tmp_path) as watched:
        page = watched.page
        expect_frame(page, 0)
        for key, frame in [
            ("ArrowRight", 1),
            ("Shift+ArrowRight", 11),
            ("Control+ArrowRight", 41),
            ("ArrowLeft", 40),
            ("Shift+ArrowLeft", 30),
            ("Control+ArrowLeft", 0),
            ("End", N_FRAMES - 1),
            ("Home", 0),
        ]:
            press(page, key)
            expect_frame(page, frame)
        press(page, "g")
        page.keyboard.type("50")
        press(page, "Enter")
        expect_frame(page, 50)
        press(page, "=")
        assert page.get_by_label("speed").input_value() == "2"
        press(page, "-", "-", "Space")
        page.get_by_role("button", name="pause").wait_for()
        press(page, "Space")
        page.get_by_role("button", name="play").wait_for()
        press(page, "x", "]")
        assert page.get_by_label("exact pixels").is_checked()
        page.locator("fieldset.display label.row").first.get_by_text("1.10").wait_for()
        press(page, "[")
        page.locator("fieldset.display label.row").first.get_by_text("1.00").wait_for()
        press(page, "?")
        page.get_by_role("dialog", name="keys").wait_for()
        press(page, "Escape")
        page.get_by_role("dialog", name="keys").wait_for(state="detached")
        press(page, "Control+k")
        page.keyboard.type("open ROIs")
        press(page, "Enter")
        page.get_by_role("heading", name="ROIs of face").wait_for()
        assert watched.said == []


@pytest.mark.slow
def test_a_region_is_drawn_moved_saved_and_removed_by_keys(
    server: WebServer, running: Any, tmp_path: Path
) -> None:
    place = tmp_path / "face.mystax" / "rois.toml"
    with open_page(running, address(server, "rois"), folder=tmp_path) as watched:
        page = watched.page
        expect_frame(page, 0)
        for key, name in [("r", "rectangle"), ("e", "ellipse"), ("o", "polygon")]:
            press(page, key)
            page.get_by_role("button", name=name, pressed=True).wait_for()
            press(page, "Escape")
            page.get_by_role("button", name=name, pressed=False).wait_for()
        press(page, "r", "Enter", "Alt+ArrowRight", "Alt+ArrowDown", "Alt+Shift+ArrowRight", "Control+s")
        page.get_by_role("status").filter(has_text="saved - rev").wait_for()
        (roi,) = read_rois(place)
        assert roi.shape.numbers() == pytest.approx((33, 25, 33, 24), abs=1.0)
        press(page, "Delete", "Control+s")
        page.get_by_text("No region on this camera yet").wait_for()
        page.get_by_role("status").filter(has_text="saved - rev").wait_for()
        assert read_rois(place) == ()
        assert watched.said == []


@pytest.mark.slow
def test_labels_are_made_and_taken_back_by_keys(server: WebServer, running: Any, tmp_path: Path) -> None:
    server.post(f"/api/recordings/{recording_of(server)}/labels", {"name": "keys"})
    with open_page(running, address(server, "label"), folder=tmp_path) as watched:
        page = watched.page
        counts = page.get_by_label("points of this frame")
        expect_frame(page, 0)
        press(page, "3")
        page.locator("ul[aria-label=keypoints] li[aria-current=true] kbd").get_by_text("3").wait_for()
        place_typed(page, 40.0, 30.0)
        counts.filter(has_text="placed 1, invisible 0, absent 0").wait_for()
        press(page, "3", "Alt+ArrowRight", "Alt+ArrowRight", "Alt+Shift+ArrowDown")
        page.get_by_role("region").get_by_text("Saved - rev 3").wait_for()
        press(page, "3", "v")
        counts.filter(has_text="placed 0, invisible 1, absent 0").wait_for()
        press(page, "1", "Delete", "Shift+d")
        counts.filter(has_text="invisible 1, absent 2").wait_for()
        press(page, "Control+z")
        counts.filter(has_text="invisible 1, absent 1").wait_for()
        press(page, "Control+y")
        counts.filter(has_text="invisible 1, absent 2").wait_for()
        press(page, "Shift+ArrowRight")
        expect_frame(page, 10)
        press(page, "c")
        counts.filter(has_text="invisible 1, absent 2").wait_for()
        press(page, ",")
        expect_frame(page, 0)
        press(page, ".")
        expect_frame(page, 10)
        press(page, "ArrowRight", "a", "m", "ArrowRight", "m")
        page.get_by_role("region").get_by_text("Saved - rev").wait_for()
        labels = server.get(f"/api/recordings/{recording_of(server)}")["labels"][0]["id"]
        page.wait_for_function(
            "() => document.querySelector('header [role=status]').textContent.startsWith('Saved')"
        )
        found = server.get(f"/api/labels/{labels}")
        assert [(one["frame"], one["is_listed"]) for one in found["frames"] if one["is_listed"]] == [
            (11, True)
        ]
        assert len(found["segments"]) == 1
        (hidden,) = [
            one for one in found["frames"][0]["points"].values() if one and one["state"] == "invisible"
        ]
        assert (hidden["x"], hidden["y"]) == pytest.approx((42.0, 30.25), abs=0.01)
        assert watched.said == []


def place_typed(page: Any, x: float, y: float) -> None:
    """Place the chosen point by numbers, each of which is an edit."""
    for name, value in (("x", x), ("y", y)):
        page.locator("aside fieldset.numbers").get_by_label(name, exact=True).fill(str(value))
        page.keyboard.press("Enter")
    page.evaluate("document.activeElement.blur()")


# tabs that die ---------------------------------------------------------------------------------------


def label_in_tabs_that_die(server: WebServer, running: Any, n_tabs: int, seed: int) -> None:
    """Label in a tab, cut its line at a random edit, label on, kill it; the next tab sends what is left."""
    rng = np.random.default_rng(seed)
    key = server.post(f"/api/recordings/{recording_of(server)}/labels", {"name": "tabs"})["id"]
    context = running.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    n_edits = 0
    for turn in range(n_tabs):
        page = context.new_page()
        page.set_default_timeout(WATCHED)
        page.goto(address(server, "label"))
        page.get_by_role("region").get_by_text(f"Saved - rev {n_edits}").wait_for()
        page.keyboard.press("g")
        page.keyboard.type(str(turn))
        page.keyboard.press("Enter")
        expect_frame(page, turn)
        n_here, cut = int(rng.integers(2, 6)), int(rng.integers(0, 4))
        box = page.locator(".stage").first.bounding_box()
        for k in range(n_here):
            if k == cut:
                page.route("**/ops", lambda route: route.abort())
            page.mouse.click(box["x"] + box["width"] * (0.1 + 0.15 * k), box["y"] + box["height"] * 0.5)
            n_edits += 1
        page.get_by_label("points of this frame").filter(has_text=f"placed {n_here}").wait_for()
        with contextlib.suppress(Exception):  # it is gone, and says so in many ways
            page.goto("chrome://crash", timeout=2000)
        page.close()
    last = context.new_page()
    last.set_default_timeout(WATCHED)
    last.goto(address(server, "label"))
    last.get_by_role("region").get_by_text(f"Saved - rev {n_edits}").wait_for()
    context.close()
    found = server.get(f"/api/labels/{key}")
    points = [one for frame in found["frames"] for one in frame["points"].values() if one is not None]
    assert (found["rev"], len(points)) == (n_edits, n_edits), "nothing is lost or written twice"


@pytest.mark.parametrize(("n_tabs", "seed"), [(2, 1), (40, 2)])
@pytest.mark.slow
def test_no_edit_is_lost_when_tabs_are_killed(
    server: WebServer, running: Any, n_tabs: int, seed: int
) -> None:
    label_in_tabs_that_die(server, running, n_tabs, seed)
