"""Lens, sensor and compression of a synthetic camera."""

import math
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float32, Shaped
from mystax.errors import ParameterError
from mystax.synth.draws import Draw
from mystax.synth.kernels.optics import block_loss, develop, gauss, reduce, streak

__all__ = ["Optics", "codes_of", "draw_optics", "expose_face", "picture_of"]

CHAINS = {"clean": 0.6, "compressed": 0.2, "resampled": 0.15, "striped": 0.05}
HELD_OUT_CHAIN = "interlaced"
COSINES = np.array(
    [
        [math.sqrt((1 if i == 0 else 2) / 8) * math.cos(math.pi * i * (2 * k + 1) / 16) for k in range(8)]
        for i in range(8)
    ],
    np.float32,
)


@dataclass(frozen=True)
class Optics:
    """Flaws of one camera; lengths in pixels of a picture 256 wide.

    Attributes
    ----------
    target, quantile : float
        Grey that the given quantile of the face is exposed to (may be above 1).
    exposure : float
        Fixed factor from luminance to grey; 0 exposes each picture by `target`.
    blur, defocus, field : float
        Blur everywhere, at depths out of focus, depth of field (relative).
    motion : (float, float)
        Movement during the exposure.
    black, gamma, knee, flare : float
        Lowest grey, exponent, where saturation begins, stray light.
    shot, read, pattern : float
        Noise of the sensor.
    vignette : (float, float, float)
        Strength and middle (x, y of the picture).
    chain : str
        clean, compressed, resampled, striped; interlaced only among shifted ranges.
    loss : float
        How strong the chain's flaw is, 0..1.
    """

    target: float
    quantile: float
    exposure: float
    blur: float
    defocus: float
    field: float
    motion: tuple[float, float]
    black: float
    gamma: float
    knee: float
    flare: float
    shot: float
    read: float
    pattern: float
    vignette: tuple[float, float, float]
    chain: str
    loss: float


def draw_optics(draw: Draw) -> Optics:
    """Draw lens, exposure, noise and compression."""
    u = draw.uniform
    motion = (draw.normal(1.5), draw.normal(1.0)) if draw.chance(0.15) else (0.0, 0.0)
    noisy = draw.chance(0.22)
    return Optics(
        target=draw.log_uniform(0.16, 1.25),
        quantile=u(0.7, 0.97, ceiling=0.99),
        exposure=0.0,
        blur=u(0.0, 0.8, floor=0.0) if draw.chance(0.7) else u(0.5, 2.3, floor=0.0),
        defocus=u(0.3, 2.5, floor=0.2),
        field=u(0.05, 0.6, floor=0.03),
        motion=motion,
        black=u(0.0, 0.06, floor=0.0) if draw.chance(0.75) else u(0.0, 0.2, floor=0.0),
        gamma=u(0.55, 1.25, floor=0.4),
        knee=u(0.6, 0.98, ceiling=0.99),
        flare=draw.log_uniform(0.001, 0.05),
        shot=draw.log_uniform(0.01, 0.08) if noisy else draw.log_uniform(0.004, 0.02),
        read=draw.log_uniform(0.006, 0.04) if noisy else draw.log_uniform(0.002, 0.008),
        pattern=u(0.0, 0.004, floor=0.0) if draw.chance(0.2) else 0.0,
        vignette=(
            u(0.0, 0.7, floor=0.0) if draw.chance(0.6) else u(0.0, 2.5, floor=0.0),
            u(0.2, 0.8),
            u(0.2, 0.8),
        ),
        chain=draw.family(CHAINS, HELD_OUT_CHAIN),
        loss=float(draw.generator.random()),
    )


def expose_face(luminance: np.ndarray, parts: np.ndarray, optics: Optics) -> float:
    """Factor from luminance to grey that gives the face the brightness the optics ask for."""
    if optics.exposure > 0:
        return optics.exposure
    face = luminance[::3, ::3][(parts[::3, ::3] > 0) & (parts[::3, ::3] < 6)]
    if len(face) < 30:
        return optics.target
    k = min(int(optics.quantile * len(face)), len(face) - 1)
    bright = float(np.partition(face, k)[k])
    return optics.target / max(bright, 1e-3)


