"""Frame workers: the right frame, from a process that may die at any moment."""

import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mystax.app.envelope import unpack
from mystax.app.frame_worker import FrameWorker
from mystax.app.frames import Priority, Superseded, Workers
from mystax.core.geometry import roi_from_text
from mystax.core.recording import FrameChunk
from mystax.errors import AppError, InternalError
from mystax.io.rois import rois_to_toml
from mystax.io.video import Video
from mystax.io.video_reader import VideoReader
from mystax.synth import faulty_video, read_barcode

MORTAL = """
import json, os, struct, sys
for line in sys.stdin.buffer:
    request = json.loads(line)
    if request.get("frame") == 7:
        os._exit(9)
    if request.get("frame") == 8:
        import time; time.sleep(60)
    text = json.dumps({"frame": request.get("frame"), "pid": os.getpid()}).encode()
    sys.stdout.buffer.write(struct.pack("<II", len(text), 0) + text)
    sys.stdout.buffer.flush()
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("films") / "a.mp4"
    faulty_video(path, "clean", n_frames=130, key_interval=50, b_frames=2)
    with Video(path) as video:
        return video.spec()


def with_workers(job: Callable[[Workers], Awaitable[Any]], **options: Any) -> Any:
    """Run a job with workers that end with it."""

    async def run() -> Any:
        workers = Workers(1, **options)
        try:
            return await job(workers)
        finally:
            await workers.close()

    return asyncio.run(run())


def mortal(silence: float = 30.0) -> dict[str, Any]:
    """Return options for a worker that dies at frame 7 and says nothing at frame 8."""
    kinds = dict.fromkeys(("open", "frame", "preview"), silence)
    return {"command": (sys.executable, "-c", MORTAL), "silence": kinds}


def number_in(body: bytes) -> int | None:
    return read_barcode(np.array(Image.open(io.BytesIO(body)).convert("L")))


def test_frames_in_any_order_carry_their_own_number(spec: dict[str, Any]) -> None:
    worker = FrameWorker()
    for frame in [0, 129, 64, 63, 65, 12, 128, 49, 50, 51]:
        header, body = worker.answer({"do": "frame", "camera": "a", "spec": spec, "frame": frame})
        assert header["kind"] == "exact"
        assert header["frame"] == number_in(body) == frame


def test_a_near_picture_is_a_key_frame_and_says_which(spec: dict[str, Any]) -> None:
    worker = FrameWorker()
    request = {"do": "frame", "camera": "a", "spec": spec, "mode": "near"}
    for wanted, key in [(3, 0), (48, 50), (50, 50), (129, 100)]:
        header, body = worker.answer({**request, "frame": wanted})
        assert header["frame"] == number_in(body) == key
        assert header["kind"] == ("exact" if wanted == key else "near")


def test_a_frame_that_cannot_be_read_has_no_picture(tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / "bad.mp4", "zeroed", n_frames=120)
    with Video(tmp_path / "bad.mp4") as video:
        spec = video.spec()
        missing = [int(chunk.index[k]) for chunk in video.chunks() for k in np.flatnonzero(~chunk.valid)]
    assert missing, truth
    header, body = FrameWorker().answer({"do": "frame", "camera": "a", "spec": spec, "frame": missing[0]})
    assert (header["valid"], body) == (False, b"")
    assert header["reason"] in {"undecodable", "corrupt", "doubtful"}


def test_opening_tells_size_and_times(spec: dict[str, Any]) -> None:
    header, body = FrameWorker().answer({"do": "open", "camera": "a", "spec": spec})
    assert (header["n_frames"], header["width"], header["height"]) == (130, 96, 96)
    assert (header["bits"], header["colour"], header["window"]) == (8, False, [0.0, 255.0])
    times = unpack(body)[0]["time"]
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=1e-9)


def test_a_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    faulty_video(path, "clean", n_frames=40, key_interval=10)
    with Video(path) as video:
        spec = video.spec()
    worker = FrameWorker()
    ask = {"camera": "a", "spec": spec}
    assert worker.answer({"do": "open", **ask})[0]["n_frames"] == 40
    faulty_video(path, "clean", n_frames=60, key_interval=7)
    os.utime(path, (1e9, 1e9))
    header, body = worker.answer({"do": "frame", "frame": 55, **ask})
    assert number_in(body) == header["frame"] == 55
    path.unlink()
    header, _ = worker.answer({"do": "frame", "frame": 55, **ask})
    assert header["error"]["where"] == str(path)


def test_a_camera_that_is_asked_for_on_another_clock_has_other_times(spec: dict[str, Any]) -> None:
    worker = FrameWorker()
    with Video(spec["paths"]) as video:
        later = video.with_clock(video.clock.shifted(100.0)).spec()
    starts = []
    for wanted in (spec, later, spec):
        _, body = worker.answer({"do": "open", "camera": "a", "spec": wanted})
        starts.append(unpack(body)[0]["time"][0])
    assert np.diff(starts).tolist() == pytest.approx([100.0, -100.0], abs=1e-12)


def test_samples_of_a_camera_are_taken_once_for_all_previews(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    sample = VideoReader.sample

    def counted(self: VideoReader, n: int) -> FrameChunk:
        taken.append(n)
        return sample(self, n)

    monkeypatch.setattr(VideoReader, "sample", counted)
    worker = FrameWorker()
    request = {"do": "preview", "camera": "a", "spec": spec, "analysis": "blink"}
    rois = rois_to_toml([roi_from_text("blink:rectangle:10,10,60,60=lids")])
    n_opening = None
    for frame in (3, 9, 60):
        header, _ = worker.answer({**request, "frame": frame, "rois": rois})
        assert header == {"frame": frame}
        n_opening = len(taken) if n_opening is None else n_opening
    assert len(taken) == n_opening


def test_a_preview_equals_the_analysis_of_the_whole_film(spec: dict[str, Any]) -> None:
    import mystax

    whole = mystax.motion(Video(spec["paths"]))
    request = {"do": "preview", "camera": "a", "spec": spec, "analysis": "motion", "frame": 64}
    header, body = FrameWorker().answer(request)
    assert header == {"frame": 64}
    np.testing.assert_array_equal(unpack(body)[0]["energy"][0], whole["energy"].values[64])


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"frame": 130}, "W903"),
        ({"frame": -1}, "W903"),
        ({"do": "preview", "analysis": "motoin", "frame": 0}, "P403"),
        ({"do": "preview", "analysis": "pupil", "frame": 0}, "P402"),
        ({"do": "nothing"}, "B999"),
    ],
)
def test_a_request_that_cannot_be_met_is_an_answer(
    spec: dict[str, Any], more: dict[str, Any], code: str
) -> None:
    header, _ = FrameWorker().answer({"do": "frame", "camera": "a", "spec": spec, **more})
    assert header["error"]["code"] == code


def test_a_killed_worker_is_replaced_and_the_frame_comes(spec: dict[str, Any]) -> None:
    async def job(workers: Workers) -> tuple[int | None, int | None, int | None]:
        await workers.ask("a", spec, {"do": "frame", "frame": 3})
        first = workers.pid_of("a")
        assert first is not None
        os.kill(first, signal.SIGKILL)
        _, body = await workers.ask("a", spec, {"do": "frame", "frame": 4})
        return first, workers.pid_of("a"), number_in(body)

    first, second, number = with_workers(job)
    assert number == 4
    assert second not in {None, first}


def test_refusals_of_the_worker_come_through(spec: dict[str, Any]) -> None:
    async def job(workers: Workers) -> None:
        await workers.ask("a", spec, {"do": "frame", "frame": 1000})

    with pytest.raises(AppError, match=r"expected 0\.\.129, got 1000"):
        with_workers(job)


def test_a_frame_that_ends_two_workers_is_missing_and_the_others_are_not() -> None:
    async def job(workers: Workers) -> list[Any]:
        frames = [await workers.ask("a", {}, {"do": "frame", "frame": k}) for k in (6, 7, 9)]
        before = workers.pid_of("a")
        again, _ = await workers.ask("a", {}, {"do": "frame", "frame": 7})
        return [*(header for header, _ in frames), again, before == workers.pid_of("a")]

    six, seven, nine, again, is_same = with_workers(job, **mortal())
    assert (six["frame"], nine["frame"]) == (6, 9)
    assert seven["valid"] is again["valid"] is False
    assert seven["reason"] == "undecodable"
    assert is_same, "a deadly frame is not tried again"


def test_a_silent_worker_is_replaced() -> None:
    async def job(workers: Workers) -> list[Any]:
        begin = time.monotonic()
        silent, _ = await workers.ask("a", {}, {"do": "frame", "frame": 8})
        after, _ = await workers.ask("a", {}, {"do": "open", "frame": 9})
        return [silent, after, time.monotonic() - begin]

    short = {"silence": {"frame": 0.3, "open": 30.0}}  # what is answered at all may take its time
    silent, after, seconds = with_workers(job, **(mortal() | short))
    assert silent["valid"] is False
    assert after["frame"] == 9
    assert seconds < 30


def test_work_that_ends_two_workers_and_is_no_frame_is_an_error() -> None:
    async def job(workers: Workers) -> None:
        await workers.ask("a", {}, {"do": "preview", "frame": 7})

    with pytest.raises(InternalError, match="ended twice"):
        with_workers(job, **mortal())


def test_the_first_preview_of_a_process_may_take_longer_than_later_ones() -> None:
    async def job(workers: Workers) -> list[Any]:
        first, _ = await workers.ask("a", {}, {"do": "preview", "analysis": "motion", "frame": 1})
        with pytest.raises(InternalError, match=r"preview motion.*said nothing for 0 s twice"):
            await workers.ask("a", {}, {"do": "preview", "analysis": "motion", "frame": 2})
        return [first["frame"], (await workers.ask("a", {}, {"do": "preview", "frame": 3}))[0]["frame"]]

    code = MORTAL.replace("if request", "import time; time.sleep(0.5)\n    if request", 1)
    options: dict[str, Any] = {"silence": {"preview": 0.2}, "first": {"preview": 30.0}}
    assert with_workers(job, command=(sys.executable, "-c", code), **options) == [1, 3]


def test_a_preview_that_ends_its_process_leaves_the_frame_alone() -> None:
    async def job(workers: Workers) -> Any:
        with pytest.raises(InternalError, match="ended twice"):
            await workers.ask("a", {}, {"do": "preview", "frame": 7})
        return (await workers.ask("a", {}, {"do": "frame", "frame": 7}))[0]

    code = MORTAL.replace("== 7:", '== 7 and request["do"] == "preview":')
    found = with_workers(job, **mortal() | {"command": (sys.executable, "-c", code)})
    assert found["frame"] == 7
    assert "valid" not in found, "the frame itself was asked for"


def test_the_levels_of_a_picture_are_those_of_its_pixels(spec: dict[str, Any]) -> None:
    header, _ = FrameWorker().answer({"do": "levels", "camera": "a", "spec": spec, "frame": 40})
    with Video(spec["paths"]) as video:
        pixels = video.frame_at(40).data[0]
    wanted = [int(((pixels >= 4 * k) & (pixels < 4 * k + 4)).sum()) for k in range(64)]
    assert header["counts"] == wanted
    assert (header["least"], header["most"]) == (0.0, 255.0)
    low, high = header["window"]
    assert max((pixels < low).mean(), (pixels > high).mean()) <= 0.001


def test_an_older_request_of_a_panel_gives_way_and_exact_ones_go_first() -> None:
    async def job(workers: Workers) -> list[Any]:
        done: list[int] = []

        async def ask(frame: int, priority: Priority, panel: str, seq: int) -> Any:
            wanted = {"do": "frame", "frame": frame}
            answer = await workers.ask("a", {}, wanted, priority=priority, panel=panel, seq=seq)
            done.append(frame)
            return answer[0]["frame"]

        wishes = [
            ask(1, Priority.AHEAD, "", 0),
            ask(2, Priority.NEAR, "left", 1),
            ask(3, Priority.NEAR, "right", 1),
            ask(4, Priority.EXACT, "left", 2),
        ]
        return [await asyncio.gather(*wishes, return_exceptions=True), done]

    answers, done = with_workers(job, **mortal())
    assert isinstance(answers[1], Superseded)
    assert [answers[0], *answers[2:]] == [1, 3, 4]
    assert done == [4, 3, 1]


def test_closing_leaves_no_process() -> None:
    async def job(workers: Workers) -> int | None:
        await workers.ask("a", {}, {"do": "frame", "frame": 1})
        return workers.pid_of("a")

    pid = with_workers(job, **mortal())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_how_a_camera_is_opened_is_told_once_to_each_process(spec: dict[str, Any]) -> None:
    """A clock of half a million frames is megabytes of text."""
    echo = """
