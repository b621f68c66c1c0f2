"""Items and batches: seeded, resumable, fresh where asked for, and honest about broken clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clip_files import ArrayClips, number_of, write_jester
from shared_data import shared_data

from training.clips import CachedClips, ClipBatch, ClipDataset, ClipError, ClipItem, ClipLoader, ClipSource, collate
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.formats import open_clips, open_data

SPEC = InputSpec(segments=4, size=32)
LABELS = ["A", "B"]


def noise_clips(count: int = 6, frames: int = 12) -> ArrayClips:
    rng = np.random.default_rng(0)
    clips = [rng.integers(0, 256, (frames, 40, 48, 3), dtype=np.uint8) for _ in range(count)]
    return ArrayClips(clips, LABELS, [index % 2 for index in range(count)])


def numbered_clips(frames: int) -> ArrayClips:
    clip = np.stack([np.full((40, 48, 3), 10 + 10 * number, np.uint8) for number in range(frames)])
    return ArrayClips([clip], LABELS, [1])


def item(dataset: ClipDataset, key: int | tuple[int, int]) -> ClipItem:
    found = dataset[key]
    assert isinstance(found, ClipItem), found
    return found


def frames_of(dataset: ClipDataset, key: int | tuple[int, int]) -> np.ndarray:
    return item(dataset, key).frames_CTHWC.numpy()


def epoch_of(loader: ClipLoader, epoch: int = 0, start_batch: int = 0) -> list[ClipBatch]:
    loader.set_epoch(epoch, start_batch)
    return list(loader)


def same(first: list[ClipBatch], second: list[ClipBatch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a.frames_NTHWC, b.frames_NTHWC)
        and torch.equal(a.labels_N, b.labels_N)
        and torch.equal(a.indices_N, b.indices_N)
        for a, b in zip(first, second, strict=True)
    )


def test_evaluation_reads_the_centre_frames_and_the_centre_crop() -> None:
    source = noise_clips()
    dataset = ClipDataset(source, SPEC, training=False)
    expected = SPEC.centre_crop_resize(source.frames(3, [1, 4, 7, 10]))  # 12 frames, 4 segments of 3
    given = item(dataset, 3)
    np.testing.assert_array_equal(given.frames_CTHWC.numpy(), expected[None])
    assert (given.label, given.number) == (1, 3)
    assert given.frames_CTHWC.dtype == torch.uint8


def test_the_order_of_the_frames_reaches_the_network() -> None:
    dataset = ClipDataset(numbered_clips(12), SPEC, training=False)
    x_NTCHW = SPEC.to_network(collate([dataset[0]]).frames_NTHWC)
    assert x_NTCHW.shape == (1, 4, 3, 32, 32)
    brightness_T = x_NTCHW.mean(dim=(0, 2, 3, 4))
    assert (brightness_T.diff() > 0).all()


def test_a_clip_played_backwards_is_another_item() -> None:
    forward = noise_clips(1)
    backward = ArrayClips([forward.clips[0][::-1].copy()], LABELS, [0])
    spec = InputSpec(segments=12, size=32)  # every frame, so that both read the same ones
    first, second = (frames_of(ClipDataset(source, spec, training=False), 0) for source in (forward, backward))
    np.testing.assert_array_equal(first[0], second[0, ::-1])
    assert (first != second).any()


def test_several_clips_of_a_video_are_neighbouring_rows() -> None:
    dataset = ClipDataset(numbered_clips(16), SPEC, training=False, clips_per_video=2)
    batch = collate([dataset[0], dataset[0]])
    assert batch.frames_NTHWC.shape == (4, 4, 32, 32, 3)
    assert batch.labels_N.tolist() == [1, 1]
    shown = [[number_of(frame) for frame in clip] for clip in batch.frames_NTHWC.numpy()[:2]]
    assert shown == [[2, 6, 10, 14], [0, 4, 8, 12]]


def test_training_is_seeded_by_seed_epoch_and_index_alone() -> None:
    source = noise_clips()
    dataset = ClipDataset(source, SPEC, training=True, seed=7, colour_jitter=0.2)
    first = frames_of(dataset, (2, 3))
    frames_of(dataset, (0, 1))
    np.testing.assert_array_equal(frames_of(dataset, (2, 3)), first)
    dataset.set_epoch(2)
    np.testing.assert_array_equal(frames_of(dataset, 3), first)
    anew = ClipDataset(source, SPEC, training=True, seed=7, colour_jitter=0.2)
    np.testing.assert_array_equal(frames_of(anew, (2, 3)), first)
    assert (frames_of(anew, (3, 3)) != first).any()
    other_seed = ClipDataset(source, SPEC, training=True, seed=8, colour_jitter=0.2)
    assert (frames_of(other_seed, (2, 3)) != first).any()


def test_flipping_swaps_labels_in_the_data_set() -> None:
    source = ArrayClips(noise_clips(1).clips, ["Swiping Left", "Swiping Right"], [0])
    flipping = ClipDataset(source, SPEC, training=True)
    assert {item(flipping, (epoch, 0)).label for epoch in range(20)} == {0, 1}
    for unflipped in (
        ClipDataset(source, SPEC, training=True, flip=False),
        ClipDataset(source, SPEC, training=False),
    ):
        assert {item(unflipped, (epoch, 0)).label for epoch in range(20)} == {0}


def test_batches_are_the_same_with_and_without_worker_processes() -> None:
    dataset = ClipDataset(noise_clips(), SPEC, training=True, seed=1)
    alone, helped = ClipLoader(dataset, 2), ClipLoader(dataset, 2, workers=1)
    for epoch in (0, 1):  # the second epoch: persistent workers must hear of it
        assert same(epoch_of(alone, epoch), epoch_of(helped, epoch))
    assert not same(epoch_of(alone, 0), epoch_of(alone, 1))


def test_training_shuffles_anew_each_epoch_and_drops_the_short_batch() -> None:
    loader = ClipLoader(ClipDataset(noise_clips(7), SPEC, training=True, seed=1), 2)
    orders = [torch.cat([batch.indices_N for batch in epoch_of(loader, epoch)]).tolist() for epoch in range(6)]
    assert len(loader) == 3
    assert all(len(set(order)) == 6 for order in orders)
    assert len({tuple(order) for order in orders}) > 3
    assert set().union(*orders) == set(range(7))


def test_evaluation_reads_every_clip_once_in_order() -> None:
    loader = ClipLoader(ClipDataset(noise_clips(7), SPEC, training=False), 2)
    assert [batch.indices_N.tolist() for batch in loader] == [[0, 1], [2, 3], [4, 5], [6]]
    assert len(loader) == 4


def test_a_data_set_smaller_than_the_batch_trains_with_one_small_batch() -> None:
    loader = ClipLoader(ClipDataset(noise_clips(3), SPEC, training=True), 8)
    assert len(loader) == 1
    assert [len(batch.labels_N) for batch in loader] == [3]


def test_an_epoch_goes_on_in_its_middle() -> None:
    loader = ClipLoader(ClipDataset(noise_clips(), SPEC, training=True, seed=1), 2)
    whole = epoch_of(loader, 4)
    assert same(epoch_of(loader, 4, start_batch=1), whole[1:])


def broken_root(root: Path) -> Path:
    """Four clips: "1" and "4" are good, "2" is missing, "3" has 3 frames."""
    write_jester(root, {"1": 0, "2": 1, "3": 0, "4": 1}, LABELS)
    clips = root / "20bn-jester-v1"
    (clips / "2").rename(root / "gone")
    for number in range(4, 13):
        (clips / "3" / f"{number:05d}.jpg").unlink()
    return root


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("cached", [False, True])
def test_training_skips_broken_clips_and_counts_them(tmp_path: Path, workers: int, cached: bool) -> None:
    source: ClipSource = open_clips(broken_root(tmp_path), "train")
    if cached:
        source = CachedClips(source, short_side=40, progress=False)
    loader = ClipLoader(ClipDataset(source, SPEC, training=True), 4, workers=workers)
    batches = epoch_of(loader)
    assert [sorted(batch.indices_N.tolist()) for batch in batches] == [[0, 3]]
    assert sorted(loader.skipped) == ["2", "3"]
    assert "missing" in loader.skipped["2"]
    assert "too short: 3 frames, 4 segments need at least 4" in loader.skipped["3"]


@pytest.mark.parametrize("workers", [0, 1])
def test_evaluation_stops_at_a_broken_clip_unless_told_otherwise(tmp_path: Path, workers: int) -> None:
    dataset = ClipDataset(open_clips(broken_root(tmp_path), "train"), SPEC, training=False)
    with pytest.raises(ClipError, match=r"^clip 2: missing"):
        list(ClipLoader(dataset, 2, workers=workers))
    told = ClipLoader(dataset, 2, workers=workers, on_error="skip")
    assert [batch.indices_N.tolist() for batch in told] == [[0], [3]]
    assert sorted(told.skipped) == ["2", "3"]
    with pytest.raises(ClipError):
        list(ClipLoader(ClipDataset(dataset.source, SPEC, training=True), 4, workers=workers, on_error="stop"))


def test_short_clips_are_stretched_when_asked_for(tmp_path: Path) -> None:
    source = open_clips(broken_root(tmp_path), "train")
    for training in (True, False):
        stretched = ClipDataset(source, SPEC, training=training, repeat_short=True)
        assert [number_of(frame) for frame in frames_of(stretched, 2)[0]] == [0, 1, 1, 2]


def test_a_data_set_of_broken_clips_only_is_an_error(tmp_path: Path) -> None:
    root = broken_root(tmp_path)
    (root / "jester-v1-train.csv").write_text("2;A\n3;B\n")
    loader = ClipLoader(ClipDataset(open_clips(root, "train"), SPEC, training=True), 2)
    with pytest.raises(UserError, match=r"none of the 2 clips can be used; the last one: clip [23]: "):
        list(loader)


def test_options_that_do_not_fit_the_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no clips"):
        ClipDataset(ArrayClips([], LABELS, []), SPEC, training=False)
    with pytest.raises(UserError, match="fresh_each_epoch needs rendered clips"):
        ClipDataset(noise_clips(), SPEC, training=True, fresh_each_epoch=True)
    unlabelled = open_clips(write_jester(tmp_path, {"5": 0}, LABELS, split="test"), "test")
    with pytest.raises(UserError, match="this split has no labels"):
        ClipDataset(unlabelled, SPEC, training=True)
    assert len(ClipDataset(unlabelled, SPEC, training=False)) == 1
    with pytest.raises(IndexError):
        ClipDataset(noise_clips(), SPEC, training=False)[6]


def test_rendered_clips_are_fresh_in_each_epoch_when_asked_for() -> None:
    source = open_data("rendered:5:3", "train")
    fresh = ClipDataset(source, SPEC, training=True, flip=False, fresh_each_epoch=True)
    assert len(fresh) == 5
    numbers = [item(fresh, (epoch, index)).number for epoch in range(3) for index in range(5)]
    assert numbers == list(range(15))
    assert [item(fresh, (2, 1)).label, item(fresh, (0, 1)).label] == [source.label_of(11), source.label_of(1)]
    repeated = ClipDataset(source, SPEC, training=True)
    assert item(repeated, (2, 1)).number == 1


def test_real_clips_train_and_evaluate() -> None:
    folder = shared_data("gestures")
    source = open_clips(folder, "validation")
    evaluated = ClipLoader(ClipDataset(source, InputSpec(8, 64), training=False), 2)
    batch = next(iter(evaluated))
    assert batch.frames_NTHWC.shape == (2, 8, 64, 64, 3)
    assert batch.frames_NTHWC.float().std() > 10
    train = ClipDataset(open_clips(folder, "train"), InputSpec(8, 64), training=True, colour_jitter=0.2)
    assert item(train, (0, 5)).label == train.source.label_of(5)
