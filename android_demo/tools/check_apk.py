"""What a phone would refuse in an APK: ``python -m android_demo.tools.check_apk [APK]``."""

from __future__ import annotations

import argparse
import re
import struct
import sys
import zipfile
from pathlib import Path

from android_demo.tools.apk import APK, run, versions
from android_demo.tools.native import ABIS
from android_demo.tools.pages import fault
from android_demo.tools.programs import faults_of
from training.common.errors import UserError, run_cli

LARGEST_MB = 25.0
_INVOKE_CUSTOM = {0x0007: "call sites", 0x0008: "method handles"}  # of dex 038; dx desugars nothing
SMALL_PAGES_ONLY = ("lib/x86_64/libtensorflowlite_jni.so",)
"""Code and data of TensorFlow Lite 2.16 share a page of 16 KB here: emulators with such pages have no LiteRT."""


def check(apk: Path) -> list[str]:
    """Faults of an APK, empty where there is none.

    Raises:
        UserError: no APK, or a tool that is not here.
    """
    if not apk.is_file():
        raise UserError(f"there is no {apk}; python -m android_demo.tools.apk makes it")
    faults = [*_signature(apk), *_alignment(apk), *_manifest(apk), *_dex(apk), *_native(apk), *faults_of(apk)]
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
    needed = [line.strip() for line in said.splitlines() if line.strip().startswith("uses-feature:")]
    faults += [f"phones without it cannot install it: {line}" for line in needed if "faketouch" not in line]
    tree = run(["aapt", "dump", "xmltree", apk, "AndroidManifest.xml"], "reading the manifest")
    faults += [f"any app may start its {name}" for name in open_components(tree)]
    return faults + [f"its manifest asks for more than the camera: {line}" for line in asked]


def open_components(tree: str) -> list[str]:
    """Names of exported components that ask for no permission, but for the launcher's, of aapt's dump of a manifest."""
    found = []
    for part in re.split(r"E: (?=activity|service|receiver|provider)", tree)[1:]:
        name = re.search(r'android:name\(\w+\)="([^"]+)"', part)
        exported = re.search(r"android:exported\(\w+\)=\(type 0x12\)0xffffffff", part)
        if exported and "android:permission" not in part and "android.intent.category.LAUNCHER" not in part:
            found.append(name[1] if name else "component")
    return found


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
    with zipfile.ZipFile(apk) as archive:
        libraries = [entry for entry in archive.namelist() if entry.endswith(".so")]
        contents = {name: archive.read(name) for name in libraries}
    wanted = [f"lib/{abi}/{name}" for abi in ABIS for name in ("libexecutorch.so", "libtensorflowlite_jni.so")]
    faults = [f"it lacks {name}" for name in wanted if name not in contents]
    for name, content in contents.items():
        found = fault(content)
        if found and name not in SMALL_PAGES_ONLY:
            faults.append(f"{name} cannot be loaded on pages of 16 KB: {found}")
    return faults


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m android_demo.tools.check_apk", description=__doc__)
    parser.add_argument("apk", nargs="?", type=Path, default=APK)
    apk = parser.parse_args(sys.argv[1:]).apk
    faults = check(apk)
    for line in faults:
        print(f"error: {apk}: {line}", file=sys.stderr)
    if not faults:
        small = ", ".join(SMALL_PAGES_ONLY)
        print(f"{apk}: signed (v2, v3), aligned, {apk.stat().st_size / 1e6:.1f} MB; pages of 16 KB but for {small}")
    return 1 if faults else 0


if __name__ == "__main__":
    run_cli(main)
