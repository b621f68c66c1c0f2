"""The rendered gestures: the same clip every time, all 27 of them, and told apart by their motion alone."""

from __future__ import annotations

import dataclasses
import pickle
import time

import numpy as np
import pytest

from training.clips import ClipSource
from training.common.errors import UserError
from training.rendered import (
    RenderedClips,
    jester_labels,
)
from training.rendered.draw import draw_frames
from training.rendered.gestures import REVERSED, forward_motion
from training.rendered.hand import POSES, finger_joints
from training.rendered.project import project
from training.rendered.scene import make_scene

# As published with Jester, in its order.
JESTER = [
    "Swiping Left",
    "Swiping Right",
    "Swiping Down",
    "Swiping Up",
    "Pushing Hand Away",
    "Pulling Hand In",
    "Sliding Two Fingers Left",
    "Sliding Two Fingers Right",
    "Sliding Two Fingers Down",
    "Sliding Two Fingers Up",
    "Pushing Two Fingers Away",
    "Pulling Two Fingers In",
    "Rolling Hand Forward",
    "Rolling Hand Backward",
    "Turning Hand Clockwise",
    "Turning Hand Counterclockwise",
    "Zooming In With Full Hand",
    "Zooming Out With Full Hand",
    "Zooming In With Two Fingers",
    "Zooming Out With Two Fingers",
    "Thumb Up",
    "Thumb Down",
    "Shaking Hand",
    "Stop Sign",
    "Drumming Fingers",
    "No gesture",
    "Doing other things",
]
SIZE = (100, 132)


@pytest.fixture(scope="module")
def clips() -> RenderedClips:
    return RenderedClips(54, seed=7)


def evenly(count: int, wanted: int = 8) -> list[int]:
    return [int((k + 0.5) * count / wanted) for k in range(wanted)]


# --- the clip source ------------------------------------------------------------------------------


def test_names_and_ids_are_jesters(clips: RenderedClips) -> None:
    assert list(jester_labels()) == JESTER
    assert clips.labels == JESTER


def test_is_a_clip_source(clips: RenderedClips) -> None:
    assert isinstance(clips, ClipSource)
    frames = clips.frames(0, [0, 3])
    assert frames.shape == (2, 100, 132, 3) and frames.dtype == np.uint8
    assert {clips.frame_count(i) for i in range(300)} == set(range(28, 45))


def test_classes_are_balanced_and_shuffled(clips: RenderedClips) -> None:
    ids = [clips.label_of(i) for i in range(54)]
    assert sorted(ids[:27]) == sorted(ids[27:]) == list(range(27))
    assert ids[:27] != ids[27:] != list(range(27))
    other = RenderedClips(54, seed=8)
    assert ids != [other.label_of(i) for i in range(54)]


def test_a_clip_depends_on_seed_and_index_alone(clips: RenderedClips) -> None:
    again = pickle.loads(pickle.dumps(RenderedClips(3, seed=7)))
    for index in (0, 40):  # 40 lies past the three clips: the source is endless
        assert again.label_of(index) == clips.label_of(index)
        np.testing.assert_array_equal(again.frames(index, [2, 20]), clips.frames(index, [2, 20]))


def test_a_frame_does_not_depend_on_its_company(clips: RenderedClips) -> None:
    for index in range(6):
        all_frames = clips.frames(index, range(clips.frame_count(index)))
        for wanted in ([5], [27, 0, 5, 5], [9, 8]):
            np.testing.assert_array_equal(clips.frames(index, wanted), all_frames[wanted])


def test_other_seeds_and_indices_are_other_clips(clips: RenderedClips) -> None:
    looks = [clips.frames_as("Stop Sign", i, [14])[0] for i in range(8)]
    looks += [RenderedClips(8, seed=s).frames_as("Stop Sign", 0, [14])[0] for s in (8, 9, 70)]
    for k, look in enumerate(looks):
        for other in looks[:k]:
            assert np.abs(look.astype(int) - other).mean() > 5


