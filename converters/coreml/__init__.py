"""Exported program -> .mlpackage for Core ML: ``lowering``, then ``graph`` and ``inspect_mlpackage``."""
