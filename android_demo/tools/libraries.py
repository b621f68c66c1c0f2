"""The libraries of ``libraries.txt``: ``python -m android_demo.tools.libraries`` brings them, each by its checksum.

They lie in ``build/android/libraries``; Maven's own client, or npm's for a group called ``npm``, loads what is not
there.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from training.common.errors import UserError, run_cli
from training.common.files import sha256_of

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "android_demo" / "libraries.txt"
BUILD = ROOT / "build" / "android"
FOLDER = BUILD / "libraries"
NPM = "npm"
"""The group of what comes from npm."""
_PLUGIN = "3.8.1"
_POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.sthmobile</groupId><artifactId>libraries</artifactId><version>1</version><packaging>pom</packaging>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>{}</version>
    <configuration><artifactItems>{}</artifactItems></configuration>
  </plugin></plugins></build>
</project>
"""


@dataclass(frozen=True)
class Library:
    """One line of the list.

    Attributes:
        packaging: jar or aar; tgz of npm.
        uses: for what it is needed.
    """

    group: str
    artifact: str
    version: str
    packaging: str
    sha256: str
    uses: frozenset[str]

    @property
    def path(self) -> Path:
        """Where it lies once it is here."""
        return FOLDER / f"{self.artifact}-{self.version}.{self.packaging}"

    def to_xml(self) -> str:
        """Maven's words for it."""
        values = {"groupId": self.group, "artifactId": self.artifact, "version": self.version, "type": self.packaging}
        return "<artifactItem>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in values.items()) + "</artifactItem>"


def read_libraries(path: Path = LIST) -> list[Library]:
    """The list.

    Raises:
        UserError: a line that is none.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        names = fields[0].split(":")
        if len(fields) != 3 or len(names) not in (3, 4) or len(fields[1]) != 64:
            raise UserError(f"{path}:{number}: expected group:artifact:version[:packaging], a sha256 and uses")
        packaging = names[3] if len(names) == 4 else "jar"
        found.append(Library(names[0], names[1], names[2], packaging, fields[1], frozenset(fields[2].split(","))))
    return found


def paths(*uses: str) -> list[Path]:
    """Files of all libraries that are needed for one of ``uses``, in the order of the list.

    Raises:
        UserError: one of them is not here.
    """
    wanted = [library for library in read_libraries() if library.uses & set(uses)]
    for library in wanted:
        if not library.path.is_file():
            raise UserError(f"{library.path.name} is not in {FOLDER}; run android_demo/install_tools.sh")
    return [library.path for library in wanted]


def fetch(libraries: Sequence[Library]) -> list[Library]:
    """Bring the libraries that are not here; which they were.

    Raises:
        UserError: no Maven, Maven failed, or a file has another checksum than the list says.
    """
    absent = [library for library in libraries if not library.path.is_file()]
    if not absent:
        return []
    for program in ("mvn", "npm"):
        if shutil.which(program) is None:
            raise UserError(f"there is no {program}; run android_demo/install_tools.sh")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as temporary:
        folder = Path(temporary)
        _run_maven([library for library in absent if library.group != NPM], folder)
        _run_npm([library for library in absent if library.group == NPM], folder)
        for library in absent:
            _take(library, folder / library.path.name)
    return absent


def _run_maven(libraries: Sequence[Library], folder: Path) -> None:
    if not libraries:
        return
    pom = folder / "pom.xml"
    pom.write_text(_POM.format(_PLUGIN, "".join(library.to_xml() for library in libraries)), encoding="utf-8")
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy", f"-DoutputDirectory={folder}"]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        lines = [line for line in ended.stdout.splitlines() if line.startswith("[ERROR]")]
        raise UserError(f"Maven could not bring the libraries of {LIST.name}: {(lines or [ended.stdout.strip()])[0]}")


def _run_npm(libraries: Sequence[Library], folder: Path) -> None:
    for library in libraries:
        name = f"{library.artifact}@{library.version}"  # packed as it was published: none of its scripts runs
        ended = subprocess.run(["npm", "pack", "--silent", name], cwd=folder, capture_output=True, text=True)
        if ended.returncode:
            raise UserError(f"npm could not bring {name}: {ended.stderr.strip()[-300:]}")


def _take(library: Library, found: Path) -> None:
    if not found.is_file():
        raise UserError(f"there came no {found.name}; is the line in {LIST.name} right?")
    digest = sha256_of(found)
    if digest != library.sha256:
        raise UserError(f"{found.name} has sha256 {digest}; {LIST.name} says {library.sha256}")
    found.replace(library.path)


def main() -> None:
    libraries = read_libraries()
    brought = fetch(libraries)
    for library in libraries:
        if sha256_of(library.path) != library.sha256:
            raise UserError(f"{library.path} was changed; delete it and run this again")
    print(f"{FOLDER}: {len(libraries)} libraries, {len(brought)} of them new")


if __name__ == "__main__":
    run_cli(main)
