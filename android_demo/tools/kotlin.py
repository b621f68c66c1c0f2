"""kotlinc and java without Gradle: the compiler of ``libraries.txt`` over folders of sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from android_demo.tools.libraries import BUILD, paths
from training.common.errors import UserError
from training.common.files import atomic_path

# What dx, which desugars nothing, and phones from Android 8 on can take.
OPTIONS = (
    "-jvm-target", "1.8", "-Xlambdas=class", "-Xsam-conversions=class", "-Xstring-concat=inline", "-Werror",
    "-no-stdlib", "-no-reflect",
)  # fmt: skip
_COMPILER = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
CORE = Path(__file__).resolve().parents[1] / "core" / "src"


@dataclass(frozen=True)
class Compilation:
    """Sources that become one jar.

    Attributes:
        jar: the name of its file in ``build/android``.
        sources: folders of Kotlin files.
        libraries: jars to compile against.
        friend: a jar of which the sources may use what is internal.
    """

    jar: str
    sources: tuple[Path, ...]
    libraries: tuple[Path, ...]
    friend: Path | None = None

    @property
    def path(self) -> Path:
        """Where the jar lies."""
        return BUILD / self.jar

    def files(self) -> list[Path]:
        """All Kotlin files, sorted."""
        return sorted(file for folder in self.sources for file in folder.rglob("*.kt"))

    def key(self) -> str:
        """Changes with whatever the jar depends on."""
        digest = hashlib.sha256("\0".join(OPTIONS).encode())
        for file in (*self.files(), *self.libraries):
            digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
        return digest.hexdigest()


def require_java() -> str:
    """The java program.

    Raises:
        UserError: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise UserError("there is no java; run android_demo/install_tools.sh")
    return found


def compile_kotlin(compilation: Compilation) -> Path:
    """The jar, made anew only where something changed.

    Raises:
        UserError: no java, a library that is not here, or what the compiler complains of.
    """
    stamp = compilation.path.with_suffix(".key")
    key = compilation.key()
    if compilation.path.is_file() and stamp.is_file() and stamp.read_text() == key:
        return compilation.path
    compiler = [require_java(), *_SHORT_LIVED, "-cp", class_path(paths("kotlinc")), _COMPILER]
    friends = [f"-Xfriend-paths={compilation.friend}"] if compilation.friend else []
    with atomic_path(compilation.path) as temporary:
        ended = subprocess.run(
            [*compiler, *OPTIONS, *friends, "-cp", class_path(compilation.libraries), "-d", str(temporary),
             *map(str, compilation.files())],
            capture_output=True, text=True,
        )  # fmt: skip
        if ended.returncode:
            raise UserError(f"kotlinc refuses {compilation.jar}:\n{ended.stderr.strip()}")
    stamp.write_text(key)
    return compilation.path


def class_path(files: Sequence[Path]) -> str:
    """As java's -cp takes it."""
    return os.pathsep.join(map(str, files))


def core() -> Compilation:
    """The app's own code that needs no Android. Android has org.json itself; the JVM takes it from a library."""
    return Compilation("core.jar", (CORE / "main" / "kotlin",), tuple(paths("core", "platform")))


def core_tests() -> Compilation:
    """The tests of ``core``, and its benchmark."""
    jar = core().path
    return Compilation("core-tests.jar", (CORE / "test" / "kotlin",), (jar, *paths("core", "platform", "test")), jar)
