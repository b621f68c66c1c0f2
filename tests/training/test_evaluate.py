"""Scores worked by hand, and the evaluation of a checkpoint by its command."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from clip_files import write_jester
from commands import run_command
from training_runs import Run

from training import evaluate as evaluate_command
from training.clips import ClipDataset
from training.common.errors import UserError
from training.common.files import read_json
from training.engine.checkpoint import input_spec_of, load_checkpoint, network_of, save_checkpoint
from training.engine.loop import FINAL
from training.engine.metrics import confusion_matrix, plot_confusion, scores
from training.evaluate import evaluate, open_model
from training.formats import open_data

DATA = "rendered:9:3"


def test_the_confusion_matrix_by_hand() -> None:
    """Row: the true class; column: the predicted one."""
    counts = confusion_matrix(np.array([0, 1, 1, 2, 0]), np.array([0, 1, 2, 2, 2]), 4)
    assert counts.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]


def test_top_1_and_top_5_by_hand() -> None:
    falling = np.array([7.0, 6, 5, 4, 3, 2, 1])
    logits = np.stack([falling, falling, falling, falling[::-1]])
    found = scores(logits, np.array([0, 4, 5, 6]))  # first, fifth, sixth, and first again
    assert (found["clips"], found["top1"], found["top5"]) == (4, 50.0, 75.0)
    assert found["confusion"][4] == [1, 0, 0, 0, 0, 0, 0]
    assert found["confusion"][6] == [0, 0, 0, 0, 0, 0, 1]
    assert sum(map(sum, found["confusion"])) == 4


def test_top_5_of_fewer_classes_is_all() -> None:
    found = scores(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([0, 0]))
    assert (found["top1"], found["top5"]) == (50.0, 100.0)


def test_equal_logits_take_the_first_class() -> None:
    assert scores(np.zeros((1, 6)), np.array([0]))["top1"] == 100.0
    assert scores(np.zeros((1, 6)), np.array([1]))["top1"] == 0.0
    assert scores(np.zeros((1, 6)), np.array([5]))["top5"] == 0.0


@pytest.mark.parametrize(("logits", "labels"), [((0, 3), 0), ((2, 3), 1), ((1, 3), 2)])
def test_no_score_of_nothing(logits: tuple[int, int], labels: int) -> None:
    with pytest.raises(ValueError, match="do not make a score"):
        scores(np.zeros(logits), np.zeros(labels, int))


def test_a_checkpoint_is_scored_clip_by_clip(trained: Run) -> None:
    checkpoint = load_checkpoint(trained.folder / FINAL)
    network, spec = network_of(checkpoint), input_spec_of(checkpoint)
    dataset = ClipDataset(open_data(DATA, "validation"), spec, training=False)
    wanted = []
    for index in range(9):
        item = dataset[index]
        with torch.no_grad():
            wanted.append(int(network(spec.to_network(item.frames_CTHWC)).argmax()))  # type: ignore[union-attr]
    truths = [open_data(DATA, "validation").label_of(index) for index in range(9)]
    result = evaluate(str(trained.folder / FINAL), DATA)
    assert result["clips"] == 9
    assert result["top1"] == pytest.approx(100 * float(np.mean(np.equal(wanted, truths))))
    matrix = np.zeros((27, 27), int)
    for truth, predicted in zip(truths, wanted, strict=True):
        matrix[truth, predicted] += 1
    assert result["confusion"] == matrix.tolist()
    assert (result["precision"], result["network"], result["data"]) == ("float", "sth_mobilenet_v2", DATA)
    assert result["skipped"] == {}


def test_several_clips_of_a_video_are_averaged(trained: Run) -> None:
    spec, _, predict, _ = open_model(str(trained.folder / FINAL))
    dataset = ClipDataset(open_data("rendered:1:4", "validation"), spec, training=False, clips_per_video=2)
    frames = dataset[0].frames_CTHWC.numpy()  # type: ignore[union-attr]
    assert frames.shape[0] == 2
    assert not np.array_equal(frames[0], frames[1])
    mean = (predict(frames[0]) + predict(frames[1])) / 2
    result = evaluate(str(trained.folder / FINAL), "rendered:1:4", clips_per_video=2)
    assert np.argmax(result["confusion"], axis=1).max() == int(mean.argmax())
    with pytest.raises(UserError, match="clips per video is 0"):
        evaluate(str(trained.folder / FINAL), DATA, clips_per_video=0)


def jester(root: Path, labels: list[str], *, broken: tuple[str, ...] = (), split: str = "validation") -> str:
    write_jester(root, {str(number): number % 2 for number in range(3)}, labels, split=split)
    for name in broken:
        shutil.rmtree(root / "20bn-jester-v1" / name)
    return str(root)


def two_class_model(trained: Run, folder: Path) -> str:
    """The trained features with a classifier of two classes."""
    checkpoint = load_checkpoint(trained.folder / FINAL)
    model = {name: value[:2] if name.startswith("classifier") else value for name, value in checkpoint["model"].items()}
    save_checkpoint(folder / "two.pt", {**checkpoint, "labels": ["Thumb Up", "Stop Sign"], "model": model})
    return str(folder / "two.pt")


def test_a_broken_clip_stops_unless_it_may_be_skipped(trained: Run, tmp_path: Path) -> None:
    model = two_class_model(trained, tmp_path)
    data = jester(tmp_path / "data", ["Thumb Up", "Stop Sign"], broken=("1",))
    with pytest.raises(UserError, match=r"clip 1: missing: .*; --skip-broken leaves out such clips"):
        evaluate(model, data)
    result = evaluate(model, data, skip_broken=True)
    assert result["clips"] == 2
    assert list(result["skipped"]) == ["1"]


def test_other_labels_are_refused(trained: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="label"):
        evaluate(two_class_model(trained, tmp_path), DATA)
    with pytest.raises(UserError, match="label"):
        evaluate(str(trained.folder / FINAL), jester(tmp_path / "data", ["Thumb Up", "Waving"]))


def test_a_split_without_labels_is_refused(trained: Run, tmp_path: Path) -> None:
    model = two_class_model(trained, tmp_path)
    data = jester(tmp_path / "data", ["Thumb Up", "Stop Sign"], split="test")
    with pytest.raises(UserError, match="without labels"):
        evaluate(model, data, split="test")


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return run_command(monkeypatch, evaluate_command.main, *arguments)


@pytest.mark.minutes
def test_the_command_prints_draws_and_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: Run, tmp_path: Path
) -> None:
    picture, result = tmp_path / "confusion.png", tmp_path / "scores.json"
    model = str(trained.folder / FINAL)
    arguments = ["--data", "rendered:9:1", "--seed", "3", "--plot", str(picture), "--json", str(result)]
    assert command(monkeypatch, model, *arguments) == 0
    written = read_json(result, "scores")
    assert written["data"] == DATA  # the seed given last
    assert written["top1"] == evaluate(model, DATA)["top1"]
    assert f"{written['top1']:.2f} %" in capsys.readouterr().out
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_confusion_matrix_is_drawn_as_svg_too(tmp_path: Path) -> None:
    plot_confusion([[3, 1], [0, 0]], ["one", "two"], tmp_path / "c.svg", "title")
    assert "<svg" in (tmp_path / "c.svg").read_text()
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        plot_confusion([[1]], ["one"], tmp_path / "c.doc", "title")
    assert not (tmp_path / "c.doc").exists()


@pytest.mark.parametrize(
    ("model", "arguments", "reason"),
    [
        ("absent.pt", [], "there is no checkpoint"),
        ("hello.pt", [], "is no checkpoint"),
        ("absent.tflite", [], "there is no artefact"),
        ("hello.txt", [], "is no artefact"),
        ("FINAL", ["--data", "absent"], "there is no absent"),
        ("FINAL", ["--data", "rendered:5"], "rendered:COUNT:SEED"),
        ("FINAL", ["--plot", "picture.doc"], ".png or .svg"),
        ("FINAL", ["--clips-per-video", "0"], "clips per video"),
        ("FINAL", ["--data", "rendered_stream:0:1", "--seed", "7"], "'rendered_stream:0:7'"),
        ("FINAL", ["--data", "folder", "--seed", "7"], "the data are folder"),
    ],
)
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: Run, tmp_path: Path,
    model: str, arguments: list[str], reason: str,
) -> None:  # fmt: skip
    for name in ("hello.pt", "hello.txt"):
        (tmp_path / name).write_text("hello\n")
    path = trained.folder / FINAL if model == "FINAL" else tmp_path / model
    assert command(monkeypatch, str(path), *arguments) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert reason in lines[0]
