"""The iOS project's files: layers, project.yml, property lists, strings, assets; no Swift is needed."""

from __future__ import annotations

import json
import plistlib
import re
import subprocess
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
IOS, ANDROID = ROOT / "ios_demo", ROOT / "android_demo"
RESOURCES = IOS / "App" / "Resources"
LAYERS = {"camera", "preprocess", "runner", "postprocess", "pipeline", "ui"}
# what XcodeGen's reference knows of what this project uses: a misspelt key would be ignored there without a word
KEYS = {
    "": {"name", "options", "settings", "packages", "targets", "schemes"},
    "options": {"minimumXcodeGenVersion", "bundleIdPrefix", "deploymentTarget"},
    "package": {"path", "url", "revision"},
    "target": {"type", "platform", "sources", "settings", "dependencies"},
    "source": {"path", "type", "excludes", "buildPhase", "optional"},
    "dependency": {"package", "products", "target"},
    "scheme": {"build", "run", "test", "profile", "archive"},
}

# a format of another type prints nonsense, or worse
VALUES = {
    "artefact": ["@", "@"], "percent": ["lld"], "ago": ["lld"], "spoken_gesture": ["lld", "@"], "times": ["f", "f"],
    "rates": ["f", "f"], "counts": ["lld", "lld", "lld"], "banner_rate": ["f", "f", "f"],
}  # fmt: skip


def folders(*places: Path) -> set[str]:
    return {path.name.lower() for place in places for path in place.iterdir() if path.is_dir()}


def test_both_apps_have_the_six_layers() -> None:
    core = IOS / "GestureCore" / "Sources"
    assert folders(core / "GestureCore") == LAYERS - {"ui"}
    assert folders(core / "GestureLogic") | {"preprocess"} == LAYERS | {"benchmark"}
    assert folders(IOS / "App") | {"postprocess"} == LAYERS | {"benchmark", "resources"}
    kotlin = "src/main/kotlin/org/sthmobile/gesture"
    assert folders(ANDROID / "core" / kotlin / "core") == LAYERS - {"ui"}
    assert folders(ANDROID / "app" / kotlin) == LAYERS | {"benchmark"}


@pytest.fixture
def project() -> dict[str, Any]:
    return yaml.safe_load((IOS / "project.yml").read_text())


def test_project_file_has_known_keys_and_what_it_names_is_there(project: dict[str, Any]) -> None:
    assert project.keys() <= KEYS[""] and project["options"].keys() <= KEYS["options"]
    assert all(package.keys() <= KEYS["package"] for package in project["packages"].values())
    assert all(scheme.keys() <= KEYS["scheme"] for scheme in project["schemes"].values())
    for target in project["targets"].values():
        assert target.keys() <= KEYS["target"] and target["platform"] == "iOS"
        for source in target["sources"]:
            assert source.keys() <= KEYS["source"]
            assert source.get("optional") or (IOS / source["path"]).is_dir()
            assert all(
                (IOS / source["path"] / name).exists() or "Models" in name for name in source.get("excludes", ())
            )
        for dependency in target["dependencies"]:
            assert dependency.keys() <= KEYS["dependency"]
            assert dependency.get("package", "ExecuTorch") in project["packages"]
            assert dependency.get("target", "GestureDemo") in project["targets"]
    app = project["targets"]["GestureDemo"]
    assert (IOS / app["settings"]["base"]["INFOPLIST_FILE"]).is_file()
    icon = RESOURCES / "Assets.xcassets" / f"{app['settings']['base']['ASSETCATALOG_COMPILER_APPICON_NAME']}.appiconset"
    assert icon.is_dir()
    used = {dependency["package"] for dependency in app["dependencies"]}
    assert used == project["packages"].keys()


def test_packages_are_pinned_and_fit(project: dict[str, Any]) -> None:
    package = (IOS / "GestureCore" / "Package.swift").read_text()
    libraries = set(re.findall(r'\.library\(name: "(\w+)"', package))
    products = {one["package"]: one["products"] for one in project["targets"]["GestureDemo"]["dependencies"]}
    assert set(products["GestureCore"]) == libraries
    assert f".iOS(.v{project['options']['deploymentTarget']['iOS'].removesuffix('.0')})" in package
    assert ".package(" not in package  # Foundation only
    executorch = project["packages"]["ExecuTorch"]
    assert re.fullmatch("[0-9a-f]{40}", executorch["revision"]) and executorch.keys() == {"url", "revision"}
    wanted = re.search(r'"executorch==(\d+\.\d+)\.', (ROOT / "pyproject.toml").read_text())
    version = project["targets"]["GestureDemo"]["settings"]["base"]["EXECUTORCH_VERSION"]
    assert wanted and version.startswith(f"{wanted[1]}.")
    assert f"swiftpm-{version}," in (IOS / "project.yml").read_text()
    # the libraries are for arm64 only, a simulator's too
    assert project["settings"]["base"]["EXCLUDED_ARCHS[sdk=iphonesimulator*]"] == "x86_64"