import json, os, struct, sys
for line in sys.stdin.buffer:
    if json.loads(line).get("frame") == 7:
        os._exit(9)
    text = json.dumps({"n_bytes": len(line), "has_spec": "spec" in json.loads(line)}).encode()
    sys.stdout.buffer.write(struct.pack("<II", len(text), 0) + text)
    sys.stdout.buffer.flush()
"""
    other = {**spec, "damage": "keep"}

    async def job(workers: Workers) -> list[bool]:
        told = []
        for camera, one, frame in [
            ("a", spec, 1),
            ("a", dict(spec), 2),
            ("b", spec, 3),
            ("a", other, 4),
            ("a", other, 5),
        ]:
            header, _ = await workers.ask(camera, one, {"do": "frame", "frame": frame})
            told.append(header["has_spec"])
        await workers.ask("a", other, {"do": "frame", "frame": 7})  # it dies
        header, _ = await workers.ask("a", other, {"do": "frame", "frame": 8})
        return [*told, header["has_spec"]]

    told = with_workers(job, command=(sys.executable, "-c", echo))
    assert told == [True, False, True, True, False, True]


def test_a_camera_that_is_known_needs_no_word_how_it_is_opened(spec: dict[str, Any]) -> None:
    worker = FrameWorker()
    worker.answer({"do": "open", "camera": "a", "spec": spec})
    header, body = worker.answer({"do": "frame", "camera": "a", "frame": 77})
    assert number_in(body) == header["frame"] == 77
