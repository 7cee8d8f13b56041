"""Compiled loops of augmentation: warp, occlude, relight, blur, noise, block loss."""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel
from mystax.nets.kernels.crops import normalise_crop, resize_box

__all__ = ["augment_crops", "block_loss", "blur_rows_and_columns", "smear", "warp_crop"]

_DCT = np.array(
    [
        [
            (np.sqrt(1 / 8) if k == 0 else np.sqrt(2 / 8)) * np.cos(np.pi * (2 * n + 1) * k / 16)
            for n in range(8)
        ]
        for k in range(8)
    ],
    np.float32,
)


@inner_kernel
def warp_crop(image, mask, has_mask, matrix, is_open, out, valid):
    """Sample `image` at matrix @ (x, y, 1) of every output pixel, averaged over sub-samples when shrinking.

    Outside of the image the nearest border pixel is taken; such pixels are valid only if `is_open`.
    """
    height, width = image.shape
    size = out.shape[0]
    shrink = np.sqrt(abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]))
    n_sub = 1
    if shrink > 1.3:
        n_sub = 2
    if shrink > 2.6:
        n_sub = 3
    share = np.float32(1.0 / (n_sub * n_sub))
    for v in range(size):
        for u in range(size):
            total = np.float32(0.0)
            for j in range(n_sub):
                sub_y = v + (j + 0.5) / n_sub - 0.5
                for i in range(n_sub):
                    sub_x = u + (i + 0.5) / n_sub - 0.5
                    x = matrix[0, 0] * sub_x + matrix[0, 1] * sub_y + matrix[0, 2]
                    y = matrix[1, 0] * sub_x + matrix[1, 1] * sub_y + matrix[1, 2]
                    x = min(max(x, 0.0), width - 1.001)
                    y = min(max(y, 0.0), height - 1.001)
                    left = int(x)
                    top = int(y)
                    a = np.float32(x - left)
                    b = np.float32(y - top)
                    upper = image[top, left] * (np.float32(1.0) - a) + image[top, left + 1] * a
                    lower = image[top + 1, left] * (np.float32(1.0) - a) + image[top + 1, left + 1] * a
                    total += upper * (np.float32(1.0) - b) + lower * b
            out[v, u] = total * share
            x = matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2]
            y = matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2]
            inside = -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5
            if inside and has_mask:
                inside = mask[min(max(int(y + 0.5), 0), height - 1), min(max(int(x + 0.5), 0), width - 1)]
            valid[v, u] = inside or is_open


@inner_kernel
def blur_rows_and_columns(picture, sigma, scratch):
    """Blur a picture in place with a Gaussian; borders repeat."""
    size_y, size_x = picture.shape
    radius = int(np.ceil(3.0 * sigma))
    if radius < 1:
        return
    weights = np.empty(2 * radius + 1, np.float32)
    total = 0.0
    for k in range(2 * radius + 1):
        weights[k] = np.exp(-0.5 * ((k - radius) / sigma) ** 2)
        total += weights[k]
    for k in range(2 * radius + 1):
        weights[k] /= total
    padded = np.empty(size_x + 2 * radius, np.float32)
    for y in range(size_y):
        for x in range(radius):
            padded[x] = picture[y, 0]
            padded[size_x + radius + x] = picture[y, size_x - 1]
        for x in range(size_x):
            padded[radius + x] = picture[y, x]
            scratch[y, x] = np.float32(0.0)
        for k in range(2 * radius + 1):
            weight = weights[k]
            for x in range(size_x):
                scratch[y, x] += weight * padded[x + k]
    for y in range(size_y):
        for x in range(size_x):
            picture[y, x] = np.float32(0.0)
        for k in range(2 * radius + 1):
            row = min(max(y + k - radius, 0), size_y - 1)
            weight = weights[k]
            for x in range(size_x):
                picture[y, x] += weight * scratch[row, x]


