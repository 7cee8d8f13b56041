"""Compiled loops that draw hairs: fur over lit skin, and whiskers."""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel
from mystax.synth.kernels.head import to_screen, undistort
from mystax.synth.kernels.shade import next_normal, next_unit, smooth, value_noise

__all__ = ["draw_fur", "draw_rooted", "draw_whiskers"]


@inner_kernel
def draw_strand(
    px,
    py,
    z,
    x,
    y,
    w,
    nx,
    ny,
    nz,
    part,
    sight,
    buffers,
    key,
    eye,
    lid,
    pad,
    hair,
    nose_row,
    grains,
    shift,
    state,
):
    """Draw one hair that stands at (px, py), a depth and place (x, y, w) of the head, on a normal."""
    lens, rotation, place = sight
    depth, parts, uv, light, albedo, luminance = buffers
    eye_centre, eye_axes, eye_radius = eye
    height, width = depth.shape
    ix, iy = int(px + 0.5), int(py + 0.5)
    cos_tilt, sin_tilt = np.cos(hair[2]), np.sin(hair[2])
    length = hair[0] * (hair[1] + (1 - hair[1]) * smooth(0.3, 1.5, x))
    if part == 1:
        u = uv[iy, ix, 0]
        if u < nose_row - 2:
            return
        length *= 0.25 + 0.75 * smooth(nose_row - 2.0, nose_row + 16.0, u)
    elif part == 3:
        length *= 0.25
    else:
        length *= 0.7
    fx, fy, fz = x + 0.7, y * 0.9, (w + 0.1) * 0.8
    size = np.sqrt(fx * fx + fy * fy + fz * fz) + 1e-9
    fx, fy, fz = fx / size, fy / size, fz / size - 0.15
    dx, dy, dz = x - eye_centre[0], abs(y) - eye_centre[1], w - eye_centre[2]
    distance = np.sqrt(dx * dx + dy * dy + dz * dz) / eye_radius
    if distance < 2.5 and part == 1:
        p = dx * eye_axes[0, 0] + dy * eye_axes[0, 1] + dz * eye_axes[0, 2]
        q = dx * eye_axes[1, 0] + dy * eye_axes[1, 1] + dz * eye_axes[1, 2]
        half = max(0.5 * (lid[1] + lid[2]), 0.02)
        q -= 0.5 * (lid[1] - lid[2])
        ring = np.sqrt((p / lid[0]) ** 2 + (q / half) ** 2) - 1.0
        if ring < 0.12:
            return
        length *= 0.2 + 0.8 * smooth(0.1, 1.1, ring)
        away = 0.8 * smooth(2.5, 1.0, distance) / (distance * eye_radius + 1e-9)
        sign = 1.0 if y >= 0 else -1.0
        fx, fy, fz = fx + away * dx, fy + sign * away * dy, fz + away * dz
    ax, ay, az = x - pad[0], abs(y) - pad[1], w - pad[2]
    spread = np.sqrt(ax * ax + ay * ay + az * az) / pad[3]
    length *= 1.0 - 0.5 * smooth(1.2, 0.6, spread)
    wave = value_noise(x * 2.2 + shift, y * 2.2, w * 2.2, grains)
    tuft = value_noise(x * 16, y * 16 + shift, w * 16, grains)
    size = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    nx, ny, nz = nx / size, ny / size, nz / size
    dot = fx * nx + fy * ny + fz * nz
    fx, fy, fz = fx - dot * nx, fy - dot * ny, fz - dot * nz
    size = np.sqrt(fx * fx + fy * fy + fz * fz) + 1e-9
    fx, fy, fz = fx / size, fy / size, fz / size
    gx, gy, gz = ny * fz - nz * fy, nz * fx - nx * fz, nx * fy - ny * fx
    turn = hair[3] * next_normal(state) + 0.5 * wave + hair[8] * 0.6 * tuft
    c, s = np.cos(turn), np.sin(turn)
    fx, fy, fz = c * fx + s * gx, c * fy + s * gy, c * fz + s * gz
    length *= 0.6 + 0.8 * next_unit(state)
    lift = sin_tilt * (0.6 + 0.8 * next_unit(state))
    ex, ey, ez = cos_tilt * fx + lift * nx, cos_tilt * fy + lift * ny, cos_tilt * fz + lift * nz
    x0, y0, z0 = np.float64(px), np.float64(py), z
    x1, y1, z1 = to_screen(
        x + 0.5 * length * (ex + 0.3 * lift * nx),
        y + 0.5 * length * (ey + 0.3 * lift * ny),
        w + 0.5 * length * (ez + 0.3 * lift * nz),
        lens, rotation, place,
    )  # fmt: skip
    x2, y2, z2 = to_screen(x + length * ex, y + length * ey, w + length * (ez - 0.05), lens, rotation, place)
    along = ex * key[0] + ey * key[1] + ez * key[2]
    sheen = np.sqrt(max(1 - along * along, 0.0))
    shade = 1.0 + hair[7] * next_normal(state) + 0.35 * hair[8] * tuft
    shade *= 1.0 + hair[9] * (sheen**6 - 0.45)
    base = albedo[iy, ix] * light[iy, ix] * max(shade, 0.15)
    span = max(abs(x2 - x0), abs(y2 - y0), abs(x1 - x0), abs(y1 - y0))
    steps = int(span * 1.1) + 2
    if steps > 160:
        return
    for k in range(steps):
        t = (k + 0.5) / steps
        r0, r1, r2 = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
        sx = int(r0 * x0 + r1 * x1 + r2 * x2 + 0.5)
        sy = int(r0 * y0 + r1 * y1 + r2 * y2 + 0.5)
        if sx < 0 or sy < 0 or sx >= width or sy >= height:
            continue
        if r0 * z0 + r1 * z1 + r2 * z2 > depth[sy, sx] + 0.03:
            continue
        if parts[sy, sx] == 5:
            continue
        alpha = hair[6] * (1.0 - 0.75 * t)
        value = base * (hair[4] + (hair[5] - hair[4]) * t)
        luminance[sy, sx] += alpha * (value - luminance[sy, sx])


