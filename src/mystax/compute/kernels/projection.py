"""Points in space to pixels and back: pinhole cameras with lens distortion, and fisheye cameras.

A camera is one row of 21 numbers: R (9), t (3), fx, fy, cx, cy, distortion (5).  `limit` is the radius (the
angle, for fisheye) up to which the radial map grows.  `is_fisheye` is handed on even where its value is
known: for a constant the compiler would make another function.
"""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel

__all__ = ["distort", "project", "project_jacobian", "project_points", "undistort", "undistort_points"]


@kernel
def radial(row, is_fisheye, r):
    """Return the radial map at a radius, and its slope."""
    k1, k2, k3 = row[16], row[17], row[20]
    if is_fisheye:
        theta = np.arctan(r)
        q = theta * theta
        c3, c4 = row[18], row[19]
        value = theta * (1.0 + q * (k1 + q * (k2 + q * (c3 + q * c4))))
        slope = 1.0 + q * (3.0 * k1 + q * (5.0 * k2 + q * (7.0 * c3 + q * 9.0 * c4)))
        return value, slope / (1.0 + r * r)
    q = r * r
    value = r * (1.0 + q * (k1 + q * (k2 + q * k3)))
    return value, 1.0 + q * (3.0 * k1 + q * (5.0 * k2 + q * 7.0 * k3))


@inner_kernel
def distort(row, is_fisheye, x, y, out):
    """Distort a normalised point: out = u, v, then d(u, v)/d(x, y) in rows."""
    fx, fy, cx, cy = row[12], row[13], row[14], row[15]
    q = x * x + y * y
    if is_fisheye:
        r = np.sqrt(q)
        if r < 1e-8:
            scale, inner = 1.0, 0.0
        else:
            value, slope = radial(row, is_fisheye, r)
            scale = value / r
            inner = (slope - scale) / q
        xd, yd = x * scale, y * scale
        xx, xy, yy = scale + inner * x * x, inner * x * y, scale + inner * y * y
        out[0], out[1] = fx * xd + cx, fy * yd + cy
        out[2], out[3], out[4], out[5] = fx * xx, fx * xy, fy * xy, fy * yy
        return
    k1, k2, p1, p2, k3 = row[16], row[17], row[18], row[19], row[20]
    d = 1.0 + q * (k1 + q * (k2 + q * k3))
    e = 2.0 * (k1 + q * (2.0 * k2 + q * 3.0 * k3))
    xd = x * d + 2.0 * p1 * x * y + p2 * (q + 2.0 * x * x)
    yd = y * d + p1 * (q + 2.0 * y * y) + 2.0 * p2 * x * y
    cross = e * x * y + 2.0 * p1 * x + 2.0 * p2 * y
    out[0], out[1] = fx * xd + cx, fy * yd + cy
    out[2] = fx * (d + e * x * x + 2.0 * p1 * y + 6.0 * p2 * x)
    out[3] = fx * cross
    out[4] = fy * cross
    out[5] = fy * (d + e * y * y + 6.0 * p1 * y + 2.0 * p2 * x)


@kernel
def project(row, is_fisheye, px, py, pz, out):
    """Project a point: out = u, v; returns its depth (out is of no use where that is not positive)."""
    a = row[0] * px + row[1] * py + row[2] * pz + row[9]
    b = row[3] * px + row[4] * py + row[5] * pz + row[10]
    c = row[6] * px + row[7] * py + row[8] * pz + row[11]
    if c <= 1e-9:
        return c
    distort(row, is_fisheye, a / c, b / c, out)
    return c


