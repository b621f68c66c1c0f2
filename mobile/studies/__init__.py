"""Measurements that answer one question each; no other package needs them.

``real_clips`` compares networks on real clips, ``frontier`` accuracy and time, ``state_cost`` the states of a stream,
``quantization_noise`` (with ``layer_noise``) where int8 loses against float; ``movinet`` prepares the rival.
"""