@kernel
def draw_fur(sight, buffers, normal_map, key, eye, lid, pad, hair, nose_row, strands, grains, shift, state):
    """Draw hairs over the visible fur, roots evenly over the picture.

    sight: (lens, rotation, place); buffers: (depth, parts, uv, light, albedo, luminance); key: direction to
    the key light; eye: (centre, axes, radius); pad: (x, y, z, radius) of the left whisker pad; hair: see
    `mystax.synth.fur.Coat`; grains, shift: see `value_noise`.
    """
    lens, rotation, place = sight
    depth, parts = buffers[0], buffers[1]
    height, width = depth.shape
    covered = 0
    for y in range(0, height, 4):
        for x in range(0, width, 4):
            if 0 < parts[y, x] <= 3:
                covered += 16
    if covered == 0 or strands <= 0:
        return
    step = max(np.sqrt(covered / strands), 1.5)
    rows, columns = int(height / step), int(width / step)
    for row in range(rows):
        for column in range(columns):
            px = min(int((column + next_unit(state)) * step), width - 1)
            py = min(int((row + next_unit(state)) * step), height - 1)
            part = parts[py, px]
            if part == 0 or part > 3:
                continue
            z = depth[py, px]
            a, b = undistort((px - lens[1]) / lens[0], (py - lens[2]) / lens[0], lens[3], lens[4])
            qx, qy, qz = a * z - place[0], b * z - place[1], z - place[2]
            x = rotation[0, 0] * qx + rotation[1, 0] * qy + rotation[2, 0] * qz
            y = rotation[0, 1] * qx + rotation[1, 1] * qy + rotation[2, 1] * qz
            w = rotation[0, 2] * qx + rotation[1, 2] * qy + rotation[2, 2] * qz
            nx, ny, nz = normal_map[py, px, 0], normal_map[py, px, 1], normal_map[py, px, 2]
            draw_strand(
                px, py, z, x, y, w, nx, ny, nz, part, sight, buffers, key, eye, lid, pad, hair, nose_row,
                grains, shift, state,
            )  # fmt: skip


