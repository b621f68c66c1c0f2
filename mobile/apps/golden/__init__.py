"""Golden vectors: what Python computed, for the apps' tests. ``sth golden``."""
