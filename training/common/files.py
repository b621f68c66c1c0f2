"""Files that are either whole or absent: write beside the target, then rename."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.common.errors import UserError


@contextlib.contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path in the target's folder and rename it to ``target`` when the block succeeds.

    The block may make a file or a folder there (a folder replaces the old one). After an exception
    the temporary is removed and what was at ``target`` is untouched.

    Raises:
        UserError: the folder cannot be made or written to, or a file was made and ``target`` is a folder.
    """
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}; choose a folder that you may write to") from error
    temporary = scratch / target.name
    try:
        yield temporary
        _replace(temporary, target, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _replace(temporary: Path, target: Path, scratch: Path) -> None:
    if not target.is_dir() or target.is_symlink():
        os.replace(temporary, target)
        return
    if temporary.is_file():
        raise UserError(f"cannot write {target}: it is a folder; give the name of a file")
    # A folder cannot be replaced in one step: the old one steps aside and goes with the scratch folder.
    aside = scratch / "replaced"
    os.replace(target, aside)
    try:
        os.replace(temporary, target)
    except OSError:
        os.replace(aside, target)
        raise


def write_json(target: Path | str, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path | str, what: str) -> Any:
    """Read a JSON file; ``what`` says in the error what the file should have been."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {what} {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is no {what}: not valid JSON ({error})") from error


def read_tensors(path: Path | str, what: str) -> Any:
    """Read what ``torch.save`` wrote: tensors and plain values only; ``what`` says what the file should have been."""
    import torch  # here, since most users of this module need no torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises anything on bytes that were never pickled
        raise UserError(f"{path} is no {what}: PyTorch cannot read it ({type(error).__name__})") from error


def sha256_of(path: Path | str) -> str:
    """SHA-256 of a file, or of a folder's files in the order of their names."""
    path = Path(path)
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(str(file.relative_to(path)).encode())
            digest.update(file.read_bytes())
    else:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def size_of(path: Path | str) -> int:
    """Bytes of a file, or of all files of a folder."""
    path = Path(path)
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size