@kernel
def draw_rooted(
    points, normals, part, roots, sight, buffers, key, eye, lid, pad, hair, nose_row, grains, shift, state
):
    """Draw hairs that stand at fixed places (row, column) of a surface whose columns close to a ring."""
    lens, rotation, place = sight
    depth, parts = buffers[0], buffers[1]
    height, width = depth.shape
    columns = points.shape[1]
    for k in range(roots.shape[0]):
        state[0] = np.uint64(k * 2 + 1) * np.uint64(0x9E3779B97F4A7C15)
        i, j = int(roots[k, 0]), int(roots[k, 1])
        s, t = roots[k, 0] - i, roots[k, 1] - j
        m = j + 1 if j + 1 < columns else 0
        a, b, c, d = (1 - s) * (1 - t), (1 - s) * t, s * (1 - t), s * t
        nx = a * normals[i, j, 0] + b * normals[i, m, 0] + c * normals[i + 1, j, 0] + d * normals[i + 1, m, 0]
        ny = a * normals[i, j, 1] + b * normals[i, m, 1] + c * normals[i + 1, j, 1] + d * normals[i + 1, m, 1]
        nz = a * normals[i, j, 2] + b * normals[i, m, 2] + c * normals[i + 1, j, 2] + d * normals[i + 1, m, 2]
        if rotation[2, 0] * nx + rotation[2, 1] * ny + rotation[2, 2] * nz > 0.3:
            continue
        x = a * points[i, j, 0] + b * points[i, m, 0] + c * points[i + 1, j, 0] + d * points[i + 1, m, 0]
        y = a * points[i, j, 1] + b * points[i, m, 1] + c * points[i + 1, j, 1] + d * points[i + 1, m, 1]
        w = a * points[i, j, 2] + b * points[i, m, 2] + c * points[i + 1, j, 2] + d * points[i + 1, m, 2]
        fx, fy, z = to_screen(x, y, w, lens, rotation, place)
        px, py = int(fx + 0.5), int(fy + 0.5)
        if fx < 0 or fy < 0 or px < 0 or py < 0 or px >= width or py >= height or parts[py, px] != part:
            continue
        if z > depth[py, px] + 0.03:
            continue
        draw_strand(
            fx, fy, z, x, y, w, nx, ny, nz, part, sight, buffers, key, eye, lid, pad, hair, nose_row,
            grains, shift, state,
        )  # fmt: skip


@kernel
def draw_whiskers(lines, depth, lens, rotation, place, state, luminance):
    """Draw whiskers: rows of three points (9), radius, value, opacity, blend.

    Blend 2 sets the value, 1 only where it is brighter than what is there, 0 darkens by it.
    """
    height, width = depth.shape
    for i in range(lines.shape[0]):
        x0, y0, z0 = to_screen(lines[i, 0], lines[i, 1], lines[i, 2], lens, rotation, place)
        x1, y1, z1 = to_screen(lines[i, 3], lines[i, 4], lines[i, 5], lens, rotation, place)
        x2, y2, z2 = to_screen(lines[i, 6], lines[i, 7], lines[i, 8], lens, rotation, place)
        if min(z1, z2) < 0.45 * z0 or z0 < 0.2:
            continue
        span = abs(x1 - x0) + abs(x2 - x1) + abs(y1 - y0) + abs(y2 - y1)
        steps = int(span) + 2
        if steps > 4000:
            continue
        phase, pace = 6.28 * next_unit(state), 2.0 + 9.0 * next_unit(state)
        lx, ly = -9, -9
        for k in range(steps + 1):
            t = k / steps
            r0, r1, r2 = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
            fx, fy, fz = (
                r0 * x0 + r1 * x1 + r2 * x2,
                r0 * y0 + r1 * y1 + r2 * y2,
                r0 * z0 + r1 * z1 + r2 * z2,
            )
            tx = (1 - t) * (x1 - x0) + t * (x2 - x1)
            ty = (1 - t) * (y1 - y0) + t * (y2 - y1)
            flat = abs(tx) >= abs(ty)
            here = int(np.floor(fx + 0.5)) if flat else int(np.floor(fy + 0.5))
            if (flat and here == lx) or (not flat and here == ly):
                continue
            if flat:
                lx, ly = here, -9999
            else:
                lx, ly = -9999, here
            slope = np.sqrt(tx * tx + ty * ty) / (max(abs(tx), abs(ty)) + 1e-9)
            wide = lines[i, 9] * lens[0] / fz * (1.0 - 0.93 * t) * slope
            strength = lines[i, 11] * min(wide / 0.9, 1.0)
            wide = max(wide, 0.9)
            strength *= 0.75 + 0.25 * np.sin(phase + pace * t)
            centre = fy if flat else fx
            low, high = int(np.floor(centre - wide / 2 - 0.5)), int(np.ceil(centre + wide / 2 + 0.5))
            for m in range(low, high + 1):
                sx, sy = (here, m) if flat else (m, here)
                if sx < 0 or sy < 0 or sx >= width or sy >= height:
                    continue
                if fz > depth[sy, sx] + 0.035:
                    continue
                cover = min(max(wide / 2 + 0.5 - abs(m - centre), 0.0), 1.0)
                alpha = strength * cover
                if alpha > 0:
                    if lines[i, 12] > 0.5:
                        if lines[i, 12] > 1.5 or lines[i, 10] > luminance[sy, sx]:
                            luminance[sy, sx] += alpha * (lines[i, 10] - luminance[sy, sx])
                    else:
                        luminance[sy, sx] *= 1.0 - alpha * lines[i, 10]