def test_property_lists() -> None:
    about = plistlib.loads((IOS / "App" / "Info.plist").read_bytes())
    assert "camera" in about["NSCameraUsageDescription"]
    assert about["ExecuTorchVersion"] == "$(EXECUTORCH_VERSION)"
    assert '"ExecuTorchVersion"' in (IOS / "App" / "Runner" / "ExecuTorchEngine.swift").read_text()
    assert about["CFBundleIdentifier"] == "$(PRODUCT_BUNDLE_IDENTIFIER)" and about["UIFileSharingEnabled"]
    version = re.search(r"versionName=(\S+)", (ANDROID / "app" / "version.properties").read_text())
    assert version and about["CFBundleShortVersionString"] == version[1]
    said = strings("InfoPlist.strings")
    assert {name: about[name] for name in said} == said
    privacy = plistlib.loads((RESOURCES / "PrivacyInfo.xcprivacy").read_bytes())
    assert privacy["NSPrivacyTracking"] is False
    assert all(one["NSPrivacyAccessedAPITypeReasons"] for one in privacy["NSPrivacyAccessedAPITypes"])


def test_asset_catalogue() -> None:
    catalogue = RESOURCES / "Assets.xcassets"
    contents = sorted(catalogue.rglob("Contents.json"))
    assert {path.parent for path in contents} == {catalogue, *(p for p in catalogue.rglob("*") if p.is_dir())}
    assert all(json.loads(path.read_text())["info"] == {"author": "xcode", "version": 1} for path in contents)
    (icon,) = json.loads((catalogue / "AppIcon.appiconset" / "Contents.json").read_text())["images"]
    picture = cv2.imread(str(catalogue / "AppIcon.appiconset" / icon["filename"]), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (1024, 1024, 3) and icon["size"] == "1024x1024"  # the store takes no transparent icon
    assert picture.std() > 10


def strings(name: str, language: str = "en") -> dict[str, str]:
    """A file of strings; every line is an entry."""
    lines = (RESOURCES / f"{language}.lproj" / name).read_text().strip().splitlines()
    entries = [re.fullmatch(r'"(\w+)" = "((?:[^"\\]|\\.)+)";', line) for line in lines]
    assert all(entries), [line for line, entry in zip(lines, entries, strict=True) if not entry]
    found = {entry[1]: entry[2] for entry in entries if entry}
    assert len(found) == len(lines)
    return found


def cases(file: Path, name: str) -> list[str]:
    """Raw values of a Swift enum of strings."""
    body = re.search(rf"enum {name}: String.*?\n}}", file.read_text(), re.DOTALL)
    assert body
    return [raw or case for case, raw in re.findall(r'^    case (\w+)(?: = "(\w+)")?$', body[0], re.MULTILINE)]


def asked() -> dict[str, int]:
    """Keys that the app asks for, and how many values each is given (-1: none, as it stands)."""
    sources = IOS / "GestureCore" / "Sources"
    groups = {
        "stage": cases(sources / "GestureCore/Pipeline/StageTimes.swift", "Stage"),
        "thermal": cases(sources / "GestureLogic/Pipeline/DeviceCondition.swift", "ThermalLevel"),
        "units": [unit.lower() for unit in cases(sources / "GestureLogic/Runner/RuntimeChoice.swift", "ComputeUnits")],
        "runtime": cases(sources / "GestureLogic/Runner/RuntimeChoice.swift", "RuntimeKey"),
    }
    assert all(len(group) > 1 for group in groups.values())
    text = (IOS / "App" / "UI" / "Strings.swift").read_text()
    found = {f"{group}_{name}": -1 for group, names in groups.items() for name in names}
    for group in re.findall(r'NSLocalizedString\("(\w+)_\\\(', text):
        assert group in groups
    for key in re.findall(r'NSLocalizedString\("(\w+)"', text):
        found[key] = -1
    for key, values in re.findall(r'format: NSLocalizedString\("(\w+)", comment: ""\),\s*(.+?)\)\n', text, re.DOTALL):
        found[key] = len(re.sub(r"\([^()]*\)", "", values).split(","))
    return found


def test_every_word_of_the_app_is_in_its_strings_and_no_other() -> None:
    known, wanted = strings("Localizable.strings"), asked()
    assert known.keys() == wanted.keys()
    for key, count in wanted.items():
        kinds = [kind.lstrip(".0123456789") for kind in re.findall(r"%(\.?\d*[a-z@]+)", known[key])]
        assert kinds == VALUES.get(key, []) and len(kinds) == max(count, 0), key


def test_every_string_is_used() -> None:
    names = set(re.findall(r"static (?:let|func) (\w+)", (IOS / "App" / "UI" / "Strings.swift").read_text()))
    text = "".join(path.read_text() for path in (IOS / "App").rglob("*.swift"))
    used = set(re.findall(r"Strings\.(\w+)", text))
    inside = {"ago", "interruption"}
    assert names == used | inside


def test_no_view_has_words_of_its_own() -> None:
    for path in (IOS / "App").rglob("*.swift"):
        if path.name != "Strings.swift":
            found = re.findall(
                r'(?:Text|Button|Label|Section|Picker|LabeledContent|alert|\.accessibility\w+)\("', path.read_text()
            )
            assert not found, path.name


def test_scripts_are_whole() -> None:
    for name in ("check_on_mac.sh", "install_tools.sh"):
        subprocess.run(["bash", "-n", IOS / name], check=True)
        assert (IOS / name).stat().st_mode & 0o111, name
