"""Decoding: the wanted frames, in RGB, upright, and one message for each way in which a clip is unusable."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clip_files import (
    RED,
    grey_frames,
    number_of,
    plain_frame,
    turn_clockwise,
    write_folder,
    write_jester,
    write_video,
)
from shared_data import shared_data

from training.clips import CachedClips, ClipError, ClipSource, FileClips
from training.clips.decode import count_frames, iterate_frames, read_frames
from training.common.errors import UserError
from training.formats import open_clips

Writer = Callable[[Path, list[np.ndarray]], Path]

WRITERS: dict[str, Writer] = {
    "folder": lambda root, frames: write_folder(root / "clip", frames),
    "mp4": lambda root, frames: write_video(root / "clip.mp4", frames, "mp4v"),
    "avi": lambda root, frames: write_video(root / "clip.avi", frames, "MJPG"),
}
every_kind = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@every_kind
def test_the_wanted_frames_come_in_the_wanted_order(tmp_path: Path, write: Writer) -> None:
    clip = write(tmp_path, grey_frames(20))
    assert count_frames(clip, "x") == 20
    wanted = [7, 3, 3, 19, 0]
    frames = read_frames(clip, "x", wanted)
    assert frames.shape == (5, 48, 64, 3)
    assert frames.dtype == np.uint8
    assert [number_of(frame) for frame in frames] == wanted
    assert [number_of(frame) for frame in iterate_frames(clip, "x")] == list(range(20))


@every_kind
def test_red_stays_red(tmp_path: Path, write: Writer) -> None:
    clip = write(tmp_path, [plain_frame(RED)] * 2)
    for frame in (read_frames(clip, "x", [1])[0], *iterate_frames(clip, "x")):
        red, green, blue = frame.reshape(-1, 3).mean(axis=0)
        assert red > 220
        assert max(green, blue) < 40


def test_a_video_that_was_held_on_its_side_comes_upright(tmp_path: Path) -> None:
    frame = plain_frame((0, 0, 0))
    frame[:24] = 255  # the upper half is white: on the right after a quarter turn clockwise
    clip = write_video(tmp_path / "clip.mp4", [frame] * 3)
    turn_clockwise(clip)
    upright = read_frames(clip, "x", [1])[0]
    assert upright.shape == (64, 48, 3)
    assert upright[:, 30:].mean() > 220
    assert upright[:, :18].mean() < 30


@every_kind
def test_a_frame_past_the_end_is_an_error(tmp_path: Path, write: Writer) -> None:
    clip = write(tmp_path, grey_frames(5))
    with pytest.raises(ClipError, match="clip x: too short: frame 5 is wanted"):
        read_frames(clip, "x", [0, 5])
    with pytest.raises(ValueError, match="count from 0"):
        read_frames(clip, "x", [-1])
    with pytest.raises(ValueError, match="empty"):
        read_frames(clip, "x", [])


def _cut(file: Path, share: float) -> Path:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    return file


def _without_picture(root: Path, number: int) -> Path:
    clip = write_folder(root / "clip", grey_frames(5))
    (clip / f"{number:05d}.jpg").unlink()
    return clip


def _with_picture(root: Path, name: str, data: bytes) -> Path:
    clip = write_folder(root / "clip", grey_frames(5))
    (clip / name).write_bytes(data)
    return clip


def _cut_picture(root: Path) -> Path:
    clip = write_folder(root / "clip", grey_frames(5))
    _cut(clip / "00003.jpg", 0.7)
    return clip


def _empty_file(root: Path) -> Path:
    (root / "clip.mp4").touch()
    return root / "clip.mp4"


def _empty_folder(root: Path) -> Path:
    (root / "clip").mkdir()
    (root / "clip" / "Thumbs.db").write_text("x")
    return root / "clip"


def _text_file(root: Path) -> Path:
    (root / "clip.mp4").write_text("this is no video\n" * 100)
    return root / "clip.mp4"


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda root: root / "clip.mp4", "missing: there is no"),
    "empty file": (_empty_file, "empty: .* has 0 bytes"),
    "empty folder": (_empty_folder, "empty: .* holds no numbered jpg files"),
    "text": (_text_file, "broken: .* is no video that OpenCV can decode"),
    "cut-off mp4": (lambda root: _cut(WRITERS["mp4"](root, grey_frames(20)), 0.5), "broken: .* is no video"),
    "avi without frames": (lambda root: _cut(WRITERS["avi"](root, grey_frames(20)), 0.01), "broken: "),
    "gap": (
        lambda root: _without_picture(root, 3),
        "broken: 00004.jpg follows 00002.jpg in .*, a frame is missing",
    ),
    "two of a number": (lambda root: _with_picture(root, "3.jpg", b"x"), "broken: .* have the same number"),
    "empty picture": (lambda root: _with_picture(root, "00003.jpg", b""), "empty: .*00003.jpg has 0 bytes"),
    "no picture": (
        lambda root: _with_picture(root, "00003.jpg", b"text"),
        "broken: .*00003.jpg is no picture",
    ),
    "cut-off picture": (_cut_picture, "broken: .*00003.jpg is cut off"),
}


@pytest.mark.parametrize(("make", "reason"), BROKEN.values(), ids=BROKEN)
def test_an_unusable_clip_is_named_with_the_reason(
    tmp_path: Path, make: Callable[[Path], Path], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = make(tmp_path)
    for use in (lambda: read_frames(clip, "34870", range(4)), lambda: list(iterate_frames(clip, "34870"))):
        with pytest.raises(ClipError, match=f"^clip 34870: {reason}") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""  # no codec chatter that names no clip


def test_frames_of_different_sizes_are_an_error(tmp_path: Path) -> None:
    clip = write_folder(tmp_path / "clip", [*grey_frames(2), *grey_frames(1, 32, 32)])
    with pytest.raises(ClipError, match="frames of different sizes"):
        read_frames(clip, "x", [0, 2])


def test_a_clip_error_crosses_processes_whole() -> None:
    error = pickle.loads(pickle.dumps(ClipError("7", "empty")))
    assert (error.name, error.reason, str(error)) == ("7", "empty", "clip 7: empty")
    assert isinstance(error, UserError)


def test_files_and_cache_are_clip_sources(tmp_path: Path) -> None:
    clips = open_clips(write_jester(tmp_path, {"7": 1}, ["A", "B"]), "train")
    assert isinstance(clips, ClipSource)
    assert isinstance(CachedClips(clips, short_side=32, progress=False), ClipSource)


def test_the_frame_count_is_remembered(tmp_path: Path) -> None:
    clips = open_clips(write_jester(tmp_path, {"7": 1}, ["A", "B"]), "train")
    assert clips.frame_count(0) == 12
    clips.index.records[0].path.rename(tmp_path / "gone")
    assert clips.frame_count(0) == 12
    with pytest.raises(ClipError, match="clip 7: missing"):
        clips.frames(0, [0])


def broken_and_good(root: Path) -> FileClips:
    """Clip 0 is good (12 frames), clip 1 is broken."""
    write_jester(root, {"7": 1, "8": 0}, ["A", "B"])
    (root / "20bn-jester-v1" / "8" / "00005.jpg").write_bytes(b"")
    return open_clips(root, "train")


def test_the_cache_holds_the_frames_shrunk(tmp_path: Path) -> None:
    source = broken_and_good(tmp_path)
    cached = CachedClips(source, short_side=24, progress=False)
    assert (len(cached), cached.labels, cached.label_of(0), cached.name_of(1)) == (2, ["A", "B"], 1, "8")
    assert cached.frame_count(0) == 12
    assert cached.nbytes == 12 * 24 * 32 * 3
    frames = cached.frames(0, [11, 2])
    assert frames.shape == (2, 24, 32, 3)
    assert [number_of(frame) for frame in frames] == [11, 2]
    frames[:] = 0  # a copy: what the caller does to it stays his
    assert number_of(cached.frames(0, [11])[0]) == 11
    with pytest.raises(ClipError, match="clip 7: too short: frame 12"):
        cached.frames(0, [12])


def test_the_cache_enlarges_nothing(tmp_path: Path) -> None:
    source = broken_and_good(tmp_path)
    frames = CachedClips(source, short_side=500, progress=False).frames(0, [3])
    np.testing.assert_array_equal(frames, source.frames(0, [3]))


def test_the_cache_reports_a_broken_clip_when_it_is_asked_for(tmp_path: Path) -> None:
    cached = CachedClips(broken_and_good(tmp_path), short_side=24, progress=False)
    for use in (lambda: cached.frame_count(1), lambda: cached.frames(1, [0])):
        with pytest.raises(ClipError, match=r"clip 8: empty: .*00005.jpg"):
            use()


def test_the_cache_refuses_to_fill_the_memory(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="train without the cache"):
        CachedClips(broken_and_good(tmp_path), short_side=24, max_gib=1e-5, progress=False)


def test_real_videos_decode() -> None:
    expected = {"demo.mp4": (280, 256, 340), "part_0.mp4": (32, 256, 340), "test.avi": (164, 240, 320)}
    for file, (count, height, width) in expected.items():
        video = shared_data("videos") / file
        assert count_frames(video, file) == count
        frames = read_frames(video, file, [count - 1, 0])
        assert frames.shape == (2, height, width, 3)
        assert frames.std() > 10
        assert np.abs(frames[0].astype(int) - frames[1]).mean() > 1


def test_random_access_equals_decoding_in_order_on_a_real_clip() -> None:
    clips = open_clips(shared_data("gestures"), "validation")
    assert (len(clips), len(clips.labels)) == (59, 17)
    every = list(clips.iterate_frames(0))
    assert clips.frame_count(0) == len(every)
    wanted = [len(every) - 1, 0, len(every) // 2]
    np.testing.assert_array_equal(clips.frames(0, wanted), np.stack([every[i] for i in wanted]))
