"""Movement of a running surface (wheel, ball, belt) from frame to frame, by phase correlation."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from mystax.compute.frame_rows import check_state, open_rows, read_columns
from mystax.compute.kernels.running import find_peak, whiten
from mystax.core.analysis import Pass
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk
from mystax.core.typing import Float32, Float64, Shaped
from mystax.errors import RoiError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["RunningReducer", "Shift", "ShiftPlan", "measure_shift", "peak_anisotropy", "plan_shift"]

MIN_SIDE = 8
"""Smallest side of a picture whose shift can be measured [px]; regions must be larger (roi rules)."""
STRIPED = 4.0
"""Ratio of curvatures of the peak from which on a surface counts as striped."""
LOWEST = 0.02
"""Heights (of the peak) below this are noise; their logarithm is not trusted."""
SLICE = 64
"""Frames per piece of work; results do not depend on it."""
HALF = 3
"""Pixels to each side of the peak whose correlation is kept."""
SIDE = 2 * HALF + 1
COLUMNS = 3
"""Spooled values per frame and region: shift in x, in y, height of the peak."""

Spectrum = Shaped[np.ndarray, "y frequency"]


@dataclass(frozen=True, eq=False)
class ShiftPlan:
    """What is the same for every pair of frames of one region.

    Attributes
    ----------
    box : Box
        The pixels that are transformed: largest 5-smooth size, centred in the region.
    taper : array (y, x)
        Weight of each pixel, 0 at the border.
    weight : array (y, frequency)
        Gaussian low-pass on the cross-power.
    reach : tuple (y, x)
        Largest shift that is looked for [px].
    """

    box: Box
    taper: Float32[np.ndarray, "y x"]
    weight: Float32[np.ndarray, "y frequency"]
    reach: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Shift:
    """Movement of a surface between two pictures.

    Attributes
    ----------
    x, y : float
        Shift to the right and down [px]; NaN where nothing can be measured.
    peak : float
        Height of the correlation's peak [sd of the correlation]; NaN where there is none.
    patch : array (row, column)
        The correlation within 3 px of its peak, peak = 1; NaN where there is none.
    """

    x: float
    y: float
    peak: float
    patch: Float64[np.ndarray, "7 7"]


def _smooth_size(n: int) -> int:
    """Return the largest number up to `n` whose only prime factors are 2, 3 and 5."""
    for size in range(n, 0, -1):
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
    raise ValueError(f"no size up to {n}")


def plan_shift(
    box: Box, *, taper: float = 0.15, blur: float = 1.0, max_shift: float = 0.4, where: str = "running region"
) -> ShiftPlan:
    """Prepare the measurement of shifts in a box of pixels.

    Parameters
    ----------
    box : Box
        The region, clipped to the picture.
    taper : float, optional
        Share of each side that fades out (Tukey window).
    blur : float, optional
        Standard deviation of the Gaussian on the correlation [px].
    max_shift : float, optional
        Largest shift as a share of the smaller side.
    where : str, optional
        Name of the region, for the error.

    Returns
    -------
    ShiftPlan
        Taper, low-pass and reach.

    Raises
    ------
    RoiError
        P402, if a side is shorter than 8 px.
    """
    if min(box.width, box.height) < MIN_SIDE:
        raise RoiError(
            "P402",
            where,
            "the region is too small to see a shift",
            expected=f"sides of at least {MIN_SIDE} px",
            got=f"{box.width} x {box.height} px",
            hint="running regions should be 32 x 32 px or larger",
        )
    height, width = _smooth_size(box.height), _smooth_size(box.width)
    y0, x0 = box.y0 + (box.height - height) // 2, box.x0 + (box.width - width) // 2
    fade_y, fade_x = _fading(height, taper), _fading(width, taper)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    reach = int(max_shift * min(box.width, box.height))
    return ShiftPlan(
        Box(x0, y0, x0 + width, y0 + height),
        np.asarray(fade_y[:, None] * fade_x[None, :], np.float32),
        np.asarray(np.exp(-2 * math.pi**2 * blur**2 * (fy**2 + fx**2)), np.float32),
        (min(reach, (height - 1) // 2), min(reach, (width - 1) // 2)),
    )


def _fading(n: int, share: float) -> Float64[np.ndarray, " sample"]:
    """Return a Tukey window: each end fades in along half a cosine, over a share of the length of up to 0.5.

    It is that of `scipy.signal.windows`, whose import takes longer than all that this module does at a start.
    """
    place = np.arange(n) / (n - 1)
    from_end = np.minimum(place, place[::-1])
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(from_end / max(min(share, 0.5), 1e-12), 1.0))


def _spectrum(crop: Shaped[np.ndarray, "y x"], plan: ShiftPlan) -> Spectrum:
    """Transform the tapered crop without its mean; the integer sum makes a constant crop exactly zero."""
    mean = np.float32(int(crop.sum(dtype=np.int64)) / crop.size)
    return np.asarray(fft.rfft2((crop.astype(np.float32) - mean) * plan.taper, workers=1))


def _vertex(before: float, middle: float, after: float) -> float:
    """Return the vertex of the parabola through three values (through their logarithms, if positive)."""
    if min(before, middle, after) > 0:
        before, middle, after = math.log(before), math.log(middle), math.log(after)
    bend = before - 2 * middle + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _nowhere() -> Shift:
    return Shift(math.nan, math.nan, math.nan, np.full((SIDE, SIDE), math.nan))


def _shift_between(before: Spectrum, now: Spectrum, plan: ShiftPlan) -> Shift:
    cross = np.empty_like(now)
    if not whiten(now, before, plan.weight, cross):
        return _nowhere()
    correlation = fft.irfft2(cross, s=plan.taper.shape, workers=1)
    patch = np.empty((SIDE, SIDE))
    y, x, peak = find_peak(correlation, *plan.reach, patch)
    top = float(patch[HALF, HALF])
    if not top > 0:
        return _nowhere()
    near = slice(HALF - 1, HALF + 2)
    dx, dy = _vertex(*patch[HALF, near].tolist()), _vertex(*patch[near, HALF].tolist())
    return Shift(x + dx, y + dy, float(peak), patch / top)


def measure_shift(
    before: Shaped[np.ndarray, "y x"], now: Shaped[np.ndarray, "y x"], plan: ShiftPlan | None = None
) -> Shift:
    """Measure by how much a textured surface moved from one picture to the next.

    Parameters
    ----------
    before, now : array (y, x)
        Two pictures of one camera, any unsigned depth.
    plan : ShiftPlan, optional
        Region and settings; by default the whole picture.

    Returns
    -------
    Shift
        Movement from `before` to `now`, and how sure it is; NaN if a picture is constant.

    Raises
    ------
    RoiError
        P402, if the pictures are smaller than 8 px.

    References
    ----------
    .. [1] Kuglin & Hines (1975), The phase correlation image alignment method, Proc. IEEE ICCS.
    .. [2] Foroosh, Zerubia & Berthod (2002), doi:10.1109/83.988953

    Examples
    --------
    >>> surface = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    >>> shift = measure_shift(surface, np.roll(surface, (3, -5), axis=(0, 1)))
    >>> round(shift.x), round(shift.y)
    (-5, 3)
    """
    used = plan or plan_shift(Box(0, 0, now.shape[1], now.shape[0]), where="picture")
    cut = slice(used.box.y0, used.box.y1), slice(used.box.x0, used.box.x1)
    return _shift_between(_spectrum(before[cut], used), _spectrum(now[cut], used), used)


def peak_anisotropy(patch: Float64[np.ndarray, "7 7"]) -> float:
    """Ratio of the two main curvatures of the logarithm of a peak; 1 is round, infinite is a ridge.

    The curvatures are those of the parabola that fits the logarithm best, weighted by the height: over
    3 px to each side, because noise makes the very top of a ridge look round.

    Parameters
    ----------
    patch : array (row, column)
        Mean correlation within 3 px of its peak, peak = 1.

    Returns
    -------
    float
        The larger over the smaller curvature; NaN if the patch holds NaN.

    Examples
    --------
    >>> y, x = np.mgrid[-3:4, -3:4]
    >>> round(peak_anisotropy(np.exp(-(x**2) / 4 - y**2 / 20)), 6)
    5.0
    """
    if not np.isfinite(patch).all():
        return math.nan
    weight = np.maximum(patch, LOWEST).ravel()
    y, x = (axis.ravel().astype(np.float64) for axis in np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    fit = np.linalg.lstsq(terms * weight[:, None], np.log(weight) * weight, rcond=None)[0]
    bends = np.linalg.eigvalsh(-np.array([[2 * fit[3], fit[4]], [fit[4], 2 * fit[5]]]))
    small, large = bends.tolist()
    if large <= 0:
        return math.nan
    return large / small if small > 0 else math.inf


class RunningReducer:
    """Shifts of all running regions of one camera (implements `mystax.core.analysis.Reducer`).

    Parameters
    ----------
    taper, blur, max_shift : float
        As in `plan_shift`.
    min_peak : float
        Weaker peaks are NaN [sd of the correlation].
    direction : float or None
        Forward direction of the surface, from x to y [rad]; None: `speed` has no sign.
    """

    n_passes = 1

    def __init__(
        self, *, taper: float, blur: float, max_shift: float, min_peak: float, direction: float | None
    ) -> None:
        self._settings = {"taper": taper, "blur": blur, "max_shift": max_shift}
        self._min_peak, self._direction = min_peak, direction
        self._flags: list[Flag] = []

    def start(self, source: Pass) -> None:
        """Take the regions; make tapers and low-passes."""
        self._source = source
        self._plans = [
            plan_shift(roi.box(source.shape), **self._settings, where=f"roi {roi.name!r}")
            for roi in source.rois
        ]
        self._spool = open_rows(source, "running", COLUMNS * len(self._plans))
        depth = np.uint8 if source.bits <= 8 else np.uint16
        self._last = [np.zeros(plan.taper.shape, depth) for plan in self._plans]
        self._last_valid = False
        self._patch_sum = np.zeros((len(self._plans), SIDE, SIDE))
        # per region: pairs measured, pairs with a weak peak, pairs with a constant picture
        self._counts = np.zeros((len(self._plans), 3), np.int64)

    def update(self, chunk: FrameChunk) -> None:
        """Measure the pairs that end in this chunk."""
        usable = chunk.pairs()
        usable[0] &= self._last_valid
        pieces = [
            (number, start, min(start + SLICE, len(chunk)))
            for number in range(len(self._plans))
            for start in range(0, len(chunk), SLICE)
        ]
        found = self._source.tiles.map(lambda piece: self._slice(chunk, usable, *piece), pieces)
        rows = np.full((len(chunk), len(self._plans), COLUMNS), np.nan, np.float32)
        for (number, start, _), shifts in zip(pieces, found, strict=True):
            for place, shift in shifts:
                rows[start + place, number] = self._take(number, shift)
        self._spool.append(rows.reshape(len(chunk), -1))
        for number in range(len(self._plans)):
            self._last[number] = self._crop(chunk, number, len(chunk) - 1).copy()
        self._last_valid = bool(chunk.valid[-1])

    def _crop(self, chunk: FrameChunk, number: int, place: int) -> Shaped[np.ndarray, "y x"]:
        """Codes of one region: the map to grey is linear, so codes have the same shifts."""
        box, (x, y) = self._plans[number].box, chunk.origin
        return chunk.codes[place, box.y0 - y : box.y1 - y, box.x0 - x : box.x1 - x]

    def _slice(
        self, chunk: FrameChunk, usable: np.ndarray, number: int, start: int, stop: int
    ) -> list[tuple[int, Shift]]:
        """Measure some frames of one region; each spectrum serves two pairs."""
        plan, found = self._plans[number], []
        before: Spectrum | None = None
        for place in range(start, stop):
            if not usable[place]:
                before = None
                continue
            if before is None:
                last = self._crop(chunk, number, place - 1) if place else self._last[number]
                before = _spectrum(last, plan)
            now = _spectrum(self._crop(chunk, number, place), plan)
            found.append((place - start, _shift_between(before, now, plan)))
            before = now
        return found

    def _take(self, number: int, shift: Shift) -> tuple[float, float, float]:
        """Count one measured pair, in the order of frames, and give its row."""
        self._counts[number, 0] += 1
        if math.isnan(shift.peak):
            self._counts[number, 2] += 1
            return math.nan, math.nan, math.nan
        if shift.peak < self._min_peak:
            self._counts[number, 1] += 1
            return math.nan, math.nan, shift.peak
        self._patch_sum[number] += shift.patch
        return shift.x, shift.y, shift.peak

    def end_pass(self) -> None:
        """Nothing is left to do."""

    def work(self) -> float | None:
        """Nothing is left to do."""
        return None

    def state(self) -> Mapping[str, np.ndarray]:
        """Return the last frame of each region and the sums."""
        return {
            **{f"last_{number}": last.copy() for number, last in enumerate(self._last)},
            "last_valid": np.array([self._last_valid]),
            "patch_sum": self._patch_sum.copy(),
            "counts": self._counts.copy(),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state; one of other work is refused (S502)."""
        check_state("running", state, self.state())
        self._last = [np.array(state[f"last_{number}"]) for number in range(len(self._plans))]
        self._last_valid = bool(state["last_valid"][0])
        self._patch_sum = np.array(state["patch_sum"], np.float64)
        self._counts = np.array(state["counts"], np.int64)

    def finish(self) -> Dataset:
        """Return shift, peak, velocity and speed of each region."""
        import xarray as xr

        n, n_rois = self._source.n_frames, len(self._plans)
        rows = read_columns(self._spool, n, 0, COLUMNS * n_rois).reshape(n, n_rois, COLUMNS)
        shift, peak = rows[:, :, :2], rows[:, :, 2]
        interval = np.full(n, np.nan)
        interval[1:] = np.diff(self._source.times)
        interval[~(interval > 0)] = np.nan
        velocity = shift / interval[:, None, None]
        if self._direction is None:
            speed = np.hypot(velocity[..., 0], velocity[..., 1])
        else:
            forward = np.array([math.cos(self._direction), math.sin(self._direction)])
            speed = velocity @ forward
        place = ("time", "roi")
        variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "shift": ((*place, "space"), shift),
            "peak": (place, peak),
            "velocity": ((*place, "space"), velocity.astype(np.float32)),
            "speed": (place, speed.astype(np.float32)),
        }
        scales = [roi.scale or (math.nan, math.nan) for roi in self._source.rois]
        if np.isfinite(scales).any():
            scaled = velocity * np.array(scales)[None]
            variables["velocity_scaled"] = ((*place, "space"), scaled.astype(np.float32))
        anisotropy = self._anisotropy()
        self._flags = self._remarks(anisotropy)
        return xr.Dataset(variables, {"space": ["x", "y"]}, {"anisotropy": anisotropy})

    def _anisotropy(self) -> Float64[np.ndarray, " roi"]:
        good = self._counts[:, 0] - self._counts[:, 1] - self._counts[:, 2]
        with np.errstate(invalid="ignore"):
            means = self._patch_sum / good[:, None, None]
        return np.array([peak_anisotropy(mean) for mean in means], np.float64)

    def _remarks(self, anisotropy: Sequence[float] | np.ndarray) -> list[Flag]:
        flags = []
        for roi, (pairs, weak, constant), ratio in zip(
            self._source.rois, self._counts.tolist(), anisotropy, strict=True
        ):
            if constant:
                text = f"roi {roi.name!r}: {constant} of {pairs} pairs hold a constant picture"
                flags.append(Flag("N301", text, (), constant))
            if weak > 0.5 * pairs:
                text = (
                    f"roi {roi.name!r}: no common texture in {weak} of {pairs} pairs "
                    "(no surface in the region, or it moves farther than max_shift per frame)"
                )
                flags.append(Flag("N302", text, (), weak))
            if ratio > STRIPED:
                text = f"roi {roi.name!r}: striped surface, movement along the stripes is not measurable"
                flags.append(Flag("N302", text))
        return flags

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome."""
        return self._flags
