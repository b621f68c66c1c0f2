"""int8 artefacts at the smallest size and at an odd multiple of it: every target, mode and width.

At 32 pixels the last feature map is one pixel, over which TensorFlow drops the mean.

Axes: T frame, S height and width, C colour, K class.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import smooth_frames

from converters import export_coreml, export_executorch, export_tflite
from converters.shared import export
from mobile.bundle import SHIPPED_CAUSAL, Bundle, open_bundle, random_bundle
from mobile.interface.contract import report_path
from mobile.runtimes import ArtefactRunner
from training.common.files import read_json

TARGETS = {"litert": export_tflite.TARGET, "executorch": export_executorch.TARGET, "coreml": export_coreml.TARGET}


@pytest.mark.minutes
@pytest.mark.parametrize("mode", ["clip", "stream"])
def test_the_shipped_network_at_32_pixels_in_tflite(mode: str, tmp_path: Path) -> None:
    bundle = open_bundle(SHIPPED_CAUSAL, size=32)
    artefact = export(bundle, TARGETS["litert"], "int8", tmp_path, clips=0, mode=mode)
    report = read_json(report_path(artefact), "report")
    assert report["operators"]["MEAN"] == {"int8": 1}
    assert (report["delegate_pieces"], report["operators_outside"]) == (1, {})
    assert_same_rows(bundle, artefact)


@pytest.mark.long
@pytest.mark.parametrize("size", [32, 96])
@pytest.mark.parametrize("width", [0.35, 0.5, 1.0, 1.4])
@pytest.mark.parametrize(("causal", "mode"), [(False, "clip"), (True, "clip"), (True, "stream")])
@pytest.mark.parametrize("runtime", TARGETS)
def test_every_size_width_and_mode(
    runtime: str, causal: bool, mode: str, width: float, size: int, tmp_path: Path
) -> None:
    bundle = random_bundle("sth_mobilenet_v2", size=size, num_classes=5, width=width, causal=causal)
    assert export(bundle, TARGETS[runtime], "int8", tmp_path, clips=0, mode=mode).exists()


def assert_same_rows(bundle: Bundle, artefact: Path) -> None:
    network, runner = bundle.network("int8"), ArtefactRunner(artefact)
    step, rows = network.classifier.out.scale, []
    for frames_TSSC in smooth_frames(4, bundle.spec.segments, bundle.spec.size, seed=4):
        with torch.no_grad():
            wanted_TK = network.frame_logits(bundle.spec.to_network(frames_TSSC[None])[0]).numpy()
        rows.append(wanted_TK)
        assert np.abs(runner.rows(frames_TSSC.numpy()) - wanted_TK).max() <= 2.01 * step
    assert np.std(np.concatenate(rows), axis=0).max() > 4 * step, "rows that hardly differ prove nothing"
