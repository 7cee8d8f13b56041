"""Compiled loops of the shape prior: robust alignment, and distances given the other points."""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel

__all__ = ["shape_residuals"]


@inner_kernel
def _fit_similarity(xy, weight, mean, is_mirrored):
    """Return shift, factor (complex, as two numbers) and misfit of a weighted similarity onto the mean."""
    total = 0.0
    ax = 0.0
    ay = 0.0
    bx = 0.0
    by = 0.0
    for k in range(len(weight)):
        w = weight[k]
        if w > 0.0:
            total += w
            ax += w * xy[k, 0]
            ay += w * xy[k, 1]
            bx += w * mean[k, 0]
            by += w * mean[k, 1]
    ax /= total
    ay /= total
    bx /= total
    by /= total
    power = 0.0
    real = 0.0
    imaginary = 0.0
    for k in range(len(weight)):
        w = weight[k]
        if w > 0.0:
            x = xy[k, 0] - ax
            y = xy[k, 1] - ay
            if is_mirrored:
                y = -y
            u = mean[k, 0] - bx
            v = mean[k, 1] - by
            power += w * (x * x + y * y)
            real += w * (x * u + y * v)
            imaginary += w * (x * v - y * u)
    power = max(power, 1e-12)
    return ax, ay, bx, by, real / power, imaginary / power, (real * real + imaginary * imaginary) / power


@kernel
def _middle(values, use):
    """Return the (upper) median of the values to use."""
    kept = np.empty(len(values), np.float64)
    n = 0
    for k in range(len(values)):
        if use[k]:
            place = n
            while place > 0 and kept[place - 1] > values[k]:
                kept[place] = kept[place - 1]
                place -= 1
            kept[place] = values[k]
            n += 1
    return kept[n // 2]


@inner_kernel
def _whiten(matrix, inverse):
    """Write the inverse of the Cholesky factor of a symmetric positive definite matrix, which is overwritten.

    With it, W, the matrix' inverse is W^T W.
    """
    n = len(matrix)
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = np.sqrt(max(total, 1e-300)) if i == j else total / matrix[j, j]
    for i in range(n):
        for c in range(n):
            inverse[i, c] = 0.0
        for k in range(i):
            for c in range(k + 1):
                inverse[i, c] -= matrix[i, k] * inverse[k, c]
        inverse[i, i] = 1.0
        for c in range(i + 1):
            inverse[i, c] /= matrix[i, i]


@kernel
def _lay(xy, weight, mean, spread, can_mirror, moved, misfit):
    """Lay a shape onto the mean: offsets from it, and squares of them in units of the usual ones."""
    ax, ay, bx, by, real, imaginary, gain = _fit_similarity(xy, weight, mean, False)
    sign = 1.0
    if can_mirror:
        other = _fit_similarity(xy, weight, mean, True)
        if other[6] > gain:
            ax, ay, bx, by, real, imaginary, gain = other
            sign = -1.0
    for k in range(len(weight)):
        x = xy[k, 0] - ax
        y = sign * (xy[k, 1] - ay)
        moved[k, 0] = x * real - y * imaginary + bx - mean[k, 0]
        moved[k, 1] = x * imaginary + y * real + by - mean[k, 1]
        misfit[k] = (moved[k, 0] ** 2 + moved[k, 1] ** 2) / spread[k]


@kernel
def _distance(dx, dy, xx, xy, yy):
    """Return the Mahalanobis distance of an offset."""
    square = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy)
    return np.sqrt(max(square, 0.0))


