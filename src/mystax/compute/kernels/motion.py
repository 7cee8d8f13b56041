"""Differences between frames of bins: exact sums per region and per bin, and rows of a matrix."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["add_rows", "fill_rows", "pair_sums", "picture_sums", "sketch_rows"]


@kernel
def pair_sums(bins, before, valid, pairs, run_row, run_start, run_stop, run_region, out):
    """Write into `out` (n, region, 4) the sums over each region of b, b * b, b * a and |b - a|.

    `bins` (n, y, x) are frames, b; a is the frame before, `before` (y, x) for the first.  Rows that are
    not `valid` stay as they are; the last two sums are made for `pairs` only.
    """
    for t in range(len(bins)):
        if not valid[t]:
            continue
        paired = pairs[t]
        for k in range(len(run_row)):
            y = run_row[k]
            now = bins[t, y]
            past = bins[t - 1, y] if t > 0 else before[y]
            total = 0
            squares = 0
            products = 0
            change = 0
            if paired:
                for x in range(run_start[k], run_stop[k]):
                    b = np.int64(now[x])
                    a = np.int64(past[x])
                    total += b
                    squares += b * b
                    products += b * a
                    change += abs(b - a)
            else:
                for x in range(run_start[k], run_stop[k]):
                    b = np.int64(now[x])
                    total += b
                    squares += b * b
            region = run_region[k]
            out[t, region, 0] += total
            out[t, region, 1] += squares
            out[t, region, 2] += products
            out[t, region, 3] += change


@kernel
def picture_sums(bins, before, valid, pairs, frames, changes):
    """Add all valid `bins` (n, y, x) to `frames` (y, x) and |differences| of pairs to `changes` (y, x)."""
    rows, columns = frames.shape
    for t in range(len(bins)):
        if not valid[t]:
            continue
        for y in range(rows):
            now = bins[t, y]
            target = frames[y]
            for x in range(columns):
                target[x] += np.int64(now[x])
            if pairs[t]:
                past = bins[t - 1, y] if t > 0 else before[y]
                target = changes[y]
                for x in range(columns):
                    target[x] += abs(np.int64(now[x]) - np.int64(past[x]))


@kernel
def add_rows(bins, used, moving, sums):
    """Add rows 1.. of `bins` (n + 1, bin) to `sums` (bin); return the sum of all their squares.

    With `moving` a row is |row - the row before|; rows that are not `used` are left out.  The sum comes as
    high and low part (high * 2^32 + low): it may be longer than 64 bits.
    """
    high = 0
    low = 0
    n_bins = len(sums)
    for t in range(1, len(bins)):
        if not used[t - 1]:
            continue
        for first in range(0, n_bins, 1024):
            last = min(first + 1024, n_bins)
            now = bins[t, first:last]
            past = bins[t - 1, first:last]
            target = sums[first:last]
            squares = 0
            if moving:
                for p in range(len(target)):
                    value = np.int64(abs(np.int32(now[p]) - np.int32(past[p])))
                    target[p] += value
                    squares += value * value
            else:
                for p in range(len(target)):
                    value = np.int64(now[p])
                    target[p] += value
                    squares += value * value
            high += squares >> 32
            low += squares & 0xFFFFFFFF
    return high, low


@kernel
def fill_rows(bins, used, moving, shift, scale, centred, out):
    """Write rows 1.. of `bins` (n + 1, bin), minus `shift`, times `scale`, into `out` (n, bin).

    With `moving` a row is |row - the row before|; rows that are not `used` are zero; with `centred` the
    mean over the bins of each row is taken off.
    """
    n_bins = out.shape[1]
    for t in range(1, len(bins)):
        target = out[t - 1]
        if not used[t - 1]:
            for p in range(n_bins):
                target[p] = 0.0
            continue
        now = bins[t]
        past = bins[t - 1]
        if moving:
            for p in range(n_bins):
                target[p] = (abs(np.int32(now[p]) - np.int32(past[p])) - shift[p]) * scale[p]
        else:
            for p in range(n_bins):
                target[p] = (np.int32(now[p]) - shift[p]) * scale[p]
        if centred:
            mean = 0.0
            for p in range(n_bins):
                mean += target[p]
            mean /= n_bins
            for p in range(n_bins):
                target[p] -= mean


@kernel
def sketch_rows(bins, used, moving, places, signs, first, last, sums):
    """Add rows 1.. of `bins` (n + 1, bin), with a sign, each to one of the rows of `sums` (sum, bin).

    With `moving` a row is |row - the row before|; rows that are not `used` are left out.  Only the bins
    from `first` to before `last` are taken.  `places` and `signs` (n,) tell the row of `sums` and 1 or -1.
    """
    for t in range(1, len(bins)):
        if not used[t - 1]:
            continue
        now = bins[t, first:last]
        past = bins[t - 1, first:last]
        target = sums[places[t - 1], first:last]
        sign = np.float32(signs[t - 1])
        if moving:
            for p in range(len(target)):
                target[p] += sign * np.float32(abs(np.int32(now[p]) - np.int32(past[p])))
        else:
            for p in range(len(target)):
                target[p] += sign * np.float32(now[p])
