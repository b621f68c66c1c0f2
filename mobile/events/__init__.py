"""From logits to gestures: the detector, its thresholds, the streams and the scores it is judged by, and its rivals."""
