"""Rendered streams: the same every time, annotated, and a hand that comes, acts and goes without a jump."""

from __future__ import annotations

import dataclasses
import itertools
import pickle

import numpy as np
import pytest

from training.clips import UNLABELLED, ClipDataset, ClipError, WindowSource, collate
from training.clips.augment import Augmentation
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.formats import open_data
from training.rendered import RenderedStream, RenderedWindows, StreamEvent, rendered_streams
from training.rendered.draw import draw_frames
from training.rendered.performance import RATE, Performance, idle, perform
from training.rendered.scene import make_scene
from training.rendered.streams import FADES, HELD, NO_GESTURE, OTHER, STAYS, UNKNOWN_SHARE

SIZE = (100, 132)


@pytest.fixture(scope="module")
def streams() -> list[RenderedStream]:
    return rendered_streams(6, seed=5, seconds=60)


# --- streams --------------------------------------------------------------------------------------


def test_minutes_make_streams(streams: list[RenderedStream]) -> None:
    assert len(streams) == 6 and all(stream.frame_count == 720 for stream in streams)
    assert len(rendered_streams(2.1, seed=1, seconds=60)) == 3
    looks = [stream.frames([0])[0].astype(int) for stream in streams]
    assert all(np.abs(looks[0] - other).mean() > 5 for other in looks[1:]), "each is another scene"


def test_a_frame_does_not_depend_on_its_company(streams: list[RenderedStream]) -> None:
    again = pickle.loads(pickle.dumps(RenderedStream(60, seed=5, index=2)))
    assert again.events == streams[2].events
    whole = streams[2].frames(range(240))
    assert whole.shape == (240, *SIZE, 3) and whole.dtype == np.uint8
    for wanted in ([100], [239, 0, 77, 77], range(60, 120, 3)):
        np.testing.assert_array_equal(again.frames(wanted), whole[list(wanted)])
        np.testing.assert_array_equal(again.frame_labels(wanted), streams[2].frame_labels(wanted))


def test_events_are_sorted_apart_and_gestures(streams: list[RenderedStream]) -> None:
    for stream in streams:
        assert stream.frames_per_second == 12 and len(stream.labels) == 27
        names = [stream.labels[event.label] for event in stream.events]
        assert names and NO_GESTURE not in names and OTHER not in names
        assert all(0 <= event.begin < event.end <= 60 for event in stream.events)
        assert all(one.end + 0.6 < other.begin for one, other in itertools.pairwise(stream.events))


def test_many_gestures_and_some_twice_in_a_row(streams: list[RenderedStream]) -> None:
    more = [RenderedStream(60, seed=6, index=index) for index in range(60)]
    ids = [[event.label for event in stream.events] for stream in streams + more]
    assert {label for of_stream in ids for label in of_stream} == set(range(25))
    pairs = [pair for of_stream in ids for pair in itertools.pairwise(of_stream)]
    assert 0.12 < np.mean([one == other for one, other in pairs]) < 0.33
    assert 6 < np.mean([len(of_stream) for of_stream in ids]) < 16


def test_labels_agree_with_the_events(streams: list[RenderedStream]) -> None:
    for stream in streams:
        time_F = np.arange(stream.frame_count) / RATE
        labels_F = stream.frame_labels(range(stream.frame_count))
        gesture_F = (labels_F >= 0) & (labels_F < 25)
        for event in stream.events:
            known = event.begin + UNKNOWN_SHARE * (event.end - event.begin)
            inside = (time_F >= known) & (time_F <= event.end + STAYS)
            assert inside.sum() >= 8 and (labels_F[inside] == event.label).all()
            gesture_F[inside] = False
            after = (time_F > event.end + STAYS) & (time_F <= event.end + STAYS + FADES)
            assert (labels_F[(time_F >= event.begin) & (time_F < known) | after] == UNLABELLED).all()
            if stream.labels[event.label] not in HELD:
                assert labels_F[np.argmax(time_F > event.end + STAYS + FADES)] != UNLABELLED
        assert not gesture_F.any(), "a gesture's label without its event"
        assert stream.gesture_frames(range(stream.frame_count)) == ((labels_F >= 0) & (labels_F < 25)).sum()
    every = np.concatenate([stream.frame_labels(range(720)) for stream in streams])
    assert set(every) >= {UNLABELLED, 25, 26}


def performances() -> list[tuple[str, Performance]]:
    rng = np.random.default_rng(3)
    acts = [(name, perform(name, rng)) for name in RenderedStream(2, 0).labels for _ in range(4)]
    return acts + [("idle", idle(rng, 2.0)) for _ in range(8)]


def test_hands_come_from_below_and_leave_nothing_behind() -> None:
    """The first and the last picture of a performance are those without a hand, and no step is a jump."""
    scene = make_scene(np.random.default_rng(1), 120, *SIZE)
    for name, act in performances():
        ends = np.array([0, len(act) - 1])
        nobody = dataclasses.replace(act.motion, visible=False)
        clean = dataclasses.replace(scene, noise_HWC=0 * scene.noise_HWC, blur=0.0)
        here, gone = draw_frames(act.motion, clean, SIZE, ends), draw_frames(nobody, clean, SIZE, ends)
        assert np.count_nonzero(here != gone) < 600, name  # a sliver at the lower edge
        begin, end = int(act.nucleus[0]), int(act.nucleus[1])
        assert 0 <= begin < end <= act.leaves + 1 <= len(act), name
        steps = np.abs(np.diff(act.motion.place_F2, axis=0)).max(axis=1)
        assert steps.max() < 1.0 and steps[begin + 1 : end - 1].max(initial=0) < 0.25, name