@kernel
def shape_residuals(xy, is_seen, mean, covariance, spread, can_mirror, out):
    """Write the Mahalanobis distance of each point from where the other seen points put it (n, K).

    Shapes are laid onto the mean by a similarity whose weights fall with the misfit, and points that then lie
    off count as noisy, so that one wild point does not make its neighbours look wild.  `spread` (K) is the
    usual square distance of each point from its mean place.
    """
    n_shapes, n_points, _ = xy.shape
    weight = np.empty(n_points, np.float64)
    moved = np.empty((n_points, 2), np.float64)
    misfit = np.empty(n_points, np.float64)
    noise = np.empty(n_points, np.float64)
    for i in range(n_shapes):
        n_seen = 0
        for k in range(n_points):
            out[i, k] = 0.0
            weight[k] = 1.0 if is_seen[i, k] else 0.0
            n_seen += 1 if is_seen[i, k] else 0
        if n_seen < 4:
            continue
        _lay(xy[i], weight, mean, spread, can_mirror, moved, misfit)
        worst = 0.0
        for k in range(n_points):
            if is_seen[i, k]:
                worst = max(worst, misfit[k])
        if worst > 6.0:
            # Perhaps one point is wild and turned the shape: begin without the point that is missed least.
            best = _middle(misfit, is_seen[i])
            dropped = -1
            for k in range(n_points):
                if is_seen[i, k]:
                    weight[k] = 0.0
                    _lay(xy[i], weight, mean, spread, can_mirror, moved, misfit)
                    weight[k] = 1.0
                    usual = _middle(misfit, is_seen[i])
                    if usual < best:
                        best = usual
                        dropped = k
            if dropped >= 0:
                weight[dropped] = 0.0
        for _ in range(6):
            _lay(xy[i], weight, mean, spread, can_mirror, moved, misfit)
            usual = max(4.0, _middle(misfit, is_seen[i]))
            for k in range(n_points):
                if is_seen[i, k]:
                    weight[k] = 1.0 / (1.0 + misfit[k] / usual) ** 2
        for k in range(n_points):
            noise[k] = spread[k] * max(misfit[k] - 6.0, 0.0)
        seen = np.empty(2 * n_seen, np.int64)
        place = 0
        for k in range(n_points):
            if is_seen[i, k]:
                seen[place] = 2 * k
                seen[place + 1] = 2 * k + 1
                place += 2
        block = np.empty((2 * n_seen, 2 * n_seen), np.float64)
        offset = np.empty(2 * n_seen, np.float64)
        pulled = np.zeros(2 * n_seen, np.float64)
        white = np.empty((2 * n_seen, 2 * n_seen), np.float64)
        own = np.zeros((n_seen, 3), np.float64)
        for a in range(2 * n_seen):
            offset[a] = moved[seen[a] // 2, seen[a] % 2]
            for b in range(2 * n_seen):
                block[a, b] = covariance[seen[a], seen[b]]
            block[a, a] += noise[seen[a] // 2]
        _whiten(block, white)
        for a in range(2 * n_seen):
            part = 0.0
            for b in range(a + 1):
                part += white[a, b] * offset[b]
            for b in range(a + 1):
                pulled[b] += white[a, b] * part
            for b in range(a // 2 + 1):
                own[b, 0] += white[a, 2 * b] * white[a, 2 * b]
                own[b, 1] += white[a, 2 * b] * white[a, 2 * b + 1]
                own[b, 2] += white[a, 2 * b + 1] * white[a, 2 * b + 1]
        place = 0
        for k in range(n_points):
            if is_seen[i, k]:
                # Given the others: the covariance is the inverse of the precision's block, P, less the
                # point's own noise, and the deviation is P^-1 (precision offset).
                p = own[place // 2, 0]
                q = own[place // 2, 1]
                r = own[place // 2, 2]
                det = p * r - q * q
                dx = (r * pulled[place] - q * pulled[place + 1]) / det
                dy = (p * pulled[place + 1] - q * pulled[place]) / det
                out[i, k] = _distance(dx, dy, r / det - noise[k], -q / det, p / det - noise[k])
                place += 2
            else:
                dx = moved[k, 0]
                dy = moved[k, 1]
                p = covariance[2 * k, 2 * k]
                q = covariance[2 * k, 2 * k + 1]
                r = covariance[2 * k + 1, 2 * k + 1]
                for a in range(2 * n_seen):
                    along = 0.0
                    down = 0.0
                    for b in range(a + 1):
                        along += white[a, b] * covariance[2 * k, seen[b]]
                        down += white[a, b] * covariance[2 * k + 1, seen[b]]
                    p -= along * along
                    q -= along * down
                    r -= down * down
                    dx -= covariance[2 * k, seen[a]] * pulled[a]
                    dy -= covariance[2 * k + 1, seen[a]] * pulled[a]
                out[i, k] = _distance(dx, dy, p, q, r)
