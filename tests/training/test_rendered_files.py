"""Rendered gestures on disk: as a Jester data set, as a contact sheet, and as kept frames."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest

from training.common.errors import UserError
from training.formats import open_clips
from training.rendered import (
    KeptFrames,
    RenderedClips,
    contact_sheet,
    jester_labels,
    write_jester_layout,
    write_picture,
)
from training.rendered.__main__ import main


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layout") / "clips"
    splits = {"train": 5, "validation": 2, "test": 1}
    write_jester_layout(RenderedClips(8, seed=4), folder, splits, progress=False)
    return folder


def test_layout_reads_back_as_jester(layout: Path) -> None:
    source = RenderedClips(8, seed=4)
    assert (layout / "jester-v1-labels.csv").read_text().splitlines() == list(jester_labels())
    assert (layout / "jester-v1-test.csv").read_text() == "8\n"
    first = 0
    for split, count in {"train": 5, "validation": 2}.items():
        written = open_clips(layout, split)
        assert len(written) == count and tuple(written.labels) == jester_labels()
        for k in range(count):
            assert written.name_of(k) == str(first + k + 1)
            assert written.label_of(k) == source.label_of(first + k)
            assert written.frame_count(k) == source.frame_count(first + k)
        error = np.abs(written.frames(0, [3, 20]).astype(int) - source.frames(first, [3, 20]))
        assert error.mean() < 6, "the colours or the order of the frames changed on the way"
        first += count


def test_layout_never_overwrites_unasked(layout: Path, tmp_path: Path) -> None:
    source = RenderedClips(2, seed=4)
    with pytest.raises(UserError, match="--force"):
        write_jester_layout(source, layout, {"train": 2}, progress=False)
    foreign = tmp_path / "home"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="other files"):
        write_jester_layout(source, foreign, {"train": 2}, force=True, progress=False)
    assert (foreign / "letter.txt").read_text() == "dear"


def test_layout_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clips"
    write_jester_layout(RenderedClips(2, seed=1), folder, {"train": 2}, progress=False)
    before = (folder / "jester-v1-train.csv").read_text()

    class Broken(RenderedClips):
        def frames(self, index: int, frame_indices: object) -> np.ndarray:
            raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left"):
        write_jester_layout(Broken(3, seed=2), folder, {"train": 3}, force=True, progress=False)
    assert (folder / "jester-v1-train.csv").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["clips"], "something half written was left behind"
    write_jester_layout(RenderedClips(3, seed=2), folder, {"train": 3}, force=True, progress=False)
    assert len((folder / "jester-v1-train.csv").read_text().splitlines()) == 3


def test_splits_must_fit(tmp_path: Path) -> None:
    source = RenderedClips(3, seed=1)
    for splits in ({"train": 4}, {"train": -1, "test": 2}, {}, {"training": 2}):
        with pytest.raises(UserError, match="split"):
            write_jester_layout(source, tmp_path / "clips", splits, progress=False)
    assert not list(tmp_path.iterdir())


def test_contact_sheet_shows_every_gesture_in_a_small_file(tmp_path: Path) -> None:
    source = RenderedClips(27, seed=0)
    sheet = contact_sheet(source)
    file = tmp_path / "sheet.jpg"
    write_picture(file, sheet)
    assert file.stat().st_size < 600_000
    read = cv2.imread(str(file))
    assert read is not None
    read = read[..., ::-1]
    assert read.shape == sheet.shape and np.abs(read.astype(int) - sheet).mean() < 12
    with pytest.raises(UserError, match=r"\.jpg or \.png"):
        write_picture(tmp_path / "sheet.doc", sheet)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--out", str(tmp_path / "clips"), "--clips", "3", "--validation", "1", "--seed", "2"])
    assert "2 train, 1 validation, 0 test" in capsys.readouterr().out
    assert len(open_clips(tmp_path / "clips", "train")) == 2
    with pytest.raises(SystemExit) as usage:
        main([])
    assert usage.value.code == 2


@pytest.mark.minutes
def test_command_line_errors_are_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.rendered", "--out", str(tmp_path / "x"), "--clips", "0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 1
    assert done.stderr == "error: count is 0; rendered clips need count >= 1\n"
    assert not list(tmp_path.iterdir())


def test_kept_frames_are_those_that_were_drawn(tmp_path: Path) -> None:
    clips = RenderedClips(4, 5, height=48, width=64)
    kept = KeptFrames(clips, tmp_path)
    assert (len(kept), kept.labels, kept.name_of(2), kept.endless) == (4, clips.labels, clips.name_of(2), True)
    assert [kept.frame_count(9), kept.label_of(9)] == [clips.frame_count(9), clips.label_of(9)]
    wanted = [7, 1, 1]
    first = kept.frames(2, wanted)
    np.testing.assert_array_equal(first, clips.frames(2, wanted))
    with mock.patch.object(RenderedClips, "frames", side_effect=AssertionError("drawn twice")):
        np.testing.assert_array_equal(KeptFrames(clips, tmp_path).frames(2, wanted), first)
    assert not np.array_equal(kept.frames(2, [1, 7, 1]), first) and not np.array_equal(kept.frames(3, wanted), first)
    other = RenderedClips(4, 6, height=48, width=64)
    np.testing.assert_array_equal(KeptFrames(other, tmp_path).frames(2, wanted), other.frames(2, wanted))


def test_a_damaged_kept_file_is_named(tmp_path: Path) -> None:
    kept = KeptFrames(RenderedClips(4, 5, height=48, width=64), tmp_path)
    kept.frames(0, [0])
    (file,) = tmp_path.rglob("*.npy")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match=rf"{file.name} is damaged .*remove it"):
        kept.frames(0, [0])
