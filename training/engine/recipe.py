"""Recipes: everything that defines a training run, as one complete dataclass made by a Python function."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from training.clips.input_spec import FLOW_CHANNELS, InputSpec
from training.common.errors import UserError
from training.engine.typed_text import option_of, value_of
from training.networks import NETWORKS, complete_options


@dataclasses.dataclass
class Recipe:
    """A training run. Defaults are the paper's (Section 4.2) and, where it is silent, TSN's.

    Attributes:
        network, options: arguments of ``build_network``.
        train_data, validation_data: see ``training.clips.DATA_HELP``.
        modality: rgb, or flow: 5 stacked fields of optical flow in place of each frame, cached in ``flow_cache``
            (``training.analysis.flow``).
        frame_size: height and width that every frame gets before it is cropped ([256, 340] in the paper); [] leaves it.
        size, segments: of the input; ``early_size`` trains the first ``early_epochs`` at a smaller size (0: none).
        optimizer: sgd (the paper's, with ``momentum``) or adamw.
        milestones: epochs after which the rate falls by 10 ("steps" schedule); "cosine" falls to 0.
        clip_gradient: largest norm of all gradients together; 0 leaves them.
        appearance: strength of the strong augmentation for rendered clips (`training.clips.appearance`); 0: none.
        crop_scales: sides of the random crop as shares of the short side.
        batch: clips of one step of the optimiser, of all processes together.
        accumulate: parts that each process makes of its share of a batch, one after the other, to save memory.
        sync_batch_norm: batch norm takes its statistics over all processes (not over accumulated parts).
        amp: none, bf16 or fp16 mixed precision.
        supervision: "clip" teaches one label per clip; "frame" one per frame, from windows of streams.
        window: frames of a training clip where they are not ``segments`` (0): the causal network of a stream learns
            from windows longer than its clip form, which the checkpoint describes.
        frames_per_second: how fast frames come to the stream of a causal network; its contract carries it.
        weights: ImageNet initialisation: "" (random), "imagenet" (torchvision's, online) or a file.
        init: a float checkpoint of the same network to start from, "" for none; with ``finetune`` it may have been
            trained on other classes, and the classifier stays random.
        fresh_each_epoch: rendered clips only; every epoch sees new clips.
        skip_broken: validation leaves out clips that cannot be used and counts them; else it stops at one. Training
            always leaves them out.
        cache_short_side: keep decoded clips in memory at this short side in pixels; 0 decodes them every time.
        frame_cache: folder that keeps the frames of rendered clips, so that runs that want the same ones draw them once
            (8 frames take 0.3 MB); "" keeps none.
        checkpoint_minutes: at most this much work is lost when the run is killed.
        qat_*: quantization-aware training of the deploy form that follows (``sth qat``); ``qat_correct_bias`` lets it
            start from biases that take up the mean error of rounded weights.
    """

    name: str = "unnamed"
    network: str = "sth_mobilenet_v2"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    train_data: str = ""
    validation_data: str = ""
    modality: str = "rgb"
    flow_cache: str = ""
    frame_size: list[int] = dataclasses.field(default_factory=list)
    size: int = 224
    segments: int = 8
    early_size: int = 0
    early_epochs: int = 0
    epochs: int = 50
    batch: int = 64
    accumulate: int = 1
    sync_batch_norm: bool = False
    optimizer: str = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "steps"
    milestones: list[int] = dataclasses.field(default_factory=lambda: [20, 40])
    warmup_epochs: float = 0.0
    clip_gradient: float = 20.0
    label_smoothing: float = 0.0
    flip: bool = True
    colour_jitter: float = 0.0
    appearance: float = 0.0
    crop_scales: list[float] = dataclasses.field(default_factory=lambda: [1.0, 0.875, 0.75, 0.66])
    dropout: float = 0.5
    fresh_each_epoch: bool = False
    repeat_short: bool = False
    skip_broken: bool = False
    cache_short_side: int = 0
    frame_cache: str = ""
    supervision: str = "clip"
    window: int = 0
    frames_per_second: float = 4.0
    weights: str = ""
    init: str = ""
    finetune: bool = False
    seed: int = 0
    amp: str = "none"
    channels_last: bool = True
    compile: bool = False
    device: str = "auto"
    workers: int = 2
    threads: int = 0
    validate_every: int = 1
    checkpoint_minutes: float = 5.0
    out: str = ""
    qat_epochs: int = 2
    qat_lr: float = 1e-3
    qat_freeze: float = 0.5
    qat_correct_bias: bool = False

    def input_spec(self) -> InputSpec:
        """What the network expects of its input."""
        spec = InputSpec(segments=self.segments, size=self.size)
        return spec if self.modality == "rgb" else spec.of_channels(FLOW_CHANNELS)

    def network_options(self) -> dict[str, Any]:
        """The options of ``build_network`` that a checkpoint keeps: those of the recipe, and its modality's."""
        return dict(self.options) if self.modality == "rgb" else {**self.options, "channels": FLOW_CHANNELS}

    def frames(self) -> int:
        """T of the clips that are trained and validated on."""
        return self.window or self.segments

    def fingerprint(self) -> str:
        """A short hash of all that changes the result of the run (not of where it runs)."""
        kept = {key: value for key, value in dataclasses.asdict(self).items() if key not in _WHERE}
        # Runs that began before these keys existed go on.
        kept = {key: value for key, value in kept.items() if key not in _LATER or value != _LATER[key]}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]


_WHERE = (
    "out", "workers", "checkpoint_minutes", "device", "threads", "accumulate", "flow_cache", "frame_cache",
    "skip_broken",  # of validation: a run that stopped at a broken clip goes on without it
)  # fmt: skip
_LATER: dict[str, Any] = {
    "supervision": "clip", "window": 0, "init": "", "frames_per_second": 4.0, "qat_correct_bias": False,
    "sync_batch_norm": False, "modality": "rgb", "frame_size": [], "finetune": False, "appearance": 0.0,
}  # fmt: skip

_CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("sgd", "adamw"),
    "schedule": ("steps", "cosine"),
    "amp": ("none", "bf16", "fp16"),
    "supervision": ("clip", "frame"),
    "modality": ("rgb", "flow"),
    "device": ("auto", "cpu", "cuda"),
}


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """What two recipes or sets of options differ in, for people; where a run happens makes no difference."""
    lines = []
    for key in [*theirs, *(key for key in ours if key not in theirs)]:
        a, b = (side.get(key, _LATER.get(key)) for side in (theirs, ours))
        if a == b or key in _WHERE:
            continue
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            lines += [f"{key}.{line}" for line in differences(a, b)]
        else:
            lines.append(f"{key} is {a} in the checkpoint and {b} here")
    return lines


