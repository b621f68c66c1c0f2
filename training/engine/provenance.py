"""Where a result file comes from: what was measured, by which code, with which versions.

``write_result`` adds this to each result that a command writes. ``changes`` reads it back and says what has changed
since, so that a page can print "measured with earlier code" beside a figure.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import os
import platform
import subprocess
import tokenize
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from training.common.files import sha256_of, write_json

ROOT = Path(__file__).resolve().parents[2]
KEY = "provenance"
UNCOMMITTED = "+"
"""Ends the code version of a checkout whose files differ from their commit."""
_PACKAGES = (
    "torch",
    "numpy",
    "opencv-python",
    "executorch",
    "torchao",
    "coremltools",
    "tensorflow",
    "onnx2tf",
    "ai-edge-litert",
)
_GENERATED = (
    ":(exclude,glob)**/results/**",
    ":(exclude)docs",
    ":(exclude,glob)**/*.md",
    ":(exclude)mobile/checkpoints",
)
"""What ``make results`` writes itself. The checkpoints count by their own sha256."""
_SUFFIXES = {".py", ".cpp", ".h", ".csv", ".sh", ".kt", ".swift"}
_DIGITS = 16
CLIP_SOURCES = ("training/clips", "training/rendered")
NETWORK_SOURCES = ("training/networks", "training/operators")
TRAINING_SOURCES = (*CLIP_SOURCES, *NETWORK_SOURCES, "training/engine")
"""What a trained network depends on, but for its recipe."""


@functools.cache  # the version that runs: the files may change while it does
def code_version() -> str:
    """The commit of a checkout, with ``+`` where its code differs from that, or the installed package's version.

    Results and pages that a command writes do not count as code. ``STH_CODE_VERSION`` in the environment says the
    version of a copy that is neither a checkout nor installed, as in a container.
    """
    if told := os.environ.get("STH_CODE_VERSION"):
        return told
    if not (ROOT / ".git").exists():  # an installed package; a repository around it is somebody else's
        return _installed_version()
    try:
        commit = _git("describe", "--always", "--abbrev=12", "--exclude=*")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *_GENERATED)
    except (OSError, subprocess.CalledProcessError):
        pass
    else:
        return commit + (UNCOMMITTED if changed else "")
    return _installed_version()


def _installed_version() -> str:
    try:
        return metadata.version("sth-mobile")
    except metadata.PackageNotFoundError:
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def write_result(
    target: Path | str, content: Mapping[str, Any], *, sources: Iterable[str], measured: Iterable[Path | str] = ()
) -> None:
    """Write a result file with its provenance, atomically.

    Args:
        sources: files and folders of the project, relative to its root, that decide the figures.
        measured: checkpoints and artefacts behind the figures. Those whose sha256 the content already holds beside
            their name need not stand here.
    """
    provenance = {
        "measured": {"/".join(Path(path).parts[-2:]): sha256_of(path) for path in measured},
        "sources": {name: source_digest(ROOT / name) for name in sorted(sources)},
        "versions": versions(),
    }
    write_json(target, {**content, "code_version": code_version(), KEY: provenance})


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that figures depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def source_digest(path: Path) -> str:
    """The first digits of the sha256 of a source file, or of a folder's; empty where there is none.

    Comments, docstrings and blank lines of Python do not count: they change no figure.
    """
    digest = hashlib.sha256()
    files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES) if path.is_dir() else [path]
    if not any(file.is_file() for file in files):
        return ""
    for file in files:
        text = file.read_text(encoding="utf-8")
        digest.update(str(file.relative_to(path.parent)).encode())
        digest.update((_code_of(text) if file.suffix == ".py" else text).encode())
    return digest.hexdigest()[:_DIGITS]


def _code_of(text: str) -> str:
    """Python without its comments, docstrings and blank lines."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)  # type: ignore[operator]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def changes(content: Mapping[str, Any], today: Mapping[str, str]) -> list[str]:
    """What differs between the code behind a result file and the code of today, in words; empty if nothing does.

    Args:
        content: of the result file.
        today: sha256 of each checkpoint and artefact, by name, as the code of today has or makes it.
    """
    if KEY not in content:
        return ["it does not name the code that measured it"]
    provenance = content[KEY]
    found = [
        f"{name} has other bytes"
        for name, sha256 in measured_of(content)
        if today.get(Path(name).name, sha256) != sha256
    ]
    found += [f"{name} changed" for name, old in provenance["sources"].items() if source_digest(ROOT / name) != old]
    if str(content.get("code_version", "")).endswith(UNCOMMITTED):
        found.append("its code was never committed")
    return list(dict.fromkeys(found))


def measured_of(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and sha256 of everything that a result file names: in its provenance, at its top and in its rows."""
    named = list(content.get(KEY, {}).get("measured", {}).items())
    entries = [content, *(row for rows in content.values() if isinstance(rows, list) for row in rows)]
    return named + [
        (entry["artefact"], entry["sha256"])
        for entry in entries
        if isinstance(entry, dict) and entry.get("artefact") and entry.get("sha256")
    ]
