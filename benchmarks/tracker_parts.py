"""Parts of the checks of the tracker: rendered pictures and videos with their truth, and what is found."""

import math
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from mystax.compute.keypoint_errors import ellipse_coverage
from mystax.core.recording import ArraySource
from mystax.engine.labels.labels import Labels
from mystax.engine.labels.suggest import suggest_frames
from mystax.engine.pose import pose
from mystax.nets.crop import frame_box
from mystax.nets.face_box import find_face_box
from mystax.nets.predictor import open_predictor, points_for_box
from mystax.synth.draws import Draw
from mystax.synth.head import render_batch
from mystax.synth.head_mesh import KEYPOINTS
from mystax.synth.head_render import render_scene
from mystax.synth.head_scene import draw_head_scene
from mystax.synth.head_script import HeadScript
from mystax.synth.head_truth import face_box, frame_face
from mystax.synth.head_video import HeadVideo, face_camera, render_video

__all__ = [
    "Tracked",
    "empty_video",
    "fresh_pictures",
    "held_by_ellipses",
    "shared_area",
    "still_video",
    "suggested_frames",
    "turned_face",
    "whisking_video",
]

Part = dict[str, np.ndarray]
SEED = 20_260_707
"""Of all pictures here; no training used it."""
N_PICTURES = 100
N_SUGGEST, N_SUGGESTED = 500, 50
FRAME = (1280, 1024)
RATE = 100
WHISK_RATE = 20.0
STILL_SECONDS, WHISK_SECONDS = 3.0, 3.0
N_LOOKED_AT = 24
EVERY = 10
"""Frames that share the states of their first one: what hides a point moves slowly."""
WHISKERS = ("whisker_I", "whisker_II", "whisker_III")


def fresh_pictures(weights: str, number: int, n: int = N_PICTURES) -> Part:
    """Find all points in pictures of the ordinary ranges."""
    batch = render_batch(SEED, number * n, n, workers=2)
    return {**_find(weights, batch.image), "truth": batch.xy, "state": batch.state}


def _find(weights: str, pictures: np.ndarray) -> Part:
    """Find all points, in the order of the renderer, in pictures that are face boxes."""
    predictor = open_predictor(weights, keypoints="all")
    order = [predictor.keypoints.ids.index(name) for name in KEYPOINTS]
    box, shape = frame_box(*pictures.shape[1:]), pictures.shape[1:]
    pairs = [predictor.network.prepare(picture, box) for picture in pictures]
    flat = np.array([is_flat for _, is_flat in pairs])
    found = predictor.predict(np.stack([crop for crop, _ in pairs]), box, (shape[0], shape[1]), flat)
    names = ("xy", "covariance", "confidence", "visibility")
    return {name: getattr(found, name)[:, order] for name in names}


def shared_area(one: np.ndarray, other: np.ndarray) -> float:
    """Return the area that two squares (x, y, side) share, as part of the area that they cover.

    Examples
    --------
    >>> shared_area(np.array([0.0, 0, 4]), np.array([2.0, 0, 4]))
    0.3333333333333333
    """
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2], other[:2] + other[2])
    both = float(np.prod(np.maximum(high - low, 0.0)))
    return both / float(one[2] ** 2 + other[2] ** 2 - both)


def turned_video(number: int) -> HeadVideo:
    """Film one animal in one of four quarter turns, its face 15 to 60 % of the picture's width."""
    rng = np.random.default_rng((SEED, 1, number))
    side = rng.uniform(0.15, 0.6) * FRAME[0]
    camera = face_camera(
        FRAME,
        azimuth=rng.uniform(-15, 30),
        elevation=rng.uniform(-15, 25),
        roll=90.0 * (number % 4) + rng.uniform(-15, 15),
        side=1 if rng.random() < 0.5 else -1,
        share=0.42 * side / FRAME[1],
    )
    script = HeadScript.motionless(number)
    first = render_video(script, camera, fps=RATE, seconds=1 / RATE, individual=SEED + number)
    room = np.maximum(np.array(FRAME) - 1.1 * side, 0) / 2 / np.array(FRAME)
    shift = rng.uniform(-room, room)
    moved = frame_face(camera, first.truth.xyz[0], (float(shift[0]), float(shift[1])), leave=0)
    return render_video(script, moved, fps=RATE, seconds=1 / RATE, individual=SEED + number)


