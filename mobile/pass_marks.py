"""The one place of every pass mark of the parity ladder and the latency table."""

TRAINING_DEPLOY_RELATIVE = 1e-4
"""Row 1: largest difference of training form and deploy form, relative to the largest logit."""

STREAM_FLOAT_RELATIVE = 1e-5
"""Row 2: clip and stream in float32, relative to the largest logit."""

STREAM_HALF_RELATIVE = 1e-2
"""Row 2: clip and stream in float16."""

EXPORTED_RELATIVE = 1e-5
"""Row 3: eager and exported program, both computed by PyTorch."""

INT8_TOP1_LOSS = 0.5
"""Row 4: points of top-1 that int8 may lose against float."""

FLOAT_RUNTIME_RELATIVE = 1e-4
"""Row 5, fp32: largest difference to PyTorch, relative to the largest logit."""

FP16_SAME_TOP1 = 99.0
"""Row 5, fp16: per cent of clips with PyTorch's first class."""

INT8_SAME_TOP1 = 99.5
"""Row 5, int8: per cent of clips with the quantized program's first class."""

INT8_WITHIN_TWO_STEPS = 99.0
"""Row 5, int8: per cent of logits within two quantization steps of the quantized program's."""

RATIO_TO_TSN = {"litert": 1.02, "executorch": 1.08}
"""By runtime: latency of STH-MobileNetV2 over plain 2-D MobileNetV2, int8, 8 x 224 x 224, one thread."""

STREAM_RATIO_TO_FRAME = 1.06
"""Latency of one streamed frame over one frame of plain 2-D MobileNetV2, int8, 224 x 224, one thread."""

STREAM_RATIO_TO_CLIP = 1 / 7.4
"""Latency of one streamed frame over the 8-frame clip of the same network."""

STATE_BYTES = 1.25e6
"""States of the shipped network in int8 at 224."""

PEAK_MEMORY_MB = 60.0
"""Peak memory of one int8 clip above the bare runtime, in MB."""

EVENT_LEVENSHTEIN = 95.0
"""Gesture events: least Levenshtein accuracy in per cent on generated streams that were not used for fitting."""

EVENT_FALSE_PER_MINUTE = 0.2
"""Gesture events: most false activations a minute on the same streams."""

EVENT_MINUTES = 60.0
"""Gesture events: shorter streams cannot show the two figures above."""

EVENT_TOLERANCE_MS = 1000
"""Gesture events: a detection is in time until so long after the end of the gesture's nucleus."""
