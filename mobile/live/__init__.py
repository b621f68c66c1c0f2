"""Gestures of a camera or a video as they happen: ``sth live``."""
