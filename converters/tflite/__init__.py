"""Deploy form -> .tflite for LiteRT.

Read ``lowering``, then ``float_graph`` with ``from_onnx`` (a process of its own, ``tensorflow_process``),
``int8_graph`` (QAT's own numbers written into the graph), ``graph`` and ``inspect_tflite`` (what is checked).
"""
