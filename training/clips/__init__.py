"""Clips: their index on disk, decoding, segment sampling, augmentation and batches."""

from training.clips.dataset import ClipBatch, ClipDataset, ClipItem, collate
from training.clips.files import CachedClips, FileClips
from training.clips.index import ClipIndex, ClipRecord
from training.clips.loader import ClipLoader
from training.clips.modality import as_modality
from training.clips.source import UNLABELLED, ClipError, ClipSource, WindowSource

__all__ = [
    "UNLABELLED",
    "CachedClips",
    "ClipBatch",
    "ClipDataset",
    "ClipError",
    "ClipIndex",
    "ClipItem",
    "ClipLoader",
    "ClipRecord",
    "ClipSource",
    "FileClips",
    "WindowSource",
    "as_modality",
    "collate",
]
