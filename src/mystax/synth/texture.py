"""Textures with known statistics: speckles for surfaces in motion, fur along a field of directions."""

import numpy as np
from scipy.ndimage import gaussian_filter

from mystax.core.typing import Float, Float32
from mystax.synth.kernels.scene import line_integral

__all__ = ["fur", "speckle", "stripes"]


def speckle(shape: tuple[int, int], sd: float, generator: np.random.Generator) -> Float32[np.ndarray, "y x"]:
    """Random blobs, the same at opposite edges, with mean 0 and standard deviation 1.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns [px].
    sd : float
        Size of the blobs: width of the Gaussian that smooths white noise [px].
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    array (y, x)
        The texture.
    """
    smooth = gaussian_filter(generator.standard_normal(shape), sd, mode="wrap")
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)


def stripes(shape: tuple[int, int], sd: float, generator: np.random.Generator) -> Float32[np.ndarray, "y x"]:
    """Upright random stripes, the same at opposite edges, with mean 0 and standard deviation 1.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns [px].
    sd : float
        Width of the Gaussian that smooths white noise [px].
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    array (y, x)
        The texture; all rows are equal.
    """
    return np.ascontiguousarray(np.broadcast_to(speckle((1, shape[1]), sd, generator), shape))


def fur(
    direction: Float[np.ndarray, "y x"], length: int, generator: np.random.Generator
) -> Float32[np.ndarray, "y x"]:
    """Fur whose hairs lie along a field of directions, with mean 0 and standard deviation 1.

    Parameters
    ----------
    direction : array (y, x)
        Direction of the hairs [rad, from x to y].
    length : int
        Half the length of a hair [px].
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    array (y, x)
        The texture.

    References
    ----------
    .. [1] Cabral & Leedom (1993), doi:10.1145/166117.166151
    """
    noise = np.asarray(generator.standard_normal(direction.shape), np.float32)
    hairs = np.empty_like(noise)
    line_integral(noise, np.asarray(direction, np.float32), length, hairs)
    smooth = gaussian_filter(hairs, 0.5, mode="nearest")
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)
