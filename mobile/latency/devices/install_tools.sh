#!/usr/bin/env bash
# What the tests of the device lab take on Debian: adb, and Debian 13's adbd to talk to, beside the system.
#
#     mobile/latency/devices/install_tools.sh          quick when everything is there
#
# adbd and its libraries (7 MB) are unpacked into $STH_TOOLS/adbd, by default ~/.cache/sth-tools/adbd.
set -euo pipefail

suite=trixie
# shellcheck source=mobile/latency/devices/other_debian.sh
. "$(dirname "$0")/other_debian.sh"
home=$tools/adbd
stamp="$suite 1"

install_adbd() {
    local new=$home.partial
    rm -rf "$new"
    say "fetching adbd of Debian's $suite (7 MB)"
    download "$new/apt" adbd
    unpack "$new/apt" "$new/root"
    rm -rf "$new/apt"
    printf '%s\n' "$stamp" > "$new/installed"
    rm -rf "$home"
    mv "$new" "$home"
}

packages=()
need() { command -v "$1" > /dev/null || packages+=("$2"); }
command -v apt-get > /dev/null || fail "there is no apt-get here; the tests of the device lab need Debian's adb and adbd"
need adb adb
need ip iproute2
need unshare util-linux
if [[ ${#packages[@]} -gt 0 ]]; then
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "${packages[@]}" > /dev/null
fi
if [[ -f $home/installed && $(< "$home/installed") == "$stamp" ]]; then
    say "everything is in $home"
else
    install_adbd
    say "adbd is in $home"
fi
