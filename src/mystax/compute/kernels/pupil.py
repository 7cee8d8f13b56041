"""The picture that a pupil fit sees, its dark region, and weighted moments."""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel

__all__ = [
    "compat_moments",
    "dark_region",
    "eigen_ellipse",
    "hide_reflections",
    "region_moments",
    "smooth_picture",
]

# Gaussian of 1 px, seven taps.
_TAPS = np.exp(-0.5 * np.arange(4.0) ** 2)
_TAPS = (_TAPS / (_TAPS[0] + 2.0 * _TAPS[1:].sum())).astype(np.float32)


@kernel
def smooth_picture(frame, unit, is_bright, padded, rows, picture):
    """Write the frame as grey levels of 8 bits, smoothed by a Gaussian of 1 px, into `picture`.

    `padded` (h + 6, w + 6) and `rows` (h, w + 6) are room to work in; edges are repeated.  A bright pupil
    is made dark by taking 255 - grey.
    """
    h, w = frame.shape
    scale = np.float32(unit)
    top = np.float32(255.0)
    for y in range(h):
        line = padded[y + 3]
        for x in range(w):
            line[x + 3] = frame[y, x] * scale
        if is_bright:
            for x in range(w):
                line[x + 3] = top - line[x + 3]
        for x in range(3):
            line[x] = line[3]
            line[w + 3 + x] = line[w + 2]
    # Written out as loops: assigning whole rows would cost seconds of compiling.
    for y in range(3):
        for x in range(w + 6):
            padded[y, x] = padded[3, x]
            padded[h + 3 + y, x] = padded[h + 2, x]
    k0 = _TAPS[0]
    k1 = _TAPS[1]
    k2 = _TAPS[2]
    k3 = _TAPS[3]
    for y in range(h):
        p0 = padded[y]
        p1 = padded[y + 1]
        p2 = padded[y + 2]
        p3 = padded[y + 3]
        p4 = padded[y + 4]
        p5 = padded[y + 5]
        p6 = padded[y + 6]
        line = rows[y]
        for x in range(w + 6):
            line[x] = k0 * p3[x] + k1 * (p2[x] + p4[x]) + k2 * (p1[x] + p5[x]) + k3 * (p0[x] + p6[x])
    for y in range(h):
        line = rows[y]
        q1 = line[1:]
        q2 = line[2:]
        q3 = line[3:]
        q4 = line[4:]
        q5 = line[5:]
        q6 = line[6:]
        out = picture[y]
        for x in range(w):
            out[x] = k0 * q3[x] + k1 * (q2[x] + q4[x]) + k2 * (q1[x] + q5[x]) + k3 * (line[x] + q6[x])


@kernel
def hide_reflections(frame, level, drawn, hidden):
    """Mark in `hidden` the drawn reflections and everything within 2 px of a code of at least `level`."""
    h, w = frame.shape
    for y in range(h):
        for x in range(w):
            hidden[y, x] = drawn[y, x]
    for y in range(h):
        for x in range(w):
            if frame[y, x] >= level:
                for dy in range(-2, 3):
                    for dx in range(-2, 3):
                        if dy * dy + dx * dx <= 5 and 0 <= y + dy < h and 0 <= x + dx < w:
                            hidden[y + dy, x + dx] = 1


@inner_kernel
def dark_region(picture, mask, hidden, threshold, seen, queue):
    """Find the connected region of largest dark mass; hidden pixels connect but weigh nothing.

    `seen` (h, w) uint8 and `queue` (h w) int32 are room to work in.  Returns (first, last, n_dark): the
    pixels of the region are ``queue[first:last]``, as y w + x, and n_dark counts the dark pixels of the
    whole region of interest.
    """
    h, w = picture.shape
    n_dark = 0
    for y in range(h):
        for x in range(w):
            if mask[y, x]:
                if hidden[y, x]:
                    seen[y, x] = 1
                elif picture[y, x] < threshold:
                    seen[y, x] = 2
                    n_dark += 1
                else:
                    seen[y, x] = 0
            else:
                seen[y, x] = 0
    best_first = 0
    best_last = 0
    best_mass = 0.0
    stop = 0
    for y0 in range(h):
        for x0 in range(w):
            if seen[y0, x0] != 2:
                continue
            first = stop
            queue[stop] = y0 * w + x0
            stop += 1
            seen[y0, x0] = 0
            mass = float(threshold - picture[y0, x0])
            at = first
            while at < stop:
                y = queue[at] // w
                x = queue[at] - y * w
                at += 1
                for side in range(4):
                    yy = y + (side == 0) - (side == 1)
                    xx = x + (side == 2) - (side == 3)
                    if 0 <= yy < h and 0 <= xx < w and seen[yy, xx] != 0:
                        if seen[yy, xx] == 2:
                            mass += threshold - picture[yy, xx]
                        seen[yy, xx] = 0
                        queue[stop] = yy * w + xx
                        stop += 1
            if mass > best_mass:
                best_mass = mass
                best_first = first
                best_last = stop
    return best_first, best_last, n_dark


@kernel
def _moments(xs, ys, weights, n, hidden_x, hidden_y, n_hidden, extra, result):
    """Mean and covariance (+ 0.01 on the diagonal) of weighted pixels, and of hidden ones with `extra`."""
    total = 0.0
    sum_x = 0.0
    sum_y = 0.0
    for i in range(n):
        weight = weights[i]
        total += weight
        sum_x += weight * xs[i]
        sum_y += weight * ys[i]
    for i in range(n_hidden):
        total += extra
        sum_x += extra * hidden_x[i]
        sum_y += extra * hidden_y[i]
    if not total > 0.0:
        return False
    mean_x = sum_x / total
    mean_y = sum_y / total
    xx = 0.0
    xy = 0.0
    yy = 0.0
    for i in range(n):
        dx = xs[i] - mean_x
        dy = ys[i] - mean_y
        weight = weights[i]
        xx += weight * dx * dx
        xy += weight * dx * dy
        yy += weight * dy * dy
    for i in range(n_hidden):
        dx = hidden_x[i] - mean_x
        dy = hidden_y[i] - mean_y
        xx += extra * dx * dx
        xy += extra * dx * dy
        yy += extra * dy * dy
    result[0] = mean_x
    result[1] = mean_y
    result[2] = xx / total + 0.01
    result[3] = xy / total
    result[4] = yy / total + 0.01
    return True