def override(recipe: Recipe, assignments: Sequence[str]) -> Recipe:
    """The recipe with ``key=value`` assignments applied; ``options.p=0.5`` reaches into the network's options.

    A value is read by the type of its field: a text is taken as it stands, lists are written ``[1,2]``.

    Raises:
        UserError: an unknown key or a value of the wrong type.
    """
    given = [one.partition("=") for one in assignments]
    if bad := [key for key, equals, _ in given if not equals]:
        raise UserError(f"--set {bad[0]!r}: expected key=value")
    texts = {key: text for key, _, text in given}
    kinds = typing.get_type_hints(Recipe)
    options = _defaults_of_options(texts.get("network", recipe.network))
    changes: dict[str, Any] = {"options": dict(recipe.options)}
    for key, text in texts.items():
        name = key.removeprefix("options.")
        try:
            if name != key:
                changes["options"][name] = option_of(text, options[name])
            elif key == "options":
                raise ValueError("name the option, as in options.p=0.5")
            else:
                changes[key] = value_of(text, kinds[key])
        except KeyError as error:
            known = kinds if name == key else options
            what = "there is no key" if name == key else f"{changes.get('network', recipe.network)} has no option"
            raise UserError(f"--set: {what} {name}; there are: {', '.join(known)}") from error
        except ValueError as error:
            raise UserError(f"--set: {key}: {error}") from error
    changed = dataclasses.replace(copy.deepcopy(recipe), **changes)
    check(changed)
    return changed


def _defaults_of_options(network: str) -> dict[str, Any]:
    if network not in NETWORKS:
        raise UserError(f"no network is called {network!r}; there are: {', '.join(sorted(NETWORKS))}")
    return complete_options(network, {})


_AT_LEAST: dict[str, float] = {
    "epochs": 1,
    "batch": 1,
    "accumulate": 1,
    "segments": 1,
    "validate_every": 1,
    "window": 0,
    "qat_epochs": 1,
    "seed": 0,
    "workers": 0,
    "threads": 0,
    "early_epochs": 0,
    "cache_short_side": 0,
    "warmup_epochs": 0,
    "lr": 0,
    "qat_lr": 0,
    "clip_gradient": 0,
    "checkpoint_minutes": 0,
}


def check(recipe: Recipe) -> None:
    """Refuse values that would fail later, when a run has begun.

    Raises:
        UserError: names the key and what is expected.
    """
    for key, choices in _CHOICES.items():
        if getattr(recipe, key) not in choices:
            raise UserError(f"{key} is {getattr(recipe, key)!r}; expected one of {', '.join(choices)}")
    for key, least in _AT_LEAST.items():
        if not getattr(recipe, key) >= least:
            raise UserError(f"{key} is {getattr(recipe, key)}; expected at least {least:g}")
    if recipe.size <= 0 or recipe.size % 32:
        raise UserError(f"size is {recipe.size}; expected a positive multiple of 32")
    if recipe.early_epochs and (recipe.early_size <= 0 or recipe.early_size % 32):
        raise UserError(f"early_size is {recipe.early_size}; expected a positive multiple of 32, or early_epochs=0")
    if not recipe.crop_scales or not all(0 < scale <= 1 for scale in recipe.crop_scales):
        raise UserError(f"crop_scales is {recipe.crop_scales}; expected shares above 0 and up to 1")
    for key in ("label_smoothing", "qat_freeze", "dropout"):
        if not 0 <= getattr(recipe, key) <= 1:
            raise UserError(f"{key} is {getattr(recipe, key)}; expected a share between 0 and 1")
    if recipe.window and recipe.supervision == "clip":
        raise UserError(f"window is {recipe.window}; it needs supervision=frame, a clip has {recipe.segments} segments")
    if recipe.frame_size and (len(recipe.frame_size) != 2 or min(recipe.frame_size) < 1):
        raise UserError(f"frame_size is {recipe.frame_size}; expected a height and a width, as [256,340], or []")
    if recipe.modality == "flow" and (recipe.colour_jitter or recipe.cache_short_side):
        raise UserError("modality is flow: no colours, and its own cache; set colour_jitter and cache_short_side to 0")
    if recipe.supervision == "frame" and (recipe.modality == "flow" or recipe.frame_size):
        raise UserError("supervision is frame; it needs modality=rgb and frame_size=[]")
    if recipe.finetune and not recipe.init:
        raise UserError("finetune needs a checkpoint to start from; give --finetune FINAL.pt")
    if recipe.weights and recipe.init:
        raise UserError("weights and init both say what to start from; give one of them")
    if recipe.qat_freeze == 0:
        raise UserError("qat_freeze is 0: no range would ever be observed; expected a share above 0")
