"""Golden vectors: what Python computed, for the apps' tests. ``python -m mobile.golden``."""