@inner_kernel
def project_jacobian(row, is_fisheye, px, py, pz, out, jac):
    """Project a point: out = u, v; jac (2, 3) = d(u, v)/dX; returns its depth."""
    a = row[0] * px + row[1] * py + row[2] * pz + row[9]
    b = row[3] * px + row[4] * py + row[5] * pz + row[10]
    c = row[6] * px + row[7] * py + row[8] * pz + row[11]
    if c <= 1e-9:
        return c
    x, y = a / c, b / c
    distort(row, is_fisheye, x, y, out)
    for i in range(2):
        gx, gy = out[2 + 2 * i] / c, out[3 + 2 * i] / c
        gz = -(gx * x + gy * y)
        jac[i, 0] = gx * row[0] + gy * row[3] + gz * row[6]
        jac[i, 1] = gx * row[1] + gy * row[4] + gz * row[7]
        jac[i, 2] = gx * row[2] + gy * row[5] + gz * row[8]
    return c


@inner_kernel
def _inverse_radial(row, is_fisheye, rd, limit, tolerance):
    """Return the radius whose image is rd; NaN beyond the limit.  Newton steps inside a bracket."""
    high = limit
    if np.isinf(limit):
        high = rd + 1e-3
        while radial(row, is_fisheye, high)[0] < rd:
            high *= 2.0
            if high > 1e6:
                return np.nan
    elif radial(row, is_fisheye, limit)[0] < rd:
        return np.nan
    low, r = 0.0, min(rd, high)
    for _ in range(60):
        value, slope = radial(row, is_fisheye, r)
        if value > rd:
            high = r
        else:
            low = r
        step = (value - rd) / slope if slope > 1e-12 else 0.0
        after = r - step
        if slope <= 1e-12 or after <= low or after >= high:
            after = 0.5 * (low + high)
        if abs(after - r) <= tolerance * (1.0 + r):
            return after
        r = after
    return r


@kernel
def undistort(row, is_fisheye, limit, u, v, out):
    """Normalised point of a pixel: out[0], out[1]; returns whether the model reaches it."""
    xd, yd = (u - row[14]) / row[12], (v - row[15]) / row[13]
    rd = np.sqrt(xd * xd + yd * yd)
    is_radial = is_fisheye or (row[18] == 0.0 and row[19] == 0.0)
    if rd < 1e-12:
        out[0], out[1] = xd, yd
        if is_fisheye:
            return True
    else:
        # Where tangential terms follow, this is only where their steps begin.
        r = _inverse_radial(row, is_fisheye, rd, limit, 1e-14 if is_radial else 1e-6)
        if np.isnan(r):
            return False
        out[0], out[1] = xd * r / rd, yd * r / rd
    if is_radial:
        return True
    x, y = out[0], out[1]
    for _ in range(12):
        distort(row, is_fisheye, x, y, out)
        eu, ev = out[0] - u, out[1] - v
        det = out[2] * out[5] - out[3] * out[4]
        if det <= 0.0:
            return False
        dx, dy = (out[5] * eu - out[3] * ev) / det, (out[2] * ev - out[4] * eu) / det
        x -= dx
        y -= dy
        if abs(dx) + abs(dy) < 1e-13:
            break
    out[0], out[1] = x, y
    return abs(eu) + abs(ev) < 1e-6


@kernel
def project_points(rows, fisheye, points, out):
    """Project points (n, 3) by all cameras: out (camera, n, 2); NaN behind a camera."""
    work = np.empty(6)
    for c in range(len(rows)):
        for i in range(len(points)):
            depth = project(rows[c], fisheye[c], points[i, 0], points[i, 1], points[i, 2], work)
            good = depth > 1e-9
            out[c, i, 0] = work[0] if good else np.nan
            out[c, i, 1] = work[1] if good else np.nan


@kernel
def undistort_points(row, is_fisheye, limit, pixels, out):
    """Normalised points (n, 2) of pixels of one camera; NaN where the model does not reach."""
    work = np.empty(6)
    for i in range(len(pixels)):
        out[i, 0] = out[i, 1] = np.nan
        known = np.isfinite(pixels[i, 0]) and np.isfinite(pixels[i, 1])
        if known and undistort(row, is_fisheye, limit, pixels[i, 0], pixels[i, 1], work):
            out[i, 0], out[i, 1] = work[0], work[1]
