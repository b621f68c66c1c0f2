"""MoViNet-A0 as a .tflite, to be timed beside this project's networks: ``lowering``, then ``graph``."""
