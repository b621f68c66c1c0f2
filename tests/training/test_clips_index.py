"""The clip index: both formats read as published, and every bad line named."""

from __future__ import annotations

from pathlib import Path

import pytest
from clip_files import grey_frames, number_of, write_folder, write_jester, write_video
from shared_data import shared_data

from training.clips import UNLABELLED
from training.common.errors import UserError
from training.formats import is_rendered, open_clips, open_data, with_seed
from training.formats.opening import read_index, splits_of

LABELS = ("Swiping Left", "Swiping Right", "No gesture")
HEADER = "file,label,subject,split"


def csv_folder(folder: Path, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "clips.csv").write_text("".join(f"{line}\n" for line in lines))
    return folder


def error_of(path: Path, split: str = "train", **options: object) -> str:
    with pytest.raises(UserError) as caught:
        read_index(path, split, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_jester_is_read_as_published(tmp_path: Path) -> None:
    root = write_jester(tmp_path / "jester", {"34870": 2, "17": 0}, LABELS)
    clips = open_clips(root, "train")
    assert clips.labels == list(LABELS)
    assert [clips.name_of(i) for i in range(len(clips))] == ["34870", "17"]
    assert [clips.label_of(i) for i in range(len(clips))] == [2, 0]
    assert clips.index.records[0].path == root / "20bn-jester-v1" / "34870"
    assert clips.frame_count(0) == 12
    assert [number_of(frame) for frame in clips.frames(0, [0, 11])] == [0, 11]


def test_the_test_split_of_jester_has_ids_and_no_labels(tmp_path: Path) -> None:
    root = write_jester(tmp_path, {"5": 0}, LABELS, split="test")
    clips = open_data(str(root), "test")
    assert clips.label_of(0) == UNLABELLED
    assert clips.name_of(0) == "5"


@pytest.mark.minutes
def test_official_jester_lists_are_read(tmp_path: Path) -> None:
    csvs = shared_data("jester")
    indices = {split: read_index(csvs, split, clips_folder=tmp_path) for split in splits_of(csvs)}
    sizes = {split: len(index) for split, index in indices.items()}
    assert sizes == {"train": 118562, "validation": 14787, "test": 14743}
    train = indices["train"]
    assert len(train.labels) == 27
    first = train.records[0]
    assert (first.name, train.labels[first.label]) == ("34870", "Drumming Fingers")


@pytest.mark.parametrize("given", [".", "labels"])
def test_the_present_release_of_jester_is_read(tmp_path: Path, given: str) -> None:
    """Its archive of annotations holds labels/labels.csv, train.csv, validation.csv, test.csv and test-answers.csv."""
    root = write_jester(tmp_path, {"34870": 2, "17": 0}, LABELS)
    (root / "labels").mkdir()
    for name in ("labels", "train"):
        (root / f"jester-v1-{name}.csv").rename(root / "labels" / f"{name}.csv")
    (root / "labels" / "test-answers.csv").write_text("5;No gesture\n")
    clips = open_clips(root / given, "train")
    assert [(clips.name_of(i), clips.label_of(i), clips.frame_count(i)) for i in (0, 1)] == [
        ("34870", 2, 12),
        ("17", 0, 12),
    ]
    assert splits_of(root / given) == ["train", "test"]
    write_folder(root / "20bn-jester-v1" / "5", grey_frames(12))
    test = open_clips(root / given, "test")
    assert (test.name_of(0), test.labels[test.label_of(0)]) == ("5", "No gesture")
    (root / "labels" / "train.csv").write_text("17;No gesture\n8;Waving\n")
    assert "labels/train.csv:2: the label 'Waving' is not one of the 3 of labels.csv" in error_of(root / given)


@pytest.mark.parametrize("place", ["beside", "parent", "among", "elsewhere"])
def test_jester_clips_are_found_where_they_lie(tmp_path: Path, place: str) -> None:
    root = write_jester(tmp_path / "csvs", {"7": 1}, LABELS)
    clips = root / "20bn-jester-v1"
    data = str(root)
    if place == "parent":
        clips.rename(tmp_path / "20bn-jester-v1")
    elif place == "among":
        (clips / "7").rename(root / "7")
        clips.rmdir()
    elif place == "elsewhere":
        clips.rename(tmp_path / "disk")
        data = f"{root}::{tmp_path / 'disk'}"
    assert open_data(data, "train").frame_count(0) == 12


def test_windows_line_ends_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    root = write_jester(tmp_path, {"7": 1}, LABELS)
    (root / "jester-v1-train.csv").write_bytes(b"\xef\xbb\xbf7;Swiping Right\r\n\r\n")
    assert read_index(root, "train").records[0].label == 1


def test_ids_count_in_the_label_list_of_a_checkpoint(tmp_path: Path) -> None:
    root = write_jester(tmp_path, {"7": 1, "8": 0}, LABELS)
    index = read_index(root, "train", ["Swiping Right", "Swiping Left", "No gesture", "Thumb Up"])
    assert index.labels[3] == "Thumb Up"
    assert [record.label for record in index.records] == [0, 1]
    assert "jester-v1-train.csv:1: the label 'Swiping Right' is not one of the 1" in error_of(root, labels=["A"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("8,Swiping Left", "train.csv:2: expected 'id;label', found '8,Swiping Left'"),
        ("8", "train.csv:2: expected 'id;label', found '8'"),
        ("8;", "train.csv:2: expected 'id;label'"),
        ("8;Swiping Left;x", "train.csv:2: expected 'id;label'"),
        (
            "8;Swiping Lift",
            "train.csv:2: the label 'Swiping Lift' is not one of the 3 of jester-v1-labels.csv (did you",
        ),
        ("7;Swiping Left", "train.csv:2: the clip 7 was on line 1 already"),
        ("\xff", "train.csv:2: not UTF-8 text"),
    ],
)
def test_a_bad_line_of_jester_is_named(tmp_path: Path, line: str, expected: str) -> None:
    root = write_jester(tmp_path, {"7": 1}, LABELS)
    (root / "jester-v1-train.csv").write_bytes(b"7;Swiping Left\n" + line.encode("latin-1"))
    assert expected in error_of(root)


def test_bad_jester_folders_are_explained(tmp_path: Path) -> None:
    root = write_jester(tmp_path / "jester", {"7": 1}, LABELS)
    assert f"{root / 'jester-v1-validation.csv'} is missing" in error_of(root, "validation")
    assert "has no split 'valid'; it has train, validation, test" in error_of(root, "valid")
    (root / "20bn-jester-v1").rename(tmp_path / "moved")
    assert "20bn-jester-v1/<id>/00001.jpg" in error_of(root)
    assert "is not a folder" in error_of(root, clips_folder=tmp_path / "nowhere")
    (root / "jester-v1-labels.csv").write_text("A\nB\nA\n")
    assert "jester-v1-labels.csv:3: the label 'A' was on line 1 already" in error_of(root)
    (root / "jester-v1-labels.csv").write_text("\n")
    assert "jester-v1-labels.csv is empty" in error_of(root)
    (root / "jester-v2-labels.csv").write_text("A\n")
    assert "2 label lists" in error_of(root)


def test_an_empty_split_is_an_error_and_is_not_listed(tmp_path: Path) -> None:
    root = write_jester(tmp_path, {"7": 1}, LABELS)
    (root / "jester-v1-test.csv").write_text("")
    assert splits_of(root) == ["train"]
    assert "jester-v1-test.csv is empty" in error_of(root, "test")


def test_a_folder_of_videos_is_read(tmp_path: Path) -> None:
    folder = csv_folder(
        tmp_path / "mine",
        HEADER,
        "b.mp4,Wave,anna,train",
        "in/a.avi,Fist,ben,validation",
        '"c,d",Wave,anna,train',
    )
    write_video(folder / "b.mp4", grey_frames(10))  # beside the csv
    write_video(folder / "clips" / "in" / "a.avi", grey_frames(11), "MJPG")  # in clips/
    write_folder(folder / "clips" / "c,d", grey_frames(9))  # pictures in place of a video
    for data in (folder, folder / "clips.csv"):
        train, validation = open_clips(data, "train"), open_clips(data, "validation")
        assert train.labels == validation.labels == ["Fist", "Wave"]  # one list for all splits
        assert [train.label_of(0), validation.label_of(0)] == [1, 0]
        assert [train.frame_count(0), train.frame_count(1), validation.frame_count(0)] == [10, 9, 11]
        assert train.index.records[0].subject == "anna"
    assert splits_of(folder) == ["train", "validation"]


def test_the_subject_may_be_left_out_and_the_order_of_columns_is_free(tmp_path: Path) -> None:
    folder = csv_folder(tmp_path, "split,file,label", "train,a.mp4,Wave")
    record = read_index(folder, "train").records[0]
    assert (record.name, record.subject) == ("a.mp4", "")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "clips.csv lists no clips"),
        ([HEADER], "clips.csv lists no clips"),
        (["a.mp4,Wave,anna,train"], "clips.csv:1: expected a header 'file,label,subject,split'"),
        (["file;label;subject;split"], "clips.csv:1: fields are separated by commas"),
        (["file,label,split,colour"], "clips.csv:1: expected a header"),
        ([HEADER, "a.mp4,Wave,train"], "clips.csv:2: expected 4 fields (file,label,subject,split), found 3"),
        ([HEADER, "a.mp4;Wave;anna;train"], "clips.csv:2: expected 4 fields"),
        ([HEADER, "a.mp4,,anna,train"], "clips.csv:2: the field 'label' is empty"),
        (
            [HEADER, "a.mp4,Wave,,train", "a.mp4,Wave,,train"],
            "clips.csv:3: the file a.mp4 was on line 2 already",
        ),
        ([HEADER, "a.mp4,Wave,,training"], "has no split 'train'; it has training"),
    ],
)
def test_a_bad_line_of_a_video_csv_is_named(tmp_path: Path, lines: list[str], expected: str) -> None:
    assert expected in error_of(csv_folder(tmp_path, *lines))


