"""How a synthetic video is made: the plan that a kind of fault changes, and its writing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mystax.core.recording import GreyMap
from mystax.core.typing import Shaped
from mystax.errors import RecipeError, nearest
from mystax.io.video import Packet, VideoWriter
from mystax.synth.faulty_boxes import locate_packets
from mystax.synth.faulty_scenes import FaultyScene
from mystax.synth.truth import Truth

__all__ = ["CODECS", "CONTAINERS", "STORED_WHOLE", "Layout", "Plan", "copy_packet", "draw", "write_plan"]


class Codec(NamedTuple):
    """Pixel format, range tag and options with which a codec is used here."""

    pixel_format: str
    color_range: str | None
    options: Mapping[str, str]
    is_intra: bool = False


CODECS: Mapping[str, Codec] = {
    "h264": Codec("yuv420p", "tv", {"preset": "veryfast", "crf": "18", "sc_threshold": "0"}),
    "hevc": Codec("yuv420p", "tv", {"preset": "ultrafast", "crf": "18"}),
    "mpeg4": Codec("yuv420p", None, {"qmin": "2", "qmax": "4"}),
    "mpeg2video": Codec("yuv420p", None, {"qmin": "2", "qmax": "4", "sc_threshold": "1000000000"}),
    "mjpeg": Codec("yuvj420p", "pc", {"qmin": "3", "qmax": "3"}, is_intra=True),
    "ffv1": Codec("gray", None, {"level": "3", "slicecrc": "1", "slices": "4"}),
    "vp8": Codec("yuv420p", None, {"crf": "8", "b": "2M", "deadline": "realtime", "cpu-used": "8"}),
    "vp9": Codec("yuv420p", "tv", {"crf": "15", "b": "2M", "deadline": "realtime", "cpu-used": "8"}),
    "huffyuv": Codec("yuv422p", None, {}, is_intra=True),
    "png": Codec("gray", None, {}, is_intra=True),
    "rawvideo": Codec("gray", None, {}, is_intra=True),
}
"""Codecs of the factory."""

CONTAINERS: Mapping[str, str] = {
    "mp4": "mp4",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "webm",
    "avi": "avi",
    "ts": "mpegts",
    "asf": "asf",
    "ivf": "ivf",
    "y4m": "yuv4mpegpipe",
    "h264": "h264",
    "hevc": "hevc",
    "mjpeg": "mjpeg",
}
"""Containers of the factory and FFmpeg's names of them."""

STORED_WHOLE = ("mp4", "mov", "mkv", "webm", "avi")
"""Containers in which every packet stands in one piece."""

_TICKS = {
    "mkv": Fraction(1, 1000),
    "webm": Fraction(1, 1000),
    "asf": Fraction(1, 1000),
    "ts": Fraction(1, 90000),
}


class Layout(NamedTuple):
    """Where the packets stand in the finished file (decode order)."""

    places: Sequence[tuple[int, int]]

    @property
    def first(self) -> int:
        """First byte of the first packet."""
        return self.places[0][0]

    @property
    def end(self) -> int:
        """Byte behind the last packet."""
        return self.places[-1][1]


class Written(NamedTuple):
    """One packet as the encoder gave it."""

    data: bytes
    pts: int
    is_key: bool


