"""Run public functions of aniposelib 0.8 in its own interpreter: ``PYTHON THIS_FILE TASK JOB RESULT``.

This file imports nothing of mystax, and mystax imports nothing of the peer: inputs and outputs are files.
Tasks: version, triangulate, optimise, calibrate.
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


class Watch:
    """Wall and CPU time of a piece of work."""

    def __enter__(self) -> "Watch":
        self.start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *found: object) -> None:
        wall, cpu = self.start
        self.wall_s, self.cpu_s = time.perf_counter() - wall, time.process_time() - cpu

    def values(self, n: int, unit: str) -> dict[str, Any]:
        """Return the fields that the harness reads."""
        return {"work_wall_s": self.wall_s, "work_cpu_s": self.cpu_s, "n": n, "unit": unit}


def version(_: dict[str, Any]) -> dict[str, Any]:
    """Return the versions that decide the numbers."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    found = {}
    for name in ("aniposelib", "numpy", "scipy", "numba", "opencv-contrib-python"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = installed(name)
    return found


def group_of(world: Any) -> Any:
    """Return the cameras of a world."""
    import cv2
    from aniposelib.cameras import Camera, CameraGroup

    cameras = []
    for c in range(len(world["matrix"])):
        vector = cv2.Rodrigues(world["rotation"][c])[0].ravel()
        cameras.append(
            Camera(
                matrix=world["matrix"][c].copy(),
                dist=world["distortion"][c].copy(),
                size=tuple(int(side) for side in world["size"][c]),
                rvec=vector,
                tvec=world["translation"][c].copy(),
                name=f"cam{c}",
            )
        )
    return CameraGroup(cameras)


def triangulate(job: dict[str, Any]) -> dict[str, Any]:
    """Triangulate some points robustly (timed), and all of them by its linear method."""
    world = np.load(job["world"])
    group, pixels = group_of(world), world["pixels"]
    # it raises where a point is seen by no camera
    usable = np.flatnonzero(np.isfinite(pixels[..., 0]).sum(axis=0) >= 2)[: job["n_peer"]]
    some = np.ascontiguousarray(pixels[:, usable])
    group.triangulate_ransac(some[:, :5].copy(), progress=False)
    with Watch() as watch:
        robust = group.triangulate_ransac(some.copy(), progress=False)[0]
    group.triangulate(pixels[:, :5].copy(), progress=False)
    start = time.process_time()
    plain = group.triangulate(pixels.copy(), progress=False)
    linear_s = time.process_time() - start
    np.savez(job["out"], robust=robust, usable=usable, plain=plain)
    return {**watch.values(len(usable), "point"), "linear_s": linear_s}


def optimise(job: dict[str, Any]) -> dict[str, Any]:
    """Optimise places in time with limbs, from the given start."""
    world = np.load(job["world"])
    group = group_of(world)
    with Watch() as watch:
        found = group.optim_points(
            world["pixels"].copy(),
            world["start"].copy(),
            constraints=world["limbs"].tolist(),
            scale_smooth=2,
            scale_length=2,
            reproj_error_threshold=5,
            n_deriv_smooth=2,
        )
    np.savez(job["out"], position=found)
    return watch.values(1, "problem")


def calibrate(job: dict[str, Any]) -> dict[str, Any]:
    """Calibrate cameras from corners of a ChArUco board."""
    from aniposelib.boards import CharucoBoard
    from aniposelib.cameras import Camera, CameraGroup

    world = np.load(job["world"])
    corners = world["corners"]
    board = CharucoBoard(10, 7, square_length=6.0, marker_length=4.0)
    rows = []
    for seen in corners:
        rows.append([])
        for v, points in enumerate(seen):
            known = np.flatnonzero(np.isfinite(points[:, 0]))
            if len(known) < 8:
                continue
            rows[-1].append(
                {
                    "framenum": (0, v),
                    "corners": points[known][:, None],
                    "ids": known[:, None],
                    "filled": points[:, None].copy(),
                }
            )
    cameras = [
        Camera(name=f"cam{c}", size=tuple(int(side) for side in world["size"][c]))
        for c in range(len(corners))
    ]
    group = CameraGroup(cameras)
    with Watch() as watch:
        group.calibrate_rows(rows, board, verbose=False)
    found = {
        "matrix": np.stack([camera.get_camera_matrix() for camera in cameras]),
        "distortion": np.stack([np.ravel(camera.get_distortions())[:5] for camera in cameras]),
        "vector": np.stack([np.ravel(camera.get_rotation()) for camera in cameras]),
        "translation": np.stack([np.ravel(camera.get_translation()) for camera in cameras]),
    }
    np.savez(job["out"], **found)
    exchange(job["shared"], Path(job["out"]).parent)
    return watch.values(1, "calibration")


def exchange(path: str, folder: Path) -> None:
    """Load a file of cameras, tell their numbers, and write the file anew."""
    from aniposelib.cameras import CameraGroup, FisheyeCamera

    group = CameraGroup.load(path)
    told = [
        {
            "name": camera.get_name(),
            "size": [int(side) for side in camera.get_size()],
            "fisheye": isinstance(camera, FisheyeCamera),
            "matrix": np.array(camera.get_camera_matrix()).tolist(),
            "distortions": np.ravel(camera.get_distortions()).tolist(),
            "rotation": np.ravel(camera.get_rotation()).tolist(),
            "translation": np.ravel(camera.get_translation()).tolist(),
        }
        for camera in group.cameras
    ]
    (folder / "loaded.json").write_text(json.dumps(told), "utf-8")
    group.dump(str(folder / "copied.toml"))


TASKS = {"version": version, "triangulate": triangulate, "optimise": optimise, "calibrate": calibrate}


def main(arguments: list[str]) -> int:
    """Run one task; what the peer prints is thrown away."""
    task, job, result = arguments
    with contextlib.redirect_stdout(io.StringIO()):
        found = TASKS[task](json.loads(Path(job).read_text("utf-8")))
    Path(result).write_text(json.dumps(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
