"""Runners: one per mobile runtime, clip in, logits out."""
