"""What Facemap 1.0.8 measures in the inputs of the truth table; run by its interpreter.

``PYTHON facemap_truth.py JOB RESULT``: the job names a folder with the inputs, the result holds the values
and a sentence for each row.  Public functions are called and saved files are read; nothing else.
"""

import contextlib
import io
import json
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from facemap_runner import proc_of

Row = dict[str, Any]


def _run(place: Path, name: str, **options: Any) -> dict[str, Any]:
    """Process one video and return what was saved."""
    from facemap import process as peer

    folder = place / "peer"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    video = str(place / f"{name}.mkv")
    job = {"video": video, "folder": str(folder), "bin": 4, "shape": (128, 160), **options}
    saved = peer.run(
        [[video]],
        sbin=job["bin"],
        motSVD=job.get("motion", True),
        movSVD=job.get("movie", False),
        proc=proc_of(job) if "rois" in job else None,
        savepath=str(folder),
    )
    return dict(np.load(saved, allow_pickle=True).item())


def _roi(kind: str, box: tuple[int, int, int, int], **more: Any) -> Row:
    return {"kind": kind, "box": box, "ellipse": kind in ("pupil", "blink"), **more}


PAD = _roi("motion", (16, 24, 80, 64))
NOSE = _roi("motion", (104, 32, 48, 72))
EYE = _roi("pupil", (38, 38, 45, 37), saturation=100, sigma=2.0)
LIDS = _roi("blink", (36, 36, 49, 41), saturation=160)


def _wheel(place: Path) -> Row:
    from facemap import running as peer

    frames = np.load(place / "wheel.npz")["frames"].astype(np.float32)
    found = np.stack(peer.process(frames), -1).reshape(-1, 2)
    return {"values": found.ravel().tolist(), "text": " ".join(f"({y},{x})" for y, x in found)}


def _jumps(place: Path) -> Row:
    motion = _run(place, "jumps", shape=(64, 64))["motion"][0]
    found = np.flatnonzero(motion > 0).tolist()
    return {"values": found, "text": ", ".join(map(str, found))}


def _norms(place: Path) -> Row:
    saved = _run(place, "moving")
    norms = np.linalg.norm(saved["motMask"][0], axis=0)
    values = [float(norms.min()), float(norms.max()), float(np.abs(saved["motSv"]).max())]
    return {"values": values, "text": f"norms {values[0]:.0f}-{values[1]:.0f}, largest S {values[2]:g}"}


def _two_regions(place: Path) -> Row:
    saved = _run(place, "moving", rois=[PAD, NOSE])
    found = saved["motSv"]
    n = len(found) if isinstance(found, list) else 1
    return {"values": [n], "text": f"{n} set{'s' if n > 1 else ''} for 2 regions"}


def _overlap_motion(place: Path) -> Row:
    alone = float(np.mean(_run(place, "moving", rois=[PAD])["motion"][1]))
    both = float(np.mean(_run(place, "moving", rois=[PAD, EYE])["motion"][1]))
    return {"values": [alone, both], "text": f"{alone:.0f} -> {both:.0f} ({both / alone - 1:+.0%})"}


def _overlap_blink(place: Path) -> Row:
    alone = float(np.mean(_run(place, "moving", rois=[LIDS])["blink"][0]))
    both = float(np.mean(_run(place, "moving", rois=[LIDS, EYE])["blink"][0]))
    return {"values": [alone, both], "text": f"{alone:.0f} -> {both:.0f} ({both / alone - 1:+.0%})"}


def _uniform(place: Path) -> Row:
    saved = _run(place, "flicker", shape=(96, 96))
    masks = saved["motMask"][0].astype(np.float64)
    masks = masks[:, np.linalg.norm(masks, axis=0) > 0]
    basis, _ = np.linalg.qr(masks)
    motion = np.load(place / "flicker_rows.npz")
    rows, exact = motion["rows"].astype(np.float64), motion["values"]
    shares = [float(np.square(rows @ basis[:, :n]).sum() / exact[:n].sum()) for n in (1, 100, 500)]
    text = f"captured {shares[0]:.3f} (k = 1), {shares[1]:.3f} (k = 100), {shares[2]:.3f} (k = 500) of exact"
    return {"values": shares, "text": text}


def _mean_motion(place: Path) -> Row:
    found = np.asarray(_run(place, "bouts", shape=(48, 48))["avgmotion"][0], np.float64).ravel()
    truth = np.load(place / "bouts_mean.npz")["mean"].ravel()
    error = float(np.median(np.abs(found / truth - 1)))
    return {"values": [error], "text": f"{error:.1%} error per pixel"}


