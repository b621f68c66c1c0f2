"""A folder of golden vectors: ``manifest.json``, which describes every other file, and raw little-endian arrays."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from training.common.errors import UserError
from training.common.files import read_json, write_json

VERSION = 1
MANIFEST = "manifest.json"
JSON = "json"
_TYPES = {name: np.dtype(name).newbyteorder("<") for name in ("uint8", "int8", "int32", "float32")}
_AGAIN = "write the folder again with sth golden"


class GoldenWriter:
    """Fills a folder, and remembers what is in it.

    Args:
        folder: is made; it must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, dict[str, Any]] = {}
        folder.mkdir(parents=True)

    def add(self, name: str, array: np.ndarray, layout: str) -> str:
        """Write an array of one of the five types, C order; ``layout`` is a letter per axis. Returns ``name``."""
        kind = array.dtype.name
        content = np.ascontiguousarray(array, _TYPES[kind]).tobytes()
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self._describe(name, kind, list(array.shape), layout)

    def add_json(self, name: str, content: Any) -> str:
        """Write a JSON file. Returns ``name``."""
        write_json(self.folder / name, content)
        return self._describe(name, JSON, None, None)

    def finish(self, content: dict[str, Any]) -> None:
        """Write the manifest: the description of all files, and ``content``."""
        write_json(
            self.folder / MANIFEST,
            {"kind": "golden", "version": VERSION, **content, "files": dict(sorted(self._files.items()))},
        )

    def _describe(self, name: str, kind: str, shape: list[int] | None, layout: str | None) -> str:
        content = (self.folder / name).read_bytes()
        self._files[name] = {
            "type": kind,
            "shape": shape,
            "layout": layout,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return name


class GoldenFolder:
    """A folder that a ``GoldenWriter`` filled; that its files are those of the manifest is checked at once.

    Attributes:
        manifest: its content.

    Raises:
        UserError: no manifest, another version, or a file that is missing, changed, of another size than its shape
            says, or not in the manifest.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        path = self.folder / MANIFEST
        self.manifest: dict[str, Any] = read_json(path, "manifest of golden vectors")
        if not isinstance(self.manifest, dict) or self.manifest.get("kind") != "golden":
            raise UserError(f"{path} is no manifest of golden vectors; {_AGAIN}")
        if self.manifest.get("version") != VERSION:
            raise UserError(f"{path} is of version {self.manifest.get('version')}; this program reads {VERSION}")
        files = self.manifest.get("files")
        if not isinstance(files, dict):
            raise UserError(f"{path} describes no files; {_AGAIN}")
        for name, about in files.items():
            self._verify(name, about)
        for found in sorted(each for each in self.folder.rglob("*") if each.is_file()):
            name = found.relative_to(self.folder).as_posix()
            if name not in files and name != MANIFEST:
                raise UserError(f"{found} is not in the manifest; {_AGAIN}")

    @property
    def bytes(self) -> int:
        """Size of all files but the manifest."""
        return sum(about["bytes"] for about in self.manifest["files"].values())

    def array(self, name: str) -> np.ndarray:
        """The values of a file, in its shape.

        Raises:
            UserError: the manifest has no such array.
        """
        about = self.manifest["files"].get(name)
        if about is None or about["type"] not in _TYPES:
            raise UserError(f"{self.folder / MANIFEST} has no array {name}; {_AGAIN}")
        kind = _TYPES[about["type"]]
        return np.frombuffer((self.folder / name).read_bytes(), kind).reshape(about["shape"]).astype(about["type"])

    def require(self, name: str, wanted: np.ndarray) -> None:
        """Refuse a file that does not hold these values.

        Raises:
            UserError: another type or shape, or other values.
        """
        found, path = self.array(name), self.folder / name
        if (found.dtype, found.shape) != (wanted.dtype, wanted.shape):
            raise UserError(
                f"{path} is {found.dtype} {found.shape}; the code makes {wanted.dtype} {wanted.shape}; {_AGAIN}"
            )
        differ = int((found != wanted).sum())
        if differ:
            raise UserError(f"{path} differs from what the code computes in {differ} of {wanted.size} values; {_AGAIN}")

    def _verify(self, name: str, about: Any) -> None:
        path = self.folder / name
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts:
            raise UserError(f"{self.folder / MANIFEST} names {name}, a file outside of its folder; {_AGAIN}")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}; {_AGAIN}") from error
        try:
            kind, shape = about["type"], about["shape"]
            size, digest = about["bytes"], about["sha256"]
            wanted = size if kind == JSON else math.prod(shape) * _TYPES[kind].itemsize
            lettered = kind == JSON or len(about["layout"]) == len(shape)
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{self.folder / MANIFEST}: {name} has no whole description ({error!r}); {_AGAIN}"
            ) from error
        if wanted != size or not lettered:
            raise UserError(f"{path}: {kind} of shape {shape}, layout {about['layout']}, is not {size} bytes; {_AGAIN}")
        if len(content) != size:
            raise UserError(f"{path} has {len(content)} bytes; its manifest says {size}; {_AGAIN}")
        if hashlib.sha256(content).hexdigest() != digest:
            raise UserError(f"{path} was changed: its sha256 is not the manifest's; {_AGAIN}")
