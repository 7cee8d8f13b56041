"""Ellipses through points: conics by least squares, best subsets, Tukey weights."""

import numpy as np

from mystax.compute.kernels.arrays import copy
from mystax.core.compiled import inner_kernel

__all__ = ["conic_ellipse", "is_allowed", "robust_ellipse"]

_N_SUBSETS = 40
_N_REWEIGHTS = 4


@inner_kernel
def _next_random(state):
    """Give the next 64 random bits (splitmix64)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inner_kernel
def _solve5(m, solution):
    """Solve five linear equations (5 x 6, right side last) in place; tells if they have a solution."""
    for k in range(5):
        pivot = k
        for i in range(k + 1, 5):
            if abs(m[i, k]) > abs(m[pivot, k]):
                pivot = i
        if abs(m[pivot, k]) < 1e-12:
            return False
        if pivot != k:
            for j in range(k, 6):
                m[k, j], m[pivot, j] = m[pivot, j], m[k, j]
        for i in range(k + 1, 5):
            factor = m[i, k] / m[k, k]
            if factor != 0.0:
                for j in range(k + 1, 6):
                    m[i, j] -= factor * m[k, j]
    for k in range(4, -1, -1):
        value = m[k, 5]
        for j in range(k + 1, 5):
            value -= m[k, j] * solution[j]
        solution[k] = value / m[k, k]
    return True


@inner_kernel
def conic_ellipse(rim_x, rim_y, chosen, n, weights, x0, y0, scale, m, result):
    """Fit A x2 + B x y + C y2 + D x + E y = 1 to points by weighted least squares.

    Points are ``chosen[:n]`` of `rim_x`, `rim_y`, taken about (x0, y0) in units of `scale`.  Writes the
    ellipse (x, y, long, short, angle); tells whether the conic is one.
    """
    for i in range(5):
        for j in range(6):
            m[i, j] = 0.0
    for k in range(n):
        at = chosen[k]
        weight = weights[at]
        if weight <= 0.0:
            continue
        x = (rim_x[at] - x0) / scale
        y = (rim_y[at] - y0) / scale
        t0 = x * x
        t1 = x * y
        t2 = y * y
        m[0, 0] += weight * t0 * t0
        m[0, 1] += weight * t0 * t1
        m[0, 2] += weight * t0 * t2
        m[0, 3] += weight * t0 * x
        m[0, 4] += weight * t0 * y
        m[0, 5] += weight * t0
        m[1, 2] += weight * t1 * t2
        m[1, 4] += weight * t1 * y
        m[1, 5] += weight * t1
        m[2, 2] += weight * t2 * t2
        m[2, 4] += weight * t2 * y
        m[2, 5] += weight * t2
        m[3, 5] += weight * x
        m[4, 5] += weight * y
    m[1, 1] = m[0, 2]
    m[1, 3] = m[0, 4]
    m[2, 3] = m[1, 4]
    m[3, 3] = m[0, 5]
    m[3, 4] = m[1, 5]
    m[4, 4] = m[2, 5]
    for i in range(1, 5):
        for j in range(i):
            m[i, j] = m[j, i]
    p = np.empty(5)
    if not _solve5(m, p):
        return False
    determinant = 4.0 * p[0] * p[2] - p[1] * p[1]
    if not determinant > 1e-12:
        return False
    mx = (p[1] * p[4] - 2.0 * p[2] * p[3]) / determinant
    my = (p[1] * p[3] - 2.0 * p[0] * p[4]) / determinant
    level = 1.0 - 0.5 * (p[3] * mx + p[4] * my)
    if not level > 0.0 or not p[0] + p[2] > 0.0:
        return False
    middle = 0.5 * (p[0] + p[2]) / level
    half = 0.5 * (p[0] - p[2]) / level
    cross = 0.5 * p[1] / level
    root = np.sqrt(half * half + cross * cross)
    if not middle - root > 0.0:
        return False
    result[0] = x0 + scale * mx
    result[1] = y0 + scale * my
    result[2] = scale / np.sqrt(middle - root)
    result[3] = scale / np.sqrt(middle + root)
    # The long axis lies along the smaller curvature.
    result[4] = 0.5 * np.arctan2(-cross, -half)
    return True


@inner_kernel
def is_allowed(ellipse, max_ratio, h, w):
    """Tell whether an ellipse can be a pupil: by its short axis, axis ratio and centre in the picture."""
    return (
        ellipse[3] > 2.0
        and ellipse[2] <= max_ratio * ellipse[3]
        and 0.0 <= ellipse[0] <= w - 1.0
        and 0.0 <= ellipse[1] <= h - 1.0
        and ellipse[2] <= h + w
    )


@inner_kernel
def _tukey(rim_x, rim_y, n, ellipse, weights):
    """Write the Tukey weight of each rim point for an ellipse; returns their sum."""
    size = np.sqrt(ellipse[2] * ellipse[3])
    scale = max(0.8, 0.06 * size)
    c = np.cos(ellipse[4])
    s = np.sin(ellipse[4])
    ia = 1.0 / ellipse[2]
    ib = 1.0 / ellipse[3]
    total = 0.0
    for i in range(n):
        dx = rim_x[i] - ellipse[0]
        dy = rim_y[i] - ellipse[1]
        u = (dx * c + dy * s) * ia
        v = (dy * c - dx * s) * ib
        residual = (np.sqrt(u * u + v * v) - 1.0) * size / scale
        inner = 1.0 - residual * residual
        weights[i] = inner * inner if inner > 0.0 else 0.0
        total += weights[i]
    return total


@inner_kernel
def _flatten(rim_x, rim_y, n, ellipse, weights, flat):
    """Write the weights over the squared gradient of the conic, so that the fit minimises distances."""
    c = np.cos(ellipse[4])
    s = np.sin(ellipse[4])
    ia = 1.0 / ellipse[2]
    ib = 1.0 / ellipse[3]
    unit = ellipse[2] * ellipse[3]
    for i in range(n):
        dx = rim_x[i] - ellipse[0]
        dy = rim_y[i] - ellipse[1]
        u = (dx * c + dy * s) * ia * ia
        v = (dy * c - dx * s) * ib * ib
        flat[i] = weights[i] / max(unit * (u * u + v * v), 1e-6)


@inner_kernel
def robust_ellipse(rim_x, rim_y, n, ellipse, max_ratio, h, w, state, weights):
    """Fit an ellipse to rim points, some of which lie elsewhere; replaces `ellipse`, tells if one was found.

    The best of 40 subsets of six points, then rounds of least squares with Tukey weights.
    """
    m = np.empty((5, 6))
    candidate = np.empty(5)
    best = np.empty(5)
    chosen = np.empty(6, np.int64)
    flat = np.empty(n)
    trial = np.empty(n)
    every = np.empty(n, np.int64)
    for i in range(n):
        flat[i] = 1.0
        every[i] = i
    n_chosen = len(chosen)
    x0 = ellipse[0]
    y0 = ellipse[1]
    scale = np.sqrt(ellipse[2] * ellipse[3])
    best_score = 0.0
    if is_allowed(ellipse, max_ratio, h, w):
        copy(ellipse, best)
        best_score = _tukey(rim_x, rim_y, n, ellipse, trial)
    for _ in range(_N_SUBSETS):
        k = 0
        while k < n_chosen:
            at = int(_next_random(state) >> np.uint64(33)) % n
            is_new = True
            for j in range(k):
                if chosen[j] == at:
                    is_new = False
            if is_new:
                chosen[k] = at
                k += 1
        if conic_ellipse(rim_x, rim_y, chosen, n_chosen, flat, x0, y0, scale, m, candidate) and is_allowed(
            candidate, max_ratio, h, w
        ):
            score = _tukey(rim_x, rim_y, n, candidate, trial)
            if score > best_score:
                best_score = score
                copy(candidate, best)
    if best_score <= 0.0:
        return False
    _tukey(rim_x, rim_y, n, best, weights)
    for _ in range(_N_REWEIGHTS):
        _flatten(rim_x, rim_y, n, best, weights, flat)
        if not conic_ellipse(rim_x, rim_y, every, n, flat, best[0], best[1], scale, m, candidate):
            break
        if not is_allowed(candidate, max_ratio, h, w):
            break
        copy(candidate, best)
        _tukey(rim_x, rim_y, n, best, weights)
    copy(best, ellipse)
    return True
