"""space.calibrate.*: calibration from equal corners, against aniposelib 0.8, and rigs that both read."""

from pathlib import Path
from typing import Any

from benchmarks.claims.space import SIZE, claim_of, made_by, numbers_of, peer_in, rig_of
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "calibrate", "check_calibration", "prepare_calibration"]

N_VIEWS = 100

CLAIMS = tuple(
    claim_of(
        f"calibrate.{n}",
        f"calibration, {n} cameras, {N_VIEWS} views of a board, 0.3 px, equal corners",
        "calibrate",
        8,
        "calibration",
        module=__name__,
        n_cameras=n,
    )
    for n in (2, 4)
)


def prepare_calibration(job: dict[str, Any]) -> dict[str, Any]:
    """Simulate views of a board of 10 x 7 squares of 6 mm."""
    import numpy as np

    from mystax.compute.projection import project_rig
    from mystax.core.rotations import rotation_of
    from mystax.io.rig import rig_to_toml

    rng, rig = np.random.default_rng(0), rig_of(job["n_cameras"])
    x, y = np.meshgrid(np.arange(1, 10), np.arange(1, 7))
    board = np.stack([x.ravel() * 6.0, y.ravel() * 6.0, np.zeros(x.size)], axis=1)
    corners = np.full((len(rig.cameras), N_VIEWS, len(board), 2), np.nan)
    for v in range(N_VIEWS):
        rotation = rotation_of(rng.normal(0, 0.45, 3))
        places = board @ rotation.T + rng.uniform(-25, 25, 3) - rotation @ board.mean(axis=0)
        seen = project_rig(rig, places)
        seen = seen + rng.normal(0, 0.3, seen.shape)
        inside = np.asarray((seen > 0).all(axis=2) & (seen < np.array(SIZE) - 1).all(axis=2))
        corners[:, v] = np.where(inside[..., None], seen, np.nan)
    world = Path(job["work"]) / "boards.npz"
    np.savez(world, corners=corners, board=board, **numbers_of(rig))
    shared = Path(job["work"]) / "calibration.toml"
    shared.write_text(rig_to_toml(_shared_rig()), "utf-8")
    return {"world": str(world), "shared": str(shared)}


def _shared_rig() -> Any:
    """Twelve cameras, the last a fisheye, with all that a calibration of ours writes about them."""
    from dataclasses import replace

    from mystax.core.rig_model import RigModel

    cameras = [
        replace(camera, sd={"fx": 0.5}, n_views=90, rms=0.3, crop=(8.0, 4.0)) for camera in rig_of(12).cameras
    ]
    last = cameras[-1]
    cameras[-1] = replace(last, distortion=last.distortion[:4], is_fisheye=True)
    return RigModel(tuple(cameras), {"board": "charuco:10x7:6:4", "fixed": ["k2"]})


def calibrate(job: dict[str, Any]) -> dict[str, Any]:
    """Calibrate from the corners."""
    import numpy as np

    from mystax.compute.calibration import calibrate as calibrated

    world = np.load(job["world"])
    corners, board, n = world["corners"], world["board"], job["n_cameras"]
    names = [f"cam{c}" for c in range(n)]
    calibrated(names, [SIZE] * n, corners[:, :10], board)  # loads the compiled loops
    with Stopwatch() as watch:
        found = calibrated(names, [SIZE] * n, corners, board)
    again = calibrated(names, [SIZE] * n, corners, board)
    np.savez(job["out"], **numbers_of(found.rig))
    return {**watch.values(1, "calibration"), "equal": found.rig.fingerprint == again.rig.fingerprint}


def _error(numbers: Any, truth: Any) -> float:
    """Median error [mm] of exact points through the estimated cameras, after rigid alignment."""
    import numpy as np

    from mystax.compute.projection import project_rig
    from mystax.compute.triangulation import triangulate as found_places
    from mystax.core.rig_model import CameraModel, make_rig
    from mystax.core.rotations import rigid_fit, rotation_of

    rotations = (
        numbers["rotation"]
        if "rotation" in numbers
        else [rotation_of(vector) for vector in numbers["vector"]]
    )
    rig = make_rig(
        [
            CameraModel(
                f"cam{c}", SIZE, numbers["matrix"][c], numbers["distortion"][c], rotations[c], translation
            )
            for c, translation in enumerate(numbers["translation"])
        ]
    )
    points = np.random.default_rng(5).uniform(-15, 15, (500, 3))
    precision = np.tile(np.array([1.0, 0, 1]), (len(rig.cameras), 500, 1))
    place = found_places(rig, project_rig(truth, points), precision, robust=False).position
    turn, shift = rigid_fit(place, points)
    return float(np.median(np.linalg.norm(place @ turn.T + shift - points, axis=1)))


def _exchange(folder: Path) -> float:
    """Largest difference of any number after the peer has read our file, and after we have read its copy."""
    import json

    import numpy as np

    from mystax.core.rotations import vector_of
    from mystax.io.rig import read_rig

    ours = _shared_rig().cameras
    theirs = json.loads((folder / "loaded.json").read_text("utf-8"))
    copied = read_rig(folder / "copied.toml").cameras
    if [item["name"] for item in theirs] != [camera.name for camera in ours]:
        return float("inf")
    if [item["fisheye"] for item in theirs] != [camera.is_fisheye for camera in ours]:
        return float("inf")
    off = 0.0
    for camera, item, copy in zip(ours, theirs, copied, strict=True):
        if tuple(item["size"]) != camera.size or (copy.name, copy.size) != (camera.name, camera.size):
            return float("inf")
        numbers = {
            "matrix": camera.matrix,
            "distortions": camera.distortion,
            "rotation": vector_of(camera.rotation),
            "translation": camera.translation,
        }
        off = max(
            off, *(float(np.abs(np.ravel(item[key]) - np.ravel(numbers[key])).max()) for key in numbers)
        )
        off = max(off, float(np.abs(copy.row() - camera.row()).max()))
    return off


def check_calibration(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the errors in space, see that two runs gave equal bits, and that the peer reads our rigs."""
    truth, last, n = rig_of(job["n_cameras"]), job["last"], job["n_cameras"]
    ours = _error(made_by(last, "mystax"), truth)
    ok = bool(last["mystax"]["equal"]) and ours <= (0.008 if n == 2 else 0.003)
    side = peer_in(last)
    if side is None:
        return {"ok": ok, "error_mm": ours}
    peer, exchanged = _error(made_by(last, side), truth), _exchange(Path(last[side]["folder"]))
    ok = ok and (3 if n == 2 else 1) * ours <= peer and exchanged < 1e-12
    return {"ok": ok, "error_mm": ours, "peer_mm": peer, "exchanged": exchanged}
