"""Make the shipped weights out of a training run: calibrate, export, measure, write the model card.

Examples
--------
::

    python tools/base_card.py RUN --pool POOL --shifted SHIFTED --out src/mystax/data/weights
    python tools/base_card.py RUN --pool POOL --shifted SHIFTED --ordinary HELD --out ...
    python tools/base_card.py RUN --pool POOL --shifted SHIFTED --real FOLDER LABELS --looks 14 --out ...

Calibration is fitted on every second picture of the shifted set, and measured on the others; with pictures
of the ordinary ranges that no training saw, it is fitted on as many of these.
"""

import argparse
import hashlib
import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import tomli_w
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import base_weights
from mystax.compute.keypoint_errors import area_under_curve, calibration_error, ellipse_coverage
from mystax.io.weights import write_weights
from mystax.nets.confidence import GOOD_ERROR, Calibration, features, fit_calibration
from mystax.nets.crop import normalise_crops
from mystax.nets.decode import Decoded
from mystax.nets.export import pack_weights
from mystax.nets.fitting import predict
from mystax.nets.pool import ImagePool
from mystax.nets.shape_prior import ShapePrior, fit_shape_prior
from mystax.nets.tracker import Dense, build_tracker

PLACED = 2
FAILURES = [
    "albino animals in glare",
    "views from above",
    "blurred faces of fewer than 60 px",
    "human faces",
]


def interval(error: np.ndarray, seed: int = 0) -> list[float]:
    """Return the 95 % interval of the mean error by a bootstrap over pictures."""
    frames = error[np.isfinite(error).any(axis=1)]
    draws = np.random.default_rng(seed).integers(0, len(frames), (500, len(frames)))
    return [round(float(q), 3) for q in np.quantile([np.nanmean(frames[d]) for d in draws], [0.025, 0.975])]


def errors(error: np.ndarray, names: list[str]) -> dict[str, object]:
    """Put errors [px@256] (picture, point) into a table of the card."""
    known = error[np.isfinite(error)]
    return {
        "pictures": len(error),
        "median": round(float(np.median(known)), 3),
        "mean": round(float(known.mean()), 3),
        "mean_interval": interval(error),
        "p95": round(float(np.quantile(known, 0.95)), 3),
        **{f"pck_{limit}": round(float((known <= limit).mean()), 4) for limit in (2, 5, 10, 20)},
        "median_per_point": {
            name: round(float(np.nanmedian(error[:, k])), 3)
            for k, name in enumerate(names)
            if np.isfinite(error[:, k]).any()
        },
    }


def read_net(run: Path) -> tuple[Dense, dict[str, str]]:
    """Read the averaged weights of a run, and its notes."""
    path = run / "weights.safetensors"
    with safe_open(path, "pt") as file:
        notes = file.metadata()
    net = build_tracker(len(base_weights.POINTS), width=float(notes["width"]))
    net.load_state_dict(load_file(path))
    return net.eval(), notes


def calibrate(
    net: Dense, prior: ShapePrior | None, shifted: ImagePool, ordinary: ImagePool | None, count: int
) -> tuple[Calibration, dict[str, object], np.ndarray]:
    """Fit the calibration on every second picture; return it, its figures on the others, and their errors."""
    image, xy, state = shifted.read(np.arange(min(count, len(shifted))))
    fit, test = np.arange(len(xy)) % 2 == 0, np.arange(len(xy)) % 2 == 1
    if ordinary is not None:
        more = ordinary.read(np.arange(min(int(fit.sum()), len(ordinary))))
        image, xy, state = (np.concatenate(pair) for pair in zip((image, xy, state), more, strict=True))
        fit, test = (
            np.append(mask, np.full(len(more[0]), use)) for mask, use in ((fit, True), (test, False))
        )
    size = image.shape[-1]
    found = predict(net, normalise_crops(image))
    values = features(found, prior, size)
    offset, placed = found.xy - xy, state == PLACED
    everywhere = np.ones_like(placed)
    calibration = fit_calibration(
        values[fit], found.covariance[fit], offset[fit], placed[fit], everywhere[fit], size=size
    )
    error = np.linalg.norm(offset, axis=-1) * 256 / size
    return (
        calibration,
        reliability(calibration, values[test], found.covariance[test], offset[test], placed[test], size),
        np.where(placed, error, np.nan)[test],
    )


