"""The inner loops, compiled by numba: skinning, light at the vertices, and filling triangles.

No sum here depends on the processor: there is no fast-math, and what fills pixels are integers of 1/256 pixel.

Legend of axes: V vertices, T triangles, J bones, I influences, H rows, W columns, P texture pages, 3 = x, y, z or RGB.
"""

from __future__ import annotations

import numba
import numpy as np

SUBPIXEL = 256
NEAR = 0.06  # metres; a triangle that comes nearer to the lens is left out

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def skin(
    place_V3: np.ndarray,
    normal_V3: np.ndarray,
    bone_VI: np.ndarray,
    weight_VI: np.ndarray,
    turn_J33: np.ndarray,
    shift_J3: np.ndarray,
    out_V3: np.ndarray,
    out_normal_V3: np.ndarray,
) -> None:
    """Linear blend skinning of places and normals; ``shift`` is what is added after the turn."""
    for v in range(place_V3.shape[0]):
        px, py, pz = place_V3[v, 0], place_V3[v, 1], place_V3[v, 2]
        nx, ny, nz = normal_V3[v, 0], normal_V3[v, 1], normal_V3[v, 2]
        x = y = z = a = b = c = 0.0
        for i in range(bone_VI.shape[1]):
            w = weight_VI[v, i]
            if w == 0.0:
                break
            j = bone_VI[v, i]
            t = turn_J33[j]
            x += w * (t[0, 0] * px + t[0, 1] * py + t[0, 2] * pz + shift_J3[j, 0])
            y += w * (t[1, 0] * px + t[1, 1] * py + t[1, 2] * pz + shift_J3[j, 1])
            z += w * (t[2, 0] * px + t[2, 1] * py + t[2, 2] * pz + shift_J3[j, 2])
            a += w * (t[0, 0] * nx + t[0, 1] * ny + t[0, 2] * nz)
            b += w * (t[1, 0] * nx + t[1, 1] * ny + t[1, 2] * nz)
            c += w * (t[2, 0] * nx + t[2, 1] * ny + t[2, 2] * nz)
        out_V3[v, 0], out_V3[v, 1], out_V3[v, 2] = x, y, z
        length = np.sqrt(a * a + b * b + c * c) + 1e-9
        out_normal_V3[v, 0], out_normal_V3[v, 1], out_normal_V3[v, 2] = a / length, b / length, c / length


@_jit
def project(place_V3: np.ndarray, focal: float, middle_x: float, middle_y: float, out_V2: np.ndarray, iz_V: np.ndarray):
    """Pixels times 256 of places before the camera, which stands at the origin and looks along -z."""
    for v in range(place_V3.shape[0]):
        depth = -place_V3[v, 2]
        if depth < NEAR:
            iz_V[v] = 0.0
            continue
        iz = 1.0 / depth
        iz_V[v] = iz
        x = (middle_x + focal * place_V3[v, 0] * iz) * SUBPIXEL
        y = (middle_y - focal * place_V3[v, 1] * iz) * SUBPIXEL
        out_V2[v, 0] = np.int64(np.floor(min(max(x, -1e6), 1e6)))
        out_V2[v, 1] = np.int64(np.floor(min(max(y, -1e6), 1e6)))


@_jit
def light(
    place_V3: np.ndarray,
    normal_V3: np.ndarray,
    albedo_V3: np.ndarray,
    gloss_V: np.ndarray,
    ambient_43: np.ndarray,
    direction_L3: np.ndarray,
    colour_L3: np.ndarray,
    wrap: float,
    out_V3: np.ndarray,
) -> None:
    """Light that leaves the vertices towards the camera, linear RGB."""
    for v in range(place_V3.shape[0]):
        nx, ny, nz = normal_V3[v, 0], normal_V3[v, 1], normal_V3[v, 2]
        x, y, z = -place_V3[v, 0], -place_V3[v, 1], -place_V3[v, 2]
        length = np.sqrt(x * x + y * y + z * z) + 1e-9
        x, y, z = x / length, y / length, z / length
        facing = abs(nx * x + ny * y + nz * z)
        r = ambient_43[0, 0] + nx * ambient_43[1, 0] + ny * ambient_43[2, 0] + nz * ambient_43[3, 0]
        g = ambient_43[0, 1] + nx * ambient_43[1, 1] + ny * ambient_43[2, 1] + nz * ambient_43[3, 1]
        b = ambient_43[0, 2] + nx * ambient_43[1, 2] + ny * ambient_43[2, 2] + nz * ambient_43[3, 2]
        shine_r = shine_g = shine_b = 0.0
        for k in range(direction_L3.shape[0]):
            lx, ly, lz = direction_L3[k, 0], direction_L3[k, 1], direction_L3[k, 2]
            d = (nx * lx + ny * ly + nz * lz + wrap) / (1.0 + wrap)
            if d > 0.0:
                r += d * colour_L3[k, 0]
                g += d * colour_L3[k, 1]
                b += d * colour_L3[k, 2]
                hx, hy, hz = lx + x, ly + y, lz + z
                h = (nx * hx + ny * hy + nz * hz) / (np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9)
                if h > 0.0:
                    h *= h
                    h *= h
                    h *= h
                    h *= h
                    s = gloss_V[v] * h
                    shine_r += s * colour_L3[k, 0]
                    shine_g += s * colour_L3[k, 1]
                    shine_b += s * colour_L3[k, 2]
        rim = 1.0 - facing
        rim = 0.06 * gloss_V[v] * rim * rim * rim * (r + g + b)
        out_V3[v, 0] = max(0.0, albedo_V3[v, 0] * r + shine_r + rim)
        out_V3[v, 1] = max(0.0, albedo_V3[v, 1] * g + shine_g + rim)
        out_V3[v, 2] = max(0.0, albedo_V3[v, 2] * b + shine_b + rim)


