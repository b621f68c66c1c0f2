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
    """Evaluation: the centre frame of each segment, int64 (C, T).

    With C clips of one video, clip c takes the frame at the fraction (1/2 + c/C) mod 1 of each segment: for
    one clip the centre, for two the centre and the start (as TSM samples twice), for ten every tenth of it.
    """
    bounds = segment_bounds(frame_count, segments)
    lengths = np.diff(bounds)
    # (C + 2c) mod 2C over 2C is that fraction in whole numbers.
    numerators = (clips + 2 * np.arange(clips, dtype=np.int64)) % (2 * clips)
    return bounds[:-1] + numerators[:, None] * lengths // (2 * clips)


def check_length(name: str, frame_count: int, segments: int, repeat_short: bool = False) -> np.ndarray | None:
    """Deals with a video that is shorter than the clip.

    Returns:
        None if it is long enough; with `repeat_short` the T frame numbers, int64 (T,), that spread its frames
        evenly, each repeated about T / F times.

    Raises:
        ClipError: it is shorter, and `repeat_short` is off.
    """
    if frame_count >= segments:
        return None
    if repeat_short and frame_count > 0:
        return np.arange(segments, dtype=np.int64) * frame_count // segments
    raise ClipError(name, f"too short: {frame_count} frames, {segments} segments need at least {segments}")
