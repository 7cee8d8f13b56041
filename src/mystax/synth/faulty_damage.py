"""Kinds of faulty videos whose bytes are missing, changed, or no video at all."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mystax.io.video import write_audio_only
from mystax.synth.faulty_boxes import first_picture_byte, set_avi_size
from mystax.synth.faulty_plan import STORED_WHOLE, Layout, Plan, copy_packet, write_plan

__all__ = ["DAMAGE"]


def _index_in_front(plan: Plan) -> None:
    """Let the index of an mp4 stand before the pictures."""
    if plan.container in ("mp4", "mov"):
        plan.container_options["movflags"] = "faststart"


def _cut(plan: Plan, percent: int) -> None:
    """Keep a share of the pictures' bytes; the cut goes through the middle of a packet."""
    plan.need(*STORED_WHOLE)
    _index_in_front(plan)
    plan.codes.add("V101")

    def edit(data: bytes, layout: Layout) -> bytes:
        aim = layout.first + (layout.end - layout.first) * percent // 100
        n_whole = sum(end <= aim for _, end in layout.places)
        start, end = layout.places[n_whole]
        _keep_packets(plan, n_whole)
        return data[: (start + end) // 2]

    plan.edit = edit


def _keep_packets(plan: Plan, n_packets: int) -> None:
    """Say that only the first packets are there; which frames these are follows from their stamps."""
    order = {pts: number for number, pts in enumerate(sorted(packet.pts for packet in plan.packets))}
    plan.barcodes = tuple(sorted(order[packet.pts] for packet in plan.packets[:n_packets]))
    plan.present = (n_packets, n_packets)


def _no_index(plan: Plan) -> None:
    plan.need("mp4", "mov")
    plan.refusal = "V102"
    plan.edit = lambda data, layout: data[: layout.end]


def _empty(plan: Plan) -> None:
    plan.refusal = "V103"
    plan.content = lambda plan: _write_bytes(plan.path, b"")


def _header_only(plan: Plan) -> None:
    plan.need(*STORED_WHOLE)
    _index_in_front(plan)
    plan.refusal = "V103"
    plan.edit = lambda data, layout: data[: first_picture_byte(data, plan.container, layout.first)]


def _growing(plan: Plan) -> None:
    plan.need(*STORED_WHOLE)
    _index_in_front(plan)
    plan.codes.add("V101")

    def edit(data: bytes, layout: Layout) -> bytes:
        n_packets = max(1, len(layout.places) * 6 // 10)
        place = layout.places[n_packets - 1][1]
        _keep_packets(plan, n_packets)

        def grow() -> None:
            with plan.path.open("ab") as file:
                file.write(data[place:])

        plan.grow = grow
        return data[:place]

    plan.edit = edit


def _picked_packets(plan: Plan, n: int, *, keys: bool | None = None) -> list[int]:
    """Draw packets of the middle of the file; `keys` asks for key packets, or for others."""
    rng = np.random.default_rng((plan.seed, 7))
    last = len(plan.packets) - 1
    known = [
        number
        for number, packet in enumerate(plan.packets)
        if 0 < number < last and (keys is None or packet.is_key == keys)
    ]
    return sorted(int(one) for one in rng.choice(known, min(n, len(known)), replace=False))


def _flipped(plan: Plan, n_bytes: int, *, keys: bool = False) -> None:
    """Change some bytes inside packets (not in their first ten, so that their kind stays readable)."""
    plan.need(*STORED_WHOLE)
    plan.codes.add("V105")

    def edit(data: bytes, layout: Layout) -> bytes:
        rng = np.random.default_rng((plan.seed, 8))
        changed = bytearray(data)
        if keys:
            packets = _picked_packets(plan, n_bytes, keys=True)
        else:
            packets = [int(one) for one in rng.integers(1, len(layout.places), n_bytes)]
        hit = set()
        for number in packets:
            start, end = layout.places[number]
            place = int(rng.integers(min(start + 10, end - 1), end))
            changed[place] ^= int(rng.integers(1, 256))
            hit.add(number)
        plan.damaged_packets = tuple(sorted(hit))
        return bytes(changed)

    plan.edit = edit


def _zeroed(plan: Plan) -> None:
    plan.need(*STORED_WHOLE)
    plan.codes.add("V105")

    def edit(data: bytes, layout: Layout) -> bytes:
        changed = bytearray(data)
        plan.damaged_packets = tuple(_picked_packets(plan, 3))
        for number in plan.damaged_packets:
            start, end = layout.places[number]
            changed[start:end] = bytes(end - start)
        return bytes(changed)

    plan.edit = edit


def _middle(plan: Plan) -> int:
    """Return a packet near the middle that is not a key packet."""
    middle = plan.n_frames // 2
    return middle + 1 if middle % plan.key_interval == 0 else middle


def _packet_lost(plan: Plan) -> None:
    plan.need(*STORED_WHOLE, "ts")
    lost = _middle(plan)
    plan.damaged_packets = (lost,)
    plan.holes = ((lost - 1, 1),)
    plan.barcodes = tuple(number for number in range(plan.n_frames) if number != lost)
    plan.codes.add("V113")
    plan.on_packet = lambda number, packet: [] if number == lost else [packet]


def _packet_twice(plan: Plan) -> None:
    plan.need("mkv")
    twice = _middle(plan)
    plan.damaged_packets = (twice,)
    plan.codes.add("V111")
    plan.on_packet = lambda number, packet: [packet, copy_packet(packet)] if number == twice else [packet]


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _other_content(plan: Plan, write: Callable[[Plan], None], code: str = "V104") -> None:
    plan.refusal = code
    plan.content = write


def _text(plan: Plan) -> None:
    lines = "".join(f"frame {number}: nothing to see here\n" for number in range(200))
    _other_content(plan, lambda plan: _write_bytes(plan.path, lines.encode()))


def _audio_only(plan: Plan) -> None:
    def write(plan: Plan) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sound = Path(folder) / "sound.mp4"
            write_audio_only(sound)
            _write_bytes(plan.path, sound.read_bytes())

    _other_content(plan, write)


def _beside(plan: Plan) -> Path:
    """Write a good clip beside the file (what a playlist refers to)."""
    good = plan.path.with_name(plan.path.stem + "_part.mp4")
    clean = Plan(
        good, "clean", "mp4", "h264", 30, plan.size, plan.rate, plan.seed, plan.key_interval, 0, plan.scene
    )
    clean.use("h264")
    write_plan(clean)
    return good


def _playlist(plan: Plan) -> None:
    def write(plan: Plan) -> None:
        name = _beside(plan).name
        _write_bytes(
            plan.path,
            f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:1.0,\n{name}\n#EXT-X-ENDLIST\n".encode(),
        )

    _other_content(plan, write)


def _concat_script(plan: Plan) -> None:
    _other_content(
        plan,
        lambda plan: _write_bytes(plan.path, f"ffconcat version 1.0\nfile '{_beside(plan).name}'\n".encode()),
    )


def _sdp(plan: Plan) -> None:
    text = (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    )
    _other_content(plan, lambda plan: _write_bytes(plan.path, text.encode()))


def _huge(plan: Plan) -> None:
    """Let the headers of an avi claim 65,500 x 65,500 pixels."""
    plan.container = "avi"
    plan.use("rawvideo")
    plan.refusal = "V104"
    plan.edit_header = lambda data: set_avi_size(data, 65500, 65500)


def _wrong_suffix(plan: Plan) -> None:
    """Write a good video of a container that the suffix does not say (matroska, or mp4 for .mkv)."""
    plan.container = "mp4" if plan.path.suffix == ".mkv" else "mkv"


def _two_streams(plan: Plan) -> None:
    plan.need("mp4", "mov", "mkv")
    plan.n_streams = 2
    plan.refusal = "V104"


DAMAGE: dict[str, Callable[[Plan], None]] = {
    **{f"cut_{percent}": partial(_cut, percent=percent) for percent in (10, 30, 50, 60, 70, 90)},
    "no_index": _no_index,
    "empty": _empty,
    "header_only": _header_only,
    "flipped": partial(_flipped, n_bytes=40),
    "flipped_few": partial(_flipped, n_bytes=6),
    "flipped_key": partial(_flipped, n_bytes=2, keys=True),
    "zeroed": _zeroed,
    "packet_lost": _packet_lost,
    "packet_twice": _packet_twice,
    "audio_only": _audio_only,
    "text": _text,
    "wrong_suffix": _wrong_suffix,
    "playlist": _playlist,
    "concat_script": _concat_script,
    "sdp": _sdp,
    "huge": _huge,
    "two_streams": _two_streams,
    "growing": _growing,
}
"""What each kind does to the plan of a clean video."""
