"""Exact sums over the dark pixels of a region."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["dark_sums"]


@kernel
def dark_sums(frames, mask, level, counts, sums):
    """Count the pixels of a region that are below `level`, and sum their codes, frame by frame.

    `mask` (y, x) is 1 inside the region; `level` is a whole or broken number of codes.
    """
    n_frames, h, w = frames.shape
    # A code is below the level exactly when it is below the next whole number.
    below = np.int64(np.ceil(level))
    for i in range(n_frames):
        count = np.int64(0)
        total = np.int64(0)
        for y in range(h):
            line = frames[i, y]
            inside = mask[y]
            row_count = np.int32(0)
            row_total = np.int64(0)
            for x in range(w):
                code = np.int32(line[x])
                is_dark = np.int32((code < below) & (inside[x] != 0))
                row_count += is_dark
                row_total += code * is_dark
            count += row_count
            total += row_total
        counts[i] = count
        sums[i] = total
