"""Compiled loops of the keypoint network's surroundings: cut out, resize, normalise, decode."""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel

__all__ = ["decode_maps", "normalise_crop", "resize_box", "two_quantiles"]

_LEAST = np.float32(-80.0)  # below it a cell counts as this: 4,096 cells of exp(-80) change no digit of a sum
_LANES = 16  # neighbours that are compared or summed at a time


@inner_kernel
def _axis_weights(start, step, size, length, first, count, weights):
    """For each output cell: the first input cell, how many, and their weights (area or bilinear).

    Output cell u covers start + u step - 0.5 to start + (u + 1) step - 0.5.  Cells whose centre lies outside
    of the input get a count of 0.
    """
    for u in range(size):
        centre = start + (u + 0.5) * step - 0.5
        count[u] = 0
        first[u] = 0
        if not -0.5 <= centre <= length - 0.5:
            continue
        if step > 1.0:
            low = max(start + u * step - 0.5, -0.5)
            high = min(start + (u + 1) * step - 0.5, length - 0.5)
            i = max(int(np.floor(low + 0.5)), 0)
            first[u] = i
            total = 0.0
            while i < length and i - 0.5 < high - 1e-9:
                part = min(i + 0.5, high) - max(i - 0.5, low)
                weights[u, count[u]] = part
                total += part
                count[u] += 1
                i += 1
            for k in range(count[u]):
                weights[u, k] /= total
        else:
            centre = min(max(centre, 0.0), length - 1.0)
            i = min(int(np.floor(centre)), max(length - 2, 0))
            share = centre - i
            first[u] = i
            weights[u, 0] = 1.0 - share
            count[u] = 1
            if share > 0.0:
                weights[u, 1] = share
                count[u] = 2


@kernel
def resize_box(frame, x0, y0, side, out, valid):
    """Resample the square at (x0, y0) of a frame to `out`; `valid` tells which pixels lie in the frame.

    Area average where the square is larger than the output, bilinear otherwise.  A pixel that touches a NaN
    is not valid; invalid pixels are 0.  Returns the number of pixels lost to NaN.
    """
    height, width = frame.shape
    size = out.shape[0]
    step = side / size
    n_weights = int(np.ceil(step)) + 2
    first_x = np.empty(size, np.int64)
    count_x = np.empty(size, np.int64)
    weight_x = np.empty((size, n_weights), np.float32)
    first_y = np.empty(size, np.int64)
    count_y = np.empty(size, np.int64)
    weight_y = np.empty((size, n_weights), np.float32)
    _axis_weights(x0, step, size, width, first_x, count_x, weight_x)
    _axis_weights(y0, step, size, height, first_y, count_y, weight_y)
    row_done = np.full(2, -1, np.int64)
    rows = np.empty((2, size), np.float32)
    lost = 0
    for v in range(size):
        for u in range(size):
            out[v, u] = np.float32(0.0)
        if count_y[v] == 0:
            for u in range(size):
                valid[v, u] = False
            continue
        for k in range(count_y[v]):
            y = first_y[v] + k
            slot = y % 2
            if row_done[slot] != y:
                row_done[slot] = y
                for u in range(size):
                    total = np.float32(0.0)
                    for j in range(count_x[u]):
                        total += weight_x[u, j] * np.float32(frame[y, first_x[u] + j])
                    rows[slot, u] = total
            share = weight_y[v, k]
            for u in range(size):
                out[v, u] += share * rows[slot, u]
        for u in range(size):
            valid[v, u] = count_x[u] > 0
            if out[v, u] != out[v, u]:
                valid[v, u] = False
                out[v, u] = np.float32(0.0)
                lost += 1
    return lost


