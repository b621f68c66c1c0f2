"""The paper's tables: sizes against the design's figures, and the timing on a clock of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run_command
from torch import nn

from training.common.errors import UserError
from training.common.files import read_json
from training.engine.recipe import Recipe
from training.networks import build_network
from training.operators import STHConv
from training.tables import __main__ as command
from training.tables import complexity, memory, runtime
from training.tables.counting import Count, count

# Parameters in M and multiply-adds in G, derived from Table 1 before the code was written.
DERIVED = {
    (6, "p = 0"): (23.86, 32.7),
    (6, "p = 1/8"): (22.92, 31.5),
    (6, "p = 1/4"): (21.98, 30.2),
    (6, "p = 1/2"): (20.09, 27.8),
    (7, "(2+1)D sequential"): (27.63, 37.6),
    (7, "(2+1)D parallel"): (27.63, 37.6),
    (7, "merge"): (21.98, 30.2),
    (7, "hybrid"): (21.98, 30.2),
    (7, "hybrid, attention"): (23.23, 30.2),
    (8, "fixed"): (23.23, 30.2),
    (8, "dilated"): (23.23, 30.2),
}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, command.main, *arguments)


@pytest.mark.minutes
def test_tables_6_7_and_8(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(monkeypatch, "complexity", "--json", str(tmp_path / "sizes.json")) == 0
    shown = capsys.readouterr().out
    written = read_json(tmp_path / "sizes.json", "sizes")
    found = {(row["table"], row["row"]): row for row in written["rows"]}
    assert found.keys() == DERIVED.keys()
    for key, (millions, giga) in DERIVED.items():
        row = found[key]
        assert row["parameters"] / 1e6 == pytest.approx(millions, rel=0.005), key
        assert row["multiply_adds"] / 1e9 == pytest.approx(giga, rel=0.005), key
        as_printed = row["multiply_adds"] + row["pointwise"]
        if "a" in row["notes"]:  # what note a says: with batch norm and ReLU it is the paper's to the last digit
            assert f"{as_printed / 1e9:.1f}" == f"{row['paper_flops'] / 1e9:.1f}", key
        else:
            assert 0.3e9 < row["paper_flops"] - as_printed < 0.5e9, key
        same = f"{row['parameters'] / 1e6:.1f}" == f"{row['paper_parameters'] / 1e6:.1f}"
        assert same == ("c" not in row["notes"]), key
    assert "23.24" in shown and "30.49" in shown
    for key, note in complexity.NOTES.items():
        assert f"{key}  {note}" in shown


def test_multiply_adds_by_hand() -> None:
    """A network of one stem, one block and one classifier is too large for a hand; its stem and classifier are not."""
    with torch.device("meta"):
        network = build_network("tsn_mobilenet_v2", num_classes=7, segments=2, width=0.35)
    found = count("tsn_mobilenet_v2", num_classes=7, segments=2, size=32, width=0.35)
    by_hand, size = 0, 32
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            size //= module.stride[0]
            by_hand += (
                2 * size**2 * module.out_channels * module.in_channels // module.groups * module.kernel_size[0] ** 2
            )
    assert found.multiply_adds == by_hand + 2 * 1280 * 7
    assert found.parameters == sum(weight.numel() for weight in network.parameters())


def test_a_shift_is_free_and_time_costs_its_taps() -> None:
    fixed: dict[str, Any] = {"num_classes": 5, "segments": 4, "size": 32}
    plain, shifted, deep = (count("sth_resnet18", **fixed, variant=name) for name in ("2d", "tsm", "3d"))
    assert shifted == plain
    once = count("sth_resnet18", **{**fixed, "segments": 1}, variant="2d")
    assert plain.multiply_adds == 4 * once.multiply_adds
    assert 2.5 < deep.multiply_adds / plain.multiply_adds < 3  # 27 taps in place of 9, but for the stem and shortcuts


class Clock:
    """Stands in for ``time``: the n-th forward pass of a network takes what the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Timed(nn.Module):
    def __init__(self, clock: Clock, seconds: list[float], order: list[str], name: str) -> None:
        super().__init__()
        self.clock, self.seconds, self.order, self.name = clock, seconds, order, name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.order.append(self.name)
        self.clock.now += self.seconds.pop(0)
        return x


