"""`sth clips`: what a data set holds, and which of its clips cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from clip_files import grey_frames, write_jester, write_video

from training.common.errors import UserError
from training.formats.__main__ import main


def video_folder(folder: Path, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "clips.csv").write_text("file,label,subject,split\n" + "".join(f"{line}\n" for line in lines))
    return folder


def test_a_sound_data_set_is_counted_and_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_jester(tmp_path, {"1": 0, "2": 1, "3": 1}, ["Wave", "Fist"])
    write_jester(tmp_path / "other", {"9": 0}, ["Wave", "Fist"], split="test")
    (tmp_path / "other" / "jester-v1-test.csv").rename(root / "jester-v1-test.csv")
    (tmp_path / "other" / "20bn-jester-v1" / "9").rename(root / "20bn-jester-v1" / "9")
    assert main([str(root), "--json", str(tmp_path / "check.json")]) == 0
    shown = capsys.readouterr().out
    assert "0 of 4 clips cannot be used" in shown
    assert "12, 12, 12" in shown
    assert "(no label)" in shown
    found = json.loads((tmp_path / "check.json").read_text())
    assert found["splits"]["train"]["per_label"] == {"Wave": 1, "Fist": 2}
    assert found["splits"]["test"]["clips"] == 1
    assert found["notes"] == []


def test_clips_that_cannot_be_used_are_named_and_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{name}.mp4,Wave,anna,train" for name in ("good", "short", "broken", "missing")]
    root = video_folder(tmp_path, *lines, "late.mp4,Fist,anna,validation")
    for name, frames in (("good", 9), ("late", 9), ("short", 3)):
        write_video(root / "clips" / f"{name}.mp4", grey_frames(frames))
    (root / "clips" / "broken.mp4").write_text("no video")
    assert main([str(root), "--split", "train", "--json", str(tmp_path / "check.json")]) == 1
    shown = capsys.readouterr().out
    assert "train short.mp4: too short: 3 frames, 8 segments need at least 8" in shown
    assert "train broken.mp4: broken: " in shown
    assert "train missing.mp4: missing: there is no" in shown
    assert "3 of 4 clips cannot be used" in shown
    problems = json.loads((tmp_path / "check.json").read_text())["splits"]["train"]["problems"]
    assert sorted(problems) == ["broken.mp4", "missing.mp4", "short.mp4"]
    assert main([str(root), "--split", "train", "--segments", "3"]) == 1
    assert "2 of 4 clips cannot be used" in capsys.readouterr().out


def test_people_in_two_splits_and_lacking_classes_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = video_folder(tmp_path, "a.mp4,Wave,anna,train", "b.mp4,Fist,ben,train", "c.mp4,Wave,anna,validation")
    for name in "abc":
        write_video(root / f"{name}.mp4", grey_frames(9))
    assert main([str(root)]) == 0
    shown = capsys.readouterr().out
    assert "note train and validation show the same people: anna" in shown
    assert "note validation has no clip of Fist" in shown


def test_rendered_clips_can_be_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rendered:4:1"]) == 0
    assert "0 of 4 clips cannot be used" in capsys.readouterr().out


def test_a_folder_with_labels_and_no_split_is_explained(tmp_path: Path) -> None:
    (tmp_path / "jester-v1-labels.csv").write_text("Wave\n")
    with pytest.raises(UserError, match="has labels but no split"):
        main([str(tmp_path)])


@pytest.mark.minutes
def test_bad_input_is_one_line_and_status_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.formats", str(tmp_path / "nowhere")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[2])
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_bad_options_are_usage_errors() -> None:
    for arguments in ([], ["data", "--segments", "0"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
