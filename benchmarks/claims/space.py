"""space.*: triangulation and smoothing at an equal objective, against aniposelib 0.8.

Simulated cameras (1280 x 1024 px, 300 mm away, 26 degrees apart, bent lenses) whose points, boards and
numbers are known exactly.
"""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = [
    "CLAIMS",
    "SIZE",
    "check_objective",
    "check_points",
    "claim_of",
    "made_by",
    "numbers_of",
    "optimise",
    "peer_in",
    "prepare_objective",
    "prepare_points",
    "rig_of",
    "triangulate",
]

PEER = "aniposelib"
SIZE = (1280, 1024)
N_POINTS, N_PEER = 65_000, 200
N_FRAMES, N_KEYPOINTS = 120, 13
SMOOTH, LENGTH, THRESHOLD = 2.0, 2.0, 5.0
"""Strengths of the peer's objective, and where its loss bends [px]."""


def claim_of(
    name: str,
    title: str,
    side: str,
    bound: float,
    about: str,
    *,
    module: str = __name__,
    sets: tuple[str, ...] = ("full",),
    **arguments: Any,
) -> Claim:
    """Make a claim on the CPU time of a function that the peer's runner has under the same name."""
    return Claim(
        name=f"space.{name}",
        title=title,
        module=module,
        sets=sets,
        sides={"mystax": side},
        goals=(Goal("cpu", "peer", bound),),
        peer=(PEER, side),
        prepare=f"prepare_{about}",
        check=f"check_{about}",
        basis="work",
        arguments=arguments,
    )


CLAIMS = (
    *(
        claim_of(
            f"triangulate.{name}",
            f"robust triangulation, {n} cameras, {text}",
            "triangulate",
            300,
            "points",
            sets=("quick",) if name == "outliers" else ("full",),
            n_cameras=n,
            missing=missing,
            n_peer=N_PEER,
        )
        for name, n, missing, text in (
            ("outliers", 3, 0.05, "5 % outliers of 60 px, 5 % missing"),
            ("occluded", 4, 0.3, "5 % outliers of 60 px, 30 % missing"),
        )
    ),
    *(
        claim_of(
            f"objective.{n}",
            f"the peer's objective from an equal start, {n} cameras, {N_FRAMES} x {N_KEYPOINTS} points",
            "optimise",
            90,
            "objective",
            n_cameras=n,
        )
        for n in (2, 3, 4)
    ),
)


def peer_in(last: dict[str, Any]) -> str | None:
    """Return the side of the peer that has been measured, if any."""
    return next((name for name in ("peer", "peer-one-thread") if name in last), None)


def made_by(last: dict[str, Any], side: str) -> Any:
    """Load the arrays that a side has made."""
    import numpy as np

    return np.load(Path(last[side]["folder"]) / "out.npz")


def rig_of(n: int, seed: int = 0) -> Any:
    """Cameras about a small cube."""
    import numpy as np

    from mystax.core.rig_model import CameraModel, make_rig

    rng, cameras = np.random.default_rng(seed), []
    for k in range(n):
        azimuth = np.radians(26.0 * (k - (n - 1) / 2))
        centre = 300 * np.array([np.sin(azimuth), 0.1 * (-1) ** k, -np.cos(azimuth)])
        z = -centre / np.linalg.norm(centre)
        x = np.cross([0.0, 1.0, 0.0], z)
        x /= np.linalg.norm(x)
        rotation = np.stack([x, np.cross(z, x), z])
        f = 1400 * (1 + rng.uniform(-0.02, 0.02))
        middle = np.array([639.5, 511.5]) + rng.normal(0, 8, 2)
        matrix = np.array([[f, 0, middle[0]], [0, f * 1.001, middle[1]], [0, 0, 1.0]])
        lens = np.array([-0.12, 0.03, 5e-4, -5e-4, 0.0])
        cameras.append(CameraModel(f"cam{k}", SIZE, matrix, lens, rotation, -rotation @ centre))
    return make_rig(cameras)


def numbers_of(rig: Any) -> dict[str, Any]:
    """Return the cameras as arrays."""
    import numpy as np

    return {
        "matrix": np.stack([camera.matrix for camera in rig.cameras]),
        "distortion": np.stack([camera.distortion for camera in rig.cameras]),
        "rotation": np.stack([camera.rotation for camera in rig.cameras]),
        "translation": np.stack([camera.translation for camera in rig.cameras]),
        "size": np.array([camera.size for camera in rig.cameras]),
    }