def test_bad_numbers_are_named() -> None:
    with pytest.raises(UserError, match="count is 0"):
        RenderedClips(0, seed=1)
    with pytest.raises(UserError, match="seed is -1"):
        RenderedClips(1, seed=-1)
    with pytest.raises(UserError, match="height is 8"):
        RenderedClips(1, seed=1, height=8)
    source = RenderedClips(1, seed=1)
    with pytest.raises(IndexError, match="asked for"):
        source.frames(0, [source.frame_count(0)])
    with pytest.raises(IndexError):
        source.frames(0, [-1])


@pytest.mark.parametrize("size", [(64, 64), (225, 300)])
def test_other_picture_sizes(size: tuple[int, int]) -> None:
    source = RenderedClips(27, seed=3, height=size[0], width=size[1])
    assert all(source.frames(i, [10]).shape == (1, *size, 3) for i in range(3))


# --- the motion carries the class -----------------------------------------------------------------


@pytest.mark.parametrize("backward", REVERSED)
def test_opposites_are_reversals_frame_by_frame(clips: RenderedClips, backward: str) -> None:
    for index in range(2):
        count = clips.frame_count(index)
        one = clips.frames_as(backward, index, range(count))
        other = clips.frames_as(REVERSED[backward], index, range(count))
        np.testing.assert_array_equal(one[::-1], other)
        sampled = evenly(count)
        assert np.abs(one[sampled].astype(int) - other[sampled]).mean() > 2, "forward and backward look the same"


def test_the_pairs_are_the_ten_of_jester() -> None:
    assert len(REVERSED) == 10 and not set(REVERSED) & set(REVERSED.values())
    assert set(REVERSED) | set(REVERSED.values()) == set(JESTER[:20])


def hand_masks(gesture: str, seed: int) -> np.ndarray:
    """Where the hand and the arm are, (8, H, W), found by drawing the same scene without them."""
    scene = make_scene(np.random.default_rng([seed, 1]), 32, *SIZE)
    scene = dataclasses.replace(scene, noise_HWC=0 * scene.noise_HWC, blur=0.0)
    motion = forward_motion(gesture, np.random.default_rng([seed, 2]), 32)
    wanted = np.array(evenly(32))
    if gesture in REVERSED:
        wanted = 31 - wanted
    empty = draw_frames(dataclasses.replace(motion, visible=False), scene, SIZE, wanted)
    return (draw_frames(motion, scene, SIZE, wanted).astype(int) - empty).any(axis=3)


@pytest.mark.parametrize(
    ("gesture", "measure", "sign"),
    [
        ("Swiping Left", "x", -1),
        ("Swiping Right", "x", 1),
        ("Sliding Two Fingers Left", "x", -1),
        ("Sliding Two Fingers Right", "x", 1),
        ("Swiping Down", "y", 1),
        ("Swiping Up", "y", -1),
        ("Sliding Two Fingers Down", "y", 1),
        ("Sliding Two Fingers Up", "y", -1),
        ("Pushing Hand Away", "area", 1),
        ("Pulling Hand In", "area", -1),
        ("Pushing Two Fingers Away", "area", 1),
        ("Pulling Two Fingers In", "area", -1),
    ],
)
def test_pictures_move_where_the_name_says(gesture: str, measure: str, sign: int) -> None:
    for seed in range(6):
        masks = hand_masks(gesture, seed)[2:6]  # the middle of the clip: the hand has come and not yet gone
        tops = [np.argmax(mask.any(axis=1)) for mask in masks]
        course = {
            "x": [np.nonzero(mask)[1].mean() for mask in masks],
            "y": tops,
            "area": [mask.sum() for mask in masks],
        }[measure]
        assert (np.diff(course) * sign > 0).all(), f"seed {seed}: {course}"


