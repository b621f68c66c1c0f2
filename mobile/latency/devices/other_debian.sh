# Packages of another Debian suite beside the system: sourced by install_tools.sh scripts, which set $suite.

tools=${STH_TOOLS:-$HOME/.cache/sth-tools}

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

# Into folder $1: packages $2 ... and all that they need as if nothing were installed, so that nothing of the system is.
download() {
    local apt=$1
    shift
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
    apt-get "${options[@]}" install --yes --download-only "$@"
}

# A root whose /usr holds everything; /bin, /lib and their like are links into it, as on the system.
unpack() {
    local apt=$1 root=$2 name
    mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
    for name in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$name" | tar --extract --directory "$root" --keep-directory-symlink --no-same-owner
    done
}
