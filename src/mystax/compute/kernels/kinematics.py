"""Derivatives by local quadratics in real time."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["local_quadratic"]


@kernel
def local_quadratic(times, values, first, last, slope, bend):
    """Fit a quadratic to the finite values of each window first[i] <= j < last[i]; NaN with fewer than 3."""
    n, width = values.shape
    for i in range(n):
        for c in range(width):
            slope[i, c] = np.nan
            bend[i, c] = np.nan
            if not np.isfinite(values[i, c]):
                continue
            reach = 1e-300
            for j in range(first[i], last[i]):
                reach = max(reach, abs(times[j] - times[i]))
            s0 = 0.0
            s1 = 0.0
            s2 = 0.0
            s3 = 0.0
            s4 = 0.0
            y0 = 0.0
            y1 = 0.0
            y2 = 0.0
            for j in range(first[i], last[i]):
                y = values[j, c]
                if not np.isfinite(y):
                    continue
                d = (times[j] - times[i]) / reach
                d2 = d * d
                y -= values[i, c]
                s0 += 1.0
                s1 += d
                s2 += d2
                s3 += d2 * d
                s4 += d2 * d2
                y0 += y
                y1 += y * d
                y2 += y * d2
            if s0 < 3.0:
                continue
            # normal equations of a + b d + c d^2, by Cramer's rule
            det = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2)
            if abs(det) < 1e-12:
                continue
            b = s0 * (y1 * s4 - y2 * s3) - y0 * (s1 * s4 - s2 * s3) + s2 * (s1 * y2 - s2 * y1)
            q = s0 * (s2 * y2 - s3 * y1) - s1 * (s1 * y2 - s2 * y1) + y0 * (s1 * s3 - s2 * s2)
            slope[i, c] = b / det / reach
            bend[i, c] = 2.0 * q / det / (reach * reach)