def _two_wheels(place: Path) -> Row:
    rois = [_roi("running", (0, 0, 64, 96)), _roi("running", (72, 0, 64, 96), number=1)]
    saved = _run(place, "moving", rois=rois, motion=False)
    return {"values": [len(saved["running"])], "text": f"{len(saved['running'])} traces"}


def _movie(place: Path) -> Row:
    saved = _run(place, "moving", motion=False, movie=True)
    found = np.asarray(saved["movSv"])
    n = saved["movSVD"][0].shape[1]
    return {
        "values": [float(np.abs(found).max()), n],
        "text": f"largest S {np.abs(found).max():g}, {n} components",
    }


def _pupil(frames: np.ndarray, saturation: float) -> Any:
    from facemap import pupil as peer

    return peer.process(frames, saturation, 2.0)


def _pupil_cases(place: Path) -> Row:
    eyes = np.load(place / "eyes.npz")
    values = []
    for case in ("clean", "reflections", "lid"):
        area = np.asarray(_pupil(eyes[case].copy(), 80.0)[1])
        error = np.abs(area / eyes[f"{case}_area"] - 1)
        values += [float(np.median(error)), float(np.percentile(error, 95))]
    text = " / ".join(f"{values[k]:.0%} ({values[k + 1]:.0%} at the 95th percentile)" for k in (0, 2, 4))
    return {"values": values, "text": text}


def _radius(place: Path) -> Row:
    frames = np.load(place / "eyes.npz")["radius"]
    length = np.median(np.asarray(_pupil(frames.copy(), 80.0)[3]), 0)
    return {"values": length.tolist(), "text": f"axlen {length[0]:.0f}, {length[1]:.0f} (squares)"}


def _blink_unit(place: Path) -> Row:
    saved = _run(place, "moving", rois=[LIDS])
    found = float(np.mean(saved["blink"][0]))
    has_unit = any("unit" in str(key) for key in saved)
    return {"values": [found], "text": f"a sum of {found:.0f}, {'with' if has_unit else 'without'} unit"}


def _damaged(place: Path) -> Row:
    motion = np.asarray(_run(place, "damaged", shape=(96, 96))["motion"][0])
    truth = np.load(place / "damaged.npz")["missing"]
    n_finite = int(np.isfinite(motion[truth[truth < len(motion)]]).sum())
    text = f"{n_finite} of {len(truth)} damaged frames have a number"
    return {"values": [n_finite, len(truth)], "text": text}


def _comparable(place: Path) -> Row:
    def level(name: str, rate: int) -> float:
        motion = np.asarray(_run(place, name)["motion"][0], np.float64)
        gate = np.clip(2 * np.sin(2 * np.pi * 0.4 * np.arange(len(motion)) / rate), 0, 1)
        return float(motion[gate > 0.9].mean())

    reference = level("reference", 100)
    values = [level("half_light", 100) / reference, level("double_noise", 100) / reference]
    values.append(level("half_rate", 50) / reference)
    return {"values": values, "text": ", ".join(f"{value:.2f}" for value in values)}


def _grid(place: Path) -> Row:
    saved = _run(place, "moving", rois=[_roi("motion", (8, 8, 96, 96))])
    shape = saved["motMask_reshape"][1].shape[:2]
    return {"values": list(shape), "text": f"{shape[0]} x {shape[1]}"}


def _again(place: Path) -> Row:
    from facemap import process as peer

    saved = _run(place, "moving", rois=[PAD])
    peer.run([[str(place / "moving.mkv")]], sbin=4, motSVD=True, movSVD=False, proc=saved)
    return {"values": [], "text": "runs"}


ROWS: tuple[Callable[[Path], Row], ...] = (
    _wheel,
    _jumps,
    _norms,
    _two_regions,
    _overlap_motion,
    _overlap_blink,
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


def main(arguments: list[str]) -> int:
    """Measure every row; an exception of the peer is its result."""
    place = Path(json.loads(Path(arguments[0]).read_text("utf-8"))["folder"])
    found: dict[str, Row] = {}
    for number, measure in enumerate(ROWS, 1):
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                row = measure(place)
        except Exception as error:  # noqa: BLE001 - what the peer raises is what the table says of it
            trace = "".join(traceback.format_exception_only(error)).strip()
            row = {"values": [], "text": trace[:120]}
        found[str(number)] = row
        print(number, row["text"], flush=True)
    Path(arguments[1]).write_text(json.dumps(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
