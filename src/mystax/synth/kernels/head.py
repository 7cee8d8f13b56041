"""Compiled loops of the head: lofted surfaces, bumps, lids, normals, and the z-buffer."""

import numpy as np

from mystax.core.compiled import inner_kernel, kernel

__all__ = [
    "add_bumps",
    "bend_surface",
    "fit_lids",
    "lid_value",
    "loft_surface",
    "normals_of",
    "place_globe",
    "project_points",
    "raster_surface",
    "to_screen",
    "undistort",
]

FAR = 10.0
"""Added to the first coordinate of the far eye's pixels."""


@kernel
def loft_surface(dorsal, ventral, width, widest, shape, out):
    """Span sections between a dorsal and a ventral line; shape holds (sideways, upwards) around a section."""
    for i in range(out.shape[0]):
        dx, dz = dorsal[i, 0], dorsal[i, 1]
        vx, vz = ventral[i, 0], ventral[i, 1]
        mx, mz = dx + widest[i] * (vx - dx), dz + widest[i] * (vz - dz)
        for j in range(out.shape[1]):
            side, up = shape[j, 0], shape[j, 1]
            if up >= 0:
                out[i, j, 0] = mx + up * (dx - mx)
                out[i, j, 2] = mz + up * (dz - mz)
            else:
                out[i, j, 0] = mx - up * (vx - mx)
                out[i, j, 2] = mz - up * (vz - mz)
            out[i, j, 1] = side * width[i]


@kernel
def normals_of(surface, wrap, out):
    """Outward unit normals of a grid of points; columns close to a ring where `wrap` is true."""
    rows, columns = surface.shape[:2]
    for i in range(rows):
        a, b = max(i - 1, 0), min(i + 1, rows - 1)
        for j in range(columns):
            c, d = j - 1, j + 1
            if wrap:
                c, d = c % columns, d % columns
            else:
                c, d = max(c, 0), min(d, columns - 1)
            ux = surface[b, j, 0] - surface[a, j, 0]
            uy = surface[b, j, 1] - surface[a, j, 1]
            uz = surface[b, j, 2] - surface[a, j, 2]
            if i == 0:  # a pole: its ring is a point, so take the next ring's
                c_, e_ = surface[1, c], surface[1, d]
            else:
                c_, e_ = surface[i, c], surface[i, d]
            vx, vy, vz = e_[0] - c_[0], e_[1] - c_[1], e_[2] - c_[2]
            nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
            size = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = nx / size, ny / size, nz / size


@kernel
def add_bumps(surface, normals, bumps):
    """Move points along their normals by Gaussian bumps (x, y, z, rx, ry, rz, height) on both sides."""
    for i in range(surface.shape[0]):
        if surface[i, 0, 0] > 2.6:
            break
        for j in range(surface.shape[1]):
            x, y, z = surface[i, j, 0], surface[i, j, 1], surface[i, j, 2]
            height = 0.0
            for k in range(bumps.shape[0]):
                dx = (x - bumps[k, 0]) / bumps[k, 3]
                dy = (abs(y) - bumps[k, 1]) / bumps[k, 4]
                dz = (z - bumps[k, 2]) / bumps[k, 5]
                square = dx * dx + dy * dy + dz * dz
                if square < 9.0:
                    height += bumps[k, 6] * np.exp(-square)
            if height != 0.0:
                surface[i, j, 0] = x + height * normals[i, j, 0]
                surface[i, j, 1] = y + height * normals[i, j, 1]
                surface[i, j, 2] = z + height * normals[i, j, 2]


@kernel
def fit_lids(surface, centre, axes, radius, reach):
    """Lay the skin around both eyes onto globes; axes are rows (along, up, outward) of the left eye."""
    for i in range(surface.shape[0]):
        if abs(surface[i, 0, 0] - 1.0) > 1.0:
            continue
        for j in range(surface.shape[1]):
            y = surface[i, j, 1]
            sign = 1.0 if y >= 0 else -1.0
            x, y, z = surface[i, j, 0] - centre[0], abs(y) - centre[1], surface[i, j, 2] - centre[2]
            p = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]
            q = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]
            n = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2]
            distance = np.sqrt(p * p + q * q)
            if n < -0.5 * radius or distance > radius + reach:
                continue
            if distance < 0.93 * radius:
                target = np.sqrt(radius * radius - distance * distance)
                weight = 1.0
            else:
                edge = 0.93 * radius
                target = 0.3676 * radius - 1.2 * (distance - edge)
                t = (distance - edge) / (radius + reach - edge)
                weight = 1.0 - t * t * (3.0 - 2.0 * t)
            move = weight * (target - n)
            surface[i, j, 0] += move * axes[2, 0]
            surface[i, j, 1] += sign * move * axes[2, 1]
            surface[i, j, 2] += move * axes[2, 2]


