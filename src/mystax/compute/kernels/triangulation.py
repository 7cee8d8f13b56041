"""Places in space from pixels of several cameras, point by point: hypotheses, choice, refinement.

`prec` holds the inverse covariance xx, xy, yy of each pixel.  No point depends on another one, so blocks and
threads do not change a bit of the result.
"""

import numpy as np

from mystax.compute.kernels.arrays import copy, fill
from mystax.compute.kernels.projection import project, project_jacobian, undistort
from mystax.core.compiled import inner_kernel, kernel

__all__ = ["CUT", "PAIR_CUT", "solve3", "triangulate_block"]

CUT = 13.8
"""0.999 point of chi-square with 2 degrees of freedom: a camera beyond it is rejected."""
PAIR_CUT = 10.8
"""0.999 point with 1 degree of freedom: two cameras beyond it disagree."""
SMALL = 1e-6
"""Gauss-Newton step over distance from the camera behind which the next moves no residual by 1e-5 px."""


@kernel
def _distance(dx, dy):
    """Length of a difference of pixels: they are far from where squares overflow, which hypot guards."""
    return np.sqrt(dx * dx + dy * dy)


@inner_kernel
def solve3(a, x):
    """Solve for x: a = xx, xy, xz, yy, yz, zz of a symmetric matrix, and the right side behind them.

    Returns the determinant of the matrix (0: not solved).
    """
    i00 = a[3] * a[5] - a[4] * a[4]
    i01 = a[2] * a[4] - a[1] * a[5]
    i02 = a[1] * a[4] - a[2] * a[3]
    det = a[0] * i00 + a[1] * i01 + a[2] * i02
    if not det > 0.0:
        return 0.0
    i11 = a[0] * a[5] - a[2] * a[2]
    i12 = a[1] * a[2] - a[0] * a[4]
    i22 = a[0] * a[3] - a[1] * a[1]
    x[0] = (i00 * a[6] + i01 * a[7] + i02 * a[8]) / det
    x[1] = (i01 * a[6] + i11 * a[7] + i12 * a[8]) / det
    x[2] = (i02 * a[6] + i12 * a[7] + i22 * a[8]) / det
    return det


@inner_kernel
def invert3(a, out):
    """Invert a symmetric matrix of six numbers; returns whether it could be."""
    i00 = a[3] * a[5] - a[4] * a[4]
    i01 = a[2] * a[4] - a[1] * a[5]
    i02 = a[1] * a[4] - a[2] * a[3]
    det = a[0] * i00 + a[1] * i01 + a[2] * i02
    if not det > 0.0:
        fill(out, np.nan)
        return False
    out[0], out[1], out[2] = i00 / det, i01 / det, i02 / det
    out[3] = (a[0] * a[5] - a[2] * a[2]) / det
    out[4] = (a[1] * a[2] - a[0] * a[4]) / det
    out[5] = (a[0] * a[3] - a[1] * a[1]) / det
    return True


@inner_kernel
def _linear(rows, xy, weight, chosen, a, x):
    """Linear solution of the chosen cameras; returns whether there is one in front of all of them."""
    fill(a, 0.0)
    for c in range(len(rows)):
        if not chosen[c]:
            continue
        row = rows[c]
        for i in range(2):
            q = xy[c, i]
            g0, g1, g2 = q * row[6] - row[3 * i], q * row[7] - row[3 * i + 1], q * row[8] - row[3 * i + 2]
            right, w = row[9 + i] - q * row[11], weight[c]
            a[0] += w * g0 * g0
            a[1] += w * g0 * g1
            a[2] += w * g0 * g2
            a[3] += w * g1 * g1
            a[4] += w * g1 * g2
            a[5] += w * g2 * g2
            a[6] += w * g0 * right
            a[7] += w * g1 * right
            a[8] += w * g2 * right
    scale = (a[0] + a[3] + a[5]) / 3.0
    if scale <= 0.0 or solve3(a, x) <= 1e-13 * scale * scale * scale:
        return False
    for c in range(len(rows)):
        row = rows[c]
        if chosen[c] and row[6] * x[0] + row[7] * x[1] + row[8] * x[2] + row[11] <= 1e-9:
            return False
    return True


