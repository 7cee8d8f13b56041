"""One session of the demo's mouse in a real browser, from the first click to the refined model.

``MYSTAX_SHOTS`` names a folder that keeps a picture of every step, dark and light; `tools/pictures.py` makes
those of the documentation from them.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.core.typing import Float64
from mystax.io.outcomes import load
from mystax.io.video import VideoWriter
from mystax.synth.head_files import write_video
from mystax.synth.head_script import HeadScript
from mystax.synth.head_video import render_video
from mystax.synth.scene import Scene
from tests.fixtures.browser import Watched, browser, open_page
from tests.fixtures.web_server import WebServer, web_server

pytestmark = [pytest.mark.slow, pytest.mark.extra("train")]

SIZE = (320, 240)
SECONDS, RATE = 10, 30
SCENE = Scene(seed=0, n_frames=SECONDS * RATE, size=SIZE, rate=Fraction(RATE), cameras=("eye",))
"""A mouse whose pupil is seen well, from near."""

LONG = 900_000.0
"""Longest wait for a run or a training on a busy machine [ms]."""
PATIENCE = 120_000.0
"""Longest wait for anything else [ms]."""
SUGGESTED = 10
"""Suggested frames that the hand corrects."""
OFF = 1.0
"""Points farther from their truth than this are moved [px]."""


@dataclass
class Session:
    """A person at the page: what is seen is pictured, what is known is the truth of the renderer."""

    watched: Watched
    server: WebServer
    folder: Path
    pictures: Path

    @property
    def page(self) -> Any:
        return self.watched.page

    @property
    def truth(self) -> Any:
        found: Any = load(self.folder / "mouse_truth.nc")
        return found.isel(individual=0)

    def picture(self, name: str) -> None:
        """Keep what is seen, dark and light."""
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            self.page.wait_for_timeout(250)  # traces are drawn anew in the colours of the theme
            self.page.screenshot(path=self.pictures / f"{name}-{theme}.png")

    def go(self, screen: str) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name=screen, exact=True).click()

    def on_picture(self, x: float, y: float) -> tuple[float, float]:
        """Give the place on the screen of a pixel of the film."""
        box = self.page.locator(".stage").first.bounding_box()
        return (
            box["x"] + (float(x) + 0.5) * box["width"] / SIZE[0],
            box["y"] + (float(y) + 0.5) * box["height"] / SIZE[1],
        )

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        """Drag the mouse from one pixel of the film to another."""
        mouse = self.page.mouse
        mouse.move(*self.on_picture(*start))
        mouse.down()
        for share in (0.3, 0.6, 1.0):
            at = [a + (b - a) * share for a, b in zip(start, stop, strict=True)]
            mouse.move(*self.on_picture(at[0], at[1]))
        mouse.up()

    def run(self) -> None:
        """Wait on the queue until nothing is to be done."""
        status = self.page.get_by_role("status").filter(has_text="done")
        self.page.get_by_text("running", exact=False).first.wait_for(timeout=LONG)
        status.filter(has_not_text="running").filter(has_not_text="queued").wait_for(timeout=LONG)
        (job,) = [one for one in self.server.get("/api/queue")["jobs"] if one["kind"] == "run"][-1:]
        assert (job["state"], job["error"]) == ("done", None)

    def open(self, name: str) -> None:
        """Open a recording from the list."""
        self.page.get_by_role("link", name=name, exact=True).click()
        self.page.locator("canvas.picture[data-frame='0']").wait_for()

    def outcome(self, recording: str, analysis: str) -> Any:
        return load(self.folder / f"{recording}.mystax" / f"{analysis}.nc")

    def pose(self) -> tuple[list[str], Float64[np.ndarray, "time keypoint space"]]:
        dataset = self.outcome("mouse", "pose").isel(individual=0)
        places = dataset["position"].transpose("time", "keypoint", "space").values
        return [str(name) for name in dataset["keypoint"].values], places.astype(np.float64)

    def away(self) -> float:
        """Mean distance of the tracked points from the truth, over those that are seen [px]."""
        names, places = self.pose()
        truth = self.truth.sel(keypoint=names)
        true = truth["position"].transpose("time", "keypoint", "space").values
        error = np.linalg.norm(places - true, axis=-1)
        return float(np.nanmean(error[truth["state"].values != 0]))


@contextmanager
def begun(tmp_path: Path) -> Iterator[Session]:
    """Film a mouse, and open the page on it."""
    named = os.environ.get("MYSTAX_SHOTS")
    pictures = Path(named) if named else tmp_path / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    folder = tmp_path / "films"
    folder.mkdir()
    film = render_video(HeadScript(1), fps=RATE, seconds=SECONDS, individual=4, quick=True)
    write_video(film, folder / "mouse.mp4", seen=True)
    with VideoWriter(folder / "run01.mp4", size=SIZE, rate=Fraction(RATE), color_range="pc") as writer:
        for chunk in SCENE.source("eye").chunks():
            for picture in chunk.data:
                writer.write(picture)
    own = {"XDG_DATA_HOME": str(tmp_path / "data")}  # its weights are no concern of the user who tests
    with (
        browser() as running,
        web_server(folder, environment=own) as server,
        open_page(running, server.link, folder=pictures) as watched,
    ):
        watched.page.set_default_timeout(PATIENCE)
        yield Session(watched, server, folder, pictures)


def test_a_session_from_the_first_click_to_the_refined_model(tmp_path: Path) -> None:
    with begun(tmp_path) as session:
        open_recording(session)
        draw_pupil(session)
        measure(session)
        track(session)
        first = session.away()
        label(session)
        train(session)
        compare(session)
        track_again(session)
        assert session.away() < first / 2
        assert session.watched.said == []


def open_recording(session: Session) -> None:
    session.page.get_by_role("link", name="run01", exact=True).wait_for()
    session.picture("recordings")
    session.open("run01")
    session.picture("opened")


def draw_pupil(session: Session) -> None:
    """Draw an ellipse about the eye; the live fit is there at once, and where the pupil is."""
    page = session.page
    session.go("ROIs")
    page.locator("canvas.picture[data-frame='0']").wait_for()
    page.get_by_role("button", name="ellipse").click()
    truth = SCENE.truth.cameras["eye"]
    (x, y), radius = truth.pupil_centre[0], truth.pupil_radius[0]
    session.drag((x - 1.9 * radius, y - 1.55 * radius), (x + 1.9 * radius, y + 1.55 * radius))
    live = page.locator("fieldset.live")
    live.get_by_text("px²").first.wait_for(timeout=LONG)  # compiled at the first use
    page.locator("figure.around polyline").first.wait_for(timeout=LONG)
    page.locator("figure.sight canvas").wait_for()
    before = live.locator("dd").all_inner_texts()
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+ArrowLeft")
    page.wait_for_timeout(1000)  # measured anew, now that all is compiled: the same numbers
    assert live.locator("dd").all_inner_texts() == before
    session.picture("rois")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").filter(has_text="saved - rev").wait_for()


def measure(session: Session) -> None:
    """Run; what was shown live is what was measured, and the traces are seen."""
    page = session.page
    shown = page.locator("fieldset.live dd").first.inner_text()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("running", exact=False).first.wait_for(timeout=LONG)
    session.picture("running")
    session.run()
    area = session.outcome("run01", "pupil")["area"].values[:, 0]
    assert shown == f"{area[0]:.1f} px²"
    truth = SCENE.truth.cameras["eye"].pupil_area
    assert np.nanmedian(np.abs(area / truth - 1)) < 0.05
    session.go("View")
    page.locator(".traces canvas").nth(1).wait_for()
    page.locator("canvas.picture[data-frame]").wait_for()
    page.get_by_role("slider", name="time").fill("1.5")
    page.locator("canvas.picture[data-frame='45']").wait_for()
    session.picture("traces")


def track(session: Session) -> None:
    """Track the other recording with the shipped weights."""
    page = session.page
    session.go("Recordings")
    session.open("mouse")
    session.go("Queue")
    page.get_by_role("button", name="run mouse").click()
    session.run()
    session.go("View")
    page.locator("canvas.picture[data-frame]").wait_for()
    page.get_by_role("slider", name="time").fill("1.5")
    page.locator("canvas.picture[data-frame='45']").wait_for()
    page.locator("fieldset.points").wait_for()
    session.picture("tracked")


def label(session: Session) -> None:
    """Make a set, take the suggested frames, and move what is wrong."""
    page = session.page
    session.go("Label")
    page.get_by_role("button", name="make the set").click()
    page.get_by_role("button", name="find frames worth labelling").click()
    lines = page.locator("ul[aria-label='suggested frames'] > li")
    lines.first.wait_for()
    assert lines.count() >= SUGGESTED
    session.picture("suggested")
    frames = [int(lines.nth(k).locator(".number").inner_text().replace(",", "")) for k in range(SUGGESTED)]
    for frame in frames:
        correct(session, frame)
    lines.nth(SUGGESTED - 1).get_by_role("button").first.click()
    page.get_by_label("points of this frame").filter(has_text="left 0").wait_for()
    page.get_by_role("status").filter(has_text="Saved - rev").first.wait_for()
    session.picture("corrected")
    (recording,) = [one for one in session.server.get("/api/recordings") if one["name"] == "mouse"]
    (made,) = session.server.get(f"/api/recordings/{recording['id']}")["labels"]
    found = session.server.get(f"/api/labels/{made['id']}")["frames"]
    assert sorted(one["frame"] for one in found) == sorted(frames)


def correct(session: Session, frame: int) -> None:
    """Go to a suggested frame, move its points to their true places, and accept the rest."""
    page = session.page
    line = page.locator("ul[aria-label='suggested frames'] > li").filter(
        has=page.get_by_role("button", name=f"skip frame {frame}", exact=True)
    )
    line.get_by_role("button").first.click()
    page.locator(f"canvas.picture[data-frame='{frame}']").wait_for()
    page.get_by_label("points of this frame").filter(has_text="placed 0").wait_for()
    page.locator("ul[aria-label=keypoints] > li").first.get_by_text("predicted").wait_for()
    names, places = session.pose()
    for name, found in zip(names, places[frame], strict=True):
        truth = session.truth.isel(time=frame).sel(keypoint=name)
        true = truth["position"].values
        row = page.locator("ul[aria-label=keypoints] > li").filter(has_text=name).first
        button = row.get_by_role("button").first
        if truth["state"].item() == 0:
            button.click()
            page.keyboard.press("Delete")
        elif np.linalg.norm(found - true) > OFF:
            button.click()
            session.drag((found[0], found[1]), (true[0], true[1]))
        else:
            continue
        row.get_by_text("absent" if truth["state"].item() == 0 else "placed").wait_for()
    page.get_by_role("button", name="accept all").click()


def train(session: Session) -> None:
    """Train for the shortest time; the new weights are better on frames held out."""
    page = session.page
    page.get_by_text("train on these labels").click()
    form = page.locator("form.train")
    form.get_by_label("name").fill("mine")
    form.get_by_label("minutes").fill("0.2")
    form.get_by_role("button", name="train", exact=True).click()
    page.locator("figure.loss polyline.fit").first.wait_for(timeout=LONG)
    page.locator("figure.loss").scroll_into_view_if_needed()
    session.picture("training")
    page.get_by_text("Error on held-out frames").wait_for(timeout=LONG)
    page.get_by_role("button", name="make default").scroll_into_view_if_needed()
    session.picture("trained")


def compare(session: Session) -> None:
    """Set the new weights beside the shipped ones, look at the worst frame, and choose the new ones."""
    page = session.page
    page.get_by_role("link", name="point by point").click()
    page.get_by_role("heading", name="Held-out frames").wait_for()
    session.picture("models")
    form = page.get_by_role("region", name="compare two")
    form.get_by_label("first").select_option("weights mouse-face")
    form.get_by_label("second").select_option("weights mine")
    form.get_by_role("button", name="compare").click()
    table = form.get_by_role("table", name="errors side by side")
    table.wait_for(timeout=LONG)
    session.picture("compared")
    cells = table.locator("tbody tr").first.locator("td").all_inner_texts()
    before, after = float(cells[1]), float(cells[2])
    assert after < before
    form.get_by_role("table", name="worst frames").get_by_role("button").first.click()
    page.get_by_text("On its worst frames").wait_for()
    page.locator("canvas.picture[data-exact='true']").first.wait_for()
    session.picture("worst")
    session.go("Models")
    page.get_by_role("button", name="make mine the default").click()
    page.get_by_role("cell", name="default", exact=True).wait_for()


def track_again(session: Session) -> None:
    """Track with the new weights, and look."""
    page = session.page
    session.go("Queue")
    page.get_by_role("button", name="run mouse").click()
    session.run()
    session.picture("queue")
    session.go("View")
    page.locator("fieldset.points").wait_for()
    page.get_by_role("button", name="close", exact=True).click()
    session.picture("refined")
    inputs = json.loads(session.outcome("mouse", "pose").attrs["inputs"])
    (weights,) = [one["id"] for one in inputs if one.get("role") == "weights"]
    models = {one["name"]: one["weights_hash"] for one in session.server.get("/api/models")}
    assert weights.removeprefix("sha256:") == models["mine"].removeprefix("sha256:")
