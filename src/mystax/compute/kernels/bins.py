"""Block sums of pixels: whole numbers only, one sweep over the picture."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["block_sums", "count_levels"]


@kernel
def block_sums(codes, size, out):
    """Write into `out` (n, y, x) the sums over size x size pixels of `codes` (n, y, x).

    The `size` rows of a bin are added first, column by column, then `size` neighbours: the long loop has
    no stride, so that it runs on whole vectors.
    """
    n, rows, columns = out.shape
    line = np.empty(columns * size, np.uint32)
    for t in range(n):
        for i in range(rows):
            top = i * size
            first = codes[t, top]
            for x in range(columns * size):
                line[x] = first[x]
            for k in range(1, size):
                row = codes[t, top + k]
                for x in range(columns * size):
                    line[x] += row[x]
            target = out[t, i]
            if size == 2:
                for j in range(columns):
                    target[j] = line[2 * j] + line[2 * j + 1]
            elif size == 4:
                for j in range(columns):
                    target[j] = line[4 * j] + line[4 * j + 1] + line[4 * j + 2] + line[4 * j + 3]
            else:
                for j in range(columns):
                    total = np.uint32(0)
                    for k in range(size):
                        total += line[j * size + k]
                    target[j] = total


@kernel
def count_levels(codes, run_y, run_start, run_stop, run_region, lowest, highest, out):
    """Add to `out` (n, region) how many pixels of each region are <= `lowest` or >= `highest`.

    A region is a list of runs: columns start..stop of picture row y.  The levels have the type of the codes.
    """
    for t in range(len(codes)):
        for k in range(len(run_y)):
            row = codes[t, run_y[k], run_start[k] : run_stop[k]]
            count = np.uint32(0)
            for x in range(len(row)):
                count += np.uint32((row[x] <= lowest) | (row[x] >= highest))
            out[t, run_region[k]] += count
