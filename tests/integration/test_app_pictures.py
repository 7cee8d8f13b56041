"""Pictures in a real browser: each is the one that its label names, whatever the film and the hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from mystax.io.cameras_file import write_cameras
from mystax.io.video import Video
from mystax.synth import faulty_recording, faulty_video, read_barcode
from tests.fixtures.browser import browser, open_page
from tests.fixtures.page_world import World
from tests.fixtures.web_server import web_server

SIZE = (96, 72)
N_FRAMES, N_DAMAGED = 120, 30
KINDS: dict[str, dict[str, Any]] = {
    "h264-gop250-b": {"codec": "h264", "key_interval": 250, "b_frames": 2},
    "mjpeg": {"codec": "mjpeg", "container": "avi"},
    "ffv1": {"codec": "ffv1", "container": "mkv"},
    "mpeg4": {"codec": "mpeg4", "container": "avi"},
    "yuv444": {"kind": "yuv444", "key_interval": 12, "b_frames": 2},
}
JOINED = "joined"
"""Three consecutive files of 100 frames, whose numbers go on from file to file."""
QUICK = "h264-gop250-b"
"""What every run of the tests walks through; the others are nightly."""
MORE: dict[str, dict[str, Any]] = {
    **KINDS,
    "h264-gop12": {"codec": "h264", "key_interval": 12},
    "hevc": {"codec": "hevc"},
    "raw": {"codec": "rawvideo", "container": "avi"},
    "png": {"codec": "png", "container": "avi"},
    "vfr": {"kind": "vfr"},
}

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
  const moveTo = (at) => {
    set.call(slider, String(at));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const found = [];
  for (const { kind, at, frame, through } of wishes) {
    const way = [];
    if (kind === "seek") {
      moveTo(at);
      slider.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (kind === "rest") {
      for (const on of through) {
        moveTo(on);
        await later();
        way.push(shown());
      }
      moveTo(at);
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
    found.push({ ...now, way, took: performance.now() - begin, isThere: isThere() });
  }
  return found;
}
"""


class Films(NamedTuple):
    """Films that are served, and their files."""

    world: World
    files: Mapping[str, tuple[Path, ...]]


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def films(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, running: Any
) -> Iterator[Films]:
    """Serve a film of the kind that a test asks for, and a damaged one."""
    folder, kind = tmp_path_factory.mktemp("pictures"), str(request.param)
    files = {kind: write_joined(folder) if kind == JOINED else write(folder, kind, KINDS[kind])}
    faulty_video(folder / "damaged.mp4", "flipped", n_frames=N_DAMAGED, size=SIZE, key_interval=10)
    with web_server(folder) as server:
        yield Films(World(folder, server, running), files)


def write(folder: Path, name: str, about: dict[str, Any], n_frames: int = N_FRAMES) -> tuple[Path, ...]:
    """Write a film of one file."""
    wish = {"kind": "clean", "container": "mp4", **about}
    path = folder / f"{name}.{wish['container']}"
    faulty_video(path, wish.pop("kind"), n_frames=n_frames, size=SIZE, **wish)
    return (path,)


def write_joined(folder: Path) -> tuple[Path, ...]:
    """Write a film of three files, and say that they are one camera."""
    files = faulty_recording(folder, "parts").files["face"]
    write_cameras(folder / f"{JOINED}.mystax", {"face": files})
    return files


def wishes_for(times: np.ndarray, n_seeks: int, n_steps: int, seed: int) -> list[dict[str, Any]]:
    """Make random seeks, rests of a moving slider, and steps both ways, with the frame that each leads to."""
    rng = np.random.default_rng(seed)
    n_rests = n_seeks // 5
    seeks = ["rest"] * n_rests + ["seek"] * (n_seeks - n_rests)
    kinds = rng.permutation(seeks + ["forward"] * (n_steps // 2) + ["back"] * (n_steps - n_steps // 2))
    frame, wishes = 0, []
    for kind in kinds:
        if kind in {"seek", "rest"}:
            frame = int(rng.integers(0, len(times)))
        elif kind == "forward":
            frame = min(frame + 1, len(times) - 1)
        else:
            frame = max(frame - 1, 0)
        through = times[rng.integers(0, len(times), 6)].tolist() if kind == "rest" else []
        wishes.append({"kind": str(kind), "at": float(times[frame]), "frame": frame, "through": through})
    return wishes


def walk(films: Films, name: str, n_seeks: int, n_steps: int, seed: int) -> list[tuple[dict[str, Any], Any]]:
    """Seek and step through a film in the page; return wishes and what was seen."""
    with Video(films.files[name]) as video:
        times = np.asarray(video.times)
    wishes = wishes_for(times, n_seeks, n_steps, seed)
    with open_page(films.world.browser, films.world.address("view", name)) as watched:
        watched.page.locator("canvas.picture[data-frame='0']").wait_for()
        found = watched.page.evaluate(SEEK, [wishes, 20_000])
        assert watched.said == []
    for seen in found:  # while the slider moves, near frames are shown: under their own number
        for passed in seen["way"]:
            assert number_on(passed["pixels"]) == int(passed["frame"])
    return list(zip(wishes, found, strict=True))


def number_on(pixels: list[int]) -> int | None:
    return read_barcode(np.array(pixels, np.uint8).reshape(24, 36))


@pytest.mark.parametrize(
    "films",
    [kind if kind == QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in (*KINDS, JOINED)],
    indirect=True,
)
def test_the_picture_is_the_one_that_its_label_names(films: Films) -> None:
    (kind,) = films.files
    for wish, seen in walk(films, kind, 24, 18, 1):
        assert seen["isThere"], (wish, seen["label"])
        assert number_on(seen["pixels"]) == wish["frame"], (wish, seen["label"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*MORE, JOINED])
def test_of_thousands_of_pictures_none_is_wrong(kind: str, tmp_path: Path, running: Any) -> None:
    files = write_joined(tmp_path) if kind == JOINED else write(tmp_path, kind, MORE[kind], n_frames=400)
    with web_server(tmp_path) as server:
        films = Films(World(tmp_path, server, running), {kind: files})
        wrong = [
            (wish, seen["label"])
            for wish, seen in walk(films, kind, 200, 100, 2)
            if number_on(seen["pixels"]) != wish["frame"]
        ]
    assert wrong == []


@pytest.mark.parametrize("films", [QUICK], indirect=True)
def test_a_frame_that_cannot_be_read_is_hatched_and_never_another_one(films: Films) -> None:
    world = films.world
    with Video(world.folder / "damaged.mp4", damage="mark") as video:
        chunks = [video.frame_at(i) for i in range(video.n_frames)]
        valid = [bool(chunk.valid[0]) for chunk in chunks]
        numbers = [read_barcode(chunk.data[0]) for chunk in chunks]
        times = np.asarray(video.times)
    assert False in valid
    assert True in valid
    wishes: list[dict[str, Any]] = [
        {"kind": "seek", "at": float(times[i]), "frame": i, "through": []} for i in range(len(valid))
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
