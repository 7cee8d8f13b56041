"""What a reconstruction is worth: numbers for the report, and remarks where one of them is out of bounds."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.pose3d_views import Gathered
from mystax.compute.rig_checks import OffsetScan, camera_doubts, pair_doubts, scan_offset
from mystax.compute.shape3d import MIN_FLATNESS, flatness, mean_shape
from mystax.core.quality import Flag
from mystax.core.rig_model import RigModel
from mystax.core.typing import Float64

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["MAX_LOST", "lost_flag", "quality_of", "rig_flags"]

MAX_LEFT_OUT = 5.0
MAX_RATIO = 3.0
MIN_INLIERS = 0.7
FEWEST = 20
"""Points from which on medians of residuals are compared."""
MIN_RAY_ANGLE = np.radians(5.0)
MAX_SCAN_FRAMES = 20_000
MAX_LOST = 0.002
"""Share of times at which smoothed and measured places contradict each other that is worth a remark."""


def rig_flags(rig: RigModel) -> list[Flag]:
    """Say what is not plausible about a rig: N312 per camera, N313 for cameras at one place."""
    found = [
        Flag("N312", f"camera {camera.name}: {'; '.join(doubts)}")
        for camera in rig.cameras
        if (doubts := camera_doubts(camera))
    ]
    return found + [Flag("N313", text) for text in pair_doubts(rig)]


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _percentile(values: np.ndarray, percent: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, percent)) if len(known) else float("nan")


def _camera_facts(dataset: Dataset, c: int) -> dict[str, float]:
    """Residuals and inlier share of one camera."""
    residual = dataset["residual"].values[:, c]
    left_out = dataset["residual_left_out"].values[:, c]
    used = dataset["used"].values[:, c]
    seen = used >= 0
    together = seen & np.isfinite(residual)
    return {
        "seen": float(seen.mean()),
        "inliers": float((used[together] == 1).mean()) if together.any() else float("nan"),
        "residual": _median(residual),
        "residual_95": _percentile(residual, 95),
        "left_out": _median(left_out),
        "left_out_ratio": _ratio(left_out, residual),
        "left_out_95": _percentile(left_out, 95),
    }


def _ratio(left_out: np.ndarray, residual: np.ndarray) -> float:
    """Return the median of one over that of the other, where both are known; NaN for a few points."""
    both = np.isfinite(left_out) & np.isfinite(residual)
    return (
        _median(left_out[both]) / max(_median(residual[both]), 1e-9) if both.sum() >= FEWEST else float("nan")
    )


def _camera_flags(name: str, facts: dict[str, float]) -> list[Flag]:
    found = []
    left_out, residual = facts["left_out"], facts["residual"]
    if left_out > MAX_LEFT_OUT or facts["left_out_ratio"] > MAX_RATIO:
        found.append(
            Flag(
                "N315",
                f"camera {name} lies {left_out:.1f} px from what the others say (in-sample {residual:.1f}): "
                "moved, out of time, or another rig?",
            )
        )
    if facts["inliers"] < MIN_INLIERS:
        found.append(
            Flag("N315", f"camera {name} is rejected in {100 * (1 - facts['inliers']):.0f} % of its points")
        )
    return found


def _offsets(rig: RigModel, gathered: Gathered) -> tuple[dict[str, OffsetScan], float]:
    """Scan each camera against the rest; also return the interval of frames [s]."""
    n = len(gathered.times)
    step = float(np.median(np.diff(gathered.times))) if n > 1 else float("nan")
    start = max(0, (n - MAX_SCAN_FRAMES) // 2)
    at = slice(start, start + MAX_SCAN_FRAMES)
    uv: Float64[np.ndarray, "camera time keypoint 2"] = np.stack(
        [gathered.point(k, 0)[0][:, at] for k in range(len(gathered.names))], axis=2
    )
    seen = [c for c in range(len(rig.cameras)) if np.isfinite(uv[c]).any()]
    # Of two cameras only their difference can be told: the first one is taken as right.
    return {gathered.cameras[c]: scan_offset(rig, uv, c) for c in (seen if len(seen) > 2 else seen[1:])}, step


def lost_flag(name: str, share: float) -> Flag:
    """Say that one strength for the whole recording smoothed brief movement of a point away."""
    text = (
        f"{name}: at {share:.1%} of the times the smoothed place contradicts what its cameras agree on: "
        "brief movement is smoothed away; take position_raw, or give a cut-off (--smooth HZ)"
    )
    return Flag("N304", text)


def quality_of(
    rig: RigModel, gathered: Gathered, dataset: Dataset, pixel_sd: Float64[np.ndarray, "camera keypoint"]
) -> tuple[dict[str, object], list[Flag]]:
    """Collect the numbers of the quality report.

    Parameters
    ----------
    rig : RigModel
        The cameras.
    gathered : Gathered
        What they see.
    dataset : Dataset
        The outcome.
    pixel_sd : array (camera, keypoint)
        Noise that was used or found [px].

    Returns
    -------
    facts : dict
        Plain values.
    flags : list of Flag
        N312-N315.
    """
    flags = rig_flags(rig)
    facts: dict[str, object] = {}
    cameras = {name: _camera_facts(dataset, c) for c, name in enumerate(gathered.cameras)}
    for c, (name, mine) in enumerate(cameras.items()):
        mine["pixel_sd"] = _median(pixel_sd[c])
        flags += _camera_flags(name, mine)
        if name not in gathered.views:
            flags.append(Flag("N315", f"camera {name} of the rig has no track in this recording"))
    facts["cameras"] = cameras
    n_seen = (dataset["used"].values >= 0).sum(axis=1)
    facts["seen_by"] = {str(n): float((n_seen == n).mean()) for n in range(len(gathered.cameras) + 1)}
    angle = _median(dataset["ray_angle"].values)
    facts["ray_angle"] = angle
    if angle < MIN_RAY_ANGLE:
        flags.append(
            Flag("N313", f"rays meet at {np.degrees(angle):.1f} degrees in the median: depth is uncertain")
        )
    shape = mean_shape(dataset["position"].values[..., 0].astype(np.float64))
    flat = flatness(shape)
    facts["flatness"] = flat
    if flat < MIN_FLATNESS:
        flags.append(Flag("N313", f"the mean shape is flat: third over first extent {flat:.3f}"))
    facts["sd"] = _median(np.sqrt(dataset["covariance"].values[:, [0, 3, 5]].sum(axis=1)))
    facts["disagree"] = float((dataset["flag"].values & 1).astype(bool).mean())
    offsets, step = _offsets(rig, gathered)
    facts["offsets"] = {
        name: {"frames": scan.lag, "seconds": scan.lag * step, "gain": scan.gain, "clear": scan.is_clear}
        for name, scan in offsets.items()
    }
    # A camera that is late makes the others look early: the one that explains most is named.
    late_ones = [(scan.gain, name) for name, scan in offsets.items() if scan.is_late]
    if late_ones:
        gain, name = max(late_ones)
        late = offsets[name].lag * step
        word = "late" if late > 0 else "early"
        flags.append(
            Flag(
                "N315",
                f"camera {name} seems {abs(late) * 1000:.1f} ms {word} (residuals fall by {100 * gain:.0f} % "
                f"there); nothing was shifted: --offset {name}={-late:.4f}",
            )
        )
    n_infinite = sum(view.n_infinite for view in gathered.views.values())
    facts["n_refused_values"] = n_infinite
    if n_infinite:
        flags.append(
            Flag("N304", f"{n_infinite} points with infinite places or a confidence outside 0..1 are missing")
        )
    return facts, flags
