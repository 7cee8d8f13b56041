"""Cameras of unlike rate on the clock of the session: at each time the page shows what was filmed then."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.analysis import get_analysis
from mystax.core.keypoints import KeypointSet
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from mystax.synth import faulty_video, read_barcode
from tests.fixtures.browser import Watched, browser, open_page
from tests.fixtures.exchange_outcomes import known_outcome
from tests.fixtures.page_world import World
from tests.fixtures.web_server import web_server

SIZE = (96, 72)
RATES = {"face": 30, "body": 20}
STARTS = {"face": 100.0, "body": 100.25}
"""Where the films begin in the session, as a person has said when they were measured [s]."""
N_FRAMES = 90

SHOWN = """
(camera) => {
  const canvas = document.querySelector(`figure[aria-label="camera ${camera}"] canvas.picture`);
  const pixels = [...canvas.getContext("2d").getImageData(0, 0, 36, 24).data].filter((_, k) => k % 4 === 0);
  return { ...canvas.dataset, pixels };
}
"""


def write(folder: Path) -> None:
    """Write two films and what was measured of them with offsets; points in space are those of the face."""
    for name, rate in RATES.items():
        faulty_video(folder / f"{name}.mp4", "clean", n_frames=N_FRAMES, size=SIZE, rate=Fraction(rate))
    files = {name: [str(folder / f"{name}.mp4")] for name in RATES}
    opening = {"offsets": {name: str(start) for name, start in STARTS.items()}, "reference": "face"}
    run = {"finished": "2026-01-01", "camera_files": files, "opening": opening}
    times = {name: STARTS[name] + np.arange(N_FRAMES) / rate for name, rate in RATES.items()}
    motion = {name: known_outcome("motion", times=own) for name, own in times.items()}
    store = Store(folder / "pair.mystax")
    store.publish(motion, Provenance("motion", get_analysis("motion").version, "a" * 64, run=run))
    space = known_outcome("pose3d", times=times["face"], keypoint=["eye_front", "eye_top", "eye_back"])
    space.attrs["keypoint_set"] = KeypointSet.load("mouse-face-13").to_toml()
    place = np.arange(space["position"].size, dtype=np.float32).reshape(space["position"].shape)
    space["position"] = space["position"].copy(data=place)
    store.publish(space, Provenance("pose3d", get_analysis("pose3d").version, "b" * 64))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("clocks")
    write(folder)
    with browser() as running, web_server(folder) as server:
        yield World(folder, server, running)


def go(watched: Watched, time: float) -> None:
    page = watched.page
    page.keyboard.press("g")
    page.get_by_label("frame or time to go to").fill(f"{time:.6f} s")
    page.keyboard.press("Enter")


def filmed(camera: str, time: float) -> int | None:
    """Return the frame that a camera had taken last at a time; None where it had not begun or was over."""
    frame = int(np.floor((time - STARTS[camera]) * RATES[camera] + 1e-4))
    return frame if 0 <= frame < N_FRAMES else None


@pytest.mark.slow
def test_both_cameras_show_what_they_filmed_at_the_time_of_the_traces(world: World) -> None:
    times = [100.0, 100.1, 100.2501, 101.0, 101.7183, 102.5, 102.95]
    with open_page(world.browser, world.address("view", "pair")) as watched:
        page = watched.page
        page.locator("canvas.picture[data-frame='0']").first.wait_for()
        page.get_by_role("slider", name="time").wait_for()
        assert float(page.get_by_role("slider", name="time").get_attribute("min")) == 100.0
        for time in times:
            go(watched, time)
            for camera in RATES:
                wanted = filmed(camera, time)
                picture = page.locator(f'figure[aria-label="camera {camera}"] canvas.picture')
                if wanted is None:
                    picture.and_(page.locator("[data-missing='true']")).wait_for()
                    continue
                picture.and_(page.locator(f"[data-frame='{wanted}'][data-exact='true']")).wait_for()
                seen = page.evaluate(SHOWN, camera)
                number = read_barcode(np.array(seen["pixels"], np.uint8).reshape(24, 36))
                assert (number, seen["missing"]) == (wanted, "false"), (camera, time)
        assert watched.said == []


@pytest.mark.slow
def test_every_frame_of_the_chosen_camera_is_played_and_no_other_holds_it_up(world: World) -> None:
    with open_page(world.browser, world.address("view", "pair")) as watched:
        page = watched.page
        page.locator("canvas.picture[data-frame='0']").first.wait_for()
        page.locator("aside label.check select").select_option("body")
        go(watched, 103.5)  # the face is over by then
        page.get_by_label("every frame").check()
        page.get_by_role("button", name="play").click()
        body = page.locator('figure[aria-label="camera body"] canvas.picture')
        body.and_(page.locator(f"[data-frame='{N_FRAMES - 1}']")).wait_for()
        page.get_by_role("button", name="play").wait_for()
        assert watched.said == []


def test_points_in_space_are_those_of_the_time_whichever_camera_is_stepped(world: World) -> None:
    """The outcome has a sample for each frame of the face; the body is stepped, which has fewer."""
    asked = []
    with open_page(world.browser, world.address("space", "pair")) as watched:
        page = watched.page
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_role("img", name="points in space").wait_for()
        go(watched, 101.25)
        page.locator("canvas.space[data-row='37']").wait_for()
        page.get_by_role("navigation").get_by_role("link", name="View", exact=True).click()
        page.locator("aside label.check select").select_option("body")
        page.get_by_role("navigation").get_by_role("link", name="3-D", exact=True).click()
        page.locator("canvas.space[data-row='37']").wait_for()
        go(watched, 101.75)
        page.locator("canvas.space[data-row='52']").wait_for()
        assert watched.said == []
    assert any("/agreement" in url for url in asked)