@kernel
def bend_surface(surface, neck, turn, nose, shift):
    """Pitch and turn what lies behind the neck, pitch and shift the nose (radians, units of the head)."""
    for i in range(surface.shape[0]):
        for j in range(surface.shape[1]):
            x, y, z = surface[i, j, 0], surface[i, j, 1], surface[i, j, 2]
            if x < 0.5:
                t = min((0.5 - x) / 0.5, 1.0)
                weight = t * t * (3.0 - 2.0 * t)
                c, s = np.cos(nose * weight), np.sin(nose * weight)
                px, pz = x - 0.5, z
                x = 0.5 + c * px - s * pz + weight * shift[0]
                y = y + weight * shift[1]
                z = s * px + c * pz + weight * shift[2]
            elif x > 1.2:
                t = min((x - 1.2) / 1.8, 1.0)
                weight = t * t * (3.0 - 2.0 * t)
                c, s = np.cos(neck * weight), np.sin(neck * weight)
                px, pz = x - 1.4, z + 0.2
                x, z = 1.4 + c * px - s * pz, s * px + c * pz - 0.2
                c, s = np.cos(turn * weight), np.sin(turn * weight)
                px = x - 1.4
                x, y = 1.4 + c * px - s * y, s * px + c * y
            surface[i, j, 0], surface[i, j, 1], surface[i, j, 2] = x, y, z


@kernel
def project_points(points, rotation, translation, lens, out):
    """Project points (n, 3): out is (x px, y px, depth).

    lens is (f, cx, cy, k1, k2, square of the radius from where on the distortion stays).
    """
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        cx = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + translation[0]
        cy = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + translation[1]
        cz = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + translation[2]
        depth = max(cz, 1e-3)
        a, b = cx / depth, cy / depth
        square = min(a * a + b * b, lens[5])
        bend = 1.0 + square * (lens[3] + square * lens[4])
        out[i, 0] = lens[0] * a * bend + lens[1]
        out[i, 1] = lens[0] * b * bend + lens[2]
        out[i, 2] = cz


@inner_kernel
def to_screen(x, y, z, lens, rotation, place):
    """Project one point: (x px, y px, depth)."""
    cx = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + place[0]
    cy = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + place[1]
    cz = max(rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + place[2], 1e-3)
    a, b = cx / cz, cy / cz
    square = min(a * a + b * b, lens[5])
    bend = 1.0 + square * (lens[3] + square * lens[4])
    return lens[0] * a * bend + lens[1], lens[0] * b * bend + lens[2], cz


