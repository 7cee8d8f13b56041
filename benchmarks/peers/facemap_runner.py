"""Run public functions of Facemap 1.0.8 in its own interpreter: ``PYTHON facemap_runner.py TASK JOB RESULT``.

This file imports nothing of mystax, and mystax imports nothing of the peer: inputs and outputs are files.
Tasks: version, read, process, pupil, blink, running, track, encode.
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 500


class Watch:
    """Wall and CPU time of a piece of work."""

    def __enter__(self) -> "Watch":
        self.start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *found: object) -> None:
        wall, cpu = self.start
        self.wall_s, self.cpu_s = time.perf_counter() - wall, time.process_time() - cpu

    def values(self, n: int) -> dict[str, Any]:
        """Return the fields that the harness reads."""
        return {"work_wall_s": self.wall_s, "work_cpu_s": self.cpu_s, "n": n, "unit": "frame"}


def version(_: dict[str, Any]) -> dict[str, Any]:
    """Return the versions that decide the numbers."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    found = {}
    for name in ("facemap", "numpy", "scipy", "scikit-learn", "torch", "opencv-python-headless"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = installed(name)
    return found


def read(job: dict[str, Any]) -> dict[str, Any]:
    """Read a video to grey with its reader, batch by batch."""
    from facemap import utils

    with Watch() as watch:
        cumframes, rows, columns, containers = utils.get_frame_details([[job["video"]]])
        n, means = int(cumframes[-1]), []
        for first in range(0, n, BATCH):
            frames = np.arange(first, min(first + BATCH, n))
            taken = [np.zeros((len(frames), rows[0], columns[0]), np.uint8)]
            utils.get_frames(taken, containers, frames, cumframes)
            means.append(taken[0].mean((1, 2)) if job.get("means") else taken[0][:, 0, 0])
        utils.close_videos(containers)
    np.savez(job["out"], means=np.concatenate(means))
    return watch.values(n)


def process(job: dict[str, Any]) -> dict[str, Any]:
    """Process a video as from a script: singular vectors, and regions where the job has some."""
    from facemap import process as peer

    proc = proc_of(job) if job.get("rois") else None
    with Watch() as watch:
        saved = peer.run(
            [[video] for video in job.get("videos", [job["video"]])],
            sbin=job.get("bin", 4),
            motSVD=job.get("motion", True),
            movSVD=job.get("movie", False),
            proc=proc,
            savepath=job["folder"],
        )
    return {**watch.values(job["n_frames"]), "saved": str(saved)}


def proc_of(job: dict[str, Any]) -> dict[str, Any]:
    """Return what its window would have saved for these regions."""
    rows, columns = job["shape"]
    return {
        "Ly": [rows],
        "Lx": [columns],
        "sy": np.array([0]),
        "sx": np.array([0]),
        "LY": rows,
        "LX": columns,
        "sbin": job.get("bin", 4),
        "fullSVD": job.get("whole", False),
        "rois": [_roi(one) for one in job["rois"]],
        "save_mat": False,
        "save_path": job["folder"],
        "savepath": job["folder"],
        "filenames": [[job["video"]]],
        "motSVD": job.get("motion", True),
        "movSVD": job.get("movie", False),
    }


def _roi(one: dict[str, Any]) -> dict[str, Any]:
    """Return one region as its files have it (kinds: 0 pupil, 1 motion, 2 blink, 3 running)."""
    x, y, width, height = one["box"]
    kinds = {"pupil": 0, "motion": 1, "blink": 2, "running": 3}
    names = {"pupil": "pupil", "motion": "motion SVD", "blink": "blink", "running": "running"}
    across, down = np.arange(x, x + width), np.arange(y, y + height)
    inside = np.ones((height, width), bool)
    if one.get("ellipse"):
        v, u = np.mgrid[0:height, 0:width]
        half_y, half_x = (height - 1) / 2, (width - 1) / 2
        inside = ((v - half_y) / half_y) ** 2 + ((u - half_x) / half_x) ** 2 <= 1
    size = one.get("bin", 4)
    return {
        "rind": kinds[one["kind"]],
        "rtype": names[one["kind"]],
        "iROI": one.get("number", 0),
        "ivid": 0,
        "color": (0.0, 1.0, 0.0),
        "yrange": down,
        "xrange": across,
        "saturation": one.get("saturation", 255),
        "ellipse": inside,
        "pupil_sigma": one.get("sigma", 2.0),
        "reflector": [],
        "yrange_bin": np.arange(y // size, (y + height) // size),
        "xrange_bin": np.arange(x // size, (x + width) // size),
    }


def pupil(job: dict[str, Any]) -> dict[str, Any]:
    """Fit the pupil in prepared frames."""
    from facemap import pupil as peer

    frames = np.load(job["frames"])["frames"]
    peer.process(frames[:50].copy(), job["saturation"], job["sigma"])
    with Watch() as watch:
        found = peer.process(frames.copy(), job["saturation"], job["sigma"])
    com, area, direction, length = found[:4]
    np.savez(job["out"], com=com, area=area, axdir=direction, axlen=length)
    return watch.values(len(frames))


def blink(job: dict[str, Any]) -> dict[str, Any]:
    """Sum the darkness of an eye in prepared frames."""
    from facemap import process as peer

    frames = np.load(job["frames"])["frames"]
    region = _roi({"kind": "blink", "box": job["box"], "ellipse": True, "saturation": job["level"]})
    n = len(frames)
    with Watch() as watch:
        traces = [np.zeros(n)]
        for first in range(0, n, BATCH):
            last = min(first + BATCH, n)
            peer.process_blink_ROIs(first, last - first, [frames[first:last]], [0], [region], [0], traces)
    np.savez(job["out"], blink=traces[0])
    return watch.values(n)


def running(job: dict[str, Any]) -> dict[str, Any]:
    """Measure the movement of a surface in prepared frames."""
    from facemap import running as peer

    frames = np.load(job["frames"])["frames"]
    starts = range(0, len(frames) - 1, BATCH)
    with Watch() as watch:
        shifts = [np.stack(peer.process(frames[k : k + BATCH + 1].astype(np.float32)), -1) for k in starts]
    np.savez(job["out"], shift=np.concatenate(shifts).reshape(-1, 2))
    return watch.values(len(frames))


def track(job: dict[str, Any]) -> dict[str, Any]:
    """Follow the points of a face with its network of random weights, as its own loop does: frame by frame.

    Importing ``facemap.pose`` would fetch weights; the three modules of the path are taken by their place.
    """
    import importlib
    import types

    import facemap
    import torch
    from facemap import utils

    for name in ("matplotlib", "matplotlib.pyplot"):  # its module of helpers also draws
        sys.modules.setdefault(name, types.ModuleType(name))
    folder = types.ModuleType("facemap_pose")
    folder.__path__ = [str(Path(facemap.__file__).parent / "pose")]
    sys.modules["facemap_pose"] = folder
    network, transforms, helper = (
        importlib.import_module(f"facemap_pose.{name}")
        for name in ("facemap_network", "transforms", "pose_helper_functions")
    )
    left, top, side = job["box"]
    box = (top, top + side, left, left + side)
    points = [str(k) for k in range(15)]
    torch.manual_seed(0)
    net = network.FMnet(1, len(points), points, job["channels"], torch.device("cpu"))
    net.eval()
    with Watch() as watch:
        cumframes, _, _, containers = utils.get_frame_details([[job["video"]]])
        n = int(cumframes[-1])
        found = torch.zeros(n, len(points), 3)
        for frame in range(n):
            picture = utils.get_batch_frames(
                np.arange(frame, frame + 1), n, cumframes, containers, video_idx=0, grayscale=True
            )
            crop, padded, pads = transforms.preprocess_img(picture, box, False, True, device=net.device)
            x, y, likelihood = helper.predict(net, crop, smooth=False)
            x, y = transforms.adjust_keypoints(
                x, y, crop_xy=(left, top), padding=pads, current_size=(256, 256), desired_size=padded
            )
            found[frame, :, 0], found[frame, :, 1], found[frame, :, 2] = x, y, likelihood
        utils.close_videos(containers)
    return watch.values(n)


def encode(job: dict[str, Any]) -> dict[str, Any]:
    """Train its network from columns of behaviour to components of neurons, and predict the test bins.

    Its module imports one of its windows, which needs a window system; an empty module stands in for it.
    """
    import types

    import torch

    windows = types.ModuleType("facemap.gui")
    vars(windows)["help_windows"] = types.ModuleType("facemap.gui.help_windows")
    sys.modules["facemap.gui"] = windows
    from facemap.neural_prediction.neural_model import KeypointsNetwork

    torch.set_num_threads(1)
    data = np.load(job["data"])
    columns, scores = data["columns"], data["scores"]
    np.random.seed(0)  # noqa: NPY002 - the peer draws from it
    torch.manual_seed(0)
    with Watch() as watch:
        network = KeypointsNetwork(n_in=columns.shape[1], n_out=scores.shape[1])
        _, _, said, explained, rows = network.train_model(
            columns,
            scores,
            data["camera_times"],
            data["neural_times"],
            U=data["loadings"],
            spks=np.ascontiguousarray(data["z"].T),
            delay=int(job["delay"]),
            n_iter=int(job["epochs"]),
            learning_rate=job["learning_rate"],
            weight_decay=job["weight_decay"],
            itrain=data["train"].copy(),
            itest=data["test"].copy(),
            device=torch.device("cpu"),
        )
    np.savez(job["out"], rows=np.ravel(rows), prediction=np.asarray(said).T, explained=explained)
    return {**watch.values(1), "unit": "recording"}


TASKS = {
    "version": version,
    "read": read,
    "process": process,
    "pupil": pupil,
    "blink": blink,
    "running": running,
    "track": track,
    "encode": encode,
}


def main(arguments: list[str]) -> int:
    """Do one task; whatever the peer prints stays with it."""
    task, job, result = arguments
    with contextlib.redirect_stdout(io.StringIO()):
        found = TASKS[task](json.loads(Path(job).read_text("utf-8")))
    Path(result).write_text(json.dumps(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
