#!/usr/bin/env bash
# What only a Mac can check, in one command. Not run on Linux.
#
#     ios_demo/check_on_mac.sh           needs Apple silicon, Xcode 16, `brew install xcodegen swiftlint swift-format`, `make setup`
#
# 1 the package's tests over golden vectors   2 the app's types and its signature   3 predictions of Core ML in the app
# against Python's, on all compute units       4 a benchmark in the simulator and its file.  DEVELOPMENT_TEAM=ID adds
# a signed build for a phone. Then `sth parity ... --apps build/golden/coreml.json` has its row.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
say() { printf 'check_on_mac: %s\n' "$*"; }

[[ $(uname) == Darwin ]] || fail "this is no Mac; tests/apps/test_ios.py checks what Linux can"
[[ $(uname -m) == arm64 ]] || fail "ExecuTorch's libraries for the simulator are for Apple silicon only"
for tool in xcodegen xcodebuild swiftlint swift-format; do
    command -v "$tool" > /dev/null || fail "there is no $tool; install Xcode, and brew install xcodegen swiftlint swift-format"
done
python=.venv/bin/python
[[ -x $python ]] || fail "there is no $python; make setup makes it"
work=build/mac golden=$PWD/build/golden/coreml
mkdir -p "$work" build/golden

model=$(ls -d build/artefacts/*_stream_*_int8.mlpackage 2> /dev/null | head -1) || true
[[ -n $model ]] || fail "no stream; python converters/export_coreml.py --mode stream makes it"
"$python" -m mobile.apps.install_assets --ios "$model"

say "1: tests of the package, style, files (tests/apps/test_ios*.py)"
STH_REQUIRE_TOOLS=1 "$python" -m pytest -q tests/apps/test_ios.py tests/apps/test_ios_project.py

say "2: types of the app"
cd ios_demo
xcodegen --quiet
build=(-project GestureDemo.xcodeproj -scheme GestureDemo -derivedDataPath "../$work")
xcodebuild -quiet "${build[@]}" -destination "generic/platform=iOS Simulator" build
app="../$work/Build/Products/Debug-iphonesimulator/GestureDemo.app"
codesign --verify --strict "$app"
if [[ -n ${DEVELOPMENT_TEAM:-} ]]; then
    xcodebuild -quiet "${build[@]}" -destination "generic/platform=iOS" -allowProvisioningUpdates \
        DEVELOPMENT_TEAM="$DEVELOPMENT_TEAM" build
    codesign --verify --strict --verbose "../$work/Build/Products/Debug-iphoneos/GestureDemo.app"
fi

say "3: predictions in the simulator"
device=$(xcrun simctl list devices available -j | python3 -c 'import json, sys
print(next(d["udid"] for r in json.load(sys.stdin)["devices"].values() for d in r if "iPhone" in d["name"]))')
xcrun simctl boot "$device" 2> /dev/null || true
(cd .. && "$python" -m mobile.apps.golden --model "$model" --out "$golden")
TEST_RUNNER_STH_GOLDEN=$golden TEST_RUNNER_STH_GOLDEN_RESULT=$golden.json \
    xcodebuild -quiet "${build[@]}" -destination "id=$device" test
[[ -s $golden.json ]] || fail "the app's tests wrote no $golden.json"

say "4: a benchmark in the simulator"
xcrun simctl install "$device" "$app"
name=$(basename "$model")
xcrun simctl launch --console "$device" org.sthmobile.gesture --benchmark --model "$name" --rounds 5 --run mac |
    tee "../$work/benchmark.log"
grep -q "sth-benchmark: done mac" "../$work/benchmark.log" || fail "the benchmark did not end well"
data=$(xcrun simctl get_app_container "$device" org.sthmobile.gesture data)
python3 -m json.tool "$data/Documents/benchmark/mac.json" > /dev/null

say "passed. By hand, on a phone: the preview is upright in all ways of holding it; a hand moved to the left is called"
say "left with both cameras; a call is told; refused camera leads to Settings; VoiceOver reads the screen"
