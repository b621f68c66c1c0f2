"""Debian packages unpacked beside the system: of another release or machine, without changing what is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from training.common.errors import UserError

_SOURCES = Path("/etc/apt")
_NEEDS = (
    "this needs Debian 12 or 13 (a container does) with apt-get, dpkg-deb and tar, since the emulated system is made "
    "of Debian's packages"
)


def release() -> str:
    """This system's Debian release, such as "bookworm".

    Raises:
        UserError: it is no Debian, or lacks its tools.
    """
    absent = [tool for tool in ("apt-get", "dpkg-deb", "tar") if shutil.which(tool) is None]
    if absent:
        raise UserError(f"there is no {absent[0]} here; {_NEEDS}")
    said = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(), re.MULTILINE))
    if said.get("ID") != "debian" or "VERSION_CODENAME" not in said:
        raise UserError(f"this system is {said.get('PRETTY_NAME', 'unknown')}; {_NEEDS}")
    return said["VERSION_CODENAME"]


def download(suite: str, machine: str, packages: Sequence[str], folder: Path) -> list[Path]:
    """Fetch packages and all that they depend on, as if nothing were installed.

    Args:
        suite: a release, such as "trixie"; its addresses are those of this system's sources.
        machine: Debian's name of it: "amd64", "arm64".
        folder: where apt keeps what it fetches; made anew.

    Returns:
        The .deb files.

    Raises:
        UserError: apt cannot, with what it says.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("sources", "state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    _write_sources(suite, folder / "sources")
    options = _options(machine, folder)
    _run(["apt-get", *options, "update"], f"reading the packages of {suite}")
    _run(["apt-get", *options, "install", "--yes", "--download-only", *packages], f"fetching {' '.join(packages)}")
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def unpack(packages: Sequence[Path], root: Path, only: str | None = None) -> None:
    """Unpack .deb files into a root whose /bin, /lib and their like are links into /usr.

    Args:
        only: take no other file than this one, as the package names it ("./usr/bin/NAME").

    Raises:
        UserError: a package that cannot be read, or that lacks ``only``.
    """
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    wanted = ["--occurrence=1", only] if only else []  # then tar reads no further
    for package in packages:
        reading = subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        tar = ["tar", "--extract", "--directory", str(root), "--keep-directory-symlink", "--no-same-owner", *wanted]
        done = subprocess.run(tar, stdin=reading.stdout, capture_output=True, text=True)
        if reading.stdout:
            reading.stdout.close()
        broken = reading.wait() and not only  # tar stops reading once it has what it wants
        if broken or done.returncode:
            raise UserError(f"cannot unpack {package.name} into {root}: {done.stderr.strip()[-300:]}")


def _options(machine: str, folder: Path) -> list[str]:
    values = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": machine,
        "APT::Architectures::": machine,
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
    }
    # the user that apt downloads as cannot read a home folder
    values |= {"APT::Sandbox::User": "root"} if os.getuid() == 0 else {"Debug::NoLocking": "true"}
    return ["-qq", *(word for name, value in values.items() for word in ("-o", f"{name}={value}"))]


def _write_sources(suite: str, folder: Path) -> None:
    """This system's sources with the release's name replaced."""
    own = release()
    files = [_SOURCES / "sources.list", *sorted((_SOURCES / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        text = file.read_text()
        if re.search(rf"\b{own}\b", text) and "debian" in text.lower():
            (folder / file.name).write_text(re.sub(rf"\b{own}\b", suite, text))
    if not any(folder.iterdir()):
        raise UserError(f"this system has no apt sources of Debian's {own} to derive those of {suite} from; {_NEEDS}")


def _run(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split())[-400:]
        raise UserError(f"{what} failed: {reason}")
