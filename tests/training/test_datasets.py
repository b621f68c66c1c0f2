"""`sth data check`: counts, missing and broken files, and the contact sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from clip_files import ArrayClips, grey_frames, level_of, write_jester
from commands import run_command
from dataset_files import (
    write_hmdb51,
    write_kinetics,
    write_something_v1,
    write_something_v2,
    write_ucf101,
)

from training import datasets
from training.clips.sampling import centre_segment_frames
from training.clips.sheet import contact_sheet, one_clip_per_label
from training.clips.source import ClipError
from training.common.files import read_json

THREE = ("train1", "validation1", "train2", "validation2", "train3", "validation3")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, datasets.main, *arguments)


@pytest.mark.parametrize(
    ("name", "write", "clips"),
    [
        ("jester", lambda root: write_jester(root, {"1": 0, "2": 1}, ["Wave", "Fist"]), {"train": 2}),
        ("something_v1", write_something_v1, {"train": 2, "validation": 1, "test": 1}),
        ("something_v2", write_something_v2, {"train": 2, "validation": 1, "test": 1}),
        ("kinetics400", write_kinetics, {"train": 2, "validation": 1, "test": 1}),
        ("ucf101", write_ucf101, dict.fromkeys(THREE, 2)),
        (
            "hmdb51",
            write_hmdb51,
            {"train1": 2, "validation1": 2, "train2": 4, "validation2": 2, "train3": 4, "validation3": 2},
        ),
    ],
)
def test_a_sound_data_set_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    name: str, write: Callable[[Path], Path], clips: dict[str, int],
) -> None:  # fmt: skip
    root = write(tmp_path / "data")
    picture, found = tmp_path / "sheet.png", tmp_path / "found.json"
    assert run(monkeypatch, "check", name, str(root), "--sheet", str(picture), "--json", str(found)) == 0
    written = read_json(found, "findings")
    assert {split: values["clips"] for split, values in written["splits"].items()} == clips
    shown = capsys.readouterr().out
    assert f"0 of {sum(clips.values())} clips cannot be used" in shown
    assert f"note {name} was published with" in shown and "classes; here are 2" in shown
    assert ("train was published with" in shown) == (name in ("jester", "something_v1", "something_v2"))
    assert "same people" not in shown
    assert cv2.imread(str(picture)).shape[0] == 94


def test_missing_and_broken_files_are_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = write_ucf101(tmp_path / "data")
    (root / "UCF-101" / "YoYo" / "v_YoYo_g02_c01.avi").unlink()
    (root / "UCF-101" / "YoYo" / "v_YoYo_g03_c01.avi").write_text("no video")
    sheet = ["--sheet", str(tmp_path / "sheet.jpg")]
    assert run(monkeypatch, "check", "ucf101", f"{root}#1", *sheet) == 1
    shown = capsys.readouterr().out
    assert "train1 v_YoYo_g02_c01: missing: there is no" in shown
    assert "validation1 v_YoYo_g03_c01: broken" in shown
    assert "2 of 4 clips cannot be used" in shown
    assert "train2" not in shown
    # undecoded clips are looked for, and not looked into
    assert run(monkeypatch, "check", "ucf101", f"{root}#1", "--decode", "1", *sheet) == 1
    shown = capsys.readouterr().out
    assert "1 of 4 clips cannot be used" in shown and "missing" in shown


def test_each_picture_of_a_folder_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Training draws any of them; evaluation of eight segments sees neither of these two."""
    root = write_jester(tmp_path, {"1": 0, "2": 1, "3": 0}, ["Wave", "Fist"])
    assert not {1, 4} & set(centre_segment_frames(12, 8)[0].tolist())
    (root / "20bn-jester-v1" / "1" / "00002.jpg").write_bytes(b"")
    cv2.imwrite(str(root / "20bn-jester-v1" / "2" / "00005.jpg"), np.zeros((10, 10, 3), np.uint8))
    assert run(monkeypatch, "check", "jester", str(root), "--sheet", str(tmp_path / "s.jpg")) == 1
    shown = capsys.readouterr().out
    assert "train 1: empty: " in shown and "00002.jpg has 0 bytes" in shown
    assert "train 2: broken: its pictures have different sizes" in shown
    assert "2 of 3 clips cannot be used" in shown


def test_people_of_one_split_are_not_compared_with_those_of_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = write_ucf101(tmp_path)
    lists = root / "ucfTrainTestlist"
    (lists / "testlist02.txt").write_text("YoYo/v_YoYo_g03_c01.avi\n")  # in trainlist02 too
    assert run(monkeypatch, "check", "ucf101", str(root), "--decode", "0", "--sheet", str(tmp_path / "s.jpg")) == 0
    assert "train2 and validation2 show the same people: YoYo 03" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["something_v2", "UCF"], "holds ucf101, not something_v2"),
        (["jester", "V1"], "holds something_v1, not jester"),
        (["ucf101", "absent"], "there is no absent"),
        (["ucf101", "UCF", "--segments", "0"], "--segments is 0"),
        (["ucf101", "UCF", "--decode", "-1"], "--decode is -1"),
        (["ucf101", "UCF", "--sheet", "sheet.doc", "--decode", "0"], ".jpg or .png"),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    reason: str,
) -> None:
    roots = {"UCF": write_ucf101(tmp_path / "ucf"), "V1": write_something_v1(tmp_path / "v1")}
    given = [str(roots.get(word, word)) for word in arguments]
    assert run(monkeypatch, "check", *given) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and reason in lines[0], lines


def test_a_contact_sheet_shows_frames_over_time() -> None:
    source = ArrayClips([np.stack(grey_frames(6)), np.stack(grey_frames(12))], ["Wave", "Fist"], [0, 1])
    sheet = contact_sheet(source, [0, 1], frames=3, columns=1, tile=(24, 32))
    assert sheet.shape == (2 * (18 + 24), 3 * 32, 3)
    assert [int(sheet[30, 16 + 32 * column, 0]) for column in range(3)] == [level_of(n) for n in (1, 3, 5)]
    assert [int(sheet[72, 16 + 32 * column, 0]) for column in range(3)] == [level_of(n) for n in (2, 6, 10)]
    wide = contact_sheet(source, [0, 1, 0], frames=3, columns=2, tile=(24, 32))
    assert wide.shape == (2 * 42, 2 * 96 + 8, 3)


def test_a_contact_sheet_keeps_shapes_and_names_broken_clips() -> None:
    tall = np.full((4, 40, 10, 3), 200, np.uint8)

    class Broken(ArrayClips):
        def frames(self, index: int, frame_indices: object) -> np.ndarray:
            if index == 1:
                raise ClipError("array-1", "broken")
            return super().frames(index, frame_indices)  # type: ignore[arg-type]

    source = Broken([tall, tall], ["Wave"], [0, 0])
    sheet = contact_sheet(source, [0, 1], frames=1, columns=1, tile=(20, 20))
    row = sheet[18 + 10, :, 0].tolist()
    assert row.count(200) == 5 and row.count(128) == 15
    assert (sheet[18 + 20 + 18 :] == 128).all()


def test_labels_are_spread_over_the_sheet() -> None:
    source = ArrayClips([np.zeros((1, 2, 2, 3), np.uint8)] * 8, list("ABCD"), [3, 0, 1, 1, 2, 0, 3, 3])
    assert one_clip_per_label(source, 9) == [1, 2, 4, 0]
    assert one_clip_per_label(source, 2) == [1, 0]
