"""Compiled loops of the camera: backdrop, exposure, blur, noise, compression."""

import numpy as np

from mystax.core.compiled import kernel
from mystax.synth.kernels.shade import next_normal

__all__ = ["block_loss", "develop", "fill_backdrop", "gauss", "reduce", "streak"]


@kernel
def fill_backdrop(backdrop, depth, parts, luminance):
    """Clear depth and parts, and spread a small picture over the luminance (bilinear)."""
    height, width = luminance.shape
    n = backdrop.shape[0]
    for y in range(height):
        fy = min(max((y + 0.5) * n / height - 0.5, 0.0), n - 1.001)
        i = int(fy)
        v = fy - i
        for x in range(width):
            fx = min(max((x + 0.5) * n / width - 0.5, 0.0), n - 1.001)
            j = int(fx)
            u = fx - j
            top = backdrop[i, j] * (1 - u) + backdrop[i, j + 1] * u
            low = backdrop[i + 1, j] * (1 - u) + backdrop[i + 1, j + 1] * u
            luminance[y, x] = top * (1 - v) + low * v
            depth[y, x] = 1e9
            parts[y, x] = 0


@kernel
def reduce(luminance, depth, factor, out, out_depth):
    """Average blocks of factor x factor pixels; the depth is the nearest."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            total, near = 0.0, 1e9
            for i in range(factor):
                for j in range(factor):
                    total += luminance[y * factor + i, x * factor + j]
                    near = min(near, depth[y * factor + i, x * factor + j])
            out[y, x] = total / (factor * factor)
            out_depth[y, x] = near


@kernel
def gauss(picture, sd, out, buffer):
    """Blur by a Gaussian of standard deviation `sd` [px]; edges repeated."""
    height, width = picture.shape
    reach = max(int(np.ceil(2.6 * sd)), 1)
    weights = np.empty(2 * reach + 1, np.float32)
    total = 0.0
    for k in range(2 * reach + 1):
        weights[k] = np.exp(-0.5 * ((k - reach) / sd) ** 2)
        total += weights[k]
    for k in range(2 * reach + 1):
        weights[k] /= total
    for y in range(height):
        for x in range(width):
            s = np.float32(0.0)
            if x >= reach and x < width - reach:
                for k in range(2 * reach + 1):
                    s += weights[k] * picture[y, x + k - reach]
            else:
                for k in range(2 * reach + 1):
                    s += weights[k] * picture[y, min(max(x + k - reach, 0), width - 1)]
            buffer[y, x] = s
    for y in range(height):
        for x in range(width):
            out[y, x] = 0
        for k in range(2 * reach + 1):
            r = min(max(y + k - reach, 0), height - 1)
            for x in range(width):
                out[y, x] += weights[k] * buffer[r, x]


@kernel
def streak(picture, dx, dy, out):
    """Blur along a line of length (dx, dy) [px]."""
    height, width = picture.shape
    taps = max(int(np.ceil(max(abs(dx), abs(dy)))) + 1, 2)
    for y in range(height):
        for x in range(width):
            total = 0.0
            for k in range(taps):
                t = k / (taps - 1) - 0.5
                px = min(max(int(np.floor(x + t * dx + 0.5)), 0), width - 1)
                py = min(max(int(np.floor(y + t * dy + 0.5)), 0), height - 1)
                total += picture[py, px]
            out[y, x] = total / taps


@kernel
def develop(sharp, soft, depth, focus, field, chain, row_noise, column_noise, state, out):
    """Turn luminance into grey values 0..1 with the flaws of lens and sensor.

    chain: (exposure, black, gamma, saturation knee, shot noise, read noise, vignette, vignette x, y, flare,
    fixed pattern).
    """
    height, width = sharp.shape
    for y in range(height):
        for x in range(width):
            away = abs(focus / depth[y, x] - 1.0) if depth[y, x] < 1e8 else 1.0
            blend = min(away / max(field, 1e-6), 1.0)
            value = sharp[y, x] * (1 - blend) + soft[y, x] * blend
            u, v = (x - chain[7] * width) / width, (y - chain[8] * height) / height
            value *= max(1.0 - chain[6] * (u * u + v * v), 0.0)
            value = value * chain[0] + chain[9]
            knee = chain[3]
            if value > knee:
                value = knee + (1.0 - knee) * (1.0 - np.exp(-(value - knee) / (1.0 - knee + 1e-6)))
            value = max(value, 0.0) ** chain[2]
            value = chain[1] + (1.0 - chain[1]) * value
            noise = np.sqrt(chain[4] * chain[4] * max(value, 0.0) + chain[5] * chain[5]) * next_normal(state)
            value += noise + chain[10] * (row_noise[y] + column_noise[x])
            out[y, x] = min(max(value, 0.0), 1.0)


@kernel
def block_loss(picture, step, cosines):
    """Quantise 8 x 8 blocks in frequency, as strong compression does; high frequencies more coarsely."""
    height, width = picture.shape
    block = np.empty((8, 8), np.float32)
    half = np.empty((8, 8), np.float32)
    for y0 in range(0, height - 7, 8):
        for x0 in range(0, width - 7, 8):
            for i in range(8):
                for j in range(8):
                    s = np.float32(0.0)
                    for k in range(8):
                        s += cosines[j, k] * picture[y0 + i, x0 + k]
                    half[i, j] = s
            for i in range(8):
                for j in range(8):
                    s = np.float32(0.0)
                    for k in range(8):
                        s += cosines[i, k] * half[k, j]
                    q = step * (1.0 + 0.6 * (i + j))
                    block[i, j] = np.floor(s / q + 0.5) * q
            for i in range(8):
                for j in range(8):
                    s = np.float32(0.0)
                    for k in range(8):
                        s += cosines[k, j] * block[i, k]
                    half[i, j] = s
            for i in range(8):
                for j in range(8):
                    s = np.float32(0.0)
                    for k in range(8):
                        s += cosines[k, i] * half[k, j]
                    picture[y0 + i, x0 + j] = s
