"""The pages in a real browser: regions that measure, labels that stay, keys that arrive, no stranger."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.app.envelope import unpack
from mystax.core.geometry import Rectangle, Roi, roi_from_text
from mystax.io.rois import read_rois
from mystax.io.video import Video
from mystax.synth import faulty_video
from tests.fixtures.browser import AXE, Watched, browser, open_page
from tests.fixtures.page_times import long_trace
from tests.fixtures.page_world import World
from tests.fixtures.web_server import WebServer, web_server

SIZE = (96, 72)
COMPILED = 180_000.0
"""Longest wait for loops that are compiled [ms]: where they are already, a preview takes no time."""
SCREENS = (
    *("recordings", "view", "rois", "label", "space", "states", "neural", "queue", "models", "reports"),
)

PRESS = """
async (about) => {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...about }));
  await new Promise((done) => queueMicrotask(done));
  return document.activeElement.getAttribute("aria-label");
}
"""
"""Press a key, and tell what has the focus before any other key can come."""


AXIS = """
() => {
  const canvas = document.querySelector(".trace canvas");
  const muted = document.createElement("canvas").getContext("2d");
  muted.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--muted");
  muted.fillRect(0, 0, 1, 1);
  const wanted = muted.getImageData(0, 0, 1, 1).data;
  const { data, width } = canvas.getContext("2d").getImageData(0, 0, 50, canvas.height);
  const found = { inked: 0, muted: 0, edge: 0 };
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3] < 128) continue;
    found.inked += 1;
    found.muted += [0, 1, 2].every((c) => Math.abs(data[k + c] - wanted[c]) < 8) ? 1 : 0;
    found.edge += (k / 4) % width < 2 ? 1 : 0;
  }
  return found;
}
"""
"""Of the numbers beside a trace: pixels, those in the colour of muted text, those at the edge of the page."""


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, running: Any) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pages")
    faulty_video(folder / "mjpeg.avi", "clean", container="avi", codec="mjpeg", n_frames=120, size=SIZE)
    faulty_video(folder / "eye.mp4", "clean", n_frames=24, size=(160, 120), scene="face")
    faulty_video(folder / "pupil.mp4", "clean", n_frames=12, size=(160, 120), scene="face")
    (folder / "hand").mkdir()  # its labels lie there: no other film has them
    faulty_video(folder / "hand" / "hand.mp4", "clean", n_frames=40, size=SIZE, key_interval=30)
    long_trace(folder, 20_000)
    with web_server(folder) as server:
        yield World(folder, server, running)


@pytest.fixture(scope="module")
def viewed(world: World) -> Iterator[Watched]:
    """Return a page that shows a film of which nothing is measured; each test leaves it without a dialog."""
    with open_page(world.browser, world.address("view", "mjpeg")) as watched:
        watched.page.locator("canvas.picture[data-exact='true']").wait_for()
        yield watched


@pytest.fixture(scope="module")
def traced(world: World) -> Iterator[Watched]:
    """Return a page that shows a long trace."""
    with open_page(world.browser, world.address("view", "long")) as watched:
        watched.page.locator(".trace [data-shown]").wait_for()
        yield watched


def drag(page: Any, start: tuple[float, float], stop: tuple[float, float]) -> None:
    """Drag the mouse over the picture; places are shares of its width and height."""
    box = page.locator(".stage").first.bounding_box()
    page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    page.mouse.down()
    for share in (0.25, 0.5, 0.75, 1.0):
        at = [a + (b - a) * share for a, b in zip(start, stop, strict=True)]
        page.mouse.move(box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"])
    page.mouse.up()


def test_a_region_drawn_by_the_mouse_is_saved_and_measures_as_a_run_does(
    world: World, tmp_path: Path
) -> None:
    with open_page(world.browser, world.address("rois", "eye"), folder=tmp_path) as watched:
        page = watched.page
        page.locator("canvas.picture[data-frame='0']").wait_for()
        page.get_by_label("kind of the new region").select_option("motion")
        page.get_by_role("button", name="rectangle").click()
        drag(page, (0.2, 0.25), (0.8, 0.75))
        page.locator("ul[aria-label=regions] > li").wait_for()
        page.get_by_role("button", name="Save").click()
        page.get_by_role("status").filter(has_text="saved - rev").wait_for()
        (roi,) = read_rois(world.folder / "eye.mystax" / "rois.toml")
        assert roi.kind == "motion"
        assert_about_there(roi, (32, 30, 96, 60))
        outcome = mystax.run(Video(world.folder / "eye.mp4"), analyses=["motion"], rois=[roi])["motion"]
        page.get_by_role("button", name="step forward").click()
        live = page.locator("fieldset.live")
        live.get_by_text("live, frame 1").wait_for()
        live.get_by_text("grey levels").first.wait_for(timeout=COMPILED)
        live.get_by_text(f"{float(outcome['energy'].values[1].item()):.3f} grey levels").wait_for()
        assert watched.said == []
    camera = world.server.get(f"/api/recordings/{world.id_of('eye')}")["cameras"][0]
    for frame in (1, 7, 23):
        wish = {"camera": camera["id"], "frame": frame, "analysis": "motion", "rois": [roi.as_dict()]}
        arrays, _ = unpack(world.server.preview(wish).body)
        for name in ("energy", "brightness"):
            wanted = outcome[name].values[frame].reshape(-1)
            assert arrays[name].reshape(-1)[-1:].tobytes() == wanted.tobytes(), (name, frame)


def assert_about_there(roi: Roi, box: tuple[float, float, float, float]) -> None:
    """Check that a rectangle is where it was drawn, to a pixel of the picture."""
    assert isinstance(roi.shape, Rectangle)
    found = (roi.shape.x, roi.shape.y, roi.shape.width, roi.shape.height)
    np.testing.assert_allclose(found, box, atol=1.5)


def label_a_point(watched: Watched) -> None:
    """Make a set, and place the first point in the middle of frame 0."""
    page = watched.page
    page.get_by_role("button", name="make the set").click()
    page.locator("ul[aria-label=keypoints]").wait_for()
    page.locator("canvas.picture[data-frame='0']").wait_for()
    drag(page, (0.5, 0.5), (0.5, 0.5))
    page.get_by_label("points of this frame").filter(has_text="placed 1").wait_for()


@pytest.mark.slow
def test_a_label_outlives_the_server(tmp_path: Path, running: Any) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=20, size=SIZE)
    with web_server(tmp_path) as server:
        world = World(tmp_path, server, running)
        with open_page(running, world.address("label", "face"), folder=tmp_path) as watched:
            label_a_point(watched)
            watched.page.get_by_role("region").get_by_text("Saved - rev 1").wait_for()
            server.process.kill()
            server.process.wait()
    with web_server(tmp_path) as server:
        world = World(tmp_path, server, running)
        with open_page(running, world.address("label", "face"), folder=tmp_path) as watched:
            watched.page.get_by_label("points of this frame").filter(has_text="placed 1").wait_for()
        key = server.get(f"/api/recordings/{world.id_of('face')}")["labels"][0]["id"]
        (frame,) = server.get(f"/api/labels/{key}")["frames"]
        (point,) = [one for one in frame["points"].values() if one is not None]
        assert (point["x"], point["y"]) == pytest.approx((47.5, 35.5), abs=0.6)


def test_a_visit_asks_no_other_host_and_the_console_stays_empty(world: World) -> None:
    with open_page(world.browser, world.server.link) as watched:
        page = watched.page
        page.get_by_role("link", name="mjpeg").click()
        page.locator("canvas.picture").wait_for()
        for name in ("ROIs", "Label", "3-D", "States", "Neural", "Queue", "Models", "Reports", "Recordings"):
            page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
            page.locator("main section.screen:not([aria-busy=true])").first.wait_for()
        assert watched.foreign(world.server.port) == []
        assert watched.said == []
        assert world.server.token not in page.url


def fill(server: WebServer, key: str) -> None:
    """Give a recording a region and a label set, so that its screens have something to show."""
    if not server.get(f"/api/recordings/{key}/rois")["rois"]:
        rois = {"rev": "", "rois": [roi_from_text("motion:rectangle:10,30,40,30").as_dict()]}
        assert server.ask(f"/api/recordings/{key}/rois", "PUT", rois).status == 200
        server.post(f"/api/recordings/{key}/labels", {"name": "points"})


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: python tools/web.py build")
@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_no_screen_shuts_anybody_out(theme: str, world: World) -> None:
    found: dict[str, Any] = {}
    key = world.id_of("mjpeg")
    fill(world.server, key)
    with open_page(world.browser, world.address("view", "mjpeg"), theme=theme) as watched:
        page = watched.page
        page.locator("canvas.picture[data-frame='0']").wait_for()
        for screen in SCREENS:
            page.evaluate(
                "([name, id]) => { location.hash = `#s=${name}&r=${id}`; }", [screen, world.id_of("eye")]
            )
            page.locator("main section.screen:not([aria-busy=true])").first.wait_for()
            page.wait_for_timeout(150)
            if faults := watched.faults():
                found[screen] = faults
    assert found == {}


@pytest.mark.slow
def test_the_page_says_that_a_preview_is_being_prepared(world: World, tmp_path: Path) -> None:
    """As on a machine where nothing is compiled yet: the server answers 202 a few times."""
    n_asked = 0

    def not_yet(route: Any) -> None:
        nonlocal n_asked
        n_asked += 1
        if n_asked <= 3:
            route.fulfill(status=202, json={"analysis": "motion", "seconds": 12.4})
        else:
            route.continue_()

    fill(world.server, world.id_of("mjpeg"))
    with open_page(world.browser, world.address("rois", "mjpeg"), folder=tmp_path) as watched:
        page = watched.page
        page.route("**/api/preview", not_yet)
        page.locator("canvas.picture[data-frame='0']").wait_for()
        page.locator("ul[aria-label=regions] button").first.click()
        live = page.locator("fieldset.live")
        live.get_by_role("status").filter(has_text="once on this computer: 13 s").wait_for()
        live.get_by_text("grey levels").first.wait_for(timeout=COMPILED)
        assert live.get_by_role("status").count() == 0
        assert n_asked > 3
        assert watched.said == []


@pytest.mark.parametrize(
    ("key", "field"),
    [({"key": "g"}, "frame or time to go to"), ({"key": "k", "ctrlKey": True}, "command")],
    ids=["g", "Ctrl+K"],
)
def test_a_field_has_the_focus_before_the_key_after_the_one_that_opens_it(
    key: dict[str, Any], field: str, viewed: Watched
) -> None:
    page = viewed.page
    assert page.evaluate(PRESS, key) == field
    page.keyboard.press("Escape")
    page.get_by_label(field, exact=True).wait_for(state="detached")


def test_what_is_typed_without_a_pause_is_done(viewed: Watched) -> None:
    page = viewed.page
    for frame in (50, 7, 101):
        for key in ("g", *str(frame), "Enter"):
            page.keyboard.press(key)
        page.locator(f"canvas.picture[data-frame='{frame}'][data-exact='true']").wait_for()
    assert viewed.said == []


def test_where_nothing_is_measured_the_page_says_what_to_do(viewed: Watched) -> None:
    page = viewed.page
    page.get_by_text("No traces yet").get_by_role("link", name="ROIs").wait_for()
    assert page.get_by_label("add a trace").count() == 0


def test_a_point_is_placed_on_a_picture_that_is_seen_and_on_no_other(world: World) -> None:
    recording = world.id_of("hand")
    labels = world.server.post(f"/api/recordings/{recording}/labels", {"name": "mine"})["id"]
    with open_page(world.browser, world.address("label", "hand")) as watched:
        page, held = watched.page, list[Any]()
        page.locator("canvas.picture[data-frame='0'][data-exact='true']").wait_for()

        def hold(route: Any) -> None:
            held.append(route)

        page.route("**/frame?i=30&*", hold)
        with page.expect_request("**/frame?i=30&*"):
            page.keyboard.press("Control+ArrowRight")
        drag(page, (0.5, 0.5), (0.5, 0.5))
        page.get_by_role("alert").get_by_text("still on its way").wait_for()
        for route in held:
            route.continue_()
        page.locator("canvas.picture[data-frame='30'][data-exact='true']").wait_for()
        drag(page, (0.5, 0.5), (0.5, 0.5))
        page.get_by_role("region").get_by_text("Saved - rev 1").wait_for()
    (frame,) = world.server.get(f"/api/labels/{labels}")["frames"]
    assert frame["frame"] == 30
    (point,) = (one for one in frame["points"].values() if one is not None)
    assert (point["x"], point["y"]) == pytest.approx((47.5, 35.5), abs=0.2)


def test_the_threshold_is_moved_below_the_grey_levels_that_the_fit_sees(world: World) -> None:
    key = world.id_of("pupil")
    roi = roi_from_text("pupil:ellipse:80,60,30,26").as_dict()
    assert world.server.ask(f"/api/recordings/{key}/rois", "PUT", {"rev": "", "rois": [roi]}).status == 200
    with open_page(world.browser, world.address("rois", "pupil")) as watched:
        page = watched.page
        page.locator("canvas.picture[data-frame='0']").wait_for()
        page.locator("ul[aria-label=regions] button").first.click()
        slider = page.get_by_role("slider", name="threshold [grey level]")
        slider.wait_for(timeout=COMPILED)
        typed = page.locator("#pupil-threshold")
        assert typed.input_value() == "auto"
        slider.fill("60")
        (camera,) = world.server.get(f"/api/recordings/{key}")["cameras"]
        wish = {"camera": camera["id"], "frame": 0, "analysis": "pupil", "rois": [roi], "sight": True}
        arrays, _ = unpack(world.server.preview({**wish, "parameters": {"threshold": 60}}).body)
        n_dark, n_inside = int((arrays["sight_kind"] == 2).sum()), int((arrays["sight_kind"] > 0).sum())
        assert 0 < n_dark < n_inside
        told = f"what the fit sees: {n_dark} of {n_inside} pixels darker than 60"
        page.get_by_role("img", name=told).wait_for()
        page.get_by_role("img", name="grey levels in the region, threshold 60").wait_for()
        assert typed.input_value() == "60"
        page.get_by_role("button", name="auto", exact=True).click()
        page.get_by_role("img", name=told).wait_for(state="detached")
        assert typed.input_value() == "auto"
        assert watched.faults() == []
        assert watched.said == []


@pytest.mark.slow
def test_a_reflection_is_drawn_as_a_part_of_its_pupil_and_changes_what_is_measured(
    world: World, tmp_path: Path
) -> None:
    faulty_video(tmp_path / "lamp.mp4", "clean", n_frames=12, size=(160, 120), scene="face")
    with web_server(tmp_path) as server:
        key = server.get("/api/recordings")[0]["id"]
        roi = {**roi_from_text("pupil:ellipse:80,60,30,26").as_dict(), "name": "left"}
        assert server.ask(f"/api/recordings/{key}/rois", "PUT", {"rev": "", "rois": [roi]}).status == 200
        with open_page(world.browser, f"{server.link}&s=rois&r={key}") as watched:
            page = watched.page
            page.locator("canvas.picture[data-frame='0']").wait_for()
            page.locator("ul[aria-label=regions] button").first.click()
            live = page.locator("fieldset.live")
            live.get_by_text("px²").first.wait_for(timeout=COMPILED)
            before = live.locator("dd").all_inner_texts()
            page.get_by_label("kind of the new region").select_option("reflection")
            page.get_by_role("button", name="ellipse").click()
            drag(page, (70 / 160, 54 / 120), (80 / 160, 66 / 120))
            page.get_by_text("in left, ellipse").wait_for()
            now = "[...document.querySelectorAll('fieldset.live dd')].map(e => e.innerText).join()"
            page.wait_for_function(f"old => {now} !== old", arg=",".join(before))
            page.keyboard.press("Control+s")
            page.get_by_role("status").filter(has_text="saved - rev").wait_for()
            assert watched.said == []
        (kept,) = server.get(f"/api/recordings/{key}/rois")["rois"]
        (spot,) = kept["reflections"]
        np.testing.assert_allclose(spot["ellipse"][:4], [74.5, 59.5, 5, 6], atol=1.0)
        assert kept["ellipse"] == roi["ellipse"]
        with open_page(world.browser, f"{server.link}&s=rois&r={key}") as watched:
            page = watched.page
            page.get_by_role("button", name="left_reflection").click()
            page.get_by_role("button", name="remove").click()
            page.keyboard.press("Control+s")
            page.get_by_role("status").filter(has_text="saved - rev").wait_for()
        assert "reflections" not in server.get(f"/api/recordings/{key}/rois")["rois"][0]


def test_the_numbers_beside_a_trace_are_whole_and_have_the_colour_of_the_theme(traced: Watched) -> None:
    page = traced.page
    for theme in ("dark", "light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(100)
        found = page.evaluate(AXIS)
        assert found["inked"] > 100
        assert found["muted"] > found["inked"] / 2, theme
        assert found["edge"] == 0


def test_the_wheel_moves_along_a_trace_that_is_zoomed(traced: Watched) -> None:
    page = traced.page
    trace = page.locator(".trace [data-shown]")

    def shown(*, other_than: str = "") -> tuple[float, float]:
        page.locator(f'.trace [data-shown]:not([data-shown="{other_than}"])').wait_for()
        start, stop = (trace.get_attribute("data-shown") or "").split()
        return float(start), float(stop)

    def now() -> str:
        return trace.get_attribute("data-shown") or ""

    before, (first, last) = now(), shown()
    box = page.locator(".trace .u-over").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=5)
    page.mouse.up()
    start, stop = shown(other_than=before)
    assert stop - start == pytest.approx((last - first) / 4, rel=0.05)
    before = now()
    page.mouse.wheel(0, 500)
    half = (stop - start) / 2
    assert shown(other_than=before) == pytest.approx((start + half, stop + half))
    before = now()
    page.mouse.wheel(0, 100_000)
    assert shown(other_than=before) == pytest.approx((last - (stop - start), last))
    assert traced.faults() == []
