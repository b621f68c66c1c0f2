"""A small result file of every kind, as the commands write them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

AGREEMENT = {
    "clips": 216, "largest": 0.25, "mean": 0.0125, "relative": 0.01, "sqnr_db": 41.23, "same_top1": 99.54,
    "left_top1": 97.22, "right_top1": 96.76, "within_two_steps": 99.99, "differing": 1.5,
}  # fmt: skip
PARITY: dict[str, Any] = {
    "kind": "parity", "code_version": "abc", "checkpoint": "tiny.pt", "data": "rendered:216:9",
    "rows": [
        {"hop": 1, "name": "training form = deploy form", "status": "passed", "note": "at most 0.0001",
         "agreement": AGREEMENT | {"sqnr_db": "infinite", "within_two_steps": None}, "artefact": None, "sha256": None},
        {"hop": 2, "name": "clip = stream", "status": "not run", "note": "there is no <streaming> form yet",
         "agreement": None, "artefact": None, "sha256": None},
        {"hop": 5, "name": "quantized program = Fake", "status": "failed", "note": "same top-1 for 99.5 %",
         "agreement": AGREEMENT, "artefact": "tiny.tflite", "sha256": "00"},
    ],
}  # fmt: skip
LATENCY: dict[str, Any] = {
    "kind": "latency", "code_version": "abc", "threads": 1, "rounds": 3, "note": "no int8 dot product here",
    "host": {"processor": "Some CPU", "cores": 2, "system": "Linux 6", "machine": "x86_64", "int8_dot_product": False},
    "rows": [
        {"artefact": "a.tflite", "sha256": "0" * 64, "bytes": 3_400_000, "network": "sth_mobilenet_v2",
         "precision": "int8", "input": "8 x 224 x 224", "runtime": "Fake 1", "delegate": "XNNPACK in 1",
         "median_ms": 12.0, "p90_ms": 14.0,
         "load_ms": 30.0, "peak_mb": None, "ratio_to": {"tsn": 0.9876}, "samples_ms": [11.0, 12.0, 14.5]},
        {"artefact": "b.tflite", "sha256": "1" * 64, "bytes": 3_600_000, "network": "tsn_mobilenet_v2",
         "precision": "int8", "input": "8 x 224 x 224", "runtime": "Fake 1", "delegate": "XNNPACK in 1",
         "median_ms": 13.0, "p90_ms": 13.0,
         "load_ms": 30.0, "peak_mb": 45.2, "ratio_to": {}, "samples_ms": [13.0]},
    ],
}  # fmt: skip
ARTEFACT: dict[str, Any] = {
    "kind": "artefact", "artefact": "a.tflite", "checkpoint": "tiny.pt", "code_version": "abc", "runtime": "litert",
    "precision": "int8", "sha256": "feed" * 16, "bytes": 3_400_000, "tools": {"tensorflow": "2.21.0"},
    "operators": {"CONV_2D": {"int8": 52}, "RESHAPE": {"int8": 34, "float32": 2}}, "delegate": "XNNPACK",
    "delegate_pieces": 1,
}  # fmt: skip
STRIP = base64.b64encode(cv2.imencode(".jpg", np.full((8, 32, 3), 128, np.uint8))[1].tobytes()).decode()
PREDICTIONS: dict[str, Any] = {
    "kind": "predictions", "data": "rendered:216:9",
    "clips": [
        {"name": "clip-0", "label": "Stop Sign", "strip_jpeg": STRIP,
         "predicted": {"PyTorch float": "Stop Sign", "Fake 1": "No gesture"}},
        {"name": "clip-1", "label": None, "strip_jpeg": STRIP, "predicted": {"Fake 1": "Thumb Up"}},
    ],
}  # fmt: skip
STEPS: dict[str, Any] = {
    "kind": "steps", "host": LATENCY["host"],
    "steps": [
        {"name": "export to LiteRT", "status": "done", "seconds": 61.5, "note": ""},
        {"name": "export to Core ML", "status": "failed", "seconds": 1.0, "note": "coremltools is not installed"},
        {"name": "latency", "status": "not run", "seconds": 0.0, "note": "there is no artefact"},
    ],
}  # fmt: skip
STUDY: dict[str, Any] = {
    "kind": "study", "data": "gestures",
    "rows": [{"recipe": "sth", "seed": seed, "clips": 50, "right": {"float": right, "int8": right - 1}}
             for seed, right in enumerate((40, 42, 44))],
}  # fmt: skip
EVENTS: dict[str, Any] = {
    "kind": "events", "code_version": "abc", "artefact": "a.tflite", "sha256": "0", "streams": "rendered:60:9",
    "fitted_on": "rendered:60:5", "frames_per_second": 4.0, "tolerance_ms": 1000,
    "rows": [{"rule": rule, "minutes": 60.0, "events": 200, "detections": 198, "true_detections": 192, "spurious": 2,
              "distance": 8, "precision": 96.97, "recall": 96.0, "levenshtein": 96.0, "false_per_minute": 0.1,
              "spurious_per_minute": 2 / 60, "delay_ms": delay, "median_delay_ms": delay,
              "delay_from_end_ms": -400.0, "median_delay_from_end_ms": -410.0}
             for rule, delay in (("detector", 812.4), ("TSM's rule", None))],
}  # fmt: skip


def accuracy(precision: str = "int8", right: int = 9, **changes: Any) -> dict[str, Any]:
    """10 clips of three classes, the first so many right."""
    confusion = [[right, 10 - right, 0], [0, 0, 0], [0, 0, 0]]
    return {
        "kind": "accuracy", "code_version": "abc", "model": f"tiny_{precision}.tflite", "network": "sth_mobilenet_v2",
        "runtime": "Fake 1", "precision": precision, "data": "rendered:10:9", "split": "validation", "clips": 10,
        "top1": 10.0 * right, "top5": 100.0, "labels": ["Stop Sign", "No gesture", "Thumb Up"],
        "confusion": confusion, "skipped": {}, **changes,
    }  # fmt: skip


STATES: dict[str, Any] = {
    "kind": "states", "code_version": "c1", "checkpoint": "a.pt", "data": "rendered:27:1", "clips": 27, "size": 224,
    "bytes": 30, "top1": 98.0,
    "states": [
        {"state": "state_1", "bytes": 20, "top1_without": 90.0, "top1_without_all_up_to": 90.0},
        {"state": "state_2", "bytes": 10, "top1_without": 97.0, "top1_without_all_up_to": 80.0},
    ],
}  # fmt: skip


def profiled(precision: str, us: float) -> dict[str, Any]:
    """Three kernels: 1 x 1, depthwise, and a concat in two copies; 100 G multiply-adds a second at best."""
    kernels = [
        ("GEMM", "blocks.0.project", "projection 1 x 1", "convolution", us, 2_000_000, 4000),
        ("DWConv", "blocks.1.temporal", "temporal 3 x 1", "depthwise", 2 * us, 500_000, 3000),
        ("Copy", "blocks.1.concat", "concat", "concat", us / 4, 0, 2000),
        ("Copy", "blocks.1.concat", "concat", "concat", us / 4, 0, 2000),
        ("Static Reshape", None, None, "move", 0.0, 0, 0),
    ]
    names = ("kernel", "layer", "role", "kind", "us", "macs", "bytes")
    rows = [dict(zip(names, kernel, strict=True)) for kernel in kernels]
    return {
        "artefact": f"a_{precision}.tflite", "sha256": "0", "network": "sth", "precision": precision,
        "input": "8 x 224 x 224", "runtime": "Fake 1", "method": "its own profiler", "whole_us": 4 * us,
        "peak_macs_per_second": 100e9, "peak_product": "512 x 512 x 512, GEMM",
        "kernels": [row | {"low_us": row["us"], "high_us": row["us"]} for row in rows],
    }  # fmt: skip


PROFILE: dict[str, Any] = {
    "kind": "profile", "code_version": "abc", "host": LATENCY["host"], "threads": 1, "rounds": 3, "load_average": 0.5,
    "artefacts": [profiled("int8", 1000.0), profiled("fp32", 4000.0)],
}  # fmt: skip
NOISE: dict[str, Any] = {
    "kind": "quant_debug", "code_version": "abc", "checkpoint": "tiny.pt", "data": "rendered:27:1", "clips": 27,
    "one_by_one_clips": 4, "logits_db": 18.04, "rounding_db": 21.0, "untrained_db": 9.5, "same_top1": 96.3,
    "layers": [
        {"layer": "blocks.0.project", "sqnr_db": 30.0, "rounding_db": 35.0, "weight_db": 40.0, "alone_db": 33.0,
         "spared_db": 9.6},
        {"layer": "mean", "sqnr_db": 19.0, "rounding_db": 22.0, "weight_db": None, "alone_db": 12.5, "spared_db": 15.0},
        {"layer": "classifier", "sqnr_db": 18.04, "rounding_db": 21.0, "weight_db": 42.0, "alone_db": 45.0,
         "spared_db": 9.5},
    ],
    "ranges": [
        {"layer": "mean", "low": -1.0, "high": 2.0, "least": -1.2, "most": 5.5, "below": 0.5, "above": 1.734,
         "steps": 256},
        {"layer": "classifier", "low": -9.0, "high": 9.0, "least": -3.0, "most": 4.0, "below": 0.0, "above": 0.0,
         "steps": 100},
    ],
}  # fmt: skip
MEMORY: dict[str, Any] = {
    "kind": "memory", "code_version": "c1",
    "rows": [
        {"recipe": "something_sth", "network": "sth_resnet50", "input": "8 x 224 x 224", "amp": "bf16", "batch": 64,
         "parameters": 22_000_000, "fixed_bytes": 2**29, "bytes_per_clip": 3 * 2**27, "on_gpu": "not run",
         "on": [{"processes": 1, "bytes": 49 * 2**29}, {"processes": 8, "bytes": 7 * 2**29}]},
    ],
}  # fmt: skip
ARM64: dict[str, Any] = {
    "kind": "arm64", "code_version": "abc", "checkpoint": "tiny.pt", "data": "rendered:108:1", "emulator": "qemu 10",
    "host": LATENCY["host"],
    "rows": [
        {"artefact": "a_int8.tflite", "sha256": "0", "mode": "clip", "precision": "int8", "cpu": "cortex-a53",
         "machine": "aarch64", "runtime": "Fake 1", "x86_runtime": "Fake 1", "threads": 1, "frames_sha256": "1",
         "clips": 108, "logits": 2916, "differing": 0, "largest_steps": 0.0, "agreement": {"max": 0.0}},
    ],
}  # fmt: skip
RUNTIME: dict[str, Any] = {
    "kind": "runtime", "code_version": "abc", "network": "sth_resnet50", "input": "16 x 8 x 224 x 224",
    "device": "a CPU", "torch": "2", "rounds": 3,
    "rows": [
        {"operator": operator, "parameters": 21_978_350, "multiply_adds": 30_233_690_112, "videos_per_second": speed,
         "ratio_to_tsm": speed / 0.4, "paper_ratio_to_tsm": paper}
        for operator, speed, paper in (("tsm", 0.4, 1.0), ("hybrid", 0.5, None))
    ],
}  # fmt: skip
STAGES: dict[str, Any] = {
    "kind": "stages", "code_version": "abc", "batch": 1, "segments": 8, "device": "a CPU", "torch": "2", "rounds": 2,
    "rows": [
        {"channels": 64, "size": 56, "backward": backward, "ratios": {"taps": ratio},
         "samples_s": {"2d": [1.0, 2.0], "taps": [ratio, 2 * ratio]}, "seconds_of_parts": None,
         "multiply_adds": {"2d": 3_000_000_000, "taps": 2_250_000_000}}
        for backward, ratio in ((False, 0.75), (True, 1.25))
    ],
}  # fmt: skip
ABLATION: dict[str, Any] = {
    "kind": "ablation", "code_version": "abc", "network": "sth_resnet18", "seeds": [0, 1],
    "recipe": {"segments": 8, "size": 64, "train_data": "rendered:9:1", "validation_data": "rendered:9:2", "epochs": 3},
    "rows": [
        {"table": 6, "row": "p = 0", "options": {"p": 0}, "paper_top1": 19.7,
         "seeds": [0, 1], "top1": [40.0, 45.0], "devices": ["NVIDIA", "CPU"]},
        {"table": 7, "row": "merge", "options": {"variant": "merge"}, "paper_top1": 45.9,
         "seeds": [], "top1": [], "devices": []},
    ],
}  # fmt: skip
ATTENTION: dict[str, Any] = {
    "kind": "attention", "code_version": "abc",
    "runs": [
        {"network": "sth_resnet18", "options": {"p": p, "attention": True}, "seed": seed, "top1": 90.0 + seed,
         "data": "rendered:27:1", "modality": "rgb",
         "split": "validation", "clips": 27, "layers": ["one", "two"], "temporal_mean": [0.5, mean],
         "temporal_std": [0.01, 0.02]}
        for p, seed, mean in ((0.25, 0, 0.625), (0.125, 0, 0.75), (0.25, 1, 0.825))
    ],
}  # fmt: skip
FRONTIER: dict[str, Any] = {
    "kind": "frontier", "code_version": "abc", "host": LATENCY["host"], "threads": 1, "rounds": 3, "seed": 0,
    "networks": [
        {"name": "STH 1", "network": "sth_mobilenet_v2", "options": {"width": 1.0}, "recipe": "frontier_sth_100",
         "parameters": 2_000_000, "frame_multiply_adds": 300_000_000, "top1": 90.0, "clips": 100, "size": 64},
    ],
    "rows": [{**LATENCY["rows"][0], "point": "STH 1", "size": 224, "mode": "stream"}],
    "absent": {"X3D-XS": "no operator"},
}  # fmt: skip
PREPROCESS: dict[str, Any] = {
    "kind": "preprocess_speed", "code_version": "abc", "artefact": "a.tflite", "sha256": "0",
    "frame": "640 x 480, YUV420", "input": "1 x 224 x 224", "runtime": "Fake 1", "host": LATENCY["host"],
    "rounds": 2, "burst": 2, "seed": 0, "ratio": 0.5,
    "preprocess_ms": {"median": 3.0, "p90": 3.7, "samples": [2.0, 2.0, 4.0, 4.0]},
    "inference_ms": {"median": 6.0, "p90": 7.7, "samples": [4.0, 4.0, 8.0, 8.0]},
}  # fmt: skip
ALL = {
    "profile": PROFILE, "noise": NOISE, "parity": PARITY, "latency": LATENCY, "float": accuracy("float", 10),
    "int8": accuracy(), "artefact": ARTEFACT, "predictions": PREDICTIONS, "steps": STEPS, "study": STUDY,
    "events": EVENTS, "states": STATES, "memory": MEMORY,
    "arm64": ARM64, "runtime": RUNTIME, "stages": STAGES, "frontier": FRONTIER,
    "ablation": ABLATION, "attention": ATTENTION,
    "preprocess": PREPROCESS,
}  # fmt: skip


def write(folder: Path, **contents: Any) -> Path:
    for name, content in contents.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return folder
