"""Averages of filtered samples inside bins, without the filtered samples in between."""

from mystax.core.compiled import summing_kernel

__all__ = ["window_means"]


@summing_kernel
def window_means(values, valid, before, window, lag, first, stop, kinds, templates, out):
    """Write into `out` (row, time) the mean inside each bin of what a window sees around each sample.

    `values` (row, sample) are 0 where not `valid`; `before` counts the valid samples before each one;
    `window` starts at `lag` samples.  Each sample of a bin is divided by its window's mass on valid samples,
    and counts 0 without any.  Where the bin's windows see valid samples only, one row of `templates`, that
    of the bin's kind, holds what all of them sum to.
    """
    rows, n = values.shape
    last = lag + len(window) - 1
    for k in range(len(first)):
        low = first[k] - last
        high = stop[k] - lag
        if low >= 0 and high <= n and before[high] - before[low] == high - low:
            template = templates[kinds[k]]
            for r in range(rows):
                line = values[r]
                total = 0.0
                for j in range(high - low):
                    total += template[j] * line[low + j]
                out[r, k] = total
            continue
        out[:, k] = 0.0
        for t in range(first[k], stop[k]):
            start, end = max(t - last, 0), min(t - lag + 1, n)
            mass = 0.0
            for place in range(start, end):
                if valid[place]:
                    mass += window[t - place - lag]
            if mass > 1e-6:
                for r in range(rows):
                    line = values[r]
                    total = 0.0
                    for place in range(start, end):
                        total += window[t - place - lag] * line[place]
                    out[r, k] += total / mass
        for r in range(rows):
            out[r, k] /= stop[k] - first[k]
