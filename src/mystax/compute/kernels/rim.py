"""The rim of a pupil: rays, rounds of fits, confidence, and the loop over frames."""

import numpy as np

from mystax.compute.kernels.ellipse import is_allowed, robust_ellipse
from mystax.compute.kernels.pupil import (
    dark_region,
    eigen_ellipse,
    hide_reflections,
    region_moments,
    smooth_picture,
)
from mystax.core.compiled import inner_kernel, kernel

__all__ = ["N_RAYS", "ellipse_confidence", "find_rim", "fit_frames", "fit_rim"]

N_RAYS = 72
_TURN = 2.0 * np.pi * np.arange(N_RAYS) / N_RAYS
_RAY_X = np.cos(_TURN)
_RAY_Y = np.sin(_TURN)
# A blurred disc has its steepest rise variance / (2 radius) inside the true edge.  Known from the start: own
# smoothing of 1 px, the pixel itself and the interpolation; the optics' part is estimated from the rises.
_OWN_VARIANCE = 1.0 + 1.0 / 12.0 + 1.0 / 6.0
_MAX_VARIANCE = 9.0
_GREY_STEPS = 4
_N_BINS = 256 * _GREY_STEPS


@inner_kernel
def find_rim(picture, hidden, ellipse, share, values, rim_x, rim_y, rises):
    """Search the strongest outward rise of grey on rays around an ellipse; returns how many were found.

    `ellipse` is (x, y, long, short, angle).  Found points are written to the front of `rim_x`, `rim_y`, and
    to `rises` (ray, 2) the rise there and the mean rise half a pixel before and behind.
    """
    h, w = picture.shape
    cx, cy, a, b, angle = ellipse[0], ellipse[1], ellipse[2], ellipse[3], ellipse[4]
    reach = max(4.0, share * np.sqrt(a * b))
    c = np.cos(angle)
    s = np.sin(angle)
    n_found = np.int64(0)
    for ray in range(N_RAYS):
        rx = _RAY_X[ray]
        ry = _RAY_Y[ray]
        u = (rx * c + ry * s) / a
        v = (ry * c - rx * s) / b
        middle = 1.0 / np.sqrt(u * u + v * v)
        start = max(0.0, middle - reach)
        n = min(int((middle + reach - start) / 0.5) + 1, len(values))
        for i in range(n):
            r = start + 0.5 * i
            x = cx + r * rx
            y = cy + r * ry
            value = np.nan
            if x >= 0.0 and y >= 0.0:
                x0 = int(x)
                y0 = int(y)
                if (
                    x0 < w - 1
                    and y0 < h - 1
                    and not (
                        hidden[y0, x0] or hidden[y0, x0 + 1] or hidden[y0 + 1, x0] or hidden[y0 + 1, x0 + 1]
                    )
                ):
                    fx = x - x0
                    fy = y - y0
                    upper = picture[y0, x0] + fx * (picture[y0, x0 + 1] - picture[y0, x0])
                    lower = picture[y0 + 1, x0] + fx * (picture[y0 + 1, x0 + 1] - picture[y0 + 1, x0])
                    value = upper + fy * (lower - upper)
            values[i] = value
        best = 0.0
        at = -1
        for i in range(2, n - 2):
            rise = values[i + 1] - values[i - 1]
            # Comparisons with NaN are false: hidden samples and their neighbours never win.
            if rise > best and rise >= values[i] - values[i - 2] and rise >= values[i + 2] - values[i]:
                best = rise
                at = i
        if at >= 0:
            before = values[at] - values[at - 2]
            after = values[at + 2] - values[at]
            bend = before - 2.0 * best + after
            offset = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
            r = start + 0.5 * (at + offset)
            r += _OWN_VARIANCE / (2.0 * max(r, 2.0))
            rim_x[n_found] = cx + r * rx
            rim_y[n_found] = cy + r * ry
            # At the top of the parabola, so that the place between two samples does not matter.
            rises[n_found, 0] = best - 0.25 * (before - after) * offset
            rises[n_found, 1] = rises[n_found, 0] + 0.5 * bend
            n_found += 1
    return n_found


@inner_kernel
def _round_out(ellipse, rises, weights, n):
    """Make the ellipse larger by what the blur of the optics moved its rim inwards."""
    at_rim = 0.0
    beside = 0.0
    for i in range(n):
        if weights[i] > 0.1:
            at_rim += rises[i, 0]
            beside += rises[i, 1]
    if not 0.0 < beside < at_rim:
        return
    # Rises of a Gaussian edge fall by exp(-(1/2)^2 / (2 variance)); the difference over 1 px adds 1/12.
    variance = min(0.125 / np.log(at_rim / beside) - 1.0 / 12.0, _MAX_VARIANCE)
    more = 0.5 * max(variance - _OWN_VARIANCE, 0.0)
    a = ellipse[2]
    b = ellipse[3]
    ellipse[2] = a + more * a / (b * b)
    ellipse[3] = b + more * b / (a * a)


