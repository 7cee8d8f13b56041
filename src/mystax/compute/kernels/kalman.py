"""Kalman filter and Rauch-Tung-Striebel smoother of a point in the plane: white acceleration, real times.

The state is place p and velocity v, two numbers each; its covariance is kept as the 2x2 blocks A = cov(p, p),
B = cov(p, v), C = cov(v, v).  The steps then cost some tens of operations and symmetry holds by construction.
"""

import numpy as np

from mystax.compute.kernels.arrays import copy, fill
from mystax.core.compiled import inner_kernel, kernel

__all__ = ["FAR", "filter_likelihood", "filter_step", "smooth_point"]

FAR = 9.0
"""Squared Mahalanobis distance above which a measurement counts less."""


@kernel
def _predict(mean, block, dt, q):
    """Move mean (4,) and covariance blocks (10,) = A xx, xy, yy, B xx, xy, yx, yy, C xx, xy, yy by dt."""
    mean[0] += dt * mean[2]
    mean[1] += dt * mean[3]
    cube, square = q * dt * dt * dt / 3.0, 0.5 * q * dt * dt
    block[0] += dt * (2.0 * block[3] + dt * block[7]) + cube
    block[1] += dt * (block[4] + block[5] + dt * block[8])
    block[2] += dt * (2.0 * block[6] + dt * block[9]) + cube
    block[3] += dt * block[7] + square
    block[4] += dt * block[8]
    block[5] += dt * block[8]
    block[6] += dt * block[9] + square
    block[7] += q * dt
    block[9] += q * dt


@kernel
def _update(mean, block, dx, dy, rxx, rxy, ryy):
    """Take in a measurement that lies (dx, dy) from the predicted place, with covariance r."""
    sxx, sxy, syy = block[0] + rxx, block[1] + rxy, block[2] + ryy
    det = sxx * syy - sxy * sxy
    ixx, ixy, iyy = syy / det, -sxy / det, sxx / det
    ux, uy = ixx * dx + ixy * dy, ixy * dx + iyy * dy
    mean[0] += block[0] * ux + block[1] * uy
    mean[1] += block[1] * ux + block[2] * uy
    mean[2] += block[3] * ux + block[5] * uy
    mean[3] += block[4] * ux + block[6] * uy
    # R S^-1 A and R S^-1 B are exact where A - A S^-1 A would cancel
    wxx, wxy = rxx * ixx + rxy * ixy, rxx * ixy + rxy * iyy
    wyx, wyy = rxy * ixx + ryy * ixy, rxy * ixy + ryy * iyy
    axx, axy, ayy = block[0], block[1], block[2]
    bxx, bxy, byx, byy = block[3], block[4], block[5], block[6]
    block[0] = wxx * axx + wxy * axy
    block[1] = 0.5 * (wxx * axy + wxy * ayy + wyx * axx + wyy * axy)
    block[2] = wyx * axy + wyy * ayy
    block[3] = wxx * bxx + wxy * byx
    block[4] = wxx * bxy + wxy * byy
    block[5] = wyx * bxx + wyy * byx
    block[6] = wyx * bxy + wyy * byy
    block[7] -= bxx * (ixx * bxx + ixy * byx) + byx * (ixy * bxx + iyy * byx)
    block[8] -= bxx * (ixx * bxy + ixy * byy) + byx * (ixy * bxy + iyy * byy)
    block[9] -= bxy * (ixx * bxy + ixy * byy) + byy * (ixy * bxy + iyy * byy)


@kernel
def _start(mean, block, x, y, rxx, rxy, ryy, speed_variance):
    """Begin at the first measurement: place as measured, velocity unknown."""
    mean[0], mean[1], mean[2], mean[3] = x, y, 0.0, 0.0
    fill(block, 0.0)
    block[0], block[1], block[2] = rxx, rxy, ryy
    block[7] = speed_variance
    block[9] = speed_variance


@kernel
def filter_likelihood(times, z, r, weight, q, speed_variance, first, last):
    """Return the log-likelihood of one constant q over the frames first..last, without constants.

    `weight` divides the measurement's covariance; frames whose z is NaN are only predicted.  A squared
    distance m above 9 counts 9 + 2 log(m / 9): the tail of an outlier, not that of a normal distribution.
    """
    mean, block = np.empty(4), np.empty(10)
    total = 0.0
    before = -1
    for t in range(first, last):
        if np.isnan(z[t, 0]):
            continue
        rxx, rxy, ryy = r[t, 0] / weight[t], r[t, 1] / weight[t], r[t, 2] / weight[t]
        if before < 0:
            _start(mean, block, z[t, 0], z[t, 1], rxx, rxy, ryy, speed_variance)
            before = t
            continue
        _predict(mean, block, times[t] - times[before], q)
        before = t
        dx, dy = z[t, 0] - mean[0], z[t, 1] - mean[1]
        sxx, sxy, syy = block[0] + rxx, block[1] + rxy, block[2] + ryy
        det = sxx * syy - sxy * sxy
        distance = (syy * dx * dx - 2.0 * sxy * dx * dy + sxx * dy * dy) / det
        if distance > FAR:
            distance = FAR + 2.0 * np.log(distance / FAR)
        total -= 0.5 * (distance + np.log(det))
        _update(mean, block, dx, dy, rxx, rxy, ryy)
    return total