@inner_kernel
def _select(values, rank):
    """Return the value of a rank (from 0), exchanging values about pivots until it has its place."""
    low = 0
    high = len(values) - 1
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
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@inner_kernel
def _order_statistic(values, n, rank, low, high, counts, bins):
    """Return the value of a rank (from 0) out of the first n values, by a histogram."""
    if high <= low:
        return low
    scale = (bins - 1) / (np.float64(high) - np.float64(low))
    passed = 0
    wanted = 0
    for b in range(bins):
        if passed + counts[b] > rank:
            wanted = b
            break
        passed += counts[b]
    inside = np.empty(counts[wanted], np.float32)
    found = 0
    for i in range(n):
        if int((np.float64(values[i]) - low) * scale) == wanted:
            inside[found] = values[i]
            found += 1
    return _select(inside, rank - passed)


@inner_kernel
def two_quantiles(values, n, lower, upper):
    """Return two quantiles of the first n values, with linear interpolation between ranks."""
    bins = 2048
    low = values[0]
    high = values[0]
    for i in range(n):
        low = min(low, values[i])
        high = max(high, values[i])
    if high <= low:
        return np.float64(low), np.float64(low)
    scale = (bins - 1) / (np.float64(high) - np.float64(low))
    counts = np.zeros(bins, np.int64)
    for i in range(n):
        counts[int((np.float64(values[i]) - low) * scale)] += 1
    found = np.empty(2, np.float64)
    for q in range(2):
        position = (n - 1) * (lower if q == 0 else upper)
        rank = int(np.floor(position))
        share = position - rank
        value = np.float64(_order_statistic(values, n, rank, low, high, counts, bins))
        if share > 0.0:
            above = np.float64(_order_statistic(values, n, rank + 1, low, high, counts, bins))
            value += share * (above - value)
        found[q] = value
    return found[0], found[1]


