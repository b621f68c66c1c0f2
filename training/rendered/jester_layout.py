"""Write clips to disk exactly as Jester was published: csv lists, and one folder of numbered jpgs a clip."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.common.errors import UserError
from training.common.files import atomic_path
from training.rendered.clips import RenderedClips

PREFIX = "jester-v1"
CLIPS_FOLDER = "20bn-jester-v1"
SPLITS = ("train", "validation", "test")


def write_jester_layout(
    source: RenderedClips,
    folder: Path | str,
    splits: Mapping[str, int],
    *,
    force: bool = False,
    quality: int = 95,
    progress: bool = True,
) -> None:
    """Write the clips of `source` as a Jester data set; `folder` is whole at the end or unchanged.

    Args:
        source: clip i becomes the id i + 1; the splits take its clips one after the other.
        folder: receives `jester-v1-labels.csv`, a list for each split (`id;label`, for test only `id`) and
            `20bn-jester-v1/<id>/00001.jpg` and so on.
        splits: number of clips in "train", "validation" and "test"; a split left out gets an empty list.
        force: replace a data set that is there. Anything else is never replaced.
        quality: of the jpgs, 1 to 100.

    Raises:
        UserError: the folder is taken or cannot be written, or the splits do not fit the source.
    """
    folder = Path(folder).resolve()
    _check_splits(source, splits)
    _check_target(folder, force)
    with atomic_path(folder) as temporary:
        try:
            temporary.mkdir()
            _write_lists(source, temporary, splits)
            total = sum(splits.values())
            for index in tqdm(range(total), desc=f"rendering to {folder}", unit="clip", disable=not progress):
                _write_clip(source, index, temporary / CLIPS_FOLDER / str(index + 1), quality)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"cannot write {folder}: {reason}; make room or name another folder") from error


def write_picture(target: Path | str, picture_HWC: np.ndarray, *, quality: int = 88) -> None:
    """Write one RGB picture (uint8) as jpg or png, by the name's ending, atomically. Raises UserError."""
    target = Path(target)
    if target.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise UserError(f"{target}: pictures are written as .jpg or .png; give the file one of these endings")
    if target.is_dir():
        raise UserError(f"{target} is a folder; name a picture file in it")
    with atomic_path(target) as temporary:
        try:
            temporary.write_bytes(_encoded(picture_HWC, target.suffix.lower(), quality))
        except OSError as error:
            raise UserError(f"cannot write {target}: {error.strerror or error}") from error


def _check_splits(source: RenderedClips, splits: Mapping[str, int]) -> None:
    unknown = sorted(set(splits) - set(SPLITS))
    if unknown:
        raise UserError(f"unknown split {unknown[0]!r}; Jester has {', '.join(SPLITS)}")
    if min(splits.values(), default=0) < 0 or not 0 < sum(splits.values()) <= len(source):
        wanted = ", ".join(f"{name} {count}" for name, count in splits.items())
        raise UserError(f"the splits ({wanted}) must hold 1 to {len(source)} clips in all, none below 0")


def _check_target(folder: Path, force: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder} is there and is no folder; name another")
    if not any(folder.iterdir()):
        return
    if not (folder / f"{PREFIX}-labels.csv").is_file():
        raise UserError(f"{folder} holds other files; name a new folder")
    if not force:
        raise UserError(f"{folder} holds a data set already; add --force to replace it, or name another")


def _write_lists(source: RenderedClips, folder: Path, splits: Mapping[str, int]) -> None:
    def write(name: str, lines: list[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        (folder / f"{PREFIX}-{name}.csv").write_text(text, encoding="utf-8")

    write("labels", source.labels)
    first = 0
    for split in SPLITS:
        indices = range(first, first + splits.get(split, 0))
        if split == "test":
            write(split, [str(index + 1) for index in indices])
        else:
            write(split, [f"{index + 1};{source.labels[source.label_of(index)]}" for index in indices])
        first = indices.stop


def _write_clip(source: RenderedClips, index: int, folder: Path, quality: int) -> None:
    folder.mkdir(parents=True)
    for number, picture in enumerate(source.frames(index, range(source.frame_count(index))), start=1):
        (folder / f"{number:05d}.jpg").write_bytes(_encoded(picture, ".jpg", quality))


def _encoded(picture_HWC: np.ndarray, suffix: str, quality: int) -> bytes:
    options = [] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(suffix, cv2.cvtColor(picture_HWC, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise UserError(f"OpenCV could not encode a picture as {suffix}; reinstall opencv-python")
    return data.tobytes()