def test_neighbouring_frames_are_alike(streams: list[RenderedStream]) -> None:
    """Mean absolute difference of neighbours against that of frames far apart in the same stream."""
    stream = streams[1]
    frames = stream.frames(range(360)).astype(np.int16)
    difference = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    with_hand = np.abs(frames[:, None, ::4, ::4] - frames[0, ::4, ::4]).mean(axis=(1, 2, 3, 4)).max()
    assert difference.max() < 1.1 * with_hand + 1, "more changed at once than a whole hand"
    assert np.median(difference) < 0.5 * with_hand, "most of the time little happens"


def test_reversed_gestures_play_backwards() -> None:
    act, opposite = (perform(name, np.random.default_rng(8)) for name in ("Swiping Left", "Swiping Right"))
    for one, sign in ((act, -1), (opposite, 1)):
        begin, end = (round(frame) for frame in one.nucleus)
        assert sign * (one.motion.place_F2[end, 0] - one.motion.place_F2[begin, 0]) > 0.3


def test_bad_numbers_are_named() -> None:
    for make, reason in (
        (lambda: RenderedStream(1, seed=1), "seconds is 1"),
        (lambda: RenderedStream(9, seed=-1), "seed is -1"),
        (lambda: RenderedStream(float("nan"), seed=1), "seconds is nan"),
        (lambda: rendered_streams(0, seed=1), "minutes is 0"),
        (lambda: rendered_streams(1, seed=1, seconds=0), "seconds is 0"),
        (lambda: RenderedWindows(0, seed=1), "count is 0"),
    ):
        with pytest.raises(UserError, match=reason):
            make()
    with pytest.raises(IndexError, match="frames 0 to 107"):
        RenderedStream(9, seed=1).frames([108])
    assert StreamEvent(1, 2.0, 3.0).end == 3.0


# --- windows --------------------------------------------------------------------------------------


def windows_of(data: str, *, training: bool = True, segments: int = 16, **options: bool) -> ClipDataset:
    source = open_data(data, "train")
    return ClipDataset(source, InputSpec(segments=segments, size=32), training=training, per_frame=True, **options)


def test_windows_are_cut_from_their_own_stream() -> None:
    source = open_data("rendered_stream:40:9", "train")
    assert isinstance(source, WindowSource) and len(source) == 40
    begins = set()
    for index in range(40):
        wanted = source.window_frames(index, 16)
        assert (np.diff(wanted) == 3).all() and len(wanted) == 16 and wanted[-1] < source.frame_count(index)
        begins.add(int(wanted[0]))
        stream = RenderedStream(14, seed=9, index=index)
        np.testing.assert_array_equal(source.frame_labels(index, wanted), stream.frame_labels(wanted))
        assert stream.labels[source.label_of(index)] != OTHER
    assert len(begins) > 20
    with pytest.raises(ClipError, match="the longest has 56"):
        source.window_frames(0, 57)
    assert len(source.window_frames(0, 56)) == 56


def test_items_have_a_label_for_each_frame() -> None:
    dataset = windows_of("rendered_stream:24:9", fresh_each_epoch=True)
    batch = collate([dataset[index] for index in range(24)])
    assert batch.frames_NTHWC.shape == (24, 16, 32, 32, 3) and batch.labels_N.shape == (24, 16)
    gestures = ((batch.labels_N >= 0) & (batch.labels_N < 25)).any(dim=1)
    assert gestures.float().mean() > 0.5, "gestures in most windows"
    other = collate([dataset[(1, index)] for index in range(24)])
    assert batch.indices_N.tolist() == list(range(24)) and other.indices_N.tolist() == list(range(24, 48))
    still = windows_of("rendered_stream:24:9", training=False)
    again = collate([still[0], still[0]])
    assert (again.frames_NTHWC[0] == again.frames_NTHWC[1]).all()


def test_the_flip_speaks_for_all_frames() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3)).astype(np.uint8)
    labels = np.array([-1, 0, 1, 2])
    swaps = Augmentation(32, [1, 0, 2])
    never = Augmentation(32, [1, 0, None])
    seen = set()
    for seed in range(12):
        flipped, kept = (augment(frames, labels, np.random.default_rng(seed)) for augment in (swaps, never))
        seen.add(tuple(flipped[1]))
        assert kept[1].tolist() == [-1, 0, 1, 2]
        same = (flipped[0] == kept[0]).all()
        assert same == (tuple(flipped[1]) == (-1, 0, 1, 2))
        if not same:
            np.testing.assert_array_equal(flipped[0], kept[0][:, :, ::-1])
    assert seen == {(-1, 0, 1, 2), (-1, 1, 0, 2)}


def test_windows_and_clips_do_not_mix() -> None:
    with pytest.raises(UserError, match=r"rendered_stream:0:1.*expected rendered_stream:COUNT:SEED"):
        open_data("rendered_stream:0:1", "train")
    with pytest.raises(UserError, match="windows of streams"):
        windows_of("rendered:4:1")
    with pytest.raises(UserError, match="a label for each frame"):
        ClipDataset(open_data("rendered_stream:4:1", "train"), InputSpec(segments=4, size=32), training=True)