@kernel
def _forward(times, z, r, weight, q, speed_variance, means, blocks, distance):
    """Filter all frames; `distance` takes the squared Mahalanobis distance of each innovation, unweighted."""
    n = len(times)
    mean, block = np.empty(4), np.empty(10)
    started = False
    for t in range(n):
        seen = not np.isnan(z[t, 0])
        distance[t] = np.nan
        if not started:
            if not seen:
                fill(means[t], np.nan)
                continue
            w = weight[t]
            _start(mean, block, z[t, 0], z[t, 1], r[t, 0] / w, r[t, 1] / w, r[t, 2] / w, speed_variance)
            started = True
            distance[t] = 0.0
        else:
            _predict(mean, block, times[t] - times[t - 1], q[t - 1])
            if seen:
                dx, dy = z[t, 0] - mean[0], z[t, 1] - mean[1]
                sxx, sxy, syy = block[0] + r[t, 0], block[1] + r[t, 1], block[2] + r[t, 2]
                det = sxx * syy - sxy * sxy
                distance[t] = (syy * dx * dx - 2.0 * sxy * dx * dy + sxx * dy * dy) / det
                w = weight[t]
                _update(mean, block, dx, dy, r[t, 0] / w, r[t, 1] / w, r[t, 2] / w)
        copy(mean, means[t])
        copy(block, blocks[t])


@inner_kernel
def _full(block, out):
    """Write the blocks as a 4x4 matrix."""
    out[0, 0], out[0, 1], out[1, 0], out[1, 1] = block[0], block[1], block[1], block[2]
    out[0, 2], out[0, 3], out[1, 2], out[1, 3] = block[3], block[4], block[5], block[6]
    out[2, 0], out[3, 0], out[2, 1], out[3, 1] = block[3], block[4], block[5], block[6]
    out[2, 2], out[2, 3], out[3, 2], out[3, 3] = block[7], block[8], block[8], block[9]


@inner_kernel
def _cholesky_solve(matrix, right):
    """Overwrite `right` (4, 4) by the solution of matrix X = right; the 4x4 matrix is overwritten too."""
    for j in range(4):
        for k in range(j):
            for i in range(j, 4):
                matrix[i, j] -= matrix[i, k] * matrix[j, k]
        root = np.sqrt(matrix[j, j])
        for i in range(j, 4):
            matrix[i, j] /= root
    for c in range(4):
        for i in range(4):
            for k in range(i):
                right[i, c] -= matrix[i, k] * right[k, c]
            right[i, c] /= matrix[i, i]
        for i in range(3, -1, -1):
            for k in range(i + 1, 4):
                right[i, c] -= matrix[k, i] * right[k, c]
            right[i, c] /= matrix[i, i]


@kernel
def _backward(times, q, means, blocks, out_mean, out_cov):
    """Carry the smoothed state backwards; writes place and velocity, and the covariance of the place."""
    n = len(times)
    last = n - 1
    mean, block = np.empty(4), np.empty(10)
    after, now, gain = np.empty((4, 4)), np.empty((4, 4)), np.empty((4, 4))
    predicted, work = np.empty((4, 4)), np.empty((4, 4))
    smooth_mean = np.empty(4)
    copy(means[last], smooth_mean)
    _full(blocks[last], after)
    copy(smooth_mean, out_mean[last])
    out_cov[last, 0], out_cov[last, 1], out_cov[last, 2] = after[0, 0], after[0, 1], after[1, 1]
    for t in range(last - 1, -1, -1):
        if np.isnan(means[t, 0]):
            fill(out_mean[t], np.nan)
            fill(out_cov[t], np.nan)
            continue
        dt = times[t + 1] - times[t]
        copy(means[t], mean)
        copy(blocks[t], block)
        _full(block, now)
        _predict(mean, block, dt, q[t])
        _full(block, predicted)
        for i in range(4):  # F P: rows of the place gain dt times those of the velocity
            gain[0, i] = now[0, i] + dt * now[2, i]
            gain[1, i] = now[1, i] + dt * now[3, i]
            gain[2, i] = now[2, i]
            gain[3, i] = now[3, i]
        for i in range(4):
            for j in range(4):
                after[i, j] -= predicted[i, j]
        _cholesky_solve(predicted, gain)  # the transposed gain
        for i in range(4):
            change = 0.0
            for k in range(4):
                change += gain[k, i] * (smooth_mean[k] - mean[k])
            out_mean[t, i] = means[t, i] + change
        copy(out_mean[t], smooth_mean)
        for i in range(4):
            for j in range(4):
                total = 0.0
                for k in range(4):
                    total += after[i, k] * gain[k, j]
                work[i, j] = total
        for i in range(4):
            for j in range(i + 1):
                total = now[i, j]
                for k in range(4):
                    total += gain[k, i] * work[k, j]
                after[i, j] = total
                after[j, i] = total
        out_cov[t, 0], out_cov[t, 1], out_cov[t, 2] = after[0, 0], after[0, 1], after[1, 1]


