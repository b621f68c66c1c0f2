#!/usr/bin/env bash
# What the tests of the device lab take on Debian: adb, and Debian 13's adbd to talk to, beside the system.
#
#     mobile/devices/install_tools.sh          quick when everything is there
#
# adbd and its libraries (7 MB) are unpacked into $STH_TOOLS/adbd, by default ~/.cache/sth-tools/adbd.
set -euo pipefail

suite=trixie
tools=${STH_TOOLS:-$HOME/.cache/sth-tools}
home=$tools/adbd
stamp="$suite 1"

say() { printf 'install_tools: %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# The sources of the system, of the other suite; their addresses stay what they are here.
write_sources() {
    local codename sources=()
    codename=$(. /etc/os-release && printf %s "${VERSION_CODENAME:-}")
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
        if [[ -f $file ]] && grep -q "$codename" "$file" && grep -qi debian "$file"; then sources+=("$file"); fi
    done
    [[ -n $codename && ${#sources[@]} -gt 0 ]] || fail "this system has no apt sources of Debian to derive $suite's from"
    for file in "${sources[@]}"; do
        sed "s/\b$codename\b/$suite/g" "$file" > "$1/$(basename "$file")"
    done
}

# All packages as if nothing were installed, so that the unpacked folder needs nothing of the system.
download() {
    local apt=$1
    mkdir -p "$apt/sources" "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : > "$apt/status"
    write_sources "$apt/sources"
    local options=(
        -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/sources" -o Dir::Etc::preferences=/dev/null
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State="$apt/state" -o Dir::State::status="$apt/status"
        -o Dir::Cache="$apt/cache" -o APT::Install-Recommends=false -o Acquire::Languages=none
    )
    # the user that apt downloads as cannot read a home folder
    if [[ $(id -u) == 0 ]]; then options+=(-o APT::Sandbox::User=root); else options+=(-o Debug::NoLocking=true); fi
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install --yes --download-only adbd
}

install_adbd() {
    local new=$home.partial name
    rm -rf "$new"
    mkdir -p "$new/root/usr/bin" "$new/root/usr/sbin" "$new/root/usr/lib" "$new/root/usr/lib64"
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$new/root/$name"; done
    say "fetching adbd of Debian's $suite (7 MB)"
    download "$new/apt"
    for name in "$new"/apt/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$name" | tar --extract --directory "$new/root" --keep-directory-symlink --no-same-owner
    done
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
