"""How a program's inputs and outputs lie in memory: inputs where the caller has them, states as apps know them.

Axes: C channel, P pixels of a frame.
"""

from __future__ import annotations

from typing import Any

import torch
from executorch.exir.passes import MemoryPlanningPass


class _BorderPlanning(MemoryPlanningPass):
    """Memory planning that also describes channels-last outputs by the order of their memory.

    Inside, a new state is (1, C, rows, P) in channels-last memory; outside, the same bytes are a plain (1, rows, P, C),
    the shape of the input that it becomes. Java and Swift know no other than plain memory.
    """

    def run(self, graph_module: torch.fx.GraphModule, graph_signature: Any = None) -> Any:
        results: Any = graph_module.graph.output_node().args[0]
        for result in results:
            spec = result.meta["spec"]
            if len(spec.shape) == 4 and list(spec.dim_order) == [0, 2, 3, 1]:
                first, channels, rows, pixels = spec.shape
                spec.shape, spec.dim_order = torch.Size([first, rows, pixels, channels]), (0, 1, 2, 3)
                spec.stride = (rows * pixels * channels, pixels * channels, channels, 1)
        return super().run(graph_module, graph_signature)


def border_planning() -> MemoryPlanningPass:
    """The planning of our programs. Planned inputs would be copied into the program's memory, a stream's states at
    every frame."""
    return _BorderPlanning(alloc_graph_input=False)