@kernel
def _distances(rows, fisheye, uv, prec, seen, x, m2, work):
    """Squared Mahalanobis distance of each camera that sees the point; infinite behind it."""
    for c in range(len(rows)):
        m2[c] = 0.0
        if not seen[c]:
            continue
        if project(rows[c], fisheye[c], x[0], x[1], x[2], work) <= 1e-9:
            m2[c] = np.inf
            continue
        ex, ey = uv[c, 0] - work[0], uv[c, 1] - work[1]
        m2[c] = prec[c, 0] * ex * ex + 2.0 * prec[c, 1] * ex * ey + prec[c, 2] * ey * ey


@kernel
def _cost(m2, seen, cut):
    """Sum of the capped distances, and how many are below the cap."""
    total, n = 0.0, 0
    for c in range(len(m2)):
        if seen[c]:
            total += min(m2[c], cut)
            n += m2[c] <= cut
    return total, n


@kernel
def _step(rows, fisheye, uv, prec, chosen, x, shares, total, work, jac):
    """Fill the normal equations at x: `shares` (camera, 9) of the chosen cameras, and their sum.

    The nine numbers are the matrix xx, xy, xz, yy, yz, zz and the right side.
    """
    fill(total, 0.0)
    for c in range(len(rows)):
        if not chosen[c]:
            continue
        if project_jacobian(rows[c], fisheye[c], x[0], x[1], x[2], work, jac) <= 1e-9:
            return False
        share = shares[c]
        ex, ey = uv[c, 0] - work[0], uv[c, 1] - work[1]
        pxx, pxy, pyy = prec[c, 0], prec[c, 1], prec[c, 2]
        ux, uy = pxx * ex + pxy * ey, pxy * ex + pyy * ey
        k = 0
        for i in range(3):
            gx, gy = pxx * jac[0, i] + pxy * jac[1, i], pxy * jac[0, i] + pyy * jac[1, i]
            share[6 + i] = jac[0, i] * ux + jac[1, i] * uy
            for j in range(i, 3):
                share[k] = gx * jac[0, j] + gy * jac[1, j]
                k += 1
        for k in range(9):
            total[k] += share[k]
    return True


@kernel
def _refine(rows, fisheye, uv, prec, seen, robust, x, used, m2, shares, a, step, trial, other, work, jac):
    """Gauss-Newton steps on the inliers, which are decided again at each step; returns the final cost."""
    cut = CUT if robust else np.inf
    _distances(rows, fisheye, uv, prec, seen, x, m2, work)
    cost, _ = _cost(m2, seen, cut)
    for _ in range(5):
        n = 0
        for c in range(len(rows)):
            used[c] = seen[c] and m2[c] <= cut
            n += used[c]
        if n < 2:
            copy(seen, used)
        if not _step(rows, fisheye, uv, prec, used, x, shares, a, work, jac):
            break
        damping = 1e-9 * (a[0] + a[3] + a[5])
        a[0] += damping
        a[3] += damping
        a[5] += damping
        if solve3(a, step) == 0.0:
            break
        for i in range(3):
            trial[i] = x[i] + step[i]
        _distances(rows, fisheye, uv, prec, seen, trial, other, work)
        after, _ = _cost(other, seen, cut)
        if not after < cost:
            break
        small = cost - after <= 1e-12 * cost
        copy(trial, x)
        copy(other, m2)
        cost = after
        if small:
            break
    n = 0
    for c in range(len(rows)):
        used[c] = seen[c] and m2[c] <= cut
        n += used[c]
    return cost, n


@kernel
def _without(rows, fisheye, uv, prec, used, x, gone, shares, total, chosen, rest, a, step, other, work, jac):
    """Residual [px] of one camera from the point that the others give; NaN if they give none.

    The first step takes the share of the camera off the normal equations at x, which hold those of the
    others already; others follow (three in all at most) until one is too small to change the residual.
    """
    n = 0
    for c in range(len(rows)):
        chosen[c] = used[c] and c != gone
        n += chosen[c]
    if n < 2:
        return np.nan
    copy(x, other)
    for k in range(9):
        a[k] = total[k] - shares[gone, k]
    row = rows[gone]
    depth = row[6] * x[0] + row[7] * x[1] + row[8] * x[2] + row[11]
    for turn in range(3):
        if turn and not _step(rows, fisheye, uv, prec, chosen, other, rest, a, work, jac):
            return np.nan
        if solve3(a, step) == 0.0:
            return np.nan
        moved = 0.0
        for i in range(3):
            other[i] += step[i]
            moved = max(moved, abs(step[i]))
        if moved <= SMALL * depth:
            break
    if project(rows[gone], fisheye[gone], other[0], other[1], other[2], work) <= 1e-9:
        return np.nan
    return _distance(uv[gone, 0] - work[0], uv[gone, 1] - work[1])


