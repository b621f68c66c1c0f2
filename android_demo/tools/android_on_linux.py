"""Android's native libraries in a process of Linux: bionic's few own functions over glibc (``bionic/``).

An APK's libraries for x86_64 are code of this processor. What they miss on Linux is Android's C library, of which they
call some 280 functions; all but two dozen are glibc's of the same name. Nothing in the libraries is changed.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from training.common.errors import UserError

ABI = "x86_64"
SOURCES = Path(__file__).with_name("bionic")
_EMPTY = ("libm.so", "libdl.so", "libandroid.so")
"""Their functions are in our libc.so too, or are never called; each must be there by name."""
_VERSIONS = "LIBC { }; LIBC_N { };"
_EXPORTED = re.compile(r"^EXPORT(?:_AS)?\((\w+)", re.MULTILINE)
_FORWARD = ".globl bionic_{0}\n.type bionic_{0}, @function\nbionic_{0}: jmp {0}@PLT\n.symver bionic_{0}, {0}@{1}\n"


def complete(folder: Path) -> None:
    """Put what Android's libraries in ``folder`` need of Android's system beside them.

    A process that has ``folder`` in LD_LIBRARY_PATH from its start can load them.

    Raises:
        UserError: another processor or system, no C compiler, or a library needs a function that is nowhere.
    """
    if (platform.system(), platform.machine()) != ("Linux", ABI):
        raise UserError(
            f"Android's libraries of {ABI} run on Linux of that processor only; this is {platform.platform()}"
        )
    versions, forwards = folder / "versions.map", folder / "forwards.S"
    versions.write_text(_VERSIONS, encoding="utf-8")
    forwards.write_text(_forwards(sorted(folder.glob("*.so"))), encoding="utf-8")
    for name in _EMPTY:
        _link(folder / name, [], versions)
    _link(folder / "liblog.so", [SOURCES / "liblog.c"])
    _link(folder / "libc.so", [SOURCES / "libc.c", forwards], versions)


def _forwards(libraries: Sequence[Path]) -> str:
    """Assembly of the functions of bionic that ``libraries`` name and ``libc.c`` has not."""
    own = set(_EXPORTED.findall((SOURCES / "libc.c").read_text(encoding="utf-8")))
    wanted = {symbol for library in libraries for symbol in _missing(library)}
    lines = [_FORWARD.format(name, version) for name, version in sorted(wanted) if name not in own]
    return ".text\n" + "".join(lines) + '.section .note.GNU-stack, "", @progbits\n'


def _missing(library: Path) -> list[tuple[str, str]]:
    """Symbols with a version of bionic that a library asks for: names and versions."""
    said = _run(["nm", "-D", "--undefined-only", str(library)])
    return re.findall(r" [Uw] (\w+)@(LIBC\w*)$", said, re.MULTILINE)


def _link(library: Path, sources: Sequence[Path], versions: Path | None = None) -> None:
    options = ["-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-Wl,-z,defs", f"-Wl,-soname,{library.name}"]
    if versions:
        options.append(f"-Wl,--version-script={versions}")
    files = list(map(str, sources)) or ["-x", "c", "/dev/null"]
    _run(["gcc", *options, *files, "-o", str(library), "-lm", "-ldl"])


def _run(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        raise UserError(f"there is no {command[0]}; run android_demo/install_tools.sh")
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise UserError(f"{command[0]} failed over Android's libraries:\n{ended.stderr.strip()[-2000:]}")
    return ended.stdout