def turned_face(weights: str, number: int) -> Part:
    """Find the box of a face of any turn; the time is that of 24 frames, without decoding."""
    video = turned_video(number)
    frame = video.frame(0)
    predictor = open_predictor(weights, keypoints="all")
    points = points_for_box(predictor.every)
    begin = time.process_time()
    found = find_face_box([frame] * N_LOOKED_AT, predictor.place, points, predictor.score)
    seconds = time.process_time() - begin
    return {
        "truth": face_box(video.truth.xy[0]),
        "box": np.array([found.box.x, found.box.y, found.box.side]),
        "turn": np.array(found.box.quarter_turns),
        "true_turn": np.array(-number % 4),
        "score": np.array(found.score),
        "seconds": np.array(seconds),
    }


def picture_without_face(number: int, size: tuple[int, int] = (640, 480)) -> np.ndarray:
    """Make a picture of no animal: a rendered room, cloudy noise, stripes, or lamps in the dark."""
    rng = np.random.default_rng((SEED, 2, number))
    width, height = size
    y, x = np.mgrid[:height, :width]
    kind = number % 4
    if kind == 0:
        scene = draw_head_scene(Draw((SEED, 2, number)), height)
        camera = face_camera(size)
        away = replace(camera, centre=(20.0 * width, camera.centre[1]))
        grey = render_scene(replace(scene, camera=away, mesh=None, points=None, distractors=()), 1, 0).grey
    elif kind == 1:
        waves = np.fft.rfft2(rng.normal(size=(height, width)))
        rate = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
        cloud = np.fft.irfft2(waves / np.maximum(rate, 1 / width), (height, width))
        grey = 0.5 + 0.18 * cloud / cloud.std()
    elif kind == 2:
        angle, period = rng.uniform(0, math.pi), rng.uniform(12, 90)
        grey = 0.5 + 0.35 * np.sin(2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / period)
    else:
        grey = np.full((height, width), 0.08)
        for _ in range(int(rng.integers(2, 7))):
            cx, cy, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(5, 60)
            grey = grey + rng.uniform(0.3, 0.9) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
    noisy = grey + rng.normal(0, 0.01, (height, width))
    return np.asarray(np.clip(255 * noisy, 0, 255), np.uint8)


def empty_video(weights: str, number: int) -> Part:
    """Look for a face in the frames of a video without one."""
    predictor = open_predictor(weights, keypoints="all")
    picture = picture_without_face(number).astype(np.float64)
    noise = np.random.default_rng((SEED, 3, number)).normal(0, 2.5, (N_LOOKED_AT, *picture.shape))
    frames = list(np.clip(picture + noise, 0, 255).astype(np.uint8))
    found = find_face_box(frames, predictor.place, points_for_box(predictor.every), predictor.score)
    return {"score": np.array(found.score), "side": np.array(found.box.side)}


@dataclass(frozen=True)
class Tracked:
    """A rendered video as the tracker sees it: places (time, keypoint, space) and their truth [px@256]."""

    smooth: np.ndarray
    raw: np.ndarray
    truth: np.ndarray
    covariance: np.ndarray
    """Of the smoothed places, xx, xy, yy [px@256^2]."""
    placed: np.ndarray
    names: tuple[str, ...]


def _tracked(weights: str, video: HeadVideo) -> Tracked:
    """Track a video within the true box of its first frame."""
    box = tuple(float(round(value, 1)) for value in face_box(video.truth.xy[0]))
    found = pose(video.source, weights=weights, box=f"{box[0]},{box[1]},{box[2]}").isel(individual=0)
    smooth, raw, covariance = (
        found[name].transpose("time", "keypoint", ...).to_numpy().astype(np.float64)
        for name in ("position", "position_raw", "covariance")
    )
    names = tuple(str(name) for name in found.keypoint.values)
    rows = [KEYPOINTS.index(name) for name in names]
    scale = 256 / box[2]
    return Tracked(
        smooth * scale,
        raw * scale,
        video.truth.xy[:, rows] * scale,
        covariance * scale**2,
        np.repeat([video.states(k)[rows] == 2 for k in range(0, len(smooth), EVERY)], EVERY, axis=0)[
            : len(smooth)
        ],
        names,
    )


def held_by_ellipses(video: Tracked) -> Part:
    """Tell how often ellipses of 90 % of smoothed places hold the truth, also moved by its median error.

    The second tells whether what moves from frame to frame is as large as they say, the first whether the
    whole error is.
    """
    away = np.where(video.placed[..., None], video.smooth - video.truth, np.nan)
    seen = video.placed.any(axis=0)
    middle = np.zeros(away.shape[1:])
    middle[seen] = np.nanmedian(away[:, seen], axis=0)
    shares = [
        ellipse_coverage(off, video.covariance, np.zeros_like(off), 0.9) for off in (away, away - middle)
    ]
    return {"held": np.array(shares[0]), "held_moved": np.array(shares[1])}


