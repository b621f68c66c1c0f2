"""What the runtimes' packages hold for an app: classes, and native libraries by processor."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from android_demo.tools.libraries import BUILD, paths
from android_demo.tools.pages import lay_out
from training.common.errors import UserError
from training.common.files import atomic_path

ABIS = ("arm64-v8a", "x86_64")
EXECUTORCH = "1.3"
"""Version of the ExecuTorch that the list of libraries has inside an npm package; its files do not say it."""
UNPACKED = BUILD / "unpacked"
_NPM_CLASSES = "package/android/libs/classes.jar"
_NPM_NATIVE = "package/third-party/android/libs/executorch/"


def classes(*uses: str) -> list[Path]:
    """Jars of all libraries that are needed for one of ``uses``, taken out of their packages.

    Raises:
        UserError: a library is not here.
    """
    return [_classes_of(path) for path in paths(*uses)]


def native_libraries(*uses: str) -> dict[str, bytes]:
    """Native libraries, by their path in an APK: ``lib/ABI/NAME.so``; for pages of 16 KB where that is possible.

    Raises:
        UserError: a library is not here, or a processor's is missing.
    """
    found: dict[str, bytes] = {}
    for path in paths(*uses):
        members = {name: content() for name, content in _members(path) if name.startswith("lib/")}
        if members and {name.split("/")[1] for name in members} != set(ABIS):
            raise UserError(f"{path.name} has native libraries for {sorted(members)}; expected {', '.join(ABIS)}")
        found |= {name: _for_large_pages(content) for name, content in members.items()}
    return found


def _for_large_pages(library: bytes) -> bytes:
    try:
        return lay_out(library)
    except UserError:
        return library  # check_apk says which these are, and refuses one that it does not know


def _classes_of(path: Path) -> Path:
    if path.suffix == ".jar":
        return path
    jar = UNPACKED / f"{path.stem}.jar"
    if not jar.is_file() or jar.stat().st_mtime < path.stat().st_mtime:
        content = next((content() for name, content in _members(path) if name == "classes.jar"), None)
        if content is None:
            raise UserError(f"{path.name} holds no classes.jar")
        with atomic_path(jar) as temporary:
            temporary.write_bytes(content)
    return jar


def _members(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names, as in an APK, and contents of what an app takes of an AAR or an npm package."""
    if path.suffix == ".aar":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                place = _place(name, "jni/", "classes.jar")
                if place:
                    yield place, lambda name=name: archive.read(name)  # type: ignore[misc]
    elif path.suffix == ".tgz":
        with tarfile.open(path) as archive:
            for member in archive:
                place = _place(member.name, _NPM_NATIVE, _NPM_CLASSES)
                if place:
                    yield place, lambda member=member: archive.extractfile(member).read()  # type: ignore[misc,union-attr]


def _place(name: str, native: str, classes_jar: str) -> str | None:
    if name == classes_jar:
        return "classes.jar"
    if name.endswith(".so") and name.startswith(tuple(f"{native}{abi}/" for abi in ABIS)):
        return f"lib/{name.removeprefix(native)}"
    return None
