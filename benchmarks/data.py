"""The files that are timed: made by `mystax.synth` with fixed seeds, kept in one folder, made once."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from mystax.io.video import VideoWriter
from mystax.synth import benchmark_video

__all__ = ["CLIPS", "VIDEOS", "Spec", "find_clip", "joined", "make_video"]

RATE = Fraction(100)


@dataclass(frozen=True)
class Spec:
    """How one generated video is encoded.

    Attributes
    ----------
    suffix : str
        Of the file: decides the container.
    n_frames : int
        Its length.
    codec, pixel_format : str
        FFmpeg's names.
    options : mapping
        Of the encoder.
    seed : int
        Of the scene.
    """

    suffix: str
    n_frames: int
    codec: str
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0


VIDEOS: dict[str, Spec] = {
    "easy": Spec(".mp4", 6000, "h264", options={"crf": "20", "preset": "veryfast"}),
    "high": Spec(".mp4", 6000, "h264", options={"crf": "12", "preset": "veryfast"}),
    "short": Spec(".mp4", 2000, "h264", options={"crf": "12", "preset": "veryfast"}),
    "tracked": Spec(".mp4", 600, "h264", options={"crf": "20", "preset": "veryfast"}),
    "mjpeg": Spec(".avi", 2000, "mjpeg", "yuvj420p", {"qmin": "5", "qmax": "5"}),
    "ffv1": Spec(".mkv", 1000, "ffv1", "gray"),
}
"""Generated videos of 640 x 480 pixels and 100 frames per second, by name."""

CLIPS: dict[str, str] = {
    "mirror": "lp_mirror_mouse/videos/test_vid.mp4",
    "openfield": "dlc_openfield/videos/m3v1mp4.mp4",
}
"""Real clips below the folder `MYSTAX_TEST_DATA`; rows that need them say so where they are absent."""


def make_video(folder: Path, name: str) -> Path:
    """Return a generated video, made at the first call.

    Parameters
    ----------
    folder : Path
        Where generated files are kept.
    name : str
        One of `VIDEOS`.

    Returns
    -------
    Path
        The finished file: a run that is killed leaves none.
    """
    spec = VIDEOS[name]
    options = "-".join(f"{key}{value}" for key, value in sorted(spec.options.items()))
    path = folder / f"{name}-{spec.n_frames}-{spec.codec}-{options or 'plain'}-{spec.seed}{spec.suffix}"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"part-{os.getpid()}-{path.name}")
    video = benchmark_video(spec.n_frames, seed=spec.seed)
    with VideoWriter(
        part,
        size=(video.shape[1], video.shape[0]),
        rate=RATE,
        codec=spec.codec,
        pixel_format=spec.pixel_format,
        options=spec.options,
        color_range="pc",
    ) as out:
        for number in range(spec.n_frames):
            out.write(video.frame_at(number).data[0])
    part.replace(path)
    return path


def joined(folder: Path, name: str, n_copies: int) -> list[Path]:
    """Return a generated video followed by copies of itself, as consecutive files of one camera.

    The files differ in one box that no reader looks at, since the same content twice is refused.

    Parameters
    ----------
    folder : Path
        Where generated files are kept.
    name : str
        One of `VIDEOS` in an mp4 container.
    n_copies : int
        Number of files.

    Returns
    -------
    list of Path
        The files in order.
    """
    first = make_video(folder, name)
    files = []
    for number in range(n_copies):
        path = first.with_name(f"{first.stem}-copy{number:02d}{first.suffix}")
        if not path.exists():
            part = path.with_name(f"part-{os.getpid()}-{path.name}")
            shutil.copyfile(first, part)
            with part.open("ab") as file:
                text = f"copy {number:08d}".encode("ascii")
                file.write((8 + len(text)).to_bytes(4, "big") + b"free" + text)
            part.replace(path)
        files.append(path)
    return files


def find_clip(name: str) -> Path | None:
    """Return a real clip, or None where the data sets are not present."""
    folder = Path(os.environ.get("MYSTAX_TEST_DATA", "../shared/data"))
    path = folder / CLIPS[name]
    return path if path.is_file() else None
