"""Compiled loops that light a rendered head: noise, shadows, coat, eye, and plain materials."""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel
from mystax.synth.kernels.head import FAR, lid_value, to_screen, undistort

__all__ = [
    "cast_shadow",
    "dot_follicles",
    "next_normal",
    "next_unit",
    "shade_eye",
    "shade_parts",
    "value_noise",
]


@inner_kernel
def next_unit(state):
    """Next random number in 0..1 of a state (1,) of uint64."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@inner_kernel
def next_normal(state):
    """Next random number of nearly normal distribution, mean 0 and standard deviation 1."""
    return (next_unit(state) + next_unit(state) + next_unit(state) + next_unit(state) - 2.0) * 1.7320508


@inner_kernel
def value_noise(x, y, z, grains):
    """Smooth noise in space, -1..1, with details of size 1; grains (32, 32, 32) are repeated."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    a, b, c = i & 31, j & 31, k & 31
    d, e, f = (a + 1) & 31, (b + 1) & 31, (c + 1) & 31
    low = (1 - v) * ((1 - w) * grains[a, b, c] + w * grains[a, b, f])
    low += v * ((1 - w) * grains[a, e, c] + w * grains[a, e, f])
    high = (1 - v) * ((1 - w) * grains[d, b, c] + w * grains[d, b, f])
    high += v * ((1 - w) * grains[d, e, c] + w * grains[d, e, f])
    return (1 - u) * low + u * high


