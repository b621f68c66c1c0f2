"""What a phone would refuse in an APK: ``python -m android_demo.tools.check_apk [APK]``."""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

from android_demo.tools.apk import APK, run, versions
from android_demo.tools.libraries import BUILD
from training.errors import UserError, run_cli

LARGEST_MB = 25.0
LARGE_PAGE = 16 * 1024
_INVOKE_CUSTOM = {0x0007: "call sites", 0x0008: "method handles"}  # of dex 038; dx desugars nothing
SMALL_PAGES_ONLY = ("libtensorflowlite_jni.so",)
"""Not laid out for pages of 16 KB by its makers (TensorFlow Lite up to 2.16): phones with such pages have no LiteRT."""


def check(apk: Path) -> list[str]:
    """Faults of an APK, empty where there is none.

    Raises:
        UserError: no APK, or a tool that is not here.
    """
    if not apk.is_file():
        raise UserError(f"there is no {apk}; python -m android_demo.tools.apk makes it")
    faults = [*_signature(apk), *_alignment(apk), *_manifest(apk), *_dex(apk), *_native(apk)]
    size = apk.stat().st_size / 1e6
    return faults + ([f"it has {size:.1f} MB; at most {LARGEST_MB:.0f}"] if size > LARGEST_MB else [])


def _signature(apk: Path) -> list[str]:
    said = run(["apksigner", "verify", "-v", "--min-sdk-version", versions()["minSdk"], apk], "verifying")
    return [f"it is not signed by scheme v{n}" for n in (2, 3) if f"(APK Signature Scheme v{n}): true" not in said]


def _alignment(apk: Path) -> list[str]:
    run(["zipalign", "-c", "4", apk], "checking the alignment")
    return []


def _manifest(apk: Path) -> list[str]:
    said, wanted = run(["aapt", "dump", "badging", apk], "reading the manifest"), versions()
    lines = (
        f"sdkVersion:'{wanted['minSdk']}'",
        f"targetSdkVersion:'{wanted['targetSdk']}'",
        "uses-permission: name='android.permission.CAMERA'",
        "launchable-activity: name='org.sthmobile.gesture.ui.MainActivity'",
    )
    faults = [f"its manifest lacks {line}" for line in lines if line not in said]
    asked = [line for line in said.splitlines() if line.startswith("uses-permission") and line != lines[2]]
    return faults + [f"its manifest asks for more than the camera: {line}" for line in asked]


def _dex(apk: Path) -> list[str]:
    """Sections of a dex that a phone older than Android 8 refuses, and that dx makes where it cannot desugar."""
    with zipfile.ZipFile(apk) as archive:
        dex = archive.read("classes.dex")
    (place,) = struct.unpack_from("<I", dex, 0x34)
    (count,) = struct.unpack_from("<I", dex, place)
    kinds = {struct.unpack_from("<H", dex, place + 4 + 12 * number)[0] for number in range(count)}
    return [f"its dex holds {name}" for kind, name in _INVOKE_CUSTOM.items() if kind in kinds]


def _native(apk: Path) -> list[str]:
    """Native libraries of both processors, laid out for pages of 16 KB."""
    BUILD.mkdir(parents=True, exist_ok=True)
    faults = []
    with zipfile.ZipFile(apk) as archive, tempfile.TemporaryDirectory(dir=BUILD) as name:
        libraries = [entry for entry in archive.namelist() if entry.endswith(".so")]
        for abi in ("arm64-v8a", "x86_64"):
            for wanted in ("libexecutorch.so", "libtensorflowlite_jni.so"):
                if f"lib/{abi}/{wanted}" not in libraries:
                    faults.append(f"it lacks {wanted} for {abi}")
        for library in libraries:
            said = run(["readelf", "-lW", archive.extract(library, name)], "reading a native library")
            steps = [int(line.split()[-1], 16) for line in said.splitlines() if line.split()[:1] == ["LOAD"]]
            if not steps or (min(steps) < LARGE_PAGE and Path(library).name not in SMALL_PAGES_ONLY):
                faults.append(f"{library} is laid out for pages of {min(steps, default=0)} bytes, not of {LARGE_PAGE}")
    return faults


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m android_demo.tools.check_apk", description=__doc__)
    parser.add_argument("apk", nargs="?", type=Path, default=APK)
    apk = parser.parse_args(sys.argv[1:]).apk
    faults = check(apk)
    for fault in faults:
        print(f"error: {apk}: {fault}", file=sys.stderr)
    if not faults:
        small = ", ".join(SMALL_PAGES_ONLY)
        print(f"{apk}: signed (v2, v3), aligned, {apk.stat().st_size / 1e6:.1f} MB; pages of 16 KB but for {small}")
    return 1 if faults else 0


if __name__ == "__main__":
    run_cli(main)
