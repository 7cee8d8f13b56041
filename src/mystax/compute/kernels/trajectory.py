"""Smooth places in space over time: information of the pixels, banded normal equations, inverse blocks.

Unknowns are ordered by time, then point, then axis; `band[j, k]` holds element (j + k, j) of a symmetric
matrix, so that a column of the factor lies together in memory.
"""

import numpy as np

from mystax.compute.kernels.arrays import fill
from mystax.compute.kernels.projection import project_jacobian
from mystax.core.compiled import kernel

__all__ = [
    "add_information",
    "add_limbs",
    "add_penalty",
    "factor_band",
    "information",
    "inverse_blocks",
    "limb_cost",
    "penalty_cost",
    "solve_band",
]

GEMAN, HUBER, SOFT_L1, HARD = 0, 1, 2, 3
GEMAN_SCALE = 9.0
HARD_CUT = 13.8


@kernel
def _weights(loss, scale, ex, ey, m2, out):
    """Weights of the two axes of an observation, and its cost: out = wx, wy, cost."""
    if loss == GEMAN:
        w = 1.0 / (1.0 + m2 / GEMAN_SCALE)
        out[0] = out[1] = w * w
        out[2] = m2 * w
    elif loss == HUBER:
        m = np.sqrt(m2)
        w = 1.0 if m <= scale else scale / m
        out[0] = out[1] = w
        out[2] = m2 if m <= scale else 2.0 * scale * m - scale * scale
    elif loss == HARD:
        out[0] = out[1] = 1.0 if m2 <= HARD_CUT else 0.0
        out[2] = min(m2, HARD_CUT)
    else:
        out[2] = 0.0
        for i in range(2):
            e = abs(ex if i == 0 else ey)
            root = np.sqrt(1.0 + e / scale)
            phi = 2.0 * scale * (root - 1.0)
            out[i] = phi / (root * e) if e > 1e-12 else 1.0
            out[2] += phi * phi


@kernel
def information(rows, fisheye, uv, prec, confirmed, x, loss, scale, info, grad, m2):
    """Information (time, 6) and gradient (time, 3) of one point's pixels at its places x; returns the cost.

    `m2` (camera, time) takes the squared distances; NaN where a camera says nothing.  With the losses
    that let go of outliers, pixels that are `confirmed` to be none keep their weight.
    """
    n_cameras, n = uv.shape[0], uv.shape[1]
    work, jac, w = np.empty(6), np.empty((2, 3)), np.empty(3)
    total = 0.0
    for t in range(n):
        fill(info[t], 0.0)
        fill(grad[t], 0.0)
        for c in range(n_cameras):
            m2[c, t] = np.nan
            if not (np.isfinite(uv[c, t, 0]) and np.isfinite(x[t, 0])):
                continue
            if project_jacobian(rows[c], fisheye[c], x[t, 0], x[t, 1], x[t, 2], work, jac) <= 1e-9:
                continue
            ex, ey = uv[c, t, 0] - work[0], uv[c, t, 1] - work[1]
            pxx, pxy, pyy = prec[c, t, 0], prec[c, t, 1], prec[c, t, 2]
            d = pxx * ex * ex + 2.0 * pxy * ex * ey + pyy * ey * ey
            m2[c, t] = d
            if confirmed[c, t] and loss in (GEMAN, HARD):
                w[0] = w[1] = 1.0
                w[2] = d
            else:
                _weights(loss, scale, ex, ey, d, w)
            total += w[2]
            if loss == SOFT_L1:
                pxx, pxy, pyy = w[0], 0.0, w[1]
            else:
                pxx *= w[0]
                pxy *= w[0]
                pyy *= w[0]
            ux, uy = pxx * ex + pxy * ey, pxy * ex + pyy * ey
            k = 0
            for i in range(3):
                gx, gy = pxx * jac[0, i] + pxy * jac[1, i], pxy * jac[0, i] + pyy * jac[1, i]
                grad[t, i] += jac[0, i] * ux + jac[1, i] * uy
                for j in range(i, 3):
                    info[t, k] += gx * jac[0, j] + gy * jac[1, j]
                    k += 1
    return total


@kernel
def add_information(band, info, grad, point, n_points, rhs):
    """Add the information of one point to the diagonal blocks, and its gradient to the right side."""
    for t in range(len(info)):
        j = 3 * (t * n_points + point)
        k = 0
        for a in range(3):
            rhs[j + a] += grad[t, a]
            for b in range(a, 3):
                band[j + a, b - a] += info[t, k]
                k += 1


