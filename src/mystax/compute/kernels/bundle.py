"""Normal equations of a bundle adjustment: cameras with 15 numbers, boards with 6 per view.

A camera's columns: rotation (3, from the left), translation (3), fx, fy, cx, cy, k1, k2, p1, p2, k3;
of a fisheye camera k1, k2, k3, k4 in the places of k1, k2, p1, p2.
A view's columns: rotation (3, from the left), translation (3).
"""

import numpy as np

from mystax.compute.kernels.projection import distort
from mystax.core.compiled import kernel

__all__ = ["N_CAMERA", "accumulate", "accumulate_points", "residuals"]

N_CAMERA = 15


@kernel
def _observe(row, is_fisheye, pose, place, out, jc, jv):
    """Project a board point; out (6) is u, v, ..; jc (2, 15) and jv (2, 6) its slopes; returns the depth."""
    # world
    px, py, pz = place[0], place[1], place[2]
    ax = pose[0] * px + pose[1] * py + pose[2] * pz
    ay = pose[3] * px + pose[4] * py + pose[5] * pz
    az = pose[6] * px + pose[7] * py + pose[8] * pz
    wx, wy, wz = ax + pose[9], ay + pose[10], az + pose[11]
    # camera, before and after its translation
    bx = row[0] * wx + row[1] * wy + row[2] * wz
    by = row[3] * wx + row[4] * wy + row[5] * wz
    bz = row[6] * wx + row[7] * wy + row[8] * wz
    cx, cy, cz = bx + row[9], by + row[10], bz + row[11]
    if cz <= 1e-9:
        return cz
    x, y = cx / cz, cy / cz
    q = x * x + y * y
    fx, fy = row[12], row[13]
    k1, k2, p1, p2, k3 = row[16], row[17], row[18], row[19], row[20]
    g = np.empty((2, 3))
    if is_fisheye:
        distort(row, is_fisheye, x, y, out)
        xd, yd = (out[0] - row[14]) / fx, (out[1] - row[15]) / fy
        g[0, 0], g[0, 1], g[1, 0], g[1, 1] = out[2] / cz, out[3] / cz, out[4] / cz, out[5] / cz
    else:
        d = 1.0 + q * (k1 + q * (k2 + q * k3))
        e = 2.0 * (k1 + q * (2.0 * k2 + q * 3.0 * k3))
        xd = x * d + 2.0 * p1 * x * y + p2 * (q + 2.0 * x * x)
        yd = y * d + p1 * (q + 2.0 * y * y) + 2.0 * p2 * x * y
        out[0], out[1] = fx * xd + row[14], fy * yd + row[15]
        cross = e * x * y + 2.0 * p1 * x + 2.0 * p2 * y
        g[0, 0] = fx * (d + e * x * x + 2.0 * p1 * y + 6.0 * p2 * x) / cz
        g[0, 1] = fx * cross / cz
        g[1, 0] = fy * cross / cz
        g[1, 1] = fy * (d + e * y * y + 6.0 * p1 * y + 2.0 * p2 * x) / cz
    for i in range(2):
        g[i, 2] = -(g[i, 0] * x + g[i, 1] * y)
        # d(w x b)/dw: columns b x g
        jc[i, 0] = g[i, 2] * by - g[i, 1] * bz
        jc[i, 1] = g[i, 0] * bz - g[i, 2] * bx
        jc[i, 2] = g[i, 1] * bx - g[i, 0] * by
        jc[i, 3], jc[i, 4], jc[i, 5] = g[i, 0], g[i, 1], g[i, 2]
        for k in range(6, 15):
            jc[i, k] = 0.0
        h0 = g[i, 0] * row[0] + g[i, 1] * row[3] + g[i, 2] * row[6]
        h1 = g[i, 0] * row[1] + g[i, 1] * row[4] + g[i, 2] * row[7]
        h2 = g[i, 0] * row[2] + g[i, 1] * row[5] + g[i, 2] * row[8]
        jv[i, 0] = h2 * ay - h1 * az
        jv[i, 1] = h0 * az - h2 * ax
        jv[i, 2] = h1 * ax - h0 * ay
        jv[i, 3], jv[i, 4], jv[i, 5] = h0, h1, h2
    jc[0, 6], jc[1, 7] = xd, yd
    jc[0, 8], jc[1, 9] = 1.0, 1.0
    if is_fisheye:
        r = np.sqrt(q)
        theta = np.arctan(r)
        power = theta**3 / r if r > 1e-8 else 0.0
        for k in range(10, 14):
            jc[0, k], jc[1, k] = fx * x * power, fy * y * power
            power *= theta * theta
        return cz
    jc[0, 10], jc[1, 10] = fx * x * q, fy * y * q
    jc[0, 11], jc[1, 11] = fx * x * q * q, fy * y * q * q
    jc[0, 12], jc[1, 12] = fx * 2.0 * x * y, fy * (q + 2.0 * y * y)
    jc[0, 13], jc[1, 13] = fx * (q + 2.0 * x * x), fy * 2.0 * x * y
    jc[0, 14], jc[1, 14] = fx * x * q * q * q, fy * y * q * q * q
    return cz