def test_a_label_that_the_checkpoint_lacks_is_named(tmp_path: Path) -> None:
    folder = csv_folder(tmp_path, HEADER, "a.mp4,Wave,,train", "b.mp4,Fist,,train")
    assert "clips.csv:3: the label 'Fist' is not one of the 1 of the given label list" in error_of(
        folder, labels=["Wave"]
    )


def test_paths_that_are_no_data_set_are_explained(tmp_path: Path) -> None:
    assert "there is no" in error_of(tmp_path / "nowhere")
    assert "holds no data set: expected jester-v1-labels.csv or labels.csv, clips.csv" in error_of(tmp_path)
    folder = csv_folder(tmp_path, HEADER, "a.mp4,Wave,,train")
    assert "is not a folder" in error_of(folder, clips_folder=tmp_path / "nowhere")


def test_rendered_data_is_opened_by_count_and_seed() -> None:
    first, second = open_data("rendered:3:1", "train"), open_data("rendered:3:2", "train")
    assert len(first) == 3
    assert len(first.labels) == 27
    assert (first.frames(0, [0]) != second.frames(0, [0])).any()
    assert open_data("rendered:3:1", "validation", first.labels).labels == first.labels


@pytest.mark.parametrize(
    "data", ["rendered", "rendered:3", "rendered:0:1", "rendered:x:1", "rendered:3:-1", "rendered:1:2:3"]
)
def test_bad_rendered_data_is_explained(data: str) -> None:
    with pytest.raises(UserError, match="expected rendered:COUNT:SEED"):
        open_data(data, "train")


def test_the_seed_of_rendered_data_can_be_left_out() -> None:
    assert with_seed("rendered:20", 4) == "rendered:20:4"
    assert with_seed("rendered_stream:20", 4) == "rendered_stream:20:4"
    assert with_seed("rendered:20:1", 4) == "rendered:20:1"
    assert with_seed("folder:x", 4) == "folder:x"
    assert not is_rendered("rendered_by_me") and with_seed("rendered_by_me:x", 4) == "rendered_by_me:x"


def test_rendered_data_has_the_labels_of_jester_only() -> None:
    with pytest.raises(UserError, match="the network was trained on others"):
        open_data("rendered:3:1", "train", ["Wave"])
