"""Something-Something, Kinetics-400, UCF-101 and HMDB-51 as published, and every bad line named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clip_files import grey_frames, number_of, write_folder
from dataset_files import (
    KINETICS_HEADER,
    UCF_CLASSES,
    V2_LABELS,
    v2_entry,
    write_hmdb51,
    write_kinetics,
    write_lines,
    write_something_v1,
    write_something_v2,
    write_ucf101,
)

from training.clips import UNLABELLED, FileClips
from training.common.errors import UserError
from training.formats import open_data
from training.formats.opening import read_index, recognise, splits_of


def opened(data: Path | str, split: str) -> FileClips:
    source = open_data(str(data), split)
    assert isinstance(source, FileClips)
    return source


def names_of(source: FileClips) -> list[str]:
    return [record.name for record in source.index.records]


def error_of(path: Path, split: str = "train", labels: list[str] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read_index(path, split, labels)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("write", "kind", "splits"),
    [
        (write_something_v1, "jester", ["train", "validation", "test"]),
        (write_something_v2, "something_v2", ["train", "validation", "test"]),
        (write_kinetics, "kinetics400", ["train", "validation", "test"]),
        (write_ucf101, "ucf101", ["train1", "validation1", "train2", "validation2", "train3", "validation3"]),
        (write_hmdb51, "hmdb51", ["train1", "validation1", "train2", "validation2", "train3", "validation3"]),
    ],
)
def test_a_format_is_known_by_its_files(
    write: Callable[[Path], Path], kind: str, splits: list[str], tmp_path: Path
) -> None:
    root = write(tmp_path / "data")
    assert recognise(root)[0] == kind
    assert splits_of(root) == splits
    for split in splits:
        source = opened(root, split)
        for index in range(len(source)):
            assert source.frame_count(index) == 9
            assert [number_of(frame) for frame in source.frames(index, [0, 8])] == [0, 8]
    assert opened(root, "train").index.labels == opened(root, "validation").index.labels


def test_something_v1_has_the_format_of_jester(tmp_path: Path) -> None:
    train, test = (opened(write_something_v1(tmp_path / split), split) for split in ("train", "test"))
    assert train.labels[1] == "Pretending to close something, without closing it"
    assert [train.label_of(index) for index in (0, 1)] == [0, 1]
    assert test.label_of(0) == UNLABELLED


@pytest.mark.parametrize("prefix", ["", "something-something-v2-"])
@pytest.mark.parametrize("labels", ["labels", "."])
def test_something_v2_is_read_as_published(tmp_path: Path, prefix: str, labels: str) -> None:
    root = write_something_v2(tmp_path, prefix=prefix, labels=labels)
    train = opened(root, "train")
    assert train.labels == list(V2_LABELS)  # by id, not by place
    assert [train.label_of(index) for index in (0, 1)] == [1, 0]
    assert names_of(train) == ["78687", "42"]
    assert opened(root, "test").label_of(0) == UNLABELLED


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"1420;{V2_LABELS[1]}", f"7;{V2_LABELS[0]}"], None),
        ([f"7;{V2_LABELS[0]}"], "test.json:1: the clip 1420 has no line in "),
        (["1420;Holding"], "test-answers.csv:1: the label 'Holding' is not one of"),
        ([f"1420;{V2_LABELS[1]}", f"1420;{V2_LABELS[0]}"], "test-answers.csv:2: expected 'id;label', each id once"),
        (["1420"], "test-answers.csv:1: expected 'id;label'"),
    ],
)
def test_answers_give_the_test_clips_of_something_v2_their_labels(
    tmp_path: Path, lines: list[str], expected: str | None
) -> None:
    root = write_something_v2(tmp_path)
    write_lines(root / "labels" / "test-answers.csv", *lines)
    if expected is None:
        assert opened(root, "test").label_of(0) == 1
    else:
        assert expected in error_of(root, "test")


def test_something_v2_may_be_folders_of_pictures(tmp_path: Path) -> None:
    root = write_something_v2(tmp_path)
    for name in ("78687", "42"):
        write_folder(tmp_path / "frames" / name, grey_frames(11))
    assert opened(f"{root}::{tmp_path / 'frames'}", "train").frame_count(1) == 11


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["[", v2_entry("1", "Holding [something]"), "]"], "train.json:2: the label 'Holding something' is not one of"),
        (["[", '{"id": "1"},', "]"], "train.json:2: expected an object with id and template"),
        (["[", '{"id": 1, "template": "x"}', "]"], "train.json:2: expected an object with id and template"),
        (["[", v2_entry("1", V2_LABELS[0]) + ",", v2_entry("1", V2_LABELS[0]), "]"], "train.json:3: the clip 1 was in"),
        (["[", v2_entry("1", V2_LABELS[0]) + ",", '{"id": "2",', "]"], "train.json:4: not valid JSON"),
        (["[", v2_entry("1", V2_LABELS[0])], "not valid JSON"),
        (["[", v2_entry("1", V2_LABELS[0]), v2_entry("2", V2_LABELS[0]), "]"], "train.json:3: not valid JSON"),
        (["[", v2_entry("1", V2_LABELS[0]) + ",", "]"], "train.json:3: not valid JSON"),
        (["[", v2_entry("1", V2_LABELS[0]), "]", "["], "train.json:3: not valid JSON"),
        (["{}"], "train.json:1: expected a list of clips"),
        (["[]"], "lists no clips"),
    ],
)
def test_a_bad_entry_of_something_v2_is_named(tmp_path: Path, lines: list[str], expected: str) -> None:
    root = write_something_v2(tmp_path)
    write_lines(root / "labels" / "train.json", *lines)
    assert expected in error_of(root)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["{", ' "A": "0",', ' "B": "0"', "}"], "labels.json:3: 'B' has the id '0'"),
        (["{", ' "A": "7"', "}"], "labels.json:2: 'A' has the id '7'"),
        (["{", ' "A" "0"', "}"], "labels.json:2: not valid JSON"),
        (["[]"], "labels.json:1: expected an object"),
    ],
)
def test_a_bad_label_list_of_something_v2_is_named(tmp_path: Path, lines: list[str], expected: str) -> None:
    root = write_something_v2(tmp_path)
    write_lines(root / "labels" / "labels.json", *lines)
    assert expected in error_of(root)


@pytest.mark.parametrize(
    "layout", ["{split}/{label}/{name}.mp4", "{split}/{name}.mp4", "{label}/{name}.mp4", "{name}.mp4"]
)
def test_kinetics_is_found_in_each_layout(tmp_path: Path, layout: str) -> None:
    root = write_kinetics(tmp_path, layout)
    train, validation, test = (opened(root, split) for split in ("train", "validation", "test"))
    assert train.labels == ["abseiling", "playing harp"]
    assert names_of(train) == ["-0YL5YYNqWA_000006_000016", "0347ZoDXyP0_000095_000105"]
    assert [train.label_of(0), validation.label_of(0), test.label_of(0)] == [1, 1, UNLABELLED]
    assert train.frame_count(0) == validation.frame_count(0) == 9


def test_kinetics_keeps_the_clips_that_are_gone(tmp_path: Path) -> None:
    """They are in the index, so that the check can count them; the layout is told by those that are there."""
    root = write_kinetics(tmp_path)
    (root / "train" / "playing harp" / "-0YL5YYNqWA_000006_000016.mp4").unlink()
    train = opened(root, "train")
    assert len(train) == 2
    with pytest.raises(UserError, match=r"missing: there is no .*train/playing harp"):
        train.frame_count(0)
    (root / "train" / "abseiling" / "0347ZoDXyP0_000095_000105.mp4").unlink()
    assert "has no clips of train.csv" in error_of(root)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("abseiling,x,1,11,train", "train.csv:2: expected 6 fields"),
        ("abseiling,x,one,11,train,0", "train.csv:2: expected a label, an id and whole seconds"),
        ("abseiling,,1,11,train,0", "train.csv:2: expected a label, an id"),
        (",x,1,11,train,0", "train.csv:2: expected a label"),
    ],
)
def test_a_bad_line_of_kinetics_is_named(tmp_path: Path, line: str, expected: str) -> None:
    root = write_kinetics(tmp_path)
    write_lines(root / "train.csv", KINETICS_HEADER, line)
    assert expected in error_of(root)


def test_more_of_kinetics_is_explained(tmp_path: Path) -> None:
    root = write_kinetics(tmp_path)
    write_lines(root / "val.csv", KINETICS_HEADER, "playing harps,0wR5jVB-WPk,417,427,validate,0")
    assert "val.csv:2: the label 'playing harps' is not one of the 2 of train.csv (did you mean 'playing harp'?)" in (
        error_of(root, "validation")
    )
    same = "abseiling,0347ZoDXyP0,95,105,train,0"
    write_lines(root / "train.csv", KINETICS_HEADER, same, same)
    assert "train.csv:3: the clip 0347ZoDXyP0_000095_000105 was in" in error_of(root)
    write_lines(root / "train.csv", "label,youtube_id,start,end", "a,b,1,2")
    assert "train.csv:1: expected the header" in error_of(root)
    (root / "test.csv").unlink()
    assert "has no split 'test'; it has train, validation" in error_of(root, "test")


def test_the_three_splits_of_ucf101(tmp_path: Path) -> None:
    root = write_ucf101(tmp_path)
    assert opened(root, "train").labels == list(UCF_CLASSES)
    assert names_of(opened(root, "train")) == names_of(opened(root, "train1")) == names_of(opened(f"{root}#1", "train"))
    second = opened(f"{root}#2", "validation")
    assert names_of(second) == ["v_ApplyEyeMakeup_g01_c01", "v_YoYo_g01_c01"]
    assert [record.subject for record in second.index.records] == ["ApplyEyeMakeup 01", "YoYo 01"]
    assert names_of(opened(root / "ucfTrainTestlist", "train")) == names_of(opened(root, "train"))
    assert "has no split 'test1'; it has train1, validation1" in error_of(root, "test")
    (root / "UCF-101").rename(root / "elsewhere")
    assert names_of(opened(f"{root}#2::{root / 'elsewhere'}", "validation")) == names_of(second)
    assert "UCF-101 is not a folder: expected <class>/<name>.avi" in error_of(root)


@pytest.mark.parametrize(
    ("file", "split", "line", "expected"),
    [
        ("trainlist01.txt", "train", "YoYo/v_YoYo_g01_c01.avi", "trainlist01.txt:1: expected 'Class/v_Class"),
        ("trainlist01.txt", "train", "YoYo/v_YoYo_g01_c01.avi 1", "trainlist01.txt:1: YoYo is class 2 of classInd.txt"),
        ("trainlist01.txt", "train", "v_YoYo_g01_c01.avi 2", "trainlist01.txt:1: expected"),
        ("trainlist01.txt", "train", "Yoyo/v_YoYo_g01_c01.avi 2", "trainlist01.txt:1: the label 'Yoyo' is not one of"),
        ("testlist01.txt", "validation", "YoYo/v_YoYo_g01_c01.avi 2", "testlist01.txt:1: expected"),
        ("testlist01.txt", "validation", "YoYo/v_YoYo_g01_c01.mp4", "testlist01.txt:1: expected"),
        ("classInd.txt", "train", "2 YoYo", "classInd.txt:1: expected '1 Class' with a new class"),
        ("classInd.txt", "train", "YoYo", "classInd.txt:1: expected"),
    ],
)
def test_a_bad_line_of_ucf101_is_named(tmp_path: Path, file: str, split: str, line: str, expected: str) -> None:
    root = write_ucf101(tmp_path)
    write_lines(root / "ucfTrainTestlist" / file, line)
    assert expected in error_of(root, split)


def test_the_three_splits_of_hmdb51(tmp_path: Path) -> None:
    root = write_hmdb51(tmp_path)
    train, validation, second = (opened(root, split) for split in ("train", "validation", "train2"))
    assert train.labels == ["brush_hair", "wave"]
    assert names_of(train)[0] == "brush_hair/April_brush_hair_u_nm_np1_ba_goo_0.avi"
    assert [len(train), len(validation), len(second)] == [2, 2, 4]
    (root / "videos").mkdir()
    for label in ("brush_hair", "wave"):
        (root / label).rename(root / "videos" / label)
    assert opened(root, "train").frame_count(1) == 9
    (root / "videos").rename(root / "elsewhere")
    assert "has no clips: expected" in error_of(root)
    assert opened(f"{root}::{root / 'elsewhere'}", "train").frame_count(1) == 9


@pytest.mark.parametrize("line", ["clip.avi 3", "clip.avi", "clip.mp4 1", "1"])
def test_a_bad_line_of_hmdb51_is_named(tmp_path: Path, line: str) -> None:
    root = write_hmdb51(tmp_path)
    write_lines(root / "testTrainMulti_7030_splits" / "wave_test_split1.txt", line)
    assert "wave_test_split1.txt:1: expected '<name>.avi 1' with 1 for training" in error_of(root)


@pytest.mark.parametrize("write", [write_something_v2, write_kinetics, write_ucf101, write_hmdb51])
def test_ids_count_in_the_label_list_of_a_checkpoint(write: Callable[[Path], Path], tmp_path: Path) -> None:
    root = write(tmp_path)
    labels = list(reversed(read_index(root, "train").labels))
    index, plain = read_index(root, "train", labels), read_index(root, "train")
    assert index.labels == labels
    assert [record.label for record in index.records] == [1 - record.label for record in plain.records]
    assert "is not one of the 1 of the given label list" in error_of(root, labels=["nothing"])


def test_other_data_has_no_numbered_splits(tmp_path: Path) -> None:
    root = write_something_v1(tmp_path)
    with pytest.raises(UserError, match="has no split 'train2'"):
        open_data(f"{root}#2", "train")
