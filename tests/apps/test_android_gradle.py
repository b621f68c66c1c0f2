"""The Gradle build's files against the other build: nothing here runs Gradle, whose Android plugin CI cannot load."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from android_demo.tools.apk import BUILT, versions
from android_demo.tools.libraries import ROOT, read_libraries

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

APP = ROOT / "android_demo"
MODULES = ("core", "runner-litert", "runner-executorch", "app")
SCRIPTS = [APP / "settings.gradle.kts", APP / "build.gradle.kts", *(APP / m / "build.gradle.kts" for m in MODULES)]
EXECUTORCH = "org.pytorch:executorch-android"


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Any]:
    return tomllib.loads((APP / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))


def test_both_builds_have_the_same_versions(catalogue: dict[str, Any]) -> None:
    pinned = {f"{library.group}:{library.artifact}": library.version for library in read_libraries()}
    for entry in catalogue["libraries"].values():
        module, version = entry["module"], catalogue["versions"][entry["version"]["ref"]]
        if module == EXECUTORCH:
            assert f"executorch=={version}" in (ROOT / "pyproject.toml").read_text()
        else:
            assert pinned[module] == version, module
    assert catalogue["versions"]["kotlin"] == pinned["org.jetbrains.kotlin:kotlin-compiler-embeddable"]


def test_the_scripts_use_what_the_catalogue_names(catalogue: dict[str, Any]) -> None:
    text = "\n".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    used = set(re.findall(r"\(libs\.([a-z.]+[a-z])", text))
    plugins = {f"plugins.{name.replace('-', '.')}" for name in catalogue["plugins"]}
    libraries = {name.replace("-", ".") for name in catalogue["libraries"]}
    assert used == plugins | libraries
    references = {entry["version"]["ref"] for kind in ("plugins", "libraries") for entry in catalogue[kind].values()}
    assert references == set(catalogue["versions"])


def test_the_modules_are_the_folders_with_code() -> None:
    included = re.findall(r'":([a-z-]+)"', (APP / "settings.gradle.kts").read_text(encoding="utf-8"))
    assert sorted(included) == sorted(folder.parent.parent.name for folder in APP.glob("*/src/main"))


def test_names_and_versions_come_from_where_the_other_build_reads_them() -> None:
    script = (APP / "app" / "build.gradle.kts").read_text(encoding="utf-8")
    manifest = (APP / "app" / "src" / "main" / "AndroidManifest.xml").read_text(encoding="utf-8")
    package = re.search(r'package="([^"]+)"', manifest)
    assert package and script.count(f'"{package[1]}"') == 2  # namespace and applicationId
    assert set(re.findall(r'resValue\("string", "(\w+)"', script)) == set(BUILT)
    asked = {key for path in SCRIPTS for key in re.findall(r'getProperty\("(\w+)"\)', path.read_text(encoding="utf-8"))}
    assert asked == set(versions())
    for runtime in ("litert", "executorch"):
        folder = APP / f"runner-{runtime}"
        space = f'namespace = "org.sthmobile.gesture.{runtime}"'
        assert space in (folder / "build.gradle.kts").read_text(encoding="utf-8")
        assert any(Path(folder, "src/main/kotlin/org/sthmobile/gesture", runtime).glob("*.kt"))


def test_the_wrapper_fits_the_plugin(catalogue: dict[str, Any]) -> None:
    text = (APP / "gradle" / "wrapper" / "gradle-wrapper.properties").read_text(encoding="utf-8")
    found = re.search(r"gradle-(\d+)\.(\d+)\.(\d+)-bin\.zip", text)
    assert found and catalogue["versions"]["agp"].startswith("8.13.")
    assert (int(found[1]), int(found[2])) >= (8, 13)  # what plugin 8.13 asks for
