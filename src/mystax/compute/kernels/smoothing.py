"""Order statistics in a sliding window: a tree of counts over ranks."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["window_quantile"]


@kernel
def window_quantile(ordered, rank, first, last, fraction, out):
    """Write into `out` the quantile of the values first[i] <= j < last[i] of each window.

    `ordered` holds the values sorted, `rank[j]` the place of value j in it; `first` and `last` never fall.
    A window without values gives NaN.
    """
    n = len(ordered)
    tree = np.zeros(n + 1, np.int32)
    top = 1
    while top * 2 <= n:
        top *= 2
    left = 0
    right = 0
    for i in range(len(first)):
        while right < last[i]:
            place = rank[right] + 1
            while place <= n:
                tree[place] += 1
                place += place & -place
            right += 1
        while left < first[i]:
            place = rank[left] + 1
            while place <= n:
                tree[place] -= 1
                place += place & -place
            left += 1
        count = right - left
        if count <= 0:
            out[i] = np.nan
            continue
        position = (count - 1) * fraction
        lower = int(np.floor(position))
        share = position - lower
        low = 0.0
        for step in range(2):
            wanted = lower + step + 1
            if wanted > count or (step == 1 and share == 0.0):
                break
            place = 0
            size = top
            while size > 0:
                if place + size <= n and tree[place + size] < wanted:
                    place += size
                    wanted -= tree[place]
                size //= 2
            if step == 0:
                low = ordered[place]
                out[i] = low
            else:
                out[i] = low + share * (ordered[place] - low)
