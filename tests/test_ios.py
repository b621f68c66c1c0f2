"""The iOS app as far as Linux goes: GestureCore's tests over golden vectors, syntax, style, and the project's files."""

from __future__ import annotations

import json
import os
import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tools_needed import need

from converters import export_executorch, export_tflite
from converters.export import export
from mobile.bundle import SHIPPED_CAUSAL, open_bundle
from mobile.golden import write_golden
from mobile.score_events import read_thresholds
from training.files import sha256_of

pytestmark = pytest.mark.minutes
IOS = Path(__file__).resolve().parent.parent / "ios_demo"
CORE = IOS / "GestureCore"
TOOLS = Path(os.environ.get("STH_TOOLS") or Path.home() / ".cache" / "sth-tools") / "swift" / "bin"
PATH = os.pathsep.join([str(TOOLS), os.environ.get("PATH", "")])
SWIFT_FILES = sorted(file for folder in ("App", "GestureCore/Sources") for file in (IOS / folder).rglob("*.swift"))


def run(*command: str | Path, environment: dict[str, str] | None = None, folder: Path = IOS) -> str:
    """All that a tool says; the test fails where the tool does."""
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": PATH, **(environment or {})}
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said[-3000:]
    return said


@pytest.fixture(scope="module")
def swift() -> None:
    there = all(shutil.which(name, path=PATH) for name in ("swift", "swiftc", "swift-format", "swiftlint"))
    need(install="ios_demo/install_tools.sh", there=there)


def test_gesture_core_over_golden_vectors(swift: None, tmp_path: Path) -> None:
    """Every test of the package, the app's sources that need Foundation only among what it compiles."""
    models, bundle = tmp_path / "models", open_bundle(SHIPPED_CAUSAL)
    stream = export(bundle, export_tflite.TARGET, "int8", models, clips=0, mode="stream")
    export(bundle, export_executorch.TARGET, "int8", models, clips=0, mode="stream")
    write_golden(stream, read_thresholds(None, stream), tmp_path / "vectors", seed=4)
    result = tmp_path / "swift.json"
    places = {"STH_GOLDEN": tmp_path / "vectors", "STH_GOLDEN_RESULT": result, "STH_MODELS": models}
    environment = {name: str(place) for name, place in places.items()}
    said = run("swift", "test", "--disable-sandbox", folder=CORE, environment=environment)
    counts = re.findall(r"Executed (\d+) tests?, with (?:(\d+) tests? skipped and )?(\d+) failures", said)[-1]
    print(f"swift test: {counts[0]} tests, {counts[1] or 0} skipped, {counts[2]} failures")
    assert int(counts[0]) > 60 and not counts[1] and counts[2] == "0", said[-2000:]
    report = json.loads(result.read_text())
    assert report["side"] == "Swift" and report["made_of"]["sha256"] == sha256_of(stream)
    assert len(report["rows"]) > 20 and all(row["differing"] == 0 for row in report["rows"]), report["rows"]
    kept = IOS.parent / "build" / "golden" / "swift.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(result, kept)


def test_every_file_parses(swift: None) -> None:
    assert len(SWIFT_FILES) > 50
    run("swiftc", "-frontend", "-parse", *[file for file in SWIFT_FILES if "/App/" in str(file)])


def test_style_is_clean(swift: None) -> None:
    run("swift-format", "lint", "--strict", "--recursive", "App", "GestureCore/Sources", "GestureCore/Tests")
    run("swiftlint", "lint", "--quiet", "--strict")


def test_project_file() -> None:
    project = yaml.safe_load((IOS / "project.yml").read_text())
    target = project["targets"]["GestureDemo"]
    assert target["type"] == "application" and target["platform"] == "iOS"
    for source in target["sources"]:
        assert source.get("optional") or (IOS / source["path"]).is_dir()
    assert (IOS / target["settings"]["base"]["INFOPLIST_FILE"]).is_file()
    assert (IOS / project["packages"]["GestureCore"]["path"] / "Package.swift").is_file()
    named = {dependency["package"] for dependency in target["dependencies"]}
    assert named == set(project["packages"])


def test_property_lists_strings_and_assets() -> None:
    about = plistlib.loads((IOS / "App" / "Info.plist").read_bytes())
    assert "camera" in about["NSCameraUsageDescription"]
    catalogue = IOS / "App" / "Resources" / "Assets.xcassets"
    for content in catalogue.rglob("Contents.json"):
        for image in json.loads(content.read_text()).get("images", []):
            assert (content.parent / image["filename"]).is_file()


def test_every_word_of_the_app_is_in_its_strings() -> None:
    text = (IOS / "App" / "Resources" / "en.lproj" / "Localizable.strings").read_text()
    known = set(re.findall(r'^"([a-z_]+)" = ".+";$', text, re.MULTILINE))
    assert len(known) == len(text.strip().splitlines())
    swift_text = (IOS / "App" / "UI" / "Strings.swift").read_text()
    asked = set(re.findall(r'NSLocalizedString\("([a-z_]+)"', swift_text))
    asked |= {f"stage_{name}" for name in ("preprocess", "inference", "postprocess")}
    asked |= {f"thermal_{name}" for name in ("nominal", "fair", "serious", "critical")}
    assert asked == known