@inner_kernel
def fit_rim(picture, hidden, ellipse, max_ratio, state, values, points):
    """Search rim and ellipse in three rounds from a first guess; returns how many rim points agree (0: none).

    `ellipse` is replaced; `points` (ray, 3) gets x, y and weight of the last round, NaN beyond the found.
    """
    h, w = picture.shape
    rim_x = np.empty(N_RAYS)
    rim_y = np.empty(N_RAYS)
    weights = np.zeros(N_RAYS)
    rises = np.empty((N_RAYS, 2))
    n = np.int64(0)
    for turn in range(3):
        share = 0.6 if turn == 0 else 0.35 if turn == 1 else 0.25
        n = find_rim(picture, hidden, ellipse, share, values, rim_x, rim_y, rises)
        if n < 10 or not robust_ellipse(rim_x, rim_y, n, ellipse, max_ratio, h, w, state, weights):
            return np.int64(0)
    _round_out(ellipse, rises, weights, n)
    n_seen = np.int64(0)
    for i in range(N_RAYS):
        if i < n:
            points[i, 0] = rim_x[i]
            points[i, 1] = rim_y[i]
            points[i, 2] = weights[i]
            if weights[i] > 0.1:
                n_seen += 1
        else:
            for k in range(3):
                points[i, k] = np.nan
    return n_seen if n_seen >= 10 and is_allowed(ellipse, max_ratio, h, w) else np.int64(0)


@inner_kernel
def _histogram_median(counts, n):
    """Grey level in the middle of a histogram of `n` pixels."""
    half = 0.5 * n
    below = 0
    for k in range(_N_BINS):
        if below + counts[k] >= half:
            return (k + (half - below) / counts[k]) / _GREY_STEPS
        below += counts[k]
    return 255.0


@inner_kernel
def ellipse_confidence(
    picture, hidden, mask, border, threshold, n_dark, ellipse, points, n_seen, inner, outer, result
):
    """Judge an ellipse; writes (confidence, rim_seen, contrast, reflection).

    `n_seen` < 0 means that there was no rim search; then rim and border take no part.
    """
    h, w = picture.shape
    for k in range(_N_BINS):
        inner[k] = 0
        outer[k] = 0
    cx, cy, a, b, angle = ellipse[0], ellipse[1], ellipse[2], ellipse[3], ellipse[4]
    c = np.cos(angle)
    s = np.sin(angle)
    reach = 1.45 * a + 1.0
    n_ellipse = 0
    n_in_roi = 0
    n_hidden = 0
    n_explained = 0
    n_inner = np.int64(0)
    n_outer = np.int64(0)
    top = float(_N_BINS - 1)
    for y in range(int(np.floor(cy - reach)), int(np.ceil(cy + reach)) + 1):
        for x in range(int(np.floor(cx - reach)), int(np.ceil(cx + reach)) + 1):
            dx = x - cx
            dy = y - cy
            u = (dx * c + dy * s) / a
            v = (dy * c - dx * s) / b
            distance = u * u + v * v
            if distance >= 1.45 * 1.45:
                continue
            is_picture = 0 <= y < h and 0 <= x < w
            if distance <= 1.0:
                n_ellipse += 1
                if is_picture:
                    if hidden[y, x]:
                        n_hidden += 1
                    if mask[y, x]:
                        n_in_roi += 1
                        if not hidden[y, x] and picture[y, x] < threshold:
                            n_explained += 1
            if is_picture and not hidden[y, x]:
                level = int(min(max(picture[y, x] * _GREY_STEPS, 0.0), top))
                if distance < 0.81:
                    inner[level] += 1
                    n_inner += 1
                elif distance > 1.21:
                    outer[level] += 1
                    n_outer += 1
    result[0] = 0.0
    result[1] = n_seen / N_RAYS if n_seen >= 0 else np.nan
    result[2] = np.nan
    result[3] = n_hidden / n_ellipse if n_ellipse > 0 else np.nan
    if n_inner == 0 or n_outer == 0 or n_ellipse == 0:
        return
    dark = _histogram_median(inner, n_inner)
    light = _histogram_median(outer, n_outer)
    result[2] = light - dark
    if light - dark < 8.0 or n_dark == 0:
        return
    middle = int(0.5 * (dark + light) * _GREY_STEPS)
    darker = 0
    for k in range(middle):
        darker += inner[k]
    brighter = n_outer
    for k in range(middle):
        brighter -= outer[k]
    p_in = max(0.0, 2.0 * (darker / n_inner - 0.5))
    p_out = max(0.0, 2.0 * (brighter / n_outer - 0.5))
    confidence = p_in * p_out * (n_in_roi / n_ellipse) * np.sqrt(n_explained / n_dark)
    if n_seen >= 0:
        n_border = 0
        for i in range(N_RAYS):
            if points[i, 2] > 0.1:
                x = int(np.floor(points[i, 0] + 0.5))
                y = int(np.floor(points[i, 1] + 0.5))
                if not (0 <= y < h and 0 <= x < w) or border[y, x]:
                    n_border += 1
        confidence *= n_seen / N_RAYS * (1.0 - n_border / max(n_seen, 1))
    result[0] = confidence


