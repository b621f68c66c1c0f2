#!/usr/bin/env bash
# What only a Mac can check: types of the SwiftUI views, the whole app, and one inference in Core ML. Not run on Linux.
#
#     ios_demo/check_on_mac.sh           needs Xcode 16 and `brew install xcodegen swiftlint`
set -euo pipefail
cd "$(dirname "$0")"
[[ $(uname) == Darwin ]] || { echo "error: this is no Mac; tests/test_ios.py checks what Linux can" >&2; exit 1; }
command -v xcodegen > /dev/null || { echo "error: there is no xcodegen; brew install xcodegen" >&2; exit 1; }
ls App/Resources/Models/*.mlpackage > /dev/null || { echo "error: no model; python -m mobile.install_assets --ios ARTEFACT" >&2; exit 1; }
(cd GestureCore && swift test)
xcodegen --quiet
xcodebuild -quiet -project GestureDemo.xcodeproj -scheme GestureDemo -destination "generic/platform=iOS Simulator" build
device=$(xcrun simctl list devices available -j | python3 -c 'import json,sys; print(next(d["udid"] for r in json.load(sys.stdin)["devices"].values() for d in r if "iPhone" in d["name"]))')
xcrun simctl boot "$device" 2> /dev/null || true
app=$(xcodebuild -project GestureDemo.xcodeproj -scheme GestureDemo -destination "id=$device" -showBuildSettings 2> /dev/null | awk '/ CODESIGNING_FOLDER_PATH/ {print $3}')
xcrun simctl install "$device" "$app"
model=$(basename "$(ls -d App/Resources/Models/*.mlpackage | head -1)")
xcrun simctl launch --console "$device" org.sthmobile.gesture --benchmark --model "$model" --rounds 5 | grep "sth-benchmark: done"
echo "passed: package tests, build, one benchmark in the simulator. By hand: preview, left and right, a call, heat."
