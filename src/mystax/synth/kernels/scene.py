"""Compiled loops of the synthetic scene: textures in motion, hairs, optics and sensor noise."""

import numpy as np

from mystax.core.compiled import kernel

__all__ = ["draw_hairs", "expose", "line_integral", "move_picture", "paste_texture"]


@kernel
def line_integral(noise, direction, length, out):
    """Smear noise along a field of directions [rad]: what lies on one line becomes one hair."""
    rows, columns = noise.shape
    for y in range(rows):
        for x in range(columns):
            total, count = 0.0, 0
            for side in (-1.0, 1.0):
                px, py = np.float64(x), np.float64(y)
                for _ in range(length):
                    row, column = int(py) % rows, int(px) % columns
                    total += noise[row, column]
                    count += 1
                    angle = direction[row, column]
                    px += side * np.cos(angle)
                    py += side * np.sin(angle)
            out[y, x] = total / count


@kernel
def move_picture(canvas, weight_a, shift_a, weight_b, shift_b, out):
    """Show a picture moved by two weighted shifts (x, y) [px]; bilinear, edges repeated."""
    rows, columns = canvas.shape
    for y in range(rows):
        for x in range(columns):
            wa, wb = weight_a[y, x], weight_b[y, x]
            px = x - wa * shift_a[0] - wb * shift_b[0]
            py = y - wa * shift_a[1] - wb * shift_b[1]
            px = min(max(px, 0.0), columns - 1.001)
            py = min(max(py, 0.0), rows - 1.001)
            column, row = int(px), int(py)
            fx, fy = px - column, py - row
            top = canvas[row, column] * (1 - fx) + canvas[row, column + 1] * fx
            low = canvas[row + 1, column] * (1 - fx) + canvas[row + 1, column + 1] * fx
            out[y, x] = top * (1 - fy) + low * fy


@kernel
def paste_texture(texture, shift_x, shift_y, cover, x0, y0, out):
    """Put a periodic texture, moved by a shift [px], into a window of a picture (cubic interpolation).

    `cover` (0..1, shape of the window) says how much of the picture it hides; (x0, y0) is its corner.
    """
    rows, columns = cover.shape
    height, width = texture.shape
    whole_y, whole_x = int(np.floor(-shift_y)), int(np.floor(-shift_x))
    part_y, part_x = -shift_y - whole_y, -shift_x - whole_x
    weights = np.empty((2, 4), np.float32)
    for axis in range(2):
        t = part_x if axis == 0 else part_y
        weights[axis, 0] = ((-0.5 * t + 1.0) * t - 0.5) * t
        weights[axis, 1] = (1.5 * t - 2.5) * t * t + 1.0
        weights[axis, 2] = ((-1.5 * t + 2.0) * t + 0.5) * t
        weights[axis, 3] = (0.5 * t - 0.5) * t * t
    line = np.empty(columns + 3, np.float32)
    w0, w1, w2, w3 = weights[0]
    v0, v1, v2, v3 = weights[1]
    for y in range(rows):
        r0 = (y + whole_y - 1) % height
        r1, r2, r3 = (r0 + 1) % height, (r0 + 2) % height, (r0 + 3) % height
        for x in range(columns + 3):
            column = (x + whole_x - 1) % width
            line[x] = (
                v0 * texture[r0, column]
                + v1 * texture[r1, column]
                + v2 * texture[r2, column]
                + v3 * texture[r3, column]
            )
        for x in range(columns):
            value = w0 * line[x] + w1 * line[x + 1] + w2 * line[x + 2] + w3 * line[x + 3]
            old = out[y0 + y, x0 + x]
            out[y0 + y, x0 + x] = old + cover[y, x] * (value - old)


@kernel
def draw_hairs(points, width, grey, strength, out):
    """Draw bent hairs through points (hair, point, x y), thinner and fainter towards their tips."""
    rows, columns = out.shape
    n_hairs, n_points, _ = points.shape
    for hair in range(n_hairs):
        for k in range(n_points - 1):
            ax, ay = points[hair, k, 0], points[hair, k, 1]
            bx, by = points[hair, k + 1, 0], points[hair, k + 1, 1]
            dx, dy = bx - ax, by - ay
            square = max(dx * dx + dy * dy, 1e-9)
            left = max(0, int(min(ax, bx) - width - 1))
            right = min(columns, int(max(ax, bx) + width + 2))
            top = max(0, int(min(ay, by) - width - 1))
            bottom = min(rows, int(max(ay, by) + width + 2))
            for y in range(top, bottom):
                for x in range(left, right):
                    along = ((x - ax) * dx + (y - ay) * dy) / square
                    # Each pixel belongs to one segment only; the first and last have round ends.
                    if along < 0.0 and k > 0:
                        continue
                    if along >= 1.0 and k < n_points - 2:
                        continue
                    along = min(max(along, 0.0), 1.0)
                    away = np.hypot(x - ax - along * dx, y - ay - along * dy)
                    taper = 1.0 - 0.7 * (k + along) / (n_points - 1)
                    cover = min(max(width * taper + 0.5 - away, 0.0), 1.0) * strength[hair] * taper
                    if cover > 0.0:
                        out[y, x] += cover * (grey[hair] - out[y, x])


@kernel
def expose(picture, gain, key, noise, blur, out):
    """Take a picture: optics (a 3 x 3 binomial if `blur`), light, sensor noise and rounding to 8 bits.

    The noise of a pixel is the sum of four 16-bit parts of a hash of (key, pixel): every frame has noise
    of its own, whatever frames were made before.
    """
    rows, columns = picture.shape
    scale = noise * np.sqrt(3.0) / 65536.0
    line = np.empty(columns, np.float32)
    for y in range(rows):
        above, below = max(y - 1, 0), min(y + 1, rows - 1)
        if blur:
            for x in range(columns):
                line[x] = 0.25 * picture[above, x] + 0.5 * picture[y, x] + 0.25 * picture[below, x]
        else:
            for x in range(columns):
                line[x] = picture[y, x]
        base = np.uint64(key) + np.uint64(y * columns) * np.uint64(0x9E3779B97F4A7C15)
        for x in range(columns):
            z = base + np.uint64(x) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
            parts = (
                (z & np.uint64(0xFFFF))
                + ((z >> np.uint64(16)) & np.uint64(0xFFFF))
                + ((z >> np.uint64(32)) & np.uint64(0xFFFF))
                + (z >> np.uint64(48))
            )
            value = line[x]
            if blur:
                value = 0.5 * value + 0.25 * (line[max(x - 1, 0)] + line[min(x + 1, columns - 1)])
            grey = value * gain + (np.float64(parts) - 131070.0) * scale
            out[y, x] = np.uint8(min(max(np.floor(grey + 0.5), 0.0), 255.0))