@inner_kernel
def _freedom(rows, fisheye, prec, used, x, cov, free, effective, work, jac):
    """Share of each observation that is free to err: trace of I - H, and its effective degrees of freedom."""
    for c in range(len(rows)):
        free[c] = effective[c] = np.nan
        if not used[c] or project_jacobian(rows[c], fisheye[c], x[0], x[1], x[2], work, jac) <= 1e-9:
            continue
        u0, u1, u2, v0, v1, v2 = jac[0, 0], jac[0, 1], jac[0, 2], jac[1, 0], jac[1, 1], jac[1, 2]
        g0 = cov[0] * u0 + cov[1] * u1 + cov[2] * u2
        g1 = cov[1] * u0 + cov[3] * u1 + cov[4] * u2
        g2 = cov[2] * u0 + cov[4] * u1 + cov[5] * u2
        # h: covariance of the projected point
        h00, h01 = g0 * u0 + g1 * u1 + g2 * u2, g0 * v0 + g1 * v1 + g2 * v2
        g0 = cov[0] * v0 + cov[1] * v1 + cov[2] * v2
        g1 = cov[1] * v0 + cov[3] * v1 + cov[4] * v2
        g2 = cov[2] * v0 + cov[4] * v1 + cov[5] * v2
        h11 = g0 * v0 + g1 * v1 + g2 * v2
        # m = I - h S^-1
        m00 = 1.0 - (h00 * prec[c, 0] + h01 * prec[c, 1])
        m01 = -(h00 * prec[c, 1] + h01 * prec[c, 2])
        m10 = -(h01 * prec[c, 0] + h11 * prec[c, 1])
        m11 = 1.0 - (h01 * prec[c, 1] + h11 * prec[c, 2])
        trace = m00 + m11
        square = m00 * m00 + 2.0 * m01 * m10 + m11 * m11
        if trace > 1e-6 and square > 0.0:
            free[c], effective[c] = trace, trace * trace / square


@inner_kernel
def _widest(centres, used, x):
    """Return the largest angle between the rays of the cameras used [rad]."""
    widest = 0.0
    for c in range(len(centres)):
        if not used[c]:
            continue
        ax, ay, az = x[0] - centres[c, 0], x[1] - centres[c, 1], x[2] - centres[c, 2]
        for d in range(c):
            if not used[d]:
                continue
            bx, by, bz = x[0] - centres[d, 0], x[1] - centres[d, 1], x[2] - centres[d, 2]
            wx, wy, wz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            sine = np.sqrt(wx * wx + wy * wy + wz * wz)
            widest = max(widest, np.arctan2(sine, ax * bx + ay * by + az * bz))
    return widest


