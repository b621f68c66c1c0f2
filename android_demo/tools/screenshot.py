"""The app's layout, drawn on this machine: ``python -m android_demo.tools.screenshot``.

Android's own view classes and renderer run on the JVM (Robolectric) over the app's own resources and views. The numbers
on the screen are examples, and the picture is a rendered gesture: no phone and no network took part.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from android_demo.tools.apk import APP, MAIN, MODELS, app_classes, resources
from android_demo.tools.kotlin import Compilation, class_path, compile_kotlin, require_java
from android_demo.tools.libraries import BUILD, FOLDER, LIST, ROOT, fetch, paths, read_libraries
from android_demo.tools.native import classes
from training.errors import UserError, run_cli
from training.files import atomic_path
from training.rendered.clips import RenderedClips

MORE = LIST.with_name("screenshot_libraries.txt")
OUT = ROOT / "android_demo" / "screenshot.png"
NAMES = ("light", "dark")
_MAIN = "org.sthmobile.gesture.ui.ScreenshotKt"
_CONFIG = "com/android/tools/test_config.properties"


def screenshot(target: Path) -> Path:
    """Both themes side by side in ``target``.

    Raises:
        UserError: a library or tool is missing, an error of the compiler, or Android's classes refuse the layout.
    """
    fetch(read_libraries(MORE))
    MODELS.mkdir(parents=True, exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        folder = Path(name)
        package, r = resources(folder)
        jars = [*app_classes(r), r]
        libraries = [*jars, *paths("core"), *paths("test"), *classes("screenshot", source=MORE)]
        platform = paths("platform")
        sources = APP / "src" / "screenshot" / "kotlin"
        shots = compile_kotlin(Compilation("screenshot.jar", (sources,), (*libraries, *platform)))
        _write_config(folder, package)
        size = _write_picture(folder / "picture.yuv")
        command = [
            require_java(), "-Drobolectric.offline=true", f"-Drobolectric.dependency.dir={FOLDER}",
            f"-Dscreenshots={folder}", f"-Dpicture={folder / 'picture.yuv'}", f"-Dpicture.size={size}",
            "-cp", class_path([shots, *libraries, *classes("litert", "executorch"), folder]), _MAIN,
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode:
            raise UserError(f"the layout cannot be drawn:\n{(ended.stdout + ended.stderr).strip()[-3000:]}")
        pictures = [cv2.imread(str(folder / f"{shot}.png")) for shot in NAMES]
        gap = np.full((pictures[0].shape[0], 24, 3), 255, np.uint8)
        with atomic_path(target) as temporary:
            _, encoded = cv2.imencode(".png", np.hstack([pictures[0], gap, pictures[1]]))
            temporary.write_bytes(encoded.tobytes())
    return target


def _write_config(folder: Path, package: Path) -> None:
    config = folder / _CONFIG
    config.parent.mkdir(parents=True)
    values = {
        "android_resource_apk": package,
        "android_merged_manifest": MAIN / "AndroidManifest.xml",
        "android_merged_assets": MAIN / "assets",
        "android_custom_package": "org.sthmobile.gesture",
    }
    config.write_text("".join(f"{key}={value}\n" for key, value in values.items()), encoding="utf-8")


def _write_picture(target: Path) -> str:
    """One frame of a rendered "Swiping Left" as I420; its size."""
    picture = RenderedClips(27, 9, height=480, width=640).frames_as("Swiping Left", 0, [14])[0]
    target.write_bytes(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2YUV_I420).tobytes())
    return f"{picture.shape[1]}x{picture.shape[0]}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m android_demo.tools.screenshot", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE")
    print(screenshot(parser.parse_args(sys.argv[1:]).out))


if __name__ == "__main__":
    run_cli(main)
