"""What a run will cost: readings, decodes, memory, disk, time; known before the first frame is read."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from mystax.compute.svd_cost import FLOPS, svd_cost
from mystax.core.events import duration_text
from mystax.core.geometry import Roi
from mystax.core.recording import FrameSource, Recording
from mystax.engine.plan import CameraPart, Plan
from mystax.errors import RecipeError

__all__ = ["Estimate", "estimate_plan", "passes_text"]

MIB = 1 << 20
BASE_MEMORY = 190 * MIB
"""Interpreter, libraries and the compiled loops [byte]."""

READER_MEMORY = 120 * MIB
"""Chunks that are read ahead, and the decoder [byte]."""

EACH_MEMORY = 25 * MIB
"""An analysis that spools its rows [byte]."""
NETWORK_MEMORY = 180 * MIB
POSE_ROWS = 420
"""Bytes per frame while a point is smoothed."""
NETWORK = 6.0e-3
"""Time per frame of the network with preparation and decoding, on one core [s]."""
START_NETWORK = 3.0
"""Time to load the network and to find the face [s]."""

FRAME_DISK = 600
"""Outcome of one frame of an analysis that is not `svd` [byte]."""

DECODE = 1.2e-3
"""Time to decode a picture of 640 x 480 where it has not been measured [s]."""

BINNING, BINNING_AGAIN = 0.25e-3, 0.05e-3
"""Time to bin and keep a picture of 640 x 480, and to bin it in a later pass beside the decoder [s]."""

START = 1.6
"""Time to start a run and to put its outcomes in place [s]."""

PICTURE = 640 * 480
PRODUCT = 1024
"""Side of the product that is timed."""

MEASURED, MOST_MEASURED = 200, 2000
"""Frames that are decoded to time the decoder: at least, and where the run decodes `SHARE` times as many."""
SHARE = 500
MAX_MEASURE = 2.0
"""Time after which the decoder is timed no further [s]."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will cost.

    Attributes
    ----------
    n_frames : int
        Frames of all cameras.
    readings, decodes : int
        Sweeps over the frames or their bins; times that the videos are decoded.
    seconds : float
        Time [s].
    memory, disk, scratch : int
        Resident memory, outcomes and work files, scratch files [byte].
    lacking : int
        Scratch that there is no room for, so that videos are decoded again [byte].
    routes : dict
        Region to the route of its decomposition.
    sizes : tuple
        Region, frames, bins and components of every decomposition.
    """

    n_frames: int = 0
    readings: int = 0
    decodes: int = 0
    seconds: float = 0.0
    memory: int = BASE_MEMORY
    disk: int = 0
    scratch: int = 0
    lacking: int = 0
    routes: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[tuple[str, int, int, int], ...] = ()

    @property
    def text(self) -> str:
        """One line for a person."""
        return (
            f"{self.n_frames} frames, {passes_text(self.readings, self.decodes)}, "
            f"about {duration_text(self.seconds)}, {self.memory / MIB:.0f} MiB of memory, "
            f"{self.disk / MIB:.0f} MiB of disk"
            + (f", {self.scratch / MIB:.0f} MiB of scratch" if self.scratch else "")
            + (
                f" (without {self.lacking / MIB:.0f} MiB of scratch frames are decoded again: "
                "--scratch names a disk with room)"
                if self.lacking
                else ""
            )
        )

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the estimate: bytes and seconds, and the line for a person."""
        return {
            "text": self.text,
            "n_frames": self.n_frames,
            "readings": self.readings,
            "decodes": self.decodes,
            "seconds": round(self.seconds, 2),
            "memory": self.memory,
            "disk": self.disk,
            "scratch": self.scratch,
            "lacking": self.lacking,
            "routes": dict(self.routes),
        }

    def check(self, limit: int) -> None:
        """Refuse a plan that needs more memory than there is.

        Raises
        ------
        RecipeError
            P403, naming the number of components or the bin that fits.
        """
        if self.memory <= limit:
            return
        raise RecipeError(
            "P403",
            "memory",
            "the plan needs more memory than the run may take",
            expected=f"at most {limit / MIB:.0f} MiB",
            got=f"about {self.memory / MIB:.0f} MiB",
            hint=self._advice(limit) or "use fewer analyses at once, or raise --memory",
        )

    def _advice(self, limit: int) -> str:
        """Find the largest number of components, or the smallest bin, that fits."""
        if not self.sizes:
            return ""
        rest = self.memory - sum(svd_cost(n, p, k).memory for _, n, p, k in self.sizes)
        largest = max(k for *_, k in self.sizes)
        for k in (400, 300, 200, 150, 100, 50, 20, 10):
            if (
                k < largest
                and rest + sum(svd_cost(n, p, min(k, own)).memory for _, n, p, own in self.sizes) <= limit
            ):
                return f"n_components={k} fits, or a larger bin"
        for scale in range(2, 17):
            if rest + sum(svd_cost(n, p // scale**2, k).memory for _, n, p, k in self.sizes) <= limit:
                return f"a bin {scale} times as large fits"
        return ""


def passes_text(n_readings: int, n_passes: int) -> str:
    """Say how often frames are read, and in how many passes they are decoded.

    Examples
    --------
    >>> passes_text(2, 1)
    '2 readings, 1 decode'
    """
    return ", ".join(
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((n_readings, "reading"), (n_passes, "decode"))
    )


@dataclass(frozen=True, slots=True)
class _Power:
    """Cores of a run, single-precision operations per second of each in matrix products, room for scratch."""

    cores: int
    rate: float
    room: int | None


def _product_rate() -> float:
    """Time a matrix product: single-precision operations per second of one core."""
    import numpy as np

    from mystax.engine.machine import available_cores

    side = PRODUCT
    values = np.ones((side, side), np.float32)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        values @ values
        best = min(best, time.perf_counter() - start)
    return 2.0 * side**3 / best / available_cores()


def estimate_plan(
    plan: Plan, recording: Recording, *, cores: int = 1, measure: bool = False, room: int | None = None
) -> Estimate:
    """Estimate what a plan will cost.

    Parameters
    ----------
    plan : Plan
        The plan.
    recording : Recording
        The cameras.
    cores : int, optional
        Threads.
    measure : bool, optional
        Decode 200 to 2,000 frames per camera, at most 2 s, to time the decoder, and time a matrix product.
    room : int, optional
        Room for one scratch file (`mystax.engine.scratch.scratch_room`) [byte]; by default there is enough.

    Returns
    -------
    Estimate
        The figures.
    """
    total = Estimate(seconds=START if plan.wanted else 0.0)
    is_timed = measure and any(outcome.name == "svd" for outcome in plan.wanted)
    power = _Power(cores, _product_rate() if is_timed else FLOPS, room)
    busy: dict[str, int] = {}
    for outcome in plan.wanted:
        for part in outcome.parts:
            source = recording.video(part.camera)
            if outcome.name == "svd":
                total, decodes = _add_svd(total, part, source, power)
            else:
                total, decodes = _add_small(total, outcome.name, part, source, cores)
            busy[part.camera] = max(busy.get(part.camera, 0), decodes)
        total, decodes = _add_joint(total, outcome.parts, recording, power)
        if decodes:
            busy |= {name: max(busy.get(name, 0), decodes) for name in recording.cameras}
    for camera, decodes in busy.items():
        source = recording.video(camera)
        each = _decode_time(source, decodes * source.n_frames, measure=measure)
        total = replace(
            total,
            n_frames=total.n_frames + source.n_frames,
            decodes=max(total.decodes, decodes),
            readings=max(total.readings, decodes),
            seconds=total.seconds + decodes * source.n_frames * each,
            memory=total.memory + READER_MEMORY,
        )
    return total


def _decode_time(source: FrameSource, n_decoded: int, *, measure: bool) -> float:
    """Return the time per frame [s]: measured, or by the size of the picture.

    The decoder takes its speed in the first hundreds of frames, and an error counts in all that are decoded.
    """
    if measure:
        timed = min(max(MEASURED, n_decoded // SHARE), MOST_MEASURED)
        begun = opened = time.perf_counter()
        done = at_first = 0
        chunks = source.chunks(0, min(timed, source.n_frames), size=32)
        for chunk in islice(chunks, timed):
            done += len(chunk)
            if not at_first:
                opened, at_first = time.perf_counter(), done
            if time.perf_counter() - begun > MAX_MEASURE:
                break
        ended = time.perf_counter()
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
        if done > at_first:  # opening the file came before the first chunk, and comes once in a pass
            return (ended - opened) / (done - at_first)
        if done:
            return (ended - begun) / done
    return DECODE * source.shape[0] * source.shape[1] / PICTURE


def _n_bins(rois: Sequence[Roi], shape: tuple[int, int], size: int) -> list[int]:
    return [int(roi.bins(shape, size).sum()) for roi in rois]


def _bin_of(params: Mapping[str, object], source: FrameSource) -> int:
    """Return the side of a bin [px]."""
    from mystax.compute.bins import auto_bin

    size = params.get("bin")
    return size if isinstance(size, int) else auto_bin(source.shape)


def _add_svd(total: Estimate, part: CameraPart, source: FrameSource, power: _Power) -> tuple[Estimate, int]:
    from mystax.compute.bins import bin_dtype

    params = part.params.model_dump()
    size = _bin_of(params, source)
    itemsize = bin_dtype(source.bits, size).itemsize
    decodes = 1
    for roi, n_bins in zip(part.rois, _n_bins(part.rois, source.shape, size), strict=True):
        label = f"{part.camera}/{roi.name}"
        total, needed = _add_decomposition(total, label, params, (source.n_frames, n_bins, itemsize), power)
        decodes = max(decodes, needed)
    pixels = source.shape[0] * source.shape[1]
    binning = (BINNING + BINNING_AGAIN * (decodes - 1)) * source.n_frames * pixels / PICTURE
    return replace(total, seconds=total.seconds + binning), decodes


def _add_joint(
    total: Estimate, parts: Sequence[CameraPart], recording: Recording, power: _Power
) -> tuple[Estimate, int]:
    """Add the decomposition over all cameras, if a part asks for it."""
    from mystax.compute.bins import bin_dtype

    part = next((part for part in parts if getattr(part.params, "all_cameras", False)), None)
    if part is None or len(recording.cameras) < 2:
        return total, 0
    params = part.params.model_dump()
    n_bins, itemsize = 0, 1
    for camera in recording.cameras.values():
        source = camera.video
        size = _bin_of(params, source)
        n_bins += (source.shape[0] // size) * (source.shape[1] // size)
        itemsize = max(itemsize, bin_dtype(source.bits, size).itemsize)
    size_of = (recording.video().n_frames, n_bins, itemsize)
    return _add_decomposition(total, "all_cameras", params, size_of, power)


def _add_decomposition(
    total: Estimate, label: str, params: Mapping[str, object], size: tuple[int, int, int], power: _Power
) -> tuple[Estimate, int]:
    """Add one decomposition of frames, bins and bytes of a bin; return the decodes that it needs, too."""
    n_frames, n_bins, itemsize = size
    n_components = int(str(params.get("n_components", 500)))
    kinds = int(bool(params.get("with_motion", True))) + int(bool(params.get("with_movie", False)))
    cost = svd_cost(
        n_frames,
        n_bins,
        n_components,
        max_spool=float(str(params.get("max_spool", 16))),
        itemsize=itemsize,
        kinds=max(1, kinds),
        rate=power.rate,
        room=power.room,
    )
    total = replace(
        total,
        readings=max(total.readings, cost.readings),
        seconds=total.seconds + cost.seconds / power.cores,
        memory=total.memory + cost.memory,
        disk=total.disk + cost.disk,
        scratch=total.scratch + cost.scratch,
        lacking=total.lacking + cost.lacking,
        routes={**total.routes, label: cost.route},
        sizes=(*total.sizes, (label.rpartition("/")[2], n_frames, n_bins, n_components)),
    )
    return total, cost.decodes


def _add_small(
    total: Estimate, name: str, part: CameraPart, source: FrameSource, cores: int
) -> tuple[Estimate, int]:
    """Add an analysis whose rows are spooled; time per frame by the area of its regions [s per px]."""
    per_pixel = {"motion": 0.35e-3 / PICTURE, "pupil": 0.7e-3 / 11_000, "blink": 1.5e-9, "running": 1.3e-8}
    areas = [math.prod((roi.box(source.shape).width, roi.box(source.shape).height)) for roi in part.rois]
    if name == "motion":
        areas = [max(areas, default=0)]
    seconds = per_pixel.get(name, 0.0) * sum(areas) * source.n_frames
    if name == "pupil":
        seconds /= cores
    memory = EACH_MEMORY
    if name == "pose":
        seconds = START_NETWORK + NETWORK / cores * source.n_frames
        memory = NETWORK_MEMORY + POSE_ROWS * source.n_frames
    reads = 0 if name == "rois" else 1
    return (
        replace(
            total,
            seconds=total.seconds + seconds + (2.0 if name == "rois" else 0.0),
            memory=total.memory + memory,
            disk=total.disk + 2 * reads * FRAME_DISK * source.n_frames,
        ),
        reads,
    )
