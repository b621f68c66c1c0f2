"""Whether an ExecuTorch program can be read by the native library beside it, by what both say of themselves.

The artefacts are written by the version in ``pyproject.toml``, and the native library may be older. It reads a program
if it expects the same identifier of the file's format (a FlatBuffers schema) and of the XNNPACK delegate's format, and
has the operators that are not in a delegate.
"""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

_DELEGATE = b"XnnpackBackend"
_HEADER = b"XH00"  # of what was lowered to XNNPACK, 4 bytes after its beginning
_OPERATOR = re.compile(rb"([a-z_]+::[A-Za-z_]\w*)\0")
RUNTIME = "libexecutorch.so"


def faults(program: bytes, runtime: bytes) -> list[str]:
    """Why the native library ``runtime`` would refuse ``program``; empty where it would not."""
    found = []
    if program[4:6] != b"ET":
        return ["it is no ExecuTorch program"]
    if program[4:8] not in runtime:
        found.append(f"its format is {program[4:8].decode(errors='replace')}, which the runtime does not know")
    if _DELEGATE in program and _DELEGATE not in runtime:
        found.append("it was lowered to XNNPACK, which the runtime lacks")
    for version in sorted(delegate_formats(program)):
        if version not in runtime:
            found.append(f"its XNNPACK format is {version.decode(errors='replace')}, which the runtime does not know")
    for name in sorted(set(_OPERATOR.findall(program))):
        if name not in runtime:
            found.append(f"the runtime lacks the operator {name.decode()}")
    return found


def delegate_formats(program: bytes) -> set[bytes]:
    """Identifiers of all pieces that were lowered to XNNPACK."""
    versions = set()
    for match in re.finditer(re.escape(_HEADER), program):
        (offset,) = struct.unpack_from("<I", program, match.start() + 6)
        begin = match.start() - 4 + offset
        versions.add(program[begin + 4 : begin + 8])
    return versions


def faults_of(apk: Path) -> list[str]:
    """Of all programs in an APK with each of its native libraries."""
    with zipfile.ZipFile(apk) as archive:
        names = archive.namelist()
        runtimes = {name: archive.read(name) for name in names if name.endswith(f"/{RUNTIME}")}
        programs = {name: archive.read(name) for name in names if name.endswith(".pte")}
    return [
        f"{name} cannot be read by {library}: {fault}"
        for name, program in programs.items()
        for library, runtime in runtimes.items()
        for fault in faults(program, runtime)
    ]