def _spoiled(exact: Any, rng: Any, missing: float) -> Any:
    """Add noise of 1 px, 5 % outliers of 60 px, and holes."""
    import numpy as np

    pixels = exact + rng.normal(0, 1, exact.shape)
    wrong = rng.random(exact.shape[:-1]) < 0.05
    angle = rng.uniform(0, 2 * np.pi, int(wrong.sum()))
    pixels[wrong] += 60 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pixels[rng.random(exact.shape[:-1]) < missing] = np.nan
    return pixels


def prepare_points(job: dict[str, Any]) -> dict[str, Any]:
    """Draw points in a cube of 30 mm."""
    import numpy as np

    from mystax.compute.projection import project_rig

    rng, rig = np.random.default_rng(1), rig_of(job["n_cameras"])
    truth = rng.uniform(-15, 15, (N_POINTS, 3))
    pixels = _spoiled(project_rig(rig, truth), rng, job["missing"])
    world = Path(job["work"]) / "points.npz"
    np.savez(world, truth=truth, pixels=pixels, **numbers_of(rig))
    return {"world": str(world)}


def triangulate(job: dict[str, Any]) -> dict[str, Any]:
    """Triangulate all points robustly, as `mystax.Rig.triangulate` does with equal noise."""
    import numpy as np

    from mystax.compute.triangulation import triangulate as found_places

    rig, pixels = rig_of(job["n_cameras"]), np.load(job["world"])["pixels"]
    precision = np.tile(np.array([1.0, 0.0, 1.0]), (*pixels.shape[:2], 1))
    found_places(rig, pixels[:, :5], precision[:, :5])  # loads the compiled loops
    with Stopwatch() as watch:
        found = found_places(rig, pixels, precision)
    np.savez(job["out"], position=found.position)
    return watch.values(pixels.shape[1], "point")


def check_points(job: dict[str, Any]) -> dict[str, Any]:
    """Compare errors on all points, and on those that the peer's robust method was given."""
    import numpy as np

    world, last = np.load(job["world"]), job["last"]

    def error(place: Any, truth: Any) -> Any:
        return np.linalg.norm(place - truth, axis=1)

    ours = error(made_by(last, "mystax")["position"], world["truth"])
    enough = np.isfinite(world["pixels"][..., 0]).sum(axis=0) >= 2
    said = {"median": float(np.nanmedian(ours)), "mean": float(np.nanmean(ours))}
    # two views alone cannot tell which one is wrong, so with holes the bounds are those of the outliers left
    most = (0.34, 1.0) if job["missing"] < 0.1 else (0.45, 3.0)
    ok = bool((np.isfinite(ours) == enough).all()) and said["median"] <= most[0] and said["mean"] <= most[1]
    side = peer_in(last)
    if side is None:
        return {"ok": ok, **said}
    peer = made_by(last, side)
    some = peer["usable"]
    robust, plain = error(peer["robust"], world["truth"][some]), error(peer["plain"], world["truth"])
    said |= {
        "peer_robust_median": float(np.nanmedian(robust)),
        "peer_robust_mean": float(np.nanmean(robust)),
        "same_points_median": float(np.nanmedian(ours[some])),
        "same_points_mean": float(np.nanmean(ours[some])),
        "peer_linear_median": float(np.nanmedian(plain[enough])),
        "peer_linear_mean": float(np.nanmean(plain[enough])),
        "ratio_to_linear_cpu": float(last["mystax"]["work_cpu_s"]) / float(last[side]["linear_s"]),
    }
    better = 1.2 * said["same_points_median"] <= said["peer_robust_median"]
    if job["missing"] < 0.1:
        better = better and 10 * said["mean"] <= said["peer_linear_mean"]
    return {"ok": ok and better, **said}


def prepare_objective(job: dict[str, Any]) -> dict[str, Any]:
    """Simulate moving points of which four are rigid, and a robust start."""
    import numpy as np

    from mystax.compute.projection import project_rig
    from mystax.compute.trajectory import fill_gaps
    from mystax.compute.triangulation import triangulate as found_places
    from mystax.core.rotations import rotation_of

    rng, rig = np.random.default_rng(4), rig_of(job["n_cameras"])
    times = np.arange(N_FRAMES) / 50
    base = rng.uniform(-15, 15, (N_KEYPOINTS, 3))
    turns = [rotation_of(np.array([0, 0.08 * np.sin(2 * np.pi * 0.3 * time), 0])) for time in times]
    truth = np.stack([base @ turn.T for turn in turns])
    for k in range(4, N_KEYPOINTS):
        way = rng.normal(size=3)
        way *= rng.uniform(0.5, 3) / np.linalg.norm(way)
        truth[:, k] += np.sin(2 * np.pi * rng.uniform(1, 10) * times + rng.uniform(0, 6))[:, None] * way
    exact = project_rig(rig, truth.reshape(-1, 3)).reshape(len(rig.cameras), *truth.shape[:2], 2)
    pixels = _spoiled(exact, rng, 0.05)
    flat = np.ascontiguousarray(pixels.reshape(len(pixels), -1, 2))
    precision = np.tile(np.array([1.0, 0.0, 1.0]), (*flat.shape[:2], 1))
    start = found_places(rig, flat, precision).position.reshape(truth.shape)
    start = fill_gaps(np.arange(float(N_FRAMES)), start)
    limbs = np.array([[a, b] for a in range(4) for b in range(a + 1, 4)])
    world = Path(job["work"]) / "movement.npz"
    np.savez(world, truth=truth, pixels=pixels, start=start, limbs=limbs, **numbers_of(rig))
    return {"world": str(world)}


