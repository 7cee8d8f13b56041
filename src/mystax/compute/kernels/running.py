"""Compiled loops of the phase correlation: whitening of the cross-power, search of the peak."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["find_peak", "whiten"]


@kernel
def whiten(now, before, weight, out):
    """Write weight * now * conj(before) / |.| into `out`; False if there is nothing (a constant picture)."""
    rows, columns = now.shape
    top = 0.0
    for y in range(rows):
        for x in range(columns):
            ar, ai = np.float64(now[y, x].real), np.float64(now[y, x].imag)
            br, bi = np.float64(before[y, x].real), np.float64(before[y, x].imag)
            power = (ar * ar + ai * ai) * (br * br + bi * bi)
            top = max(top, power)
    if not top > 0.0:
        return False
    floor = 1e-9 * np.sqrt(top)
    for y in range(rows):
        for x in range(columns):
            ar, ai = np.float64(now[y, x].real), np.float64(now[y, x].imag)
            br, bi = np.float64(before[y, x].real), np.float64(before[y, x].imag)
            real, imaginary = ar * br + ai * bi, ai * br - ar * bi
            scale = weight[y, x] / (np.sqrt(real * real + imaginary * imaginary) + floor)
            out[y, x] = np.complex64(complex(real * scale, imaginary * scale))
    return True


@kernel
def find_peak(correlation, reach_y, reach_x, patch):
    """Return row and column of the highest value within reach of (0, 0), and its height in sd.

    The values around it are written into `patch` (square, odd side); rows and columns wrap around.
    """
    rows, columns = correlation.shape
    # Sums per column: the compiler can work on many columns at once, and the order of adding is fixed.
    sums, squares = np.zeros(columns), np.zeros(columns)
    for y in range(rows):
        for x in range(columns):
            value = np.float64(correlation[y, x])
            sums[x] += value
            squares[x] += value * value
    total, total_square = 0.0, 0.0
    for x in range(columns):
        total += sums[x]
        total_square += squares[x]
    mean = total / (rows * columns)
    variance = total_square / (rows * columns) - mean * mean
    best, best_y, best_x = -np.inf, 0, 0
    for y in range(-reach_y, reach_y + 1):
        row = y if y >= 0 else y + rows
        for x in range(-reach_x, reach_x + 1):
            value = np.float64(correlation[row, x if x >= 0 else x + columns])
            if value > best:
                best, best_y, best_x = value, y, x
    half = patch.shape[0] // 2
    for y in range(2 * half + 1):
        for x in range(2 * half + 1):
            patch[y, x] = correlation[(best_y + y - half) % rows, (best_x + x - half) % columns]
    height = (best - mean) / np.sqrt(variance) if variance > 0.0 else 0.0
    return best_y, best_x, height
