"""What is seen behind a synthetic head: small pictures, spread over the frame."""

import numpy as np

from mystax.core.typing import Float32
from mystax.synth.draws import Draw

__all__ = ["draw_backdrop"]

SIDE = 96
KINDS = {"black": 0.36, "flat": 0.14, "gradient": 0.16, "cloudy": 0.18, "edges": 0.16}
HELD_OUT = "lattice"
Y, X = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
FREQUENCY = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
FREQUENCY[0, 0] = 1.0


def cloud(draw: Draw, power: float) -> np.ndarray:
    """1/f^power noise, mean 0 and standard deviation 1."""
    noise = draw.generator.standard_normal((SIDE, SIDE // 2 + 1)) + 1j * draw.generator.standard_normal(
        (SIDE, SIDE // 2 + 1)
    )
    picture = np.fft.irfft2(noise * FREQUENCY**-power, s=(SIDE, SIDE))
    picture -= picture.mean()
    return np.asarray(picture / picture.std())


def draw_backdrop(draw: Draw) -> Float32[np.ndarray, "y x"]:
    """Draw a backdrop (96 x 96) in luminance, where a well-lit face is about 1."""
    u = draw.uniform
    kind = draw.family(KINDS, HELD_OUT)
    level = draw.log_uniform(0.01, 1.2)
    picture = np.full((SIDE, SIDE), u(0.0, 0.03, floor=0.0) if kind == "black" else level)
    if kind in {"gradient", "edges", "lattice"}:
        turn = 2 * np.pi * draw.generator.random()
        ramp = np.cos(turn) * (X - 0.5) + np.sin(turn) * (Y - 0.5)
        picture *= 1 + u(0.3, 1.3) * ramp
    if kind == "cloudy" or draw.chance(0.3):
        picture = picture * np.maximum(1 + u(0.1, 0.6) * cloud(draw, u(1.2, 2.4)), 0)
    if kind == "edges":
        for _ in range(int(u(1, 7, floor=1))):
            turn, place = 2 * np.pi * draw.generator.random(), u(-0.5, 0.5)
            line = np.cos(turn) * (X - 0.5) + np.sin(turn) * (Y - 0.5) - place
            sharpness = draw.log_uniform(0.01, 0.15)
            side = 1 / (1 + np.exp(-np.clip(line / sharpness, -30, 30)))
            if draw.chance(0.5):  # a stripe
                other = 1 / (1 + np.exp(-np.clip((line - u(0.05, 0.3)) / sharpness, -30, 30)))
                side = side * (1 - other)
            picture = picture * (1 - side) + side * draw.log_uniform(0.01, 1.4)
    if kind == "lattice":
        pace, turn = u(6, 20), np.pi * draw.generator.random()
        wave = np.cos(2 * np.pi * pace * (np.cos(turn) * X + np.sin(turn) * Y))
        across = np.cos(2 * np.pi * pace * (-np.sin(turn) * X + np.cos(turn) * Y))
        picture = picture * (1 + 0.5 * np.maximum(wave, across))
    if draw.chance(0.15):
        spot = np.exp(-(((X - u(0, 1)) ** 2 + (Y - u(0, 1)) ** 2) / u(0.005, 0.08, floor=0.002)))
        picture = picture + spot * draw.log_uniform(0.1, 2.0)
    return np.ascontiguousarray(np.maximum(picture, 0), np.float32)
