"""The live command: what it writes, and what it says of bad input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from clip_files import plain_frame, write_video
from live_fakes import (
    BLACK,
    GREEN,
    RED,
    ColourBackend,
    FakeClock,
    lossy_camera,
    pipeline_of,
    write_stream,
)
from PIL import Image

from mobile import runtimes
from mobile.live import command as live
from mobile.live.loop import ENDED, LOST
from mobile.live.opening import open_source
from mobile.live.source import Clock
from training.common.errors import UserError


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object, backend: ColourBackend | None = None) -> int:
    chosen = backend or ColourBackend()
    monkeypatch.setattr(runtimes, "_open", lambda path, threads: chosen)
    monkeypatch.setattr(sys, "argv", ["live", *map(str, arguments)])
    return live.main()


def test_the_command_writes_what_it_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    artefact, backend = write_stream(tmp_path), ColourBackend()
    frames = [plain_frame(BLACK)] * 6 + [plain_frame(GREEN)] * 12 + [plain_frame(BLACK)] * 7
    video = write_video(tmp_path / "green.mp4", frames)
    options = ("--headless", "--json", tmp_path / "live.json", "--record", tmp_path / "live.gif", "--width", 120)
    assert command(monkeypatch, "--source", video, "--model", artefact, *options, backend=backend) == 0
    assert backend.counts[:2] == [0, 0]  # what warms up is forgotten
    found = json.loads((tmp_path / "live.json").read_text())
    assert found["frames"] == {"captured": 25, "processed": 9, "dropped": 0, "missed": 0}
    assert [(event["kind"], event["label"], event["time_ms"]) for event in found["events"]] == [
        ("begin", "Green", 500),
        ("end", "Green", 1500),
    ]
    assert found["runtime"] == "Colours 1.0" and len(found["sha256"]) == 64 and found["outcome"] == ENDED
    assert set(found["milliseconds"]) == {"preprocess", "inference", "postprocess"}
    assert all(0 < stage["p50"] <= stage["p90"] for stage in found["milliseconds"].values())
    assert found["frames_per_second"]["processed"] > 0 and found["stream_seconds"] == 2.0
    assert found["warnings"] == ["these thresholds were not fitted; run sth fit-events"]
    assert Image.open(tmp_path / "live.gif").size == (120, 90)
    assert "begin Green" in capsys.readouterr().out


def test_the_command_takes_a_rendered_stream_and_finds_the_artefact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stream(tmp_path, "a_stream_32_fp32.mlpackage")
    write_stream(tmp_path, "net_stream_32_fp32.tflite", mode="clip")
    wanted = write_stream(tmp_path, "z_stream_32_fp32.tflite")
    monkeypatch.setattr(live, "ARTEFACTS", tmp_path)
    assert live.find_artefact(tmp_path) == wanted
    assert command(monkeypatch, "--source", "rendered:2:9", "--headless", "--json", tmp_path / "live.json") == 0
    assert json.loads((tmp_path / "live.json").read_text())["frames"]["processed"] == 8


def test_a_camera_that_stays_away_ends_with_an_error_and_keeps_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, artefact = FakeClock(), write_stream(tmp_path)
    monkeypatch.setattr(live, "Clock", lambda: clock)
    monkeypatch.setattr(live, "open_source", lambda *_, **__: lossy_camera(clock, [[RED] * 8]))
    target, movie = tmp_path / "live.json", tmp_path / "live.mp4"
    with pytest.raises(UserError, match=r"camera 0 was away for 10 s"):
        command(monkeypatch, "--model", artefact, "--headless", "--json", target, "--record", movie)
    found = json.loads(target.read_text())
    assert found["outcome"] == LOST and found["frames"]["captured"] == 8
    assert movie.stat().st_size > 0


def test_a_recording_is_absent_when_the_command_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise UserError("the runtime failed")

    artefact = write_stream(tmp_path)
    pipeline = pipeline_of(artefact, ColourBackend(fail), monkeypatch, Clock())
    monkeypatch.setattr(live, "open_pipeline", lambda *_: pipeline)
    with pytest.raises(UserError, match="runtime failed"):
        command(monkeypatch, "--source", "rendered:2:9", "--model", artefact, "--headless", "--record",
                tmp_path / "live.mp4")  # fmt: skip
    assert not (tmp_path / "live.mp4").exists()


def test_bad_input_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artefact = write_stream(tmp_path)
    (tmp_path / "text.mp4").write_text("no video")
    bad_sources = {
        tmp_path / "absent.mp4": "there is no",
        tmp_path / "text.mp4": "no video that OpenCV can decode",
        tmp_path: "is a folder",
        "rendered:1:9": "at least 2 s",
        "rendered:nine": "expected rendered:SECONDS:SEED",
    }
    for source, message in bad_sources.items():
        with pytest.raises(UserError, match=message):
            command(monkeypatch, "--source", source, "--model", artefact, "--headless")
    bad_options = {
        ("--record", "live.avi"): "expected a name ending in .mp4 or .gif",
        ("--record", "live.gif", "--width", "3"): "--width is 3",
        ("--seconds", "0"): "--seconds is 0",
        ("--give-up", "-1"): "--give-up is -1",
        ("--thresholds", str(tmp_path / "absent.json")): "absent.json",
    }
    for options, message in bad_options.items():
        with pytest.raises(UserError, match=message):
            command(monkeypatch, "--source", "rendered:2:9", "--model", artefact, "--headless", *options)
    with pytest.raises(UserError, match="takes whole clips"):
        command(monkeypatch, "--model", write_stream(tmp_path, "clip.tflite", mode="clip"), "--headless")
    with pytest.raises(UserError, match=r"sth fit-events --model .*new_stream"):
        command(monkeypatch, "--model", write_stream(tmp_path, "new_stream.tflite", fitted=False), "--headless")
    with pytest.raises(UserError, match=r"export_tflite.py --mode stream"):
        live.find_artefact(tmp_path / "nowhere")


def test_a_camera_or_a_screen_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="camera 977 cannot be opened"):
        open_source("977", realtime=True, clock=Clock())
    if sys.platform == "linux":
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        with pytest.raises(UserError, match="--headless"):
            command(monkeypatch, "--source", "rendered:2:9", "--model", write_stream(tmp_path))
