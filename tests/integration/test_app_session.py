"""A session with a rendered mouse, from the first click to a refined model, by a scripted hand.

Pictures of each step, dark and light, go to the folder that MYSTAX_SHOTS names.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.engine.demo import face
from mystax.io.outcomes import load
from tests.fixtures.browser import browser, open_page
from tests.fixtures.web_server import web_server

pytestmark = [pytest.mark.slow, pytest.mark.extra("train")]

LONG = 300_000.0
"""Longest wait for a run or a training [ms]."""
N_LABELLED = 10


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    pytest.importorskip("torch", reason='pip install "mystax[train]"')
    with browser() as found:
        yield found


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, np.ndarray, float]:
    """Film four seconds of a face; give its folder, and place and length of the eye at first."""
    monkeypatch.setattr(face, "SECONDS", 4.0)
    made, place = tmp_path / "made", tmp_path / "face"
    face.film_face(made)
    place.mkdir()
    (made / "left1.mkv").rename(place / "mouse.mkv")
    truth: Any = load(made / "left1_truth.nc")
    ends = truth["position"].isel(time=0, individual=0).sel(keypoint=["eye_front", "eye_back"])
    front, back = ends.transpose("keypoint", "space").values
    return place, (front + back) / 2, float(np.hypot(*(front - back)))


class Hand:
    """A person at the page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.shots = os.environ.get("MYSTAX_SHOTS", "")

    def show(self, name: str) -> None:
        """Take pictures of what is seen."""
        if not self.shots:
            return
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            self.page.wait_for_timeout(150)
            self.page.screenshot(path=Path(self.shots) / f"{name}-{theme}.png")

    def go(self, name: str) -> None:
        """Open a screen."""
        self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()

    def ready(self, frame: int | None = None) -> None:
        """Wait until an exact picture is there."""
        which = "" if frame is None else f"[data-frame='{frame}']"
        self.page.locator(f"canvas.picture[data-exact='true']{which}").first.wait_for()

    def run_to_the_end(self, button: str, n_done: int) -> None:
        """Press a button that queues a run, and wait until so many are done."""
        self.page.get_by_role("button", name=button).click()
        self.page.get_by_role("status").filter(has_text=f"{n_done} done").wait_for(timeout=LONG)


def draw_pupil(hand: Hand, centre: np.ndarray, length: float) -> None:
    """Draw an ellipse around the eye, see it measured live, save it."""
    page = hand.page
    page.get_by_label("kind of the new region").select_option("pupil")
    page.get_by_role("button", name="ellipse").click()
    box = page.locator(".stage").first.bounding_box()
    scale = box["width"] / 320.0
    for k, (dx, dy) in enumerate([(-0.6, -0.6), (0.0, 0.0), (0.6, 0.6)]):
        x = box["x"] + scale * (centre[0] + 0.5 + dx * length)
        y = box["y"] + scale * (centre[1] + 0.5 + dy * length)
        page.mouse.move(x, y)
        if k == 0:
            page.mouse.down()
    page.mouse.up()
    page.locator("fieldset.live").get_by_text(re.compile(r"\d px²")).first.wait_for(timeout=LONG)
    page.locator("figure.around polyline").first.wait_for(timeout=LONG)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").filter(has_text="saved - rev").wait_for()


def label_suggested(hand: Hand) -> None:
    """Make a set, and go through the suggested frames: move a point, accept the others."""
    page = hand.page
    page.get_by_role("button", name="make the set").click()
    page.get_by_role("button", name="find frames worth labelling").click()
    page.locator("ul[aria-label='suggested frames'] > li").first.wait_for(timeout=LONG)
    page.evaluate("document.activeElement.blur()")
    counts = page.get_by_label("points of this frame")
    page.keyboard.press("n")
    for k in range(N_LABELLED):
        page.locator("ul[aria-label='suggested frames'] > li[aria-current=true]").wait_for()
        page.locator("ul[aria-label=keypoints]").get_by_text("predicted").first.wait_for()
        page.keyboard.press("1")
        page.keyboard.press("Alt+ArrowRight")
        page.wait_for_timeout(350)  # nudges are joined
        if k == 3:
            hand.show("label")
        before = page.locator("canvas.picture").first.get_attribute("data-frame")
        page.keyboard.press("Enter")
        page.wait_for_function(
            "(old) => document.querySelector('canvas.picture').dataset.frame !== old", arg=before
        )
        page.get_by_role("status").filter(has_text="Saved - rev").first.wait_for()
    counts.wait_for()


