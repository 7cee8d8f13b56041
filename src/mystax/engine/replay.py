"""The pool of rendered faces that training mixes in: made once per machine, kept in the user's cache."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from mystax.core.events import Event, Report, silent

if TYPE_CHECKING:
    from mystax.nets.training_data import Replay
else:
    Replay = Any

__all__ = ["N_REPLAY", "replay_pool"]

N_REPLAY = 1000
PART = 250
SEED = 77
SIZE = 256
VERSION = 1
"""Raised with the renderer: other pictures are another pool."""


def replay_pool(*, folder: Path | None = None, n: int = N_REPLAY, progress: Report = silent) -> Replay:
    """Return rendered faces with their points; those that are missing are rendered now.

    Parameters
    ----------
    folder : Path, optional
        Where they are kept; by default in the user's cache.
    n : int, optional
        How many; parts of 250.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Replay
        Crops of 256 x 256 px with the points of the set `mouse-face-22`.
    """
    import numpy as np

    from mystax.core.keypoints import KeypointSet
    from mystax.nets.pool import ImagePool, write_part
    from mystax.nets.predictor import BASE_SET
    from mystax.nets.training_data import Replay as Pool

    place = folder or platformdirs.user_cache_path("mystax") / f"faces-{VERSION}"
    pool = ImagePool(place)
    n_parts = -(-n // PART)
    missing = [number for number in range(n_parts) if number not in pool.numbers]
    if missing:
        from mystax.synth.head import render_batch

        progress(
            Event("note", "replay", text=f"{len(missing) * PART} faces are rendered once for this machine")
        )
    for done, number in enumerate(missing):
        progress(Event("progress", "replay", done * PART, len(missing) * PART))
        batch = render_batch(SEED, number * PART, PART, size=SIZE)
        write_part(place, number, batch.image, batch.xy, batch.state)
    pool.refresh()
    image, xy, state = pool.read(np.arange(min(n, len(pool))))
    return Pool(image, xy, state, KeypointSet.load(BASE_SET).ids)
