"""Makes the emulated arm64 system: ``sth arm64-setup``, quick where everything is there already.

On Debian 12 or 13, x86_64. Everything lies in ``build/arm64``; nothing else of the system changes.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mobile.runtimes.arm64 import debian
from mobile.runtimes.arm64.build_runner import ARM64, cross_compiler, pte_runner
from mobile.runtimes.arm64.places import COMPILER, HOME, PYTHON, QEMU, ROOT, SETUP, SUITE, WHEELS
from training.common.errors import UserError, missing_extra, run_cli

# a shell and its tools besides Python, so that the root can also be a device's
_PACKAGES = ("python3", "libstdc++6", "dash", "coreutils")
_COMPILER = "g++-aarch64-linux-gnu"
_STAMP = HOME / "made_of"


def is_ready() -> bool:
    """Whether the system is there and was made of today's versions."""
    try:
        return _STAMP.is_file() and _STAMP.read_text() == _made_of()
    except UserError:
        return False


def require() -> None:
    """Raises:
    UserError: the emulated system is not there, or was made of other versions.
    """
    if not is_ready():
        raise UserError(f"there is no emulated arm64 system of the installed runtimes' versions in {HOME}; {SETUP}")


def make() -> None:
    """Fetch, unpack and build what is not there.

    Raises:
        UserError: this system cannot, or something could not be fetched.
    """
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise UserError(
            f"this is {platform.system()} on {platform.machine()}; the emulated arm64 system is for Linux on x86_64"
        )
    made_of = _made_of()
    host = debian.release()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    steps: dict[str, Callable[[], None]] = {
        f"an arm64 Debian {SUITE} with Python (20 MB)": _make_root,
        f"qemu-user of {SUITE} (70 MB)": _make_qemu,
        f"wheels for {ARM64} (60 MB)": _make_wheels,
    }
    if cross_compiler() is None:
        steps[f"{_COMPILER} of {host} (60 MB)"] = lambda: _make_compiler(host)
    print(f"fetching {'; '.join(steps)}", flush=True)
    with ThreadPoolExecutor(len(steps)) as pool:
        names = {pool.submit(step): name for name, step in steps.items()}
        for done in as_completed(names):
            done.result()
            print(f"there: {names[done]}", flush=True)
    print(f"there: {pte_runner(ARM64).relative_to(HOME)} for {ARM64}", flush=True)
    _STAMP.write_text(made_of)


def _pinned(package: str, extra: str) -> str:
    try:
        return f"{package}=={version(package).split('+')[0]}"
    except PackageNotFoundError as error:
        raise missing_extra(package, extra) from error


def _wheels() -> list[str]:
    """The runtimes in the versions that run on this machine."""
    return [_pinned("numpy", "tflite"), _pinned("ai-edge-litert", "tflite"), _pinned("executorch", "executorch")]


def _made_of() -> str:
    return "\n".join([SUITE, *_PACKAGES, _COMPILER, *_wheels(), "1", ""])


def _make_root() -> None:
    apt = HOME / "apt-root"
    debian.unpack(debian.download(SUITE, "arm64", _PACKAGES, apt), ROOT)
    for name in ("tmp", "proc", "dev", "sys"):
        (ROOT / name).mkdir(exist_ok=True)
    (ROOT / "usr" / "bin" / "sh").unlink(missing_ok=True)
    (ROOT / "usr" / "bin" / "sh").symlink_to("dash")
    shutil.rmtree(apt)


def _make_qemu() -> None:
    apt = HOME / "apt-qemu"
    packages = [path for path in debian.download(SUITE, "amd64", ["qemu-user"], apt) if path.name.startswith("qemu")]
    debian.unpack(packages, HOME / "qemu", only=f"./{QEMU.relative_to(HOME / 'qemu')}")
    shutil.rmtree(apt)


def _make_compiler(suite: str) -> None:
    apt = HOME / "apt-compiler"
    debian.unpack(debian.download(suite, "amd64", [_COMPILER], apt), COMPILER)
    shutil.rmtree(apt)


def _make_wheels() -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        raise UserError(f"there is no {uv}; make setup installs it")
    options = ["--target", str(WHEELS), "--python-platform", "aarch64-manylinux_2_28", "--python-version", PYTHON]
    command = [str(uv), "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", *options, *_wheels()]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"fetching the wheels for {ARM64} failed: {' '.join(done.stderr.split())[-400:]}")


def main() -> int:
    parser = argparse.ArgumentParser(prog=SETUP, description=__doc__)
    parser.add_argument("--again", action="store_true", help="make it anew, also where it is there")
    if parser.parse_args().again or not is_ready():
        make()
    pte_runner(ARM64)
    print(f"the emulated arm64 system is in {HOME}")
    return 0


if __name__ == "__main__":
    run_cli(main)
