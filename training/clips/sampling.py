"""Which frames of a video a clip is made of (Temporal Segment Networks; Section 4.2 of the paper).

F frames of the video, T segments = frames of a clip, C clips of one video. All functions return frame numbers
that count from 0.
"""

from __future__ import annotations

import numpy as np

from training.clips.source import ClipError


def segment_bounds(frame_count: int, segments: int) -> np.ndarray:
    """The T + 1 bounds of T segments of equal duration: segment i is frames bounds[i] to bounds[i + 1] - 1.

    Rounded down to whole frames; no segment is empty, since F >= T.
    """
    if frame_count < segments:
        raise ValueError(f"{frame_count} frames cannot fill {segments} segments")
    return np.arange(segments + 1, dtype=np.int64) * frame_count // segments


def random_segment_frames(frame_count: int, segments: int, rng: np.random.Generator) -> np.ndarray:
    """Training: one random frame of each segment, int64 (T,), rising."""
    bounds = segment_bounds(frame_count, segments)
    return rng.integers(bounds[:-1], bounds[1:])


def centre_segment_frames(frame_count: int, segments: int, clips: int = 1) -> np.ndarray:
    """Evaluation: the centre frame of each segment, int64 (C, T): frame ``(2 i + 1) * F // (2 T)`` of segment i.

    Segments are parts of time here, F / T frames each, and the centre is the frame that is shown at their middle. That
    is TSM's published sampling.

    With C clips of one video, clip c takes the frame at the fraction (1/2 + c/C) mod 1 of each segment: for
    one clip the centre, for two the centre and the start (as TSM samples twice), for ten every tenth of it.
    """
    if frame_count < segments:
        raise ValueError(f"{frame_count} frames cannot fill {segments} segments")
    return _frames_at(frame_count, segments, clips)


def _frames_at(frame_count: int, segments: int, clips: int = 1) -> np.ndarray:
    # (C + 2c) mod 2C over 2C is the fraction in whole numbers
    parts_C = (clips + 2 * np.arange(clips, dtype=np.int64)) % (2 * clips)
    places_CT = 2 * clips * np.arange(segments, dtype=np.int64) + parts_C[:, None]
    return places_CT * frame_count // (2 * clips * segments)


def check_length(name: str, frame_count: int, segments: int, repeat_short: bool = False) -> np.ndarray | None:
    """Deals with a video that is shorter than the clip.

    Returns:
        None if it is long enough; with `repeat_short` the centres of its T segments, int64 (T,), so that each frame is
        repeated about T / F times.

    Raises:
        ClipError: it is shorter, and `repeat_short` is off.
    """
    if frame_count >= segments:
        return None
    if repeat_short and frame_count > 0:
        return _frames_at(frame_count, segments)[0]
    raise ClipError(name, f"too short: {frame_count} frames, {segments} segments need at least {segments}")
