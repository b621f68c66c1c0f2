"""The embedded data set: all 27 Jester gestures, rendered with an articulated hand."""

from training.rendered.clips import RenderedClips, jester_labels
from training.rendered.contact_sheet import contact_sheet

__all__ = ["RenderedClips", "contact_sheet", "jester_labels"]
