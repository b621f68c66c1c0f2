"""Writes data sets of a few clips as their owners publish them, one function a format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from clip_files import grey_frames, write_folder, write_video

UCF_CLASSES = ("ApplyEyeMakeup", "YoYo")
HMDB_CLASSES = ("brush_hair", "wave")
KINETICS_HEADER = "label,youtube_id,time_start,time_end,split,is_cc"
V2_LABELS = ("Holding something next to something", "Pushing something from left to right")


def write_clips(paths: Sequence[Path], frames: int = 9) -> None:
    """The same video under many names."""
    codec = {".webm": "VP80", ".avi": "MJPG", ".mp4": "mp4v"}[paths[0].suffix]
    first = write_video(paths[0], grey_frames(frames), codec)
    for path in paths[1:]:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(first, path)


def write_lines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_something_v1(root: Path) -> Path:
    prefix = "something-something-v1"
    write_lines(root / f"{prefix}-labels.csv", "Closing something", "Pretending to close something, without closing it")
    write_lines(
        root / f"{prefix}-train.csv", "7;Closing something", "3;Pretending to close something, without closing it"
    )
    write_lines(root / f"{prefix}-validation.csv", "5;Closing something")
    write_lines(root / f"{prefix}-test.csv", "9")
    for name in "7359":
        write_folder(root / f"20bn-{prefix}" / name, grey_frames(9))
    return root


def v2_entry(name: str, template: str) -> str:
    words = {"id": name, "label": "holding a cup", "template": template, "placeholders": ["a cup"]}
    return json.dumps(words, ensure_ascii=False)


def write_something_v2(root: Path, *, prefix: str = "", labels: str = "labels") -> Path:
    """One entry a line, as published."""
    folder = root / labels
    ids = {label: str(number) for number, label in enumerate(V2_LABELS)}
    write_lines(folder / f"{prefix}labels.json", json.dumps(dict(reversed(ids.items())), indent=1))
    holding, pushing = "Holding [something] next to [something]", "Pushing [something] from left to right"
    write_lines(folder / f"{prefix}train.json", "[", v2_entry("78687", pushing) + ",", v2_entry("42", holding), "]")
    write_lines(folder / f"{prefix}validation.json", "[" + v2_entry("11", holding) + "]")
    write_lines(folder / f"{prefix}test.json", '[{"id":"1420"}]')
    write_clips([root / "20bn-something-something-v2" / f"{name}.webm" for name in ("78687", "42", "11", "1420")])
    return root


def write_kinetics(root: Path, layout: str = "{split}/{label}/{name}.mp4") -> Path:
    """CVDF's folders by default."""
    write_lines(
        root / "train.csv",
        KINETICS_HEADER,
        '"playing harp",-0YL5YYNqWA,6,16,train,0',
        "abseiling,0347ZoDXyP0,95,105,train,0",
    )
    write_lines(root / "val.csv", KINETICS_HEADER, "playing harp,0wR5jVB-WPk,417,427,validate,0")
    write_lines(root / "test.csv", "youtube_id,time_start,time_end,split,is_cc", "--0NTAs-fA0,29,39,test,0")
    clips = [
        ("train", "playing harp", "-0YL5YYNqWA_000006_000016"),
        ("train", "abseiling", "0347ZoDXyP0_000095_000105"),
        ("val", "playing harp", "0wR5jVB-WPk_000417_000427"),
    ]
    paths = [root / layout.format(split=split, label=label, name=name) for split, label, name in clips]
    write_clips([*paths, root / "test" / "--0NTAs-fA0_000029_000039.mp4"])
    return root


def write_ucf101(root: Path) -> Path:
    lists = root / "ucfTrainTestlist"
    write_lines(lists / "classInd.txt", *(f"{number} {name}" for number, name in enumerate(UCF_CLASSES, start=1)))
    for number in (1, 2, 3):
        training, testing = (f"g{(number + shift) % 3 + 1:02d}_c01.avi" for shift in (0, 1))
        write_lines(
            lists / f"trainlist0{number}.txt",
            *(f"{name}/v_{name}_{training} {place}" for place, name in enumerate(UCF_CLASSES, start=1)),
        )
        write_lines(lists / f"testlist0{number}.txt", *(f"{name}/v_{name}_{testing}" for name in UCF_CLASSES))
    groups = [(name, group) for name in UCF_CLASSES for group in (1, 2, 3)]
    write_clips([root / "UCF-101" / name / f"v_{name}_g{group:02d}_c01.avi" for name, group in groups])
    return root


def write_hmdb51(root: Path) -> Path:
    for label in HMDB_CLASSES:
        names = [f"{clip}_{label}_u_nm_np1_ba_goo_0.avi" for clip in ("April", "May", "June")]
        for number in (1, 2, 3):
            codes = ("1", "2", "0") if number == 1 else ("2", "1", "1")
            lines = [f"{name} {code} " for name, code in zip(names, codes, strict=True)]
            write_lines(root / "testTrainMulti_7030_splits" / f"{label}_test_split{number}.txt", *lines)
        write_clips([root / label / name for name in names])
    return root