def train(hand: Hand) -> None:
    """Train on what was labelled, and watch its loss."""
    page = hand.page
    page.locator("summary").filter(has_text="train on these labels").click()
    page.get_by_label("minutes").fill("0.2")
    page.get_by_label("held out").select_option("block")
    page.get_by_role("button", name="train", exact=True).click()
    page.locator("figure.loss polyline.fit").first.wait_for(timeout=LONG)
    page.wait_for_timeout(4000)
    page.locator("figure.loss").scroll_into_view_if_needed()
    hand.show("training")
    page.get_by_text(re.compile("Error on held-out frames|No frame could be held out")).wait_for(timeout=LONG)


def compare(hand: Hand) -> None:
    """Set the new weights beside the shipped ones, and look at the worst frame."""
    page = hand.page
    form = page.get_by_role("region", name="compare two")
    names = form.get_by_label("first").locator("option").all_inner_texts()
    new = next(name for name in names if name.startswith("weights face"))
    form.get_by_label("first").select_option("weights mouse-face")
    form.get_by_label("second").select_option(new)
    form.get_by_role("button", name="compare").click()
    table = form.get_by_role("table", name="errors side by side")
    table.wait_for(timeout=LONG)
    before, after = (
        float(text) for text in table.locator("tbody tr").first.locator("td").all_inner_texts()[1:3]
    )
    assert np.isfinite([before, after]).all()
    assert form.get_by_text(re.compile(f"trained on {N_LABELLED} of these {N_LABELLED} frames")).count() == 1
    hand.show("compare")
    form.get_by_role("table", name="worst frames").get_by_role("button").first.click()
    hand.ready()
    page.get_by_text("On its worst frames").wait_for()
    hand.show("compared")


def test_from_the_first_click_to_a_refined_model(
    film: tuple[Path, np.ndarray, float], running: Any, tmp_path: Path
) -> None:
    place, centre, length = film
    home = {"XDG_DATA_HOME": str(tmp_path / "data")}
    with (
        web_server(place, environment=home) as server,
        open_page(running, server.link, folder=tmp_path) as watched,
    ):
        hand, page = Hand(watched.page), watched.page
        page.get_by_role("link", name="mouse").click()
        hand.ready(0)
        hand.go("ROIs")
        hand.ready(0)
        draw_pupil(hand, centre, length)
        hand.show("rois")
        hand.run_to_the_end("Run", 1)
        hand.show("queue")
        hand.go("View")
        page.locator(".trace canvas").first.wait_for()
        page.get_by_text("keypoints").first.wait_for()
        page.keyboard.press("Control+ArrowRight")
        hand.ready(30)
        page.wait_for_timeout(500)
        hand.show("view")
        hand.go("Label")
        label_suggested(hand)
        train(hand)
        hand.go("Models")
        compare(hand)
        hand.go("Models")
        default = page.get_by_role("button", name="make face the default")
        if default.count():  # weights that are not better can be no default
            default.click()
            page.get_by_role("cell", name="default", exact=True).wait_for()
        hand.go("Queue")
        page.get_by_role("button", name="run mouse").click()
        page.get_by_text(re.compile("queued|Nothing to do")).first.wait_for()
        if default.count() == 0:
            page.get_by_role("status").filter(has_text=re.compile("[23] done")).wait_for(timeout=LONG)
        assert watched.said == []
    labelled = list(place.glob("*.labels/frames/*/*.png"))
    assert len(labelled) >= N_LABELLED
