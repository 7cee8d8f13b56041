"""The rows of the truth table: what mystax measures in each input, and whether it is within its bound."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.exact import captured_share, exact_values, motion_rows
from benchmarks.truth_worlds import BIN, RATE, SHIFTS, World, block_sums_of
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource

__all__ = ["ROWS", "TruthRow"]

MOTION = Roi("whisker_pad", "motion", Rectangle(16, 24, 80, 64))
SECOND = Roi("nose", "motion", Rectangle(104, 32, 48, 72))
PUPIL = Roi("eye", "pupil", Ellipse(60, 56, 22, 18))
LIDS = Roi("lids", "blink", Ellipse(60, 56, 24, 20))
WHEELS = (Roi("wheel", "running", Rectangle(0, 0, 64, 96)), Roi("belt", "running", Rectangle(72, 0, 64, 96)))


@dataclass(frozen=True)
class TruthRow:
    """One row.

    Attributes
    ----------
    number : int
        Of the row.
    what : str
        The input.
    truth : str
        What is true.
    ours : str
        What mystax measures.
    bound : str
        What it must reach.
    ok : bool
        Whether it does.
    values : tuple of float
        The numbers behind it.
    """

    number: int
    what: str
    truth: str
    ours: str
    bound: str
    ok: bool
    values: tuple[float, ...] = field(default=())


def _boxed(frames: np.ndarray, roi: Roi) -> np.ndarray:
    box = roi.shape
    assert isinstance(box, Rectangle)  # noqa: S101 - the regions of this table are rectangles
    return frames[:, box.y : box.y + box.height, box.x : box.x + box.width]


def _relative(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the largest difference, relative to the largest value."""
    return float(np.abs(found - truth).max() / np.abs(truth).max())


def _wheel(world: World) -> TruthRow:
    import mystax

    roi = Roi("wheel", "running", Rectangle(0, 0, 136, 96))
    found = mystax.running(world.source("wheel"), rois=[roi])["shift"].values[1:, 0, ::-1]
    error = float(np.abs(found - np.array(SHIFTS)).max())
    ours = " ".join(f"({y:.1f},{x:.1f})" for y, x in found)
    truth = " ".join(f"({y},{x})" for y, x in SHIFTS)
    return TruthRow(
        1, "wheel shifted by (dy, dx)", truth, ours, "each within 0.1 px", error <= 0.1, tuple(found.ravel())
    )


def _jumps(world: World) -> TruthRow:
    import mystax

    energy = mystax.motion(world.source("jumps"))["energy"].values[:, 0]
    found = np.flatnonzero(np.nan_to_num(energy) > 0).tolist()
    return TruthRow(
        2,
        "one jump at frame 300, one at 700",
        "energy at 300, 700",
        ", ".join(map(str, found)),
        "exact",
        found == [300, 700],
        tuple(map(float, found)),
    )


def _svd(world: World, **parameters: Any) -> Any:
    import mystax

    return mystax.svd(world.source("moving"), bin=BIN, **parameters)


def _norms(world: World) -> TruthRow:
    found = _svd(world, n_components=50)
    masks = found["motion_mask"].values[0].reshape(50, -1)
    norms = np.linalg.norm(masks.astype(np.float64), axis=1)
    values = exact_values(motion_rows(block_sums_of(world.movie("moving"))))
    truth = np.sqrt(values[:50]) / BIN**2
    error = _relative(found["motion_singular_value"].values[0], truth)
    off = float(np.abs(norms - 1).max())
    return TruthRow(
        3,
        "1,000-frame video",
        "mask norms 1; S of the data",
        f"norms 1 +- {off:.0e}; S within {error:.0e}",
        "norms 1 +- 1e-5; S within 1e-6",
        off <= 1e-5 and error <= 1e-6,
        (off, error),
    )


def _two_regions(world: World) -> TruthRow:
    found = _svd(world, n_components=20, rois=[MOTION, SECOND])["motion_singular_value"].values
    errors = []
    for number, roi in enumerate((MOTION, SECOND)):
        values = exact_values(motion_rows(block_sums_of(_boxed(world.movie("moving"), roi))))
        errors.append(_relative(found[number], np.sqrt(values[:20]) / BIN**2))
    return TruthRow(
        4,
        "2 motion regions",
        "2 sets of singular values",
        f"2 sets, within {max(errors):.0e}",
        "both, within 1e-6",
        max(errors) <= 1e-6,
        tuple(errors),
    )


