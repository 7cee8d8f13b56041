"""The pages in a real browser: right pictures, regions that measure, labels that stay, no stranger."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.app.envelope import unpack
from mystax.core.geometry import Rectangle, Roi, roi_from_text
from mystax.io.rois import read_rois
from mystax.io.video import Video
from mystax.synth import faulty_video, read_barcode
from tests.fixtures.browser import AXE, Watched, browser, open_page
from tests.fixtures.web_server import WebServer, web_server

COMPILED = 180_000.0
"""Longest wait for loops that are compiled [ms]: where they are already, a preview takes no time."""
SIZE = (96, 72)
N_FRAMES = 120
KINDS: dict[str, dict[str, Any]] = {
    "h264-gop250-b": {"codec": "h264", "key_interval": 250, "b_frames": 2},
    "mjpeg": {"codec": "mjpeg", "container": "avi"},
    "ffv1": {"codec": "ffv1", "container": "mkv"},
    "mpeg4": {"codec": "mpeg4", "container": "avi"},
}
MORE: dict[str, dict[str, Any]] = {
    **KINDS,
    "h264-gop12": {"codec": "h264", "key_interval": 12},
    "hevc": {"codec": "hevc"},
    "raw": {"codec": "rawvideo", "container": "avi"},
    "png": {"codec": "png", "container": "mkv"},
    "vfr": {"kind": "vfr"},
}
SCREENS = (
    *("recordings", "view", "rois", "label", "space", "states", "neural", "queue", "models", "reports"),
)

SEEK = """
async ([wishes, limit]) => {
  const canvas = document.querySelector("canvas.picture");
  const label = document.querySelector(".panel output");
  const slider = document.querySelector("input[type=range][aria-label=time]");
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  const later = () => new Promise((done) => setTimeout(done, 4));
  const shown = () => ({
    label: label.textContent.trim(),
    frame: canvas.dataset.frame ?? "",
    missing: canvas.dataset.missing === "true",
    pixels: [...canvas.getContext("2d").getImageData(0, 0, 36, 24).data].filter((_, k) => k % 4 === 0),
  });
  const found = [];
  for (const { kind, at, frame } of wishes) {
    if (kind === "seek") {
      set.call(slider, String(at));
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      slider.dispatchEvent(new Event("change", { bubbles: true }));
    } else {
      document.querySelector(`button[aria-label="step ${kind}"]`).click();
    }
    const begin = performance.now();
    let now = shown();
    const wanted = frame.toLocaleString("en-US");
    const isNamed = () => now.label.split(" ")[0] === wanted && now.frame === String(frame);
    const isThere = () => (now.missing ? now.label.includes(`frame ${frame} `) : isNamed());
    while (!isThere() && performance.now() - begin < limit) {
      await later();
      now = shown();
    }
    found.push({ ...now, took: performance.now() - begin, isThere: isThere() });
  }
  return found;
}
"""


@dataclass
class World:
    """A server on some films, and a browser."""

    folder: Path
    server: WebServer
    browser: Any

    def id_of(self, name: str) -> str:
        return str(next(row["id"] for row in self.server.get("/api/recordings") if row["name"] == name))

    def address(self, screen: str, name: str | None = None) -> str:
        more = "" if name is None else f"&r={self.id_of(name)}"
        return f"{self.server.link}&s={screen}{more}"


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, running: Any) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pages")
    for name, about in KINDS.items():
        write(folder, name, about)
    faulty_video(folder / "eye.mp4", "clean", n_frames=24, size=(160, 120), scene="face")
    faulty_video(folder / "damaged.mp4", "flipped", n_frames=60, size=SIZE, key_interval=10)
    with web_server(folder) as server:
        yield World(folder, server, running)


def write(folder: Path, name: str, about: dict[str, Any], n_frames: int = N_FRAMES) -> Path:
    wish = {"kind": "clean", "container": "mp4", **about}
    path = folder / f"{name}.{wish['container']}"
    faulty_video(path, wish.pop("kind"), n_frames=n_frames, size=SIZE, **wish)
    return path


def wishes_for(times: np.ndarray, n_seeks: int, n_steps: int, seed: int) -> list[dict[str, Any]]:
    """Make random seeks and steps both ways, with the frame that each one leads to."""
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(
        ["seek"] * n_seeks + ["forward"] * (n_steps // 2) + ["back"] * (n_steps - n_steps // 2)
    )
    frame, wishes = 0, []
    for kind in kinds:
        if kind == "seek":
            frame = int(rng.integers(0, len(times)))
        elif kind == "forward":
            frame = min(frame + 1, len(times) - 1)
        else:
            frame = max(frame - 1, 0)
        wishes.append({"kind": str(kind), "at": float(times[frame]), "frame": frame})
    return wishes


def walk(world: World, path: Path, n_seeks: int, n_steps: int, seed: int) -> list[tuple[dict[str, Any], Any]]:
    """Seek and step through a film in the page; return wishes and what was seen."""
    with Video(path) as video:
        times = np.asarray(video.times)
    wishes = wishes_for(times, n_seeks, n_steps, seed)
    with open_page(world.browser, world.address("view", path.stem)) as watched:
        watched.page.locator("canvas.picture[data-frame='0']").wait_for()
        found = watched.page.evaluate(SEEK, [wishes, 20_000])
        assert watched.said == []
    return list(zip(wishes, found, strict=True))


def number_on(pixels: list[int]) -> int | None:
    return read_barcode(np.array(pixels, np.uint8).reshape(24, 36))


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_is_the_one_that_its_label_names(kind: str, world: World) -> None:
    path = next(world.folder.glob(f"{kind}.*[a-z0-9]"))
    for wish, seen in walk(world, path, 50, 50, 1):
        assert seen["isThere"], (wish, seen["label"])
        assert number_on(seen["pixels"]) == wish["frame"], (wish, seen["label"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", MORE)
def test_of_thousands_of_pictures_none_is_wrong(kind: str, tmp_path: Path, running: Any) -> None:
    path = write(tmp_path, kind, MORE[kind], n_frames=400)
    with web_server(tmp_path) as server:
        world = World(tmp_path, server, running)
        wrong = [
            (wish, seen["label"])
            for wish, seen in walk(world, path, 200, 100, 2)
            if number_on(seen["pixels"]) != wish["frame"]
        ]
    assert wrong == []


def test_a_frame_that_cannot_be_read_is_hatched_and_never_another_one(world: World) -> None:
    with Video(world.folder / "damaged.mp4", damage="mark") as video:
        chunks = [video.frame_at(i) for i in range(video.n_frames)]
        valid = [bool(chunk.valid[0]) for chunk in chunks]
        numbers = [read_barcode(chunk.data[0]) for chunk in chunks]
        times = np.asarray(video.times)
    assert False in valid
    assert True in valid
    wishes: list[dict[str, Any]] = [
        {"kind": "seek", "at": float(times[i]), "frame": i} for i in range(len(valid))
    ]
    with open_page(world.browser, world.address("view", "damaged")) as watched:
        watched.page.locator("canvas.picture[data-frame]").wait_for()
        found = watched.page.evaluate(SEEK, [wishes, 20_000])
    for is_valid, wish, seen in zip(valid, wishes, found, strict=True):
        assert seen["missing"] == (not is_valid), (wish, seen["label"])
        if is_valid:
            assert number_on(seen["pixels"]) == numbers[wish["frame"]]
        else:
            assert "could not be read" in seen["label"]
            assert number_on(seen["pixels"]) is None


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
@pytest.mark.parametrize("theme", ["dark", "light"])
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
