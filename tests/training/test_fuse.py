"""Score files, fusion by hand, the fusion command, and the test protocols of evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clip_files import ArrayClips, plain_frame
from commands import run_command
from small_networks import randomise
from torch import nn
from training_runs import Run

from training import evaluate as evaluate_command
from training.analysis import fuse as fuse_command
from training.analysis.fuse import fuse
from training.analysis.score_files import Scores, load_scores, save_scores
from training.clips import ClipDataset
from training.clips.input_spec import InputSpec
from training.common.errors import UserError
from training.common.files import read_json
from training.engine.checkpoint import load_checkpoint, network_of, save_checkpoint
from training.engine.loop import FINAL
from training.evaluate import evaluate, open_model
from training.formats import open_data

LABELS = ["A", "B", "C"]


def made(logits: list[list[float]], truths: list[int], names: str = "xyz", labels: list[str] | None = None) -> Scores:
    return Scores(np.array(logits), np.array(truths), list(names[: len(truths)]), labels or LABELS, {"model": "hand"})


ONE = made([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [0, 2])
TWO = made([[0.0, 1.0, 0.0], [0.0, 0.0, 5.0]], [0, 2])


def softmax(row: list[float]) -> np.ndarray:
    return np.exp(row) / np.exp(row).sum()


def test_fusion_by_hand() -> None:
    fused = fuse([ONE, TWO])
    np.testing.assert_allclose(fused.logits_MK[0], (softmax([2, 0, 0]) + softmax([0, 1, 0])) / 2)
    np.testing.assert_allclose(fuse([ONE, TWO], average="logits").logits_MK, [[1, 0.5, 0], [0, 0.5, 2.5]])
    weighted = fuse([ONE, TWO], weights=[3, 1], average="logits")
    np.testing.assert_allclose(weighted.logits_MK, [[1.5, 0.25, 0], [0, 0.75, 1.25]])
    assert weighted.about["weights"] == [0.75, 0.25]
    np.testing.assert_allclose(fuse([ONE, TWO, TWO], weights=[1, 0, 0], average="logits").logits_MK, ONE.logits_MK)
    np.testing.assert_allclose(fuse([made([[1000.0, 0, 0]], [0])] * 2).logits_MK, [[1, 0, 0]])  # no overflow


def test_clips_and_labels_are_matched_by_name() -> None:
    """The same run with its clips and its labels in another order fuses to itself."""
    other = Scores(ONE.logits_MK[::-1][:, [2, 0, 1]], np.array([0, 1]), ["y", "x"], ["C", "A", "B"], {})
    fused = fuse([ONE, other], average="logits")
    np.testing.assert_allclose(fused.logits_MK, ONE.logits_MK)
    assert fused.truths_M.tolist() == [0, 2]
    assert (fused.names, fused.labels) == (["x", "y"], LABELS)


def test_common_clips_only_on_demand() -> None:
    longer = made([[0.0, 1.0, 0.0], [0.0, 0.0, 5.0], [1.0, 0.0, 0.0]], [0, 2, 1])
    for runs in ([ONE, longer], [longer, ONE]):
        with pytest.raises(UserError, match=r"has 3 clips, 2 of them in all runs \(z is not\); --common"):
            fuse(runs)
        assert fuse(runs, common=True).names == ["x", "y"]


@pytest.mark.parametrize(
    ("runs", "options", "reason"),
    [
        ([ONE], {}, "at least two"),
        ([ONE, TWO], {"weights": [1.0]}, "1 weights are given for 2 runs"),
        ([ONE, TWO], {"weights": [1.0, -1.0]}, "expected none below 0"),
        ([ONE, TWO], {"weights": [0.0, 0.0]}, "expected none below 0"),
        ([ONE, TWO], {"weights": [1.0, float("nan")]}, "expected none below 0"),
        ([ONE, TWO], {"average": "votes"}, "softmax, logits"),
        ([ONE, made([[0.0, 1.0, 0.0]] * 2, [1, 2])], {}, "run 1 and run 2 disagree on the label of x"),
        ([ONE, made([[0.0, 1.0, 0.0]] * 2, [0, 2], labels=["A", "B", "D"])], {}, "not those of run 1"),
        ([ONE, made([[0.0, 1.0, 0.0]] * 2, [0, 2], "pq")], {"common": True}, "no clip in common"),
    ],
)
def test_runs_that_do_not_fit_are_refused(runs: list[Scores], options: dict[str, object], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        fuse(runs, **options)  # type: ignore[arg-type]


def test_a_score_file_comes_back(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    save_scores(tmp_path / "run" / "scores.npz", ONE)
    for path in (tmp_path / "run", tmp_path / "run" / "scores.npz"):
        back = load_scores(path)
        np.testing.assert_array_equal(back.logits_MK, ONE.logits_MK)
        assert back.truths_M.tolist() == [0, 2]
        assert (back.names, back.labels, back.about) == (ONE.names, ONE.labels, ONE.about)


def test_files_that_hold_no_scores_are_explained(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    save_scores(tmp_path / "twice.npz", made([[1.0, 0, 0]] * 2, [0, 0], "xx"))
    save_scores(tmp_path / "short.npz", made([[1.0, 0, 0]], [0, 0]))
    for name, reason in (
        ("absent.npz", "there is no"),
        ("text.npz", "is no score file"),
        ("other.npz", "is no score file"),
        ("twice.npz", "names a clip twice"),
        ("short.npz", "is damaged"),
    ):
        with pytest.raises(UserError, match=reason):
            load_scores(tmp_path / name)
    with pytest.raises(UserError, match=r"ending in \.npz"):
        save_scores(tmp_path / "scores.json", ONE)


@pytest.fixture
def lively(trained: Run, tmp_path: Path) -> str:
    """A checkpoint whose logits differ from clip to clip: those of the short run hardly do."""
    checkpoint = load_checkpoint(trained.folder / FINAL)
    network = network_of(checkpoint)
    randomise(network)
    nn.init.normal_(network.classifier.weight, 0, 0.5)
    save_checkpoint(tmp_path / "lively.pt", {**checkpoint, "model": network.state_dict()})
    return str(tmp_path / "lively.pt")


def test_evaluate_writes_what_fuse_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lively: str, tmp_path: Path
) -> None:
    model, data = lively, ["--data", "rendered:6:3"]
    centre, two, fused, figures = (str(tmp_path / name) for name in ("1.npz", "2.npz", "fused.npz", "fused.json"))
    assert run_command(monkeypatch, evaluate_command.main, model, *data, "--scores", centre) == 0
    assert run_command(monkeypatch, evaluate_command.main, model, *data, "--clips-per-video", "2", "--scores", two) == 0
    one, other = load_scores(Path(centre)), load_scores(Path(two))
    assert one.names == other.names and len(one.names) == 6
    assert (one.about["clips_per_video"], other.about["clips_per_video"]) == (1, 2)
    assert float(np.abs(one.logits_MK - other.logits_MK).max()) > 1e-2
    capsys.readouterr()
    options = ["--average", "logits", "--weights", "1", "3", "--scores", fused, "--json", figures]
    assert run_command(monkeypatch, fuse_command.main, centre, two, *options) == 0
    written = read_json(figures, "figures")
    np.testing.assert_allclose(
        load_scores(Path(fused)).logits_MK, one.logits_MK / 4 + other.logits_MK * 3 / 4, atol=1e-4
    )
    assert [row["weight"] for row in written["runs"]] == [0.25, 0.75]
    assert written["runs"][0]["top1"] == evaluate(model, data[1])["top1"]
    assert written["fused"]["clips"] == 6
    assert "fused" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["one.npz"], "at least two"), (["one.npz", "absent.npz"], "there is no"),
     (["one.npz", "one.npz", "--scores", "fused.txt"], "ending in .npz"),
     (["one.npz", "other.npz"], "one.npz and other.npz disagree on the label of x")],
)  # fmt: skip
def test_bad_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    arguments: list[str], reason: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    save_scores(Path("one.npz"), ONE)
    save_scores(Path("other.npz"), made([[0.0, 1.0, 0.0]] * 2, [1, 2]))
    assert run_command(monkeypatch, fuse_command.main, *arguments) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and reason in lines[0]


def test_three_crops_are_the_ends_and_the_middle() -> None:
    """A frame of three colours side by side: each crop sees one, at the whole height."""
    frame = np.concatenate([plain_frame(colour, 32, 32) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))], axis=1)
    spec = InputSpec(segments=2, size=32)
    for frames in (np.stack([frame] * 2), np.stack([frame.transpose(1, 0, 2)] * 2)):  # lying and standing
        crops = spec.three_crops_resize(frames)
        assert crops.shape == (3, 2, 32, 32, 3)
        assert [crops[k].max(axis=(0, 1, 2)).tolist() for k in range(3)] == [[200, 0, 0], [0, 200, 0], [0, 0, 200]]


@pytest.mark.parametrize(("clips", "crops"), [(1, 1), (2, 1), (10, 1), (2, 3), (10, 3)])
def test_clips_and_crops_of_a_video(clips: int, crops: int) -> None:
    """Crop by crop, and each crop clip by clip; a frame's grey level tells its number, its blue one the side."""
    video = np.zeros((40, 32, 64, 3), np.uint8)
    video[..., 0] = np.arange(40)[:, None, None] * 5
    video[:, :, 32:, 2] = 100
    spec = InputSpec(segments=4, size=32, crop_fraction=1.0)
    source = ArrayClips([video], ["A"], [0])
    dataset = ClipDataset(source, spec, training=False, clips_per_video=clips, crops=crops)
    frames = dataset[0].frames_CTHWC.numpy()  # type: ignore[union-attr]
    assert frames.shape == (clips * crops, 4, 32, 32, 3)
    numbers = frames[:, :, 0, 0, 0].reshape(crops, clips, 4) // 5
    assert (numbers == numbers[0]).all()
    assert len({tuple(row) for row in numbers[0].tolist()}) == clips
    if crops == 3:
        assert frames[..., 2].reshape(3, -1).mean(axis=1).tolist() == [0, 50, 100]


def test_evaluation_averages_clips_and_crops(lively: str, tmp_path: Path) -> None:
    spec, _, predict, _ = open_model(lively)
    result = evaluate(lively, "rendered:2:4", clips_per_video=2, crops=3, keep=tmp_path / "kept.npz")
    assert (result["clips"], result["crops"], result["clips_per_video"]) == (2, 3, 2)
    kept = load_scores(tmp_path / "kept.npz")
    source = open_data("rendered:2:4", "validation")
    dataset = ClipDataset(source, spec, training=False, clips_per_video=2, crops=3)
    for index in range(2):
        single = np.stack([predict(clip.numpy()) for clip in dataset[index].frames_CTHWC])  # type: ignore[union-attr]
        assert len(single) == 6 and float(single.std(axis=0).max()) > 1e-2
        np.testing.assert_allclose(kept.logits_MK[index], single.mean(axis=0), atol=1e-4)
        assert (kept.names[index], kept.truths_M[index]) == (source.name_of(index), source.label_of(index))
    with pytest.raises(UserError, match="crops is 2"):
        evaluate(lively, "rendered:1:4", crops=2)
