"""The loops of the live preview, compiled before anybody waits for them."""

from typing import Literal

import numpy as np

from mystax.core.array_source import ArraySource
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.typing import Shaped
from mystax.engine.preview import preview

__all__ = ["WARMED", "warm_preview"]

N_FRAMES, HEIGHT, WIDTH = 3, 96, 112
CENTRE, RADIUS = (48.0, 56.0), 12.0
WARMED = {
    "motion": Roi("motion", "motion", Rectangle(8, 20, 60, 48)),
    "blink": Roi("blink", "blink", Rectangle(30, 30, 50, 40)),
    "running": Roi("running", "running", Rectangle(10, 20, 64, 50)),
    "pupil": Roi("pupil", "pupil", Ellipse(56, 48, 24, 20, 0.0)),
}
"""Analyses with compiled loops, each with a region on the made-up film; the dearest one comes last."""


def warm_preview(name: str, depth: Literal[8, 16] = 8) -> None:
    """Preview one frame of a made-up film: all that is compiled for it is kept in the user's cache.

    Parameters
    ----------
    name : str
        One of `WARMED`.
    depth : {8, 16}, optional
        Bits of the film: loops are compiled for each.
    """
    preview(name, ArraySource(_eye(depth)), WARMED[name], frame=1, sight=True)


def _eye(depth: int) -> Shaped[np.ndarray, "time y x"]:
    """Draw a dark pupil with a bright reflection on a textured ground that moves."""
    ground = np.random.default_rng(0).normal(140.0, 12.0, (HEIGHT, WIDTH))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frames = np.empty((N_FRAMES, HEIGHT, WIDTH))
    for k in range(N_FRAMES):
        picture = np.roll(ground, 2 * k, axis=1)
        picture[np.hypot(y - CENTRE[0], x - CENTRE[1] - k) < RADIUS] = 30.0
        picture[np.hypot(y - CENTRE[0] + 5, x - CENTRE[1]) < 2.5] = 255.0
        frames[k] = picture
    codes = np.clip(np.rint(frames), 0, 255)
    return codes.astype(np.uint8) if depth == 8 else (codes * 257).astype(np.uint16)