@_jit
def fill(
    triangle_T3: np.ndarray,
    page_T: np.ndarray,
    first: int,
    last: int,
    pixel_V2: np.ndarray,
    iz_V: np.ndarray,
    colour_V3: np.ndarray,
    uv_V2: np.ndarray,
    texture_PHW3: np.ndarray,
    offset_x: int,
    offset_y: int,
    depth_HW: np.ndarray,
    picture_HW3: np.ndarray,
    mask_HW: np.ndarray,
) -> None:
    """Draw the triangles `first` to `last` - 1 that face the camera into a picture with a depth buffer (of 1 / z).

    A page < 0 leaves the triangle out, page 0 has no texture; the mask gets the page. Offsets: 1/256 pixel.
    """
    height, width = depth_HW.shape
    size = texture_PHW3.shape[1]
    half = SUBPIXEL // 2
    for t in range(first, last):
        page = page_T[t]
        if page < 0:
            continue
        a, b, c = triangle_T3[t, 0], triangle_T3[t, 1], triangle_T3[t, 2]
        za, zb, zc = iz_V[a], iz_V[b], iz_V[c]
        if za == 0.0 or zb == 0.0 or zc == 0.0:
            continue
        ax, ay = pixel_V2[a, 0] + offset_x, pixel_V2[a, 1] + offset_y
        bx, by = pixel_V2[b, 0] + offset_x, pixel_V2[b, 1] + offset_y
        cx, cy = pixel_V2[c, 0] + offset_x, pixel_V2[c, 1] + offset_y
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= 0:  # the picture's y points down: front faces turn the other way
            continue
        left = max(0, (min(ax, bx, cx) - half + SUBPIXEL - 1) // SUBPIXEL)
        right = min(width - 1, (max(ax, bx, cx) - half) // SUBPIXEL)
        top = max(0, (min(ay, by, cy) - half + SUBPIXEL - 1) // SUBPIXEL)
        bottom = min(height - 1, (max(ay, by, cy) - half) // SUBPIXEL)
        if left > right or top > bottom:
            continue
        scale = 1.0 / area
        for row in range(top, bottom + 1):
            py = row * SUBPIXEL + half
            for column in range(left, right + 1):
                px = column * SUBPIXEL + half
                wa = (bx - px) * (cy - py) - (by - py) * (cx - px)
                wb = (cx - px) * (ay - py) - (cy - py) * (ax - px)
                wc = area - wa - wb
                if wa > 0 or wb > 0 or wc > 0:
                    continue
                u, v, w = wa * scale, wb * scale, wc * scale
                iz = u * za + v * zb + w * zc
                if iz <= depth_HW[row, column]:
                    continue
                depth_HW[row, column] = iz
                r = u * colour_V3[a, 0] + v * colour_V3[b, 0] + w * colour_V3[c, 0]
                g = u * colour_V3[a, 1] + v * colour_V3[b, 1] + w * colour_V3[c, 1]
                bl = u * colour_V3[a, 2] + v * colour_V3[b, 2] + w * colour_V3[c, 2]
                if page > 0:
                    s = u * uv_V2[a, 0] + v * uv_V2[b, 0] + w * uv_V2[c, 0]
                    q = u * uv_V2[a, 1] + v * uv_V2[b, 1] + w * uv_V2[c, 1]
                    i, j = np.int64(np.floor(s * size)) % size, np.int64(np.floor(q * size)) % size
                    r *= texture_PHW3[page, j, i, 0]
                    g *= texture_PHW3[page, j, i, 1]
                    bl *= texture_PHW3[page, j, i, 2]
                picture_HW3[row, column, 0] = r
                picture_HW3[row, column, 1] = g
                picture_HW3[row, column, 2] = bl
                mask_HW[row, column] = page


@_jit
def gather(picture_HW3: np.ndarray, depth_HW: np.ndarray, behind_HW3: np.ndarray, sum_HW3: np.ndarray) -> None:
    """Add one moment of the exposure to the sum: what was drawn, else what is behind."""
    for row in range(depth_HW.shape[0]):
        for column in range(depth_HW.shape[1]):
            if depth_HW[row, column] > 0.0:
                for k in range(3):
                    sum_HW3[row, column, k] += picture_HW3[row, column, k]
            else:
                for k in range(3):
                    sum_HW3[row, column, k] += behind_HW3[row, column, k]