@inner_kernel
def _reweigh(z, r, weight, out_mean, out_cov):
    """Set the weight of each measurement by its distance from where all others, before and after, put it."""
    for t in range(len(z)):
        if np.isnan(z[t, 0]) or np.isnan(out_mean[t, 0]):
            weight[t] = 1.0
            continue
        det = out_cov[t, 0] * out_cov[t, 2] - out_cov[t, 1] * out_cov[t, 1]
        pxx, pxy, pyy = out_cov[t, 2] / det, -out_cov[t, 1] / det, out_cov[t, 0] / det
        det = (r[t, 0] * r[t, 2] - r[t, 1] * r[t, 1]) / weight[t]
        ixx, ixy, iyy = r[t, 2] / det, -r[t, 1] / det, r[t, 0] / det
        oxx, oxy, oyy = pxx - ixx, pxy - ixy, pyy - iyy  # information of the others
        det = oxx * oyy - oxy * oxy
        if oxx <= 0.0 or det <= 0.0:  # nobody else knows anything
            weight[t] = 1.0
            continue
        ux = pxx * out_mean[t, 0] + pxy * out_mean[t, 1] - ixx * z[t, 0] - ixy * z[t, 1]
        uy = pxy * out_mean[t, 0] + pyy * out_mean[t, 1] - ixy * z[t, 0] - iyy * z[t, 1]
        dx = z[t, 0] - (oyy * ux - oxy * uy) / det
        dy = z[t, 1] - (oxx * uy - oxy * ux) / det
        sxx, sxy, syy = r[t, 0] + oyy / det, r[t, 1] - oxy / det, r[t, 2] + oxx / det
        det = sxx * syy - sxy * sxy
        distance = (syy * dx * dx - 2.0 * sxy * dx * dy + sxx * dy * dy) / det
        weight[t] = FAR / distance if distance > FAR else 1.0


@kernel
def smooth_point(times, z, r, q, speed_variance, n_robust, weight, out_mean, out_cov, distance):
    """Smooth one point.

    times (n,) [s] rising; z (n, 2) with NaN where unseen; r (n, 3) covariance xx, xy, yy; q (n,) strength of
    the acceleration between frame t and t + 1; weight (n,) divides r, and is set anew `n_robust` times: a
    measurement m squared distances from all others counts min(1, 9 / m).  Writes out_mean (n, 4) place and
    velocity, out_cov (n, 3) of the place, distance (n,) squared Mahalanobis distance of each innovation.
    """
    n = len(times)
    blocks = np.empty((n, 10))
    for turn in range(n_robust + 1):
        # The way back reads a filtered state just before it writes the smoothed one in its place.
        _forward(times, z, r, weight, q, speed_variance, out_mean, blocks, distance)
        if np.isnan(out_mean[n - 1, 0]):
            for t in range(n):
                fill(out_mean[t], np.nan)
                fill(out_cov[t], np.nan)
            return
        _backward(times, q, out_mean, blocks, out_mean, out_cov)
        if turn < n_robust:
            _reweigh(z, r, weight, out_mean, out_cov)


@kernel
def filter_step(mean, block, started, z, r, dt, q, speed_variance):
    """Move all points by dt and take in one measurement of each, in place; NaN measurements only predict.

    A measurement far from its prediction counts less, as in `smooth_point`: its covariance is divided by
    min(1, 3 / distance).
    """
    for k in range(len(z)):
        seen = not np.isnan(z[k, 0])
        if not started[k]:
            if seen:
                _start(mean[k], block[k], z[k, 0], z[k, 1], r[k, 0], r[k, 1], r[k, 2], speed_variance)
                started[k] = True
            continue
        _predict(mean[k], block[k], dt, q[k])
        if seen:
            dx, dy = z[k, 0] - mean[k, 0], z[k, 1] - mean[k, 1]
            sxx, sxy, syy = block[k, 0] + r[k, 0], block[k, 1] + r[k, 1], block[k, 2] + r[k, 2]
            det = sxx * syy - sxy * sxy
            distance = (syy * dx * dx - 2.0 * sxy * dx * dy + sxx * dy * dy) / det
            w = 1.0 if distance <= FAR else np.sqrt(FAR / distance)
            _update(mean[k], block[k], dx, dy, r[k, 0] / w, r[k, 1] / w, r[k, 2] / w)
