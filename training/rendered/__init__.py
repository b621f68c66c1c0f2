"""The embedded data set: all 27 Jester gestures, rendered with an articulated hand."""

from training.rendered.clips import RenderedClips, jester_labels
from training.rendered.contact_sheet import contact_sheet
from training.rendered.jester_layout import write_jester_layout, write_picture
from training.rendered.kept_frames import KeptFrames
from training.rendered.streams import RenderedStream, StreamEvent, rendered_streams
from training.rendered.windows import RenderedWindows

__all__ = [
    "KeptFrames",
    "RenderedClips",
    "RenderedStream",
    "RenderedWindows",
    "StreamEvent",
    "contact_sheet",
    "jester_labels",
    "rendered_streams",
    "write_jester_layout",
    "write_picture",
]
