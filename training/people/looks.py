"""How a person looks: skin, nails, hair, beard, clothes, glasses; colours are linear light, RGB.

Legend of axes: V vertices, T triangles, P texture pages, 3 = RGB or x, y, z in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.people.body import ARM_BONES, LEFT_ARM, RIGHT_ARM, Body, mesh, rounded, vertex_normals

SKIN, CLOTH, HAIR, RIGHT_HAND, LEFT_HAND = 1, 2, 3, 4, 5  # pages of the texture, and numbers in the mask
PAGES, SIZE = 6, 64
HIDDEN = -1

# From light to dark skin.
_SKINS = np.array(
    [[0.82, 0.56, 0.45], [0.72, 0.44, 0.31], [0.52, 0.29, 0.18], [0.30, 0.155, 0.09], [0.125, 0.065, 0.04]]
)
_HAIRS = np.array(
    [[0.012, 0.010, 0.009], [0.03, 0.018, 0.011], [0.08, 0.04, 0.02], [0.25, 0.14, 0.06], [0.3, 0.3, 0.3]]
)


@dataclass
class Looks:
    """What the renderer needs besides the pose.

    Attributes:
        place_V3, normal_V3: the dressed person at rest.
        albedo_V3: share of light that a vertex gives back.
        gloss_V: strength of its highlight.
        page_T: texture page of each triangle, `HIDDEN` for none.
        uv_V2, texture_PHW3: the pages' pictures, factors on the albedo.
    """

    place_V3: np.ndarray
    normal_V3: np.ndarray
    albedo_V3: np.ndarray
    gloss_V: np.ndarray
    page_T: np.ndarray
    uv_V2: np.ndarray
    texture_PHW3: np.ndarray


def colour(rng: np.random.Generator, dark: float = 0.02, bright: float = 0.8) -> np.ndarray:
    """A random colour, mostly not a vivid one."""
    value = float(np.exp(rng.uniform(np.log(dark), np.log(bright))))
    vivid = rng.beta(0.8, 1.6)
    tint = rng.dirichlet([1.2, 1.2, 1.2]) * 3
    return np.clip(value * (1 - vivid + vivid * tint), 0.004, 0.95)


def dress(body: Body, rng: np.random.Generator) -> Looks:
    """Looks of a person; one generator state, one person."""
    cut = mesh()
    arm_V, hand_V = _along_arms(body)
    place_V3, normal_V3 = body.place_V3.copy(), body.normal_V3
    albedo_V3, gloss_V = _skin(body, rng, hand_V)
    hair_V = _hair(body, rng, place_V3, albedo_V3, gloss_V)
    sleeve = rng.choice([0.15, 0.55, 0.75, 1.35, 1.93], p=[0.07, 0.3, 0.2, 0.1, 0.33]) + rng.normal(0, 0.03)
    cloth_V = _cloth(body, rng, sleeve, arm_V, place_V3)
    texture_PHW3 = np.ones((PAGES, SIZE, SIZE, 3))
    for page, depth in ((SKIN, 0.05), (RIGHT_HAND, 0.06), (LEFT_HAND, 0.06), (HAIR, 0.3)):
        texture_PHW3[page] += depth * _noise(rng, (4, 8, 16, 32))[..., None]
    dye = colour(rng)
    texture_PHW3[CLOTH] = _pattern(rng, dye)
    corners = cut.triangle_T3
    page_T = np.full(len(corners), SKIN)
    page_T[(hand_V[corners] > 0.5).sum(1) >= 2] = RIGHT_HAND
    page_T[(hand_V[corners] < -0.5).sum(1) >= 2] = LEFT_HAND
    page_T[hair_V[corners].sum(1) >= 2] = HAIR
    page_T[cloth_V[corners].sum(1) >= 2] = CLOTH
    long_hair = (cut.group_V[corners] == 3).any(1)
    page_T[long_hair] = HAIR if rng.random() < 0.3 else HIDDEN
    page_T[np.isin(cut.group_V[corners], (1, 2)).any(1)] = 0
    albedo_V3[cloth_V > 0.5] = 1.0
    gloss_V[cloth_V > 0.5] = rng.choice([0.0, 0.03])
    uv_V2 = 2.2 * np.stack([place_V3[:, 0] + 0.4 * place_V3[:, 2], place_V3[:, 1]], 1)
    on_arm = np.abs(arm_V) > 0.3
    uv_V2[on_arm, 1] = 0.5 * np.abs(arm_V[on_arm])
    normal_V3 = vertex_normals(place_V3, corners)
    return Looks(
        rounded(place_V3),
        normal_V3,
        rounded(albedo_V3),
        rounded(gloss_V),
        page_T,
        rounded(uv_V2),
        rounded(texture_PHW3),
    )


def _along_arms(body: Body) -> tuple[np.ndarray, np.ndarray]:
    """How far along an arm (1 elbow, 2 wrist; left negative), and which hand (right 1, left -1): (V,), (V,)."""
    cut = mesh()
    arm_V, hand_V = np.zeros(len(body.place_V3)), np.zeros(len(body.place_V3))
    for first, sign in ((RIGHT_ARM, 1), (LEFT_ARM, -1)):
        joints = body.joint_J3[first : first + ARM_BONES]
        in_arm = (cut.bone_VI >= first + 1) & (cut.bone_VI < first + ARM_BONES)
        weight_V = (cut.weight_VI * in_arm).sum(1)
        lower = (cut.weight_VI * (in_arm & (cut.bone_VI >= first + 3))).sum(1) > 0.5
        on_hand = (cut.weight_VI * (in_arm & (cut.bone_VI >= first + 5))).sum(1)
        for part, start, end, base in ((~lower, 1, 3, 0.0), (lower, 3, 5, 1.0)):
            axis = joints[end] - joints[start]
            share = ((body.place_V3 - joints[start]) @ axis) / (axis @ axis)
            along = np.clip(base + share, 0.02, 3.0)
            chosen = (weight_V > 0.4) & part
            arm_V[chosen] = sign * along[chosen]
        hand_V += sign * on_hand
    return arm_V, hand_V


def _skin(body: Body, rng: np.random.Generator, hand_V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cut = mesh()
    darkness = rng.beta(1.1, 1.6) * 3.999
    low = int(darkness)
    skin = _SKINS[low] ** (1 - darkness + low) * _SKINS[low + 1] ** (darkness - low)
    skin = skin * np.exp(rng.normal(0, 0.08)) * np.exp(rng.normal(0, 0.05, 3))
    count = len(body.place_V3)
    albedo = np.tile(skin, (count, 1))
    # Palms are lighter and redder, on dark skin by far.
    palm = np.zeros(count)
    for first, mirror in ((RIGHT_ARM, np.ones(3)), (LEFT_ARM, np.array([-1.0, 1, 1]))):
        facing = (body.normal_V3 * mirror) @ body.rest_33[:, 2]
        side = (hand_V if first == RIGHT_ARM else -hand_V) > 0.5
        palm[side] = np.clip(0.5 + 1.4 * facing[side], 0, 1)
    light = np.array([0.72, 0.42, 0.34]) * np.exp(rng.normal(0, 0.08))
    share = (palm * (0.25 + 0.16 * darkness))[:, None]
    albedo = albedo ** (1 - share) * light**share
    red = rng.uniform(0.0, 0.35)
    tips = np.isin(cut.bone_VI[:, 0] % 3, (2,)) & (np.abs(hand_V) > 0.5)
    albedo[tips] *= 1 + red * np.array([0.05, -0.22, -0.2])
    nail = cut.nail_V[:, None] * (0.35 + 0.1 * darkness)
    painted = colour(rng) if rng.random() < 0.08 else np.array([0.75, 0.5, 0.45])
    albedo = albedo * (1 - nail) + painted * nail
    lips = np.clip(cut.lip_V * 2 - 1, 0, 1)[:, None] * rng.uniform(0.3, 0.9)
    albedo *= 1 + lips * np.array([-0.12, -0.5, -0.45])
    gloss = np.full(count, rng.uniform(0.02, 0.22)) * (1 + 2 * cut.nail_V)
    for eye in (1, 2):
        members = np.flatnonzero(cut.group_V == eye)
        place = body.place_V3[members]
        middle = place.mean(0)
        front = place[:, 2] > middle[2] + 0.004
        off = np.hypot(place[:, 0] - middle[0], place[:, 1] - middle[1])
        albedo[members] = 0.62
        albedo[members[front & (off < 0.0065)]] = rng.uniform(0.01, 0.12)
    middle_of_eyes = _eyes(body)
    off = np.abs(np.abs(body.place_V3[:, 0]) - middle_of_eyes[0])
    above = body.place_V3[:, 1] - middle_of_eyes[1]
    in_front = body.place_V3[:, 2] > middle_of_eyes[2] - 0.02
    brow = (off < 0.022) & (above > 0.014) & (above < 0.026) & in_front & (cut.group_V == 0)
    albedo[brow] *= rng.uniform(0.15, 0.6)
    return albedo, gloss


def _eyes(body: Body) -> np.ndarray:
    """Middle of the left eye."""
    return body.place_V3[mesh().group_V == 1].mean(0) * np.array([1.0, 1, 1])


def _hair(
    body: Body, rng: np.random.Generator, place_V3: np.ndarray, albedo_V3: np.ndarray, gloss_V: np.ndarray
) -> np.ndarray:
    """Hair on the scalp, a beard; returns which vertices are hair (V,)."""
    cut = mesh()
    eye = np.abs(_eyes(body))
    x, y, z = (body.place_V3 - (0, eye[1], eye[2])).T
    head = (cut.bone_VI[:, 0] == 2) & (cut.group_V == 0)
    tone = rng.beta(0.7, 1.4) * 2.999 if rng.random() < 0.85 else 3.999
    low = int(tone)
    dye = _HAIRS[low] ** (1 - tone + low) * _HAIRS[low + 1] ** (tone - low) * np.exp(rng.normal(0, 0.15))
    line = rng.uniform(0.045, 0.065)
    ear = (np.abs(x) > 0.066) & (y > -0.05) & (y < 0.03) & (z > -0.115)
    scalp = head & ((y > line + 0.25 * np.maximum(0, z + 0.03)) | ((z < -0.075) & (y > -0.06))) & ~ear
    scalp |= head & (np.abs(x) > 0.06) & (y > 0.0) & (z < -0.045) & ~ear
    if rng.random() < 0.1:
        scalp &= False
    thick = rng.choice([0.003, 0.012, 0.022, 0.04], p=[0.2, 0.3, 0.3, 0.2])
    top = np.clip(y / 0.1, 0.2, 1.0)
    bump = 1 + 0.35 * np.sin(body.place_V3 @ rng.normal(0, 90, 3) + rng.uniform(0, 6))
    place_V3[scalp] += (body.normal_V3 * (thick * top * bump)[:, None])[scalp]
    hair = scalp | (cut.group_V == 3)
    albedo_V3[hair] = dye
    gloss_V[hair] = rng.uniform(0.0, 0.15)
    if rng.random() < 0.35:
        mouth = body.place_V3[cut.lip_V > 0.7].mean(0)
        down, ahead = body.place_V3[:, 1] - mouth[1], body.place_V3[:, 2] - mouth[2]
        jaw = head | (cut.bone_VI[:, 0] == 1)
        beard = jaw & (down < 0.022) & (down > -0.06) & (ahead > -0.095) & (cut.lip_V < 0.5) & (cut.group_V == 0)
        strength = rng.uniform(0.15, 0.95)
        albedo_V3[beard] = albedo_V3[beard] ** (1 - strength) * dye**strength
        place_V3[beard] += body.normal_V3[beard] * rng.uniform(0, 0.012) * strength
    shorter = rng.uniform(0.0, 0.75)  # long hair ends between waist and chin
    long_V = cut.group_V == 3
    low_end = body.place_V3[long_V, 1]
    place_V3[long_V, 1] = low_end + shorter * np.maximum(0.0, eye[1] - 0.05 - low_end)
    return hair & (cut.group_V == 0)


def _cloth(body: Body, rng: np.random.Generator, sleeve: float, arm_V: np.ndarray, place_V3: np.ndarray) -> np.ndarray:
    """Which vertices are under clothes (V,); they move outwards."""
    cut = mesh()
    neck = body.joint_J3[1]
    x, y, z = (body.place_V3 - neck).T
    low, vee = rng.uniform(-0.055, 0.025), rng.choice([0.0, 1.0], p=[0.7, 0.3]) * rng.uniform(0.4, 1.2)
    collar = low - np.maximum(0.0, vee * (0.09 - np.abs(x))) * (z > 0)
    trunk = (arm_V == 0) & (y < collar) & (cut.bone_VI[:, 0] != 2) & (cut.group_V == 0)
    on_arm = (arm_V != 0) & (np.abs(arm_V) < sleeve)
    cloth = trunk | on_arm
    loose = rng.uniform(0.002, 0.012)
    wave = np.zeros(len(x))
    for _ in range(4):
        wave += np.sin(body.place_V3 @ rng.normal(0, 55, 3) + rng.uniform(0, 2 * np.pi))
    out = loose * (1 + 0.35 * wave) + 0.004
    place_V3[cloth] += (body.normal_V3 * out[:, None])[cloth]
    return cloth.astype(float)


def _noise(rng: np.random.Generator, cells: tuple[int, ...]) -> np.ndarray:
    """Smooth periodic noise of several sizes, about -1 to 1: (SIZE, SIZE)."""
    total = np.zeros((SIZE, SIZE))
    for count in cells:
        grid = rng.normal(0, 1, (count, count))
        total += np.kron(grid, np.ones((SIZE // count, SIZE // count)))
    for _ in range(2):
        total = 0.25 * (np.roll(total, 1, 0) + np.roll(total, 1, 1) + 2 * total)
    return np.clip(total / (1.2 * len(cells) ** 0.5), -2, 2)


def _pattern(rng: np.random.Generator, dye: np.ndarray) -> np.ndarray:
    """A cloth's picture (SIZE, SIZE, 3)."""
    kind = rng.choice(["plain", "stripes", "checks", "blots", "print"], p=[0.5, 0.16, 0.1, 0.12, 0.12])
    second = colour(rng)
    across, up = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    period = int(rng.choice([4, 8, 16, 32]))
    thin = rng.uniform(0.2, 0.7)
    share = np.zeros((SIZE, SIZE))
    if kind == "stripes":
        share = ((up if rng.random() < 0.7 else across) % period < thin * period).astype(float)
    elif kind == "checks":
        share = 0.5 * (up % period < thin * period) + 0.5 * (across % period < thin * period)
    elif kind == "blots":
        share = (_noise(rng, (8, 16)) > rng.uniform(-0.5, 0.7)).astype(float)
    elif kind == "print":
        r0, c0 = rng.integers(0, SIZE, 2)
        h, w = rng.integers(6, 24, 2)
        share[np.ix_((r0 + np.arange(h)) % SIZE, (c0 + np.arange(w)) % SIZE)] = 1
    picture = dye * (1 - share[..., None]) + second * share[..., None]
    return picture * (1 + rng.uniform(0, 0.12) * _noise(rng, (4, 16, 32))[..., None])
