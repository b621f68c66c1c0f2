"""Temporal operators of 2-D networks: STH-Conv and its rivals. Each maps (N*T, Ci, H, W) to (N*T, Co, H', W')."""

from training.operators.depthwise import DepthwiseSTH
from training.operators.factored import FactoredConv
from training.operators.inflated import GSTConv, InflatedConv
from training.operators.shift import ShiftedConv, TemporalShift
from training.operators.sth import STHConv
from training.operators.variants import VARIANTS, operator_maker

__all__ = [
    "VARIANTS",
    "DepthwiseSTH",
    "FactoredConv",
    "GSTConv",
    "InflatedConv",
    "STHConv",
    "ShiftedConv",
    "TemporalShift",
    "operator_maker",
]