@inner_kernel
def smear(picture, length, angle, scratch):
    """Average a picture along a line of `length` pixels, in place: motion during the exposure."""
    size_y, size_x = picture.shape
    n_steps = int(np.ceil(length)) + 1
    share = np.float32(1.0 / n_steps)
    scratch[:] = np.float32(0.0)
    for k in range(n_steps):
        along = (k / (n_steps - 1) - 0.5) * length
        shift_x = int(np.rint(along * np.cos(angle)))
        shift_y = int(np.rint(along * np.sin(angle)))
        for y in range(size_y):
            row = min(max(y + shift_y, 0), size_y - 1)
            low = max(0, -shift_x)
            high = min(size_x, size_x - shift_x)
            for x in range(low):
                scratch[y, x] += share * picture[row, 0]
            for x in range(low, high):
                scratch[y, x] += share * picture[row, x + shift_x]
            for x in range(high, size_x):
                scratch[y, x] += share * picture[row, size_x - 1]
    picture[:] = scratch


@kernel
def block_loss(picture, strength):
    """Round the cosine coefficients of every 8 x 8 block, coarser for higher frequencies, in place."""
    size_y, size_x = picture.shape
    half = np.empty((8, 8), np.float32)
    full = np.empty((8, 8), np.float32)
    for top in range(0, size_y - 7, 8):
        for left in range(0, size_x - 7, 8):
            for y in range(8):
                for k in range(8):
                    total = np.float32(0.0)
                    for x in range(8):
                        total += picture[top + y, left + x] * _DCT[k, x]
                    half[y, k] = total
            for j in range(8):
                for k in range(8):
                    total = np.float32(0.0)
                    for y in range(8):
                        total += _DCT[j, y] * half[y, k]
                    step = np.float32(strength * (4.0 + 3.0 * (j + k)))
                    full[j, k] = np.rint(total / step) * step
            for j in range(8):
                for x in range(8):
                    total = np.float32(0.0)
                    for k in range(8):
                        total += full[j, k] * _DCT[k, x]
                    half[j, x] = total
            for y in range(8):
                for x in range(8):
                    total = np.float32(0.0)
                    for j in range(8):
                        total += _DCT[j, y] * half[j, x]
                    picture[top + y, left + x] = total


@kernel
def _between(u, low, high):
    return low + u * (high - low)


@inner_kernel
def _draw_matrix(u, ranges, n_in, n_out, matrix):
    """Fill the matrix from output to input pixels; return whether the picture is mirrored."""
    angle = _between(u[0], -ranges[0], ranges[0])
    scale = np.exp(_between(u[1], np.log(ranges[1]), np.log(ranges[2])))
    shift_x = _between(u[2], -ranges[3], ranges[3]) * n_out
    shift_y = _between(u[3], -ranges[3], ranges[3]) * n_out
    is_mirrored = u[4] < ranges[4]
    factor = n_in / n_out / scale
    centre_in = (n_in - 1) / 2
    centre_out = (n_out - 1) / 2
    sign = -1.0 if is_mirrored else 1.0
    matrix[0, 0] = sign * factor * np.cos(angle)
    matrix[0, 1] = sign * factor * np.sin(angle)
    matrix[1, 0] = -factor * np.sin(angle)
    matrix[1, 1] = factor * np.cos(angle)
    for row in range(2):
        matrix[row, 2] = (
            centre_in - matrix[row, 0] * (centre_out + shift_x) - matrix[row, 1] * (centre_out + shift_y)
        )
    return is_mirrored