def _overlap(world: World, number: int, name: str, roi: Roi, variable: str, kind: str) -> TruthRow:
    import mystax

    function = getattr(mystax, name)
    alone = function(world.source("moving"), rois=[roi])[variable].values
    run = mystax.run(
        world.source("moving"),
        analyses=[name, "pupil"],
        rois=[roi, PUPIL],
    )
    both = run[name][variable].values
    same = bool(np.array_equal(alone, both, equal_nan=True))
    mean = float(np.nanmean(both))
    return TruthRow(
        number,
        f"{kind} region with and without an overlapping pupil region",
        "equal",
        "bit-equal" if same else "different",
        "bit-equal",
        same,
        (float(np.nanmean(alone)), mean),
    )


def _uniform(world: World) -> TruthRow:
    import mystax

    frames = world.movie("flicker")
    found = mystax.svd(ArraySource(frames, RATE), bin=BIN, n_components=500)
    masks = np.nan_to_num(found["motion_mask"].values[0].reshape(found.sizes["component"], -1).T)
    motion = motion_rows(block_sums_of(frames))
    values = exact_values(motion)
    shares = [captured_share(motion, masks, values, n) for n in (1, 100, 500)]
    return TruthRow(
        7,
        "brightness of the whole picture changes by 10 %",
        "1 component",
        f"captured {shares[0]:.4f} (k = 1), {shares[1]:.4f} (k = 100), {shares[2]:.4f} (k = 500) of exact",
        ">= 0.999 (k = 100), >= 0.98 (k = 500)",
        shares[0] >= 0.999 and shares[1] >= 0.999 and shares[2] >= 0.98,
        tuple(shares),
    )


def _mean_motion(world: World) -> TruthRow:
    import mystax

    frames = world.movie("bouts")
    found = mystax.motion(ArraySource(frames, RATE), bin=BIN)["mean_motion"].values
    sums = block_sums_of(frames).astype(np.int64)
    truth = np.abs(np.diff(sums, axis=0)).mean(0).reshape(found.shape) / BIN**2
    error = float(np.abs(found / truth - 1).max())
    return TruthRow(
        8,
        "mean motion over 6,000 frames",
        "all frames",
        f"{error:.0e} error per pixel",
        "<= 1e-6",
        error <= 1e-6,
        (error,),
    )


def _two_wheels(world: World) -> TruthRow:
    import mystax

    both = mystax.running(world.source("wheel"), rois=list(WHEELS))["shift"].values
    same = all(
        np.array_equal(
            mystax.running(world.source("wheel"), rois=[roi])["shift"].values[:, 0], both[:, k], True
        )
        for k, roi in enumerate(WHEELS)
    )
    return TruthRow(
        9,
        "2 running regions",
        "both",
        "equal to single runs" if same else "different",
        "equal to single runs",
        same,
    )


def _movie(world: World) -> TruthRow:
    found = _svd(world, n_components=30, with_motion=False, with_movie=True)
    sums = block_sums_of(world.movie("moving")).astype(np.float64)
    truth = np.linalg.svd(sums - sums.mean(0), compute_uv=False)[:30] / BIN**2
    error = _relative(found["movie_singular_value"].values[0], truth)
    return TruthRow(
        10,
        "movie SVD without motion SVD",
        "S of the data",
        f"within {error:.0e}",
        "within 1e-6",
        error <= 1e-6,
        (error,),
    )


def _pupil_cases(_: World) -> TruthRow:
    import mystax
    from mystax.synth.eye import eye_case, render_eye

    numbers = []
    for case, bound in (("clean", 0.015), ("reflections", 0.015), ("lid", 0.05)):
        errors = []
        for seed in range(40):
            eye = eye_case(case, seed)
            frames = np.repeat(render_eye(eye, seed)[None], 3, 0)
            area = mystax.pupil(ArraySource(frames, 30), rois=[eye.roi("eye")], min_confidence=0)[
                "area"
            ].values
            errors.append(float(np.abs(area[0, 0] / eye.area - 1)))
        numbers += [float(np.nanmedian(errors)), float(np.nanpercentile(errors, 95)), bound]
    ok = all(numbers[k] <= numbers[k + 2] for k in (0, 3, 6))
    return TruthRow(
        11,
        "pupil area: clean / 2 reflections / lid 25 %",
        "0 error",
        " / ".join(f"{numbers[k]:.1%} ({numbers[k + 1]:.1%} at the 95th percentile)" for k in (0, 3, 6)),
        "median <= 1.5 % / 1.5 % / 5 %",
        ok,
        tuple(numbers),
    )


