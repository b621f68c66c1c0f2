"""Files are whole or absent, and errors are one line for people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training.common.errors import UserError, missing_extra
from training.common.files import atomic_path, read_json, read_tensors, sha256_of, size_of, write_json


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "file.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert names_in(target.parent) == ["file.txt"]
    umask = os.umask(0)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask  # others may read it as any other file


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half of the new")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail()
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["file.txt"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "model.mlpackage"
    for content in ("old", "new"):
        with atomic_path(target) as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert names_in(target) == ["new"]
    assert names_in(tmp_path) == ["model.mlpackage"]


def test_a_folder_stays_when_nothing_comes_to_replace_it(tmp_path: Path) -> None:
    target = tmp_path / "model.mlpackage"
    target.mkdir()
    (target / "precious").write_text("old")
    with pytest.raises(OSError, match="No such file"), atomic_path(target):
        pass  # the block made nothing
    assert names_in(target) == ["precious"]
    assert names_in(tmp_path) == ["model.mlpackage"]


def test_a_file_never_replaces_a_folder(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "precious").write_text("old")
    with pytest.raises(UserError, match="it is a folder"):
        write_json(tmp_path / "results", {})
    assert names_in(tmp_path / "results") == ["precious"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=r"cannot write .*result\.json.*choose"):
        write_json(tmp_path / "file" / "result.json", {})


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"top1": 95.5, "labels": ["Wischen", "größer"], "nested": [1, None]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json", "result") == value
    assert "größer" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_json_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read contract .*absent\.json"):
        read_json(tmp_path / "absent.json", "contract")
    (tmp_path / "broken.json").write_text("{'a': 1}")
    with pytest.raises(UserError, match=r"broken\.json is no contract"):
        read_json(tmp_path / "broken.json", "contract")
    (tmp_path / "binary.json").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match=r"binary\.json is no contract"):
        read_json(tmp_path / "binary.json", "contract")


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", bytes(range(256)) * 4])
def test_bytes_that_are_no_tensors(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.pt is no checkpoint") as caught:
        read_tensors(path, "checkpoint")
    assert "\n" not in str(caught.value)


def test_tensors_that_would_run_code_are_refused(tmp_path: Path) -> None:
    torch.save({"a": Path("x")}, tmp_path / "model.pt")  # any class but tensors and plain values
    with pytest.raises(UserError, match="no checkpoint"):
        read_tensors(tmp_path / "model.pt", "checkpoint")


def test_sizes_and_hashes_of_files_and_folders(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "sub").mkdir(parents=True)
        (folder / "a").write_bytes(b"12345")
        (folder / "sub" / "b").write_bytes(b"123")
    # sha256sum of "12345"
    assert sha256_of(one / "a") == "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
    assert (size_of(one / "a"), size_of(one)) == (5, 8)
    assert sha256_of(one) == sha256_of(other)
    (other / "sub" / "b").rename(other / "sub" / "c")
    assert sha256_of(one) != sha256_of(other)


def run(body: str) -> subprocess.CompletedProcess[str]:
    """``run_cli`` in a process of its own: its main is ``body``."""
    lines = "\n    ".join(body.splitlines())
    program = (
        f"import json\nfrom training.common.errors import UserError, run_cli\ndef main():\n    {lines}\nrun_cli(main)"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        ("pass", 0, ""),
        ("return 3", 3, ""),
        ("raise UserError('clips.csv: line 3 has no label')", 1, "error: clips.csv: line 3 has no label\n"),
        ("raise KeyboardInterrupt", 130, "stopped by the user; files written so far are whole\n"),
        ("raise OSError(28, 'No space left on device', 'x.pt')", 1, "error: x.pt: No space left on device\n"),
    ],
)
def test_a_command_ends_with_one_line(body: str, status: int, complaint: str) -> None:
    done = run(body)
    assert (done.returncode, done.stderr) == (status, complaint)


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    done = run("json.loads(3)")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    program = (
        "from training.common.errors import run_cli\n"
        "def main():\n    for n in range(200000):\n        print('line', n)\n"
        "run_cli(main)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"line 0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_missing_extra_says_what_to_install() -> None:
    assert "pip install -e '.[coreml]'" in str(missing_extra("coremltools", "coreml"))
    assert json.dumps(str(missing_extra("a", "b"))).count("\\n") == 0


def test_sigterm_ends_a_command_as_ctrl_c_does(tmp_path: Path) -> None:
    mark = tmp_path / "closed"
    program = (
        "import time\nfrom pathlib import Path\nfrom training.common.errors import run_cli\n"
        "def main():\n    try:\n        print('ready', flush=True)\n        time.sleep(60)\n"
        f"    finally:\n        Path({str(mark)!r}).touch()\nrun_cli(main)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    ) as run:
        assert run.stdout is not None and run.stdout.readline() == b"ready\n"
        run.terminate()
        _, said = run.communicate(timeout=20)
    assert run.returncode == 143
    assert mark.exists()
    assert b"files written so far are whole" in said and b"Traceback" not in said
