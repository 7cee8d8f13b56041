"""`mystax probe`: frames, clock, gaps and damage of videos, without measuring anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mystax.cli.options import common
from mystax.cli.output import Output

if TYPE_CHECKING:
    from mystax.io.video import Video

__all__ = ["command"]


@click.command(
    "probe",
    epilog="Example: mystax probe face.mp4 --json",
    help="Show frames, clock, gaps and damage of videos.",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--decode", is_flag=True, help="Also decode everything and count the frames that cannot be read."
)
@click.option("--stream", type=int, help="Which video stream, where a file has several.")
@common
@click.pass_obj
def command(output: Output, files: tuple[Path, ...], decode: bool, stream: int | None) -> None:
    """Probe each file; refuse the bad ones with their code and go on."""
    output.more["probes"] = probes = []
    for path in files:
        output.inputs.append(str(path))
        with output.going_on():
            probes.append(_probe(output, path, decode, stream))
    output.settle(len(files))


def _probe(output: Output, path: Path, decode: bool, stream: int | None) -> dict[str, Any]:
    from mystax.io.video import Video

    video = Video(path, stream=stream)
    try:
        probe: dict[str, Any] = dict(video.probe().as_dict())
        if decode:
            probe["decoded"] = _decode(video)
        flags = [flag.as_dict() for flag in video.flags]
    finally:
        video.close()
    probe["flags"] = flags
    for line in _lines(probe):
        output.say(line)
    for flag in flags:
        output.warn(str(flag["code"]), str(flag["text"]), file=str(path))
    return probe


def _decode(video: "Video") -> dict[str, int]:
    """Decode all frames and count them by reason."""
    import numpy as np

    from mystax.core.recording import Reason

    counts = np.zeros(len(Reason), np.int64)
    for chunk in video.chunks():
        counts += np.bincount(chunk.reason, minlength=len(Reason))
    return {reason.name.lower(): int(counts[reason]) for reason in Reason}


def _lines(probe: dict[str, Any]) -> list[str]:
    """Write a probe for a person."""
    interval, keys = probe["interval"], probe["key_interval"]
    rate = probe["rate"]
    speed = f"{_number(rate)} frames/s ({rate})" if rate else "no constant rate"
    picture = f"{probe['width']} x {probe['height']} px, {probe['bits']} bit, {probe['pixel_format']}"
    grey = f"{probe['color_range']} range ({probe['color_range_source']})"
    turned = f", turned by {probe['rotation']} deg" if probe["rotation"] else ""
    coding = f"{probe['codec']} in {probe['container']}, key frame every {keys['median']} frames"
    header = probe["n_frames_header"]
    claimed = f" (the header says {header})" if header and header != probe["n_frames"] else ""
    clock = [probe["clock_kind"].replace("_", " "), speed]
    if probe["duration"] is None:
        clock = ["none; `mystax run` needs its rate or a clock file (--clock rate:30)"]
    else:
        clock.append(f"{probe['duration']:.3f} s")
    if interval["min"] is not None:
        clock.append(f"interval {1e3 * interval['min']:.3f} to {1e3 * interval['max']:.3f} ms")
    lines = [
        f"{probe['path']}",
        f"  picture    {picture}, {grey}{turned}",
        f"  coding     {coding}, {probe['route']} route",
        f"  frames     {probe['n_frames']}{claimed}",
        f"  clock      {', '.join(clock)}",
    ]
    gaps = probe["gaps"]
    if gaps:
        shown = ", ".join(f"{gap['missing']} after frame {gap['after']}" for gap in gaps[:5])
        lines.append(f"  gaps       {len(gaps)}: {shown}{' ...' if len(gaps) > 5 else ''}")
    if "decoded" in probe:
        good = probe["decoded"]["good"]
        bad = ", ".join(f"{n} {name}" for name, n in probe["decoded"].items() if n and name != "good")
        lines.append(f"  decoded    {good} good" + (f", {bad}" if bad else ""))
    return lines


def _number(rate: str) -> str:
    top, _, bottom = rate.partition("/")
    return f"{int(top) / int(bottom or 1):.6g}"
