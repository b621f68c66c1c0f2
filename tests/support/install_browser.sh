#!/usr/bin/env bash
# Chromium and its driver for tests/mobile/test_report_browser.py, on Debian.
set -euo pipefail
command -v chromium > /dev/null && command -v chromedriver > /dev/null && exit 0
as_root=$([ "$(id -u)" = 0 ] || echo sudo)
$as_root apt-get -qq update
$as_root apt-get -qq install --yes --no-install-recommends chromium chromium-driver fonts-dejavu-core