@inner_kernel
def _move_points(xy, state, order, is_mirrored, matrix, size, xy_out, state_out):
    """Carry points from input to output pixels; those that leave the picture are absent."""
    det = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    for k in range(len(state)):
        source = order[k] if is_mirrored else k
        state_out[k] = state[source]
        dx = xy[source, 0] - matrix[0, 2]
        dy = xy[source, 1] - matrix[1, 2]
        x = (matrix[1, 1] * dx - matrix[0, 1] * dy) / det
        y = (matrix[0, 0] * dy - matrix[1, 0] * dx) / det
        xy_out[k, 0] = x
        xy_out[k, 1] = y
        if state_out[k] in (1, 2) and not (-0.5 <= x <= size - 0.5 and -0.5 <= y <= size - 0.5):
            state_out[k] = 0


@inner_kernel
def _occlude(u, picture, valid, xy, state, noise, start):
    """Lay a box or a soft-edged ellipse with some texture over the picture; points under it are invisible."""
    size = picture.shape[0]
    is_box = u[0] < 0.35
    cx = u[1] * size
    cy = u[2] * size
    long_side = _between(u[3], 0.04, 0.16) * size
    short_side = long_side * _between(u[4], 0.35, 1.0)
    angle = 0.0 if is_box else u[5] * np.pi
    grey = _between(u[6], 0.0, 255.0)
    rough = _between(u[7], 0.0, 25.0)
    c = np.cos(angle)
    s = np.sin(angle)
    place = start
    for v in range(max(0, int(cy - long_side)), min(size, int(cy + long_side) + 1)):
        for w in range(max(0, int(cx - long_side)), min(size, int(cx + long_side) + 1)):
            a = ((w - cx) * c + (v - cy) * s) / long_side
            b = (-(w - cx) * s + (v - cy) * c) / short_side
            if is_box:
                cover = 1.0 if abs(a) <= 1.0 and abs(b) <= 1.0 else 0.0
            else:
                distance = np.sqrt(a * a + b * b)
                cover = min(max((1.0 - distance) * 8.0, 0.0), 1.0)
            if cover > 0.0:
                light = 1.0 if is_box else 0.75 + 0.35 * (1.0 - a * a - b * b)
                value = grey * light + rough * noise[place % len(noise)]
                place += 1
                picture[v, w] = (1.0 - cover) * picture[v, w] + cover * min(max(value, 0.0), 255.0)
                if cover > 0.5:
                    valid[v, w] = True
    for k in range(len(state)):
        if state[k] == 2:
            a = ((xy[k, 0] - cx) * c + (xy[k, 1] - cy) * s) / long_side
            b = (-(xy[k, 0] - cx) * s + (xy[k, 1] - cy) * c) / short_side
            under = (abs(a) <= 1.0 and abs(b) <= 1.0) if is_box else a * a + b * b < 0.9
            if under:
                state[k] = 1


@inner_kernel
def _relight(u, picture, gamma, table):
    """Change gamma and contrast, add a slope of light and one hot spot, clip to 0..255."""
    size = picture.shape[0]
    contrast = _between(u[0], 0.6, 1.15)
    lift = _between(u[1], -8.0, 30.0)
    for i in range(len(table)):
        value = 255.0 * (i / (len(table) - 1.0)) ** gamma
        table[i] = value * contrast + lift
    slope = _between(u[2], 0.0, 0.45) if u[3] < 0.5 else 0.0
    slope_x = slope * np.cos(2 * np.pi * u[4]) * 2.0 / size
    slope_y = slope * np.sin(2 * np.pi * u[4]) * 2.0 / size
    spot = _between(u[5], -30.0, 110.0) if u[6] < 0.3 else 0.0
    spot_x = u[7] * size
    spot_y = u[8] * size
    spot_size = _between(u[9], 0.1, 0.4) * size
    profile = np.empty(size, np.float32)
    for x in range(size):
        profile[x] = np.exp(-0.5 * ((x - spot_x) / spot_size) ** 2)
    factor = np.float32((len(table) - 1) / 255.0)
    for y in range(size):
        height = np.float32(spot * np.exp(-0.5 * ((y - spot_y) / spot_size) ** 2))
        gain = 1.0 + slope_y * (y - size / 2) - slope_x * size / 2
        for x in range(size):
            value = table[int(min(max(picture[y, x], np.float32(0.0)), np.float32(255.0)) * factor)]
            value = value * np.float32(gain + slope_x * x) + height * profile[x]
            picture[y, x] = min(max(value, np.float32(0.0)), np.float32(255.0))


