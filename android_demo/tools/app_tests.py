"""Run the app's tests on the JVM, which draw its screen: ``python -m android_demo.tools.app_tests --model STREAM``.

Robolectric brings Android's own classes and its drawing. The screen is filled by the app's pipeline from what the
artefact says of a rendered video here; ``--picture FILE`` keeps what was drawn.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from android_demo.tools import apk
from android_demo.tools.core_tests import MAIN, names_of_tests
from android_demo.tools.kotlin import Compilation, class_path, compile_kotlin, core_tests, require_java
from android_demo.tools.libraries import BUILD, FOLDER, paths
from android_demo.tools.native import classes
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import atomic_path

EXAMPLES = """examples:
  python -m android_demo.tools.app_tests --model build/artefacts/sth_mobilenet_v2_causal_stream_96_int8.tflite
  python -m android_demo.tools.app_tests --model STREAM.tflite --picture android_demo/screens.jpg
"""
TESTS = apk.APP / "src" / "jvmTest" / "kotlin"
"""Not where Gradle looks for tests: they use those of the core, which another module of it cannot see."""
SHOWN = ("light", "dark", "refused")
_GAP = 24
_CONFIG = "com/android/tools/test_config.properties"  # where Robolectric looks for the app's resources


def run_app_tests(recording: Path, pictures: Path | None = None) -> dict[str, Any]:
    """Counts of the tests over a recording (``android_demo.tools.recording``): passed, failed, ignored, seconds.

    Args:
        pictures: a folder for the screens that were drawn.

    Raises:
        UserError: no Java or libraries, an error of the compiler, or tests that fail, with what they say.
    """
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    apk.MODELS.mkdir(parents=True, exist_ok=True)  # aapt wants the folder of assets
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        folder = Path(name)
        resources, r = apk.resources(folder)
        jars = [*apk.app_classes(r), r, compile_kotlin(core_tests())]
        _configure(folder / _CONFIG, resources)
        on_phone = classes("litert", "executorch")
        robolectric = [*classes("robolectric"), *paths("core", "platform", "test")]
        tests = compile_kotlin(Compilation("app-tests.jar", (TESTS,), (*jars, *robolectric)))
        command = [
            require_java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dgolden={recording}",
            *([f"-Dpictures={pictures.resolve()}"] if pictures else []),
            "-Drobolectric.offline=true", f"-Drobolectric.dependency.dir={FOLDER}", f"-Djava.io.tmpdir={folder}",
            "-cp", class_path([folder, tests, *jars, *on_phone, *robolectric]), MAIN, *names_of_tests(TESTS),
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise UserError(f"tests of the Android app fail:\n{ended.stdout.strip()}\n{ended.stderr.strip()[-2000:]}")
    return json.loads(ended.stdout.strip().splitlines()[-1])


def _configure(file: Path, resources: Path) -> None:
    lines = {"android_merged_manifest": apk.MAIN / "AndroidManifest.xml", "android_resource_apk": resources}
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")


def sheet(pictures: Path) -> np.ndarray:
    """The screens in light, in the dark and without a camera side by side, uint8 (H, W, 3) in OpenCV's BGR.

    Raises:
        UserError: a picture that the tests did not draw.
    """
    found = [_picture(pictures / f"screen_{name}.png") for name in SHOWN]
    gap = np.full((found[0].shape[0], _GAP, 3), 255, np.uint8)
    return np.concatenate([found[0], *(part for each in found[1:] for part in (gap, each))], axis=1)


def _picture(file: Path) -> np.ndarray:
    pixels = cv2.imread(str(file))
    if pixels is None:
        raise UserError(f"there is no picture {file}; the tests of the app draw it")
    return pixels


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("python -m android_demo.tools.app_tests", __doc__, EXAMPLES)
    parser.add_argument("--model", type=Path, metavar="ARTEFACT", required=True, help="a stream")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the rendered video; default 0")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write the screens here, side by side")
    return parser.parse_args(arguments)


def main() -> None:
    """The command."""
    from android_demo.tools.recording import record  # a runtime comes with it

    arguments = parse(sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        recording, pictures = Path(name) / "recording", Path(name) / "pictures"
        record(arguments.model, recording, seed=arguments.seed)
        counts = run_app_tests(recording, pictures)
        if arguments.picture:
            with atomic_path(arguments.picture) as temporary:
                kind = arguments.picture.suffix
                temporary.write_bytes(cv2.imencode(kind, sheet(pictures), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['ignored']} skipped in {counts['seconds']} s")


if __name__ == "__main__":
    run_cli(main)