@kernel
def _median(values, n):
    """Median of the first `n` values, which are put in another order."""
    wanted = n // 2
    low = 0
    high = n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                kept = values[i]
                values[i] = values[j]
                values[j] = kept
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    upper = values[wanted]
    if n % 2 == 1:
        return upper
    lower = values[0]
    for i in range(1, wanted):
        lower = max(lower, values[i])
    return 0.5 * (lower + upper)


@inner_kernel
def region_moments(xs, ys, weights, n, spot_x, spot_y, n_spots, sigma, n_rounds, result):
    """Weighted moments with rejection of far pixels; writes (x, y, cxx, cxy, cyy), tells if they exist.

    The first `n` entries of the lists are the dark pixels; every round drops those beyond sqrt(2) sigma
    standard deviations for good (in place), and gives the first `n_spots` hidden pixels within
    sqrt(1.15) sigma the weight 1.1 x the median weight within sigma.
    """
    near_x = np.empty(n_spots)
    near_y = np.empty(n_spots)
    inner = np.empty(n if n_spots > 0 else 0)
    # Typed zeros: a literal would have the callee compiled once more.
    n_near = np.int64(0)
    extra = 0.0
    if not _moments(xs, ys, weights, n, near_x, near_y, n_near, extra, result):
        return False
    limit = sigma * sigma
    for _ in range(n_rounds):
        mean_x = result[0]
        mean_y = result[1]
        determinant = result[2] * result[4] - result[3] * result[3]
        ixx = result[4] / determinant
        ixy = -result[3] / determinant
        iyy = result[2] / determinant
        kept = np.int64(0)
        n_inner = np.int64(0)
        for i in range(n):
            dx = xs[i] - mean_x
            dy = ys[i] - mean_y
            distance = ixx * dx * dx + 2.0 * ixy * dx * dy + iyy * dy * dy
            if distance <= 2.0 * limit:
                xs[kept] = xs[i]
                ys[kept] = ys[i]
                weights[kept] = weights[i]
                kept += 1
                if n_spots > 0 and distance <= limit:
                    inner[n_inner] = weights[i]
                    n_inner += 1
        n_near = np.int64(0)
        if n_inner > 0:
            for i in range(n_spots):
                dx = spot_x[i] - mean_x
                dy = spot_y[i] - mean_y
                if ixx * dx * dx + 2.0 * ixy * dx * dy + iyy * dy * dy <= 1.15 * limit:
                    near_x[n_near] = spot_x[i]
                    near_y[n_near] = spot_y[i]
                    n_near += 1
        if kept == n and n_spots == 0:
            break
        n = kept
        extra = 1.1 * _median(inner, n_inner) if n_near > 0 else 0.0
        if not _moments(xs, ys, weights, n, near_x, near_y, n_near, extra, result):
            return False
    return True


@inner_kernel
def eigen_ellipse(xx, xy, yy, sigma, result):
    """Write long and short semi-axis and angle of the ellipse at `sigma` standard deviations."""
    middle = 0.5 * (xx + yy)
    half = 0.5 * (xx - yy)
    root = np.sqrt(half * half + xy * xy)
    result[0] = sigma * np.sqrt(middle + root)
    result[1] = sigma * np.sqrt(max(middle - root, 0.0))
    result[2] = 0.5 * np.arctan2(2.0 * xy, xx - yy)


@kernel
def compat_moments(frames, unit, is_bright, mask, drawn, threshold, sigma, out):
    """Moments over the whole region in raw grey, five rounds, long axis at most twice the short one.

    Writes (x, y, long, short, angle) per frame, NaN where nothing is darker than `threshold`.
    """
    n_frames, h, w = frames.shape
    xs = np.empty(h * w)
    ys = np.empty(h * w)
    weights = np.empty(h * w)
    spot_x = np.empty(h * w)
    spot_y = np.empty(h * w)
    result = np.empty(5)
    axes = np.empty(3)
    n_rounds = np.int64(5)
    n_spots = np.int64(0)
    for y in range(h):
        for x in range(w):
            if mask[y, x] and drawn[y, x]:
                spot_x[n_spots] = x
                spot_y[n_spots] = y
                n_spots += 1
    for i in range(n_frames):
        n = np.int64(0)
        for y in range(h):
            for x in range(w):
                if mask[y, x]:
                    grey = frames[i, y, x] * unit
                    if is_bright:
                        grey = 255.0 - grey
                    if grey < threshold and not drawn[y, x]:
                        xs[n] = x
                        ys[n] = y
                        weights[n] = threshold - grey
                        n += 1
        if n == 0 or not region_moments(xs, ys, weights, n, spot_x, spot_y, n_spots, sigma, n_rounds, result):
            for k in range(5):
                out[i, k] = np.nan
            continue
        eigen_ellipse(result[2], result[3], result[4], sigma, axes)
        out[i, 0] = result[0]
        out[i, 1] = result[1]
        out[i, 2] = min(axes[0], 2.0 * axes[1])
        out[i, 3] = axes[1]
        out[i, 4] = axes[2]