def picture_of(
    luminance: Float32[np.ndarray, "y x"],
    depth: Float32[np.ndarray, "y x"],
    oversampling: int,
    optics: Optics,
    exposure: float,
    focus: float,
    sensor: int,
    state: np.ndarray,
) -> Float32[np.ndarray, "v u"]:
    """Take a picture: grey values 0..1.

    Parameters
    ----------
    luminance, depth : array (y, x)
        What the renderer made, finer than the picture by `oversampling`.
    oversampling : int
        Rendered pixels per pixel and axis.
    optics : Optics
        Flaws of the camera.
    exposure : float
        Factor from luminance to grey.
    focus : float
        Depth that is in focus, in the unit of `depth`.
    sensor : int
        Which sensor: start of the random numbers of its fixed pattern.
    state : array (1,)
        State of the random numbers of single pixels.

    Returns
    -------
    array (v, u)
        The picture.
    """
    shape = luminance.shape[0] // oversampling, luminance.shape[1] // oversampling
    sharp, far = np.empty(shape, np.float32), np.empty(shape, np.float32)
    reduce(luminance, depth, oversampling, sharp, far)
    scale = shape[1] / 256
    soft, buffer = np.empty_like(sharp), np.empty_like(sharp)
    if math.hypot(*optics.motion) * scale > 0.7:
        streak(sharp, optics.motion[0] * scale, optics.motion[1] * scale, soft)
        sharp, soft = soft, sharp
    if optics.chain == "resampled":
        sharp, far_blur = resample(sharp, 1 + 2 * optics.loss), optics.defocus
    else:
        far_blur = optics.defocus
    if optics.blur * scale > 0.25:
        gauss(sharp, optics.blur * scale, soft, buffer)
        sharp, soft = soft, sharp
    gauss(sharp, max(far_blur * scale, 0.3), soft, buffer)
    generator = np.random.Generator(np.random.PCG64(sensor))
    stripes = generator.standard_normal(shape[0] + shape[1]).astype(np.float32)
    pattern = optics.pattern * (3 if optics.chain == "striped" else 1)
    v = optics.vignette
    chain = np.array(
        [
            exposure,
            optics.black,
            optics.gamma,
            optics.knee,
            optics.shot,
            optics.read,
            *v,
            optics.flare,
            pattern,
        ]
    )
    out = np.empty_like(sharp)
    develop(
        sharp, soft, far, focus, optics.field, chain, stripes[: shape[0]], stripes[shape[0] :], state, out
    )
    if optics.chain == "compressed":
        block_loss(out, 0.01 + 0.05 * optics.loss**2, COSINES)
    elif optics.chain == "interlaced":
        shift = 1 + int(3 * optics.loss)
        out[1::2] = np.roll(out[1::2], shift, axis=1)
    return np.clip(out, 0.0, 1.0)


def codes_of(grey: Float32[np.ndarray, "v u"], bits: int = 8) -> Shaped[np.ndarray, "v u"]:
    """Round grey values 0..1 to codes of a depth: uint8 up to 8 bits, uint16 up to 16.

    Parameters
    ----------
    grey : array (v, u)
        Grey values 0..1.
    bits : int, optional
        Depth, 8 to 16.

    Returns
    -------
    array (v, u)
        Codes 0 to 2^bits - 1.

    Raises
    ------
    ParameterError
        P401, if there is no such depth.

    Examples
    --------
    >>> codes_of(np.array([[0.0, 0.5, 1.0]], np.float32), 12).tolist()
    [[0, 2048, 4095]]
    """
    if not 8 <= bits <= 16:
        raise ParameterError("P401", "parameter 'bits'", expected="8 to 16", got=str(bits))
    codes = np.floor(grey * (2**bits - 1) + 0.5)
    return np.asarray(codes, np.uint8 if bits == 8 else np.uint16)


def resample(picture: np.ndarray, factor: float) -> np.ndarray:
    """Shrink a picture by a factor and enlarge it again (nearest pixels, then linear)."""
    height, width = picture.shape
    rows, columns = max(int(height / factor), 8), max(int(width / factor), 8)
    small = picture[
        ((np.arange(rows) + 0.5) * height / rows).astype(int)[:, None],
        ((np.arange(columns) + 0.5) * width / columns).astype(int)[None],
    ]

    def enlarge(values: np.ndarray, n: int) -> np.ndarray:
        place = np.clip((np.arange(n) + 0.5) * len(values) / n - 0.5, 0, len(values) - 1.001)
        low = place.astype(int)
        t = (place - low).astype(np.float32)[:, None]
        return np.asarray(values[low] * (1 - t) + values[low + 1] * t)

    return np.ascontiguousarray(enlarge(np.ascontiguousarray(enlarge(small, height).T), width).T, np.float32)
