"""Where the emulated system lies, beside the system that runs it: everything in one folder under ``build/``."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
HOME = PROJECT / "build" / "arm64"
ROOT = HOME / "root"  # of an arm64 Debian with Python
QEMU = HOME / "qemu" / "usr" / "bin" / "qemu-aarch64"  # one static program of this machine
COMPILER = HOME / "compiler"  # a root of this machine's Debian with the cross compiler
WHEELS = HOME / "wheels"  # Python packages for arm64
PTE_RUNNERS = HOME / "pte_runner"  # a folder for each machine

SUITE = "trixie"  # of ROOT and QEMU: the qemu of Debian 12 crashes on LiteRT
PYTHON = "3.13"  # that of SUITE
SETUP = "sth arm64-setup"
