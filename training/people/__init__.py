"""Realistic clips of people who make Jester's gestures."""