@inner_kernel
def _degrade(u, picture, strength, noise, start, scratch, small, flags):
    """Blur, motion, resampling, noise and block loss, each with its own chance."""
    size = picture.shape[0]
    unit = size / 256.0
    if u[0] < 0.35 * strength:
        blur_rows_and_columns(picture, max(u[1] * u[1] * 2.0 * unit, 0.05), scratch)
    if u[2] < 0.15 * strength:
        smear(picture, _between(u[3], 1.0, 6.0) * unit, np.pi * u[4], scratch)
    if u[5] < 0.25 * strength:
        n_small = max(int(size / _between(u[6], 1.2, 3.0)), 8)
        low = small[:n_small, :n_small]
        resize_box(picture, 0.0, 0.0, float(size), low, flags[:n_small, :n_small])
        resize_box(low, 0.0, 0.0, float(n_small), picture, flags)
    if u[7] < 0.6 * strength:
        read = _between(u[8] * u[8], 0.5, 14.0)
        shot = _between(u[9] * u[9], 0.0, 0.8)
        place = start
        for y in range(size):
            for x in range(size):
                value = picture[y, x]
                deviation = np.float32(read) + np.float32(shot) * np.sqrt(value)
                picture[y, x] = value + deviation * noise[place]
                place += 1
                if place == len(noise):
                    place = 0
    if u[10] < 0.25 * strength:
        block_loss(picture, _between(u[11], 0.5, 5.0))
    for y in range(size):
        for x in range(size):
            picture[y, x] = min(max(picture[y, x], np.float32(0.0)), np.float32(255.0))


@kernel
def augment_crops(images, masks, xy, state, order, u, ranges, noise, crops, xy_out, state_out):
    """Augment n grey crops and their points; every random number comes from `u` (n, 64).

    `ranges`: rotation [rad], least and largest scale, shift [sizes], chance of a mirror, chance of open
    borders, chance of each of two occluders, gamma from and to, strength of degradation and of light.
    `masks` (n or 0, y, x) tells valid pixels.  `crops` (n, size, size) come back normalised.
    """
    n, n_in, _ = images.shape
    size = crops.shape[1]
    matrix = np.empty((2, 3), np.float64)
    valid = np.empty((size, size), np.bool_)
    scratch = np.empty((size, size), np.float32)
    small = np.empty((size, size), np.float32)
    flags = np.empty((size, size), np.bool_)
    table = np.empty(1024, np.float32)
    has_mask = len(masks) > 0
    for i in range(n):
        draw = u[i]
        picture = crops[i]
        is_mirrored = _draw_matrix(draw[0:5], ranges, n_in, size, matrix)
        _move_points(xy[i], state[i], order, is_mirrored, matrix, size, xy_out[i], state_out[i])
        mask = masks[i] if has_mask else valid
        warp_crop(images[i], mask, has_mask, matrix, draw[5] < ranges[5], picture, valid)
        start = int(draw[6] * len(noise))
        for turn in range(2):
            if draw[7 + turn] < ranges[6]:
                begin = 10 + 8 * turn
                _occlude(draw[begin : begin + 8], picture, valid, xy_out[i], state_out[i], noise, start)
        if draw[28] < ranges[10]:
            gamma = np.exp(_between(draw[29], np.log(ranges[7]), np.log(ranges[8])))
            _relight(draw[30:40], picture, gamma, table)
        _degrade(draw[40:52], picture, ranges[9], noise, start, scratch, small, flags)
        if not normalise_crop(picture, valid, 1.0):
            state_out[i] = np.where(state_out[i] == 255, 255, 0)