@kernel
def add_penalty(band, coefficients, weights, strength, point, n_points, x, rhs):
    """Add strength * sum of weighted squared differences of one point: matrix and right side at x."""
    n_rows, width = coefficients.shape
    for r in range(n_rows):
        w = strength * weights[r]
        for axis in range(3):
            value = 0.0
            for k in range(width):
                value += coefficients[r, k] * x[r + k, point, axis]
            for k in range(width):
                j = 3 * ((r + k) * n_points + point) + axis
                rhs[j] -= w * coefficients[r, k] * value
                for m in range(k, width):
                    band[j, 3 * n_points * (m - k)] += w * coefficients[r, k] * coefficients[r, m]


@kernel
def penalty_cost(coefficients, weights, x):
    """Sum of weighted squared differences of places (time, 3)."""
    n_rows, width = coefficients.shape
    total = 0.0
    for r in range(n_rows):
        for axis in range(3):
            value = 0.0
            for k in range(width):
                value += coefficients[r, k] * x[r + k, axis]
            total += weights[r] * value * value
    return total


@kernel
def limb_cost(x, a, b, length, weight):
    """Weight * sum over time of (|a - b| / length - 1)^2."""
    total = 0.0
    for t in range(len(x)):
        dx, dy, dz = x[t, a, 0] - x[t, b, 0], x[t, a, 1] - x[t, b, 1], x[t, a, 2] - x[t, b, 2]
        e = np.sqrt(dx * dx + dy * dy + dz * dz) / length - 1.0
        if np.isfinite(e):
            total += weight * e * e
    return total


@kernel
def add_limbs(band, rhs, x, a, b, length, weight):
    """Add the Gauss-Newton term of a limb between points a < b."""
    n_points = x.shape[1]
    d = np.empty(3)
    for t in range(len(x)):
        norm = 0.0
        for i in range(3):
            d[i] = x[t, a, i] - x[t, b, i]
            norm += d[i] * d[i]
        norm = np.sqrt(norm)
        if not norm > 1e-12:
            continue
        e = norm / length - 1.0
        w = weight / (length * length)
        ja, jb = 3 * (t * n_points + a), 3 * (t * n_points + b)
        for i in range(3):
            ui = d[i] / norm
            rhs[ja + i] -= weight / length * e * ui
            rhs[jb + i] += weight / length * e * ui
            for j in range(3):
                uj = d[j] / norm
                if j >= i:
                    band[ja + i, j - i] += w * ui * uj
                    band[jb + i, j - i] += w * ui * uj
                band[ja + i, jb + j - ja - i] -= w * ui * uj


@kernel
def factor_band(band):
    """Cholesky factor in place; returns log|matrix|, or NaN where it is not positive."""
    n, width = band.shape
    total = 0.0
    for j in range(n):
        pivot = band[j, 0]
        if not pivot > 0.0:
            return np.nan
        root = np.sqrt(pivot)
        total += np.log(pivot)
        last = min(width, n - j)
        band[j, 0] = root
        for k in range(1, last):
            band[j, k] /= root
        for k in range(1, last):
            f = band[j, k]
            if f != 0.0:
                for m in range(k, last):
                    band[j + k, m - k] -= f * band[j, m]
    return total


@kernel
def solve_band(band, rhs):
    """Solve with a factor, in place."""
    n, width = band.shape
    for j in range(n):
        rhs[j] /= band[j, 0]
        f = rhs[j]
        for k in range(1, min(width, n - j)):
            rhs[j + k] -= band[j, k] * f
    for j in range(n - 1, -1, -1):
        f = rhs[j]
        for k in range(1, min(width, n - j)):
            f -= band[j, k] * rhs[j + k]
        rhs[j] = f / band[j, 0]


@kernel
def inverse_blocks(band, out):
    """Diagonal 3x3 blocks xx, xy, xz, yy, yz, zz (block, 6) of the inverse, from the factor (overwritten).

    The elements of the inverse inside the band follow from the last column backwards (Takahashi et al. 1973);
    they replace the columns of the factor that are used up.
    """
    n, width = band.shape
    column = np.empty(width)
    for j in range(n - 1, -1, -1):
        last = min(width, n - j)
        d = band[j, 0]
        for k in range(1, last):
            value = 0.0
            for m in range(1, last):
                f = band[j, m]
                if f != 0.0:
                    low, high = (k, m) if k < m else (m, k)
                    value -= f * band[j + low, high - low]
            column[k] = value / d
        value = 1.0 / d
        for m in range(1, last):
            value -= band[j, m] * column[m]
        column[0] = value / d
        for k in range(last):
            band[j, k] = column[k]
    for i in range(len(out)):
        j = 3 * i
        out[i, 0], out[i, 1], out[i, 2] = band[j, 0], band[j, 1], band[j, 2]
        out[i, 3], out[i, 4], out[i, 5] = band[j + 1, 0], band[j + 1, 1], band[j + 2, 0]
