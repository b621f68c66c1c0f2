"""From what a command line says to a source of live frames."""

from __future__ import annotations

from pathlib import Path

from mobile.live.camera import CameraSource, camera_opener
from mobile.live.source import Clock, Source, open_file, open_rendered

SOURCE_HELP = "number of a camera, a video file, or rendered:SECONDS:SEED"


def open_source(text: str, *, realtime: bool, clock: Clock) -> Source:
    """What ``--source`` names.

    Raises:
        UserError: no such camera, file or stream.
    """
    if text.isdecimal():
        camera = CameraSource(f"camera {text}", camera_opener(int(text)), clock)
        camera.start()
        return camera
    if text.startswith("rendered:"):
        return open_rendered(text, realtime=realtime, clock=clock)
    return open_file(Path(text), realtime=realtime, clock=clock)
