"""The child of the web app that decodes: requests on stdin, pictures and values on stdout.

``python -m mystax.app.frame_worker``.  A request is one JSON line.  An answer is the length of its header and
of its body (two uint32, little-endian), the header (JSON) and the body.  The end of stdin means that the
server is gone, and the worker leaves.
"""

import json
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mystax.app.envelope import pack
from mystax.app.openings import open_camera, stamp_of
from mystax.core.recording import FrameChunk, FrameSource, Reason
from mystax.core.typing import Shaped
from mystax.engine.wrapped import WrappedSource
from mystax.errors import AppError, InternalError, MystaxError
from mystax.io.pictures import encoded, in_window, window_of
from mystax.io.stills import png_of
from mystax.io.video_reader import VideoReader

if TYPE_CHECKING:
    from mystax.engine.labels.footage import Footage

__all__ = ["FrameWorker", "main", "read_answer"]

SAMPLES = 20
"""Frames that are looked at when a camera is opened, for the levels of a deep one and for colours."""
BINS = 64
"""Bins of the histogram of a picture, over all that its depth can hold."""
COLOURED = 12
"""Least difference of the channels in a picture that has colours [levels]."""
Answer = tuple[dict[str, Any], bytes]


class _Sampled(WrappedSource):
    """Frames of which the samples are kept: a region that is dragged asks for the same ones each time."""

    def __init__(self, source: FrameSource) -> None:
        super().__init__(source)
        self._kept: dict[int, FrameChunk] = {}

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames at fixed places."""
        if n not in self._kept:
            self._kept[n] = self._source.sample(n)
        return self._kept[n]


class _Shown:
    """One camera: its reader, and how its pictures are shown."""

    def __init__(self, video: VideoReader) -> None:
        self.video = video
        self.sampled = _Sampled(video)
        self.window: tuple[float, float] = (0.0, 255.0)
        self.has_colours = False
        self._footage: Footage | None = None
        if not video.n_frames:
            return
        samples = video.sample(SAMPLES)
        good = samples.data[samples.valid]
        if video.bits > 8:
            self.window = window_of(good)
        elif samples.valid.any():
            first = int(samples.index[samples.valid][0])
            colours = video.color_at(first).astype(np.int16)
            self.has_colours = bool(np.ptp(colours, axis=2).max() > COLOURED)

    def footage(self, camera: str) -> "Footage":
        """Return the frames as labels see them, with the stamps of the file."""
        if self._footage is None:
            from mystax.engine.labels.footage import open_footage

            self._footage = open_footage(self.video, camera)
        return self._footage

    def nearest_key(self, frame: int) -> int:
        """Return the key frame that is nearest to a frame."""
        keys = self.video.key_frames
        if not len(keys):
            return frame
        return int(keys[np.argmin(np.abs(keys - frame))])


def _number(request: Mapping[str, Any], video: VideoReader) -> int:
    """Return the number of the frame that is asked for; refuse one that is not there."""
    wanted = int(request["frame"])
    if not 0 <= wanted < video.n_frames:
        expected = f"0..{video.n_frames - 1}"
        raise AppError("W903", "frame", expected=expected, got=str(wanted), hint="frames count from 0")
    return wanted


class FrameWorker:
    """Answers requests about the frames of some cameras.

    Parameters
    ----------
    opened : callable, optional
        Makes a reader of a camera's specification.
    """

    def __init__(self, opened: Callable[[Mapping[str, Any]], VideoReader] = open_camera) -> None:
        self._opened = opened
        self._specs: dict[str, Mapping[str, Any]] = {}
        self._cameras: dict[str, tuple[tuple[object, ...], _Shown]] = {}

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """Do what a request asks for; errors are answers too."""
        known = {
            "open": self._open,
            "frame": self._frame,
            "levels": self._levels,
            "preview": self._preview,
            "footing": self._footing,
            "still": self._still,
            "suggest": self._suggest,
        }
        try:
            return known[str(request["do"])](request)
        except MystaxError as error:
            return {"error": error.record().as_dict()}, b""
        except Exception as error:  # noqa: BLE001 - the worker outlives whatever a request brings out
            bug = InternalError("B999", "frame", f"{type(error).__name__}: {error}")
            return {"error": bug.record().as_dict()}, b""

    def _camera(self, request: Mapping[str, Any]) -> _Shown:
        """Return a camera; it is opened anew when its files or its clock are others than before."""
        key = str(request["camera"])
        if "spec" in request:
            self._specs[key] = request["spec"]
        spec = self._specs[key]
        stamp = stamp_of(spec)
        known, shown = self._cameras.get(key, ((), None))
        if shown is None or known != stamp:
            if shown is not None:
                del self._cameras[key]
                shown.video.close()
            shown = _Shown(self._opened(spec))
            self._cameras[key] = stamp, shown
        return shown

    def _open(self, request: Mapping[str, Any]) -> Answer:
        """Say what a camera is; its times follow as int64 ticks or float64 seconds."""
        shown = self._camera(request)
        video = shown.video
        about = {
            "n_frames": video.n_frames,
            "height": video.shape[0],
            "width": video.shape[1],
            "bits": video.bits,
            "colour": shown.has_colours,
            "window": list(shown.window),
            "flags": [
                {"code": flag.code, "text": flag.text, "n_frames": flag.n_frames} for flag in video.flags
            ],
            "key_frames": len(video.key_frames),
        }
        return about, pack({"time": np.asarray(video.times, np.float64)})

    def _frame(self, request: Mapping[str, Any]) -> Answer:
        """Give one picture: exactly the frame that is asked for, or the nearest key frame."""
        shown = self._camera(request)
        video = shown.video
        wanted = _number(request, video)
        exact = request.get("mode", "exact") == "exact"
        frame = wanted if exact else shown.nearest_key(wanted)
        chunk = video.frame_at(frame)
        about = {
            "frame": frame,
            "time": float(chunk.time[0]) if np.isfinite(chunk.time[0]) else None,
            "valid": bool(chunk.valid[0]),
            "reason": Reason(int(chunk.reason[0])).name.lower(),
            "kind": "exact" if frame == wanted else "near",
        }
        if not chunk.valid[0]:
            return about, b""
        form = str(request.get("form", "jpeg"))
        about["form"] = form
        pixels = self._pixels(shown, frame, chunk.data[0], request)
        width = request.get("width")
        quality = int(request.get("quality", 85))
        return about, encoded(pixels, form=form, quality=quality, width=None if width is None else int(width))

    def _pixels(
        self, shown: _Shown, frame: int, grey: Shaped[np.ndarray, "y x"], request: Mapping[str, Any]
    ) -> Shaped[np.ndarray, "..."]:
        low, high = request.get("low"), request.get("high")
        if shown.has_colours:
            return shown.video.color_at(frame)
        if low is None and high is None and grey.dtype == np.uint8:
            return grey
        least = shown.window[0] if low is None else float(low)
        most = shown.window[1] if high is None else float(high)
        return in_window(grey, least, max(most, least + 1e-6))

    def _levels(self, request: Mapping[str, Any]) -> Answer:
        """Count the grey levels of one picture, as they were recorded."""
        shown = self._camera(request)
        chunk = shown.video.frame_at(_number(request, shown.video))
        top = 2**shown.video.bits - 1
        about: dict[str, Any] = {"least": 0.0, "most": float(top), "window": list(shown.window), "counts": []}
        if chunk.valid[0]:
            codes = chunk.data[0].astype(np.int64)
            about["counts"] = np.bincount((codes * BINS // (top + 1)).ravel(), minlength=BINS).tolist()
            about["window"] = list(window_of(chunk.data))
        return about, b""

    def _footing(self, request: Mapping[str, Any]) -> Answer:
        """Say by what labels name the frames of a camera: fingerprint and presentation stamps."""
        footage = self._camera(request).footage(str(request.get("name", "face")))
        stamps = np.array([footage.stamp(frame) for frame in range(footage.n_frames)], np.int64)
        about = {"fingerprint": footage.fingerprint, "source": asdict(footage.source)}
        return about, pack({"pts": stamps})

    def _still(self, request: Mapping[str, Any]) -> Answer:
        """Give a frame as labels keep it: grey, lossless, at its depth."""
        shown = self._camera(request)
        wanted = _number(request, shown.video)
        pixels = shown.footage(str(request.get("name", "face"))).pixels(wanted)
        return {"frame": wanted}, png_of(pixels)

    def _suggest(self, request: Mapping[str, Any]) -> Answer:
        """Say which frames of some cameras to label next."""
        from mystax.engine.labels.labels import Labels
        from mystax.io.outcomes import Outcomes

        cameras = list(request["cameras"])
        videos = [self._opened(camera["spec"]) for camera in cameras]
        poses = {
            place: Outcomes.of_folder(Path(pose[0]))[str(pose[1])]
            for place, camera in enumerate(cameras)
            if (pose := camera["pose"]) is not None
        }
        paths = {str(Path(video.files[0]).absolute()): place for place, video in enumerate(videos)}
        try:
            with Labels(str(request["folder"])) as labels:
                found = labels.suggest(int(request["n"]), videos, poses=poses, seed=int(request["seed"]))
        finally:
            for video in videos:
                video.close()
        rows = []
        for one in found:
            place = paths[one.path]
            time = float(videos[place].times[one.frame])
            rows.append(
                {
                    "camera": cameras[place]["id"],
                    "frame": one.frame,
                    "time": time if np.isfinite(time) else None,
                    "score": one.suspicion,
                    "reason": one.reason,
                }
            )
        return {"suggestions": rows}, b""

    def _preview(self, request: Mapping[str, Any]) -> Answer:
        """Measure one frame or some as a run would: the same reducer, regions and parameters."""
        from mystax.engine.preview import preview
        from mystax.io.rois import rois_from_toml

        shown = self._camera(request)
        text = request.get("rois")
        found = preview(
            str(request["analysis"]),
            shown.sampled,
            rois_from_toml(str(text)) if text else None,
            request.get("parameters") or {},
            int(request["frame"]),
            n_frames=int(request.get("n", 1)),
            camera=str(request.get("name", "face")),
            sight=bool(request.get("sight", False)),
        )
        arrays, dims = {}, {}
        for name, variable in {**found.coords, **found.data_vars}.items():
            values = np.asarray(variable.values)
            if values.dtype.kind in "fiu" and values.dtype.itemsize in {1, 2, 4, 8}:
                arrays[str(name)] = values
            elif values.dtype.kind == "b":
                arrays[str(name)] = values.astype(np.uint8)
            else:
                continue
            dims[str(name)] = [str(dim) for dim in variable.dims]
        return {"frame": int(request["frame"])}, pack(arrays, dims=dims)


def read_answer(stream: BinaryIO) -> Answer:
    """Read one answer.

    Raises
    ------
    EOFError
        If the worker is gone.
    """
    lengths = _exactly(stream, 8)
    n_header, n_body = struct.unpack("<II", lengths)
    header = json.loads(_exactly(stream, n_header))
    return header, _exactly(stream, n_body)


def _exactly(stream: BinaryIO, n: int) -> bytes:
    body = stream.read(n)
    if len(body) < n:
        raise EOFError
    return body


def main() -> None:
    """Serve until stdin ends."""
    worker, out = FrameWorker(), sys.stdout.buffer
    sys.stdout = sys.stderr
    for line in sys.stdin.buffer:
        header, body = worker.answer(json.loads(line))
        text = json.dumps(header).encode()
        out.write(struct.pack("<II", len(text), len(body)) + text + body)
        out.flush()


if __name__ == "__main__":
    main()
