"""Compiled loop of filmed boards: what a plane of squares looks like through given rays."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["see_board"]


@kernel
def see_board(rays, to_board, picture, scale, corner, backdrop, n_sub, out):
    """Average a picture of the board over the rays of each pixel; `out` is in grey levels.

    `rays` (y * n_sub, x * n_sub, 2) are normalised, `to_board` maps them to millimetres on the board and to
    1 / depth; millimetres times `scale` plus `corner` are pixels of the picture.
    """
    height, width = picture.shape
    share = 1.0 / (n_sub * n_sub)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            total = 0.0
            for i in range(y * n_sub, (y + 1) * n_sub):
                for j in range(x * n_sub, (x + 1) * n_sub):
                    a, b = rays[i, j, 0], rays[i, j, 1]
                    near = to_board[2, 0] * a + to_board[2, 1] * b + to_board[2, 2]
                    if near <= 0 or np.isnan(a):
                        total += backdrop
                        continue
                    u = (to_board[0, 0] * a + to_board[0, 1] * b + to_board[0, 2]) / near * scale + corner
                    v = (to_board[1, 0] * a + to_board[1, 1] * b + to_board[1, 2]) / near * scale + corner
                    if u < -0.5 or v < -0.5 or u >= width - 0.5 or v >= height - 0.5:
                        total += backdrop
                        continue
                    total += picture[int(v + 0.5), int(u + 0.5)]
            out[y, x] = total * share
