"""Lint of the app's resources: what Android's own lint, which cannot be had here, would say first."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from android_demo.tools.apk import BUILT, MAIN

RES = MAIN / "res"
ANDROID = "{http://schemas.android.com/apk/res/android}"
CODE = "\n".join(file.read_text(encoding="utf-8") for file in sorted((MAIN / "kotlin").rglob("*.kt")))
XML = "\n".join(
    file.read_text(encoding="utf-8") for file in [MAIN / "AndroidManifest.xml", *sorted(RES.rglob("*.xml"))]
)
LAYOUTS = sorted(RES.glob("layout*/*.xml"))
SPOKEN_BY_ITSELF = {"TextView", "Button", "Spinner"}
GROUPS = {"LinearLayout", "FrameLayout", "ScrollView", "include"}


def names(kind: str, folder: str = "values") -> set[str]:
    """Names of all resources of a kind."""
    files = sorted((RES / folder).glob("*.xml"))
    return {element.get("name", "") for file in files for element in ElementTree.parse(file).getroot().iter(kind)}


@pytest.mark.parametrize("kind", ["string", "color", "dimen"])
def test_every_value_is_used(kind: str) -> None:
    used = set(re.findall(rf"(?<!android\.)\bR\.{kind}\.(\w+)", CODE)) | set(re.findall(rf"@{kind}/(\w+)", XML))
    assert names(kind) | (set(BUILT) if kind == "string" else set()) == used


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_layouts_have_no_words_of_their_own_and_everything_is_spoken(layout: Path) -> None:
    for view in ElementTree.parse(layout).getroot().iter():
        for attribute in ("text", "contentDescription", "hint"):
            assert view.get(ANDROID + attribute, "@string/").startswith("@string/"), view.attrib
        kind = view.tag
        if kind not in SPOKEN_BY_ITSELF | GROUPS:
            assert view.get(ANDROID + "contentDescription"), f"{kind} says nothing to TalkBack"
        if kind == "Spinner":
            labels = [v.get(ANDROID + "labelFor", "") for v in ElementTree.parse(layout).getroot().iter("TextView")]
            assert view.get(ANDROID + "id") in labels, "a spinner without a label"


def test_what_changes_by_itself_is_spoken() -> None:
    for ident in ("headline", "notice_text"):
        found = re.search(rf'android:id="@\+id/{ident}"[^>]*?accessibilityLiveRegion="(polite|assertive)"', XML)
        assert found, ident


def test_both_orientations_have_the_same_views() -> None:
    def idents(folder: str) -> set[str]:
        return set(re.findall(r'@layout/(\w+)|"@\+id/(\w+)"', (RES / folder / "main.xml").read_text(encoding="utf-8")))

    assert idents("layout") == idents("layout-land")


def test_texts_can_be_read_in_the_light_and_in_the_dark() -> None:
    """4.5 to 1, as the WCAG ask for; both themes name what the other names."""
    for folder in ("values", "values-night"):
        colors = {
            e.get("name"): e.text or ""
            for f in (RES / folder).glob("*.xml")
            for e in ElementTree.parse(f).iter("color")
        }
        for text in ("text", "text_weak"):
            assert contrast(colors[text], colors["background"]) >= 4.5, (folder, text)
        for behind in ("bar", "bar_back"):
            assert contrast(colors["text"], colors[behind]) >= 4.5, (folder, behind)
        assert contrast(colors["accent"], colors["background"]) >= 3, folder  # of icons


def contrast(one: str, other: str) -> float:
    """Of two colours, #rrggbb."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
