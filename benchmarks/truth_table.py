"""The table truth / Facemap 1.0.8 / mystax: ``python -m benchmarks.truth_table [--peer-python PATH]``.

Without an interpreter of the peer its recorded values are shown.  The exit status is 1 if a value of
mystax is out of its bound.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.exact import exact_values, motion_rows
from benchmarks.truth_rows import ROWS, TruthRow
from benchmarks.truth_worlds import World, block_sums_of

__all__ = ["RECORDED", "as_json", "as_markdown", "differs", "main", "measure_peer", "write_peer_inputs"]

RECORDED = Path(__file__).resolve().parent / "peers" / "facemap_1_0_8.json"
MUST_AGREE = (1, 2, 3, 4, 5, 6, 9, 10, 15)
"""Rows in which the peer must give its recorded values again."""

TOLERANCE = 0.05


def write_peer_inputs(world: World) -> None:
    """Write the inputs that the peer reads: videos without loss, pictures of eyes, and exact means."""
    from mystax.io.video import Video
    from mystax.synth.eye import Eye, eye_case, render_eye

    names = ("jumps", "moving", "flicker", "bouts", "wheel", "reference", "half_light", "double_noise")
    for name in (*names, "half_rate"):
        world.file(name)
    np.savez(world.folder / "wheel.npz", frames=world.movie("wheel"))
    rows = motion_rows(block_sums_of(world.movie("flicker")))
    np.savez(world.folder / "flicker_rows.npz", rows=rows, values=exact_values(rows))
    sums = block_sums_of(world.movie("bouts")).astype(np.int64)
    np.savez(world.folder / "bouts_mean.npz", mean=np.abs(np.diff(sums, axis=0)).mean(0) / 16)
    eyes: dict[str, Any] = {"radius": np.stack([render_eye(Eye(radius=20.0), seed) for seed in range(12)])}
    for case in ("clean", "reflections", "lid"):
        made = [eye_case(case, seed) for seed in range(40)]
        eyes[case] = np.stack([render_eye(eye, seed) for seed, eye in enumerate(made)])
        eyes[f"{case}_area"] = np.array([eye.area for eye in made])
    np.savez(world.folder / "eyes.npz", **eyes)
    damaged = world.folder / "damaged.mkv"
    if damaged.exists():
        with Video(damaged) as video:
            reason = np.concatenate([chunk.reason for chunk in video.chunks()])
        np.savez(world.folder / "damaged.npz", missing=np.flatnonzero(reason))


def measure_peer(python: Path, world: World) -> dict[str, Any]:
    """Run the peer in its own interpreter on the same inputs.

    Parameters
    ----------
    python : Path
        Interpreter in which it is installed.
    world : World
        The inputs; rows of mystax have been measured already.

    Returns
    -------
    dict
        Number of the row -> ``{"values": [...], "text": "..."}``.
    """
    write_peer_inputs(world)
    job, result = world.folder / "job.json", world.folder / "peer.json"
    job.write_text(json.dumps({"folder": str(world.folder)}), "utf-8")
    script = RECORDED.parent / "facemap_truth.py"
    subprocess.run([str(python), str(script), str(job), str(result)], check=True, stdout=sys.stderr)
    return dict(json.loads(result.read_text("utf-8")))


def differs(measured: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[int]:
    """List the rows that must agree with the recorded values and do not, within 5 %."""
    wrong = []
    for number in MUST_AGREE:
        one, other = measured[str(number)]["values"], recorded[str(number)]["values"]
        if len(one) != len(other) or not np.allclose(one, other, rtol=TOLERANCE, atol=1e-6):
            wrong.append(number)
    return wrong


def as_json(rows: Sequence[TruthRow], peer: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the table as one JSON object."""
    return {
        "schema": 1,
        "peer": source,
        "rows": [
            {
                "row": row.number,
                "input": row.what,
                "truth": row.truth,
                "peer": peer.get(str(row.number), {}).get("text", ""),
                "mystax": row.ours,
                "bound": row.bound,
                "ok": row.ok,
                "values": [float(value) for value in row.values],
            }
            for row in rows
        ],
    }


def as_markdown(rows: Sequence[TruthRow], peer: Mapping[str, Any], source: str) -> str:
    """Return the table in Markdown."""
    lines = [
        f"| # | input with known truth | truth | Facemap 1.0.8 ({source}) | mystax | bound of mystax |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        other = peer.get(str(row.number), {}).get("text", "")
        held = row.bound if row.ok else f"**missed:** {row.bound}"
        lines.append(f"| {row.number} | {row.what} | {row.truth} | {other} | {row.ours} | {held} |")
    return "\n".join(lines) + "\n"


def _page(table: str) -> str:
    """Return the page of the documentation."""
    return (
        "# Truth, Facemap 1.0.8, and mystax\n\n"
        "Each input is generated, so its right measurement is known. The same pixels go to both packages; "
        "Facemap runs in an interpreter of its own. Made by `python -m benchmarks.truth_table`.\n\n" + table
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all rows and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.truth_table", description=__doc__)
    parser.add_argument("--peer-python", type=Path, help="interpreter in which facemap==1.0.8 is installed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--markdown", type=Path, help="write a page of the documentation")
    parser.add_argument("--record", action="store_true", help="keep what the peer measured")
    words = parser.parse_args(arguments)
    recorded: dict[str, Any] = json.loads(RECORDED.read_text("utf-8"))["rows"] if RECORDED.exists() else {}
    with tempfile.TemporaryDirectory(prefix="mystax-truth-") as folder:
        world = World(Path(folder))
        rows = [measure(world) for measure in ROWS]
        peer, source = recorded, "recorded"
        if words.peer_python is not None:
            peer, source = measure_peer(words.peer_python.absolute(), world), "measured"
    if words.record and source == "measured":
        text = json.dumps({"schema": 1, "facemap": "1.0.8", "rows": peer}, indent=1)
        RECORDED.write_text(text + "\n", "utf-8")
    elif source == "measured" and (wrong := differs(peer, recorded)):
        print(f"the peer differs from its recorded values in rows {wrong}", file=sys.stderr)
    if words.json:
        print(json.dumps(as_json(rows, peer, source), indent=1))
    else:
        print(as_markdown(rows, peer, source), end="")
    if words.markdown is not None:
        words.markdown.write_text(_page(as_markdown(rows, peer, source)), "utf-8")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