def projected(gesture: str, seed: int, frames: list[int]) -> np.ndarray:
    """Ends of all limbs in pixels (n, S, corners, 2) in the given frames of 32."""
    scene = make_scene(np.random.default_rng([seed, 1]), 32, *SIZE)
    motion = forward_motion(gesture, np.random.default_rng([seed, 2]), 32)
    return project(motion, scene, SIZE, np.array(frames)).limb_FSK2 / 16


@pytest.mark.parametrize(("gesture", "sign"), [("Thumb Up", -1), ("Thumb Down", 1)])
def test_thumbs_of_both_hands_point_where_the_name_says(gesture: str, sign: int) -> None:
    for seed in range(30):
        limbs = projected(gesture, seed, [18])[0]
        rise = limbs[2].mean(axis=0)[1] - limbs[15:19].mean(axis=(0, 1))[1]  # thumb's tip against the palm
        assert rise * sign > 8, f"seed {seed}: the thumb lies {rise:.0f} pixels below the palm"


def test_turning_clockwise_is_clockwise_in_the_picture() -> None:
    for seed in range(10):
        limbs = projected("Turning Hand Clockwise", seed, [11, 14, 17, 20])
        arrow = limbs[:, 8].mean(axis=1) - limbs[:, 16].mean(axis=1)  # middle finger's tip from the palm
        angle = np.unwrap(np.arctan2(arrow[:, 1], arrow[:, 0]))  # y points down: clockwise is positive
        assert (np.diff(angle) > 0.1).all(), f"seed {seed}: {np.rad2deg(angle)}"


def test_the_hand_stays_in_the_square_that_the_network_sees() -> None:
    side = 0.875 * SIZE[0]
    inside = []
    for gesture in set(JESTER) - set(REVERSED) - {"No gesture"}:
        for seed in range(5):
            palm = projected(gesture, seed, [13, 16, 18])[:, 15:19].mean(axis=(1, 2))
            inside.append(np.abs(palm - (SIZE[1] / 2, SIZE[0] / 2)).max() < side / 2)
    assert np.mean(inside) > 0.97


def test_every_gesture_but_none_moves(clips: RenderedClips) -> None:
    for gesture in JESTER:
        scene = make_scene(np.random.default_rng(5), 36, *SIZE)
        motion = forward_motion(gesture, np.random.default_rng(6), 36)
        motion = dataclasses.replace(motion, visible=True)
        corners = project(motion, scene, SIZE, np.array(evenly(36))).limb_FSK2 / 16
        still = projected_travel(corners) < 4
        assert still == (gesture == "No gesture"), gesture


def projected_travel(corners_FSK2: np.ndarray) -> float:
    """Largest way of any point of the hand between the frames, pixels."""
    return float(np.ptp(corners_FSK2[:, :19], axis=0).max())


# --- the hand -------------------------------------------------------------------------------------


def test_bones_keep_their_lengths_in_every_pose() -> None:
    joints = finger_joints(np.stack(list(POSES.values())))
    lengths = np.linalg.norm(np.diff(joints, axis=2), axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[:1], lengths.shape), atol=1e-12)


def test_poses_show_the_fingers_that_they_name() -> None:
    reach = {name: finger_joints(pose[None])[0, 1:, -1, 1] for name, pose in POSES.items()}  # tips along the hand
    extended = {name: [bool(tip > 1.4) for tip in tips] for name, tips in reach.items()}
    assert extended["two"] == [True, True, False, False]
    assert extended["point"] == extended["pinch_open"] == [True, False, False, False]
    assert extended["spread"] == extended["flat"] == [True] * 4
    assert extended["fist"] == extended["thumb"] == [False] * 4


def test_rendering_is_fast_enough_to_train_on(clips: RenderedClips) -> None:
    clips.frames(0, [0])
    began = time.process_time()
    for index in range(27):
        clips.frames(index, evenly(clips.frame_count(index)))
    per_frame = (time.process_time() - began) / (27 * 8)
    assert per_frame < 0.01, f"{1e3 * per_frame:.1f} ms a frame; about 1 ms is usual"
