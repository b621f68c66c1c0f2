"""Put artefacts into the apps: ``sth install --android ARTEFACT [ARTEFACT ...]``.

An app finds in its folder of models each artefact, its contract (with the labels), the thresholds of a stream and the
exporter's report, under their own names. What was in the folder before is replaced as a whole, so that an app never
holds half of a model or one that nobody named.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobile.events.detector import gestures_of
from mobile.events.settings import load_thresholds, thresholds_path
from mobile.interface.contract import Contract, contract_path, load_contract, report_path
from mobile.runtimes import SUFFIXES
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.files import atomic_path, read_json, sha256_of, size_of

EXAMPLES = """examples:
  sth install --android build/artefacts/*_stream_*.tflite build/artefacts/*_stream_*.pte
  sth install --ios build/artefacts/*_stream_*.mlpackage build/artefacts/*_stream_*.pte
"""
_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class App:
    """One of the two apps.

    Attributes:
        folder: where it looks for models, from the project's top.
        runtimes: what it can run.
    """

    name: str
    folder: Path
    runtimes: tuple[str, ...]


ANDROID = App("Android", Path("android_demo/app/src/main/assets/models"), ("litert", "executorch"))
IOS = App("iOS", Path("ios_demo/App/Resources/Models"), ("coreml", "executorch"))


def install(artefacts: Sequence[Path], app: App, root: Path = _PROJECT) -> list[Path]:
    """Replace the app's models by ``artefacts`` and their side files; what was installed, artefacts and side files.

    Raises:
        UserError: an artefact or a side file is missing, is of a runtime that the app has not, or does not fit the
            others; nothing was changed then.
    """
    files = [file for artefact in artefacts for file in files_of(artefact, app)]
    names = [file.name for file in files]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UserError(f"two artefacts are called {min(twice)}; rename one, or name it once")
    target = root / app.folder
    with atomic_path(target) as folder:
        folder.mkdir()
        for file in files:
            (shutil.copytree if file.is_dir() else shutil.copyfile)(file, folder / file.name)
    return [target / name for name in names]


def files_of(artefact: Path, app: App) -> list[Path]:
    """The artefact and its side files, once they are known to belong together.

    Raises:
        UserError: something is missing or does not fit.
    """
    if artefact.suffix not in SUFFIXES:
        raise UserError(f"{artefact} is no artefact: expected a name ending in {', '.join(SUFFIXES)}")
    if not artefact.exists():
        raise UserError(f"there is no {artefact}; the scripts in converters/ make it")
    contract = load_contract(artefact)
    if contract.runtime not in app.runtimes:
        runtimes = " and ".join(app.runtimes)
        raise UserError(f"{artefact} is for {contract.runtime}; the {app.name} app runs {runtimes}")
    if contract.runtime != SUFFIXES[artefact.suffix]:
        raise UserError(f"{contract_path(artefact)} is for {contract.runtime}, its artefact is not; export it again")
    _check_report(artefact)
    sides = [contract_path(artefact), report_path(artefact)]
    if contract.mode == "stream":
        _check_thresholds(artefact, contract)
        sides.append(thresholds_path(artefact))
    return [artefact, *sides]


def _check_report(artefact: Path) -> None:
    path = report_path(artefact)
    if not path.is_file():
        raise UserError(f"{artefact} has no report {path.name} beside it; export it again with converters/")
    content = read_json(path, "report")
    said, found = content.get("sha256"), sha256_of(artefact)
    if said != found:
        raise UserError(
            f"{artefact} has sha256 {found[:12]}, its report says {str(said)[:12]}: one of them was replaced; "
            "export it again with converters/"
        )


def _check_thresholds(artefact: Path, contract: Contract) -> None:
    path = thresholds_path(artefact)
    if not path.is_file():
        raise UserError(
            f"{artefact} is a stream without {path.name} beside it, so no gesture would ever begin; "
            "sth fit-events makes it"
        )
    gestures_of(load_thresholds(path), contract.labels)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("sth install", __doc__, EXAMPLES)
    for flag, app in (("--android", ANDROID), ("--ios", IOS)):
        parser.add_argument(flag, nargs="+", type=Path, metavar="ARTEFACT", help=f"into {app.folder}")
    parsed = parser.parse_args(arguments)
    if not (parsed.android or parsed.ios):
        parser.error("say --android ARTEFACT or --ios ARTEFACT")
    return parsed


def main() -> None:
    """The command."""
    arguments = parse(sys.argv[1:])
    wanted = [(arguments.android, ANDROID), (arguments.ios, IOS)]
    for artefacts, app in wanted:
        for artefact in artefacts or ():
            files_of(artefact, app)  # so that an error in the second app's artefacts leaves the first app alone
    for artefacts, app in wanted:
        if artefacts:
            for path in install(artefacts, app):
                print(f"{app.name}: {path.relative_to(_PROJECT)} ({size_of(path):,} bytes)")


if __name__ == "__main__":
    run_cli(main)