def _strength(start: Any) -> float:
    """Strength of the smoothness: relative to the mean step of the median-filtered start."""
    import numpy as np
    from scipy.signal import medfilt

    calm = np.apply_along_axis(lambda values: _median_filled(values, medfilt), 0, start)
    return float((SMOOTH / np.mean(np.abs(np.diff(calm, axis=0)))) ** 2)


def _median_filled(values: Any, medfilt: Any) -> Any:
    """Median filter of 7 frames, reflected at the ends."""
    import numpy as np

    padded = np.pad(values, 7, mode="reflect")
    return medfilt(padded, 7)[7:-7]


def optimise(job: dict[str, Any]) -> dict[str, Any]:
    """Minimise the same objective: four points joined by limbs together, the others one by one."""
    import numpy as np

    from mystax.compute.limb_lengths import Limb
    from mystax.compute.trajectory import smooth_trajectory
    from mystax.compute.trajectory_steps import Pixels

    world, rig = np.load(job["world"]), rig_of(job["n_cameras"])
    pixels, start, limbs = world["pixels"], world["start"], world["limbs"]
    times = np.arange(float(N_FRAMES))

    def solve(points: list[int], joined: bool) -> Any:
        uv = np.ascontiguousarray(pixels[:, :, points])
        precision = np.tile(np.array([1.0, 0.0, 1.0]), (*uv.shape[:3], 1))
        own = start[:, points]
        terms = [
            Limb(int(a), int(b), float(np.linalg.norm(own[:, a] - own[:, b], axis=1).mean()), 0.01 / LENGTH)
            for a, b in (limbs if joined else ())
        ]
        return smooth_trajectory(
            rig,
            Pixels(uv, precision),
            own,
            times,
            strength=strength,
            limbs=terms,
            free_lengths=joined,
            loss="soft_l1",
            loss_scale=THRESHOLD,
            n_steps=60,
            tolerance=1e-7,
        ).position

    strength = _strength(start)
    solve([0, 1, 2, 3], True)  # loads the compiled loops
    with Stopwatch() as watch:
        strength = _strength(start)
        parts = [solve([0, 1, 2, 3], True), *(solve([k], False) for k in range(4, N_KEYPOINTS))]
    np.savez(job["out"], position=np.concatenate(parts, axis=1))
    return watch.values(1, "problem")


def _cost(world: Any, rig: Any, place: Any) -> float:
    """Evaluate the objective in plain NumPy, with the lengths that minimise it."""
    import numpy as np

    from mystax.compute.projection import project_rig

    pixels = world["pixels"]
    off = np.abs(project_rig(rig, np.ascontiguousarray(place.reshape(-1, 3))).reshape(pixels.shape) - pixels)
    bent = 2 * THRESHOLD * (np.sqrt(1 + off[np.isfinite(off)] / THRESHOLD) - 1)
    cost = float((bent**2).sum())
    cost += _strength(world["start"]) * float((np.diff(place, n=2, axis=0) ** 2).sum())
    for a, b in world["limbs"]:
        d = np.linalg.norm(place[:, a] - place[:, b], axis=1)
        length = float((d @ d) / d.sum())
        cost += float((((d - length) * 100 * LENGTH / length) ** 2).sum())
    return cost


def check_objective(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the values of the objective."""
    import numpy as np

    world, rig, last = np.load(job["world"]), rig_of(job["n_cameras"]), job["last"]
    ours = _cost(world, rig, made_by(last, "mystax")["position"])
    side = peer_in(last)
    begun = _cost(world, rig, world["start"])
    if side is None:
        return {"ok": ours < begun, "cost": ours, "start": begun}
    peer = _cost(world, rig, made_by(last, side)["position"])
    return {"ok": ours <= 1.005 * peer, "cost": ours, "peer": peer, "start": begun, "ratio": ours / peer}