@kernel
def smooth(low, high, x):
    """Rise from 0 at `low` to 1 at `high`."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@kernel
def cast_shadow(points, axes, centre, reach, out):
    """Note for each place of a map (n, n) how near the light surfaces come; axes (right, down, to light)."""
    n = out.shape[0]
    for i in range(points.shape[0]):
        for j in range(points.shape[1]):
            x, y, z = points[i, j, 0] - centre[0], points[i, j, 1] - centre[1], points[i, j, 2] - centre[2]
            a = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) / reach
            b = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) / reach
            height = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
            u, v = int((a + 1) * 0.5 * n - 0.5), int((b + 1) * 0.5 * n - 0.5)
            if u < 0 or v < 0 or u >= n - 1 or v >= n - 1:
                continue
            for r in range(2):
                for c in range(2):
                    out[v + r, u + c] = max(out[v + r, u + c], height)


@inner_kernel
def lit_by_key(x, y, z, axes, centre, reach, shadows, bias):
    """Share of the key light that reaches a place, 0..1."""
    n = shadows.shape[0]
    x, y, z = x - centre[0], y - centre[1], z - centre[2]
    a = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) / reach
    b = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) / reach
    height = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z + bias
    fu, fv = (a + 1) * 0.5 * n - 0.5, (b + 1) * 0.5 * n - 0.5
    u, v = int(np.floor(fu)), int(np.floor(fv))
    if u < 0 or v < 0 or u >= n - 1 or v >= n - 1:
        return 1.0
    fu, fv = fu - u, fv - v
    total = 0.0
    for r in range(2):
        for c in range(2):
            if height >= shadows[v + r, u + c]:
                total += (fv if r else 1 - fv) * (fu if c else 1 - fu)
    return total


@inner_kernel
def alike_block(depth, parts, uv, top, left, zones):
    """Tell whether four pixels show one smooth piece of a surface, away from nose and eyes (x, y, square)."""
    if top + 1 >= depth.shape[0] or left + 1 >= depth.shape[1]:
        return False
    part, z = parts[top, left], depth[top, left]
    if part != parts[top, left + 1] or part != parts[top + 1, left] or part != parts[top + 1, left + 1]:
        return False
    if part == 0 or part == 5:  # noqa: PLR1714
        return True
    if max(abs(depth[top + 1, left + 1] - z), abs(depth[top + 1, left] - depth[top, left + 1])) > 0.02:
        return False
    if part == 1:
        if uv[top, left, 0] < 26:
            return False
        for k in range(2):
            if (left - zones[k, 0]) ** 2 + (top - zones[k, 1]) ** 2 < zones[k, 2]:
                return False
    return True


@kernel
def shade_parts(
    depth, parts, normal_map, uv, lens, rotation, place, lights, ambient, shadow, coat, materials, eye, lid,
    pad, grains, shift, coarse, light_out, albedo_out, luminance,
):  # fmt: skip
    """Light all surfaces but the globes.

    lights: rows (x, y, z, strength, unused); ambient: (strength, x, y, z); shadow: (axes, centre, reach,
    map, whether it counts); coat: see `mystax.synth.fur.Coat`; materials: rows (albedo, gloss, sharpness,
    texture) per part; eye: (centre, axes, radius) of the left eye; pad: (x, y, z, radius) of the left
    whisker pad; grains, shift: see `value_noise`; coarse: whether alike blocks of 2 x 2 pixels are lit
    as one.
    """
    height, width = depth.shape
    shadow_axes, shadow_centre, shadow_reach, shadows, shadowed = shadow
    eye_centre, eye_axes, eye_radius = eye
    zones = np.zeros((2, 3))
    for k in range(2):
        sign = 1.0 - 2.0 * k
        ex, ey, ez = to_screen(eye_centre[0], sign * eye_centre[1], eye_centre[2], lens, rotation, place)
        zones[k, 0], zones[k, 1], zones[k, 2] = ex, ey, (2.0 * eye_radius * lens[0] / ez) ** 2
    step = 2 if coarse else 1
    for top in range(0, height, step):
        for left in range(0, width, step):
            alike = coarse and alike_block(depth, parts, uv, top, left, zones)
            if alike and (parts[top, left] == 0 or parts[top, left] == 5):
                continue
            for m in range(1 if alike else step * step):
                py, px = top + m // step, left + m % step
                if py >= height or px >= width or parts[py, px] == 0 or parts[py, px] == 5:
                    continue
                part = parts[py, px]
                z = depth[py, px]
                a, b = undistort((px - lens[1]) / lens[0], (py - lens[2]) / lens[0], lens[3], lens[4])
                qx, qy, qz = a * z - place[0], b * z - place[1], z - place[2]
                x = rotation[0, 0] * qx + rotation[1, 0] * qy + rotation[2, 0] * qz
                y = rotation[0, 1] * qx + rotation[1, 1] * qy + rotation[2, 1] * qz
                w = rotation[0, 2] * qx + rotation[1, 2] * qy + rotation[2, 2] * qz
                nx, ny, nz = normal_map[py, px, 0], normal_map[py, px, 1], normal_map[py, px, 2]
                size = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
                nx, ny, nz = nx / size, ny / size, nz / size
                row, column = uv[py, px, 0], uv[py, px, 1]
                albedo, gloss, sharpness, soft = (
                    materials[part, 0],
                    materials[part, 1],
                    materials[part, 2],
                    0.05,
                )
                dark = 1.0
                if part <= 3:
                    soft = 0.3
                    fine = value_noise(x * 14 + shift, y * 14, w * 14, grains)
                    patch = 0.0
                    if coat[5] < 2:
                        broad = value_noise(x * coat[6], y * coat[6] + shift, w * coat[6], grains)
                        patch = smooth(coat[5] - 0.06, coat[5] + 0.06, broad + 0.12 * fine)
                    albedo = (coat[0] + patch * (coat[7] - coat[0])) * (1.0 + coat[8] * fine)
                    albedo *= 1.0 + coat[2] * smooth(-0.35, -0.75, w) + coat[3] * smooth(0.75, 0.1, x)
                    if part == 1:
                        bare = smooth(coat[16] + 5.0, coat[16] - 5.0, row)
                        if coat[9] > 0 and w > 0.1:
                            bare = max(bare, smooth(coat[9] + 0.06, coat[9], abs(y)) * smooth(1.05, 1.15, x))
                        dx, dy, dz = x - eye_centre[0], abs(y) - eye_centre[1], w - eye_centre[2]
                        if dx * dx + dy * dy + dz * dz < 6.0 * eye_radius * eye_radius:
                            p = dx * eye_axes[0, 0] + dy * eye_axes[0, 1] + dz * eye_axes[0, 2]
                            q = dx * eye_axes[1, 0] + dy * eye_axes[1, 1] + dz * eye_axes[1, 2]
                            half = max(0.5 * (lid[1] + lid[2]), 0.012)
                            q -= 0.5 * (lid[1] - lid[2])
                            ring = (np.sqrt((p / lid[0]) ** 2 + (q / half) ** 2) - 1.0) * half
                            if ring < 4 * coat[11]:
                                t = smooth(coat[11], 0.3 * coat[11], ring)
                                albedo = (1 - t) * albedo + t * coat[10]
                                outer = smooth(4 * coat[11], 1.2 * coat[11], ring) * (1 - t)
                                albedo *= 1.0 + coat[12] * outer * (1.4 if q < 0 else 0.6)
                                gloss += 0.5 * t
                                dark *= 0.55 + 0.45 * smooth(0.0, 0.012, ring)
                        dx, dy, dz = x - pad[0], abs(y) - pad[1], w - pad[2]
                        spread = np.sqrt(dx * dx + dy * dy + dz * dz) / pad[3]
                        if spread < 1.3:
                            albedo *= 1.0 + coat[4] * smooth(1.3, 0.6, spread)
                        if bare > 0:
                            nose = coat[13] * (1.0 + 0.25 * fine)
                            albedo = (1 - bare) * albedo + bare * nose
                            gloss = (1 - bare) * gloss + bare * coat[15]
                            sharpness = 18.0
                            for k in range(2):
                                centre = 128.0 * (coat[17] if k == 0 else 1.0 - coat[17])
                                du, dv = (row - 9.5) / 3.4, (column - centre) / 6.5
                                dark *= 1.0 - coat[14] * np.exp(-((du * du + dv * dv) ** 2))
                            cleft = (column - 64.0) / 2.2
                            dark *= 1.0 - 0.4 * coat[14] * np.exp(-cleft * cleft) * smooth(8.0, 14.0, row)
                    elif part == 2:
                        up = np.cos(column * (2 * np.pi / 48))
                        dark *= 1.0 - 0.75 * smooth(0.0, 0.75, up) * smooth(30.0, 22.0, row)
                        albedo *= coat[20]
                    else:
                        albedo = (
                            coat[21]
                            * (0.9 + 0.3 * fine)
                            * (0.45 + 0.55 * smooth(0.0, 9.0, row))
                            * (1.0 + 0.5 * smooth(13.0, 15.0, row))
                        )
                        soft = 0.6
                else:
                    albedo *= 1.0 + materials[part, 3] * value_noise(
                        x * 9 + shift, y * 9, w * 9 + part, grains
                    )
                view = np.sqrt(a * a + b * b + 1.0)
                vx = -(rotation[0, 0] * a + rotation[1, 0] * b + rotation[2, 0]) / view
                vy = -(rotation[0, 1] * a + rotation[1, 1] * b + rotation[2, 1]) / view
                vz = -(rotation[0, 2] * a + rotation[1, 2] * b + rotation[2, 2]) / view
                facing = max(nx * vx + ny * vy + nz * vz, 0.0)
                light = ambient[0] * (0.6 + 0.4 * (nx * ambient[1] + ny * ambient[2] + nz * ambient[3]))
                shine = 0.0
                for k in range(lights.shape[0]):
                    lx, ly, lz = lights[k, 0] - x, lights[k, 1] - y, lights[k, 2] - w
                    square = lx * lx + ly * ly + lz * lz
                    size = np.sqrt(square)
                    lx, ly, lz = lx / size, ly / size, lz / size
                    strength = lights[k, 3] / max(square, 0.1)
                    cosine = nx * lx + ny * ly + nz * lz
                    if k == 0 and shadowed and cosine > -soft:
                        strength *= 0.12 + 0.88 * lit_by_key(
                            x,
                            y,
                            w,
                            shadow_axes,
                            shadow_centre,
                            shadow_reach,
                            shadows,
                            0.06 + 0.1 * (1 - max(cosine, 0.0)),
                        )
                    light += strength * max((cosine + soft) / (1 + soft), 0.0)
                    if part <= 3 and cosine < 0.3:  # light through the hairs of the outline
                        light += strength * coat[22] * (1 - facing) ** 3 * max(0.6 + cosine, 0.0)
                    if gloss > 0:
                        hx, hy, hz = lx + vx, ly + vy, lz + vz
                        half = (nx * hx + ny * hy + nz * hz) / (np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9)
                        if half > 0:
                            shine += strength * gloss * half**sharpness
                if part == 9:
                    light = 1.0
                shown = albedo * dark * light + shine
                for r in range(2 if alike else 1):
                    for c in range(2 if alike else 1):
                        light_out[py + r, px + c] = light
                        albedo_out[py + r, px + c] = albedo * dark
                        luminance[py + r, px + c] = shown


@kernel
def dot_follicles(
    points, normals, eyepoint, radius, strength, lens, rotation, place, depth, parts, albedo, luminance
):
    """Darken round dots of the skin at places (n, 3), foreshortened as the skin there."""
    height, width = depth.shape
    for k in range(points.shape[0]):
        vx, vy, vz = eyepoint[0] - points[k, 0], eyepoint[1] - points[k, 1], eyepoint[2] - points[k, 2]
        size = np.sqrt(vx * vx + vy * vy + vz * vz)
        facing = (vx * normals[k, 0] + vy * normals[k, 1] + vz * normals[k, 2]) / size
        if facing < 0.1:
            continue
        fx, fy, fz = to_screen(points[k, 0], points[k, 1], points[k, 2], lens, rotation, place)
        nx = rotation[0, 0] * normals[k, 0] + rotation[0, 1] * normals[k, 1] + rotation[0, 2] * normals[k, 2]
        ny = rotation[1, 0] * normals[k, 0] + rotation[1, 1] * normals[k, 1] + rotation[1, 2] * normals[k, 2]
        flat = np.sqrt(nx * nx + ny * ny) + 1e-9
        nx, ny = nx / flat, ny / flat
        wide = radius * lens[0] / fz
        reach = int(1.8 * wide) + 1
        for y in range(max(int(fy) - reach, 0), min(int(fy) + reach + 2, height)):
            for x in range(max(int(fx) - reach, 0), min(int(fx) + reach + 2, width)):
                if parts[y, x] != 1 or abs(depth[y, x] - fz) > 0.06:
                    continue
                along, across = ((x - fx) * nx + (y - fy) * ny) / facing, (x - fx) * ny - (y - fy) * nx
                square = (along * along + across * across) / (wide * wide + 0.3)
                if square < 4.0:
                    dark = 1.0 - strength * np.exp(-square)
                    albedo[y, x] *= dark
                    luminance[y, x] *= dark


@kernel
def shade_eye(
    depth,
    parts,
    uv,
    part,
    side,
    lens,
    rotation,
    place,
    lights,
    ambient,
    eye,
    lid,
    iris,
    grains,
    shift,
    luminance,
):
    """Light one globe.

    iris: (pupil radius, gaze along, gaze up, pupil albedo, iris albedo, highlight size, highlight strength,
    haze, lid shadow, tear).
    """
    height, width = depth.shape
    eye_axes, eye_radius = eye[1], eye[2]
    ax = eye_axes.copy()
    for k in range(3):
        ax[k, 1] *= side
    gaze_n = np.sqrt(max(1.0 - iris[1] ** 2 - iris[2] ** 2, 0.0))
    for py in range(height):
        for px in range(width):
            if parts[py, px] != part:
                continue
            p, q, sign = uv[py, px, 0], uv[py, px, 1], 1.0
            if p > FAR / 2:
                p, sign = p - FAR, -1.0
            n = np.sqrt(max(1.0 - p * p - q * q, 0.0))
            nx = p * ax[0, 0] + q * ax[1, 0] + n * ax[2, 0]
            ny = sign * (p * ax[0, 1] + q * ax[1, 1] + n * ax[2, 1])
            nz = p * ax[0, 2] + q * ax[1, 2] + n * ax[2, 2]
            z = depth[py, px]
            a, b = undistort((px - lens[1]) / lens[0], (py - lens[2]) / lens[0], lens[3], lens[4])
            qx, qy, qz = a * z - place[0], b * z - place[1], z - place[2]
            x = rotation[0, 0] * qx + rotation[1, 0] * qy + rotation[2, 0] * qz
            y = rotation[0, 1] * qx + rotation[1, 1] * qy + rotation[2, 1] * qz
            w = rotation[0, 2] * qx + rotation[1, 2] * qy + rotation[2, 2] * qz
            view = np.sqrt(a * a + b * b + 1.0)
            vx = -(rotation[0, 0] * a + rotation[1, 0] * b + rotation[2, 0]) / view
            vy = -(rotation[0, 1] * a + rotation[1, 1] * b + rotation[2, 1]) / view
            vz = -(rotation[0, 2] * a + rotation[1, 2] * b + rotation[2, 2]) / view
            facing = max(nx * vx + ny * vy + nz * vz, 0.0)
            rx, ry, rz = 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz
            off = np.arccos(min(max(p * iris[1] + q * iris[2] + n * gaze_n, -1.0), 1.0))
            turn = np.arctan2(q - iris[2], p - iris[1])
            grain = value_noise(6 * np.cos(turn), 6 * np.sin(turn), 3 * off + shift, grains)
            inside = smooth(iris[0] + 0.05, iris[0] - 0.05, off)
            albedo = inside * iris[3] + (1 - inside) * iris[4] * (1 + 0.25 * grain)
            albedo *= 1.0 - 0.6 * smooth(0.85, 1.25, off)
            light = ambient[0] * (0.6 + 0.4 * (nx * ambient[1] + ny * ambient[2] + nz * ambient[3]))
            shine = (
                iris[7]
                * ambient[0]
                * (0.04 + (1 - facing) ** 4)
                * (1.0 + 0.8 * value_noise(rx * 3 + shift, ry * 3, rz * 3, grains))
            )
            for k in range(lights.shape[0]):
                lx, ly, lz = lights[k, 0] - x, lights[k, 1] - y, lights[k, 2] - w
                square = lx * lx + ly * ly + lz * lz
                size = np.sqrt(square)
                lx, ly, lz = lx / size, ly / size, lz / size
                strength = lights[k, 3] / max(square, 0.1)
                light += strength * max(nx * lx + ny * ly + nz * lz, 0.0)
                angle = np.arccos(min(max(rx * lx + ry * ly + rz * lz, -1.0), 1.0))
                spot = iris[5] * lights[k, 4]
                shine += iris[6] * strength * smooth(spot * 1.25, spot * 0.75, angle)
                shine += 0.03 * iris[6] * strength * np.exp(-angle / (2.5 * spot))
            edge = lid_value(p * eye_radius, q * eye_radius, lid)
            shaded = 1.0 - iris[8] * smooth(0.55, 1.0, edge)
            wet = iris[9] * smooth(0.86, 0.93, edge) * (1.0 if q < 0 else 0.3)
            luminance[py, px] = albedo * light * shaded + shine + wet * light
