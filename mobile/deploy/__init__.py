"""The deploy form: the network as a phone computes it, equal to the training form.

Read ``number_systems`` (float, fake-quantized and int8 arithmetic), ``blocks``, ``network``, then ``stream`` (one frame
with states) and ``exported`` (the module that converters export, with named inputs and outputs).
"""
