"""Kinds of faulty videos whose count of frames or times are odd."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from mystax.synth.faulty_boxes import set_avi_count, set_edit_start, set_sample_count, track_scale
from mystax.synth.faulty_plan import STORED_WHOLE, Plan

_TICK_TS = Fraction(1, 90000)
_N_GAPS = 3


__all__ = ["STAMPS"]


def _count_lies(plan: Plan) -> None:
    plan.need("mp4", "mov", "avi")
    plan.codes.add("V106")
    n_more = max(1, plan.n_frames // 3)
    if plan.container == "avi":
        plan.edit_header = lambda data: set_avi_count(data, plan.n_frames + n_more)
    else:
        plan.edit_header = lambda data: set_sample_count(data, n_more)


def _no_count(plan: Plan) -> None:
    plan.need(*STORED_WHOLE)
    if plan.container in ("mp4", "mov"):
        plan.container_options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
    elif plan.container == "avi":
        plan.edit_header = lambda data: set_avi_count(data, 0)


def _vfr(plan: Plan) -> None:
    plan.need("mp4", "mov", "mkv", "webm", "ts")
    rng = np.random.default_rng((plan.seed, 9))
    tick = Fraction(1, 30000) if plan.codec == "mpeg4" else _TICK_TS  # MPEG-4 counts at most 65,535 a second
    period = 1 / (plan.rate * tick)
    steps = np.rint(float(period) * rng.uniform(0.6, 1.45, plan.n_frames)).astype(int)
    plan.time_base = tick
    plan.stamps = [0, *np.cumsum(steps)[:-1].tolist()]
    plan.codes.add("V110")


def _gap(plan: Plan) -> None:
    """Leave out the times of 1, 5 and n/3 frames, each hole behind a quarter of the frames."""
    plan.need("mp4", "mov", "mkv", "webm", "ts")
    sizes = (1, 5, max(2, plan.n_frames // 3))
    behind = [plan.n_frames * (number + 1) // (_N_GAPS + 1) - 1 for number in range(_N_GAPS)]
    plan.holes = tuple(zip(behind, sizes, strict=True))
    lost = dict(plan.holes)
    number, stamps = 0, []
    for frame in range(plan.n_frames):
        stamps.append(number)
        number += 1 + lost.get(frame, 0)
    plan.time_base = 1 / plan.rate
    plan.stamps = stamps
    plan.codes.add("V113")


def _ntsc(plan: Plan) -> None:
    plan.rate = Fraction(30000, 1001)


def _ms_rounding(plan: Plan) -> None:
    """Write 29.97 frames/s into a container whose stamps are whole milliseconds."""
    plan.container = "mkv"
    plan.rate = Fraction(30000, 1001)


def _stamped(plan: Plan, stamps: Sequence[int], barcodes: Sequence[int]) -> None:
    """Give the packets their stamps (no B-frames), and say which frames a right reader lists."""
    plan.b_frames = 0
    plan.time_base = 1 / plan.rate
    plan.mux_stamps = list(stamps)
    plan.barcodes = tuple(barcodes)
    plan.codes.add("V111")


def _pts_repeat(plan: Plan) -> None:
    """Give one frame (two of 150 or more) the stamp of the frame before it; the second ones are dropped."""
    plan.container = "mkv"
    n = plan.n_frames
    repeated = {n // 3, 2 * n // 3} if n >= 150 else {n // 2}
    stamps = [number - (number in repeated) for number in range(plan.n_frames)]
    _stamped(plan, stamps, [number for number in range(plan.n_frames) if number not in repeated])
    plan.holes = tuple(
        (place, 1) for place in sorted(number - 1 - k for k, number in enumerate(sorted(repeated)))
    )
    plan.special = tuple(sorted(repeated))
    plan.codes.add("V113")


def _pts_backward(plan: Plan) -> None:
    """Exchange the stamps of two neighbours, three times."""
    plan.container = "mkv"
    stamps = list(range(plan.n_frames))
    places = [plan.n_frames * part // 4 for part in (1, 2, 3)]
    for place in places:
        stamps[place], stamps[place + 1] = stamps[place + 1], stamps[place]
    _stamped(plan, stamps, sorted(range(plan.n_frames), key=stamps.__getitem__))
    plan.special = tuple(places)


def _pts_negative(plan: Plan) -> None:
    """Start 10 frames before zero; all frames are shown.

    Only transport streams can say so: mp4 hides such frames, matroska has no sign.
    """
    plan.container = "ts"
    if plan.codec not in ("h264", "hevc", "mpeg4", "mpeg2video"):
        plan.use("h264")
    plan.container_options["avoid_negative_ts"] = "disabled"
    _stamped(plan, [number - 10 for number in range(plan.n_frames)], range(plan.n_frames))


def _bare(plan: Plan, codec: str) -> None:
    plan.container = codec
    plan.use(codec)
    plan.refusal = "V111"


def _edit_list(plan: Plan) -> None:
    """Let an mp4 start to show at frame n/10, inside a group of pictures."""
    plan.need("mp4", "mov")
    skipped = max(1, plan.n_frames // 10)
    plan.b_frames = 0
    plan.barcodes = tuple(range(skipped, plan.n_frames))

    plan.edit_header = lambda data: set_edit_start(data, round(skipped * track_scale(data) / plan.rate))


def _mpegts_offset(plan: Plan) -> None:
    """Start a transport stream 20 s before its 33-bit stamps wrap round."""
    plan.container = "ts"
    start = 2**33 - 20 * 90000
    period = 90000 / plan.rate
    plan.time_base = _TICK_TS
    plan.stamps = [start + round(number * period) for number in range(plan.n_frames)]


STAMPS: dict[str, Callable[[Plan], None]] = {
    "bare_stream": partial(_bare, codec="h264"),
    "mpegts_offset": _mpegts_offset,
    "count_lies": _count_lies,
    "no_count": _no_count,
    "vfr": _vfr,
    "gap": _gap,
    "ntsc": _ntsc,
    "ms_rounding": _ms_rounding,
    "pts_repeat": _pts_repeat,
    "pts_backward": _pts_backward,
    "pts_negative": _pts_negative,
    "pts_absent": partial(_bare, codec="hevc"),
    "edit_list": _edit_list,
}
"""What each kind does to the plan of a clean video."""
