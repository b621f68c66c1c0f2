"""Temporal operators of 2-D networks: STH-Conv and its rivals. Each maps (N*T, Ci, H, W) to (N*T, Co, H', W')."""

from training.operators.depthwise import DepthwiseSTH
from training.operators.factored import FactoredConv
from training.operators.shift import TemporalShift
from training.operators.sth import STHConv

__all__ = ["DepthwiseSTH", "FactoredConv", "STHConv", "TemporalShift"]
