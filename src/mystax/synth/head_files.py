"""Rendered videos and rigs as files: pictures, truth beside them, calibration."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.errors import ParameterError
from mystax.io.outcome_files import FORMAT
from mystax.io.outcome_writer import write_outcome
from mystax.io.store_fs import LocalFs
from mystax.io.video import VideoWriter
from mystax.synth.head_mesh import KEYPOINTS
from mystax.synth.head_rig import RIG_KEYPOINTS, HeadRig
from mystax.synth.head_video import HeadVideo

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["rig_dataset", "video_dataset", "write_rig", "write_video"]

BLOCK = 32
"""Frames rendered at a time."""
ELLIPSE = ["x", "y", "major", "minor", "angle"]


def video_dataset(video: HeadVideo, *, seen: bool = False) -> Dataset:
    """Truth of a video as a dataset.

    Parameters
    ----------
    video : HeadVideo
        The video.
    seen : bool, optional
        Whether to find out which points are seen in each frame (renders every frame without hairs).

    Returns
    -------
    Dataset
        ``position`` (time, space, keypoint, individual) [px], ``pupil`` and ``lids`` (time, ellipse),
        ``whisker_angle``, ``tongue``, ``jaw`` (time), and ``state`` (time, keypoint, individual) where asked.
    """
    import xarray as xr

    truth = video.truth
    traces = truth.traces
    variables: dict[str, Any] = {
        "position": (
            ("time", "space", "keypoint", "individual"),
            truth.xy.transpose(0, 2, 1)[..., None].astype(np.float32),
            {"units": "px"},
        ),
        "pupil": (("time", "ellipse"), truth.pupil.astype(np.float32), {"units": "px"}),
        "lids": (("time", "ellipse"), truth.lids.astype(np.float32), {"units": "px"}),
        "lid_openness": (("time",), traces.lids.astype(np.float32), {"units": "1"}),
        "whisker_angle": (("time",), traces.whisk.astype(np.float32), {"units": "rad"}),
        "tongue": (("time",), traces.tongue.astype(np.float32), {"units": "1"}),
        "jaw": (("time",), traces.jaw.astype(np.float32), {"units": "rad"}),
    }
    if seen:
        found = np.array([video.states(k) for k in range(len(video))], np.uint8)
        meaning = {"flag_values": [0, 1, 2], "flag_meanings": "absent invisible placed"}
        variables["state"] = (("time", "keypoint", "individual"), found[..., None], meaning)
    return xr.Dataset(
        variables,
        coords={
            "time": ("time", truth.times, {"units": "s"}),
            "frame": ("time", np.arange(len(video))),
            "space": ["x", "y"],
            "keypoint": list(KEYPOINTS),
            "individual": ["face"],
            "ellipse": ELLIPSE,
        },
    )


def rig_dataset(rig: HeadRig, camera: str) -> Dataset:
    """Places in space at the times of one camera's frames: ``position`` as in `video_dataset`, but [mm]."""
    import xarray as xr

    xyz = rig.truth[camera]
    return xr.Dataset(
        {
            "position": (
                ("time", "space", "keypoint", "individual"),
                xyz.transpose(0, 2, 1)[..., None].astype(np.float32),
                {"units": "mm"},
            )
        },
        coords={
            "time": ("time", rig.videos[camera].times, {"units": "s"}),
            "space": ["x", "y", "z"],
            "keypoint": list(RIG_KEYPOINTS),
            "individual": ["face"],
        },
    )


def write_video(
    video: HeadVideo, path: str | Path, *, codec: str = "h264", seen: bool = False, truth: bool = True
) -> tuple[Path, ...]:
    """Write a video, and its truth beside it; what is there of both is replaced.

    Parameters
    ----------
    video : HeadVideo
        The video.
    path : str or Path
        File of the pictures; the truth's name is its stem and ``_truth.nc``.
    codec : str, optional
        FFmpeg's name of the codec (``ffv1`` keeps every grey value).
    seen : bool, optional
        As in `video_dataset`.
    truth : bool, optional
        Whether to write the truth.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ParameterError
        P401, if the codec cannot hold the depth of the video.
    """
    path = Path(path)
    if video.bits > 8 and codec != "ffv1":
        expected = "ffv1, for a video of more than 8 bits"
        raise ParameterError("P401", "parameter 'codec'", expected=expected, got=codec)
    beside = path.with_name(f"{path.stem}_truth.nc")
    beside.unlink(missing_ok=True)  # an older film's truth is none of this one
    deep = "gray16le" if video.bits > 8 else "gray"
    grey = deep if codec == "ffv1" else "yuv420p"
    size, rate = video.camera.size, video.rate
    with VideoWriter(path, size=size, rate=rate, codec=codec, pixel_format=grey, color_range="pc") as out:
        for start in range(0, len(video), BLOCK):
            for picture in video.frames(start, start + BLOCK):
                # Files of this format hold 16 bits: codes of fewer are moved to the top of them.
                out.write(picture << (16 - video.bits) if video.bits > 8 else picture)
    if not truth:
        return (path,)
    _write(video_dataset(video, seen=seen), beside, video)
    return path, beside


def write_rig(rig: HeadRig, folder: str | Path, *, codec: str = "h264") -> tuple[Path, ...]:
    """Write all videos of a rig, the places in space, and the calibration; what is there is replaced.

    Parameters
    ----------
    rig : HeadRig
        The rig.
    folder : str or Path
        Where to; it is made.
    codec : str, optional
        FFmpeg's name of the codec.

    Returns
    -------
    tuple of Path
        Per camera the video, its truth and ``<camera>_space.nc``; then ``calibration.toml``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for name, video in rig.videos.items():
        files += write_video(video, folder / f"{name}.mkv", codec=codec)
        space = folder / f"{name}_space.nc"
        _write(rig_dataset(rig, name), space, video)
        files.append(space)
    calibration = folder / "calibration.toml"
    calibration.write_text(rig.calibration(), encoding="utf-8")
    return (*files, calibration)


def _write(dataset: Dataset, path: Path, video: HeadVideo) -> None:
    """Write truth in the form of an outcome, so that `mystax.load` reads it."""
    parameters = json.dumps({"script": repr(video.script), "animal": video.scene.seed, "quick": video.quick})
    about = {
        "mystax_format": FORMAT,
        "analysis": "truth",
        "analysis_version": 1,
        "key": hashlib.sha256(parameters.encode()).hexdigest(),
        "parameters": parameters,
    }
    path.unlink(missing_ok=True)
    with LocalFs().create(path) as file:
        write_outcome(file, {"": dataset}, about)
