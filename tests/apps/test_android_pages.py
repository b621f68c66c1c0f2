"""Native libraries for pages of 16 KB: the same memory, other places in the file."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
from tools_needed import need

from android_demo.tools import pages
from training.common.errors import UserError

SOURCE = """
asm(".text\\n.skip {filler}\\n");
static int one = 1, two = 2, later[5000];
static int *const both[] = {{&one, &two}};
int sum(void) {{ return *both[0] + *both[1] + later[4999]; }}
void change(int value) {{ *both[1] = value; later[4999] = 100; }}
"""


def small_pages(folder: Path, filler: int) -> Path:
    """A library of this machine that was linked for pages of 4 KB, with ``filler`` bytes of code."""
    source, library = folder / f"a{filler}.c", folder / f"a{filler}.so"
    source.write_text(SOURCE.format(filler=filler))
    layout = "-Wl,-z,max-page-size=4096,-z,common-page-size=4096,-z,noseparate-code,-z,relro,-z,now"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", layout, "-o", library, source], check=True)
    return library


def test_the_library_still_works(tmp_path: Path) -> None:
    need("gcc", install="the system's package gcc")
    made, refused = 0, 0
    for filler in (64, 4096, 8192, 12288):
        old = small_pages(tmp_path, filler).read_bytes()
        assert pages.fault(old) is not None
        try:
            new = pages.lay_out(old)
        except UserError:
            refused += 1
            with pytest.raises(UserError, match="share a page"):
                pages.lay_out(old)
            continue
        assert pages.fault(new) is None and pages.lay_out(new) == new
        headers = 64 + 56 * len(pages.segments(old))
        assert pages.memory_image(new)[headers:] == pages.memory_image(old)[headers:]
        path = tmp_path / f"large{filler}.so"
        path.write_bytes(new)
        library = ctypes.CDLL(str(path))
        assert library.sum() == 3
        library.change(7)
        assert library.sum() == 108
        made += 1
    assert made and refused  # where code and data meet depends on the size of the code


def test_other_files_are_refused() -> None:
    with pytest.raises(UserError, match="no 64-bit little-endian ELF"):
        pages.lay_out(b"\x7fELF\x01\x01" + bytes(100))