@kernel
def residuals(rows, is_fisheye, poses, board, uv, out):
    """Observed minus projected (camera, view, corner, 2); NaN where not seen or behind the camera."""
    work, jc, jv = np.empty(6), np.empty((2, 15)), np.empty((2, 6))
    for c in range(uv.shape[0]):
        for v in range(uv.shape[1]):
            for k in range(uv.shape[2]):
                out[c, v, k, 0] = out[c, v, k, 1] = np.nan
                if np.isnan(uv[c, v, k, 0]):
                    continue
                depth = _observe(rows[c], is_fisheye, poses[v], board[k], work, jc, jv)
                if depth > 1e-9:
                    out[c, v, k, 0] = uv[c, v, k, 0] - work[0]
                    out[c, v, k, 1] = uv[c, v, k, 1] - work[1]


@kernel
def accumulate(rows, is_fisheye, poses, board, uv, cut, u, w, vv, gc, gv):
    """Add up the equations with Huber weights at `cut` [px]; returns the robust cost.

    u (camera, 15, 15), w (camera, view, 15, 6), vv (view, 6, 6), gc (camera, 15), gv (view, 6).
    """
    work, jc, jv = np.empty(6), np.empty((2, 15)), np.empty((2, 6))
    u[:] = 0.0
    w[:] = 0.0
    vv[:] = 0.0
    gc[:] = 0.0
    gv[:] = 0.0
    total = 0.0
    for c in range(uv.shape[0]):
        for v in range(uv.shape[1]):
            for k in range(uv.shape[2]):
                if np.isnan(uv[c, v, k, 0]):
                    continue
                depth = _observe(rows[c], is_fisheye, poses[v], board[k], work, jc, jv)
                if depth <= 1e-9:
                    total += 1e6
                    continue
                ex, ey = uv[c, v, k, 0] - work[0], uv[c, v, k, 1] - work[1]
                size = np.hypot(ex, ey)
                weight = 1.0 if size <= cut else cut / size
                total += size * size if size <= cut else cut * (2.0 * size - cut)
                for i in range(15):
                    a0, a1 = weight * jc[0, i], weight * jc[1, i]
                    gc[c, i] += a0 * ex + a1 * ey
                    for j in range(i, 15):
                        u[c, i, j] += a0 * jc[0, j] + a1 * jc[1, j]
                    for j in range(6):
                        w[c, v, i, j] += a0 * jv[0, j] + a1 * jv[1, j]
                for i in range(6):
                    a0, a1 = weight * jv[0, i], weight * jv[1, i]
                    gv[v, i] += a0 * ex + a1 * ey
                    for j in range(i, 6):
                        vv[v, i, j] += a0 * jv[0, j] + a1 * jv[1, j]
    for c in range(uv.shape[0]):
        for i in range(15):
            for j in range(i):
                u[c, i, j] = u[c, j, i]
    for v in range(uv.shape[1]):
        for i in range(6):
            for j in range(i):
                vv[v, i, j] = vv[v, j, i]
    return total


@kernel
def accumulate_points(rows, is_fisheye, poses, board, uv, cut, ub, wc, wv, gb):
    """Add up the equations of the board's points, with the weights of `accumulate`.

    ub (corner, 3, 3), wc (camera, 15, corner, 3), wv (view, corner, 3, 6), gb (corner, 3).
    """
    work, jc, jv, jb = np.empty(6), np.empty((2, 15)), np.empty((2, 6)), np.empty((2, 3))
    ub[:] = 0.0
    wc[:] = 0.0
    wv[:] = 0.0
    gb[:] = 0.0
    for c in range(uv.shape[0]):
        for v in range(uv.shape[1]):
            pose = poses[v]
            for k in range(uv.shape[2]):
                if np.isnan(uv[c, v, k, 0]):
                    continue
                depth = _observe(rows[c], is_fisheye, pose, board[k], work, jc, jv)
                if depth <= 1e-9:
                    continue
                ex, ey = uv[c, v, k, 0] - work[0], uv[c, v, k, 1] - work[1]
                size = np.hypot(ex, ey)
                weight = 1.0 if size <= cut else cut / size
                for i in range(2):
                    for j in range(3):
                        jb[i, j] = jv[i, 3] * pose[j] + jv[i, 4] * pose[3 + j] + jv[i, 5] * pose[6 + j]
                for j in range(3):
                    a0, a1 = weight * jb[0, j], weight * jb[1, j]
                    gb[k, j] += a0 * ex + a1 * ey
                    for i in range(3):
                        ub[k, j, i] += a0 * jb[0, i] + a1 * jb[1, i]
                    for i in range(15):
                        wc[c, i, k, j] += a0 * jc[0, i] + a1 * jc[1, i]
                    for i in range(6):
                        wv[v, k, j, i] += a0 * jv[0, i] + a1 * jv[1, i]
