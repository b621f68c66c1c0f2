"""Real devices for adb on this machine: Debian's ``adbd`` in network namespaces, one a device.

A device is a root of its own: the /usr of this machine or of an emulated arm64, a small /data/local/tmp, and
/system/bin with the programs of ``adb_stand_ins`` that a Linux lacks (they are scripts, and say what Android would).
``adb`` talks to it over a pair of virtual network cards, which can be unplugged.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tools_needed import need

INSTALL = "mobile/latency/devices/install_tools.sh"
HOME = Path(os.environ.get("STH_TOOLS") or Path.home() / ".cache" / "sth-tools") / "adbd"
STAND_INS = Path(__file__).with_name("adb_stand_ins")
_ADBD = "/opt/adbd/usr/sbin/adbd"
_LIBRARIES = "/opt/adbd/usr/lib/x86_64-linux-gnu"

_MAKE_ROOT = """
set -e
root=$1 size=$2 usr=$3 adbd=$4 stand_ins=$5 qemu=$6
shift 6
if [ -n "$qemu" ]; then  # programs for arm64 run by themselves in this namespace
    mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
    printf '%s' ":arm64:M:0:$ARM64:$MASK:$qemu:F" > /proc/sys/fs/binfmt_misc/register
fi
mount -t tmpfs -o size=16m none "$root"
for name in usr proc sys dev etc opt/adbd data/local/tmp sdcard system/bin tmp; do mkdir -p "$root/$name"; done
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
mount --rbind "$usr" "$root/usr"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"  # without it XNNPACK knows no CPU
mount --rbind /etc "$root/etc"
mount --rbind "$adbd" "$root/opt/adbd"
for folder; do mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"; done
cp "$stand_ins"/* "$root/system/bin/"
chmod +x "$root"/system/bin/*
mount -t tmpfs -o size="$size" none "$root/data/local/tmp"
ip link set lo up
echo ready
exec sleep 1200
"""


def wait_for(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Until ``condition`` holds; the test fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.005)


_ELF_ARM64 = {
    "ARM64": r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
    "MASK": r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
}


class Emulated(NamedTuple):
    """An arm64 for a device: the folder of its /usr, and a static qemu."""

    usr: Path
    qemu: Path


class Peer:
    """A device. Its namespaces live as long as it does, so that adbd can be killed and started again.

    Args:
        root: an empty folder.
        size: of /data/local/tmp, as tmpfs takes it.
        also: folders of this machine that the device has too.
        emulated: what makes it an arm64.
        variables: of its environment.
    """

    def __init__(
        self,
        root: Path,
        number: int,
        network: int,
        *,
        size: str = "16m",
        also: Sequence[Path] = (),
        emulated: Emulated | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.root, self.serial = root, f"10.77.{number}.2:5555"
        root.mkdir(parents=True)
        usr, qemu = emulated or ("/usr", "")
        words = ["sh", "-c", _MAKE_ROOT, "sh", root, size, usr, HOME / "root", STAND_INS, qemu, *also]
        # programs of another machine can be registered in a namespace of users only
        self._user = ["--user"] if emulated else []
        own = [*self._user, "--map-root-user"] if emulated else []
        self._variables = dict(variables or {})
        self._keeper = subprocess.Popen(
            ["unshare", *own, "--net", "--mount", *map(str, words)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, **_ELF_ARM64},
        )  # fmt: skip
        assert self._keeper.stdout is not None and self._keeper.stdout.readline() == "ready\n", "no root was made"
        self._card(number, network)
        self._adbd: subprocess.Popen[bytes] | None = None
        self.start()

    def _card(self, number: int, network: int) -> None:
        for place, words in (
            (network, f"link add host{number} type veth peer name dev0 netns {self._keeper.pid}"),
            (network, f"addr add 10.77.{number}.1/24 dev host{number}"),
            (network, f"link set host{number} up"),
            (self._keeper.pid, f"addr add 10.77.{number}.2/24 dev dev0"),
            (self._keeper.pid, "link set dev0 up"),
        ):
            inside(place, "ip", *words.split())

    def start(self) -> None:
        """Start adbd, as at the end of a boot, and wait until it listens."""
        environment = {
            "PATH": "/system/bin:/usr/bin:/usr/sbin",
            "HOME": "/",
            "LANG": "C.UTF-8",
            "TMPDIR": "/data/local/tmp",
            **self._variables,
        }
        command = [f"{_LIBRARIES}/ld-linux-x86-64.so.2", "--library-path", f"{_LIBRARIES}:{_LIBRARIES}/android", _ADBD]
        enter = [
            "nsenter",
            "--target",
            str(self._keeper.pid),
            *self._user,
            "--net",
            "--mount",
            "chroot",
            str(self.root),
        ]
        self._adbd = subprocess.Popen(
            [*enter, *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        listens = lambda: ":5555" in inside(self._keeper.pid, "ss", "-ltn")  # noqa: E731
        wait_for(listens, "adbd listening")

    def kill(self) -> None:
        """End adbd at once, as when the device loses its power."""
        assert self._adbd is not None
        self._adbd.kill()
        self._adbd.wait(10)

    def freeze(self) -> None:
        """Stop adbd where it is."""
        assert self._adbd is not None
        self._adbd.send_signal(signal.SIGSTOP)

    def reboot(self) -> None:
        """adbd goes and comes back; what is in /data stays."""
        self.kill()
        self.start()

    def unplug(self) -> None:
        """Cut the connection without a farewell."""
        inside(self._keeper.pid, "ip", "link", "set", "dev0", "down")

    def path(self, remote: str) -> Path:
        """A file of the device, seen from this machine."""
        return Path(f"/proc/{self._keeper.pid}/root{self.root}{remote}")

    def close(self) -> None:
        """End it and all that it runs."""
        if self._adbd is not None and self._adbd.poll() is None:
            self.kill()
        self._keeper.kill()
        self._keeper.wait(10)


def inside(process: int, *words: str) -> str:
    """What a program of this machine says inside of a process's network."""
    command = ["nsenter", "--target", str(process), "--net", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


class Lab:
    """A network with adb's server in it; devices are plugged in by ``plug``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 1200"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._holder.stdout is not None and self._holder.stdout.readline() == "ready\n"
        self.peers: list[Peer] = []
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        program = self.bin / "adb"
        program.write_text(
            f'#!/bin/sh\nHOME="{folder}" exec nsenter --target {self._holder.pid} --net {shutil.which("adb")} "$@"\n'
        )
        program.chmod(0o755)

    def plug(self, **options: Any) -> Peer:
        """A device, by the options of ``Peer``, that adb's server has connected to."""
        number = len(self.peers) + 1
        peer = Peer(self._folder / f"device{number}", number, self._holder.pid, **options)
        self.peers.append(peer)
        self.connect(peer)
        return peer

    def connect(self, peer: Peer) -> None:
        """As a person would: ``adb connect``."""
        said = subprocess.run([self.bin / "adb", "connect", peer.serial], capture_output=True, text=True, timeout=30)
        assert "connected to" in said.stdout, said.stdout + said.stderr

    def close(self) -> None:
        """End adb's server and the devices."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run([self.bin / "adb", "kill-server"], capture_output=True, timeout=20)
        for peer in self.peers:
            peer.close()
        self._holder.kill()
        self._holder.wait(10)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """An empty lab, whose adb is the first on the path."""
    need("adb", "ip", "ss", "unshare", "nsenter", install=INSTALL, there=(HOME / "installed").is_file())
    if os.geteuid() != 0 or sys.platform != "linux":
        if os.environ.get("STH_REQUIRE_TOOLS") == "1":
            pytest.fail("network namespaces take root on Linux")
        pytest.skip("network namespaces take root on Linux")
    made = Lab(tmp_path / "lab")
    monkeypatch.setenv("PATH", f"{made.bin}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    try:
        yield made
    finally:
        made.close()