@kernel
def raster_surface(screen, normals, wrap, both, part, depth, parts, normal_map, uv):
    """Draw a grid of projected points into the z-buffer; `both` also shows surfaces from behind."""
    rows, columns = screen.shape[:2]
    height, width = depth.shape
    last = columns if wrap else columns - 1
    for i in range(rows - 1):
        for j in range(last):
            k = j + 1 if j + 1 < columns else 0
            for half in range(2):
                if half == 0:
                    ra, ca, rb, cb, rc, cc = i, j, i + 1, j, i + 1, k
                    ua, va, ub, vb, uc, vc = i, j, i + 1, j, i + 1, j + 1
                else:
                    ra, ca, rb, cb, rc, cc = i, j, i + 1, k, i, k
                    ua, va, ub, vb, uc, vc = i, j, i + 1, j + 1, i, j + 1
                ax, ay, az = screen[ra, ca, 0], screen[ra, ca, 1], screen[ra, ca, 2]
                bx, by, bz = screen[rb, cb, 0], screen[rb, cb, 1], screen[rb, cb, 2]
                gx, gy, gz = screen[rc, cc, 0], screen[rc, cc, 1], screen[rc, cc, 2]
                area = (bx - ax) * (gy - ay) - (gx - ax) * (by - ay)
                if area == 0.0 or (area > 0 and not both):
                    continue
                if min(az, bz, gz) < 1e-2:
                    continue
                x0, x1 = max(int(np.ceil(min(ax, bx, gx))), 0), min(int(max(ax, bx, gx)), width - 1)
                y0, y1 = max(int(np.ceil(min(ay, by, gy))), 0), min(int(max(ay, by, gy)), height - 1)
                if x0 > x1 or y0 > y1:
                    continue
                flip = 1.0 if area < 0 else -1.0
                for y in range(y0, y1 + 1):
                    for x in range(x0, x1 + 1):
                        wa = ((bx - x) * (gy - y) - (gx - x) * (by - y)) / area
                        if wa < 0:
                            continue
                        wb = ((gx - x) * (ay - y) - (ax - x) * (gy - y)) / area
                        if wb < 0:
                            continue
                        wc = 1.0 - wa - wb
                        if wc < 0:
                            continue
                        z = 1.0 / (wa / az + wb / bz + wc / gz)
                        if z < depth[y, x]:
                            depth[y, x] = z
                            parts[y, x] = part
                            for c in range(3):
                                normal_map[y, x, c] = flip * (
                                    wa * normals[ra, ca, c]
                                    + wb * normals[rb, cb, c]
                                    + wc * normals[rc, cc, c]
                                )
                            uv[y, x, 0] = wa * ua + wb * ub + wc * uc
                            uv[y, x, 1] = wa * va + wb * vb + wc * vc


@kernel
def place_globe(centre, radius, axes, lid, part, far, lens, depth, parts, uv):
    """Show a globe where its lids open. Centre and axes (along, up, out) are in camera coordinates.

    lid is (half length, half height above, below, point exponent); uv takes (along, up) over the radius,
    plus `FAR` for the eye of the side turned away.
    """
    height, width = depth.shape
    reach = lens[0] * radius / max(centre[2] - radius, 1e-3) * 1.1 + 2
    px = lens[0] * centre[0] / centre[2] + lens[1]
    py = lens[0] * centre[1] / centre[2] + lens[2]
    x0, x1 = max(int(px - reach), 0), min(int(px + reach) + 1, width)
    y0, y1 = max(int(py - reach), 0), min(int(py + reach) + 1, height)
    cc = centre[0] ** 2 + centre[1] ** 2 + centre[2] ** 2 - radius * radius
    for y in range(y0, y1):
        for x in range(x0, x1):
            dx, dy = undistort((x - lens[1]) / lens[0], (y - lens[2]) / lens[0], lens[3], lens[4])
            a = dx * dx + dy * dy + 1.0
            b = dx * centre[0] + dy * centre[1] + centre[2]
            root = b * b - a * cc
            if root < 0:
                continue
            z = (b - np.sqrt(root)) / a
            if z > depth[y, x] + 0.4 * radius:
                continue
            rx, ry, rz = dx * z - centre[0], dy * z - centre[1], z - centre[2]
            p = axes[0, 0] * rx + axes[0, 1] * ry + axes[0, 2] * rz
            q = axes[1, 0] * rx + axes[1, 1] * ry + axes[1, 2] * rz
            n = axes[2, 0] * rx + axes[2, 1] * ry + axes[2, 2] * rz
            if n <= 0 or lid_value(p, q, lid) > 1.0:
                continue
            depth[y, x] = z
            parts[y, x] = part
            uv[y, x, 0], uv[y, x, 1] = p / radius + (FAR if far else 0.0), q / radius


@inner_kernel
def undistort(x, y, k1, k2):
    """Invert the radial distortion of normalised coordinates."""
    if k1 == 0.0 and k2 == 0.0:
        return x, y
    a, b = x, y
    for _ in range(4):
        square = a * a + b * b
        bend = 1.0 + square * (k1 + square * k2)
        a, b = x / bend, y / bend
    return a, b


@kernel
def lid_value(p, q, lid):
    """Tell how far a place is from the opening of the lids: below 1 inside, 1 on the margin."""
    t = abs(p) / lid[0]
    half = 0.5 * (lid[1] + lid[2])
    if t >= 1.0 or half <= 1e-6:
        return 2.0 + t + abs(q) / lid[0]
    share = (1.0 - t * t) ** lid[3]
    return abs(q - 0.5 * (lid[1] - lid[2]) * share) / (half * share)
