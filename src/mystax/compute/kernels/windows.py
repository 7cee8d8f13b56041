"""Averages of filtered samples inside bins, without the filtered samples in between."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["window_means"]


@kernel
def window_means(values, valid, before, window, lag, first, stop, kinds, templates, out):
    """Write into `out` (time, column) the mean inside each bin of what a window sees around each sample.

    `values` (sample, column) are 0 where not `valid`; `before` counts the valid samples before each one;
    `window` starts at `lag` samples.  Each sample of a bin is divided by its window's mass on valid samples,
    and counts 0 without any.  Where the bin's windows see valid samples only, one row of `templates`, that
    of the bin's kind, holds what all of them sum to.
    """
    n, columns = values.shape
    last = lag + len(window) - 1
    part = np.empty(columns)
    for k in range(len(first)):
        row = out[k]
        row[:] = 0.0
        low = first[k] - last
        high = stop[k] - lag
        if low >= 0 and high <= n and before[high] - before[low] == high - low:
            template = templates[kinds[k]]
            for j in range(high - low):
                weight = template[j]
                line = values[low + j]
                for c in range(columns):
                    row[c] += weight * line[c]
            continue
        for t in range(first[k], stop[k]):
            mass = 0.0
            part[:] = 0.0
            for place in range(max(t - last, 0), min(t - lag + 1, n)):
                if valid[place]:
                    weight = window[t - place - lag]
                    mass += weight
                    line = values[place]
                    for c in range(columns):
                        part[c] += weight * line[c]
            if mass > 1e-6:
                for c in range(columns):
                    row[c] += part[c] / mass
        for c in range(columns):
            row[c] /= stop[k] - first[k]