def reliability(
    calibration: Calibration,
    values: np.ndarray,
    window: np.ndarray,
    offset: np.ndarray,
    placed: np.ndarray,
    size: int,
) -> dict[str, object]:
    """Measure confidence and ellipses against known errors."""
    confidence = calibration.confidence(values)
    error = np.linalg.norm(offset, axis=-1) * 256 / size
    is_good = placed & (error <= GOOD_ERROR)
    covariance = calibration.covariance(window, confidence, size)
    found = np.where(placed[..., None], offset, np.nan)
    return {
        "ece": round(calibration_error(confidence.ravel(), is_good.ravel()), 4),
        "auroc_error_above_10": round(area_under_curve(1 - confidence[placed], error[placed] > 10), 4),
        "auroc_not_good": round(area_under_curve(1 - confidence.ravel(), ~is_good.ravel()), 4),
        **{
            f"ellipse_{round(100 * share)}": round(
                ellipse_coverage(found, covariance, np.zeros_like(found), share), 4
            )
            for share in (0.5, 0.9)
        },
    }


def real_figures(
    net: Dense, calibration: Calibration, prior: ShapePrior | None, folder: Path, labels: Path
) -> dict[str, object]:
    """Measure on a folder of labelled stills, also without the whisker points."""
    crops, truth, known, rank = base_weights.real_crops(folder, labels)
    found = predict(net, crops)
    values = features(found, prior, crops.shape[-1])[:, rank]
    part = Decoded(**{name: getattr(found, name)[:, rank] for name in Decoded.__slots__})
    own = replace(calibration, intercepts=calibration.intercepts[rank], scale=calibration.scale[rank])
    error = np.linalg.norm(part.xy - truth, axis=-1)
    plain = [k for k, name in enumerate(known) if "whisker" not in name]
    confidence = own.confidence(values)
    ranks = [np.argsort(np.argsort(v.ravel())) for v in (confidence, error)]
    return {
        "all_points": errors(error, known),
        "without_whiskers": errors(error[:, plain], [known[k] for k in plain]),
        "calibration": {
            **reliability(own, values, part.covariance, part.xy - truth, np.isfinite(error), crops.shape[-1]),
            "rank_correlation": round(float(np.corrcoef(ranks[0], ranks[1])[0, 1]), 4),
        },
    }


def main(argv: list[str] | None = None) -> None:
    """Read the command line and work."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--shifted", type=Path, required=True)
    parser.add_argument("--ordinary", type=Path, help="held-out pictures of the ordinary ranges")
    parser.add_argument("--real", type=Path, nargs=2, metavar=("FOLDER", "LABELS"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="mouse-face")
    parser.add_argument("--keypoints", type=Path, help="the keypoint set, as TOML")
    parser.add_argument("--commit", default="", help="commit of the recipe")
    parser.add_argument("--hours", type=float, default=0.0, help="hours of rendering and training")
    parser.add_argument("--looks", type=int, default=0, help="looks at real frames that led to a change")
    parser.add_argument("--count", type=int, default=2000, help="pictures of the shifted set")
    wishes = parser.parse_args(argv)
    torch.set_num_threads(1)
    net, notes = read_net(wishes.run)
    pool, shifted = ImagePool(wishes.pool), ImagePool(wishes.shifted)
    _, xy, state = pool.read(np.linspace(0, len(pool) - 1, min(4000, len(pool))).astype(np.int64))
    prior = fit_shape_prior(xy, state == PLACED, can_mirror=True)
    ordinary = ImagePool(wishes.ordinary) if wishes.ordinary else None
    calibration, reliable, error = calibrate(net, prior, shifted, ordinary, wishes.count)
    provenance = {
        "data": "rendered images only",
        "images": int(notes["images"]),
        "seed": int(notes["seed"]),
        "steps": int(notes["steps"]),
        "commit": wishes.commit,
    }
    onnx, tensors, info = pack_weights(
        net,
        size=pool.read(np.zeros(1, np.int64))[0].shape[-1],
        points=base_weights.POINTS,
        keypoints=wishes.keypoints.read_text("utf-8") if wishes.keypoints else "",
        calibration=calibration,
        prior=prior,
        provenance=provenance,
    )
    path = write_weights(wishes.out, wishes.name, onnx, tensors, info)
    card: dict[str, object] = {
        "name": wishes.name,
        "licence": "BSD-3-Clause",
        "training": {**provenance, "hours": wishes.hours, "machine": f"{platform.machine()}, CPU"},
        "unit": "px@256: error x 256 / side of the face box; for stills without a box, their width",
        "shifted": {**errors(error, base_weights.POINTS), "calibration": reliable},
        "looks_at_real_frames": wishes.looks,
        "known_failures": FAILURES,
        "sha256": {
            kind: hashlib.sha256(path.with_suffix(f".{kind}").read_bytes()).hexdigest()
            for kind in ("onnx", "safetensors")
        },
    }
    if wishes.real:
        card["real"] = {
            "set": wishes.real[0].name,
            "box": "frame",
            **real_figures(net, calibration, prior, *wishes.real),
        }
    path.with_suffix(".toml").write_text(tomli_w.dumps(card), encoding="utf-8")
    print(path.with_suffix(".toml").read_text("utf-8"))


if __name__ == "__main__":
    main()