@inner_kernel
def _clear(points):
    """Forget all rim points."""
    for ray in range(N_RAYS):
        for k in range(3):
            points[ray, k] = np.nan


@kernel
def fit_frames(
    frames,
    index,
    name_seed,
    unit,
    is_bright,
    mask,
    border,
    drawn,
    thresholds,
    level,
    sigma,
    max_ratio,
    with_rim,
    out,
    picture,
    hidden,
    points,
):
    """Fit the pupil in every frame of a slice.

    Writes (x, y, long, short, angle, confidence, rim_seen, contrast, reflection) per frame, the first five
    NaN where there is no fit; coordinates are those of the box.  `picture`, `hidden` and `points` hold
    what the last frame looked like.
    """
    n_frames, h, w = frames.shape
    padded = np.empty((h + 6, w + 6), np.float32)
    rows = np.empty((h, w + 6), np.float32)
    seen = np.empty((h, w), np.uint8)
    queue = np.empty(h * w, np.int32)
    xs = np.empty(h * w)
    ys = np.empty(h * w)
    weights = np.empty(h * w)
    spot_x = np.empty(h * w)
    spot_y = np.empty(h * w)
    values = np.empty(4 * (h + w))
    moments = np.empty(5)
    axes = np.empty(3)
    ellipse = np.empty(5)
    trial = np.empty((N_RAYS, 3))
    quality = np.empty(4)
    inner = np.empty(_N_BINS, np.int64)
    outer = np.empty(_N_BINS, np.int64)
    state = np.zeros(1, np.uint64)
    n_rounds = np.int64(8)
    for i in range(n_frames):
        frame = frames[i]
        smooth_picture(frame, unit, is_bright, padded, rows, picture)
        hide_reflections(frame, level, drawn, hidden)
        n_spots = np.int64(0)
        for y in range(h):
            for x in range(w):
                if hidden[y, x] and mask[y, x]:
                    spot_x[n_spots] = x
                    spot_y[n_spots] = y
                    n_spots += 1
        for k in range(9):
            out[i, k] = np.nan
        out[i, 5] = 0.0
        _clear(points)
        for attempt in range(len(thresholds)):
            threshold = thresholds[attempt]
            first, last, n_dark = dark_region(picture, mask, hidden, threshold, seen, queue)
            n = np.int64(0)
            mean_x = 0.0
            mean_y = 0.0
            for k in range(first, last):
                y = queue[k] // w
                x = queue[k] - y * w
                if not hidden[y, x]:
                    xs[n] = x
                    ys[n] = y
                    weights[n] = threshold - picture[y, x]
                    mean_x += x
                    mean_y += y
                    n += 1
            if n == 0:
                continue
            n_region = n
            for start in range(2 if with_rim else 1):
                if start == 0:
                    if not region_moments(
                        xs, ys, weights, n, spot_x, spot_y, n_spots, sigma, n_rounds, moments
                    ):
                        continue
                    eigen_ellipse(moments[2], moments[3], moments[4], sigma, axes)
                    ellipse[0] = moments[0]
                    ellipse[1] = moments[1]
                    ellipse[2] = axes[0]
                    ellipse[3] = max(axes[1], 1e-3)
                    ellipse[4] = axes[2]
                else:
                    ellipse[0] = mean_x / n_region
                    ellipse[1] = mean_y / n_region
                    ellipse[2] = np.sqrt(n_region / np.pi)
                    ellipse[3] = ellipse[2]
                    ellipse[4] = 0.0
                n_seen = np.int64(-1)
                _clear(trial)
                if with_rim:
                    state[0] = name_seed ^ (np.uint64(index[i]) * np.uint64(0xD1342543DE82EF95))
                    state[0] += np.uint64(2 * attempt + start) * np.uint64(0xA0761D6478BD642F)
                    n_seen = fit_rim(picture, hidden, ellipse, max_ratio, state, values, trial)
                    if n_seen == 0:
                        continue
                elif not is_allowed(ellipse, max_ratio, h, w):
                    continue
                ellipse_confidence(
                    picture,
                    hidden,
                    mask,
                    border,
                    threshold,
                    n_dark,
                    ellipse,
                    trial,
                    n_seen,
                    inner,
                    outer,
                    quality,
                )
                if np.isnan(out[i, 0]) or quality[0] > out[i, 5]:
                    for k in range(5):
                        out[i, k] = ellipse[k]
                    for k in range(4):
                        out[i, 5 + k] = quality[k]
                    for ray in range(N_RAYS):
                        for k in range(3):
                            points[ray, k] = trial[ray, k]
            if out[i, 5] >= 0.8:
                break