def test_videos_per_second_are_medians_of_interleaved_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, order = Clock(), []  # type: ignore[var-annotated]
    seconds = {"tsm": [9.0, 1.0, 2.0, 3.0], "hybrid": [9.0, 4.0, 50.0, 4.0]}  # the first of each is a warm-up
    monkeypatch.setattr(runtime, "time", clock)
    monkeypatch.setattr(runtime, "count", lambda *_, **__: Count(1, 1, 1))
    monkeypatch.setattr(
        runtime, "build_network", lambda *_, variant, **__: Timed(clock, seconds[variant], order, variant)
    )
    speeds = runtime.measure(
        ["tsm", "hybrid"], network="x", batch=6, segments=2, size=32, rounds=3, warm_up=1, device=torch.device("cpu")
    )
    assert [speed.samples for speed in speeds] == [(1.0, 2.0, 3.0), (4.0, 50.0, 4.0)]
    assert [speed.videos_per_second for speed in speeds] == [3.0, 1.5]
    assert runtime.ratio(speeds, "hybrid") == 0.5
    assert all(sorted(order[i : i + 2]) == ["hybrid", "tsm"] for i in range(0, 8, 2))
    assert runtime.ratio(speeds[1:], "hybrid") is None


@pytest.mark.minutes
def test_the_runtime_command_times_and_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    small = ["--network", "sth_resnet18", "--size", "32", "--frames", "8", "--rounds", "2", "--warm-up", "0"]
    names = ["--operators", "tsm", "hybrid+attention", "3d"]
    result = tmp_path / "speed.json"
    assert run(monkeypatch, "runtime", *small, *names, "--device", "cpu", "--batch", "2", "--json", str(result)) == 0
    written = read_json(result, "speed")
    assert [row["operator"] for row in written["rows"]] == names[1:]
    assert (written["rounds"], written["input"]) == (2, "2 x 8 x 32 x 32")
    assert written["rows"][0]["ratio_to_tsm"] == 1.0
    assert written["rows"][1]["paper_ratio_to_tsm"] == pytest.approx(68.8 / 80.4)
    assert all(row["videos_per_second"] > 0 and len(row["samples_s"]) == 2 for row in written["rows"])
    assert "hybrid+attention" in capsys.readouterr().out


def test_every_operator_of_the_table_exists() -> None:
    for operator in runtime.OPERATORS:
        with torch.device("meta"):
            build_network("sth_resnet18", num_classes=5, segments=2, **runtime.options_of(operator))
    with pytest.raises(UserError, match="no switch is called atention"):
        runtime.options_of("hybrid+atention")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--rounds", "0"], "rounds is 0"),
        (["--batch", "0"], "batch is 0"),
        (["--frames", "0"], "frames is 0"),
        (["--threads", "0"], "threads is 0"),
        (["--size", "30"], "divisible by 32"),
        (["--operators", "4d"], "variant is '4d'"),
        (["--operators", "tsm+x"], "no switch is called x"),
        (["--network", "sth_resnet7"], "no network is called 'sth_resnet7'"),
        (["--device", "cuda"], "no CUDA device"),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run(monkeypatch, "runtime", "--network", "sth_resnet18", "--size", "32", *arguments) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and reason in lines[0], lines


def small_recipe(**changes: Any) -> Recipe:
    shared: dict[str, Any] = {"network": "sth_mobilenet_v2", "options": {"width": 0.35}, "size": 64, "segments": 2}
    return Recipe(**{**shared, "batch": 8, **changes})


