"""The data sets that can be read: one module a published layout, and the choice between them by name or folder."""

from training.formats.opening import DATA_HELP, is_rendered, open_clips, open_data, with_seed

__all__ = ["DATA_HELP", "is_rendered", "open_clips", "open_data", "with_seed"]
