#!/usr/bin/env bash
# Swift and swiftlint for a Debian machine that has neither, beside the system: nothing outside of one folder changes.
#
#     ios_demo/install_tools.sh          quick when everything is there
#
# The folder is $STH_TOOLS/swift, by default ~/.cache/sth-tools/swift. Swift is Debian 13's, unpacked with the libraries
# that it needs, and bin/ holds wrappers that run it with that /usr in place of the system's (a mount namespace).
set -euo pipefail

suite=trixie
packages=(swiftlang g++ libc6-dev dash)
swiftlint=@expo/swiftlint@0.57.1

# shellcheck source=mobile/latency/devices/other_debian.sh
. "$(dirname "$0")/../mobile/latency/devices/other_debian.sh"
home=$tools/swift
stamp="$suite ${packages[*]} $swiftlint 3"

# The tools see the system, but for /usr.
write_wrapper() {
    cat > "$1" <<WRAPPER
#!/bin/sh
[ "\$(id -u)" = 0 ] && own= || own=--map-root-user
export LINUX_SOURCEKIT_LIB_PATH=/usr/libexec/swift/lib
export LD_LIBRARY_PATH=/usr/libexec/swift/lib/swift/linux
exec unshare --mount \$own /bin/sh -c 'mount --bind "\$0/usr" /usr && exec "\$@"' "$home/root" "$2" "\$@"
WRAPPER
    chmod +x "$1"
}

write_wrappers() {
    local bin=$1 name
    mkdir -p "$bin"
    for name in swift swiftc swift-format; do write_wrapper "$bin/$name" "/usr/libexec/swift/bin/$name"; done
    write_wrapper "$bin/swiftlint" "$home/lint/node_modules/@expo/swiftlint/bin/linux-x64/swiftlint"
}

install() {
    local new=$home.partial
    rm -rf "$new"
    mkdir -p "$new"
    say "fetching Swift of Debian's $suite (540 MB)"
    download "$new/apt" "${packages[@]}"
    say "unpacking it into $home (2.6 GB)"
    unpack "$new/apt" "$new/root"
    rm -rf "$new/apt"
    npm install --silent --no-fund --no-audit --prefix "$new/lint" "$swiftlint"
    write_wrappers "$new/bin"
    rm -rf "$home"
    mv "$new" "$home"
    say "$("$home/bin/swift" --version 2> /dev/null | head -1), swiftlint $("$home/bin/swiftlint" version)"
    printf '%s\n' "$stamp" > "$home/installed"
}

if [[ $(uname) == Darwin ]]; then
    command -v swift > /dev/null || fail "there is no swift; install Xcode"
    say "this Mac's Swift is used; brew install swiftlint xcodegen brings the rest"
elif [[ -f $home/installed && $(< "$home/installed") == "$stamp" ]]; then
    say "everything is in $home"
else
    command -v apt-get > /dev/null || fail "there is no apt-get here; install Swift 6 and swiftlint, and put them on PATH"
    install
fi