def _radius(_: World) -> TruthRow:
    import mystax
    from mystax.synth.eye import Eye, render_eye

    eye = Eye(radius=20.0)
    frames = np.stack([render_eye(eye, seed) for seed in range(12)])
    found = mystax.pupil(ArraySource(frames, 30), rois=[eye.roi("eye")])
    axes = np.nanmedian([found["major"].values[:, 0], found["minor"].values[:, 0]], axis=1) / 2
    return TruthRow(
        12,
        "pupil of radius 20 px",
        "semi-axis 20 px",
        f"{axes[0]:.2f}, {axes[1]:.2f} px (long first)",
        "20 +- 0.3 px",
        bool(np.abs(axes - 20).max() <= 0.3),
        tuple(map(float, axes)),
    )


def _blink_unit(world: World) -> TruthRow:
    import mystax

    found = mystax.blink(world.source("moving"), rois=[LIDS])
    units = [str(found[name].attrs.get("units", "")) for name in ("darkness", "openness")]
    return TruthRow(
        13,
        "blink: unit of the trace",
        "documented unit",
        f"darkness [{units[0]}], openness [{units[1]}]",
        "documented unit",
        units == ["grey_level", "1"],
    )


def _damaged(world: World) -> TruthRow:
    import mystax
    from mystax.synth import faulty_video

    path = world.folder / "damaged.mkv"
    truth = faulty_video(path, "flipped", container="mkv", codec="ffv1", n_frames=120, key_interval=1)
    found = mystax.motion(str(path))
    missing = found["missing"].values != 0
    energy = found["energy"].values[:, 0]
    touched = missing.copy()
    touched[1:] |= missing[:-1]
    clean = int(np.isfinite(energy[touched]).sum()) == 0
    n, n_damaged = int(missing.sum()), len(truth.damaged_packets)
    # Every picture stands alone and carries a checksum: packets and frames are the same thing here.
    right = set(truth.damaged_packets) == set(np.flatnonzero(missing).tolist())
    return TruthRow(
        14,
        f"video with {n_damaged} damaged frames",
        "missing",
        f"{n} of {n_damaged} missing, with a reason; NaN there",
        "NaN + reason",
        clean and right,
        (float(n),),
    )


def _comparable(world: World) -> TruthRow:
    import mystax

    def level(name: str, rate: int = RATE) -> float:
        energy = mystax.motion(world.source(name, rate), bin=BIN)["energy_norm"].values[:, 0]
        moving = np.clip(2 * np.sin(2 * np.pi * 0.4 * np.arange(len(energy)) / rate), 0, 1) > 0.9
        return float(np.nanmean(energy[moving]))

    reference = level("reference")
    ratios = [level("half_light") / reference, level("double_noise") / reference]
    ratios.append(level("half_rate", 50) / reference)
    return TruthRow(
        15,
        "light x 0.5, noise x 2, 50 against 100 frames/s",
        "1, 1, 1",
        ", ".join(f"{ratio:.2f}" for ratio in ratios),
        "0.9-1.1 each",
        all(0.9 <= ratio <= 1.1 for ratio in ratios),
        tuple(ratios),
    )


def _grid(world: World) -> TruthRow:
    import mystax

    roi = Roi("square", "motion", Rectangle(8, 8, 96, 96))
    found = mystax.svd(world.source("moving"), rois=[roi], bin=BIN, n_components=4)
    mask = found["motion_mask"].values[0, 0]
    n_y, n_x = int(np.isfinite(mask).any(1).sum()), int(np.isfinite(mask).any(0).sum())
    return TruthRow(
        16,
        "region of pixels 8..103 in both axes, bin 4",
        "24 x 24 bins",
        f"{n_y} x {n_x}",
        "24 x 24",
        (n_y, n_x) == (24, 24),
        (float(n_y), float(n_x)),
    )


def _again(world: World) -> TruthRow:
    import mystax
    from mystax.io.rois import rois_to_toml

    saved = world.folder / "rois.toml"
    saved.write_text(rois_to_toml([MOTION]), "utf-8")
    found = mystax.motion(world.source("moving"), rois=saved)["energy"].values
    alone = mystax.motion(world.source("moving"), rois=[MOTION])["energy"].values
    same = bool(np.array_equal(found, alone, equal_nan=True))
    return TruthRow(
        17,
        "saved regions run again from Python without a window",
        "runs",
        "runs, equal" if same else "different",
        "runs",
        same,
    )


ROWS: tuple[Callable[[World], TruthRow], ...] = (
    _wheel,
    _jumps,
    _norms,
    _two_regions,
    lambda world: _overlap(world, 5, "motion", MOTION, "energy", "motion"),
    lambda world: _overlap(world, 6, "blink", LIDS, "darkness", "blink"),
    _uniform,
    _mean_motion,
    _two_wheels,
    _movie,
    _pupil_cases,
    _radius,
    _blink_unit,
    _damaged,
    _comparable,
    _grid,
    _again,
)
"""One function per row, in their order."""
