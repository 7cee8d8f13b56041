"""Kinds of faulty videos with odd codecs, order of pictures, pixels or geometry, or dull scenes."""

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from mystax.io.video import Packet
from mystax.synth.faulty_boxes import set_rotation
from mystax.synth.faulty_plan import Plan, copy_packet, write_plan

__all__ = ["PICTURES"]


def _b_frames(plan: Plan) -> None:
    plan.b_frames = plan.b_frames or 2


def _open_gop(plan: Plan) -> None:
    plan.use("h264")
    plan.b_frames = 2
    plan.options["x264-params"] = "open-gop=1"


def _long_gop(plan: Plan) -> None:
    plan.key_interval = max(plan.n_frames, 2)


def _order_route(plan: Plan) -> None:
    plan.container, plan.b_frames = "avi", 2
    plan.use("h264")


def _altref(plan: Plan) -> None:
    """Make every tenth picture of a VP8 stream one that is decoded but never shown.

    Encoders write such pictures as references for later ones.  Here a usual picture loses its "show" bit
    (bit 4 of the first byte of a VP8 frame) and gets a stamp just before the next shown picture.
    """
    plan.container = "webm"
    plan.use("vp8")
    plan.time_base = Fraction(1, 1000)
    hidden = set(range(5, plan.n_frames - 1, 10))
    shown = [number for number in range(plan.n_frames) if number not in hidden]
    stamps = {number: round(place * 1000 / plan.rate) for place, number in enumerate(shown)}
    plan.mux_stamps = [
        stamps[number + 1] - 1 if number in hidden else stamps[number] for number in range(plan.n_frames)
    ]
    plan.barcodes, plan.special = tuple(shown), tuple(sorted(hidden))
    plan.codes.add("V115")

    def on_packet(number: int, packet: Packet) -> Sequence[Packet]:
        if number not in hidden:
            return [packet]
        data = bytearray(bytes(packet))
        data[0] &= ~0x10
        return [copy_packet(packet, bytes(data))]

    plan.on_packet = on_packet


def _deep(plan: Plan, pixel_format: str, bits: int) -> None:
    plan.container = "mkv" if plan.container not in ("mkv", "avi") else plan.container
    plan.use("ffv1")
    plan.pixel_format, plan.bits, plan.scene = pixel_format, bits, "ramp"


def _range(plan: Plan, *, is_full: bool, tag: str | None) -> None:
    """Write 8-bit H.264 without loss, full or limited range, with or without a tag."""
    plan.use("h264")
    plan.options |= {"qp": "0"}
    plan.options.pop("crf")
    plan.scene, plan.is_full_range, plan.color_range = "ramp", is_full, tag
    if is_full and tag is None:
        plan.codes.add("V109")


def _color(plan: Plan, codec: str, pixel_format: str) -> None:
    plan.container = (
        "avi" if plan.container not in ("mkv", "avi", "mov") or codec == "png" else plan.container
    )
    plan.use(codec)
    plan.pixel_format, plan.is_color, plan.scene = pixel_format, True, "ramp"


def _yuv444(plan: Plan) -> None:
    plan.use("h264")
    plan.pixel_format, plan.scene = "yuv444p", "ramp"


def _rotated(plan: Plan, degrees: int) -> None:
    """Store the picture turned, and say so in the track header (by bytes, not by the writer)."""
    plan.need("mp4", "mov")
    plan.rotation = degrees
    plan.edit_header = lambda data: set_rotation(data, degrees)


def _odd_size(plan: Plan) -> None:
    """Make width and height odd; formats that cannot hold that are replaced."""
    plan.size = (plan.size[0] - 1 + plan.size[0] % 2, plan.size[1] - 1 + plan.size[1] % 2)
    if plan.codec in ("h264", "hevc"):
        plan.pixel_format = "yuv444p"
    elif plan.codec == "huffyuv":
        plan.use("ffv1")


def _interlaced(plan: Plan) -> None:
    if plan.codec not in ("mpeg4", "mpeg2video"):
        plan.use("h264")
        plan.options["x264-params"] = "interlaced=1"
    plan.options["flags"] = "+ildct+ilme"
    plan.codes.add("V112")


def _aspect(plan: Plan) -> None:
    plan.pixel_aspect = Fraction(4, 3)
    plan.codes.add("V114")


def _two_sizes(plan: Plan, share: float) -> None:
    """Let the last frames of the file have half the width: other packets stand in their place."""
    if plan.codec not in ("mjpeg", "png"):
        plan.container = "ts"
        plan.use("h264")
        plan.b_frames = 0
    n_other = max(1, math.floor(plan.n_frames * share))
    first = plan.n_frames - n_other
    plan.special = tuple(range(first, plan.n_frames))
    if share < 0.01:
        plan.codes.add("V120")
    else:
        plan.refusal = "V120"
    with tempfile.TemporaryDirectory() as folder:
        width, height = plan.size
        other = replace(
            plan,
            path=Path(folder) / "other",
            size=(width // 2 // 2 * 2, height),
            n_frames=n_other,
            numbers=tuple(range(first, plan.n_frames)),
            packets=[],
            options=dict(plan.options),
            codes=set(),
            refusal=None,
            special=(),
        )
        write_plan(other)

    def on_packet(number: int, packet: Packet) -> Sequence[Packet]:
        if number < first:
            return [packet]
        return [copy_packet(packet, other.packets[number - first].data)]

    plan.on_packet = on_packet


def _scene(plan: Plan, name: str) -> None:
    plan.scene = name


def _bad_metadata(plan: Plan) -> None:
    """Put bytes that are not UTF-8 into the texts of the container."""
    plan.metadata = {"title": "plain title"}
    plan.edit_header = lambda data: data.replace(b"plain title", b"\xff\xfe\xe9\x80 \xc3\x28 \xf0\xa4!")


PICTURES: dict[str, Callable[[Plan], None]] = {
    "b_frames": _b_frames,
    "open_gop": _open_gop,
    "long_gop": _long_gop,
    "order_route": _order_route,
    "altref": _altref,
    "gray10": partial(_deep, pixel_format="gray10le", bits=10),
    "gray12": partial(_deep, pixel_format="gray12le", bits=12),
    "gray16": partial(_deep, pixel_format="gray16le", bits=16),
    "yuv420p10": partial(_deep, pixel_format="yuv420p10le", bits=10),
    "full_range": partial(_range, is_full=True, tag="pc"),
    "limited_range": partial(_range, is_full=False, tag="tv"),
    "untagged_full": partial(_range, is_full=True, tag=None),
    "rgb": partial(_color, codec="png", pixel_format="rgb24"),
    "bgr": partial(_color, codec="ffv1", pixel_format="bgr0"),
    "yuv444": _yuv444,
    **{f"rotated_{degrees}": partial(_rotated, degrees=degrees) for degrees in (90, 180, 270)},
    "odd_size": _odd_size,
    "interlaced": _interlaced,
    "aspect": _aspect,
    "two_sizes": partial(_two_sizes, share=0.007),
    "two_sizes_half": partial(_two_sizes, share=0.5),
    **{name: partial(_scene, name=name) for name in ("black", "saturated", "constant", "frozen", "flicker")},
    "eye_closed": partial(_scene, name="face_closed"),
    "bad_metadata": _bad_metadata,
}
"""What each kind does to the plan of a clean video."""
