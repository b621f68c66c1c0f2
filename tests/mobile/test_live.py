"""The live loop: which frames reach the network and when, and what it survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clip_files import plain_frame, write_video
from live_fakes import (
    BLACK,
    BLUE,
    GREEN,
    LABELS,
    RED,
    ColourBackend,
    FakeCamera,
    FakeClock,
    Shown,
    bgr,
    lossy_camera,
    pipeline_of,
    write_stream,
)

from mobile.live.camera import CameraSource
from mobile.live.loop import CLOSED, ENDED, INTERRUPTED, LOST, TIME_UP, Live
from mobile.live.pipeline import Sampler
from mobile.live.source import Clock, StoredSource, open_file
from mobile.live.stats import RateMeter, StageTimes


def stored(count: int, rate: float, clock: Clock, *, realtime: bool = False, colour: Any = RED) -> StoredSource:
    frames = ((int(1000 * i / rate + 0.5), lambda: plain_frame(colour)) for i in range(count))
    return StoredSource("frames", frames, rate, realtime=realtime, clock=clock)


def quiet(line: str) -> None:
    """A report that nobody reads."""


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (12, [0, 250, 500, 750, 1000]),
        (15, [0, 267, 533, 800, 1000]),
        (30, [0, 267, 500, 767, 1000]),
        (4, [0, 250, 500, 750, 1000]),
    ],
)
def test_the_sampler_takes_the_first_frame_that_is_not_before_each_due_time(rate: int, expected: list[int]) -> None:
    sampler = Sampler(4.0)
    times = [int(1000 * i / rate + 0.5) for i in range(rate + 1)]
    assert [time for time in times if sampler.take(time)] == expected
    assert sampler.missed == 0


def test_the_sampler_rounds_due_times_as_files_round_theirs() -> None:
    sampler = Sampler(3.0)
    assert [time for time in (0, 83, 167, 250, 333, 417, 500, 583, 667) if sampler.take(time)] == [0, 333, 667]


def test_the_sampler_misses_due_times_of_a_slow_camera_and_keeps_its_grid() -> None:
    sampler = Sampler(4.0)
    assert [time for time in (40, 800, 1030, 1040, 1290) if sampler.take(time)] == [40, 800, 1040, 1290]
    assert sampler.missed == 2  # at 290 and at 540: the frame at 800 is that of 790
    sampler.reset()
    assert sampler.take(1300) and not sampler.take(1540) and sampler.take(1550)


def grey_video(path: Path, rate: float, count: int) -> Path:
    """Frame i is grey of level 20 + 6 * i, of which the codec takes about 3."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (64, 48))
    for number in range(count):
        writer.write(np.full((48, 64, 3), 20 + 6 * number, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(("rate", "expected"), [(15, [0, 4, 8, 12, 15, 19]), (30, [0, 8, 15, 23, 30, 38])])
def test_a_file_is_sampled_at_the_right_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int, expected: list[int]
) -> None:
    clock, backend = FakeClock(), ColourBackend()
    pipeline = pipeline_of(write_stream(tmp_path), backend, monkeypatch, clock)
    source = open_file(grey_video(tmp_path / "grey.mp4", rate, expected[-1] + 1), realtime=False, clock=clock)
    assert Live(source, pipeline, clock, report=quiet).run() == ENDED
    source.close()
    assert [round((level - 17) / 6) for level in backend.levels] == expected
    assert (source.captured, source.dropped, clock.slept) == (expected[-1] + 1, 0, 0.0)


def test_events_have_the_times_of_the_frames_not_of_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    pipeline = pipeline_of(write_stream(tmp_path), ColourBackend(lambda: clock.sleep(3)), monkeypatch, clock)
    colours = [BLACK] * 12 + [RED] * 12 + [BLACK] * 12
    frames = ((int(1000 * i / 12 + 0.5), lambda i=i: plain_frame(colours[i])) for i in range(36))
    lines: list[str] = []
    Live(StoredSource("frames", frames, 12, realtime=False, clock=clock), pipeline, clock, report=lines.append).run()
    assert [(event.kind, LABELS[event.label], event.time_ms) for event in pipeline.events] == [
        ("begin", "Red", 1000),
        ("end", "Red", 2000),
    ]
    assert [line.split()[:3] for line in lines] == [["00:01.0", "begin", "Red"], ["00:02.0", "end", "Red"]]
    assert pipeline.gestures[0].end_ms == 2000 and pipeline.active is None


def test_a_gesture_that_lasts_ends_with_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    pipeline = pipeline_of(write_stream(tmp_path), ColourBackend(), monkeypatch, clock)
    Live(stored(12, 12, clock), pipeline, clock, report=quiet).run()
    assert [event.kind for event in pipeline.events] == ["begin", "end"]


def test_a_file_in_real_time_waits_for_its_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    pipeline = pipeline_of(write_stream(tmp_path), ColourBackend(), monkeypatch, clock)
    source = stored(25, 12, clock, realtime=True)
    Live(source, pipeline, clock, report=quiet).run()
    assert clock.slept == pytest.approx(2.0)
    assert (source.dropped, pipeline.processed) == (0, 9)


def test_a_file_in_real_time_drops_what_a_slow_network_cannot_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    pipeline = pipeline_of(write_stream(tmp_path), ColourBackend(lambda: clock.sleep(0.6)), monkeypatch, clock)
    source, shown = stored(49, 12, clock, realtime=True), Shown()
    Live(source, pipeline, clock, screens=[shown], report=quiet).run()
    assert source.captured == 49 and source.dropped == 49 - len(shown.times) > 20
    assert pipeline.processed <= 8 and pipeline.sampler.missed >= 8
    assert clock.now() - 100 < 4.0 + 2 * 0.6  # it never falls further behind


def test_only_the_newest_frame_of_a_camera_waits() -> None:
    clock = FakeClock()
    camera = CameraSource("camera", lambda: FakeCamera(clock, [bgr(c) for c in (RED, GREEN, BLUE)], 0.04), clock)
    assert camera.next(0) is None
    for _ in range(3):
        camera.pump()
    frame = camera.next(0)
    assert frame is not None and frame.time_ms == 120  # when it was captured, whenever it is taken
    assert frame.image_HWC[0, 0].tolist() == list(BLUE)  # RGB of a camera's BGR
    assert (camera.captured, camera.dropped, camera.next(0)) == (3, 2, None)
    camera.close()


def test_the_capture_thread_never_lets_frames_queue() -> None:
    clock = Clock()

    class Endless(FakeCamera):
        def grab(self) -> bool:
            clock.sleep(0.002)
            self._image_HWC = bgr(RED)
            return True

    camera = CameraSource("camera", lambda: Endless(FakeClock(), [], 0), clock)
    camera.start()
    times = []
    for _ in range(3):
        clock.sleep(0.05)
        frame = camera.next(1.0)
        assert frame is not None and camera.time_ms() - frame.time_ms < 40
        times.append(frame.time_ms)
    camera.close()
    assert times == sorted(set(times)) and camera.dropped > 3
    assert camera.captured - camera.dropped in (3, 4)


def test_a_camera_that_comes_back_begins_a_new_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, backend = FakeClock(), ColourBackend()
    pipeline = pipeline_of(write_stream(tmp_path), backend, monkeypatch, clock)
    camera = lossy_camera(clock, [[RED] * 5, None, None, [RED] * 4])
    lines: list[str] = []
    shown = Shown()
    outcome = Live(camera, pipeline, clock, screens=[shown], give_up=6, report=lines.append).run()
    assert outcome == LOST
    assert backend.counts == [0, 1, 2, 0, 1]  # states are those of a first frame
    assert [event.kind for event in pipeline.events] == ["begin", "end"] * 2
    assert pipeline.events[1].time_ms == 625 and pipeline.events[2].time_ms == 3875  # the clock went on
    assert [line.split("camera 0 ")[1] for line in lines if "camera" in line] == ["is away", "is back", "is away"]
    assert len(shown.times) > 9 and shown.times == sorted(shown.times)  # notices are shown too


def test_a_loss_too_short_to_be_noticed_begins_a_new_stream_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, backend = FakeClock(), ColourBackend()
    pipeline = pipeline_of(write_stream(tmp_path), backend, monkeypatch, clock)
    camera = lossy_camera(clock, [[RED] * 3, [GREEN] * 3])
    loop = Live(camera, pipeline, clock, give_up=3, report=quiet)
    for _ in range(3):
        loop._turn()
    camera.pump()  # fails
    camera.pump()  # open again
    loop._turn()
    assert backend.counts == [0, 1, 0]


def test_a_camera_that_gives_nothing_for_long_counts_as_lost() -> None:
    clock = FakeClock()
    camera = CameraSource("camera", lambda: FakeCamera(clock, [bgr(RED)] * 9, 0.1), clock)
    camera.pump()
    camera.next(0)
    clock.sleep(1.0)
    assert camera.away() is None
    clock.sleep(2.0)
    assert camera.away() == pytest.approx(3.0)
    camera.pump()
    assert camera.away() is None


def test_the_mirror_is_for_people_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture_HWC = plain_frame(BLACK, 480, 640)
    picture_HWC[:, :320] = RED
    screens, backends = [Shown(), Shown()], [ColourBackend(), ColourBackend()]
    for mirror, shown, backend in zip((False, True), screens, backends, strict=True):
        clock = FakeClock()
        pipeline = pipeline_of(write_stream(tmp_path), backend, monkeypatch, clock)
        source = StoredSource("one", iter([(0, lambda: picture_HWC)]), 12, realtime=False, clock=clock)
        Live(source, pipeline, clock, screens=[shown], mirror=mirror, report=quiet).run()
    assert np.array_equal(backends[0].seen[0], backends[1].seen[0])
    assert backends[0].seen[0][16, 4].tolist() == list(RED)
    middle = [(shown.pictures[0][240, 100].tolist(), shown.pictures[0][240, 540].tolist()) for shown in screens]
    assert middle == [(list(RED), list(BLACK)), (list(BLACK), list(RED))]


def test_a_file_reaches_the_network_as_rgb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, backend = FakeClock(), ColourBackend()
    pipeline = pipeline_of(write_stream(tmp_path), backend, monkeypatch, clock)
    video = write_video(tmp_path / "red.mp4", [plain_frame(RED)] * 3)
    source = open_file(video, realtime=False, clock=clock)
    Live(source, pipeline, clock, report=quiet).run()
    red, _, blue = backend.seen[0].mean(axis=(0, 1))
    assert red > 200 and blue < 40


def test_the_loop_ends_when_the_window_is_closed_or_the_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    artefact = write_stream(tmp_path)
    pipeline = pipeline_of(artefact, ColourBackend(), monkeypatch, clock)
    assert Live(stored(99, 12, clock), pipeline, clock, screens=[Shown(most=5)], report=quiet).run() == CLOSED
    pipeline = pipeline_of(artefact, ColourBackend(), monkeypatch, clock)
    source = stored(99, 12, clock)
    assert Live(source, pipeline, clock, seconds=2, report=quiet).run() == TIME_UP
    assert source.captured == 25

    def stop() -> None:
        raise KeyboardInterrupt

    pipeline = pipeline_of(artefact, ColourBackend(stop), monkeypatch, clock)
    assert Live(stored(99, 12, clock), pipeline, clock, report=quiet).run() == INTERRUPTED


def test_percentiles_are_of_each_stage() -> None:
    clock = FakeClock()
    times = StageTimes(clock)
    assert times.recent() == {} and times.to_json()["inference"] == {"p50": None, "p90": None}
    for milliseconds in range(1, 12):
        with times.measure("inference"):
            clock.sleep(milliseconds / 1000)
    assert times.to_json()["inference"] == {"p50": pytest.approx(6), "p90": pytest.approx(10)}
    meter = RateMeter()
    assert meter.rate == 0
    for tick in range(50):
        meter.tick(tick / 10)
    assert meter.rate == pytest.approx(10)
