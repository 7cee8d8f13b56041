"""The page over a slow line and on a full disk: right pictures, and edits that stay."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.synth import faulty_video, read_barcode
from tests.fixtures.browser import browser, open_page
from tests.fixtures.slow_line import slow_line
from tests.fixtures.web_server import WebServer, web_server

SIZE = (96, 72)
DELAY = (0.03, 0.09)
"""Least and longest delay each way [s]: round trips of 60 to 180 ms, which overtake each other."""

WATCH = """
() => {
  const canvas = document.querySelector("canvas.picture");
  window.seen = [];
  const look = () => {
    const { frame, missing, exact } = canvas.dataset;
    const last = window.seen[window.seen.length - 1];
    if (frame !== undefined && missing === "false" && (last?.frame !== frame || last?.exact !== exact)) {
      const { data } = canvas.getContext("2d").getImageData(0, 0, 36, 24);
      const words = document.querySelector(".panel output").textContent.trim().split(" ");
      const label = words.filter((word) => /\\d/.test(word))[0];
      window.seen.push({ frame, exact, label, pixels: [...data].filter((_, k) => k % 4 === 0) });
    }
    requestAnimationFrame(look);
  };
  look();
}
"""
HURRY = """
async (times) => {
  const slider = document.querySelector("input[type=range][aria-label=time]");
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  for (const [k, at] of times.entries()) {
    set.call(slider, String(at));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    if (k % 3 === 0) slider.dispatchEvent(new Event("change", { bubbles: true }));
    await new Promise((done) => setTimeout(done, 40 + (k * 37) % 110));
  }
  slider.dispatchEvent(new Event("change", { bubbles: true }));
}
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


def address_of(server: WebServer, port: int, screen: str) -> str:
    """Return the link to the only recording by another port."""
    (row,) = server.get("/api/recordings")
    return f"http://127.0.0.1:{port}/#k={server.token}&s={screen}&r={row['id']}"


@pytest.mark.slow
def test_on_a_slow_line_no_picture_is_another_than_its_label_says(tmp_path: Path, running: Any) -> None:
    faulty_video(tmp_path / "far.mp4", "clean", n_frames=120, size=SIZE, key_interval=40, b_frames=2)
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 120, 30)
    with (
        web_server(tmp_path) as server,
        slow_line(server.port, DELAY) as port,
        open_page(running, address_of(server, port, "view"), folder=tmp_path) as watched,
    ):
        page = watched.page
        page.locator("canvas.picture[data-frame='0'][data-exact='true']").wait_for()
        page.evaluate(WATCH)
        page.evaluate(HURRY, [float(frame) / 30.0 for frame in frames])
        last = int(frames[-1])
        page.locator(f"canvas.picture[data-frame='{last}'][data-exact='true']").wait_for()
        page.wait_for_timeout(300)  # what is late would come now
        seen = page.evaluate("window.seen")
        assert watched.said == []
    assert len(seen) >= 4
    assert (int(seen[-1]["frame"]), seen[-1]["exact"]) == (last, "true")
    for one in seen:
        number = read_barcode(np.array(one["pixels"], np.uint8).reshape(24, 36))
        assert str(number) == one["frame"] == one["label"], one["label"]


def place_a_point(page: Any, at: tuple[float, float]) -> None:
    """Click on the picture; the place is a share of its width and height."""
    box = page.locator(".stage").first.bounding_box()
    page.mouse.click(box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"])


def begin_to_label(page: Any) -> None:
    """Make a set and place the first point."""
    page.get_by_role("button", name="make the set").click()
    page.locator("ul[aria-label=keypoints]").wait_for()
    page.locator("canvas.picture[data-frame='0']").wait_for()
    place_a_point(page, (0.5, 0.5))
    page.get_by_role("region").get_by_text("Saved - rev 1").wait_for()


def placed(server: WebServer) -> list[dict[str, Any]]:
    """Return the points that are on the disk."""
    (row,) = server.get("/api/recordings")
    key = server.get(f"/api/recordings/{row['id']}")["labels"][0]["id"]
    frames = server.get(f"/api/labels/{key}")["frames"]
    return [point for frame in frames for point in frame["points"].values() if point is not None]


@pytest.mark.slow
def test_by_a_tunnel_on_another_port_edits_are_saved(tmp_path: Path, running: Any) -> None:
    faulty_video(tmp_path / "far.mp4", "clean", n_frames=12, size=SIZE)
    with (
        web_server(tmp_path) as server,
        slow_line(server.port, DELAY) as port,
        open_page(running, address_of(server, port, "label"), folder=tmp_path) as watched,
    ):
        begin_to_label(watched.page)
        assert port != server.port
        assert len(placed(server)) == 1
        assert watched.foreign(port) == []
        assert watched.said == []


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="another process is limited as Linux does")
def test_on_a_full_disk_an_edit_is_kept_and_told_and_written_when_there_is_room(
    tmp_path: Path, running: Any
) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=12, size=SIZE)
    free = resource.RLIM_INFINITY
    with (
        web_server(tmp_path) as server,
        open_page(running, address_of(server, server.port, "label"), folder=tmp_path) as watched,
    ):
        page = watched.page
        begin_to_label(page)
        (journal,) = tmp_path.glob("*.labels/journal.jsonl")
        before = journal.read_bytes()
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (len(before), free))
        place_a_point(page, (0.3, 0.6))
        page.get_by_role("alert").filter(has_text="S501").wait_for()
        page.get_by_text("Offline: 1 edit kept here").first.wait_for()
        assert journal.read_bytes() == before, "nothing of the edit is written"
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (free, free))
        page.get_by_role("region").get_by_text("Saved - rev 2").wait_for()
        page.get_by_role("alert").filter(has_text="S501").wait_for(state="detached")
        assert len(placed(server)) == 2