@dataclass
class Plan:
    """All that is needed to write one video and to know the truth about it.

    A kind of fault changes the fields before writing (`pixel_format`, `stamps`, `on_packet`, ...) or hangs
    in an `edit` of the finished bytes (`edit_header`: one that need not know where packets stand).
    """

    path: Path
    kind: str
    container: str
    codec: str
    n_frames: int
    size: tuple[int, int]
    rate: Fraction
    seed: int
    key_interval: int
    b_frames: int
    scene: str
    pixel_format: str = ""
    color_range: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    rotation: int = 0
    pixel_aspect: Fraction | None = None
    n_streams: int = 1
    bits: int = 8
    numbers: tuple[int, ...] | None = None
    event_seed: int | None = None
    is_full_range: bool | None = None
    is_color: bool = False
    time_base: Fraction | None = None
    stamps: Sequence[int] | None = None
    mux_stamps: Sequence[int] | None = None
    on_packet: Callable[[int, Packet], Sequence[Packet]] | None = None
    edit: Callable[[bytes, Layout], bytes] | None = None
    edit_header: Callable[[bytes], bytes] | None = None
    content: Callable[["Plan"], None] | None = None
    packets: list[Written] = field(default_factory=list)
    barcodes: tuple[int, ...] | None = None
    present: tuple[int, int] | None = None
    damaged_packets: tuple[int, ...] = ()
    holes: tuple[tuple[int, int], ...] = ()
    special: tuple[int, ...] = ()
    codes: set[str] = field(default_factory=set)
    refusal: str | None = None
    grow: Callable[[], None] | None = None

    def use(self, codec: str) -> None:
        """Take a codec with its usual pixel format, range and options."""
        if codec not in CODECS:
            raise RecipeError("P403", codec, f"no codec {codec!r} in the factory{nearest(codec, CODECS)}")
        self.codec = codec
        usual = CODECS[codec]
        self.pixel_format, self.color_range = usual.pixel_format, usual.color_range
        self.options = dict(usual.options)

    def need(self, *containers: str) -> None:
        """Refuse a container in which the kind cannot be made (P403)."""
        if self.container not in containers:
            raise RecipeError(
                "P403",
                self.kind,
                "this kind of fault does not exist in that container",
                expected=f"one of {', '.join(containers)}",
                got=self.container,
            )

    @property
    def times(self) -> tuple[Fraction, ...]:
        """Stamp of each written frame [s]."""
        if self.mux_stamps is not None:
            return tuple(stamp * (self.time_base or 1 / self.rate) for stamp in self.mux_stamps)
        if self.stamps is not None:
            return tuple(stamp * (self.time_base or 1 / self.rate) for stamp in self.stamps)
        return tuple(number / self.rate for number in range(self.n_frames))

    @property
    def is_limited(self) -> bool:
        """Whether the stored codes are of limited range."""
        if self.is_full_range is not None:
            return not self.is_full_range
        return self.pixel_format.startswith("yuv") and not self.pixel_format.startswith("yuvj")

    def draw_scene(self, size: tuple[int, int] | None = None) -> FaultyScene:
        """Return the scene, of the plan's size unless another is given."""
        return FaultyScene(
            self.scene,
            size or self.size,
            self.n_frames,
            self.seed,
            self.event_seed,
            self.numbers,
            self.bits,
        )


def copy_packet(
    packet: Packet, data: bytes | None = None, *, pts: int | None = None, dts: int | None = None
) -> Packet:
    """Make a packet like another one, with other bytes or stamps."""
    twin = type(packet)(bytes(packet) if data is None else data)
    twin.time_base, twin.stream = packet.time_base, packet.stream
    twin.pts = packet.pts if pts is None else pts
    twin.dts = packet.dts if dts is None else dts
    twin.duration, twin.is_keyframe = packet.duration, packet.is_keyframe
    return twin