@kernel
def normalise_crop(crop, valid, least_span):
    """Map the 1st percentile of the valid pixels to 0 and the 99th to 1, in place; clip to 0..1.5.

    Percentiles come from every second row and column.  Invalid pixels become 0.  Returns False, and zeros,
    when the span of the percentiles is below `least_span` or nothing is valid.
    """
    size_y, size_x = crop.shape
    values = np.empty(((size_y + 1) // 2) * ((size_x + 1) // 2), np.float32)
    n = np.int64(0)  # for a plain 0 the quantiles would be compiled once more
    for y in range(0, size_y, 2):
        for x in range(0, size_x, 2):
            if valid[y, x]:
                values[n] = crop[y, x]
                n += 1
    low = 0.0
    high = 0.0
    if n > 0:
        low, high = two_quantiles(values, n, 0.01, 0.99)
    if n == 0 or high - low <= 0.0 or high - low < least_span:
        crop[:] = np.float32(0.0)
        return False
    shift = np.float32(low)
    scale = np.float32(1.0 / (high - low))
    for y in range(size_y):
        for x in range(size_x):
            value = (crop[y, x] - shift) * scale
            value = min(max(value, np.float32(0.0)), np.float32(1.5))
            crop[y, x] = value if valid[y, x] else np.float32(0.0)
    return True


@inner_kernel
def _fill_maxima(plane, lanes, maxima):
    """Write the largest value of each row."""
    height, width = plane.shape
    whole = width - width % _LANES
    for y in range(height):
        for j in range(_LANES):
            lanes[j] = plane[y, 0]
        for x in range(0, whole, _LANES):
            for j in range(_LANES):
                lanes[j] = max(lanes[j], plane[y, x + j])
        most = lanes[0]
        for j in range(1, _LANES):
            most = max(most, lanes[j])
        for x in range(whole, width):
            most = max(most, plane[y, x])
        maxima[y] = most


@inner_kernel
def _sum_of_powers(plane, top, sums):
    """Return the sum of exp(value - top) over all cells, within 1e-6 of it.

    The exponential is 2^n exp(r) with |r| <= log(2) / 2; of exp(r) the polynomial of the Cephes library.
    """
    height, width = plane.shape
    for x in range(width):
        sums[x] = np.float32(0.0)
    for y in range(height):
        for x in range(width):
            below = max(plane[y, x] - top, _LEAST)
            n = np.floor(below * np.float32(1.44269504088896341) + np.float32(0.5))
            r = below - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
            power = np.float32(1.9875691500e-4)
            power = power * r + np.float32(1.3981999507e-3)
            power = power * r + np.float32(8.3334519073e-3)
            power = power * r + np.float32(4.1665795894e-2)
            power = power * r + np.float32(1.6666665459e-1)
            power = power * r + np.float32(5.0000001201e-1)
            power = power * r * r + r + np.float32(1.0)
            sums[x] += power * np.int32((np.int64(n) + 127) << 23).view(np.float32)
    total = 0.0
    for x in range(width):
        total += sums[x]
    return total


@kernel
def _second(plane, maxima, cx, cy, reach):
    """Return the largest value of a cell that lies at least `reach` from (cx, cy) in x or in y."""
    height, width = plane.shape
    second = -np.inf
    for y in range(height):
        if not abs(y - cy) < reach:
            second = max(second, np.float64(maxima[y]))
        elif maxima[y] > second:
            for x in range(width):
                if not abs(x - cx) < reach and plane[y, x] > second:
                    second = np.float64(plane[y, x])
    return second


@kernel
def decode_maps(logits, null, radius, n_rounds, out):
    """Decode maps (n, K, y, x) and null logits (n, K) into `out` (n, K, 10).

    Columns: x, y [cells]; window mass of the softmax; visibility (1 - null cell); covariance xx, xy, yy
    [cells^2]; peak; log of peak / highest cell outside of the window; logit of the visibility.
    """
    n_images, n_points, height, width = logits.shape
    lanes = np.empty(_LANES, np.float32)
    maxima = np.empty(height, np.float32)
    sums = np.empty(width, np.float32)
    for i in range(n_images):
        for k in range(n_points):
            plane = logits[i, k]
            _fill_maxima(plane, lanes, maxima)
            peak_y = 0
            for y in range(1, height):
                if maxima[y] > maxima[peak_y]:
                    peak_y = y
            top = maxima[peak_y]
            peak_x = 0
            while peak_x < width - 1 and plane[peak_y, peak_x] < top:
                peak_x += 1
            sum_cells = _sum_of_powers(plane, top, sums)  # at least 1
            visible = top + np.log(sum_cells) - null[i, k]
            share_cells = 1.0 / (1.0 + np.exp(-visible)) if visible > -700.0 else 0.0
            cx = np.float64(peak_x)
            cy = np.float64(peak_y)
            mass = 0.0
            xx = 0.0
            xy = 0.0
            yy = 0.0
            for _ in range(n_rounds):
                mass = 0.0
                mean_x = 0.0
                mean_y = 0.0
                xx = 0.0
                xy = 0.0
                yy = 0.0
                y_low = max(int(np.ceil(cy - radius - 0.5)), 0)
                y_high = min(int(np.floor(cy + radius + 0.5)), height - 1)
                x_low = max(int(np.ceil(cx - radius - 0.5)), 0)
                x_high = min(int(np.floor(cx + radius + 0.5)), width - 1)
                for y in range(y_low, y_high + 1):
                    share_y = min(radius + 0.5 - abs(y - cy), 1.0)
                    for x in range(x_low, x_high + 1):
                        share = share_y * min(radius + 0.5 - abs(x - cx), 1.0)
                        p = share * np.exp(np.float64(plane[y, x]) - top)
                        mass += p
                        mean_x += p * x
                        mean_y += p * y
                        xx += p * x * x
                        xy += p * x * y
                        yy += p * y * y
                mean_x /= mass
                mean_y /= mass
                xx = xx / mass - mean_x * mean_x
                xy = xy / mass - mean_x * mean_y
                yy = yy / mass - mean_y * mean_y
                cx = mean_x
                cy = mean_y
            second = _second(plane, maxima, cx, cy, radius + 0.5)
            row_out = out[i, k]
            row_out[0] = cx
            row_out[1] = cy
            row_out[2] = mass / sum_cells * share_cells
            row_out[3] = share_cells
            row_out[4] = max(xx, 0.0)
            row_out[5] = xy
            row_out[6] = max(yy, 0.0)
            row_out[7] = share_cells / sum_cells
            row_out[8] = top - second
            row_out[9] = visible
