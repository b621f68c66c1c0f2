"""Where a network looks in a clip: ``sth saliency CHECKPOINT VIDEO --plot FILE``.

Class activation maps. The networks end in a mean over space and one linear layer, so a class's logit of a frame is the
mean of its map, plus the bias, exactly: the map says which places spoke for the class and which against it.

Axes: T frame, C channel, H row, W column, K class.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from training.clips import UNLABELLED, ClipIndex, ClipRecord, FileClips, as_modality
from training.clips.input_spec import InputSpec
from training.clips.sampling import centre_segment_frames, check_length
from training.common.command_line import command_parser
from training.common.errors import UserError, run_cli
from training.common.pictures import check_picture, drawing
from training.engine.checkpoint import input_spec_of, load_checkpoint, network_of
from training.networks import FrameNetwork

EXAMPLES = """examples:
  sth saliency runs/rendered_sth-seed0/final.pt clip.mp4 --plot saliency.png
  sth saliency final.pt FOLDER_OF_FRAMES --label "Swiping Left" --plot saliency.png
"""


@torch.no_grad()
def class_maps(network: FrameNetwork, x_1TCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps of every class (T, K, H', W') and the logits of each frame (T, K).

    ``logits[t, k] = mean of maps[t, k] + bias[k]``.

    Raises:
        UserError: a network with layers between the mean and the classifier.
    """
    if type(network) is not FrameNetwork:
        raise UserError(f"{type(network).__name__} has layers between the mean over space and the classifier: no maps")
    features_TCHW = network.features(x_1TCHW[0].contiguous(memory_format=torch.channels_last))
    maps_TKHW = torch.einsum("tchw,kc->tkhw", features_TCHW, network.classifier.weight)
    return maps_TKHW, maps_TKHW.mean(dim=(2, 3)) + network.classifier.bias


def read_clip(video: Path, spec: InputSpec, frame_size: Sequence[int] = ()) -> tuple[np.ndarray, np.ndarray]:
    """The centre frames of T segments, as evaluation takes them: uint8 (T, S, S, 3) and their numbers.

    Args:
        frame_size: of the recipe, which every frame gets before it is cropped.

    Raises:
        UserError: missing, broken or too short.
    """
    index = ClipIndex([], [ClipRecord(video, UNLABELLED, video.name)], "", video)
    source = as_modality(FileClips(index), "rgb", frame_size=frame_size)
    count = source.frame_count(0)
    check_length(video.name, count, spec.segments)
    numbers_T = centre_segment_frames(count, spec.segments)[0]
    return spec.centre_crop_resize(source.frames(0, numbers_T.tolist())), numbers_T


def class_of(labels: list[str], wanted: str | None, logits_K: np.ndarray) -> int:
    """The class asked for, or the first one.

    Raises:
        UserError: no such class.
    """
    if wanted is None:
        return int(logits_K.argmax())
    if wanted not in labels:
        raise UserError(f"no class is called {wanted!r}; there are: {', '.join(labels)}")
    return labels.index(wanted)


def overlay(frame_SSC: np.ndarray, map_HW: np.ndarray, largest: float) -> np.ndarray:
    """The map over its frame: red speaks for the class, blue against it; grey is the frame."""
    size = frame_SSC.shape[0]
    share_SS = cv2.resize(map_HW, (size, size), interpolation=cv2.INTER_CUBIC) / largest
    share_SS = np.clip(share_SS, -1, 1)[..., None]
    grey_SSC = np.repeat(cv2.cvtColor(frame_SSC, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.float32)
    colour = np.where(share_SS > 0, (255.0, 40.0, 20.0), (20.0, 60.0, 255.0))
    weight = 0.65 * np.abs(share_SS)
    return ((1 - weight) * grey_SSC + weight * colour).round().astype(np.uint8)


def plot(frames_TSSC: np.ndarray, maps_THW: np.ndarray, about: dict[str, Any], target: Path) -> None:
    """Frames above, their maps below, with each frame's logit."""
    frames = len(frames_TSSC)
    largest = max(float(np.abs(maps_THW).max()), 1e-9)
    with drawing(target, 2, frames, inches=(1.5 * frames, 3.6), squeeze=False) as (figure, panels):
        for frame in range(frames):
            panels[0][frame].imshow(frames_TSSC[frame])
            panels[0][frame].set_title(f"frame {about['frames'][frame]}", fontsize=8)
            panels[1][frame].imshow(overlay(frames_TSSC[frame], maps_THW[frame], largest))
            panels[1][frame].set_title(f"logit {about['logits'][frame]:.1f}", fontsize=8)
        for axes in panels.ravel():
            axes.axis("off")
        title = f"{about['video']}: {about['label']} ({about['share']:.0%}); red for, blue against"
        figure.suptitle(title, fontsize=10)


def main() -> None:
    parser = command_parser("sth saliency", __doc__, EXAMPLES)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("video", type=Path, help="a video file, or a folder of numbered pictures")
    parser.add_argument("--label", help="of this class (default: the one that the network names)")
    parser.add_argument("--plot", type=Path, required=True, metavar="FILE", help="picture, .png or .svg")
    arguments = parser.parse_args(sys.argv[1:])
    check_picture(arguments.plot)
    checkpoint = load_checkpoint(arguments.checkpoint)
    if checkpoint["recipe"].get("modality", "rgb") != "rgb":
        raise UserError(f"{arguments.checkpoint} sees optical flow, which has no picture to lay a map over")
    network = network_of(checkpoint, arguments.checkpoint)
    spec = input_spec_of(checkpoint, arguments.checkpoint)
    frames_TSSC, numbers_T = read_clip(arguments.video, spec, checkpoint["recipe"].get("frame_size", ()))
    maps_TKHW, logits_TK = class_maps(network, spec.to_network(torch.from_numpy(frames_TSSC)[None]))
    mean_K = logits_TK.mean(dim=0)
    labels = list(checkpoint["labels"])
    chosen = class_of(labels, arguments.label, mean_K.numpy())
    about = {"video": arguments.video.name, "label": labels[chosen], "share": float(mean_K.softmax(dim=0)[chosen]),
             "frames": numbers_T.tolist(), "logits": logits_TK[:, chosen].tolist()}  # fmt: skip
    plot(frames_TSSC, maps_TKHW[:, chosen].numpy(), about, arguments.plot)
    print(f"{about['label']}: {about['share']:.1%}; wrote {arguments.plot}")


if __name__ == "__main__":
    run_cli(main)