def draw(plan: Plan, scene: FaultyScene, index: int) -> Shaped[np.ndarray, "..."]:
    """Return what is given to the encoder for a frame: luma codes, or three colours, turned as stored."""
    grey = scene.picture(index)
    if plan.is_limited:
        scale = 2 ** (plan.bits - 8)
        grey_map = GreyMap.limited(plan.bits)
        codes = grey / (grey_map.gain * scale) + grey_map.offset
        grey = np.floor(codes + 0.5).astype(grey.dtype)
    if plan.rotation:
        # rot90 turns counter-clockwise; the player turns clockwise and gives the picture back.
        grey = np.ascontiguousarray(np.rot90(grey, plan.rotation // 90))
    if plan.is_color:
        return np.repeat(grey[..., None], 3, axis=2)
    return grey


def _encoder_options(plan: Plan) -> dict[str, str]:
    """Return the options of the encoder with key interval and B-frames in its own words."""
    usual = CODECS[plan.codec]
    options = dict(plan.options)
    if not usual.is_intra:
        options.setdefault("g", str(plan.key_interval))
    if plan.codec == "h264":
        options.setdefault("keyint_min", str(min(plan.key_interval, 250)))
        options.setdefault("bf", str(plan.b_frames))
    elif plan.codec == "hevc":
        options.setdefault(
            "x265-params",
            f"log-level=none:pools=none:scenecut=0:open-gop=0:keyint={plan.key_interval}"
            f":min-keyint={plan.key_interval}:bframes={plan.b_frames}",
        )
    elif plan.codec in ("mpeg4", "mpeg2video"):
        options.setdefault("bf", str(plan.b_frames))
    elif plan.codec in ("vp8", "vp9"):
        options.setdefault("keyint_min", str(plan.key_interval))
        options.setdefault("lag-in-frames", "0")
    return options


def _packet_hook(plan: Plan) -> Callable[[int, Packet], Sequence[Packet]]:
    """Return the hook that notes each packet, then lets the plan change it."""

    def on_packet(number: int, packet: Packet) -> Sequence[Packet]:
        plan.packets.append(Written(bytes(packet), packet.pts or 0, packet.is_keyframe))
        if plan.mux_stamps is not None:
            stamp = plan.mux_stamps[number]
            # The muxer wants dts <= pts and dts not falling: the lowest stamp still to come.
            packet = copy_packet(packet, pts=stamp, dts=min(plan.mux_stamps[number:]))
        return [packet] if plan.on_packet is None else plan.on_packet(number, packet)

    return on_packet


def _write_frames(plan: Plan) -> FaultyScene:
    """Encode all frames of a plan into its file."""
    scene = plan.draw_scene()
    width, height = plan.size
    stored = (height, width) if plan.rotation % 180 else (width, height)
    with VideoWriter(
        plan.path,
        size=stored,
        rate=plan.rate,
        codec=plan.codec,
        container=CONTAINERS[plan.container],
        pixel_format=plan.pixel_format,
        time_base=plan.time_base,
        options=_encoder_options(plan),
        color_range=plan.color_range,
        container_options=plan.container_options,
        on_packet=_packet_hook(plan),
        pixel_aspect=plan.pixel_aspect,
        metadata=plan.metadata,
        n_streams=plan.n_streams,
    ) as out:
        for index in range(plan.n_frames):
            picture = draw(plan, scene, index)
            for stream in range(plan.n_streams):
                out.write(picture, None if plan.stamps is None else plan.stamps[index], stream=stream)
    return scene


def write_plan(plan: Plan) -> Truth:
    """Write the video of a plan and return the truth about it."""
    scene = plan.draw_scene()
    if plan.content is not None:
        plan.content(plan)
    else:
        _write_frames(plan)
    if plan.edit_header is not None:
        plan.path.write_bytes(plan.edit_header(plan.path.read_bytes()))
    if plan.edit is not None:
        data = plan.path.read_bytes()
        places = locate_packets(
            data,
            [packet.data for packet in plan.packets],
            has_start_codes=plan.codec in ("h264", "hevc"),
        )
        plan.path.write_bytes(plan.edit(data, Layout(places)))
    return _truth(plan, scene)


def _truth(plan: Plan, scene: FaultyScene) -> Truth:
    barcodes = plan.barcodes if plan.barcodes is not None else tuple(range(plan.n_frames))
    if plan.refusal is not None:
        barcodes = ()
    codes = set(plan.codes)
    if plan.container in ("avi", "y4m") and plan.refusal is None:
        codes.add("V117")
    return Truth(
        path=plan.path,
        kind=plan.kind,
        container=plan.container,
        codec=plan.codec,
        size=plan.size,
        bits=plan.bits,
        times=plan.times,
        barcodes=barcodes,
        present=plan.present or (len(barcodes), len(barcodes)),
        tick=_TICKS.get(plan.container, plan.time_base or 1 / plan.rate),
        damaged_packets=plan.damaged_packets,
        holes=plan.holes,
        special=plan.special or scene.special,
        codes=frozenset(codes),
        refusal=plan.refusal,
        clean=scene.picture,
        grow=plan.grow,
    )
