"""Gestures of a camera or a video as they happen: ``python -m mobile.live``."""
