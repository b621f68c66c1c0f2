"""The generator of clips of people: deterministic, different for every seed, with Jester's left and right."""

from __future__ import annotations

import numpy as np
import pytest

from training.people.body import PLACE
from training.people.clips import PeopleClips
from training.rendered import jester_labels

SIZE = {"height": 64, "width": 96}


def test_a_clip_is_a_function_of_seed_and_index() -> None:
    clips, again, other = PeopleClips(27, 3, **SIZE), PeopleClips(54, 3, **SIZE), PeopleClips(27, 4, **SIZE)
    last = clips.frame_count(0) - 1
    frames = clips.frames(0, [0, last // 2, last])
    assert (frames.shape, frames.dtype) == ((3, 64, 96, 3), np.uint8)
    assert frames.std() > 5
    np.testing.assert_array_equal(again.frames(0, [last // 2])[0], frames[1])
    assert np.abs(other.frames(0, [0])[0].astype(int) - frames[0]).mean() > 5


def test_every_class_is_there_once_in_27_clips() -> None:
    clips = PeopleClips(27, 3, **SIZE)
    assert sorted(clips.label_of(index) for index in range(27)) == list(range(27))
    assert clips.labels == list(jester_labels())
    with pytest.raises(IndexError, match="has frames 0 to"):
        clips.frames(0, [99])


@pytest.mark.parametrize(
    ("gesture", "axis", "way"),
    [
        ("Swiping Left", 0, 1),  # the performer's left is the picture's right
        ("Swiping Right", 0, -1),
        ("Sliding Two Fingers Left", 0, 1),
        ("Sliding Two Fingers Right", 0, -1),
        ("Swiping Up", 1, 1),
        ("Swiping Down", 1, -1),
        ("Sliding Two Fingers Up", 1, 1),
        ("Sliding Two Fingers Down", 1, -1),
        ("Pushing Hand Away", 2, -1),  # depth: nearer to the camera
        ("Pulling Hand In", 2, 1),
        ("Pushing Two Fingers Away", 2, -1),
        ("Pulling Two Fingers In", 2, 1),
    ],
)
def test_strokes_have_jesters_direction(gesture: str, axis: int, way: int) -> None:
    """The hand's place (u to the picture's right, v up, depth) moves the right way in the stroke, whichever hand."""
    clips = PeopleClips(27, 5, **SIZE)
    for index in range(6):
        scene, stage, _ = clips._play(gesture, index)
        begin, end = stage.right.at(np.array(stage.nucleus))[:, PLACE]
        mirrored = -1 if scene.left_handed and axis == 0 else 1
        assert (end - begin)[axis] * way * mirrored > 0.02, index