def kept_for_backward(clips: int) -> int:
    """Bytes that a real forward pass keeps beside its parameters."""
    network = build_network("sth_mobilenet_v2", num_classes=100, segments=2, width=0.35).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    frames_NTCHW = torch.randn(clips, 2, 3, 64, 64)
    keep(frames_NTCHW)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(frames_NTCHW).logsumexp(1).sum()
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.minutes
def test_expected_memory_is_what_a_forward_pass_keeps() -> None:
    need = memory.need_of(small_recipe(), 27)
    real = kept_for_backward(3) - kept_for_backward(2)
    assert need.per_clip == pytest.approx(real, rel=0.001)
    weights = sum(
        p.numel() for p in build_network("sth_mobilenet_v2", num_classes=27, segments=2, width=0.35).parameters()
    )
    assert need.parameters == weights
    assert 16 * weights <= need.fixed < 16 * weights + 2**20  # weights, gradients, momentum, buckets
    assert need.of(4) == need.fixed + 2 * need.per_clip
    assert memory.need_of(small_recipe(accumulate=4, optimizer="adamw"), 27).of(1) == pytest.approx(
        need.fixed + 4 * weights + 2 * need.per_clip
    )
    assert memory.need_of(small_recipe(amp="bf16"), 27).per_clip < 0.7 * need.per_clip
    assert memory.need_of(small_recipe(modality="flow"), 27).parameters == weights + 7 * 9 * 16


@pytest.mark.minutes
def test_memory_is_counted_by_the_convolutions_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the count is made on a CPU whose own convolutions gather channels, which keeps more."""
    wide = small_recipe(network="sth_resnet18", options={"p": 0.25}, size=32)
    need = memory.need_of(wide, 27)
    monkeypatch.setattr(STHConv, "_gathering_pays", lambda *_: True)
    memory._kept.cache_clear()
    assert memory.need_of(wide, 27).per_clip > need.per_clip
    monkeypatch.setattr(STHConv, "_gathering_pays", lambda *_: False)
    memory._kept.cache_clear()
    assert memory.need_of(wide, 27).per_clip == need.per_clip
    memory._kept.cache_clear()


@pytest.mark.minutes
def test_the_command_of_expected_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    small = ["--set", "size=32", "segments=2", "options.width=0.35", "--processes", "1", "2"]
    assert run(monkeypatch, "memory", "jester_sth", *small, "--json", str(tmp_path / "m.json")) == 0
    [row] = read_json(tmp_path / "m.json", "result")["rows"]
    assert (row["recipe"], row["input"], row["on_gpu"]) == ("jester_sth", "2 x 32 x 32", "not run")
    assert row["on"][0]["bytes"] - row["on"][1]["bytes"] == pytest.approx(32 * row["bytes_per_clip"], abs=2)
    assert "no recipe was run on a GPU" in capsys.readouterr().out
    (tmp_path / "gpu.json").write_text(json.dumps({"kind": "memory", "rows": [{**row, "on_gpu": "Some GPU: 3.0 GiB"}]}))
    known = ["--measured", str(tmp_path / "gpu.json"), "--json", str(tmp_path / "both.json")]
    assert run(monkeypatch, "memory", "jester_sth", "rendered_sth", *small, *known) == 0
    assert [row["on_gpu"] for row in read_json(tmp_path / "both.json", "result")["rows"]] == [
        "Some GPU: 3.0 GiB", "not run",
    ]  # fmt: skip
    assert "jester_sth on Some GPU: 3.0 GiB" in " ".join(capsys.readouterr().out.split())
    assert run(monkeypatch, "memory", "jester_sth", *small, *known, "--set", "batch=8") == 1
    assert "another jester_sth: batch 64 in place of 8" in capsys.readouterr().err
    (tmp_path / "gpu.json").write_text('{"kind": "ablation"}')
    assert run(monkeypatch, "memory", "jester_sth", *small, *known) == 1
    assert "its kind is 'ablation'" in capsys.readouterr().err
    assert run(monkeypatch, "memory", "jester_sth", "--processes", "0") == 1
    assert run(monkeypatch, "memory", "unknown") == 1
    assert run(monkeypatch, "memory", "something_sth", *small) == 1
    assert "error: --set: sth_resnet50 has no option width" in capsys.readouterr().err