def still_video(weights: str, number: int, seconds: float = STILL_SECONDS) -> Part:
    """Measure how far points of an animal that does not move go from frame to frame [px@256]."""
    video = render_video(
        HeadScript.motionless(number),
        face_camera((320, 240)),
        fps=RATE,
        seconds=seconds,
        individual=SEED + 500 + number,
    )
    found = _tracked(weights, video)
    steps = [np.linalg.norm(np.diff(xy, axis=0), axis=-1).mean(axis=0) for xy in (found.smooth, found.raw)]
    return {"smooth": steps[0], "raw": steps[1], **held_by_ellipses(found)}


def whisking_script(number: int, seconds: float) -> tuple[HeadScript, slice]:
    """Choose a script with one bout of a second at 20 strokes per second; return it and the bout's frames."""
    times = np.arange(round(seconds * RATE)) / RATE
    for seed in range(100 * number, 100 * number + 100):
        script = HeadScript(
            seed,
            acts=("whisk",),
            whisk_rate=(WHISK_RATE, WHISK_RATE),
            whisk_amplitude=(math.radians(17), math.radians(17)),
            whisk_bouts=(1.0, 1.0),
        )
        bend = np.abs(np.diff(script.traces(times).whisk, 2))
        moving = np.flatnonzero(bend > 0.1 * math.radians(17))
        if len(moving) and moving[-1] - moving[0] > 0.7 * RATE:
            return script, slice(int(moving[0]), int(moving[-1]) + 2)
    raise RuntimeError("no script whisks")


def whisking_video(weights: str, number: int, seconds: float = WHISK_SECONDS) -> Part:
    """Measure the swing of whisker bases at 20 strokes per second: complex amplitudes [px@256]."""
    script, bout = whisking_script(number, seconds)
    video = render_video(
        script, face_camera((320, 240)), fps=RATE, seconds=seconds, individual=SEED + 600 + number
    )
    found = _tracked(weights, video)
    rows = [found.names.index(name) for name in WHISKERS]
    axis = _main_axis(found.truth[bout][:, rows])
    swings = (swing(xy[bout][:, rows], axis) for xy in (found.smooth, found.raw, found.truth))
    return {
        **dict(zip(("smooth", "raw", "true"), swings, strict=True)),
        "period": np.full(len(rows), RATE / WHISK_RATE),
        **held_by_ellipses(found),
    }


def _main_axis(xy: np.ndarray) -> np.ndarray:
    """Return the direction in which each point (time, keypoint, space) moves most."""
    centred = xy - xy.mean(axis=0)
    return np.stack([np.linalg.svd(centred[:, k], full_matrices=False)[2][0] for k in range(xy.shape[1])])


def swing(xy: np.ndarray, axis: np.ndarray, rate: float = WHISK_RATE / RATE) -> np.ndarray:
    """Return the complex amplitude of places (time, keypoint, space) along axes, at strokes per frame."""
    along = ((xy - xy.mean(axis=0)) * axis).sum(axis=-1)
    window = np.hanning(len(xy))[:, None]
    wave = np.exp(-2j * math.pi * rate * np.arange(len(xy)))[:, None]
    return np.asarray(2 * (along * window * wave).sum(axis=0) / window.sum())


def suggested_frames(weights: str, number: int, n: int = N_SUGGEST, wanted: int = N_SUGGESTED) -> Part:
    """Compare the errors [px] of frames that are suggested for labelling with those of all."""
    batch = render_batch(SEED + 1 + number, 0, n, workers=2)
    source = ArraySource(batch.image, Fraction(2))
    found = pose(source, weights=weights, box="frame", smooth="none")
    places = found["position_raw"].isel(individual=0).transpose("time", "keypoint", "space").to_numpy()
    rows = [KEYPOINTS.index(str(name)) for name in found.keypoint.values]
    error = np.linalg.norm(places - batch.xy[:, rows], axis=-1)
    error = np.where(batch.state[:, rows] == 2, error, np.nan)
    with tempfile.TemporaryDirectory() as folder:
        chosen = suggest_frames(Labels(Path(folder) / "faces.labels"), wanted, [source], poses={0: found})
    frames = [item.frame for item in chosen]
    return {"suggested": np.array(np.nanmean(error[frames])), "all": np.array(np.nanmean(error))}
