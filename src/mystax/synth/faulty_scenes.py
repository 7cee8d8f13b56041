"""Pictures for faulty videos: a moving texture or a simple face, with the frame number in the corner."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter

from mystax.core.typing import Bool, Float64, Int64, UInt, UInt8
from mystax.errors import RecipeError, nearest
from mystax.synth.barcode import BARCODE_SHAPE, draw_barcode

__all__ = ["SCENES", "FaultyScene"]

SCENES = ("texture", "face", "face_closed", "black", "saturated", "constant", "frozen", "flicker", "ramp")
"""Names of the scenes."""

_NOISE = 2.0  # sd of the pixel noise [grey levels]: neighbouring frames always differ
_LEVEL = 118.0


@dataclass(frozen=True)
class FaultyScene:
    """Frames of a synthetic video, each a pure function of its number.

    Parameters
    ----------
    name : str
        One of `SCENES`.
    size : tuple of int
        Width and height [px].
    n_frames : int
        Number of frames.
    seed : int
        Of texture and noise.
    event_seed : int, optional
        Of the movement; cameras that film one event share it.  By default the seed.
    numbers : tuple of int, optional
        Which moment of the event each frame shows, in picture and barcode; by default the frame number.
    bits : int, optional
        Depth.

    Attributes
    ----------
    special : tuple of int
        Frames that stand still (`frozen`) or have the eye closed (`face_closed`).

    Raises
    ------
    RecipeError
        P403, if there is no such scene.
    """

    name: str
    size: tuple[int, int]
    n_frames: int
    seed: int
    event_seed: int | None = None
    numbers: tuple[int, ...] | None = None
    bits: int = 8
    special: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.name not in SCENES:
            raise RecipeError("P403", "scene", f"no scene {self.name!r}{nearest(self.name, SCENES)}")
        third = self.n_frames // 3
        picked = {"face_closed": range(third, 2 * third), "frozen": range(third, 2 * third)}.get(
            self.name, ()
        )
        object.__setattr__(self, "special", tuple(picked))

    @cached_property
    def _texture(self) -> Float64[np.ndarray, "y x"]:
        width, height = self.size
        noise = np.random.default_rng(self.seed).standard_normal((height, width))
        smooth = gaussian_filter(noise, 2.5, mode="wrap")
        return np.asarray(np.clip(_LEVEL + 34.0 * smooth / smooth.std(), 40.0, 200.0))

    @cached_property
    def _place(self) -> Int64[np.ndarray, "n space"]:
        """Walk of the texture [px]: steps of 1 to 4 px in bursts, never none."""
        event = self.seed if self.event_seed is None else self.event_seed
        rng = np.random.default_rng((event, 1))
        n = self.number(self.n_frames - 1) + 1
        bursts = np.repeat(rng.integers(1, 5, n // 8 + 1), 8)[:n]
        # Bursts of fixed length would repeat every 8 frames; a few single changes make each place unique.
        steps = np.where(rng.random(n) < 0.3, rng.integers(1, 5, n), bursts)
        return np.stack([np.cumsum(steps), np.cumsum(steps // 2)], axis=1)

    def number(self, index: int) -> int:
        """Return the moment of the event that a frame shows."""
        return index if self.numbers is None else self.numbers[index]

    def picture(self, index: int) -> UInt[np.ndarray, "y x"]:
        """Draw frame `index` as full-range grey of the scene's depth.

        Parameters
        ----------
        index : int
            Frame number, 0 .. n_frames - 1.

        Returns
        -------
        array (y, x)
            uint8, or uint16 for more than 8 bits.
        """
        flat = {"black": 0, "saturated": 255, "constant": 128}
        width, height = self.size
        if self.name in flat:
            grey = np.full((height, width), flat[self.name], np.uint8)
        else:
            grey = self._drawn(index)
            tall, wide = BARCODE_SHAPE
            if height >= tall and width >= wide:
                grey[:tall, :wide] = draw_barcode(self.number(index))
        if self.bits == 8:
            return self._with_ramp(grey)
        return self._with_ramp(grey.astype(np.uint16) << (self.bits - 8))

    def _drawn(self, index: int) -> UInt8[np.ndarray, "y x"]:
        shown = min(self.special) if self.name == "frozen" and index in self.special else index
        moment = self.number(shown)
        x, y = self._place[moment]
        moved = np.roll(self._texture, (int(y), int(x)), (0, 1))
        drawing: Callable[[np.ndarray, int], np.ndarray] = {
            "face": self._face,
            "face_closed": self._face,
            "flicker": lambda picture, frame: picture * (0.8 if frame % 2 else 1.0),
        }.get(self.name, lambda picture, _: picture)
        picture = drawing(moved, shown)
        noise = np.random.default_rng((self.seed, 2, moment)).standard_normal(picture.shape)
        return np.clip(picture + _NOISE * noise, 20.0, 220.0).astype(np.uint8)

    def _ellipse(self, centre: tuple[float, float], radii: tuple[float, float]) -> Bool[np.ndarray, "y x"]:
        """Return the inside of an ellipse whose centre (x, y) is given in shares of the picture [px]."""
        width, height = self.size
        x, y = np.arange(width) - centre[0] * width, (np.arange(height) - centre[1] * height)[:, None]
        return np.asarray((x / radii[0]) ** 2 + (y / radii[1]) ** 2 <= 1.0)

    def pupil_radius(self, index: int) -> float:
        """Return the radius of the pupil of the scenes `face` and `face_closed` [px]."""
        return float(min(self.size) * (0.07 + 0.025 * np.sin(2 * np.pi * self.number(index) / 50.0)))

    def _face(self, moved: np.ndarray, index: int) -> np.ndarray:
        """Draw still fur, a moving whisker pad (lower right), and an eye with a pupil (middle left)."""
        side = min(self.size)
        picture = _LEVEL + 0.35 * (self._texture - _LEVEL)  # fur is never as dark as the pupil
        pad = self._ellipse((0.72, 0.75), (0.22 * side, 0.18 * side))
        picture[pad] = moved[pad]
        if not (self.name == "face_closed" and index in self.special):
            picture[self._ellipse((0.38, 0.52), (0.2 * side, 0.16 * side))] = 180.0
            radius = self.pupil_radius(index)
            picture[self._ellipse((0.38, 0.52), (radius, radius))] = 35.0
        return picture

    def _with_ramp(self, grey: UInt[np.ndarray, "y x"]) -> UInt[np.ndarray, "y x"]:
        """Put a ramp through all levels into the last quarter of the rows of the scene `ramp`."""
        if self.name == "ramp":
            strip = grey[-(grey.shape[0] // 4) :]
            strip[:] = np.linspace(0, 2**self.bits - 1, strip.size).round().reshape(strip.shape)
        return grey