@kernel
def triangulate_block(
    rows,
    fisheye,
    limits,
    centres,
    pairs,
    uv,
    prec,
    robust,
    place,
    cov,
    used,
    residual,
    left_out,
    free,
    effective,
    distance,
    angle,
    disagree,
    outside,
):
    """Triangulate points: uv (camera, n, 2), prec (camera, n, 3); the rest is filled.

    `used` (n, camera): 1 inlier, 0 rejected, -1 not seen; `distance` (n,) the squared distance of all inliers
    together; `outside` (n,) whether a camera's model does not reach its pixel.
    """
    n_cameras, n = uv.shape[0], uv.shape[1]
    work, jac = np.empty(6), np.empty((2, 3))
    seen, chosen, inlier = (
        np.empty(n_cameras, np.bool_),
        np.empty(n_cameras, np.bool_),
        np.empty(n_cameras, np.bool_),
    )
    pixel, weight, xy = np.empty((n_cameras, 2)), np.empty((n_cameras, 3)), np.empty((n_cameras, 2))
    w, m2 = np.empty(n_cameras), np.empty(n_cameras)
    x, best = np.empty(3), np.empty(3)
    # One piece of memory for all points: asking for it point by point would take a quarter of the time.
    shares, rest = np.empty((n_cameras, 9)), np.empty((n_cameras, 9))
    total, a, step, trial, other = np.empty(9), np.empty(9), np.empty(3), np.empty(3), np.empty(n_cameras)
    for i in range(n):
        fill(place[i], np.nan)
        fill(cov[i], np.nan)
        fill(residual[i], np.nan)
        fill(left_out[i], np.nan)
        fill(free[i], np.nan)
        fill(effective[i], np.nan)
        distance[i] = angle[i] = np.nan
        disagree[i] = outside[i] = False
        n_seen = 0
        for c in range(n_cameras):
            pixel[c, 0], pixel[c, 1] = uv[c, i, 0], uv[c, i, 1]
            copy(prec[c, i], weight[c])
            good = np.isfinite(pixel[c, 0]) and np.isfinite(pixel[c, 1]) and np.isfinite(weight[c, 0])
            if good and not undistort(rows[c], fisheye[c], limits[c], pixel[c, 0], pixel[c, 1], work):
                good = False
                outside[i] = True
            seen[c] = good
            used[i, c] = 0 if good else -1
            if good:
                n_seen += 1
                xy[c, 0], xy[c, 1] = work[0], work[1]
                w[c] = weight[c, 0] * rows[c, 12] ** 2 + weight[c, 2] * rows[c, 13] ** 2
        if n_seen < 2:
            continue
        lowest, most, found = np.inf, 0, False
        if _linear(rows, xy, w, seen, a, x):
            _distances(rows, fisheye, pixel, weight, seen, x, m2, work)
            lowest, most = _cost(m2, seen, CUT)
            copy(x, best)
            found = True
        # At or below the cut every camera fits: a pair that leaves one out cannot cost less.
        if robust and n_seen > 2 and lowest > CUT:
            for k in range(len(pairs)):
                first, second = pairs[k, 0], pairs[k, 1]
                if not (seen[first] and seen[second]):
                    continue
                fill(chosen, False)
                chosen[first] = chosen[second] = True
                if not _linear(rows, xy, w, chosen, a, x):
                    continue
                _distances(rows, fisheye, pixel, weight, seen, x, m2, work)
                cost, inside = _cost(m2, seen, CUT)
                if cost < lowest or (cost == lowest and inside > most):
                    lowest, most = cost, inside
                    copy(x, best)
                    found = True
        if not found:
            disagree[i] = True
            continue
        copy(best, x)
        robustly = robust and n_seen > 2
        _, n_used = _refine(
            rows,
            fisheye,
            pixel,
            weight,
            seen,
            robustly,
            x,
            inlier,
            m2,
            shares,
            a,
            step,
            trial,
            other,
            work,
            jac,
        )
        if n_used < 2:
            copy(seen, inlier)
            disagree[i] = True
        together, n_used = 0.0, 0
        for c in range(n_cameras):
            if not seen[c]:
                continue
            used[i, c] = inlier[c]
            if inlier[c]:
                together += m2[c]
                n_used += 1
            if np.isfinite(m2[c]):
                project(rows[c], fisheye[c], x[0], x[1], x[2], work)
                residual[i, c] = _distance(pixel[c, 0] - work[0], pixel[c, 1] - work[1])
        if not np.isfinite(together):
            disagree[i] = True
            continue
        good = _step(rows, fisheye, pixel, weight, inlier, x, shares, total, work, jac)
        if not good or not invert3(total, cov[i]):
            continue
        copy(x, place[i])
        distance[i] = together
        _freedom(rows, fisheye, weight, inlier, x, cov[i], free[i], effective[i], work, jac)
        if n_used == 2 and together > PAIR_CUT:
            disagree[i] = True
        if disagree[i]:
            for k in range(6):
                cov[i, k] *= max(1.0, together)
        angle[i] = _widest(centres, inlier, x)
        if n_seen > 2:
            for c in range(n_cameras):
                if seen[c]:
                    left_out[i, c] = residual[i, c]
                    if inlier[c]:
                        left_out[i, c] = _without(
                            rows,
                            fisheye,
                            pixel,
                            weight,
                            inlier,
                            x,
                            c,
                            shares,
                            total,
                            chosen,
                            rest,
                            a,
                            step,
                            trial,
                            work,
                            jac,
                        )
