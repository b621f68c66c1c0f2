"""From the QAT'd deploy form to the one quantized program, and its state on disk.

The quantized program is ``torch.export`` of the deploy form in "int8": quantize and dequantize around every
operator, int8 weights, biases on the int32 grid. ExecuTorch's and Core ML's converters start from it. TFLite's exports
the float form and writes this state's numbers into it. Every int8 export compares the numbers in its file with this
state (``converters.int8_numbers``).
"""

from __future__ import annotations

from typing import Any

import torch

from mobile.deploy.exported import form_of
from mobile.deploy.network import DeployNetwork


def convert_to_int8(network: DeployNetwork) -> None:
    """Round a QAT'd deploy form to int8, in place: scales, zero points, weights and biases.

    Raises:
        ValueError: an activation range was never observed, or a bias does not fit into int32.
    """
    for name, point in network.points().items():
        if not bool(point.seen):
            raise ValueError(f"the range of {name} was never observed; run QAT or calibrate before converting")
        point.scale, point.zero_point = point.parameters_of_range()
    for conv in network.convs().values():
        conv.round_to_int8()
    network.eval()
    network.set_system("int8")


def quantized_state(network: DeployNetwork) -> dict[str, Any]:
    """What defines the quantized program: int8 weights, scales, int32 biases, and each point's scale and zero."""
    return {
        "points": {name: (point.scale, point.zero_point) for name, point in network.points().items()},
        "convs": {
            name: {
                "weight": conv.weight_q.clone(),
                "scale": conv.weight_scale.clone(),
                "bias": conv.bias_q.clone(),
            }
            for name, conv in network.convs().items()
        },
    }


def load_quantized_state(network: DeployNetwork, state: dict[str, Any]) -> None:
    """Restore what ``quantized_state`` saved; the network computes in int8 afterwards.

    Raises:
        ValueError: the state belongs to another network.
    """
    points, convs = network.points(), network.convs()
    if set(points) != set(state["points"]) or set(convs) != set(state["convs"]):
        raise ValueError("the quantized state belongs to another network")
    for name, (scale, zero_point) in state["points"].items():
        points[name].fix(scale, zero_point)
        points[name].scale, points[name].zero_point = scale, zero_point
    for name, saved in state["convs"].items():
        if convs[name].weight_q.shape != saved["weight"].shape:
            raise ValueError(
                f"the quantized weight of {name} is {tuple(saved['weight'].shape)}; "
                f"this network has {tuple(convs[name].weight_q.shape)}"
            )
        convs[name].load_int8(saved["weight"], saved["scale"], saved["bias"])
    network.eval()
    network.set_system("int8")


def calibrate(network: DeployNetwork, batches_BCHW: list[torch.Tensor]) -> None:
    """Observe ranges on batches of frames without training (tests, and networks with random weights)."""
    network.set_system("qat")
    network.train()
    with torch.no_grad():
        for batch_BCHW in batches_BCHW:
            network(batch_BCHW)
    network.eval()


def export_program(network: DeployNetwork, size: int, mode: str = "clip") -> torch.export.ExportedProgram:
    """``torch.export`` of one clip, or of one step of the stream, in the number system that the network is in."""
    return form_of(network, size, mode).export()
