"""Whether an agreement passes its hop, and the limit that it was held against."""

from __future__ import annotations

import math
from pathlib import Path

from mobile import pass_marks
from mobile.schemas.agreement import Agreement
from mobile.schemas.row import FAILED, PASSED


def status(passed: bool) -> str:
    """As a row of the ladder says it."""
    return PASSED if passed else FAILED


def judge_stream(artefact: Path, precision: str, agreement: Agreement) -> tuple[bool, str]:
    """Hop 2: clip and stream of one runtime."""
    if precision != "int8":
        limit = pass_marks.STREAM_FLOAT_RELATIVE if precision == "fp32" else pass_marks.STREAM_HALF_RELATIVE
        return agreement.relative <= limit, f"relative difference at most {limit:g}"
    if artefact.suffix == ".mlpackage":  # computes in real numbers from dequantize to quantize: a half may round over
        return judge("int8", agreement)
    return agreement.largest == 0, "identical"


def judge(precision: str, agreement: Agreement) -> tuple[bool, str]:
    """Hops 5 and 6: two that compute one artefact's network."""
    if precision == "fp32":
        limit = pass_marks.FLOAT_RUNTIME_RELATIVE
        return agreement.relative <= limit, f"relative difference at most {limit:g}"
    if precision == "fp16":
        limit = pass_marks.FP16_SAME_TOP1
        return agreement.same_top1 >= limit, f"same top-1 for {limit} % of clips"
    same, near = pass_marks.INT8_SAME_TOP1, pass_marks.INT8_WITHIN_TWO_STEPS
    # int8 logits tie: one step turns a top-1, and one clip of a small set weighs more than the limit
    may_differ = max(1, math.floor(agreement.clips * (100 - same) / 100))
    differ = round(agreement.clips * (100 - agreement.same_top1) / 100)
    passed = differ <= may_differ and agreement.within_two_steps >= near
    note = f"same top-1 for {same} % of clips ({may_differ} may differ), {near} % of logits within 2 steps"
    return passed, note
